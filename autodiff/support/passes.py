"""What is done to all nodes of a graph before a reverse pass, and after it.

A person who steps through ``backward()`` comes to see the chain rule, so this is little to step
over: one walk does all that has to be done before.
"""

from __future__ import annotations

from collections import deque
from itertools import repeat
from operator import attrgetter
from typing import Any

from autodiff.graph import topological_order
from autodiff.support.convert import to_float
from autodiff.support.gradients import NOT_COMPUTED, OF_A_CONSTANT
from autodiff.support.node import number_of

__all__ = [
    "SetAside",
    "abandon_pass",
    "begin_pass",
    "check_data",
    "finish_pass",
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


def check_data(root: Any) -> None:
    """Raise TypeError if something that is no number was assigned to the ``data`` of any node."""
    for node in topological_order(root):
        number_of(node)


def begin_pass(root: Any) -> tuple[list[Any], SetAside]:
    """Return the interior nodes, parents before their users, and the leaves' earlier gradients.

    No gradient of the graph is computed then.  Variables that had one are returned with it, and
    constants, which are to have none after the pass.

    It is the walk of ``leaves_and_interior``, which stands here again as it is on the way of every
    training step, and of everybody who steps through one: it does as it goes what has to be done.
    """
    if not root.parents:
        return [], {root: root.grad}
    seen, path, interior, leaves = {root}, [], list[Any](), list[Any]()
    mark, note, unset = seen.add, leaves.append, NOT_COMPUTED
    node, operands = root, iter(root.parents)
    while True:
        for v in operands:
            # note and mark return None: into a leaf there is no way on.
            if (v.parents or (v.grad is not unset and note(v))) and v not in seen and not mark(v):
                path.append((node, operands))
                node, operands, v.grad = v, iter(v.parents), unset
                break
        else:
            interior.append(node)
            if not path:
                earlier = dict(zip(leaves, map(gradient_of, leaves), strict=True))
                do_all(map(setattr, earlier, repeat("grad"), repeat(unset)))
                return interior, earlier
            node, operands = path.pop()


def finish_pass(set_aside: SetAside) -> None:
    """Add what the pass has given to what the variables had before; constants have none again.

    Added last, as one number: a second pass then doubles a gradient exactly.
    """
    for leaf, earlier in set_aside.items():
        if earlier is OF_A_CONSTANT or leaf.grad is NOT_COMPUTED:
            leaf.grad = earlier
        elif earlier is not None:  # which PyTorch's users assign
            leaf.grad = earlier + leaf.grad


def abandon_pass(root: Any, set_aside: SetAside) -> None:
    """Undo a pass that failed: variables have what they had, the others no gradient.

    Raises TypeError if something that is no number was assigned to the ``data`` of a Value.
    """
    for node in topological_order(root):
        node.grad = NOT_COMPUTED
    for leaf, earlier in set_aside.items():
        leaf.grad = earlier
    check_data(root)  # which says what was wrong, if it was that
