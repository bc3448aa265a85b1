"""Operation: what is known of one operation. Everything else reads it here.

Two conventions carry the design:

*   **A function works on numbers and on Values.**  ``exp(0.5)`` is a float; ``exp(x)`` for a
    Value ``x`` is a node of the graph.  Nothing here knows the Value class: an operand that is
    not a number is asked to make the node itself (``operand.make_node``).
*   **A rule is ordinary arithmetic.**  ``mul_partials(out, a, b)`` gets the node's own value
    ``out`` and its operands and returns one local derivative for each operand.  On floats it
    runs backward; on Values the same lines build the gradient's own graph.  A rule never
    multiplies by the upstream gradient: only the engine does.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from operator import attrgetter
from pickle import PicklingError, UnpicklingError
from typing import Any, Final

from autodiff.support.convert import describe, short_repr, to_float
from autodiff.support.origin import Origin

__all__ = ["NOTHING", "OPERATIONS", "Operation", "Role", "local_derivatives"]

# The table, by name; autodiff.ops fills it.
OPERATIONS: dict[str, Operation] = {}

number_of = attrgetter("data")

# What a rule returns, by itself or as a branch of ``where``, for an operand that was not taken: in
# the place of a local derivative of 0, which would make a nan of an infinite upstream gradient.
NOTHING: Final = float("0.0")  # known by its identity


class Role(Enum):
    """What an operand is to an operation, where that says what its derivative is or why it is 0."""

    TERM = "added: its local derivative is 1"
    NEGATED = "subtracted: its local derivative is -1"
    FACTOR = "multiplied with the other factor"
    WEIGHT = "multiplied with the input that has its place among the inputs"
    INPUT = "multiplied with the weight that has its place among the weights"
    CONDITION = "chooses one of the choices"
    INDEX = "says which of the choices is the result"
    CHOICE = "the result, or without any influence on it"
    RECTIFIED = "the result if it is above 0, else without any influence on it"
    SATURATING = "of hardly any influence on the result where it is far from 0"


def chain_rule_by_partials(node: Any) -> None:
    """Apply the rule as it stands: the chain rule of an operation that is not of the table."""
    upstream, op = node.grad, node.origin.op
    partials = op.partials(node.data, *map(number_of, node.parents))
    for parent, local in zip(node.parents, numbers(op, partials, len(node.parents)), strict=True):
        if local is not NOTHING:
            parent.grad += local * upstream


def local_derivatives(node: Any) -> tuple[Any, ...]:
    """Return the local derivatives of an interior node, one for each parent.

    Raises an error that names the operation if its rule is malformed: ValueError if it returns no
    tuple or another number of them, TypeError if one is no number.
    """
    op, given = node.op, node.origin.given
    if given is not None:  # it was made by hand
        return given.derivatives_of(node)  # type: ignore[no-any-return]
    partials = op.partials(node.data, *map(number_of, node.parents))
    return numbers(op, partials, len(node.parents))


def numbers(op: Operation, partials: Any, operands: int) -> tuple[float, ...]:
    """Return what a rule has returned for the numbers of so many operands, as floats.

    Raises ValueError if it is malformed, TypeError if one is no number.
    """
    user = f"a local derivative of {op.name}"
    return tuple([to_float(local, user) for local in checked(op, partials, operands)])


def checked(op: Operation, partials: Any, operands: int) -> tuple[Any, ...]:
    """Return what a rule has returned for so many operands; raise ValueError if it is malformed."""
    if not isinstance(partials, (tuple, list)):
        raise ValueError(
            f"the rule of {op.name} returned {describe(partials)}, "
            f"not a tuple of {operands} local derivatives"
        )
    if len(partials) != operands:
        raise ValueError(
            f"the rule of {op.name} returned {len(partials)} local derivatives "
            f"for {operands} operands"
        )
    return tuple(partials)


@dataclass(frozen=True, slots=True, eq=False)
class Operation:
    """One entry of the table.

    ================  ======================================================================
    ``name``          what it is called in messages and programs
    ``symbol``        how a person writes it
    ``arity``         the number of operands, or None where it varies
    ``forward``       ``forward(*operands)`` returns the result
    ``partials``      the rule: ``partials(out, *operands)`` returns a tuple with one local
                      derivative for each operand; a function of these numbers and nothing else
    ``written``       ``written(*names)`` returns the formula, where the symbol does not say it
    ``cases``         the operation that it really is where its last operand is that number
    ``roles``         the :class:`Role` of each operand, where that is worth saying; where their
                      number varies, of the first, and of equal shares of the others
    ``neutral``       for each of two operands the number that, in its place, makes the result the
                      other operand, whatever that is; None if there is none
    ``arithmetic``    True if ``forward`` is ``+ - *`` alone: it can be run on all that has these,
                      such as a text
    ``carries_nan``   True if the result is nan whenever an operand is, as in all arithmetic
    ``c_form``        the result as an expression in C, where all else that ``forward`` does is to
                      keep Python's exceptions out
    ``chain_rule``    ``chain_rule(node)`` adds to each parent's gradient the local derivative
                      times the node's; ``autodiff/chain_rules/`` has those of the table
    ``origin``        what a node that it makes holds of its making
    ``rule_calls``    the operations that call its rule, if it is no graph: see
                      ``autodiff/ops/called_rule.py``
    ================  ======================================================================

    ``grad`` and ``compile`` make graphs of a rule.  A rule of your own is tried for that with the
    node's numbers and with some others; where it is another one for numbers than for Values, it is
    called.  A number from elsewhere (a setting, a variable of a module) is what it is then: who
    changes it later, makes the graph or the program anew.

    >>> mul = OPERATIONS["mul"]
    >>> mul.forward(3.0, 4.0), mul.partials(12.0, 3.0, 4.0)
    (12.0, (4.0, 3.0))
    """

    name: str
    symbol: str
    arity: int | None
    forward: Callable[..., Any]
    partials: Callable[..., tuple[Any, ...]]
    written: Callable[..., str] | None = None
    cases: Mapping[float, Operation] = field(default_factory=dict)
    roles: tuple[Role, ...] = ()
    neutral: tuple[float | None, ...] = ()
    arithmetic: bool = False
    carries_nan: bool = False
    c_form: str = ""
    chain_rule: Callable[[Any], None] = chain_rule_by_partials
    origin: Origin = field(init=False)
    rule_calls: dict[tuple[int, int, bool], Operation] = field(default_factory=dict, init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "origin", Origin(op=self))

    def apply_chain_rule_by(self, function: Callable[[Any], None]) -> None:
        """Let ``chain_rule`` be that function, which does the same as before."""
        object.__setattr__(self, "chain_rule", function)

    def __repr__(self) -> str:
        return self.name

    def __reduce__(self) -> tuple[Callable[[str], Operation], tuple[str]]:
        """Pickle it by its name.

        Raises PicklingError if the table has another entry of that name, or none.
        """
        if OPERATIONS.get(self.name) is not self:
            raise PicklingError(
                f"cannot pickle the operation {self.name!r}: a pickle holds its name alone, by "
                "which autodiff.ops.OPERATIONS does not have it; add it there, and there too "
                "where the pickle is read"
            )
        return operation_named, (self.name,)

    def __copy__(self) -> Operation:
        return self

    def __deepcopy__(self, memo: dict[int, Any]) -> Operation:
        return self

    def formula(self, *operands: str) -> str:
        """Return the operation as a person writes it, given its operands' names.

        >>> OPERATIONS["mul"].formula("w", "x"), OPERATIONS["sigmoid"].formula("z")
        ('w * x', 'sigmoid(z)')
        """
        if self.written is not None:
            return self.written(*operands)
        if self.symbol.isidentifier() or len(operands) > 2:
            return f"{self.symbol}({', '.join(operands)})"
        if len(operands) == 2:
            return f"{operands[0]} {self.symbol} {operands[1]}"
        return f"-{operands[0]}" if self.symbol == "-" else f"{operands[0]}{self.symbol}"

    def role(self, position: int, count: int) -> Role | None:
        """Return the role of the operand at a position, of so many; None if it has none.

        >>> weighted_sum = OPERATIONS["weighted_sum"]
        >>> [weighted_sum.role(position, 5).name for position in range(5)]
        ['TERM', 'WEIGHT', 'WEIGHT', 'INPUT', 'INPUT']
        """
        if not self.roles:
            return None
        if self.arity is None and position > 0:
            position = 1 + (position - 1) * (len(self.roles) - 1) // (count - 1)
        return self.roles[position]

    def apply(self, *operands: Any) -> Any:
        """Return the operation of operands that are not all floats.

        If any of them is a node of a graph, that operand makes the new node; otherwise all are
        converted to floats.
        """
        for operand in operands:
            if hasattr(operand, "make_node"):
                return operand.make_node(self, *operands)
        return self.forward(*[to_float(operand, self.name) for operand in operands])


def operation_named(name: str) -> Operation:
    """Return the table's entry of that name (an operation is pickled by its name).

    Raises UnpicklingError if there is none.
    """
    try:
        return OPERATIONS[name]
    except KeyError:
        raise UnpicklingError(
            f"the pickle has an operation {short_repr(name)}, which autodiff.ops.OPERATIONS does "
            "not have: read it with the version of autodiff that wrote it, or add the operation "
            "there first"
        ) from None
