"""Random programs: whatever is done with a graph in whatever order, the numbers are a textbook's.

A state machine builds a graph with sharing, constants, labels and neurons, and does with it what
people do: passes, whole and given up, from several roots; new numbers; compiled programs; updates;
hooks; copies; and looking at it in all ways.  After each of them every Value has the bits of a
naive engine (``tests/naive_engine.py``), and looking has changed nothing at all.
"""

from __future__ import annotations

import contextlib
import copy
import itertools
import pickle
import warnings
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

import nn
from autodiff import (
    DecisionWarning,
    Names,
    Program,
    Trace,
    Value,
    backward_steps,
    compile,
    draw,
    explain,
    grad,
    name_of,
    topological_order,
    where,
)
from autodiff.ops import OPERATIONS
from autodiff.value import constant
from tests.bits import all_bits, bits
from tests.conftest import examples
from tests.naive_engine import FORMULAS, Contribution, Hook, Naive, Node
from tests.op_cases import OP_CASES
from tests.random_graphs import Recipe, built, recipes
from tests.reference import RATE, descent

numbers = st.one_of(
    st.floats(min_value=-4.0, max_value=4.0),
    st.integers(-3, 3).map(float),
    st.floats(),
)
labels = st.one_of(
    st.just(""),
    st.sampled_from(["x", "w", "loss", "v3", "t1", "exp", "a b", '"', "<b>", "*/", "\n", "\ud800"]),
    st.text(max_size=4),
)
# To pick something out of a list whose length the drawing does not know.
picks = st.integers(0, 10_000)


class HookError(Exception):
    """What a hook raises here."""


def stop(gradient: float) -> float | None:
    raise HookError


HOOKS: dict[str, Hook] = {
    "halves it": lambda gradient: gradient / 2.0,
    "makes it zero": lambda _: 0.0,
    "looks on": lambda _: None,
    "raises": stop,
}

MOST_NODES = 40


def test_the_naive_engine_knows_every_operation() -> None:
    assert set(FORMULAS) == set(OPERATIONS)


class RandomProgram(RuleBasedStateMachine):
    """One graph in two engines."""

    def __init__(self) -> None:
        super().__init__()
        self.values: list[Value] = []
        self.naive = Naive()
        self.programs: list[tuple[Program, Value]] = []
        self.handles: list[tuple[Any, Value, int]] = []
        self.serial = itertools.count()
        self.calls = 0  # of hooks, by the engine

    # ---- the graph -------------------------------------------------------------------------

    @initialize(recipe=recipes(numbers), hooked=st.lists(picks, max_size=2))
    def begin(self, recipe: Recipe, hooked: list[int]) -> None:
        for value in built(recipe):
            self.adopt(value)
        for pick in hooked:
            self.register_a_hook(pick, "halves it")

    def adopt(self, root: Value) -> None:
        """Tell the naive engine of all nodes that it does not know."""
        for value in topological_order(root):
            if value not in self.values:
                self.values.append(value)
                operands = tuple([self.key(parent) for parent in value.parents])
                op = "" if value.op is None else value.op.name
                number = value.data
                if op:
                    data = [self.naive.nodes[key].data for key in operands]
                    number = FORMULAS[op][0](*data)
                self.naive.nodes[self.key(value)] = Node(number, op, operands, value.is_constant)

    def key(self, value: Value) -> int:
        return self.values.index(value)

    def node(self, value: Value) -> Node:
        return self.naive.nodes[self.key(value)]

    def picked(self, pick: int) -> Value:
        """Return any node, a late one rather than an early one."""
        return self.values[-1 - pick % len(self.values)]

    def root(self, pick: int) -> Value:
        """Return any node that a pass can go back from."""
        able = [value for value in self.values if not value.is_constant]
        return able[-1 - pick % len(able)]

    @rule(number=numbers, label=labels, is_constant=st.booleans())
    def make_leaf(self, number: float, label: str, is_constant: bool) -> None:
        if len(self.values) < MOST_NODES:
            self.adopt(constant(number, label) if is_constant else Value(number, label))

    @rule(
        name=st.sampled_from(sorted(OPERATIONS)),
        operands=st.lists(picks, min_size=5, max_size=5),
        label=labels,
    )
    def make_node(self, name: str, operands: list[int], label: str) -> None:
        if len(self.values) < MOST_NODES:
            chosen = [self.picked(pick) for pick in operands[: OP_CASES[name].arity]]
            value = Value.make_node(OPERATIONS[name], *chosen)
            value.label = label
            self.adopt(value)

    @rule(pick=picks, number=st.sampled_from([2, 0.5, -1.0, 0.0]), kind=st.sampled_from("+-*/^"))
    def use_a_number(self, pick: int, number: float, kind: str) -> None:
        if len(self.values) < MOST_NODES:
            value = self.picked(pick)
            made = {
                "+": lambda: number + value,
                "-": lambda: value - number,
                "*": lambda: number * value,
                "/": lambda: value / number,
                "^": lambda: value**number,
            }
            self.adopt(made[kind]())

    @precondition(lambda self: len(self.values) < MOST_NODES // 2)
    @rule(first=picks, second=picks, seed=st.integers(0, 9), name=st.sampled_from(["tanh", "relu"]))
    def make_network(self, first: int, second: int, seed: int, name: str) -> None:
        model = nn.MLP(2, [2, 1], activation=name, rng=seed)
        self.adopt(model([self.picked(first), self.picked(second)]))

    @rule(pick=picks, number=numbers)
    def change_a_number(self, pick: int, number: float) -> None:
        variables = [value for value in self.values if self.node(value).is_variable]
        value = variables[pick % len(variables)]
        value.data = self.node(value).data = number

    @rule(picks_=st.lists(picks, max_size=4))
    def zero_some_gradients(self, picks_: list[int]) -> None:
        for value in map(self.picked, picks_):
            value.zero_grad()
            self.node(value).gradient = None

    # ---- passes ----------------------------------------------------------------------------

    def naive_pass(self, root: Value, start: float) -> list[Contribution] | None:
        """Return the contributions of a naive pass; None if a hook ended it, and it did nothing."""
        try:
            return self.naive.backward(self.key(root), start)
        except HookError:
            return None

    @rule(pick=picks, start=st.just(1.0) | numbers, times=st.integers(1, 2))
    def go_backward(self, pick: int, start: float, times: int) -> None:
        root = self.root(pick)
        for _ in range(times):
            if self.naive_pass(root, start) is None:
                with pytest.raises(HookError):
                    root.backward(start)
            else:
                root.backward(start)

    @rule(pick=picks, start=st.just(1.0) | numbers)
    def step_backward(self, pick: int, start: float) -> None:
        root = self.root(pick)
        expected = self.naive_pass(root, start)
        if expected is None:
            with pytest.raises(HookError):
                list(backward_steps(root, start))
            return
        for step, contribution in zip(backward_steps(root, start), expected, strict=True):
            places = (self.key(step.node), self.key(step.parent), step.position)
            assert places == (contribution.node, contribution.operand, contribution.position)
            # A hook may replace the total, but only after the step has told it.
            assert all_bits((step.local, step.upstream, step.contribution, step.total)) == all_bits(
                (
                    *(contribution.local, contribution.upstream),
                    *(contribution.number, contribution.total),
                )
            )
            assert str(step)

    def computed_anew(self) -> dict[int, float]:
        """Return every node's number as the leaves' numbers of now give it, where one changed."""
        values: dict[int, float] = {}
        for key, node in self.naive.nodes.items():  # operands before their users
            operands = [values[each] for each in node.operands]
            values[key] = FORMULAS[node.op][0](*operands) if node.op else node.data
        return values

    def step_count(self, root: Value, values: dict[int, float] | None = None) -> int:
        """Return how many steps a pass has, with these numbers or with those that Values have."""
        if values is None:
            values = {key: node.data for key, node in self.naive.nodes.items()}
        _, contributions = self.naive.gradients(self.key(root), 1.0, values, hooks=False)
        return len(contributions)

    @rule(pick=picks, start=numbers, count=st.integers(0, 6), close=st.booleans())
    def step_backward_and_give_up(self, pick: int, start: float, count: int, close: bool) -> None:
        root = self.root(pick)
        total = self.step_count(root)
        if total == 0:
            return  # nothing to give up: the pass of a leaf ends when it is begun
        steps = backward_steps(root, start)
        with contextlib.suppress(HookError):
            for _ in range(min(count, total)):
                next(steps)
        if close:
            steps.close()  # type: ignore[attr-defined]
        del steps

    # ---- hooks -----------------------------------------------------------------------------

    @rule(pick=picks, name=st.sampled_from(sorted(HOOKS)))
    def register_a_hook(self, pick: int, name: str) -> None:
        value, key = self.root(pick), next(self.serial)

        def counted(gradient: float) -> float | None:
            self.calls += 1
            return HOOKS[name](gradient)

        self.handles.append((value.register_hook(counted), value, key))
        self.node(value).hooks[key] = HOOKS[name]

    @precondition(lambda self: self.handles)
    @rule(pick=picks)
    def remove_a_hook(self, pick: int) -> None:
        handle, value, key = self.handles.pop(pick % len(self.handles))
        handle.remove()
        handle.remove()
        del self.node(value).hooks[key]

    # ---- programs --------------------------------------------------------------------------

    @rule(pick=picks)
    def compile_it(self, pick: int) -> None:
        root = self.root(pick)
        with self.nothing_changes(), warnings.catch_warnings():
            warnings.simplefilter("ignore", DecisionWarning)  # of hooks, which no program calls
            self.programs.append((compile(root, updates=descent), root))

    @precondition(lambda self: self.programs)
    @rule(pick=picks)
    def replay_it(self, pick: int) -> None:
        program, root = self.programs[pick % len(self.programs)]
        assert bits(program()) == bits(self.naive.replay(self.key(root)))

    @precondition(lambda self: self.programs)
    @rule(pick=picks, times=st.integers(0, 3))
    def update_it(self, pick: int, times: int) -> None:
        program, root = self.programs[pick % len(self.programs)]
        expected = [self.naive.descend(self.key(root), RATE) for _ in range(times)]
        assert all_bits(program.run(times)) == all_bits(expected)

    # ---- copies ----------------------------------------------------------------------------

    @rule(by_pickle=st.booleans())
    def go_on_with_a_copy(self, by_pickle: bool) -> None:
        with self.nothing_changes():
            copied = (
                pickle.loads(pickle.dumps(self.values)) if by_pickle else copy.deepcopy(self.values)
            )
        assert not set(copied) & set(self.values)
        assert [value.label for value in copied] == [value.label for value in self.values]
        self.values = copied
        self.naive.forget_hooks()
        self.handles.clear()
        self.programs.clear()

    # ---- looking ---------------------------------------------------------------------------

    @contextlib.contextmanager
    def nothing_changes(self, calls_hooks: bool = False) -> Iterator[None]:
        """Check that a ``with`` block leaves every part of every Value as it is."""

        def parts(value: Value) -> tuple[Any, ...]:
            return (value.data, value.op, value.parents, value.label, value.origin)

        before = [(value.grad, *map(id, parts(value)), parts(value)) for value in self.values]
        calls = self.calls
        yield
        assert calls_hooks or self.calls == calls
        for value, (gradient, *ids, _) in zip(self.values, before, strict=True):
            # By identity, which tells a gradient that is not computed from one that is 0.
            assert value.grad is gradient
            assert [*map(id, parts(value))] == ids

    @rule(
        pick=picks,
        more=st.lists(picks, max_size=2),
        fold=st.sampled_from([None, None, "neuron", "layer", "row"]),
        edges=st.booleans(),
        legend=st.booleans(),
        precision=st.integers(1, 17),
    )
    def draw_it(
        self, pick: int, more: list[int], fold: Any, edges: bool, legend: bool, precision: int
    ) -> None:
        roots = list(dict.fromkeys(map(self.picked, [pick, *more])))
        with self.nothing_changes():
            try:
                drawing = draw(roots, fold=fold, edges=edges, legend=legend, precision=precision)
            except ValueError as error:
                assert fold is not None and "fold" in str(error)  # noqa: PT017, PT018
            else:
                assert drawing.source
                assert drawing.mermaid()

    @rule(pick=picks, step=st.integers(0, 30), edges=st.booleans())
    def draw_a_step(self, pick: int, step: int, edges: bool) -> None:
        root = self.root(pick)
        # A picture of a step shows no arithmetic that is out of date.
        total = self.step_count(root, self.computed_anew())
        with self.nothing_changes():
            assert draw(root, step=min(step, total), edges=edges).source

    @precondition(lambda self: self.programs)
    @rule(pick=picks)
    def read_a_program(self, pick: int) -> None:
        program, _ = self.programs[pick % len(self.programs)]
        with self.nothing_changes():
            assert draw(program).source
            assert program.source
            assert program.to_c()
            assert program.to_javascript()

    @rule(first=picks, second=picks, paths=st.booleans())
    def explain_it(self, first: int, second: int, paths: bool) -> None:
        value, of = self.picked(first), self.root(second)
        with self.nothing_changes():
            found = explain(value, of, paths=paths)
            assert str(found)
            assert found._repr_html_()

    @rule(pick=picks, start=numbers, positions=st.lists(st.floats(0.0, 1.0), max_size=4))
    def trace_it(self, pick: int, start: float, positions: list[float]) -> None:
        root = self.root(pick)
        values = self.computed_anew()  # as a trace does where a number has changed
        with self.nothing_changes(calls_hooks=True):
            try:
                sums, contributions = self.naive.gradients(self.key(root), start, values, True)
            except HookError:
                with pytest.raises(HookError):
                    Trace(root, start)
                return
            trace = Trace(root, start)
            assert trace.progress == (0, len(contributions))
            for position in positions:
                trace.goto(round(position * len(contributions)), "backward")
                with trace.shown():
                    assert root.has_grad
            trace.goto(len(trace))
            found = {self.key(value): bits(number) for value, number in trace.gradients.items()}
            assert found == {key: bits(number) for key, number in sums.items()}

    @rule(pick=picks)
    def name_it(self, pick: int) -> None:
        root = self.picked(pick)
        with self.nothing_changes():
            names = Names(root)
            found = [names[node] for node in topological_order(root) if not node.is_constant]
            assert len(set(found)) == len(found)
            for node in topological_order(root):
                assert name_of(node) or node.is_leaf
                assert bool(names.formula(node)) == (not node.is_leaf)

    @rule(pick=picks, of=st.lists(picks, min_size=1, max_size=3))
    def differentiate_it(self, pick: int, of: list[int]) -> None:
        root, inputs = self.root(pick), [self.root(place) for place in of]
        values = {key: node.data for key, node in self.naive.nodes.items()}
        now = self.computed_anew()
        with self.nothing_changes():
            graph = [self.key(node) for node in topological_order(root)]
            if any(bits(values[key]) != bits(now[key]) for key in graph):
                with pytest.raises(ValueError, match="changed since"):
                    grad(root, inputs)
                return
            sums, _ = self.naive.gradients(self.key(root), 1.0, values, hooks=False)
            found = grad(root, inputs)
        expected = [sums.get(self.key(value), 0.0) for value in inputs]
        assert all_bits([gradient.data for gradient in found]) == all_bits(expected)

    # ---- after each ------------------------------------------------------------------------

    @invariant()
    def every_value_is_as_the_naive_engine_has_it(self) -> None:
        for key, value in enumerate(self.values):
            node = self.naive.nodes[key]
            assert bits(value.data) == bits(node.data)
            assert value.has_grad == (node.gradient is not None)
            assert bits(value.grad) == bits(0.0 if node.gradient is None else node.gradient)
            assert tuple([self.key(parent) for parent in value.parents]) == node.operands
            assert value.is_constant == node.constant


@pytest.mark.thorough
def test_random_programs_have_the_numbers_of_a_textbook() -> None:
    run_state_machine_as_test(  # type: ignore[no-untyped-call]
        RandomProgram, settings=examples(100, stateful_step_count=30)
    )


def test_a_variable_that_only_chooses_between_sides_gets_no_gradient_of_a_program_either() -> None:
    condition, x = Value(0.0), Value(0.0)
    double = x + x
    compile(where(condition, double, double))()
    assert x.grad == 2.0
    assert not condition.has_grad
