"""A program's Python source: one form to read and step through, one for speed."""

from __future__ import annotations

import linecache
import math
import weakref
from collections.abc import Iterable, Sequence
from itertools import count
from types import FunctionType

from autodiff import ops
from autodiff.compiler.batches import Passes, batches_of, row_order
from autodiff.compiler.build import Parts, plan_rows, update_results
from autodiff.compiler.kernels import C_LIBRARY
from autodiff.compiler.languages import PYTHON, function_called, function_name
from autodiff.compiler.linear import Kind, Linear
from autodiff.compiler.text import Writer, one_line, wrapped
from autodiff.value import Value

__all__ = ["PythonRunner", "function_of", "readable_source", "run_source"]

_serial = count(1)
_forgotten: list[str] = []  # files of functions that are gone


def readable_source(parts: Parts, title: str) -> str:
    """Return ``step(parameters, inputs)``: forward, backward and update, one line each.

    It returns the output, the gradients, and the variables' new numbers.  In a program over
    rows the update is a function of its own, ``update(parameters, means)``.
    """
    writer = Writer(PYTHON, parts.linear)
    linear = parts.linear
    gradients = list(parts.gradients.values())
    together = [] if parts.inputs else update_results(parts)
    # Forward and backward are shown step by step, also what turned out to be known or shared.
    steps = range(parts.gradient_end)
    shown = [p for p in steps if p < parts.forward_end or linear.registers[p].kind is Kind.COPY]
    live = linear.live([*shown, parts.output, *gradients, *together])
    body = _unpack(writer, "parameters", parts.variables, parts)
    body += _unpack(writer, "inputs", parts.inputs, parts)
    ends = (parts.forward_end, parts.backward_end, len(linear.registers))
    start = 0
    for heading, end in zip(("forward", "backward", "update"), ends, strict=True):
        section = writer.block([place for place in live if start <= place < end], ())
        if section:
            body += ["", f"# ---- {heading}", *section]
        start = end
    body += ["", *_returned(writer, parts.output, gradients, together)]
    lines = [f"# {one_line(title)}", "", "", "def step(parameters, inputs=()):"]
    lines += [f"    {line}".rstrip() for line in body]
    if parts.inputs and parts.updates:
        lines += ["", "", *_update_function(parts)]
    return "\n".join(lines) + "\n"


def _unpack(writer: Writer, source: str, leaves: Iterable[Value], parts: Parts) -> list[str]:
    """Return the statement that gives leaves their names from a tuple."""
    names = [writer.names[parts.linear.of_value[leaf]] for leaf in leaves]
    return wrapped("(", names, f") = {source}", "") if names else []


def _returned(writer: Writer, output: int, gradients: list[int], updates: list[int]) -> list[str]:
    lines = [f"output = {writer.text(output)}"]
    for name, places in (("gradients", gradients), ("updated", updates)):
        lines += wrapped(f"{name} = (", [writer.text(place) for place in places], ")", "")
    return [*lines, "return output, gradients, updated"]


def _update_function(parts: Parts) -> list[str]:
    writer = Writer(PYTHON, parts.linear)
    results = update_results(parts)
    means = [writer.names[place] for place in parts.means.values()]
    body = _unpack(writer, "parameters", parts.variables, parts)
    if means:
        body += wrapped("(", means, ") = means", "")
    body += writer.block(parts.linear.live(results), ())
    body += wrapped("return (", [writer.text(place) for place in results], ")", "")
    return ["def update(parameters, means=()):", *[f"    {line}".rstrip() for line in body]]


def run_source(parts: Parts) -> str:
    """Return ``run``, the dense form: whole iterations in one function.

    Without inputs it is ``run(n, parameters)``, with inputs ``run(n, batches, parameters)``,
    where a batch is a list of rows.  It returns every iteration's output (every batch's, with
    inputs) and the parameters' last numbers.
    """
    return "\n".join(_rows_loop(parts) if parts.inputs else _plain_loop(parts)) + "\n"


def _plain_loop(parts: Parts) -> list[str]:
    writer = Writer(PYTHON, parts.linear, dense=True)
    results = [parts.output, *update_results(parts)]
    block = writer.block(parts.linear.live(results), results)
    output = writer.text(parts.output)
    if parts.penalty is not None:
        output = f"{output} + {writer.text(parts.penalty)}"
    lines = ["def run(n, parameters):"]
    lines += [f"    {line}" for line in _unpack(writer, "parameters", parts.variables, parts)]
    lines += ["    outputs = []", "    for _ in range(n):"]
    lines += [f"        {line}" for line in [*block, f"outputs.append({output})"]]
    lines += _assignments(writer, parts, "        ")
    return [*lines, *_end(writer, parts)]


def _assignments(writer: Writer, parts: Parts, indent: str) -> list[str]:
    """Return the one statement that gives all variables their new numbers at once."""
    if not parts.updates:
        return []
    names = [writer.names[parts.linear.of_value[variable]] for variable in parts.updates]
    news = [writer.text(place) for place in parts.updates.values()]
    lines = wrapped("(", names, ") = (", indent)
    return [*lines, *wrapped("    ", news, "", indent), f"{indent})"]


def _end(writer: Writer, parts: Parts) -> list[str]:
    names = [writer.names[parts.linear.of_value[variable]] for variable in parts.variables]
    return wrapped("return outputs, (", names, ")", "    ")


def _rows_loop(parts: Parts) -> list[str]:
    linear, plan = parts.linear, plan_rows(parts)
    writer = Writer(PYTHON, linear, dense=True)
    sums = {leaf: f"sum__{writer.names[place]}" for leaf, place in plan.means.items()}

    before = writer.block(plan.before, (), keep=plan.before)
    inside = writer.block(plan.rows, [parts.output, *[parts.gradients[leaf] for leaf in sums]])
    inside.append(f"sum__output += {writer.text(parts.output)}")
    inside += [f"{total} += {writer.text(parts.gradients[leaf])}" for leaf, total in sums.items()]
    after = [
        f"{writer.names[place]} = {sums[leaf]} / count__rows" for leaf, place in plan.means.items()
    ]
    after += writer.block(plan.after, update_results(parts))
    output = "sum__output / count__rows"
    if parts.penalty is not None:
        output = f"{output} + {writer.text(parts.penalty)}"
    after.append(f"outputs.append({output})")
    names = [writer.names[linear.of_value[value]] for value in parts.inputs]

    lines = ["def run(n, batches, parameters):"]
    lines += [f"    {line}" for line in _unpack(writer, "parameters", parts.variables, parts)]
    lines += ["    outputs = []", "    for _ in range(n):", "        for rows in batches:"]
    lines += [f"            {line}" for line in before]
    lines += [f"            {total} = 0.0" for total in ("sum__output", *sums.values())]
    lines += ["            count__rows = float(len(rows))"]
    lines += wrapped("for (", names, ",) in rows:" if len(names) > 1 else ") in rows:", " " * 12)
    lines += [f"                {line}" for line in inside]
    lines += [f"            {line}" for line in after]
    lines += _assignments(writer, parts, " " * 12)
    return [*lines, *_end(writer, parts)]


def function_of(source: str, name: str, title: str, linear: Linear) -> FunctionType:
    """Return the function of that name, compiled so that debuggers show its source.

    The registers tell which operations it calls.
    """
    while _forgotten:
        linecache.cache.pop(_forgotten.pop(), None)
    filename = f"<{one_line(title)} {next(_serial)}>"
    linecache.cache[filename] = (len(source), None, source.splitlines(keepends=True), filename)
    namespace: dict[str, object] = {**ops.FUNCTIONS, "inf": math.inf, "nan": math.nan}
    namespace["NOTHING"] = ops.NOTHING  # which a rule may give that can only be called
    namespace.update({f"math__{name}": vars(math)[name] for name in C_LIBRARY})
    used = {register.op for register in linear.registers if register.op is not None}
    namespace.update({function_name(op): function_called(op) for op in used})
    exec(compile(source, filename, "exec"), namespace)
    function = namespace[name]
    assert isinstance(function, FunctionType)
    weakref.finalize(function, _forget, filename)
    return function


def _forget(filename: str) -> None:
    """Empty a function's lines once it is gone; the next function takes them out.

    The garbage collector may call this while ``linecache.checkcache`` goes through its files, which
    fails if one of them is missing then.
    """
    linecache.cache[filename] = (0, None, [], filename)
    _forgotten.append(filename)


class PythonRunner:
    """Runs a program's dense Python."""

    engine = "python"
    networks = 1

    def __init__(self, parts: Parts, title: str) -> None:
        self.source = run_source(parts)
        self.function = function_of(self.source, "run", f"dense {title}", parts.linear)

    def run(self, n: int, numbers: Sequence[float]) -> tuple[list[float], Sequence[float]]:
        """Return n outputs and the variables' last numbers."""
        outputs, numbers = self.function(n, numbers)
        return outputs, numbers

    def run_rows(
        self, passes: Passes, numbers: Sequence[float]
    ) -> tuple[list[float], Sequence[float]]:
        """Return the batches' outputs and the variables' last numbers."""
        outputs: list[float] = []
        rows = passes.rows
        for n in [passes.n] if passes.shuffle is None else [1] * passes.n:
            ordered = [rows[place] for place in row_order(len(rows), passes.shuffle)]
            found, numbers = self.function(n, batches_of(ordered, passes.batch_size), numbers)
            outputs += found
        return outputs, numbers
