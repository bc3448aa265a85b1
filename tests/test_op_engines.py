"""Every operation has the same bits on every engine: its value, first and second derivatives.

The operands are the edge values of ``op_cases.py``, and any floats.
"""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autodiff import Program, Value, compile
from autodiff.compiler.native import is_installed
from autodiff.ops import OPERATIONS
from tests.bits import all_bits, same_bits
from tests.engines import CC, javascripts_math, needs_cc, needs_llvmlite, needs_node
from tests.op_cases import OP_CASES, Operands, many_operands
from tests.op_programs import OpProgram, eager_derivatives, op_program
from tests.op_reference import is_known, reference_rows

Engine = Callable[[OpProgram, Operands], list[float]]

ENGINES = [
    pytest.param(OpProgram.readable, id="readable Python"),
    pytest.param(OpProgram.dense, id="dense Python"),
    pytest.param(OpProgram.in_c, id="C", marks=needs_cc),
    pytest.param(OpProgram.native, id="native", marks=needs_llvmlite),
]
INSTALLED: list[Engine] = [
    *(OpProgram.readable, OpProgram.dense),
    *([OpProgram.in_c] if CC else []),
    *([OpProgram.native] if is_installed() else []),
]


def assert_same_bits(engine: Engine, name: str, operands: Operands) -> None:
    found = engine(op_program(name, len(operands)), operands)
    wanted = eager_derivatives(name, operands)
    assert all_bits(found) == all_bits(wanted), f"{name}{operands}: {found}, eagerly {wanted}"


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("name", OPERATIONS)
def test_an_operation_and_its_derivatives_have_the_eager_bits_on_edge_values(
    name: str, engine: Engine
) -> None:
    for operands in OP_CASES[name].operands():
        assert_same_bits(engine, name, operands)


@pytest.mark.parametrize("name", OPERATIONS)
@settings(max_examples=15)
@given(data=st.data())
def test_an_operation_and_its_derivatives_have_the_eager_bits_on_any_floats(
    name: str, data: st.DataObject
) -> None:
    for operands in data.draw(many_operands(name)):
        for engine in INSTALLED:
            assert_same_bits(engine, name, operands)


@needs_llvmlite
@pytest.mark.parametrize("name", OPERATIONS)
def test_an_operation_over_rows_has_the_eager_bits_in_lanes_of_machine_code(name: str) -> None:
    programs: dict[int, tuple[list[Value], Program]] = {}
    for operands in OP_CASES[name].operands():
        count = len(operands)
        if count not in programs:
            inputs = [Value(0.5, f"x{place}") for place in range(count)]
            zeros = [Value(-0.0, f"zero{place}") for place in range(count)]
            sums = [x + zero for x, zero in zip(inputs, zeros, strict=True)]
            root = Value.make_node(OPERATIONS[name], *sums)
            program = compile(root, inputs=inputs, updates=dict, engine="native")
            programs[count] = zeros, program
        zeros, program = programs[count]
        for zero in zeros:
            zero.data = -0.0  # a number plus -0.0 is that number, be it 0.0 or -0.0
        (output,) = program.run(1, [operands])
        found = [output, *[zero.data for zero in zeros]]
        # A sum over rows starts from 0.0, so -0.0 becomes 0.0: all else comes back as it is.
        wanted = [0.0 + number for number in eager_derivatives(name, operands)[: 1 + count]]
        assert all_bits(found) == all_bits(wanted), operands


# ---- JavaScript -----------------------------------------------------------------------------


@needs_node
@pytest.mark.parametrize("name", OPERATIONS)
def test_javascript_is_as_near_to_the_truth_as_the_eager_engine_has_to_be(name: str) -> None:
    case, rows = OP_CASES[name], reference_rows(name)
    for count in sorted({len(operands) for operands, _, _ in rows}):
        of_count = [row for row in rows if len(row[0]) == count]
        found = op_program(name, count).in_javascript([operands for operands, _, _ in of_count])
        for (operands, value, truths), (ours, *partials) in zip(of_count, found, strict=True):
            eager = OPERATIONS[name].partials(OPERATIONS[name].forward(*operands), *operands)
            if not is_known(name, "value", operands):
                assert case.value.holds(ours, value, operands), operands
            for position, (truth, partial) in enumerate(zip(truths, partials[:count], strict=True)):
                if truth is None or is_known(name, position, operands):
                    assert same_bits(partial, eager[position]), operands
                else:
                    assert case.partial(position).holds(partial, truth, operands), operands


@needs_node
@pytest.mark.parametrize("name", OPERATIONS)
@javascripts_math()
def test_with_nodes_math_an_operation_and_its_derivatives_have_javascripts_bits(name: str) -> None:
    for count in sorted({len(operands) for operands in OP_CASES[name].operands()}):
        cases = [row for row in OP_CASES[name].operands() if len(row) == count]
        found = op_program(name, count).in_javascript(cases)
        for operands, numbers in zip(cases, found, strict=True):
            assert all_bits(numbers) == all_bits(eager_derivatives(name, operands)), operands


@needs_node
@pytest.mark.parametrize("name", OPERATIONS)
@javascripts_math()
@settings(max_examples=8)
@given(data=st.data())
def test_with_nodes_math_any_floats_have_javascripts_bits(name: str, data: st.DataObject) -> None:
    cases = data.draw(many_operands(name))
    found = op_program(name, OP_CASES[name].arity).in_javascript(cases)
    for operands, numbers in zip(cases, found, strict=True):
        assert all_bits(numbers) == all_bits(eager_derivatives(name, operands)), operands
