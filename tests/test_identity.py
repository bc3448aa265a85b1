"""Programs of the same machine code, and only these, are found to be the same from their graphs."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

import nn
from autodiff import Program, Value, compile, maximum, relu, where
from autodiff.compiler import identity, native, object_cache
from autodiff.compiler.identity import identity_of
from autodiff.ops import MUL, OPERATIONS, Operation
from tests.bits import all_bits

Gradients = Mapping[Value, Value]


def variables(*names: str) -> list[Value]:
    return [Value(0.5 + place, name) for place, name in enumerate(names)]


def downhill(rate: float) -> Callable[[Gradients], dict[Value, Value]]:
    def updates(gradients: Gradients) -> dict[Value, Value]:
        return {variable: variable - rate * g for variable, g in gradients.items()}

    return updates


def reversed_downhill(gradients: Gradients) -> dict[Value, Value]:
    return dict(reversed(downhill(0.1)(gradients).items()))


def plain(
    formula: Callable[[Value, Value], Value] = lambda a, b: a * b + 2.0,
    names: tuple[str, str] = ("a", "b"),
    updates: Callable[[Gradients], Mapping[Value, Value]] | None = None,
) -> Program:
    return compile(formula(*variables(*names)), updates=updates or downhill(0.1))


def over_rows(penalty: float = 0.0, inputs: tuple[int, int] = (0, 1)) -> Program:
    x, y, w = variables("x", "y", "w")
    cost = penalty * w * w if penalty else None
    given = [(x, y)[place] for place in inputs]
    return compile((w * x - y) ** 2, given, updates=downhill(0.1), penalty=cost)


def one_without_updates() -> Program:
    return compile(maximum(*variables("a", "b")))


DIFFERENT: dict[str, Callable[[], Program]] = {
    "a product and a sum": plain,
    "another operation": lambda: plain(lambda a, b: a / b + 2.0),
    "operands the other way round": lambda: plain(lambda a, b: 2.0 + a * b),
    "another constant": lambda: plain(lambda a, b: a * b + 3.0),
    "the other zero": lambda: plain(lambda a, b: a * b - 0.0),
    "a zero": lambda: plain(lambda a, b: a * b - -0.0),
    "the same constant twice": lambda: plain(lambda a, b: a * b + 2.0 * 2.0),
    "a variable twice": lambda: plain(lambda a, _: a * a + 2.0),
    "another rate": lambda: plain(updates=downhill(0.2)),
    "updates in another order": lambda: plain(updates=reversed_downhill),
    "updates of nothing": lambda: plain(updates=lambda _: {}),
    "variables of one matrix": lambda: plain(names=("a[0]", "a[1]")),
    "no updates": one_without_updates,
    "rows": over_rows,
    "rows whose numbers come in another order": lambda: over_rows(inputs=(1, 0)),
    "rows with a penalty": lambda: over_rows(penalty=0.5),
}


def test_programs_of_other_machine_code_have_other_identities() -> None:
    found = {name: identity_of(make().recording) for name, make in DIFFERENT.items()}
    assert len({*found.values()}) == len(DIFFERENT)
    assert all(found.values())


@pytest.mark.parametrize("name", DIFFERENT)
def test_the_same_program_has_the_same_identity_whatever_its_variables_numbers(name: str) -> None:
    program = DIFFERENT[name]()
    again = DIFFERENT[name]()
    for variable in again.variables:
        variable.data += 1.0
    assert identity_of(again.recording) == identity_of(program.recording)


def test_names_alone_make_no_other_program() -> None:
    assert identity_of(plain(names=("c", "d")).recording) == identity_of(plain().recording)


def test_what_an_operation_of_ones_own_does_is_not_known() -> None:
    own = Operation("own", "own", 2, lambda a, b: a * b, MUL.partials)
    assert identity_of(plain(own.apply).recording) == ""
    twin = Operation("mul", "*", 2, MUL.forward, MUL.partials)
    assert OPERATIONS["mul"] is not twin
    assert identity_of(plain(twin.apply).recording) == ""


def test_without_its_own_sources_no_program_is_known(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Path, "glob", lambda *_: iter(()))
    identity._sources.cache_clear()
    try:
        assert identity_of(plain().recording) == ""
    finally:
        identity._sources.cache_clear()


# ---- Machine code that is kept --------------------------------------------------------------


def relu_network() -> Program:
    """Return a program that does without guards as long as it can."""
    model = nn.MLP(2, [4, 1], rng=3)
    x, y, target = variables("x", "y", "target")
    loss = nn.mse_loss([model([x, y])], [target])
    return compile(loss, [x, y, target], nn.SGD(model.parameters(), lr=0.1).updates, engine="auto")


def relu_of_root() -> Program:
    """Return one whose gradient is nan without guards where x is 0: the root's slope is inf."""
    w, x = variables("w", "x")
    return compile(relu((w * x).sqrt() - 1.0) + w * w, [x], downhill(0.1), engine="native")


def sigmoids() -> Program:
    """Return one that calls ``exp`` of vectors."""
    each = variables(*[f"w[{place}]" for place in range(16)])
    return compile(sum((w.sigmoid() for w in each), each[0]), (), downhill(0.5), engine="native")


ROWS = [[0.5, -1.0, 2.0], [1.5, 0.25, -1.0], [-2.0, 1.0, 0.5]]

KEPT: dict[str, tuple[Callable[[], Program], list[list[float]] | None]] = {
    "relu network": (relu_network, ROWS),
    "nan without guards": (relu_of_root, [[1.0], [0.0]]),
    "exp of vectors": (sigmoids, None),
}


@pytest.mark.parametrize("name", KEPT)
def test_a_program_whose_machine_code_is_kept_runs_without_being_built(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("llvmlite", reason="the native engine needs llvmlite")
    make, rows = KEPT[name]
    uncached = make()
    expected = uncached.run(3, rows)
    monkeypatch.setenv(object_cache.CACHE_SETTING, str(tmp_path))
    assert all_bits(make().run(3, rows)) == all_bits(expected)
    built: list[object] = []
    programs = importlib.import_module("autodiff.compiler.program")
    build = programs.build

    def watched(*arguments: object, **named: bool) -> object:
        built.append(named)
        return build(*arguments, **named)

    monkeypatch.setattr(programs, "build", watched)
    kept = make()
    assert all_bits(kept.run(3, rows)) == all_bits(expected)
    assert kept.engine == "native"
    weights = [[variable.data for variable in each.variables] for each in (kept, uncached)]
    assert all_bits(weights[0]) == all_bits(weights[1])
    # Guards are made once they matter.
    assert len(built) == (2 if name == "nan without guards" else 0)
    assert len(kept) == len(uncached)


def test_kept_code_that_calls_what_is_not_there_any_more_is_made_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("llvmlite", reason="the native engine needs llvmlite")
    monkeypatch.setenv(object_cache.CACHE_SETTING, str(tmp_path))
    expected = sigmoids().run(3)
    monkeypatch.setattr(native, "exp_width", lambda: 0)
    program = sigmoids()
    assert all_bits(program.run(3)) == all_bits(expected)
    assert isinstance(program.runner, native.NativeRunner)
    assert program.runner.code.exp_width == 0


def test_nothing_is_looked_for_where_no_folder_is_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(object_cache.CACHE_SETTING, raising=False)
    assert native.key_of(plain().recording) == ""


def test_a_choice_of_ones_own_is_kept_by_its_machine_code(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("llvmlite", reason="the native engine needs llvmlite")
    monkeypatch.setenv(object_cache.CACHE_SETTING, str(tmp_path))
    own = Operation("own_product", "own_product", 2, MUL.forward, MUL.partials)
    for _ in range(2):
        a, b = variables("a", "b")
        program = compile(where(a, own.apply(a, b), b), updates=downhill(0.1), engine="native")
        assert program.run(1) == [0.75]
        assert len(list(tmp_path.iterdir())) == 1
