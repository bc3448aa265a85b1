"""Nodes made by hand, as programs for other scalar engines make their own operations.

microgpt's Value takes the operands and the local derivatives, as numbers; micrograd's takes the
operands and the operation's symbol, and a function that does its share of the backward pass is
assigned to ``_backward``.  Both are right once, for the numbers of the moment: such a node cannot
be computed anew, nor differentiated twice.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import lru_cache
from typing import Any

from autodiff.ops.operation import Operation
from autodiff.support.convert import describe, to_float
from autodiff.support.gradients import NOT_COMPUTED
from autodiff.support.origin import Origin, origin_of_given

__all__ = ["Given", "made_by_hand", "refuse_given"]

CURE = (
    "write it with autodiff's own operations, or as an autodiff.ops.Operation with a function and "
    "a rule"
)

ALL_FLOATS = {float}


class Given:
    """What a node made by hand has in the place of a rule.

    ``local_derivatives`` are numbers, one for each operand; ``function`` is called once the node's
    gradient is complete, and adds to the operands'.
    """

    __slots__ = ("function", "local_derivatives")

    def __init__(
        self, local_derivatives: tuple[float, ...] | None, function: Callable[[], Any] | None = None
    ) -> None:
        self.local_derivatives = local_derivatives
        self.function = function

    def derivatives_of(self, node: Any) -> tuple[float, ...]:
        """Return the local derivatives; raise ValueError if the node was given none."""
        if self.local_derivatives is None:
            has = "a _backward function" if self.function else "neither these nor a _backward"
            raise ValueError(
                f"{node!r} has no local derivatives to show: it was made by hand, with {has}. Give "
                f"Value(number, operands, local_derivatives) the numbers, or {CURE}"
            )
        return self.local_derivatives


def backward_given(node: Any) -> None:
    given = node.origin.given
    if given.function is not None:
        given.function()
        return
    upstream = node.grad
    for parent, local in zip(node.parents, given.derivatives_of(node), strict=True):
        parent.grad += local * upstream


def cannot_be_computed(*operands: Any) -> Any:
    raise ValueError(f"a node that was made by hand cannot be computed anew: {CURE}")


def cannot_be_differentiated(out: Any, *operands: Any) -> Any:
    raise ValueError(f"a node that was made by hand has no rule: {CURE}")


@lru_cache(maxsize=256)  # people may write anything there: a symbol for each node, say
def operation_by_hand(symbol: str) -> Operation:
    """Return what the operation of such nodes is called."""
    return Operation(
        *(symbol or "given", symbol or "given", None),
        *(cannot_be_computed, cannot_be_differentiated),
        chain_rule=backward_given,
    )


WITHOUT_SYMBOL = operation_by_hand("")


def refuse_given(nodes: Iterable[Any], what: str) -> None:
    """Raise ValueError if one of the nodes was made by hand, and so cannot be done again."""
    for node in nodes:
        if node.origin.given is not None:
            place = node.origin.place
            raise ValueError(
                f"{what} needs to compute the graph anew, but {node!r}"
                f"{f', made in {place},' if place else ''} was made by hand: {CURE}"
            )


def made_with_derivatives(node: Any, operands: tuple[Any, ...], derivatives: Any) -> None:
    """Make a node of a new leaf, as microgpt's programs do for each operation: on the fast way."""
    kinds = set(map(type, derivatives)) if type(derivatives) is tuple else None
    if kinds != ALL_FLOATS or len(derivatives) != len(operands):
        made_by_hand(node, operands, derivatives)
        return
    for operand in operands:
        if not hasattr(operand, "make_node"):
            made_by_hand(node, operands, derivatives)  # which says what is wrong
    node.parents = operands
    node.grad = NOT_COMPUTED
    node.origin = origin_of_given(WITHOUT_SYMBOL, Given(derivatives))


def made_by_hand(
    node: Any,
    children: Any = (),
    third: Any = "",
    label: str = "",
    *,
    local_grads: Any = None,
    _children: Any = (),
    _local_grads: Any = None,
    _op: str = "",
) -> None:
    """Make a node of a new leaf: what ``Value(number, children, local_grads or symbol)`` does.

    Raises TypeError if the operands are no Values or a derivative is no number, ValueError if there
    are not as many derivatives as operands.
    """
    operands = as_values(_children if children == () else children, type(node).__name__)
    symbol, derivatives = _op, local_grads if local_grads is not None else _local_grads
    if isinstance(third, str):
        symbol = third or symbol
    else:
        derivatives = third
    if operands:
        node.parents = operands
        node.grad = NOT_COMPUTED
        given = Given(numbers(derivatives, operands))
        node.origin = origin_of_given(operation_by_hand(symbol), given)
    elif derivatives:
        raise ValueError(f"Value got local derivatives, {describe(derivatives)}, but no operands")
    elif symbol:
        node.origin = Origin(symbol=symbol)
    if label:
        node.label = label


def as_values(children: Any, kind: str) -> tuple[Any, ...]:
    """Return the operands as a tuple of Values; raise TypeError if they are anything else."""
    if type(children) is not tuple:
        if isinstance(children, (str, bytes)) or not isinstance(children, Iterable):
            raise TypeError(
                f"{kind} needs a str as its label, or its operands, but got {describe(children)}"
            )
        children = tuple(children)
    for operand in children:
        if not hasattr(operand, "make_node"):
            raise TypeError(f"{kind} needs Values as its operands, but got {describe(operand)}")
    return children  # type: ignore[no-any-return]


def numbers(derivatives: Any, operands: tuple[Any, ...]) -> tuple[float, ...] | None:
    """Return the local derivatives as floats; raise unless there is one for each operand."""
    if derivatives is None:
        return None
    found = tuple(derivatives)
    if not ALL_FLOATS.issuperset(map(type, found)):
        found = tuple([to_float(number, "a local derivative") for number in found])
    if len(found) != len(operands):
        raise ValueError(
            f"Value got {len(found)} local derivatives for {len(operands)} operands: "
            "one for each is needed"
        )
    return found
