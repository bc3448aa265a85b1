"""Worksheets: numbers a person can compute, the same from the same seed, and fair grading."""

from __future__ import annotations

import json
import math
import os
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from fractions import Fraction
from functools import cache
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autodiff import Value, topological_order
from demos.worksheet.__main__ import main
from demos.worksheet.answers import (
    MOST_PROBLEMS,
    Answers,
    AnswersError,
    answers_of,
    answers_text,
    parsed_answers,
)
from demos.worksheet.grading import Grade, grade, report
from demos.worksheet.problems import LEVELS, Problem, make_problems
from demos.worksheet.sheet import Sheet, answers_html, sheets_html
from demos.worksheet.solution import gradient_line, shown, value_line

ROOT = Path(__file__).resolve().parent.parent
SHEETS = [(seed, level) for level in LEVELS for seed in (0, 7, 123456789)]
every_sheet = pytest.mark.parametrize(("seed", "level"), SHEETS)


@cache
def problems_of(seed: int, level: int) -> list[Problem]:
    """Return the problems of a sheet; nothing changes them."""
    return make_problems(seed, level, 4)


@cache
def problem_of(seed: int, level: int) -> Problem:
    """Return the only problem of a sheet; looking for it takes most of a test's time."""
    (problem,) = make_problems(seed, level, 1)
    return problem


# ---- an independent way to compute the numbers: exact fractions, and differences --------------


def evaluated(problem: Problem, given: dict[Value, Fraction]) -> dict[Value, Fraction]:
    """Return every node's number, some of them given, computed without the engine."""
    numbers: dict[Value, Fraction] = {}
    for node in topological_order(problem.root):
        if node in given:
            numbers[node] = given[node]
        elif node.is_leaf:
            numbers[node] = Fraction(node.data)
        else:
            numbers[node] = computed(str(node.op), [numbers[parent] for parent in node.parents])
    return numbers


def computed(op: str, x: list[Fraction]) -> Fraction:
    """Return one operation on fractions."""
    half = len(x) // 2 + 1
    rules: dict[str, Callable[[], Fraction]] = {
        "add": lambda: x[0] + x[1],
        "sub": lambda: x[0] - x[1],
        "mul": lambda: x[0] * x[1],
        "div": lambda: x[0] / x[1],
        "square": lambda: x[0] * x[0],
        "relu": lambda: max(x[0], Fraction(0)),
        "maximum": lambda: max(x),
        "weighted_sum": lambda: x[0] + sum(map(Fraction.__mul__, x[1:half], x[half:])),
    }
    return rules[op]()


def difference_quotient(problem: Problem, node: Value, numbers: dict[Value, Fraction]) -> Fraction:
    """Return (L(node + h) - L(node - h)) / 2h for a small h, as an exact fraction."""
    h = Fraction(1, 10**9)
    up = evaluated(problem, {node: numbers[node] + h})[problem.root]
    down = evaluated(problem, {node: numbers[node] - h})[problem.root]
    return (up - down) / (2 * h)


@every_sheet
def test_every_number_of_the_solution_is_right(seed: int, level: int) -> None:
    for problem in problems_of(seed, level):
        numbers = evaluated(problem, {})
        for node in problem.interior:
            assert node.data == numbers[node]
        for node in problem.gradients:
            assert node.grad == pytest.approx(
                float(difference_quotient(problem, node, numbers)), abs=1e-9
            )


@every_sheet
def test_every_number_can_be_computed_by_hand(seed: int, level: int) -> None:
    for problem in problems_of(seed, level):
        values = [node.data for node in topological_order(problem.root)]
        gradients = [node.grad for node in problem.gradients]
        for number in values + gradients:
            assert (4 * number).is_integer()
            assert (number, math.copysign(1.0, number)) != (0.0, -1.0)
        assert max(map(abs, values)) <= 30
        assert max(map(abs, gradients)) <= 50


@every_sheet
def test_no_derivative_hangs_on_a_tie(seed: int, level: int) -> None:
    for problem in problems_of(seed, level):
        for node in problem.interior:
            numbers = [parent.data for parent in node.parents]
            if str(node.op) == "relu":
                assert numbers[0] != 0.0
            if str(node.op) == "maximum":
                assert numbers[0] != numbers[1]


@every_sheet
def test_a_level_has_what_it_is_about(seed: int, level: int) -> None:
    for problem in problems_of(seed, level):
        uses = Counter(parent for node in problem.interior for parent in node.parents)
        twice = [node for node, count in uses.items() if count > 1 and not node.is_constant]
        operations = {str(node.op) for node in problem.interior}
        assert operations <= set(LEVELS[level].rules)
        assert (not twice) == (level in (1, 4))
        assert bool(operations & {"relu", "maximum"}) == (level >= 3)
        labels = [node.label for node in (*problem.variables, *problem.interior)]
        assert len(set(labels)) == len(labels)
        assert problem.root.label == "L"


@pytest.mark.unmeasured
def test_problems_of_a_sheet_differ() -> None:
    for seed, level in SHEETS:
        problems = make_problems(seed, level, 6)
        texts = {str([value_line(node) for node in problem.interior]) for problem in problems}
        assert len(texts) == 6


# ---- the solution in words ---------------------------------------------------------------------


def calculated(text: str) -> float:
    """Return the number of an arithmetic expression as a person writes it."""
    python = text.replace("·", "*").replace("−", "-").replace("²", "**2")
    assert re.fullmatch(r"[\d\s.()*/+\-,relumax]+", python), python
    scope = {"max": max, "relu": lambda number: max(number, 0)}
    return float(eval(python, {"__builtins__": {}}, scope))


@every_sheet
def test_the_numbers_of_a_line_give_its_result(seed: int, level: int) -> None:
    for problem in problems_of(seed, level):
        for node in problem.interior:
            *_, numbers, result = value_line(node).split(" = ")
            assert calculated(numbers) == calculated(result) == node.data
        for node in problem.gradients:
            if node is problem.root:
                continue
            *_, chain, numbers, result = gradient_line(problem, node).split(" = ")
            assert calculated(numbers) == calculated(result) == node.grad
            assert chain.count(" + ") == numbers.count(" + ")
            assert f"/d{node.label}" in chain


def test_a_line_reads_as_a_person_writes_it() -> None:
    a, b = Value(2.0, "a"), Value(-3.0, "b")
    d = a * b
    d.label = "d"
    root = d - a
    root.label = "L"
    problem = Problem(root)
    assert value_line(d) == "d = a · b = 2 · (−3) = −6"
    assert gradient_line(problem, a) == (
        "dL/da = dL/dd · dd/da + dL/dL · dL/da = 1 · (−3) + 1 · (−1) = −4"
    )
    assert gradient_line(problem, root) == "dL/dL = 1, where the chain rule starts"
    largest = d.maximum(b)
    largest.label = "e"
    assert value_line(largest) == "e = max(d, b) = max(−6, −3) = −3"


# ---- the page ----------------------------------------------------------------------------------


class Page(HTMLParser):
    """Reads a page: its ids, the text of its pictures, and whether its tags match."""

    VOID = ("meta", "br", "path", "polygon", "polyline", "ellipse")

    def __init__(self, html: str) -> None:
        super().__init__()
        self.ids: list[str] = []
        self.addresses: list[str] = []
        self.drawn: list[str] = []
        self.open: list[str] = []
        self.feed(html)
        self.close()
        assert not self.open, f"not closed: {self.open}"

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        attributes = dict(attrs)
        self.ids += [attributes["id"]] if attributes.get("id") else []
        self.addresses += [
            attributes[k] for k in ("src", "href", "xlink:href") if attributes.get(k)
        ]
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag not in self.VOID:
            assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] == "text":
            self.drawn.append(data)


def sheet(level: int, count: int, name: str = "") -> Sheet:
    """Return a sheet of seed 7."""
    return Sheet(7, level, make_problems(7, level, count), name)


@pytest.mark.parametrize("level", LEVELS)
def test_the_picture_has_what_is_given_and_each_number_is_asked_once(level: int) -> None:
    one = sheet(level, 3)
    html = sheets_html([one])
    drawn = Counter(text for text in Page(html).drawn if text.startswith(("value ", "grad ")))
    given = [node for problem in one.problems for node in problem.variables]
    assert drawn == Counter(f"value {shown(node.data)}" for node in given)
    lines = re.findall(r'<div class="line">([^<]*) =</div>', html)
    asked = [len(problem.interior) + len(problem.gradients) for problem in one.problems]
    assert len(lines) == sum(asked)
    for problem in one.problems:
        for node in problem.gradients:
            assert f"dL/d{node.label}" in lines


@pytest.mark.parametrize("level", LEVELS)
def test_the_answers_have_every_number_and_the_sheet_has_none(level: int) -> None:
    one = sheet(level, 3)
    gradients = sum(len(problem.gradients) for problem in one.problems)
    answers = Page(answers_html([one])).drawn
    assert sum(text.startswith("grad ") for text in answers) == gradients
    html = sheets_html([one])
    for problem in one.problems:
        for node in problem.gradients:
            assert gradient_line(problem, node) not in html


def test_the_pages_need_nothing_else_and_name_no_element_twice() -> None:
    for html in (sheets_html([sheet(3, 4)] * 2), answers_html([sheet(3, 4)] * 2)):
        page = Page(html)
        assert page.addresses == []
        assert not re.search(r"@import|url\(|<script", html)
        assert len(set(page.ids)) == len(page.ids) > 50


def test_the_sheet_and_its_answers_say_which_sheet_it_is_and_whose() -> None:
    for html in (sheets_html([sheet(3, 2, "<Ada>")]), answers_html([sheet(3, 2, "<Ada>")])):
        assert "Seed 7, level 3" in html
        assert "&lt;Ada&gt;" in html
        assert "<Ada>" not in html


def test_problems_of_a_sheet_grow() -> None:
    for level in (1, 2, 3):
        steps = [len(problem.interior) for problem in make_problems(7, level, 4)]
        assert steps[0] < steps[1]


@pytest.mark.parametrize("level", LEVELS)
def test_there_are_as_many_problems_as_can_be_asked_for(level: int) -> None:
    assert len(make_problems(123456789, level, MOST_PROBLEMS)) == MOST_PROBLEMS


@pytest.mark.unmeasured
def test_the_same_seed_gives_the_same_files_in_another_process(tmp_path: Path) -> None:
    written = []
    for hash_seed in ("1", "2"):
        folder = tmp_path / hash_seed
        subprocess.run(
            [
                *(sys.executable, "-m", "demos.worksheet", "--seed", "7", "--level", "3"),
                *("--out", str(folder / "sheet.html")),
            ],
            cwd=ROOT,
            env={**os.environ, "PYTHONHASHSEED": hash_seed},
            check=True,
            capture_output=True,
        )
        written.append({path.name: path.read_bytes() for path in folder.iterdir()})
    assert set(written[0]) == {
        *("sheet.html", "sheet.solution.html"),
        *("sheet.answers.json", "sheet.blank.json"),
    }
    assert written[0] == written[1]


def test_another_seed_or_level_gives_another_sheet() -> None:
    sheets = {
        answers_text(seed, level, make_problems(seed, level, 2), True) for seed, level in SHEETS
    }
    assert len(sheets) == len(SHEETS)


# ---- grading -----------------------------------------------------------------------------------


def interior_of(problem: Problem) -> list[Value]:
    return problem.interior


def gradients_of(problem: Problem) -> list[Value]:
    return problem.gradients


STEPS = (("value", interior_of), ("gradient", gradients_of))


def filled(level: int) -> dict[str, Any]:
    """Return the right answers of a sheet, as JSON."""
    tree: dict[str, Any] = json.loads(answers_text(7, level, make_problems(7, level, 2), True))
    return tree


def graded(tree: dict[str, Any]) -> dict[tuple[int, str, str], Grade]:
    """Return the grades of answers given as JSON."""
    return {(one.problem, one.kind, one.name): one for one in grade(answers_of(tree))}


@pytest.mark.parametrize("level", LEVELS)
def test_right_answers_are_right(level: int) -> None:
    grades = graded(filled(level))
    assert {one.mark for one in grades.values()} == {"right"}
    problems = make_problems(7, level, 2)
    assert len(grades) == sum(len(p.interior) + len(p.gradients) for p in problems)


@pytest.mark.parametrize("level", LEVELS)
def test_blanks_are_neither_right_nor_wrong(level: int) -> None:
    tree = json.loads(answers_text(7, level, make_problems(7, level, 2), False))
    assert {one.mark for one in graded(tree).values()} == {"blank"}
    tree["answers"][1] = {"values": {}, "gradients": {}}
    assert {one.mark for one in graded(tree).values()} == {"blank"}


@pytest.mark.parametrize("level", LEVELS)
def test_a_wrong_value_is_the_only_mistake_if_the_rest_is_computed_with_it(level: int) -> None:
    tree = filled(level)
    problem = make_problems(7, level, 2)[0]
    first = problem.interior[0]
    numbers = evaluated(problem, {first: Fraction(first.data) + 1})
    values = tree["answers"][0]["values"]
    for node in problem.interior:
        values[node.label] = float(numbers[node])
    # The gradients that this student finds: derivatives at their own values.
    for node in problem.gradients:
        quotient = difference_of_student(problem, first, node, numbers)
        tree["answers"][0]["gradients"][node.label] = float(quotient)
    grades = graded(tree)
    wrong = [key for key, one in grades.items() if one.mark == "wrong"]
    assert wrong == [(1, "value", first.label)]
    changed = [node for node in problem.interior[1:] if numbers[node] != node.data]
    for node in changed:
        assert grades[1, "value", node.label].mark == "follows"
    assert {one.mark for key, one in grades.items() if key[0] == 2} == {"right"}
    text = report(answers_of(tree))
    assert f"First mistake: the value of {first.label}, " in text
    assert f"    {value_line(first)}" in text


def difference_of_student(
    problem: Problem, wrong: Value, node: Value, numbers: dict[Value, Fraction]
) -> Fraction:
    """Return dL/d node, as exact fraction, where ``wrong`` has the number a student gave it.

    Upstream of the wrong node the student's derivative is dL/d wrong times the derivative of
    the right formula, at the student's numbers.
    """
    h = Fraction(1, 10**9)

    def root_at(step: Fraction) -> Fraction:
        moved = {node: numbers[node] + step}
        if node is not wrong:
            inside = evaluated(problem, moved)[wrong] - evaluated(problem, {})[wrong]
            moved[wrong] = numbers[wrong] + inside
        return evaluated(problem, moved)[problem.root]

    exact = (root_at(h) - root_at(-h)) / (2 * h)
    return Fraction(round(exact * 4), 4)


def local_derivative(op: str, x: list[Fraction], position: int, tie: Fraction) -> Fraction:
    """Return d out / d operand by the rules that are printed on the sheet."""
    half = len(x) // 2 + 1
    rules: dict[str, Callable[[], list[Fraction]]] = {
        "add": lambda: [Fraction(1), Fraction(1)],
        "sub": lambda: [Fraction(1), Fraction(-1)],
        "mul": lambda: [x[1], x[0]],
        "div": lambda: [1 / x[1]],
        "square": lambda: [2 * x[0]],
        "relu": lambda: [Fraction(x[0] > 0)],
        "maximum": lambda: (
            [tie, 1 - tie] if x[0] == x[1] else [Fraction(x[0] > x[1]), Fraction(x[1] > x[0])]
        ),
        "weighted_sum": lambda: [Fraction(1), *x[half:], *x[1:half]],
    }
    return rules[op]()[position]


@pytest.mark.unmeasured
@settings(max_examples=200)
@given(data=st.data(), seed=st.integers(0, 30), level=st.sampled_from(list(LEVELS)))
def test_one_mistake_anywhere_is_one_mistake_whatever_is_left_blank_after_it(
    data: st.DataObject, seed: int, level: int
) -> None:
    problem = problem_of(seed, level)
    steps = [(kind, node) for kind, nodes in STEPS for node in nodes(problem)]
    kind, wrong = data.draw(st.sampled_from(steps), "the mistake")
    by = Fraction(data.draw(st.integers(1, 30)) * data.draw(st.sampled_from([1, -1])), 10)
    tie = data.draw(st.sampled_from([Fraction(0), Fraction(1, 2), Fraction(1)]))
    # A student who goes by the sheet's rules, but for that one number.
    right = evaluated(problem, {})
    values = evaluated(problem, {wrong: right[wrong] + by} if kind == "value" else {})
    gradients: dict[Value, Fraction] = {}
    for node in problem.gradients:
        total = Fraction(node is problem.root)
        for user in problem.interior:
            for position, parent in enumerate(user.parents):
                if parent is node:
                    x = [values[operand] for operand in user.parents]
                    total += gradients[user] * local_derivative(str(user.op), x, position, tie)
        gradients[node] = total + (by if (kind, node) == ("gradient", wrong) else 0)
    numbers = {"value": values, "gradient": gradients}
    blank = st.sets(st.sampled_from([step for step in steps if step != (kind, wrong)]), max_size=4)
    left_out = data.draw(blank, "left blank") if tie == Fraction(1, 2) else set()
    written: dict[str, dict[str, float | None]] = {"value": {}, "gradient": {}}
    for step in steps:
        number = None if step in left_out else float(numbers[step[0]][step[1]])
        written[step[0]][step[1].label] = number
    grades = grade(Answers(seed, level, [problem], [written["value"]], [written["gradient"]]))
    for one in grades:
        node = next(node for of, node in steps if (of, node.label) == (one.kind, one.name))
        if (one.kind, node) in left_out:
            assert one.mark == "blank"
        elif (one.kind, node) == (kind, wrong):
            assert one.mark == "wrong"
        else:
            truth = right[node] if one.kind == "value" else Fraction(node.grad)
            is_right = numbers[one.kind][node] == truth
            assert one.mark == ("right" if is_right else "follows"), one


@pytest.mark.unmeasured
@settings(max_examples=60)
@given(seed=st.integers(0, 30), level=st.sampled_from(list(LEVELS)), data=st.data())
def test_a_second_mistake_after_the_first_is_a_mistake_too(
    seed: int, level: int, data: st.DataObject
) -> None:
    problem = problem_of(seed, level)
    first, last = problem.interior[0], problem.root
    values = evaluated(problem, {first: Fraction(first.data) + 1})
    written = {node.label: float(values[node]) for node in problem.interior}
    written[last.label] += data.draw(st.sampled_from([-0.5, 0.01, 7.0]))
    if written[last.label] == last.data:
        return  # by luck
    blanks: dict[str, float | None] = {node.label: None for node in problem.gradients}
    grades = grade(Answers(seed, level, [problem], [dict(written)], [blanks]))
    assert [one.name for one in grades if one.mark == "wrong"] == [first.label, last.label]


def test_the_first_mistake_of_a_gradient_shows_the_chain_rule_of_that_step() -> None:
    tree = filled(2)
    problem = make_problems(7, 2, 2)[1]
    node = problem.gradients[2]
    tree["answers"][1]["gradients"][node.label] += 3
    grades = graded(tree)
    assert next(key for key, one in grades.items() if one.mark == "wrong") == (
        2,
        "gradient",
        node.label,
    )
    text = report(answers_of(tree))
    assert f"First mistake: the gradient of {node.label}, " in text
    assert gradient_line(problem, node) in text
    assert text.splitlines()[-1].endswith("0 blank.")


@pytest.mark.parametrize(
    ("written", "number"),
    [
        (" 1.5 ", 1.5),
        ("3/2", 1.5),
        ("−3/4", -0.75),
        ("+2", 2.0),
        ("-0.25", -0.25),
        (2, 2.0),
        ("", None),
    ],
)
def test_numbers_are_read_as_people_write_them(written: Any, number: float | None) -> None:
    tree = filled(1)
    name = next(iter(tree["answers"][0]["values"]))
    tree["answers"][0]["values"][name] = written
    assert answers_of(tree).values[0][name] == number


# ---- files that are no answers -----------------------------------------------------------------


def changed(**changes: Any) -> bytes:
    return json.dumps(filled(1) | changes).encode()


def with_value(value: Any) -> bytes:
    tree = filled(1)
    tree["answers"][0]["values"][next(iter(tree["answers"][0]["values"]))] = value
    return json.dumps(tree).encode()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is no file of answers: Expecting value"),
        (b"\xff\xfe\x00", "is no file of answers:"),
        (b"[1, 2", "is no file of answers:"),
        (b"[]", 'does not say "format": "worksheet answers 2"'),
        (b'{"format": "autodiff weights"}', 'does not say "format": "worksheet answers 2"'),
        (b"[" * 100_000, "it is nested too deeply"),
        (b'{"format": 1, "format": 2}', '"format" is there twice'),
        (b"9" * 5000, "is no file of answers:"),
        (b" " * 1_000_001, "it is larger than 1,000,000 bytes"),
        (changed(seed=None), '"seed" must be a whole number, but is null'),
        (changed(seed=1.5), '"seed" must be a whole number, but is 1.5'),
        (changed(level=9), '"level" must be from 1 to 4, but is 9'),
        (changed(level=True), '"level" must be a whole number, but is true'),
        (changed(problems=10**9), '"problems" must be from 1 to 20, but is 1000000000'),
        (changed(problems=3), '"answers" must be a list with a part for each of 3 problems'),
        (changed(name=1), '"name" must be a line of at most 60 characters, but is 1'),
        (changed(name="two\nlines"), '"name" must be a line of at most 60 characters'),
        (changed(answers={}), '"answers" must be a list with a part for each of 2 problems'),
        (changed(answers=[1, 2]), 'problem 1 must have "values" and "gradients", nothing else'),
        (
            changed(answers=[{"values": 1, "gradients": {}}] * 2),
            "problem 1, values: this must be names",
        ),
        (
            changed(answers=[{"values": {"zz": 1}, "gradients": {}}] * 2),
            'problem 1, values: there is no "zz"; there are d, L',
        ),
        (with_value("six"), 'problem 1, values, d: "six" is no number; write 1.5 or 3/2'),
        (with_value("1,5"), '"1,5" is no number; write 1.5 or 3/2'),
        (with_value("1/0"), '"1/0" is no number'),
        (with_value("1e999999999"), '"1e999999999" is no number'),
        (with_value(True), "true is no number"),
        (with_value([1]), "[1] is no number"),
        (with_value(10**400), "is too large"),
        (with_value(5).replace(b" 5", b" 1e999"), "is too large"),
        (with_value(5).replace(b" 5", b" NaN"), "NaN is not JSON"),
    ],
)
def test_a_file_that_is_no_answers_says_what_is_wrong_where(
    tmp_path: Path, content: bytes, message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "answers.json"
    path.write_bytes(content)
    assert main(["--check", str(path)]) == 2
    output = capsys.readouterr()
    assert output.out == ""
    assert output.err.startswith("error: ")
    assert str(path) in output.err
    assert message in output.err
    assert len(output.err) < 400 + len(str(path))


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=9),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=9), inner, max_size=4)
    ),
    max_leaves=9,
)


@pytest.mark.unmeasured
@settings(max_examples=60)
@given(JSON, st.sampled_from(["seed", "level", "problems", "answers", "values", "d", "name"]))
def test_nothing_in_a_file_can_do_more_than_be_refused(thing: Any, place: str) -> None:
    tree = filled(1)
    if place == "values":
        tree["answers"][0]["values"] = thing
    elif place == "d":
        tree["answers"][0]["values"]["d"] = thing
    else:
        tree[place] = thing
    with suppress(AnswersError):
        answers = parsed_answers(json.dumps(tree).encode())
        assert isinstance(answers, Answers)
        assert report(answers)


@given(st.binary(max_size=60))
def test_random_bytes_are_refused(content: bytes) -> None:
    with pytest.raises(AnswersError):
        parsed_answers(content)


# ---- the command -------------------------------------------------------------------------------


@pytest.mark.unmeasured
def test_its_own_answers_are_all_right_and_its_blanks_are_not(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    page = tmp_path / "new folder" / "sheet.html"
    assert main(["--seed", "3", "--level", "3", "--problems", "2", "--out", str(page)]) == 0
    assert main(["--check", str(page.with_suffix(".answers.json"))]) == 0
    assert (
        "23 of 23 right, 0 wrong, 0 right for numbers that are not, 0 blank."
        in capsys.readouterr().out
    )
    assert main(["--check", str(page.with_suffix(".blank.json"))]) == 1
    output = capsys.readouterr().out
    assert "0 of 23 right, 0 wrong, 0 right for numbers that are not, 23 blank." in output
    assert "No mistake so far." in output


def test_grading_writes_nothing_and_needs_no_folder_to_write_into(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "answers.json").write_text(answers_text(7, 1, make_problems(7, 1, 1), True))
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "out").write_text("a file where the default folder would be")
    monkeypatch.chdir(tmp_path / "elsewhere")
    assert main(["--check", "../answers.json"]) == 0
    assert "All right." in capsys.readouterr().out
    assert sorted(tmp_path.rglob("*")) == [
        tmp_path / "answers.json",
        tmp_path / "elsewhere",
        tmp_path / "elsewhere" / "out",
    ]
    with pytest.raises(SystemExit) as exit:
        main([])
    assert exit.value.code == 2
    assert "argument --out: cannot write into the folder 'out'" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--level", "5"], r"invalid choice: '?5\b"),
        (["--problems", "0"], r"invalid choice: '?0\b"),
        (["--problems", "21"], r"invalid choice: '?21\b"),
        (["--seed", "seven"], "invalid int value: 'seven'"),
        (["--out", str(ROOT)], "must end in .html"),
        (["--out", f"{__file__}/sheet.html"], "cannot write into the folder"),
        (["--out", "sheet.pdf"], "must end in .html: a sheet is a page, which a browser prints"),
        (["--out", "sheet"], "must end in .html"),
        (["--names", "no such file"], "cannot read 'no such file'"),
        (["--names", "/dev/null"], "has 0 names, one a line"),
        (["--check", ".", "--table", "grades.txt"], "must end in .csv"),
        (["--table", "grades.csv"], "--table is for the grades of a folder"),
    ],
)
def test_a_command_that_makes_no_sense_is_refused(
    arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as exit:
        main(arguments)
    assert exit.value.code == 2
    # Since Python 3.14 the number that is no choice stands in quotes.
    assert re.search(message, capsys.readouterr().err)


def test_sheets_are_made_or_graded(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    names = tmp_path / "class.txt"
    names.write_text("Ada\n", encoding="utf-8")
    with pytest.raises(SystemExit):
        main(["--check", str(tmp_path), "--names", str(names)])
    assert "--names makes sheets and --check grades them" in capsys.readouterr().err


def test_a_missing_file_of_answers_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["--check", str(tmp_path / "nothing.json")]) == 2
    assert "cannot read" in capsys.readouterr().err


def test_each_student_of_a_list_has_other_problems_and_a_class_has_one_table(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "class.txt").write_text("Ada\n\n =1+1 \n", encoding="utf-8")
    page = tmp_path / "handed out" / "sheet.html"
    names = ["--names", str(tmp_path / "class.txt")]
    assert main(["--seed", "5", "--problems", "1", *names, "--out", str(page)]) == 0
    assert sorted(path.name for path in page.parent.iterdir()) == [
        *("sheet.5.blank.json", "sheet.6.blank.json", "sheet.html", "sheet.solution.html")
    ]
    html = page.read_text(encoding="utf-8")
    assert html.index("Name Ada") < html.index("Name =1+1")
    assert make_texts(5) != make_texts(6)

    folder = tmp_path / "handed in"
    folder.mkdir()
    (folder / "ada.json").write_text(
        answers_text(5, 1, make_problems(5, 1, 1), True, "Ada"), encoding="utf-8"
    )
    wrong = json.loads((page.parent / "sheet.6.blank.json").read_text(encoding="utf-8"))
    wrong["answers"][0]["values"]["d"] = 1000
    (folder / "other.json").write_text(json.dumps(wrong), encoding="utf-8")
    capsys.readouterr()
    table = tmp_path / "grades.csv"
    assert main(["--check", str(folder), "--table", str(table)]) == 1
    assert capsys.readouterr().out.splitlines()[:5] == [
        "name  file        seed  level  right  follows  wrong  blank  first mistake",
        "Ada   ada.json    5     1      7      0        0      0",
        "=1+1  other.json  6     1      0      0        1      6      problem 1, value of d",
        "",
        "1 of 2 have everything right.",
    ]
    # A name that a student made up is no formula of the teacher's spreadsheet.
    assert '\'=1+1,other.json,6,1,0,0,1,6,"problem 1, value of d",' in table.read_text(
        encoding="utf-8"
    )
    (folder / "other.json").unlink()
    assert main(["--check", str(folder)]) == 0
    (folder / "damaged.json").write_text("{", encoding="utf-8")
    assert main(["--check", str(folder)]) == 2
    assert f"error: {folder / 'damaged.json'}: this is no file" in capsys.readouterr().out


def make_texts(seed: int) -> list[str]:
    """Return the steps of the only problem of a sheet of level 1."""
    return [value_line(node) for node in make_problems(seed, 1, 1)[0].interior]


def test_a_folder_without_answers_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["--check", str(tmp_path)]) == 2
    assert f"{tmp_path} has no file of answers (*.json)" in capsys.readouterr().err


def test_a_terminal_without_check_marks_is_told_in_ascii(tmp_path: Path) -> None:
    path = tmp_path / "answers.json"
    path.write_text(answers_text(7, 2, make_problems(7, 2, 1), False), encoding="utf-8")
    told = subprocess.run(
        [sys.executable, "-m", "demos.worksheet", "--check", str(path)],
        cwd=ROOT,
        env={**os.environ, "PYTHONIOENCODING": "ascii"},
        check=False,
        capture_output=True,
    ).stdout.decode("ascii")
    assert "ok right, X wrong, -> right for the numbers it builds on, ... blank" in told
    assert "?" not in told
