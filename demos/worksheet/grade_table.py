"""The grades of a class: a row for each file of answers in a folder."""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from demos.worksheet.answers import AnswersError, read_answers
from demos.worksheet.grading import Grade, grade

__all__ = ["Row", "grade_table", "rows_csv", "rows_of"]

COLUMNS = ("name", "file", "seed", "level", "right", "follows", "wrong", "blank", "first mistake")


@dataclass(frozen=True, slots=True)
class Row:
    """What a table says of one file: a text for each column, or why there are no grades."""

    cells: tuple[str, ...]
    is_all_right: bool
    error: str = ""


def rows_of(folder: Path) -> list[Row]:
    """Return a row for each file ``*.json`` of a folder, in the order of the names of the files.

    Raises AnswersError if there is none.
    """
    paths = sorted(folder.glob("*.json"))
    if not paths:
        raise AnswersError(f"{folder} has no file of answers (*.json)")
    return [row_of(path) for path in paths]


def row_of(path: Path) -> Row:
    """Return the row of one file."""
    try:
        answers = read_answers(path)
    except AnswersError as error:
        return Row(("", path.name, *[""] * (len(COLUMNS) - 2)), False, str(error))
    grades = grade(answers)
    counts = Counter(one.mark for one in grades)
    marks = [str(counts[mark]) for mark in ("right", "follows", "wrong", "blank")]
    head = (answers.name, path.name, str(answers.seed), str(answers.level))
    return Row((*head, *marks, first_mistake(grades)), counts["right"] == len(grades))


def first_mistake(grades: Iterable[Grade]) -> str:
    """Return where the first mistake is, or nothing."""
    wrong = next((one for one in grades if one.mark == "wrong"), None)
    return f"problem {wrong.problem}, {wrong.kind} of {wrong.name}" if wrong else ""


def grade_table(rows: Sequence[Row]) -> str:
    """Return a table to read, with what is wrong with files that have no grades below it."""
    cells = [COLUMNS, *(row.cells for row in rows)]
    widths = [max(len(line[place]) for line in cells) for place in range(len(COLUMNS))]
    lines = [
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
        for line in cells
    ]
    done = sum(row.is_all_right for row in rows)
    lines += ["", f"{done} of {len(rows)} have everything right."]
    return "\n".join([*lines, *(f"error: {row.error}" for row in rows if row.error)])


def rows_csv(rows: Iterable[Row]) -> str:
    """Return the table as CSV, for a spreadsheet; a name never becomes a formula there."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow((*COLUMNS, "error"))
    for row in rows:
        writer.writerow(map(harmless, (*row.cells, row.error)))
    return text.getvalue()


def harmless(cell: str) -> str:
    """Return a cell that a spreadsheet takes as text, though a student wrote it.

    >>> harmless("=HYPERLINK(1)"), harmless("Ada")
    ("'=HYPERLINK(1)", 'Ada')
    """
    return f"'{cell}" if cell.startswith(("=", "+", "-", "@", "\t")) else cell
