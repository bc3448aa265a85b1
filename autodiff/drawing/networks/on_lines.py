"""Where labels stand on straight lines: each on its own, where no other line and no label is."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final, TypeAlias

from autodiff.drawing.layouts.labels import is_cut, overlap
from autodiff.drawing.layouts.places import Point, Rectangle

__all__ = ["labels_on"]

Segment: TypeAlias = tuple[Point, Point]

# In points: the width of a character, the height of a label.
CHARACTER: Final = 11.0
HEIGHT: Final = 20.0
AROUND: Final = 2.0

# How far along its line a label may stand, the best first.
ALONG: Final = [0.6 + step * side / 50 for step in range(28) for side in (-1, 1)]


def labels_on(lines: Mapping[str, Segment], texts: Mapping[str, str]) -> dict[str, Rectangle]:
    """Return where the labels of some lines stand; none, if there is no room for all of them.

    Lines run to the right.

    >>> labels_on({"a": ((0.0, 0.0), (100.0, 0.0))}, {"a": "+0.5"})
    {'a': (36.0, -10.0, 84.0, 10.0)}
    >>> labels_on({"a": ((0.0, 0.0), (100.0, 0.0)), "b": ((0.0, 5.0), (100.0, 5.0))}, {"a": "+0.5"})
    {}
    """
    options = {id: list(free_places(id, text, lines)) for id, text in texts.items()}
    found: dict[str, Rectangle] = {}
    for _, id in sorted((len(places), id) for id, places in options.items()):
        others = found.values()
        free = (each for each in options[id] if not any(overlap(each, other) for other in others))
        place = next(free, None)
        if place is None:
            return {}
        found[id] = place
    return found


def free_places(id: str, text: str, lines: Mapping[str, Segment]) -> Iterator[Rectangle]:
    """Yield where a label can stand on its line, off all others."""
    (x, y), (end_x, end_y) = lines[id]
    width, height = CHARACTER * len(text) / 2 + AROUND, HEIGHT / 2
    for along in ALONG:
        across, down = x + along * (end_x - x), y + along * (end_y - y)
        place = across - width, down - height, across + width, down + height
        is_inside = x < place[0] and place[2] < end_x
        others = (line for other, line in lines.items() if other != id)
        if is_inside and not any(is_cut(*line, place) for line in others):
            yield place
