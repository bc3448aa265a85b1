"""Which nodes of a graph share a box in a picture, and in which frame the box lies.

Unfolded, each node is a part of its own.  ``fold="neuron"`` and ``fold="layer"`` make one part of
what a module computes, from the path that each node's origin has; ``fold="row"`` makes one part of
all rows of a batch but the first; ``fold="call"``, one of what a call of a function computes: see
:mod:`autodiff.drawing.fold_calls`.  Every node is in exactly one part.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Sequence
from typing import Literal, TypeAlias, get_args

from autodiff.drawing.fold_calls import folded_by_call
from autodiff.drawing.parts import Folding, Part, ancestors, frames_of_modules, layer_of, module_of
from autodiff.drawing.rows import Rows, find_rows
from autodiff.ops import Role, bias_weights_inputs
from autodiff.value import Value

__all__ = ["FOLDS", "Fold", "fold_that_fits", "folded"]

Fold: TypeAlias = Literal["neuron", "layer", "row", "call", "pack"]
FOLDS: tuple[Fold, ...] = get_args(Fold)[:-1]  # those of graphs; the last is that of programs

# More inputs of one module than this are drawn as one box.
MOST_INPUTS = 8
# Alike terms of a sum that no module had a part in are merged if they are more than this.
MOST_TERMS = 8

# In a graph of more nodes than this, no fold is tried only to tell how many boxes it would make.
MOST_TO_TRY = 100_000

# What nodes of one part have in common: ("module", path), ("node", batch, place in the row), ...
Key: TypeAlias = tuple[str | int, ...]


def folded(order: Sequence[Value], fold: Fold | None, expand: Sequence[str | Value]) -> Folding:
    """Return the parts of a graph, given in topological order, and the frames around them.

    Raises ValueError if the graph has nothing to fold that way, or has nothing that ``expand``
    names.
    """
    if fold == "call":
        return folded_by_call(order, expand)
    if fold is None:
        parts = unfolded(order)
    elif fold == "row":
        parts = folded_by_row(order)
    else:
        modules = [module_of(each) if isinstance(each, Value) else each for each in expand]
        parts = folded_by_module(order, fold, modules)
    places = {node: place for place, node in enumerate(order)}
    ended = {max(places[node] for node in part.nodes): part for part in parts}
    return Folding([ended[place] for place in sorted(ended)], *frames_of_modules(parts))


def fold_that_fits(order: Sequence[Value], max_nodes: int) -> str:
    """Return a sentence on how a graph can be drawn within ``max_nodes`` boxes."""
    if len(order) > MOST_TO_TRY:
        return "Draw a node inside it, or fold it (by neuron, layer, row or call)"
    sizes: dict[Fold, int] = {}
    for fold in FOLDS:
        try:
            sizes[fold] = len(folded(order, fold, ()).parts)
        except ValueError:
            continue
    if not sizes:
        return "There are no modules, rows or recorded calls in it to fold: draw a node inside it"
    fitting = {fold: size for fold, size in sizes.items() if size <= max_nodes}
    counts = ", ".join(
        f'fold="{fold}" makes it {size:,}' for fold, size in (fitting or sizes).items()
    )
    return f"Fold it: {counts}" if fitting else f"Draw a node inside it, as {counts}"


# --------------------------------------------------------------------------------------------
# No fold
# --------------------------------------------------------------------------------------------


def unfolded(order: Sequence[Value]) -> list[Part]:
    """Return one part for each node."""
    paths = paths_of(order)
    return [Part("node", paths[node], [node]) for node in order]


def paths_of(order: Sequence[Value]) -> dict[Value, str]:
    """Return the path of the module that each node belongs to, '' for none.

    A neuron's weights belong to it, and a number in a module's own formula; inputs do not.
    """
    paths = {node: module_of(node) for node in order}
    owners: dict[Value, set[str]] = {}
    for node in order:
        own: Sequence[Value] = node.parents
        is_neuron = node.op is not None and Role.WEIGHT in node.op.roles
        if is_neuron:
            bias, weights, _inputs = bias_weights_inputs(node.parents)
            own = (bias, *weights)
        for parent in own:
            # A weight may also be used outside, by a penalty for example.
            if parent.op is None and (is_neuron or (parent.is_constant and not parent.label)):
                owners.setdefault(parent, set()).add(paths[node])
    for leaf, found in owners.items():
        if len(found) == 1 and not paths[leaf]:
            paths[leaf] = found.pop()
    return paths


# --------------------------------------------------------------------------------------------
# By row
# --------------------------------------------------------------------------------------------


def folded_by_row(order: Sequence[Value]) -> list[Part]:
    """Return the parts with all rows but the first as one, and each sum of rows as one."""
    batches = find_rows(order)
    batches = [rows for rows in batches if worth_merging(rows)] or batches[:1]
    if not batches:
        raise ValueError(
            'fold="row" finds no rows: the graph has no sum of terms that are computed alike'
        )
    keys: dict[Value, Key] = {}
    for batch, rows in enumerate(batches):
        for row in rows.rows[1:]:
            keys.update(dict.fromkeys(row, ("rows", batch)))
        keys.update(dict.fromkeys(rows.sums, ("sum", batch)))
    return parts_with_keys(order, paths_of(order), keys, batches)


def worth_merging(rows: Rows) -> bool:
    """Return whether rows are those of a batch, or so many terms that nobody would read all."""
    return len(rows) > MOST_TERMS or what_of(rows) == "row"


# --------------------------------------------------------------------------------------------
# By module
# --------------------------------------------------------------------------------------------


def folded_by_module(order: Sequence[Value], fold: Fold, expand: Sequence[str]) -> list[Part]:
    """Return the parts with one for each neuron or layer that is not opened by ``expand``.

    What no module made is merged over the rows of a batch.
    """
    paths = paths_of(order)
    known = {name for path in set(paths.values()) if path for name in ancestors(path)}
    if not known:
        raise ValueError(
            f'fold="{fold}" finds no modules: no node of the graph was made by a module of nn'
        )
    for path in expand:
        if path not in known:
            raise ValueError(f"expand: no module is called {path!r}; there are {listed(known)}")
    boxes = {path: box_around(path, fold, expand) for path in set(paths.values())}
    batches = [rows for rows in find_rows(order) if worth_merging(rows)]

    keys: dict[Value, Key] = {}
    for batch, rows in enumerate(batches):
        for place, equals in enumerate(zip(*rows.rows, strict=True)):
            keys.update(dict.fromkeys(equals, ("node", batch, place)))
        keys.update(dict.fromkeys(rows.sums, ("sum", batch)))
    for node in order:
        box = boxes[paths[node]]
        if box:
            keys[node] = "module", box

    return with_inputs_merged(parts_with_keys(order, paths, keys, batches))


def parts_with_keys(
    order: Sequence[Value], paths: dict[Value, str], keys: dict[Value, Key], batches: list[Rows]
) -> list[Part]:
    """Return one part for all nodes of the same key, and one for each node without a key."""
    found: dict[Key | Value, list[Value]] = {}
    for node in order:
        found.setdefault(keys.get(node, node), []).append(node)
    parts = []
    for key, nodes in found.items():
        path = paths[nodes[0]]
        match key:
            case ("module", str(module)):
                parts.append(Part("module", module, nodes))
            case ("node", int(batch), _):
                parts.append(Part("node", path, nodes, len(nodes), what_of(batches[batch])))
            case ("sum", int(batch)):
                rows = batches[batch]
                parts.append(Part("sum", path, nodes, len(rows), what_of(rows)))
            case ("rows", int(batch)):
                rows = batches[batch]
                parts.append(Part("rows", "", nodes, len(rows) - 1, what_of(rows)))
            case _:
                parts.append(Part("node", path, nodes))
    return parts


def what_of(rows: Rows) -> Literal["row", "term"]:
    """Return what to call them: rows of a batch if a module made each of them."""
    return "row" if rows.apart and any(map(module_of, rows.rows[0])) else "term"


def box_around(path: str, fold: Fold, expand: Collection[str]) -> str:
    """Return the path of the folded box that a module's nodes are in; '' if they are on view.

    A layer that is opened shows its neurons' boxes, unless it is neurons that are folded.

    >>> box_around("hidden[2]", "layer", []), box_around("hidden[2]", "layer", ["hidden"])
    ('hidden', 'hidden[2]')
    >>> box_around("hidden[2]", "neuron", []), box_around("hidden[2]", "neuron", ["hidden"])
    ('hidden[2]', '')
    """
    layer = layer_of(path)
    if fold == "neuron":
        return "" if any(name in expand for name in ancestors(path)) else path
    if not any(layer in ancestors(name) for name in expand):
        return layer
    return "" if path == layer or path in expand else path


def listed(names: Iterable[str]) -> str:
    """Return names for a message, the first ones if there are many."""
    ordered = sorted(
        names, key=lambda name: [int(x) if x.isdigit() else x for x in re.split(r"(\d+)", name)]
    )
    return ", ".join(ordered[:12]) + (", …" if len(ordered) > 12 else "")


def with_inputs_merged(parts: list[Part]) -> list[Part]:
    """Return the parts, those that are inputs of the same modules made one if they are many."""
    users: dict[Value, set[int]] = {
        node: set() for part in parts for node in part.nodes if node.is_constant
    }
    for place, part in enumerate(parts):
        for node in part.nodes:
            for parent in node.parents:
                if parent in users:
                    users[parent].add(place)
    alike: dict[frozenset[int], list[int]] = {}
    for place, part in enumerate(parts):
        if part.kind == "node" and all(node in users for node in part.nodes):
            used = frozenset().union(*[users[node] for node in part.nodes])
            if all(parts[user].kind == "module" for user in used):
                alike.setdefault(used, []).append(place)
    merged: dict[int, Part] = {}
    for places in alike.values():
        if len(places) > MOST_INPUTS:
            nodes = [node for place in places for node in parts[place].nodes]
            part = Part("inputs", "", nodes, len(places))
            merged.update(dict.fromkeys(places, part))
    return list(
        {
            id(part): part for part in (merged.get(place, part) for place, part in enumerate(parts))
        }.values()
    )
