"""A tiny neural-network library on the engine: neurons, losses, optimizers."""

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
from nn.optim import SGD, Adam, AdamW, Optimizer

__all__ = [
    "MLP",
    "SGD",
    "Adam",
    "AdamW",
    "History",
    "Layer",
    "Module",
    "Neuron",
    "NonFiniteLossError",
    "Optimizer",
    "binary_cross_entropy",
    "binary_cross_entropy_with_logits",
    "cross_entropy",
    "fit",
    "hinge_loss",
    "load",
    "mse_loss",
    "save",
]
