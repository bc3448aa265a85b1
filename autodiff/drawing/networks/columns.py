"""The layout of a network: circles in columns, straight lines between them.

Lines run between the columns alone, from the right side of one circle to the left side of another,
so none passes behind a third.  Columns are as far apart, and circles as large, as the frame allows.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Final, Literal, TypeAlias, get_args

from autodiff.drawing.fit import CAPTION, LAST_ROW, LINE, TEXT, WIDEST_CHARACTER, Size
from autodiff.drawing.layouts.layout import Layout
from autodiff.drawing.layouts.places import Place, Point, Spot
from autodiff.drawing.networks.on_lines import labels_on
from autodiff.drawing.picture import Arrow, Box, Picture

__all__ = ["BASELINE", "DIGITS", "FORMS", "Columns", "Form", "caption_spots", "width_of"]

# Where the text of a circle stands.
Form: TypeAlias = Literal["below", "beside"]
FORMS: tuple[Form, ...] = get_args(Form)

# In points.
MARGIN: Final = 10.0  # around the picture, and on both sides of a column
APART: Final = 8.0  # of circles, and of a circle and its text
FLAT: Final = 27.0  # the height of a flat circle
NARROWEST: Final = 48.0  # a circle without a number
HEAD: Final = 2 * LINE + APART  # what a column is called, and does
LEGEND: Final = LINE + 2 * APART
LEAST_GAP: Final = 110.0  # between two columns
SAMPLE: Final = 70.0  # the length of a line in the legend
BASELINE: Final = 7.0  # below the middle of a line of text
LABEL_BASELINE: Final = 6.0

MOST_SPREAD: Final = 2.2  # of the circles of a short column beside a long one
LARGEST: Final = 1.3  # of a circle, by the room that its text takes

DIGITS: Final = 3, 2  # of numbers, to try
MOST_LABELLED: Final = 24  # lines between two columns


class Columns:
    """Where everything in a picture of columns lies, in one form.

    ``columns`` are ids of boxes; one that is in several begins in the first and passes through the
    others.  ``text`` is how high text is in the frame, in pixels.
    """

    def __init__(
        self, picture: Picture, columns: Sequence[Sequence[str]], form: Form, frame: Size
    ) -> None:
        self.picture, self.columns, self.form = picture, columns, form
        self.boxes = {box.id: box for box in picture.boxes}
        self.home: dict[str, int] = {}
        for place, column in enumerate(columns):
            for id in column:
                self.home.setdefault(id, place)
        circles = [self.boxes[id] for id in self.home]
        inside = max(width_of(box.title[0]) for box in circles if box.kind == "neuron")
        self.circle = max(inside + 2 * APART, NARROWEST)
        self.beside = [self.beside_in(place) for place in range(len(columns))]
        below = max(self.beside) if form == "below" else 0.0
        self.circle = max(self.circle, below)  # so that no line runs across the text
        self.bands = [self.band(place) for place in range(len(columns))]
        self.longest = max(map(len, columns))
        self.captions = CAPTION * len(picture.caption)
        gaps = len(columns) - 1
        width = max(sum(self.bands) + gaps * LEAST_GAP, self.legend_width) + 2 * MARGIN
        least_pitch = FLAT + (APART / 2 if form == "beside" else LINE + APART)  # between middles
        height = self.longest * least_pitch + self.other_height
        scale = max(width / frame[0], height / frame[1], TEXT / LAST_ROW)
        self.text = TEXT / scale
        self.width, self.height = frame[0] * scale, frame[1] * scale
        self.gap = (self.width - 2 * MARGIN - sum(self.bands)) / gaps
        self.pitch = (self.height - self.other_height) / self.longest
        room = self.pitch - (APART / 2 if form == "beside" else LINE + APART)
        self.high = min(LARGEST * self.circle, room)
        # A true circle may be narrower than its text: lines are not so steep as to run there.
        if self.high >= max(inside + APART, below - self.high / 4):
            self.circle = self.high

    # ---- sizes ---------------------------------------------------------------------------------

    @property
    def other_height(self) -> float:
        """The height of all that is above and below the circles."""
        return HEAD + LEGEND + self.captions + 2 * MARGIN + APART

    @property
    def legend_width(self) -> float:
        texts = [box.title[0] for box in self.picture.boxes if self.is_legend(box)]
        samples = SAMPLE * (len(texts) - 2)  # between all of them but the last
        return sum(map(width_of, texts)) + 2 * APART * len(texts) + samples

    def is_legend(self, box: Box) -> bool:
        return not box.frame and box.id not in self.home

    def beside_in(self, place: int) -> float:
        """Return the width of the texts beside the circles of a column."""
        boxes = [self.boxes[id] for id in self.columns[place] if self.home[id] == place]
        return max([width_of(box.numbers[0]) for box in boxes if box.numbers], default=0.0)

    def band(self, place: int) -> float:
        frame = self.picture.frames[place]
        heads = [
            box.title[0]
            for box in self.picture.boxes
            if box.frame == frame.id and box.kind == "text"
        ]
        beside = self.beside[place]
        inside = self.circle + beside + APART if self.form == "beside" else max(self.circle, beside)
        return max(inside, *map(width_of, [frame.title, *heads])) + 2 * MARGIN

    # ---- places --------------------------------------------------------------------------------

    def layout(self) -> Layout:
        """Return where everything lies."""
        places: dict[str, Place] = {}
        self.ends: dict[tuple[str, int], tuple[Point, Point]] = {}
        left = MARGIN
        for place, width in enumerate(self.bands):
            places.update(self.column(place, left))
            left += width + self.gap
        for arrow in self.picture.arrows:
            if arrow.tail in self.home:
                places[arrow.id] = self.line(arrow)
        places.update(self.labelled(places))
        places.update(self.legend())
        caption = caption_spots(self.picture, MARGIN, self.height - self.captions - MARGIN)
        return Layout(self.width, self.height, places, caption)

    def column(self, place: int, left: float) -> Iterator[tuple[str, Place]]:
        """Yield where the parts of a column lie."""
        frame, width, ids = self.picture.frames[place], self.bands[place], self.columns[place]
        middle = left + width / 2
        height = self.height - LEGEND - self.captions - 2 * MARGIN
        title = Spot(middle, MARGIN + LINE / 2 + BASELINE + APART / 2, "c")
        yield frame.id, Place((title,))
        yield f"{frame.id}-does", Place((Spot(middle, title.y + LINE, "c"),))
        room = height - HEAD
        pitch = min(room / len(ids), MOST_SPREAD * self.pitch)
        top = MARGIN + HEAD + (room - pitch * len(ids)) / 2
        right = middle + self.circle / 2
        if self.form == "beside":
            right += (self.beside[place] + APART) / 2
        for row, id in enumerate(ids):
            y = top + pitch * (row + 0.5)
            if self.form != "beside":
                y -= LINE / 2
            x = right - self.circle
            self.ends[id, place] = (x, y), (right, y)
            if self.home[id] == place:
                yield id, self.circle_at(self.boxes[id], x, y)

    def circle_at(self, box: Box, x: float, y: float) -> Place:
        """Return where a circle with its text lies, or the text for circles that are left out."""
        middle = x + self.circle / 2
        if box.kind == "text":
            return Place((Spot(x + self.circle, y + BASELINE, "r"),))
        spots = [Spot(middle, y + BASELINE, "c")]
        if self.form == "beside":
            spots.append(Spot(x - APART, y + BASELINE, "r"))
        else:
            spots.append(Spot(middle, y + self.high / 2 + LINE / 2 + BASELINE, "c"))
        return Place(tuple(spots), x, y - self.high / 2, self.circle, self.high)

    def line(self, arrow: Arrow) -> Place:
        """Return where a line runs: straight, and across the columns that it passes."""
        tail, head = self.home[arrow.tail], self.home[arrow.head]
        points = [self.ends[arrow.tail, tail][1]]
        for place in range(tail + 1, head):
            points += self.ends[arrow.tail, place]
        end = self.ends[arrow.head, head][0]
        box = self.boxes[arrow.head]
        if self.form == "beside" and box.numbers[0]:
            end = end[0] - self.beside[head] - 2 * APART, end[1]
        return Place(lines=(straight([*points, end]),))

    def legend(self) -> Iterator[tuple[str, Place]]:
        """Yield where the parts of the legend lie, from left to right."""
        x = MARGIN
        y = self.height - self.captions - MARGIN - LEGEND / 2 + APART / 2
        arrows = {arrow.tail: arrow for arrow in self.picture.arrows if arrow.tail not in self.home}
        for box in self.picture.boxes:
            if not self.is_legend(box):
                continue
            width = width_of(box.title[0])
            yield box.id, Place((Spot(x, y + BASELINE, "l"),), x, y - LINE / 2, width, LINE)
            x += width + APART
            if box.id in arrows:
                yield arrows[box.id].id, Place(lines=(straight([(x, y), (x + SAMPLE, y)]),))
                x += SAMPLE + APART
            else:
                x += 2 * APART

    def labelled(self, places: dict[str, Place]) -> Iterator[tuple[str, Place]]:
        """Yield the lines between two columns with their labels, where there is room for all."""
        spans = {
            arrow.id: (self.home[arrow.tail], self.home[arrow.head])
            for arrow in self.picture.arrows
            if arrow.tail in self.home
        }
        texts = {arrow.id: arrow.label[0] for arrow in self.picture.arrows if arrow.label}
        for place in range(len(self.columns) - 1):
            around = {id: span for id, span in spans.items() if span[0] <= place < span[1]}
            if len(around) > MOST_LABELLED or set(around.values()) != {(place, place + 1)}:
                continue
            lines = {id: (places[id].lines[0][0], places[id].lines[0][-1]) for id in around}
            own = {id: texts[id] for id in around if id in texts}
            for id, (left, top, right, bottom) in labels_on(lines, own).items():
                spot = Spot((left + right) / 2, (top + bottom) / 2 + LABEL_BASELINE, "c")
                width, height = right - left, bottom - top
                yield id, Place((spot,), left, top, width, height, places[id].lines)


def caption_spots(picture: Picture, left: float, top: float) -> tuple[Spot, ...]:
    """Return where the lines of a picture's caption stand, from there down."""
    lines = range(len(picture.caption))
    return tuple([Spot(left, top + CAPTION * (line + 0.8), "l") for line in lines])


def width_of(text: str) -> float:
    """Return how wide a text is at most."""
    return WIDEST_CHARACTER * len(text)


def straight(points: Sequence[Point]) -> tuple[Point, ...]:
    """Return a line through points as a curve."""
    curve = [points[0]]
    for start, end in pairwise(points):
        curve += [start, end, end]
    return tuple(curve)
