"""An actor and a critic learn to walk a corridor: policy gradients with clipped ratios (PPO)."""

import math
import random

from engine import Value

random.seed(3)

CELLS, START, LONGEST, DISCOUNT = 6, 1, 10, 0.9
MOVES = {"left": -1, "stay": 0, "right": +1}


# ---- what the engine lacks ----


def exp(x):
    out = Value(math.exp(x.data), (x,), "exp")

    def pass_on():
        x.grad += out.data * out.grad

    out._backward = pass_on
    return out


def log(x):
    out = Value(math.log(x.data), (x,), "log")

    def pass_on():
        x.grad += 1 / x.data * out.grad

    out._backward = pass_on
    return out


def tanh(x):
    out = Value(math.tanh(x.data), (x,), "tanh")

    def pass_on():
        x.grad += (1 - out.data**2) * out.grad

    out._backward = pass_on
    return out


def softmax(scores):
    highest = max(scores, key=lambda score: score.data)
    exponentials = [exp(score - highest) for score in scores]
    total = sum(exponentials)
    return [e / total for e in exponentials]


# ---- networks ----


class Neuron:
    def __init__(self, inputs, activation=None):
        self.w = [Value(random.uniform(-1, 1), label="w") for _ in range(inputs)]
        self.b = Value(0.0, label="b")
        self.activation = activation

    def __call__(self, x):
        act = sum((wi * xi for wi, xi in zip(self.w, x, strict=True)), self.b)
        return self.activation(act) if self.activation else act

    def parameters(self):
        return [*self.w, self.b]


class Layer:
    def __init__(self, inputs, outputs, **options):
        self.neurons = [Neuron(inputs, **options) for _ in range(outputs)]

    def __call__(self, x):
        out = [neuron(x) for neuron in self.neurons]
        return out[0] if len(out) == 1 else out

    def parameters(self):
        return [p for neuron in self.neurons for p in neuron.parameters()]


body = Layer(2, 4, activation=tanh)
actor, critic = Layer(4, len(MOVES)), Layer(4, 1)
parameters = body.parameters() + actor.parameters() + critic.parameters()
print(f"{len(parameters)} parameters")


def seen(cell):
    """What is seen in a cell: leaves with a name for the drawing, in the place of an operation."""
    return [Value(cell / CELLS, (), "input"), Value(1.0 - cell / CELLS, (), "input")]


def judged(inputs):
    features = body(inputs)
    return softmax(actor(features)), critic(features)


def walk():
    """Return what happened until the end of the corridor: cell, move, its chance, reward."""
    cell, story = START, []
    while len(story) < LONGEST and cell < CELLS - 1:
        chances, _ = judged(seen(cell))
        move = random.choices(range(len(MOVES)), weights=[p.data for p in chances])[0]
        after = max(0, cell + list(MOVES.values())[move])
        reward = 1.0 if after == CELLS - 1 else -0.1
        story.append((cell, move, chances[move].data, reward))
        cell = after
    return story


def returns(story):
    total, found = 0.0, []
    for *_, reward in reversed(story):
        total = reward + DISCOUNT * total
        found.append(total)
    return found[::-1]


# ---- training ----

losses = []
for round_ in range(12):
    stories = [walk() for _ in range(3)]
    moments = [
        (*event[:3], worth)
        for story in stories
        for event, worth in zip(story, returns(story), strict=True)
    ]
    for _ in range(2):  # each walk is learned from twice
        policy, value, spread = [], [], []
        for cell, move, old_chance, worth in moments:
            chances, expected = judged(seen(cell))
            advantage = worth - expected.data
            ratio = exp(log(chances[move]) - math.log(old_chance))
            clipped = max(min(ratio, 1.2), 0.8)
            policy.append(-min(ratio * advantage, clipped * advantage))
            value.append((expected - worth) ** 2)
            spread.append(-sum(p * log(p) for p in chances))
        n = len(moments)
        loss = sum(policy) / n + 0.5 * sum(value) / n - 0.01 * sum(spread) / n
        for p in parameters:
            p.grad = 0.0
        loss.backward()
        for p in parameters:
            p.data += -0.4 * p.grad
        losses.append(loss.data)
    steps = sum(len(story) for story in stories) / len(stories)
    reward = sum(sum(gain for *_, gain in story) for story in stories) / len(stories)
    print(
        f"round {round_ + 1:2d} | loss {loss.data:+.4f} | {steps:4.1f} steps | reward {reward:+.3f}"
    )

# ---- what it would do now, and what it looks at ----

for cell in range(CELLS - 1):
    inputs = seen(cell)
    chances, expected = judged(inputs)
    best = chances.index(max(chances))
    low, middle, high = sorted(chances)
    chances[best].backward()
    looks = [v for v in inputs if v._op == "input" and not v._prev]
    print(
        f"cell {cell}: {list(MOVES)[best]:5s} {high.data:.3f} > {middle.data:.3f} > {low.data:.3f}"
        f" | expects {expected.data:+.3f} | input gradients "
        + " ".join(f"{v.grad:+.3f}" for v in looks)
    )
