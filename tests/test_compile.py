"""Programs: the same bits as the eager pass from both forms of Python, and the rules of replay."""

from __future__ import annotations

import gc
import inspect
import linecache
import math
import os
import random
import re
import traceback
from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

import nn
from autodiff import DecisionWarning, Program, Value, compile, ops, weighted_sum, where
from autodiff.compiler import epoch_means
from autodiff.compiler.languages import PYTHON, identifier
from autodiff.compiler.linear import Kind, Linear
from autodiff.compiler.text import Writer, one_line, wrapped
from autodiff.ops import Operation
from autodiff.value import constant
from demos.lab import LAB
from tests.bits import all_bits, bits, same_bits
from tests.engines import Numbers, checked
from tests.random_graphs import Recipe, built, tame_numbers, wild_recipes
from tests.reference import (
    OPTIMIZERS,
    Trial,
    eager_lab,
    lab_epochs,
    lab_program,
    means,
    trained,
    trials,
    variables,
)

inf, nan = math.inf, math.nan


def states(values: list[Value]) -> list[tuple[bytes, bytes]]:
    """Return what each Value holds: its number's bits, and its gradient's.

    A gradient that is not computed counts as 0.0: a program leaves 0.0 where nothing has reached.
    """
    return [(bits(v.data), bits(v.grad)) for v in values]


# --------------------------------------------------------------------------------------------
# The same bits
# --------------------------------------------------------------------------------------------


@settings(max_examples=250, deadline=None)
@given(wild_recipes())
def test_on_every_op_and_every_float_a_call_leaves_what_an_eager_pass_leaves(
    recipe: Recipe,
) -> None:
    nodes, twins = built(recipe), built(recipe)
    nodes[-1].backward()
    program = checked(compile(twins[-1]))
    output = program()
    assert same_bits(output, nodes[-1].data)
    ends, twin_ends = [*variables(nodes), nodes[-1]], [*variables(twins), twins[-1]]
    assert states(twin_ends) == states(ends)
    # Once more: gradients accumulate, and the output's starts afresh.
    nodes[-1].backward()
    program()
    assert states(twin_ends) == states(ends)


@settings(max_examples=150, deadline=None)
@given(trials(st.floats(), with_rows=False))
def test_a_run_has_the_bits_of_eager_evaluations_and_updates(trial: Trial) -> None:
    outputs, numbers = trained(trial)
    program = checked(trial.program)
    start = trial.start
    # The readable form, its updated numbers fed back.
    readable, parameters = [], tuple(start)
    for _ in range(trial.iterations):
        output, _, parameters = program.step(parameters)
        readable.append(output)
    assert all_bits(readable) == all_bits(outputs)
    if trial.iterations:
        updated = dict(zip(program.parts.updates, parameters, strict=True))
        ordered = [updated[variable] for variable in program.variables]
        assert all_bits(ordered) == all_bits(trial.in_program_order(numbers))
    # The dense form.
    assert all_bits(program.run(trial.iterations)) == all_bits(outputs)
    assert all_bits(trial.start) == all_bits(trial.in_program_order(numbers))


# A contribution that is always reached: its choice folds away, and what is left is a product.
FOLDED_CHOICE: Recipe = [("variable", 0.0), ("variable", 0.0), ("constant", 0.0)]
FOLDED_CHOICE += [("abs", (1,)), ("where", (2, 0, 3)), ("neg", (4,))]


@settings(max_examples=150, deadline=None)
@given(trials(st.floats(), with_rows=True))
@example(Trial(FOLDED_CHOICE, width=1, rows=[[0.0]], batch_size=1, iterations=1))
def test_a_run_over_rows_has_the_bits_of_eager_gradients_added_in_row_order(trial: Trial) -> None:
    outputs, numbers = trained(trial)
    program = checked(trial.program)
    readable, parameters = readable_rows(
        program, trial.start, trial.iterations, trial.rows, trial.batch_size
    )
    assert all_bits(readable) == all_bits(outputs)
    assert all_bits(parameters) == all_bits(trial.in_program_order(numbers))
    found = program.run(trial.iterations, rows=trial.rows, batch_size=trial.batch_size)
    assert all_bits(found) == all_bits(means(trial, outputs))
    assert all_bits(trial.start) == all_bits(trial.in_program_order(numbers))


def readable_rows(
    program: Program, numbers: Numbers, n: int, rows: Sequence[Numbers], batch_size: int
) -> tuple[list[float], list[float]]:
    """Return each batch's output and the last numbers, by the functions of ``source``."""
    parameters = tuple(numbers)
    outputs = []
    for _ in range(n):
        for start in range(0, len(rows), batch_size):
            batch = rows[start : start + batch_size]
            total: Any = 0.0
            sums = dict.fromkeys(program.parts.gradients, 0.0)
            for row in batch:
                output, gradients, _ = program.step(parameters, tuple(row))
                total += output
                for leaf, gradient in zip(sums, gradients, strict=True):
                    sums[leaf] += gradient
            outputs.append(total / len(batch))
            if program.parts.updates:
                averages = tuple([sums[leaf] / len(batch) for leaf in program.parts.means])
                updated = program.update(parameters, averages)
                by_variable = dict(zip(program.variables, parameters, strict=True))
                by_variable |= zip(program.parts.updates, updated, strict=True)
                parameters = tuple(by_variable.values())
    return outputs, list(parameters)


# --------------------------------------------------------------------------------------------
# The lab, and every optimizer
# --------------------------------------------------------------------------------------------


def readable_run(program: Program, n: int) -> list[float]:
    """Return what ``run`` does, by the readable form: its updates fed back."""
    parameters = tuple([variable.data for variable in program.variables])
    outputs = []
    for _ in range(n):
        output, _, updated = program.step(parameters)
        # What has no update, such as a learning rate, stays as it is.
        by_variable = dict(zip(program.variables, parameters, strict=True))
        by_variable |= zip(program.parts.updates, updated, strict=True)
        parameters = tuple(by_variable.values())
        outputs.append(output)
    for variable, number in zip(program.variables, parameters, strict=True):
        variable.data = number
    return outputs


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_every_optimizer_takes_the_lab_through_the_same_bits(name: str) -> None:
    losses, numbers = eager_lab(OPTIMIZERS[name], 60)
    for run in (readable_run, Program.run):
        program, kept = lab_program(OPTIMIZERS[name])
        assert all_bits(run(program, 60)) == all_bits(losses)
        assert all_bits([variable.data for variable in kept]) == all_bits(numbers)


@pytest.mark.unmeasured
@pytest.mark.parametrize("run", [readable_run, Program.run], ids=["readable", "dense"])
def test_the_labs_20000_epochs_have_the_same_bits(
    run: Callable[[Program, int], list[float]],
) -> None:
    expected_losses, expected_weights = lab_epochs()
    program, kept = lab_program(lambda p: nn.SGD(p, lr=LAB.learning_rate))
    losses = run(program, LAB.epochs)
    assert all_bits(losses) == all_bits(expected_losses)
    assert all_bits([variable.data for variable in kept]) == all_bits(expected_weights)
    printed = [f"{loss:.4f}" for loss in losses[:: LAB.log_every]]
    assert printed == [f"{loss:.4f}" for loss in LAB.losses]


# --------------------------------------------------------------------------------------------
# Replay
# --------------------------------------------------------------------------------------------


def test_a_call_reads_the_leaves_numbers_anew() -> None:
    w, b = Value(2.0), Value(1.0)
    program = compile(w * b + w)
    assert program() == 4.0
    w.data, b.data = 3.0, 5.0
    assert program() == 18.0
    assert program.output.data == 18.0


def test_gradients_accumulate_until_they_are_zeroed() -> None:
    w = Value(3.0)
    program = compile(w * w)
    program()
    program()
    assert w.grad == 12.0
    w.zero_grad()
    program()
    assert w.grad == 6.0


@pytest.mark.parametrize("computed", [False, True])
def test_a_gradient_of_zero_is_added_to_and_one_not_computed_is_replaced(computed: bool) -> None:
    w, twin = Value(3.0), Value(3.0)
    if computed:
        w.grad = twin.grad = 0.0
    compile(w * -0.0)()
    (twin * -0.0).backward()
    # IEEE 754: 0.0 + -0.0 is 0.0.
    assert all_bits([w.grad, twin.grad]) == all_bits([0.0 if computed else -0.0] * 2)


def test_the_outputs_own_gradient_is_one_and_interior_nodes_stay_as_they_were() -> None:
    w = Value(3.0)
    inner = w * w
    program = compile(inner + w)
    w.data = 5.0
    program()
    assert (program.output.data, program.output.grad) == (30.0, 1.0)
    assert (inner.data, inner.has_grad) == (9.0, False)


def test_inputs_are_given_by_position_and_keep_what_they_were_given() -> None:
    w, x, y = Value(2.0), Value(0.0), Value(0.0)
    program = compile(w * x - y, inputs=[y, x])
    assert program(1.0, 5.0) == 9.0
    assert (y.data, x.data) == (1.0, 5.0)
    assert (w.grad, x.grad, y.grad) == (5.0, 2.0, -1.0)


def test_ints_and_other_real_numbers_may_be_inputs() -> None:
    x = Value(0.0)
    program = compile(x * 2, inputs=[x])
    assert program(3) == 6.0
    assert type(x.data) is float


def test_a_hook_that_a_program_does_not_call_is_told() -> None:
    x = Value(3.0, "x")
    square = x * x
    square.label = "square"
    handle = square.register_hook(lambda gradient: min(gradient, 1.0))
    with pytest.warns(DecisionWarning, match=r"square has a hook, which a program does not call"):
        compile(square * 100.0)
    handle.remove()
    compile(square * 100.0)


def test_a_choice_by_where_is_made_anew_and_an_if_was_made_when_the_graph_was_built() -> None:
    x = Value(1.0)
    with pytest.warns(DecisionWarning, match=r"compares a Value's number"):
        branched = compile(10.0 * x if x > 0 else -x)
    chosen = compile(where(x, 10.0 * x, -x))
    x.data = -1.0
    assert chosen() == 1.0
    assert branched() == -10.0


def test_a_program_holds_its_own_numbers() -> None:
    w, x = Value(2.0, "w"), Value(3.0, "x")
    program = compile((w * x).tanh() + w)
    expected = program()
    gradients = (w.grad, x.grad)
    # Graphs built from the same leaves afterwards, their gradients, a second program.
    other = (w * x) ** 2 + w.exp()
    other.backward()
    other.label = x.label = "another"
    compile(other)()
    w.zero_grad()
    x.zero_grad()
    assert program() == expected
    assert (w.grad, x.grad) == gradients


def test_changing_an_interior_nodes_number_does_not_change_the_program() -> None:
    w = Value(2.0)
    inner = w * 3
    program = compile(inner + 1)
    inner.data = 100.0
    assert program() == 7.0


def test_a_program_of_a_leaf_is_that_leaf() -> None:
    w = Value(2.0)
    program = checked(compile(w))
    assert program() == 2.0
    assert w.grad == 1.0
    program()
    assert w.grad == 2.0
    assert program.run(2) == [2.0, 2.0]


def test_a_program_of_a_constant_is_its_number() -> None:
    assert checked(compile(constant(2.5)))() == 2.5


def test_running_without_updates_changes_nothing() -> None:
    w = Value(3.0)
    program = compile(w * w)
    assert program.run(3) == [9.0, 9.0, 9.0]
    assert (w.data, w.has_grad) == (3.0, False)


def test_no_iterations_give_no_outputs() -> None:
    w, x = Value(3.0), Value(1.0)
    assert compile(w * w).run(0) == []
    assert compile(w * x, inputs=[x]).run(0, rows=[[1.0]]) == []
    assert w.data == 3.0


# --------------------------------------------------------------------------------------------
# Updates
# --------------------------------------------------------------------------------------------


def test_updates_are_made_all_at_once() -> None:
    a, b = Value(1.0), Value(2.0)
    program = checked(compile(a + b, updates=lambda _: {a: b, b: a}))
    assert program.run(3) == [3.0, 3.0, 3.0]
    assert (a.data, b.data) == (2.0, 1.0)
    assert readable_run(program, 1) == [3.0]
    assert (a.data, b.data) == (1.0, 2.0)


def test_a_number_may_be_an_update() -> None:
    a = Value(1.0)
    program = compile(a * a, updates=lambda _: {a: 7})
    assert program.run(2) == [1.0, 49.0]
    assert a.data == 7.0


def test_updates_may_leave_variables_alone() -> None:
    a, b = Value(1.0), Value(2.0)
    program = compile(a * b, updates=lambda g: {a: a + g[a]})
    assert program.run(2) == [2.0, 6.0]
    assert (a.data, b.data) == (5.0, 2.0)


def test_updates_may_use_the_graph_itself() -> None:
    a = Value(3.0)
    loss = a * a
    program = checked(compile(loss, updates=lambda _: {a: loss + a}))
    assert program.run(2) == [9.0, 144.0]


def test_a_variable_that_only_the_updates_know_is_kept_in_the_program() -> None:
    a, steps = Value(1.0), Value(0.0, "steps")
    program = checked(compile(a * a, updates=lambda g: {a: a - 0.1 * g[a], steps: steps + 1}))
    program.run(5)
    assert steps.data == 5.0
    assert not steps.has_grad
    program()
    assert not steps.has_grad


def test_a_variable_without_influence_has_the_gradient_zero_in_updates() -> None:
    a, b = Value(1.0), Value(2.0)
    seen: dict[Value, Value] = {}

    def updates(gradients: Mapping[Value, Value]) -> dict[Value, Value]:
        seen.update(gradients)
        return {b: b + gradients.get(b, 10.0)}

    compile(where(constant(1.0), a, b), updates=updates).run(1)
    # b was folded out of the forward pass, but not out of the graph.
    assert set(seen) == {a, b}
    assert b.data == 2.0


@pytest.mark.parametrize("factor", [0.0, 1.0])
def test_a_folded_away_parameter_keeps_its_gradient_and_its_place(factor: float) -> None:
    kept, folded = Value(2.0, "kept"), Value(inf, "folded")
    output = where(constant(1.0), kept, folded * factor)
    program = checked(compile(output, updates=lambda g: {k: k - 0.5 * g[k] for k in g}))
    twins = Value(2.0), Value(inf)
    where(constant(1.0), twins[0], twins[1] * factor).backward()
    program()
    assert all_bits([kept.grad, folded.grad]) == all_bits([twin.grad for twin in twins])
    assert program.run(1) == [2.0]
    assert kept.data == 1.5


# --------------------------------------------------------------------------------------------
# Inputs and rows
# --------------------------------------------------------------------------------------------


def test_an_input_without_influence_gets_no_gradient() -> None:
    w, x = Value(2.0), Value(1.0)
    program = checked(compile(w * w, inputs=[x]))
    assert program(5.0) == 4.0
    assert (x.data, x.has_grad, w.grad) == (5.0, False, 4.0)
    assert program.run(1, rows=[[1.0], [2.0]]) == [4.0]


def test_values_of_another_graph_may_be_inputs_and_variables_of_updates() -> None:
    w, x = Value(2.0), Value(1.0)
    elsewhere, stranger = Value(10.0), Value(20.0)
    _ = elsewhere * stranger
    program = checked(
        compile(w * x, inputs=[x, stranger], updates=lambda g: {w: w - g[w] * elsewhere})
    )
    assert program(3.0, 4.0) == 6.0
    assert program.run(1, rows=[[3.0, 0.0], [5.0, 0.0]]) == [8.0]
    assert (w.data, elsewhere.data) == (2.0 - 4.0 * 10.0, 10.0)


def test_a_program_without_updates_over_rows_gives_means() -> None:
    x = Value(0.0)
    assert compile(x * 2, inputs=[x]).run(2, rows=[[1.0], [2.0], [6.0]]) == [6.0, 6.0]


@pytest.mark.parametrize("batch_size", [1, 2])
def test_a_mean_over_rows_of_minus_zero_is_zero(batch_size: int) -> None:
    """As the gradient is of what no row has reached: the sum starts from 0.0."""
    w, x = Value(1.0), Value(0.0)
    program = compile(w * x, inputs=[x], updates=lambda g: {w: g[w]})
    found = program.run(1, rows=[[-0.0], [-0.0]], batch_size=batch_size)
    assert all_bits([*found, w.data]) == all_bits([0.0, 0.0])


@pytest.mark.parametrize(("outputs", "sizes"), [([1.0, 2.0, 3.0], [4, 4]), ([1.0], [])])
def test_outputs_that_are_no_whole_epochs_have_no_means(
    outputs: list[float], sizes: list[int]
) -> None:
    with pytest.raises(ValueError, match=r"zip|range"):
        epoch_means(outputs, sizes)


def test_shuffled_rows_are_the_rows_in_the_generators_order() -> None:
    rows = [[float(place)] for place in range(7)]

    def weights(order_of: random.Random | None, order: list[list[list[float]]]) -> float:
        w, x = Value(1.0), Value(0.0)
        program = compile(w * x * w, inputs=[x], updates=lambda g: {w: w - 0.01 * g[w]})
        if order_of is not None:
            program.run(4, rows=rows, batch_size=2, shuffle=order_of)
        for rows_of_epoch in order:
            program.run(1, rows=rows_of_epoch, batch_size=2)
        return w.data

    rng, orders = random.Random(5), []
    for _ in range(4):
        order = list(range(7))
        rng.shuffle(order)
        orders.append([rows[place] for place in order])
    assert same_bits(weights(random.Random(5), []), weights(None, orders))


# --------------------------------------------------------------------------------------------
# A penalty
# --------------------------------------------------------------------------------------------


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.tuples(tame_numbers, tame_numbers), min_size=1, max_size=6),
    st.integers(1, 6),
    st.booleans(),
)
def test_a_penalty_counts_once_a_batch(
    rows: list[tuple[float, float]], size: int, reaches_all: bool
) -> None:
    def graph(w: Value, b: Value, x: Any, y: Any) -> Value:
        return ((w * x + b).tanh() - y) ** 2

    def penalty_of(w: Value, b: Value, unseen: Value) -> Value:
        return 0.01 * (w * w) + (0.1 * unseen * unseen + b * b if reaches_all else 0.0)

    # Eagerly, row by row: mean gradient first, then the penalty's added.
    w, b, unseen = 0.3, -0.7, 2.0
    losses = []
    for _ in range(3):
        for start in range(0, len(rows), size):
            batch = rows[start : start + size]
            weights = [Value(w), Value(b), Value(unseen)]
            total = -0.0
            for x, y in batch:
                loss = graph(weights[0], weights[1], x, y)
                loss.backward()
                total += loss.data
            for weight in weights:
                if weight.has_grad:
                    weight.grad /= len(batch)
            penalty = penalty_of(*weights)
            penalty.backward()
            losses.append(total / len(batch) + penalty.data)
            w, b, unseen = (weight.data - 0.1 * weight.grad for weight in weights)

    values = [Value(0.3, "w"), Value(-0.7, "b"), Value(2.0, "unseen")]
    x, y = Value(0.0, "x"), Value(0.0, "y")
    program = checked(
        compile(
            graph(values[0], values[1], x, y),
            inputs=[x, y],
            updates=lambda g: {v: v - 0.1 * g[v] for v in g},
            penalty=penalty_of(*values),
        )
    )
    found = program.run(3, rows=rows, batch_size=size)
    assert all_bits([value.data for value in values]) == all_bits([w, b, unseen])
    if size >= len(rows):
        assert all_bits(found) == all_bits(losses)


def test_what_the_output_and_the_penalty_share_is_computed_once() -> None:
    w = Value(3.0, "w")
    square = w * w
    program = checked(
        compile(square * 2.0, updates=lambda g: {w: w - 0.5 * g[w]}, penalty=square.sqrt())
    )
    copies = [line for line in program.source.splitlines() if line.endswith("= w * w")]
    assert len(copies) == 1
    assert program.run(1) == [9.0 * 2.0 + 3.0]
    # d(2w²)/dw = 4w, and d√(w²)/dw = 1.
    assert w.data == 3.0 - 0.5 * (12.0 + 1.0)


def test_a_penalty_counts_in_a_run_and_not_in_a_call() -> None:
    w = Value(3.0)
    program = checked(compile(w * 2, updates=lambda g: {w: w - 0.5 * g[w]}, penalty=w * w))
    assert program() == 6.0
    assert w.grad == 2.0
    assert program.run(1) == [15.0]
    assert w.data == 3.0 - 0.5 * (2.0 + 6.0)


# --------------------------------------------------------------------------------------------
# The source
# --------------------------------------------------------------------------------------------


def small_program() -> Program:
    w, b = Value(2.0, "hidden.weight[2][1]"), Value(1.0, "hidden.bias[2]")
    loss = (w * 3.0 + b).tanh() ** 2
    loss.label = "loss"
    return compile(loss, updates=lambda g: {v: v - 0.1 * g[v] for v in g})


def over_inputs() -> Program:
    speed, other = Value(0.0, "speed"), Value(0.0)
    return compile(Value(2.0, "w") * speed * other, inputs=[speed, other])


def with_memory() -> Program:
    w, mean, other = Value(1.0, "w"), Value(0.0, "mean of w"), Value(0.0)
    return compile(w * w, updates=lambda g: {w: mean + other * g[w]})


def with_an_update() -> Program:
    w = Value(1.0, "w")
    return compile(w * w, updates=lambda g: {w: w - 0.5 * g[w]})


@pytest.mark.parametrize(
    ("make", "line"),
    [
        (small_program, r"\(hidden_weight_2_1, hidden_bias_2\) = parameters"),
        (small_program, r"# d loss/d hidden\.weight\[2\]\[1\] = d loss/d"),
        (over_inputs, r"\(speed, x_1\) = "),  # by its place, where there is no label
        (over_inputs, r"= w \* speed  #"),
        (with_memory, r"\(w, mean_of_w, state\) = parameters"),
        (with_an_update, r"new_w = w - t\d+  # w after the update\n"),  # where the last is done
        (lambda: compile(Value(1.0, "w").tanh()), r"(?s)# for d v2/d w, by tanh_partials.*"),
    ],
)
def test_names_come_from_labels_and_say_what_they_are(
    make: Callable[[], Program], line: str
) -> None:
    assert len(re.findall(line, make().source)) == 1


def test_there_is_a_section_for_forward_backward_and_update() -> None:
    headings = re.findall(r"# ---- (\w+)", small_program().source)
    assert headings == ["forward", "backward", "update"]


def test_every_assignment_says_what_it_is() -> None:
    program, _ = lab_program(OPTIMIZERS["Adam"])
    body = program.source.partition("# ---- forward")[2].partition("    output = ")[0]
    lines = [line for line in body.splitlines()[1:] if line.strip() and "# ----" not in line]
    assert len(lines) > 200
    assert [line for line in lines if not re.search(r" = .+  # \S", line)] == []


def test_every_node_of_the_graph_has_its_line() -> None:
    a = Value(2.0, "a")
    first, second, same = a * 1, constant(3.0) * 4, a.exp()
    again = a.exp()
    first.label, second.label, same.label, again.label = "first", "second", "same", "again"
    source = compile(first * second + same * again).source
    for line in (
        "first = a  # first = a * 1",
        "second = 12.0  # second = 3 * 4",
        "same = exp(a)  # same = exp(a)",
        "again = same  # again = exp(a)",
    ):
        assert f"    {line}\n" in source


def test_each_gradient_says_which_step_of_the_chain_rule_it_is() -> None:
    x = Value(3.0, "x")
    y = x * x
    y.label = "y"
    loss = y + x
    loss.label = "loss"
    source = compile(loss).source
    for line in (
        "d_y = 1.0  # d loss/d y = d loss/d loss × d loss/d y",
        "d_x = 1.0  # d loss/d x = d loss/d loss × d loss/d x",
        "d_x_from_y = x  # d loss/d y × d y/d x",
        "d_x_2 = d_x + d_x_from_y  # d loss/d x += the line above",
        "d_x_from_y_2 = x  # d loss/d y × d y/d x",
        "d_x_3 = d_x_2 + d_x_from_y_2  # d loss/d x += the line above",
    ):
        assert f"    {line}\n" in source, source


def test_the_same_graph_has_the_same_source_every_time() -> None:
    assert small_program().source == small_program().source
    assert small_program().run_source == small_program().run_source


def test_lines_with_code_fit_a_screen_where_lists_are_long() -> None:
    program, _ = lab_program(OPTIMIZERS["SGD"])
    listed = [line for line in program.source.splitlines() if "  #" not in line]
    assert max(map(len, listed)) <= 100


@pytest.mark.parametrize(
    ("items", "lines"),
    [
        ([], ["  () = x"]),
        (["w"], ["  (w,) = x"]),
        (["w", "b"], ["  (w, b) = x"]),
        (["w" * 200], [f"  ({'w' * 200},) = x"]),
        # An item goes into a line if the line has at most 96 characters then.
        (["w" * 40, "b" * 51], [f"  ({'w' * 40}, {'b' * 51}) = x"]),
        (["w" * 40, "b" * 52], [f"  ({'w' * 40},", f"      {'b' * 52}) = x"]),
        (["w" * 40, "b" * 52, "c"], [f"  ({'w' * 40},", f"      {'b' * 52}, c) = x"]),
    ],
)
def test_a_long_list_goes_on_in_the_next_line(items: list[str], lines: list[str]) -> None:
    assert wrapped("(", items, ") = x", "  ") == lines


def dense_lines(linear: Linear, result: int, keep: Sequence[int] = ()) -> list[str]:
    """Return the statements of a dense writer, and what it then writes for the result."""
    writer = Writer(PYTHON, linear, dense=True)
    lines = writer.block(linear.live([result]), [result], keep)
    return [*lines, writer.text(result)]


def test_a_dense_line_takes_in_what_is_used_once_and_leaves_apart_what_is_used_twice() -> None:
    linear = Linear()
    x = linear.leaf(Kind.VARIABLE, Value(1.0), "x")
    once = linear.operation(ops.EXP, (x,))
    twice = linear.operation(ops.SIN, (once,))
    total = linear.operation(ops.ADD, (twice, twice))
    assert dense_lines(linear, total) == ["t2 = sin((exp(x)))", "(t2 + t2)"]
    assert dense_lines(linear, total, [once]) == ["t1 = exp(x)", "t2 = sin(t1)", "(t2 + t2)"]
    # A square is written as a product, which would compute its operand twice.
    square = linear.operation(ops.SQUARE, (once,))
    assert dense_lines(linear, square) == ["t1 = exp(x)", "(t1 * t1)"]


def test_a_division_by_a_known_number_is_written_as_one_and_others_as_a_call() -> None:
    x, y = Value(3.0, "x"), Value(2.0, "y")
    for divisor, text in ((4.0, "x / 4.0"), (0.0, "divide(x, 0.0)"), (y, "divide(x, y)")):
        assert f" = {text}  #" in compile(x / divisor).source


def test_a_readable_line_has_its_comment_if_there_is_one_and_a_dense_line_has_none() -> None:
    linear = Linear()
    x = linear.leaf(Kind.VARIABLE, Value(1.0), "x")
    y = linear.operation(ops.EXP, (x,), "of x")
    z = linear.operation(ops.SIN, (y,))
    assert Writer(PYTHON, linear).block([y, z], [z]) == ["t1 = exp(x)  # of x", "t2 = sin(t1)"]
    assert dense_lines(linear, z, [y, z]) == ["t1 = exp(x)", "t2 = sin(t1)", "t2"]


def test_small_operations_are_written_out_in_dense_lines_and_called_in_readable_ones() -> None:
    program = compile(Value(1.0, "x").relu())
    assert "relu(" not in program.run_source
    assert "= relu(x)  #" in program.source


def test_dense_lines_are_nested_20_deep_at_most() -> None:
    linear = Linear()
    place = linear.leaf(Kind.VARIABLE, Value(1.0), "x")
    for _ in range(63):
        place = linear.operation(ops.TANH, (place,))
    # An operation on 20 nested ones, three times; the result has its name.
    assert [line.count("tanh(") for line in dense_lines(linear, place)] == [21, 21, 21, 0]


def test_a_sum_is_written_without_its_factors_of_1_and_with_all_others() -> None:
    b, x, one = Value(0.5, "b"), Value(7.0, "x"), constant(1.0)
    w = [Value(3.0, "w"), Value(5.0, "v"), one, constant(0.25)]
    program = checked(compile(weighted_sum(b, w, [one, constant(2.0), x, one])))
    assert " = b + w + v * 2.0 + x + 0.25  #" in program.source
    assert program() == 0.5 + 3.0 + 10.0 + 7.0 + 0.25
    assert [value.grad for value in (b, w[0], w[1], x)] == [1.0, 1.0, 2.0, 1.0]


def test_a_comment_ends_after_160_characters() -> None:
    assert one_line("a" * 160) == "a" * 160
    assert one_line("a" * 160 + "b") == "a" * 160


def test_getsource_and_linecache_show_the_lines() -> None:
    program = small_program()
    assert inspect.getsource(program.step) in program.source
    assert inspect.getsource(program.step).startswith("def step(parameters, inputs=()):")
    filename = program.step.__code__.co_filename
    assert "".join(linecache.getlines(filename)) == program.source
    linecache.checkcache()
    assert linecache.getlines(filename)


def test_a_programs_lines_are_forgotten_with_it() -> None:
    program = small_program()
    filename = program.step.__code__.co_filename
    assert linecache.getlines(filename)
    del program
    gc.collect()
    assert not linecache.getlines(filename)
    _ = small_program().step
    assert filename not in linecache.cache


def test_a_program_may_be_collected_while_linecache_goes_through_its_files(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    stat = os.stat

    def collecting_stat(*arguments: Any, **named: Any) -> os.stat_result:
        gc.collect()
        return stat(*arguments, **named)

    monkeypatch.setattr(linecache, "cache", {})
    linecache.getlines(__file__)  # the first file, at which the program is collected
    step = small_program().step
    step.itself = step  # type: ignore[attr-defined]
    filename = step.__code__.co_filename
    del step
    assert linecache.getlines(filename)
    with monkeypatch.context() as patched:
        patched.setattr(os, "stat", collecting_stat)
        linecache.checkcache()
    assert not linecache.getlines(filename)


def fails(x: Any) -> Any:
    if type(x) is not float:
        return FAILING.apply(x)
    raise RuntimeError("a failing operation")


def fails_partials(out: Any, x: Any) -> tuple[float]:
    return (1.0,)


FAILING = Operation("fails", "fails", 1, fails, fails_partials)


def cube(x: Any) -> Any:
    return x * x * x


def cube_partials(out: Any, x: Any) -> tuple[Any]:
    return (3.0 * x * x,)


def test_operations_of_ones_own_are_compiled() -> None:
    forwards = (cube, lambda x: 2.0 * x)
    own = [
        Operation("exp", "exp", 1, forwards[0], cube_partials),
        Operation("a name with spaces", "twice", 1, forwards[1], lambda _, __: (2.0,)),
    ]
    x = Value(1.5)
    node = x
    for op in own:
        node = Value.make_node(op, node)
    program = checked(compile((node + x.exp()).log(), updates=lambda g: {x: g[x]}))
    twin = Value(1.5)
    truth = (2.0 * (twin * twin * twin) + twin.exp()).log()
    truth.backward()
    assert same_bits(program(), truth.data)
    assert x.grad == pytest.approx(twin.grad, rel=1e-15)
    assert same_bits(program.run(1)[0], truth.data)


def test_two_operations_of_one_name_are_refused() -> None:
    twice = Operation("cube", "cube", 1, lambda x: 2.0 * x, cube_partials)
    thrice = Operation("cube", "cube", 1, cube, cube_partials)
    with pytest.raises(ValueError, match="two different operations are called 'cube'"):
        compile(Value.make_node(twice, Value.make_node(thrice, Value(1.5))))


def test_a_traceback_shows_the_line_of_the_program() -> None:
    x = Value(1.0, "speed")
    node = Value(2.0)
    node.origin, node.parents = FAILING.origin, (x,)
    program = compile(node)
    with pytest.raises(RuntimeError) as caught:
        program()
    shown = "".join(traceback.format_exception(caught.value))
    assert "v2 = fails__op(speed)  # v2 = fails(speed)" in shown
    assert not x.has_grad


HOSTILE = [
    *("line\nbreak", "carriage\rreturn", "null\0byte", "tab\there", "\u2028separator", "\x1b[31m"),
    *('"', "'", '"""', "'''", "*/", "/*", "//", "#", "\\", "\\\n", "??/", "% {x} $", "</script>"),
    *("class", "lambda", "match", "_", "int", "double", "_Bool", "NAN", "let", "arguments"),
    *("exp", "where", "maximum", "math", "math_exp", "inf", "nan", "len", "range", "float"),
    *("step", "update", "run", "output", "outputs", "gradients", "parameters", "inputs", "rows"),
    *("sum__output", "count__rows", "t3", "v3", "d_x", "new_w", "mean_w", "x1", "n", "row", "stop"),
    *("😀", "ŷ", "重み", "\ud800", "x" * 10_000, "-1", "1e5", "", " ", "a b", "a.b", "a[0]", "a_b"),
    *("M_PI", "linux", "library__pow", "None", "True", "__import__", "__class__", "self", "print"),
]


@pytest.mark.parametrize("label", HOSTILE, ids=lambda label: ascii(label)[:20])
def test_hostile_labels_make_valid_programs(label: str) -> None:
    w, x, other = Value(2.0, label), Value(3.0, label), Value(0.5, label)
    y = (w * x).exp().maximum(w)
    y.label = label
    output = (y + w * x * other).sigmoid()
    output.label = label
    twins = [Value(leaf.data) for leaf in (w, x, other)]
    a, b, c = twins
    truth = ((a * b).exp().maximum(a) + a * b * c).sigmoid()
    truth.backward()
    program = checked(compile(output, inputs=[x], updates=lambda g: {v: v - 0.1 * g[v] for v in g}))
    assert same_bits(program(3.0), truth.data)
    assert all_bits([v.grad for v in (w, x, other)]) == all_bits([twin.grad for twin in twins])
    assert same_bits(program.run(1, rows=[[3.0]])[0], truth.data)
    assert all_bits([w.data, other.data]) == all_bits([v.data - 0.1 * v.grad for v in (a, c)])
    assert all(line.isprintable() for line in program.source.splitlines())
    assert inspect.getsource(program.step) in program.source


def test_all_hostile_labels_fit_one_program() -> None:
    leaves = [Value(0.01 * place, label) for place, label in enumerate(HOSTILE)]
    total = leaves[0]
    for leaf in leaves[1:]:
        total = total + leaf.sin()
        total.label = leaf.label
    expected = total.data
    program = checked(compile(total))
    assert same_bits(program(), expected)
    assert program.run(1) == [expected]


@given(st.text(alphabet="aZ0_. -[]\n\0\\\"'*/#\u2028ŷ重😀", max_size=80))
def test_an_identifier_is_legal_and_no_word_of_a_language(text: str) -> None:
    name = identifier(text)
    assert re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", name)
    assert "__" not in name
    exec(f"{name} = 1", {})


def test_no_name_is_assigned_twice() -> None:
    program, _ = lab_program(OPTIMIZERS["SGD"])
    names = re.findall(r"^    (\w+) = ", program.source, re.MULTILINE)
    assert len(set(names)) == len(names)


def test_a_programs_repr_says_what_it_is() -> None:
    assert repr(small_program()) == "<program for loss: 13 operations, 2 variables>"


def test_a_program_over_rows_has_its_update_as_a_function() -> None:
    w, x = Value(2.0, "w"), Value(0.0, "x")
    program = compile(w * x, inputs=[x], updates=lambda g: {w: w - 0.1 * g[w]})
    assert program.update((2.0,), (5.0,)) == (1.5,)
    assert "mean_w" in inspect.getsource(program.update)
    with pytest.raises(AttributeError, match="only a program with inputs and updates"):
        _ = small_program().update


def test_registers_are_assigned_in_the_order_of_the_eager_pass() -> None:
    program = small_program()
    lines = [line.strip() for line in program.source.splitlines()]
    names = [line.split(" = ")[0] for line in lines if " = " in line and "#" in line]
    order = [names.index(name) for name in ("loss", "d_hidden_weight_2_1", "new_hidden_bias_2")]
    assert all(a < b for a, b in pairwise(order))
