"""Which module imports which, and the house as a picture: ``python -m tests.house house.svg``.

It is drawn as graphs are.  A box is a package of ``autodiff`` or one of its own files, or all of
``nn`` or of ``demos``.  ``support`` is three boxes, by what its files stand on.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from autodiff.drawing.draw import Drawing
from autodiff.drawing.picture import Arrow, Box, Frame, Kind, Picture

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = ("autodiff", "nn", "demos")  # in the order of the imports: each may use those before it
PICTURE = ROOT / "docs" / "images" / "house.svg"


def source_files(package: str) -> Iterator[Path]:
    """Yield the Python files of a package of the project."""
    return (path for path in sorted((ROOT / package).rglob("*.py")) if path.is_file())


def module_name(path: Path) -> str:
    """Return the dotted name under which a file of the project is imported.

    >>> module_name(ROOT / "autodiff" / "graph.py"), module_name(ROOT / "nn" / "__init__.py")
    ('autodiff.graph', 'nn')
    """
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


SOURCES = {module_name(path): path for package in PACKAGES for path in source_files(package)}
assert {"autodiff", "autodiff.ops", "autodiff.value"} <= set(SOURCES)


# ---- imports -------------------------------------------------------------------------------

FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)


def imports_below(node: ast.AST) -> Iterator[str]:
    """Yield the dotted name of all that is imported anywhere below a syntax node."""
    for statement in ast.walk(node):
        if isinstance(statement, ast.Import):
            yield from (alias.name for alias in statement.names)
        elif isinstance(statement, ast.ImportFrom):
            assert statement.level == 0, f"line {statement.lineno}: imports are absolute here"
            for alias in statement.names:
                submodule = f"{statement.module}.{alias.name}"
                yield submodule if submodule in SOURCES else str(statement.module)


def imports_inside_functions(tree: ast.AST) -> Iterator[str]:
    """Yield the dotted name of all that a module's functions import when they are called."""
    for node in ast.walk(tree):
        if isinstance(node, FUNCTIONS):
            yield from imports_below(node)


def imports_at_import_time(node: ast.AST) -> Iterator[str]:
    """Yield the dotted name of all that a module imports when it is imported itself."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.Import | ast.ImportFrom):
            yield from imports_below(child)
        elif isinstance(child, ast.If) and ast.unparse(child.test).endswith("TYPE_CHECKING"):
            yield from imports_at_import_time(ast.Module(child.orelse, []))
        elif not isinstance(child, FUNCTIONS):
            yield from imports_at_import_time(child)


@cache
def parsed(module: str) -> ast.Module:
    """Return a module's syntax tree."""
    path = SOURCES[module]
    return ast.parse(path.read_text(encoding="utf-8"), filename=str(path))


def top_package(module: str) -> str:
    return module.partition(".")[0]


@cache
def imports_of_the_project(module: str) -> set[str]:
    """Return what a module of the project imports of it, other than for a type checker alone."""
    tree = parsed(module)
    names = [*imports_at_import_time(tree), *imports_inside_functions(tree)]
    return {name for name in names if top_package(name) in PACKAGES}


# ---- the picture ---------------------------------------------------------------------------

# What a box says below its name.
SAID = {
    "demos": "what a class sees",
    "autodiff": "what is public",
    "chain_rules": "written from the table",
    "compiler": "a graph as a program",
    "debug": "steps, traces, explanations",
    "drawing": "pictures of a graph",
    "gradient": "gradients that are Values",
    "graph": "walks over a graph",
    "nn": "a tiny neural-network library",
    "operators": "written from the table",
    "ops": "the table of operations",
    "stepper": "a stepper as a web page",
    "support": "files, frames, hooks, origins",
    "support of operations": "what a node knows of itself",
    "support of Values": "names, what has changed",
    "value": "Value, and backward()",
}


@cache
def stands_on(module: str) -> frozenset[str]:
    """Return all that a module needs of the project, itself among it."""
    return frozenset([module]).union(*map(stands_on, imports_of_the_project(module)))


def box_of(module: str) -> str:
    """Return the name of the box that a module is in.

    >>> box_of("nn.layers"), box_of("autodiff.ops.powers"), box_of("autodiff.graph")
    ('nn', 'ops', 'graph')
    >>> box_of("autodiff.support.files"), box_of("autodiff.support.naming")
    ('support', 'support of Values')
    """
    top, _, rest = module.partition(".")
    name = rest.partition(".")[0] if top == "autodiff" and rest else top
    if name != "support":
        return name
    whose = {"autodiff.value": " of Values", "autodiff.ops": " of operations"}
    below = {".".join(each.split(".")[:2]) for each in stands_on(module)}
    return name + next((whose[each] for each in whose if each in below), "")


def uses() -> dict[str, set[str]]:
    """Return what each box imports of the others."""
    used: dict[str, set[str]] = {}
    for module in SOURCES:
        imported = set(map(box_of, imports_of_the_project(module)))
        used.setdefault(box_of(module), set()).update(imported - {box_of(module)})
    return used


def all_below(box: str, used: dict[str, set[str]]) -> set[str]:
    """Return the boxes that one leads to, along the arrows."""
    return used[box].union(*(all_below(each, used) for each in used[box]))


def without_what_follows(used: dict[str, set[str]]) -> dict[str, set[str]]:
    """Return the fewest arrows of which the others follow: without a use through a third box.

    >>> without_what_follows({"roof": {"wall", "ground"}, "wall": {"ground"}, "ground": set()})
    {'roof': {'wall'}, 'wall': {'ground'}, 'ground': set()}
    """
    below = {box: all_below(box, used) for box in used}
    return {
        box: {each for each in needed if not any(each in below[other] for other in needed)}
        for box, needed in used.items()
    }


def id_of(box: str) -> str:
    """Return the id of a box in the picture."""
    return box.replace(" ", "_")


def picture() -> Picture:
    """Return the picture, with an arrow from each box to those that it uses."""
    used = uses()
    whole = ("autodiff", "nn", "demos")
    boxes = []
    for name in used:
        kind: Kind = "result" if name in whole else "operation" if used[name] else "variable"
        frame = "" if name in ("nn", "demos") else "engine"
        boxes.append(Box(id_of(name), kind, name, (name,), (SAID[name],), frame=frame))
    arrows = [
        Arrow(f"{id_of(box)}-{id_of(each)}", id_of(box), id_of(each))
        for box, needed in without_what_follows(used).items()
        for each in sorted(needed)
    ]
    return Picture(
        boxes, arrows, [Frame("engine", "autodiff")],
        title="the house",
        description="each box imports those that its arrows lead to, and those they lead to",
    )  # fmt: skip


if __name__ == "__main__":
    print(f"Wrote {Drawing(picture(), 'TB').save(sys.argv[1])}")
