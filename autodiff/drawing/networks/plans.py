"""Pictures whose layout is made here: networks in columns of layers, and heat maps."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal, TypeAlias, get_args

from autodiff.debug.trace import Trace
from autodiff.drawing.boxes import joined
from autodiff.drawing.fit import GAIN, LAST_ROW, Size, note_on
from autodiff.drawing.layouts.layout import Layout
from autodiff.drawing.moment import NOW, Moment
from autodiff.drawing.networks.columns import DIGITS, FORMS, Columns
from autodiff.drawing.networks.heatmap import heat_map
from autodiff.drawing.networks.matrices import (
    Panel,
    matrices_of_calls,
    matrices_of_variables,
    panels_of_states,
    panels_of_trace,
    variables_in,
)
from autodiff.drawing.networks.modules import Module
from autodiff.drawing.networks.network import NetworkPainter, Of
from autodiff.drawing.picture import Picture
from autodiff.graph import topological_order
from autodiff.support.changed import CURE, Changes
from autodiff.support.naming import Names
from autodiff.value import Value

__all__ = ["PLANS", "Plan", "Planned", "planned_heat_map", "planned_network"]

Plan: TypeAlias = Literal["network", "heatmap"]
PLANS: tuple[Plan, ...] = get_args(Plan)

NOTE_WIDTH: Final = 66  # of a line, in characters

# More than can be told apart in a frame.
MOST_NUMBERS: Final = 20_000

BACKWARD_FIRST: Final = 'of="gradients" finds no gradients: call backward() first'


@dataclass(frozen=True, slots=True)
class Planned:
    """A picture with its layout, how high its text is in pixels, and what to say of that.

    ``is_whole`` says whether it shows every neuron that was called, and every call of it.
    """

    picture: Picture
    layout: Layout
    text: float
    note: str
    is_whole: bool = True


def planned_network(
    roots: Sequence[Value], moment: Moment, of: Of, precision: int | None, frame: Size
) -> Planned:
    """Return the network in a graph, in a frame.

    Raises ValueError if the graph has no neurons, or no gradients where those are wanted.
    """
    if of == "activations":
        raise ValueError(
            'of="activations" is for style="heatmap": a network has its activations in its circles'
        )
    root = joined(roots)
    order, names = topological_order(root), Names(root)
    painter = NetworkPainter(order, moment, of, names)
    if all(painter.number_on(line) is None for line in painter.lines):
        raise ValueError(BACKWARD_FIRST)
    changes = Changes(order) if moment is NOW else None
    caption = wrapped(f"{changes.sentence(names)}; {CURE}") if changes else []
    columns = largest_columns(painter, precision, caption, frame)
    note = note_on(columns.text, frame, 'style="heatmap" shows its numbers')
    if note:
        columns = largest_columns(painter, precision, [*caption, *wrapped(note)], frame)
    is_whole = painter.network.calls == 1 and not painter.hidden
    return Planned(columns.picture, columns.layout(), columns.text, note, is_whole)


def largest_columns(
    painter: NetworkPainter, precision: int | None, caption: Sequence[str], frame: Size
) -> Columns:
    """Return the layout with the most digits, and the roundest circles, whose text is large."""
    found = [
        Columns(*painter.picture(digits, caption), form, frame)
        for digits in (DIGITS if precision is None else (precision,))
        for form in FORMS
    ]
    enough = min(LAST_ROW, max(columns.text for columns in found) / GAIN)
    return next(columns for columns in found if columns.text >= enough)


def planned_heat_map(root: Any, of: Of, precision: int | None, frame: Size) -> Planned:
    """Return the heat map of a graph (its root), a module, states or a trace, in a frame.

    Raises ValueError if it has no such numbers, or too many; TypeError for what is no state.
    """
    panels, caption = panels_of(root, of)
    numbers = [
        number
        for panel in panels
        for matrix in panel.matrices
        for line in matrix.numbers
        for number in line
    ]
    if not numbers:
        what = "neurons of nn" if of == "activations" else "parameters: no variable has a name"
        raise ValueError(f'style="heatmap" finds no {what}')
    if of == "gradients" and all(number is None for number in numbers):
        raise ValueError(BACKWARD_FIRST)
    if len(numbers) > MOST_NUMBERS:
        raise ValueError(
            f"the heat map has {len(numbers):,} numbers, more than {MOST_NUMBERS:,}: too many to "
            "see. Draw one layer, or fewer epochs"
        )
    grid = heat_map(panels, of, precision, frame, caption)
    note = note_on(grid.text, frame, "draw one layer, or fewer epochs")
    if note:
        grid = heat_map(panels, of, precision, frame, [*caption, *wrapped(note)])
    return Planned(grid.picture, grid.layout(), grid.text, note)


def panels_of(root: Any, of: Of) -> tuple[list[Panel], list[str]]:
    """Return the numbers of a heat map, and what to say of numbers that have changed since."""
    if isinstance(root, Trace):
        return panels_of_trace(root, of), []
    number_of = NOW.gradient_of if of == "gradients" else NOW.value_of
    if isinstance(root, Value):
        order = topological_order(root)
        if of != "activations":
            return [Panel("", matrices_of_variables(variables_in(order), number_of))], []
        changes = Changes(order)
        caption = wrapped(f"{changes.sentence(Names(root))}; {CURE}") if changes else []
        return [Panel("", matrices_of_calls(order, [number_of]))], caption
    if of == "activations" or (of == "gradients" and not isinstance(root, Module)):
        what = "model" if isinstance(root, Module) else "state_dict()"
        raise ValueError(f'of="{of}" is not known of a {what}: draw what the model computed')
    if isinstance(root, Module):
        return [Panel("", matrices_of_variables(root.parameters(), number_of))], []
    return panels_of_states(root), []


def wrapped(text: str) -> list[str]:
    """Return a sentence as lines."""
    return textwrap.wrap(text, NOTE_WIDTH)
