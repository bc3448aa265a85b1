"""A program as one self-contained file of C or JavaScript."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from autodiff.compiler.build import Parts, Recording, plan_rows, update_results
from autodiff.compiler.languages import JAVASCRIPT, C, Language, helper_functions, identifier
from autodiff.compiler.linear import Linear
from autodiff.compiler.loops import run_loops, step_loops
from autodiff.compiler.text import Writer, one_line
from autodiff.ops import Operation
from autodiff.support.convert import describe
from autodiff.value import Value

__all__ = ["Functions", "Writable", "to_c", "to_javascript"]

# Functions of JavaScript by name: what each writes into its outputs, in order, by description.
Functions = Mapping[str, Mapping[str, Value]]


# A program of more operations is written as loops; a person reads fewer line by line.
LINES = 1_000


@dataclass(frozen=True, slots=True)
class Writable:
    """What a file is made of: the registers that a person reads, and those of machines."""

    recording: Recording
    named: Parts
    plain: Parts
    title: str

    def step_body(self, language: Language) -> list[str]:
        """Return the body of the function of a step."""
        if self.is_long:
            return step_loops(language, self.recording, self.plain)
        return _step_body(language, self.named)

    def run_body(self, language: Language) -> list[str]:
        """Return the body of the function of a run."""
        if self.is_long:
            return run_loops(language, self.recording, self.plain)
        return _run_body(language, self.named)

    @property
    def is_long(self) -> bool:
        """Whether it is written as loops."""
        return sum(register.op is not None for register in self.plain.linear.registers) > LINES


def to_c(program: Writable) -> str:
    """Return C11 with ``autodiff_step`` and ``autodiff_run``; it needs libm alone."""
    parts, title = program.named, program.title
    step = [
        "double autodiff_step(const double *parameters, const double *inputs, double *gradients) {",
        *_indented(
            C, _used(C, "parameters inputs gradients", [*program.step_body(C), "return output;"])
        ),
        "}",
    ]
    if parts.inputs:
        heading = (
            "void autodiff_run(long n, long row_count, long batch_size, const double *rows,\n"
            "                  double *parameters, double *outputs) {"
        )
    else:
        heading = "void autodiff_run(long n, double *parameters, double *outputs) {"
    arrays = "parameters rows" if parts.inputs else "parameters"
    run = [heading, *_indented(C, _used(C, arrays, program.run_body(C))), "}"]
    about = _about(
        C,
        parts,
        title,
        [
            "double autodiff_step(parameters, inputs, gradients)",
            "    returns the output and fills gradients, in the order below.",
            heading.replace("void ", "", 1).replace(" {", "").replace("\n", "\n//"),
            "    does n iterations with updates; parameters keep the result."
            + (" One output a batch." if parts.inputs else " One output an iteration."),
            "",
            "cc -std=c11 -O2 -ffp-contract=off program.c -lm",
            "(with contraction of multiply-adds the last bits differ from the Python engine's)",
        ],
    )
    helpers = helper_functions(C, _operations(parts))
    return "\n".join([*about, "", "#include <math.h>", "", *helpers, *step, "", *run]) + "\n"


def to_javascript(program: Writable, functions: Functions | None = None) -> str:
    """Return a JavaScript file with functions ``step`` and ``run``, exported under node.

    ``functions`` are more of them: see :meth:`autodiff.Program.to_javascript`.
    """
    parts, title = program.named, program.title
    if functions is not None and not isinstance(functions, Mapping):
        raise TypeError(f"to_javascript needs a dict of functions, but got {describe(functions)}")
    step = [
        "function step(parameters, inputs, gradients) {",
        *_indented(JAVASCRIPT, [*program.step_body(JAVASCRIPT), "return output;"]),
        "}",
    ]
    extra = "rowCount, batchSize, rows, " if parts.inputs else ""
    heading = f"function run(n, {extra}parameters, outputs) {{"
    run = [heading, *_indented(JAVASCRIPT, program.run_body(JAVASCRIPT)), "}"]
    operations, evaluations, usage = _operations(parts), [], []
    for name, values in (functions or {}).items():
        _check_function(name, values)
        evaluated = _evaluated(parts, values)
        operations += [r.op for r in evaluated.linear.registers if r.op is not None]
        evaluations += [*_evaluation(name, evaluated, values), ""]
        usage += [
            f"{name}(parameters, inputs, outputs)",
            "    fills outputs; a comment there says with what.",
        ]
    about = _about(
        JAVASCRIPT,
        parts,
        title,
        [
            "step(parameters, inputs, gradients)",
            "    returns the output and fills gradients, in the order below.",
            f"run(n, {extra}parameters, outputs)",
            "    does n iterations with updates; parameters keep the result."
            + (" One output a batch." if parts.inputs else " One output an iteration."),
            *usage,
            "All arguments but numbers are arrays (Float64Array, say), filled in place.",
        ],
    )
    helpers = helper_functions(JAVASCRIPT, operations)
    exported = ", ".join(["step", "run", *(functions or {})])
    export = f'if (typeof module !== "undefined") module.exports = {{ {exported} }};'
    lines = [*about, "", '"use strict";', "", *helpers, *step, "", *run, "", *evaluations, export]
    return "\n".join(lines) + "\n"


def _check_function(name: str, values: Mapping[str, Value]) -> None:
    if not isinstance(name, str) or identifier(name) != name:
        raise ValueError(f"to_javascript: {describe(name)} cannot be the name of a function")
    if not isinstance(values, Mapping):
        raise TypeError(
            f"to_javascript: {name} needs a dict of descriptions and Values, "
            f"but got {describe(values)}"
        )
    for description, value in values.items():
        if not isinstance(value, Value):
            raise TypeError(
                f"to_javascript: {name} needs a Value for {description!r}, "
                f"but got {describe(value)}"
            )


def _evaluated(parts: Parts, values: Mapping[str, Value]) -> Parts:
    """Return the program's leaves with the registers of other Values that depend on them."""
    linear = Linear()
    for leaf in (*parts.variables, *parts.inputs):
        register = parts.linear.registers[parts.linear.of_value[leaf]]
        linear.leaf(register.kind, leaf, register.name)
    for description, value in values.items():
        try:
            linear.lower(value)
        except KeyError as error:
            raise ValueError(
                f"to_javascript: {description!r} depends on {error.args[0]!r}, "
                "which the program does not have"
            ) from None
    return replace(parts, linear=linear)


def _evaluation(name: str, parts: Parts, values: Mapping[str, Value]) -> list[str]:
    writer = Writer(JAVASCRIPT, parts.linear)
    places = [parts.linear.of_value[value] for value in values.values()]
    live = parts.linear.live(places)
    body = _leaves(writer, parts, set(live))
    body += writer.block(live, places)
    for index, (description, place) in enumerate(zip(values, places, strict=True)):
        comment = f"  {JAVASCRIPT.comment} {one_line(description)}"
        body.append(f"outputs[{index}] = {writer.text(place)};{comment}")
    return [
        f"function {name}(parameters, inputs, outputs) {{",
        *_indented(JAVASCRIPT, body),
        "}",
    ]


def _operations(parts: Parts) -> list[Operation]:
    """Return the operations that the functions do."""
    results = [parts.output, *parts.gradients.values(), *update_results(parts)]
    registers = [parts.linear.registers[place] for place in parts.linear.live(results)]
    return [register.op for register in registers if register.op is not None]


def _indented(language: Language, lines: Iterable[str]) -> list[str]:
    return [f"{language.indent}{line}" if line else "" for line in lines]


def _about(language: Language, parts: Parts, title: str, usage: list[str]) -> list[str]:
    """Return the comment that heads the file: what it is, and where every number is."""
    lines = [
        one_line(title),
        "",
        *usage,
        "",
        *_listed("parameters", parts.variables, parts),
        *_listed("inputs", parts.inputs, parts),
        *_listed("gradients", parts.gradients, parts),
    ]
    return [f"{language.comment} {line}".rstrip() for line in lines]


def _listed(array: str, leaves: Iterable[Value], parts: Parts) -> list[str]:
    """Return a line for each place of an array: whose number it is."""
    registers = [parts.linear.registers[parts.linear.of_value[leaf]] for leaf in leaves]
    return [
        f"{array}[{index}]  {one_line(register.name)}" for index, register in enumerate(registers)
    ]


def _declared(language: Language, name: str) -> str:
    """Return the declaration of a variable that changes."""
    return f"double {name}" if language is C else f"let {name}"


def _leaves(writer: Writer, parts: Parts, needed: set[int]) -> list[str]:
    """Return the statements that read the parameters and inputs that are needed."""
    return [
        *_read(writer, "parameters[{}]", parts.variables, needed),
        *_read(writer, "inputs[{}]", parts.inputs, needed),
    ]


def _read(writer: Writer, cell: str, leaves: Iterable[Value], needed: set[int]) -> list[str]:
    """Return the statements that read the leaves that are needed from their cells of an array."""
    return [
        writer.language.statement(writer.names[place], cell.format(index))
        for index, leaf in enumerate(leaves)
        if (place := writer.linear.of_value[leaf]) in needed
    ]


def _step_body(language: Language, parts: Parts) -> list[str]:
    writer = Writer(language, parts.linear)
    results = [parts.output, *parts.gradients.values()]
    live = parts.linear.live(results)
    lines = _leaves(writer, parts, set(live))
    lines += writer.block(live, results)
    for index, place in enumerate(parts.gradients.values()):
        lines.append(f"gradients[{index}] = {writer.text(place)};")
    lines.append(language.statement("output", writer.text(parts.output)))
    return lines


def _used(language: Language, arrays: str, lines: list[str]) -> list[str]:
    """Return lines of C that use these arrays: if they do nothing with one, it is on purpose."""
    code = [line.partition(language.comment)[0] for line in lines]
    unused = [a for a in arrays.split() if not any(f"{a}[" in line for line in code)]
    return [*[f"(void){array};" for array in unused], *lines]


def _run_body(language: Language, parts: Parts) -> list[str]:
    return (_rows_loop if parts.inputs else _plain_loop)(language, parts)


def _loop(language: Language, name: str, limit: str, step: str = "1") -> str:
    kind = "long" if language is C else "let"
    return f"for ({kind} {name} = 0; {name} < {limit}; {name} += {step}) {{"


def _plain_loop(language: Language, parts: Parts) -> list[str]:
    writer = Writer(language, parts.linear)
    live = parts.linear.live([parts.output, *update_results(parts)])
    output = writer.text(parts.output)
    body = _leaves(writer, parts, set(live))
    body += writer.block(live, ())
    if parts.penalty is not None:
        output = f"{output} + {writer.text(parts.penalty)}"
    body += [f"outputs[iteration] = {output};", *_assignments(writer, parts)]
    return [_loop(language, "iteration", "n"), *_indented(language, body), "}"]


def _assignments(writer: Writer, parts: Parts) -> list[str]:
    """Return the statements that store the variables' new numbers, all computed before."""
    lines = []
    for index, variable in enumerate(parts.variables):
        if variable in parts.updates:
            lines.append(f"parameters[{index}] = {writer.text(parts.updates[variable])};")
    return lines


def _rows_loop(language: Language, parts: Parts) -> list[str]:
    plan = plan_rows(parts)
    writer = Writer(language, parts.linear)
    sums = {leaf: f"sum__{writer.names[place]}" for leaf, place in plan.means.items()}

    needed = {*plan.before, *plan.rows, *plan.after}
    before = _read(writer, "parameters[{}]", parts.variables, needed)
    before += writer.block(plan.before, ())
    cell = f"rows[row * {len(parts.inputs)} + {{}}]"
    inside = _read(writer, cell, parts.inputs, needed)
    inside += writer.block(plan.rows, ())
    inside.append(f"sum__output += {writer.text(parts.output)};")
    inside += [f"{total} += {writer.text(parts.gradients[leaf])};" for leaf, total in sums.items()]
    after = [
        language.statement(writer.names[place], f"{sums[leaf]} / count__rows")
        for leaf, place in plan.means.items()
    ]
    after += writer.block(plan.after, ())
    output = "sum__output / count__rows"
    if parts.penalty is not None:
        output = f"{output} + {writer.text(parts.penalty)}"
    after += [f"outputs[batch] = {output};", "batch += 1;", *_assignments(writer, parts)]

    row_count, batch_size = ("row_count", "batch_size")
    if language is not C:
        row_count, batch_size = "rowCount", "batchSize"
    whole = "long" if language is C else "let"
    stop = f"start + {batch_size} < {row_count} ? start + {batch_size} : {row_count}"
    cast = "(double)" if language is C else ""
    batch = [
        *before,
        f"{whole} stop = {stop};",
        language.statement("count__rows", f"{cast}(stop - start)"),
        *[f"{_declared(language, name)} = 0.0;" for name in ("sum__output", *sums.values())],
        f"for ({whole} row = start; row < stop; row += 1) {{",
        *_indented(language, inside),
        "}",
        *after,
    ]
    epoch = [_loop(language, "start", row_count, batch_size), *_indented(language, batch), "}"]
    return [
        f"{whole} batch = 0;",
        _loop(language, "iteration", "n"),
        *_indented(language, epoch),
        "}",
    ]
