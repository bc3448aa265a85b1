"""A program as one self-contained file of C or JavaScript."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace

from autodiff.compiler.build import Parts, Recording, update_results
from autodiff.compiler.languages import JAVASCRIPT, C, Language, helper_functions, identifier
from autodiff.compiler.linear import Linear
from autodiff.compiler.loops import Body, evaluation_loops, run_loops, step_loops
from autodiff.compiler.pack_names import names_of
from autodiff.compiler.text import one_line
from autodiff.ops import Operation
from autodiff.support.convert import describe
from autodiff.value import Value

__all__ = ["OWN", "Functions", "Writable", "to_c", "to_javascript"]

# What a program's JavaScript has of its own.
OWN = ("step", "run")

# More parameters than these are not listed by name.
MOST_LISTED = 10_000

# Functions of JavaScript by name: what each writes into its outputs, in order, by description.
Functions = Mapping[str, Mapping[str, Value]]


@dataclass(frozen=True, slots=True)
class Writable:
    """What a file is made of.

    ``unguarded`` are the parts without the guards of the rows, where these can wait: see
    ``guard.py``.
    """

    recording: Recording
    parts: Parts
    title: str
    unguarded: Parts | None = None


def to_c(program: Writable) -> str:
    """Return C11 with ``autodiff_step`` and ``autodiff_run``; it needs libm alone."""
    parts, title = program.parts, program.title
    names = names_of(program.recording, parts)
    heading = (
        "double autodiff_step(const double *parameters, const double *inputs, double *gradients)"
    )
    body = step_loops(C, parts, names)
    step = _function(C, heading, _used("parameters inputs gradients", body))
    heading = "void autodiff_run(long n, double *parameters, double *outputs)"
    if parts.inputs:
        heading = (
            "void autodiff_run(long n, long row_count, long batch_size, const double *rows,\n"
            "                  double *parameters, double *outputs)"
        )
    body = run_loops(C, parts, names)
    run = _function(C, heading, _used("parameters rows" if parts.inputs else "parameters", body))
    about = _about(
        C,
        parts,
        names,
        title,
        [
            "double autodiff_step(parameters, inputs, gradients)",
            "    returns the output and fills gradients, in the order below.",
            heading.replace("void ", "", 1).replace("\n", "\n//"),
            "    does n iterations with updates; parameters keep the result."
            + (" One output a batch." if parts.inputs else " One output an iteration."),
            "",
            "cc -std=c11 -O2 -ffp-contract=off program.c -lm",
            "(with contraction of multiply-adds the last bits differ from the Python engine's)",
        ],
        parts.gradients,
    )
    helpers = helper_functions(C, _operations(parts))
    return "\n".join([*about, "", "#include <math.h>", "", *helpers, *step, *run])


def to_javascript(
    program: Writable, functions: Functions | None = None, own: Collection[str] = OWN
) -> str:
    """Return a JavaScript file with functions ``step`` and ``run``, exported under node.

    ``functions`` are more of them, and ``own`` says which of these two are wanted: see
    :meth:`autodiff.Program.to_javascript`.
    """
    parts, title = program.parts, program.title
    names = names_of(program.recording, parts)
    if functions is not None and not isinstance(functions, Mapping):
        raise TypeError(f"to_javascript needs a dict of functions, but got {describe(functions)}")
    unknown = sorted({*own} - {*OWN})
    if unknown or isinstance(own, str):
        raise ValueError(f"to_javascript: own is of {', '.join(OWN)}, but got {describe(own)}")
    extra = "rowCount, batchSize, rows, " if parts.inputs else ""
    lines, usage = [], []
    if "step" in own:
        body = step_loops(JAVASCRIPT, parts, names)
        lines += _function(JAVASCRIPT, "function step(parameters, inputs, gradients)", body)
        usage += [
            "step(parameters, inputs, gradients)",
            "    returns the output and fills gradients, in the order below.",
        ]
    if "run" in own:
        lines += _run(program, names, extra)
        usage += [
            f"run(n, {extra}parameters, outputs)",
            "    does n iterations with updates; parameters keep the result."
            + (" One output a batch." if parts.inputs else " One output an iteration."),
        ]
    operations = _operations(parts) if own else []
    for name, values in (functions or {}).items():
        _check_function(name, values)
        evaluated = _evaluated(parts, values)
        operations += [r.op for r in evaluated.linear.registers if r.op is not None]
        results = {text: evaluated.linear.of_value[value] for text, value in values.items()}
        body = evaluation_loops(JAVASCRIPT, evaluated, names, name, results)
        lines += _function(JAVASCRIPT, f"function {name}(parameters, inputs, outputs)", body)
        usage += [
            f"{name}(parameters, inputs, outputs)",
            "    fills outputs; a comment there says with what.",
        ]
    about = _about(
        JAVASCRIPT,
        parts,
        names,
        title,
        [
            *usage,
            "All arguments but numbers are arrays (Float64Array, say), filled in place.",
        ],
        parts.gradients if "step" in own else (),
    )
    helpers = helper_functions(JAVASCRIPT, operations)
    exported = ", ".join([*[name for name in OWN if name in own], *(functions or {})])
    export = f'if (typeof module !== "undefined") module.exports = {{ {exported} }};'
    return "\n".join([*about, "", '"use strict";', "", *helpers, *lines, export]) + "\n"


def _run(program: Writable, names: Mapping[int, str], extra: str) -> list[str]:
    """Return JavaScript's ``run``: without guards, and with them once that makes a difference."""
    arguments = f"n, {extra}parameters, outputs"
    guarded, unguarded = program.parts, program.unguarded
    if unguarded is None:
        body = run_loops(JAVASCRIPT, guarded, names)
        return _function(JAVASCRIPT, f"function run({arguments})", body)
    inside = [
        "const before = Float64Array.from(parameters);",
        f"run__unguarded({arguments});",
        "if (!parameters.some(Number.isNaN)) return;",
        "before.forEach((number, k) => { parameters[k] = number; });",
        f"run__guarded({arguments});",
    ]
    short = names_of(program.recording, unguarded)
    bodies = {
        "run__unguarded": run_loops(JAVASCRIPT, unguarded, short, "run__unguarded"),
        "run__guarded": run_loops(JAVASCRIPT, guarded, names, "run__guarded"),
        "run": Body(inside),
    }
    return [
        line
        for name, body in bodies.items()
        for line in _function(JAVASCRIPT, f"function {name}({arguments})", body)
    ]


def _function(language: Language, heading: str, body: Body) -> list[str]:
    """Return the lines of a function, behind those of the functions that it calls."""
    inside = [f"{language.indent}{line}" if line else "" for line in body.lines]
    return [*body.called, f"{heading} {{", *inside, "}", ""]


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
    linear = Linear(single_steps=True)
    for leaf in (*parts.inputs, *parts.variables):
        linear.leaf(parts.linear.registers[parts.linear.of_value[leaf]].kind, leaf, "")
    for description, value in values.items():
        try:
            linear.lower(value)
        except KeyError as error:
            raise ValueError(
                f"to_javascript: {description!r} depends on {error.args[0]!r}, "
                "which the program does not have"
            ) from None
    return replace(parts, linear=linear, gradients={}, updates={}, means={})


def _operations(parts: Parts) -> list[Operation]:
    """Return the operations that the functions do."""
    results = [parts.output, *parts.gradients.values(), *update_results(parts)]
    registers = [parts.linear.registers[place] for place in parts.linear.live(results)]
    return [register.op for register in registers if register.op is not None]


def _about(
    language: Language,
    parts: Parts,
    names: Mapping[int, str],
    title: str,
    usage: list[str],
    gradients: Iterable[Value],
) -> list[str]:
    """Return the comment that heads the file: what it is, and where every number is."""
    lines = [
        one_line(title),
        "",
        *usage,
        "",
        *_listed("parameters", parts.variables, parts, names),
        *_listed("inputs", parts.inputs, parts, names),
        *_listed("gradients", gradients, parts, names),
    ]
    return [f"{language.comment} {line}".rstrip() for line in lines]


def _listed(
    array: str, leaves: Iterable[Value], parts: Parts, names: Mapping[int, str]
) -> list[str]:
    """Return a line for each place of an array: whose number it is; one line if there are many."""
    leaves = list(leaves)
    if len(leaves) > MOST_LISTED and array == "parameters":
        return [f"{array}  {len(leaves):,} numbers, in the order of the program's variables"]
    listed = [names[parts.linear.of_value[leaf]] for leaf in leaves]
    return [f"{array}[{index}]  {one_line(name)}" for index, name in enumerate(listed)]


def _used(arrays: str, body: Body) -> Body:
    """Return a body in C that uses these arrays: if it does nothing with one, it is on purpose."""
    code = [line.partition(C.comment)[0] for line in body.lines]
    unused = [a for a in arrays.split() if not any(f"{a}[" in line for line in code)]
    return Body([*[f"(void){array};" for array in unused], *body.lines], body.called)
