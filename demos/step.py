"""Step through training in the terminal, by hand: ``python -m demos.step``.

It shows the lab's network on one row of XOR, or what a Python file of your own does that calls
``backward()`` or defines ``loss``: ``python -m demos.step my_graph.py``.  If that trains, all its
epochs are there.  Where the output is no terminal, the steps are printed line by line.
"""

from __future__ import annotations

import argparse
import os
import runpy
import sys
import traceback
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from autodiff import Step, Trace, Value, record_epochs, record_source, topological_order
from autodiff.debug.text import shown
from autodiff.support.convert import describe
from demos.arguments import command_line, count, missing_package
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

__all__ = ["main", "plain_text", "trace_of_file"]


def trace_of_file(path: Path) -> Trace:
    """Run a Python file and return a trace of its backward passes, or else of its ``loss``.

    It runs as a program does, with its own folder to import from; where its Values were made,
    and what they are called there, is recorded.  Where ``loss`` is of no pass that the file has
    made, the trace is of that.  ``sys.exit()`` ends it as its last line does.  Exits with a message
    if there is neither, or with the file's own traceback if it fails.
    """
    if not os.path.isfile(path):  # unlike Path.is_file, it takes a name that is too long
        sys.exit(f"demos.step: there is no file {str(path)!r}")
    sys.path.insert(0, str(path.resolve().parent))
    arguments, sys.argv = sys.argv, [str(path)]
    found: dict[str, Any] = {}
    try:
        with record_source(), record_epochs() as epochs, suppress(SystemExit):
            found = runpy.run_path(str(path), run_name="__main__")
    except Exception:
        traceback.print_exc()
        sys.exit(f"demos.step: {path} ended with this error before its loss could be shown")
    finally:
        sys.argv = arguments
        sys.path.pop(0)
    loss = found.get("loss")
    if epochs.epochs:
        epochs.goto(0, epoch=epochs.epochs - 1)
        if loss is None or not isinstance(loss, Value) or loss in epochs.names:
            return epochs
    if loss is None:
        sys.exit(
            f"demos.step: {path} calls no backward() and defines no `loss`; give the Value to step "
            "back from that name"
        )
    if not isinstance(loss, Value):
        sys.exit(f"demos.step: the `loss` of {path} is {describe(loss)}, but must be a Value")
    if loss.is_constant:
        sys.exit(f"demos.step: the `loss` of {path} is a constant, which depends on no variable")
    return Trace(loss)


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
        lines[0] = f"epoch {trace.epoch} of 0 to {last} (--epoch shows another): {lines[0]}"
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
    if trace.position < len(trace):
        lines += ["", "update:"]
    while trace.position < len(trace):
        lines.append(f"    {trace.next()}")
    return "\n".join(lines)


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
    return parser.parse_args(arguments)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the demo."""
    options = parse_arguments(arguments)
    if options.file is not None:
        trace = trace_of_file(options.file)
    else:
        with record_source():
            loss = one_row_loss(lab_model(), LAB.x[options.row - 1], LAB.y[options.row - 1])
        trace = Trace(loss)
    if options.epoch >= trace.epochs:
        sys.exit(f"demos.step: there are epochs from 0 to {trace.epochs - 1}, not {options.epoch}")
    trace.goto(0, "backward", epoch=options.epoch)
    # The screen is written to the standard error stream, so that is asked too.
    in_terminal = all(stream.isatty() for stream in (sys.stdin, sys.stdout, sys.stderr))
    if options.plain or not in_terminal:
        print(plain_text(trace))
        return
    if missing is not None:
        sys.exit(
            f"{missing_package('demos.step', 'demos', missing)}\n"
            "or add --plain to print the steps line by line."
        )
    ended_by = StepScreen(trace).run()
    if ended_by is not None:
        raise Terminated(ended_by)


if __name__ == "__main__":
    run(main)
