"""A small convolutional network that tells upright, level and slanting lines from each other."""

import copy
import functools
import random

from engine import Value

random.seed(1337)

SIZE, KERNEL, POOL = 6, 3, 2
KINDS = ["upright", "level", "slanting"]


class Weight(Value):
    """A Value that knows how strongly it is pulled towards 0."""

    def __init__(self, data, _children=(), _op="", decay=0.0):
        super().__init__(data, _children, _op)
        self.decay = decay

    def shrink(self):
        return self.decay * self * self


def larger(a, b):
    """The engine has no maximum: a node by hand, and how it passes its gradient on."""
    out = Value(max(a.data, b.data), (a, b), "max")

    def pass_on():
        winner = a if a.data >= b.data else b
        winner.grad += out.grad

    out._backward = pass_on
    return out


class Module:
    def zero_grad(self):
        for p in self.parameters():
            p.grad = 0

    def parameters(self):
        return []


class Convolution(Module):
    def __init__(self, number):
        places = [(i, j) for i in range(KERNEL) for j in range(KERNEL)]
        self.kernel = {place: Weight(random.gauss(0, 0.5), decay=0.001) for place in places}
        self.bias = Value(0)
        for (i, j), w in self.kernel.items():
            w.label = f"k{number}[{i}][{j}]"
        self.bias.label = f"b{number}"

    def at(self, picture, row, column):
        products = (w * picture[row + i][column + j] for (i, j), w in self.kernel.items())
        return sum(products, self.bias)

    def __call__(self, picture):
        there = range(SIZE - KERNEL + 1)
        whole = [[self.at(picture, row, column) for column in there] for row in there]
        pooled = []
        for row in range(0, len(whole), POOL):
            for column in range(0, len(whole), POOL):
                window = [whole[row + i][column + j] for i in range(POOL) for j in range(POOL)]
                pooled.append(functools.reduce(larger, window))
        return pooled

    def parameters(self):
        return [*self.kernel.values(), self.bias]


class Score(Module):
    def __init__(self, inputs):
        self.w = [Weight(random.uniform(-0.3, 0.3), decay=0.001) for _ in range(inputs)]
        self.b = Value(0)

    def __call__(self, x):
        return sum((wi * xi for wi, xi in zip(self.w, x, strict=True)), self.b)

    def parameters(self):
        return [*self.w, self.b]


class Network(Module):
    def __init__(self, filters):
        cells = ((SIZE - KERNEL + 1) // POOL) ** 2
        self.filters = [Convolution(number) for number in range(filters)]
        self.scores = [Score(filters * cells) for _ in KINDS]

    def __call__(self, picture):
        features = [cell.relu() for layer in self.filters for cell in layer(picture)]
        return [score(features) for score in self.scores]

    def parameters(self):
        return [p for part in self.filters + self.scores for p in part.parameters()]


def drawn(kind):
    """Return a picture of a line of some kind, at some place, with noise."""
    picture = [[random.gauss(0, 0.1) for _ in range(SIZE)] for _ in range(SIZE)]
    shift = random.randint(1, SIZE - 2)
    for step in range(SIZE):
        row, column = {
            "upright": (step, shift),
            "level": (shift, step),
            "slanting": (step, (step + shift) % SIZE),
        }[kind]
        picture[row][column] += 1.0
    return picture


def trace(root):
    """Return all nodes below a root, and all pairs of a node and its user."""
    nodes, edges = set(), set()

    def build(v):
        if v not in nodes:
            nodes.add(v)
            for child in v._prev:
                edges.add((child, v))
                build(child)

    build(root)
    return nodes, edges


def right_share(model, pictures):
    guesses = []
    for picture, _ in pictures:
        numbers = [score.data for score in model(picture)]
        guesses.append(numbers.index(max(numbers)))
    hits = [KINDS[guess] == kind for guess, (_, kind) in zip(guesses, pictures, strict=True)]
    return sum(hits) / len(hits)


model = Network(filters=2)
parameters = model.parameters()
pictures = [(drawn(kind), kind) for _ in range(4) for kind in KINDS]
print(f"{len(parameters)} parameters, {len(pictures)} pictures")

best, best_model = 0.0, model
losses = []
for step in range(14):
    model.zero_grad()
    data_loss = 0.0
    for picture, kind in pictures[step % 2 :: 2]:  # gradients add up over half the pictures
        scores = model(picture)
        correct = scores[KINDS.index(kind)]
        margins = [(s - correct + 1).relu() for s in scores if s is not correct]
        loss = sum(margins)
        loss.backward()
        data_loss += loss.data
    penalty = sum(p.shrink() for p in parameters if isinstance(p, Weight))
    penalty.backward()

    learning_rate = 0.3 * (1 - 0.9 * step / 14)
    for p in parameters:
        p.data -= learning_rate * p.grad / (len(pictures) / 2)
    losses.append(data_loss + penalty.data)
    if step % 4 == 3:
        accuracy = right_share(model, pictures)
        if accuracy > best:
            best, best_model = accuracy, copy.deepcopy(model)
        print(f"step {step + 1:2d} | loss {losses[-1]:.4f} | right {100 * accuracy:.0f} %")

print(f"best: {100 * best:.0f} %, in the copy: {100 * right_share(best_model, pictures):.0f} %")
for number, layer in enumerate(best_model.filters):
    kept = {(type(w) is Weight, w.decay) for w in layer.kernel.values()}
    print(f"filter {number}, {kept}")
    for i in range(KERNEL):
        print("  ", " ".join(f"{layer.kernel[i, j].data:+.3f}" for j in range(KERNEL)))

# One pooled cell, as a graph.
cell = model.filters[0](pictures[0][0])[0]
nodes, edges = trace(cell)
cell.backward()
counts = {op: sum(v._op == op for v in nodes) for op in ("*", "+", "max", "")}
print(f"a cell has {len(nodes)} nodes, {len(edges)} edges, {counts}")
print(f"weights among them: {sum(isinstance(v, Weight) for v in nodes)}")
for w in sorted((v for v in nodes if isinstance(v, Weight)), key=lambda v: v.label):
    print(f"  {w.label} | data {w.data:+.4f} | grad {w.grad:+.4f}")
