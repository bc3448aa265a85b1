"""A backward pass through the user's own lines: the last first, as a debugger shows them.

The pass is that of ``Value.backward()``, bit for bit.  It is done where ``record_source`` has seen
the graph being made and a debugger looks on.  Each run of a line, a *visit*, is a stop at which the
chain rules of all that it made are applied, and each call of a function is a frame with its name:
code that is compiled with the file and the line numbers of the user's (``autodiff/support/lines``).
So a breakpoint on a line stops in both passes, and "step over" goes back from the loss.

The local variables at a stop are what the user's names stood for when the line ran, as far as that
was kept (``autodiff/debug/bindings``), what is differentiated, the gradients so far of the Values
among them, as ``d_`` and the name (of a list of Values a list of theirs), what a variable's
gradient was before the pass, as ``d_w_before``, and, of a line that ran several times, which run it
is: ``visit``.  What has a name of the user's own keeps it.

What ran last comes first, while ``backward()`` goes by the graph alone.  A sum depends on the order
of its terms in the last bit, so a gradient is summed anew, in the order of ``backward()``, once the
last contribution has come.
"""

from __future__ import annotations

import linecache
import math
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from heapq import heappop, heappush
from itertools import repeat
from operator import call, itemgetter
from types import CodeType
from typing import Any, Self

from autodiff.debug.bindings import (
    Copy,
    Unknown,
    bound_names,
    definitions,
    is_function,
    is_kept_alike,
    recalled,
    variables_of,
)
from autodiff.debug.steps import InNumbers, LookedOn, ReversePass, call_hooks
from autodiff.debug.visits import Call, Visit, time_of
from autodiff.gradient import contributions
from autodiff.graph import topological_order
from autodiff.ops import NOTHING
from autodiff.support import watch
from autodiff.support.changed import OURS
from autodiff.support.frames import frames_of_now, module_of, warn_user
from autodiff.support.gradients import NOT_COMPUTED
from autodiff.support.lines import LocalNames, Quiet, code_at_lines, pass_over_library, run_at_lines
from autodiff.value import Value

__all__ = ["walk_through"]

# Calls within calls further than this are done at the line where the last of these calls was.
MOST_CALLS = 100

CHANGED = Unknown("it changed while this line ran")
JUMPED = (
    "backward() through your lines: a debugger has jumped {}, which would leave out chain rules or "
    "apply them twice. The pass was undone, and every gradient is as it was; in the backward pass, "
    "go on with step or continue"
)


# ---- The pass -------------------------------------------------------------------------------


class Pass(InNumbers):
    """The arithmetic of one pass, whose contributions may come in any order that the graph allows.

    ``place`` is each node's place in the order of ``backward()``, leaves last; ``waiting`` are the
    gradients that variables had before, which are added at the end.
    """

    def __init__(self, order: Sequence[Value], reverse_pass: ReversePass) -> None:
        self.root = order[-1]
        self.place = {node: place for place, node in enumerate(reversed(order))}
        self.reverse_pass = reverse_pass
        self.watchers = watch.watchers()
        self.uses_left = Counter(parent for node in order for parent in node.parents)
        self.received: dict[Value, list[tuple[int, float]]] = {}
        self.waiting: dict[Value, float] = {}

    def contribute(self, node: Value, parent: Value, local: float, upstream: float) -> float:
        if local is NOTHING:
            return 0.0
        contribution = local * upstream
        self.add(node, parent, contribution)
        return contribution

    def add(self, node: Value, parent: Value, contribution: float) -> None:
        parent.grad += contribution
        self.received.setdefault(parent, []).append((self.place[node], contribution))

    def apply_chain_rule(self, node: Value) -> None:
        """Add what a node contributes to its operands, and complete what gets no more."""
        waiting = list(node.parents)
        given = node.origin.given
        if node.grad is not NOT_COMPUTED and given is not None and given.function is not None:
            self.call_given(node)
        else:
            for each in contributions([node], self):
                for watcher in self.watchers:
                    watcher.contributes(each)
                self.reverse_pass.receive(each)
                waiting.remove(each.parent)
                self.is_used(each.parent)
        for parent in waiting:
            self.is_used(parent)

    def call_given(self, node: Value) -> None:
        """Call the function of a node that was made by hand, and note what it adds to operands."""
        before = {parent: parent.grad for parent in node.parents}
        for parent in before:
            parent.grad = Terms()
        node.origin.op.chain_rule(node)
        for parent, gradient in before.items():
            added, parent.grad = parent.grad, gradient
            for term in added.terms if isinstance(added, Terms) else [added]:
                self.add(node, parent, term)

    def is_used(self, parent: Value) -> None:
        """Complete a gradient after the last use: its sum is then that of ``backward()``."""
        self.uses_left[parent] -= 1
        if self.uses_left[parent] or parent not in self.received:
            return
        first, *others = sorted(self.received.pop(parent), key=itemgetter(0))
        parent.grad = first[1]
        for _, contribution in others:
            parent.grad += contribution
        call_hooks(parent)


class Terms(float):
    """A gradient that a function adds to: it knows the terms, one by one."""

    __slots__ = ("terms",)

    terms: tuple[float, ...]

    def __new__(cls, total: float = -0.0, terms: tuple[float, ...] = ()) -> Self:
        gradient = super().__new__(cls, total)
        gradient.terms = terms
        return gradient

    def __add__(self, term: float) -> Terms:
        return Terms(float(self) + term, (*self.terms, term))

    __radd__ = __add__


def walk_through(root: Value, gradient: float) -> None:
    """Do ``root.backward(gradient)`` at the lines that made the graph.

    Raises what ``backward()`` raises, and what leaves a debugger; every gradient of the graph is
    then as it was before.
    """
    quiet = Quiet(sys.gettrace())
    try:
        looked_on = LookedOn(root, gradient, watch.watchers())
        with looked_on as reverse_pass:
            this_pass = Pass(topological_order(root), reverse_pass)
            this_pass.waiting = {
                leaf: had
                for leaf, had in looked_on.set_aside.items()
                if had is not None and had is not NOT_COMPUTED and not leaf.is_constant
            }
            walk = Walk(this_pass, quiet)
            for each in last_first(this_pass, root):
                walk.plan(each)
            walk.warn()
            call_hooks(root)
            for frame in walk.outermost:
                walk.run(frame)
    finally:
        quiet.end()


def last_first(this_pass: Pass, root: Value) -> Iterator[Value]:
    """Yield nodes and variables from the last visit to the first, all users before their operands.

    What was made without being recorded comes as soon as it can.
    """
    uses_left = this_pass.uses_left.copy()
    ready = [(-math.inf, 0, root)]
    while ready:
        _, _, node = heappop(ready)
        if not node.is_constant:
            yield node
        for parent in node.parents:
            uses_left[parent] -= 1
            if not uses_left[parent]:
                visit = parent.origin.visit
                number = math.inf if visit is None else visit.number
                heappush(ready, (-number, this_pass.place[parent], parent))


# ---- The way through the lines --------------------------------------------------------------


class Stop:
    """One stop at a line: what is differentiated there, and the frames of the calls in it."""

    def __init__(self, visit: Visit) -> None:
        self.visit = visit
        self.work: list[Value | Frame] = []


class Frame:
    """One call, and the stops in it."""

    def __init__(self, call: Call) -> None:
        self.call = call
        self.stops: list[Stop] = []


def visits_within(stop: Stop) -> Iterator[Visit]:
    """Yield the last visits of the calls that a line made, the outermost first."""
    while inner := [each for each in stop.work if isinstance(each, Frame)]:
        stop = inner[0].stops[0]
        yield stop.visit


def changed_globals(stop: Stop) -> set[str]:
    """Return the names of the module's data that changed while a line called functions.

    The line's own visit knows what they stood for when the first of these made a Value.
    """
    first, file = stop.visit.module, stop.visit.call.code.co_filename
    found = set()
    for later in visits_within(stop):
        if later.call.code.co_filename == file and later.module is not first:
            then = later.module.by_name()
            for name, it in first.by_name().items():
                if not is_kept_alike(it, then.get(name)):
                    found.add(name)
    return found


def changed_locals(stop: Stop) -> set[str]:
    """Return the same of the names in its own frame: variables shared, and lists passed on."""
    found = set()
    for later in visits_within(stop):
        bound = dict(zip(later.names.names, later.bindings, strict=True))
        free = later.call.code.co_freevars
        copies = {it.identity: it for it in later.bindings if isinstance(it, Copy)}
        for name, it in zip(stop.visit.names.names, stop.visit.bindings, strict=True):
            then = copies.get(it.identity, it) if isinstance(it, Copy) else it
            if not is_kept_alike(it, bound[name] if name in free else then):
                found.add(name)
    return found


def identity_of(call: Call) -> int:
    """Return what tells a call from others; all of a module's lines are one, however recorded."""
    return id(call.code if call.caller is None else call)


class Walk:
    """The stops of one pass, planned last first, and what they have in common."""

    def __init__(self, this_pass: Pass, quiet: Quiet) -> None:
        self.this_pass = this_pass
        self.quiet = quiet
        self.nodes = {id(node): node for node in this_pass.place}
        # In the functions that call backward() one stands already: each is walked by itself.
        self.running = {id(frame.f_code) for frame in frames_of_now()}
        self.has_hooks = any(watch.hooks_of(node) is not None for node in this_pass.place)
        self.outermost: list[Frame] = []
        self.open: list[Frame] = []
        self.depths: dict[int, int] = {}  # of those that are open
        self.unrecorded = 0
        self.visits: Counter[tuple[CodeType, int]] = Counter()
        self.visits_past: dict[tuple[CodeType, int], int] = {}
        self.calls: dict[str, Call] = {}
        self.modules: dict[str, dict[str, Any]] = {}
        self.definitions: dict[str, dict[str, Any]] = {}
        self.codes: dict[tuple[CodeType, tuple[int, ...]], CodeType] = {}

    def plan(self, node: Value) -> None:
        """Put what follows in the order to the stop of its line."""
        visit = node.origin.visit
        if visit is None:
            self.unrecorded += bool(node.parents)
        elif not self.open or visit is not self.open[-1].stops[-1].visit:
            self.go_to(visit)
        self.open[-1].stops[-1].work.append(node)

    def go_to(self, visit: Visit) -> None:
        """Leave and enter frames until the visit's line is reached."""
        path, call = [visit], visit.call
        while identity_of(call) not in self.depths and call.caller is not None:
            if id(call.code) in self.running:
                break
            path.append(call.caller)
            call = call.caller.call
        depth = self.depths.get(identity_of(call), 0)
        while len(self.open) > depth:
            del self.depths[identity_of(self.open.pop().call)]
        for each in reversed(path):
            if len(self.open) == MOST_CALLS:
                return
            if not depth or each is not path[-1]:
                self.enter(Frame(each.call))
            stops = self.open[-1].stops
            if not stops or stops[-1].visit is not each:
                stops.append(Stop(each))
                self.visits[each.call.code, each.line] += 1

    def enter(self, frame: Frame) -> None:
        file = frame.call.code.co_filename
        if file not in self.calls:
            self.calls[file] = frame.call
            self.modules[file] = module_of(file, frame.call.module)
            # Shared with its copies: what is warned of once is known in them.
            self.modules[file].setdefault("__warningregistry__", {})
            self.definitions[file] = definitions(self.modules[file])
        if self.open:
            self.open[-1].stops[-1].work.append(frame)
        else:
            self.outermost.append(frame)
        self.open.append(frame)
        self.depths[identity_of(frame.call)] = len(self.open)

    def warn(self) -> None:
        """Say where a debugger cannot show what is done."""
        told = [fault for file, call in self.calls.items() if (fault := fault_of(file, call.time))]
        if self.unrecorded:
            told.append(
                f"of {sum(1 for node in self.this_pass.place if node.parents)} operations "
                f"{self.unrecorded} were made outside of record_source(): their chain rules are "
                "applied at lines that use them"
            )
        for each in told:
            warn_user(f"backward() through your lines: {each}")

    def run(self, frame: Frame) -> None:
        """Do the work of a frame, at its lines."""
        call, lines = frame.call, tuple([stop.visit.line for stop in frame.stops])
        code = self.codes.get((call.code, lines))
        if code is None:
            of = call.code
            code = code_at_lines(of.co_filename, of.co_name, of.co_firstlineno, lines)
            self.codes[of, lines] = code
        rounds = Rounds(self, frame)
        next_round = self.quiet.rounds(rounds.next_round)
        run_at_lines(code, rounds.module, rounds.names, next_round, self.quiet, rounds.between)
        rounds.check_end()

    def recalled(self, stop: Stop) -> dict[str, Any]:
        """Return what the names known to a stop's line stood for."""
        visit = stop.visit
        found = self.as_kept(visit, visit.names.names, visit.bindings)
        changed = changed_locals(stop)
        variables = variables_of(visit.call.code) if is_function(visit.call.code) else ()
        changed |= changed_globals(stop).difference(variables)
        found.update((name, CHANGED) for name in changed & found.keys())
        return found

    def module_then(self, stop: Stop) -> dict[str, Any]:
        """Return the global names at a stop, without the local ones: those that its code binds."""
        visit, code = stop.visit, stop.visit.call.code
        found = self.as_kept(visit, visit.module.names, visit.module.bindings)
        found.update((name, CHANGED) for name in changed_globals(stop) & found.keys())
        of_module = self.definitions[code.co_filename]
        for name in bound_names(code):
            found.pop(name, None)
        found = {**of_module, **found}
        for name in bound_names(code) if is_function(code) else ():
            found.pop(name, None)
        return found

    def as_kept(
        self, visit: Visit, names: Iterable[str], bindings: Iterable[Any]
    ) -> dict[str, Any]:
        """Return what names stood for at a visit, given what was kept of that."""
        module = self.modules.get(visit.call.code.co_filename, {})
        return recalled(names, bindings, visit.number, self.nodes, module)

    def apply_chain_rule(self, node: Value) -> None:
        """Apply the node's rule; if that may call what the user wrote, for a debugger to see."""
        if self.has_hooks or node.op not in OURS:
            self.quiet.end()
            pass_over_library(sys.gettrace())
        try:
            self.this_pass.apply_chain_rule(node)
        finally:
            self.quiet.begin()

    def which(self, visit: Visit) -> dict[str, str]:
        """Return which run of its line a visit is, as ``{"visit": "3 of 4"}`` if there are more."""
        line = visit.call.code, visit.line
        count, past = self.visits[line], self.visits_past.get(line, 0)
        self.visits_past[line] = past + 1
        return {"visit": f"{count - past} of {count}"} if count > 1 else {}


def fault_of(file: str, time: int | None) -> str:
    """Return what keeps a debugger from showing a file's lines as they ran; '' if nothing does."""
    linecache.checkcache(file)
    if not linecache.getlines(file):
        gone = "is gone" if time is not None else "is no file that could be shown"
        return f"{file} {gone}: a debugger stops at its lines without showing them"
    if time_of(file) != time:
        return f"{file} has changed since its lines ran: a debugger shows those of now"
    return ""


class Rounds:
    """The rounds of one frame, and its local variables."""

    def __init__(self, walk: Walk, frame: Frame) -> None:
        self.walk = walk
        self.call = frame.call
        self.stops = frame.stops
        self.at = 0
        self.names: LocalNames = {}
        self.module: dict[str, Any] = {}  # the global names
        self.changes: list[Callable[[], object]] = []
        # Does all of these, with functions of C alone.
        self.between = map(list, map(map, repeat(call), repeat(self.changes))).__next__
        self.bound = frozenset(bound_names(frame.call.code))
        self.around = walk.module_then(self.stops[0])
        # Also where the function itself does not know it, as for explain(w, of=loss).
        root, self.shown = walk.this_pass.root, dict[str, Value]()
        if self.is_free(own_name(root)):
            self.shown[own_name(root)] = root
        self.lists: dict[str, Sequence[Any]] = {}
        self.prepare(self.stops[0])
        self.between()

    def next_round(self, _: object) -> None:
        """Do the work of the stop, let the gradients be those after it, and prepare the next."""
        self.check_line(sys._getframe(1).f_lineno)
        for each in self.stops[self.at].work:
            if isinstance(each, Frame):
                self.walk.run(each)
            elif each.parents:
                self.walk.apply_chain_rule(each)
        self.at += 1
        self.names.update(self.gradients())
        if self.at < len(self.stops):
            self.prepare(self.stops[self.at])
        self.walk.quiet.end()

    def check_line(self, line: int) -> None:
        """Raise RuntimeError if a debugger has jumped to that line."""
        wanted = self.stops[self.at].visit.line if self.at < len(self.stops) else 0
        if line != wanted:
            raise RuntimeError(JUMPED.format(f"to line {line}"))

    def check_end(self) -> None:
        """Raise RuntimeError if a debugger has jumped over stops."""
        left_out = len(self.stops) - self.at
        if left_out:
            raise RuntimeError(JUMPED.format(f"over {left_out} of {len(self.stops)} stops"))

    def prepare(self, stop: Stop) -> None:
        """Find the names of a stop; they are shown when its line begins, by ``between``."""
        visit, plain = stop.visit, LocalNames()
        before, self.around = self.around, self.walk.module_then(stop)
        gone = before.keys() - self.around.keys()
        operands = [
            parent for each in stop.work if isinstance(each, Value) for parent in each.parents
        ]
        then = self.walk.recalled(stop)
        self.shown.update(
            (own_name(each), each)
            for each in operands
            if self.stands_alone(each, then) or each.origin.visit is visit
        )
        for name, thing in then.items():
            is_of_this_pass = isinstance(thing, Value) and thing in self.walk.this_pass.place
            if name in self.shown and isinstance(thing, Value | Unknown) and not is_of_this_pass:
                continue  # in a loop: what the name stood for was of the round before
            self.shown.pop(name, None)
            if is_of_this_pass:
                self.shown[name] = thing
            elif thing is CHANGED or not (
                self.around.get(name, plain) is thing  # such as a function
                or (isinstance(thing, Unknown) and name not in visit.names.on_line)
            ):
                plain[name] = thing
        results = [last_value(each) for each in reversed(stop.work)]
        self.shown.update((own_name(each), each) for each in results if self.is_named(each, then))
        self.shown.pop("", None)
        plain.update(self.lists_made(visit))
        self.lists = {name: it for name, it in plain.items() if self.nodes_in(it)}
        which = self.walk.which(visit).items()
        own = {name: text for name, text in which if self.is_free(name)}
        names = {**plain, **self.shown, **own, **self.gradients()}
        self.changes[:] = [
            self.names.clear,
            partial(self.names.update, names),
            *[partial(self.module.pop, name, None) for name in gone],
            partial(self.module.update, self.around),
        ]

    def stands_alone(self, node: Value, then: Mapping[str, Any]) -> bool:
        """Return whether a Value's own name stands for nothing else at a stop.

        The names of a function's variables are not shown in a module, which has others.
        """
        name, namer = own_name(node), named_by(node)
        if namer is not None and is_function(namer.code) and not is_function(self.call.code):
            return False
        return name not in then and self.is_free(name)

    def is_named(self, node: Value, then: Mapping[str, Any]) -> bool:
        """Return whether the result of a line has its own name there.

        What is returned has one of a caller's, which may be another thing here.
        """
        namer = named_by(node)
        if namer is not None and identity_of(namer) == identity_of(self.call):
            return True
        if namer is not None and not is_function(namer.code):
            return own_name(node) not in self.bound
        return self.stands_alone(node, then)

    def lists_made(self, visit: Visit) -> dict[str, Sequence[Any]]:
        """Return the lists of Values that a line made, by its names, as the line after it knows."""
        later = self.walk.recalled(self.stops[self.at - 1]) if self.at else {}
        found = {}
        for name in visit.names.on_line & later.keys():
            made = [each.origin.visit for each in self.nodes_in(later[name])]
            if any(by is not None and by.number >= visit.number for by in made):
                found[name] = later[name]
        return found

    def nodes_in(self, thing: object) -> list[Value]:
        """Return the Values of the graph that a list or a tuple has in it."""
        inner = thing if isinstance(thing, (list, tuple)) else ()
        place = self.walk.this_pass.place
        return [each for each in inner if isinstance(each, Value) and each in place]

    def gradients(self) -> dict[str, Any]:
        """Return the gradients so far of what is shown, where their names are free."""
        waiting = self.walk.this_pass.waiting
        found: dict[str, Any] = {}
        for name, node in self.shown.items():
            if node.has_grad:
                found[f"d_{name}"] = node.grad
            if node in waiting:
                found[f"d_{name}_before"] = waiting[node]
        for name, each in self.lists.items():
            if any(node.has_grad for node in self.nodes_in(each)):
                found[f"d_{name}"] = [getattr(node, "grad", None) for node in each]
        return {name: it for name, it in found.items() if self.is_free(name)}

    def is_free(self, name: str) -> bool:
        """Return whether the user's code has no such name of its own."""
        return name not in self.bound and name not in self.around


def last_value(work: Value | Frame) -> Value:
    """Return the last Value that a part of a line made."""
    while isinstance(work, Frame):
        work = work.stops[0].work[0]
    return work


def named_by(node: Value) -> Call | None:
    """Return the call that gave a Value its own name; None for a label or where it is not known."""
    visit = node.origin.visit
    if visit is None or not node.origin.name:
        return None
    while visit.returns and visit.call.caller is not None:
        visit = visit.call.caller
    call: Call = visit.call
    return call


def own_name(node: Value) -> str:
    """Return the name that the user gave a Value, '' if that is none for a variable."""
    name = node.origin.name or node.label
    return name if name.isidentifier() else ""
