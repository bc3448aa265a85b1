"""Packs that share their lanes are one loop: which are, and that it changes no bit."""

from __future__ import annotations

from collections.abc import Callable, Collection

import pytest

import nn
from autodiff import Value, compile
from autodiff.compiler import fusion, llvm_functions, native
from autodiff.compiler.fusion import in_groups
from autodiff.compiler.layout import Call, Layout
from autodiff.compiler.llvm import assembly_of
from autodiff.compiler.packs import Pack, packs_of
from tests.bits import all_bits
from tests.engines import needs_llvmlite
from tests.test_packs import total, variables

pytestmark = needs_llvmlite

Updates = Callable[[list[Value], list[Value]], dict[Value, Value]]


@pytest.fixture(params=[8, 4, 2], ids=str)
def loops(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Make loops of the smallest program, for several widths of vectors."""
    for limit in ("WRITTEN_OUT", "WRITTEN_OUT_OF_ROWS", "WRITTEN_OUT_LOOP"):
        monkeypatch.setattr(llvm_functions, limit, -1)
    monkeypatch.setattr(fusion, "FEWEST_LANES", 2)
    monkeypatch.setattr(native, "lanes", lambda: request.param)
    monkeypatch.setattr(native, "exp_width", lambda: 0)


def fused_calls(monkeypatch: pytest.MonkeyPatch) -> list[Call]:
    """Return the list that all calls of several formulas, from now on, are put into."""
    found: list[Call] = []

    def noted(layout: Layout, *group: Pack, kept: Collection[int] = ()) -> list[Call]:
        calls = place(layout, *group, kept=kept)
        found.extend([call for call in calls if len(call.kernel.formulas) > 1])
        return calls

    place = Layout.place
    monkeypatch.setattr(Layout, "place", noted)
    return found


def test_an_optimizers_packs_are_one_group_after_what_they_read() -> None:
    w, x = variables("w", 80), variables("x", 80)
    loss = total([(a * b).tanh() for a, b in zip(w, x, strict=True)])
    parts = compile(loss, updates=nn.Adam(w, lr=0.1).updates).expanded
    ends = {parts.output, *parts.updates.values()}
    found = packs_of(parts.linear, parts.linear.live(ends), ends)
    groups = in_groups(found)
    nodes = [dict(zip(pack.results, pack.operands, strict=True)) for pack in found]
    grouped = [
        dict(zip(pack.results, pack.operands, strict=True)) for group in groups for pack in group
    ]
    assert sorted(nodes, key=min) == sorted(grouped, key=min)  # if in another order
    largest = max(groups, key=len)
    # tanh, its slope times x, the mean, the mean square, and the new weight.
    assert len(largest) >= 4
    assert {place for pack in largest for place in pack.results} >= {
        parts.updates[weight] for weight in w
    }
    done: set[int] = set()
    computed = {place for pack in found for place in pack.results}
    for group in groups:
        for pack in group:
            read = {place for operands in pack.operands for place in operands}
            assert read.intersection(computed) <= done
            done.update(pack.results)


def test_a_gradient_that_nothing_else_reads_is_never_in_memory(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    calls = fused_calls(monkeypatch)
    w, x = variables("w", 256), variables("x", 16)
    hidden = [total([w[16 * row + k] * x[k] for k in range(16)]).tanh() for row in range(16)]
    loss = total([h * h for h in hidden])
    parts = compile(loss, updates=nn.Adam(w, lr=0.1).updates).expanded
    assembly_of(parts, 8)
    assert calls
    for call in calls:
        *before, last = call.kernel.formulas
        assert last.written
        assert any(place < 0 for place in last.places)  # a result of one before
        assert not all(formula.written for formula in before)


def own(a: list[Value], b: list[Value]) -> dict[Value, Value]:
    """Return updates that read what the same lane has computed, and keep both."""
    moved = [one * other + 0.5 for one, other in zip(a, b, strict=True)]
    return {
        **dict(zip(a, moved, strict=True)),
        **{other: other - one.tanh() for one, other in zip(moved, b, strict=True)},
    }


def neighbours(a: list[Value], b: list[Value]) -> dict[Value, Value]:
    """Return updates that read what the next lane has computed."""
    moved = [one * other + 0.5 for one, other in zip(a, b, strict=True)]
    after = [*moved[1:], moved[0]]
    return {
        **dict(zip(a, moved, strict=True)),
        **{other: other - one.tanh() for one, other in zip(after, b, strict=True)},
    }


def both(a: list[Value], b: list[Value]) -> dict[Value, Value]:
    """Return updates that read a lane's number, and then the one before it."""
    moved = [one * other + 0.5 for one, other in zip(a, b, strict=True)]
    before = [moved[-1], *moved[:-1]]
    return {
        **dict(zip(a, moved, strict=True)),
        **{
            other: other - one.tanh() * two
            for one, two, other in zip(moved, before, b, strict=True)
        },
    }


def old_neighbours(a: list[Value], b: list[Value]) -> dict[Value, Value]:
    """Return updates of which the first read old numbers that the last replace, lanes apart."""
    moved = [one * other + 0.5 for one, other in zip(a, [*b[1:], b[0]], strict=True)]
    return {
        **dict(zip(a, moved, strict=True)),
        **{other: other - one.tanh() for one, other in zip(moved, b, strict=True)},
    }


def backwards(a: list[Value], b: list[Value]) -> dict[Value, Value]:
    """Return updates that read the lanes in reverse, so that their numbers are copied."""
    moved = [one * other + 0.5 for one, other in zip(a, b, strict=True)]
    return {
        **dict(zip(a, moved, strict=True)),
        **{other: other - one.tanh() for one, other in zip(moved[::-1], b, strict=True)},
    }


def half_alone(a: list[Value], b: list[Value]) -> dict[Value, Value]:
    """Return updates of which sums of two shapes make the numbers of one pack."""
    count = len(a) // 2
    long = [total([a[k], b[k], a[k - 1], b[k - 1], a[k - 2]]) for k in range(count)]
    short = [a[k] * b[k - 1] for k in range(count, len(a))]
    moved = [*long, *short]
    return {
        **dict(zip(a, moved, strict=True)),
        **{other: other - one.tanh() for one, other in zip(moved, b, strict=True)},
    }


def long_sums(a: list[Value], b: list[Value]) -> dict[Value, Value]:
    """Return updates by sums whose terms are a loop, several of them side by side."""
    moved = [total([one * other for other in b[:24]]) for one in a]
    return {
        **dict(zip(a, moved, strict=True)),
        **{other: other - one.tanh() * 0.01 for one, other in zip(moved, b, strict=True)},
    }


UPDATES: list[Updates] = [
    *(own, neighbours, both, old_neighbours, backwards, half_alone, long_sums),
]


@pytest.mark.usefixtures("loops")
@pytest.mark.parametrize("count", [5, 24, 75, 136])
@pytest.mark.parametrize("updates", UPDATES)
def test_fused_loops_have_pythons_bits(updates: Updates, count: int) -> None:
    found = []
    for engine in ("python", "native"):
        a, b = variables("a", count), variables("b", max(count, 24))[:count]
        loss = total([one * other for one, other in zip(a, b, strict=True)])
        program = compile(loss, updates=lambda _, a=a, b=b: updates(a, b), engine=engine)  # type: ignore[misc]
        outputs = program.run(3)
        found.append(all_bits([*outputs, *[variable.data for variable in (*a, *b)]]))
    assert found[0] == found[1]


@pytest.mark.usefixtures("loops")
@pytest.mark.parametrize("make", [nn.SGD, nn.Adam, nn.AdamW, nn.RMSprop])
def test_optimizers_have_pythons_bits_as_fused_loops(make: Callable[..., nn.Optimizer]) -> None:
    found = []
    for engine in ("python", "native"):
        w, x = variables("w", 120), variables("x", 12)
        hidden = [total([w[12 * row + k] * x[k] for k in range(12)]).tanh() for row in range(10)]
        penalty = total([weight * weight for weight in w])
        loss = total([h * h for h in hidden]) + 0.01 * penalty
        program = compile(loss, updates=make(w, lr=0.01).updates, engine=engine)
        outputs = program.run(4)
        found.append(all_bits([*outputs, *[variable.data for variable in program.variables]]))
    assert found[0] == found[1]


@pytest.mark.usefixtures("loops")
def test_the_output_is_a_variables_number_of_before_its_update() -> None:
    a = variables("a", 24)
    program = compile(a[3], updates=lambda _: {one: 2.0 * one for one in a}, engine="native")
    before = a[3].data
    assert program.run(3) == [before, 2.0 * before, 4.0 * before]
    starts = [[float(k + place) for place in range(24)] for k in range(3)]
    place = program.variables.index(a[3])
    for start, (outputs, _) in zip(starts, program.run_many(2, starts), strict=True):
        assert [*outputs] == [start[place], 2.0 * start[place]]
