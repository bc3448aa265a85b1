"""The notebooks' cells, and what a student may write into their exercises."""

from __future__ import annotations

import contextlib
import io
import json
from pathlib import Path
from typing import Any

import demos
from tests.own_values import RIGHT

__all__ = [
    "FOLDER",
    "NOTEBOOKS",
    "ROOT",
    "SOLUTIONS",
    "code_cells",
    "is_exercise",
    "name_of",
    "read",
    "said_when_solved",
]

ROOT = Path(__file__).resolve().parent.parent
FOLDER = Path(demos.__file__).parent / "notebooks"  # of what is tested: source or wheel
NOTEBOOKS = sorted(FOLDER.glob("*.ipynb"))

# What a student may write in the exercises' cells, by notebook and cell.
SOLUTIONS = {
    "1_your_own_value": {
        "exercise-1": "check('slope by hand', 6 * 2 - 1)",
        "exercise-2": "def slope(f, x, h=1e-4):\n"
        "    return (f(x + h) - f(x - h)) / (2 * h)\n"
        "check('central difference', slope)",
        "exercise-3": "def add(self, other):\n"
        "    return Value(self.data + other.data, (self, other), (1, 1))\n"
        "Value.__add__ = add\ncheck('own sum', Value)",
        "exercise-4": "def multiply(self, other):\n"
        "    return Value(self.data * other.data, (self, other), (other.data, self.data))\n"
        "Value.__mul__ = multiply\ncheck('own product', Value)",
        "exercise-5": "def wrapped(function):\n"
        "    def operation(self, other):\n"
        "        return function(self, other if isinstance(other, Value) else Value(other))\n"
        "    return operation\n"
        "Value.__add__ = Value.__radd__ = wrapped(add)\n"
        "Value.__mul__ = Value.__rmul__ = wrapped(multiply)\ncheck('own graph', Value)",
        "exercise-6": "def topological_order(root):\n"
        "    order = []\n"
        "    def visit(node):\n"
        "        if node not in order:\n"
        "            for parent in node.parents:\n"
        "                visit(parent)\n"
        "            order.append(node)\n"
        "    visit(root)\n"
        "    return order\n"
        "check('own order', topological_order)",
        "exercise-7": "def backward(self):\n"
        "    self.grad = 1\n"
        "    for node in topological_order(self)[::-1]:\n"
        "        for parent, slope in zip(node.parents, node.slopes):\n"
        "            parent.grad += slope * node.grad\n"
        "Value.backward = backward\ncheck('own backward', Value)",
        "exercise-8": "def tanh(self):\n"
        "    out = math.tanh(self.data)\n"
        "    return Value(out, (self,), (1 - out**2,))\n"
        "Value.tanh = tanh\ncheck('own tanh', Value)",
        "exercise-9": "def neuron(weights, inputs, bias):\n"
        "    return (sum(w * x for w, x in zip(weights, inputs)) + bias).tanh()\n"
        "check('own neuron', neuron, Value)",
        "exercise-10": "def train(parameters, loss_of, steps, learning_rate):\n"
        "    losses = []\n"
        "    for _ in range(steps):\n"
        "        loss = loss_of()\n"
        "        losses.append(loss.data)\n"
        "        for parameter in parameters:\n"
        "            parameter.grad = 0.0\n"
        "        loss.backward()\n"
        "        for parameter in parameters:\n"
        "            parameter.data -= learning_rate * parameter.grad\n"
        "    return losses\n"
        "check('own training', train, Value)",
        "exercise-11": RIGHT + "check('own class', Value)",
    },
    "2_the_chain_rule": {
        "exercise-1": "a, b, c = Value(2.0, 'a'), Value(-1.0, 'b'), Value(4.0, 'c')\n"
        "L = (a * b + c) ** 2\nL.backward()\ncheck('first graph', L)",
        "exercise-2": "check('local derivatives', (-3, 2))",
        "exercise-3": "x, w = Value(5.0), Value(3.0)\n"
        "(x * w + 4 * x).backward()\n"
        "check('used twice', x.grad)",
        "exercise-4": "check('right order', ['c', 'b', 'a', 'x'])",
    },
    "3_a_neuron": {
        "exercise-1": "check('neuron by hand', max(0, 0.5 * 1 - 1 * 2 + 2))",
        "exercise-2": "check('weights for OR', (1, 1, -0.5))",
        "exercise-3": "def gradient_step(parameters, learning_rate):\n"
        "    for parameter in parameters:\n"
        "        parameter.data -= learning_rate * parameter.grad\n"
        "check('gradient step', gradient_step)",
    },
    "4_xor": {
        "exercise-1": "check('parameter count', len(model.parameters()))",
        "exercise-2": "check('loss by hand', sum((0.5 - y) ** 2 for y in LAB.y) / 4)",
        "exercise-3": "def xor(a, b):\n"
        "    return max(0, a + b) - 2 * max(0, a + b - 1)\n"
        "check('XOR by two neurons', xor)",
    },
    "5_what_can_go_wrong": {
        "exercise-1": "check('largest learning rate', 1)",
        "exercise-2": "def training_step(w, learning_rate):\n"
        "    loss = w * w\n"
        "    w.zero_grad()\n"
        "    loss.backward()\n"
        "    w.data -= learning_rate * w.grad\n"
        "    return loss.data\n"
        "check('repaired training', training_step)",
        "exercise-3": "check('living neuron', 0.5)",
    },
    "6_from_bigram_to_attention": {
        "exercise-1": "import math\ncheck('loss of guessing', -math.log(1 / 27))",
        "exercise-2": "def softmax(scores):\n"
        "    powers = [exp(score) for score in scores]\n"
        "    return [power / sum(powers) for power in powers]\n"
        "check('softmax', softmax)",
        "exercise-3": "check('attention by hand', (1 * 10 + 9 * 20) / (1 + 9))",
        "exercise-4": "def attention(query, keys, values):\n"
        "    scores = []\n"
        "    for key in keys:\n"
        "        score = sum(q * k for q, k in zip(query, key))\n"
        "        scores.append(score / len(query) ** 0.5)\n"
        "    shares = softmax(scores)\n"
        "    return [sum(share * value[place] for share, value in zip(shares, values))\n"
        "            for place in range(len(values[0]))]\n"
        "check('attention', attention)",
        "exercise-5": "def causal_shares(scores):\n"
        "    return [softmax(row[: place + 1]) for place, row in enumerate(scores)]\n"
        "check('causal attention', causal_shares)",
    },
}


def name_of(path: Path) -> str:
    return path.stem


def read(path: Path) -> dict[str, Any]:
    """Return a notebook's JSON."""
    notebook: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return notebook


def code_cells(path: Path) -> list[dict[str, Any]]:
    return [cell for cell in read(path)["cells"] if cell["cell_type"] == "code"]


def is_exercise(cell: dict[str, Any]) -> bool:
    return "exercise" in cell["metadata"].get("tags", [])


def said_when_solved(path: Path) -> dict[str, str]:
    """Run a notebook with its exercises solved; return what each of these cells printed.

    Without a kernel: the notebooks are plain Python.
    """
    scope: dict[str, Any] = {}
    said = {}
    for cell in code_cells(path):
        source = SOLUTIONS[path.stem].get(cell["id"], "".join(cell["source"]))
        printed = io.StringIO()
        with contextlib.redirect_stdout(printed):
            exec(compile(source, f"{path.name}: {cell['id']}", "exec"), scope)
        if is_exercise(cell):
            said[cell["id"]] = printed.getvalue()
    assert set(said) == set(SOLUTIONS[path.stem])
    return said
