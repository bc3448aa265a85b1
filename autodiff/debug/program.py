"""The program that made a graph: the names in it, and the lines that a message should show."""

from __future__ import annotations

import ast
import os
import sys
from collections.abc import Iterable, Iterator, Sequence
from types import FrameType

from autodiff.debug.directions import direction
from autodiff.debug.statements import (
    Statement,
    decisions_of,
    is_clearing,
    is_rebinding,
    is_update,
    names_in,
    numbers_in,
    reach,
    read,
    target_name,
    unpacked,
)
from autodiff.support.frames import LIBRARY, frames_of_now, is_users
from autodiff.support.lines import names_of_user
from autodiff.support.naming import name_of
from autodiff.value import Value

__all__ = ["Program", "frames_of"]


class Program:
    """The user's program, as far as it can be seen from where an explanation is asked for.

    ==============  ======================================================================
    ``scope``       the names that the code that asks has, and its callers, and what they stand for
    ``called``      what they call the Values, the outermost first, but for loops over many
    ``statements``  those of the files that made the graph, and of the one that asks, as far as
                    what runs now may have run them
    ``flows``       what goes where by them
    ``made_anew``   the statements that give a function's name to something else
    ``is_recorded`` whether ``record_source`` has seen a part of the graph
    ``running``     the line at which each function of the program is, by file and name
    ==============  ======================================================================
    """

    def __init__(self, nodes: Sequence[Value]) -> None:
        files = dict.fromkeys(node.origin.file for node in nodes if node.origin.file)
        self.is_recorded = bool(files)
        frames = list(frames_of(files))
        files |= dict.fromkeys(frame.f_code.co_filename for frame in frames)
        self.running = {
            (frame.f_code.co_filename, frame.f_code.co_name): frame.f_lineno
            for frame in reversed(frames)
        }
        texts = [read(file) for file in files]
        self.statements = self.may_have_run([each for found, _ in texts for each in found])
        self.made_anew: dict[tuple[object, str], list[Statement]] = {}
        for each in self.statements:
            for name in each.made_anew:
                self.made_anew.setdefault((each.function, name), []).append(each)
        known = set(self.statements)
        self.flows = [
            flow
            for _, flows in texts
            for flow in flows
            if flow.statement in known
            if all(self.is_current(flow.statement, name) for name in flow.targets)
        ]
        self.scope: dict[str, object] = {}
        self.called: dict[Value, str] = {}
        loops = self.names_of_loops()
        for frame in reversed(frames):
            names = names_of_user(frame)
            self.scope |= names
            for name, value in names.items():
                is_own = name.isidentifier() and not name.startswith("_") and name not in loops
                if isinstance(value, Value) and is_own:
                    self.called.setdefault(value, name)

    def may_have_run(self, statements: Sequence[Statement]) -> list[Statement]:
        """Return the statements outside of functions, of those that run, and of what they name.

        Of a function that runs those are left out that it has not come to, but in a loop.
        """
        by_owner: dict[str, list[Statement]] = {}
        for each in statements:
            by_owner.setdefault("".join(each.owners[:1]), []).append(each)
        found = [""]
        found += {"".join(each.owners[:1]) for each in statements if each.function in self.running}
        for owner in found:  # which grows meanwhile
            for each in by_owner.get(owner, ()):
                found += (each.names & by_owner.keys()).difference(found)
        known = [each for owner in dict.fromkeys(found) for each in by_owner.get(owner, ())]
        return [
            each
            for each in known
            if self.has_been_at(each)
            or any(loop.lineno <= self.running[each.function] for loop in each.loops)
        ]

    # ---- names -----------------------------------------------------------------------------

    def name(self, value: Value) -> str:
        """Return what the code calls a Value, or else its own name, or its formula."""
        if value.name.isidentifier():
            return value.name
        return self.called.get(value) or name_of(value)

    def names(self, values: Iterable[Value]) -> set[str]:
        """Return the names of Values that may stand in the program's text."""
        known = set(values)
        own = {each.name for each in known if each.name.isidentifier()}
        return own | {name for name, each in self.bound() if each in known}

    def names_of_loops(self) -> set[str]:
        """Return the names that a loop gives to one thing after the other."""
        trees = [each.tree for each in self.statements]
        return names_in(*[tree.target for tree in trees if isinstance(tree, ast.For)])

    def bound(self) -> Iterable[tuple[str, Value]]:
        """Return the names that are bound to Values, with these."""
        return [(name, each) for name, each in self.scope.items() if isinstance(each, Value)]

    def number(self, value: Value) -> str:
        """Return a variable's number in code; of one that has no name there, as in a loop."""
        name = self.name(value)
        return f"{name if name.isidentifier() else 'p'}.data"

    # ---- lines -----------------------------------------------------------------------------

    def updates(self, values: Iterable[Value], graph: Iterable[Value]) -> list[Statement]:
        """Return the lines that assign to the ``.data`` of Values of a graph.

        Those that do it by their names, or else all that may do it, such as in a loop over them.
        """
        found = [
            each
            for each in self.statements
            if is_update(each.tree) and self.is_current(each, target_name(each.tree))
        ]
        names, nodes = self.names(values), set(graph)
        others = {name for name, each in self.bound() if each not in nodes}
        by_name = [each for each in found if target_name(each.tree) in names]
        return by_name or [each for each in found if target_name(each.tree) not in others]

    def not_updated(self, graph: Iterable[Value]) -> set[Value]:
        """Return the Values of a graph that no line updates, if each updates a variable by name."""
        names = {target_name(each.tree) for each in self.statements if is_update(each.tree)}
        bound = dict(self.bound())
        if not names or not names <= bound.keys() - self.names_of_loops():
            return set()
        return set(graph) - {bound[name] for name in names}

    def assigned_gradients(self, value: Value) -> list[Statement]:
        """Return the lines that may have assigned to a Value's ``.grad``, and do not clear it."""
        others = {name for name, each in self.bound() if each is not value}
        others -= self.names_of_loops()
        return [
            each
            for each in self.statements
            if is_update(each.tree, "grad") and not is_clearing(each.tree)
            if (name := target_name(each.tree)) not in others and self.is_current(each, name)
        ]

    def assignments(self, names: set[str]) -> list[Statement]:
        """Return the lines that give one of these names to something."""
        return [
            each
            for each in self.statements
            for target in (*getattr(each.tree, "targets", ()), getattr(each.tree, "target", None))
            if isinstance(each.tree, (ast.Assign, ast.AugAssign))
            if any(isinstance(part, ast.Name) and part.id in names for part in unpacked(target))
        ]

    def calls(self, method: str) -> list[tuple[Statement, set[str]]]:
        """Return the lines that do nothing but call a method, with the names of what it is of."""
        found = []
        for each in self.statements:
            match each.tree:
                case ast.Expr(value=ast.Call(func=ast.Attribute(value=owner, attr=attribute))):
                    if attribute == method:
                        found.append((each, names_in(owner)))
        return found

    def passes(self, root: Value) -> list[Statement]:
        """Return the lines that call ``backward()`` of a Value, by its names."""
        names = self.names([root])
        return [each for each, owner in self.calls("backward") if owner & names]

    def has_other_passes(self, root: Value) -> bool:
        """Return whether lines call ``backward()`` of something that has a name of its own."""
        names = self.names([root])
        return any(owner and owner.isdisjoint(names) for _, owner in self.calls("backward"))

    def steps(self, values: Iterable[Value]) -> list[Statement]:
        """Return the lines that call ``step()`` of what may hold one of these Values."""
        others = self.optimizers_without(values)
        return [each for each, owner in self.calls("step") if owner.isdisjoint(others)]

    def optimizers_without(self, values: Iterable[Value]) -> list[str]:
        """Return the names of the optimizers in sight that hold none of these Values."""
        wanted = set(map(id, values))
        return [
            name
            for name, each in self.scope.items()
            if isinstance(held := getattr(each, "__dict__", {}).get("parameters"), (list, tuple))
            if hasattr(type(each), "step") and wanted.isdisjoint(map(id, held))
        ]

    def clearings(self, value: Value, root: Value) -> list[Statement]:
        """Return the lines that clear a Value's gradient behind the last that calls backward()."""
        others = {name for name, each in self.bound() if each is not value}
        others -= self.names_of_loops()
        last = self.passes(root)[-1:]
        return [
            each
            for each in self.statements
            if (is_update(each.tree, "grad") and is_clearing(each.tree))
            or "zero_grad" in each.names
            if each.names.isdisjoint(others) and not isinstance(each.tree, (ast.For, ast.While))
            if any(one.owners == each.owners and one.place < each.place for one in last)
        ]

    @property
    def has_several_passes(self) -> bool:
        """Whether its text calls ``backward()`` in several places, or in one that may run often."""
        return self.places_of("backward") not in ([], [()])

    @property
    def has_one_rule_applied(self) -> bool:
        """Whether its text calls ``_backward()`` in one such place, and ``backward()`` nowhere."""
        return self.places_of("_backward") == [()] and not self.places_of("backward")

    def places_of(self, name: str) -> list[tuple[object, ...]]:
        """Return the loops, functions and classes in which each statement with a name stands."""
        return [(*each.loops, *each.owners) for each in self.statements if name in each.names]

    def has_been_at(self, statement: Statement) -> bool:
        """Return whether the function that a statement is in, if it runs, has got as far."""
        return statement.tree.lineno <= self.running.get(statement.function, sys.maxsize)

    def is_current(self, statement: Statement, name: str) -> bool:
        """Return whether what a statement has done to what has a name may still be seen.

        Then nothing has given the name to something else since.
        """
        place, now = statement.tree.lineno, self.running.get(statement.function, sys.maxsize)
        return all(
            not place < each.tree.lineno <= now or set(each.loops) & set(statement.loops)
            for each in self.made_anew.get((statement.function, name), ())
        )

    def uphill(self, updates: Iterable[Statement]) -> list[Statement]:
        """Return those of the updates that add the gradient."""
        return [each for each in updates if direction(each.tree, self.scope) > 0]

    def rebindings(self, value: Value) -> list[Statement]:
        """Return the lines that give a Value's name to a new Value, by a gradient."""
        names = self.names([value])
        found = [each for each in self.statements if is_rebinding(each.tree)]
        return [each for each in found if target_name(each.tree) in names]

    def is_rebound(self, value: Value) -> bool:
        """Return whether the line that made a Value gives its name to it, by a gradient.

        If that line is not known, one of the program that gives such a name.
        """
        if not value.origin.line:
            return bool(self.rebindings(value))
        place = value.origin.file, value.origin.line
        found = [each for each in self.statements if (each.file, each.tree.lineno) == place]
        return any(is_rebinding(each.tree) for each in found)

    def cuts(self, value: Value, root: Value) -> list[Statement]:
        """Return the lines where a number is taken out of the graph between a Value and a root."""
        reached = reach(self.flows, self.names([value]), forward=True)
        used = reach(self.flows, self.names([root]), forward=False)
        found = [
            flow.statement
            for flow in self.flows
            if flow.taken_out
            and (not reached or not reached.isdisjoint(flow.taken_out))
            and (not used or not used.isdisjoint(flow.targets))
        ]
        return list(dict.fromkeys(found))

    def cuts_into(self, order: Sequence[Value]) -> list[Statement]:
        """Return the lines where a Value's number is taken out on its way into a graph.

        It is a Value of the graph, what comes from one, or one that a name stands for now.
        """
        names = self.names(order)
        reached = reach(self.flows, names, forward=True)
        reached |= {name for name, value in self.scope.items() if isinstance(value, Value)}
        used = reach(self.flows, names, forward=False)
        found = [
            flow.statement
            for flow in self.flows
            if not (reached.isdisjoint(flow.taken_out) or used.isdisjoint(flow.targets))
        ]
        return list(dict.fromkeys(found))

    def decisions_into(self, order: Sequence[Value]) -> list[Statement]:
        """Return the lines that decide by a number (``if h.data > 0``) what goes into a graph."""
        names = self.names(order)
        flows = [flow for flow in self.flows if not is_update(flow.statement.tree)]
        used = reach(flows, names, forward=False)
        known = reach(flows, names, forward=True)
        known |= {name for name, value in self.scope.items() if isinstance(value, Value)}
        made = {flow.statement.tree for flow in flows if not used.isdisjoint(flow.targets)}
        return [
            each
            for each in self.statements
            for tests, decided in decisions_of(each.tree)
            if not (known.isdisjoint(numbers_in(tests)) or made.isdisjoint(decided))
        ]


def frames_of(files: Iterable[str]) -> Iterator[FrameType]:
    """Yield the frames of the program that asks, the innermost first; none if it is another one.

    Its code is in a folder of the files that made the graph; if none is known, it is nobody else's,
    nor what a debugger runs where it has stopped in this library.
    """
    folders = set(map(os.path.dirname, files))
    for frame in frames_of_now():
        file, module = frame.f_code.co_filename, str(frame.f_globals.get("__file__", ""))
        is_ours = file.startswith(LIBRARY) or module.startswith(LIBRARY)
        if not is_ours and (os.path.dirname(file) in folders if folders else is_users(file)):
            yield frame
