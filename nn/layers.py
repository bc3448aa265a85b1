"""Neurons, layers of neurons, and networks of layers."""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Iterable, Sequence
from typing import Any, ClassVar, Literal

from autodiff import Value, weighted_sum
from autodiff.ops import WEIGHTED_SUM
from autodiff.support import watch
from autodiff.support.arguments import count_of, random_generator
from autodiff.support.convert import describe
from autodiff.support.made_by import call_within
from autodiff.support.nested import joined, values_of
from nn.module import Module, title_of

ActivationName = Literal["relu", "leaky_relu", "gelu", "sigmoid", "softplus", "tanh"]
Activation = ActivationName | Callable[[Value], Value] | None

__all__ = ["ACTIVATIONS", "MLP", "Layer", "Neuron"]

ACTIVATIONS: dict[ActivationName, Callable[[Value], Value]] = {
    "relu": Value.relu,
    "leaky_relu": Value.leaky_relu,
    "gelu": Value.gelu,
    "sigmoid": Value.sigmoid,
    "softplus": Value.softplus,
    "tanh": Value.tanh,
}

# PyTorch's names of these, where they are not the same with a capital letter.
_NEURON_NAMES = {"relu": "ReLU", "leaky_relu": "LeakyReLU", "gelu": "GELU"}


class Neuron(Module, names_nodes=False):
    """activation(bias + weight[0] * input[0] + weight[1] * input[1] + ...), added in that order.

    ``w`` is the list of ``nin`` weights (``nin`` is the fan-in) and ``b`` the bias.  All start
    uniform in ±1/sqrt(nin) (X. Glorot and Y. Bengio, 2010, equation 1; PyTorch's default for a
    linear layer), drawn from ``rng``: a ``random.Random``, an int to seed one, or None for Python's
    own generator, which ``random.seed(1337)`` sets, as with micrograd.  With ``rng`` the start
    depends on nothing else.  ``activation`` is a key of ``ACTIVATIONS`` or any function
    of a Value that returns one; without one (None, or ``nonlin`` False) the neuron is linear.

    Raises ValueError if the fan-in is not a positive int or the activation is unknown; TypeError
    if ``rng`` is none of these.

    >>> neuron = Neuron(2, activation="tanh", rng=7)
    >>> neuron([1.0, -2.0]).op, len(neuron.parameters())
    (tanh, 3)
    """

    parameter_names: ClassVar[dict[str, str]] = {"w": "weight", "b": "bias"}

    def __init__(
        self,
        nin: int,
        nonlin: bool = True,
        *,
        activation: Activation = "relu",
        rng: random.Random | int | None = None,
    ) -> None:
        nin = count_of(nin, "inputs")
        self.activation = _check_activation(activation) if nonlin else None
        generator = random_generator(rng, "rng")
        uniform = random.uniform if generator is None else generator.uniform
        limit = 1.0 / math.sqrt(nin)
        self.w = [Value(uniform(-limit, limit)) for _ in range(nin)]
        self.b = Value(uniform(-limit, limit))

    @property
    def nonlin(self) -> bool:
        """False for a linear neuron, which has no activation; may be set, as in micrograd."""
        return self.activation is not None

    @nonlin.setter
    def nonlin(self, nonlin: bool) -> None:
        self.activation = (self.activation or "relu") if nonlin else None

    def parameters(self) -> list[Value]:
        # Written out for speed, as every step of training may ask; a subclass may have more.
        if type(self) is Neuron:
            return list(dict.fromkeys((*self.w, self.b)))
        return super().parameters()

    def input_count(self) -> int:
        return len(self.w)

    def __call__(self, x: Iterable[Value | float]) -> Value:
        """Return the neuron's output for ``nin`` numbers or Values.

        Raises ValueError or TypeError, naming the neuron, if ``x`` is not that.
        """
        return self.respond(values_of(x, len(self.w), title_of(self)))

    def respond(self, inputs: Sequence[Value]) -> Value:
        """Return the output for inputs that are known to be ``nin`` Values."""
        if watch.on_new_value is not None or callable(self.activation):
            # Who looks on is to know the neuron as soon as the node is made; a function makes any.
            return call_within(self._origins, self._respond, inputs)
        activation, origins = self.activation, self._origins
        total = weighted_sum(self.b, self.w, inputs, origins[WEIGHTED_SUM])
        if activation is None:
            return total
        output = ACTIVATIONS[activation](total)
        output.origin = origins[output.origin.op]
        return output

    def _respond(self, inputs: Sequence[Value]) -> Value:
        total = weighted_sum(self.b, self.w, inputs)
        if not callable(self.activation):
            return total if self.activation is None else ACTIVATIONS[self.activation](total)
        output = self.activation(total)
        if not isinstance(output, Value):
            raise TypeError(
                f"{title_of(self)}: the activation must return a Value, but returned "
                f"{describe(output)}; a number that has left the graph has no gradient"
            )
        return output

    def __repr__(self) -> str:
        kind: Any = self.activation or "linear"
        if isinstance(kind, str):
            kind = _NEURON_NAMES.get(kind, kind.capitalize())
        else:
            kind = getattr(kind, "__name__", type(kind).__name__)
        return f"{kind}Neuron({len(self.w)})"


class Layer(Module, names_nodes=False):
    """``nout`` neurons that see the same ``nin`` inputs. Calling it returns a list of ``nout``.

    In ``state_dict`` it is PyTorch's ``Linear``: ``weight`` is nout x nin, ``bias`` nout.  The
    other arguments, and the weights' start, are those of :class:`Neuron`.

    Raises ValueError if a number is not a positive int or the activation is unknown.

    >>> layer = Layer(2, 3, activation="sigmoid", rng=7)
    >>> len(layer([0.5, 1.0])), layer
    (3, Layer of [SigmoidNeuron(2), SigmoidNeuron(2), SigmoidNeuron(2)])
    """

    def __init__(
        self,
        nin: int,
        nout: int,
        nonlin: bool = True,
        *,
        activation: Activation = "relu",
        rng: random.Random | int | None = None,
    ) -> None:
        nin = count_of(nin, "inputs")
        nout = count_of(nout, "neurons")
        generator = random_generator(rng, "rng")
        self.neurons = [
            Neuron(nin, nonlin, activation=activation, rng=generator) for _ in range(nout)
        ]

    # The neurons' parameters are the layer's own, as in PyTorch's Linear; a subclass may have more.

    def children(self) -> dict[str, Module]:
        neurons = set(self.neurons)
        return {name: child for name, child in super().children().items() if child not in neurons}

    def own_parameters(self) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for neuron in self.neurons:
            for name, parameter in neuron.own_parameters().items():
                found.setdefault(name, []).append(parameter)
        return joined(self, found, super().own_parameters())

    def parameters(self) -> list[Value]:
        # Neuron by neuron, as micrograd has them.
        of_neurons = [parameter for neuron in self.neurons for parameter in neuron.parameters()]
        more = () if type(self) is Layer else super().parameters()
        return list(dict.fromkeys([*of_neurons, *more]))

    def input_count(self) -> int:
        return self.neurons[0].input_count()

    def set_path(self, path: str) -> None:
        super().set_path(path)
        for place, neuron in enumerate(self.neurons):
            neuron.path = f"{path or type(self).__name__}[{place}]"

    def __call__(self, x: Iterable[Value | float]) -> list[Value]:
        """Return the neurons' outputs for ``nin`` numbers or Values.

        Raises ValueError or TypeError, naming the layer, if ``x`` is not that.
        """
        inputs = values_of(x, len(self.neurons[0].w), title_of(self))
        return [neuron.respond(inputs) for neuron in self.neurons]

    def __repr__(self) -> str:
        return f"Layer of [{', '.join(map(str, self.neurons))}]"


class MLP(Module, names_nodes=False):
    """A multi-layer perceptron: ``MLP(2, [4, 1])`` is 2 inputs, 4 hidden neurons, 1 output.

    Its layers are ``layers``, and by name ``hidden`` (or ``hidden1``, ``hidden2``, ...) and
    ``output``.  Calling it returns a list of outputs, or the output itself where there is one.
    Hidden layers have ``activation``, the last one ``output_activation``; the weights' start is
    that of :class:`Neuron`, layer by layer.

    Raises ValueError if there is no layer, a number is not a positive int, or an activation is
    unknown.

    >>> model = MLP(2, [4, 1], activation="sigmoid", output_activation="sigmoid", rng=7)
    >>> [name for name in model.state_dict()]
    ['hidden.weight', 'hidden.bias', 'output.weight', 'output.bias']
    >>> 0.0 < model([0.0, 1.0]) < 1.0, model.hidden is model.layers[0]
    (True, True)
    """

    def __init__(
        self,
        nin: int,
        nouts: Sequence[int],
        activation: Activation = "relu",
        output_activation: Activation = None,
        rng: random.Random | int | None = None,
    ) -> None:
        if not isinstance(nouts, Sequence) or isinstance(nouts, str) or not nouts:
            raise ValueError(
                f"MLP needs a list with the size of each layer, but got {describe(nouts)}"
            )
        _check_activation(activation)  # also where there is no hidden layer to use it
        generator = random_generator(rng, "rng")
        sizes = [nin, *nouts]
        activations = [activation] * (len(nouts) - 1) + [output_activation]
        self.layers = [
            Layer(fan_in, width, activation=name, rng=generator)
            for fan_in, width, name in zip(sizes, nouts, activations, strict=False)
        ]

    def children(self) -> dict[str, Module]:
        hidden = len(self.layers) - 1
        names = ["hidden"] if hidden == 1 else [f"hidden{place}" for place in range(1, hidden + 1)]
        layers = dict(zip([*names, "output"], self.layers, strict=True))
        # A subclass may have modules besides its layers.
        others = super().children().items()
        more = {name: child for name, child in others if child not in self.layers}
        return joined(self, layers, more)

    def __getattr__(self, name: str) -> Module:
        # Asked for what is no attribute: of a copy, too, that has none yet.
        if "layers" in vars(self) and name in (children := self.children()):
            return children[name]
        said = f"{type(self).__name__!r} object has no attribute {name!r}"
        raise AttributeError(said, name=name, obj=self)

    def input_count(self) -> int:
        return self.layers[0].input_count()

    def __call__(self, x: Iterable[Value | float]) -> Any:
        """Return the outputs for ``nin`` numbers or Values: a list, or one Value if it is one.

        Raises ValueError or TypeError, naming the first layer, if ``x`` is not that.
        """
        signal: Any = x
        for layer in self.layers:
            signal = layer(signal)
        return signal[0] if len(signal) == 1 else signal

    def __repr__(self) -> str:
        return f"MLP of [{', '.join(map(str, self.layers))}]"


def _check_activation(activation: Activation) -> Activation:
    known = activation in ACTIVATIONS if isinstance(activation, str) else callable(activation)
    if activation is not None and (not known or isinstance(activation, Module)):
        raise ValueError(
            f"activation must be None, a function or one of {', '.join(ACTIVATIONS)}, "
            f"but got {describe(activation)}"
        )
    return activation
