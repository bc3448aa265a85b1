"""A tiny neural-network library on the engine: neurons, losses, optimizers."""

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
