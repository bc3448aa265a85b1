"""Which nodes of a graph share a box in a picture, and in which frame the box lies.

With ``fold="none"``, each node is a part of its own.  ``fold="neuron"`` and ``fold="layer"`` make
one part of what a module computes, from the path that each node's origin has; ``fold="repeat"``,
one of what is computed alike again and again, and ``fold="row"`` of all rows of a batch but the
first; ``fold="call"``, one of what a call of a function computes: see
:mod:`autodiff.drawing.folds.fold_calls`.  Every node is in exactly one part.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace
from typing import Literal, TypeAlias, get_args

from autodiff.debug.call_tree import NUMBERED
from autodiff.drawing.folds.fold_calls import folded_by_call
from autodiff.drawing.folds.parts import (
    BLOCK,
    PLACES,
    Called,
    Folding,
    Part,
    What,
    ancestors,
    frames_of_modules,
    frames_with_titles,
    layer_of,
    module_of,
    path_shown,
    several,
)
from autodiff.drawing.folds.repeats import Repeat, find_repeats
from autodiff.ops import Role, bias_weights_inputs
from autodiff.support.naming import name_of
from autodiff.value import Value

__all__ = ["FOLDS", "Fold", "fold_that_fits", "folded", "names_of_repeats"]

Fold: TypeAlias = Literal["none", "neuron", "layer", "row", "repeat", "call", "pack"]
FOLDS: tuple[Fold, ...] = get_args(Fold)[:-1]  # those of graphs; the last is that of programs

# More inputs of one module than this are drawn as one box.
MOST_INPUTS = 8
# Alike terms of a sum that no module had a part in are merged if they are more than this.
MOST_TERMS = 8

TIMES = re.compile(r" × \d+$")  # how often, after a name

# In a graph of more nodes than this, no fold is tried only to tell how many boxes it would make.
MOST_TO_TRY = 100_000

# What nodes of one part have in common: ("module", path), ("node", batch, place in the row), ...
Key: TypeAlias = tuple[str | int, ...]


def folded(order: Sequence[Value], fold: Fold, expand: Sequence[str | Value]) -> Folding:
    """Return the parts of a graph, given in topological order, and the frames around them.

    Raises ValueError if the graph has nothing to fold that way, or has nothing that ``expand``
    names.
    """
    if fold == "call":
        return folded_by_call(order, expand)
    if fold == "none":
        paths = paths_of(order)
        parts = [Part("node", paths[node], [node]) for node in order]
        found = Folding(parts, *frames_of_modules(parts, paths))
    elif fold == "row":
        found = folded_by_row(order)
    elif fold == "repeat":
        found = folded_by_repeat(order, expand)
    else:
        found = folded_by_module(order, fold, expand)
    places = {node: place for place, node in enumerate(order)}
    ended = {max(places[node] for node in part.nodes): part for part in found.parts}
    return replace(found, parts=[ended[place] for place in sorted(ended)])


def fold_that_fits(order: Sequence[Value], max_nodes: int) -> str:
    """Return a sentence on how a graph can be drawn within ``max_nodes`` boxes."""
    if len(order) > MOST_TO_TRY:
        return "Draw a node inside it, or fold it (by neuron, layer, row, repeat or call)"
    sizes: dict[Fold, int] = {}
    for fold in FOLDS[1:]:
        try:
            sizes[fold] = len(folded(order, fold, ()).parts)
        except ValueError:
            continue
    if not sizes:
        return "It has no modules, repetitions or recorded calls to fold: draw a node inside it"
    fitting = {fold: size for fold, size in sizes.items() if size <= max_nodes}
    counts = ", ".join(
        f'fold="{fold}" makes it {size:,}' for fold, size in (fitting or sizes).items()
    )
    return f"Fold it: {counts}" if fitting else f"Draw a node inside it, as {counts}"


# ---- paths -------------------------------------------------------------------------------------


def paths_of(order: Sequence[Value]) -> dict[Value, str]:
    """Return the path of the module that each node belongs to, '' for none.

    A neuron's weights belong to it, and a number in a module's own formula; inputs do not.
    """
    blocks = numbered_blocks(dict.fromkeys(map(module_of, order)))
    paths = {node: blocks[module_of(node)] for node in order}
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


def numbered_blocks(paths: Iterable[str]) -> dict[str, str]:
    """Return each path with the blocks of its groups counted from 1, or without a number if alone.

    >>> numbered_blocks(["cell#7", "cell#9.gate", "head#8", "hidden[2]"])
    {'cell#7': 'cell#1', 'cell#9.gate': 'cell#2.gate', 'head#8': 'head', 'hidden[2]': 'hidden[2]'}
    """
    found: dict[str, str] = {}
    alike: dict[str, dict[str, int]] = {}  # the blocks of each group around which are the same
    starts = {
        path: [path[: block.end()] for block in BLOCK.finditer(path)]
        for path in dict.fromkeys(paths)
    }
    for blocks in starts.values():
        for block in blocks:
            known = alike.setdefault(layer_of(block), {})
            known.setdefault(block, len(known) + 1)
    for path, blocks in starts.items():
        shown = path
        for block in reversed(blocks):
            known, group = alike[layer_of(block)], layer_of(block)
            number = f"#{known[block]}" if len(known) > 1 else ""
            shown = f"{group}{number}{shown[len(block) :]}"
        found[path] = shown
    return found


# ---- by what is repeated -----------------------------------------------------------------------


def folded_by_row(order: Sequence[Value]) -> Folding:
    """Return the parts with all rows but the first as one, and each sum of rows as one."""
    found = find_repeats(order, in_sums=True)
    found = [repeat for repeat in found if worth_merging(repeat)] or found[:1]
    if not found:
        raise ValueError(
            'fold="row" finds no rows: the graph has no sum of terms that are computed alike'
        )
    keys, paths = keys_of_copies(order, found, [{0} for _ in found]), paths_of(order)
    parts = parts_with_keys(order, paths, keys, found)
    return Folding(parts, *frames_of_modules(parts, paths))


def folded_by_repeat(order: Sequence[Value], expand: Sequence[str | Value]) -> Folding:
    """Return the parts with all that is repeated as one, but for what ``expand`` names.

    A name opens a repetition: its nodes stand for those of all copies.  A name with a number opens
    one copy, as does a Value in it.
    """
    found = find_repeats(order)
    if not found:
        raise ValueError('fold="repeat" finds nothing that the graph computes again and again')
    names = [name_of_copies(repeat) for repeat in found]
    opened: list[set[int]] = [set() for _ in found]
    merged: set[int] = set()
    for each in expand:
        name, number = place_in_repeats(each, found, names)
        places = [place for place, stem in enumerate(names) if stem == name]
        if not places:
            what = f"is called {name!r}" if name else f"has {each!r} in it"
            raise ValueError(f"expand: nothing that is repeated {what}; there are {listed(names)}")
        for place in places:
            count = len(found[place])
            if number and not 1 <= int(number) <= count:
                raise ValueError(f"expand: there are only {count} copies of {name}, not {number}")
            opened[place].update({int(number) - 1} if number else ())
        merged.update([] if number else places)
    for place in merged:
        opened[place] = {*range(len(found[place]))}
    keys = keys_of_copies(order, found, opened)
    titles: dict[str, str] = {}
    paths = dict.fromkeys(order, "")
    for place, repeat in enumerate(found):
        if place in merged:
            for slot, equals in enumerate(zip(*repeat.copies, strict=True)):
                keys.update(dict.fromkeys(equals, ("node", place, slot)))
            titles[str(place)] = counted(names[place], 0, len(repeat), len(repeat))
            paths.update(dict.fromkeys(repeat.nodes, str(place)))
            continue
        for copy in sorted(opened[place]):
            titles[f"{place}.{copy}"] = counted(names[place], copy, 1, len(repeat))
            paths.update(dict.fromkeys(repeat.copies[copy], f"{place}.{copy}"))
    parts = parts_with_keys(order, paths, keys, found)
    return Folding(parts, *frames_with_titles(parts, titles))


def names_of_repeats(order: Sequence[Value]) -> list[str]:
    """Return what each repetition of a graph is called, once each."""
    return list(dict.fromkeys(map(name_of_copies, find_repeats(order))))


def place_in_repeats(
    each: str | Value, found: Sequence[Repeat], names: Sequence[str]
) -> tuple[str, str]:
    """Return the name of a repetition that is to be opened, and the number of the copy, if any."""
    if isinstance(each, str):
        each = TIMES.sub("", each)  # as the box says it
        name, number = NUMBERED.fullmatch(each).groups("")  # type: ignore[union-attr]
        return (each, "") if each in names else (name, number)
    for repeat, name in zip(found, names, strict=True):
        for number, copy in enumerate(repeat.copies, 1):
            if each in copy:
                return name, str(number)
    return "", ""


def keys_of_copies(
    order: Sequence[Value], found: Sequence[Repeat], opened: Sequence[Collection[int]]
) -> dict[Value, Key]:
    """Return a key for what one box has of each repetition, but for the copies that are opened.

    What such a box alone uses is in it.
    """
    keys: dict[Value, Key] = {}
    for place, (repeat, apart) in enumerate(zip(found, opened, strict=True)):
        first = 0
        for number, copy in enumerate(repeat.copies):
            if number in apart:
                first = number + 1
            else:
                keys.update(dict.fromkeys(copy, ("rows", place, first)))
        keys.update(dict.fromkeys(repeat.sums, ("sum", place)))
    users: dict[Value, set[Key | Value]] = {}
    for node in order:
        for parent in node.parents:
            if parent.op is None:
                users.setdefault(parent, set()).add(keys.get(node, node))
    for leaf, used in users.items():
        (key, *others) = used
        if isinstance(key, tuple) and key[0] == "rows" and not others:
            keys[leaf] = key
    return keys


def worth_merging(repeat: Repeat) -> bool:
    """Return whether copies are rows of a batch, long, or so many that nobody would read all."""
    is_long = sum(node.op is not None for node in repeat.copies[0]) > 1
    return is_long or len(repeat) > MOST_TERMS or what_of(repeat) == "row"


def name_of_copies(repeat: Repeat) -> str:
    """Return what the copies' results are called, but for numbers; or who made them, or that."""
    marks = [copy[-1] for copy in repeat.copies]
    names = {PLACES.sub("", mark.name) for mark in marks}
    modules = {BLOCK.sub("", layer_of(module_of(mark))) for mark in marks}
    found = [alike.pop() for alike in (names, modules) if len(alike) == 1]
    return next(filter(None, found), what_of(repeat))


# ---- by module ---------------------------------------------------------------------------------


def folded_by_module(order: Sequence[Value], fold: Fold, expand: Sequence[str | Value]) -> Folding:
    """Return the parts with one for each neuron or layer that is not opened by ``expand``.

    What no module made is merged over the rows of a batch.
    """
    paths = paths_of(order)
    known = {name for path in set(paths.values()) if path for name in ancestors(path)}
    if not known:
        raise ValueError(
            f'fold="{fold}" finds no modules: no node of the graph was made by a module of nn, or '
            "in a group"
        )
    by_name = {path_shown(name): name for name in known}
    opened = []
    for each in expand:
        path = paths.get(each, "") if isinstance(each, Value) else by_name.get(each, "")
        if not path:
            name = name_of(each) if isinstance(each, Value) else each
            raise ValueError(f"expand: no module is called {name!r}; there are {listed(by_name)}")
        opened.append(path)
    boxes = {path: box_around(path, fold, opened) for path in set(paths.values())}
    found = [repeat for repeat in find_repeats(order, in_sums=True) if worth_merging(repeat)]

    keys: dict[Value, Key] = {}
    for place, repeat in enumerate(found):
        for slot, equals in enumerate(zip(*repeat.copies, strict=True)):
            keys.update(dict.fromkeys(equals, ("node", place, slot)))
        keys.update(dict.fromkeys(repeat.sums, ("sum", place)))
    for node in order:
        box = boxes[paths[node]]
        if box:
            keys[node] = "module", box

    parts = with_inputs_merged(parts_with_keys(order, paths, keys, found))
    return Folding(parts, *frames_of_modules(parts, paths))


def parts_with_keys(
    order: Sequence[Value],
    paths: dict[Value, str],
    keys: dict[Value, Key],
    repeats: Sequence[Repeat],
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
            case ("node", int(place), _):
                what = what_of(repeats[place])
                parts.append(Part("node", path, nodes, len(nodes), what))
            case ("sum", int(place)):
                repeat = repeats[place]
                parts.append(Part("sum", path, nodes, len(repeat), what_of(repeat)))
            case ("rows", int(place), int(first)):
                inside = set(nodes)
                copies = [copy for copy in repeats[place].copies if copy[-1] in inside]
                name = name_of_copies(repeats[place])
                called = Called(counted(name, first, len(copies), len(repeats[place])), (), ())
                what = what_of(repeats[place])
                parts.append(Part("rows", "", nodes, len(copies), what, called, copies))
            case _:
                parts.append(Part("node", path, nodes))
    return parts


def what_of(repeat: Repeat) -> What:
    """Return what to call its copies: rows of a batch if a module made each of them."""
    if not repeat.sums:
        before, after = map(set, repeat.copies[:2])
        is_chain = any(not before.isdisjoint(node.parents) for node in after)
        return "step" if is_chain else "copy"
    return "row" if repeat.apart and any(map(module_of, repeat.copies[0])) else "term"


def counted(name: str, first: int, count: int, of: int) -> str:
    """Return a name with how many copies there are, or which of them.

    >>> counted("h", 0, 6, 6), counted("h", 1, 1, 6), counted("row", 1, 3, 4)
    ('h × 6', 'h 2', 'rows 2 to 4')
    """
    if count == of:
        return f"{name} × {count:,}"
    if count == 1:
        return f"{name} {first + 1}"
    return f"{several(name)} {first + 1} to {first + count}"


def box_around(path: str, fold: Fold, expand: Collection[str]) -> str:
    """Return the path of the folded box that a module's nodes are in; '' if they are on view.

    A layer that is opened shows its neurons' boxes, unless it is neurons that are folded.

    >>> box_around("hidden[2]", "layer", []), box_around("hidden[2]", "layer", ["hidden"])
    ('hidden', 'hidden[2]')
    >>> box_around("hidden[2]", "neuron", []), box_around("hidden[2]", "neuron", ["hidden"])
    ('hidden[2]', '')
    """
    layer = BLOCK.sub("", layer_of(path))
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
