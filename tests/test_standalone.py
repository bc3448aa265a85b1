"""C and JavaScript: the same bits from gcc, and from node but for the functions of its ``Math``.

Under ``javascripts_math``, an eager pass calls node's ``exp`` and its kin: all else has to agree
with JavaScript bit for bit.  ``test_op_engines.py`` tests how near those are to the truth.
"""

from __future__ import annotations

import math
import random
import re
import subprocess
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import nn
from autodiff import Program, Value, compile, weighted_sum, where
from autodiff.compiler import loops, standalone
from autodiff.compiler.kernels import NotTranslatableError
from autodiff.compiler.languages import identifier
from autodiff.ops import Operation
from autodiff.value import constant
from demos.gpt.model import GPT, Shape, next_token_loss
from demos.gpt.training import optimizer_of
from demos.lab import LAB
from tests.bits import all_bits, same_bits
from tests.engines import (
    CC,
    InC,
    InJavaScript,
    Result,
    build_c,
    c_file_of,
    checked,
    javascripts_math,
    needs_cc,
    needs_node,
    node,
)
from tests.random_graphs import Recipe, built, recipes, tame_recipes, wild_recipes
from tests.reference import (
    OPTIMIZERS,
    Trial,
    eager_lab,
    lab_epochs,
    lab_program,
    trained,
    trials,
)
from tests.test_compile import HOSTILE, readable_rows

inf, nan = math.inf, math.nan

# Operations that IEEE 754 rounds correctly, or that choose: JavaScript has their very bits.
EXACT_OPS = (
    *("add", "sub", "mul", "div", "neg", "abs", "square", "sqrt", "relu", "leaky_relu"),
    *("maximum", "minimum", "where", "weighted_sum"),
)


def gradient_of_each(program: Program) -> list[float]:
    return [leaf.grad for leaf in program.parts.gradients]


# --------------------------------------------------------------------------------------------
# C: the same bits
# --------------------------------------------------------------------------------------------


@pytest.mark.thorough
@needs_cc
@settings(max_examples=40, deadline=None)
@given(wild_recipes())
def test_c_has_the_bits_of_an_eager_pass_on_every_op_and_every_float(recipe: Any) -> None:
    nodes = built(recipe)
    program = checked(compile(nodes[-1]))
    twins = built(recipe)
    twins[-1].backward()
    output, gradients = InC(program).step([leaf.data for leaf in program.variables])
    assert same_bits(output, twins[-1].data)
    twin_of = dict(zip(nodes, twins, strict=True))
    wanted = [twin_of[leaf].grad for leaf in program.parts.gradients]
    assert all_bits(gradients) == all_bits(wanted)


def assert_has_the_eager_bits(engine: InC | InJavaScript, trial: Trial) -> None:
    """Assert that a program's run gives what eager evaluations, or rows one by one, give."""
    outputs, numbers = trained(trial)
    if trial.rows:
        found = engine.run_rows(trial.iterations, trial.start, trial.rows, trial.batch_size)
    else:
        found = engine.run(trial.iterations, trial.start)
    assert all_bits(found.outputs) == all_bits(outputs)
    assert all_bits(found.parameters) == all_bits(trial.in_program_order(numbers))


@pytest.mark.thorough
@needs_cc
@settings(max_examples=25, deadline=None)
@given(trials(st.floats(), with_rows=False))
def test_a_run_in_c_has_the_bits_of_eager_evaluations_and_updates(trial: Trial) -> None:
    assert_has_the_eager_bits(InC(checked(trial.program)), trial)


@pytest.mark.thorough
@needs_cc
@settings(max_examples=40, deadline=None)
@given(trials(st.floats(), with_rows=True))
def test_rows_in_c_have_the_bits_of_eager_gradients_added_in_row_order(trial: Trial) -> None:
    assert_has_the_eager_bits(InC(checked(trial.program)), trial)


@needs_cc
@pytest.mark.parametrize("exponent", [-1.0, 0.5, -0.5, -2.0, 3.0])
def test_no_compiler_rewrites_a_power(exponent: float) -> None:
    x = Value(2.0)
    engine = InC(compile(x**exponent))
    numbers = [0.1 + 0.00917 * place for place in range(2_000)]
    found = [engine.step([number])[0] for number in numbers]
    assert all_bits(found) == all_bits([math.pow(number, exponent) for number in numbers])


@pytest.mark.thorough
@needs_cc
@pytest.mark.parametrize("name", OPTIMIZERS)
def test_every_optimizer_takes_the_lab_through_the_same_bits_in_c(name: str) -> None:
    losses, numbers = eager_lab(OPTIMIZERS[name], 60)
    program, kept = lab_program(OPTIMIZERS[name])
    found = lab_run(InC(program), program, kept, 60)
    assert all_bits(found.outputs) == all_bits(losses)
    assert all_bits(found.parameters) == all_bits(numbers)


def lab_run(
    engine: InC | InJavaScript, program: Program, kept: list[Value], epochs: int = LAB.epochs
) -> Result:
    """Return the lab's losses, and the numbers of the variables ``kept``, in their order."""
    found = engine.run(epochs, [variable.data for variable in program.variables])
    by_variable = dict(zip(program.variables, found.parameters, strict=True))
    return Result(found.outputs, [by_variable[variable] for variable in kept])


@pytest.mark.unmeasured
@needs_cc
def test_the_labs_20000_epochs_have_the_same_bits_in_c() -> None:
    losses, weights = lab_epochs()
    program, kept = lab_program(lambda p: nn.SGD(p, lr=LAB.learning_rate))
    found = lab_run(InC(program), program, kept)
    assert all_bits(found.outputs) == all_bits(losses)
    assert all_bits(found.parameters) == all_bits(weights)


def row_program(penalised: bool = True) -> Program:
    """Return a network's loss over rows, with Adam and a penalty."""
    model = nn.MLP(2, [3, 1], activation="tanh", rng=5)
    optimizer = nn.Adam(model.parameters(), lr=0.05, weight_decay=0.01)
    x = [Value(0.0, "x1"), Value(0.0, "x2")]
    y = Value(0.0, "y")
    loss = nn.mse_loss([model(x)], [y])
    penalty = Value(0.0)
    for parameter in model.parameters():
        penalty = penalty + 0.001 * parameter * parameter
    return checked(
        compile(
            loss,
            inputs=[*x, y],
            updates=optimizer.updates,
            penalty=penalty if penalised else None,
        )
    )


ROWS = [[0.1 * k, math.cos(k), float(k % 2)] for k in range(7)]


@needs_cc
@pytest.mark.parametrize("penalised", [True, False])
@pytest.mark.parametrize("size", [1, 3, 7])
def test_a_network_over_rows_with_adam_has_the_same_bits_in_c(size: int, penalised: bool) -> None:
    program = row_program(penalised)
    start = [variable.data for variable in program.variables]
    found = InC(program).run_rows(20, start, ROWS, size)
    whole = program.run(20, rows=ROWS, batch_size=size)
    assert all_bits(found.parameters) == all_bits([v.data for v in program.variables])
    if size == 7:
        assert all_bits(found.outputs) == all_bits(whole)


# --------------------------------------------------------------------------------------------
# C: a file that compiles without a warning, whatever is in it
# --------------------------------------------------------------------------------------------


def labelled(label: str) -> Program:
    """Return a small program over rows, all of whose Values have the label."""
    w, x, other = Value(2.0, label), Value(3.0, label), Value(0.5, label)
    y = (w * x).exp().maximum(w)
    output = (y + w * x * other).sigmoid() ** w
    y.label = output.label = label
    return checked(
        compile(output, inputs=[x], updates=lambda g: {v: v - 0.1 * g[v] for v in g}, penalty=w * w)
    )


def all_labelled() -> Program:
    """Return one program with all hostile labels."""
    total: Value = Value(0.5)
    for place, label in enumerate(HOSTILE):
        total = total + Value(0.01 * place, label).sin()
        total.label = label
    return checked(compile(total, updates=lambda g: {v: v - 0.1 * g[v] for v in g}))


@pytest.mark.thorough
@needs_cc
def test_hostile_labels_make_valid_c() -> None:
    # One file a label would take a minute: the functions get names of their own instead.
    build_c(c_file_of([labelled(label).to_c() for label in HOSTILE]))


@needs_cc
def test_all_hostile_labels_fit_one_c_program() -> None:
    program = all_labelled()
    output, _ = InC(program).step([variable.data for variable in program.variables])
    assert same_bits(output, program())


OUR_WORDS = (
    *("memory", "known", "total", "block", "lane", "term", "k", "places__1", "from__w", "a@1@b"),
)


@needs_cc
@needs_node
@pytest.mark.parametrize("word", OUR_WORDS)
def test_what_loops_call_things_may_be_what_a_program_calls_its_values(word: str) -> None:
    matrix = [
        [Value(0.1 * row - 0.2 * k, f"{word}[{row}][{k}]") for k in range(6)] for row in range(6)
    ]
    x = [Value(0.3 * k - 1.0, word) for k in range(6)]
    hidden = [sum(w * xk for w, xk in zip(row, x, strict=True)).relu() for row in matrix]  # type: ignore[union-attr]
    for neuron in hidden:
        neuron.label = word
    program = checked(compile(hidden[0] * hidden[1] + sum(hidden[2:])))
    start = [variable.data for variable in program.variables]
    output, gradients = InC(program).step(start)
    assert same_bits(output, program())
    assert all_bits(gradients) == all_bits(gradient_of_each(program))
    assert InJavaScript(program).steps([(start, ())]) == [(output, gradients)]


@needs_cc
@pytest.mark.parametrize("standard", ["c11", "gnu17"])
def test_no_identifier_is_a_macro_of_math_h(standard: str) -> None:
    assert CC is not None
    found = subprocess.run(
        [CC, f"-std={standard}", "-include", "math.h", "-dM", "-E", "-xc", "/dev/null"],
        capture_output=True,
        text=True,
        check=True,
    )
    macros = re.findall(r"#define (\w+) ", found.stdout)  # those with parentheses need a call
    assert "INFINITY" in macros
    assert [name for name in macros if identifier(name) == name] == []


UNUSUAL: dict[str, Callable[[], Program]] = {
    "a constant": lambda: compile(constant(2.0) * 3),
    "a leaf": lambda: compile(Value(2.0, "w")),
    "an input without influence": lambda: compile(Value(2.0) * 3, inputs=[Value(1.0)]),
    "inputs alone": lambda: compile((x := Value(2.0)) * 3, inputs=[x]),
    "nothing but an input without influence": lambda: compile(constant(2.0), inputs=[Value(1.0)]),
    "an update of a stranger": lambda: compile(
        (x := Value(2.0)) * 3, inputs=[x], updates=lambda _: {Value(1.0, "s"): 2.0}
    ),
    "a folded branch": lambda: compile(where(constant(1.0), Value(2.0), Value(3.0).softplus())),
    "numbers of all kinds": lambda: compile(
        weighted_sum(
            Value(1.0),
            [constant(n) for n in (inf, -inf, nan, -0.0, 5e-324, 1.7e308, 1e22, 0.1)],
            [Value(1.0)] * 8,
        )
    ),
    "an update to a number": lambda: compile((w := Value(2.0)) * 3, updates=lambda _: {w: -inf}),
    "a swap": lambda: compile(
        (a := Value(2.0)) * (b := Value(3.0)), updates=lambda _: {a: b, b: a}
    ),
    "a penalty of numbers": lambda: compile(
        (w := Value(2.0)) * (x := Value(3.0)), inputs=[x], penalty=constant(3.0) + w * 0
    ),
}


each_engine = pytest.mark.parametrize(
    "engine", [pytest.param(InC, marks=needs_cc), pytest.param(InJavaScript, marks=needs_node)]
)


@each_engine
@pytest.mark.parametrize("name", UNUSUAL)
def test_unusual_programs_compile_without_a_warning_and_agree(
    name: str, engine: type[InC] | type[InJavaScript]
) -> None:
    program = checked(UNUSUAL[name]())
    made = engine(program)
    inputs = [0.5] * len(program.inputs)
    start = [variable.data for variable in program.variables]
    if isinstance(made, InC):
        output, gradients = made.step(start, inputs)
    else:
        ((output, gradients),) = made.steps([(start, inputs)])
    assert same_bits(output, program(*inputs))
    assert all_bits(gradients) == all_bits(gradient_of_each(program))
    if program.inputs:
        rows = [[0.5] * len(inputs), [-1.0] * len(inputs)]
        found = made.run_rows(2, start, rows, 2)
        wanted = program.run(2, rows=rows)
    else:
        found, wanted = made.run(2, start), program.run(2)
    assert all_bits(found.outputs) == all_bits(wanted)
    assert all_bits(found.parameters) == all_bits([v.data for v in program.variables])


@each_engine
def test_a_sum_over_rows_of_minus_zero_is_zero(engine: type[InC] | type[InJavaScript]) -> None:
    w, x = Value(1.0), Value(0.0)
    program = compile(w * x, inputs=[x], updates=lambda g: {w: g[w]})
    found = engine(program).run_rows(1, [1.0], [[-0.0], [-0.0]], 2)
    assert all_bits([*found.outputs, *found.parameters]) == all_bits([0.0, 0.0])


def test_the_header_says_where_every_number_is() -> None:
    program, _ = lab_program(OPTIMIZERS["SGD, momentum"])
    for source in (program.to_c(), program.to_javascript()):
        header = [line for line in source.splitlines() if line.startswith("//")]
        for array, leaves in (
            ("parameters", program.variables),
            ("gradients", list(program.parts.gradients)),
        ):
            for place, leaf in enumerate(leaves):
                assert f"// {array}[{place}]  {leaf.label}" in header
    rows = row_program()
    assert "// inputs[2]  y" in rows.to_c()
    assert "// inputs[2]  y" in rows.to_javascript()


def test_the_same_program_is_written_the_same_every_time() -> None:
    assert row_program().to_c() == row_program().to_c()
    assert row_program().to_javascript() == row_program().to_javascript()


# --------------------------------------------------------------------------------------------
# Operations of one's own
# --------------------------------------------------------------------------------------------


def gaussian(x: Any, int: Any) -> Any:
    square = x * x
    static = math.exp(-square) if x == x else math.nan
    return static * int


def gaussian_partials(out: Any, x: Any, int: Any) -> tuple[Any, Any]:
    return -2.0 * x * out, out / int


GAUSSIAN = Operation("bell curve", "bell", 2, gaussian, gaussian_partials)


def gaussian_program() -> tuple[Program, list[list[float]]]:
    x, scale = Value(0.5, "x"), Value(2.0, "scale")
    program = checked(compile(Value.make_node(GAUSSIAN, x, scale).tanh()))
    return program, [[0.01 * place - 3.0, 1.5] for place in range(600)]


def eager_gaussian(numbers: list[float]) -> list[float]:
    leaves = [Value(number) for number in numbers]
    output = Value.make_node(GAUSSIAN, *leaves).tanh()
    output.backward()
    return [output.data, *[leaf.grad for leaf in leaves]]


@needs_cc
def test_an_operation_of_ones_own_has_the_same_bits_in_c() -> None:
    program, cases = gaussian_program()
    engine = InC(program)
    for numbers in cases:
        output, gradients = engine.step(numbers)
        assert all_bits([output, *gradients]) == all_bits(eager_gaussian(numbers))


def uses_a_loop(x: Any) -> Any:
    for _ in range(3):
        x = x * x
    return x


SCALE = 3.0


def uses_a_name_from_outside(x: Any) -> Any:
    return x * SCALE


def calls_a_function_of_its_own(x: Any) -> Any:
    return uses_a_loop(x) + 1.0


def ends_without_a_result(x: Any) -> Any:
    _ = x


def some_partials(out: Any, x: Any) -> tuple[Any]:
    return (1.0,)


@pytest.mark.parametrize(
    "forward",
    [
        *(uses_a_loop, uses_a_name_from_outside, calls_a_function_of_its_own),
        *(ends_without_a_result, lambda x: x * x, math.erf),
    ],
)
def test_what_c_cannot_be_told_is_named(forward: Callable[[Any], Any]) -> None:
    op = Operation("riddle", "riddle", 1, forward, some_partials)
    node = Value(2.0)
    node.origin, node.parents = op.origin, (Value(1.0),)
    program = compile(node)
    for write in (program.to_c, program.to_javascript):
        with pytest.raises(ValueError, match="riddle"):
            write()


def test_an_operation_with_any_number_of_operands_is_named() -> None:
    op = Operation("total", "total", None, lambda *x: sum(x), lambda _, *x: (1.0,) * len(x))
    program = compile(Value.make_node(op, Value(1.0), Value(2.0)))
    assert program() == 3.0
    with pytest.raises(NotTranslatableError, match="total: it takes any number of operands"):
        program.to_c()


def has_no_javascript(x: Any) -> Any:
    return math.erfc(x)


def test_a_function_that_javascript_lacks_is_named() -> None:
    op = Operation("erfc", "erfc", 1, has_no_javascript, some_partials)
    program = compile(Value.make_node(op, Value(1.0)))
    with pytest.raises(ValueError, match="JavaScript's Math has no erfc"):
        program.to_javascript()
    if CC is not None:
        assert same_bits(InC(program).step([1.0])[0], math.erfc(1.0))


# --------------------------------------------------------------------------------------------
# JavaScript
# --------------------------------------------------------------------------------------------


def assert_javascript_is_the_eager_pass(recipe: Recipe) -> None:
    nodes = built(recipe)
    program = checked(compile(nodes[-1]))
    twins = built(recipe)
    twins[-1].backward()
    start = [leaf.data for leaf in program.variables]
    ((output, gradients),) = InJavaScript(program).steps([(start, ())])
    twin_of = dict(zip(nodes, twins, strict=True))
    wanted = [twin_of[leaf].grad for leaf in program.parts.gradients]
    assert all_bits([output, *gradients]) == all_bits([twins[-1].data, *wanted])


@needs_node
@settings(max_examples=100)
@given(recipes(st.floats(), EXACT_OPS))
def test_exact_operations_have_the_same_bits_in_javascript(recipe: Recipe) -> None:
    assert_javascript_is_the_eager_pass(recipe)


@needs_node
@javascripts_math()
@settings(max_examples=60)
@given(wild_recipes() | tame_recipes())
def test_with_nodes_math_an_eager_pass_has_javascripts_bits(recipe: Recipe) -> None:
    assert_javascript_is_the_eager_pass(recipe)


@needs_node
@javascripts_math()
@settings(max_examples=25)
@given(trials(st.floats(), with_rows=False))
def test_with_nodes_math_a_run_has_javascripts_bits(trial: Trial) -> None:
    assert_has_the_eager_bits(InJavaScript(checked(trial.program)), trial)


@needs_node
@javascripts_math()
@settings(max_examples=25)
@given(trials(st.floats(), with_rows=True))
def test_with_nodes_math_rows_have_javascripts_bits(trial: Trial) -> None:
    assert_has_the_eager_bits(InJavaScript(checked(trial.program)), trial)


@needs_node
@pytest.mark.parametrize("name", OPTIMIZERS)
@javascripts_math()
def test_with_nodes_math_every_optimizer_takes_the_lab_through_javascripts_bits(name: str) -> None:
    losses, numbers = eager_lab(OPTIMIZERS[name], 3)
    program, kept = lab_program(OPTIMIZERS[name])
    found = lab_run(InJavaScript(program), program, kept, 3)
    assert all_bits(found.outputs) == all_bits(losses)
    assert all_bits(found.parameters) == all_bits(numbers)


@pytest.mark.unmeasured
@needs_node
def test_the_labs_20000_epochs_print_its_digits_in_javascript() -> None:
    losses, weights = lab_epochs()
    program, kept = lab_program(lambda p: nn.SGD(p, lr=LAB.learning_rate))
    found = lab_run(InJavaScript(program), program, kept)
    printed = [f"{loss:.4f}" for loss in found.outputs[:: LAB.log_every]]
    assert printed == [f"{loss:.4f}" for loss in LAB.losses]
    # The last places in which exp differs add up, epoch after epoch.
    assert found.outputs == pytest.approx(losses, rel=1e-13)
    assert found.parameters == pytest.approx(weights, rel=1e-13)


@needs_node
@pytest.mark.parametrize("size", [1, 3, 7])
@javascripts_math()
def test_with_nodes_math_a_network_over_rows_with_adam_has_javascripts_bits(size: int) -> None:
    program = row_program(penalised=False)
    start = [variable.data for variable in program.variables]
    found = InJavaScript(program).run_rows(3, start, ROWS, size)
    _, numbers = readable_rows(program, start, 3, ROWS, size)
    assert all_bits(found.parameters) == all_bits(numbers)


@needs_node
def test_hostile_labels_make_valid_javascript() -> None:
    sources = [labelled(label).to_javascript() for label in HOSTILE]
    one_file = "\n".join(f"(() => {{\n{source}\n}})();" for source in sources)
    program = all_labelled()
    engine = InJavaScript(program)
    engine.source = one_file + engine.source
    ((output, _),) = engine.steps([([variable.data for variable in program.variables], ())])
    assert output == pytest.approx(program(), rel=1e-13)


def test_no_label_ends_the_script_of_a_page() -> None:
    source = labelled("</script><!-- x").to_javascript()
    assert "</" not in source
    assert "<!" not in source


def small_gpt() -> Program:
    """Return a GPT's training step: loops of all kinds, tables, and numbers computed alone."""
    model = GPT(Shape(tokens=3, context=3, width=4, heads=2), random.Random(1))
    tokens = [Value(float(place), f"token[{place}]") for place in range(3)]
    following = [Value(0.0, f"following[{place}]") for place in range(3)]
    loss = next_token_loss(model(tokens), following)
    return compile(loss, [*tokens, *following], optimizer_of(model, 4).updates)


@needs_node
@pytest.mark.parametrize("longest", [0, 20])
def test_a_long_function_of_javascript_is_several_of_the_same_bits(
    longest: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = [[2.0, 0.0, 1.0, 0.0, 1.0, 2.0], [2.0, 1.0, 2.0, 1.0, 2.0, -1.0]]
    program = small_gpt()
    monkeypatch.setattr(loops, "LONGEST_FUNCTION", 1 << 30)
    whole = InJavaScript(program)
    monkeypatch.setattr(loops, "LONGEST_FUNCTION", longest)
    parts = InJavaScript(program)
    assert "__part_" not in whole.source
    assert "function step__part_1(memory)" in parts.source
    assert "function run__unguarded__part_2(memory)" in parts.source
    assert "function run__guarded__part_2(memory)" in parts.source
    start = [variable.data for variable in program.variables]
    results = []
    for engine in (whole, parts):
        output, gradients = engine.steps([(start, rows[0])])[0]
        found = engine.run_rows(2, start, rows, 1)
        results.append(all_bits([output, *gradients, *found.outputs, *found.parameters]))
    assert results[0] == results[1]
    losses = program.run(1, rows, batch_size=1, each_batch=True)
    assert found.outputs[:2] == pytest.approx(losses, rel=1e-12)


@needs_node
def test_many_results_are_copied_by_loops(monkeypatch: pytest.MonkeyPatch) -> None:
    x = [Value(float(place), f"x[{place}]") for place in range(6)]
    program = compile(sum((each * each for each in x), Value(0.0)), inputs=x)
    squares = {str(place): each * each for place, each in enumerate(x)}
    described = program.to_javascript({"f": squares})
    monkeypatch.setattr(loops, "MOST_DESCRIBED", 5)
    copied = program.to_javascript({"f": squares})
    assert "outputs[5] =" in described
    assert "outputs[k] =" in copied
    numbers = [each.data for each in x]
    for source in (described, copied):
        _, (_, _, found) = node().call(source, [("f", [], [[], numbers, [math.nan] * 6])])[0]
        assert found == [number * number for number in numbers]


def test_a_file_of_javascript_has_the_functions_that_are_wanted() -> None:
    program = compile((x := Value(3.0, "x")) * 2.0)
    source = program.to_javascript({"f": {"x": x}}, own=[])
    assert "function step" not in source
    assert "function run" not in source
    assert "module.exports = { f };" in source
    source = program.to_javascript(own=["run"])
    assert "module.exports = { run };" in source
    assert "gradients" not in source


def test_many_parameters_are_not_listed_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(standalone, "MOST_LISTED", 3)
    program, _ = lab_program(OPTIMIZERS["SGD"])
    for source in (program.to_c(), program.to_javascript()):
        assert "// parameters  18 numbers, in the order of the program's variables" in source
        assert "// parameters[" not in source


@needs_node
@pytest.mark.parametrize("turns", [20, 40, 140])
def test_a_long_function_reads_what_earlier_sections_made(turns: int) -> None:
    w, x = Value(0.5, "w"), Value(0.0, "x")
    state = w.exp() * x  # made once a batch, and read by each of the functions that follow
    for turn in range(turns):
        state = (state * x).tanh() if turn % 2 else (state - x).sin()
    loss = state * w.exp()
    program = compile(loss, inputs=[x], updates=lambda gradients: {w: w - 0.1 * gradients[w]})
    found = InJavaScript(program).run_rows(2, [0.5], [[1.0], [0.5]], 1)
    expected = program.run(2, [[1.0], [0.5]], batch_size=1, each_batch=True)
    # Math's functions may differ from Python's in the last places.
    assert found.outputs == pytest.approx(expected, rel=1e-12)
    assert found.parameters == pytest.approx([w.data], rel=1e-12)
