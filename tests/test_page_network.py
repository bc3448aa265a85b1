"""A network that is made in the page is what Python tells the page of the same network."""

from __future__ import annotations

import json
from functools import cache
from typing import Any

import pytest

import nn
from autodiff import Names
from demos.live.content import layers_data, network_data, rows_data, state_data
from demos.live.data_sets import DATA_SETS
from demos.live.pieces import LOSSES, OPTIMIZERS, Pieces
from demos.live.programs import trained
from demos.live.python_code import code, description
from demos.live.record import record
from nn.rows import Rows
from tests.page_training import NODE, in_node
from tests.told_graph import counts, floats

pytestmark = pytest.mark.skipif(NODE is None, reason="there is no node to run JavaScript with")

CASES = {
    # hidden layers, activation, loss, optimizer, data
    "xor": ([4], "sigmoid", "squared", "sgd", "xor"),
    "no hidden layer": ([], "tanh", "entropy", "adam", "and"),
    "one of each": ([1, 1], "relu", "hinge", "rmsprop", "or"),
    "largest": ([8, 8], "gelu", "logits", "momentum", "moons"),
    "numbers": ([3, 2], "softplus", "linear", "adam", "rings"),
    "leaky": ([5], "leaky_relu", "entropy", "sgd", "spiral"),
}


@cache
def python_side(name: str) -> tuple[str, dict[str, Any]]:
    """Return the page's program, and what Python tells of the network."""
    hidden, activation, loss, optimizer_name, data = CASES[name]
    choice = LOSSES[loss]
    x = [[a, b] for a, b, _ in DATA_SETS[data].rows]
    y = [choice.targets[int(target)] for *_, target in DATA_SETS[data].rows]
    model = nn.MLP(2, [*hidden, 1], activation, choice.output, rng=0)
    optimizer = OPTIMIZERS[optimizer_name][1](model.parameters())
    rows = Rows(model, x, y, choice.loss)
    found = record(model, rows)
    names, pieces = Names(found.loss), Pieces()
    called = {node: names[node] for node in found.nodes}
    made = trained(found, optimizer, None, called, pieces.nodes)
    return made.javascript, {
        "title": DATA_SETS[data].title,
        "network": description(model, found),
        **network_data(found, made, called),
        "layers": layers_data(model, found),
        **state_data(model, found, made),
        **rows_data(rows, found, choice.loss, called),
        "code": code(model, rows, choice.loss, optimizer, None),
        "pieces": pieces.told(made.operations),
    }


ASKED = """
const asked = {{ title: data.pieces.data["{data}"].title, hidden: {hidden},
  activation: "{activation}", loss: "{loss}", optimizer: "{optimizer}",
  rows: data.pieces.data["{data}"].rows }};
const made = new NetworkBuilder(data.pieces, asked).told;
delete made.pieces;
told(JSON.stringify(made));
"""


@pytest.mark.parametrize("name", CASES)
def test_a_network_made_in_the_page_is_pythons(name: str) -> None:
    hidden, activation, loss, optimizer, data = CASES[name]
    program, wanted = python_side(name)
    _, page = python_side("xor")  # the page that it is made in has another network
    script = ASKED.format(
        hidden=hidden, activation=activation, loss=loss, optimizer=optimizer, data=data
    )
    told = json.loads(in_node(program, page, script, "random.js", "builder.js"))
    wanted = json.loads(json.dumps(wanted))
    # Numbers that the page computes itself are not told of a network that is made there.
    for content in (told, wanted):
        graph = content["graph"]
        del graph["given"]
        nodes = floats(graph.pop("values"))
        graph["leaves"] = [
            nodes[place] for place in range(len(nodes)) if counts(graph["made"])[place] == 0
        ]
    parameters = [weight["node"] - 1 for weight in wanted["weights"]]
    for content in (told, wanted):  # they are in the state
        for place in parameters:
            content["graph"]["leaves"][place] = None
    wanted.pop("pieces")
    assert told.keys() == wanted.keys()
    for key, content in wanted.items():
        assert told[key] == content, key
