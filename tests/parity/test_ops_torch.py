"""Every operation beside PyTorch in float64: values and gradients, at all the edges of floats."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from autodiff import Value
from autodiff.ops import OPERATIONS
from tests.bits import same_bits, steps_between
from tests.golden.make_ops_reference import ieee_power
from tests.naive_engine import neuron
from tests.op_cases import OP_CASES, Bound, Difference, Operands, is_listed, many_operands
from tests.op_programs import eager_derivatives
from tests.random_graphs import Recipe, built, small_integer_recipes

torch = pytest.importorskip("torch", reason="compares with PyTorch, which is not installed")
functional = torch.nn.functional

inf = math.inf


def torch_leaky_relu(x: Any, negative_slope: Any) -> Any:
    # torch's leaky_relu takes no tensor as its slope; prelu is the same function of both
    return functional.prelu(x.reshape(1, 1), negative_slope.reshape(1)).reshape(())


def torch_where(condition: Any, a: Any, b: Any) -> Any:
    return torch.where(condition > 0.0, a, b)


def torch_pick(index: Any, *values: Any) -> Any:
    """PyTorch's own indexing, with a nan behind the values for an index that is no place."""
    rows = torch.stack([*values, torch.tensor(math.nan, dtype=torch.float64)])
    number = index.item()
    return rows[int(number) if number in range(len(values)) else len(values)]


def torch_square(x: Any) -> Any:
    return x**2


TORCH: dict[str, Callable[..., Any]] = {
    **{"add": torch.add, "sub": torch.sub, "mul": torch.mul, "div": torch.div},
    **{"neg": torch.neg, "abs": torch.abs, "square": torch_square, "pow": torch.pow},
    **{"exp": torch.exp, "log": torch.log, "sqrt": torch.sqrt, "sin": torch.sin},
    **{"cos": torch.cos, "tan": torch.tan, "tanh": torch.tanh, "sigmoid": torch.sigmoid},
    **{"softplus": functional.softplus, "log_sigmoid": functional.logsigmoid},
    **{"relu": torch.relu, "leaky_relu": torch_leaky_relu, "where": torch_where},
    **{"pick": torch_pick},
    **{"weighted_sum": neuron, "maximum": torch.maximum, "minimum": torch.minimum},
    **{"erf": torch.erf, "gelu": functional.gelu, "clip": torch.clip},
}


# ---- Where we differ on purpose -------------------------------------------------------------


def is_minus_zero(x: float) -> bool:
    return same_bits(x, -0.0)


def either_nan(a: float, b: float) -> bool:
    return math.isnan(a) or math.isnan(b)


def minus_zero_to_a_positive_odd(a: float, b: float) -> bool:
    return is_minus_zero(a) and 0.0 < b < inf and math.fmod(b, 2.0) == 1.0


def past_the_shortcut(x: float) -> bool:
    return 20.0 < x < 36.0


def where_exp_of_minus_x_overflows(x: float) -> bool:
    return -745.0 < x < -709.79


NAN_HALVES = "of a nan each side has half the slope, PyTorch's has all of it"

DIFFERENCES = (
    Difference("relu", "value", is_minus_zero, "relu(-0.0) is 0.0, PyTorch's is -0.0"),
    Difference("relu", 0, math.isnan, "the slope at nan is 0, PyTorch's is 1"),
    Difference("maximum", 0, either_nan, NAN_HALVES),
    Difference("maximum", 1, either_nan, NAN_HALVES),
    Difference("minimum", 0, either_nan, NAN_HALVES),
    Difference("minimum", 1, either_nan, NAN_HALVES),
    Difference(
        "pow",
        1,
        lambda a, b: math.isnan(a) and b == 0.0,
        "nan**0 is 1; its slope is 0, PyTorch's is nan",
    ),
    Difference(
        "pow", 0, lambda _, b: is_minus_zero(b), "the slope of x**-0.0 is -0.0, PyTorch's is 0.0"
    ),
    Difference("pow", 1, minus_zero_to_a_positive_odd, "the slope is -0.0, PyTorch's is 0.0"),
    Difference("softplus", "value", past_the_shortcut, "PyTorch's is x itself above 20"),
    Difference("softplus", 0, past_the_shortcut, "PyTorch's slope is 1 above 20"),
    Difference("sigmoid", "value", where_exp_of_minus_x_overflows, "PyTorch's 1/(1+inf) is 0"),
    Difference("sigmoid", 0, where_exp_of_minus_x_overflows, "PyTorch's 1/(1+inf) is 0"),
    Difference("log_sigmoid", "value", lambda x: x > 745.2, "ours is -0.0, PyTorch's 0.0"),
)


def one_over_the_base_overflows(a: float, b: float) -> bool:
    """One over the base is infinite, and the slope that it is a factor of is not."""
    if not a > 0.0 or not math.isinf(1.0 / a) or not math.isfinite(b) or b == 0.0:
        return False
    return math.isfinite(ieee_power(a, b) / a)


# In some of the second derivatives.
SECOND_DIFFERENCES = (
    Difference("pow", "second", lambda _, b: b == 0.0, "1 / a for a > 0, PyTorch's is 0 or nan"),
    Difference("pow", "second", lambda a, b: a == 0.0 < b, "PyTorch's has 0 * -inf"),
    Difference("pow", "second", one_over_the_base_overflows, "ours is a power times 1 / base"),
    Difference("pow", "second", lambda a, b: math.isnan(a) and b == 1.0, "nan**0 is 1"),
    Difference(
        "leaky_relu",
        "second",
        lambda x, _: x == 0.0,
        "it is as below 0, PyTorch's prelu as above",
    ),
    Difference("sigmoid", "second", where_exp_of_minus_x_overflows, "PyTorch's 1/(1+inf) is 0"),
    Difference("softplus", "second", lambda x: 20.0 <= x < 30.0, "PyTorch's is x itself above 20"),
    Difference(
        "erf",
        "second",
        lambda x: math.isinf(2.0 * x) and math.isfinite(x),
        "the density is 0, PyTorch has 0 * inf",
    ),
    Difference(
        "gelu",
        "second",
        lambda x: math.isinf(x * x) and math.isfinite(x),
        "the density is 0, PyTorch has 0 * inf",
    ),
)


is_a_difference = partial(is_listed, DIFFERENCES)


# ---- Values and gradients -------------------------------------------------------------------


def agree(ours: float, theirs: float, bound: Bound, operands: Operands) -> bool:
    """Return whether two results agree: zeros, infinities and nan bit for bit.

    Ours and theirs each may be off by the bound, or by a step where ours is exact: PyTorch's
    vectorized functions are within one unit in the last place.
    """
    if ours == theirs == 0.0 or not (math.isfinite(ours) and math.isfinite(theirs)):
        return same_bits(ours, theirs)
    steps, slack = 2 * bound.steps + 1, 2.0 * bound.slack(operands)
    if steps_between(ours, theirs) <= steps:
        return True
    return slack > 0.0 and abs(ours - theirs) <= slack + steps * math.ulp(theirs)


def our_results(name: str, operands: Operands) -> tuple[float, tuple[float, ...]]:
    """Return our value and gradients."""
    values = [Value(number) for number in operands]
    node = Value.make_node(OPERATIONS[name], *values)
    node.backward()
    return node.data, tuple(value.grad for value in values)


def torch_results(name: str, operands: Operands) -> tuple[float, tuple[float, ...]]:
    """Return PyTorch's value and gradients; 0.0 for an operand that it gives none."""
    tensors = [torch.tensor(number, dtype=torch.float64, requires_grad=True) for number in operands]
    out = TORCH[name](*tensors)
    out.backward()
    return out.item(), tuple(
        0.0 if tensor.grad is None else tensor.grad.item() for tensor in tensors
    )


def test_every_operation_of_the_table_is_compared() -> None:
    assert set(TORCH) == set(OPERATIONS)


@pytest.mark.parametrize("name", TORCH)
def test_value_and_gradients_are_those_of_pytorch(name: str) -> None:
    for operands in OP_CASES[name].operands():
        assert_value_and_gradients_agree(name, operands)


def assert_value_and_gradients_agree(name: str, operands: Operands) -> None:
    case = OP_CASES[name]
    value, gradients = our_results(name, operands)
    torch_value, torch_gradients = torch_results(name, operands)
    if not is_a_difference(name, "value", operands):
        assert agree(value, torch_value, case.value, operands), (
            f"{name}{operands} is {torch_value} in PyTorch, ours {value}"
        )
    for position, (ours, theirs) in enumerate(zip(gradients, torch_gradients, strict=True)):
        if not is_a_difference(name, position, operands):
            assert agree(ours, theirs, case.partial(position), operands), (
                f"d {name}{operands} / d operand {position} is {theirs} in PyTorch, ours {ours}"
            )


def torch_second_derivatives(name: str, operands: Operands) -> list[float]:
    """Return PyTorch's second derivatives, row by row; 0.0 for those that it has none of."""
    tensors = [torch.tensor(number, dtype=torch.float64, requires_grad=True) for number in operands]
    found = []
    firsts = torch.autograd.grad(
        TORCH[name](*tensors), tensors, create_graph=True, allow_unused=True
    )
    for first in firsts:
        row = [None] * len(tensors)
        if first is not None and first.requires_grad:
            row = torch.autograd.grad(first, tensors, retain_graph=True, allow_unused=True)
        found += [0.0 if second is None else second.item() for second in row]
    return found


@pytest.mark.parametrize("name", TORCH)
def test_second_derivatives_are_those_of_pytorch(name: str) -> None:
    bound = OP_CASES[name].second
    for operands in OP_CASES[name].operands():
        if is_listed(SECOND_DIFFERENCES, name, "second", operands):
            continue
        ours = eager_derivatives(name, operands)[1 + len(operands) :]
        for position, (one, other) in enumerate(
            zip(ours, torch_second_derivatives(name, operands), strict=True)
        ):
            # The sign of a derivative that is zero says nothing.
            assert one == other or agree(one, other, bound, operands), (
                f"second derivative {position} of {name}{operands}: PyTorch {other}, ours {one}"
            )


@pytest.mark.parametrize(
    "difference", SECOND_DIFFERENCES, ids=lambda known: f"{known.name}: {known.why}"
)
def test_second_derivatives_differ_from_pytorchs_in_every_case_of_a_difference(
    difference: Difference,
) -> None:
    name, bound = difference.name, OP_CASES[difference.name].second
    covered = [row for row in OP_CASES[name].operands() if difference.covers(*row)]
    assert covered
    for operands in covered:
        ours = eager_derivatives(name, operands)[1 + len(operands) :]
        theirs = torch_second_derivatives(name, operands)
        assert any(
            one != other and not agree(one, other, bound, operands)
            for one, other in zip(ours, theirs, strict=True)
        ), operands


@pytest.mark.parametrize("name", TORCH)
@settings(max_examples=20)
@given(data=st.data())
def test_any_floats_have_pytorchs_value_and_gradients(name: str, data: st.DataObject) -> None:
    for operands in data.draw(many_operands(name)):
        assert_value_and_gradients_agree(name, operands)


@pytest.mark.parametrize(
    "difference", DIFFERENCES, ids=lambda known: f"{known.name} {known.quantity}: {known.why}"
)
def test_a_difference_from_pytorch_is_one_in_every_case_it_covers(difference: Difference) -> None:
    case = OP_CASES[difference.name]
    covered = [operands for operands in case.operands() if difference.covers(*operands)]
    assert covered
    for operands in covered:
        value, gradients = our_results(difference.name, operands)
        torch_value, torch_gradients = torch_results(difference.name, operands)
        if difference.quantity == "value":
            assert not agree(value, torch_value, case.value, operands), operands
        else:
            place = int(difference.quantity)
            bound = case.partial(place)
            assert not agree(gradients[place], torch_gradients[place], bound, operands), operands


# ---- Whole graphs ---------------------------------------------------------------------------

WITHOUT_ROUNDING = (
    *("add", "sub", "mul", "neg", "square", "abs", "relu"),
    *("maximum", "minimum", "where", "pick", "weighted_sum"),
)


def built_in_torch(recipe: Recipe) -> list[Any]:
    """Return a recipe's nodes as tensors, with gradients kept in all but the constants."""
    tensors: list[Any] = []
    for kind, detail in recipe:
        if kind in ("variable", "constant"):
            needs_gradient = kind == "variable"
            tensors.append(torch.tensor(detail, dtype=torch.float64, requires_grad=needs_gradient))
        else:
            tensors.append(TORCH[kind](*[tensors[place] for place in detail]))
            if tensors[-1].requires_grad:
                tensors[-1].retain_grad()
    return tensors


@settings(deadline=None)
@given(recipe=small_integer_recipes(WITHOUT_ROUNDING))
def test_gradients_of_random_graphs_equal_pytorch_s_also_after_a_second_backward(
    recipe: Recipe,
) -> None:
    nodes, tensors = built(recipe), built_in_torch(recipe)
    assume(tensors[-1].requires_grad)
    for _ in range(2):
        nodes[-1].backward()
        tensors[-1].backward(retain_graph=True)
        for node, tensor in zip(nodes, tensors, strict=True):
            assert node.data == tensor.item()
            if tensor.is_leaf and tensor.requires_grad:
                assert node.grad == (0.0 if tensor.grad is None else tensor.grad.item())


def test_a_second_backward_gives_pytorch_s_bits_where_the_order_of_sums_shows() -> None:
    slopes = (0.1, 0.6, 3.3)
    x = Value(1.0)
    tensor = torch.tensor(1.0, dtype=torch.float64, requires_grad=True)
    root = x * slopes[0] + x * slopes[1] + x * slopes[2]
    torch_root = tensor * slopes[0] + tensor * slopes[1] + tensor * slopes[2]
    for _ in range(3):
        root.backward()
        torch_root.backward(retain_graph=True)
        assert same_bits(x.grad, tensor.grad.item())
