"""Programs written for micrograd, run with micrograd and with this library: the same numbers.

Outputs are the same to the bit, since both compute them in the same order.  Gradients are not:
micrograd adds a node's contributions in an order that differs from run to run, so they may differ
by the rounding of a sum, for which a relative 1e-13 is ample.
"""

from __future__ import annotations

import inspect
import random
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

import autodiff
import nn
from tests.bits import all_bits

engine = pytest.importorskip("micrograd.engine", reason="micrograd is what these tests run beside")
micrograd_nn = pytest.importorskip(
    "micrograd.nn", reason="micrograd is what these tests run beside"
)

RELATIVE, ABSOLUTE = 1e-13, 1e-15

MICROGRAD = SimpleNamespace(Value=engine.Value, nn=micrograd_nn)
OURS = SimpleNamespace(Value=autodiff.Value, nn=nn)

SIZES = [(1, [1]), (2, [1]), (2, [4, 1]), (3, [4, 4, 1]), (2, [3, 2]), (2, [16, 16, 1])]


def pair(nin: int, nouts: list[int], seed: int = 1) -> tuple[Any, Any]:
    """Return a network of ours and one of micrograd's with the same weights."""
    ours, theirs = nn.MLP(nin, nouts, rng=seed), micrograd_nn.MLP(nin, nouts)
    for parameter, other in zip(ours.parameters(), theirs.parameters(), strict=True):
        other.data = parameter.data
    return ours, theirs


def inputs_for(nin: int, seed: int) -> list[float]:
    generator = random.Random(seed)
    return [generator.uniform(-2.0, 2.0) for _ in range(nin)]


def as_list(outputs: Any) -> list[Any]:
    return outputs if isinstance(outputs, list) else [outputs]


@pytest.mark.parametrize(("nin", "nouts"), SIZES)
def test_the_same_weights_give_the_same_outputs_bit_for_bit(nin: int, nouts: list[int]) -> None:
    ours, theirs = pair(nin, nouts)
    for seed in range(10):
        x = inputs_for(nin, seed)
        assert all_bits(o.data for o in as_list(ours(x))) == all_bits(
            o.data for o in as_list(theirs(x))
        )


@pytest.mark.parametrize(("nin", "nouts"), SIZES)
def test_the_same_weights_give_the_same_gradients(nin: int, nouts: list[int]) -> None:
    ours, theirs = pair(nin, nouts)
    x = inputs_for(nin, seed=3)
    gradients = []
    for model, value in ((ours, autodiff.Value), (theirs, engine.Value)):
        inputs = [value(number) for number in x]
        loss = sum((output - 0.5) ** 2 for output in as_list(model(inputs)))
        model.zero_grad()
        loss.backward()
        gradients.append([p.grad for p in [*model.parameters(), *inputs]])
    assert gradients[0] == pytest.approx(gradients[1], rel=RELATIVE, abs=ABSOLUTE)
    assert any(gradients[1])


def test_a_hidden_layer_of_one_neuron_which_micrograd_cannot_pass_on_works_here() -> None:
    ours, theirs = pair(2, [1, 1, 2])
    with pytest.raises(TypeError):
        theirs([1.0, 2.0])
    assert len(ours([1.0, 2.0])) == 2


def expression(library: Any) -> tuple[Any, list[Any]]:
    """The example of micrograd's README, in its own words."""
    a = library.Value(-4.0)
    b = library.Value(2.0)
    c = a + b
    d = a * b + b**3
    c += c + 1
    c += 1 + c + (-a)
    d += d * 2 + (b + a).relu()
    d += 3 * d + (b - a).relu()
    e = c - d
    f = e**2
    g = f / 2.0
    g += 10.0 / f
    g.backward()
    return g, [a, b]


def test_an_expression_with_every_operator_of_micrograd_has_its_value_and_gradients() -> None:
    (ours, variables), (theirs, expected) = expression(OURS), expression(MICROGRAD)
    assert ours.data == pytest.approx(theirs.data, rel=RELATIVE, abs=0.0)
    assert [v.grad for v in variables] == pytest.approx(
        [v.grad for v in expected], rel=RELATIVE, abs=0.0
    )


def train(library: Any, start: list[float], epochs: int) -> list[float]:
    """A classifier as micrograd's demo trains one: hinge loss, L2 penalty, falling rate."""
    model = library.nn.MLP(2, [8, 1])
    for p, number in zip(model.parameters(), start, strict=True):
        p.data = number
    points = [inputs_for(2, seed) for seed in range(12)]
    labels = [1 if x * y > 0 else -1 for x, y in points]
    history = []
    for k in range(epochs):
        inputs = [list(map(library.Value, point)) for point in points]
        scores = list(map(model, inputs))
        losses = [(1 + -yi * scorei).relu() for yi, scorei in zip(labels, scores, strict=True)]
        data_loss = sum(losses) * (1.0 / len(losses))
        reg_loss = 1e-4 * sum(p * p for p in model.parameters())
        total_loss = data_loss + reg_loss
        model.zero_grad()
        total_loss.backward()
        learning_rate = 1.0 - 0.9 * k / 100
        for p in model.parameters():
            p.data -= learning_rate * p.grad
        history.append(total_loss.data)
    return history


def test_a_training_loop_written_for_micrograd_has_the_same_losses() -> None:
    start = [parameter.data for parameter in nn.MLP(2, [8, 1], rng=1).parameters()]
    losses = train(OURS, start, epochs=50)
    # Steps of up to 1.0 in the weight multiply a difference in rounding from epoch to epoch.
    assert losses == pytest.approx(train(MICROGRAD, start, epochs=50), rel=1e-12, abs=0.0)
    assert losses[-1] < 0.5 * losses[0]


def test_the_constructors_take_micrograds_arguments() -> None:
    for theirs in (micrograd_nn.Neuron, micrograd_nn.MLP):
        ours = getattr(nn, theirs.__name__)
        names = list(inspect.signature(theirs).parameters)
        assert list(inspect.signature(ours).parameters)[: len(names)] == names
    for library in (nn, micrograd_nn):
        assert isinstance(library.Neuron(2, nonlin=False)([1.0, 2.0]).data, float)
        assert isinstance(library.Neuron(2, False)([1.0, 2.0]).data, float)
        assert len(library.Layer(2, 3, nonlin=False)([1.0, 2.0])) == 3
        assert len(library.MLP(2, [3, 2])([1.0, 2.0])) == 2


def attributes_of(library: ModuleType) -> list[Any]:
    """Read every public attribute of micrograd's modules."""
    model = library.MLP(3, [4, 2])
    neuron = model.layers[0].neurons[1]
    return [
        len(model.layers),
        len(model.layers[0].neurons),
        len(neuron.w),
        [layer.neurons[0].nonlin for layer in model.layers],
        [len(module.parameters()) for module in (model, model.layers[0], neuron)],
        neuron.parameters() == [*neuron.w, neuron.b],
        model.layers[0].parameters()[4:8] == neuron.parameters(),
        model.parameters()[:16] == model.layers[0].parameters(),
    ]


def test_the_attributes_are_micrograds() -> None:
    assert attributes_of(nn) == attributes_of(micrograd_nn)


@pytest.mark.parametrize(("nin", "nouts"), SIZES)
def test_networks_describe_themselves_in_micrograds_words(nin: int, nouts: list[int]) -> None:
    assert repr(nn.MLP(nin, nouts)) == repr(micrograd_nn.MLP(nin, nouts))


def test_zero_grad_of_a_module_clears_what_micrograds_clears() -> None:
    for model in pair(2, [3, 1]):
        model([1.0, 2.0]).backward()
        assert any(p.grad for p in model.parameters())
        model.zero_grad()
        assert [p.grad for p in model.parameters()] == [0] * 13
