"""The nn library beside PyTorch in float64: weights, losses, optimizers, and training.

Both sides compute the same formulas with different roundings (PyTorch adds in another order and
fuses multiply-adds), each of them 2**-53 at most.  Over some hundred operations in a row that is
below 1e-13, so a relative 1e-12 leaves no room for another formula: the smallest change of one,
an ``eps`` of 1e-8 in another place, moves a weight by far more.  ``ABSOLUTE`` is for numbers that
are small because larger ones cancelled, such as a gradient near 0.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import pytest

import nn
from autodiff import Value
from tests.bits import all_bits

torch = pytest.importorskip("torch", reason="PyTorch is what these tests compare with")

RELATIVE, ABSOLUTE = 1e-12, 1e-15
STEPS = 60


@pytest.fixture(autouse=True)
def _float64() -> Iterator[None]:
    """Let PyTorch make float64 tensors, and leave its settings as they were."""
    before = torch.get_default_dtype()
    torch.set_default_dtype(torch.float64)
    yield
    torch.set_default_dtype(before)


class TorchNetwork(torch.nn.Module):  # type: ignore[name-defined,misc]
    """The same network in PyTorch: a tanh layer and a linear one."""

    def __init__(self, nin: int, hidden: int, nout: int, activation: Any = torch.tanh) -> None:
        super().__init__()
        self.hidden = torch.nn.Linear(nin, hidden)
        self.output = torch.nn.Linear(hidden, nout)
        self.activation = activation

    def forward(self, x: Any) -> Any:
        return self.output(self.activation(self.hidden(x)))


def to_torch(model: nn.Module) -> dict[str, Any]:
    return {k: torch.tensor(v, dtype=torch.float64) for k, v in model.state_dict().items()}


def assert_close(ours: Any, theirs: Any, absolute: float = ABSOLUTE) -> None:
    assert ours == pytest.approx(theirs, rel=RELATIVE, abs=absolute)


def random_numbers(count: int, seed: int, low: float = -3.0, high: float = 3.0) -> list[float]:
    generator = random.Random(seed)
    return [generator.uniform(low, high) for _ in range(count)]


# ---- weights -------------------------------------------------------------------------------


def test_weights_move_to_a_torch_model_and_back_in_one_line_each_with_the_same_names() -> None:
    ours, theirs = nn.MLP(2, [4, 1], activation="tanh", rng=1), TorchNetwork(2, 4, 1)
    fresh = nn.MLP(2, [4, 1], activation="tanh", rng=2)

    theirs.load_state_dict(to_torch(ours))
    fresh.load_state_dict(theirs.state_dict())

    assert list(theirs.state_dict()) == list(ours.state_dict())
    for name, tensor in theirs.state_dict().items():
        entry = ours.state_dict()[name]
        assert tensor.tolist() == entry
        assert tensor.shape == torch.tensor(entry).shape
    assert all_bits(p.data for p in fresh.parameters()) == all_bits(
        p.data for p in ours.parameters()
    )


def test_a_network_with_its_weights_moved_gives_the_same_outputs_and_gradients() -> None:
    ours, theirs = nn.MLP(3, [5, 2], activation="tanh", rng=1), TorchNetwork(3, 5, 2)
    theirs.load_state_dict(to_torch(ours))
    x = random_numbers(3, seed=1)
    outputs, expected = ours(x), theirs(torch.tensor(x))
    assert_close([output.data for output in outputs], expected.tolist())
    (outputs[0] - 2.0 * outputs[1]).backward()
    (expected[0] - 2.0 * expected[1]).backward()
    gradients = {name: parameter.grad.tolist() for name, parameter in theirs.named_parameters()}
    for name, layer in ours.children().items():
        for place, neuron in enumerate(layer.neurons):
            assert_close([w.grad for w in neuron.w], gradients[f"{name}.weight"][place])
            assert_close(neuron.b.grad, gradients[f"{name}.bias"][place])


def test_a_float32_model_gives_its_exact_numbers() -> None:
    theirs = TorchNetwork(2, 4, 1).to(torch.float32)
    ours = nn.MLP(2, [4, 1])
    ours.load_state_dict(theirs.state_dict())
    assert ours.state_dict() == {
        name: tensor.to(torch.float64).tolist() for name, tensor in theirs.state_dict().items()
    }


def test_lists_of_modules_and_parameters_by_themselves_have_torchs_names_and_shapes() -> None:
    class Ours(nn.Module):
        def __init__(self) -> None:
            self.scale = Value(2.0)
            self.matrix = [[Value(1.0), Value(2.0), Value(3.0)]]
            self.layers = [nn.Layer(2, 3), nn.Layer(3, 1)]

    class Theirs(torch.nn.Module):  # type: ignore[name-defined,misc]
        def __init__(self) -> None:
            super().__init__()
            self.scale = torch.nn.Parameter(torch.zeros(()))
            self.matrix = torch.nn.Parameter(torch.zeros(1, 3))
            self.layers = torch.nn.ModuleList([torch.nn.Linear(2, 3), torch.nn.Linear(3, 1)])

    ours, theirs, fresh = Ours(), Theirs(), Ours()
    theirs.load_state_dict(to_torch(ours))
    assert list(theirs.state_dict()) == list(ours.state_dict())
    fresh.load_state_dict(theirs.state_dict())
    assert fresh.state_dict() == ours.state_dict()


def test_a_torch_model_of_another_shape_is_refused_and_changes_nothing() -> None:
    ours = nn.MLP(2, [4, 1], rng=1)
    before = all_bits(p.data for p in ours.parameters())
    with pytest.raises(ValueError, match=r"hidden.weight needs a list of 4, but got one of 3"):
        ours.load_state_dict(TorchNetwork(2, 3, 1).state_dict())
    assert all_bits(p.data for p in ours.parameters()) == before


def test_default_weights_and_biases_have_the_distribution_of_torchs_linear_layer() -> None:
    torch.manual_seed(1)
    theirs, ours = torch.nn.Linear(9, 1000), nn.Layer(9, 1000, rng=1).state_dict()
    for name in ("weight", "bias"):
        sample = torch.tensor(ours[name]).flatten()
        reference = getattr(theirs, name).detach().flatten()
        # Two samples' distance (Kolmogorov-Smirnov): beyond 1.63 once in a hundred times.
        places = torch.cat([sample, reference]).sort().values
        shares = [
            torch.searchsorted(numbers.sort().values, places, right=True) / len(numbers)
            for numbers in (sample, reference)
        ]
        distance = (shares[0] - shares[1]).abs().max().item()
        assert distance * math.sqrt(len(sample) / 2.0) < 1.63


def test_numbers_and_sizes_of_numpy_are_taken() -> None:
    numpy = pytest.importorskip("numpy", reason="its scalar types are what is given here")
    size, label = numpy.int64(2), numpy.int64(1)
    layer = nn.Layer(size, 2, nonlin=False, rng=1)
    layer.load_state_dict({k: numpy.array(v) for k, v in layer.state_dict().items()})
    assert layer.state_dict() == nn.Layer(2, 2, rng=1).state_dict()
    outputs = layer(numpy.array([0.5, -1.0]))
    assert nn.cross_entropy([outputs], numpy.array([label])).data == (
        nn.cross_entropy([layer([0.5, -1.0])], [1]).data
    )
    assert nn.mse_loss(outputs, numpy.float64([1.0, 2.0])).data == (
        nn.mse_loss(outputs, [1.0, 2.0]).data
    )
    layer.neurons[0].b.data = numpy.float32(0.5)
    assert type(layer.state_dict()["bias"][0]) is float


# ---- losses --------------------------------------------------------------------------------


def hinge(scores: Any, targets: Any) -> Any:
    zeros = torch.zeros_like(scores)
    return torch.nn.functional.margin_ranking_loss(scores, zeros, targets, margin=1.0)


COUNT = 48
ZEROS_AND_ONES = [float(place % 2) for place in range(COUNT)]
LOGITS = [*random_numbers(COUNT - 8, seed=3, low=-20.0, high=20.0), *(-1e3, -1e3, 0.0, 0.0)]
LOGITS += [1e3, 1e3, -40.0, 40.0]

LOSSES: dict[str, tuple[Callable[[Any, Any], Value], Any, list[float], list[float]]] = {
    "mse": (
        nn.mse_loss,
        torch.nn.functional.mse_loss,
        random_numbers(COUNT, seed=1),
        random_numbers(COUNT, seed=2),
    ),
    "binary cross-entropy": (
        nn.binary_cross_entropy,
        torch.nn.functional.binary_cross_entropy,
        random_numbers(COUNT, seed=3, low=0.001, high=0.999),
        ZEROS_AND_ONES,
    ),
    "binary cross-entropy, soft targets": (
        nn.binary_cross_entropy,
        torch.nn.functional.binary_cross_entropy,
        random_numbers(COUNT, seed=3, low=0.001, high=0.999),
        random_numbers(COUNT, seed=4, low=0.0, high=1.0),
    ),
    "binary cross-entropy with logits": (
        nn.binary_cross_entropy_with_logits,
        torch.nn.functional.binary_cross_entropy_with_logits,
        LOGITS,
        ZEROS_AND_ONES,
    ),
    "binary cross-entropy with logits, soft targets": (
        nn.binary_cross_entropy_with_logits,
        torch.nn.functional.binary_cross_entropy_with_logits,
        LOGITS,
        random_numbers(COUNT, seed=4, low=0.0, high=1.0),
    ),
    "hinge": (
        nn.hinge_loss,
        hinge,
        random_numbers(COUNT, seed=5),
        [2.0 * target - 1.0 for target in ZEROS_AND_ONES],
    ),
}


@pytest.mark.parametrize(("ours", "theirs", "x", "t"), LOSSES.values(), ids=LOSSES.keys())
def test_a_loss_and_its_gradients_are_torchs_of_numbers_and_of_rows(
    ours: Callable[[Any, Any], Value], theirs: Any, x: list[float], t: list[float]
) -> None:
    variables, tensor = list(map(Value, x)), torch.tensor(x, requires_grad=True)
    loss, expected = ours(variables, t), theirs(tensor, torch.tensor(t))
    loss.backward()
    expected.backward()
    assert_close(loss.data, expected.item())
    assert_close([variable.grad for variable in variables], tensor.grad.tolist())
    # A mean would hide the loss of a small term behind those of large ones.
    for number, target in zip(x, t, strict=True):
        expected = theirs(torch.tensor([number]), torch.tensor([target])).item()
        assert_close(ours([Value(number)], [target]).data, expected)
    places = range(0, COUNT, 4)
    rows, targets = [[numbers[place : place + 4] for place in places] for numbers in (variables, t)]
    expected = theirs(torch.tensor(x).reshape(-1, 4), torch.tensor(t).reshape(-1, 4)).item()
    assert_close(ours(rows, targets).data, expected)


@pytest.mark.parametrize("p", [0.0, 1.0, 1e-300, 1e-50, 1e-20, 1.0 - 2.0**-53])
@pytest.mark.parametrize("t", [0.0, 0.25, 1.0])
def test_binary_cross_entropy_stops_its_logarithms_where_torch_does(p: float, t: float) -> None:
    tensors = torch.tensor([p]), torch.tensor([t])
    expected = torch.nn.functional.binary_cross_entropy(*tensors).item()
    assert_close(nn.binary_cross_entropy([Value(p)], [t]).data, expected)


CLASS_ROWS = [
    random_numbers(5, seed=6),
    random_numbers(5, seed=7, low=-300.0, high=300.0),
    [1e3, -1e3, 0.0, 1e3, -1e3],
    [2.0, 2.0, 2.0, 2.0, -math.inf],
    [-1e300, 1e300, 0.0, 1.0, -1.0],
]


def assert_cross_entropy_is_torchs(rows: list[list[float]], targets: list[Any]) -> None:
    variables = [list(map(Value, row)) for row in rows]
    tensor = torch.tensor(rows, requires_grad=True)
    loss = nn.cross_entropy(variables, targets)
    expected = torch.nn.functional.cross_entropy(tensor, torch.tensor(targets))
    loss.backward()
    expected.backward()
    assert_close(loss.data, expected.item())
    for row, gradients in zip(variables, tensor.grad.tolist(), strict=True):
        assert_close([variable.grad for variable in row], gradients)


@pytest.mark.parametrize("targets", [[0, 1, 2, 3, 0], [3, 3, 3, 0, 1], [2, 0, 1, 2, 3]])
def test_cross_entropy_and_its_gradients_are_torchs(targets: list[int]) -> None:
    assert_cross_entropy_is_torchs(CLASS_ROWS, targets)


@pytest.mark.parametrize("low", [0.0, -1.0])
def test_cross_entropy_with_shares_of_classes_is_torchs(low: float) -> None:
    shares = [random_numbers(5, seed=seed, low=low, high=1.0) for seed in (8, 9, 10)]
    assert_cross_entropy_is_torchs(CLASS_ROWS[:3], shares)


# ---- optimizers ----------------------------------------------------------------------------

OPTIMIZERS: dict[str, tuple[Any, Any, dict[str, Any]]] = {
    "sgd": (nn.SGD, torch.optim.SGD, {"lr": 0.1}),
    "momentum": (nn.SGD, torch.optim.SGD, {"lr": 0.05, "momentum": 0.9}),
    "nesterov": (nn.SGD, torch.optim.SGD, {"lr": 0.05, "momentum": 0.9, "nesterov": True}),
    "weight decay": (nn.SGD, torch.optim.SGD, {"lr": 0.1, "weight_decay": 0.1}),
    "all of sgd": (
        nn.SGD,
        torch.optim.SGD,
        {"lr": 0.05, "momentum": 0.8, "nesterov": True, "weight_decay": 0.1},
    ),
    "adam by default": (nn.Adam, torch.optim.Adam, {}),
    "adam": (nn.Adam, torch.optim.Adam, {"lr": 0.05, "betas": (0.8, 0.95), "eps": 1e-3}),
    "adam, small beta1": (nn.Adam, torch.optim.Adam, {"lr": 0.05, "betas": (0.2, 0.9)}),
    "adam with weight decay": (nn.Adam, torch.optim.Adam, {"lr": 0.05, "weight_decay": 0.1}),
    "adamw by default": (nn.AdamW, torch.optim.AdamW, {}),
    "adamw": (nn.AdamW, torch.optim.AdamW, {"lr": 0.05, "weight_decay": 0.3}),
}
# What divides by the size of small gradients enlarges each rounding when it trains.
SINGLE_STEPS: dict[str, tuple[Any, Any, dict[str, Any]]] = {
    **OPTIMIZERS,
    "rmsprop": (nn.RMSprop, torch.optim.RMSprop, {"lr": 0.05}),
    "rmsprop with momentum": (nn.RMSprop, torch.optim.RMSprop, {"lr": 0.05, "momentum": 0.9}),
    "all of rmsprop": (
        nn.RMSprop,
        torch.optim.RMSprop,
        {"lr": 0.05, "weight_decay": 0.1, "alpha": 0.9, "eps": 1e-3},
    ),
}


@pytest.mark.parametrize(
    ("ours", "theirs", "settings"), SINGLE_STEPS.values(), ids=SINGLE_STEPS.keys()
)
def test_an_optimizer_makes_torchs_steps_for_the_same_gradients(
    ours: Any, theirs: Any, settings: dict[str, Any]
) -> None:
    start = random_numbers(7, seed=8)
    parameters, tensor = list(map(Value, start)), torch.tensor(start, requires_grad=True)
    optimizer, reference = ours(parameters, **settings), theirs([tensor], **settings)
    for step in range(STEPS):
        # One parameter never gets a gradient, another only at times, a third only tiny ones.
        gradients = random_numbers(7, seed=100 + step)
        gradients[0] = 0.0
        gradients[1] *= step % 3 == 0
        gradients[2] *= 1e-9
        for parameter, gradient in zip(parameters, gradients, strict=True):
            parameter.grad = gradient
        tensor.grad = torch.tensor(gradients)
        optimizer.step()
        reference.step()
        # A weight that passes 0 keeps the error that it had at its former size, 3 at most:
        # 60 steps that round it by 2**-52 a few times each stay below 1e-13.
        assert_close([p.data for p in parameters], tensor.tolist(), absolute=1e-13)


def assert_trains_alike(
    ours: tuple[nn.Module, Any, Callable[[], Value]],
    theirs: tuple[Any, Any, Callable[[], Any]],
    epochs: int,
) -> None:
    """Train two models, each by its optimizer and loss: losses and final weights are the same."""
    model, network = ours[0], theirs[0]
    for _ in range(epochs):
        losses = []
        for _, optimizer, loss_of in (ours, theirs):
            loss = loss_of()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            losses.append(loss)
        assert_close(losses[0].data, losses[1].item(), absolute=0.0)
    for name, weights in to_torch(model).items():
        difference = (weights - network.state_dict()[name]).abs() / weights.abs().clamp(min=1.0)
        assert difference.max().item() < RELATIVE, name


@pytest.mark.unmeasured
@pytest.mark.parametrize(("ours", "theirs", "settings"), OPTIMIZERS.values(), ids=OPTIMIZERS.keys())
def test_training_with_an_optimizer_is_torchs_training(
    ours: Any, theirs: Any, settings: dict[str, Any]
) -> None:
    model, network = nn.MLP(2, [6, 1], activation="tanh", rng=1), TorchNetwork(2, 6, 1)
    network.load_state_dict(to_torch(model))
    x = [random_numbers(2, seed=seed) for seed in range(12)]
    y = [float(one * other > 0.0) for one, other in x]
    inputs, targets = torch.tensor(x), torch.tensor(y)

    def our_loss() -> Value:
        return nn.binary_cross_entropy_with_logits([model(row) for row in x], y)

    def their_loss() -> Any:
        outputs = network(inputs).squeeze(1)
        return torch.nn.functional.binary_cross_entropy_with_logits(outputs, targets)

    assert_trains_alike(
        (model, ours(model.parameters(), **settings), our_loss),
        (network, theirs(network.parameters(), **settings), their_loss),
        epochs=STEPS,
    )


# ---- the lab -------------------------------------------------------------------------------

LAB_WEIGHTS = {
    "hidden.weight": [[0.577, -0.434], [-0.664, 0.488], [-0.03, -0.447], [-0.231, 0.707]],
    "hidden.bias": [-0.586, 0.268, 0.268, 0.162],
    "output.weight": [[0.025, 0.499, -0.07, -0.329]],
    "output.bias": [-0.442],
}
XOR = {(0.0, 0.0): 0.0, (0.0, 1.0): 1.0, (1.0, 0.0): 1.0, (1.0, 1.0): 0.0}


def test_the_labs_training_has_torchs_loss_in_each_of_500_epochs() -> None:
    model = nn.MLP(2, [4, 1], activation="sigmoid", output_activation="sigmoid")
    model.load_state_dict(LAB_WEIGHTS)
    network = TorchNetwork(2, 4, 1, activation=torch.sigmoid)
    network.load_state_dict(to_torch(model))
    x, y = list(XOR), list(XOR.values())
    inputs, targets = torch.tensor(x), torch.tensor(y)

    def our_loss() -> Value:
        return nn.mse_loss([model(row) for row in x], y)

    def their_loss() -> Any:
        return torch.nn.functional.mse_loss(torch.sigmoid(network(inputs)).squeeze(1), targets)

    assert_trains_alike(
        (model, nn.SGD(model.parameters(), lr=0.1), our_loss),
        (network, torch.optim.SGD(network.parameters(), lr=0.1), their_loss),
        epochs=500,
    )


# ---- softmax, norms, embeddings, schedules ------------------------------------------


def log_sum_exp(x: Any) -> Any:
    return [nn.log_sum_exp(x)] if isinstance(x, list) else torch.logsumexp(x, 0)[None]


def assert_is_torchs(ours: Any, theirs: Any, count: int) -> None:
    """Compare a function of a vector: its values, and the gradients of their weighted sum."""
    numbers, weights = random_numbers(count, 1), random_numbers(count, 2)
    x, tensor = [*map(Value, numbers)], torch.tensor(numbers, requires_grad=True)
    outputs, expected = ours(x), theirs(tensor)
    assert_close([y.data for y in outputs], expected.tolist())
    sum((y * w for y, w in zip(outputs, weights, strict=False)), Value(0.0)).backward()
    (expected * torch.tensor(weights[: len(expected)])).sum().backward()
    assert_close([each.grad for each in x], tensor.grad.tolist(), 1e-14)


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        (nn.softmax, partial(torch.softmax, dim=0)),
        (nn.log_softmax, partial(torch.log_softmax, dim=0)),
        (log_sum_exp, log_sum_exp),
    ],
)
def test_softmax_and_its_kin_have_pytorchs_values_and_gradients(ours: Any, theirs: Any) -> None:
    assert_is_torchs(ours, theirs, 7)


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        (nn.RMSNorm(5), torch.nn.RMSNorm(5, dtype=torch.float64)),
        (nn.RMSNorm(5, 1e-3, False), torch.nn.RMSNorm(5, 1e-3, False, dtype=torch.float64)),
        (nn.LayerNorm(5), torch.nn.LayerNorm(5, dtype=torch.float64)),
        (nn.LayerNorm(5, bias=False), torch.nn.LayerNorm(5, bias=False, dtype=torch.float64)),
    ],
)
def test_norms_have_pytorchs_values_and_gradients(ours: Any, theirs: Any) -> None:
    for place, parameter in enumerate(ours.parameters()):
        parameter.data = random_numbers(1, place)[0]
    theirs.load_state_dict(to_torch(ours))
    assert_is_torchs(ours, theirs, 5)
    for name, parameter in theirs.named_parameters():
        assert_close([p.grad for p in getattr(ours, name)], parameter.grad.tolist(), 1e-14)


def test_an_embedding_takes_pytorchs_weights() -> None:
    theirs, ours = torch.nn.Embedding(4, 3), nn.Embedding(4, 3, rng=1)
    ours.load_state_dict(theirs.state_dict())
    assert [[w.data for w in row] for row in ours([2, 0])] == theirs(torch.tensor([2, 0])).tolist()


@pytest.mark.parametrize(
    ("schedule", "build"),
    [
        (
            nn.LinearDecay(STEPS),
            lambda o: torch.optim.lr_scheduler.LinearLR(o, 1.0, 0.0, total_iters=STEPS),
        ),
        (
            nn.CosineDecay(STEPS),
            lambda o: torch.optim.lr_scheduler.CosineAnnealingLR(o, T_max=STEPS),
        ),
        (nn.ExponentialDecay(0.9), lambda o: torch.optim.lr_scheduler.ExponentialLR(o, 0.9)),
    ],
)
def test_schedules_are_pytorchs(schedule: Any, build: Any) -> None:
    w, tensor = Value(0.75), torch.tensor([0.75], requires_grad=True)
    ours, theirs = nn.Adam([w], 0.05, schedule=schedule), torch.optim.Adam([tensor], 0.05)
    scheduler = build(theirs)
    for gradient in random_numbers(STEPS, 5):
        w.grad, tensor.grad = gradient, torch.tensor([gradient])
        ours.step()
        theirs.step()
        scheduler.step()
        assert_close(w.data, tensor.item())
