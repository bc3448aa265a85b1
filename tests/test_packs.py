"""Operations that are alike become loops: which ones, where their numbers are, and the bits."""

from __future__ import annotations

import random
import re
from collections.abc import Callable

import pytest
from hypothesis import given, settings

import nn
from autodiff import Program, Value, compile
from autodiff.compiler import fusion, llvm_functions, native, packs
from autodiff.compiler.layout import COPY, Layout
from autodiff.compiler.linear import Kind
from autodiff.compiler.packs import Pack, packs_of
from benchmarks.gpt import document_loss, parameters_of, weights
from tests.bits import all_bits
from tests.engines import InC, InJavaScript, javascripts_math, needs_cc, needs_llvmlite, needs_node
from tests.random_graphs import Recipe, built, tame_recipes, wild_recipes


def forward_packs(output: Value) -> list[Pack]:
    """Return the packs of a forward pass."""
    parts = compile(output).expanded
    live = parts.linear.live([parts.output])
    return packs_of(parts.linear, live, {parts.output})


def variables(name: str, count: int) -> list[Value]:
    rng = random.Random(name)
    return [Value(rng.uniform(-1.0, 1.0), f"{name}[{place}]") for place in range(count)]


def total(values: list[Value]) -> Value:
    """Return the sum as Python's own ``sum`` makes it, which starts with the number 0."""
    return sum(values)  # type: ignore[return-value]


# --------------------------------------------------------------------------------------------
# Packs
# --------------------------------------------------------------------------------------------


def test_a_layer_written_by_hand_is_one_pack_of_sums_and_one_of_activations() -> None:
    x = variables("x", 5)
    w = [variables(f"w{row}", 5) for row in range(8)]
    hidden = [total([a * b for a, b in zip(row, x, strict=True)]).tanh() for row in w]
    sums, activations, last = forward_packs(total([h * h for h in hidden]))
    assert len(sums.results) == 8
    assert str(sums.shape) == "sum of · and 5 × · * ·"  # the number 0, then the products
    assert str(activations.shape) == "tanh(·)"
    assert str(last.shape) == "sum of · and 8 × · * ·"


def test_terms_stay_in_their_order() -> None:
    x = variables("x", 6)
    (pack,) = forward_packs(((((x[3] + x[0]) + x[5]) + x[1]) + x[4]) + x[2])
    linear = compile(((((x[3] + x[0]) + x[5]) + x[1]) + x[4]) + x[2]).expanded.linear
    order = [linear.registers[place].name for place in pack.operands[0]]
    assert order == [f"x[{place}]" for place in (3, 0, 5, 1, 4, 2)]


def test_terms_may_be_added_from_the_right() -> None:
    x = variables("x", 5)
    output = x[0] + (x[1] + (x[2] + (x[3] + x[4])))
    (pack,) = forward_packs(output)
    linear = compile(output).expanded.linear
    order = [linear.registers[place].name for place in pack.operands[0]]
    assert order == [f"x[{place}]" for place in (3, 4, 2, 1, 0)]


def test_a_product_that_is_used_twice_is_no_part_of_a_sum() -> None:
    x = variables("x", 5)
    product = x[0] * x[1]
    found = forward_packs((((product + x[2]) + x[3]) + x[4]) + product)
    assert [str(pack.shape) for pack in found] == ["· * ·", "sum of 5 × ·"]


def test_a_shape_that_few_nodes_have_is_taken_apart() -> None:
    x = variables("x", 2)
    found = forward_packs((x[0].exp() - x[1]).tanh())
    assert [str(pack.shape) for pack in found] == ["exp(·)", "· - ·", "tanh(·)"]


@settings(max_examples=60)
@given(recipe=wild_recipes() | tame_recipes())
def test_every_register_that_is_read_was_computed_before(recipe: Recipe) -> None:
    program = compile(built(recipe)[-1])
    linear = program.expanded.linear
    results = {program.expanded.output, *program.expanded.gradients.values()}
    done = {p for p, register in enumerate(linear.registers) if register.kind is not Kind.OPERATION}
    for pack in packs_of(linear, linear.live(results), results):
        assert done.issuperset(place for operands in pack.operands for place in operands)
        assert done.isdisjoint(pack.results)
        done.update(pack.results)
    assert done.issuperset(results)


def test_a_chain_of_equal_operations_is_one_call() -> None:
    weight, shift = Value(0.99), Value(0.5)
    node = Value(1.0)
    for _ in range(3_000):
        node = (node * weight + shift).tanh()
    parts = compile(node).expanded
    layout = Layout(4)
    for place, register in enumerate(parts.linear.registers):
        if register.kind is not Kind.OPERATION:
            layout.addresses[place] = layout.reserve_one()
    calls = [
        call
        for pack in packs_of(parts.linear, parts.linear.live([parts.output]), {parts.output})
        for call in layout.place(pack)
    ]
    assert len(calls) <= 4


def test_blocks_that_read_the_same_numbers_share_their_copy() -> None:
    matrix = [variables(f"w{row}", 16) for row in range(8)]
    vectors = [variables(f"x{token}", 16) for token in range(4)]
    outputs = [
        total([w * x for w, x in zip(row, vector, strict=True)])
        for vector in vectors
        for row in matrix
    ]
    parts = compile(total([output.tanh() for output in outputs])).expanded
    layout = Layout(8)
    for place, register in enumerate(parts.linear.registers):
        if register.kind is not Kind.OPERATION:
            layout.addresses[place] = layout.reserve_one()
    first = packs_of(parts.linear, parts.linear.live([parts.output]), {parts.output})[0]
    copied = [call for call in layout.place(first) if call.kernel.what == COPY]
    # The transposed matrix once, for four vectors: its 16 columns of 8 numbers.
    assert [len(call) for call in copied] == [16]


# --------------------------------------------------------------------------------------------
# Bits, with every program as loops, or all of it written out
# --------------------------------------------------------------------------------------------


LOOPS = [(8, 4, -1), (8, 2, -1), (4, 4, -1), (2, 2, -1)]
WRITTEN_OUT = [(8, 4, 10**9), (4, 2, 10**9), (2, 4, 10**9)]


@pytest.fixture(params=LOOPS + WRITTEN_OUT, ids=str)
def one_way_alone(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Make loops of the smallest program, or none of any, for several widths of vectors."""
    width, fewest, most = request.param
    for limit in ("WRITTEN_OUT", "WRITTEN_OUT_OF_ROWS"):
        monkeypatch.setattr(llvm_functions, limit, most)
    monkeypatch.setattr(llvm_functions, "WRITTEN_OUT_LOOP", -1 if fewest == 2 else 50)
    monkeypatch.setattr(llvm_functions, "LINES_TOGETHER", 20)
    monkeypatch.setattr(packs, "FEWEST_TERMS", fewest)
    monkeypatch.setattr(packs, "FEWEST_ALIKE", 1)
    monkeypatch.setattr(fusion, "FEWEST_LANES", fewest)
    monkeypatch.setattr(native, "lanes", lambda: width)
    monkeypatch.setattr(native, "exp_width", lambda: 0)


def gradients_of(program: Program) -> list[float]:
    program.run(1)
    return [variable.data for variable in program.variables]


@needs_llvmlite
@pytest.mark.usefixtures("one_way_alone")
def test_random_graphs_have_the_eager_bits_either_way() -> None:
    @settings(max_examples=25)
    @given(recipe=wild_recipes() | tame_recipes())
    def check(recipe: Recipe) -> None:
        nodes = built(recipe)
        found = gradients_of(compile(nodes[-1], updates=dict, engine="native"))
        twins = built(recipe)
        order = compile(twins[-1]).variables
        twins[-1].backward()
        assert all_bits(found) == all_bits([variable.grad for variable in order])

    check()


OPTIMIZERS: dict[str, Callable[[list[Value]], nn.Optimizer]] = {
    "SGD": lambda p: nn.SGD(p, lr=0.1),
    "Adam": lambda p: nn.Adam(p, lr=0.01),
}


@needs_llvmlite
@pytest.mark.usefixtures("one_way_alone")
@pytest.mark.parametrize("size", [1, 3, 10])
@pytest.mark.parametrize("name", OPTIMIZERS)
def test_rows_have_the_eager_bits_either_way(name: str, size: int) -> None:
    rng = random.Random(2)
    x = [[rng.uniform(-1, 1), rng.uniform(-1, 1)] for _ in range(10)]
    y = [rng.uniform(-1, 1) for _ in range(10)]
    results = []
    for engine in ("eager", "native"):
        model = nn.MLP(2, [9, 5, 1], activation="tanh", rng=1)
        optimizer = OPTIMIZERS[name](model.parameters())
        history = nn.fit(
            model, x, y, optimizer=optimizer, epochs=6, batch_size=size, shuffle=1, engine=engine
        )
        results.append((history.losses, model.state_dict()))
    assert results[0] == results[1]


def crossed(a: list[Value], b: list[Value]) -> dict[Value, Value]:
    """Return updates of which each reads the other's old number."""
    return {
        **{one: one - 0.5 * other for one, other in zip(a, b, strict=True)},
        **{other: other + 0.25 * one for one, other in zip(a, b, strict=True)},
    }


def rotated(a: list[Value], b: list[Value]) -> dict[Value, Value]:
    """Return updates that read a neighbour's old number, and some that only take another's."""
    return {
        **{one: 0.5 * after for one, after in zip(a, [*a[1:], a[0]], strict=True)},
        **{other: one for one, other in zip(a, b, strict=True)},
    }


def independent(a: list[Value], b: list[Value]) -> dict[Value, Value]:
    """Return updates that may all take the place of the old numbers."""
    return {variable: 0.5 * variable for variable in (*a, *b)}


@needs_llvmlite
@pytest.mark.usefixtures("one_way_alone")
@pytest.mark.parametrize("updates", [crossed, rotated, independent])
def test_new_numbers_overwrite_no_old_ones_that_are_still_to_be_read(
    updates: Callable[[list[Value], list[Value]], dict[Value, Value]],
) -> None:
    found = []
    for engine in ("python", "native"):
        a, b = variables("a", 24), variables("b", 24)
        loss = total([one * other for one, other in zip(a, b, strict=True)])
        program = compile(loss, updates=lambda _, a=a, b=b: updates(a, b), engine=engine)  # type: ignore[misc]
        outputs = program.run(3)
        found.append(all_bits([*outputs, *[variable.data for variable in (*a, *b)]]))
    assert found[0] == found[1]


@needs_cc
@pytest.mark.usefixtures("one_way_alone")
def test_small_programs_as_loops_of_c_have_pythons_bits() -> None:
    w, x = variables("w", 12), variables("x", 12)
    weighted = total([wk * xk for wk, xk in zip(w, x, strict=True)])
    alone = Value(0.5, "alone")
    programs = [
        compile(weighted.tanh(), inputs=x, updates=nn.Adam(w, lr=0.1).updates, penalty=w[0] * w[1]),
        compile(weighted * weighted, inputs=[*w, *x]),
        compile(alone, updates=lambda gradients: {alone: alone - gradients[alone]}),
    ]
    for program in programs:
        numbers = [variable.data for variable in program.variables]
        row = [0.1 * place for place in range(len(program.inputs))]
        output, gradients, _ = program.step(tuple(numbers), tuple(row))
        found_output, found_gradients = InC(program).step(numbers, row)
        assert all_bits([found_output, *found_gradients]) == all_bits([output, *gradients])


TOKENS = [26, 4, 26]


def eager_gpt(make: Callable[[list[Value]], nn.Optimizer], steps: int) -> tuple[list[float], ...]:
    matrices = weights()
    parameters = parameters_of(matrices)
    optimizer = make(parameters)
    losses = []
    for _ in range(steps):
        loss = document_loss(matrices, TOKENS)
        losses.append(loss.data)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return losses, [parameter.data for parameter in parameters]


def gpt_program(make: Callable[[list[Value]], nn.Optimizer], engine: str) -> Program:
    matrices = weights()
    optimizer = make(parameters_of(matrices))
    return compile(document_loss(matrices, TOKENS), updates=optimizer.updates, engine=engine)


def in_order(program: Program, numbers: list[float]) -> list[float]:
    """Return the parameters' numbers in the order of the model."""
    by_variable = dict(zip(program.variables, numbers, strict=True))
    parameters = list(program.parts.updates)[: len(parameters_of(weights()))]
    return [by_variable[parameter] for parameter in parameters]


@pytest.mark.thorough
@needs_llvmlite
@pytest.mark.parametrize("name", OPTIMIZERS)
def test_a_gpt_of_plain_values_has_the_eager_bits(name: str) -> None:
    program = gpt_program(OPTIMIZERS[name], "native")
    losses = program.run(3)
    found = in_order(program, [variable.data for variable in program.variables])
    wanted_losses, wanted = eager_gpt(OPTIMIZERS[name], 3)
    assert losses == wanted_losses
    assert all_bits(found) == all_bits(wanted)


@pytest.mark.unmeasured
@pytest.mark.thorough
@needs_cc
def test_a_gpts_loops_in_c_have_the_eager_bits() -> None:
    program = gpt_program(OPTIMIZERS["Adam"], "python")
    result = InC(program).run(2, [variable.data for variable in program.variables])
    losses, wanted = eager_gpt(OPTIMIZERS["Adam"], 2)
    assert result.outputs == losses
    assert all_bits(in_order(program, result.parameters)) == all_bits(wanted)


@pytest.mark.thorough
@needs_node
@javascripts_math()
def test_a_gpts_loops_in_javascript_have_the_eager_bits_with_nodes_math() -> None:
    program = gpt_program(OPTIMIZERS["SGD"], "python")
    result = InJavaScript(program).run(2, [variable.data for variable in program.variables])
    losses, wanted = eager_gpt(OPTIMIZERS["SGD"], 2)
    assert result.outputs == losses
    assert all_bits(in_order(program, result.parameters)) == all_bits(wanted)


# --------------------------------------------------------------------------------------------
# For a reader
# --------------------------------------------------------------------------------------------


def test_the_c_of_a_network_has_its_layers_as_loops_with_their_names() -> None:
    model = nn.MLP(2, [16, 16, 1], activation="tanh", rng=1)
    x, y = [Value(0.0, "x1"), Value(0.0, "x2")], Value(1.0, "y")
    optimizer = nn.SGD(model.parameters(), lr=0.1)
    loss = nn.mse_loss([model(x)], [y])
    program = compile(loss, inputs=[*x, y], updates=optimizer.updates)
    lines = [line.strip() for line in program.to_c().splitlines()]
    assert "sums[lane] += hidden2_weight[16 * lane + term] * tanh_of[term];" in lines
    assert "d_hidden2_weight[16 * block + lane] = tanh_of[lane] * d_hidden2_bias[block];" in lines
    assert "sums: 16 × sum of hidden2.bias and 16 × hidden2.weight * tanh_of" in program.loops
    assert str(program.loops).splitlines() == program.loops
    *of_a_row, _ = program.loops  # the update's results are the variables
    names = {re.sub(r"\W+", "_", line.partition(":")[0]).strip("_") for line in of_a_row}
    assert names - set(re.findall(r"\w+", program.to_c())) == set()
