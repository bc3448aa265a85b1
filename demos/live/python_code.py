"""The Python code that builds the page's network, as far as the page cannot know it by itself."""

from __future__ import annotations

import inspect
from typing import Any

import nn
from demos.live.record import Record, is_plain_mlp
from nn.rows import Loss, Penalty, Rows

__all__ = ["code", "description"]


def description(model: nn.Module, found: Record) -> str:
    """Return the network in a few words: ``2-4-1, sigmoid``."""
    if not is_plain_mlp(model):
        return f"{type(model).__name__} with {len(model.parameters())} parameters"
    widths = [len(found.inputs), *[len(layer.neurons) for layer in model.layers]]
    kinds = [activation for activation, _ in activations(model)]
    return f"{'-'.join(map(str, widths))}, {', '.join(dict.fromkeys(kinds))}"


def activations(model: nn.MLP) -> list[tuple[str, bool]]:
    """Return each layer's activation, and whether all its neurons have the same."""
    found = []
    for layer in model.layers:
        kinds = [neuron.activation for neuron in layer.neurons]
        found.append((kinds[0] or "linear", len(set(kinds)) == 1))
    return found


def code(
    model: nn.Module,
    rows: Rows,
    loss: Loss,
    optimizer: nn.Optimizer,
    penalty: Penalty | None,
) -> dict[str, str]:
    """Return the lines of Python that the page cannot know by itself."""
    return {
        "model": model_code(model),
        "optimizer": optimizer_code(optimizer),
        "loss": f"nn.{loss.__name__}" if vars(nn).get(function_name(loss)) is loss else "",
        "penalty": function_name(penalty) if penalty is not None else "",
        "scalar": "" if isinstance(rows.y[0], list) else "yes",
    }


def function_name(function: Any) -> str:
    """Return a function's name; '' where it has none that could be written."""
    name = getattr(function, "__name__", "")
    return name if name.isidentifier() else ""


def model_code(model: nn.Module) -> str:
    """Return the call that builds the model, its last bracket left open; '' if it is not ours."""
    if type(model) is not nn.MLP:
        return ""
    kinds = activations(model)
    hidden = {kind for kind, _ in kinds[:-1]} or {"linear"}
    if len(hidden) > 1 or not all(same for _, same in kinds):
        return ""
    widths = [len(layer.neurons) for layer in model.layers]
    activation, output = activation_code(hidden.pop()), activation_code(kinds[-1][0])
    return (
        f"nn.MLP({len(model.layers[0].neurons[0].w)}, {widths}, "
        f"activation={activation}, output_activation={output}"
    )


def activation_code(kind: str) -> str:
    """Return an activation as an argument of ``nn.MLP``."""
    return "None" if kind == "linear" else f'"{kind}"'


def optimizer_code(optimizer: nn.Optimizer) -> str:
    """Return the call that builds the optimizer, up to its learning rate; '' if it is not ours."""
    kind = type(optimizer).__name__
    if vars(nn).get(kind) is not type(optimizer):
        return ""
    settings = ""
    for name, parameter in list(inspect.signature(type(optimizer)).parameters.items())[2:]:
        setting = getattr(optimizer, name, parameter.default)
        if setting != parameter.default:
            settings += f"{name}={setting!r}, "
    return f"nn.{kind}(model.parameters(), {settings}lr="
