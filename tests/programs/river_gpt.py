"""A GPT of one file that learns the names of rivers: matrices are lists of lists in a dict.

It was written for an engine of forty lines; all that an engine has to give it is Value.
"""

import math
import random

from engine import Value

random.seed(7)

# ---- what there is to learn ----

rivers = """amazon amur colorado columbia congo danube don elbe euphrates ganges indus kura
lena loire madeira mekong mississippi missouri murray niger nile ob oder orinoco parana po rhine
rhone seine tagus tigris ural vistula volga weser yangtze yukon zambezi""".split()
random.shuffle(rivers)

letters = sorted(set("".join(rivers)))
BOUNDARY = len(letters)  # the token before a name and after it
n_tokens = len(letters) + 1
print(f"{len(rivers)} rivers, {n_tokens} tokens")

# ---- the weights ----

n_layer = 1
n_embd = 16
n_head = 4
block_size = 12
head_dim = n_embd // n_head


def matrix(n_out, n_in, std=0.08):
    """A list of rows, one for each number that comes out."""
    return [[Value(random.gauss(0, std)) for _ in range(n_in)] for _ in range(n_out)]


state_dict = {
    "wte": matrix(n_tokens, n_embd),
    "wpe": matrix(block_size, n_embd),
    "lm_head": matrix(n_tokens, n_embd),
}
for i in range(n_layer):
    state_dict[f"layer{i}.attn_wq"] = matrix(n_embd, n_embd)
    state_dict[f"layer{i}.attn_wk"] = matrix(n_embd, n_embd)
    state_dict[f"layer{i}.attn_wv"] = matrix(n_embd, n_embd)
    state_dict[f"layer{i}.attn_wo"] = matrix(n_embd, n_embd)
    state_dict[f"layer{i}.mlp_fc1"] = matrix(4 * n_embd, n_embd)
    state_dict[f"layer{i}.mlp_fc2"] = matrix(n_embd, 4 * n_embd)
params = [p for mat in state_dict.values() for row in mat for p in row]
print(f"{len(params)} weights")

# ---- the network ----


def linear(x, w):
    """A matrix times a vector."""
    return [sum(wi * xi for wi, xi in zip(row, x, strict=True)) for row in w]


def softmax(logits):
    """Probabilities, from scores."""
    highest = max(logit.data for logit in logits)
    exps = [(logit - highest).exp() for logit in logits]
    total = sum(exps)
    return [e / total for e in exps]


def rmsnorm(x):
    """The same direction, at a length that does not depend on it."""
    ms = sum(xi * xi for xi in x) / len(x)
    scale = (ms + 1e-5) ** -0.5
    return [xi * scale for xi in x]


def gpt(token_id, pos_id, keys, values):
    """Scores of what may follow a token; keys and values have what came before it."""
    tok_emb = state_dict["wte"][token_id]
    pos_emb = state_dict["wpe"][pos_id]
    x = [t + p for t, p in zip(tok_emb, pos_emb, strict=True)]
    x = rmsnorm(x)

    for li in range(n_layer):
        # Attention: each head asks all positions so far.
        x_residual = x
        x = rmsnorm(x)
        q = linear(x, state_dict[f"layer{li}.attn_wq"])
        k = linear(x, state_dict[f"layer{li}.attn_wk"])
        v = linear(x, state_dict[f"layer{li}.attn_wv"])
        keys[li].append(k)
        values[li].append(v)
        x_attn = []
        for h in range(n_head):
            hs = h * head_dim
            q_h = q[hs : hs + head_dim]
            k_h = [ki[hs : hs + head_dim] for ki in keys[li]]
            v_h = [vi[hs : hs + head_dim] for vi in values[li]]
            attn_logits = [
                sum(q_h[j] * k_h[t][j] for j in range(head_dim)) / head_dim**0.5
                for t in range(len(k_h))
            ]
            attn_weights = softmax(attn_logits)
            head_out = [
                sum(attn_weights[t] * v_h[t][j] for t in range(len(v_h))) for j in range(head_dim)
            ]
            x_attn.extend(head_out)
        x = linear(x_attn, state_dict[f"layer{li}.attn_wo"])
        x = [a + b for a, b in zip(x, x_residual, strict=True)]

        # Two layers for each position by itself.
        x_residual = x
        x = rmsnorm(x)
        x = linear(x, state_dict[f"layer{li}.mlp_fc1"])
        x = [xi.relu() for xi in x]
        x = linear(x, state_dict[f"layer{li}.mlp_fc2"])
        x = [a + b for a, b in zip(x, x_residual, strict=True)]

    return linear(x, state_dict["lm_head"])


# ---- training, by Adam ----

learning_rate, beta1, beta2, eps_adam = 0.01, 0.85, 0.99, 1e-8
m = [0.0] * len(params)  # mean of the gradients, and of their squares
v2 = [0.0] * len(params)

num_steps = 2
for step in range(num_steps):
    river = rivers[step % len(rivers)]
    tokens = [BOUNDARY] + [letters.index(letter) for letter in river] + [BOUNDARY]
    n = min(block_size, len(tokens) - 1)

    # Forward: one position after the other.
    keys, values = [[] for _ in range(n_layer)], [[] for _ in range(n_layer)]
    losses = []
    for pos_id in range(n):
        token_id, target_id = tokens[pos_id], tokens[pos_id + 1]
        logits = gpt(token_id, pos_id, keys, values)
        probs = softmax(logits)
        loss_t = -probs[target_id].log()
        losses.append(loss_t)
    loss = (1 / n) * sum(losses)

    # Backward: the slope of the loss by each weight.
    loss.backward()

    # Update: with a rate that goes down to nothing.
    lr_t = learning_rate * (1 - step / num_steps)
    for i, p in enumerate(params):
        m[i] = beta1 * m[i] + (1 - beta1) * p.grad
        v2[i] = beta2 * v2[i] + (1 - beta2) * p.grad**2
        m_hat = m[i] / (1 - beta1 ** (step + 1))
        v_hat = v2[i] / (1 - beta2 ** (step + 1))
        p.data -= lr_t * m_hat / (math.sqrt(v_hat) + eps_adam)
        p.grad = 0
    print(f"step {step + 1} / {num_steps} | {river:12s} | loss {loss.data:.4f}")

# ---- rivers that there are not ----

temperature = 0.5
for sample in range(2):
    keys, values = [[] for _ in range(n_layer)], [[] for _ in range(n_layer)]
    token_id, found = BOUNDARY, []
    for pos_id in range(block_size):
        logits = gpt(token_id, pos_id, keys, values)
        probs = softmax([logit / temperature for logit in logits])
        chances = [prob.data for prob in probs]
        token_id = random.choices(range(n_tokens), weights=chances)[0]
        if token_id == BOUNDARY:
            break
        found.append(letters[token_id])
    print(f"sample {sample + 1}: {''.join(found)}")
