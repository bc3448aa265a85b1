"""Picks as loads and as additions at a place: the bits of the eager engine on every engine."""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pytest

from autodiff import Value, compile, draw, exp, log, pick, relu
from autodiff.compiler import ShapedProgram
from autodiff.compiler.by_place import AddedAt, adding_at
from autodiff.compiler.repeats import RowRecording
from autodiff.compiler.shapes import program_of_shapes
from autodiff.ops import PICK, picked
from tests.bits import all_bits
from tests.engines import InC, InJavaScript, checked, each_program, needs_cc, needs_node

Vector = list[Value]
Table = list[Vector]


def pick_at(index: Any, values: Sequence[Any]) -> Value:
    """Return the pick of any index: ``pick`` refuses what is no place, which a program may get."""
    return PICK.apply(index, *values)  # type: ignore[no-any-return]


def table_of(rows: int, columns: int) -> Table:
    rng = random.Random(rows)
    return [
        [Value(rng.gauss(0.0, 1.0), f"table[{row}][{column}]") for column in range(columns)]
        for row in range(rows)
    ]


# ---- losses of a table and indexes -------------------------------------------------------------


def embeddings(table: Table, indexes: Vector) -> Value:
    """Each token's row, as a GPT reads it."""
    total = Value(0.0, "start") * 1.0
    for index in indexes:
        row = [pick_at(index, column) for column in zip(*table, strict=True)]
        total = total + sum(number * number for number in row)
    return total


def tied(table: Table, indexes: Vector) -> Value:
    """The table embeds, and is the last layer: its values have other contributions before."""
    row = [pick_at(indexes[0], column) for column in zip(*table, strict=True)]
    logits = [sum(w * x for w, x in zip(weights, row, strict=True)) for weights in table]
    return log(sum(map(exp, logits))) - pick_at(indexes[1], logits)  # type: ignore[no-any-return]


def twice_in_a_list(table: Table, indexes: Vector) -> Value:
    a, b, *_ = [number for row in table for number in row]
    found = [pick_at(index, [b, a * b, a, b]) for index in indexes]
    return sum(x * (place + 1.5) for place, x in enumerate(found))  # type: ignore[return-value]


def other_lists(table: Table, indexes: Vector) -> Value:
    """Lists that share some of their values, and constants."""
    (a, b), (c, d), *_ = table
    found = [
        pick_at(indexes[0], [a, b, c]),
        pick_at(indexes[1], [c, 2.0, a]),
        pick_at(indexes[0], [a, b, c]),
        pick_at(indexes[1], [d]),
        pick_at(indexes[1], [a, a, a]),
    ]
    return sum(exp(x) for x in found) + a * d  # type: ignore[return-value]


def picks_of_picks(table: Table, indexes: Vector) -> Value:
    """What one picks, the next picks from: its own gradient may be nothing."""
    row = [pick_at(indexes[0], column) for column in zip(*table, strict=True)]
    chosen = pick_at(indexes[1], [*row, row[0] * row[1], relu(row[0])])
    return exp(pick_at(indexes[0], [chosen, row[0], 1.5, chosen * chosen]))  # type: ignore[no-any-return]


def in_a_relu(table: Table, indexes: Vector) -> Value:
    """A pick that may not be reached itself."""
    row = [pick_at(index, table[0]) for index in indexes]
    return relu(row[0]) * relu(row[1] + table[1][0]) + relu(-row[1])  # type: ignore[no-any-return]


def root_of_picked(table: Table, indexes: Vector) -> Value:
    """The root's slope at 0 is infinite: 0 times that is nan, where nothing is nothing."""
    roots = [(number * 0.0) ** 0.5 + number for number in table[0]]
    return pick_at(indexes[0], [roots[0], table[1][0]])


def at_known_places(table: Table, indexes: Vector) -> Value:
    """Picks by numbers, before and behind one by a variable: the order of their sums is kept."""
    a, b = table[0][0], table[1][0]
    found = [pick_at(1.0, [a, b]), pick_at(indexes[0], [a, b]), pick_at(0.0, [b, a])]
    return sum(exp(x * (place + 1.3)) for place, x in enumerate([*found, b]))  # type: ignore[return-value]


LOSSES: dict[str, Callable[[Table, Vector], Value]] = {
    loss.__name__: loss
    for loss in (
        *(embeddings, tied, twice_in_a_list, other_lists, picks_of_picks, in_a_relu),
        *(root_of_picked, at_known_places),
    )
}
each_loss = pytest.mark.parametrize("name", LOSSES)

PLACES = [(0.0, 1.0), (2.0, 2.0), (1.0, 0.0), (-0.0, 3.0)]
NO_PLACES = [
    (3.0, 0.0),
    (-1.0, 1.0),
    (0.5, 2.0),
    (math.nan, 1.0),
    (math.inf, 0.0),
    (1.0, -math.inf),
]
INDEXES = [*PLACES, *NO_PLACES, (1e300, 2.0**53), (5e-324, 0.0)]


def descent(gradients: Mapping[Value, Value]) -> dict[Value, Value]:
    return {variable: variable - gradient / 8.0 for variable, gradient in gradients.items()}


class Trial:
    """A loss of a table and two indexes: the variables, their numbers, and the eager steps."""

    def __init__(self, name: str) -> None:
        self.loss = LOSSES[name]
        self.table = table_of(3, 2)
        self.weights = [number for row in self.table for number in row]
        self.start = [weight.data for weight in self.weights]
        self.indexes = [Value(0.0, "i"), Value(1.0, "j")]
        self.output = self.loss(self.table, self.indexes)

    def assign(self, indexes: Sequence[float]) -> None:
        for value, number in zip(
            [*self.weights, *self.indexes], [*self.start, *indexes], strict=True
        ):
            value.data = number

    def eager(self, rows: Sequence[Sequence[float]], n: int) -> list[float]:
        """Return the mean losses of n batches of these rows, and then the weights."""
        self.assign(rows[0])
        losses = []
        for _ in range(n):
            total, sums = 0.0, [0.0] * len(self.weights)
            for row in rows:
                for weight in self.weights:
                    weight.zero_grad()
                loss = self.loss(self.table, [Value(number) for number in row])
                loss.backward()
                total += loss.data
                sums = [s + w.grad for s, w in zip(sums, self.weights, strict=True)]
            losses.append(total / len(rows))
            for weight, gradient in zip(self.weights, sums, strict=True):
                weight.data -= gradient / len(rows) / 8.0
        return [*losses, *[weight.data for weight in self.weights]]


def only_weights(trial: Trial) -> Callable[[Mapping[Value, Value]], dict[Value, Value]]:
    return lambda gradients: descent({w: gradients[w] for w in trial.weights if w in gradients})


# ---- engines -----------------------------------------------------------------------------------


@each_loss
@each_program
def test_an_iteration_has_the_eager_bits_at_every_place_and_at_none(name: str, engine: str) -> None:
    trial = Trial(name)
    program = checked(compile(trial.output, updates=only_weights(trial), engine=engine))
    for indexes in INDEXES:
        trial.assign(indexes)
        found = [*program.run(1), *[weight.data for weight in trial.weights]]
        assert all_bits(found) == all_bits(trial.eager([indexes], 1)), indexes


@each_loss
@each_program
@pytest.mark.parametrize("size", [1, 3, 8, 11])
def test_rows_have_the_eager_bits(name: str, engine: str, size: int) -> None:
    """Lanes of one vector pick different places."""
    trial = Trial(name)
    program = compile(
        trial.output, inputs=trial.indexes, updates=only_weights(trial), engine=engine
    )
    rng = random.Random(size)
    for rows in (
        [rng.choice(PLACES) for _ in range(size)],
        [rng.choice(INDEXES) for _ in range(size)],
    ):
        trial.assign(rows[0])
        found = [*program.run(2, rows), *[weight.data for weight in trial.weights]]
        assert all_bits(found) == all_bits(trial.eager(rows, 2)), rows


@each_loss
@each_program
def test_shapes_have_the_eager_bits(name: str, engine: str) -> None:
    trial = Trial(name)

    def recordings() -> list[RowRecording]:
        return [RowRecording(trial.output, trial.indexes, None, trial.weights)]

    program = program_of_shapes(trial.weights, descent, None, recordings, engine)
    for rows in (PLACES, INDEXES):
        trial.assign(rows[0])
        losses = program.run(2, [(0, row) for row in rows], len(rows))
        found = [*losses, *[weight.data for weight in trial.weights]]
        assert all_bits(found) == all_bits(trial.eager(rows, 2))


@each_loss
@each_program
def test_many_networks_have_the_bits_of_one(name: str, engine: str) -> None:
    trial = Trial(name)
    program = compile(
        trial.output, inputs=trial.indexes, updates=only_weights(trial), engine=engine
    )
    rng = random.Random(7)
    starts = [[rng.gauss(0.0, 1.0) for _ in program.variables] for _ in range(5)]
    together = program.run_many(2, starts, PLACES)
    for start, (losses, last) in zip(starts, together, strict=True):
        for variable, number in zip(program.variables, start, strict=True):
            variable.data = number
        alone = program.run(2, PLACES)
        assert all_bits(losses) == all_bits(alone)
        assert all_bits(last) == all_bits([variable.data for variable in program.variables])


@each_loss
@pytest.mark.parametrize(
    "engine", [pytest.param(InC, marks=needs_cc), pytest.param(InJavaScript, marks=needs_node)]
)
def test_files_of_other_languages_have_the_bits_of_python(name: str, engine: Any) -> None:
    trial = Trial(name)
    program = compile(trial.output, updates=only_weights(trial))
    over_rows = compile(trial.output, inputs=trial.indexes, updates=only_weights(trial))
    ours, theirs = engine(program), engine(over_rows)
    exact = name not in ("tied", "other_lists", "picks_of_picks") or engine is InC
    for indexes in INDEXES:
        trial.assign(indexes)
        start = [variable.data for variable in program.variables]
        found = ours.run(1, start)
        wanted = [*program.run(1), *[variable.data for variable in program.variables]]
        assert_alike([*found.outputs, *found.parameters], wanted, exact)
    for rows in (PLACES, INDEXES):
        trial.assign(rows[0])
        start = [variable.data for variable in over_rows.variables]
        found = theirs.run_rows(2, start, rows, len(rows))
        wanted = [*over_rows.run(2, rows), *[variable.data for variable in over_rows.variables]]
        assert_alike([*found.outputs, *found.parameters], wanted, exact)


def assert_alike(found: list[float], wanted: list[float], exact: bool) -> None:
    """Compare bits; JavaScript has an ``exp`` of its own."""
    if exact:
        assert all_bits(found) == all_bits(wanted)
    else:
        assert found == pytest.approx(wanted, rel=1e-12, nan_ok=True)


# ---- what it is made of ------------------------------------------------------------------------


def test_additions_at_places_are_those_of_a_list() -> None:
    assert AddedAt(3)(2.0, 5.0, 0.0, 1.0, 2.0, 0.25, 1.0, 1.0, 1.0) == [2.0, 1.0, 6.25]
    assert AddedAt(2)(2.0, 5.0, -1.0, 5.0, 0.5, 5.0, math.nan, 5.0, 1.0, -0.0) == [1.0, -0.0]


def test_additions_at_places_have_no_rule() -> None:
    with pytest.raises(NotImplementedError, match="in a program alone"):
        adding_at(2).partials(0.0, 0.0)


def test_an_embedding_is_one_operation_a_number_whatever_the_table_is_long() -> None:
    """And its gradient is one register a column: no choice for each row of the table."""
    counts = []
    for rows in (5, 50):
        table, indexes = table_of(rows, 4), [Value(0.0, "i"), Value(1.0, "j")]
        program = compile(embeddings(table, indexes), inputs=indexes, updates=dict)
        linear = checked(program).expanded.linear
        names = [register.op.name for register in linear.registers if register.op]
        counts.append((names.count("pick"), len(names)))
        assert names.count(f"add_at_{rows}") == 4
    assert counts[0] == counts[1] == (8, counts[0][1])


def test_loops_say_what_is_picked_and_where_it_is_added() -> None:
    table, indexes = table_of(5, 4), [Value(0.0, "i"), Value(1.0, "j")]
    lines = compile(embeddings(table, indexes), inputs=indexes).loops
    assert "pick_of: 4 × pick(i, [5 × table])" in lines
    assert any(line.startswith("d_table: 4 × 5 × sum of 2 × ") for line in lines)


def test_a_pick_by_a_known_index_is_the_value() -> None:
    table = table_of(3, 1)
    column = [row[0] for row in table]
    program = compile(pick(2, column) * 3.0, updates=descent)
    assert len(program.expanded.linear.registers) < 20
    assert not any(r.op is PICK for r in program.expanded.linear.registers)
    program()
    assert [value.grad for value in column] == [0.0, 0.0, 3.0]
    assert picked(1.0, 4.0, 5.0) == 5.0


@each_program
def test_shapes_take_guards_once_they_matter(engine: str) -> None:
    """The root that was not picked has an infinite slope: with a guard its gradient is nothing."""
    trial, made = Trial("root_of_picked"), []

    def recordings() -> list[RowRecording]:
        made.append(1)
        return [RowRecording(trial.output, trial.indexes, None, trial.weights)]

    program = program_of_shapes(trial.weights, descent, None, recordings, engine)
    trial.assign((1.0, 0.0))
    (loss,) = program.run(1, [(0, (1.0, 0.0))], 1)
    found = [loss, *[weight.data for weight in trial.weights]]
    assert all_bits(found) == all_bits(trial.eager([(1.0, 0.0)], 1))
    assert len(made) == 2
    assert isinstance(program, ShapedProgram)


def test_a_picture_of_loops_shows_the_numbers_of_additions_at_places() -> None:
    """The gradient of a sum of picked rows: how often each is picked, 0, 2 and 1 times."""
    table, indexes = table_of(3, 2), [Value(1.0, "i"), Value(1.0, "j"), Value(2.0, "k")]
    found = [pick_at(index, column) for index in indexes for column in zip(*table, strict=True)]
    program = compile(sum(found))  # type: ignore[arg-type]
    source = draw(program, fold="pack").source
    assert "2 × 3 × sum of 3 × 1.0 at …\\l|value −0 … 2\\l" in source
