"""What networks have besides neurons: embeddings, norms and dropout, as in ``torch.nn``."""

from __future__ import annotations

import random
import sys
from collections.abc import Iterable
from numbers import Real
from typing import Any

from autodiff import Value, sqrt
from autodiff.support.arguments import count_of, number_within, random_generator
from autodiff.support.convert import describe
from autodiff.support.nested import values_of
from autodiff.value import constant
from nn.module import Module, title_of
from nn.softmax import total_of

__all__ = ["Dropout", "Embedding", "LayerNorm", "RMSNorm"]


class Embedding(Module, names_nodes=False):
    """A list of ``width`` weights for each of ``count`` tokens: calling it looks one up.

    ``weight`` is count x width, from the standard normal distribution as in PyTorch, drawn from
    ``rng`` as those of :class:`~nn.layers.Neuron`.

    Raises ValueError if a number is not a positive int.

    >>> embedding = Embedding(27, 2, rng=7)
    >>> embedding(3) == embedding.weight[3]
    True
    """

    def __init__(self, count: int, width: int, rng: random.Random | int | None = None) -> None:
        count, width = count_of(count, "tokens"), count_of(width, "weights")
        generator = random_generator(rng, "rng")
        gauss = random.gauss if generator is None else generator.gauss
        self.weight = [[Value(gauss(0.0, 1.0)) for _ in range(width)] for _ in range(count)]

    def __call__(self, x: Any) -> Any:
        """Return the weights of a token, or a list with those of each of a list of tokens.

        A token is an int, or a float that is whole, as ``fit`` has them.  Raises ValueError for
        one that there is not, TypeError for what is no number: a Value, whose number decides.
        """
        if isinstance(x, Iterable) and not isinstance(x, str):
            return [self(token) for token in x]
        count = len(self.weight)
        if not isinstance(x, Real) or isinstance(x, bool):
            raise TypeError(
                f"{title_of(self)} needs an int from 0 to {count - 1}, or a list of "
                f"them, but got {describe(x)}"
            )
        number = float(x)
        token = int(number) if number.is_integer() else -1
        if not 0 <= token < count:
            raise ValueError(
                f"{title_of(self)} has tokens from 0 to {count - 1}, not {describe(x)}"
            )
        return list(self.weight[token])


class RMSNorm(Module):
    """``x / sqrt(mean(x**2) + eps)``, times weights (B. Zhang and R. Sennrich, 2019).

    The weights start at 1; without ``elementwise_affine`` there are none.  ``eps`` is PyTorch's
    for float64, unless it is given.

    Raises ValueError if the width is not a positive int or ``eps`` is below 0.

    >>> [y.data for y in RMSNorm(2, eps=0.0)([3.0, -3.0])]
    [1.0, -1.0]
    """

    weight: list[Value] | None = None
    bias: list[Value] | None = None

    def __init__(
        self, width: int, eps: float = sys.float_info.epsilon, elementwise_affine: bool = True
    ) -> None:
        self.width, self.eps = count_of(width, "numbers"), number_within(eps, "eps")
        if elementwise_affine:
            self.weight = [Value(1.0) for _ in range(self.width)]

    def input_count(self) -> int:
        return self.width

    def __call__(self, x: Iterable[Value | float]) -> list[Value]:
        """Return as many Values as there are numbers or Values in ``x``: the width."""
        return self.scaled(values_of(x, self.width, title_of(self)))

    def scaled(self, numbers: list[Value]) -> list[Value]:
        """Return the numbers, scaled to a mean square of 1, times weights and plus biases."""
        mean_square = total_of([number**2 for number in numbers]) / float(self.width)
        size = sqrt(mean_square + self.eps)
        outputs = [number / size for number in numbers]
        if self.weight is not None:
            outputs = [y * weight for y, weight in zip(outputs, self.weight, strict=True)]
        if self.bias is not None:
            outputs = [y + bias for y, bias in zip(outputs, self.bias, strict=True)]
        return outputs


class LayerNorm(RMSNorm):
    """``(x - mean) / sqrt(variance + eps)`` times weights, plus biases (J. L. Ba and others, 2016).

    The weights start at 1 and the biases at 0; without ``elementwise_affine`` there are none of
    either, without ``bias`` no biases.  Errors are those of :class:`RMSNorm`.

    >>> [y.data for y in LayerNorm(2, eps=0.0)([1.0, 3.0])]
    [-1.0, 1.0]
    """

    def __init__(
        self, width: int, eps: float = 1e-5, elementwise_affine: bool = True, bias: bool = True
    ) -> None:
        super().__init__(width, eps, elementwise_affine)
        if elementwise_affine and bias:
            self.bias = [Value(0.0) for _ in range(self.width)]

    def __call__(self, x: Iterable[Value | float]) -> list[Value]:
        """Return as many Values as there are numbers or Values in ``x``: the width."""
        inputs = values_of(x, self.width, title_of(self))
        mean = total_of(inputs) / float(self.width)
        return self.scaled([number - mean for number in inputs])


class Dropout(Module):
    """While it trains, puts 0 in the place of each number with probability ``p``.

    The others are divided by 1 - p, so that the mean stays (N. Srivastava and others, 2014).  What
    is dropped gets no gradient at all.  After ``eval()`` all numbers pass as they are, in ``fit``
    with a warning.  It draws from ``rng`` as a neuron's start does.  ``fit`` draws eagerly what
    a loop by hand would; ``autodiff.compile`` repeats a graph with what was dropped there.

    Raises ValueError if ``p`` is not from 0 to 1.

    >>> dropout = Dropout(0.5, rng=7)
    >>> [y.data for y in dropout([1.0, 1.0, 1.0, 1.0])]
    [0.0, 0.0, 2.0, 0.0]
    >>> [y.data for y in dropout.eval()([1.0, 1.0])]
    [1.0, 1.0]
    """

    def __init__(self, p: float = 0.5, rng: random.Random | int | None = None) -> None:
        self.p = number_within(p, "p")
        if self.p > 1.0:
            raise ValueError(f"p must be a probability from 0 to 1, but got {p!r}")
        self.generator = random_generator(rng, "rng")

    def __call__(self, x: Iterable[Value | float]) -> list[Value]:
        """Return as many Values as there are numbers or Values in ``x``.

        Raises TypeError if ``x`` is no list of these.
        """
        inputs = values_of(x, None, title_of(self))
        if not self.training or self.p == 0.0:
            return inputs
        draw = random.random if self.generator is None else self.generator.random
        kept = [draw() >= self.p for _ in inputs]
        return [
            number / (1.0 - self.p) if keep else constant(0.0, "dropped")
            for number, keep in zip(inputs, kept, strict=True)
        ]
