"""Many networks at once have the bits that each has alone."""

from __future__ import annotations

import math
import random
from array import array
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor

import pytest

import nn
from autodiff import Program, Value, compile, where
from autodiff.compiler import llvm_functions, native, packs
from tests.bits import all_bits
from tests.engines import needs_llvmlite

ENGINES = ["python", pytest.param("native", marks=needs_llvmlite)]

ROWS = [(0.0, 0.5, 1.0), (1.0, -0.5, -1.0), (-1.0, 0.25, 1.0)]


def network(engine: str, activation: str = "tanh", sizes: tuple[int, ...] = (4, 1)) -> Program:
    """Return a program over rows, with a penalty and an optimizer that remembers."""
    model = nn.MLP(2, list(sizes), activation=activation, rng=1)
    x, y = [Value(0.0, "x1"), Value(0.0, "x2")], Value(1.0, "y")
    parameters = model.parameters()
    penalty = parameters[0] * parameters[0]
    for parameter in parameters[1:]:
        penalty = penalty + parameter * parameter
    return compile(
        nn.hinge_loss([model(x)], [y]),
        inputs=[*x, y],
        updates=nn.Adam(parameters, lr=0.1).updates,
        penalty=penalty * 0.01,
        engine=engine,
    )


def descent(gradients: Mapping[Value, Value]) -> dict[Value, Value]:
    """Return updates that have no learning rate among the program's variables."""
    return {variable: variable - 0.1 * gradient for variable, gradient in gradients.items()}


def starts_of(program: Program, count: int) -> list[list[float]]:
    rng = random.Random(count)
    return [
        [rng.uniform(-1.0, 1.0) if variable.label else 0.0 for variable in program.variables]
        for _ in range(count)
    ]


def alone(program: Program, n: int, start: list[float], *rows: object) -> list[bytes]:
    """Return the bits of the outputs and last numbers of one network that runs by itself."""
    for variable, number in zip(program.variables, start, strict=True):
        variable.data = number
    outputs = program.run(n, *rows)  # type: ignore[arg-type]
    return all_bits([*outputs, *[variable.data for variable in program.variables]])


def check_many(program: Program, n: int, starts: list[list[float]], *rows: object) -> None:
    found = program.run_many(n, starts, *rows)  # type: ignore[arg-type]
    assert [all_bits([*outputs, *numbers]) for outputs, numbers in found] == [
        alone(program, n, start, *rows) for start in starts
    ]


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("count", [0, 1, 2, 9])
def test_networks_over_rows_have_their_own_bits(engine: str, count: int) -> None:
    program = network(engine)
    check_many(program, 5, starts_of(program, count), ROWS)


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("size", [1, 2])
def test_so_they_have_in_batches(engine: str, size: int) -> None:
    program = network(engine, "relu")
    check_many(program, 4, starts_of(program, 3), ROWS, size)


@pytest.mark.parametrize("engine", ENGINES)
def test_so_they_have_without_rows(engine: str) -> None:
    w = [Value(0.0, f"w{place}") for place in range(3)]
    loss = (w[0] * 2.0 - w[1].sigmoid()) ** 2 + (w[2] - 0.5).softplus()
    program = compile(loss, updates=nn.SGD(w, lr=0.1).updates, engine=engine)
    check_many(program, 7, starts_of(program, 5))


@needs_llvmlite
@pytest.mark.parametrize("width", [2, 4, 8])
def test_so_they_have_in_loops_of_any_width(monkeypatch: pytest.MonkeyPatch, width: int) -> None:
    monkeypatch.setattr(native, "exp_width", lambda: 0)
    monkeypatch.setattr(native, "lanes", lambda: width)
    for limit in ("WRITTEN_OUT", "WRITTEN_OUT_OF_ROWS", "WRITTEN_OUT_LOOP"):
        monkeypatch.setattr(llvm_functions, limit, -1)
    monkeypatch.setattr(packs, "FEWEST_ALIKE", 1)
    program = network("native", sizes=(6, 5, 1))
    check_many(program, 3, starts_of(program, width + 1), ROWS, 2)
    w = [Value(0.0, f"w{place}") for place in range(3)]
    total = 1.0 + w[0] * 3.0 + w[1] * w[2] + 2.0 * w[2] + w[0] * w[0]
    other = 1.0 + w[2] * 3.0 + w[1] * w[0] + 2.0 * w[0] + w[1] * w[1]
    plain = compile(total * other, updates=nn.SGD(w, lr=0.01).updates, engine="native")
    check_many(plain, 3, starts_of(plain, 3))


@pytest.mark.parametrize("engine", ENGINES)
def test_one_that_becomes_nan_leaves_the_others_alone(engine: str) -> None:
    w, x = Value(0.0, "w"), Value(0.0, "x")
    program = compile(
        (w * x) ** 2, inputs=[x], updates=lambda g: {w: w - 3.0 * g[w]}, engine=engine
    )
    starts = [[0.0], [1e200], [1e-3]]
    found = program.run_many(3, starts, [(1.0,)])
    assert [math.isfinite(outputs[-1]) for outputs, _ in found] == [True, False, True]
    check_many(program, 3, starts, [(1.0,)])


@pytest.mark.parametrize("engine", ENGINES)
def test_what_nothing_reaches_gets_nothing_in_any_of_them(engine: str) -> None:
    """Where w is not above 0, its logarithm is infinite or nan, and no part of the gradient."""
    w, x = Value(0.0, "w"), Value(0.0, "x")
    chosen = where(w, (w.log() * x).exp(), w * x)
    program = compile(chosen, inputs=[x], updates=descent, engine=engine)
    check_many(program, 2, [[1.0], [0.0], [-2.0]], [(1.0,), (2.0,)])


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("size", [None, 2])
def test_outputs_are_doubles_side_by_side_and_those_of_run_a_list(
    engine: str, size: int | None
) -> None:
    program = network(engine)
    start = [variable.data for variable in program.variables]
    ((outputs, _), _) = program.run_many(4, [start, start], ROWS, size)
    assert isinstance(outputs, array)
    assert outputs.typecode == "d"
    wanted = program.run(4, ROWS, size)
    assert (type(wanted), all_bits(wanted)) == (list, all_bits(outputs))


def test_the_variables_own_numbers_stay() -> None:
    program = network("auto")
    before = [variable.data for variable in program.variables]
    program.run_many(2, starts_of(program, 3), ROWS)
    assert [variable.data for variable in program.variables] == before


def test_a_start_that_does_not_fit_is_refused_by_its_place() -> None:
    w = Value(1.0, "w")
    program = compile(w * w, updates=descent)
    with pytest.raises(ValueError, match="start 1 needs a number for each of the 1 variables"):
        program.run_many(1, [[1.0], [1.0, 2.0]])
    with pytest.raises(
        TypeError, match=r"start 0 must be a list of numbers, but is the float 3\.0"
    ):
        program.run_many(1, [3.0])  # type: ignore[list-item]
    with pytest.raises(TypeError, match="start 0"):
        program.run_many(1, [["a"]])  # type: ignore[list-item]
    with pytest.raises(
        TypeError,
        match="run_many needs a list of starts, each with a number for every variable, "
        "but got the int 3",
    ):
        program.run_many(1, 3)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="run got rows, but the program has no inputs"):
        program.run_many(1, [[1.0]], [(1.0,)])
    with pytest.raises(ValueError, match="the number of iterations must be an int, 0 or more"):
        program.run_many(-1, [[1.0]])


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("kind", ["square", "product", "both"])
def test_numbers_beside_variables_are_there_when_something_is_made_once_a_batch(
    engine: str, kind: str
) -> None:
    w, x = [Value(0.5, f"w{k}") for k in range(3)], Value(0.0, "x")
    once = sum([a * b for a, b in zip(w, [w[1], 2.0, 3.0], strict=True)])
    if kind == "product":
        once = w[0] * once
    if kind == "both":
        once = once * sum([a * b for a, b in zip(w, [5.0, w[2], 7.0], strict=True)])
    program = compile(once * x, inputs=[x], updates=descent, engine=engine)
    starts = [[1.0] * 3, [0.5, -1.0, 2.0]]
    rows = [[1.0], [0.25], [-2.0]]
    expected = [alone(program, 2, start, rows, 2) for start in starts]
    fresh = compile(once * x, inputs=[x], updates=descent, engine=engine)
    found = fresh.run_many(2, starts, rows, 2)  # the first call of all
    assert [all_bits([*outputs, *numbers]) for outputs, numbers in found] == expected


@needs_llvmlite
def test_threads_take_turns_with_one_program() -> None:
    w = Value(0.0, "w")

    def slowly(gradients: Mapping[Value, Value]) -> dict[Value, Value]:
        return {w: w - 2.5e-6 * gradients[w]}

    program = compile((w - 3.0) ** 2, updates=slowly, engine="native")

    def last(start: float) -> float:
        ((_, (number,)),) = program.run_many(100_000, [[start]])
        return number

    starts = [0.0, 1.0, 2.0, 3.0]
    expected = [last(start) for start in starts]
    with ThreadPoolExecutor(4) as threads:
        assert list(threads.map(last, starts)) == expected
