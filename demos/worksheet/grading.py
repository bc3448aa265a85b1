"""Comparing answers with the solution, number by number, and finding the first mistake.

After a mistake everything that builds on it comes out wrong as well.  Such an answer is told
apart: it *follows* if it is right for the numbers that the student had.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from autodiff import Value, topological_order
from demos.worksheet.answers import Answers
from demos.worksheet.problems import Problem, is_tie
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
        student = Student(problem)
        for node in problem.interior:
            answer = answers.values[place][node.label]
            mark = mark_of(answer, node.data, student.value(node, answer))
            grades.append(Grade(place + 1, "value", node.label, answer, mark, value_line(node)))
        for node in problem.gradients:
            answer = answers.gradients[place][node.label]
            mark = mark_of(answer, node.grad, student.gradient(node, answer))
            solution = gradient_line(problem, node)
            grades.append(Grade(place + 1, "gradient", node.label, answer, mark, solution))
    return grades


def mark_of(answer: float | None, right: float, followed: Sequence[float]) -> Mark:
    """Return the mark of one answer; ``followed`` is what it may be for the student's numbers.

    The right numbers are short and exact in binary. Those that follow from a mistake may be
    rounded: 3 · 0.1 is not quite 0.3.
    """
    if answer is None:
        return "blank"
    if answer == right:
        return "right"
    is_followed = any(
        math.isclose(answer, number, rel_tol=1e-9, abs_tol=1e-9) for number in followed
    )
    return "follows" if is_followed else "wrong"


class Student:
    """The numbers that a student works with: the answers, and what follows where one is blank."""

    def __init__(self, problem: Problem) -> None:
        self.problem = problem
        self.values = {node: node.data for node in topological_order(problem.root) if node.is_leaf}
        self.gradients: dict[Value, float] = {}

    def value(self, node: Value, answer: float | None) -> list[float]:
        """Return what a node's value is for the values so far; take note of the answer."""
        assert node.op is not None
        followed = float(node.op.forward(*[self.values[parent] for parent in node.parents]))
        self.values[node] = followed if answer is None else answer
        return [followed]

    def gradient(self, node: Value, answer: float | None) -> list[float]:
        """Return what a node's gradient may be for the numbers so far; take note of the answer."""
        totals = [1.0 if node is self.problem.root else 0.0]
        for user, position in uses_of(self.problem, node):
            upstream = self.gradients[user]
            locals_ = self.local_derivatives(user, position)
            totals = [total + upstream * local for total in totals for local in locals_]
        self.gradients[node] = totals[0] if answer is None else answer
        return totals

    def local_derivatives(self, user: Value, position: int) -> list[float]:
        """Return what d user / d operand may be: a tie leaves a choice, which a sheet never has."""
        assert user.op is not None
        operands = [self.values[parent] for parent in user.parents]
        local = float(user.op.partials(self.values[user], *operands)[position])
        return [local, 0.0, 1.0] if is_tie(user.op, operands) else [local]


# ---- in words ----------------------------------------------------------------------------------


def report(answers: Answers) -> str:
    """Return what a student is told: each mark, the first mistake with the right step, the sum."""
    grades = grade(answers)
    who = f"{answers.name}: w" if answers.name else "W"
    lines = [
        f"{who}orksheet of seed {answers.seed}, level {answers.level}: "
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
