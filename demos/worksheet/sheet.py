"""The printable page: pictures with blanks, lines for the working, and the answers at the end."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import replace
from html import escape
from pathlib import Path
from string import Template

from autodiff import Drawing, draw
from autodiff.drawing.picture import Box
from demos.worksheet.problems import LEVELS, Problem
from demos.worksheet.solution import as_written, definition, gradient_line, value_line

__all__ = ["RULES", "sheet_html"]

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

BLANK = "________"
SPACE = "\u00a0"  # a line of its own, for a pencil; a plain space is no line to Graphviz

SHORT = 7  # gradients to find

STYLE = re.compile(r"<style>.*?</style>", re.DOTALL)
IDENTIFIER = re.compile(r'(?<= id=")')

INSTRUCTIONS = (
    "Forward, from left to right: compute the <b>value</b> of every box. "
    "Backward, from right to left: compute the <b>grad</b> of every box, which is dL/d(box). "
    "It is the sum, over all arrows that leave the box, of the grad where the arrow ends times "
    "the local derivative of the operation there."
)


def sheet_html(seed: int, level: int, problems: Sequence[Problem], with_answers: bool) -> str:
    """Return the whole page as HTML that needs nothing else."""
    title = f"Backpropagation by hand: {LEVELS[level].title}"
    sheet = f"Seed {seed}, level {level}"  # on both, so that they can be found again for each other
    options = f"--seed {seed} --level {level} --problems {len(problems)}"
    return FRAME.substitute(
        title=escape(title),
        sheet=sheet,
        instructions=INSTRUCTIONS,
        rules=rules_html(LEVELS[level].rules),
        problems="\n".join(
            problem_html(place, problem) for place, problem in enumerate(problems, 1)
        ),
        answers=answers_html(problems, sheet) if with_answers else "",
        footer=f"python -m demos.worksheet {options}",
    )


def rules_html(operations: Sequence[str]) -> str:
    """Return the table of local derivatives."""
    rows = "".join(
        f"<tr><td>{escape(RULES[name][0])}</td><td>{escape(RULES[name][1])}</td></tr>"
        for name in operations
    )
    heads = "<tr><th>operation</th><th>local derivative, d out / d operand</th></tr>"
    return f'<table class="rules">{heads}{rows}</table>'


def problem_html(place: int, problem: Problem) -> str:
    """Return one problem: its picture with blanks, and a line for each number to find."""
    forward = "".join(line_html(f"{definition(node)} =") for node in problem.interior)
    root = problem.root.label
    backward = "".join(line_html(f"d{root}/d{node.label} =") for node in problem.gradients)
    return (
        f'<section class="{kind_of(problem)}"><h2>Problem {place}</h2>'
        f"{svg_of(blank_drawing(problem), f'p{place}')}"
        f'<div class="working"><div><h3>Forward</h3>{forward}</div>'
        f"<div><h3>Backward</h3>{backward}</div></div></section>"
    )


def kind_of(problem: Problem) -> str:
    """Return a problem's classes. Two short ones fit on a page; a long one has it to itself."""
    return "problem long" if len(problem.gradients) > SHORT else "problem"


def line_html(start: str) -> str:
    """Return a ruled line to write on."""
    return f'<div class="line">{escape(start)}</div>'


def answers_html(problems: Sequence[Problem], sheet: str) -> str:
    """Return the answers, which begin on a page of their own."""
    parts = []
    for place, problem in enumerate(problems, 1):
        forward = lines_html(map(value_line, problem.interior))
        backward = lines_html(gradient_line(problem, node) for node in problem.gradients)
        parts.append(
            f'<section class="{kind_of(problem)}"><h2>Problem {place}</h2>'
            f"{svg_of(filled_drawing(problem), f'a{place}')}"
            f'<div class="steps"><div>{forward}</div><div>{backward}</div></div></section>'
        )
    heading = f"<h1>Answers <small>{sheet}</small></h1>"
    return f'<section class="answers">{heading}{"".join(parts)}</section>'


def lines_html(lines: Iterable[str]) -> str:
    """Return lines of a solution."""
    return "".join(f"<p>{escape(line)}</p>" for line in lines)


# ---- pictures ----------------------------------------------------------------------------------


def filled_drawing(problem: Problem) -> Drawing:
    """Return the picture of the graph with all its numbers."""
    drawing = draw(problem.root)
    boxes = [replace(box, title=tuple(map(as_written, box.title))) for box in drawing.picture.boxes]
    return Drawing(replace(drawing.picture, boxes=boxes), drawing.rankdir)


def blank_drawing(problem: Problem) -> Drawing:
    """Return the picture of the graph with blanks for all that is to be found."""
    drawing = filled_drawing(problem)
    boxes = [with_blanks(box) for box in drawing.picture.boxes]
    return Drawing(replace(drawing.picture, boxes=boxes), drawing.rankdir)


def with_blanks(box: Box) -> Box:
    """Return the box of a node with blanks; what is given stays."""
    if box.kind == "variable":
        given, _ = box.numbers
        return replace(box, numbers=(given, SPACE, f"grad {BLANK}"))
    if box.kind in ("operation", "result"):
        return replace(box, numbers=(SPACE, f"value {BLANK}", SPACE, f"grad {BLANK}"))
    return box


def svg_of(drawing: Drawing, prefix: str) -> str:
    """Return a drawing as SVG for a page with others: its ids its own, its colours for paper."""
    return IDENTIFIER.sub(f"{prefix}-", STYLE.sub("", drawing.svg()))
