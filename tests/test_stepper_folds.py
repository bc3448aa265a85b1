"""The folds of a large graph's page: a tree of what belongs together, in an order to compute it."""

from __future__ import annotations

import random
from collections.abc import Iterator

import pytest

import nn
from autodiff import Names, Value, record_source, show, topological_order
from autodiff.stepper.folds import MOST_FOLDS, MOST_ITEMS, Fold, fold_data, folds_of
from tests.told_graph import counts, data_of, running


def whole(root: Value) -> Fold:
    order = topological_order(root)
    names = Names(root)
    return folds_of(order, {node: names[node] for node in order})


def folds_in(fold: Fold) -> list[Fold]:
    return [item for item in fold.items if isinstance(item, Fold)]


def titles(fold: Fold) -> list[str]:
    return [item.title for item in folds_in(fold)]


def check_folds(root: Value) -> Fold:
    """Check that all results are in one fold each, in an order to compute them, and few at once."""
    order = topological_order(root)
    found = whole(root)
    results = list(found.results())
    assert sorted(map(id, results)) == sorted(id(node) for node in order if node.parents)
    place = {node: at for at, node in enumerate(results)}
    for node in results:
        assert all(place[parent] < place[node] for parent in node.parents if parent.parents)
    for fold in found.numbered():
        assert len(fold.items) <= MOST_ITEMS
        assert len(folds_in(fold)) <= MOST_FOLDS
        assert fold is found or len(fold.items) > 1
    check_data(found, order)
    return found


def check_data(found: Fold, order: list[Value]) -> None:
    """Check that the page is told just this."""
    data = fold_data(found, order)
    folds = found.numbered()
    assert data["titles"] == [fold.title for fold in folds]
    outer, of = counts(data["outer"]), running(data["of"])
    assert [order[place - 1] for place in running(data["computed"])] == list(found.results())
    for number, fold in enumerate(folds):
        for item in fold.items:
            if isinstance(item, Fold):
                assert outer[folds.index(item)] == number
            else:
                assert of[order.index(item)] == number


def normalized(scores: list[Value]) -> list[Value]:
    powers = [score.exp() for score in scores]
    total = sum(powers[1:], powers[0])
    return [power / total for power in powers]


def scaled(numbers: list[Value], factor: Value) -> list[Value]:
    return [number * factor for number in numbers]


def block(numbers: list[Value], factor: Value) -> list[Value]:
    return normalized(scaled(numbers, factor))


def by_calls() -> Value:
    with record_source():
        numbers, factor = [Value(0.1 * place, f"x{place}") for place in range(3)], Value(2.0, "f")
        for _ in range(2):
            numbers = block(numbers, factor)
        return numbers[0] * numbers[1]


def test_what_was_recorded_is_folded_by_calls_in_the_order_in_which_they_ran() -> None:
    found = check_folds(by_calls())
    assert titles(found) == ["block 1", "block 2"]
    assert titles(folds_in(found)[0]) == ["scaled 1", "normalized 1"]
    assert titles(folds_in(found)[1]) == ["scaled 2", "normalized 2"]
    sizes = [len(list(fold.results())) for fold in folds_in(found)]
    assert sizes == [3 + 3 + 2 + 3, 3 + 3 + 2 + 2]  # one of the last quotients is not used
    assert len(found.items) == 3  # the product is of no call


def test_rows_of_a_batch_and_their_modules_are_folded_where_nothing_was_recorded() -> None:
    model = nn.MLP(2, [3, 1], activation="tanh", rng=1)
    rows = [[0.1 * place, 1.0] for place in range(10)]
    found = check_folds(nn.mse_loss([model(row) for row in rows], [0.5] * 10))
    first = folds_in(found)[0]
    assert titles(found)[:2] == ["row 1", "row 2"]
    assert titles(first) == ["hidden"]  # the output is one operation
    assert titles(folds_in(first)[0]) == ["hidden[0]", "hidden[1]", "hidden[2]"]


class Recurrent(nn.Module):
    """A layer that is applied to its own result."""

    def __init__(self) -> None:
        self.layer = nn.Layer(2, 2, activation="tanh", rng=1)

    def __call__(self, x: list[Value]) -> list[Value]:
        for _ in range(3):
            x = [each * 0.5 for each in self.layer(x)]
        return x


def test_a_module_that_is_used_again_on_its_own_result_is_a_fold_each_time() -> None:
    first, second = Recurrent()([Value(0.3, "a"), Value(0.4, "b")])
    found = check_folds(first * second)
    layers = [title for title in titles(found) if "layer" in title]
    assert layers == ["layer", "layer (2)", "layer (3)"]


def test_the_steps_of_a_loop_are_folds() -> None:
    w, state = Value(0.5, "w"), Value(1.0, "start")
    for step in range(200):
        state = (state * w + 0.1 * step).tanh()
        state.label = f"h{step}"
    assert titles(check_folds(state))[:2] == ["h 1 … h 14", "h 15 … h 28"]


@pytest.mark.thorough
def test_a_long_chain_is_cut_into_parts() -> None:
    chain = Value(0.5, "x")
    for _ in range(5000):
        chain = chain.tanh()
    found = check_folds(chain)
    assert len(folds_in(found)) <= MOST_FOLDS
    assert titles(found)[0].startswith("v2 … v")
    assert titles(found)[-1].endswith("… v5001")


@pytest.mark.parametrize("seed", range(8))
def test_any_graph_is_folded(seed: int) -> None:
    rng = random.Random(seed)
    model = nn.MLP(2, [2, 2], activation="tanh", rng=seed)
    nodes = [Value(rng.uniform(-1.0, 1.0), f"x{place}") for place in range(3)]
    for _ in range(150):
        one, other = rng.sample(nodes, 2)
        nodes += rng.choice(([one * other], [one - other], model([one, other])))
    check_folds(sum(nodes[1:], nodes[0]))


def interleaved() -> Iterator[Value]:
    """A generator, which computes whenever it is asked."""
    number = Value(1.0, "start")
    while True:
        number = number * 1.5
        yield number


def test_a_generator_between_whose_results_others_are_computed_is_several_folds() -> None:
    with record_source():
        numbers = interleaved()
        total = Value(0.0, "total")
        for _ in range(4):
            total = (total + next(numbers)) * total
    check_folds(total)


def test_a_fold_has_the_line_that_called_it() -> None:
    root = by_calls()
    found = whole(root)
    data = data_of(show(root, fold=True).html)
    lines = [text.strip() for file in data["source"]["files"] for _, text in file["lines"]]
    called = counts(data["source"]["calls"])
    assert called[0] == 0
    assert lines[called[1] - 1] == "numbers = block(numbers, factor)"
    assert lines[called[2] - 1] == "return normalized(scaled(numbers, factor))"
    assert len(called) == len(found.numbered())


def test_graphs_are_folded_from_501_nodes_on_or_as_one_asks() -> None:
    small = Value(1.0, "x") * 2.0
    assert data_of(show(small).html)["folds"] is None
    assert data_of(show(small, fold=True).html)["folds"] is not None
    chain = Value(0.5, "x")
    for _ in range(500):
        chain = chain.tanh()
    assert data_of(show(chain).html)["folds"] is not None
    assert data_of(show(chain.parents[0]).html)["folds"] is None


@pytest.mark.unmeasured
def test_a_folded_page_has_few_bytes_a_node() -> None:
    x = total = Value(0.5, "x")
    for _ in range(1000):
        total = (total * x + x).tanh()
    small, large = (len(show(root, fold=True).html) for root in (x * 2.0, total))
    assert (large - small) / 3000 < 45


def test_results_are_called_as_in_the_call_that_computed_them() -> None:
    root = by_calls()
    order = topological_order(root)
    found = whole(root)
    data = fold_data(found, order)
    titles_found = [fold.title for fold in found.numbered()]
    names = dict(data["names"][titles_found.index("normalized 1")])
    assert list(names) == ["scores", "powers"]  # total has its name in the graph
    assert [order[place - 1].op.name for place in names["powers"]] == ["exp"] * 3  # type: ignore[union-attr]
    assert [order[place - 1].op.name for place in names["scores"]] == ["mul"] * 3  # type: ignore[union-attr]


def test_a_name_that_stands_for_something_else_later_has_a_number() -> None:
    def rising(x: list[Value]) -> Value:
        x = [each * 2.0 for each in x]
        x = [each.tanh() for each in x]
        return x[0] + x[1]

    with record_source():
        root = rising([Value(0.1, "a"), Value(0.2, "b")]) * 1.0
    order = topological_order(root)
    found = whole(root)
    (call,) = [fold for fold in found.numbered() if fold.title.endswith("rising")]
    told = fold_data(found, order)["names"][found.numbered().index(call)]
    assert [name for name, _ in told] == ["x", "x[0] (2)", "x[1] (2)"]


def test_a_function_that_calls_itself_very_often_is_folded_to_some_depth() -> None:
    def power(x: Value, times: int) -> Value:
        return x if times == 0 else power(x, times - 1) * x

    with record_source():
        root = power(Value(1.01, "x"), 400)
    found = check_folds(root)
    depth, fold = 0, found
    while folds_in(fold):
        depth, fold = depth + 1, folds_in(fold)[0]
    assert 3 < depth < 40


def bent(number: Value) -> Value:
    return (number * number + number).tanh()


def passed_on(number: Value) -> Value:
    return bent(number)


def test_a_call_that_only_calls_another_is_one_fold_with_it() -> None:
    with record_source():
        x = Value(0.5, "x")
        loss = passed_on(x) * passed_on(x + 1.0) + x
    found = check_folds(loss)
    assert titles(found) == ["passed_on 1 > bent 1", "passed_on 2 > bent 2"]
    assert [len(fold.items) for fold in folds_in(found)] == [3, 3]


class Gate(nn.Module):
    """A module with code of the user's own, and a neuron in it."""

    def __init__(self) -> None:
        self.neuron = nn.Neuron(2, activation="tanh", rng=1)
        self.scale = Value(2.0)

    def __call__(self, x: list[Value]) -> Value:
        out = self.neuron(x)
        return out * self.scale + out


class Gated(nn.Module):
    def __init__(self) -> None:
        self.gate = Gate()

    def __call__(self, x: list[Value]) -> Value:
        return self.gate(x) + x[0]


def test_what_a_call_of_a_module_computes_is_no_fold_of_that_module_once_more() -> None:
    x = [Value(0.5, "x0"), Value(-1.0, "x1")]
    gate = Gated()
    with record_source():
        loss = gate(x) * 2.0 + gate(x[::-1])
    found = check_folds(loss)
    assert titles(found) == ["Gated.__call__ 1", "Gated.__call__ 2"]
    assert [titles(fold) for fold in folds_in(found)] == [["Gate.__call__ 1"], ["Gate.__call__ 2"]]
