"""Every operation beside JAX in float64, on a CPU: values and first derivatives.

JAX is not among the extras that ``make parity`` installs: 400 MB for a third opinion, after mpmath
and PyTorch.  ``pip install jax`` (or ``.[bench]``), and these tests run.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest

from autodiff import Value
from autodiff.ops import OPERATIONS
from tests.bits import same_bits, steps_between
from tests.naive_engine import neuron
from tests.op_cases import OP_CASES, Bound, Difference, Operands, is_listed

jax = pytest.importorskip("jax", reason="compares with JAX, which is not installed")
jax.config.update("jax_enable_x64", True)
jax.config.update("jax_platforms", "cpu")
jnp, nn = jax.numpy, jax.nn

inf = math.inf


def jax_where(condition: Any, a: Any, b: Any) -> Any:
    return jnp.where(condition > 0.0, a, b)


def jax_pick(index: Any, *values: Any) -> Any:
    """JAX's own take, which is nan out of bounds; between two places there is nothing."""
    place = jnp.where(index == jnp.round(index), index, -1.0)
    in_range = (place >= 0.0) & (place < len(values))
    number = jnp.where(in_range, place, len(values)).astype(int)
    return jnp.take(jnp.stack(values), number, mode="fill", fill_value=jnp.nan)


JAX: dict[str, Callable[..., Any]] = {
    **{"add": jnp.add, "sub": jnp.subtract, "mul": jnp.multiply, "div": jnp.divide},
    **{"neg": jnp.negative, "abs": jnp.abs, "square": jnp.square, "pow": jnp.power},
    **{"exp": jnp.exp, "log": jnp.log, "sqrt": jnp.sqrt, "sin": jnp.sin, "cos": jnp.cos},
    **{"tan": jnp.tan, "tanh": jnp.tanh, "sigmoid": nn.sigmoid, "softplus": nn.softplus},
    **{"log_sigmoid": nn.log_sigmoid, "relu": nn.relu, "leaky_relu": nn.leaky_relu},
    **{"weighted_sum": neuron, "maximum": jnp.maximum, "minimum": jnp.minimum},
    **{"erf": jax.scipy.special.erf, "gelu": partial(nn.gelu, approximate=False)},
    **{"clip": jnp.clip},
    **{"where": jax_where, "pick": jax_pick},
}

# XLA has its own tanh, exp and log.  Seen here: they are off by up to 7 units in the last place,
# and the slopes that JAX makes of them by up to 12; past 19, 1 - tanh**2 is 14 * 2**-53.
XLA_STEPS, XLA_TANH = 16, 16.0 * 2.0**-53


# ---- Where we differ on purpose -------------------------------------------------------------


def square_of_divisor_leaves_the_range(a: float, b: float) -> bool:
    return abs(b) in (1e200, 1e-200, sys.float_info.max) and a != 1.0


def zero_or_infinite_products(x: float, negative_slope: float) -> bool:
    return x == 0.0 or math.isinf(x) or math.isinf(negative_slope)


DIFFERENCES = (
    Difference("div", 1, square_of_divisor_leaves_the_range, "JAX divides by b * b"),
    Difference("abs", 0, lambda x: x == 0.0, "the slope at 0 is 0, as PyTorch's; JAX's is 1"),
    Difference("pow", 0, lambda a, b: a == b == 0.0, "the slope of x**0 is 0, JAX's is nan"),
    Difference("pow", 1, lambda a, b: a == 0.0 > b, "the slope is inf * -inf, JAX's is nan"),
    Difference("leaky_relu", "value", zero_or_infinite_products, "at 0 JAX is right of the kink"),
    Difference("leaky_relu", 0, zero_or_infinite_products, "JAX has 0 times the side not taken"),
    Difference("leaky_relu", 1, zero_or_infinite_products, "JAX has 0 times the side not taken"),
)


is_a_difference = partial(is_listed, DIFFERENCES)


def is_tiny(number: float) -> bool:
    """Return whether XLA may take the number as 0: it flushes what is not normal."""
    return 0.0 < abs(number) < 4.0 * sys.float_info.min


def agree(name: str, ours: float, theirs: float, bound: Bound, operands: Operands) -> bool:
    if ours == theirs or is_tiny(ours) or is_tiny(theirs):
        return True
    if not (math.isfinite(ours) and math.isfinite(theirs)):
        return same_bits(ours, theirs)
    if steps_between(ours, theirs) <= bound.steps + XLA_STEPS:
        return True
    slack = bound.slack(operands) + (XLA_TANH if name == "tanh" else 0.0)
    return slack > 0.0 and abs(ours - theirs) <= slack + bound.steps * math.ulp(theirs)


def jax_results(name: str, rows: list[Operands]) -> list[list[float]]:
    """Return JAX's value and gradients for each of the rows of operands."""
    columns = [jnp.array(column) for column in zip(*rows, strict=True)]
    both = jax.value_and_grad(JAX[name], argnums=tuple(range(len(columns))))
    values, gradients = jax.jit(jax.vmap(both))(*columns)
    return [list(map(float, row)) for row in zip(values, *gradients, strict=True)]


def test_every_operation_of_the_table_is_compared() -> None:
    assert set(JAX) == set(OPERATIONS)


@pytest.mark.parametrize("name", JAX)
def test_value_and_gradients_are_those_of_jax(name: str) -> None:
    case = OP_CASES[name]
    # JAX has its own conventions for nan, and takes subnormal numbers as 0.
    tried = [
        row
        for row in case.operands()
        if not any(math.isnan(number) or is_tiny(number) for number in row)
    ]
    for count in sorted({len(row) for row in tried}):
        rows = [row for row in tried if len(row) == count]
        for operands, (value, *gradients) in zip(rows, jax_results(name, rows), strict=True):
            values = [Value(number) for number in operands]
            node = Value.make_node(OPERATIONS[name], *values)
            node.backward()
            if not is_a_difference(name, "value", operands):
                assert agree(name, node.data, value, case.value, operands), (
                    f"{name}{operands} is {value} in JAX, ours {node.data}"
                )
            for position, theirs in enumerate([] if is_tiny(node.data) else gradients):
                ours = values[position].grad
                if not is_a_difference(name, position, operands):
                    assert agree(name, ours, theirs, case.partial(position), operands), (
                        f"d {name}{operands} / d operand {position}: JAX {theirs}, ours {ours}"
                    )
