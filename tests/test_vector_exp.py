"""``exp`` of several numbers at once has the bits of C's library, or is not used."""

from __future__ import annotations

import ctypes
import math
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import nn
from autodiff import Program, Value, compile
from autodiff.compiler import native, vector_exp
from autodiff.compiler.llvm import assembly_of
from autodiff.compiler.vector_exp import exp_of
from autodiff.ops import exp
from demos.lab import LAB
from tests.bits import all_bits

pytest.importorskip("llvmlite", reason="the native engine needs llvmlite")

WIDTH = native.exp_width()
needs_vectors = pytest.mark.skipif(
    WIDTH == 0, reason="this machine's exp is not the one that vectors have, or has no AVX2"
)


@pytest.fixture(scope="module")
def store_exp() -> Callable[..., Any]:
    engine = native.engine_of(vector_exp.exp_assembly(WIDTH))
    native._kept.append(engine)
    kind = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_void_p)
    return kind(engine.get_function_address("store_exp"))


@needs_vectors
@given(st.lists(st.floats(), min_size=64, max_size=64))
def test_any_numbers_have_the_librarys_bits(
    store_exp: Callable[..., Any], numbers: list[float]
) -> None:
    assert all_bits(exp_of(numbers, store_exp, WIDTH)) == all_bits(
        [exp(number) for number in numbers]
    )


@needs_vectors
@given(st.lists(st.floats(-511.9, 511.9), min_size=64, max_size=64))
def test_numbers_that_are_done_together_have_the_librarys_bits(
    store_exp: Callable[..., Any], numbers: list[float]
) -> None:
    assert all_bits(exp_of(numbers, store_exp, WIDTH)) == all_bits(
        [exp(number) for number in numbers]
    )


@needs_vectors
def test_numbers_around_each_entry_of_the_table_have_the_librarys_bits(
    store_exp: Callable[..., Any],
) -> None:
    step = math.log(2.0) / vector_exp.ENTRIES
    numbers = [(k + part) * step for k in range(-1024, 1024) for part in (-0.5, -1e-9, 0.0, 0.49)]
    assert all_bits(exp_of(numbers, store_exp, WIDTH)) == all_bits(
        [exp(number) for number in numbers]
    )


def test_a_few_results_of_thousands_that_differ_in_their_last_bits_are_refused() -> None:
    assert vector_exp.agrees(by_library, 8)
    assert not vector_exp.agrees(by_library_but_near_20, 8)


def by_library(numbers: int, results: int) -> None:
    eight = ctypes.c_double * 8
    eight.from_address(results)[:] = [exp(number) for number in eight.from_address(numbers)]


def by_library_but_near_20(numbers: int, results: int) -> None:
    by_library(numbers, results)
    eight = ctypes.c_double * 8
    for place, number in enumerate(eight.from_address(numbers)):
        if 19.9 < number < 20.0:
            found = eight.from_address(results)
            found[place] = math.nextafter(found[place], math.inf)


def test_the_table_is_the_powers_of_two_to_more_than_a_doubles_digits() -> None:
    mpmath = pytest.importorskip("mpmath", reason="the independent reference")
    with mpmath.workdps(50):
        for k, (tail, head) in enumerate(zip(*vector_exp.table(), strict=True)):
            leading = from_bits(head + (k << 52) // vector_exp.ENTRIES)
            power = mpmath.mpf(2) ** (mpmath.mpf(k) / vector_exp.ENTRIES)
            assert leading == float(power)
            found = mpmath.mpf(leading) * (1 + mpmath.mpf(from_bits(tail)))
            assert abs(found / power - 1) < mpmath.mpf(2) ** -104


def from_bits(bits: int) -> float:
    return ctypes.c_double.from_buffer(ctypes.c_int64(bits)).value


@pytest.mark.parametrize("width", [0, WIDTH])
def test_the_lab_has_the_same_bits_with_and_without_vectors(
    width: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(native, "exp_width", Fixed(width))
    assert all_bits(lab("native").run(300)) == all_bits(lab("python").run(300))


class Fixed:
    """A function of nothing that always returns the same."""

    def __init__(self, number: int) -> None:
        self.number = number

    def __call__(self) -> int:
        return self.number


def lab(engine: str) -> Program:
    model = nn.MLP(2, [4, 1], activation="sigmoid", output_activation="sigmoid")
    model.load_state_dict(LAB.initial_weights)
    loss = nn.mse_loss([model(row) for row in LAB.x], LAB.y)
    updates = nn.SGD(model.parameters(), lr=LAB.learning_rate).updates
    return compile(loss, updates=updates, engine=engine)


@needs_vectors
def test_several_exponentials_of_one_depth_are_one_call_and_one_alone_is_a_scalar() -> None:
    several = [Value(place / 10, f"x{place}") for place in range(WIDTH)]
    together = sum((x.sigmoid() for x in several[1:]), several[0].sigmoid())
    assert calls(compile(together, engine="native")) == {f"autodiff_exp_{WIDTH}": 1}
    assert calls(compile(several[0].sigmoid(), engine="native")) == {"autodiff_exp": 1}


def calls(program: Program) -> dict[str, int]:
    """Return how often a program's machine code calls ``exp``, by name."""
    parts = program.expanded
    text = assembly_of(parts, native.lanes(), native.exp_width_for(parts)).text
    names = [f"autodiff_exp_{WIDTH}", "autodiff_exp"]
    found = {
        name: sum(f"@{name}(" in line and " call " in line for line in text.split("\n"))
        for name in names
    }
    return {name: count for name, count in found.items() if count}
