"""Module: something with parameters, which it can name, zero, save and load."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Self

from autodiff import Value
from autodiff.drawing.notebook import bundle_of_module
from autodiff.support.convert import describe
from autodiff.support.made_by import MadeWithin, naming_nodes
from autodiff.support.nested import assignments_of, is_variables, joined, named, numbers_of

__all__ = ["Module", "check_is_module", "title_of"]


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

    #: Whether it trains, as :class:`~nn.blocks.Dropout` asks: see ``train()`` and ``eval()``.
    training: bool = True

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
            cls.__call__ = naming_nodes(call)  # type: ignore[method-assign]

    @property
    def path(self) -> str:
        """Where this module is in the whole model: ``hidden[2]``; '' for the whole."""
        return self._path

    @path.setter
    def path(self, path: str) -> None:
        self._path = path
        self._origins = MadeWithin(path or type(self).__name__)

    def __setattr__(self, name: str, value: Any) -> None:
        if name == "path" or not (is_variables(value) or _is_modules(value)):
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

    def modules(self) -> list[Module]:
        """Return this module and all inside it."""
        inside = [module for child in self.children().values() for module in child.modules()]
        return [self, *inside]

    def own_parameters(self) -> dict[str, Any]:
        """Return this module's own parameters by name, without those of its children.

        Each is a Value or a nested list of Values, in the shape that ``state_dict`` gives it.
        """
        values = {name: value for name, value in vars(self).items() if is_variables(value)}
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
            for label, parameter in named(path, tree):
                paths.setdefault(parameter, label)
        return [(path, parameter) for parameter, path in paths.items()]

    def parameters(self) -> list[Value]:
        """Return every parameter once: this module's own, then each child's in its order."""
        own = [parameter for _, parameter in named("", list(self.own_parameters().values()))]
        for child in self.children().values():
            own += child.parameters()
        return list(dict.fromkeys(own))

    def zero_grad(self) -> None:
        """Clear the gradient of every parameter."""
        for parameter in self.parameters():
            parameter.zero_grad()

    def train(self, mode: bool = True) -> Self:
        """Say that the module and all inside it train, or do not; return the module.

        Raises TypeError if the mode is neither True nor False.
        """
        if not isinstance(mode, bool):
            raise TypeError(f"train() needs True or False, but got {describe(mode)}")
        self.training = mode
        for child in self.children().values():
            child.train(mode)
        return self

    def eval(self) -> Self:
        """Say that the module and all inside it do not train; return the module."""
        return self.train(False)

    def set_path(self, path: str) -> None:
        """Set where this module is in the whole model, and label its parameters by it."""
        self.path = path
        for name, child in self.children().items():
            child.set_path(_join(path, name))
        module = {"module": self._origins.module} if self._names_nodes else {}
        for name, tree in self.own_parameters().items():
            for label, parameter in named(_join(path, name), tree):
                # What else is known of its origin stays, and all of it where nothing is new.
                if parameter.label != label or self._origins.module != parameter.origin.module:
                    parameter.origin = parameter.origin.changed(label=label, **module)

    def input_count(self) -> int | None:
        """Return how many inputs a call takes; None if the module does not know."""
        return None

    def _repr_mimebundle_(self, **_: Any) -> dict[str, str]:
        """Return what a notebook shows: the module's text, and its network."""
        return bundle_of_module(self)

    def state_dict(self) -> dict[str, Any]:
        """Return the parameters' numbers as nested lists, in PyTorch's names and shapes.

        To move them to a ``torch.nn`` model with the same attribute names, and back::

            theirs.load_state_dict(
                {k: torch.tensor(v, dtype=torch.float64) for k, v in ours.state_dict().items()}
            )
            ours.load_state_dict(theirs.state_dict())
        """
        return {path: numbers_of(tree) for path, tree in self.parameter_trees().items()}

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
        assignments, faults = assignments_of(self.parameter_trees(), state)
        if faults:
            raise ValueError(
                f"state dict does not fit the {type(self).__name__}: {'; '.join(faults)}"
            )
        for parameter, number in assignments:
            parameter.data = number


def title_of(module: Module) -> str:
    """Return what messages call a module: its path, or its class's name."""
    return module.path or type(module).__name__


def check_is_module(model: Any, user: str) -> None:
    """Raise TypeError, naming the user, for what is no Module."""
    if not isinstance(model, Module):
        raise TypeError(f"{user} needs a Module as its model, but got {describe(model)}")


def _join(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name


def _is_modules(attribute: Any) -> bool:
    modules = attribute if isinstance(attribute, list) else [attribute]
    return bool(modules) and all(isinstance(module, Module) for module in modules)
