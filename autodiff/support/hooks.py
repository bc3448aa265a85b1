"""Hooks: what is called at one Value. Breakpoints are hooks that open the debugger."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, Literal, TypeAlias, get_args

from autodiff.support.convert import to_float

__all__ = ["EVENTS", "Event", "GradientHook", "Hooks", "at_gradient", "at_operation"]

Event: TypeAlias = Literal["backward", "backward-nan", "forward", "forward-nan"]
EVENTS: tuple[Event, ...] = get_args(Event)

GradientHook: TypeAlias = Callable[[float], float | None]


class Hooks:
    """The hooks of one Value, each under a number, in the order in which they were registered.

    They are a part of the Value (of its ``origin``) and live no longer than it does.
    """

    __slots__ = ("__weakref__", "breakpoints", "functions")

    def __init__(self) -> None:
        self.functions: dict[int, GradientHook] = {}
        self.breakpoints: dict[int, Event] = {}

    def __len__(self) -> int:
        return len(self.functions) + len(self.breakpoints)

    def gradient_is_complete(self, node: Any, local: tuple[float, ...]) -> None:
        """Call the functions, which may replace ``node.grad``, then open the debugger if wanted."""
        for function in tuple(self.functions.values()):
            replacement = function(node.grad)
            if replacement is not None:
                node.grad = to_float(replacement, "a hook that replaces a gradient")
        events = self.breakpoints.values()
        if "backward" in events or ("backward-nan" in events and not math.isfinite(node.grad)):
            at_gradient(node, node.parents, node.grad, local)

    def is_used(self, node: Any) -> None:
        """Open the debugger if wanted: ``node`` is new and uses the Value."""
        events = self.breakpoints.values()
        if "forward" in events or ("forward-nan" in events and not math.isfinite(node.data)):
            at_operation(node, node.op, node.parents)


# The frames in which the debugger opens: all that a person wants to see has a name there.


def at_gradient(
    node: Any, parents: tuple[Any, ...], upstream: float, local: tuple[float, ...]
) -> list[float]:
    """The gradient of ``node``, ``upstream``, is complete; what its parents will get is returned.

    ``local`` has one local derivative, d node / d parent, for each of the parents.
    """
    breakpoint()
    return [derivative * upstream for derivative in local]


def at_operation(node: Any, op: Any, parents: tuple[Any, ...]) -> float:
    """``op`` has just made ``node`` from its operands, ``parents``; its number is returned."""
    breakpoint()
    return float(node.data)
