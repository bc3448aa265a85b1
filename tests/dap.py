"""A debugger as an editor drives it: debugpy, by the Debug Adapter Protocol that VS Code speaks.

    with Debugger(Adapter()) as debugger:
        debugger.launch(program, justMyCode=False)
        debugger.break_at(program, [6])
        print(debugger.go().place, debugger.local_variables())
        print(debugger.step_in().place)
        debugger.finish()

The protocol: https://microsoft.github.io/debug-adapter-protocol/specification
"""

from __future__ import annotations

import contextlib
import itertools
import json
import os
import queue
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Protocol, TypeVar

__all__ = [
    "Adapter",
    "Breakpoint",
    "Channel",
    "Debugger",
    "Frame",
    "Kernel",
    "RefusedError",
    "Stop",
]

Message = dict[str, Any]
Found = TypeVar("Found")

# A slow machine is no failure, and a debugger that hangs does not hang the tests.
PATIENCE = 60.0


class RefusedError(Exception):
    """The debugger said no to a request."""


# ---- Messages -------------------------------------------------------------------------------


class Channel(Protocol):
    """A way to a debugger and back."""

    def send(self, message: Message) -> None: ...

    def receive(self, patience: float) -> Message:
        """Return the next message.

        Raises ``queue.Empty`` if none comes in so many seconds, EOFError if there will be none.
        """

    def close(self) -> None: ...


class Adapter:
    """debugpy's adapter, a process of our own, as VS Code starts it."""

    def __init__(self, python: str = sys.executable) -> None:
        self.process = subprocess.Popen(
            [python, "-m", "debugpy.adapter"], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        self.messages: queue.SimpleQueue[Message | None] = queue.SimpleQueue()
        self.reader = threading.Thread(target=self.read, daemon=True)
        self.reader.start()

    def read(self) -> None:
        assert self.process.stdout is not None
        for message in messages_of(self.process.stdout):
            self.messages.put(message)
        self.messages.put(None)

    def send(self, message: Message) -> None:
        assert self.process.stdin is not None
        body = json.dumps(message).encode()
        self.process.stdin.write(b"Content-Length: %d\r\n\r\n%b" % (len(body), body))
        self.process.stdin.flush()

    def receive(self, patience: float) -> Message:
        message = self.messages.get(timeout=max(patience, 0.0))
        if message is None:
            raise EOFError("debugpy's adapter has ended")
        return message

    def close(self) -> None:
        """End the process, and wait until it has ended."""
        assert self.process.stdin is not None
        with contextlib.suppress(BrokenPipeError):
            self.process.stdin.close()
        try:
            self.process.wait(10.0)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.reader.join()
        assert self.process.stdout is not None
        self.process.stdout.close()


def messages_of(stream: IO[bytes]) -> Iterator[Message]:
    """Yield the messages of a stream: each has a header, an empty line, and a body of JSON.

    >>> import io
    >>> list(messages_of(io.BytesIO(b"Content-Length: 2\\r\\n\\r\\n{}")))
    [{}]
    """
    while header := stream.readline():
        length = int(header.partition(b":")[2])
        while stream.readline().strip():
            pass  # other headers
        yield json.loads(stream.read(length))


class Kernel:
    """A notebook's kernel, of our own: it takes the same messages to the debugger in it.

    The end of a cell is told as that of a program.
    """

    def __init__(self, folder: Path, **environment: str) -> None:
        # Installed with the notebooks' other tools.
        from jupyter_client.manager import start_new_kernel

        self.manager, self.client = start_new_kernel(
            cwd=str(folder), env={**os.environ, **environment}
        )
        self.cell = ""

    def execute(self, code: str) -> None:
        """Run a cell, without waiting for its end."""
        self.cell = self.client.execute(code)

    def send(self, message: Message) -> None:
        self.client.control_channel.send(self.client.session.msg("debug_request", message))

    def receive(self, patience: float) -> Message:
        end = time.monotonic() + patience
        while time.monotonic() < end:
            for channel in (self.client.control_channel, self.client.iopub_channel):
                with contextlib.suppress(queue.Empty):
                    message = self.translated(channel.get_msg(timeout=0.02))
                    if message is not None:
                        return message
        raise queue.Empty

    def translated(self, message: Message) -> Message | None:
        """Return what a message of the kernel is to a debugger's front end; None if nothing."""
        content: Message = message["content"]
        match message["msg_type"]:
            case "debug_reply" | "debug_event":
                return content
            case "stream":
                body = {"category": content["name"], "output": content["text"]}
                return {"type": "event", "event": "output", "body": body}
            case "status" if content["execution_state"] == "idle":
                if message["parent_header"]["msg_id"] == self.cell:
                    return {"type": "event", "event": "terminated"}
        return None

    def close(self) -> None:
        """End the kernel."""
        self.client.stop_channels()
        self.manager.shutdown_kernel(now=True)


# ---- A session ------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Breakpoint:
    """A breakpoint at a line.

    With a ``log`` it does not stop: it writes that, with what ``{expression}`` is in it.
    """

    line: int
    condition: str = ""
    log: str = ""

    def as_message(self) -> Message:
        fields = {"line": self.line, "condition": self.condition, "logMessage": self.log}
        return {name: value for name, value in fields.items() if value}


@dataclass(frozen=True, slots=True)
class Frame:
    """A frame of a stop; ``path`` is None for what has no source that could be shown."""

    number: int
    name: str
    path: Path | None
    line: int

    @property
    def code(self) -> str:
        """The text of its line."""
        assert self.path is not None, f"{self.name} has no source"
        return self.path.read_text(encoding="utf-8").splitlines()[self.line - 1].strip()


@dataclass(frozen=True, slots=True)
class Stop:
    """Why the program stands still ("breakpoint", "step", ...), and its frames from within."""

    reason: str
    frames: tuple[Frame, ...]

    @property
    def top(self) -> Frame:
        """The innermost frame."""
        return self.frames[0]

    @property
    def place(self) -> tuple[str, str]:
        """The function in which the program stands still, and the text of the line."""
        return self.top.name, self.top.code


class Debugger:
    """One session with a debugger.

    ``output`` is what the program has printed, ``exit_code`` how it ended, None before.
    """

    def __init__(self, channel: Channel) -> None:
        self.channel = channel
        self.output = ""
        self.exit_code: int | None = None
        self.stop: Stop | None = None
        self._numbers = itertools.count(1)
        self._answers: dict[int, Message] = {}
        self._events: list[Message] = []
        self._thread = 0
        self._starting = 0
        self._configured = False
        self._process: int | None = None

    # ---- beginning and end -----------------------------------------------------------------

    def launch(self, program: Path, **options: Any) -> None:
        """Start a program under the debugger; it waits for ``go``.

        ``options`` are debugpy's, such as ``justMyCode``, ``env``, ``cwd`` and ``args``.
        """
        self.start(
            "launch",
            program=str(program),
            **{"cwd": str(program.parent), "console": "internalConsole", **options},
        )

    def start(self, command: str, **arguments: Any) -> None:
        """Begin a session by ``launch`` or ``attach``: breakpoints can be set then."""
        self.request("initialize", adapterID="debugpy", pathFormat="path", linesStartAt1=True)
        # The answer comes after the configuration is done, or at once if this is refused.
        self._starting = self._send(command, {"type": "debugpy", **arguments})
        self._until(lambda: self._event("initialized"))

    def close(self) -> None:
        """End the program and the debugger, whatever they are doing."""
        try:
            if self._process is not None and self.exit_code is None:
                with contextlib.suppress(RefusedError, EOFError, BrokenPipeError, TimeoutError):
                    self.request("terminate")
                    self._until(lambda: self.exit_code)
        finally:
            self.channel.close()
            if self._process is not None and self.exit_code is None:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(self._process, signal.SIGKILL)

    def __enter__(self) -> Debugger:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    # ---- breakpoints -----------------------------------------------------------------------

    def break_at(self, path: Path, breakpoints: Sequence[int | Breakpoint]) -> list[str]:
        """Have these breakpoints in a file, and no others.

        Returns what the debugger says against each of them, '' if nothing.
        """
        wanted = [Breakpoint(each) if isinstance(each, int) else each for each in breakpoints]
        answer = self.request(
            "setBreakpoints",
            source={"path": str(path)},
            breakpoints=[each.as_message() for each in wanted],
        )
        return [objection(each) for each in answer["breakpoints"]]

    def break_in(self, *functions: str) -> list[str]:
        """Have breakpoints at these functions, by their names, and at no others; as above."""
        answer = self.request(
            "setFunctionBreakpoints", breakpoints=[{"name": name} for name in functions]
        )
        return [objection(each) for each in answer["breakpoints"]]

    def break_at_exceptions(self, *filters: str) -> None:
        """Stop at exceptions, and at no others: "raised", "uncaught", "userUnhandled"."""
        self.request("setExceptionBreakpoints", filters=list(filters))

    # ---- running ---------------------------------------------------------------------------

    def go(self) -> Stop:
        """Let the program begin, or go on, and return where it stops next."""
        return self._to_stop(self._next_on())

    def finish(self) -> None:
        """Let the program begin, or go on, to its end."""
        stop = self._after(self._next_on())
        assert stop is None, f"the program stopped before its end: {stop}"

    def step_over(self) -> Stop:
        """Go to the next line of this function, or of the one that called it."""
        return self._to_stop("next")

    def step_in(self) -> Stop:
        """Go to the next line, wherever it is."""
        return self._to_stop("stepIn")

    def step_out(self) -> Stop:
        """Go to where this function was called."""
        return self._to_stop("stepOut")

    def jump_to(self, path: Path, line: int) -> Stop:
        """Have the program go on at another line of this function, without what is between."""
        found = self.request("gotoTargets", source={"path": str(path)}, line=line)
        return self._to_stop("goto", targetId=found["targets"][0]["id"])

    def _next_on(self) -> str:
        """Return the request with which the program runs; '' if it does, as a notebook's cell."""
        if self.stop is not None:
            return "continue"
        configured, self._configured = self._configured, True
        return "" if configured else "configurationDone"

    def _to_stop(self, command: str, **arguments: Any) -> Stop:
        stop = self._after(command, **arguments)
        assert stop is not None, f"the program ended without a stop; it printed {self.output!r}"
        return stop

    def _after(self, command: str, **arguments: Any) -> Stop | None:
        """Return where the program stops after a request; None if it ends before."""
        if command:
            self.request(command, **({"threadId": self._thread} if self.stop else {}), **arguments)
        self.stop = None
        event = self._until(lambda: self._event("stopped", "terminated"))
        if event["event"] == "stopped":
            self._thread = event["body"]["threadId"]
            self.stop = Stop(event["body"]["reason"], self._frames())
        elif self._process is not None:
            self._until(lambda: self.exit_code)
        return self.stop

    def _frames(self) -> tuple[Frame, ...]:
        answer = self.request("stackTrace", threadId=self._thread)
        return tuple([frame_in(each) for each in answer["stackFrames"]])

    # ---- looking ---------------------------------------------------------------------------

    def local_variables(self, frame: Frame | None = None) -> dict[str, str]:
        """Return the local variables of a frame, the innermost by default, as they are shown."""
        return {name: each["value"] for name, each in self._locals(frame).items()}

    def fields(self, *path: str, frame: Frame | None = None) -> dict[str, str]:
        """Return what is shown where a local variable is opened, then a field of it, and so on."""
        opened = self._locals(frame)
        for name in path:
            opened = self._variables(opened[name]["variablesReference"])
        return {name: each["value"] for name, each in opened.items()}

    def evaluate(self, expression: str, frame: Frame | None = None, context: str = "repl") -> str:
        """Return an expression's value as it is shown, as for a hover (``context="hover"``)."""
        number = (frame or self._top()).number
        answer = self.request("evaluate", expression=expression, frameId=number, context=context)
        return str(answer["result"])

    def _top(self) -> Frame:
        assert self.stop is not None, "the program is not stopped"
        return self.stop.top

    def _locals(self, frame: Frame | None) -> dict[str, Message]:
        scopes = self.request("scopes", frameId=(frame or self._top()).number)["scopes"]
        (found,) = [each for each in scopes if each["name"] == "Locals"]
        return self._variables(found["variablesReference"])

    def _variables(self, reference: int) -> dict[str, Message]:
        answer = self.request("variables", variablesReference=reference)
        return {each["name"]: each for each in answer["variables"]}

    # ---- messages --------------------------------------------------------------------------

    def request(self, command: str, **arguments: Any) -> Message:
        """Return the body of the answer to a request.

        Raises RefusedError if the debugger refuses it, TimeoutError if it does not answer.
        """
        number = self._send(command, arguments)
        return body_of(self._until(lambda: self._answers.pop(number, None)))

    def _send(self, command: str, arguments: Message) -> int:
        number = next(self._numbers)
        message = {"seq": number, "type": "request", "command": command, "arguments": arguments}
        self.channel.send(message)
        return number

    def _event(self, *names: str) -> Message | None:
        """Take the first event of such a name of those that have come; None if there is none."""
        for place, event in enumerate(self._events):
            if event["event"] in names:
                return self._events.pop(place)
        return None

    def _until(self, find: Callable[[], Found | None]) -> Found:
        """Take in messages until something is found, and return it."""
        end = time.monotonic() + PATIENCE
        while (found := find()) is None:
            try:
                self._take_in(self.channel.receive(end - time.monotonic()))
            except queue.Empty:
                raise TimeoutError(
                    f"nothing from the debugger for {PATIENCE} s, but events "
                    f"{[event['event'] for event in self._events]}; printed: {self.output!r}"
                ) from None
        return found

    def _take_in(self, message: Message) -> None:
        if message["type"] == "response":
            if message["request_seq"] == self._starting:
                body_of(message)
            else:
                self._answers[message["request_seq"]] = message
            return
        assert message["type"] == "event", f"the debugger asks for something: {message}"
        body = message.get("body", {})
        match message["event"]:
            case "output":
                if body.get("category") in ("stdout", "stderr"):
                    self.output += body["output"]
            case "process":
                if body["startMethod"] == "launch":  # else it is not ours to end
                    self._process = body["systemProcessId"]
            case "exited":
                self.exit_code = body["exitCode"]
            case _:
                self._events.append(message)


def body_of(answer: Message) -> Message:
    """Return the body of an answer; raise RefusedError if it is none."""
    if not answer["success"]:
        raise RefusedError(f"{answer['command']}: {answer.get('message')}")
    body: Message = answer.get("body") or {}
    return body


def objection(message: Message) -> str:
    """Return why the debugger does not stop at a breakpoint; '' if it does."""
    return "" if message["verified"] else message.get("message") or "not verified"


def frame_in(message: Message) -> Frame:
    """Return the frame of a stack trace."""
    source = message.get("source", {})
    # A source with a reference is none on the disk: the debugger would have to be asked for it.
    path = source.get("path") if not source.get("sourceReference") else None
    return Frame(message["id"], message["name"], Path(path) if path else None, message["line"])
