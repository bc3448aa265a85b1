"""Losses against their definitions, computed with hundreds of decimal digits.

Python's ``decimal`` is the reference: its ``exp`` and ``ln`` round correctly at any precision.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from decimal import Decimal, localcontext
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import nn
from autodiff import Value, topological_order
from nn.losses import indicated_cross_entropy
from tests.bits import all_bits, bits, steps_between

inf, nan = math.inf, math.nan
EPSILON = 2.0**-52


@pytest.fixture(autouse=True)
def _many_digits() -> Iterator[None]:
    # 1 + e**-745 needs more than 324 digits to differ from 1.
    with localcontext() as context:
        context.prec = 400
        yield


def gradients_of(loss: Value, variables: list[Value]) -> list[float]:
    loss.backward()
    return [variable.grad for variable in variables]


def exact_sigmoid(z: float) -> Decimal:
    return 1 / (1 + (-Decimal(z)).exp())


def exact_softplus(z: float) -> Decimal:
    return (1 + Decimal(z).exp()).ln()


def exact_cross_entropy(row: list[float], target: int) -> Decimal:
    # The largest exponent is 0: a sum of e**1e308 would overflow even here.
    largest = max(map(Decimal, row))
    shifted = [Decimal(z) - largest for z in row]
    return sum(max(z, Decimal(-10000)).exp() for z in shifted).ln() - shifted[target]


# ---- mean squared error --------------------------------------------------------------------


def test_mse_loss_is_the_mean_of_the_squared_differences() -> None:
    predictions, targets = [1.5, -2.0, 0.25, 3.0], [1.0, 2.0, 0.0, -1.0]
    # All of these are sums of few powers of 2, so floats hold them exactly.
    assert nn.mse_loss(map(Value, predictions), targets).data == (0.25 + 16 + 0.0625 + 16) / 4


def test_the_gradient_of_mse_loss_is_twice_the_difference_over_the_count() -> None:
    variables, targets = [Value(1.5), Value(-2.0), Value(0.25), Value(3.0)], [1.0, 2.0, 0.0, -1.0]
    assert gradients_of(nn.mse_loss(variables, targets), variables) == [0.25, -2.0, 0.125, 2.0]


def test_targets_that_are_values_get_gradients_too() -> None:
    prediction, target = Value(3.0), Value(1.0)
    assert gradients_of(nn.mse_loss([prediction], [target]), [prediction, target]) == [4.0, -4.0]


# ---- binary cross-entropy of probabilities -------------------------------------------------

PROBABILITIES = [1e-30, 1e-10, 0.001, 0.25, 0.5, 0.7, 0.999, 1.0 - 2.0**-20, 1.0 - 2.0**-53]
TARGETS = [0.0, 0.125, 0.5, 1.0]


@pytest.mark.parametrize("t", TARGETS)
@pytest.mark.parametrize("p", PROBABILITIES)
def test_binary_cross_entropy_is_its_definition_to_the_last_places(p: float, t: float) -> None:
    exact, target = Decimal(p), Decimal(t)
    expected = float(-(target * exact.ln() + (1 - target) * (1 - exact).ln()))
    # 1 - p is rounded once, which moves its logarithm by half a step of a float near 1.
    assert nn.binary_cross_entropy([Value(p)], [t]).data == pytest.approx(
        expected, rel=4 * EPSILON, abs=EPSILON
    )


@pytest.mark.parametrize("t", TARGETS)
@pytest.mark.parametrize("p", PROBABILITIES)
def test_the_gradient_of_binary_cross_entropy_is_p_minus_t_over_p_times_1_minus_p(
    p: float, t: float
) -> None:
    variable = Value(p)
    (gradient,) = gradients_of(nn.binary_cross_entropy([variable], [t]), [variable])
    exact, target = Decimal(p), Decimal(t)
    expected = float((exact - target) / (exact * (1 - exact)))
    # The two terms of it, -t / p and (1 - t) / (1 - p), are added as floats.
    size = t / p + (1.0 - t) / (1.0 - p)
    assert gradient == pytest.approx(expected, rel=0.0, abs=4 * EPSILON * size)


@pytest.mark.parametrize(
    ("p", "t", "expected"),
    [(0.0, 0.0, 0.0), (0.0, 1.0, 100.0), (1.0, 0.0, 100.0), (1.0, 1.0, 0.0), (0.0, 0.5, 50.0)],
)
def test_binary_cross_entropy_is_finite_at_0_and_1(p: float, t: float, expected: float) -> None:
    variable = Value(p)
    loss = nn.binary_cross_entropy([variable], [t])
    assert loss.data == expected
    loss.backward()
    assert math.isfinite(variable.grad)


@pytest.mark.parametrize(("p", "expected"), [(0.0, 1.0), (1.0, -1.0)])
def test_a_right_prediction_of_0_or_1_still_has_the_gradient_of_its_logarithm(
    p: float, expected: float
) -> None:
    variable = Value(p)
    loss = nn.binary_cross_entropy([variable], [p])
    assert gradients_of(loss, [variable]) == [expected]


@pytest.mark.parametrize("p", [5e-324, 1e-300, 1e-44])
def test_the_logarithm_of_a_tiny_probability_stops_at_minus_100(p: float) -> None:
    assert nn.binary_cross_entropy([Value(p)], [1.0]).data == 100.0


# ---- binary cross-entropy of logits --------------------------------------------------------

LOGITS = [0.0, 1e-300, 1e-8, 0.1, 1.0, 3.0, 10.0, 36.0, 40.0, 100.0, 700.0, 740.0, 1000.0, 1e6]
LOGITS_OF_BOTH_SIGNS = sorted({sign * z for z in LOGITS for sign in (1.0, -1.0)})


@pytest.mark.parametrize("t", [0.0, 1.0])
@pytest.mark.parametrize("z", LOGITS_OF_BOTH_SIGNS)
def test_binary_cross_entropy_with_logits_is_right_to_the_last_places_at_any_logit(
    z: float, t: float
) -> None:
    expected = float(exact_softplus(-z) if t else exact_softplus(z))
    assert steps_between(nn.binary_cross_entropy_with_logits([Value(z)], [t]).data, expected) <= 2


@pytest.mark.parametrize("t", [0.125, 0.5])
@pytest.mark.parametrize("z", LOGITS_OF_BOTH_SIGNS)
def test_binary_cross_entropy_with_logits_takes_targets_between_0_and_1(z: float, t: float) -> None:
    target = Decimal(t)
    expected = float(target * exact_softplus(-z) + (1 - target) * exact_softplus(z))
    assert steps_between(nn.binary_cross_entropy_with_logits([Value(z)], [t]).data, expected) <= 4


@pytest.mark.parametrize("t", [0.0, 1.0])
@pytest.mark.parametrize("z", LOGITS_OF_BOTH_SIGNS)
def test_the_gradient_by_a_logit_is_sigmoid_minus_target_to_the_last_places(
    z: float, t: float
) -> None:
    variable = Value(z)
    loss = nn.binary_cross_entropy_with_logits([variable], [t])
    (gradient,) = gradients_of(loss, [variable])
    # sigmoid(z) - 1 is -sigmoid(-z), which the decimal digits resolve where floats would not.
    expected = float(-exact_sigmoid(-z) if t else exact_sigmoid(z))
    assert steps_between(gradient, expected) <= 2


def test_a_confident_mistake_in_logits_costs_its_logit() -> None:
    assert nn.binary_cross_entropy_with_logits([Value(1e300)], [0.0]).data == 1e300
    assert nn.binary_cross_entropy_with_logits([Value(-1e300)], [1.0]).data == 1e300


@settings(deadline=None)
@given(st.floats(-30.0, 30.0), st.floats(0.0, 1.0))
def test_both_binary_cross_entropies_agree(z: float, t: float) -> None:
    of_logits = nn.binary_cross_entropy_with_logits([Value(z)], [t]).data
    of_probabilities = nn.binary_cross_entropy([Value(z).sigmoid()], [t]).data
    # Where sigmoid(z) is near 1, 1 - sigmoid(z) is e**-z with an error of 2**-53.
    assert of_probabilities == pytest.approx(of_logits, rel=1e-14, abs=2.0**-52 * math.exp(abs(z)))


# ---- cross-entropy -------------------------------------------------------------------------

ROWS = [
    [0.0, 0.0],
    [1.0, 2.0, 3.0],
    [-0.5, 0.25, 0.125, 2.0],
    [5.0],
    [10.0, 10.0, 10.0],
    [0.0, 30.0],
    [1000.0, 0.0, -1000.0],
    [1e6, 1e6 + 1.0],
    [-1e300, 1e300, 0.0],
    [1e-300, -1e-300],
]
ROWS_AND_TARGETS = [(row, target) for row in ROWS for target in range(len(row))]


@pytest.mark.parametrize(("row", "target"), ROWS_AND_TARGETS)
def test_cross_entropy_is_minus_the_log_of_the_softmax(row: list[float], target: int) -> None:
    expected = float(exact_cross_entropy(row, target))
    assert nn.cross_entropy([list(map(Value, row))], [target]).data == pytest.approx(
        expected, rel=4 * EPSILON, abs=0.0
    )


@pytest.mark.parametrize(("row", "target"), ROWS_AND_TARGETS)
def test_the_gradient_of_cross_entropy_is_softmax_minus_the_target(
    row: list[float], target: int
) -> None:
    variables = list(map(Value, row))
    gradients = gradients_of(nn.cross_entropy([variables], [target]), variables)
    softmax = [(-exact_cross_entropy(row, place)).exp() for place in range(len(row))]
    expected = [float(share - (place == target)) for place, share in enumerate(softmax)]
    assert gradients == pytest.approx(expected, rel=0.0, abs=4 * EPSILON)


def test_cross_entropy_is_the_mean_over_the_rows() -> None:
    rows, targets = [[0.5, -1.0, 2.0], [1.0, 1.5, -0.5]], [2, 0]
    expected = sum(map(exact_cross_entropy, rows, targets), Decimal(0)) / 2
    loss = nn.cross_entropy([list(map(Value, row)) for row in rows], targets)
    assert loss.data == pytest.approx(float(expected), rel=4 * EPSILON)


@pytest.mark.parametrize("row", [[0.5], [0.5, -1.0], [0.5, -1.0, 2.0], [300.0, -300.0, 0.0, 1.0]])
@pytest.mark.parametrize("kind", [float, Value])
def test_a_class_number_may_be_a_float_or_a_value(
    row: list[float], kind: Callable[[float], Any]
) -> None:
    """So targets arrive in a loss of one's own; loss and gradients have the bits of the int's."""
    for target in range(len(row)):
        whole, other = list(map(Value, row)), list(map(Value, row))
        of_int = nn.cross_entropy([whole], [target])
        loss = nn.cross_entropy([other], [kind(float(target))])
        assert bits(loss.data) == bits(of_int.data)
        assert all_bits(gradients_of(loss, other)) == all_bits(gradients_of(of_int, whole))


@pytest.mark.parametrize("engine", ["eager", "auto", "python", "native"])
def test_cross_entropy_in_a_loss_of_one_s_own_trains_as_alone(engine: str) -> None:
    """``fit`` makes floats of targets, and a program has a Value for one."""
    if engine == "native":
        pytest.importorskip("llvmlite", reason="it makes the machine code")

    def own(predictions: Any, targets: Any) -> Value:
        return nn.cross_entropy(predictions, targets)

    x, y = [[0.0, 1.0], [1.0, 0.0], [1.0, 1.0]], [2, 0, 1]
    found: list[list[float]] = []
    for loss in (nn.cross_entropy, own):
        model = nn.MLP(2, [4, 3], activation="tanh", rng=1)
        optimizer = nn.SGD(model.parameters(), lr=0.1)
        history = nn.fit(model, x, y, loss=loss, optimizer=optimizer, epochs=5, engine=engine)
        assert history.reason == ""
        found.append([*history.losses, *(weight.data for weight in model.parameters())])
    assert all_bits(found[0]) == all_bits(found[1])


def test_cross_entropy_takes_one_row_with_one_target() -> None:
    row = [0.5, -1.0, 2.0]
    one = nn.cross_entropy(list(map(Value, row)), 1).data
    assert bits(one) == bits(nn.cross_entropy([list(map(Value, row))], [1]).data)


def test_a_class_with_a_logit_of_minus_infinity_is_ruled_out_and_changes_nothing_else() -> None:
    variables = [Value(-inf), Value(0.5), Value(-1.0)]
    loss = nn.cross_entropy([variables], [1])
    assert loss.data == pytest.approx(float(exact_cross_entropy([0.5, -1.0], 0)), rel=4 * EPSILON)
    gradients = gradients_of(loss, variables)
    assert gradients[0] == 0.0
    share = float((-exact_cross_entropy([0.5, -1.0], 1)).exp())
    assert gradients[1:] == pytest.approx([-share, share], abs=4 * EPSILON)


@pytest.mark.parametrize(
    ("classes", "operations"),
    [
        (2, "sub softplus"),
        # The two others: their larger one, their exponentials' sum and its logarithm.
        (3, "maximum maximum sub exp sub exp add maximum log sub add softplus"),
    ],
)
def test_the_graph_of_cross_entropy_has_no_box_too_many(classes: int, operations: str) -> None:
    loss = nn.cross_entropy([Value(float(place)) for place in range(classes)], 0)
    drawn = [node.op.name for node in topological_order(loss) if node.op is not None]
    assert sorted(drawn) == sorted(operations.split())


def test_where_all_other_classes_are_ruled_out_nothing_is_left_to_learn() -> None:
    for others in range(1, 4):
        variables = [Value(0.5), *(Value(-inf) for _ in range(others))]
        loss = nn.cross_entropy([variables], [0])
        assert loss.data == 0.0
        assert gradients_of(loss, variables) == [0.0] * (others + 1)


def test_a_class_that_is_ruled_out_and_right_costs_all() -> None:
    for others in range(1, 4):
        variables = [Value(-inf), *(Value(0.5) for _ in range(others))]
        loss = nn.cross_entropy([variables], [0])
        assert loss.data == inf
        assert gradients_of(loss, variables) == [-1.0] + [1.0 / others] * others


def test_two_classes_are_binary_cross_entropy_of_the_difference_of_the_logits() -> None:
    for z in (-5.0, -0.5, 0.0, 2.0, 20.0):
        two = nn.cross_entropy([[Value(0.0), Value(z)]], [1]).data
        one = nn.binary_cross_entropy_with_logits([Value(z)], [1.0]).data
        assert bits(two) == bits(one)


SHARES = [
    ([1.0, 2.0, 3.0], (0.25, 0.5, 0.25)),
    ([-0.5, 0.25, 0.125, 2.0], [0.0, 1.0, 0.0, 0.0]),
    ([1000.0, 0.0, -1000.0], [0.125, 0.125, 0.75]),
    ([5.0], [1]),
    # PyTorch does not ask that they sum to 1 either.
    ([0.5, -1.0], [0.25, 0.25]),
    ([0.5, -1.0, 2.0], [1.0, 2.0, 3.0]),
    ([0.5, -1.0], [0.0, 0.0]),
]


@pytest.mark.parametrize(("row", "shares"), SHARES)
def test_cross_entropy_with_shares_of_classes_is_minus_their_sum_of_log_softmax(
    row: list[float], shares: Any
) -> None:
    exact = [exact_cross_entropy(row, place) for place in range(len(row))]
    terms = [Decimal(share) * surprise for share, surprise in zip(shares, exact, strict=True)]
    loss = nn.cross_entropy([list(map(Value, row))], [shares])
    assert loss.data == pytest.approx(float(sum(terms)), rel=8 * EPSILON, abs=0.0)


@pytest.mark.parametrize(("row", "shares"), SHARES)
def test_the_gradient_by_a_logit_is_softmax_times_all_shares_minus_its_own(
    row: list[float], shares: Any
) -> None:
    logits, targets = list(map(Value, row)), list(map(Value, shares))
    gradients = gradients_of(nn.cross_entropy([logits], [targets]), logits)
    exact = [exact_cross_entropy(row, place) for place in range(len(row))]
    total = Decimal(sum(shares))
    expected = [
        float((-surprise).exp() * total - Decimal(share))
        for surprise, share in zip(exact, shares, strict=True)
    ]
    assert gradients == pytest.approx(expected, rel=0.0, abs=8 * EPSILON * float(total))
    # A share is multiplied with the surprise at its class.
    assert [target.grad for target in targets] == pytest.approx(
        list(map(float, exact)), rel=4 * EPSILON, abs=2 * EPSILON
    )


@pytest.mark.parametrize("row", ROWS)
def test_the_whole_share_for_one_class_is_that_class(row: list[float]) -> None:
    for target in range(len(row)):
        shares = [float(place == target) for place in range(len(row))]
        by_class, by_share = (
            nn.cross_entropy([list(map(Value, row))], [wanted]) for wanted in (target, shares)
        )
        # Of shares, the sum of the exponentials is rounded near 1.
        assert by_share.data == pytest.approx(by_class.data, rel=4 * EPSILON, abs=2 * EPSILON)


@pytest.mark.parametrize("row", [*ROWS, [0.5, -inf, -inf], [-inf, 0.5, 0.25], [1.0, nan]])
def test_a_class_that_is_indicated_is_that_class_to_the_bit(row: list[float]) -> None:
    for target in range(len(row)):
        indicator = [float(place == target) for place in range(len(row))]
        found = []
        for loss, wanted in ((nn.cross_entropy, target), (indicated_cross_entropy, indicator)):
            variables = list(map(Value, row))
            output = loss([variables], [wanted])
            # A gradient of -0.0 becomes 0.0: the logit gets it once more, as another class.
            gradients = [gradient + 0.0 for gradient in gradients_of(output, variables)]
            found.append(list(map(bits, [output.data, *gradients])))
        assert found[0] == found[1]


@pytest.mark.parametrize("shares", [[], [1.0], [0.5, 0.25, 0.25]])
def test_cross_entropy_refuses_another_number_of_shares_than_classes(shares: list[float]) -> None:
    message = f"^cross_entropy needs 2 probabilities as target, but got {len(shares)}$"
    with pytest.raises(ValueError, match=message):
        nn.cross_entropy([[Value(0.0), Value(1.0)]], [shares])


# ---- hinge loss ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("score", "target", "expected", "gradient"),
    [
        (0.25, 1, 0.75, -1.0),
        (0.25, -1, 1.25, 1.0),
        (-3.0, 1.0, 4.0, -1.0),
        (2.0, 1, 0.0, 0.0),
        (1.0, 1, 0.0, 0.0),
        (-1.0, -1.0, 0.0, 0.0),
    ],
)
def test_hinge_loss_is_the_distance_from_the_margin_and_flat_beyond_it(
    score: float, target: float, expected: float, gradient: float
) -> None:
    variable = Value(score)
    loss = nn.hinge_loss([variable], [target])
    assert loss.data == expected
    assert gradients_of(loss, [variable]) == [gradient]


def test_hinge_loss_is_the_mean() -> None:
    assert nn.hinge_loss([Value(0.25), Value(2.0), Value(-1.0)], [1, 1, 1]).data == 2.75 / 3.0


# ---- shapes --------------------------------------------------------------------------------

Loss = Callable[[Any, Any], Value]
ELEMENTWISE: list[Loss] = [
    nn.mse_loss,
    nn.binary_cross_entropy,
    nn.binary_cross_entropy_with_logits,
    nn.hinge_loss,
]


@pytest.mark.parametrize("loss", ELEMENTWISE)
def test_lists_of_lists_count_every_number_alike(loss: Loss) -> None:
    numbers, targets = [0.25, 0.5, 0.75, 0.125], [1.0, 1.0, 1.0, 1.0]
    flat = loss(list(map(Value, numbers)), targets)
    rows = loss(
        [list(map(Value, numbers[:2])), list(map(Value, numbers[2:]))], [targets[:2], targets[2:]]
    )
    assert bits(flat.data) == bits(rows.data)


@pytest.mark.parametrize(("count", "divisions"), [(1, 0), (2, 1), (3, 1)])
@pytest.mark.parametrize("loss", ELEMENTWISE)
def test_the_mean_is_one_division_and_that_of_one_number_is_the_number(
    loss: Loss, count: int, divisions: int
) -> None:
    nodes = topological_order(loss([Value(0.25) for _ in range(count)], [1.0] * count))
    assert [node.op.name for node in nodes if node.op is not None].count("div") == divisions


@pytest.mark.parametrize("loss", ELEMENTWISE)
def test_one_prediction_with_one_target_needs_no_list(loss: Loss) -> None:
    assert bits(loss(Value(0.25), 1.0).data) == bits(loss([Value(0.25)], [1.0]).data)


@pytest.mark.parametrize("loss", ELEMENTWISE)
def test_targets_may_be_ints_and_come_from_a_generator(loss: Loss) -> None:
    values = [Value(0.25), Value(0.5)]
    assert bits(loss(values, (1 for _ in values)).data) == bits(loss(values, [1.0, 1.0]).data)


# ---- what they refuse ----------------------------------------------------------------------
