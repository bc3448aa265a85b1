"""What a notebook shows of a Value: a picture if its graph is small, and always its text.

A display must not fail or take long: where a picture cannot be had, the text is all there is.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from functools import partial
from typing import Any

from autodiff.drawing.draw import Drawing, drawing_of, planned
from autodiff.drawing.fit import FRAME
from autodiff.drawing.look import Look
from autodiff.drawing.moment import NOW
from autodiff.drawing.networks.modules import Module, outputs_of
from autodiff.drawing.networks.network import OFS
from autodiff.value import Value

__all__ = ["bundle_of_module", "mimebundle"]

MOST_NODES = 60  # boxes of a picture that is drawn unasked
MOST_TO_FOLD = 1000  # nodes of a graph that is folded for that
MOST_PARAMETERS = 20_000  # of a module that is drawn


def mimebundle(value: Value, **_: Any) -> dict[str, str]:
    """Return what a notebook shows of a Value, by MIME type."""
    if value.is_leaf or not has_at_most(MOST_TO_FOLD, value):
        return {"text/plain": repr(value)}
    return bundle_of(repr(value), partial(graph_of, value))


def bundle_of(text: str, make: Callable[[], Drawing]) -> dict[str, str]:
    """Return a text, and a picture if it can be drawn, by MIME type."""
    # A package may be missing, or the picture too large.
    with contextlib.suppress(ImportError, RuntimeError, ValueError):
        return make()._repr_mimebundle_() | {"text/plain": text}
    return {"text/plain": text}


def graph_of(value: Value) -> Drawing:
    """Return the picture of a graph, folded if it is not small."""
    return drawing_of([value], NOW, Look(), max_nodes=MOST_NODES)


def bundle_of_module(module: Module) -> dict[str, str]:
    """Return a module's text, and its network, or what it computes by layer, by MIME type."""
    if len(module.parameters()) > MOST_PARAMETERS:
        return {"text/plain": repr(module)}
    return bundle_of(repr(module), partial(picture_of_module, module))


def picture_of_module(module: Module) -> Drawing:
    """Return the picture of a module; raise ValueError if it has none."""
    roots, moment = outputs_of(module)
    try:
        return planned(module, "network", OFS[0], None, FRAME)
    except ValueError:  # it has no neurons
        return drawing_of(roots, moment, Look(fold="layer"), max_nodes=MOST_NODES)


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
