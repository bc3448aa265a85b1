"""Worksheets to differentiate by hand: ``python -m demos.worksheet --seed 7 --out sheet.html``.

Writes a page to print, a file with its answers (sheet.answers.json), and one with blanks to fill
in (sheet.blank.json).  The same seed gives the same sheet.  ``--check FILE`` grades a filled-in
file: it marks every number and shows the first mistake with the right step.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from autodiff.support.files import write_atomically
from demos.arguments import command_line, output_file
from demos.command import run
from demos.worksheet.answers import MOST_PROBLEMS, AnswersError, answers_text, read_answers
from demos.worksheet.grading import grade, report
from demos.worksheet.problems import LEVELS, make_problems
from demos.worksheet.sheet import sheet_html

__all__ = ["main"]

PAGE = "out/sheet.html"


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
        "--no-answers", action="store_true", help="leave the answers out of the page"
    )
    parser.add_argument(
        "--out",
        type=output_file,
        metavar="FILE",
        help=f"the page; the other files go beside it; default: {PAGE}",
    )
    parser.add_argument(
        "--check", type=Path, metavar="FILE", help="grade a file of answers instead"
    )
    options = parser.parse_args(arguments)
    # As a default, it would be tried, and its folder made, for --check too.
    if options.out is None and options.check is None:
        try:
            options.out = output_file(PAGE)
        except argparse.ArgumentTypeError as error:
            parser.error(f"argument --out: {error}")
    return options


def check(path: Path) -> int:
    """Grade a file, print the report, and return the exit code: 0 if all is right, else 1."""
    answers = read_answers(path)
    print(report(answers))
    return 0 if all(one.mark == "right" for one in grade(answers)) else 1


def write_sheet(options: argparse.Namespace) -> None:
    """Write the page and the two files, and print what was written."""
    path: Path = options.out
    problems = make_problems(options.seed, options.level, options.problems)
    page = sheet_html(options.seed, options.level, problems, not options.no_answers)
    written = [write_atomically(path, page)]
    for name, filled in (("answers", True), ("blank", False)):
        text = answers_text(options.seed, options.level, problems, filled)
        written.append(write_atomically(path.with_suffix(f".{name}.json"), text))
    print("Wrote " + ", ".join(map(str, written)))


def main(arguments: Sequence[str] | None = None) -> int:
    """Write a worksheet, or grade one, and return the exit code."""
    options = parse_arguments(arguments)
    try:
        if options.check is not None:
            return check(options.check)
        write_sheet(options)
    except (AnswersError, ImportError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    run(main)
