"""Machine code gives the bits of the eager pass, is refused and interrupted cleanly, and cached."""

from __future__ import annotations

import math
import os
import random
import signal
import stat
import subprocess
import sys
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import nn
from autodiff import Program, Value, compile
from autodiff.compiler import native, object_cache
from autodiff.ops import Operation
from autodiff.value import constant
from demos.lab import LAB
from tests.bits import all_bits, bits
from tests.random_graphs import Recipe, built, recipes, tame_recipes, wild_recipes

pytest.importorskip("llvmlite", reason="the native engine needs llvmlite")

ROOT = Path(__file__).parents[1]


def take_gradients(gradients: Mapping[Value, Value]) -> dict[Value, Any]:
    """An update that leaves every variable with its gradient."""
    return dict(gradients)


def no_slope(_out: float, _x: float) -> tuple[float]:
    return (0.0,)


def native_output_and_gradients(recipe: Recipe) -> tuple[float, list[float]]:
    nodes = built(recipe)
    program = compile(nodes[-1], updates=take_gradients, engine="native")
    (output,) = program.run(1)
    return output, [variable.data for variable in program.variables]


def eager_output_and_gradients(recipe: Recipe) -> tuple[float, list[float]]:
    nodes = built(recipe)
    order = compile(nodes[-1]).variables
    nodes[-1].backward()
    return nodes[-1].data, [variable.grad for variable in order]


@settings(max_examples=60)
@given(recipe=wild_recipes() | tame_recipes())
def test_random_graphs_have_the_eager_bits_as_scalars(recipe: Recipe) -> None:
    output, gradients = native_output_and_gradients(recipe)
    wanted, wanted_gradients = eager_output_and_gradients(recipe)
    assert bits(output) == bits(wanted)
    assert all_bits(gradients) == all_bits(wanted_gradients)


# Inputs that are not used may have a constant's number.
@pytest.mark.filterwarnings("ignore::autodiff.DecisionWarning")
@settings(max_examples=40)
@given(
    recipe=recipes(st.floats()) | tame_recipes(),
    rows=st.lists(st.tuples(*[st.floats()] * 3), min_size=1, max_size=19),
    batch_size=st.integers(1, 19),
)
def test_random_graphs_over_rows_have_the_python_engines_bits_in_lanes(
    recipe: Recipe, rows: list[tuple[float, ...]], batch_size: int
) -> None:
    results = []
    for engine in ("python", "native"):
        nodes = built(recipe)
        parameter = Value(0.75, "parameter")
        inputs = [node for node in nodes if node.op is None and not node.is_constant]
        root = nodes[-1] * parameter + parameter
        program = compile(root, inputs=inputs, updates=take_gradients, engine=engine)
        outputs = program.run(2, [row[: len(inputs)] for row in rows], batch_size)
        results.append((all_bits(outputs), bits(parameter.data)))
    assert results[0] == results[1]


def trained_xor(engine: str, epochs: int) -> tuple[list[float], dict[str, Any]]:
    model = nn.MLP(2, [4, 1], activation="sigmoid", output_activation="sigmoid")
    model.load_state_dict(LAB.initial_weights)
    optimizer = nn.SGD(model.parameters(), lr=LAB.learning_rate)
    history = nn.fit(model, LAB.x, LAB.y, optimizer=optimizer, epochs=epochs, engine=engine)
    return history.losses, model.state_dict()


@pytest.mark.unmeasured
def test_the_labs_20000_epochs_have_the_eager_bits() -> None:
    assert trained_xor("native", 20_000) == trained_xor("eager", 20_000)


def test_the_labs_epoch_as_one_graph_has_the_eager_bits() -> None:
    model = nn.MLP(2, [4, 1], activation="sigmoid", output_activation="sigmoid")
    model.load_state_dict(LAB.initial_weights)
    optimizer = nn.SGD(model.parameters(), lr=0.1)
    loss = nn.mse_loss([model(row) for row in LAB.x], LAB.y)
    outputs = compile(loss, updates=optimizer.updates, engine="native").run(500)
    found = model.state_dict()
    model.load_state_dict(LAB.initial_weights)
    for output in outputs:
        loss = nn.mse_loss([model(row) for row in LAB.x], LAB.y)
        assert bits(output) == bits(loss.data)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert found == model.state_dict()


def two_clouds(rows: int) -> tuple[list[list[float]], list[float]]:
    rng = random.Random(11)
    y = [1.0 if place % 2 else -1.0 for place in range(rows)]
    return [[target * 0.7 + rng.gauss(0, 1), rng.gauss(0, 1)] for target in y], y


def half_of_squares(parameters: list[Value]) -> Value:
    total = parameters[0] * parameters[0]
    for parameter in parameters[1:]:
        total = total + parameter * parameter
    return 1e-4 * total


@pytest.mark.parametrize("rows", [100, 96, 7, 1])
@pytest.mark.parametrize("batch_size", [None, 10])
def test_a_relu_network_over_rows_has_the_eager_bits(rows: int, batch_size: int | None) -> None:
    x, y = two_clouds(rows)
    results = []
    for engine in ("eager", "native"):
        model = nn.MLP(2, [16, 16, 1], rng=3)
        history = nn.fit(
            model,
            x,
            y,
            loss=nn.hinge_loss,
            optimizer=nn.SGD(model.parameters(), lr=0.1),
            epochs=20 if rows == 100 and batch_size is None else 5,
            penalty=half_of_squares,
            batch_size=batch_size,
            shuffle=5 if batch_size else None,
            engine=engine,
        )
        results.append((history.losses, model.state_dict()))
    assert results[0] == results[1]


@pytest.mark.parametrize("make", [nn.Adam, nn.AdamW, nn.SGD])
def test_each_optimizers_memory_has_the_eager_bits(make: Any) -> None:
    results = []
    for engine in ("eager", "native"):
        model = nn.MLP(2, [3, 1], activation="tanh", rng=1)
        extra = {"momentum": 0.9, "nesterov": True} if make is nn.SGD else {}
        optimizer = make(model.parameters(), lr=0.01, **extra)
        x, y = two_clouds(11)
        nn.fit(model, x, y, optimizer=optimizer, epochs=30, batch_size=4, engine=engine)
        state = [variable.data for variable in optimizer.state]
        results.append((model.state_dict(), state))
    assert results[0] == results[1]


def chain(length: int) -> tuple[Value, Value]:
    x = Value(0.5, "x")
    node = x
    for step in range(length):
        node = (node * x).tanh() if step % 7 == 0 else node * 0.99 + x
    return x, node


@pytest.mark.parametrize("length", [10, 2_000])
def test_a_program_split_into_several_functions_has_the_eager_bits(length: int) -> None:
    x, root = chain(length)
    program = compile(root, updates=take_gradients, engine="native")
    assert bits(program.run(1)[0]) == bits(root.data)
    found = x.data
    x.data = 0.5
    root.backward()
    assert bits(found) == bits(x.grad)


def test_what_depends_on_no_input_is_computed_once_a_batch_with_the_eager_bits() -> None:
    rows = [(0.5, 1.0), (-1.5, 2.0), (3.0, -0.25)]
    scale, x, target = Value(0.3, "scale"), Value(0.0, "x"), Value(0.0, "target")
    loss = (scale.exp() * x - target) ** 2
    program = compile(loss, (x, target), updates=take_gradients, engine="native")
    (mean,) = program.run(1, rows)

    losses, slopes = [], []
    for x.data, target.data in rows:
        twin = Value(0.3)
        loss = (twin.exp() * x - target) ** 2
        loss.backward()
        losses.append(loss.data)
        slopes.append(twin.grad)
    assert bits(mean) == bits((losses[0] + losses[1] + losses[2]) / 3.0)
    # take_gradients puts the mean gradient into the variable's place.
    assert bits(scale.data) == bits((slopes[0] + slopes[1] + slopes[2]) / 3.0)


def test_a_program_over_rows_split_into_several_functions_has_the_python_bits() -> None:
    results = []
    for engine in ("python", "native"):
        x, root = chain(1_500)
        w = Value(0.25, "w")
        program = compile(root * w, inputs=[x], updates=take_gradients, engine=engine)
        outputs = program.run(1, [[0.1 * row] for row in range(13)])
        results.append((all_bits(outputs), bits(w.data)))
    assert results[0] == results[1]


def test_an_engine_that_was_asked_for_is_the_one_that_runs() -> None:
    root = Value(2.0) * 3.0
    assert compile(root).engine == compile(root, engine="python").engine == "python"
    assert compile(root, engine="native").engine == compile(root, engine="auto").engine == "native"


def test_one_too_large_is_refused_with_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(native, "MOST_OPERATIONS", 5)
    _, root = chain(10)
    with pytest.raises(ValueError, match=r"operations; native code .* over rows"):
        _ = compile(root, engine="native").runner
    assert compile(root, engine="auto").engine == "python"


def test_an_operation_that_only_python_can_compute_goes_to_python_under_auto() -> None:
    lookup = Operation("lookup", "lookup", 1, {0.5: 1.0}.__getitem__, no_slope)
    root = Value.make_node(lookup, Value(0.5))
    with pytest.raises(ValueError, match="lookup"):
        _ = compile(root, engine="native").runner
    program = compile(root, engine="auto")
    assert program.engine == "python"
    assert program.run(1) == [1.0]


def test_without_llvmlite_native_says_what_to_install_and_auto_uses_python() -> None:
    code = """
import sys
sys.modules["llvmlite"] = None
from autodiff import Value, compile
x = Value(2.0)
program = compile(x * x, engine="auto")
print(program.engine, program.run(1))
try:
    compile(x * x, engine="native").runner
except ImportError as error:
    print(error)
"""
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=True
    )
    first, second = done.stdout.splitlines()
    assert first == "python [4.0]"
    assert 'pip install ".[native]"' in second
    assert "engine='python'" in second


def test_ctrl_c_during_a_long_run_stops_it_at_a_whole_iteration() -> None:
    steps = Value(0.0, "steps")
    program = compile(steps * 1.0, updates=lambda _: {steps: steps + 1.0}, engine="native")
    program.run(1)
    timer = threading.Timer(0.5, os.kill, (os.getpid(), signal.SIGINT))
    timer.start()
    with pytest.raises(KeyboardInterrupt):
        program.run(10**12)
    timer.join()
    assert steps.data == math.floor(steps.data) > 1_000


def test_outputs_of_every_batch_are_averaged_as_the_python_engine_does() -> None:
    x, y = two_clouds(10)
    rows = [(*row, target) for row, target in zip(x, y, strict=True)]
    losses = []
    for engine in ("python", "native"):
        model = nn.Neuron(2, nonlin=False, rng=1)
        inputs = [Value(1.0), Value(2.0)]
        target = Value(0.0)
        loss = nn.mse_loss([model(inputs)], [target])
        program = compile(loss, inputs=[*inputs, target], engine=engine)
        losses.append(program.run(3, rows, 4))
    assert losses[0] == losses[1]


# --------------------------------------------------------------------------------------------
# The cache
# --------------------------------------------------------------------------------------------


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "cache"
    monkeypatch.setenv(object_cache.CACHE_SETTING, str(folder))
    return folder


def small_program() -> Program:
    x = Value(3.0, "x")
    return compile((x * x).sigmoid() + constant(2.0), updates=take_gradients, engine="native")


def test_nothing_is_kept_on_disk_unless_a_folder_is_set(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(object_cache.CACHE_SETTING, raising=False)
    monkeypatch.chdir(tmp_path)
    small_program().run(1)
    object_cache.store_object("key", b"code")
    assert object_cache.load_object("key") is None
    assert list(tmp_path.iterdir()) == []


def test_a_kept_program_is_loaded_and_gives_the_same_bits(
    cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = small_program().run(2)
    assert len(list(cache.iterdir())) == 1
    loaded: list[bool] = []
    load = native.load_object

    def watched(key: str) -> bytes | None:
        code = load(key)
        loaded.append(code is not None)
        return code

    monkeypatch.setattr(native, "load_object", watched)
    assert all_bits(small_program().run(2)) == all_bits(first)
    assert loaded == [True]


@pytest.mark.parametrize("damage", ["truncated", "flipped", "empty", "foreign"])
def test_a_damaged_file_is_ignored_and_replaced(cache: Path, damage: str) -> None:
    first = small_program().run(2)
    (path,) = cache.iterdir()
    whole = path.read_bytes()
    flipped = whole[:-9] + bytes([whole[-9] ^ 1]) + whole[-8:]
    damaged = {
        "truncated": whole[:-20],
        "flipped": flipped,
        "empty": b"",
        "foreign": b"\x7fELF" + whole,
    }
    path.write_bytes(damaged[damage])
    assert all_bits(small_program().run(2)) == all_bits(first)
    assert path.read_bytes() == whole


@pytest.mark.skipif(not hasattr(os, "getuid"), reason="needs file permissions of POSIX")
def test_nothing_is_run_from_a_folder_or_file_that_others_may_write(cache: Path) -> None:
    small_program().run(1)
    (path,) = cache.iterdir()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(cache.stat().st_mode) == 0o700
    key_file = path.name
    for place, mode in ((cache, 0o777), (path, 0o666)):
        original = stat.S_IMODE(place.stat().st_mode)
        place.chmod(mode)
        # What is there would crash the process if it ran.
        content = path.read_bytes()
        assert object_cache._is_private(place) is False
        place.chmod(original)
        assert path.read_bytes() == content
        assert path.name == key_file


@pytest.mark.skipif(not hasattr(os, "getuid"), reason="needs file permissions of POSIX")
def test_a_folder_that_others_may_write_is_neither_read_nor_written(cache: Path) -> None:
    cache.mkdir()
    cache.chmod(0o777)
    small_program().run(1)
    assert list(cache.iterdir()) == []


def test_a_cache_that_cannot_be_written_is_no_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    occupied = tmp_path / "file"
    occupied.write_text("in the way")
    monkeypatch.setenv(object_cache.CACHE_SETTING, str(occupied / "cache"))
    assert small_program().run(1)
    assert occupied.read_text() == "in the way"


def test_a_cache_in_the_home_of_a_user_without_one_is_no_error(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv(object_cache.CACHE_SETTING, "~a user that is not here/cache")
    assert small_program().run(1)
