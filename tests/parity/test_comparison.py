"""What README's comparison says of micrograd and PyTorch, seen on them."""

from __future__ import annotations

import importlib.metadata
import re
import sys
from pathlib import Path
from types import FrameType
from typing import Any

import pytest

torch = pytest.importorskip("torch", reason="what is said of PyTorch is seen on it")
engine = pytest.importorskip("micrograd.engine", reason="what is said of micrograd is seen on it")

ROOT = Path(__file__).parents[2]
ROWS = {
    (cells := [cell.strip() for cell in line.strip("|").split("|")])[0]: cells[1:]
    for line in (ROOT / "README.md").read_text(encoding="utf-8").splitlines()
    if line.startswith("|")
}
OURS, MICROGRAD, PYTORCH = 0, 1, 2


def required(distribution: str) -> int:
    """Return how many packages a distribution needs, without its extras."""
    needed = importlib.metadata.requires(distribution) or []
    return len([requirement for requirement in needed if "extra ==" not in requirement])


class Calls:
    """The files whose functions Python calls in a ``with`` block."""

    def __init__(self) -> None:
        self.files: list[str] = []

    def __enter__(self) -> list[str]:
        self.before = sys.getprofile()
        sys.setprofile(self.note)
        return self.files

    def __exit__(self, *_: object) -> None:
        sys.setprofile(self.before)

    def note(self, frame: FrameType, event: str, _: Any) -> None:
        if event == "call":
            self.files.append(frame.f_code.co_filename)


def test_the_versions_are_those_that_were_measured() -> None:
    heading = ROWS[""]
    assert heading[MICROGRAD] == f"micrograd {importlib.metadata.version('micrograd')}"
    assert heading[PYTORCH] == f"PyTorch {torch.__version__.partition('+')[0]}"


def test_how_much_there_is_to_read() -> None:
    names = ("value.py", "graph.py", "ops/arithmetic.py", "chain_rules.py")
    files = [ROOT / "autodiff" / name for name in names]
    lines = sum(len(path.read_text(encoding="utf-8").splitlines()) for path in files)
    ours = re.fullmatch(r"4 files, ([\d,]+) lines", ROWS["reads in one sitting"][OURS])
    assert ours
    assert abs(int(ours[1].replace(",", "")) - lines) <= 10
    assert lines <= 500
    source = Path(engine.__file__).read_text(encoding="utf-8")
    assert ROWS["reads in one sitting"][MICROGRAD] == f"1 file, {len(source.splitlines())} lines"


def test_the_backward_pass_is_python_in_micrograd_and_not_in_pytorch() -> None:
    row = ROWS["a debugger steps through the backward pass"]
    x = engine.Value(3.0)
    y = x * x
    with Calls() as called:
        y.backward()
    assert row[MICROGRAD] == "yes"
    assert called.count(engine.__file__) > 2  # backward, and an operation's rule

    tensor = torch.tensor(3.0, dtype=torch.float64, requires_grad=True)
    many = sum(tensor * tensor for _ in range(100))
    with Calls() as called:
        many.backward()
    assert row[PYTORCH] == "no: C++"
    assert tensor.grad.item() == 600.0
    assert len(called) < 50  # not a call for each of 300 operations


def test_second_derivatives() -> None:
    row = ROWS["second derivatives"]
    x = engine.Value(2.0)
    (x * x * x).backward()
    assert row[MICROGRAD] == "no"
    assert isinstance(x.grad, float)  # a number, which remembers nothing

    tensor = torch.tensor(2.0, dtype=torch.float64, requires_grad=True)
    (first,) = torch.autograd.grad(tensor**3, tensor, create_graph=True)
    (second,) = torch.autograd.grad(first, tensor)
    assert row[PYTORCH] == "yes"
    assert second.item() == 12.0


def test_what_they_need() -> None:
    row = ROWS["needs"]
    assert row[MICROGRAD] == "nothing"
    assert required("micrograd") == 0
    assert row[PYTORCH] == "7 packages"
    assert required("torch") >= 7  # more where it brings CUDA


def test_neither_package_draws_a_graph() -> None:
    row = ROWS["draws its graph"]
    assert row[MICROGRAD] == row[PYTORCH] == "no"
    names = {*dir(engine), *dir(engine.Value), *dir(torch.Tensor), *dir(torch.autograd)}
    assert not [name for name in names if re.search(r"draw|plot|_repr_svg_|graphviz", name)]
