"""Where a gradient comes from, and why it is zero, missing or nan."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from html import escape

from autodiff.debug.paths import Path, largest_paths, number_of_paths
from autodiff.debug.program import Program
from autodiff.debug.reasons import REASONS, why_missing
from autodiff.debug.routes import Route, routes_of
from autodiff.debug.situation import Situation, equation, made_in
from autodiff.debug.steps import Step
from autodiff.debug.uses import uses_on_the_way
from autodiff.graph import leaves_and_interior
from autodiff.support.changed import recomputed
from autodiff.support.convert import describe
from autodiff.support.naming import Names, name_of, names_in_program, number_text, shown
from autodiff.support.node import number_of
from autodiff.support.passes import check_data
from autodiff.value import Value

__all__ = ["Explanation", "explain"]

SHOWN_USES = 12
SHOWN_NOTES = 6
ROUTES_LINE = "through your functions; each list adds up to the number above it"
HEADINGS = ("used in", "chain rule", "upstream × local", "contribution")
NUMERIC = 'style="text-align: right"'


@dataclass(frozen=True, repr=False)
class Explanation:
    """What :func:`autodiff.explain` returns. It shows itself in a terminal and in a notebook.

    =================  =======================================================================
    ``value``, ``of``  what is explained: d of / d value
    ``number``         what value's number is with the numbers of now
    ``gradient``       what the chain rule gives with the numbers of now; None if there is none
    ``steps``          one :class:`~autodiff.Step` for each use of value on a way to ``of``; none
                       for a use by what nothing reaches
    ``notes``          why it is zero, missing, not finite, or not what ``value.grad`` says
    ``paths``          the largest products along whole paths, if they were asked for
    ``path_count``     how many paths there are, if they were asked for
    ``routes``         its parts by the user's functions that it comes through, where these were
                       recorded: see :func:`autodiff.record_source`
    ``names``          the names of the graph of ``of``
    =================  =======================================================================
    """

    value: Value
    of: Value
    number: float
    gradient: float | None
    steps: tuple[Step, ...]
    notes: tuple[str, ...]
    paths: tuple[Path, ...]
    path_count: int | None
    routes: tuple[Route, ...]
    names: Names = field(compare=False)

    @property
    def title(self) -> str:
        """What is explained, with its number."""
        number = "none" if self.gradient is None else shown(self.gradient)
        return f"d {self.names[self.of]}/d {name_in(self.names, self.value)} = {number}"

    @property
    def subtitle(self) -> str:
        """What value is: its formula or its number, and where it was made."""
        name = name_in(self.names, self.value)
        number = number_text(self.number)
        if self.value in self.names and self.value.op is not None:
            number = f"{self.names.formula(self.value)} = {number}"
        return f"{name} = {number}{made_in(self.value)}"

    @property
    def rows(self) -> list[tuple[str, str, str, str]]:
        """The uses as text, the largest first if there are many: see ``HEADINGS``.

        Several that did not take the value are one row, the last.
        """
        steps = self.told
        if len(steps) > SHOWN_USES:
            steps = sorted(steps, key=size, reverse=True)[:SHOWN_USES]
        rows = [row_of(step, self.names, self.names[self.of]) for step in steps]
        others = len(self.steps) - len(self.told)
        if others:
            name = name_in(self.names, self.value)
            rows.append((f"{others:,} uses", f"did not take {name}", "", "nothing"))
        return rows

    @property
    def told(self) -> Sequence[Step]:
        """The uses that have a row of their own if there is room."""
        taken = [step for step in self.steps if step.taken]
        return taken if len(self.steps) - len(taken) > 1 else self.steps

    @property
    def sum_line(self) -> str:
        """How many uses there are, and their sum."""
        if not self.steps:
            return ""
        uses = "1 use" if len(self.steps) == 1 else f"{len(self.steps):,} uses"
        more = ", of which the largest are shown" if len(self.told) > SHOWN_USES else ""
        return f"sum of {uses}{more}: {shown(self.steps[-1].total)}"

    @property
    def paths_line(self) -> str:
        """How many paths there are, and how many of them are listed."""
        if self.path_count is None:
            return ""
        count = self.path_count
        number = f"{count:,}" if count < 10**15 else f"about 10^{math.floor(math.log10(count))}"
        paths = "1 path" if count == 1 else f"{number} paths"
        if not self.paths:
            return f"{paths}, along which nothing flows"
        return paths if len(self.paths) == count else f"{paths}, the largest products"

    def __str__(self) -> str:
        lines = [self.title, f"  {self.subtitle}"]
        if self.steps:
            lines += [f"  {line}" for line in aligned(self.rows)]
            lines.append(f"  {self.sum_line}")
        if self.routes:
            lines += [ROUTES_LINE, *[f"  {line}" for each in self.routes for line in each.lines()]]
        if self.path_count is not None:
            lines += [self.paths_line, *[f"  {path}" for path in self.paths]]
        return "\n".join([*lines, *[f"! {note}" for note in self.notes]])

    __repr__ = __str__

    def _repr_html_(self) -> str:
        """Return it as a table, for a notebook."""
        parts = [f"<p><b>{escape(self.title)}</b><br>{escape(self.subtitle)}</p>"]
        if self.steps:
            heads = "".join(f'<th scope="col">{heading}</th>' for heading in HEADINGS)
            rows = "".join(map(html_row, self.rows))
            foot = f'<tr><th scope="row" colspan="4" {NUMERIC}>{escape(self.sum_line)}</th></tr>'
            parts.append(
                f"<table><thead><tr>{heads}</tr></thead><tbody>{rows}</tbody>"
                f"<tfoot>{foot}</tfoot></table>"
            )
        if self.routes:
            items = "".join(route.html() for route in self.routes)
            parts.append(f"<p>{escape(ROUTES_LINE)}</p><ul>{items}</ul>")
        if self.path_count is not None:
            items = "".join(f"<li>{escape(str(path))}</li>" for path in self.paths)
            parts.append(f"<p>{escape(self.paths_line)}</p><ol>{items}</ol>")
        if self.notes:
            items = "".join(f"<li>{escape(note)}</li>" for note in self.notes)
            parts.append(f"<ul>{items}</ul>")
        return "".join(parts)


def explain(value: Value, of: Value, *, paths: bool = False, most_paths: int = 5) -> Explanation:
    """Return where the gradient d of / d value comes from: print it, or end a notebook cell in it.

    It is the sum over value's uses of upstream gradient x local derivative, with the numbers of
    now: where some have changed since the graph was computed (``w.data -= ...``), with the results
    that they give.  Where it is zero, missing, not finite, or another number than ``value.grad``,
    notes say why, and they say what has changed.  With ``paths=True`` the ``most_paths`` largest
    products along whole paths are listed.  It changes no number, and calls no hooks.

    Where ``record_source`` has seen the forward pass, it is told which parts come through which
    calls of the user's functions, the largest first.  A path counts for the first call of a place
    that it passes, so each list adds up to what is above it.  The uses are the pass's own
    contributions, bit for bit; those parts are sums of floats in an order of their own, so they are
    right to some 15 digits of the number above.

    Raises TypeError if one is no Value, ValueError if ``of`` is a constant.

    >>> w, x = Value(0.5, "w"), Value(-2.0, "x")
    >>> loss = (w * x + w) ** 2
    >>> loss.label = "loss"
    >>> loss.backward()
    >>> explain(w, of=loss, paths=True)
    d loss/d w = 1
      w = 0.5
      v4 = v3 + w   d loss/d v4 × d v4/d w   -1 × 1    =  -1
      v3 = w * x    d loss/d v3 × d v3/d w   -1 × -2   =  2
      sum of 2 uses: 1
    2 paths
      w → v3 → v4 → loss:  -2 × 1 × -1 = 2
      w → v4 → loss:  1 × -1 = -1
    >>> explain(loss, of=loss).notes
    ('the chain rule starts at loss: its gradient by itself is 1',)
    """
    for argument in (value, of):
        if not isinstance(argument, Value):
            raise TypeError(
                f"explain needs Values, but got {describe(argument)}: a number does not know how "
                "it was computed, so leave out the .data, .item() or sum of numbers that made it"
            )
    if of.is_constant:
        raise ValueError(f"explain of {of!r}: a constant has no gradient by anything")
    check_data(of)
    leaves, interior = leaves_and_interior(of)
    order = [*leaves, *interior]
    program = Program([*order, value])
    names = Names(of, {**names_in_program(order), **program.called})
    if value.is_constant:
        note = (
            f"{name_of(value)} is a constant, which gets no gradient; Value(...) makes a variable"
        )
        return Explanation(value, of, number_of(value), None, (), (note,), (), None, (), names)
    if value not in names:
        notes = tuple(why_missing(value, of, order, program))
        return Explanation(value, of, number_of(value), None, (), notes, (), None, (), names)
    with recomputed(order) as changes:
        uses = uses_on_the_way(value, of, interior)
        steps = tuple(uses.steps[value])
        gradient = 1.0 if value is of else steps[-1].total if steps else 0.0
        found: tuple[Path, ...] = ()
        path_count = None
        if paths:
            found = tuple(largest_paths(value, of, order, uses.steps, names, most_paths))
            path_count = number_of_paths(value, of, order, uses.users)
        case = Situation(value, of, order, names, changes, uses, gradient, program)
        notes = tuple(limited(note for reason in REASONS for note in reason(case)))
        routes = routes_of(value, order, uses.steps)
        return Explanation(
            *(value, of, value.data, gradient, steps, notes, found, path_count, routes, names)
        )


def limited(notes: Iterable[str]) -> Iterator[str]:
    """Yield the first notes, and that there are more."""
    for place, note in enumerate(notes):
        if place == SHOWN_NOTES:
            yield "and so on: there are more of these"
            return
        yield note


# ---- As text --------------------------------------------------------------------------------


def name_in(names: Names, value: Value) -> str:
    """Return what a Value is called in a graph, or by itself if it is not in it."""
    if value in names:
        return names[value]
    return value.name or names.called.get(value) or name_of(value)


def size(step: Step) -> float:
    """Return how large a contribution is; a nan comes first."""
    return math.inf if math.isnan(step.contribution) else abs(step.contribution)


def row_of(step: Step, names: Names, root: str) -> tuple[str, str, str, str]:
    """Return a use as text: the user, the chain rule with names, with numbers, the product."""
    node, parent = names[step.node], names[step.parent]
    if not step.taken:
        return equation(step.node, names), f"did not take {parent}", "", "nothing"
    return (
        equation(step.node, names),
        f"d {root}/d {node} × d {node}/d {parent}",
        f"{shown(step.upstream)} × {shown(step.local)}",
        shown(step.contribution),
    )


def aligned(rows: list[tuple[str, str, str, str]]) -> list[str]:
    """Return rows as lines with aligned columns."""
    widths = [max(len(row[column]) for row in rows) for column in range(3)]
    return [
        "   ".join(text.ljust(width) for text, width in zip(row, widths, strict=False))
        + f"   =  {row[3]}"
        for row in rows
    ]


def html_row(row: tuple[str, str, str, str]) -> str:
    use, rule, numbers, contribution = map(escape, row)
    return (
        f"<tr><td>{use}</td><td>{rule}</td><td {NUMERIC}>{numbers}</td>"
        f"<td {NUMERIC}>{contribution}</td></tr>"
    )
