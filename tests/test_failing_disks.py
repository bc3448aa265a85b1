"""Full disks, and folders that cannot be written: whole files or old ones, and one clear line."""

from __future__ import annotations

import errno
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from tests.no_skip import NOT_ALLOWED
from tests.test_stopped_demos import MOONS, PAGE, REPORT, SWEEP, WORKSHEET, XOR
from tests.writers import WRITERS

pytestmark = [
    pytest.mark.skipif(os.name != "posix", reason="permissions and forks are POSIX"),
    # Another user's process cannot write down what it covered.
    pytest.mark.unmeasured,
]

ROOT = Path(__file__).resolve().parent.parent

LIBRARY = ("tests.writers", ["{out}"])

slow = pytest.mark.slow


@cache
def why_not_mounted() -> str:
    """Return why no file system can be mounted here, '' if one can."""
    command = [sys.executable, "-m", "tests.fault_demo", "mount"]
    tried = subprocess.run(command, cwd=ROOT, check=False, capture_output=True, text=True)
    return tried.stderr.strip().rpartition("\n")[2] if tried.returncode else ""


@pytest.fixture
def mounts() -> None:
    """Skip a test that mounts a file system where this user may not."""
    if why_not_mounted():
        pytest.skip(f"{NOT_ALLOWED}: {why_not_mounted()}")


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder that somebody else may enter: pytest's own are for one user alone."""
    found = Path(tempfile.mkdtemp())
    found.chmod(0o755)
    yield found
    shutil.rmtree(found)


def ends_of(
    demo: tuple[str, list[str]], folder: Path, fault: str, number: int
) -> list[dict[str, Any]]:
    """Return how the runs of a demo ended, one for each time that the fault was there."""
    module, arguments = demo
    before = folder / "before"
    before.mkdir()
    if demo is REPORT:  # a finished sweep, of which the report is written once more
        command = [sys.executable, "-m", "demos.sweep", *SWEEP, "--out", str(before)]
        subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
        for path in before.iterdir():
            if path.suffix != ".sqlite":
                path.unlink()
    runner = [sys.executable, "-m", "tests.fault_demo", module, str(folder), fault, str(number)]
    done = subprocess.run([*runner, *arguments], cwd=ROOT, check=True, capture_output=True)
    return [json.loads(line) for line in done.stdout.splitlines()]


def check_files(end: dict[str, Any], folder: Path) -> None:
    """Assert that each file is the old one or a whole new one, and that nothing is left over."""
    kinds = end["files"]
    names = {path.name for path in (folder / "whole").iterdir()}
    assert {kinds[name] for name in names} <= {"old", "new"}, end
    left_over = kinds.keys() - names
    if end["fault"].startswith("moment"):
        # Nobody can remove a file from a folder that is write-protected meanwhile.
        assert all(name.startswith(".") for name in left_over), end
    else:
        assert not left_over, end


def check_error(end: dict[str, Any], folder: Path, number: int) -> None:
    """Assert that one line told the error of that number, naming a file in the folder."""
    assert end["code"] == 1, end
    line = end["said"].removesuffix("\n")
    assert line.startswith("error: "), end
    assert "\n" not in line, end
    assert os.strerror(number) in line, end
    assert re.search(rf"'{re.escape(str(folder / 'out'))}/\w[^/]*'$", line), end


@pytest.mark.parametrize(
    ("demo", "pages"),
    [
        (WORKSHEET, 8),
        *[pytest.param(*demo, marks=slow) for demo in ((PAGE, 5), (XOR, 5), (MOONS, 5))],
        pytest.param(REPORT, 3, marks=slow),
    ],
    ids=lambda value: value[0] if isinstance(value, tuple) else None,
)
def test_a_demo_on_a_disk_that_becomes_full_leaves_every_file_whole(
    mounts: None, folder: Path, demo: tuple[str, list[str]], pages: int
) -> None:
    ends = ends_of(demo, folder, "full", pages)
    assert len(ends) > 2
    for end in ends:
        check_files(end, folder)
        if end["code"]:
            check_error(end, folder, errno.ENOSPC)
        else:
            assert set(end["files"].values()) == {"new"}, end
    assert ends[0]["code"] == 0
    assert ends[-1]["code"] == 1


def test_a_sweep_on_a_full_disk_says_so_and_begins_no_report(mounts: None, folder: Path) -> None:
    (folder / "before").mkdir()
    (folder / "whole").mkdir()
    training = (
        "from functools import partial; from pathlib import Path; import sys\n"
        "from demos.sweep import command; from tests import fault_demo\n"
        "base = Path(sys.argv[1]); (base / 'out').mkdir()\n"
        "arguments = [*sys.argv[2:], '--out', '{out}']\n"
        "fault_demo.run_mounted(command, base, arguments, 1)\n"
    )
    command = [sys.executable, "-c", training, str(folder), *SWEEP]
    done = subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    end = json.loads(done.stdout)
    path = folder / "out" / "sweep.sqlite"
    told = f"error: cannot use {path} for the results: database or disk is full\n"
    assert (end["code"], end["said"]) == (1, told)
    assert end["files"].keys() == {path.name}


@pytest.mark.parametrize("demo", [WORKSHEET, PAGE, XOR, MOONS, REPORT], ids=lambda demo: demo[0])
def test_a_demo_refuses_a_disk_that_cannot_be_written_before_any_work(
    mounts: None, tmp_path: Path, demo: tuple[str, list[str]]
) -> None:
    # The demo's own process, with the file system in the place of its folder.
    module, arguments = demo
    out = tmp_path / "out"
    out.mkdir()
    read_only = (
        "import os, runpy, sys; from pathlib import Path; from tests import fault_demo\n"
        "out = Path(sys.argv[1]); sys.argv[:2] = []\n"
        "fault_demo.leave_the_mounts(); fault_demo.mount(out, 9); fault_demo.make_read_only(out)\n"
        "try:\n    runpy.run_module(sys.argv[0], run_name='__main__', alter_sys=True)\n"
        "finally:\n    print(os.listdir(out))\n"
    )
    module = module.removesuffix(".__main__").removesuffix(".command")
    given = [text.replace("{out}", str(out)) for text in arguments]
    done = subprocess.run(
        [sys.executable, "-c", read_only, str(out), module, *given],
        cwd=ROOT,
        check=False,
        capture_output=True,
        text=True,
    )
    assert (done.returncode, done.stdout) == (2, "[]\n"), done.stderr
    told = f"argument --out: cannot write into the folder {str(out)!r}: Read-only file system\n"
    assert done.stderr.endswith(told)


@pytest.mark.parametrize(
    ("demo", "step"),
    [
        (WORKSHEET, 3),
        *[pytest.param(demo, 1, marks=slow) for demo in (WORKSHEET, PAGE, XOR, MOONS, REPORT)],
    ],
    ids=lambda value: value[0] if isinstance(value, tuple) else None,
)
def test_a_demo_whose_folder_is_write_protected_meanwhile_leaves_every_file_whole(
    folder: Path, demo: tuple[str, list[str]], step: int
) -> None:
    ends = ends_of(demo, folder, "protected", step)
    for end in ends:
        check_files(end, folder)
        if end["code"] == 1 and "readonly database" not in end["said"]:
            check_error(end, folder, errno.EACCES)
        elif end["code"]:  # refused at once
            assert os.strerror(errno.EACCES) in end["said"] or "sweep.sqlite" in end["said"], end
            assert "new" not in end["files"].values() or demo is REPORT, end
    codes = [end["code"] for end in ends]
    assert codes[0] == 2
    assert 1 in codes


@pytest.mark.parametrize(
    ("fault", "number", "reason"),
    [("read-only", 0, errno.EROFS), ("full", 60, errno.ENOSPC)],
)
def test_whatever_the_library_writes_is_whole_or_an_os_error_that_names_it(
    mounts: None, folder: Path, fault: str, number: int, reason: int
) -> None:
    refused = set()
    for end in ends_of(LIBRARY, folder, fault, number):
        check_files(end, folder)
        old = {name for name, kind in end["files"].items() if kind == "old"}
        assert end["said"] == "".join(f"True {name} {reason}\n" for name in WRITERS if name in old)
        assert end["code"] == len(old)
        refused |= old
    # The others find the room that the page, the largest by far, left.
    assert refused == (WRITERS.keys() if fault == "read-only" else {"xor.html"})
