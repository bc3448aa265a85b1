"""Module: something with parameters, which it can name, zero, save and load."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any, ClassVar

from autodiff import Value
from autodiff.drawing.fold import Fold
from autodiff.drawing.moment import Moment
from autodiff.drawing.notebook import bundle_of
from autodiff.support.convert import describe, short_repr, to_float
from autodiff.support.made_by import MadeWithin, call_within
from autodiff.support.node import number_of
from autodiff.value import constant

__all__ = ["Module"]

# Of a module that a notebook draws: at all, and neuron by neuron.
MOST_PARAMETERS_DRAWN = 20_000
MOST_PARAMETERS_OF_NEURONS = 100


class Module:
    """Base class of everything with parameters.

    Parameters are found among the attributes, as in PyTorch: Values, lists of Values (of any
    depth), Modules, and lists of Modules.  Assigning a module to an attribute of another gives
    its parameters their path as label: ``hidden.weight[2][1]``.

    >>> class Line(Module):
    ...     def __init__(self):
    ...         self.slope, self.offset = Value(2.0), Value(1.0)
    ...     def __call__(self, x):
    ...         return self.slope * x + self.offset
    >>> line = Line()
    >>> line.parameters()
    [Value(2, 'slope'), Value(1, 'offset')]
    >>> line.state_dict()
    {'slope': 2.0, 'offset': 1.0}
    """

    _path: str = ""
    _origins: MadeWithin = MadeWithin("")
    _names_nodes: ClassVar[bool] = True

    # What state_dict and labels call an attribute, where that is not the attribute's own name.
    parameter_names: ClassVar[dict[str, str]] = {}

    def __init_subclass__(cls, names_nodes: bool = True, **arguments: Any) -> None:
        """Let a subclass's parameters, and the nodes that its calls make, know the module's path.

        ``names_nodes=False`` for a class that sees to it by itself, or makes none.
        """
        super().__init_subclass__(**arguments)
        cls._names_nodes = names_nodes
        cls._origins = MadeWithin(cls.__name__)
        call = vars(cls).get("__call__")
        if names_nodes and call is not None:
            cls.__call__ = _naming_nodes(call)  # type: ignore[method-assign]

    @property
    def path(self) -> str:
        """Where this module is in the whole model: ``hidden[2]``; '' for the whole."""
        return self._path

    @path.setter
    def path(self, path: str) -> None:
        self._path = path
        self._origins = MadeWithin(path or type(self).__name__)

    def __setattr__(self, name: str, value: Any) -> None:
        if name == "path" or not (_is_values(value) or _is_modules(value)):
            object.__setattr__(self, name, value)
            return
        before = vars(self).copy()
        object.__setattr__(self, name, value)
        try:
            self.set_path(self.path)
        except ValueError:
            vars(self).clear()
            vars(self).update(before)
            raise

    def __call__(self, x: Any) -> Any:
        """Return the module's output for an input: what a subclass defines."""
        raise NotImplementedError(f"{type(self).__name__} does not define __call__")

    def children(self) -> dict[str, Module]:
        """Return the modules directly inside this one, by name."""
        found: dict[str, Module] = {}
        for name, attribute in vars(self).items():
            if isinstance(attribute, Module):
                found[name] = attribute
            elif _is_modules(attribute):
                found.update({f"{name}.{place}": child for place, child in enumerate(attribute)})
        return found

    def own_parameters(self) -> dict[str, Any]:
        """Return this module's own parameters by name, without those of its children.

        Each is a Value or a nested list of Values, in the shape that ``state_dict`` gives it.
        """
        values = {name: value for name, value in vars(self).items() if _is_values(value)}
        renamed = {
            shown: values.pop(name)
            for name, shown in self.parameter_names.items()
            if name in values
        }
        return joined(self, renamed, values)

    def parameter_trees(self) -> dict[str, Any]:
        """Return all parameters as ``state_dict`` arranges them: a tree of Values by path."""
        trees = dict(self.own_parameters())
        for name, child in self.children().items():
            trees.update({f"{name}.{key}": tree for key, tree in child.parameter_trees().items()})
        return trees

    def named_parameters(self) -> list[tuple[str, Value]]:
        """Return every parameter with its path, such as ``hidden.weight[2][1]``.

        A parameter that several modules share is listed once, by its first path.
        """
        paths: dict[Value, str] = {}
        for path, tree in self.parameter_trees().items():
            for label, parameter in _named(path, tree):
                paths.setdefault(parameter, label)
        return [(path, parameter) for parameter, path in paths.items()]

    def parameters(self) -> list[Value]:
        """Return every parameter once: this module's own, then each child's in its order."""
        own = [parameter for _, parameter in _named("", list(self.own_parameters().values()))]
        for child in self.children().values():
            own += child.parameters()
        return list(dict.fromkeys(own))

    def zero_grad(self) -> None:
        """Clear the gradient of every parameter."""
        for parameter in self.parameters():
            parameter.zero_grad()

    def set_path(self, path: str) -> None:
        """Set where this module is in the whole model, and label its parameters by it."""
        self.path = path
        for name, child in self.children().items():
            child.set_path(_join(path, name))
        for name, tree in self.own_parameters().items():
            for label, parameter in _named(_join(path, name), tree):
                parameter.label = label
                if self._names_nodes:
                    # What else is known of its origin stays.
                    parameter.origin = replace(parameter.origin, module=self._origins.module)

    def input_count(self) -> int | None:
        """Return how many inputs a call takes; None if the module does not know."""
        return None

    def _repr_mimebundle_(self, **_: Any) -> dict[str, str]:
        """Return what a notebook shows: the module's text, and its picture by neuron or layer."""
        text = {"text/plain": repr(self)}
        count, parameters = self.input_count(), self.parameters()
        if count is None or len(parameters) > MOST_PARAMETERS_DRAWN:
            return text
        try:
            output = self([constant(0.0, f"x{place}") for place in range(1, count + 1)])
        except Exception:  # a subclass may want something else; a display must not fail
            return text
        # These inputs stand for any, so nothing that is computed from them has a number.
        moment = Moment(known=set(parameters))
        fold: Fold = "neuron" if len(parameters) <= MOST_PARAMETERS_OF_NEURONS else "layer"
        return bundle_of(repr(self), output if isinstance(output, list) else [output], fold, moment)

    def state_dict(self) -> dict[str, Any]:
        """Return the parameters' numbers as nested lists, in PyTorch's names and shapes.

        To move them to a ``torch.nn`` model with the same attribute names, and back::

            theirs.load_state_dict(
                {k: torch.tensor(v, dtype=torch.float64) for k, v in ours.state_dict().items()}
            )
            ours.load_state_dict(theirs.state_dict())
        """
        return {path: _numbers(tree) for path, tree in self.parameter_trees().items()}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Set the parameters from nested lists of numbers, or from arrays and tensors.

        Raises ValueError, naming every entry at fault, if one is missing, unknown, of the wrong
        shape or no number; TypeError if ``state`` is no dict.  The model is then left as it was.

        >>> from nn import Layer
        >>> Layer(1, 1).load_state_dict({"weight": [[0.5]]})
        Traceback (most recent call last):
        ...
        ValueError: state dict does not fit the Layer: bias is missing
        """
        if not isinstance(state, Mapping):
            raise TypeError(f"load_state_dict needs a dict, but got {describe(state)}")
        trees = self.parameter_trees()
        faults = [f"{path} is missing" for path in trees if path not in state]
        faults += [f"{_shown(path)} is unknown" for path in state if path not in trees]
        assignments: list[tuple[Value, float]] = []
        for path, tree in trees.items():
            if path in state:
                entry = state[path]
                entry = entry.tolist() if hasattr(entry, "tolist") else entry
                try:
                    assignments += _matched(path, tree, entry)
                except (TypeError, ValueError, OverflowError) as error:
                    faults.append(str(error))
        if faults:
            raise ValueError(
                f"state dict does not fit the {type(self).__name__}: {'; '.join(faults)}"
            )
        for parameter, number in assignments:
            parameter.data = number


def _shown(path: Any) -> str:
    """Return a foreign entry's name for a message: as it is, if that can be printed."""
    is_plain = isinstance(path, str) and path.isprintable() and len(path) <= 60
    return path if is_plain else short_repr(path)


def _join(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name


def joined(module: Module, own: dict[str, Any], more: dict[str, Any]) -> dict[str, Any]:
    """Return what a class calls its own and what a subclass has besides.

    Raises ValueError if two of them have the same name: one would be neither trained nor saved.
    """
    for name in more:
        if name in own:
            raise ValueError(
                f"{type(module).__name__} cannot have an attribute {name!r}: its base class calls "
                "what it has itself so; give it another name"
            )
    return own | more


def _naming_nodes(call: Callable[..., Any]) -> Callable[..., Any]:
    """Return a module's ``__call__`` such that the nodes it makes know the module's path."""

    @functools.wraps(call)
    def __call__(self: Module, *arguments: Any, **named: Any) -> Any:  # noqa: N807
        return call_within(self._origins, call, self, *arguments, **named)

    return __call__


def _is_values(tree: Any) -> bool:
    """Return whether it is a variable, or a nested list with nothing but variables."""
    if isinstance(tree, Value):
        return tree.is_leaf and not tree.is_constant
    return isinstance(tree, list) and bool(tree) and all(map(_is_values, tree))


def _is_modules(attribute: Any) -> bool:
    if isinstance(attribute, Module):
        return True
    return (
        isinstance(attribute, list)
        and bool(attribute)
        and all(isinstance(item, Module) for item in attribute)
    )


def _named(path: str, tree: Any) -> Iterator[tuple[str, Value]]:
    """Yield the Values of a nested list with their paths: ``path[0][1]``."""
    if isinstance(tree, Value):
        yield path, tree
    else:
        for place, branch in enumerate(tree):
            yield from _named(f"{path}[{place}]", branch)


def _numbers(tree: Any) -> Any:
    """Return a nested list's numbers in the same shape."""
    return number_of(tree) if isinstance(tree, Value) else [_numbers(branch) for branch in tree]


def _matched(path: str, tree: Any, entry: Any) -> Iterator[tuple[Value, float]]:
    """Yield each Value of a tree with its number of the entry; raise if the shapes differ."""
    if isinstance(tree, Value):
        yield tree, to_float(entry, path)
    elif not isinstance(entry, (list, tuple)):
        raise ValueError(f"{path} needs a list of {len(tree)}, but got {describe(entry)}")
    elif len(entry) != len(tree):
        raise ValueError(f"{path} needs a list of {len(tree)}, but got one of {len(entry)}")
    else:
        for place, (branch, item) in enumerate(zip(tree, entry, strict=True)):
            yield from _matched(f"{path}[{place}]", branch, item)
