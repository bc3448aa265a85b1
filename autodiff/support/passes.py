"""What is done to all nodes of a graph before a reverse pass, and after it.

A person who steps through ``backward()`` comes to see the chain rule, so this is little to step
over: one walk does all that has to be done before.
"""

from __future__ import annotations

import sys
from collections import deque
from itertools import repeat
from operator import attrgetter
from typing import Any

from autodiff.graph import topological_order
from autodiff.support import watch
from autodiff.support.convert import to_float
from autodiff.support.gradients import NOT_COMPUTED, OF_A_CONSTANT
from autodiff.support.node import number_of

__all__ = [
    "SetAside",
    "abandon_pass",
    "begin_pass",
    "check_data",
    "do_all",
    "finish_pass",
    "gradient_of",
    "is_done_otherwise",
    "set_aside_gradients",
    "starting_gradient",
]

SetAside = dict[Any, Any]

gradient_of = attrgetter("grad")
do_all = deque[None](maxlen=0).extend  # runs an iterator to its end, and keeps nothing


def starting_gradient(root: Any, gradient: float) -> float:
    """Return the gradient that a pass gives root; raise if root cannot be differentiated."""
    if root.is_constant:
        raise ValueError(f"backward() from {root!r}: a constant depends on no variable")
    if type(root.data) is not float:
        check_data(root)
    return to_float(gradient, "backward")


def is_done_otherwise(root: Any, gradient: float) -> bool:
    """Do the pass if root is a leaf, or if who looks on does it; return whether it is done."""
    if watch.on_backward is not None and watch.on_backward(root, gradient):
        return True
    if not root.parents:
        root.grad = gradient if root.grad is None else root.grad + gradient
    return not root.parents


def check_data(root: Any) -> None:
    """Raise TypeError if something that is no number was assigned to the ``data`` of any node."""
    for node in topological_order(root):
        number_of(node)


def begin_pass(root: Any) -> tuple[list[Any], SetAside]:
    """Return the interior nodes, root the last, parents before their users, and what to set aside.

    Root is to be no leaf.  No interior node has a gradient then.  To be set aside are the leaves
    that have one, with it: variables, and constants, which are to have none after the pass.

    It is the walk of ``leaves_and_interior``, which stands here again as it is on the way of every
    training step, and of everybody who steps through one: it does as it goes what has to be done.
    """
    met: Any  # for mypy, which would have no use of what add returns
    met, path, interior, leaves = {root}, [], list[Any](), list[Any]()
    note, unset, node, operands = leaves.append, NOT_COMPUTED, root, iter(root.parents)
    while True:
        for v in operands:
            # note and add return None: into a leaf there is no way on.
            if (v.parents or (v.grad is not unset and note(v))) and v not in met and not met.add(v):
                path.append((node, operands))
                node, operands, v.grad = v, iter(v.parents), unset
                break
        else:
            interior.append(node)
            if not path:
                return interior, dict(zip(leaves, map(gradient_of, leaves), strict=True))
            node, operands = path.pop()


def set_aside_gradients(set_aside: SetAside) -> None:
    """Let these leaves have no gradient while the pass runs: each is of this pass alone."""
    do_all(map(setattr, set_aside, repeat("grad"), repeat(NOT_COMPUTED)))


def finish_pass(set_aside: SetAside) -> None:
    """Add what the pass has given to what the variables had before; constants have none again.

    Added last, as one number: a second pass then doubles a gradient exactly.  No gradient is
    assigned before all sums are there.
    """
    if not set_aside:
        return
    # On one line, where a debugger stops once: of each leaf v, g is what it had, some number.
    c, had = OF_A_CONSTANT, set_aside.items()
    sums = [c if v.origin.constant else v.grad if g is None else float(+g) + v.grad for v, g in had]
    do_all(map(setattr, set_aside, repeat("grad"), sums))


def abandon_pass(root: Any, set_aside: SetAside) -> None:
    """Undo a pass that failed: variables have what they had, the others no gradient.

    Raises TypeError if it failed because something that is no number was assigned to the ``data``
    of a Value.
    """
    for node in topological_order(root):
        node.grad = NOT_COMPUTED
    for leaf, earlier in set_aside.items():
        leaf.grad = earlier
    if isinstance(sys.exception(), Exception):  # nobody interrupted it
        check_data(root)
