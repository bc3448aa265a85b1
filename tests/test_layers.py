"""Neurons, layers and networks: what they compute, how they start, and what they refuse."""

from __future__ import annotations

import math
import random
from collections.abc import Callable
from typing import Any

import pytest

import nn
from autodiff import Value, topological_order
from autodiff.support import watch
from tests.bits import all_bits, bits

# Each activation from its definition, in the standard library's arithmetic.
DEFINITIONS: dict[str | None, Callable[[float], float]] = {
    None: lambda x: x,
    "relu": lambda x: max(x, 0.0),
    "leaky_relu": lambda x: x if x > 0.0 else 0.01 * x,
    "sigmoid": lambda x: 1.0 / (1.0 + math.exp(-x)),
    "softplus": lambda x: math.log1p(math.exp(x)),
    "tanh": math.tanh,
}

# ---- what they compute ---------------------------------------------------------------------


@pytest.mark.parametrize("activation", DEFINITIONS)
@pytest.mark.parametrize("bias", [-3.0, 0.25, 2.0])
def test_a_neuron_is_the_activation_of_its_weighted_sum(
    activation: str | None, bias: float
) -> None:
    neuron = nn.Neuron(3, activation=activation)
    neuron.load_state_dict({"weight": [0.5, -1.25, 2.0], "bias": bias})
    expected = DEFINITIONS[activation](bias + 0.5 * 2.0 - 1.25 * 3.0 + 2.0 * 0.125)
    assert neuron([2.0, 3.0, 0.125]).data == pytest.approx(expected, rel=1e-15)


def test_a_neuron_adds_its_bias_first_and_then_its_terms_in_order() -> None:
    neuron = nn.Neuron(3, nonlin=False)
    neuron.load_state_dict({"weight": [1.0, 1.0, 1.0], "bias": 1.0})
    # In any other order the 1.0s survive the cancellation of 1e100.
    assert neuron([1e100, -1e100, 0.5]).data == ((1.0 + 1e100) + -1e100) + 0.5 == 0.5


def test_the_gradient_of_a_sigmoid_neuron_is_the_formula_of_the_lab() -> None:
    neuron = nn.Neuron(2, activation="sigmoid")
    neuron.load_state_dict({"weight": [0.5, -0.25], "bias": 0.125})
    x, target = [1.5, 2.5], 1.0
    output = neuron(x)
    ((output - target) ** 2).backward()
    delta = 2.0 * (output.data - target) * output.data * (1.0 - output.data)
    assert [p.grad for p in neuron.parameters()] == pytest.approx(
        [delta * x[0], delta * x[1], delta], rel=1e-15
    )


def test_inputs_may_be_values_which_then_get_gradients() -> None:
    layer = nn.Layer(2, 2, nonlin=False, rng=1)
    x = [Value(1.0), Value(2.0)]
    one, other = layer(x)
    (one + other).backward()
    columns = zip(*layer.state_dict()["weight"], strict=True)
    assert [value.grad for value in x] == [sum(column) for column in columns]


def test_inputs_that_are_numbers_become_constants() -> None:
    neuron = nn.Neuron(2, nonlin=False)
    operands = set(neuron([1, 2.5]).parents)
    inputs = operands - set(neuron.parameters())
    assert {value.data for value in inputs if value.is_leaf} == {1.0, 2.5}
    assert all(value.is_constant for value in inputs if value.is_leaf)


def test_inputs_may_come_from_a_generator() -> None:
    layer = nn.Layer(3, 2, rng=1)
    assert all_bits(o.data for o in layer(x / 2 for x in range(3))) == all_bits(
        o.data for o in layer([0.0, 0.5, 1.0])
    )


@pytest.mark.parametrize("width", [1, 2, 3])
def test_a_layer_always_returns_a_list(width: int) -> None:
    outputs = nn.Layer(2, width)([1.0, 2.0])
    assert isinstance(outputs, list)
    assert len(outputs) == width
    assert all(isinstance(output, Value) for output in outputs)


def test_a_layer_is_its_neurons_one_by_one() -> None:
    layer = nn.Layer(2, 3, activation="tanh", rng=1)
    assert all_bits(o.data for o in layer([0.5, -2.0])) == all_bits(
        neuron([0.5, -2.0]).data for neuron in layer.neurons
    )


def test_a_network_whose_last_layer_has_one_neuron_returns_that_value() -> None:
    assert isinstance(nn.MLP(2, [3, 1])([1.0, 2.0]), Value)
    assert isinstance(nn.MLP(2, [1])([1.0, 2.0]), Value)


def test_a_network_with_several_outputs_returns_their_list() -> None:
    outputs = nn.MLP(2, [3, 2])([1.0, 2.0])
    assert isinstance(outputs, list)
    assert len(outputs) == 2


def test_hidden_layers_of_one_neuron_work() -> None:
    model = nn.MLP(2, [1, 1, 2], activation="tanh", rng=1)
    first, second, output = model.layers
    by_hand = output(second(first([1.0, -1.0])))
    assert all_bits(o.data for o in model([1.0, -1.0])) == all_bits(o.data for o in by_hand)


def test_the_output_layer_is_linear_unless_told_otherwise_and_hidden_layers_are_relu() -> None:
    activations = [layer.neurons[0].activation for layer in nn.MLP(2, [3, 3, 1]).layers]
    assert activations == ["relu", "relu", None]
    model = nn.MLP(2, [3, 3, 1], activation="tanh", output_activation="sigmoid")
    assert [layer.neurons[0].activation for layer in model.layers] == ["tanh", "tanh", "sigmoid"]


def test_nonlin_says_whether_there_is_an_activation() -> None:
    assert nn.Neuron(2).nonlin
    assert not nn.Neuron(2, nonlin=False).nonlin
    assert not nn.Neuron(2, False, activation="tanh").nonlin
    assert [layer.neurons[0].nonlin for layer in nn.MLP(2, [3, 1]).layers] == [True, False]
    assert not nn.Layer(2, 2, nonlin=False).neurons[1].nonlin


def test_nonlin_may_be_set_and_makes_a_linear_neuron_a_relu() -> None:
    neuron = nn.Neuron(2, activation="tanh")
    activations = []
    for nonlin in (True, False, False, True):
        neuron.nonlin = nonlin
        activations.append(neuron.activation)
    assert activations == ["tanh", None, None, "relu"]


def test_a_network_takes_as_many_inputs_as_its_first_layer() -> None:
    modules = [nn.Neuron(3), nn.Layer(3, 1), nn.Layer(3, 2), nn.MLP(3, [2]), nn.MLP(3, [4, 1])]
    assert [module.input_count() for module in modules] == [3] * len(modules)


class Made(watch.Watcher):
    """Notes which module each node says that it is of, at the moment when it is made."""

    def __init__(self) -> None:
        self.modules: list[str] = []

    def made(self, node: Value) -> None:
        if node.op is not None:
            self.modules.append(node.origin.module)


def test_who_looks_on_is_told_the_neuron_and_sees_the_same_network() -> None:
    model, made = nn.MLP(2, [2, 1], activation="tanh", rng=3), Made()
    with watch.watching(made):
        watched = model([0.5, -1.0])
    assert made.modules == ["hidden[0]", "hidden[0]", "hidden[1]", "hidden[1]", "output[0]"]
    unwatched = model([0.5, -1.0])
    kinds = [
        [(node.op, bits(node.data)) for node in topological_order(output)]
        for output in (watched, unwatched)
    ]
    assert kinds[0] == kinds[1]


def test_a_parameter_of_a_layer_is_made_by_no_module() -> None:
    assert {parameter.origin.module for parameter in nn.MLP(2, [2, 1]).parameters()} == {""}


# ---- how they start ------------------------------------------------------------------------


@pytest.mark.unmeasured
@pytest.mark.thorough
@pytest.mark.parametrize("nin", [1, 2, 3, 16, 100])
def test_weights_and_biases_start_within_one_over_the_root_of_the_fan_in_and_reach_its_edges(
    nin: int,
) -> None:
    layer = nn.Layer(nin, 1000, rng=1)
    limit = 1.0 / math.sqrt(nin)
    for numbers in (
        [weight.data for neuron in layer.neurons for weight in neuron.w],
        [neuron.b.data for neuron in layer.neurons],
    ):
        assert -limit <= min(numbers) < -0.98 * limit
        assert 0.98 * limit < max(numbers) <= limit


def test_each_layer_of_a_network_starts_by_its_own_fan_in() -> None:
    model = nn.MLP(4, [100, 100, 50], rng=1)
    for layer, fan_in in zip(model.layers, [4, 100, 100], strict=True):
        largest = max(abs(parameter.data) for parameter in layer.parameters())
        assert 0.98 / math.sqrt(fan_in) < largest <= 1.0 / math.sqrt(fan_in)


def distance_from_uniform(numbers: list[float], limit: float) -> float:
    """Return the Kolmogorov-Smirnov statistic times sqrt(n), against uniform in ±limit.

    For uniform numbers it exceeds 1.63 once in a hundred times.
    """
    count = len(numbers)
    shares = [(number + limit) / (2.0 * limit) for number in sorted(numbers)]
    steps = [max(s - k / count, (k + 1) / count - s) for k, s in enumerate(shares)]
    return math.sqrt(count) * max(steps)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_weights_and_biases_start_uniformly_distributed(seed: int) -> None:
    layer = nn.Layer(9, 1000, rng=seed)
    weights = [weight.data for neuron in layer.neurons for weight in neuron.w]
    biases = [neuron.b.data for neuron in layer.neurons]
    assert distance_from_uniform(weights, 1.0 / 3.0) < 1.63
    assert distance_from_uniform(biases, 1.0 / 3.0) < 1.63


def test_the_test_of_uniformity_rejects_other_distributions() -> None:
    generator, limit = random.Random(1), 1.0 / 3.0
    others = {
        "narrower by 5 %": [generator.uniform(-0.95 * limit, 0.95 * limit) for _ in range(9000)],
        "triangular": [generator.triangular(-limit, limit) for _ in range(9000)],
        "normal": [generator.gauss(0.0, limit / math.sqrt(3.0)) for _ in range(9000)],
        "never negative": [generator.uniform(0.0, limit) for _ in range(9000)],
    }
    for name, numbers in others.items():
        assert distance_from_uniform(numbers, limit) > 1.63, name


def test_no_two_parameters_start_equal() -> None:
    # Layers or neurons seeded alike would repeat each other.
    numbers = [parameter.data for parameter in nn.MLP(4, [4, 4, 4], rng=1).parameters()]
    assert len(set(numbers)) == len(numbers) == 60


def test_the_same_seed_gives_the_same_weights_whatever_else_draws() -> None:
    first = nn.MLP(3, [4, 2], rng=42)
    random.seed(5)
    random.random()
    nn.MLP(2, [2], rng=1)
    nn.Neuron(7)
    second = nn.MLP(3, [4, 2], rng=42)
    assert all_bits(p.data for p in first.parameters()) == all_bits(
        p.data for p in second.parameters()
    )


def test_different_seeds_give_different_weights() -> None:
    states = [nn.Layer(2, 2, rng=seed).state_dict() for seed in range(20)]
    assert all(states.count(state) == 1 for state in states)


def test_with_rng_the_global_generator_is_neither_moved_nor_read() -> None:
    found = []
    for seed in (1, 2):
        random.seed(seed)
        before = random.getstate()
        for model in (nn.MLP(2, [3, 1], rng=1), nn.MLP(2, [3, 1], rng=random.Random(1))):
            found.append(all_bits(p.data for p in model.parameters()))
        assert random.getstate() == before
    assert found == found[:1] * 4


def test_without_rng_weights_are_what_pythons_generator_gives_next() -> None:
    random.seed(1337)
    model = nn.MLP(2, [3, 1])
    after = random.getstate()
    random.seed(1337)
    expected = []
    # Three neurons of fan-in 2, then one of fan-in 3, each with its bias behind its weights.
    for fan_in in (2, 2, 2, 3):
        limit = 1.0 / math.sqrt(fan_in)
        expected += [-limit + (limit - -limit) * random.random() for _ in range(fan_in + 1)]
    assert all_bits(p.data for p in model.parameters()) == all_bits(expected)
    assert random.getstate() == after


@pytest.mark.parametrize(
    "build", [lambda: nn.MLP(2, [3, 1]), lambda: nn.Layer(2, 3), lambda: nn.Neuron(2)]
)
def test_a_seed_of_pythons_generator_repeats_a_network(build: Callable[[], nn.Module]) -> None:
    found = []
    for seed in (1337, 1337, 1338):
        random.seed(seed)
        found.append(all_bits(p.data for p in build().parameters()))
    assert found[0] == found[1] != found[2]


def test_without_rng_each_network_starts_elsewhere() -> None:
    assert nn.MLP(2, [3, 1]).state_dict() != nn.MLP(2, [3, 1]).state_dict()


def test_a_generator_that_is_given_is_drawn_from_in_order_weights_then_bias() -> None:
    layer = nn.Layer(4, 2, rng=random.Random(3))
    generator = random.Random(3)
    expected = [generator.uniform(-0.5, 0.5) for _ in range(10)]
    assert all_bits(p.data for p in layer.parameters()) == all_bits(expected)


def test_modules_that_share_a_generator_continue_its_sequence() -> None:
    shared = random.Random(3)
    first, second = nn.Neuron(4, rng=shared), nn.Neuron(4, rng=shared)
    layer = nn.Layer(4, 2, rng=3)
    assert all_bits(p.data for p in [*first.parameters(), *second.parameters()]) == all_bits(
        p.data for p in layer.parameters()
    )


# ---- what they refuse ----------------------------------------------------------------------


def test_layers_that_do_not_fit_each_other_are_named() -> None:
    model = nn.MLP(2, [3, 1])
    model.layers[0].neurons.pop()
    with pytest.raises(ValueError, match=r"^output takes 3 inputs, but got 2$"):
        model([1.0, 2.0])


def test_a_wrong_call_leaves_the_parameters_as_they_were() -> None:
    model = nn.MLP(2, [3, 1], rng=1)
    before = [(bits(p.data), bits(p.grad)) for p in model.parameters()]
    with pytest.raises(ValueError, match="takes 2 inputs"):
        model([1.0])
    assert [(bits(p.data), bits(p.grad)) for p in model.parameters()] == before


def test_a_network_tells_its_structure() -> None:
    assert repr(nn.MLP(2, [2, 1], activation="leaky_relu")) == (
        "MLP of [Layer of [LeakyReLUNeuron(2), LeakyReLUNeuron(2)], Layer of [LinearNeuron(2)]]"
    )


# ---- subclasses and shared weights ---------------------------------------------------------


@pytest.mark.parametrize(
    ("base", "arguments", "name", "make"),
    [
        (nn.MLP, (2, [4, 4]), "output", lambda: nn.Layer(4, 1)),
        (nn.MLP, (2, [4, 4]), "hidden", lambda: nn.Layer(4, 1)),
        (nn.Layer, (2, 3), "bias", lambda: Value(1.0)),
        (nn.Neuron, (2,), "weight", lambda: Value(1.0)),
    ],
)
def test_an_attribute_that_would_hide_what_the_class_has_is_refused(
    base: type[nn.Module], arguments: tuple[Any, ...], name: str, make: Callable[[], Any]
) -> None:
    class Own(base):  # type: ignore[misc, valid-type]
        pass

    model = Own(*arguments, rng=1)
    before = getattr(model, name, None)  # of a model of layers, one of these
    count, labels = len(model.parameters()), [name for name, _ in model.named_parameters()]
    with pytest.raises(ValueError, match=rf"^Own cannot have an attribute '{name}'"):
        setattr(model, name, make())
    assert getattr(model, name, None) is before
    assert len(model.parameters()) == count
    assert [name for name, _ in model.named_parameters()] == labels


def test_what_neurons_of_ones_own_have_is_saved_with_the_layer() -> None:
    class Scaled(nn.Neuron):
        def __init__(self, nin: int) -> None:
            super().__init__(nin, rng=1)
            self.scale = Value(2.0)

    layer = nn.Layer(2, 2, rng=1)
    layer.neurons = [Scaled(2), Scaled(2)]
    assert list(layer.state_dict()) == ["weight", "bias", "scale"]
    assert layer.state_dict()["scale"] == [2.0, 2.0]
    assert {parameter for _, parameter in layer.named_parameters()} == set(layer.parameters())


def test_a_weight_that_neurons_or_inputs_share_is_one_parameter() -> None:
    layer = nn.Layer(2, 2, rng=1)
    layer.neurons[1].w = layer.neurons[0].w
    assert len(layer.parameters()) == 4
    nn.SGD(layer.parameters(), lr=0.1)
    neuron = nn.Neuron(2, rng=1)
    neuron.w[1] = neuron.w[0]
    assert len(neuron.parameters()) == 2
