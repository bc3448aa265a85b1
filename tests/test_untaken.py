"""A side that was not taken gets nothing: the gradient that mathematics gives, on every engine.

Tensor libraries multiply the gradient of what was not taken by 0, and 0 times infinity is nan.
The expected numbers here are derivatives worked out by hand, and in the fuzzer by mpmath.
"""

from __future__ import annotations

import contextlib
import math
import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import mpmath
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import nn
from autodiff import Program, Value, backward_steps, compile, grad, ops, weighted_sum
from autodiff.compiler.native import is_installed
from autodiff.graph import topological_order
from autodiff.ops import NOTHING, Operation
from autodiff.value import constant
from tests.bits import all_bits
from tests.engines import (
    ENGINES,
    NODE,
    InC,
    InJavaScript,
    checked,
    each_program,
    needs_cc,
    needs_llvmlite,
    needs_node,
)

# ---- an operation of one's own ---------------------------------------------------------------


def gate(x: Any, threshold: Any) -> Any:
    return ops.where(x - threshold, x, 0.0)


def gate_partials(out: Any, x: Any, threshold: Any) -> tuple[Any, Any]:
    return ops.where(x - threshold, 1.0, NOTHING), NOTHING


def gate_forward(x: float, threshold: float) -> float:
    return x if x - threshold > 0.0 else 0.0


GATE = Operation("gate", "gate", 2, gate_forward, gate_partials)


def gated(x: Any, threshold: Any) -> Any:
    return Value.make_node(GATE, x, threshold)


# ---- the table -------------------------------------------------------------------------------

Function = Callable[..., Any]


@dataclass(frozen=True)
class Case:
    """A function of Values at a place, its gradient there and the diagonal of its Hessian."""

    name: str
    function: Function
    place: tuple[float, ...]
    gradient: tuple[float, ...]
    second: tuple[float, ...]


def shared_node(x: Any) -> Any:
    """Return 3 log(x) + 0: the node log(x) is used by a taken side and by one that is not."""
    log = ops.log(x)
    return 3.0 * log + ops.where(x - 5.0, ops.sqrt(log - 10.0), 0.0)


def nested(x: Any) -> Any:
    """Return x**2 at 0, by an inner choice and an outer one, both with singular other sides."""
    inner = ops.where(-x, 1.0 / x, x * x)
    return ops.where(x - 1.0, ops.log(x) * inner, inner)


def neuron_of_untaken(x: Any) -> Any:
    """Return a neuron's sum of 2 x and of a side that was not taken."""
    return weighted_sum(Value(0.5), [Value(2.0), ops.where(x, 1.0 / x, 0.0)], [x, x])


CASES = [
    Case("sqrt(relu(x))", lambda x: ops.sqrt(ops.relu(x)), (-1.0,), (0.0,), (0.0,)),
    Case("where(x, log(x), 0)", lambda x: ops.where(x, ops.log(x), 0.0), (0.0,), (0.0,), (0.0,)),
    Case("where(x, 1/x, 0)", lambda x: ops.where(x, 1.0 / x, 0.0), (0.0,), (0.0,), (0.0,)),
    Case(
        "where(x**2, sin(x)/x, 1)",
        lambda x: ops.where(x * x, ops.sin(x) / x, 1.0),
        *((0.0,), (0.0,), (0.0,)),
    ),
    Case("maximum(log(x), 1)", lambda x: ops.maximum(ops.log(x), 1.0), (0.0,), (0.0,), (0.0,)),
    Case("minimum(1/x, 5)", lambda x: ops.minimum(1.0 / x, 5.0), (0.0,), (0.0,), (0.0,)),
    Case(
        "where(x - 1000, 0, exp(x))'s other side",
        lambda x: ops.where(x - 100.0, x, ops.exp(ops.exp(x))),
        *((1000.0,), (1.0,), (0.0,)),
    ),
    Case("nested choices", nested, (0.0,), (0.0,), (2.0,)),
    Case("a node of both sides", shared_node, (2.0,), (1.5,), (-0.75,)),
    Case("weighted_sum", neuron_of_untaken, (0.0,), (2.0,), (0.0,)),
    Case(
        "leaky_relu's slope",
        lambda x, slope: ops.leaky_relu(x, ops.sqrt(slope)),
        *((2.0, 0.0), (1.0, 0.0), (0.0, 0.0)),
    ),
    Case(
        "an operation of one's own",
        lambda x, y: gated(ops.sqrt(x), 1.0) + y * y,
        *((0.0, 3.0), (0.0, 6.0), (0.0, 2.0)),
    ),
    Case(
        "all sides of two variables",
        lambda x, y: ops.where(x, ops.log(x) * y, y * y * y),
        *((0.0, 2.0), (0.0, 12.0), (0.0, 12.0)),
    ),
]

of_all_cases = pytest.mark.parametrize("case", CASES, ids=[case.name for case in CASES])


def zeroless(numbers: list[float]) -> list[float]:
    """Return the numbers with 0.0 for -0.0."""
    return [0.0 + number for number in numbers]


def variables_of(case: Case) -> list[Value]:
    return [Value(number, f"x{place}") for place, number in enumerate(case.place)]


def eager(case: Case) -> list[float]:
    leaves = variables_of(case)
    case.function(*leaves).backward()
    return [float(leaf.grad) for leaf in leaves]


def by_steps(case: Case) -> list[float]:
    leaves = variables_of(case)
    for step in backward_steps(case.function(*leaves)):
        assert str(step)
    return [float(leaf.grad) for leaf in leaves]


def by_grad(case: Case) -> list[float]:
    leaves = variables_of(case)
    return [gradient.data for gradient in grad(case.function(*leaves), leaves)]


class InProgram:
    """A case as a program whose updates are the gradient and the diagonal of the Hessian."""

    def __init__(self, case: Case, engine: str = "python") -> None:
        # Built elsewhere: what is taken has to be decided when the program runs.
        self.leaves = [Value(0.7 + 0.1 * place, f"x{place}") for place in range(len(case.place))]
        self.results = [Value(0.0, f"result{place}") for place in range(2 * len(case.place))]
        self.output = case.function(*self.leaves)
        self.program = checked(compile(self.output, updates=self.updates, engine=engine))
        given = dict(zip(self.leaves, case.place, strict=True))
        for leaf, number in given.items():
            leaf.data = number
        self.start = [variable.data for variable in self.program.variables]

    def updates(self, gradients: Mapping[Value, Value]) -> dict[Value, Value]:
        firsts = grad(self.output, self.leaves)
        seconds = [grad(first, leaf) for first, leaf in zip(firsts, self.leaves, strict=True)]
        of_program = [gradients[leaf] for leaf in self.leaves]
        return dict(zip(self.results, [*of_program, *seconds], strict=True))

    def found(self, numbers: Any) -> list[float]:
        ended = dict(zip(self.program.variables, numbers, strict=True))
        return [ended[result] for result in self.results]


def readable(case: Case) -> list[float]:
    made = InProgram(case)
    _, _, updated = made.program.step(made.start)
    ended = dict(zip(made.program.parts.updates, updated, strict=True))
    return [ended[result] for result in made.results]


def dense(case: Case) -> list[float]:
    return run(InProgram(case))


def native(case: Case) -> list[float]:
    return run(InProgram(case, "native"))


def run(made: InProgram) -> list[float]:
    made.program.run(1)
    return [result.data for result in made.results]


def in_c(case: Case) -> list[float]:
    made = InProgram(case)
    return made.found(InC(made.program).run(1, made.start).parameters)


def in_javascript(case: Case) -> list[float]:
    made = InProgram(case)
    return made.found(InJavaScript(made.program).run(1, made.start).parameters)


PROGRAMS = [
    readable,
    dense,
    pytest.param(native, marks=needs_llvmlite),
    pytest.param(in_c, marks=needs_cc),
    pytest.param(in_javascript, marks=needs_node),
]


@of_all_cases
@pytest.mark.parametrize("engine", [eager, by_steps, by_grad])
def test_the_gradient_is_that_of_mathematics(case: Case, engine: Function) -> None:
    assert all_bits(zeroless(engine(case))) == all_bits(case.gradient)


@of_all_cases
def test_the_second_derivative_is_that_of_mathematics(case: Case) -> None:
    leaves = variables_of(case)
    firsts = grad(case.function(*leaves), leaves)
    seconds = [grad(first, leaf).data for first, leaf in zip(firsts, leaves, strict=True)]
    assert all_bits(zeroless(seconds)) == all_bits(case.second)


@of_all_cases
@pytest.mark.parametrize("engine", PROGRAMS)
def test_programs_decide_what_is_taken_when_they_run(case: Case, engine: Function) -> None:
    assert all_bits(zeroless(engine(case))) == all_bits([*case.gradient, *case.second])


@of_all_cases
@pytest.mark.parametrize("given", [False, True], ids=["variables", "inputs"])
@pytest.mark.parametrize("earlier", [None, -0.0, 2.5])
def test_a_call_of_a_program_leaves_alone_what_no_contribution_reaches(
    case: Case, given: bool, earlier: float | None
) -> None:
    found = []
    for is_eager in (True, False):
        leaves = variables_of(case)
        output = case.function(*leaves)
        for leaf in leaves:
            if earlier is not None:
                leaf.grad = earlier
        if is_eager:
            output.backward()
        else:
            compile(output, inputs=leaves if given else ())(*(case.place if given else ()))
        found.append([(leaf.has_grad, all_bits([leaf.grad])) for leaf in leaves])
    assert found[0] == found[1]


@needs_node
def test_what_is_known_not_to_be_taken_is_in_no_form_of_a_program() -> None:
    w, x = Value(0.5, "w"), Value(2.0, "x")
    output = ops.where(constant(1.0), x, w.exp() * x)
    program = compile(output, inputs=[x], updates=lambda of: {w: w - of[w]})
    assert program(3.0) == 3.0
    assert (w.has_grad, x.grad) == (False, 1.0)
    assert "exp(" not in program.to_javascript()
    assert InJavaScript(program).run_rows(2, [0.5], [[3.0]], 1).parameters == [0.5]


# ---- batches ---------------------------------------------------------------------------------


def log_or_zero(engine: str) -> tuple[Program, Value]:
    w, x = Value(2.0, "w"), Value(0.0, "x")
    output = ops.where(w * x, ops.log(w * x), 0.0)
    program = compile(output, inputs=[x], updates=lambda of: {w: of[w]}, engine=engine)
    return program, w


@each_program
@pytest.mark.parametrize(
    ("rows", "gradient"),
    [([[0.0]], 0.0), ([[0.0], [-1.0]], 0.0), ([[0.0], [3.0]], 0.25), ([[1.0], [3.0]], 0.5)],
)
def test_in_a_batch_a_row_that_was_not_taken_adds_nothing(
    engine: str, rows: list[list[float]], gradient: float
) -> None:
    """The derivative of log(w x) by w is 1 / w where it is taken: 0.5, and the mean of these."""
    program, w = log_or_zero(engine)
    program.run(1, rows=rows)
    assert all_bits([w.data]) == all_bits([gradient])


WIDE = [[0.5, -0.25], [1e200, -1e200], [-3.0, 2.0], [1e300, 1e300], [0.0, 1.0]]


@pytest.mark.parametrize("rows", [WIDE[:1] + WIDE[2:3], WIDE], ids=["finite", "overflowing"])
@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("shuffle", [None, 5])
def test_fit_has_the_same_bits_on_every_engine_where_numbers_overflow(
    rows: list[list[float]], seed: int, shuffle: int | None
) -> None:
    """The rows' own programs leave guards out until a mean is not finite: nobody can tell."""
    found = []
    for engine in ENGINES:
        model = nn.MLP(2, [4, 4, 1], rng=seed)
        losses: list[float] = []
        with contextlib.suppress(nn.NonFiniteLossError):
            losses = nn.fit(
                model, rows, [1.0] * len(rows), loss=nn.hinge_loss,
                optimizer=nn.SGD(model.parameters(), 0.01), epochs=3, batch_size=2, engine=engine,
                shuffle=None if shuffle is None else random.Random(shuffle),
            ).losses  # fmt: skip
        found.append(all_bits([*losses, *[p.data for p in model.parameters()]]))
    assert all(each == found[0] for each in found)


@each_program
@pytest.mark.parametrize("shuffle", [None, random.Random(5), random.SystemRandom()])
def test_a_dead_neuron_of_an_infinite_input_keeps_its_weights(engine: str, shuffle: Any) -> None:
    """The weight's gradient is nothing; without the guard it would be 0 times infinity."""
    w, v, x = Value(-1.0, "w"), Value(-1.0, "v"), Value(0.0, "x")
    output = ops.relu(v * ops.exp(w * x) - 1.0)
    program = compile(output, inputs=[x], updates=lambda of: {w: w - of[w], v: v - of[v]},
                      engine=engine)  # fmt: skip
    assert program.run(2, rows=[[-1000.0], [1.0]], shuffle=shuffle) == [0.0, 0.0]
    assert (w.data, v.data) == (-1.0, -1.0)


def sign_of_gradient(of: Mapping[Value, Value], w: Value) -> Value:
    return w - ops.where(of[w], 1.0, ops.where(-of[w], -1.0, 0.0))


@each_program
@pytest.mark.parametrize("shuffle", [None, random.SystemRandom()])
def test_updates_that_hide_a_nan_have_the_guarded_program(engine: str, shuffle: Any) -> None:
    """A row adds 1 to the gradient, the other one nothing; a nan in its place would be hidden."""
    w, x = Value(-1.0, "w"), Value(0.0, "x")
    output = ops.relu(1.0 - ops.exp(w * x)) + ops.where(x, w, 0.0)
    program = compile(
        output, inputs=[x], updates=lambda of: {w: sign_of_gradient(of, w)}, engine=engine
    )
    program.run(1, rows=[[-1000.0], [0.001]], shuffle=shuffle)
    assert w.data == -2.0


@needs_node
def test_javascript_leaves_guards_out_until_they_make_a_difference() -> None:
    """A dead neuron of an infinite input keeps its weights; others learn without the guards."""
    w, v, x = Value(-1.0, "w"), Value(-1.0, "v"), Value(0.0, "x")
    output = ops.relu(v * ops.exp(w * x) - 1.0)
    program = compile(output, inputs=[x], updates=lambda of: {w: w - of[w], v: v - of[v]})
    script = InJavaScript(program)
    assert "function run__unguarded" in script.source
    found = script.run_rows(2, [-1.0, -1.0], [[-1000.0], [1.0]], 2)
    assert all_bits([*found.outputs, *found.parameters]) == all_bits([0.0, 0.0, -1.0, -1.0])
    v.data = 4.0
    start = [each.data for each in program.variables]
    learns = script.run_rows(1, start, [[1.0], [0.5]], 2)
    assert learns.outputs == pytest.approx(program.run(1, rows=[[1.0], [0.5]]), rel=1e-12)
    assert learns.parameters == pytest.approx([each.data for each in program.variables], rel=1e-12)


@needs_node
def test_javascript_has_guards_at_once_where_updates_hide_a_nan() -> None:
    w, x = Value(-1.0, "w"), Value(0.0, "x")
    output = ops.relu(1.0 - ops.exp(w * x)) + ops.where(x, w, 0.0)
    program = compile(output, inputs=[x], updates=lambda of: {w: sign_of_gradient(of, w)})
    script = InJavaScript(program)
    assert "unguarded" not in script.source
    assert script.run_rows(1, [-1.0], [[-1000.0], [0.001]], 2).parameters == [-2.0]


# ---- a fuzzer --------------------------------------------------------------------------------

PLACES = st.sampled_from([0.0, 1.0, -1.0, 2.0, -2.0, 0.5, 800.0, -800.0])
UNARY = ["log", "sqrt", "exp", "square", "sin", "tanh", "relu", "abs", "reciprocal"]
BINARY = ["add", "mul", "maximum", "minimum"]
Tree = tuple[Any, ...]

leaf_trees = st.one_of(st.just(("x",)), st.tuples(st.just("number"), PLACES))


def grown(smaller: st.SearchStrategy[Tree]) -> st.SearchStrategy[Tree]:
    return st.one_of(
        st.tuples(st.sampled_from(UNARY), smaller),
        st.tuples(st.sampled_from(BINARY), smaller, smaller),
        st.tuples(st.just("where"), smaller, smaller, smaller),
        st.tuples(st.just("where"), smaller, smaller, smaller),
    )


trees = st.recursive(leaf_trees, grown, max_leaves=8)


def in_values(tree: Tree, x: Any) -> Any:
    kind, *rest = tree
    if kind == "x":
        return x
    if kind == "number":
        return Value(rest[0])
    operands = [in_values(each, x) for each in rest]
    if kind == "reciprocal":
        return 1.0 / operands[0]
    return ops.OPERATIONS[kind].apply(*operands)


class UndefinedError(Exception):
    """The function or its derivative is not defined here, or a choice is on its edge."""


def truth(tree: Tree, x: Any) -> tuple[Any, Any]:
    """Return a selected branch's number and its derivative, in mpmath; sides not taken are skipped.

    It is forward: dual numbers of 60 digits.  Raises UndefinedError.
    """
    kind, *rest = tree
    if kind == "x":
        return x, mpmath.mpf(1)
    if kind == "number":
        return mpmath.mpf(rest[0]), mpmath.mpf(0)
    if kind == "where":
        condition, _ = sign_of(rest[0], x)
        return truth(rest[1] if condition > 0 else rest[2], x)
    if kind in ("maximum", "minimum"):
        return chosen(rest, x, kind == "maximum")
    pairs = [truth(each, x) for each in rest]
    if kind == "add":
        return pairs[0][0] + pairs[1][0], pairs[0][1] + pairs[1][1]
    if kind == "mul":
        (a, da), (b, db) = pairs
        return a * b, da * b + a * db
    ((a, da),) = pairs
    number, slope = UNARY_TRUTHS[kind](a)
    return within(number), da * slope


def within(number: Any) -> Any:
    """Return the number; raise UndefinedError if a float cannot hold it."""
    if abs(number) > 1e300 or (number != 0 and abs(number) < 1e-280):
        raise UndefinedError
    return number


def sign_of(tree: Tree, x: Any) -> tuple[Any, Any]:
    """Return what a condition is: its number, infinite where its limit is; raise if unclear."""
    try:
        number, slope = truth(tree, x)
    except UndefinedError:
        number, slope = limit(tree, x), mpmath.mpf(0)
    if number != 0 and abs(number) < mpmath.mpf("1e-9"):
        raise UndefinedError  # rounding may decide
    if number == 0 and slope != 0 and tree != ("x",):
        raise UndefinedError  # rounding may decide
    return number, slope


def limit(tree: Tree, x: Any) -> Any:
    """Return the infinity that log(0) and 1 / x have by IEEE 754 at 0; raise for all else."""
    kind, *rest = tree
    if kind in ("log", "reciprocal") and rest[0] == ("x",) and x == 0:
        return -mpmath.inf if kind == "log" else mpmath.inf
    raise UndefinedError


def chosen(sides: list[Tree], x: Any, is_larger: bool) -> tuple[Any, Any]:
    """Return the side that a maximum or minimum takes, decided by its limit where it has one."""
    numbers = [sign_of(side, x)[0] for side in sides]
    if abs(numbers[0] - numbers[1]) < mpmath.mpf("1e-9"):
        raise UndefinedError  # a kink
    first = (numbers[0] > numbers[1]) == is_larger
    return truth(sides[0 if first else 1], x)


def positive(a: Any) -> Any:
    if a <= 0:
        raise UndefinedError
    return a


def nonzero(a: Any) -> Any:
    if a == 0:
        raise UndefinedError
    return a


UNARY_TRUTHS: dict[str, Callable[[Any], tuple[Any, Any]]] = {
    "log": lambda a: (mpmath.log(positive(a)), 1 / a),
    "sqrt": lambda a: (mpmath.sqrt(positive(a)), 1 / (2 * mpmath.sqrt(a))),
    "exp": lambda a: (within(mpmath.exp(a)), mpmath.exp(a)),
    "square": lambda a: (a * a, 2 * a),
    "sin": lambda a: (mpmath.sin(a), mpmath.cos(a)),
    "tanh": lambda a: (mpmath.tanh(a), mpmath.sech(a) ** 2),
    "relu": lambda a: (max(nonzero(a), mpmath.mpf(0)), mpmath.mpf(1 if a > 0 else 0)),
    "abs": lambda a: (abs(nonzero(a)), mpmath.sign(a)),
    "reciprocal": lambda a: (1 / nonzero(a), -1 / a**2),
}

INSTALLED: list[Function] = [
    *(readable, dense),
    *([native] if is_installed() else []),
    *([in_javascript] if NODE else []),
]


@pytest.mark.unmeasured
@pytest.mark.thorough
@settings(max_examples=400, deadline=None)
@given(trees, PLACES)
def test_no_gradient_is_nan_where_the_function_has_one(tree: Tree, place: float) -> None:
    with mpmath.workdps(60):
        try:
            _, derivative = truth(tree, mpmath.mpf(place))
            within(derivative)
        except (UndefinedError, OverflowError, ZeroDivisionError):
            return
        expected = float(derivative)
    x = Value(place, "x")
    root = in_values(tree, x)
    case = Case("fuzzed", lambda value: in_values(tree, value), (place,), (expected,), ())
    if root.is_leaf or x not in topological_order(root):
        return
    found = [eager(case), by_steps(case), by_grad(case)]
    for (gradient,) in found:
        assert not math.isnan(gradient), f"{tree} at {place}: nan, not {expected}"
    assert len({tuple(all_bits(zeroless(each))) for each in found}) == 1
    for engine in INSTALLED:
        gradient = engine(case)[0]
        if engine is in_javascript:  # whose exp may differ in its last place
            assert gradient == pytest.approx(found[0][0], rel=1e-9, abs=1e-300)
        else:
            assert all_bits(zeroless([gradient])) == all_bits(zeroless(found[0])), engine.__name__
    if math.isfinite(found[0][0]):
        assert found[0][0] == pytest.approx(expected, rel=1e-6, abs=1e-6)


# ---- beside PyTorch --------------------------------------------------------------------------

IN_PYTORCH: list[tuple[str, Function, float, float]] = [
    ("sqrt(relu(x))", lambda t, x: t.sqrt(t.relu(x)), -1.0, 0.0),
    ("where(x, log(x), 0)", lambda t, x: t.where(x > 0, t.log(x), 0.0 * x), 0.0, math.nan),
    ("where(x, 1/x, 0)", lambda t, x: t.where(x > 0, 1.0 / x, 0.0 * x), 0.0, math.nan),
    (
        "where(x**2, sin(x)/x, 1)",
        lambda t, x: t.where(x * x > 0, t.sin(x) / x, 1.0 + 0.0 * x),
        *(0.0, math.nan),
    ),
    ("maximum(log(x), 1)", lambda t, x: t.maximum(t.log(x), 1.0 + 0.0 * x), 0.0, math.nan),
    ("minimum(1/x, 5)", lambda t, x: t.minimum(1.0 / x, 5.0 + 0.0 * x), 0.0, math.nan),
]


@pytest.mark.parametrize(("name", "function", "place", "theirs"), IN_PYTORCH)
def test_what_pytorch_has(name: str, function: Function, place: float, theirs: float) -> None:
    """The claim of the README: ours is right by the table above, theirs is this."""
    torch = pytest.importorskip("torch")
    x = torch.tensor(place, dtype=torch.float64, requires_grad=True)
    function(torch, x).backward()
    assert all_bits([x.grad.item()]) == all_bits([theirs]), name
    assert name in {case.name for case in CASES}
