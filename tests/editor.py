"""VS Code at a stop, as a picture of what its debugger was told: ``python -m tests.editor``.

It writes ``docs/images/backward_in_an_editor.svg``.  Each name, number and line in it comes from
debugpy, which was driven through its protocol, as the editor does it.
"""

from __future__ import annotations

from dataclasses import dataclass
from html import escape
from pathlib import Path

from tests.dap import Adapter, Debugger
from tests.documents import ROOT, parse
from tests.wheel import install_into

__all__ = ["PICTURE", "Moment", "drawn", "lesson", "moment_in"]

PICTURE = ROOT / "docs" / "images" / "backward_in_an_editor.svg"
SECTION = "Backward through your own lines"

# The looks of the editor's dark theme.
BACKGROUND, PANE, TEXT, DIM = "#1f1f1f", "#181818", "#cccccc", "#858585"
STOPPED, ARROW, DOT, NAME, NUMBER = "#4b4b18", "#ffcc00", "#e51400", "#c586c0", "#b5cea8"
LINE, LEFT, WIDTH = 20, 330, 820


@dataclass(frozen=True, slots=True)
class Moment:
    """One stop: the program's text, the line, the local variables, the frames from within."""

    text: str
    line: int
    names: dict[str, str]
    frames: tuple[tuple[str, int], ...]


def lesson() -> str:
    """Return the program that the document shows first in its section on this."""
    document = parse(ROOT / "docs" / "debugging.md")
    return next(block.text for block in document.section(SECTION) if block.kind == "python")


def moment_in(folder: Path, library: Path) -> Moment:
    """Return the stop in the function, stepped to from the loss in the backward pass."""
    program = folder / "train.py"
    program.write_text(lesson(), encoding="utf-8")
    line = breakpoint_in(lesson())
    with Debugger(Adapter()) as debugger:
        debugger.launch(program, justMyCode=True, env={"PYTHONPATH": str(library)})
        debugger.break_at(program, [line])
        debugger.go()
        debugger.go()
        debugger.step_over()
        debugger.step_over()
        debugger.step_in()
        stop = debugger.step_over()
        names = {name: it for name, it in debugger.local_variables().items() if " " not in name}
        frames = [(frame.name, frame.line) for frame in stop.frames if frame.path == program]
        moment = Moment(lesson(), stop.top.line, names, tuple(frames))
        debugger.break_at(program, [])
        debugger.finish()
    return moment


def breakpoint_in(text: str) -> int:
    """Return the number of the line that makes the loss."""
    (line,) = [n for n, code in enumerate(text.splitlines(), 1) if code.strip()[:6] == "loss ="]
    return line


def drawn(moment: Moment) -> str:
    """Return the picture, as SVG: variables and frames on the left, the program on the right."""
    lines = moment.text.splitlines()
    rows = max(len(lines), len(moment.names) + len(moment.frames) + 3)
    height = (rows + 2) * LINE
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" '
        f'font-family="Consolas, Menlo, monospace" font-size="13">',
        f'<rect width="{WIDTH}" height="{height}" fill="{BACKGROUND}"/>',
        f'<rect width="{LEFT}" height="{height}" fill="{PANE}"/>',
        text_at(12, 0, "VARIABLES", DIM),
    ]
    row = 1
    for name, value in moment.names.items():
        shown = value if len(value) <= 30 else f"{value[:29]}…"
        parts.append(text_at(24, row, f"{name}:", NAME))
        parts.append(text_at(24 + 8 * (len(name) + 2), row, shown, NUMBER))
        row += 1
    row += 1
    parts.append(text_at(12, row, "CALL STACK", DIM))
    for name, line in moment.frames:
        row += 1
        parts.append(text_at(24, row, f"{name}   train.py:{line}", TEXT))
    for number, code in enumerate(lines, 1):
        if number == moment.line:
            y, width = number * LINE + 4, WIDTH - LEFT
            parts.append(f'<rect x="{LEFT}" y="{y}" width="{width}" height="20" fill="{STOPPED}"/>')
            parts.append(text_at(LEFT + 8, number, "▶", ARROW))
        elif number == breakpoint_in(moment.text):
            parts.append(text_at(LEFT + 8, number, "●", DOT))
        parts.append(text_at(LEFT + 28, number, f"{number:2}", DIM))
        parts.append(text_at(LEFT + 60, number, code, TEXT))
    return "\n".join([*parts, "</svg>\n"])


def text_at(x: int, row: int, text: str, color: str) -> str:
    y = (row + 1) * LINE - 2
    return f'<text x="{x}" y="{y}" fill="{color}" xml:space="preserve">{escape(text)}</text>'


if __name__ == "__main__":
    import tempfile

    with tempfile.TemporaryDirectory() as name:
        library = install_into(Path(name))
        PICTURE.write_text(drawn(moment_in(Path(name), library)), encoding="utf-8")
    print(f"Wrote {PICTURE.relative_to(ROOT)}")
