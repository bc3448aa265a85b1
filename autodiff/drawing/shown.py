"""How numbers and names are written in a picture."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable

__all__ = [
    "NAME_LENGTH",
    "gradient_shown",
    "last_part",
    "lines_of",
    "name_shown",
    "number_shown",
    "operand_shown",
    "range_shown",
    "short_number",
]

# In characters; see name_shown, operand_shown and lines_of.
NAME_LENGTH = 40
OPERAND_LENGTH = 12
LINE_LENGTH = 20
MOST_LINES = 7
BESIDE_DIGITS = 3  # a sign, a zero and a point

# Characters that have no shape, end a line, reorder their neighbours, or are forbidden in XML.
INVISIBLE = re.compile(
    "[\x00-\x1f\x7f-\x9f\xad\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\uffff\ud800-\udfff]"
)

# In a name, the last key of a dict that only places follow: ``weights['query'][2][1]``.
KEY = re.compile(r".*\['([^']*)'\](?=(?:\[\d+\])*$)")

BREAK = re.compile(r"(?<==) |(?<=,) | (?=\+ )")


def number_shown(number: float | None, precision: int) -> str:
    """Return a number with that many significant digits, and a minus sign as wide as a plus.

    None is one that is not computed.

    >>> number_shown(-2 / 3, 4), number_shown(1e-12, 4), number_shown(None, 4)
    ('−0.6667', '1e−12', '–')
    """
    if number is None:
        return "–"
    return f"{number:.{precision}g}".replace("-", "−")


def gradient_shown(gradient: float | None, precision: int) -> str:
    """Return a gradient with its sign written out; a zero has none. None is not computed.

    >>> gradient_shown(6.0, 4), gradient_shown(-6.0, 4), gradient_shown(-0.0, 4)
    ('+6', '−6', '0')
    >>> gradient_shown(None, 4)
    '–'
    """
    if gradient is None:
        return "–"
    if gradient == 0.0:
        return "0"
    text = number_shown(gradient, precision)
    return f"+{text}" if gradient > 0.0 else text


def short_number(
    number: float | None, precision: int, show: Callable[[float | None, int], str] = number_shown
) -> str:
    """Return a number with so many significant digits, or fewer where it would be long.

    >>> [short_number(number, 3) for number in (-0.2413, -0.006457, 1.2345e-5, None)]
    ['−0.241', '−0.006', '1e−05', '–']
    """
    texts = [show(number, digits) for digits in range(precision, 0, -1)]
    return next((text for text in texts if len(text) <= precision + BESIDE_DIGITS), texts[-1])


def range_shown(
    numbers: Iterable[float | None], precision: int, show: Callable[[float, int], str]
) -> str:
    """Return the least and the greatest of some numbers; None is one that is not known.

    >>> range_shown([0.5, -1.0, 2.0], 4, number_shown), range_shown([2.0, 2.0], 4, gradient_shown)
    ('−1 … 2', '+2')
    >>> range_shown([1.0, math.nan], 4, number_shown), range_shown([None], 4, number_shown)
    ('1, 1 nan', '–')
    """
    known = [number for number in numbers if number is not None]
    comparable = [number for number in known if not math.isnan(number)]
    parts = []
    if comparable:
        ends = [show(end(comparable), precision) for end in (min, max)]
        parts.append(ends[0] if ends[0] == ends[1] else " … ".join(ends))
    if len(comparable) < len(known):
        parts.append(f"{len(known) - len(comparable)} nan" if len(known) > 1 else "nan")
    return ", ".join(parts) or "–"


def operand_shown(name: str) -> str:
    """Return what a formula calls an operand: a long path by its last part.

    >>> operand_shown("hidden.weight[2][1]")
    'weight[2][1]'
    """
    if len(name) > OPERAND_LENGTH:
        name = last_part(name)
    return name_shown(name, OPERAND_LENGTH)


def last_part(name: str) -> str:
    """Return what a name is inside the module, the object or the dict that it is in.

    >>> last_part("hidden.weight[2][1]"), last_part("weights['layer0.query'][2][1]")
    ('weight[2][1]', 'query[2][1]')
    """
    name = KEY.sub(r"\1", name)
    return name.rpartition(".")[2] or name


def name_shown(name: str, length: int = NAME_LENGTH) -> str:
    r"""Return a name that fits: invisible characters as escapes, a long middle left out.

    The end stays, because indices stand there.

    >>> name_shown("hidden.weight[2][1]", 14), name_shown("a\nb", 14) == r"a\nb"
    ('hidden.…[2][1]', True)
    """
    # Shortened before escaping as well, so that the cost does not grow with the name.
    return shortened(INVISIBLE.sub(escape_of, shortened(name, length)), length)


def shortened(text: str, length: int) -> str:
    """Return text, its middle left out if it has more characters than length."""
    if len(text) <= length:
        return text
    end = (length - 1) // 2
    return f"{text[: length - 1 - end]}…{text[-end:]}"


def lines_of(title: str) -> list[str]:
    """Return a title as lines, broken after ``=`` and commas and before ``+`` where it is long.

    >>> lines_of("v6 = bias[0] + weight[0][0] * x0 + weight[0][1] * x1")
    ['v6 = bias[0]', '+ weight[0][0] * x0', '+ weight[0][1] * x1']
    """
    lines: list[str] = []
    for piece in BREAK.split(title):
        if lines and len(lines[-1]) + 1 + len(piece) <= LINE_LENGTH:
            lines[-1] += " " + piece
        else:
            lines.append(piece)
    if len(lines) > MOST_LINES:
        lines[MOST_LINES - 2 : -1] = [f"… {len(lines) - MOST_LINES + 1} more lines"]
    return lines


def escape_of(character: re.Match[str]) -> str:
    """Return how Python writes a character that cannot be shown: \\n, \\x00, \\u2028."""
    return character[0].encode("unicode_escape").decode("ascii")
