"""Modules: what they find, what they call it, and how their numbers go in and out."""

from __future__ import annotations

import copy
import inspect
import math
import pickle
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import nn
from autodiff import Value, draw
from tests.bits import all_bits, bits

inf, nan = math.inf, math.nan


class Polynomial(nn.Module):
    """A module with every kind of attribute: parameters, and what only looks like them."""

    def __init__(self) -> None:
        self.offset = Value(1.0)
        self.table = [[Value(2.0), Value(3.0)], [Value(4.0), Value(5.0)]]
        self.inner = nn.Neuron(2, rng=1)
        self.stack = [nn.Layer(1, 1, rng=2), nn.Layer(1, 2, rng=3)]
        self.degree = 3
        self.scale = 0.5
        self.nothing: list[Value] = []
        self.result = self.offset * 2.0
        self.two = self.result.parents[1]


class Array:
    """Like an array of any library: it turns itself into lists."""

    def __init__(self, nested: Any) -> None:
        self.nested = nested

    def tolist(self) -> Any:
        return self.nested


def xor_network() -> nn.MLP:
    return nn.MLP(2, [4, 1], activation="sigmoid", output_activation="sigmoid", rng=7)


def snapshot(model: nn.Module) -> list[tuple[Any, ...]]:
    """Return all that a failed load could have changed."""
    return [
        (name, id(parameter), bits(parameter.data), bits(parameter.grad), parameter.label)
        for name, parameter in model.named_parameters()
    ]


# ---- names ---------------------------------------------------------------------------------


def test_labels_are_the_paths_of_the_parameters() -> None:
    model = xor_network()
    assert model.layers[0].neurons[2].w[1].label == "hidden.weight[2][1]"
    assert model.layers[0].neurons[2].b.label == "hidden.bias[2]"
    assert model.layers[1].neurons[0].w[3].label == "output.weight[0][3]"
    assert model.layers[1].neurons[0].b.label == "output.bias[0]"


def test_several_hidden_layers_are_numbered_and_the_last_is_the_output() -> None:
    assert list(nn.MLP(2, [3, 3, 1]).children()) == ["hidden1", "hidden2", "output"]
    assert list(nn.MLP(2, [3, 1]).children()) == ["hidden", "output"]
    assert list(nn.MLP(2, [1]).children()) == ["output"]
    assert nn.MLP(2, [3, 3, 1]).layers[1].neurons[0].b.label == "hidden2.bias[0]"


def test_a_module_by_itself_labels_its_parameters_without_a_path() -> None:
    assert [p.label for p in nn.Neuron(2).parameters()] == ["weight[0]", "weight[1]", "bias"]
    assert nn.Layer(2, 3).neurons[2].w[1].label == "weight[2][1]"


def test_every_label_is_the_name_that_named_parameters_gives() -> None:
    for model in (xor_network(), nn.MLP(3, [2, 2, 2]), nn.Layer(2, 2), Polynomial()):
        assert all(parameter.label == name for name, parameter in model.named_parameters())


def test_a_parameter_knows_the_module_that_it_belongs_to() -> None:
    whole, part = nn.Module(), nn.Module()
    whole.offset, part.slope = Value(1.0), Value(2.0)  # type: ignore[attr-defined]
    assert [p.origin and p.origin.module for p in (*whole.parameters(), *part.parameters())] == [
        *("Module", "Module"),
    ]
    whole.part = part  # type: ignore[attr-defined]
    assert [p.origin and p.origin.module for p in whole.parameters()] == ["Module", "part"]


def test_assigning_a_module_to_an_attribute_relabels_its_parameters() -> None:
    layer = nn.Layer(2, 1)
    owner, outermost = nn.Module(), nn.Module()
    owner.head = layer  # type: ignore[attr-defined]
    assert layer.neurons[0].w[1].label == "head.weight[0][1]"
    outermost.body = owner  # type: ignore[attr-defined]
    assert layer.neurons[0].w[1].label == "body.head.weight[0][1]"


# ---- what is a parameter -------------------------------------------------------------------


def test_parameters_are_the_variables_among_the_attributes_at_any_depth() -> None:
    assert [name for name, _ in Polynomial().named_parameters()] == [
        "offset",
        "table[0][0]",
        "table[0][1]",
        "table[1][0]",
        "table[1][1]",
        "inner.weight[0]",
        "inner.weight[1]",
        "inner.bias",
        "stack.0.weight[0][0]",
        "stack.0.bias[0]",
        "stack.1.weight[0][0]",
        "stack.1.weight[1][0]",
        "stack.1.bias[0]",
        "stack.1.bias[1]",
    ]


@pytest.mark.parametrize(
    "model", [nn.Neuron(3), nn.Layer(3, 2), nn.MLP(3, [4, 2, 1]), Polynomial(), nn.Module()]
)
def test_parameters_and_named_parameters_list_the_same_values_once_each(model: nn.Module) -> None:
    parameters = model.parameters()
    assert len(set(parameters)) == len(parameters)
    assert set(parameters) == {parameter for _, parameter in model.named_parameters()}


def test_what_a_subclass_of_a_network_adds_is_trained_saved_and_named_too() -> None:
    class Scaled(nn.MLP):
        def __init__(self) -> None:
            super().__init__(2, [3, 1])
            self.scale = Value(2.0)
            self.extra = nn.Neuron(2)

    model = Scaled()
    added = [model.scale, *model.extra.parameters()]
    assert set(added) <= set(model.parameters())
    assert set(added) <= {parameter for _, parameter in model.named_parameters()}
    assert {"scale", "extra.weight", "extra.bias", "hidden.weight"} <= set(model.state_dict())


@pytest.mark.parametrize("kind", [nn.Neuron, nn.Layer])
def test_what_a_subclass_of_a_neuron_or_layer_adds_is_too(kind: type[nn.Module]) -> None:
    class Scaled(kind):  # type: ignore[misc, valid-type]
        def __init__(self) -> None:
            super().__init__(2, 3)  # a layer of 3 neurons; a neuron that is not linear
            self.scale = Value(2.0)
            self.extra = nn.Neuron(2)

    model = Scaled()
    added = {model.scale, *model.extra.parameters()}
    assert added <= set(model.parameters())
    assert added <= {parameter for _, parameter in model.named_parameters()}
    assert len(model.parameters()) == len(set(model.parameters())) == len(model.named_parameters())
    assert list(model.state_dict()) == ["weight", "bias", "scale", "extra.weight", "extra.bias"]
    assert model.scale.label == "scale"


class Doubled(nn.Module):
    """Twice its input."""

    def __call__(self, x: float) -> float:
        """Return 2 x."""
        return 2.0 * x


def test_a_call_keeps_its_docstring_and_its_parameters() -> None:
    assert Doubled.__call__.__doc__ == "Return 2 x."
    assert list(inspect.signature(Doubled()).parameters) == ["x"]
    assert Doubled()(1.5) == 3.0


class Shares(nn.Module):
    """Each input's share of all of them: a module without parameters."""

    def __call__(self, x: list[Value]) -> list[Value]:
        return [number / sum(x) for number in x]


def test_a_module_without_parameters_gives_its_nodes_its_class_as_path() -> None:
    shares = Shares()([Value(1.0), Value(3.0)])
    assert [node.origin and node.origin.module for node in shares] == ["Shares", "Shares"]
    assert "Shares" in draw(shares[1], fold="layer").source


class Alike(nn.MLP):
    """A network under another name."""


def test_a_subclass_without_a_call_of_its_own_is_called_as_its_base_is() -> None:
    network, alike = nn.MLP(2, [2, 1], rng=1), Alike(2, [2, 1], rng=1)
    assert bits(alike([0.5, -1.0]).data) == bits(network([0.5, -1.0]).data)


def test_a_parameter_that_two_modules_share_is_listed_once_and_saved_under_both_names() -> None:
    class Tied(nn.Module):
        def __init__(self) -> None:
            self.encoder, self.decoder = nn.Neuron(2), nn.Neuron(2)
            self.decoder.w = self.encoder.w

    model = Tied()
    parameters = model.parameters()
    assert len(parameters) == len(set(parameters)) == len(model.named_parameters()) == 4
    assert {"encoder.weight", "decoder.weight"} <= set(model.state_dict())
    nn.SGD(parameters, lr=0.1)


def test_a_network_has_as_many_parameters_as_the_textbook_counts() -> None:
    expected = (3 * 5 + 5) + (5 * 4 + 4) + (4 * 2 + 2)
    assert len(nn.MLP(3, [5, 4, 2]).parameters()) == expected


def test_zero_grad_clears_every_parameter() -> None:
    model = xor_network()
    nn.mse_loss([model([1.0, 2.0])], [1.0]).backward()
    assert all(parameter.grad != 0.0 for parameter in model.parameters())
    model.zero_grad()
    assert not any(parameter.has_grad for parameter in model.parameters())
    assert [p.grad for p in model.parameters()] == [0.0] * 17


def test_a_module_may_list_its_parameters_itself_as_micrograds_do() -> None:
    class Line(nn.Module):
        def __init__(self) -> None:
            self.slope = Value(2.0)
            self.seen = 0

        def __call__(self, x: float) -> Value:
            self.seen += 1
            return self.slope * x

        def parameters(self) -> list[Value]:
            return [self.slope]

    line = Line()
    line(3.0).backward()
    assert (line.slope.grad, line.seen) == (3.0, 1)
    line.zero_grad()
    assert line.slope.grad == 0.0


# ---- state_dict ----------------------------------------------------------------------------


def test_state_dict_has_the_names_and_shapes_of_a_linear_layer_elsewhere() -> None:
    model = xor_network()
    state = model.state_dict()
    assert list(state) == ["hidden.weight", "hidden.bias", "output.weight", "output.bias"]
    assert [len(row) for row in state["hidden.weight"]] == [2, 2, 2, 2]
    assert len(state["hidden.bias"]) == 4
    assert [len(row) for row in state["output.weight"]] == [4]
    assert len(state["output.bias"]) == 1
    assert state["hidden.weight"][2][1] == model.layers[0].neurons[2].w[1].data


def test_state_dict_gives_a_parameter_by_itself_as_a_number() -> None:
    assert Polynomial().state_dict()["offset"] == 1.0
    assert isinstance(nn.Neuron(2).state_dict()["bias"], float)


def test_state_dict_gives_floats_whatever_a_program_assigned() -> None:
    neuron = nn.Neuron(1)
    neuron.b.data = 1
    assert type(neuron.state_dict()["bias"]) is float


def test_state_dict_is_a_copy_in_both_directions() -> None:
    model = nn.Layer(2, 2, rng=1)
    before = snapshot(model)
    state = model.state_dict()
    state["weight"][0][0] = 99.0
    assert snapshot(model) == before
    model.load_state_dict(state)
    state["weight"][0][0] = -1.0
    assert model.neurons[0].w[0].data == 99.0


@settings(deadline=None)
@given(st.lists(st.floats(), min_size=6, max_size=6))
def test_a_state_dict_goes_into_another_model_bit_for_bit(numbers: list[float]) -> None:
    source, target = nn.Layer(2, 2, rng=1), nn.Layer(2, 2, rng=2)
    for parameter, number in zip(source.parameters(), numbers, strict=True):
        parameter.data = number
    target.load_state_dict(source.state_dict())
    assert all_bits(p.data for p in target.parameters()) == all_bits(numbers)


def test_load_state_dict_takes_arrays_tuples_and_ints() -> None:
    layer = nn.Layer(2, 1)
    layer.load_state_dict({"weight": Array([[0.5, -1.5]]), "bias": (3,)})
    assert [(p.data, type(p.data)) for p in layer.parameters()] == [
        (0.5, float),
        (-1.5, float),
        (3.0, float),
    ]


def test_load_state_dict_keeps_the_parameters_themselves_so_an_optimizer_still_moves_them() -> None:
    model = xor_network()
    before = model.parameters()
    model.load_state_dict(nn.MLP(2, [4, 1], rng=8).state_dict())
    assert all(now is then for now, then in zip(model.parameters(), before, strict=True))


WRONG_STATES: dict[str, tuple[Any, str]] = {
    "missing entry": ({"weight": [[1.0, 2.0]]}, "bias is missing"),
    "no entries": ({}, "weight is missing; bias is missing"),
    "extra entry": ({"weight": [[1.0, 2.0]], "bias": [3.0], "gain": [4.0]}, "gain is unknown"),
    "key that is no name": ({"weight": [[1.0, 2.0]], "bias": [3.0], 1: 2.0}, "1 is unknown"),
    "row too short": ({"weight": [[1.0]], "bias": [3.0]}, r"weight\[0\] needs a list of 2"),
    "row too long": ({"weight": [[1.0, 2.0, 3.0]], "bias": [3.0]}, r"weight\[0\] .* one of 3"),
    "too many rows": ({"weight": [[1.0, 2.0]] * 2, "bias": [3.0]}, "weight needs a list of 1"),
    "transposed": ({"weight": [[1.0], [2.0]], "bias": [3.0]}, "weight needs .* got one of 2"),
    "flat": ({"weight": [1.0, 2.0], "bias": [3.0]}, "weight needs a list of 1"),
    "number for a list": ({"weight": [[1.0, 2.0]], "bias": 3.0}, "bias needs a list of 1"),
    "list for a number": ({"weight": [[1.0, [2.0]]], "bias": [3.0]}, r"weight\[0\]\[1\] needs a"),
    "too deep": ({"weight": [[[1.0, 2.0]]], "bias": [3.0]}, r"weight\[0\] needs a list of 2"),
    "string": ({"weight": [[1.0, "2.0"]], "bias": [3.0]}, r"weight\[0\]\[1\] .* the str '2.0'"),
    "string for a list": ({"weight": ["12"], "bias": [3.0]}, r"weight\[0\] needs a list .* str"),
    "None": ({"weight": [[1.0, 2.0]], "bias": [None]}, r"bias\[0\] .* None"),
    "complex": ({"weight": [[1.0, 2.0]], "bias": [1j]}, r"bias\[0\] .* complex"),
    "int beyond a float": ({"weight": [[1.0, 2.0]], "bias": [10**400]}, r"bias\[0\] .* too large"),
    "array of another shape": ({"weight": Array([1.0, 2.0]), "bias": [3.0]}, "weight needs a list"),
}


@pytest.mark.parametrize(("state", "message"), WRONG_STATES.values(), ids=WRONG_STATES.keys())
def test_a_state_dict_that_does_not_fit_is_refused_by_name_and_changes_nothing(
    state: Any, message: str
) -> None:
    layer = nn.Layer(2, 1, rng=1)
    layer([1.0, 2.0])[0].backward()
    before = snapshot(layer)
    with pytest.raises(ValueError, match=f"^state dict does not fit the Layer: .*{message}"):
        layer.load_state_dict(state)
    assert snapshot(layer) == before


def test_an_unknown_entry_is_named_as_it_is_up_to_60_characters() -> None:
    state = nn.Neuron(1).state_dict() | {"a" * 60: 1.0, "b" * 61: 1.0}
    with pytest.raises(ValueError, match=rf": {'a' * 60} is unknown; 'b+\.\.\. is unknown$"):
        nn.Neuron(1).load_state_dict(state)


def test_every_entry_at_fault_is_named_at_once() -> None:
    with pytest.raises(ValueError, match=r"hidden.bias is missing") as caught:
        xor_network().load_state_dict(
            {"hidden.weight": [[1.0]], "output.weight": [[0.0] * 4], "output.bias": ["x"], "y": 1}
        )
    for fault in ("hidden.weight needs a list of 4", "y is unknown", "output.bias[0] needs"):
        assert fault in str(caught.value)


def test_a_state_dict_for_another_network_is_refused_and_changes_nothing() -> None:
    model = xor_network()
    before = snapshot(model)
    with pytest.raises(ValueError, match=r"hidden1.weight is unknown"):
        model.load_state_dict(nn.MLP(2, [4, 4, 1]).state_dict())
    assert snapshot(model) == before


@pytest.mark.parametrize("state", [None, 1.0, "weights", [("weight", [[1.0]])]])
def test_a_state_that_is_no_dict_is_a_type_error(state: Any) -> None:
    layer = nn.Layer(1, 1, rng=1)
    before = snapshot(layer)
    with pytest.raises(TypeError, match="load_state_dict needs a dict, but got"):
        layer.load_state_dict(state)
    assert snapshot(layer) == before


# ---- copies --------------------------------------------------------------------------------


@pytest.mark.parametrize("copied", [copy.deepcopy, lambda model: pickle.loads(pickle.dumps(model))])
def test_a_copy_has_the_same_numbers_and_labels_and_parameters_of_its_own(copied: Any) -> None:
    model = xor_network()
    twin = copied(model)
    assert [p.label for p in twin.parameters()] == [p.label for p in model.parameters()]
    assert all_bits(p.data for p in twin.parameters()) == all_bits(
        p.data for p in model.parameters()
    )
    assert not set(twin.parameters()) & set(model.parameters())
    assert bits(twin([1.0, 0.0]).data) == bits(model([1.0, 0.0]).data)
