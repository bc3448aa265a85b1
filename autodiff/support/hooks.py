"""Hooks: what is called at one Value, and its breakpoints."""

from __future__ import annotations

import math
import sys
from collections.abc import Callable
from typing import Any, TypeAlias

from autodiff.support.breakpoints import Breakpoint
from autodiff.support.convert import to_float
from autodiff.support.frames import place_of_now
from autodiff.support.lines import LocalNames, pass_over_library

__all__ = ["GradientHook", "Hooks"]

GradientHook: TypeAlias = Callable[[float], float | None]


class Hooks:
    """The hooks of one Value, each under a number, in the order in which they were registered.

    They are a part of the Value (of its ``origin``) and live no longer than it does.
    ``replacement`` is the gradient that functions have put in the place of another in the last pass
    that called them; None if they have not.
    """

    __slots__ = ("__weakref__", "breakpoints", "functions", "replacement")

    def __init__(self) -> None:
        self.functions: dict[int, GradientHook] = {}
        self.breakpoints: dict[int, Breakpoint] = {}
        self.replacement: float | None = None

    def __len__(self) -> int:
        return len(self.functions) + len(self.breakpoints)

    def gradient_is_complete(self, node: Any, local: tuple[float, ...]) -> None:
        """Call the functions, which may replace ``node.grad``, then what breaks on it."""
        functions = tuple(self.functions.values())
        if functions:
            pass_over_library(sys.gettrace())
        before, self.replacement = node.grad, None
        for function in functions:
            replacement = function(node.grad)
            if replacement is not None:
                node.grad = to_float(replacement, "a hook that replaces a gradient")
        if node.grad is not before and node.grad != before:  # a nan left as it was is none
            self.replacement = node.grad
        names = {"node": node, "parents": node.parents, "upstream": node.grad, "local": local}
        self._happens("backward", names, node.grad, node.origin.file, node.origin.line)

    def gets_contribution(self, step: Any) -> None:
        """Break on what flows into the Value, if wanted: a step of the pass."""
        names = {
            "node": step.node,
            "parent": step.parent,
            "upstream": step.upstream,
            "local": step.local,
            "contribution": step.contribution,
            "sum": step.total,
            "step": step,
        }
        origin = step.node.origin
        self._happens("contribution", names, step.contribution, origin.file, origin.line)

    def is_used(self, node: Any) -> None:
        """Break on the use, if wanted: ``node`` is new and uses the Value."""
        names = {"node": node, "op": node.op, "parents": node.parents}
        file, line = place_of_now()
        self._happens("forward", names, node.data, file, line)

    def _happens(self, event: str, names: LocalNames, number: float, file: str, line: int) -> None:
        """Stop at the breakpoints that wait for an event, or for one with such a number."""
        for each in tuple(self.breakpoints.values()):
            if each.event == event or (each.event == f"{event}-nan" and not math.isfinite(number)):
                each.is_met(event, dict(names), file, line)
