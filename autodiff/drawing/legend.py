"""What the boxes and arrows of a picture mean, as boxes of the picture itself."""

from __future__ import annotations

from dataclasses import replace

from autodiff.drawing.picture import LEGEND, NOT_TAKEN, NOTE, Box, Frame, Kind, Picture

__all__ = ["with_legend"]

MEANINGS: dict[Kind, tuple[str, tuple[str, ...]]] = {
    "variable": ("variable", ("its number", "its gradient")),
    "operation": ("name = formula", ("its number", "its gradient")),
    "result": ("the result", ("its number", "its gradient")),
    "input": ("a named input", ()),
    "constant": ("a number", ()),
    "module": ("a folded module", ("its outputs", "its parameters")),
    "call": ("call of a function", ("its results", "its parameters")),
    "rows": ("folded rows", ("their numbers",)),
    "reference": ("made elsewhere", ()),
}

# Small boxes, with their numbers on the wire that leaves them.
WIRED: dict[Kind, tuple[str, tuple[str, ...]]] = {
    "operation": ("operation", ("name = its number", "its gradient")),
    "input": ("a named input", ("its number", "")),
}

NUMBERS_ON_ARROWS = (
    "arrow: goes to the user",
    "local: d user / d operand",
    "adds: local × the user's",
    "gradient, with its sign",
    "thick: adds much",
    "red: adds +",
    "blue, dashed: adds −",
    "dotted: adds 0",
    "black, thick, dashed: nan or ∞",
)
MARKS = ("bright yellow: has a new gradient", "black border: by this node's rule")
NOT_COMPUTED = "grad –: not computed"
ADDS_NOTHING = "not taken: adds nothing"


def with_legend(picture: Picture, edges: bool, step: bool) -> Picture:
    """Return the picture with a legend of what occurs in it.

    ``edges`` and ``step`` say whether it has numbers on its arrows and shows a step of a pass:
    then the legend is the same for every step.
    """
    drawn = [box for box in picture.boxes if box.id != NOTE]
    kinds, wired = {box.kind for box in drawn}, {box.kind for box in drawn if box.wired}
    boxes = [
        Box(f"legend-{kind}", kind, title, (title,), numbers, frame=LEGEND, wired=kind in wired)
        for kind, (title, numbers) in ({**MEANINGS, **WIRED} if wired else MEANINGS).items()
        if kind in kinds
    ]
    notes = []
    if step or any(line.endswith("–") for box in picture.boxes for line in box.lines):
        notes.append(NOT_COMPUTED)
    if edges:
        notes += NUMBERS_ON_ARROWS
        if any(NOT_TAKEN in arrow.label for arrow in picture.arrows):
            notes.append(ADDS_NOTHING)
    if step:
        notes += MARKS
    if notes:
        boxes.append(Box("legend-notes", "reference", "notes", tuple(notes), frame=LEGEND))
    return replace(
        picture, boxes=[*picture.boxes, *boxes], frames=[*picture.frames, Frame(LEGEND, "legend")]
    )
