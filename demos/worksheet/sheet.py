"""Printable pages: sheets with pictures and lines for the working, and their answers apart."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from html import escape
from pathlib import Path
from string import Template

from autodiff import Drawing, draw
from autodiff.drawing.picture import Box
from demos.worksheet.problems import LEVELS, Problem
from demos.worksheet.solution import as_written, definition, gradient_line, value_line

__all__ = ["RULES", "Sheet", "answers_html", "sheets_html"]

FRAME = Template(Path(__file__).with_name("sheet.html").read_text(encoding="utf-8"))

# The local derivatives that a level needs: an operation, and d out / d each operand.
RULES = {
    "add": ("out = p + q", "1 for p, 1 for q"),
    "sub": ("out = p − q", "1 for p, −1 for q"),
    "mul": ("out = p · q", "q for p, p for q"),
    "square": ("out = p²", "2 · p"),
    "div": ("out = p / 2", "½"),
    "relu": ("out = relu(p): p if p > 0, else 0", "1 if p > 0, else 0"),
    "maximum": ("out = max(p, q)", "1 for the larger, 0 for the other"),
    "weighted_sum": ("out = b + w · x + …", "1 for b, x for w, w for x"),
}

SHORT = 7  # gradients to find

STYLE = re.compile(r"<style>.*?</style>", re.DOTALL)
IDENTIFIER = re.compile(r'(?<= id=")')

INSTRUCTIONS = (
    "Forward, from left to right: compute the value of every box. "
    "Backward, from right to left: compute the gradient of every box, which is dL/d(box). "
    "It is the sum, over all arrows that leave the box, of the gradient where the arrow ends times "
    "the local derivative of the operation there."
)


@dataclass(frozen=True, slots=True)
class Sheet:
    """The problems of a seed and a level, for a student who may be named."""

    seed: int
    level: int
    problems: Sequence[Problem]
    name: str = ""

    @property
    def title(self) -> str:
        """What it is about."""
        return f"Backpropagation by hand: {LEVELS[self.level].title}"

    @property
    def number(self) -> str:
        """What stands on a sheet and its answers, so that they are found for each other."""
        return f"Seed {self.seed}, level {self.level}"


def sheets_html(sheets: Sequence[Sheet]) -> str:
    """Return sheets to fill in as one page of HTML that needs nothing else."""
    return page_html(sheets[0].title, map(sheet_html, range(len(sheets)), sheets))


def answers_html(sheets: Sequence[Sheet]) -> str:
    """Return the answers of sheets as one page of HTML that needs nothing else."""
    return page_html("Answers", map(solution_html, range(len(sheets)), sheets))


def page_html(title: str, sections: Iterable[str]) -> str:
    """Return a page of sections, each of which begins a sheet of paper."""
    return FRAME.substitute(title=escape(title), content="\n".join(sections))


def sheet_html(place: int, sheet: Sheet) -> str:
    problems = "\n".join(
        problem_html(f"p{place}-{number}", number, problem)
        for number, problem in enumerate(sheet.problems, 1)
    )
    options = f"--seed {sheet.seed} --level {sheet.level} --problems {len(sheet.problems)}"
    return (
        f'<section class="sheet"><h1>{escape(sheet.title)}</h1>'
        f'<div class="who"><span>Name {escape(sheet.name)}</span><span>Date</span>'
        f"<span>{sheet.number}</span></div>"
        f"<p>{INSTRUCTIONS}</p>{rules_html(LEVELS[sheet.level].rules)}{problems}"
        f"<footer>python -m demos.worksheet {options}</footer></section>"
    )


def rules_html(operations: Sequence[str]) -> str:
    """Return the table of local derivatives."""
    rows = "".join(
        f"<tr><td>{escape(RULES[name][0])}</td><td>{escape(RULES[name][1])}</td></tr>"
        for name in operations
    )
    heads = "<tr><th>operation</th><th>local derivative, d out / d operand</th></tr>"
    return f'<table class="rules">{heads}{rows}</table>'


def problem_html(prefix: str, number: int, problem: Problem) -> str:
    """Return one problem: its picture, and a line for each number to find."""
    forward = "".join(line_html(f"{definition(node)} =") for node in problem.interior)
    root = problem.root.label
    backward = "".join(line_html(f"d{root}/d{node.label} =") for node in problem.gradients)
    return (
        f'<section class="{kind_of(problem)}"><h2>Problem {number}</h2>'
        f"{svg_of(blank_drawing(problem), prefix)}"
        f'<div class="working"><div><h3>Forward</h3>{forward}</div>'
        f"<div><h3>Backward</h3>{backward}</div></div></section>"
    )


def kind_of(problem: Problem) -> str:
    """Return a problem's classes. Two short ones fit on a page; a long one has it to itself."""
    return "problem long" if len(problem.gradients) > SHORT else "problem"


def line_html(start: str) -> str:
    """Return a ruled line to write on."""
    return f'<div class="line">{escape(start)}</div>'


def solution_html(place: int, sheet: Sheet) -> str:
    parts = []
    for number, problem in enumerate(sheet.problems, 1):
        forward = lines_html(map(value_line, problem.interior))
        backward = lines_html(gradient_line(problem, node) for node in problem.gradients)
        parts.append(
            f'<section class="{kind_of(problem)}"><h2>Problem {number}</h2>'
            f"{svg_of(filled_drawing(problem), f'a{place}-{number}')}"
            f'<div class="steps"><div>{forward}</div><div>{backward}</div></div></section>'
        )
    of = " · ".join(escape(part) for part in (sheet.name, sheet.number) if part)
    heading = f"<h1>Answers <small>{of}</small></h1>"
    return f'<section class="sheet answers">{heading}{"".join(parts)}</section>'


def lines_html(lines: Iterable[str]) -> str:
    return "".join(f"<p>{escape(line)}</p>" for line in lines)


# ---- pictures ----------------------------------------------------------------------------------


def filled_drawing(problem: Problem) -> Drawing:
    """Return the picture of the graph with all its numbers."""
    drawing = draw(problem.root)
    boxes = [replace(box, title=tuple(map(as_written, box.title))) for box in drawing.picture.boxes]
    return Drawing(replace(drawing.picture, boxes=boxes), drawing.rankdir)


def blank_drawing(problem: Problem) -> Drawing:
    """Return the picture of the graph with what is given alone."""
    drawing = filled_drawing(problem)
    boxes = [with_what_is_given(box) for box in drawing.picture.boxes]
    return Drawing(replace(drawing.picture, boxes=boxes), drawing.rankdir)


def with_what_is_given(box: Box) -> Box:
    """Return the box of a node without what is to be found: the lines beside it ask for that."""
    if box.kind == "variable":
        given, _ = box.numbers
        return replace(box, numbers=(given,))
    return replace(box, numbers=()) if box.kind in ("operation", "result") else box


def svg_of(drawing: Drawing, prefix: str) -> str:
    """Return a drawing as SVG for a page with others: its ids its own, its colours for paper."""
    return IDENTIFIER.sub(f"{prefix}-", STYLE.sub("", drawing.svg()))
