"""A variational autoencoder: patterns of six bits, by way of two numbers."""

import math
import random

from engine import Value

random.seed(1)

PATTERNS = [[1, 1, 0, 0, 0, 0], [0, 0, 1, 1, 0, 0], [0, 0, 0, 0, 1, 1], [1, 0, 1, 0, 1, 0]]
BITS, HIDDEN, LATENT = 6, 5, 2


class Number(Value):
    """The engine's Value with the functions that it lacks; sums and products are Numbers, too."""

    def __init__(self, data, children=(), local_grads=()):
        super().__init__(data, children, local_grads)

    def __add__(self, other):
        other = other if isinstance(other, Value) else Number(other)
        return Number(self.data + other.data, (self, other), (1.0, 1.0))

    def __mul__(self, other):
        other = other if isinstance(other, Value) else Number(other)
        return Number(self.data * other.data, (self, other), (other.data, self.data))

    def exp(self):
        e = math.exp(self.data)
        return Number(e, (self,), (e,))

    def tanh(self):
        t = math.tanh(self.data)
        return Number(t, (self,), (1 - t**2,))

    def clamp(self, low, high):
        inside = low < self.data < high
        return Number(min(max(self.data, low), high), (self,), (float(inside),))

    def surprise(self, bit):
        """-log of the chance of a bit, if this is its logit."""
        chance = 1 / (1 + math.exp(-self.data))
        lost = -math.log(chance if bit else 1 - chance)
        return Number(lost, (self,), (chance - bit,))

    def __repr__(self):
        return f"<{self.data:+.3f}>"


class Layer:
    def __init__(self, inputs, outputs):
        spread = (2 / (inputs + outputs)) ** 0.5
        self.w = [[Number(random.gauss(0, spread)) for _ in range(inputs)] for _ in range(outputs)]
        self.b = [Number(0) for _ in range(outputs)]

    def __call__(self, x):
        rows = zip(self.w, self.b, strict=True)
        return [sum(w * xi for w, xi in zip(row, x, strict=True)) + b for row, b in rows]

    def parameters(self):
        return [p for row in self.w for p in row] + self.b


encode, to_mean, to_log_variance = Layer(BITS, HIDDEN), Layer(HIDDEN, LATENT), Layer(HIDDEN, LATENT)
decode, to_bits = Layer(LATENT, HIDDEN), Layer(HIDDEN, BITS)
layers = [encode, to_mean, to_log_variance, decode, to_bits]
parameters = [p for layer in layers for p in layer.parameters()]
print(f"{len(parameters)} parameters")


def encoded(bits):
    hidden = [h.tanh() for h in encode([Number(bit) for bit in bits])]
    return to_mean(hidden), [v.clamp(-4.0, 4.0) for v in to_log_variance(hidden)]


def decoded(z):
    return to_bits([h.tanh() for h in decode(z)])


def costs(bits):
    mean, log_variance = encoded(bits)
    z = [m + (v * 0.5).exp() * random.gauss(0, 1) for m, v in zip(mean, log_variance, strict=True)]
    reconstruction = sum(logit.surprise(bit) for logit, bit in zip(decoded(z), bits, strict=True))
    pairs = zip(mean, log_variance, strict=True)
    divergence = -0.5 * sum(1 + v - m**2 - v.exp() for m, v in pairs)
    return reconstruction, divergence


losses = []
steps = 120
for step in range(steps):
    learning_rate = 0.4 * (1 - step / steps)
    random.shuffle(PATTERNS)
    pairs = [costs(bits) for bits in PATTERNS]
    reconstruction = sum(r for r, _ in pairs) / len(pairs)
    divergence = sum(d for _, d in pairs) / len(pairs)
    loss = reconstruction + min(0.3, step / 250) * divergence
    for p in parameters:
        p.grad = 0.0
    loss.backward()
    for p in parameters:
        p.data -= learning_rate * p.grad
    losses.append(loss.data)
    if (step + 1) % 20 == 0:
        print(
            f"step {step + 1:3d} | loss {loss.data:.4f}"
            f" | reconstruction {reconstruction.data:.4f} | divergence {divergence.data:.4f}"
        )

for bits in PATTERNS:
    mean, _ = encoded(bits)
    print(bits, "at", mean, isinstance(mean[0], Number), type(mean[0]) is Value)
for _ in range(3):
    z = [Number(random.gauss(0, 1)) for _ in range(LATENT)]
    chances = [1 / (1 + math.exp(-logit.data)) for logit in decoded(z)]
    print(z, "->", "".join("1" if random.random() < chance else "0" for chance in chances))
