"""What is assigned to ``data``: every real number counts as a double, all else is refused.

The expected numbers are those of the same program with floats, as IEEE 754 rounds them.
"""

from __future__ import annotations

import copy
import pickle
import random
import struct
import textwrap
from collections.abc import Callable
from fractions import Fraction
from typing import Any

import pytest

import autodiff
from autodiff import (
    Trace,
    Value,
    backward_steps,
    compile,
    draw,
    explain,
    grad,
    hessian,
    operators,
    ops,
    weighted_sum,
)
from autodiff.ops import OPERATIONS, Operation, writer
from autodiff.value import constant
from nn import MLP, SGD
from tests.bits import all_bits, same_bits

# What a float of single precision makes of 0.1 and of 0.2, which differ from them.
SINGLE, OTHER = struct.unpack("2f", struct.pack("2f", 0.1, 0.2))

OTHER_NUMBERS: list[Any] = [3, 2**53 + 1, True, Fraction(1, 3)]

USES: dict[str, Callable[[Value, Value], Value]] = {
    "add": lambda a, b: a + b,
    "sub": lambda a, b: a - b,
    "mul": lambda a, b: a * b,
    "div": lambda a, b: a / b,
    "pow": lambda a, b: a**b,
    "neg": lambda a, b: -a * b,
    "abs": lambda a, b: abs(a) * b,
    "square": lambda a, b: a**2 * b,
    "number": lambda a, b: 0.1 * a - a / 0.3 + b,
    "sum": lambda a, b: sum([a, b, a], Value(0.0)),
    "weighted_sum": lambda a, b: weighted_sum(a, [b, a], [a, b]),
    "where": lambda a, b: autodiff.where(a, b * a, b),
    "pick": lambda a, b: autodiff.pick(1, [b, a * b, a]) + autodiff.pick(2, [b, b, a]),
    "leaky_relu": lambda a, b: a.leaky_relu(b),
    "maximum": lambda a, b: a.maximum(b) * 0.1,
    "minimum": lambda a, b: autodiff.minimum(a, b) * 0.1,
    **{
        name: lambda a, b, name=name: getattr(autodiff, name)(a * b) + getattr(a, name)()
        for name in ("exp", "log", "sqrt", "sin", "cos", "tan", "tanh", "sigmoid", "softplus")
    },
    "erf": lambda a, b: autodiff.erf(a * b) + a.erf(),
    "gelu": lambda a, b: autodiff.gelu(a * b) + a.gelu(),
    "clip": lambda a, b: autodiff.clip(a * b, b, a),
    "log_sigmoid": lambda a, b: (a + b).log_sigmoid(),
    "relu": lambda a, b: (a * b).relu() + b,
}


def test_every_operation_is_among_the_uses() -> None:
    assert set(OPERATIONS) <= set(USES)


def assert_counts_as(assigned: Any, number: float, use: Callable[[Value, Value], Value]) -> None:
    """Assert that results and gradients are those of a float, and floats."""
    found, expected = [Value(1.0), Value(OTHER)], [Value(number), Value(OTHER)]
    found[0].data = assigned
    for first, second in ((0, 1), (1, 0), (0, 0)):
        ours, theirs = use(found[first], found[second]), use(expected[first], expected[second])
        assert type(ours.data) is float
        assert same_bits(ours.data, theirs.data)
        for pair in ((ours, *found), (theirs, *expected)):
            pair[0].backward()
        assert [type(leaf.grad) for leaf in found] == [type(leaf.grad) for leaf in expected]
        assert all_bits(leaf.grad for leaf in found) == all_bits(leaf.grad for leaf in expected)


@pytest.mark.parametrize("number", OTHER_NUMBERS, ids=str)
def test_another_real_number_counts_as_the_float_that_it_is(number: Any) -> None:
    for use in USES.values():
        assert_counts_as(number, float(number), use)


@pytest.mark.parametrize("kind", ["float64", "float32", "float16", "longdouble", "int64", "bool_"])
def test_a_numpy_scalar_counts_as_the_double_that_it_is(kind: str) -> None:
    numpy = pytest.importorskip("numpy", reason="tests what NumPy's numbers become")
    scalar = getattr(numpy, kind)(0.1)
    for use in USES.values():
        assert_counts_as(scalar, float(scalar), use)


def test_single_precision_does_not_leak_into_a_network_or_its_training() -> None:
    numpy = pytest.importorskip("numpy", reason="tests what NumPy's numbers become")
    model, twin = MLP(2, [3, 1], rng=random.Random(3)), MLP(2, [3, 1], rng=random.Random(3))
    for parameter, other in zip(model.parameters(), twin.parameters(), strict=True):
        parameter.data = numpy.float32(parameter.data)
        other.data = float(numpy.float32(other.data))
    optimizers = [SGD(each.parameters(), lr=0.1) for each in (model, twin)]
    for _ in range(3):
        for each, optimizer in zip((model, twin), optimizers, strict=True):
            optimizer.zero_grad()
            ((each([0.1, 0.7]) - 0.3) ** 2).backward()
            optimizer.step()
    numbers = [parameter.data for parameter in model.parameters()]
    assert {type(number) for number in numbers} == {float}
    assert all_bits(numbers) == all_bits(parameter.data for parameter in twin.parameters())


def test_looking_at_it_makes_it_a_float() -> None:
    looks: list[Callable[[Value], Any]] = [
        *(Value.item, lambda v: format(v, ".3f"), lambda v: v < 1.0, lambda v: v >= Value(1.0)),
        *(pickle.dumps, copy.copy, copy.deepcopy, Value.backward, Trace, draw),
        lambda v: explain(v, of=v),
        lambda v: compile(v)(),
    ]
    for look in looks:
        value = Value(1.0)
        value.data = 3  # type: ignore[assignment]
        look(value)
        assert type(value.data) is float
        assert value.data == 3.0


def test_a_copy_has_the_float() -> None:
    value = Value(1.0, "v")
    value.data = Fraction(1, 3)  # type: ignore[assignment]
    copies = [copy.copy(value), copy.deepcopy(value), pickle.loads(pickle.dumps(value))]
    assert [each.data for each in copies] == [1 / 3] * 3


def no_rule(out: Any, x: Any) -> Any:
    raise AssertionError("no gradient is asked for")


def test_the_result_of_an_operation_of_ones_own_is_a_float() -> None:
    one = Value.make_node(Operation("one", "one", 1, lambda _: 1, no_rule), Value(2.0))
    assert type(one.data) is float
    nothing = Operation("nothing", "nothing", 1, lambda _: None, no_rule)
    with pytest.raises(TypeError, match="a node of nothing needs a real number, but got None"):
        Value.make_node(nothing, Value(2.0))


def cube(x: Any) -> Any:
    if type(x) is not float:
        return CUBE.apply(x)
    return x * x * x


def cube_partials(out: Any, x: Any) -> tuple[Any]:
    return (3.0 * x * x,)


CUBE = Operation("cube", "cube", 1, cube, cube_partials)


@pytest.mark.parametrize("value", [True, False])
def test_a_method_that_is_written_for_a_new_operation_makes_doubles_of_its_operands(
    value: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ops, "CUBE", CUBE, raising=False)
    methods: dict[str, Any] = {}
    names = {**vars(operators), "CUBE": CUBE, "cube": cube}
    exec(textwrap.dedent(writer.operator_source(CUBE)), names, methods)
    x = Value(1.0, "x")
    if value:
        x.data = x * 2.0  # type: ignore[assignment]
        with pytest.raises(TypeError, match=r"^the data of x is a Value, not a number"):
            methods["cube"](x)
        return
    numpy = pytest.importorskip("numpy", reason="tests what NumPy's numbers become")
    x.data = numpy.float32(0.3)
    node = methods["cube"](x)
    node.backward()
    number = float(numpy.float32(0.3))
    assert (node.data, x.grad) == (number * number * number, 3.0 * number * number)
    assert type(x.grad) is float


# ---- What is no number ----------------------------------------------------------------------

NO_NUMBERS: list[tuple[Any, str]] = [
    ("3", "is the str '3', not a number: assign a float"),
    (None, "is None, not a number: assign a float"),
    ([1.0], r"is the list \[1.0\], not a number: assign a float"),
    (1j, "is the complex 1j, not a number: assign a float"),
    (Value(2.0), r"is a Value, not a number: was \.data left out"),
]
METHODS = (
    *("exp", "log", "sqrt", "sin", "cos", "tan", "tanh", "sigmoid", "softplus", "log_sigmoid"),
    *("erf", "gelu", "relu", "leaky_relu", "square", "__neg__", "__abs__"),
)
REFUSING: dict[str, Callable[[Value], Any]] = {
    **{
        f"{name} left": lambda w, use=use: use(w, Value(OTHER)).backward()
        for name, use in USES.items()
    },
    **{
        f"{name} right": lambda w, use=use: use(Value(OTHER), w).backward()
        for name, use in USES.items()
    },
    **{f"method {name}": lambda w, name=name: getattr(w, name)().backward() for name in METHODS},
    "item": Value.item,
    "detach": Value.detach,
    "bool": bool,
    "format": lambda w: f"{w:.3f}",
    "less": lambda w: w < 1.0,
    "greater": lambda w: Value(1.0) > w,
    "pickle": pickle.dumps,
    "copy": copy.copy,
    "deepcopy": copy.deepcopy,
    "backward": Value.backward,
    "backward_steps": lambda w: list(backward_steps(w)),
    "Trace": Trace,
    "explain": lambda w: explain(w, of=w),
    "draw": draw,
    "grad": lambda w: grad(w, w),
    "compile": lambda w: compile(w)(),
}


@pytest.mark.parametrize("use", REFUSING.values(), ids=REFUSING)
def test_what_is_no_number_is_refused_where_it_is_used_and_the_value_named(
    use: Callable[[Value], Any],
) -> None:
    for thing, message in NO_NUMBERS:
        w = Value(1.0, "w")
        w.data = thing
        with pytest.raises(TypeError, match=f"^the data of w {message}"):
            use(w)
        assert w.data is thing


@pytest.mark.parametrize("name", METHODS)
def test_a_value_in_the_place_of_a_number_is_refused_by_the_first_method_at_once(name: str) -> None:
    w = Value(1.0, "w")
    w.data = w - 0.1  # type: ignore[assignment]
    with pytest.raises(
        TypeError, match=r"^the data of w is a Value, not a number: was \.data left"
    ):
        getattr(w, name)()


LATER_USES: dict[str, Callable[[Value], Any]] = {
    "backward": Value.backward,
    "backward_steps": lambda loss: list(backward_steps(loss)),
    "Trace": Trace,
    "grad": lambda loss: grad(loss, loss.parents[1]),
    "hessian": lambda loss: hessian(loss, [loss.parents[1]]),
    "explain": lambda loss: explain(loss.parents[1], of=loss),
    "draw": lambda loss: draw(loss, edges=True),
    "compile": compile,
}


@pytest.mark.parametrize("thing", ["3", None, [1.0], Value(2.0)], ids=str)
@pytest.mark.parametrize("use", LATER_USES.values(), ids=LATER_USES)
def test_what_was_assigned_after_the_forward_pass_is_named_by_whatever_differentiates(
    use: Callable[[Value], Any], thing: Any
) -> None:
    if use is Value.backward and isinstance(thing, Value):
        return  # which adds its products up, so that the gradients are Values
    w, x = Value(1.0, "w"), Value(2.0, "x")
    x.grad = 5.0
    loss = (w * x).tanh() * w
    w.data = thing
    with pytest.raises(TypeError, match=r"^the data of w is"):
        use(loss)
    assert x.grad == 5.0
    assert not w.has_grad


def test_what_numpy_and_torch_would_compute_with_is_refused_all_the_same() -> None:
    numpy = pytest.importorskip("numpy", reason="tests that NumPy's arrays are refused")
    for array in (numpy.ones(2), numpy.ones(1), numpy.array(1.0)):
        w = Value(1.0, "w")
        w.data = array
        with pytest.raises(TypeError, match=r"^the data of w is the ndarray"):
            w * 2.0
    torch = pytest.importorskip("torch", reason="tests that PyTorch's tensors are refused")
    w.data = torch.tensor(1.0)
    with pytest.raises(TypeError, match=r"^the data of w is the Tensor"):
        w + Value(2.0)


def test_an_int_beyond_the_floats_is_refused_and_the_value_named() -> None:
    for use in (lambda w: w * 2.0, lambda w: w.exp(), Value.item, Value.backward):
        w = Value(1.0, "w")
        w.data = 10**400
        message = "^the data of w got an int that is too large for a float"
        with pytest.raises(OverflowError, match=message):
            use(w)


def test_a_repr_shows_what_was_assigned_and_never_fails() -> None:
    w = Value(1.0, "w")
    for thing, shown in (
        *(("3", "'3'"), (None, "None"), ([1.0], "[1.0]"), (Value(2.0), "a Value")),
        *((10**400, f"1{'0' * 56}..."), (10**5000, "(too large to show)")),
    ):
        w.data = thing
        assert repr(w) == str(w) == f"{w}" == f"Value({shown}, 'w')"
    w.data, w.grad = 1.0, "half"  # type: ignore[assignment]
    assert repr(w) == "Value(1, 'w', grad='half')"
    two = constant(2.0)
    two.data = "2"  # type: ignore[assignment]
    assert repr(two) == "Constant('2')"


def test_a_state_dict_refuses_what_is_no_number() -> None:
    model = MLP(1, [1])
    model.parameters()[0].data = "3"  # type: ignore[assignment]
    with pytest.raises(TypeError, match="is the str '3', not a number"):
        model.state_dict()


def test_a_label_that_is_no_text_is_refused_where_it_is_set() -> None:
    w = Value(1.0, "w")
    for label in (3, None, b"w"):
        with pytest.raises(TypeError, match="Value needs a str as its label, but got"):
            w.label = label  # type: ignore[assignment]
    assert w.label == "w"


# ---- NumPy's bool ---------------------------------------------------------------------------


def test_a_numpy_bool_is_a_number_where_a_bool_is() -> None:
    numpy = pytest.importorskip("numpy", reason="tests what NumPy's numbers become")
    for truth in (True, False):
        scalar = numpy.bool_(truth)
        assert [Value(scalar).data, constant(scalar).data] == [float(truth)] * 2
        v = Value(3.0)
        results = [v + scalar, scalar + v, v * scalar, scalar - v, v.maximum(scalar)]
        expected = [v + truth, truth + v, v * truth, truth - v, v.maximum(truth)]
        assert [each.data for each in results] == [each.data for each in expected]
        assert autodiff.where(scalar, 2.0, 5.0) == (2.0 if truth else 5.0)
        assert (v > scalar) == (v > truth)
        (v * v).backward(scalar)
        assert v.grad == 6.0 * truth
    with pytest.raises(TypeError, match="Value needs a real number, but got the ndarray"):
        Value(numpy.array(True))
