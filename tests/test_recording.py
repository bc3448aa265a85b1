"""Programs are the code: fit and compile notice what code does that its graph does not."""

from __future__ import annotations

import copy
import functools
import inspect
import itertools
import math
import os
import random
import re
import statistics
import sys
import threading
import warnings
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from fractions import Fraction
from types import SimpleNamespace
from typing import Any, ClassVar

import pytest

import nn
from autodiff import DecisionWarning, Value, compile, maximum, record_source, where
from autodiff.support.noticing import Notes, _Draws, is_compared, noticing, users_place
from tests.bits import all_bits
from tests.engines import ENGINES, each_engine, each_program

HERE = "tests/test_recording.py"


COMPARES, READS = "compares a Value's number", "reads a Value's number"
COPIES, DRAWS = "copies a Value, and so its number", "draws a random number"


def line_of(thing: Any, code: str) -> str:
    """Return the place of the one line of a function or class that has this code."""
    lines, first = inspect.getsourcelines(thing)
    (place,) = [first + k for k, line in enumerate(lines) if code in line]
    return f"{HERE}:{place}"


# ---- Models, losses, penalties and rules that no program repeats ----------------------------


class Model(nn.Module):
    """A weight and an offset; what a subclass does with them is its code."""

    def __init__(self) -> None:
        self.w, self.b = Value(0.75), Value(-0.25)
        self.calls = 0
        self.generator = random.Random(5)

    def line(self, x: Any) -> Value:
        return self.w * x[0] + self.b

    def __call__(self, x: Any) -> Value:
        return self.line(x)


def fitted(model: nn.Module, engine: str = "auto", **settings: Any) -> nn.History:
    """Return the history of a training that is short, and on the rows X, unless told otherwise."""
    optimizer = settings.pop("optimizer", None) or nn.SGD(model.parameters(), lr=0.05)
    x, y = settings.pop("rows", (X, Y))
    return nn.fit(model, x, y, optimizer=optimizer, engine=engine, **{"epochs": 2, **settings})


def numbers_of(history: nn.History, model: nn.Module) -> tuple[list[bytes], list[bytes]]:
    return all_bits(history.losses), all_bits(p.data for p in model.parameters())


class ByClipping(Model):
    def __call__(self, x: Any) -> Value:
        self.b.data = 0.5  # decides
        return super().__call__(x)


def test_a_model_that_sets_a_weight_is_no_program() -> None:
    found = []
    for engine in ("auto", "eager"):
        history = fitted(model := ByClipping(), engine)
        assert history.engine == "eager"
        found.append(numbers_of(history, model))
    assert found[0] == found[1]
    with pytest.raises(ValueError, match=f"{line_of(ByClipping, '# decides')} sets a Value's"):
        fitted(ByClipping(), "python")


class InThreads(Model):
    def __call__(self, x: Any) -> Value:
        with ThreadPoolExecutor(1) as pool:
            leaky = pool.submit(lambda: x[0] if x[0] > 0.0 else 0.1 * x[0])  # decides
            return self.w * leaky.result() + self.b


class DropoutOfItsOwn(Model):
    def __call__(self, x: Any) -> Value:
        keep = self.generator.gauss(0.0, 1.0) > -1.0  # decides
        return super().__call__(x) * (1.25 if keep else 0.0)


# Each is the call of a model m with a row x, on one line, and what is said of it.
EACH_CALL: dict[str, tuple[Callable[[Any, Any], Any], str]] = {
    "if": (lambda m, x: v if (v := m.line(x)) > 0 else 0.1 * v, COMPARES),
    "if on the row": (lambda m, x: m.w * (x[0] if x[0] > 0.0 else -x[0]), COMPARES),
    "max": (lambda m, x: max(m.line(x), m.b), COMPARES),
    "sorted": (lambda m, x: (v := sorted([m.line(x), m.w]))[0] - 2.0 * v[1], COMPARES),
    "truth": (lambda m, x: v if (v := m.line(x)) - 1.0 else m.b, "asks whether a Value is true"),
    "equality": (lambda m, x: m.w if x[0] == 2.0 else m.line(x), COMPARES),
    "parameter": (lambda m, x: m.line(x) * (2.0 if m.w.data > 0.7 else 1.0), READS),
    "data": (lambda m, x: (v := m.line(x)) * v.data, READS),
    "item": (lambda m, x: (v := m.line(x)) * v.item(), READS),
    "detach": (lambda m, x: (v := m.line(x)) * v.detach(), READS),
    "copy": (lambda m, x: m.w * copy.copy(x[0]) + m.b, COPIES),
    "deepcopy": (lambda m, x: m.w * copy.deepcopy(x)[0] + m.b, COPIES),
    "gradient": (lambda m, x: m.line(x) + 0.1 * m.w.grad, "reads a Value's gradient"),
    "local derivatives": (
        lambda m, x: (v := m.w * m.b) * x[0] + v._local_grads[0],
        "reads a Value's local derivatives",
    ),
    "math": (lambda m, x: m.w * math.sin(x[0]) + m.b, "turns a Value into a float"),
    "statistics": (lambda m, x: m.w * statistics.fmean(x) + m.b, "turns a Value into a float"),
    "table": (lambda m, x: [m.w, m.b, m.w][int(x[0]) % 3] * x[0], "fails on Values (TypeError: "),
    "key": (lambda m, x: {2.0: m.w}.get(x[0], m.b) * x[0], "uses a Value as a key"),
    "dropout": (lambda m, x: m.line(x) * (1.25 if random.random() > 0.2 else 0.0), DRAWS),
    "its own dropout": (lambda m, x: m.line(x) * (m.generator.gauss(0.0, 1.0) > -1.0), DRAWS),
    "system": (lambda m, x: m.line(x) * (1.0 + 0.0 * random.SystemRandom().random()), DRAWS),
}


def model_with(call: Callable[[Any, Any], Any]) -> type[Model]:
    """Return a model whose call is that."""
    return type("Own", (Model,), {"__call__": call})


X = [[2.0], [-3.0], [0.5], [-0.125], [1.0]]
Y = [1.0, 0.5, -1.0, 0.25, 2.0]


def trained(
    build: Callable[[], Model], engine: str, **settings: Any
) -> tuple[nn.History, tuple[list[bytes], list[bytes]]]:
    random.seed(11)
    model = build()
    optimizer = settings.pop("optimizer", nn.SGD)(model.parameters(), lr=0.05)
    history = fitted(model, engine, optimizer=optimizer, epochs=6, **settings)
    return history, numbers_of(history, model)


def check_refused(reason: str, build: Callable[[], Model], **settings: Any) -> None:
    """Check that auto trains as eager does and says why, and that programs are refused so."""
    (auto, numbers), (eager, truth) = (trained(build, e, **settings) for e in ("auto", "eager"))
    assert auto.reason.startswith(reason), auto.reason
    assert (auto.engine, eager.engine, eager.reason) == ("eager", "eager", "")
    assert numbers == truth
    message = f'^fit: {re.escape(reason)}.*, which a program cannot do; pass engine="eager"'
    for engine in ("python", "native"):
        built: list[Model] = []

        def kept(built: list[Model] = built) -> Model:
            built.append(build())
            return built[0]

        with pytest.raises(ValueError, match=message):
            trained(kept, engine, **settings)
        random.seed(11)
        before, after = build().parameters(), built[0].parameters()
        assert all_bits(p.data for p in after) == all_bits(p.data for p in before)


@pytest.mark.parametrize("name", EACH_CALL)
def test_a_model_that_looks_at_numbers_or_draws_is_no_program(name: str) -> None:
    call, does = EACH_CALL[name]
    line = call.__code__.co_firstlineno
    check_refused(f"{HERE}:{line} {does}", model_with(call))


def test_what_eager_computes_is_what_the_code_says() -> None:
    # |w x|, summed: for the rows 2 and -3 that is 5 w, and its derivative by w 5.
    model = model_with(EACH_CALL["if on the row"][0])()
    optimizer = nn.SGD(model.parameters(), lr=1.0)
    history = nn.fit(
        model, [[2.0], [-3.0]], [0.0, 0.0], optimizer=optimizer, epochs=2,
        loss=lambda predictions, targets: predictions[0] - targets[0],
    )  # fmt: skip
    assert history.losses == [2.5 * 0.75, 2.5 * (0.75 - 2.5)]


class Counting(Model):
    def __call__(self, x: Any) -> Value:
        self.calls += 1
        return super().__call__(x) * (1.0 if self.calls % 2 else 0.5)


class OneWeightOrTheOther(Model):
    """Takes its weights in turns, which begin equal."""

    def __init__(self) -> None:
        super().__init__()
        self.b.data = self.w.data

    def __call__(self, x: Any) -> Value:
        self.calls += 1
        return (self.w if self.calls % 2 else self.b) * x[0]


class Growing(Model):
    """Does one operation more at each call."""

    def __call__(self, x: Any) -> Value:
        self.calls += 1
        output = super().__call__(x)
        for _ in range(self.calls):
            output = output + 1.0
        return output


class InTurns(Model):
    """Goes on in what cannot be looked into: multiplies by another number, or grows, in turns."""

    def __init__(self, grows: bool, looked_at: bool) -> None:
        super().__init__()
        self.grows = grows
        self.factors = itertools.cycle([1.0, 0.5]) if looked_at else bytearray(1)

    def turn(self) -> bool:
        if isinstance(self.factors, bytearray):
            self.factors[0] = (self.factors[0] + 1) % 2
            return bool(self.factors[0])
        return next(self.factors) == 1.0

    def __call__(self, x: Any) -> Value:
        output, turn = super().__call__(x), self.turn()
        if self.grows:
            return output + 1.0 if turn else output
        return output * (1.0 if turn else 0.5)


class ByHand(Model):
    def __call__(self, x: Any) -> Value:
        doubled = Value(1.5, (self.w,), (2.0,))
        return doubled * x[0]


WE = "the model or the loss "
AN_ITERATOR = WE + "has an iterator, factors"
OTHERWISE = WE + "does not do the same whenever it is called"


@pytest.mark.parametrize(
    ("build", "reason"),
    [
        *((build, WE + "changes calls whenever it is") for build in (Counting, Growing)),
        (OneWeightOrTheOther, WE + "changes calls whenever it is"),
        (functools.partial(InTurns, False, True), AN_ITERATOR),
        (functools.partial(InTurns, True, True), AN_ITERATOR),
        (functools.partial(InTurns, False, False), OTHERWISE),
        (functools.partial(InTurns, True, False), OTHERWISE),
        (ByHand, "was made by hand"),
    ],
    ids=[
        *("counts", "grows", "one weight or the other", "iterator", "growing by an iterator"),
        *("bytes", "growing by bytes", "by hand"),
    ],
)
def test_a_model_that_does_another_thing_at_each_call_is_no_program(
    build: Callable[[], Model], reason: str
) -> None:
    history = fitted(build())
    assert history.engine == "eager"
    assert reason in history.reason


def test_a_model_that_draws_with_numpy_is_no_program() -> None:
    numpy = pytest.importorskip("numpy", reason="it draws")

    class NumpyDropout(Model):
        def __call__(self, x: Any) -> Value:
            mask = [float(drawn) for drawn in generator.random(40)]
            return super().__call__(x) * sum(mask)

    generator = numpy.random.default_rng(3)
    model = NumpyDropout()
    history = fitted(model, optimizer=nn.SGD(model.parameters(), lr=0.001))
    assert history.engine == "eager"
    assert history.reason == WE + "draws a random number with NumPy whenever it is called"


class ByType(Model):
    def __call__(self, x: Any) -> Value:
        return super().__call__(x) * (1.0 if isinstance(x[0], float) else 2.0)


class ByStateDict(Model):
    def __call__(self, x: Any) -> Value:
        return super().__call__(x) * (1.0 + abs(self.state_dict()["w"]))


OUT_OF_THE_GRAPH = WE + "takes a Value's number out of the graph"


def test_in_a_data_set_of_equal_rows_it_shows_too_that_weights_are_known_from_elsewhere() -> None:
    assert fitted(ByStateDict(), rows=([[2.0]] * 2, [1.0] * 2)).reason == OUT_OF_THE_GRAPH


@pytest.mark.parametrize("recorded", [False, True])
def test_each_node_made_by_hand_keeps_its_derivatives_in_a_module(recorded: bool) -> None:
    class Scaled(Model):
        def __call__(self, x: Any) -> Value:
            first, second = [Value(k * 0.75, (self.w,), (k,)) for k in (2.0, 5.0)]
            return first * x[0] + second

    model = Scaled()
    with record_source() if recorded else nullcontext():
        output = model([10.0])
    output.backward()
    assert (output.data, model.w.grad) == (18.75, 25.0)
    assert {node.origin.module for node in output.parents} == {"Scaled"}


EACH_LOSS: list[tuple[Callable[[Any, Any], Any], str]] = [
    (lambda p, t: v if (v := nn.mse_loss(p, t)) < 1 else 0.5 * v, COMPARES),
    (lambda p, t: (error := p[0] - t[0]) * min(1.0, abs(error.data)), READS),
    (lambda p, t: (p[0] - copy.copy(t[0])) ** 2, COPIES),
    (lambda p, t: (p[0] - copy.deepcopy(t)[0]) ** 2, COPIES),
    (lambda p, t: (p[0] - float(f"{t[0]:.3f}")) ** 2, "makes a text of a Value"),
    (lambda p, t: (p[0] - float(re.findall("[-.0-9]+", repr(t[0]))[0])) ** 2, "makes a text of a"),
]


@pytest.mark.parametrize(("loss", "does"), EACH_LOSS)
def test_a_loss_that_looks_at_a_number_is_no_program(
    loss: Callable[[Any, Any], Any], does: str
) -> None:
    check_refused(f"{HERE}:{loss.__code__.co_firstlineno} {does}", Model, loss=loss)


def largest_weight(parameters: list[Value]) -> Value:
    return 0.1 * max(parameters)  # decides


class Decaying(nn.SGD):
    def rule(self, weights: Any, gradients: Any, state: Any) -> tuple[list[Any], list[Any]]:
        self.momentum *= 0.5
        return [w - self.momentum * g for w, g in zip(weights, gradients, strict=True)], state

    def __init__(self, parameters: Any, lr: float) -> None:
        super().__init__(parameters, lr)
        self.momentum = 1.0


# Of an optimizer o and gradients: those that its rule goes by instead, and what is said of it.
FAILS = "fails on Values (TypeError: "
EACH_RULE: list[tuple[Callable[[Any, Any], Any], str]] = [
    (lambda _, gradients: [g if abs(g) < 0.1 else 0.1 for g in gradients], COMPARES),
    (lambda _, gradients: [g + random.uniform(-0.1, 0.1) for g in gradients], DRAWS),
    (lambda o, gradients: [0.5 * g if o.lr < 0.1 else g for g in gradients], COMPARES),
    (lambda _, gradients: [round(g, 3) for g in gradients], FAILS),
    (lambda _, gradients: [0.01 * (g // 0.01) for g in gradients], FAILS),
    (lambda _, gradients: [float(numpy_s().sign(g)) for g in gradients], ""),
]


@pytest.mark.parametrize(("instead", "does"), EACH_RULE)
def test_an_optimizers_rule_that_looks_at_a_number_is_no_program(
    instead: Callable[[Any, Any], Any], does: str
) -> None:
    class Own(nn.SGD):
        def rule(self, weights: Any, gradients: Any, state: Any) -> tuple[list[Any], list[Any]]:
            return super().rule(weights, instead(self, gradients), state)

    if not does:
        numpy_s()
    check_refused(f"{HERE}:{instead.__code__.co_firstlineno} {does}", Model, optimizer=Own)


RULE_OF = "the rule of"

# ---- What programs repeat -------------------------------------------------------------------


class ByWhere(Model):
    def __call__(self, x: Any) -> Value:
        v = super().__call__(x)
        return where(v, v, 0.1 * v)  # type: ignore[no-any-return]


class Showing(Model):
    """Makes texts of numbers, to show them."""

    def __call__(self, x: Any) -> Value:
        v = super().__call__(x)
        self.shown = f"{v:.3f} {v!r} {v}"
        return v


class WithAState(Model):
    """Starts from a variable of its own in each call."""

    def __call__(self, x: Any) -> Value:
        hidden = Value(0.5)
        for _ in range(3):
            hidden = (self.w * hidden + super().__call__(x)).tanh()
        return hidden


class WithALibraryLayer(Model):
    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Layer(1, 2, activation="relu", rng=3)

    def __call__(self, x: Any) -> Value:
        first, second = self.layer(x)
        return maximum(first, second * self.w) + self.b  # type: ignore[no-any-return]


@pytest.mark.parametrize("build", [Model, ByWhere, WithAState, WithALibraryLayer])
@pytest.mark.parametrize("loss", [nn.mse_loss, nn.hinge_loss])
def test_code_that_looks_at_no_number_is_a_program(
    build: type[Model], loss: Callable[..., Value]
) -> None:
    found = []
    y = Y if loss is nn.mse_loss else [1.0, -1.0, -1.0, 1.0, 1.0]
    for engine in ("eager", "python", "auto"):
        model = build()
        optimizer = nn.Adam(model.parameters(), lr=0.05)
        history = fitted(model, engine, rows=(X, y), optimizer=optimizer, epochs=6, loss=loss)
        assert engine in (history.engine, "auto")
        assert (history.engine == "eager") is (engine == "eager")
        assert history.reason == ""
        found.append(numbers_of(history, model))
    assert found[0] == found[1] == found[2]


def test_looking_draws_nothing_and_leaves_nothing() -> None:
    found = []
    for engine in ("eager", "auto"):
        random.seed(4)
        fitted(model := DropoutOfItsOwn(), engine, penalty=lambda p: p[0] ** 2)
        found.append((random.getstate(), model.generator.getstate()))
        assert {type(p) for p in model.parameters()} == {Value}
        assert all(p.origin.compared is None for p in model.parameters())
    assert found[0] == found[1]


# ---- What is changed while it runs ----------------------------------------------------------


@pytest.fixture
def slices_of_two(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let progress be called every two epochs, however long they take."""

    def of_two(n: int) -> Iterator[int]:
        while n > 0:
            yield min(2, n)
            n -= 2

    monkeypatch.setattr(sys.modules["nn.fit"], "slices", of_two)


class Line(nn.Module):
    """w x."""

    def __init__(self) -> None:
        self.w = Value(1.0)

    def __call__(self, x: Any) -> Value:
        return self.w * x[0]


TO_THREE = ([[1.0]], [3.0])  # the rows that lead Line's w to 3


@pytest.mark.usefixtures("slices_of_two")
@each_engine
def test_a_learning_rate_that_is_set_holds_from_then_on(engine: str) -> None:
    model = Line()
    optimizer = nn.SGD(model.parameters(), lr=0.25)
    built = []

    def schedule(done: int, loss: float) -> None:
        optimizer.lr /= 2.0
        built.append(done)

    history = fitted(model, engine, rows=TO_THREE, optimizer=optimizer, epochs=7, progress=schedule)
    # (w - 3)**2 has the slope 2 (w - 3): exact in fractions, and here also in floats.
    w, expected = Fraction(1), []
    for epoch in range(7):
        expected.append(float((w - 3) ** 2))
        w -= Fraction(1, 4) / 2 ** (epoch // 2) * 2 * (w - 3)
    assert history.losses == expected
    assert model.w.data == float(w)
    assert (optimizer.lr, built) == (0.25 / 16.0, [2, 4, 6, 7])


SETTINGS: dict[str, tuple[Callable[[list[Value]], nn.Optimizer], dict[str, Any]]] = {
    "lr": (lambda p: nn.SGD(p, lr=0.05), {"lr": 0.2}),
    "lr and a momentum": (lambda p: nn.SGD(p, lr=0.05, momentum=0.5), {"lr": 0.0}),
    "momentum": (lambda p: nn.SGD(p, lr=0.05, momentum=0.5), {"momentum": 0.9}),
    "no momentum": (lambda p: nn.SGD(p, lr=0.05, momentum=0.5), {"momentum": 0.0}),
    "nesterov": (lambda p: nn.SGD(p, lr=0.05, momentum=0.5), {"nesterov": True}),
    "decay": (lambda p: nn.SGD(p, lr=0.05), {"weight_decay": 0.1}),
    "betas": (lambda p: nn.Adam(p, lr=0.05), {"betas": (0.5, 0.9)}),
    "eps": (lambda p: nn.Adam(p, lr=0.05), {"eps": 0.1}),
    "lr of Adam": (lambda p: nn.Adam(p, lr=0.05), {"lr": 0.3}),
    "decay of AdamW": (lambda p: nn.AdamW(p, lr=0.05), {"weight_decay": 0.0}),
    "lr of AdamW": (lambda p: nn.AdamW(p, lr=0.05), {"lr": 1.0}),
}


@pytest.mark.usefixtures("slices_of_two")
@pytest.mark.parametrize("name", SETTINGS)
def test_every_setting_that_is_changed_has_its_effect_on_every_engine(name: str) -> None:
    build, changes = SETTINGS[name]

    def change(optimizer: nn.Optimizer) -> None:
        for setting, value in changes.items():
            setattr(optimizer, setting, value)

    changed = changed_after_four(build, change)
    # Two trainings, the second with the settings from the start.
    model, rows = small_network()
    optimizer = build(model.parameters())
    fitted(model, "eager", rows=rows, optimizer=optimizer, epochs=4, batch_size=2)
    change(optimizer)
    fitted(model, "eager", rows=rows, optimizer=optimizer, epochs=5, batch_size=2)
    assert all_bits(v.data for v in [*model.parameters(), *optimizer.state]) == changed


def small_network() -> tuple[nn.MLP, tuple[list[list[float]], list[float]]]:
    """Return a network and five rows for it."""
    rows = [[0.1 * k, math.cos(2.0 * k)] for k in range(5)], [float(k % 2) for k in range(5)]
    return nn.MLP(2, [3, 1], activation="tanh", rng=5), rows


def changed_after_four(
    build: Callable[[list[Value]], nn.Optimizer], change: Callable[[nn.Optimizer], None]
) -> list[bytes]:
    """Return what a change of the optimizer after four epochs leads to, the same on all engines."""
    found = []
    for engine in [*ENGINES, "unchanged"]:
        model, rows = small_network()
        optimizer = build(model.parameters())

        def progress(done: int, loss: float, optimizer: nn.Optimizer = optimizer) -> None:
            if done == 4:
                change(optimizer)

        unchanged = engine == "unchanged"
        history = fitted(
            model, "eager" if unchanged else engine, rows=rows, optimizer=optimizer, epochs=9,
            batch_size=2, progress=None if unchanged else progress,
        )  # fmt: skip
        assert history.engine in (engine, "eager" if unchanged else engine)
        found.append(all_bits(v.data for v in [*model.parameters(), *optimizer.state]))
    *same, unchanged_numbers = found
    assert same == same[:1] * len(same)
    assert unchanged_numbers != same[0]
    return same[0]


@each_program
def test_a_compiled_program_takes_the_learning_rate_of_now(engine: str) -> None:
    w = Value(1.0, "w")
    optimizer = nn.SGD([w], lr=0.25)
    program = compile((w - 3.0) ** 2, updates=optimizer.updates, engine=engine)
    program.run(2)
    assert w.data == 3.0 - 2.0 * 0.5 * 0.5
    optimizer.lr = 0.5
    program.run(1)
    assert w.data == 3.0
    assert optimizer.lr == 0.5


@pytest.mark.parametrize("wrong", [-0.1, math.inf, math.nan, "0.1", None])
def test_a_learning_rate_that_is_none_is_refused_where_it_is_set(wrong: Any) -> None:
    optimizer = nn.SGD([Value(1.0)], lr=0.25)
    with pytest.raises((ValueError, TypeError), match=r"^the learning rate"):
        optimizer.lr = wrong
    assert optimizer.lr == 0.25


@pytest.mark.usefixtures("slices_of_two")
@each_engine
@pytest.mark.parametrize("setting", ["lr", "momentum"])
def test_the_last_finite_loss_comes_back_under_the_settings_that_led_there(
    engine: str, setting: str
) -> None:
    def raised(done: int, loss: float) -> None:
        if done == 4:
            setattr(optimizer, setting, 1e200)

    model, twin = Line(), Line()
    optimizer = nn.SGD(model.parameters(), lr=0.25, momentum=0.25)
    with pytest.raises(nn.NonFiniteLossError) as caught:
        fitted(model, engine, rows=TO_THREE, optimizer=optimizer, epochs=20, progress=raised)
    # Epochs 0 to 3 are those of before; the step of epoch 4 is the first that is far too large.
    assert caught.value.epoch == 5
    again = nn.SGD(twin.parameters(), lr=0.25, momentum=0.25)
    fitted(twin, "eager", rows=TO_THREE, optimizer=again, epochs=4)
    assert model.w.data == twin.w.data
    assert getattr(optimizer, setting) == 1e200


@pytest.mark.usefixtures("slices_of_two")
@each_engine
def test_a_slice_before_is_trained_again_under_its_own_settings(engine: str) -> None:
    def raised(done: int, loss: float) -> None:
        if done == 4:
            optimizer.lr = 0.125
            model.w.data = 1e300  # whose square is not finite

    model, twin = Line(), Line()
    optimizer = nn.SGD(model.parameters(), lr=0.25)
    with pytest.raises(nn.NonFiniteLossError) as caught:
        fitted(model, engine, rows=TO_THREE, optimizer=optimizer, epochs=20, progress=raised)
    assert caught.value.epoch == 4
    fitted(twin, rows=TO_THREE, optimizer=nn.SGD(twin.parameters(), lr=0.25), epochs=3)
    assert (model.w.data, optimizer.lr) == (twin.w.data, 0.125)


class Incomparable:
    """As NumPy's arrays are: whether two are equal has no single answer."""

    def __eq__(self, other: object) -> bool:
        raise ValueError("the truth value of an array is ambiguous")

    __hash__ = None  # type: ignore[assignment]


@pytest.mark.usefixtures("slices_of_two")
@each_engine
def test_settings_that_come_and_go_are_those_of_the_slice(engine: str) -> None:
    class Scaled(nn.SGD):
        """Takes its step times a factor, if it has got one."""

        def rule(self, weights: Any, gradients: Any, state: Any) -> tuple[list[Any], list[Any]]:
            factor = vars(self).get("factor", 1.0)
            return super().rule(weights, [factor * g for g in gradients], state)

    def change(done: int, loss: float) -> None:
        optimizer.remark = Incomparable()  # type: ignore[attr-defined]
        if done == 6:
            optimizer.factor = 2.0  # type: ignore[attr-defined]
            model.w.data = 1e300

    model = Line()
    optimizer = Scaled(model.parameters(), lr=0.25)
    with pytest.raises(nn.NonFiniteLossError):
        fitted(model, engine, rows=TO_THREE, optimizer=optimizer, epochs=9, progress=change)
    assert model.w.data == 3.0 - 2.0 * 0.5**5  # five epochs at half the distance, none with 2
    assert optimizer.factor == 2.0  # type: ignore[attr-defined]


@pytest.mark.usefixtures("slices_of_two")
@each_engine
def test_what_progress_changes_of_the_code_holds_from_then_on(engine: str) -> None:
    weight = 1.0

    def weighted(predictions: Any, targets: Any) -> Value:
        return weight * (predictions[0] - targets[0]) ** 2  # type: ignore[no-any-return]

    def change(done: int, loss: float) -> None:
        nonlocal weight
        weight = 0.5 if done == 4 else weight

    model = Line()
    optimizer = nn.SGD(model.parameters(), lr=0.25)
    history = fitted(
        model, engine, rows=TO_THREE, loss=weighted, optimizer=optimizer, epochs=6, progress=change
    )
    # Each of the first four steps halves the distance to 3, the others take a quarter of it away.
    distances = [2.0, 1.0, 0.5, 0.25, 0.125, 0.125 * 0.75]
    assert history.losses == [
        (1.0 if epoch < 4 else 0.5) * distance**2 for epoch, distance in enumerate(distances)
    ]


@pytest.mark.usefixtures("slices_of_two")
def test_code_that_becomes_no_program_is_trained_eagerly_from_then_on() -> None:
    class Switched(Line):
        training = False

        def __call__(self, x: Any) -> Value:
            kept = random.random() < 2.0 if self.training else True  # decides
            return super().__call__(x) * float(kept)

    def change(done: int, loss: float) -> None:
        model.training = done >= 2

    reason = f"{line_of(Switched, '# decides')} draws a random number"
    model = Switched()
    changing: Any = {"rows": TO_THREE, "epochs": 6, "progress": change}
    history = fitted(model, optimizer=nn.SGD(model.parameters(), lr=0.25), **changing)
    assert history.engine == "eager"
    assert history.reason.startswith(reason)
    assert history.losses == [4.0 / 4.0**epoch for epoch in range(6)]
    model = Switched()
    with pytest.raises(ValueError, match=f"^fit: {reason}") as caught:
        fitted(model, "python", optimizer=nn.SGD(model.parameters(), lr=0.25), **changing)
    assert caught.value.losses == [4.0, 1.0]  # type: ignore[attr-defined]


# ---- Code that counts, and does not use it yet ----------------------------------------------


def halved_later(calls: int) -> float:
    """Return what a loss, a step or the like is to be multiplied by at that call."""
    return 1.0 if calls < 12 else 0.5


total = 0


class CountsCalls(Model):
    """Multiplies by another number from its twelfth call on, counted by a function of its own."""

    in_the_class = 0

    def __init__(self, counted: Callable[[CountsCalls], int]) -> None:
        super().__init__()
        self.counted = counted
        self.log: list[Any] = [{"calls": (0,)}]
        self.outputs: list[Any] = [None]
        self.schedule = SimpleNamespace(calls=deque([0]))
        type(self).in_the_class = 0

    def __call__(self, x: Any) -> Value:
        return super().__call__(x) * halved_later(self.counted(self))


def in_an_attribute(model: CountsCalls) -> int:
    model.calls += 1
    return model.calls


def in_a_list(model: CountsCalls) -> int:
    model.log[0]["calls"] = (model.log[0]["calls"][0] + 1,)
    return model.log[0]["calls"][0]  # type: ignore[no-any-return]


def by_length(model: CountsCalls) -> int:
    model.outputs.append(model.w * 2.0)
    return len(model.outputs)


def in_an_object(model: CountsCalls) -> int:
    model.schedule.calls[0] += 1
    return model.schedule.calls[0]  # type: ignore[no-any-return]


def in_the_class(model: CountsCalls) -> int:
    type(model).in_the_class += 1
    return model.in_the_class


class CountsInAGlobal(Model):
    def __init__(self) -> None:
        global total  # noqa: PLW0603 (it is what is tested)
        super().__init__()
        total = 0

    def __call__(self, x: Any) -> Value:
        global total  # noqa: PLW0603
        total += 1
        return super().__call__(x) * halved_later(total)


def and_sets_the_offset(model: CountsCalls) -> int:
    model.calls += 1
    if model.calls == 12:
        model.b.data = 1.0
    return 0


def in_an_array(model: CountsCalls) -> int:
    if isinstance(model.calls, int):
        model.calls = numpy_s().zeros(2)
        model.unused = numpy_s().float32(1.0), numpy_s().dtype(float)  # type: ignore[attr-defined]
    model.calls[1] += 1.0  # type: ignore[index]
    return int(model.calls[1])  # type: ignore[index]


@pytest.mark.parametrize(
    ("build", "what"),
    [
        (functools.partial(CountsCalls, in_an_attribute), "calls"),
        (functools.partial(CountsCalls, in_a_list), "log[0]['calls'][0]"),
        (functools.partial(CountsCalls, by_length), "outputs"),
        (functools.partial(CountsCalls, in_an_object), "schedule.calls[0]"),
        (functools.partial(CountsCalls, in_the_class), "in_the_class"),
        (functools.partial(CountsCalls, and_sets_the_offset), "calls"),
        (CountsInAGlobal, "total"),
    ],
    ids=["attribute", "list", "length", "object", "class", "offset", "global"],
)
def test_a_model_that_counts_towards_something_is_no_program(
    build: Callable[[], Model], what: str
) -> None:
    check_refused(f"{WE}changes {what} whenever it is called", build)


class CountingLoss:
    """Counts in an object's attribute, and is called as that or by a method of it."""

    def __init__(self) -> None:
        self.calls = 0

    def __call__(self, predictions: Any, targets: Any) -> Value:
        self.calls += 1
        return nn.mse_loss(predictions, targets) * halved_later(self.calls)

    @staticmethod
    def by_a_closure() -> Callable[..., Value]:
        calls = 0

        def loss(predictions: Any, targets: Any) -> Value:
            nonlocal calls
            calls += 1
            return nn.mse_loss(predictions, targets) * halved_later(calls)

        return loss

    @staticmethod
    def by_a_default() -> Callable[..., Value]:
        def loss(predictions: Any, targets: Any, calls: Any = [0]) -> Value:  # noqa: B006
            calls[0] += 1
            return nn.mse_loss(predictions, targets) * halved_later(calls[0])

        return loss

    @staticmethod
    def by_its_own_attribute() -> Callable[..., Value]:
        def loss(predictions: Any, targets: Any) -> Value:
            counting.calls += 1
            return nn.mse_loss(predictions, targets) * halved_later(counting.calls)

        counting: Any = loss
        counting.calls = 0
        return loss

    @staticmethod
    def by_a_partial() -> Callable[..., Value]:
        def loss(calls: list[int], predictions: Any, targets: Any) -> Value:
            calls[0] += 1
            return nn.mse_loss(predictions, targets) * halved_later(calls[0])

        return functools.partial(loss, [0])


COUNTING_LOSSES: list[Callable[[], Callable[..., Value]]] = [
    CountingLoss,
    lambda: CountingLoss().__call__,
    CountingLoss.by_a_closure,
    CountingLoss.by_a_default,
    CountingLoss.by_its_own_attribute,
    CountingLoss.by_a_partial,
]


@pytest.mark.parametrize("build", COUNTING_LOSSES)
def test_a_loss_or_penalty_that_counts_towards_something_is_no_program(
    build: Callable[[], Callable[..., Value]],
) -> None:
    for as_penalty in (False, True):
        found = []
        for engine in ("auto", "eager"):
            counting, model = build(), Model()
            penalty = functools.partial(penalized, counting) if as_penalty else None
            loss = nn.mse_loss if as_penalty else counting
            history = fitted(model, engine, epochs=20, loss=loss, penalty=penalty)
            assert history.engine == "eager"
            assert ("whenever it is called" in history.reason) is (engine == "auto")
            found.append(numbers_of(history, model))
        assert found[0] == found[1]


def penalized(counting: Callable[..., Value], parameters: list[Value]) -> Value:
    return 0.1 * counting(parameters, [0.0] * len(parameters))


class Warming(nn.SGD):
    """Halves its steps from the twelfth on; counts in a list of its own."""

    def __init__(self, parameters: Any, lr: float) -> None:
        super().__init__(parameters, lr)
        self.counts = {"steps": [0]}

    def rule(self, weights: Any, gradients: Any, state: Any) -> tuple[list[Any], list[Any]]:
        self.counts["steps"][0] += 1
        factor = 1.0 if self.counts["steps"][0] < 4 else 0.5
        return super().rule(weights, [factor * g for g in gradients], state)


class SettingItsRate(nn.SGD):
    def rule(self, weights: Any, gradients: Any, state: Any) -> tuple[list[Any], list[Any]]:
        rate = self.lr
        self.lr = 0.025
        return [w - rate * g for w, g in zip(weights, gradients, strict=True)], state


class Alternating(nn.SGD):
    """Its two halves of a step are in turns: next() of what cannot be looked into."""

    def __init__(self, parameters: Any, lr: float) -> None:
        super().__init__(parameters, lr)
        self.factors = itertools.cycle([1.0, 0.5])

    def rule(self, weights: Any, gradients: Any, state: Any) -> tuple[list[Any], list[Any]]:
        factor = next(self.factors)
        return super().rule(weights, [factor * g for g in gradients], state)


def test_a_rule_that_goes_on_in_what_cannot_be_looked_into_is_no_program() -> None:
    model = Model()
    history = fitted(model, optimizer=Alternating(model.parameters(), lr=0.05))
    assert history.engine == "eager"
    assert history.reason == "the rule of Alternating does not do the same whenever it is called"


class Caching(Model):
    """Keeps what it has worked out once."""

    def __init__(self) -> None:
        super().__init__()
        self.table: dict[int, float] = {}

    def __call__(self, x: Any) -> Value:
        if len(x) not in self.table:
            self.table[len(x)] = 0.5 ** len(x)
        return super().__call__(x) * self.table[len(x)]


class Halving(nn.SGD):
    """A rule of one's own that a program repeats."""

    def rule(self, weights: Any, gradients: Any, state: Any) -> tuple[list[Any], list[Any]]:
        return super().rule(weights, [0.5 * g for g in gradients], state)


def test_what_is_kept_of_the_first_call_alone_is_no_count() -> None:
    found = []
    for engine in ("eager", "python"):
        model = Caching()
        optimizer = Halving(model.parameters(), lr=0.05)
        history = fitted(model, engine, optimizer=optimizer, epochs=6)
        assert (history.engine, history.reason) == (engine, "")
        found.append(numbers_of(history, model))
    assert found[0] == found[1]


@pytest.mark.usefixtures("slices_of_two")
def test_a_count_that_begins_while_it_trains_is_noticed_then() -> None:
    class CountingLater(Line):
        counts, calls = False, 0

        def __call__(self, x: Any) -> Value:
            self.calls += self.counts
            return super().__call__(x) * (1.0 if self.calls < 3 else 0.5)

    def change(done: int, loss: float) -> None:
        model.counts = done >= 2

    found = []
    for engine in ("auto", "eager"):
        model = CountingLater()
        optimizer = nn.SGD(model.parameters(), lr=0.25)
        history = fitted(
            model, engine, rows=TO_THREE, optimizer=optimizer, epochs=8, progress=change
        )
        assert history.engine == "eager"
        found.append((all_bits(history.losses), model.w.data, model.calls))
    assert found[0] == found[1]


class Restored(Model):
    """Has all kinds of things that its calls change, and one that has no value yet."""

    later: ClassVar[list[int]] = [1]

    def __init__(self) -> None:
        super().__init__()
        self.seen, self.first, self.log = {1}, deque([1, 2]), [1]

    def __call__(self, x: Any) -> Value:
        def unused() -> Any:
            return not_yet

        self.kept = unused
        type(self).called = True  # type: ignore[attr-defined]
        self.seen.add(len(self.log))
        self.first.rotate()
        self.log.append(len(self.log))
        type(self).later = [*self.later, 1]
        not_yet = 1.0
        return super().__call__(x)


def test_a_model_that_is_no_program_is_as_if_it_had_not_been_recorded() -> None:
    model = Restored()
    Restored.called = False  # type: ignore[attr-defined]
    Restored.later = [1]
    for _ in range(2):
        with pytest.raises(ValueError, match="changes"):
            fitted(model, "python")
    # Once each time: fit itself asks for the output of the first row.
    assert model.log == [1, 1, 2]
    assert (model.seen, model.first, Restored.later) == ({1, 2}, deque([1, 2]), [1, 1, 1])
    assert Restored.called  # type: ignore[attr-defined]


# ---- NumPy's random numbers -----------------------------------------------------------------


def numpy_s() -> Any:
    return pytest.importorskip("numpy", reason="it draws")


@pytest.mark.parametrize("kind", ["global", "generator", "old", "closure"])
def test_draws_with_numpy_are_noticed_in_models_and_rules(kind: str) -> None:
    numpy = numpy_s()

    def in_a_closure() -> Callable[[], float]:
        generator = numpy.random.default_rng(4)

        def draw() -> float:
            return float(generator.random())

        return draw

    seeded: dict[str, Callable[[], Callable[[], float]]] = {
        "global": lambda: numpy.random.seed(4) or numpy.random.random,
        "generator": lambda: numpy.random.default_rng(4).random,
        "old": lambda: numpy.random.RandomState(4).random_sample,
        "closure": in_a_closure,
    }

    class RareDropout(Model):
        """Draws, and so seldom uses it that two calls do not tell."""

        def __init__(self, draw: Callable[[], float]) -> None:
            super().__init__()
            self.draw = draw

        def __call__(self, x: Any) -> Value:
            return super().__call__(x) * (1.0 if self.draw() < 0.9 else 0.0)

    class RareNoise(nn.SGD):
        def __init__(self, parameters: Any, draw: Callable[[], float]) -> None:
            super().__init__(parameters, lr=0.05)
            self.draw = draw

        def rule(self, weights: Any, gradients: Any, state: Any) -> tuple[list[Any], list[Any]]:
            factor = 1.0 if self.draw() < 0.9 else 0.0
            return super().rule(weights, [factor * g for g in gradients], state)

    found = []
    for engine in ("auto", "eager", "auto", "eager"):
        draw = seeded[kind]()
        in_the_rule = len(found) >= 2
        model = Model() if in_the_rule else RareDropout(draw)
        parameters = model.parameters()
        optimizer = RareNoise(parameters, draw) if in_the_rule else nn.SGD(parameters, lr=0.05)
        history = fitted(model, engine, optimizer=optimizer, epochs=6)
        assert history.engine == "eager"
        assert ("draws a random number with NumPy" in history.reason) is (engine == "auto")
        found.append(numbers_of(history, model))
    assert found[0] == found[1]
    assert found[2] == found[3]


def test_a_count_in_an_array_is_one_too() -> None:
    numpy_s()
    reason = WE + "changes calls whenever it is called"
    check_refused(reason, functools.partial(CountsCalls, in_an_array))


# ---- Rules and models that fail on Values, or give plain numbers ----------------------------


class DecayingRate(nn.SGD):
    def rule(self, weights: Any, gradients: Any, state: Any) -> tuple[list[Any], list[Any]]:
        updates = super().rule(weights, gradients, state)
        self.lr *= 0.9  # fails
        return updates


class Keeping(nn.SGD):
    """Its gradients fade, and are not forgotten."""

    def zero_grad(self) -> None:
        for parameter in self.parameters:
            parameter.grad *= 0.5


@pytest.mark.parametrize(
    ("reason", "build", "settings"),
    [
        (f"{line_of(InThreads, '# decides')} starts a thread, in which nothing is", InThreads, {}),
        (WE + "treats Values otherwise than numbers", ByType, {}),
        (OUT_OF_THE_GRAPH, ByStateDict, {}),
        (HERE, Showing, {}),  # what it shows would be of one row alone
        (f"{line_of(largest_weight, '# decides')} {COMPARES}", Model, {"penalty": largest_weight}),
        (f"{RULE_OF} Decaying changes momentum whenever it is", Model, {"optimizer": Decaying}),
        (f"{RULE_OF} Warming changes counts['steps'][0] when", Model, {"optimizer": Warming}),
        (f"{RULE_OF} SettingItsRate changes its settings", Model, {"optimizer": SettingItsRate}),
        (f"{line_of(DecayingRate, '# fails')} {FAILS}", Model, {"optimizer": DecayingRate}),
        ("Keeping has its own zero_grad()", Model, {"optimizer": Keeping}),
    ],
)
def test_what_a_program_cannot_do_is_said_of_a_model_a_penalty_and_an_optimizer(
    reason: str, build: type[Model], settings: dict[str, Any]
) -> None:
    check_refused(reason, build, **settings)


class OfPlainNumbers(Model):
    """Python's max of 0 and a Value."""

    def __call__(self, x: Any) -> Any:
        return max(0, super().__call__(x))


class OfNothing(Model):
    def __call__(self, x: Any) -> Any:
        super().__call__(x)


@pytest.mark.parametrize("engine", ["auto", "eager", "python"])
@pytest.mark.parametrize(
    ("build", "rows", "where"),
    [
        (OfPlainNumbers, [[-2.0], [2.0]], "the int 0 for x[0]"),
        (OfPlainNumbers, [[2.0], [-2.0]], "the int 0 for x[1]"),
        (OfNothing, [[2.0], [-2.0]], "None for x[0]"),
    ],
)
def test_a_model_that_returns_a_number_is_told_which_and_what_to_write(
    build: type[Model], rows: Any, where: str, engine: str
) -> None:
    model = build()
    error = ValueError if engine == "python" and "x[1]" in where else TypeError
    cure = r"a number has no gradient.*autodiff.maximum\(\)" if error is TypeError else "compares"
    with pytest.raises(error, match=cure) as caught:
        fitted(model, engine, rows=(rows, [1.0, 1.0]))
    assert error is ValueError or where in str(caught.value)


def test_a_number_among_several_outputs_is_as_good_as_a_constant() -> None:
    class OneOfThree(Model):
        def __call__(self, x: Any) -> Any:
            return [self.w * x[0], 0.5, self.b]

    found = []
    for engine in ("eager", "python"):
        model = OneOfThree()
        fitted(model, engine, rows=(X, [0, 1, 2, 0, 1]), loss=nn.cross_entropy, epochs=4)
        found.append(all_bits(p.data for p in model.parameters()))
    assert found[0] == found[1]


# ---- What an optimizer has of its own -------------------------------------------------------


@pytest.mark.usefixtures("slices_of_two")
@pytest.mark.parametrize("what", ["parameters", "in place", "state", "rate"])
def test_what_progress_takes_from_an_optimizer_is_taken_on_every_engine(what: str) -> None:
    def change(optimizer: nn.Optimizer) -> None:
        if what == "parameters":
            optimizer.parameters = optimizer.parameters[:2]
        elif what == "in place":
            del optimizer.parameters[2:]
        elif what == "state":
            optimizer.state = [Value(0.0) for _ in optimizer.state]
        else:
            optimizer.lr_variable = Value(0.4)

    momentum = 0.0 if "p" in what else 0.5
    changed_after_four(lambda p: nn.SGD(p, lr=0.05, momentum=momentum), change)


def test_an_optimizer_whose_step_is_its_own_is_no_program() -> None:
    model = Model()
    optimizer = nn.SGD(model.parameters(), lr=0.05)
    optimizer.step = lambda: None  # type: ignore[method-assign]
    assert fitted(model, optimizer=optimizer).reason == "SGD has its own step()"
    assert model.w.data == 0.75


# ---- compile warns --------------------------------------------------------------------------


def leaky(v: Value) -> Value:
    return v if v > 0 else 0.1 * v  # decides


def largest(v: Value) -> Value:
    return max(v, v * 2.0, key=lambda value: value)  # decides


def straight_through(v: Value) -> Value:
    return v * v.data  # decides


def huber(v: Value) -> Value:
    return 0.5 * v * v if abs(v) < 1.0 else abs(v) - 0.5  # decides


def by_a_sum(v: Value) -> Value:
    return v if 2.0 * v - 1.0 > v * 0.0 else -v  # decides


def by_its_truth(v: Value) -> Value:
    return v.log() if v else v  # decides


def by_the_truth_of_a_product(v: Value) -> Value:
    return v.log() if v * 2.0 and True else v  # decides


@pytest.mark.parametrize(
    "function",
    [*(leaky, largest, huber, by_a_sum, by_its_truth, by_the_truth_of_a_product)],
)
def test_compile_warns_of_a_decision_with_its_line(function: Callable[[Value], Value]) -> None:
    x, w = Value(2.5, "x"), Value(1.5, "w")
    output = function(w * x).tanh()
    message = (
        f"^compile: {line_of(function, '# decides')} compares a Value's number .*"
        r"Choose with where\(\), maximum\(\) or minimum\(\), or compile\(\) anew"
    )
    with pytest.warns(DecisionWarning, match=message) as caught:
        compile(output, inputs=[x])
    assert {warning.filename for warning in caught} == {__file__}
    assert len(caught) == 1


@pytest.mark.parametrize("function", [leaky, huber, by_a_sum, by_its_truth])
def test_compile_warns_of_a_decision_by_a_variable(function: Callable[[Value], Value]) -> None:
    x, w = Value(2.5, "x"), Value(1.5, "w")
    with pytest.warns(DecisionWarning, match=line_of(function, "# decides")):
        compile(function(x) * w, inputs=[x])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        compile(x * w, inputs=[x])  # another graph of the same variables


def test_compile_warns_of_a_comparison_of_an_input_that_the_side_taken_does_not_have() -> None:
    x, w = Value(2.5, "x"), Value(1.5, "w")
    output = 3.0 * w if x > 0.0 else x * w
    with pytest.warns(DecisionWarning, match=r"compares a Value's number \(`output = 3"):
        compile(output, inputs=[x])


def test_a_comparison_is_noted_nearby_alone() -> None:
    w = Value(0.5, "w")
    chain = [w * 1.0]
    for _ in range(30):
        chain.append(chain[-1] * 2.0)
    assert chain[-1] > 0.0
    marked = [node.origin.compared is not None for node in chain]
    assert marked[-6:] == [True] * 6
    assert not any(marked[:18])
    assert w.origin.compared is None


def test_compile_warns_of_numbers_taken_out_of_the_graph() -> None:
    x, w, y = Value(2.5, "x"), Value(1.5, "w"), Value(0.75, "y")
    with pytest.warns(
        DecisionWarning, match=r"the constant 3.75 is the number \(\.data\) of v\d = "
    ):
        compile(straight_through(w * x), inputs=[x])
    with pytest.warns(DecisionWarning, match=r"the constant 2.5 is the number \(\.data\) of x\."):
        compile(w * x.data, inputs=[x, y])


def by_an_if(gradients: Any) -> dict[Value, Any]:
    return {w: w - (0.1 if g > 0.0 else -0.1) for w, g in gradients.items()}  # decides


def test_compile_warns_of_updates_that_decide() -> None:
    w = Value(1.5, "w")
    place = line_of(by_an_if, "# decides")
    with pytest.warns(DecisionWarning, match=f"^compile: {place} compares a Value's number"):
        compile(w * w, updates=by_an_if)


def test_compile_warns_of_a_penalty_that_decides() -> None:
    w = Value(1.5, "w")
    with pytest.warns(DecisionWarning, match=line_of(leaky, "# decides")):
        compile(w * w, penalty=leaky(w * 2.0))


def test_compile_does_not_warn_of_what_is_part_of_the_graph() -> None:
    x, w = Value(2.5, "x"), Value(2.5, "w")
    kept = where(w * x - 1.0, w * x, x).relu() + maximum(w, 2.5) + 2.5 * w.sigmoid()
    optimizer = nn.AdamW([w])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        program = compile(kept.log(), inputs=[x], updates=optimizer.updates, penalty=w * w)
        program.run(2, rows=[(1.0,), (2.0,)])
        # Numbers that are only shown, or looked at elsewhere, decide nothing.
        assert float(f"{kept:.3f}") > 0.0
        compile(w * 2.0, updates=lambda g: {w: w - 0.1 * g[w]})
        other = Value(1.0) * 2.0
        assert other > 1.0
        compile(kept)


# ---- Noticing -------------------------------------------------------------------------------


def test_constants_and_numbers_that_are_shown_do_not_count() -> None:
    x = Value(3.0, "x")
    with noticing([x]) as notes:
        y = (x + 1.0) * 2.0
        constant = y.parents[1]
        assert constant.data == 2.0
        assert f"{y:.2f} {x!r}" == "8.00 Value(3, 'x')"
        assert y in [x, y]
    assert notes.looks == []


def test_what_is_noticed_inside_is_not_what_is_noticed_outside() -> None:
    x, y = Value(3.0, "x"), Value(4.0, "y")
    with noticing([x]) as outer:
        product = x * y
        with noticing([product, y]) as inner:
            assert product.data == 12.0
            total = product + 1.0
            assert total > y
        assert len(outer.looks) == 0
        assert total.data == 13.0
        assert y.data == 4.0  # whom only the inner one knows
    assert [look.what for look in inner.looks] == [
        *("reads a Value's number", "compares a Value's number"),
    ]
    assert [look.what for look in outer.looks] == ["reads a Value's number"]
    assert {type(value) for value in (x, y, product, total)} == {Value}


def test_values_have_their_own_class_again_after_an_error() -> None:
    class Own(Value):
        """A Value with attributes."""

    x = Own(3.0, "x")
    x.colour = "red"  # type: ignore[attr-defined]
    made = [x]
    with pytest.raises(AttributeError), noticing([x, x]):
        made.append((x * 2.0).colour)  # type: ignore[attr-defined]
    assert (type(x), made) == (Own, [x])
    assert x.colour == "red"  # type: ignore[attr-defined]


def test_a_profiler_of_ones_own_hears_as_much_as_before() -> None:
    heard = []

    def listen(frame: Any, event: str, argument: Any) -> None:
        if event == "c_call" and getattr(argument, "__name__", "") == "random":
            heard.append(frame.f_code.co_name)

    sys.setprofile(listen)
    try:
        with noticing([]) as notes:
            random.random()
        after = sys.getprofile()
    finally:
        sys.setprofile(None)
    assert after is listen
    assert len(notes.looks) == 1
    assert heard == ["test_a_profiler_of_ones_own_hears_as_much_as_before"]


def test_draws_are_heard_as_python_tells_of_them() -> None:
    # While Python calls a profiler, no tool that measures tests sees its lines: it is called here.
    notes, heard = Notes(), []
    listen = _Draws(notes, lambda *arguments: heard.append(arguments))
    frame, generator = sys._getframe(), random.Random(3)
    before = generator.getstate()
    listen(frame, "c_call", generator.random)
    listen(frame, "c_call", os.urandom)
    for draws_nothing in (generator.getstate, math.sin, "random".upper):
        listen(frame, "c_call", draws_nothing)
    listen(frame, "return", None)
    assert [look.what for look in notes.looks] == ["draws a random number"] * 2
    assert notes.states == {generator: before}
    generator.random()
    notes.rewind()
    assert generator.getstate() == before
    assert len(heard) == 6


def test_constants_do_not_count_nor_does_what_the_library_itself_compares() -> None:
    x, number = Value(3.0), Value(3.0).detach()
    with noticing([x]) as notes:
        assert number > 1.0
    assert notes.looks == []
    library: Any = SimpleNamespace(f_code=SimpleNamespace(co_filename=nn.__file__))
    is_compared([x], library)
    is_compared([number], sys._getframe())
    assert x.origin.compared is None
    is_compared([x], sys._getframe())
    assert x.origin.compared is not None


def test_draws_of_python_s_own_methods_are_heard_too() -> None:
    notes = Notes()
    listen, generator = _Draws(notes, None), random.Random(3)
    before = generator.getstate()
    for method, drawn_from in (
        *((random.Random.choice, generator), (random.Random.choice, generator)),
        *((random.Random.getstate, generator), (statistics.fmean, generator)),
        *((random.Random.choice, random.SystemRandom()), (random.Random.choice, "no generator")),
    ):
        called: Any = SimpleNamespace(
            f_code=method.__code__, f_lineno=1, f_back=sys._getframe(),
            f_locals={"self": drawn_from},
        )  # fmt: skip
        listen(called, "call", None)
    # Twice from the generator, once from the system, which has no state to go back to.
    assert [look.what for look in notes.looks] == ["draws a random number"] * 3
    assert notes.states == {generator: before}


def test_threads_are_heard_where_they_start_and_where_they_get_work() -> None:
    notes = Notes()
    listen = _Draws(notes, None)
    for function in (threading.Thread.start, ThreadPoolExecutor.submit, threading.Thread.join):
        called: Any = SimpleNamespace(
            f_code=function.__code__, f_lineno=1, f_back=sys._getframe(), f_locals={}
        )
        listen(called, "call", None)
    assert [look.what for look in notes.looks] == [
        "starts a thread, in which nothing is noticed"
    ] * 2


def test_what_gauss_has_left_over_is_a_draw_too() -> None:
    random.seed(3)
    random.gauss(0.0, 1.0)  # of two numbers, which it draws together
    before = random.getstate()
    with noticing([]) as notes:
        drawn = random.gauss(0.0, 1.0)
    assert len(notes.looks) == 1
    notes.rewind()
    assert random.getstate() == before
    assert random.gauss(0.0, 1.0) == drawn


def test_making_a_generator_draws_nothing() -> None:
    with noticing([]) as notes:
        generator = random.Random(3)
        generator.seed(4)
        generator.setstate(generator.getstate())
    assert notes.looks == []


def test_a_profiler_that_is_no_function_is_left_alone() -> None:
    class Profiler:
        """As cProfile's, of which Python 3.11 says only that it is there."""

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(sys, "getprofile", Profiler)
        patched.setattr(sys, "setprofile", None)
        with noticing([x := Value(3.0)]) as notes:
            assert x > 1.0
            random.random()
    assert [look.what for look in notes.looks] == ["compares a Value's number"]


def test_without_a_users_frame_the_place_is_where_it_happened() -> None:
    inner = SimpleNamespace(co_filename=random.__file__)
    outer = SimpleNamespace(co_filename=nn.__file__)
    frames: Any = SimpleNamespace(
        f_code=inner, f_lineno=7, f_back=SimpleNamespace(f_code=outer, f_lineno=8, f_back=None)
    )
    assert users_place(frames) == (random.__file__, 7)


def test_an_error_is_noted_at_the_users_innermost_line() -> None:
    def fails(values: list[Any]) -> float:
        return statistics.fmean(values)  # fails

    notes = Notes()
    try:
        fails(["a"])
    except TypeError as error:
        notes.failed(error)
    try:
        raise RuntimeError("nowhere")
    except RuntimeError as error:
        notes.failed(error.with_traceback(None))
    assert str(notes.looks[0]).startswith(
        f"{line_of(fails, '# fails')} fails on Values (TypeError: "
    )
    assert (notes.looks[1].what, notes.looks[1].file) == (
        "fails on Values (RuntimeError: nowhere)",
        "",
    )


def test_what_is_interrupted_while_it_ends_ends_all_the_same() -> None:
    class Interrupting(Value):
        """Is interrupted the first time that it is given back its class."""

        interrupted = False

        def __setattr__(self, name: str, value: Any) -> None:
            if name == "__class__" and value is Interrupting and not Interrupting.interrupted:
                Interrupting.interrupted = True
                raise KeyboardInterrupt
            super().__setattr__(name, value)

    x, y = Value(3.0), Interrupting(4.0)
    with pytest.raises(KeyboardInterrupt), noticing([x, y]):
        assert type(x) is not Value
    assert (type(x), type(y)) == (Value, Interrupting)
    with noticing([]) as notes:
        assert y > x
    assert len(notes.looks) == 1
