"""Style, fold and digits of a picture, chosen so that its text can be read."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

from autodiff.drawing.boxes import STYLES, Painter, Style
from autodiff.drawing.fit import (
    GAIN,
    LAST_ROW,
    READABLE,
    Arrangement,
    Size,
    arrangement_of,
    note_on,
)
from autodiff.drawing.folds.fold import FOLDS, Fold
from autodiff.drawing.picture import Picture

__all__ = ["MOST_COMPARED", "PRECISION", "Chooser", "Drawn", "Look"]

PRECISION: Final = 4  # significant digits, where there is room
DIGITS: Final = PRECISION, 3, 2

# A larger graph is not drawn in other looks only to tell how large its text would be.
MOST_COMPARED: Final = 5000

CLOSE: Final = 1.03  # as GAIN, of text that is smaller than it should be
CLEAR: Final = 18.0  # of text, in pixels: READABLE even where it is estimated too high


@dataclass(frozen=True, slots=True)
class Look:
    """What a picture shows, and how; None is what is not given.

    >>> Look("blackboard", "repeat", 4, ("h",)).beside(Look(fold="call"))
    'fold="repeat", expand=["h"]'
    """

    style: Style | None = None
    fold: Fold | None = None
    precision: int | None = None
    expand: tuple[str, ...] = ()

    def beside(self, given: Look) -> str:
        """Return what has to be given otherwise for this look; what is not given is chosen."""
        names = [name for name in ("style", "fold", "precision") if getattr(given, name)]
        names += ["expand"] * bool(given.fold and self.expand)
        return ", ".join(
            f"{name}={json.dumps(getattr(self, name))}"
            for name in names
            if getattr(self, name) != getattr(given, name)
        )

    def completed(self, repeated: Callable[[], Sequence[str]]) -> Iterator[Look]:
        """Yield the looks to choose from: those that show the most first.

        ``repeated`` returns the names of what a graph repeats: one copy of it, which stands for
        all, shows more than a box.
        """
        for fold in (self.fold,) if self.fold else FOLDS:
            opened = tuple(repeated()) if fold == "repeat" != self.fold else ()
            for expand in (opened, ()) if opened else ((),):
                for style in (self.style,) if self.style else STYLES:
                    for precision in (self.precision,) if self.precision else DIGITS:
                        yield Look(style, fold, precision, expand)


@dataclass(frozen=True, slots=True)
class Drawn:
    """A picture in a look, how it is arranged, and about how high its text is then, in pixels."""

    look: Look
    painter: Painter
    picture: Picture
    arrangement: Arrangement
    height: float


Make: TypeAlias = Callable[[Look], tuple[Painter, Picture]]


class Chooser:
    """Chooses the look of a picture in a frame; ``make`` makes one in a look.

    ``make`` raises ValueError where there is nothing to fold in that way, or too much is left.
    """

    def __init__(
        self, make: Make, rankdir: str | None, frame: Size, repeated: Callable[[], Sequence[str]]
    ) -> None:
        self.make, self.rankdir, self.frame, self.repeated = make, rankdir, frame, repeated

    def drawn(self, look: Look) -> Drawn:
        """Return the picture in a look, arranged so that its text is largest."""
        painter, picture = self.make(look)
        arrangement, height = arrangement_of(picture, self.rankdir, self.frame)
        return Drawn(look, painter, picture, arrangement, height)

    def candidates(self, given: Look, enough: float) -> list[Drawn]:
        """Return the pictures in looks that agree with what is given, up to one that is large.

        Nothing is folded that was not asked for, if text is high enough without that.
        """
        found: list[Drawn] = []
        refused: set[Fold | None] = set()
        for look in given.completed(self.repeated):
            last = found[-1].look if found else look
            is_new = (look.fold, look.expand) != (last.fold, last.expand)
            if is_new and any(each.height >= enough for each in found):
                break
            if look.fold in refused:
                continue
            try:
                found.append(self.drawn(look))
            except ValueError:
                refused.add(look.fold)
                continue
            if found[-1].height >= LAST_ROW:
                break
        return found

    def best(self, given: Look, readable: float = CLEAR) -> Drawn:
        """Return the picture of the look that shows the most and can be read in the last row.

        If there is none, one whose text is about as large as it can be.  Raises as ``make`` does
        for the given look if none can be drawn.
        """
        found = self.candidates(given, readable)
        largest = max([each.height for each in found], default=0.0)
        enough = largest / (GAIN if largest >= LAST_ROW else CLOSE)
        return next((each for each in found if each.height >= enough), None) or self.drawn(given)

    def note(self, drawn: Drawn, given: Look) -> str:
        """Return what to say of text that is too small, where another look may help."""
        cure = "draw a node inside it"
        if drawn.height < READABLE and len(drawn.painter.order) <= MOST_COMPARED:
            best = self.best(Look(), max(CLEAR, GAIN * drawn.height))
            other = best.look.beside(given)
            if other and best.height > GAIN * drawn.height:
                cure = f"{other} makes it {best.height:.0f}"
        return note_on(drawn.height, self.frame, cure)
