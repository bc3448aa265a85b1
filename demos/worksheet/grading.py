"""Comparing answers with the solution, number by number, and finding the first mistake.

After a mistake everything that builds on it comes out wrong as well.  Such an answer is told
apart: it *follows* if it is right for the numbers that the student had.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from autodiff import Value
from demos.worksheet.answers import Answers, Numbers
from demos.worksheet.problems import Problem
from demos.worksheet.solution import gradient_line, shown, uses_of, value_line

__all__ = ["Grade", "grade", "report"]

Mark = Literal["right", "follows", "wrong", "blank"]
SIGNS: dict[Mark, str] = {"right": "✓", "follows": "→", "wrong": "✗", "blank": "…"}


@dataclass(frozen=True, slots=True)
class Grade:
    """One answer and its mark; ``kind`` is "value" or "gradient", ``solution`` the right step."""

    problem: int
    kind: str
    name: str
    answer: float | None
    mark: Mark
    solution: str


def grade(answers: Answers) -> list[Grade]:
    """Return a grade for each answer, in the order in which the numbers can be found."""
    grades = []
    for place, problem in enumerate(answers.problems):
        values, gradients = answers.values[place], answers.gradients[place]
        for node in problem.interior:
            answer = values[node.label]
            mark = mark_of(answer, node.data, followed_value(node, values))
            grades.append(Grade(place + 1, "value", node.label, answer, mark, value_line(node)))
        for node in problem.gradients:
            answer = gradients[node.label]
            mark = mark_of(answer, node.grad, followed_gradient(problem, node, values, gradients))
            solution = gradient_line(problem, node)
            grades.append(Grade(place + 1, "gradient", node.label, answer, mark, solution))
    return grades


def mark_of(answer: float | None, right: float, followed: float) -> Mark:
    """Return the mark of one answer."""
    if answer is None:
        return "blank"
    if answer == right:
        return "right"
    return "follows" if answer == followed else "wrong"


def student_value(node: Value, values: Numbers) -> float:
    """Return the value that a student has for a node: the given one, theirs, or the right one."""
    answer = values.get(node.label)
    return node.data if answer is None else answer


def followed_value(node: Value, values: Numbers) -> float:
    """Return what a node's value is for a student's values of its operands."""
    assert node.op is not None
    return float(node.op.forward(*[student_value(parent, values) for parent in node.parents]))


def followed_gradient(problem: Problem, node: Value, values: Numbers, gradients: Numbers) -> float:
    """Return what a gradient is for a student's values, and gradients of the node's users."""
    if node is problem.root:
        return 1.0
    total = 0.0
    for user, position in uses_of(problem, node):
        assert user.op is not None
        operands = [student_value(parent, values) for parent in user.parents]
        locals_ = user.op.partials(student_value(user, values), *operands)
        upstream = gradients[user.label]
        total += (user.grad if upstream is None else upstream) * locals_[position]
    return total


# ---- in words ----------------------------------------------------------------------------------


def report(answers: Answers) -> str:
    """Return what a student is told: each mark, the first mistake with the right step, the sum."""
    grades = grade(answers)
    lines = [
        f"Worksheet of seed {answers.seed}, level {answers.level}: "
        "✓ right, ✗ wrong, → right for the numbers it builds on, … blank",
        "",
    ]
    for place in range(1, len(answers.problems) + 1):
        of_problem = [one for one in grades if one.problem == place]
        lines += [*problem_lines(place, of_problem), ""]
    counts = {mark: sum(one.mark == mark for one in grades) for mark in SIGNS}
    lines.append(
        f"{counts['right']} of {len(grades)} right, {counts['wrong']} wrong, "
        f"{counts['follows']} right for numbers that are not, {counts['blank']} blank."
    )
    return "\n".join(lines)


def problem_lines(place: int, grades: list[Grade]) -> Iterator[str]:
    """Yield what is said about one problem."""
    yield f"Problem {place}"
    for kind in ("value", "gradient"):
        marks = [f"{one.name} {SIGNS[one.mark]}" for one in grades if one.kind == kind]
        yield f"  {kind + 's:':11} {'   '.join(marks)}"
    first = next((one for one in grades if one.mark == "wrong"), None)
    if first is not None:
        assert first.answer is not None
        yield f"  First mistake: the {first.kind} of {first.name}, {shown(first.answer)}."
        yield f"    {first.solution}"
    elif all(one.mark == "right" for one in grades):
        yield "  All right."
    else:
        yield "  No mistake so far."
