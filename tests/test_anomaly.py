"""detect_anomaly(): the first number that is not finite, and the user's line that made it."""

from __future__ import annotations

import copy
import gc
import inspect
import math
import pickle
import threading
import traceback
from collections.abc import Callable

import pytest
from hypothesis import given

import nn
from autodiff import (
    AnomalyError,
    Value,
    backward_steps,
    detect_anomaly,
    maximum,
    minimum,
    topological_order,
    where,
)
from autodiff.ops import Operation
from autodiff.support import watch
from tests.bits import bits
from tests.random_graphs import Recipe, add_ingredient, wild_recipes

inf, nan = math.inf, math.nan

THOUGH = "is not finite, though its operands are:"


def caught(work: Callable[[], object]) -> AnomalyError:
    """Return the error that the work raises under detect_anomaly()."""
    with pytest.raises(AnomalyError) as raised, detect_anomaly():
        work()
    return raised.value


def line_of(function: Callable[..., object], text: str) -> int:
    """Return the number of the line of a function that has a text."""
    lines, first = inspect.getsourcelines(function)
    (found,) = [first + place for place, line in enumerate(lines) if text in line]
    return found


# ---- Forward --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("work", "message"),
    [
        (lambda: Value(0.0, "x").log(), f"log(x) = -inf {THOUGH} x = 0"),
        (lambda: Value(-1.0, "x").sqrt(), "sqrt(x) = nan is not finite"),
        (lambda: Value(1000.0, "x").exp(), "exp(x) = inf is not finite"),
        (lambda: Value(1.0, "x") / Value(0.0, "y"), f"x / y = inf {THOUGH} x = 1, y = 0"),
        (lambda: Value(1e300, "x") * 1e300, f"x * 1e+300 = inf {THOUGH} x = 1e+300"),
        (lambda: Value(1e308, "x") + Value(1e308, "x2"), "x + x2 = inf is not finite"),
        (lambda: Value(-8.0, "x") ** 0.5, "x**0.5 = nan is not finite"),
        (lambda: Value(0.0) / 0.0, f"0 / 0 = nan {THOUGH} numbers"),
    ],
)  # fmt: skip
def test_the_operation_is_named_with_its_operands(work: Callable[[], object], message: str) -> None:
    error = caught(work)
    assert str(error).startswith(message)
    assert error.during == "forward"


def forward_with_a_bad_line(x: Value) -> Value:
    shifted = x - 1.0
    logarithm = shifted.log()
    return logarithm * 2.0


def test_the_user_s_line_and_its_text_are_named() -> None:
    error = caught(lambda: forward_with_a_bad_line(Value(1.0, "x")))
    line = line_of(forward_with_a_bad_line, "logarithm =")
    assert str(error) == (
        "log(shifted) = -inf is not finite, though its operands are: shifted = 0\n"
        "  log(0) is -inf, and its slope 1 / 0: keep its operand above 0, "
        "as in (shifted + 1e-9).log()\n"
        f"  made in tests/test_anomaly.py:{line}\n"
        "    logarithm = shifted.log()"
    )
    assert error.place == f"tests/test_anomaly.py:{line}"
    assert error.node.op is not None
    assert error.node.op.name == "log"


def test_the_first_bad_operation_is_blamed_and_not_a_later_one() -> None:
    def work() -> None:
        big = Value(1e200, "big")
        square = big * big
        (square - square).sqrt()

    error = caught(work)
    assert str(error).startswith("big * big = inf")


def test_a_bad_number_that_the_user_gave_is_no_anomaly_nor_is_what_follows_from_it() -> None:
    with detect_anomaly():
        x = Value(nan) * 2.0 + Value(inf)
        (x - inf).exp()


def bad_results(nodes: list[Value]) -> list[Value]:
    """Return those that are not finite, though all of their operands are."""
    return [
        node
        for node in nodes
        if node.parents
        and not math.isfinite(node.data)
        and all(math.isfinite(parent.data) for parent in node.parents)
    ]


@given(recipe=wild_recipes())
def test_it_raises_exactly_where_a_bad_result_is_taken_or_used_by_none(recipe: Recipe) -> None:
    nodes: list[Value] = []
    for ingredient in recipe:
        add_ingredient(nodes, ingredient)
    bad = bad_results(topological_order_of(nodes))
    # Where every operation took all of its operands, nothing hides a bad result.
    choices = {"where", "maximum", "minimum", "relu", "leaky_relu"}
    if {node.op.name for node in nodes if node.op is not None} & choices:
        return

    def work() -> None:
        watched: list[Value] = []
        for ingredient in recipe:
            add_ingredient(watched, ingredient)

    if bad:
        error = caught(work)
        assert bad_results([error.node]) == [error.node]
    else:
        with detect_anomaly():
            work()


def topological_order_of(nodes: list[Value]) -> list[Value]:
    return list(dict.fromkeys(each for node in nodes for each in topological_order(node)))


SIDES_NOT_TAKEN: list[Callable[[Value], Value]] = [
    lambda x: where(x, x.log(), 0.0),
    lambda x: where(x, 1.0 / x, 0.0),
    lambda x: where(-x, 0.0, where(x, x.log(), 1.0)),
    lambda x: maximum(x.log(), 1.0),
    lambda x: minimum(1.0 / x, 5.0),
    lambda x: x.log().relu(),
]


@pytest.mark.parametrize("function", SIDES_NOT_TAKEN)
def test_a_result_that_only_a_side_not_taken_has_is_no_anomaly(
    function: Callable[[Value], Value],
) -> None:
    with detect_anomaly():
        for _ in range(3):
            x = Value(0.0, "x")
            loss = function(x) * 2.0 + x
            loss.backward()
            assert x.grad == 1.0


def fails_at_infinity(out: float, x: float) -> tuple[float]:
    raise ZeroDivisionError


@pytest.mark.parametrize(
    "function",
    [
        lambda x: where(1.0 - x, x.log(), 0.0),  # taken
        lambda x: where(x.log(), 1.0, 2.0),  # the condition
        lambda x: maximum(1.0 / x, 5.0),
        lambda x: 1.0 / x.log(),  # -0.0, which hides it
        lambda x: where(x, x.log(), x.log() * 0.0 + 1.0),
        lambda x: maximum(x / x, 1.0),  # nan
        lambda x: Value.make_node(
            Operation("flat", "flat", 1, lambda _: 1.0, fails_at_infinity), x.log()
        ),
        lambda x: (where(x, x.log(), 0.0), x.log())[1],  # used by none
    ],
)
def test_a_result_that_is_taken_is_an_anomaly(function: Callable[[Value], Value]) -> None:
    error = caught(lambda: function(Value(0.0, "x")))
    assert error.during == "forward"
    assert any(text in str(error) for text in ("log(x) = -inf", "1 / x = inf", "x / x = nan"))


def test_a_bad_result_is_found_before_a_pass_from_it() -> None:
    x = Value(0.0, "x")
    with detect_anomaly(), pytest.raises(AnomalyError, match=r"log\(x\) = -inf") as error:
        x.log().backward()
    assert error.value.during == "forward"
    assert not x.has_grad


def test_a_copy_is_no_use() -> None:
    with detect_anomaly():
        x = Value(0.0)
        chosen = where(x, x.log(), 3.0)
        assert copy.copy(chosen).data == 3.0


def test_a_neuron_with_very_many_inputs_makes_no_endless_message() -> None:
    neuron = nn.Neuron(500, nonlin=False, rng=1)
    neuron.w[100].data = 1e300
    error = caught(lambda: neuron([1e10] * 500))
    assert "not finite" in str(error)
    assert len(str(error)) < 600


# ---- Backward -------------------------------------------------------------------------------


def backward_with_a_bad_line(x: Value) -> Value:
    doubled = x * 2.0
    root = doubled.sqrt()
    return root * 3.0


def test_the_line_of_the_forward_operation_is_named_for_a_bad_gradient() -> None:
    error = caught(lambda: backward_with_a_bad_line(Value(0.0, "x")).backward())
    line = line_of(backward_with_a_bad_line, "root =")
    assert error.during == "backward"
    assert str(error) == (
        "backward through sqrt(doubled): the contribution to the gradient of doubled is "
        "upstream 3 × local inf = inf, not finite, though sqrt(doubled) = 0 and its operands "
        "are: doubled = 0\n"
        "  the slope of sqrt at 0 is infinite: write (doubled + 1e-12).sqrt()\n"
        f"  made in tests/test_anomaly.py:{line}\n"
        "    root = doubled.sqrt()"
    )


def test_zero_times_infinity_is_caught() -> None:
    error = caught((Value(0.0, "x").sqrt() * 0.0).backward)
    assert "upstream 0 × local inf = nan" in str(error)


def test_a_gradient_that_overflows_is_caught() -> None:
    x = Value(1e-200, "x")
    error = caught((x * 1e200 * 1e200).backward)
    assert "to the gradient of x is upstream 1e+200 × local 1e+200 = inf" in str(error)


def test_a_sum_that_overflows_is_caught() -> None:
    x = Value(0.1, "x")
    error = caught((x * 1.7e308 + x * 1.7e308).backward)
    assert "to the gradient of x makes its sum 1.7e+308 + 1.7e+308 = inf" in str(error)


def test_a_graph_made_before_the_block_is_caught_without_its_line() -> None:
    y = Value(0.0, "x").sqrt()
    error = caught(y.backward)
    assert "made before detect_anomaly() began: make the graph inside it" in str(error)
    assert error.place == ""


def test_bad_numbers_of_the_forward_pass_are_no_anomaly_of_the_backward_pass() -> None:
    x, y = Value(inf), Value(2.0)
    product = x * y
    with detect_anomaly():
        product.backward()
    assert y.grad == inf


def test_a_stopped_pass_leaves_every_gradient_as_it_was() -> None:
    x, y = Value(0.0, "x"), Value(2.0, "y")
    inner = x * y
    loss = inner.sqrt() + y
    inner.grad, y.grad, x.grad = 5.0, 6.0, 7.0
    order = topological_order(loss)
    before = [(bits(node.grad), node.has_grad) for node in order]
    caught(loss.backward)
    assert [(bits(node.grad), node.has_grad) for node in order] == before


def test_backward_steps_are_watched_too() -> None:
    error = caught(lambda: list(backward_steps(Value(0.0, "x").sqrt())))
    assert error.during == "backward"


@given(recipe=wild_recipes())
def test_a_pass_without_an_anomaly_gives_the_same_bits(recipe: Recipe) -> None:
    plain: list[Value] = []
    watched: list[Value] = []
    for ingredient in recipe:
        add_ingredient(plain, ingredient)
        add_ingredient(watched, ingredient)
    plain[-1].backward()
    try:
        with detect_anomaly():
            watched[-1].backward()
    except AnomalyError:
        assert not any(node.has_grad for node in watched)
        assert not all(math.isfinite(node.grad) for node in plain)
    else:
        assert [bits(node.grad) for node in plain] == [bits(node.grad) for node in watched]


def test_what_is_added_to_a_sum_that_was_not_finite_before_is_no_anomaly() -> None:
    bad, w = Value(inf, "bad"), Value(1.0, "w")
    with detect_anomaly():
        (w * 2.0 + bad * w).backward()
    first = w.grad
    w.zero_grad()
    with detect_anomaly():
        (bad * w + w * 2.0).backward()
    assert first == w.grad == inf


# ---- The traceback, where a debugger opens it -----------------------------------------------


def functions_in(error: BaseException) -> list[str]:
    """Return the functions of a traceback's frames, from this file's on."""
    frames = traceback.extract_tb(error.__traceback__)
    return [frame.name for frame in frames][1:]


def backward_of(x: Value) -> None:
    root = (x - 1.0).sqrt()
    (root * 2.0).backward()


def test_the_traceback_ends_at_the_user_s_line_without_the_library_s_frames() -> None:
    error = caught(lambda: forward_with_a_bad_line(nn.MLP(1, [1], rng=1)([Value(0.0)]) * 0.0 + 1.0))
    assert functions_in(error)[-2:] == ["forward_with_a_bad_line", "forward_pass"]
    assert error.__traceback__ is not None
    names = [frame.filename for frame in traceback.extract_tb(error.__traceback__)]
    assert set(names) == {__file__}


def test_the_traceback_of_a_backward_pass_ends_at_the_line_of_the_forward_pass() -> None:
    error = caught(lambda: backward_of(Value(1.0, "x")))
    last = traceback.extract_tb(error.__traceback__)[-1]
    assert (last.filename, last.lineno, last.name) == (
        *(__file__, line_of(backward_of, "root ="), "forward_pass"),
    )
    assert last.line == "root = (x - 1.0).sqrt()"
    assert functions_in(error)[-2:] == ["backward_of", "forward_pass"]
    shown = "".join(traceback.format_exception(error))
    assert "^" not in shown.partition("in forward_pass")[2]  # no part of the line is blamed


def test_where_the_line_is_not_known_the_traceback_ends_at_the_backward_pass() -> None:
    root = Value(0.0, "x").sqrt()
    error = caught(lambda: root.backward())  # noqa: PLW0108 (a frame of this file)
    assert functions_in(error)[-1] == "<lambda>"


# ---- Blocks ---------------------------------------------------------------------------------


def test_nothing_is_caught_outside_of_the_block() -> None:
    with detect_anomaly():
        x = Value(0.0)
    x.log()
    x.sqrt().backward()
    assert x.grad == inf
    assert watch.on_new_value is None


def test_after_an_anomaly_nothing_looks_on() -> None:
    caught(lambda: Value(0.0).log())
    assert watch.on_new_value is None
    gc.collect()  # the error, its traceback, and the Values in it
    Value(1.0).backward()
    assert watch.on_backward is None
    Value(0.0).log()


def test_blocks_may_be_nested() -> None:
    with detect_anomaly():
        with detect_anomaly():
            pass
        with pytest.raises(AnomalyError):
            Value(0.0).log() * 2.0


def test_another_thread_is_not_stopped() -> None:
    begun, done = threading.Event(), threading.Event()
    found: list[float] = []

    def work() -> None:
        begun.wait(10)
        x = Value(0.0)
        x.sqrt().backward()
        found.append(x.grad)
        done.set()

    thread = threading.Thread(target=work)
    thread.start()
    with detect_anomaly():
        begun.set()
        assert done.wait(10)
    thread.join()
    assert found == [inf]


def test_a_training_step_that_is_well_gives_the_same_numbers() -> None:
    losses = []
    for watched in (False, True):
        model = nn.MLP(2, [4, 1], rng=1)
        optimizer = nn.SGD(model.parameters(), lr=0.1)
        for _ in range(3):
            if watched:
                with detect_anomaly():
                    loss = nn.mse_loss([model([0.0, 1.0])], [1.0])
                    optimizer.zero_grad()
                    loss.backward()
            else:
                loss = nn.mse_loss([model([0.0, 1.0])], [1.0])
                optimizer.zero_grad()
                loss.backward()
            optimizer.step()
        losses.append([bits(parameter.data) for parameter in model.parameters()])
    assert losses[0] == losses[1]


def test_it_is_an_arithmetic_error_and_can_be_pickled() -> None:
    error = caught(lambda: Value(0.0, "x").log())
    assert isinstance(error, ArithmeticError)
    twin = pickle.loads(pickle.dumps(error))
    assert (str(twin), twin.during, twin.place) == (str(error), error.during, error.place)
