"""What a person has to know of a page's numbers beside the numbers themselves."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from autodiff.debug.directions import inside_the_graph
from autodiff.debug.program import Program
from autodiff.support.naming import Names
from autodiff.value import Value

__all__ = ["notes_of"]

SHOWN_CUTS = 4


def notes_of(nodes: Sequence[Value], names: Names) -> Iterator[str]:
    """Yield where gradients are others than one may expect: a number taken out, and hooks.

    ``nodes`` are those of the graph, in topological order.
    """
    program = Program(nodes)
    for cut in program.cuts_into(nodes)[:SHOWN_CUTS]:
        yield (
            f"{cut} makes a plain number, through which no gradient flows back, and which stays as "
            f"it is when a variable is dragged: {inside_the_graph(cut.tree)}"
        )
    for decision in program.decisions_into(nodes)[:SHOWN_CUTS]:
        yield (
            f"{decision} decides by a number, and this page keeps to what was decided when a "
            "variable is dragged: choose with where(), maximum() or minimum()"
        )
    for node in nodes:
        if node.origin.hooks is not None and node.origin.hooks.functions:
            yield (
                f"a hook on {names[node]} may change its gradient: these are the gradients "
                "without it"
            )
