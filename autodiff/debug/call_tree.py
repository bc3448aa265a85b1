"""Which of the user's functions called which, as far as a graph's nodes were recorded in them."""

from __future__ import annotations

import ast
import linecache
import os
import re
from collections.abc import Iterable, Iterator, Sequence
from inspect import CO_GENERATOR
from types import CodeType
from typing import Any, Final

from autodiff.debug.bindings import is_function
from autodiff.debug.instructions import instructions, parameters_of
from autodiff.debug.visits import time_of
from autodiff.support.frames import COMPREHENSIONS
from autodiff.support.naming import name_of, number_text
from autodiff.value import Value

__all__ = ["CallNode", "CallTree", "Requests"]

MOST_LISTED: Final = 12  # names in a message
LONGEST_ARGUMENT: Final = 16  # characters
NUMBERED: Final = re.compile(r"(.+?)(?: (\d+))?", re.DOTALL)  # "softmax 3"
BETWEEN: Final = " > "  # "attention > softmax"


class CallNode:
    """A call of a function: the results that it computed itself, and the calls that it made.

    ``number`` counts the calls of functions of that ``name`` in the graph from 1, in the order in
    which they ran, and ``of`` is how many they are.  ``site`` is what the calls have in common
    that one place of one function makes.  At the top of the tree stands what is no call: modules,
    the cells of a notebook, and the functions that the recording began in.

    What a generator computes each time that it is asked counts as one call, where one line of one
    call asks.
    """

    __slots__ = ("call", "caller", "code", "depth", "first", "inner", "number", "of", "own")

    def __init__(self, call: Any, caller: CallNode | None) -> None:
        self.call = call
        self.caller = caller
        self.code: CodeType | None = None if caller is None else call.code
        self.depth: int = 0 if caller is None else caller.depth + 1
        self.own: list[Value] = []
        self.inner: list[CallNode] = []
        self.first = 0  # the number of the first visit that it or a call in it made a node in
        self.number = self.of = 1

    @property
    def name(self) -> str:
        """The function's name, a method's with its class."""
        return "" if self.code is None else self.code.co_qualname.rpartition("<locals>.")[2]

    @property
    def site(self) -> tuple[object, ...]:
        """The function and the place that called it."""
        return self.code, self.call.site

    @property
    def place(self) -> str:
        """File and line that called it, without the file's folder; '' if no code of the user's."""
        caller = self.call.caller
        if caller is None:
            return ""
        return f"{os.path.basename(caller.call.code.co_filename)}:{caller.line}"

    @property
    def expression(self) -> str:
        """The call as it is written, calls within it left out; '' if that cannot be read."""
        caller, site = self.call.caller, self.call.site
        if caller is None or caller.call.time != time_of(caller.call.code.co_filename):
            return ""
        text = text_at(*site)
        return without_inner_calls(text) if text else ""

    @property
    def visit(self) -> Any:
        """A run of a line of it that is known; None if there is none."""
        visits = [node.origin.visit for node in self.own]
        visits += [each.call.caller for each in self.inner]
        return next((each for each in visits if each.call is self.call), None)

    @property
    def parameters(self) -> list[str]:
        """The names of what it is given, but for those that the function binds anew."""
        return parameters_of(self.call.code)

    @property
    def arguments(self) -> str:
        """The numbers and short texts that it was given, as in ``token=0, position=3``."""
        visit = self.visit
        if visit is None:
            return ""
        found = dict(zip(visit.names.names, visit.bindings, strict=True))
        texts = [(name, argument_text(found.get(name))) for name in self.parameters]
        return ", ".join(f"{name}={text}" for name, text in texts if text)

    def chain(self) -> Iterator[CallNode]:
        """Yield the call and those around it, the innermost first, but for the top of the tree."""
        call: CallNode | None = self
        while call is not None and call.code is not None:
            yield call
            call = call.caller

    def all_inside(self) -> Iterator[CallNode]:
        pending = [self]
        while pending:
            call = pending.pop()
            yield call
            pending.extend(call.inner)


class CallTree:
    """The calls that made the results of a graph, given in topological order.

    ``unrecorded`` are the results that were made outside of a recording, ``users`` those that use
    each leaf.

    >>> from autodiff import record_source, topological_order
    >>> def square(x):
    ...     return x * x
    >>> with record_source():
    ...     loss = square(Value(3.0)) + square(Value(2.0))
    >>> top = CallTree(topological_order(loss)).top
    >>> [node.op for node in top.own], [(call.name, call.number, call.of) for call in top.inner]
    ([add], [('square', 1, 2), ('square', 2, 2)])
    """

    def __init__(self, order: Iterable[Value]) -> None:
        self.top = CallNode(None, None)
        self.unrecorded: list[Value] = []
        self.users: dict[Value, list[Value]] = {}
        self.known: dict[object, CallNode] = {}
        for node in order:
            origin = node.origin
            if origin.op is None:
                self.users[node] = []
                continue
            for parent in node.parents:
                if parent in self.users:
                    self.users[parent].append(node)
            if origin.visit is None:
                self.unrecorded.append(node)
            else:
                self.call_node(origin.visit.call, origin.visit.number).own.append(node)
        self.calls = sorted(self.top.all_inside(), key=when)[1:]
        by_name: dict[str, list[CallNode]] = {}
        for call in self.calls:
            by_name.setdefault(call.name, []).append(call)
        self.by_name = by_name
        for alike in by_name.values():
            for number, call in enumerate(alike, 1):
                call.number, call.of = number, len(alike)
        for call in (self.top, *self.calls):
            call.inner.sort(key=when)

    def call_node(self, call: Any, visit: int) -> CallNode:
        """Return the call that a recorded one is, or is in if it is not drawn."""
        found = self.found(call)
        for each in found.chain():
            if each.first <= visit:
                break
            each.first = visit
        return found

    def found(self, call: Any) -> CallNode:
        """Return the same, made if it is new."""
        new = []
        around = call
        while around is not None and around not in self.known:
            new.append(around)
            around = None if around.caller is None else around.caller.call
        found = self.top if around is None else self.known[around]
        for each in reversed(new):
            is_own = is_function(each.code) and each.code.co_name not in COMPREHENSIONS
            if is_own and not each.is_around:  # it began in the recording
                found = self.call_in(found, each)
            self.known[each] = found
        return found

    def call_in(self, caller: CallNode, call: Any) -> CallNode:
        """Return a call that another made."""
        is_generator = call.code.co_flags & CO_GENERATOR and call.caller is not None
        key = (caller, call.code, call.caller.line) if is_generator else call
        if key not in self.known:
            self.known[key] = CallNode(call, caller)
            self.known[key].first = NEVER
            caller.inner.append(self.known[key])
        return self.known[key]

    @property
    def outermost(self) -> CallNode:
        """The innermost call that made all results; the top of the tree if there is none."""
        call = self.top
        while not (call.own or self.unrecorded) and len(call.inner) == 1:
            call = call.inner[0]
        return call


def argument_text(argument: object) -> str:
    """Return a number, or a short text, as it is written; '' for anything else.

    >>> argument_text(3), argument_text("key"), argument_text([3])
    ('3', "'key'", '')
    """
    if type(argument) is float:
        return number_text(argument)
    text = repr(argument) if type(argument) in (int, bool, str) else ""
    return text if len(text) <= LONGEST_ARGUMENT else ""


NEVER: Final = 1 << 62  # later than any visit


def when(call: CallNode) -> tuple[int, int]:
    """Return when a call ran, to sort by; what called it was before it."""
    return call.first, call.depth


# ---- As it is written -----------------------------------------------------------------------


def text_at(code: CodeType, offset: int) -> str:
    """Return the text of the expression that an instruction belongs to; '' if it is not known."""
    first, last, start, end = instructions(code)[offset].positions or (None,) * 4
    if first is None or last is None or end is None:  # python -X no_debug_ranges
        return ""
    lines = [linecache.getline(code.co_filename, line).encode() for line in range(first, last + 1)]
    lines[-1] = lines[-1][:end]
    lines[0] = lines[0][start:]
    return b"".join(lines).decode(errors="replace")


class InnerCallsCut(ast.NodeTransformer):
    """Leaves out what the calls in a call are given."""

    def visit_Call(self, node: ast.Call) -> ast.Call:
        """Return the call with one argument, an ellipsis, if it has any."""
        cut: list[ast.expr] = [ast.Name("…")] if node.args or node.keywords else []
        return ast.Call(self.visit(node.func), cut, [])


def without_inner_calls(text: str) -> str:
    """Return an expression in one line, what calls in its call are given left out.

    >>> without_inner_calls("plus(x, linear(weights,\\n  attended))"), without_inner_calls("f(")
    ('plus(x, linear(…))', '')
    """
    try:
        tree = ast.parse(f"({text}\n)", mode="eval").body
    except SyntaxError:
        return ""
    if isinstance(tree, ast.Call):
        inner = InnerCallsCut()
        tree.args = [inner.visit(each) for each in tree.args]
        tree.keywords = [inner.visit(each) for each in tree.keywords]
    return ast.unparse(tree)


# ---- Which calls are to be opened -----------------------------------------------------------


class Requests:
    """What ``expand`` asks to open.

    ``opened`` are the calls to open, and those around them.  Of these, ``single`` are drawn apart
    from others that are alike, and ``asked`` were asked for, each by itself.
    """

    def __init__(self, tree: CallTree, expand: Sequence[str | Value]) -> None:
        self.tree = tree
        self.opened: set[CallNode] = set()
        self.single: set[CallNode] = set()
        self.asked: set[CallNode] = set()
        for each in expand:
            if isinstance(each, Value):
                self.open([self.call_with(each)], is_single=True)
            else:
                found, is_single = self.calls_named(each)
                self.open(found, is_single)

    def open(self, calls: Iterable[CallNode], is_single: bool) -> None:
        """Open calls and those around them."""
        for call in calls:
            self.opened.update(call.chain())
            if is_single:
                self.single.update(call.chain())
                self.asked.add(call)

    def call_with(self, value: Value) -> CallNode:
        """Return the innermost call that made a Value; raise ValueError if there is none."""
        visit = value.origin.visit
        if value.op is None or visit is None or visit.call not in self.tree.known:
            raise ValueError(
                f"expand: {name_of(value)} was computed by no call that is recorded in this graph; "
                f"there are {self.listed()}"
            )
        return self.tree.known[visit.call]

    def calls_named(self, text: str) -> tuple[list[CallNode], bool]:
        """Return the outermost calls of a name or path, and whether a number tells one of them."""
        parts = [NUMBERED.fullmatch(part) for part in reversed(text.split(BETWEEN))]
        wanted = [("", "") if part is None else part.groups("") for part in parts]
        found = [call for call in self.tree.calls if is_called(call, wanted)]
        if not found:
            raise ValueError(f"expand: no call is named {text!r}; there are {self.listed()}")
        known = set(found)
        outermost = [call for call in found if known.isdisjoint([*call.chain()][1:])]
        return outermost, any(number for _, number in wanted)

    def listed(self) -> str:
        """Return the names of all functions, with how many calls of them there are."""
        names = [
            f"{name} ({len(calls)} calls)" if len(calls) > 1 else name
            for name, calls in self.tree.by_name.items()
        ]
        more = ", …" if len(names) > MOST_LISTED else ""
        return ", ".join(names[:MOST_LISTED]) + more if names else "no calls of functions in it"


def is_called(call: CallNode, wanted: Sequence[tuple[str, ...]]) -> bool:
    """Return whether a call, and those around it, have names and numbers, the innermost first."""
    chain = [each for each, _ in zip(call.chain(), wanted, strict=False)]
    return len(chain) == len(wanted) and all(
        name in (each.name, each.name.rpartition(".")[2]) and number in ("", str(each.number))
        for each, (name, number) in zip(chain, wanted, strict=True)
    )
