"""The uses of a Value, and of all that depends on it, up to the root."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from autodiff.debug.steps import Step, steps_of
from autodiff.value import Value

__all__ = ["Uses", "uses_on_the_way"]


@dataclass(frozen=True, slots=True)
class Uses:
    """A Value and every node between it and the root, each with its uses.

    ``users`` has the node of each use, whatever flows there; ``steps`` what a backward pass does at
    it: none where nothing reaches the user.  ``every_step`` has those of all other Values too.
    """

    users: Mapping[Value, Sequence[Value]]
    steps: Mapping[Value, Sequence[Step]]
    every_step: Mapping[Value, Sequence[Step]]

    def likeness(self, node: Value) -> list[tuple[object, ...]]:
        """Return what two Values have in common that are used in the same way."""
        return [
            (step.node.op, step.node.data, step.position, step.local, step.upstream)
            for step in self.every_step.get(node, ())
        ]

    def unreached_users(self, node: Value) -> list[Value]:
        """Return the users that nothing reaches, so that they pass nothing on."""
        reached = {step.node for step in self.steps[node]}
        return [user for user in dict.fromkeys(self.users[node]) if user not in reached]


def uses_on_the_way(value: Value, of: Value, interior: Sequence[Value]) -> Uses:
    """Return the uses of value, and of all that depends on it below ``of``."""
    users: dict[Value, list[Value]] = {value: []}
    for node in interior:
        if node is value:
            continue
        used = [parent for parent in node.parents if parent in users]
        if used:
            users[node] = []
        for parent in used:
            users[parent].append(node)
    every_step: dict[Value, list[Step]] = {}
    for step in steps_of(of):
        every_step.setdefault(step.parent, []).append(step)
    return Uses(users, {node: every_step.get(node, []) for node in users}, every_step)
