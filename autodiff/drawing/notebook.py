"""What a notebook shows of a Value: a picture if its graph is small, and always its text.

A display must not fail or take long: where a picture cannot be had, the text is all there is.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Sequence
from typing import Any

from autodiff.drawing.draw import drawing_of
from autodiff.drawing.fold import Fold
from autodiff.drawing.look import Look
from autodiff.drawing.moment import NOW, Moment
from autodiff.value import Value, constant

__all__ = ["bundle_of_module", "mimebundle"]

MOST_NODES = 60  # of a graph that is drawn unasked

# Of a module that is drawn: at all, and neuron by neuron.
MOST_PARAMETERS = 20_000
MOST_PARAMETERS_OF_NEURONS = 100


def mimebundle(value: Value, **_: Any) -> dict[str, str]:
    """Return what a notebook shows of a Value, by MIME type."""
    if value.is_leaf or not has_at_most(MOST_NODES, value):
        return {"text/plain": repr(value)}
    return bundle_of(repr(value), [value], Look(), NOW)


def bundle_of(text: str, roots: Sequence[Value], look: Look, moment: Moment) -> dict[str, str]:
    """Return a text, and the picture of a graph if it can be drawn, by MIME type."""
    # A package may be missing, or the picture too large.
    with contextlib.suppress(ImportError, RuntimeError, ValueError):
        drawing = drawing_of(roots, moment, look, max_nodes=MOST_NODES)
        return drawing._repr_mimebundle_() | {"text/plain": text}
    return {"text/plain": text}


def bundle_of_module(
    module: Callable[[list[Value]], Any], inputs: int | None, parameters: Sequence[Value]
) -> dict[str, str]:
    """Return a module's text, and its picture by neuron or layer, by MIME type.

    ``inputs`` is how many inputs a call takes, None if that is not known.
    """
    text = {"text/plain": repr(module)}
    if inputs is None or len(parameters) > MOST_PARAMETERS:
        return text
    try:
        output = module([constant(0.0, f"x{place}") for place in range(1, inputs + 1)])
    except Exception:  # it may want something else; a display must not fail
        return text
    # These inputs stand for any, so nothing that is computed from them has a number.
    moment = Moment(known=set(parameters))
    fold: Fold = "neuron" if len(parameters) <= MOST_PARAMETERS_OF_NEURONS else "layer"
    outputs = output if isinstance(output, list) else [output]
    return bundle_of(repr(module), outputs, Look(fold=fold), moment)


def has_at_most(count: int, root: Value) -> bool:
    """Return whether a graph has at most so many nodes, without walking more of it.

    >>> x = Value(2.0)
    >>> has_at_most(3, x * x + 1), has_at_most(4, x * x + 1)
    (False, True)
    """
    seen = {root}
    pending = [root]
    while pending:
        for parent in pending.pop().parents:
            if parent not in seen:
                seen.add(parent)
                pending.append(parent)
                if len(seen) > count:
                    return False
    return True


# Value itself knows nothing of pictures, which are made of Values.
Value._repr_mimebundle_ = mimebundle  # type: ignore[attr-defined]
