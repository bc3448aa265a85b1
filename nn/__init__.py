"""A tiny neural-network library on the engine: neurons, losses, optimizers.

>>> model = MLP(2, [4, 1], activation="tanh", rng=7)
>>> x, y = [[0, 0], [0, 1], [1, 0], [1, 1]], [0, 1, 1, 0]
>>> history = fit(model, x, y, optimizer=SGD(model.parameters(), lr=0.1), epochs=1000)
>>> round(model([0, 1]).data, 3)
1.0
"""

from nn.blocks import Dropout, Embedding, LayerNorm, RMSNorm
from nn.fit import History, NonFiniteLossError, fit
from nn.io import load, save
from nn.layers import MLP, Layer, Neuron
from nn.losses import (
    binary_cross_entropy,
    binary_cross_entropy_with_logits,
    cross_entropy,
    hinge_loss,
    mse_loss,
)
from nn.module import Module
from nn.optim import SGD, Adam, AdamW, Optimizer, RMSprop
from nn.schedules import CosineDecay, ExponentialDecay, LinearDecay
from nn.softmax import log_softmax, log_sum_exp, softmax

__all__ = [
    "MLP",
    "SGD",
    "Adam",
    "AdamW",
    "CosineDecay",
    "Dropout",
    "Embedding",
    "ExponentialDecay",
    "History",
    "Layer",
    "LayerNorm",
    "LinearDecay",
    "Module",
    "Neuron",
    "NonFiniteLossError",
    "Optimizer",
    "RMSNorm",
    "RMSprop",
    "binary_cross_entropy",
    "binary_cross_entropy_with_logits",
    "cross_entropy",
    "fit",
    "hinge_loss",
    "load",
    "log_softmax",
    "log_sum_exp",
    "mse_loss",
    "save",
    "softmax",
]


def __dir__() -> list[str]:
    """Return the public names, which are what a person looks for: ``dir(nn)``."""
    return [*__all__, "__doc__", "__file__", "__name__", "__path__"]
