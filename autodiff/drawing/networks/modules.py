"""A module of ``nn`` without inputs: what it computes is drawn from inputs that stand for any.

Drawing knows no ``nn``, so a module is what has the methods of one.
"""

from __future__ import annotations

from typing import Any, Protocol, runtime_checkable

from autodiff.drawing.moment import Moment
from autodiff.support.convert import describe
from autodiff.support.snapshots import draws_of
from autodiff.value import Value, constant

__all__ = ["Module", "outputs_of"]


@runtime_checkable
class Module(Protocol):
    """What a module of ``nn`` has."""

    def __call__(self, x: Any) -> Any: ...

    def parameters(self) -> list[Value]: ...

    def modules(self) -> list[Any]: ...

    def input_count(self) -> int | None: ...


def outputs_of(module: Module) -> tuple[list[Value], Moment]:
    """Return what a module computes from inputs that are called x[0], x[1], ..., and what is known.

    That is the parameters alone.  The call draws nothing from a generator, nor drops anything.

    Raises ValueError if it is not known how many inputs a call takes, or the call fails.
    """
    counts = [each.input_count() for each in module.modules()]
    count = next((count for count in counts if count is not None), None)
    cure = "draw what it computed instead: draw(model(x))"
    if count is None:
        raise ValueError(f"draw cannot tell how many inputs {describe(module)} takes; {cure}")
    before, modes = draws_of(module), [each.training for each in module.modules()]
    try:
        for each in module.modules():
            each.training = False
        outputs = module([constant(0.0, f"x[{place}]") for place in range(count)])
    except Exception as error:  # it may want something else
        raise ValueError(
            f"draw could not call {describe(module)} with {count} inputs ({error}); {cure}"
        ) from error
    finally:
        for each, mode in zip(module.modules(), modes, strict=True):
            each.training = mode
        before.restore()
    found = outputs if isinstance(outputs, list) else [outputs]
    if not all(isinstance(each, Value) for each in found) or not found:
        raise ValueError(
            f"draw needs a module that returns Values, but {describe(module)} returned "
            f"{describe(outputs)}"
        )
    # These inputs stand for any, so nothing that is computed from them has a number.
    return found, Moment(known=set(module.parameters()))
