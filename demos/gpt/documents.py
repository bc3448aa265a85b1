"""Words as lists of tokens: a token is the number of a letter, or that of the word's boundary."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

__all__ = ["NAMES", "Alphabet", "Documents", "DocumentsError", "read_documents"]

NAMES = Path(__file__).with_name("names.txt")
NONE_FOLLOWS = -1


class DocumentsError(ValueError):
    """Why a file's words cannot be learnt."""


@dataclass(frozen=True, slots=True)
class Alphabet:
    """The letters that are known, each by its place; after them comes the boundary of a word.

    >>> letters = Alphabet("abc")
    >>> letters.tokens("cab"), letters.boundary, letters.text([2, 0])
    ([2, 0, 1], 3, 'ca')
    """

    letters: str

    @property
    def boundary(self) -> int:
        """The token before a word and after it."""
        return len(self.letters)

    def tokens(self, word: str) -> list[int]:
        """Return the tokens of a word's letters; raise DocumentsError for a letter unknown."""
        unknown = sorted(set(word) - set(self.letters))
        if unknown:
            raise DocumentsError(
                f"{word!r} has {', '.join(map(repr, unknown))}, which no word of the text has: "
                f"its letters are {self.letters!r}"
            )
        return [self.letters.index(letter) for letter in word]

    def text(self, tokens: Iterable[int]) -> str:
        return "".join(self.letters[token] for token in tokens)


class Documents:
    """Words to learn from, in order, and what a GPT that sees ``context`` tokens is given of each.

    The alphabet is that of their letters, unless another is given.

    >>> words = Documents(["abba", "a"], context=3)
    >>> words.rows(2)
    ([[2, 0, 1], [2, 0]], [[0, 1, 1], [0, 2]])
    >>> words.rows(2, padded=True)
    ([[2, 0, 1], [2, 0, 2]], [[0, 1, 1], [0, 2, -1]])
    """

    def __init__(
        self, words: Sequence[str], context: int, alphabet: Alphabet | None = None
    ) -> None:
        self.words = words
        self.alphabet = alphabet or Alphabet("".join(sorted(set("".join(words)))))
        self.context = context
        self.positions = min(context, max(map(len, words)) + 1)

    def rows(self, count: int, *, padded: bool = False) -> tuple[list[list[int]], list[list[int]]]:
        """Return the tokens of so many words, and for each token which one follows it.

        After the last word comes the first again.  ``padded`` lets all be of one length: there a
        boundary is put in, which nothing follows.
        """
        x, y = [], []
        for number in range(count):
            tokens = self.alphabet.tokens(self.words[number % len(self.words)])
            framed = [self.alphabet.boundary, *tokens, self.alphabet.boundary]
            seen, following = framed[:-1][: self.context], framed[1:][: self.context]
            missing = self.positions - len(seen) if padded else 0
            x.append(seen + [self.alphabet.boundary] * missing)
            y.append(following + [NONE_FOLLOWS] * missing)
        return x, y


def read_documents(path: Path) -> list[str]:
    """Return the words of a text file, one a line, without empty lines.

    Raises DocumentsError if there are none, or if it is no text, or no file that can be read.
    """
    if path.is_dir():
        raise DocumentsError(f"{path} is a folder: name a text file, with a word on each line")
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        raise DocumentsError(
            f"there is no file {path}: name a text file, with a word on each line"
        ) from None
    except OSError as error:
        raise DocumentsError(f"{path} cannot be read: {error.strerror}") from None
    except UnicodeDecodeError as error:
        raise DocumentsError(f"{path} is no text in UTF-8: {error}") from None
    words = [line.strip() for line in lines if line.strip()]
    if not words:
        raise DocumentsError(f"{path} has no words: write one on each line")
    return words
