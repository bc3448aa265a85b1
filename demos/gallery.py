"""How large the text of real graphs' pictures is on a slide: ``python -m demos.gallery``.

Prints a table: for each picture its boxes, its own size, the height of its text in pixels when it
is fitted into a frame of 1280x720, how much of the frame stays white, how many labels and titles
are crossed by an arrow, and how many labels are nearer to another; at last, the height of the
text where the look was chosen for that frame. ``--out`` writes the pictures.
"""

from __future__ import annotations

import io
import math
import random
import re
import sys
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import nn
from autodiff import (
    Drawing,
    Trace,
    Value,
    compile,
    draw,
    exp,
    grad,
    log,
    maximum,
    record_epochs,
    record_source,
    where,
)
from autodiff.compiler.program import Program
from autodiff.drawing.layouts.labels import collisions
from autodiff.drawing.layouts.layout import laid_out
from autodiff.drawing.layouts.render import converter, on_canvas, pixels_of
from autodiff.value import constant
from demos.arguments import command_line, missing_package, output_folder
from demos.command import run

try:
    from PIL import Image
except ModuleNotFoundError as missing:
    sys.exit(missing_package("demos.gallery", "draw", missing))

__all__ = ["GALLERY", "Measured", "main", "measured"]

FRAME = (1280, 720)

TEXT = re.compile(r'<text[^>]* font-size="([\d.]+)"[^>]*>([^<]*)')
VIEW_BOX = re.compile(r'viewBox="\S+ \S+ ([\d.]+) ([\d.]+)"')


# ---- the graphs --------------------------------------------------------------------------------


def neuron() -> Value:
    """tanh(w*x + b), the first graph of every lecture."""
    x, w, b = Value(2.0, "x"), Value(-3.0, "w"), Value(6.9, "b")
    return backward((w * x + b).tanh(), "o")


def product_and_sum() -> Value:
    """a*b + c."""
    a, b, c = Value(2.0, "a"), Value(-3.0, "b"), Value(10.0, "c")
    return backward(a * b + c, "L")


def square_and_two() -> Value:
    """x*x + 2, in which x is used twice."""
    x = Value(3.0, "x")
    return backward(x * x + 2, "y")


def two_inputs() -> Value:
    """The neuron of two inputs of micrograd's lecture."""
    x1, x2 = Value(2.0, "x1"), Value(0.0, "x2")
    w1, w2 = Value(-3.0, "w1"), Value(1.0, "w2")
    b = Value(6.8813735870195432, "b")
    return backward((x1 * w1 + x2 * w2 + b).tanh(), "o")


def micrograd() -> Value:
    """The expression of micrograd's README."""
    a, b = Value(-4.0, "a"), Value(2.0, "b")
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
    return backward(g, "g")


def readme() -> Value:
    """The first expression of our README."""
    x, y = Value(2.0, "x"), Value(-3.0, "y")
    return backward((x * y + y.exp()).tanh() + x**2, "z")


def circuit() -> Value:
    """f = (x + y) * z, as CS231n draws it."""
    x, y, z = Value(-2.0, "x"), Value(5.0, "y"), Value(-4.0, "z")
    q = x + y
    q.label = "q"
    return backward(q * z, "f")


def sigmoid_by_hand() -> Value:
    """1 / (1 + exp(-(w0*x0 + w1*x1 + w2))), as CS231n draws it."""
    w0, x0 = Value(2.0, "w0"), Value(-1.0, "x0")
    w1, x1, w2 = Value(-3.0, "w1"), Value(-2.0, "x1"), Value(-3.0, "w2")
    return backward(1.0 / (1.0 + exp(-(w0 * x0 + w1 * x1 + w2))), "f")


def softmax_cross_entropy() -> Value:
    """The cross-entropy of a softmax of three scores, by hand."""
    scores = [Value(2.0, "s0"), Value(1.0, "s1"), Value(0.1, "s2")]
    powers = [score.exp() for score in scores]
    return backward(-log(powers[0] / (powers[0] + powers[1] + powers[2])), "loss")


def recurrent(steps: int) -> Value:
    """A recurrent network of one state: h = tanh(w*h + u*x + b)."""
    w, u, b = Value(0.5, "w"), Value(1.0, "u"), Value(0.1, "b")
    h: Value = Value(0.0, "h0")
    for step in range(1, steps + 1):
        h = (w * h + u * constant(0.1 * step, f"x{step}") + b).tanh()
        h.label = f"h{step}"
    return backward((h - 1.0) ** 2, "loss")


def newton() -> Value:
    """Three steps of Newton's iteration for the root of 2."""
    a, x = Value(2.0, "a"), Value(1.0, "x0")
    for step in range(1, 4):
        x = (x + a / x) / 2.0
        x.label = f"x{step}"
    return backward(x, "x3")


def likelihood() -> Value:
    """The negative log-likelihood of five points under a normal distribution."""
    mean, log_scale = Value(0.5, "mean"), Value(0.1, "log_scale")
    total: Any = 0.0
    for point in (0.2, 1.1, -0.3, 0.8, 1.5):
        total = total + ((point - mean) / log_scale.exp()) ** 2 / 2.0 + log_scale
    return backward(total, "nll")


def least_squares() -> Value:
    """The squared error of a line through three points."""
    slope, offset = Value(0.5, "slope"), Value(0.0, "offset")
    points = ((1.0, 2.0), (2.0, 2.5), (3.0, 4.5))
    errors = [(slope * x + offset - y) ** 2 for x, y in points]
    return backward((errors[0] + errors[1] + errors[2]) / 3.0, "loss")


def polynomial() -> Value:
    """A polynomial of degree 3 in Horner's form."""
    x, y = Value(1.5, "x"), Value(2.0, "c3")
    for place, number in enumerate((-1.0, 0.5, 3.0)):
        y = y * x + Value(number, f"c{2 - place}")
    return backward(y, "p")


def derivative_of_cube() -> Value:
    """The derivative of x**3, as a graph of its own."""
    x = Value(3.0, "x")
    return grad(x**3, x)


def second_derivative() -> Value:
    """The second derivative of sin(x) * x."""
    x = Value(1.0, "x")
    return grad(grad(x.sin() * x, x), x)


def hinge() -> Value:
    """The hinge loss of a linear score, with a choice that was not taken."""
    w, x, b = Value(2.0, "w"), Value(1.5, "x"), Value(-1.0, "b")
    score = w * x + b
    score.label = "score"
    return backward(maximum(0.0, 1.0 - score) + 0.01 * w**2, "loss")


def huber() -> Value:
    """Huber's loss: a square near 0, straight further away."""
    error = Value(2.5, "prediction") - Value(1.0, "target")
    error.label = "error"
    size = abs(error)
    return backward(where(1.0 - size, 0.5 * error**2, size - 0.5), "loss")


def not_a_number() -> Value:
    """A logarithm of a negative number, found too late."""
    x, w = Value(-1.0, "x"), Value(2.0, "w")
    return backward((w * x).log() + (w * 3.0).exp() / 2.0, "loss")


def chain(length: int) -> Value:
    """A chain of so many sines."""
    y: Value = Value(0.5, "x")
    for _ in range(length):
        y = y.sin()
    return backward(y, "y")


def attention() -> Value:
    """One query that attends to two keys of two numbers."""
    query = [Value(1.0, "q0"), Value(0.5, "q1")]
    keys = [[Value(0.2, "k00"), Value(0.4, "k01")], [Value(-0.3, "k10"), Value(0.9, "k11")]]
    values = [Value(1.0, "v0"), Value(-1.0, "v1")]
    powers = [((query[0] * key[0] + query[1] * key[1]) / math.sqrt(2.0)).exp() for key in keys]
    whole = powers[0] + powers[1]
    return backward(powers[0] / whole * values[0] + powers[1] / whole * values[1], "out")


def network(*sizes: int) -> Value:
    """The loss of one row of a network, by its sizes."""
    model = nn.MLP(sizes[0], list(sizes[1:]), activation="tanh", rng=1)
    row = [constant(0.5 - place / 3.0, f"x{place + 1}") for place in range(sizes[0])]
    outputs = model(row)
    outputs = outputs if isinstance(outputs, list) else [outputs]
    targets = [constant(float(place % 2), f"t{place + 1}") for place in range(len(outputs))]
    return backward(nn.mse_loss(outputs, targets), "loss")


def xor_model() -> nn.MLP:
    """A 2-4-1 network."""
    return nn.MLP(2, [4, 1], activation="tanh", output_activation="sigmoid", rng=1)


def batch(model: nn.MLP | None = None) -> Value:
    """The loss of the four rows of XOR in a 2-4-1 network."""
    model = model or xor_model()
    rows = [[0, 0], [0, 1], [1, 0], [1, 1]]
    return backward(nn.mse_loss([model(row) for row in rows], [0, 1, 1, 0]), "loss")


def training() -> Trace:
    """The training of that network."""
    model = xor_model()
    optimizer = nn.SGD(model.parameters(), lr=1.0)
    with record_epochs() as trace:
        for _ in range(501):
            optimizer.zero_grad()
            batch(model)
            optimizer.step()
    return trace


def softmax(scores: Sequence[Value]) -> list[Value]:
    """Return probabilities."""
    powers = [score.exp() for score in scores]
    whole = sum(powers[1:], powers[0])
    return [power / whole for power in powers]


def linear(weights: Sequence[Sequence[Value]], x: Sequence[Any]) -> list[Value]:
    """Return a matrix times a vector."""
    return [sum((w * n for w, n in zip(row, x, strict=True)), Value(0.0)) for row in weights]


def head(x: Sequence[Sequence[Any]], matrices: Sequence[Any]) -> list[Value]:
    """Return what the last position attends to."""
    query = linear(matrices[0], x[-1])
    keys = [linear(matrices[1], row) for row in x]
    values = [linear(matrices[2], row) for row in x]
    shares = softmax([dot(query, key) for key in keys])
    columns = zip(*values, strict=True)
    return [dot(shares, column) for column in columns]


def dot(a: Sequence[Value], b: Sequence[Value]) -> Value:
    """Return the sum of products."""
    return sum((p * q for p, q in zip(a, b, strict=True)), Value(0.0))


def gpt_step() -> Value:
    """The loss of a small GPT's last position: attention, a hidden layer, a softmax."""
    numbers = random.Random(1)

    def matrix(rows: int, columns: int, name: str) -> list[list[Value]]:
        return [
            [
                Value(numbers.gauss(0.0, 0.5), f"{name}[{row}][{column}]")
                for column in range(columns)
            ]
            for row in range(rows)
        ]

    x = matrix(4, 4, "x")
    matrices = [matrix(4, 4, name) for name in ("wq", "wk", "wv")]
    up, down = matrix(8, 4, "up"), matrix(5, 8, "down")
    with record_source():
        attended = head(x, matrices)
        hidden = [each.relu() for each in linear(up, attended)]
        probabilities = softmax(linear(down, hidden))
        loss = -log(probabilities[2])
    return backward(loss, "loss")


def program() -> Program:
    """A compiled step of training: forward, backward and update."""
    w, x = Value(2.0, "w"), Value(3.0, "x")
    loss = (w * x - 1.0) ** 2
    loss.label = "loss"
    return compile(loss, [x], updates=lambda gradients: {w: w - 0.1 * gradients[w]})


def backward(root: Value, label: str) -> Value:
    """Return a result with its name and its gradients."""
    root.label = label
    root.backward()
    return root


# By name: what makes the graph, and how it is drawn.
GALLERY: dict[str, tuple[Callable[[], Any], dict[str, Any]]] = {
    "tanh(w*x + b)": (neuron, {}),
    "a*b + c": (product_and_sum, {}),
    "x*x + 2": (square_and_two, {}),
    "neuron of two inputs": (two_inputs, {}),
    "micrograd's README": (micrograd, {}),
    "our README": (readme, {}),
    "(x + y) * z": (circuit, {}),
    "sigmoid by hand": (sigmoid_by_hand, {}),
    "softmax, cross-entropy": (softmax_cross_entropy, {}),
    "RNN, 6 steps": (partial(recurrent, 6), {}),
    "Newton, 3 steps": (newton, {}),
    "likelihood, 5 points": (likelihood, {}),
    "a line, 3 points": (least_squares, {}),
    "polynomial": (polynomial, {}),
    "grad(x**3, x)": (derivative_of_cube, {}),
    "(x sin x)''": (second_derivative, {}),
    "hinge loss": (hinge, {}),
    "Huber's loss": (huber, {}),
    "nan": (not_a_number, {}),
    "chain of 40": (partial(chain, 40), {}),
    "attention, 2 keys": (attention, {}),
    "a*b + c, derivatives": (product_and_sum, {"edges": True}),
    "2-2-1": (partial(network, 2, 2, 1), {}),
    "2-4-1": (partial(network, 2, 4, 1), {}),
    "2-4-1 by neuron": (partial(network, 2, 4, 1), {"fold": "neuron"}),
    "3-16-16-2 by layer": (partial(network, 3, 16, 16, 2), {"fold": "layer"}),
    "3-16-16-2 by neuron": (partial(network, 3, 16, 16, 2), {"fold": "neuron"}),
    "2-4-1 as a network": (partial(network, 2, 4, 1), {"style": "network"}),
    "3-16-16-2 as a network": (partial(network, 3, 16, 16, 2), {"style": "network"}),
    "its gradients": (partial(network, 3, 16, 16, 2), {"style": "network", "of": "gradients"}),
    "its heat map": (partial(network, 3, 16, 16, 2), {"style": "heatmap"}),
    "2-4-1, a model": (xor_model, {}),
    "XOR batch, activations": (batch, {"style": "heatmap", "of": "activations"}),
    "XOR batch by neuron": (batch, {"fold": "neuron"}),
    "XOR, six epochs": (training, {}),
    "GPT step by call": (gpt_step, {"fold": "call"}),
    "program": (program, {}),
}


# ---- the table ---------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Measured:
    """A picture in a frame: the heights of its text in pixels.

    ``text`` is that of most characters, ``least`` the smallest; ``white`` is the share of the
    frame's pixels that nothing is drawn on; ``crossed`` counts labels and titles that an arrow
    crosses, ``astray`` labels that are nearer to another arrow than to theirs; of a network, whose
    numbers stand on its lines, both are a dash.
    """

    boxes: int
    width: float
    height: float
    text: float
    least: float
    white: float
    crossed: str
    astray: str


def measured(drawing: Drawing, frame: tuple[int, int] = FRAME) -> Measured:
    """Return how a drawing looks when it is fitted into a frame of that size in pixels."""
    svg = drawing.svg()
    view_box = VIEW_BOX.search(svg)
    assert view_box is not None, "a drawing has its size"
    width, height = map(float, view_box.groups())
    scale = min(frame[0] / width, frame[1] / height)
    sizes = Counter[float]()
    for size, text in TEXT.findall(svg):
        sizes[float(size)] += len(text.strip())
    crossed = astray = "–"
    if drawing.layout is None:
        found = collisions(drawing.picture, laid_out(drawing.picture, drawing.rankdir).places)
        crossed, astray = str(len(found.texts)), str(len(found.strays))
    return Measured(
        len(drawing.picture.boxes),
        *(width, height, scale * sizes.most_common(1)[0][0], scale * min(sizes)),
        *(white_share(svg, frame), crossed, astray),
    )


def white_share(svg: str, frame: tuple[int, int]) -> float:
    """Return the share of white pixels of a picture in a frame."""
    png = pixels_of(on_canvas(svg, frame), converter())
    pixels = Image.open(io.BytesIO(png)).convert("L")
    return pixels.histogram()[255] / (frame[0] * frame[1])


def main(arguments: Sequence[str] | None = None) -> None:
    """Print the table."""
    parser = command_line("demos.gallery", __doc__)
    parser.add_argument("--only", default="", help="a part of the names of the pictures to take")
    parser.add_argument("--out", type=output_folder, metavar="FOLDER", help="where to put pictures")
    options = parser.parse_args(arguments)
    print(f"{'picture':24}  boxes        size  text px  least  white  crossed  astray  fitted")
    for place, (name, (make, how)) in enumerate(GALLERY.items(), 1):
        if options.only not in name:
            continue
        root = make()
        drawing, fitted = draw(root, **how), draw(root, **how, fit=FRAME)
        found = measured(drawing)
        size = f"{found.width:.0f}x{found.height:.0f}"
        print(
            f"{name:24}  {found.boxes:5}  {size:>10}  {found.text:7.1f}  {found.least:5.1f}  "
            f"{found.white:5.0%}  {found.crossed:>7}  {found.astray:>6}  "
            f"{measured(fitted).text:6.1f}"
        )
        if options.out is not None:
            drawing.save(options.out / f"{place:02}.png", size=FRAME)
            fitted.save(options.out / f"{place:02}_fitted.png", size=FRAME)


if __name__ == "__main__":
    run(main)
