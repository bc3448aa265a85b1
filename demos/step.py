"""Step through a backward pass in the terminal: ``python -m demos.step``.

It shows the lab's network on one row of XOR, or the graph of a Python file of your own that
defines ``loss``: ``python -m demos.step my_graph.py``.  Where the output is no terminal, the steps
are printed line by line.
"""

from __future__ import annotations

import argparse
import os
import runpy
import sys
import traceback
from collections.abc import Sequence
from pathlib import Path

from autodiff import Step, Trace, Value, record_source, topological_order
from autodiff.debug.text import shown
from autodiff.support.convert import describe
from demos.arguments import command_line, missing_package
from demos.command import run
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

__all__ = ["loss_of_file", "main", "plain_text"]


def loss_of_file(path: Path) -> Value:
    """Run a Python file and return the Value that it calls ``loss``.

    It runs as a program does, with its own folder to import from; where its Values were made,
    and what they are called there, is recorded.  Exits with a message if there is no such Value,
    or with the file's own traceback if it fails.
    """
    if not os.path.isfile(path):  # unlike Path.is_file, it takes a name that is too long
        sys.exit(f"demos.step: there is no file {str(path)!r}")
    sys.path.insert(0, str(path.resolve().parent))
    arguments, sys.argv = sys.argv, [str(path)]
    try:
        with record_source():
            found = runpy.run_path(str(path), run_name="__main__")
    except Exception:
        traceback.print_exc()
        sys.exit(f"demos.step: {path} ended with this error before its loss could be shown")
    finally:
        sys.argv = arguments
        sys.path.pop(0)
    if "loss" not in found:
        sys.exit(
            f"demos.step: {path} defines no `loss`; give the Value to step back from that name"
        )
    loss = found["loss"]
    if not isinstance(loss, Value):
        sys.exit(f"demos.step: the `loss` of {path} is {describe(loss)}, but must be a Value")
    if loss.is_constant:
        sys.exit(f"demos.step: the `loss` of {path} is a constant, which depends on no variable")
    return loss


def plain_text(trace: Trace) -> str:
    """Return the whole pass as lines: node by node its steps, then the variables' gradients."""
    trace.goto(0, "backward")
    names, (_, count) = trace.names, trace.progress
    root = names[trace.root]
    lines = [
        f"{root}.backward(): {count} step{'' if count == 1 else 's'}, from d {root}/d {root} = 1"
    ]
    if trace.note:
        lines += ["", f"! {trace.note}"]
    node, numbers = None, trace.numbers
    met: set[Value] = set()
    for step in trace:
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
        "file", type=Path, nargs="?", help="a Python file that defines `loss`; without, the lab's"
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
        "--plain", action="store_true", help="print the steps line by line in a terminal too"
    )
    return parser.parse_args(arguments)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the demo."""
    options = parse_arguments(arguments)
    if options.file is not None:
        loss = loss_of_file(options.file)
    else:
        loss = one_row_loss(lab_model(), LAB.x[options.row - 1], LAB.y[options.row - 1])
    trace = Trace(loss)
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
    StepScreen(trace).run()


if __name__ == "__main__":
    run(main)
