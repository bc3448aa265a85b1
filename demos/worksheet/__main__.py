"""Worksheets to differentiate by hand: ``python -m demos.worksheet --seed 7 --out sheet.html``.

Writes a page to print (sheet.html), its answers as another (sheet.solution.html) and as a file
(sheet.answers.json), and a file with blanks to fill in (sheet.blank.json).  The same seed gives the
same sheet.  ``--names FILE`` makes a sheet with other problems for each student of a list.
``--check FILE`` grades a filled-in file: it marks every number and shows the first mistake with the
right step.  ``--check FOLDER`` grades all files of a class into one table.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from autodiff.support.files import write_atomically
from demos.arguments import command_line, output_file
from demos.command import run
from demos.worksheet.answers import (
    LONGEST_NAME,
    MOST_PROBLEMS,
    AnswersError,
    answers_text,
    read_answers,
)
from demos.worksheet.grade_table import grade_table, rows_csv, rows_of
from demos.worksheet.grading import grade, report
from demos.worksheet.problems import LEVELS, make_problems
from demos.worksheet.sheet import Sheet, answers_html, sheets_html

__all__ = ["main"]

PAGE = "out/sheet.html"
MOST_NAMES = 200

# For a terminal that cannot show them.
ASCII = str.maketrans(
    {"✓": "ok", "✗": "X", "→": "->", "…": "...", "·": "*", "−": "-", "²": "^2", "½": "1/2"}
)


def page_file(text: str) -> Path:
    """Return the path of a page, in a folder that can be written into."""
    if Path(text).suffix not in (".html", ".htm"):
        raise argparse.ArgumentTypeError(
            f"{text!r} must end in .html: a sheet is a page, which a browser prints, as PDF too"
        )
    return output_file(text)


def table_file(text: str) -> Path:
    """Return the path of a table, in a folder that can be written into."""
    if Path(text).suffix != ".csv":
        raise argparse.ArgumentTypeError(f"{text!r} must end in .csv, which spreadsheets open")
    return output_file(text)


def names_in(text: str) -> list[str]:
    """Return the names of a file, one a line; empty lines are left out."""
    try:
        lines = Path(text).read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise argparse.ArgumentTypeError(f"cannot read {text!r}: {error}") from None
    names = [line.strip() for line in lines if line.strip()]
    if not 1 <= len(names) <= MOST_NAMES:
        raise argparse.ArgumentTypeError(
            f"{text!r} has {len(names)} names, one a line; it may have 1 to {MOST_NAMES}"
        )
    for name in names:
        if not name.isprintable() or len(name) > LONGEST_NAME:
            raise argparse.ArgumentTypeError(
                f"{text!r}: {name[:LONGEST_NAME]!r} is no name: a line of at most {LONGEST_NAME} "
                "characters"
            )
    return names


def parse_arguments(arguments: Sequence[str] | None) -> argparse.Namespace:
    """Return the checked command line; exit with a message where it makes no sense."""
    parser = command_line("demos.worksheet", __doc__)
    parser.add_argument("--seed", type=int, default=0, help="default: %(default)s")
    levels = "; ".join(f"{number}: {level.title}" for number, level in LEVELS.items())
    parser.add_argument(
        "--level", type=int, choices=LEVELS, default=1, help=f"{levels}; default: %(default)s"
    )
    parser.add_argument(
        "--problems",
        type=int,
        choices=range(1, MOST_PROBLEMS + 1),
        default=4,
        metavar="N",
        help=f"how many, 1 to {MOST_PROBLEMS}; default: %(default)s",
    )
    parser.add_argument(
        "--names",
        type=names_in,
        metavar="FILE",
        help="students, one a line: a sheet for each, from a seed of their own",
    )
    parser.add_argument(
        "--out",
        type=page_file,
        metavar="FILE",
        help=f"the page (.html); the other files go beside it; default: {PAGE}",
    )
    parser.add_argument(
        "--check",
        type=Path,
        metavar="PATH",
        help="grade a file of answers instead, or all files (*.json) of a folder",
    )
    parser.add_argument(
        "--table", type=table_file, metavar="FILE", help="write the grades of a folder (.csv)"
    )
    options = parser.parse_args(arguments)
    # As a default, it would be tried, and its folder made, for --check too.
    if options.out is None and options.check is None:
        try:
            options.out = page_file(PAGE)
        except argparse.ArgumentTypeError as error:
            parser.error(f"argument --out: {error}")
    if options.table and not (options.check and options.check.is_dir()):
        parser.error("--table is for the grades of a folder: give it with --check FOLDER")
    if options.names and options.check:
        parser.error("--names makes sheets and --check grades them: give one at a time")
    return options


def show(text: str) -> None:
    """Print a text, in ASCII where the output cannot show its marks."""
    try:
        text.encode(sys.stdout.encoding or "utf-8")
    except UnicodeEncodeError:
        text = text.translate(ASCII)
    print(text)


def check(path: Path) -> int:
    """Grade a file, print the report, and return the exit code: 0 if all is right, else 1."""
    answers = read_answers(path)
    show(report(answers))
    return 0 if all(one.mark == "right" for one in grade(answers)) else 1


def check_folder(folder: Path, table: Path | None) -> int:
    """Grade the files of a folder, print a table, and return the exit code.

    It is 0 if all is right, 1 if not, and 2 if a file has no grades.
    """
    rows = rows_of(folder)
    show(grade_table(rows))
    if table is not None:
        print(f"Wrote {write_atomically(table, rows_csv(rows))}")
    if any(row.error for row in rows):
        return 2
    return 0 if all(row.is_all_right for row in rows) else 1


def make_sheets(options: argparse.Namespace) -> list[Sheet]:
    """Return a sheet for each name, of a seed of its own, or one sheet without a name."""
    seeds = enumerate(options.names or [""], options.seed)
    level, count = options.level, options.problems
    return [Sheet(seed, level, make_problems(seed, level, count), name) for seed, name in seeds]


def write_sheets(options: argparse.Namespace) -> None:
    """Write the pages and the files, and print what was written."""
    path: Path = options.out
    sheets = make_sheets(options)
    texts = {path: sheets_html(sheets), path.with_suffix(".solution.html"): answers_html(sheets)}
    for sheet in sheets:
        numbers = (sheet.seed, sheet.level, sheet.problems)
        if not sheet.name:
            texts[path.with_suffix(".answers.json")] = answers_text(*numbers, True)
        which = f".{sheet.seed}" if sheet.name else ""
        blanks = answers_text(*numbers, False, sheet.name)
        texts[path.with_suffix(f"{which}.blank.json")] = blanks
    written = [str(write_atomically(file, text)) for file, text in texts.items()]
    more = f" and {len(written) - 3} more" if len(written) > 4 else ""
    print("Wrote " + ", ".join(written[: 3 if more else None]) + more)


def main(arguments: Sequence[str] | None = None) -> int:
    """Write a worksheet, or grade one, and return the exit code."""
    options = parse_arguments(arguments)
    try:
        if options.check is None:
            write_sheets(options)
        elif options.check.is_dir():
            return check_folder(options.check, options.table)
        else:
            return check(options.check)
    except (AnswersError, ImportError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    run(main)
