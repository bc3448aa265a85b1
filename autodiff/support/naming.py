"""What to call a Value in a sentence, a formula or a picture."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from autodiff.graph import topological_order
from autodiff.ops import Operation
from autodiff.value import Value

__all__ = [
    "Names",
    "is_call",
    "name_of",
    "names_in_program",
    "number_text",
    "short_formula",
    "shown",
]

LONGEST_FORMULA = 48  # characters


def name_of(value: Value) -> str:
    """Return a name for a Value by itself: its own, its number, or the formula that made it.

    Its own is its label, or else the name that ``record_source`` saw it assigned to.

    >>> x, y = Value(2.0, "x"), Value(3.0, "y")
    >>> name_of(x), name_of(x * y), name_of((x * y + 1).tanh())
    ('x', 'x * y', 'tanh(…)')
    """
    if value.name:
        return value.name
    if value.op is None:
        return number_text(value.data)
    return value.op.formula(
        *[
            "…" if parent.op is not None and not parent.name else name_of(parent)
            for parent in value.parents
        ]
    )


class Names:
    """A name for every node of a graph, different for each but for equal constants.

    A node's own name is its label, or else the name that ``record_source`` saw it assigned to;
    where two nodes have the same, the later gets a number.  Of those without one, a recording knows
    what the program calls them, by variables, functions and places, such as ``logits[3]``: see
    :mod:`autodiff.debug.places`.  The others are ``v1``, ``v2``, ... by their place in the
    topological order, so the same graph has the same names in every picture, trace and program.
    ``called`` has the names to take in the place of those that the recording knows.

    >>> x = Value(3.0, "x")
    >>> root = (x * x + 2).tanh()
    >>> names = Names(root)
    >>> [names[node] for node in topological_order(root)]
    ['x', '2', 'v3', 'v4', 'v5']
    >>> names.formula(root.parents[0])
    'v3 + 2'
    """

    def __init__(self, root: Value, called: Mapping[Value, str] | None = None) -> None:
        self.root = root
        self._names: dict[Value, str] = {}
        order = topological_order(root)
        self.called = names_in_program(order) if called is None else called
        by_place = [f"v{place}" for place in range(1, len(order) + 1)]
        taken = set(by_place)
        uses: dict[str, int] = {}
        for node, name_by_place in zip(order, by_place, strict=True):
            origin = node.origin
            own = name = origin.label or origin.name or self.called.get(node, "")
            if own:
                while name in taken:
                    uses[own] = uses.get(own, 1) + 1
                    name = f"{own} ({uses[own]})"
                taken.add(name)
            else:
                name = number_text(node.data) if origin.constant else name_by_place
            self._names[node] = name

    def __getitem__(self, node: Value) -> str:
        """Return the node's name; KeyError if it is not in the graph."""
        return self._names[node]

    def __contains__(self, node: Value) -> bool:
        return node in self._names

    def formula(self, node: Value) -> str:
        """Return an interior node's operation on its operands' names; '' for a leaf."""
        if node.op is None:
            return ""
        return node.op.formula(*[self[parent] for parent in node.parents])


def names_in_program(order: Sequence[Value]) -> Mapping[Value, str]:
    """Return what the program calls the nodes without a name, if a recording saw them made."""
    visits = (node.origin.visit for node in reversed(order))
    visit = next((visit for visit in visits if visit is not None), None)
    return {} if visit is None else visit.names_of(order)


def number_text(number: float) -> str:
    """Return a number with six significant digits, enough to follow a calculation by hand."""
    return f"{number:.6g}"


def short_formula(formula: str) -> str:
    """Return a formula, its last terms left out if it is long.

    >>> short_formula("bias + weight[0] * x1 + weight[1] * x2 + weight[2] * x3")
    'bias + weight[0] * x1 + weight[1] * x2 + …'
    """
    if len(formula) <= LONGEST_FORMULA:
        return formula
    start = formula[:LONGEST_FORMULA]
    end = max(start.rfind(" + ") + 3, start.rfind(", ") + 2)
    return f"{start[:end].rstrip() if end > 2 else start} …"


def shown(number: float) -> str:
    """Return a number as text; a minus sign on a zero would only puzzle.

    >>> shown(-0.0), shown(-1.5)
    ('0', '-1.5')
    """
    return number_text(number + 0.0)


def is_call(op: Operation) -> bool:
    """Return whether an operation is written as a call, and not with signs between operands.

    >>> from autodiff.ops import OPERATIONS
    >>> is_call(OPERATIONS["exp"]), is_call(OPERATIONS["mul"]), is_call(OPERATIONS["weighted_sum"])
    (True, False, False)
    """
    return op.arity is not None and op.symbol.isidentifier()
