"""A file of answers: JSON that a student fills in.

The same format holds blanks (``null``), a student's answers, or the right ones::

    {"format": "worksheet answers 2", "seed": 7, "level": 2, "problems": 1, "name": "Ada",
     "answers": [{"values": {"d": 6, "L": "3/4"}, "gradients": {"L": 1, "d": null, "a": -2.5}}]}

Nothing in such a file is trusted: it says what is wrong with it, or it is an :class:`Answers`.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

from autodiff.support.strict_json import json_of, short_json
from demos.worksheet.problems import LEVELS, Problem, make_problems

__all__ = [
    "LONGEST_NAME",
    "MOST_PROBLEMS",
    "Answers",
    "AnswersError",
    "answers_text",
    "parsed_answers",
    "read_answers",
]

FORMAT = "worksheet answers 2"  # as seeds gave other problems in the first edition
MOST_PROBLEMS = 20
LONGEST_NAME = 60
MOST_BYTES = 1_000_000
NUMBER = re.compile(r"\s*([+\-−]?)\s*(\d{1,9}(?:\.\d{1,9})?)(?:\s*/\s*(\d{1,9}))?\s*")

Numbers = dict[str, float | None]


class AnswersError(Exception):
    """A file that holds no answers to a worksheet; the message says what is wrong where."""


@dataclass(frozen=True, slots=True)
class Answers:
    """The answers to one worksheet: for each problem the values and the gradients, by name.

    ``name`` is the student's, or empty.
    """

    seed: int
    level: int
    problems: list[Problem]
    values: list[Numbers]
    gradients: list[Numbers]
    name: str = ""


def answers_text(
    seed: int, level: int, problems: Sequence[Problem], filled: bool, name: str = ""
) -> str:
    """Return the file for a worksheet: with the right answers, or with blanks."""
    parts = []
    for problem in problems:
        values = {node.label: node.data if filled else None for node in problem.interior}
        gradients = {node.label: node.grad if filled else None for node in problem.gradients}
        parts.append(
            f'  {{"values": {json.dumps(values)},\n   "gradients": {json.dumps(gradients)}}}'
        )
    head = f'"format": "{FORMAT}", "seed": {seed}, "level": {level}, "problems": {len(problems)}'
    head += f', "name": {json.dumps(name)}'
    return f'{{{head},\n "answers": [\n' + ",\n".join(parts) + "\n ]}\n"


def read_answers(path: Path) -> Answers:
    """Return the answers that a file holds.

    Raises AnswersError if it cannot be read, is something else, or a part of it is not as it
    should be.
    """
    try:
        with path.open("rb") as file:
            content = file.read(MOST_BYTES + 1)
    except OSError as error:
        raise AnswersError(f"cannot read {path}: {error.strerror or error}") from None
    try:
        return parsed_answers(content)
    except AnswersError as error:
        raise AnswersError(f"{path}: {error}") from None


def parsed_answers(content: bytes) -> Answers:
    """Return the answers that the bytes of a file hold; raises AnswersError."""
    if len(content) > MOST_BYTES:
        raise AnswersError(f"this is no file of answers: it is larger than {MOST_BYTES:,} bytes")
    try:
        tree = json_of(content)
    except ValueError as error:
        raise AnswersError(f"this is no file of answers: {error}") from None
    return answers_of(tree)


def answers_of(tree: Any) -> Answers:
    """Return the answers that JSON holds; raise AnswersError, saying where, if it does not."""
    if not isinstance(tree, dict) or tree.get("format") != FORMAT:
        raise AnswersError(f'this is no file of answers: it does not say "format": "{FORMAT}"')
    seed = whole(tree, "seed", None)
    level = whole(tree, "level", range(min(LEVELS), max(LEVELS) + 1))
    count = whole(tree, "problems", range(1, MOST_PROBLEMS + 1))
    parts = tree.get("answers")
    if not isinstance(parts, list) or len(parts) != count:
        raise AnswersError(f'"answers" must be a list with a part for each of {count} problems')
    problems = make_problems(seed, level, count)
    values, gradients = [], []
    for place, (part, problem) in enumerate(zip(parts, problems, strict=True), 1):
        if not isinstance(part, dict) or set(part) != {"values", "gradients"}:
            raise AnswersError(f'problem {place} must have "values" and "gradients", nothing else')
        of_values = [node.label for node in problem.interior]
        of_gradients = [node.label for node in problem.gradients]
        values.append(numbers(part["values"], of_values, f"problem {place}, values"))
        gradients.append(numbers(part["gradients"], of_gradients, f"problem {place}, gradients"))
    return Answers(seed, level, problems, values, gradients, student_name(tree.get("name", "")))


def student_name(name: Any) -> str:
    """Return a student's name: one line of text."""
    if not isinstance(name, str) or not name.isprintable() or len(name) > LONGEST_NAME:
        raise AnswersError(
            f'"name" must be a line of at most {LONGEST_NAME} characters, but is {short_json(name)}'
        )
    return name.strip()


def whole(tree: dict[str, Any], name: str, allowed: range | None) -> int:
    """Return a whole number of the file's head."""
    number = tree.get(name)
    if not isinstance(number, int) or isinstance(number, bool):
        raise AnswersError(f'"{name}" must be a whole number, but is {short_json(number)}')
    if allowed is not None and number not in allowed:
        raise AnswersError(
            f'"{name}" must be from {allowed[0]} to {allowed[-1]}, but is {short_json(number)}'
        )
    return number


def numbers(part: Any, names: Sequence[str], where: str) -> Numbers:
    """Return the answers of one kind by name; those that are missing are None."""
    if not isinstance(part, dict):
        raise AnswersError(f"{where}: this must be names with numbers, but is {short_json(part)}")
    for name in part:
        if name not in names:
            raise AnswersError(
                f"{where}: there is no {short_json(name)}; there are {', '.join(names)}"
            )
    return {name: number(part.get(name), f"{where}, {name}") for name in names}


def number(answer: Any, where: str) -> float | None:
    """Return a number, or a text such as "−1.5" or "3/4", as a float, and a blank as None."""
    if answer is None or answer == "":
        return None
    if isinstance(answer, str):
        match = NUMBER.fullmatch(answer)
        if match is None or (match[3] is not None and int(match[3]) == 0):
            raise AnswersError(f"{where}: {short_json(answer)} is no number; write 1.5 or 3/2")
        sign, size, divisor = match.groups()
        exact = Fraction(size) / int(divisor or 1)
        return float(exact if sign in ("", "+") else -exact)
    if isinstance(answer, bool) or not isinstance(answer, (int, float)):
        raise AnswersError(f"{where}: {short_json(answer)} is no number")
    try:
        found = float(answer)
    except OverflowError:
        found = math.inf
    if not math.isfinite(found):
        raise AnswersError(f"{where}: {short_json(answer)} is too large")
    return found
