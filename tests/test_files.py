"""Writing files atomically: the whole new file or the old one, and nothing left behind."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import Any

import pytest

from autodiff.files import write_atomically


class DiskFullError(OSError):
    """What the planted failure raises."""


def fail(*_: Any, **__: Any) -> None:
    raise DiskFullError


def mode_of(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_text_is_written_as_utf_8_with_its_line_ends_unchanged(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    write_atomically(path, "σ = ½\nzwei\r\n")
    assert path.read_bytes() == "σ = ½\nzwei\r\n".encode()


def test_bytes_are_written_as_they_are(tmp_path: Path) -> None:
    content = bytes(range(256)) * 1000
    assert write_atomically(tmp_path / "a.bin", content).read_bytes() == content


def test_the_path_comes_back_and_may_be_a_str(tmp_path: Path) -> None:
    assert write_atomically(str(tmp_path / "a.txt"), "a") == tmp_path / "a.txt"


def test_a_path_without_a_folder_is_written_into_the_working_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    write_atomically("a.txt", "here")
    assert (tmp_path / "a.txt").read_text(encoding="utf-8") == "here"


def test_an_existing_file_is_replaced_whole(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text("a long text that was there before", encoding="utf-8")
    write_atomically(path, "new")
    assert path.read_text(encoding="utf-8") == "new"
    assert os.listdir(tmp_path) == ["a.txt"]


@pytest.mark.parametrize("step", ["fsync", "chmod", "replace"])
def test_a_failure_at_any_step_leaves_the_old_file_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    path = tmp_path / "a.txt"
    path.write_text("old", encoding="utf-8")
    monkeypatch.setattr(os, step, fail)
    with pytest.raises(DiskFullError):
        write_atomically(path, "new")
    monkeypatch.undo()
    assert path.read_text(encoding="utf-8") == "old"
    assert os.listdir(tmp_path) == ["a.txt"]


def test_an_interrupt_while_writing_leaves_the_old_file_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a.txt"
    path.write_text("old", encoding="utf-8")

    def interrupt(*_: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "fsync", interrupt)
    with pytest.raises(KeyboardInterrupt):
        write_atomically(path, "new")
    monkeypatch.undo()
    assert path.read_text(encoding="utf-8") == "old"
    assert os.listdir(tmp_path) == ["a.txt"]


def test_the_file_is_never_seen_half_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a.txt"
    path.write_text("old", encoding="utf-8")
    seen = []
    replace = os.replace

    def look_then_replace(source: str, target: str | Path) -> None:
        seen.append((path.read_text(encoding="utf-8"), Path(source).read_text(encoding="utf-8")))
        replace(source, target)

    monkeypatch.setattr(os, "replace", look_then_replace)
    write_atomically(path, "new")
    assert seen == [("old", "new")]


def test_a_folder_that_does_not_exist_is_an_os_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        write_atomically(tmp_path / "no" / "a.txt", "a")
    assert os.listdir(tmp_path) == []


def test_a_folder_in_place_of_the_file_is_an_os_error_and_stays(tmp_path: Path) -> None:
    folder = tmp_path / "a.txt"
    folder.mkdir()
    (folder / "inside").write_text("kept", encoding="utf-8")
    with pytest.raises(OSError, match=r"a\.txt"):
        write_atomically(folder, "a")
    assert os.listdir(tmp_path) == ["a.txt"]
    assert (folder / "inside").read_text(encoding="utf-8") == "kept"


@pytest.mark.skipif(os.name == "nt", reason="POSIX permissions")
@pytest.mark.parametrize(("umask", "expected"), [(0o022, 0o644), (0o077, 0o600), (0o002, 0o664)])
def test_a_new_file_has_the_permissions_that_open_would_give(
    tmp_path: Path, umask: int, expected: int
) -> None:
    before = os.umask(umask)
    try:
        write_atomically(tmp_path / "a.txt", "a")
        assert os.umask(umask) == umask
    finally:
        os.umask(before)
    assert mode_of(tmp_path / "a.txt") == expected


@pytest.mark.skipif(os.name == "nt", reason="POSIX permissions")
@pytest.mark.parametrize("mode", [0o600, 0o640, 0o755])
def test_a_replaced_file_keeps_its_permissions(tmp_path: Path, mode: int) -> None:
    path = tmp_path / "a.txt"
    path.write_text("old", encoding="utf-8")
    path.chmod(mode)
    write_atomically(path, "new")
    assert mode_of(path) == mode


def test_a_file_in_place_of_the_folder_is_an_os_error_and_stays(tmp_path: Path) -> None:
    file = tmp_path / "folder"
    file.write_text("kept", encoding="utf-8")
    with pytest.raises((NotADirectoryError, FileNotFoundError)):
        write_atomically(file / "a.txt", "a")
    assert os.listdir(tmp_path) == ["folder"]
    assert file.read_text(encoding="utf-8") == "kept"
