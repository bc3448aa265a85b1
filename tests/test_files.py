"""Writing files atomically: the whole new file or the old one, and nothing left behind."""

from __future__ import annotations

import errno
import os
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import CodeType, FrameType, FunctionType
from typing import Any

import pytest

from autodiff.support import files
from autodiff.support.files import write_atomically

ROOT = Path(__file__).resolve().parent.parent


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
    with pytest.raises(FileNotFoundError, match="no"):
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


# ---- Interrupts -----------------------------------------------------------------------------


TOOL = 4  # of sys.monitoring: none that Python has a use for

FUNCTIONS = [
    function
    for function in vars(files).values()
    if isinstance(function, FunctionType) and function.__module__ == files.__name__
]


class Interrupter:
    """Raises KeyboardInterrupt before the n-th instruction run in ``autodiff.support.files``."""

    def __init__(self, at: int) -> None:
        self.at = at
        self.met = 0

    def trace(self, frame: FrameType, event: str, _argument: Any) -> Any:
        if frame.f_code.co_filename != files.__file__:
            return None
        frame.f_trace_opcodes = True
        frame.f_trace_lines = False
        if event == "opcode":
            self.met += 1
            if self.met == self.at:
                raise KeyboardInterrupt
        return self.trace

    def instruction(self, _code: CodeType, _offset: int) -> None:
        self.met += 1
        if self.met == self.at:
            raise KeyboardInterrupt

    @contextmanager
    def looking_on(self) -> Iterator[None]:
        if sys.version_info < (3, 12):
            earlier = sys.gettrace()
            sys.settrace(self.trace)
            try:
                yield
            finally:
                sys.settrace(earlier)
            return
        # From then on a trace function misses instructions after one at which it raised.
        monitoring = sys.monitoring
        event = monitoring.events.INSTRUCTION
        monitoring.use_tool_id(TOOL, "Interrupter")
        monitoring.register_callback(TOOL, event, self.instruction)
        try:
            for function in FUNCTIONS:
                monitoring.set_local_events(TOOL, function.__code__, event)
            yield
        finally:
            for function in FUNCTIONS:
                monitoring.set_local_events(TOOL, function.__code__, 0)
            monitoring.register_callback(TOOL, event, None)
            monitoring.free_tool_id(TOOL)


# A file that was opened but is in no `with` yet is closed by Python, which warns of it.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize("existing", [True, False])
def test_an_interrupt_at_any_instruction_leaves_the_old_file_or_the_new_one_and_nothing_else(
    tmp_path: Path, existing: bool
) -> None:
    path = tmp_path / "a.txt"
    left = set()
    at = interrupted = 1
    while interrupted:
        path.unlink(missing_ok=True)
        if existing:
            path.write_text("old", encoding="utf-8")
        interrupted = 0
        with Interrupter(at).looking_on():
            try:
                write_atomically(path, "new")
            except KeyboardInterrupt:
                interrupted = at
        names = os.listdir(tmp_path)
        assert names in (["a.txt"], [] if not existing else ["a.txt"]), f"instruction {at}: {names}"
        left.add(path.read_text(encoding="utf-8") if names else None)
        at += 1
    assert at > 100
    assert left == {"old" if existing else None, "new"}


# ---- Full disks -----------------------------------------------------------------------------

FULL_DISK = """
import resource, signal, sys
from autodiff.support.files import write_atomically
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, resource.RLIM_INFINITY))
try:
    write_atomically(sys.argv[1], b"x" * 100_001)
except OSError as error:
    print(error.errno, error)
"""


@pytest.mark.skipif(os.name != "posix", reason="needs a limit on the size of files")
def test_a_file_that_finds_no_room_names_itself_and_leaves_the_old_one(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text("old", encoding="utf-8")
    command = [sys.executable, "-c", FULL_DISK, str(path)]
    said = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert said == f"{errno.EFBIG} [Errno {errno.EFBIG}] File too large: {str(path)!r}\n"
    assert path.read_text(encoding="utf-8") == "old"
    assert os.listdir(tmp_path) == ["a.txt"]


@pytest.mark.parametrize("step", ["fsync", "replace"])
def test_an_error_names_the_path_that_was_given_and_not_the_temporary_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    path = tmp_path / "a.txt"

    def no_room(*names: Any) -> None:
        raise OSError(errno.ENOSPC, "No space left on device", *names[:1], None, *names[1:])

    monkeypatch.setattr(os, step, no_room)
    with pytest.raises(OSError, match="No space left") as raised:
        write_atomically(path, "new")
    monkeypatch.undo()
    assert str(raised.value) == f"[Errno {errno.ENOSPC}] No space left on device: {str(path)!r}"
    assert os.listdir(tmp_path) == []


# ---- Like open(path, "wb") ------------------------------------------------------------------

needs_posix = pytest.mark.skipif(os.name != "posix", reason="links, pipes and owners are POSIX")


@needs_posix
def test_a_link_stays_and_the_file_that_it_leads_to_is_replaced(tmp_path: Path) -> None:
    (tmp_path / "far").mkdir()
    file, link = tmp_path / "far" / "a.txt", tmp_path / "link.txt"
    file.write_text("old", encoding="utf-8")
    file.chmod(0o640)
    link.symlink_to(Path("far") / "a.txt")
    assert write_atomically(link, "new") == link
    assert os.readlink(link) == "far/a.txt"
    assert file.read_text(encoding="utf-8") == "new"
    assert mode_of(file) == 0o640
    assert (os.listdir(tmp_path / "far"), len(os.listdir(tmp_path))) == (["a.txt"], 2)


@needs_posix
def test_a_link_to_a_file_that_does_not_exist_yet_makes_it(tmp_path: Path) -> None:
    link = tmp_path / "link.txt"
    link.symlink_to("a.txt")
    write_atomically(link, "new")
    assert link.is_symlink()
    assert (tmp_path / "a.txt").read_text(encoding="utf-8") == "new"


@needs_posix
def test_a_link_to_itself_is_an_os_error_and_stays(tmp_path: Path) -> None:
    link = tmp_path / "link.txt"
    link.symlink_to("link.txt")
    with pytest.raises(OSError, match=r"link\.txt"):
        write_atomically(link, "new")
    assert os.listdir(tmp_path) == ["link.txt"]
    assert link.is_symlink()


@needs_posix
def test_a_pipe_is_written_into_and_stays_a_pipe(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    try:
        write_atomically(pipe, "new")
        assert os.read(reader, 100) == b"new"
    finally:
        os.close(reader)
    assert stat.S_ISFIFO(pipe.stat().st_mode)
    assert os.listdir(tmp_path) == ["pipe"]


@needs_posix
def test_a_device_is_written_into_and_stays_a_device(tmp_path: Path) -> None:
    device = tmp_path / "null"  # a link, so that a mistake cannot harm the machine
    device.symlink_to(os.devnull)
    write_atomically(device, "new")
    assert device.is_symlink()
    assert stat.S_ISCHR(Path(os.devnull).stat().st_mode)


@contextmanager
def ordinary_users_folder() -> Iterator[Path]:
    """A folder for somebody who may not write everywhere, as the superuser may."""
    folder = Path(tempfile.mkdtemp())  # pytest's own are within one for the superuser alone
    folder.chmod(0o777)
    superuser = os.geteuid() == 0
    if superuser:
        os.seteuid(65534)
    try:
        yield folder
    finally:
        if superuser:
            os.seteuid(0)
        shutil.rmtree(folder)


@needs_posix
def test_a_file_that_is_write_protected_is_not_replaced() -> None:
    with ordinary_users_folder() as folder:
        path = folder / "a.txt"
        path.write_text("old", encoding="utf-8")
        path.chmod(0o444)
        with pytest.raises(PermissionError, match=r"a\.txt"):
            write_atomically(path, "new")
        assert path.read_text(encoding="utf-8") == "old"
        assert os.listdir(folder) == ["a.txt"]


def test_a_reader_who_has_the_old_file_open_goes_on_reading_it(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text("old", encoding="utf-8")
    with path.open(encoding="utf-8") as file:
        if os.name == "nt":
            with pytest.raises(PermissionError, match=r"a\.txt"):
                write_atomically(path, "new")
            assert file.read() == "old"
        else:
            write_atomically(path, "new")
            assert (file.read(), path.read_text(encoding="utf-8")) == ("old", "new")
    assert os.listdir(tmp_path) == ["a.txt"]


@pytest.mark.parametrize(
    "name",
    [
        "σ = ½ 日本語.txt",
        "-n",
        " a b ",
        pytest.param("a" * 255, id="as long as names can be"),
        pytest.param("é" * 127, id="as long in bytes"),
        pytest.param("🎈" * 63, id="as long in bytes, four a letter"),
    ],
)
def test_any_name_that_a_file_can_have_can_be_written(tmp_path: Path, name: str) -> None:
    for content in ("old", "new"):
        write_atomically(tmp_path / name, content)
        assert (tmp_path / name).read_text(encoding="utf-8") == content
    assert os.listdir(tmp_path) == [name]


def test_a_name_that_is_too_long_is_an_os_error(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="aaa"):
        write_atomically(tmp_path / ("a" * 300), "new")
    assert os.listdir(tmp_path) == []


# ---- Several at once ------------------------------------------------------------------------

WRITER = """
import sys
from autodiff.support.files import write_atomically
while True:
    write_atomically(sys.argv[1], sys.argv[2] * 50_000)
    print(flush=True)
"""


@pytest.mark.thorough
def test_of_two_programs_that_write_the_same_file_a_reader_sees_one_whole(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    write_atomically(path, "a" * 50_000)
    writers = [
        subprocess.Popen(
            [sys.executable, "-c", WRITER, str(path), letter], cwd=ROOT, stdout=subprocess.PIPE
        )
        for letter in "ab"
    ]
    try:
        for writer in writers:
            assert writer.stdout is not None
            assert writer.stdout.readline()  # it has written
        seen: set[str] = set()
        for _ in range(300):
            text = path.read_text(encoding="utf-8")
            assert text in ("a" * 50_000, "b" * 50_000)
            seen.add(text[0])
            for writer in writers:
                assert writer.stdout is not None
                assert writer.stdout.readline()
    finally:
        for writer in writers:
            writer.send_signal(signal.SIGINT)  # which cleans up, as a kill would not
        for writer in writers:
            writer.communicate(timeout=30)
    assert seen == {"a", "b"}
    assert os.listdir(tmp_path) == ["a.txt"]


def test_what_is_written_is_on_the_disk_before_it_has_its_name_and_then_the_name_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    done: list[str] = []
    fsync, replace = os.fsync, os.replace

    def synced(descriptor: int) -> None:
        status = os.fstat(descriptor)
        done.append("folder" if stat.S_ISDIR(status.st_mode) else f"{status.st_size} bytes")
        fsync(descriptor)

    def replaced(source: str, target: str) -> None:
        done.append("name")
        replace(source, target)

    monkeypatch.setattr(os, "fsync", synced)
    monkeypatch.setattr(os, "replace", replaced)
    write_atomically(tmp_path / "a.txt", "three")
    assert done == ["5 bytes", "name", *(["folder"] if os.name == "posix" else [])]


def test_a_disk_that_cannot_sync_a_folder_is_no_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fsync = os.fsync

    def of_files_alone(descriptor: int) -> None:
        if stat.S_ISDIR(os.fstat(descriptor).st_mode):
            raise OSError(errno.EINVAL, "Invalid argument")
        fsync(descriptor)

    monkeypatch.setattr(os, "fsync", of_files_alone)
    assert write_atomically(tmp_path / "a.txt", "new").read_text(encoding="utf-8") == "new"
