"""What a package index shows of the README: no broken picture, and no link to nowhere."""

from __future__ import annotations

import doctest
import importlib.util
import re
import shutil
import subprocess
import sys
from email import message_from_string
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).resolve().parent.parent
README = ROOT / "README.md"
ADDRESS = "https://host.example/tree/main"
TARGET = re.compile(r"\]\(([^)]*)\)")

pytest.importorskip("setuptools", reason="builds the package")
if not README.is_file():
    pytest.skip("the README is not installed", allow_module_level=True)


@pytest.fixture(scope="module")
def setup() -> ModuleType:
    """The module ``setup.py``, which is in no package."""
    spec = importlib.util.spec_from_file_location("setup", ROOT / "setup.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def targets(text: str) -> list[str]:
    """Return what the links and pictures of a text lead to; code has none."""
    return TARGET.findall(re.sub(r"(?ms)^```.*?^```$", "", text))


def test_its_examples(setup: ModuleType) -> None:
    tried = doctest.testmod(setup)
    assert (tried.failed, tried.attempted > 0) == (0, True)


def test_without_an_address_words_stand_for_what_is_not_there(setup: ModuleType) -> None:
    text = README.read_text(encoding="utf-8")
    described = setup.description(text)
    assert all(target.startswith(("#", "https://")) for target in targets(described))
    assert "![" not in described
    for shown in re.findall(r"!\[([^]]*)\]", text):
        assert f"*Picture: {shown}*" in described


def test_with_an_address_each_file_is_there(setup: ModuleType) -> None:
    text = README.read_text(encoding="utf-8")
    there, here = targets(setup.description(text, ADDRESS)), targets(text)
    assert len(there) == len(here)
    for target, file in zip(there, here, strict=True):
        is_file = not file.startswith(("#", "https://"))
        assert target == (f"{ADDRESS}/{file}" if is_file else file)
        assert not is_file or (ROOT / file.partition("#")[0]).exists()


def test_code_is_left_as_it_is(setup: ModuleType) -> None:
    code = "```python\nprint([row](0), x[0](1))\n```"
    assert setup.description(f"[a](b)\n\n{code}\n") == f"a\n\n{code}\n"


@pytest.mark.thorough
@pytest.mark.parametrize("address", ["", ADDRESS])
def test_the_package_has_it(setup: ModuleType, tmp_path: Path, address: str) -> None:
    for file in ("setup.py", "setup.cfg", "pyproject.toml", "README.md", "LICENSE"):
        shutil.copyfile(ROOT / file, tmp_path / file)
    for folder in ("autodiff", "made"):
        (tmp_path / folder).mkdir()
    (tmp_path / "autodiff" / "__init__.py").write_text('__version__ = "1.0"\n', encoding="utf-8")
    build = "from setuptools.build_meta import prepare_metadata_for_build_wheel as prepare"
    done = subprocess.run(
        [sys.executable, "-c", f"{build}; prepare('made')"],
        cwd=tmp_path,
        env={"README_ADDRESS": address, "PATH": ""},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    (made,) = tmp_path.glob("made/*.dist-info/METADATA")
    metadata = message_from_string(made.read_text(encoding="utf-8"))
    assert metadata["Description-Content-Type"] == "text/markdown"
    wanted = setup.description(README.read_text(encoding="utf-8"), address)
    assert str(metadata.get_payload()).strip() == wanted.strip()
