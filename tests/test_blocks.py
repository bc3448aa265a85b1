"""Embeddings, norms, dropout, softmax and functions as activations: by mathematics."""

from __future__ import annotations

import math
import random
from typing import Any

import pytest

import nn
from autodiff import Value, log, sigmoid
from tests.bits import all_bits
from tests.engines import ENGINES

inf, nan = math.inf, math.nan


# ---- softmax -------------------------------------------------------------------------------


def test_softmax_of_numbers_is_numbers_and_of_values_values() -> None:
    assert nn.softmax([0, 0]) == [0.5, 0.5]
    scores = [Value(0.0), Value(math.log(3.0))]
    assert [p.data for p in nn.softmax(scores)] == pytest.approx([0.25, 0.75], rel=1e-15)
    assert [p.data for p in nn.log_softmax(scores)] == pytest.approx(
        [math.log(0.25), math.log(0.75)], rel=1e-15
    )
    assert nn.log_sum_exp(scores).data == pytest.approx(math.log(4.0), rel=1e-15)


def test_a_score_that_is_ruled_out_gets_nothing_and_gives_nothing() -> None:
    scores = [Value(1.0), Value(-inf), Value(1.0)]
    shares = nn.softmax(scores)
    assert [p.data for p in shares] == [0.5, 0.0, 0.5]
    shares[0].backward()
    assert [s.grad for s in scores] == [0.25, 0.0, -0.25]


@pytest.mark.parametrize(
    ("scores", "wanted"),
    [([1e308, 1e308], 1e308), ([-inf, -inf], -inf), ([inf, 0.0], inf), ([nan, 0.0], nan)],
)
def test_log_sum_exp_is_right_at_the_ends(scores: list[float], wanted: float) -> None:
    assert all_bits([nn.log_sum_exp(scores)]) == all_bits([wanted])


# ---- embeddings ----------------------------------------------------------------------------


def test_an_embedding_is_its_weights_rows_and_only_those_looked_up_get_a_gradient() -> None:
    embedding = nn.Embedding(3, 2, rng=1)
    assert embedding([2, 0.0]) == [embedding.weight[2], embedding.weight[0]]
    first, second = embedding(1)
    (2.0 * first + 3.0 * second).backward()
    grads = [[w.grad for w in row] for row in embedding.weight]
    assert grads == [[0.0, 0.0], [2.0, 3.0], [0.0, 0.0]]
    assert embedding.weight[1][0].label == "weight[1][0]"


def test_an_embedding_starts_from_the_normal_distribution_of_its_seed() -> None:
    generator = random.Random(4)
    wanted = [[generator.gauss(0.0, 1.0) for _ in range(2)] for _ in range(3)]
    assert nn.Embedding(3, 2, rng=4).state_dict() == {"weight": wanted}
    random.seed(4)
    assert nn.Embedding(3, 2).state_dict() == {"weight": wanted}


class Words(nn.Module):
    """A score for each of two tokens."""

    def __init__(self) -> None:
        self.embedding = nn.Embedding(2, 2, rng=1)

    def __call__(self, x: Any) -> Any:
        return self.embedding(x[0])


def test_fit_trains_an_embedding_eagerly_and_says_why() -> None:
    model = Words()
    history = nn.fit(
        *(model, [[0], [1]], [1, 0]),
        **{"loss": nn.cross_entropy, "optimizer": nn.SGD(model.parameters(), 1.0), "epochs": 20},
    )
    assert history.engine == "eager"
    assert "embedding needs an int" in history.reason
    assert history.losses[-1] < 0.1


# ---- norms ---------------------------------------------------------------------------------


def test_norms_are_their_formulas() -> None:
    x = [1.0, 2.0, 6.0]
    rms = math.sqrt((1.0 + 4.0 + 36.0) / 3.0 + 0.5)
    assert [y.data for y in nn.RMSNorm(3, eps=0.5)(x)] == pytest.approx([n / rms for n in x])
    deviation = math.sqrt((4.0 + 1.0 + 9.0) / 3.0 + 0.5)
    wanted = [(n - 3.0) / deviation for n in x]
    assert [y.data for y in nn.LayerNorm(3, eps=0.5)(x)] == pytest.approx(wanted)


def test_norms_have_the_parameters_that_are_asked_for() -> None:
    assert list(nn.RMSNorm(2).state_dict()) == ["weight"]
    assert nn.RMSNorm(2, elementwise_affine=False).parameters() == []
    assert nn.LayerNorm(2).state_dict() == {"weight": [1.0, 1.0], "bias": [0.0, 0.0]}
    assert list(nn.LayerNorm(2, bias=False).state_dict()) == ["weight"]
    plain = nn.LayerNorm(2, elementwise_affine=False)
    assert plain.parameters() == []
    assert len(plain([1.0, 2.0])) == plain.input_count() == 2


class Normed(nn.Module):
    """A layer, a norm, and a neuron."""

    def __init__(self, norm: nn.Module) -> None:
        self.layer, self.norm = nn.Layer(2, 3, activation=bent, rng=1), norm
        self.dropout = nn.Dropout(0.5)
        self.out = nn.Neuron(3, activation="gelu", rng=2)

    def __call__(self, x: Any) -> Value:
        return self.out(self.dropout(self.norm(self.layer(x))))


def bent(x: Value) -> Value:
    """x * sigmoid(x)."""
    product: Value = x * sigmoid(x)
    return product


@pytest.mark.parametrize("norm", [nn.RMSNorm, nn.LayerNorm])
def test_every_engine_trains_norms_and_functions_with_the_same_bits(norm: Any) -> None:
    found = []
    for engine in ENGINES:
        model = Normed(norm(3)).eval()
        optimizer = nn.RMSprop(model.parameters())
        x, y = [(0.5, -1.0), (0.25, 2.0), (-1.5, 0.5)], [0.0, 1.0, 0.5]
        with pytest.warns(UserWarning, match="dropout is in eval"):
            history = nn.fit(model, x, y, optimizer=optimizer, epochs=20, engine=engine)
        assert history.engine == engine
        found.append(all_bits([*history.losses, *[p.data for p in model.parameters()]]))
    assert all(each == found[0] for each in found)


# ---- dropout -------------------------------------------------------------------------------


def test_dropout_divides_what_it_keeps_and_gives_nothing_to_what_it_drops() -> None:
    dropout, x = nn.Dropout(0.75, rng=3), Value(0.0)
    # log(0) has an infinite slope: times a 0 it would be nan
    outputs = dropout([log(x) + 1.0] * 200)
    dropped = [y for y in outputs if y.data == 0.0]
    assert {y.data for y in outputs} == {0.0, -inf}
    assert 120 < len(dropped) < 180  # 150, and five standard deviations
    (dropped[0] + 2.0 * x).backward()
    assert x.grad == 2.0
    kept = nn.Dropout(0.75, rng=3)([1.0] * 200)
    assert {y.data for y in kept} == {0.0, 4.0}


def test_dropout_draws_from_pythons_own_generator_without_one() -> None:
    random.seed(5)
    wanted = [2.0 if random.random() >= 0.5 else 0.0 for _ in range(9)]
    random.seed(5)
    assert [y.data for y in nn.Dropout()([1.0] * 9)] == wanted


def test_dropout_of_all_and_of_nothing() -> None:
    assert [y.data for y in nn.Dropout(1.0, rng=1)([1.0, inf])] == [0.0, 0.0]
    x = Value(2.0)
    assert nn.Dropout(0.0)([x])[0] is nn.Dropout(0.5).eval()([x])[0] is x
    assert nn.Dropout(0.5)([]) == []


def test_a_mode_that_is_none_is_refused() -> None:
    model = Normed(nn.RMSNorm(3)).eval()
    with pytest.raises(TypeError, match=r"^train\(\) needs True or False, but got the str 'yes'"):
        model.train("yes")  # type: ignore[arg-type]
    assert not model.training


def test_modules_lists_a_module_and_all_inside_it() -> None:
    model = Normed(nn.RMSNorm(3))
    assert model.modules() == [model, model.layer, model.norm, model.dropout, model.out]


def test_train_and_eval_reach_every_module_inside() -> None:
    model = Normed(nn.RMSNorm(3))
    assert model.training
    assert model.eval() is model
    assert (model.training, model.dropout.training, model.norm.training) == (False,) * 3
    assert model.train() is model
    assert (model.training, model.dropout.training, model.norm.training) == (True,) * 3


# ---- functions as activations --------------------------------------------------------------


def test_a_function_is_an_activation_and_its_nodes_are_the_neurons() -> None:
    model = nn.MLP(1, [2, 1], activation=bent, rng=1)
    neuron = model.layers[0].neurons[0]
    z = neuron.w[0].data * 0.5 + neuron.b.data
    output = neuron([0.5])
    assert output.data == pytest.approx(z / (1.0 + math.exp(-z)), rel=1e-15)
    assert output.origin.module == output.parents[1].origin.module == "hidden[0]"
    assert repr(neuron) == "bentNeuron(1)"
    neuron.nonlin = False
    assert repr(neuron) == "LinearNeuron(1)"


def test_a_callable_object_is_an_activation() -> None:
    class Half:
        def __call__(self, x: Value) -> Value:
            return x * 0.5

    assert repr(nn.Neuron(1, activation=Half(), rng=1)) == "HalfNeuron(1)"
