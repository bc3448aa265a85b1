"""A transformer that learns the names of trees, letter by letter, and makes up new ones."""

import math
import pickle
import random

from engine import Value

random.seed(42)

names = """alder ash aspen beech birch cedar cherry elm fir hazel holly juniper larch linden
maple oak olive pine plum poplar rowan spruce willow yew""".split()
random.shuffle(names)
letters = sorted(set("".join(names)))
END = len(letters)  # begins and ends a name
vocabulary_size = len(letters) + 1
print(f"{len(names)} names, {vocabulary_size} tokens")

# ---- the parameters ----

width, heads, layers, longest = 8, 2, 1, 8
head_width = width // heads


def matrix(rows, columns, spread=0.08):
    return [[Value(random.gauss(0, spread)) for _ in range(columns)] for _ in range(rows)]


weights = {
    "token": matrix(vocabulary_size, width),
    "position": matrix(longest, width),
    "output": matrix(vocabulary_size, width),
}
for layer in range(layers):
    for name in ("query", "key", "value", "mix"):
        weights[f"{layer}.{name}"] = matrix(width, width)
    weights[f"{layer}.up"] = matrix(4 * width, width)
    weights[f"{layer}.down"] = matrix(width, 4 * width)
parameters = [p for table in weights.values() for row in table for p in row]
print(f"{len(parameters)} parameters")

# ---- the network ----


def linear(x, table):
    return [sum(w * xi for w, xi in zip(row, x, strict=True)) for row in table]


def softmax(scores):
    highest = max(score.data for score in scores)
    exponentials = [(score - highest).exp() for score in scores]
    total = sum(exponentials)
    return [e / total for e in exponentials]


def normalized(x):
    mean_square = sum(xi * xi for xi in x) / len(x)
    scale = (mean_square + 1e-5) ** -0.5
    return [xi * scale for xi in x]


def gelu(x):
    """The engine has none: a node by hand, from its number, its operand and its slope."""
    inner = math.sqrt(2 / math.pi) * (x.data + 0.044715 * x.data**3)
    t = math.tanh(inner)
    inner_slope = math.sqrt(2 / math.pi) * (1 + 3 * 0.044715 * x.data**2)
    slope = 0.5 * (1 + t) + 0.5 * x.data * (1 - t * t) * inner_slope
    return Value(0.5 * x.data * (1 + t), (x,), (slope,))


def gpt(token, position, keys, values):
    x = [a + b for a, b in zip(weights["token"][token], weights["position"][position], strict=True)]
    x = normalized(x)
    for layer in range(layers):
        before = x
        x = normalized(x)
        query = linear(x, weights[f"{layer}.query"])
        keys[layer].append(linear(x, weights[f"{layer}.key"]))
        values[layer].append(linear(x, weights[f"{layer}.value"]))
        found = []
        for head in range(heads):
            part = slice(head * head_width, (head + 1) * head_width)
            q = query[part]
            ks, vs = [k[part] for k in keys[layer]], [v[part] for v in values[layer]]
            attention = softmax(
                [sum(a * b for a, b in zip(q, k, strict=True)) / head_width**0.5 for k in ks]
            )
            found += [
                sum(a * v[j] for a, v in zip(attention, vs, strict=True)) for j in range(head_width)
            ]
        x = [a + b for a, b in zip(linear(found, weights[f"{layer}.mix"]), before, strict=True)]
        before = x
        x = [gelu(xi) for xi in linear(normalized(x), weights[f"{layer}.up"])]
        x = [a + b for a, b in zip(linear(x, weights[f"{layer}.down"]), before, strict=True)]
    return linear(x, weights["output"])


def fresh_cache():
    return [[] for _ in range(layers)], [[] for _ in range(layers)]


def reached(loss):
    """Return the Values that a loss was computed from, found along _children."""
    seen, stack = {loss}, [loss]
    while stack:
        for child in stack.pop()._children:
            if child not in seen:
                seen.add(child)
                stack.append(child)
    return seen


# ---- training, by Adam ----

steps, learning_rate, beta1, beta2, epsilon = 8, 0.02, 0.85, 0.99, 1e-8
m, v = [0.0] * len(parameters), [0.0] * len(parameters)
losses = []
for step in range(steps):
    name = names[step % len(names)]
    tokens = [END] + [letters.index(letter) for letter in name] + [END]
    n = min(longest, len(tokens) - 1)
    keys, values = fresh_cache()
    terms = []
    for position in range(n):
        chances = softmax(gpt(tokens[position], position, keys, values))
        terms.append(-chances[tokens[position + 1]].log())
    loss = (1 / n) * sum(terms)
    loss.backward()
    used = len(reached(loss).intersection(parameters))

    rate = learning_rate * (1 - step / steps)
    for i, p in enumerate(parameters):
        m[i] = beta1 * m[i] + (1 - beta1) * p.grad
        v[i] = beta2 * v[i] + (1 - beta2) * p.grad**2
        m_hat = m[i] / (1 - beta1 ** (step + 1))
        v_hat = v[i] / (1 - beta2 ** (step + 1))
        p.data -= rate * m_hat / (v_hat**0.5 + epsilon)
        p.grad = 0
    losses.append(loss.data)
    print(f"step {step + 1} / {steps} | {name:8s} | loss {loss.data:.4f} | {used} weights used")

# ---- names of trees that there are not, from weights that were saved and loaded ----

saved = pickle.dumps(weights)
weights = pickle.loads(saved)
temperature = 0.7
for sample in range(4):
    keys, values = fresh_cache()
    token, made_up = END, []
    for position in range(longest):
        chances = softmax([score / temperature for score in gpt(token, position, keys, values)])
        token = random.choices(range(vocabulary_size), weights=[p.data for p in chances])[0]
        if token == END:
            break
        made_up.append(letters[token])
    print(f"sample {sample + 1}: {''.join(made_up)}")
