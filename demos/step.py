"""Step through training in the terminal, by hand: ``python -m demos.step``.

It shows the lab's network on one row of XOR, or what a Python file of your own does that calls
``backward()`` or defines ``loss``: ``python -m demos.step my_graph.py``.  If that trains, all its
epochs are there.  Where the output is no terminal, the steps are printed line by line.
``--page`` writes them as a page for any browser: a lesson to step through, and to mail.
"""

from __future__ import annotations

import argparse
import math
import os
import runpy
import sys
import traceback
from collections import deque
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple, TypeGuard

from autodiff import (
    Step,
    Trace,
    Value,
    backward_steps,
    explain,
    record_epochs,
    record_source,
    show,
    topological_order,
)
from autodiff.debug.reasons import NO_NAME
from autodiff.support.convert import describe
from autodiff.support.naming import shown
from demos.arguments import command_line, count, missing_package, output_file
from demos.command import run
from demos.interrupts import Terminated
from demos.lab import LAB
from demos.one_row import lab_model, one_row_loss

try:
    from demos.step_screen import StepScreen
except ModuleNotFoundError as error:
    if error.name is None or error.name.partition(".")[0] not in ("textual", "rich"):
        raise
    missing: ModuleNotFoundError | None = error
else:
    missing = None

__all__ = ["Ran", "main", "plain_text", "trace_of_file"]

MOST_REASONS = 6
PAGE = "out/step.html"


class Ran(NamedTuple):
    """What a file has done: the trace of it, what to say about that, and whether it failed."""

    trace: Trace
    remark: str = ""
    has_failed: bool = False


def trace_of_file(path: Path, calls: bool = False) -> Ran:
    """Run a Python file and return a trace of its backward passes, or else of its ``loss``.

    It runs as a program does, with its own folder to import from; where its Values were made, and
    what they are called there, is recorded.  ``sys.exit()`` ends it as its last line does.  Where
    ``loss`` is of no pass that the file has made, that is shown, too: as a last epoch if the file
    trains.  Where the file fails, what it had done before is.  ``calls`` records which call of a
    function made each Value, by which a large graph's page is folded; it takes twice the time.

    Exits with a message if there is neither pass nor loss.
    """
    if not os.path.isfile(path):  # unlike Path.is_file, it takes a name that is too long
        sys.exit(f"demos.step: there is no file {str(path)!r}")
    sys.path.insert(0, str(path.resolve().parent))
    arguments, sys.argv = sys.argv, [str(path)]
    error: Exception | None = None
    try:
        with record_source(visits=calls), record_epochs() as epochs:
            try:
                found = runpy.run_path(str(path), run_name="__main__")
            except SystemExit as end:
                found = names_at_end(end, path)
            except Exception as end:
                error, found = end, names_at_end(end, path)
                traceback.print_exc()
            loss = found.get("loss")
            is_new = is_variable(loss) and not loss.has_grad and epochs.epochs > 0
            if is_new:
                deque(backward_steps(loss), maxlen=0)
    finally:
        sys.argv = arguments
        sys.path.pop(0)
    remark = ""
    if error is not None:
        remark = f"{path} ended with {type(error).__name__}: {error}; shown is what it did before"
    if epochs.epochs > is_new:
        epochs.goto(0, epoch=epochs.epochs - 1)
        if is_new and not remark:
            remark = f"epoch {epochs.epochs - 1}, the last, is `loss`: {path} ends without its pass"
        return Ran(epochs, remark, error is not None)
    if is_variable(loss):
        return Ran(Trace(loss), remark, error is not None)
    sys.exit(f"demos.step: {path} {why_nothing(loss, error)}")


def names_at_end(end: BaseException, path: Path) -> dict[str, Any]:
    """Return the names that a file had when an exception ended it; none if it had not begun."""
    for frame, _ in traceback.walk_tb(end.__traceback__):
        if frame.f_code.co_filename == str(path) and frame.f_code.co_name == "<module>":
            return dict(frame.f_globals)
    return {}


def is_variable(loss: object) -> TypeGuard[Value]:
    """Return whether something is a Value that may have gradients."""
    return isinstance(loss, Value) and not loss.is_constant


def why_nothing(loss: object, error: Exception | None) -> str:
    """Return why there is nothing to be shown of a file, whose ``loss`` that is."""
    if error is not None:
        return "ended with this error before its loss could be shown"
    if loss is None:
        return (
            "calls no backward() and defines no `loss`; give the Value to step back from that "
            "name. What nn.fit does is seen unless it is given another engine than 'eager'"
        )
    if not isinstance(loss, Value):
        return f"has a `loss` that is {describe(loss)}, but must be a Value"
    return "has a `loss` that is a constant, which depends on no variable"


def plain_text(trace: Trace) -> str:
    """Return a pass as lines: each node's backward steps, the variables' gradients, the update."""
    trace.goto(0, "backward")
    names, (_, count) = trace.names, trace.progress
    root = names[trace.root]
    lines = [
        f"{root}.backward(): {count} step{'' if count == 1 else 's'}, from d {root}/d {root} = 1"
    ]
    if trace.note:
        lines += ["", f"! {trace.note}"]
    if trace.epochs > 1:
        last = trace.epochs - 1
        which = f", pass {trace.nth} of 0 to {trace.passes - 1}" if trace.passes > 1 else ""
        lines[0] = f"epoch {trace.epoch} of 0 to {last} (--epoch shows another){which}: {lines[0]}"
    node, numbers = None, trace.numbers
    met: set[Value] = set()
    for _ in range(count):
        step = trace.next()
        assert isinstance(step, Step)
        if step.node is not node:
            node = step.node
            lines += [
                "",
                f"{names[node]} = {names.formula(node)} = {shown(numbers[node])}",
                f"d {root}/d {names[node]} = {shown(step.upstream)}, complete",
            ]
        line = f"{trace.progress[0]:>{len(str(count))}}  {chain_rule(step, trace)}"
        lines.append(f"{line}    (sum so far {shown(step.total)})" if step.parent in met else line)
        met.add(step.parent)
    lines += ["", "gradients of the variables:"]
    gradients = trace.gradients
    leaves = [
        (names[leaf], shown(gradients[leaf]) if leaf in gradients else "nothing reaches it")
        for leaf in topological_order(trace.root)
        if leaf.is_leaf and not leaf.is_constant
    ]
    width = max((len(name) for name, _ in leaves), default=0)
    lines += [f"    {name:<{width}}  {number}" for name, number in leaves]
    lines += [f"! {reason}" for reason in why_not_finite(trace)]
    if trace.position < len(trace):
        lines += ["", "update:"]
    while trace.position < len(trace):
        lines.append(f"    {trace.next()}")
    return "\n".join(lines)


def why_not_finite(trace: Trace) -> list[str]:
    """Return why gradients are infinite or nan, as the screen says it, at the end of the pass."""
    bad = [leaf for leaf, gradient in trace.gradients.items() if not math.isfinite(gradient)]
    found: dict[str, None] = {}
    with trace.shown():
        for leaf in bad:
            if leaf.is_leaf and len(found) < MOST_REASONS:
                found |= dict.fromkeys(explain(leaf, of=trace.root).notes)
    return [reason for reason in found if NO_NAME not in reason][:MOST_REASONS]


def chain_rule(step: Step, trace: Trace) -> str:
    """Return a step as a line: the chain rule with names, and with numbers."""
    names = trace.names
    root, node, parent = names[trace.root], names[step.node], names[step.parent]
    if not step.taken:
        return f"d {root}/d {parent} += nothing: {node} did not take {parent}"
    numbers = f"{shown(step.upstream)} × {shown(step.local)} = {shown(step.contribution)}"
    return f"d {root}/d {parent} += d {root}/d {node} × d {node}/d {parent} = {numbers}"


def parse_arguments(arguments: Sequence[str] | None) -> argparse.Namespace:
    """Return the checked command line; exit with a message where it makes no sense."""
    parser = command_line("demos.step", __doc__)
    parser.add_argument(
        "file",
        type=Path,
        nargs="?",
        help="a Python file that trains or defines `loss`; without, the lab's network",
    )
    rows = ", ".join(f"{number} is {a:.0f} {b:.0f}" for number, (a, b) in enumerate(LAB.x, 1))
    parser.add_argument(
        "--row",
        type=int,
        choices=range(1, len(LAB.x) + 1),
        default=2,
        help=f"the row of XOR: {rows}; default: %(default)s",
    )
    parser.add_argument(
        "--epoch",
        type=count,
        default=0,
        help="of a file that trains; default: the first, %(default)s",
    )
    parser.add_argument(
        "--plain", action="store_true", help="print the steps line by line in a terminal too"
    )
    parser.add_argument(
        "--page", action="store_true", help="write an interactive page instead of showing it here"
    )
    parser.add_argument(
        "--out",
        type=output_file,
        metavar="FILE",
        help=f"where to put the page; default: {PAGE}",
    )
    options = parser.parse_args(arguments)
    if options.out is not None and not options.page:
        parser.error("--out is where --page writes: add --page")
    return options


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the demo."""
    options = parse_arguments(arguments)
    if options.file is not None:
        ran = trace_of_file(options.file, calls=options.page)
    else:
        with record_source():
            loss = one_row_loss(lab_model(), LAB.x[options.row - 1], LAB.y[options.row - 1])
        ran = Ran(Trace(loss))
    trace = ran.trace
    if options.epoch >= trace.epochs:
        sys.exit(f"demos.step: there are epochs from 0 to {trace.epochs - 1}, not {options.epoch}")
    trace.goto(0, "backward", epoch=options.epoch)
    if options.page:
        write_page(trace, options.out)
        sys.exit(told(ran))
    # The screen is written to the standard error stream, so that is asked too.
    in_terminal = all(stream.isatty() for stream in (sys.stdin, sys.stdout, sys.stderr))
    if options.plain or not in_terminal:
        print(plain_text(trace))
        sys.exit(told(ran))
    if missing is not None:
        sys.exit(
            f"{missing_package('demos.step', 'demos', missing)}\n"
            "or add --plain to print the steps line by line."
        )
    ended_by = StepScreen(trace, ran.remark).run()
    if ended_by is not None:
        raise Terminated(ended_by)
    sys.exit(told(ran))


def write_page(trace: Trace, path: Path | None) -> None:
    """Write the pass that a trace is in as a page, and say where; exit if it has no page."""
    trace.goto(0)
    try:
        written = show(trace).save(path or output_file(PAGE))
    except (ValueError, argparse.ArgumentTypeError) as error:
        sys.exit(f"demos.step: {error}")
    print(f"Wrote {written}: open it in a browser.")


def told(ran: Ran) -> int:
    """Say what is to be said of a file that has run, and return the exit status."""
    if ran.remark:
        sys.stdout.flush()
        print(f"demos.step: {ran.remark}", file=sys.stderr)
    return int(ran.has_failed)


if __name__ == "__main__":
    run(main)
