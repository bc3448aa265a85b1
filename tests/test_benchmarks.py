"""The benchmarks' contenders do the same job, and what is missing is named. No durations here."""

from __future__ import annotations

import gc
import math
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import pytest

from autodiff import Value, compile, topological_order
from benchmarks import (
    compare,
    engines,
    gpt_eager,
    gpt_peers,
    growth,
    many,
    moons,
    ready,
    scalars,
    turns,
    wide,
    xor,
)
from benchmarks.c import build, compiler_version
from benchmarks.compare import (
    FIGURES,
    Contender,
    check_same_job,
    figures_table,
    installed,
    make_installed,
)
from benchmarks.interleave import Run, calls_in_turns, median_seconds, table
from benchmarks.stored_derivatives import Value as Peer
from benchmarks.turns import Worker, check_same_numbers, seconds_in_turns
from demos.lab import LAB

pytestmark = [pytest.mark.thorough, pytest.mark.unmeasured]

# micrograd needs seconds for one step on the moons.
QUICK_MOONS = [contender for contender in moons.CONTENDERS if contender.name != "micrograd"]

# Each job's contenders, how many epochs they run, and by how much they may differ: C in single
# precision, too, has the GPT's document; its losses differ by less than a float32 can tell.
JOBS: dict[str, tuple[Sequence[Contender], int, float]] = {
    "the lab": (xor.CONTENDERS, 20, 1e-12),
    "a wide network": (wide.CONTENDERS, 2, 1e-12),
    "the GPT's document": (gpt_peers.CONTENDERS, 3, 1e-5),
    "moons": (QUICK_MOONS, 3, 1e-12),
}


@pytest.fixture
def nothing_but_gcc_is_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compare, "version_of", nothing)


def nothing(package: str) -> None:
    return None


@pytest.mark.parametrize("job", JOBS)
def test_every_installed_contender_has_the_same_losses_and_goes_on_where_it_stopped(
    job: str,
) -> None:
    contenders, epochs, tolerance = JOBS[job]
    runs = make_installed(contenders)
    check_same_job(runs, epochs, tolerance)
    if job in ("the lab", "moons"):
        for name, run in runs.items():
            first, second = float(run(1)[0]), float(run(1)[0])
            assert second < first, name


def test_every_installed_contender_trains_each_of_many_networks_alike() -> None:
    runs = make_installed(many.CONTENDERS)
    check_same_job(runs, epochs=3, tolerance=1e-12)
    for name, run in runs.items():
        losses = [float(loss) for loss in run(1)]
        assert len(set(losses)) == many.NETWORKS, f"{name}: each network has its own weights"


def test_the_job_is_the_labs() -> None:
    losses = xor.compiled_python()(LAB.log_every + 1)
    assert [f"{losses[0]:.4f}", f"{losses[-1]:.4f}"] == [f"{loss:.4f}" for loss in LAB.losses[:2]]


@pytest.mark.parametrize("first", ["eager Value", "a"])  # or the first, if that is not there
def test_a_contender_with_another_job_is_named(first: str) -> None:
    runs: dict[str, Run] = {first: constant_loss(0.5), "slip": constant_loss(0.5 + 1e-9)}
    with pytest.raises(AssertionError, match="slip does another job"):
        check_same_job(runs, epochs=2, tolerance=1e-12)


def constant_loss(loss: float) -> Run:
    def run(epochs: int) -> list[float]:
        return [loss] * epochs

    return run


@pytest.mark.usefixtures("nothing_but_gcc_is_installed")
def test_peers_that_are_not_installed_are_named_with_how_to_get_them(
    capsys: pytest.CaptureFixture[str],
) -> None:
    runs = make_installed([c for c in xor.CONTENDERS if c.needs != "gcc"])
    assert list(runs) == ["eager Value", "compiled Python"]
    said = capsys.readouterr().out
    for package in ("llvmlite", "micrograd", "torch", "jax", "ddx-ad"):
        assert f"(pip install {package})" in said


def test_c_without_gcc_is_named(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(compare, "compiler_version", partial(nothing, "gcc"))
    assert make_installed([Contender("C", xor.eager, "gcc")]) == {}
    assert capsys.readouterr().out == "C is left out: gcc is not installed\n"


def test_a_figure_is_ok_from_its_factor_on_short_below_and_unmeasured_without_the_peer() -> None:
    seconds = {"eager Value": 1.0, "micrograd": 5.0, "PyTorch eager": 2.4}
    lines = figures_table("XOR epoch", seconds).split("\n")
    verdicts = [line.split("|")[-2].strip() for line in lines]
    assert verdicts[2:4] == ["ok", "short"]
    assert set(verdicts[4:]) == {"not measured"}


def test_every_figure_names_contenders_that_exist() -> None:
    names = {
        "XOR epoch": {contender.name for contender in xor.CONTENDERS},
        "moons step": {contender.name for contender in moons.CONTENDERS},
        "step of 64 neurons": {contender.name for contender in wide.CONTENDERS},
        f"epoch of {many.NETWORKS} networks": {contender.name for contender in many.CONTENDERS},
        "GPT document": {contender.name for contender in gpt_peers.CONTENDERS},
    }
    of_scalars = {contender.name for contender in scalars.CONTENDERS}
    for job in ("GPT step", *[f"{nodes:,} nodes" for nodes in engines.SIZES]):
        names[job] = of_scalars
    for figure in FIGURES:
        assert {figure.ours, figure.against} <= names[figure.job]


def test_the_runs_take_turns() -> None:
    calls: list[str] = []
    jobs = {name: partial(calls.append, name) for name in "ab"}
    calls_in_turns(jobs, turns=3, seconds_a_turn=0.0)
    assert calls[-6:] == ["a", "b", "a", "b", "a", "b"]


def test_what_a_run_sets_the_collectors_thresholds_to_is_for_its_own_turns() -> None:
    seen: dict[str, list[tuple[int, int, int]]] = {"raises": [], "plain": []}
    before = gc.get_threshold()
    jobs = {
        "raises": partial(doubled_threshold, seen["raises"]),
        "plain": partial(noted, seen["plain"]),
    }
    calls_in_turns(jobs, turns=3, seconds_a_turn=0.0)
    firsts = [first for first, _, _ in seen["raises"][:3]]
    assert firsts == [before[0], 2 * before[0], 4 * before[0]]
    assert set(seen["plain"]) == {before}
    assert gc.get_threshold() == before


def noted(seen: list[tuple[int, int, int]]) -> None:
    seen.append(gc.get_threshold())


def doubled_threshold(seen: list[tuple[int, int, int]]) -> None:
    noted(seen)
    first, *others = gc.get_threshold()
    gc.set_threshold(2 * first, *others)


def test_the_time_of_an_epoch_is_the_median_calls_by_its_epochs(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("benchmarks.interleave.calls_in_turns", seconds_of_three_turns)
    assert median_seconds({"a": constant_loss(0.0)}, {"a": 4}) == {"a": 0.5}


def seconds_of_three_turns(jobs: dict[str, object], *_: object) -> dict[str, list[float]]:
    return {name: [50.0, 1.0, 2.0] for name in jobs}


def test_a_table_is_aligned_markdown() -> None:
    assert table([["a", "bc"], ["def", "g"]]) == "| a   | bc |\n|-----|----|\n| def | g  |"


@pytest.mark.parametrize("name", ["the lab", "moons"])
def test_until_a_program_runs_its_sizes_and_stages_are_measured(name: str) -> None:
    pytest.importorskip("llvmlite", reason="the native engine needs llvmlite")
    found = ready.sizes_and_stages(name)
    assert len(found) == len(ready.SIZES) + len(ready.STAGES)
    operations, packs, *_ = found
    program = compile(**ready.JOBS[name]())
    assert operations == sum(r.op is not None for r in program._unguarded.linear.registers)
    assert 0 < packs < operations
    assert ready.until_trained(name) > 0.0


# ---- scalar engines ---------------------------------------------------------------------------


@pytest.fixture(scope="module")
def scalar_contenders() -> list[str]:
    return [contender.name for contender in installed(scalars.CONTENDERS)]


@pytest.mark.parametrize("nodes", [30, 1250])
@pytest.mark.parametrize("operation", engines.OPERATIONS)
@pytest.mark.parametrize("shape", engines.SHAPES)
def test_every_installed_scalar_engine_has_the_same_loss_and_gradients(
    scalar_contenders: list[str], shape: str, operation: str, nodes: int
) -> None:
    found = {name: engines.make(name, shape, operation, str(nodes))() for name in scalar_contenders}
    assert len(found["eager Value"]) == 1 + len(engines.NUMBERS)
    assert any(found["eager Value"][1:])
    check_same_numbers(found, reference="eager Value")


@pytest.mark.parametrize("nodes", engines.SIZES)
@pytest.mark.parametrize("operation", engines.OPERATIONS)
@pytest.mark.parametrize("shape", engines.SHAPES)
def test_a_graph_has_about_as_many_nodes_as_its_size_says(
    shape: str, operation: str, nodes: int
) -> None:
    ours = scalars.scalars_of("eager Value")
    variables = [ours.variable(number) for number in engines.NUMBERS]
    combine = engines.combining(operation, ours, variables)
    link = engines.NODES[operation]
    loss = engines.SHAPES[shape](combine, variables, nodes // link, link)
    assert len(topological_order(loss)) == pytest.approx(nodes, rel=0.05)


def test_a_scalar_job_starts_anew_each_time() -> None:
    job = engines.make("eager Value", "tree", "all five", "50")
    assert job() == job()


def test_every_installed_scalar_engine_trains_the_gpt_alike(scalar_contenders: list[str]) -> None:
    names = [name for name in scalar_contenders if name != "PyTorch eager"]
    jobs = {name: gpt_eager.make(name, "tiny", "3") for name in names}
    for _ in range(2):
        check_same_numbers({name: job() for name, job in jobs.items()}, reference="eager Value")


def test_the_gpt_learns_and_starts_from_no_idea_of_the_next_letter() -> None:
    job = gpt_eager.make("eager Value", "tiny", "2")
    first = job()[:2]
    assert first == pytest.approx([math.log(gpt_eager.TINY.tokens)] * 2, rel=0.05)
    for _ in range(20):
        last = job()[:2]
    assert sum(last) < sum(first) - 1.0


def test_the_gpt_has_the_size_of_its_model_in_the_docstring() -> None:
    model = gpt_eager.GPT(scalars.scalars_of("eager Value"), gpt_eager.FULL)
    assert len(model.parameters()) == 4192
    nodes = [len(topological_order(model.loss(name))) for name in gpt_eager.NAMES]
    assert 59_000 < min(nodes) < max(nodes) < 77_000


def test_the_gpts_adam_is_pytorchs() -> None:
    torch = pytest.importorskip("torch", reason="compares with PyTorch")
    numbers, gradients = [0.5, -0.25, 0.125], [[1.0, -2.0, 0.0], [0.5, 1e-9, 3.0], [-1.0, 2.0, 1.0]]
    ours = [Peer(number) for number in numbers]
    theirs = torch.tensor(numbers, dtype=torch.float64, requires_grad=True)
    optimizers = (
        gpt_eager.Adam(ours, learning_rate=0.01),
        torch.optim.Adam([theirs], lr=0.01, betas=(0.9, 0.99), eps=1e-8),
    )
    for row in gradients:
        theirs.grad = torch.tensor(row, dtype=torch.float64)
        for value, gradient in zip(ours, row, strict=True):
            value.grad = gradient
        for optimizer in optimizers:
            optimizer.step()
    assert [value.data for value in ours] == pytest.approx(theirs.tolist(), rel=1e-12)


# The peer's operations as functions of two numbers.
PEERS: list[Callable[[Any, Any], Any]] = [
    lambda a, b: a + b,
    lambda a, b: a + b + 2.0 + (3 + a),
    lambda a, b: a - b,
    lambda a, b: (a - 2.0) + (3 - b),
    lambda a, b: a * b,
    lambda a, b: (a * 2.0) * (3 * b),
    lambda a, b: a / b,
    lambda a, b: (a / 2.0) * (3 / b),
    lambda a, b: a**3 * b**-0.5,
    lambda a, b: -a * b,
    lambda a, b: a.exp() * b,
    lambda a, b: a.log() * b,
    lambda a, b: a.tanh() * b,
    lambda a, b: a.relu() * b,
    lambda a, b: (-a).relu() * b,
]


@pytest.mark.parametrize("function", PEERS)
def test_the_peers_operations_have_our_values_and_derivatives(
    function: Callable[[Any, Any], Any],
) -> None:
    found = []
    for number in (Value, Peer):
        left, right = number(0.75), number(1.5)
        result = function(left, right)
        result.backward()
        found.append([result.data, left.grad, right.grad])
    assert found[1] == pytest.approx(found[0], rel=1e-14)


def test_a_number_that_differs_by_more_than_rounding_is_another_job() -> None:
    check_same_numbers({"a": [1e9, 0.0], "b": [1e9 + 0.01, 1e-11]}, reference="a")
    for slip in ([1e9 + 1.0, 0.0], [1e9, 1e-9], [math.nan, 0.0]):
        with pytest.raises(AssertionError, match="b does another job"):
            check_same_numbers({"a": [1e9, 0.0], "b": slip}, reference="a")


def test_processes_take_turns_and_answer_with_seconds() -> None:
    names = ["eager Value", "stored derivatives"]
    arguments = ("chain", "+", "30")
    samples = seconds_in_turns("benchmarks.engines", names, arguments, calls=2, rounds=2, turns=3)
    assert {name: len(seconds) for name, seconds in samples.items()} == dict.fromkeys(names, 6)
    assert all(seconds >= 0.0 for name in names for seconds in samples[name])


def test_who_had_enough_seconds_sits_out() -> None:
    slow, quick = Sleeper(turns.ENOUGH_SECONDS), Sleeper(0.0)
    order = [worker for worker, _ in turns._round([slow, quick], calls=1, turns=4)]  # type: ignore[list-item]
    assert order == [slow, quick, quick, quick, quick]


class Sleeper:
    """A worker that says how long a call took without doing anything."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds

    def turn(self, calls: int) -> float:
        return self.seconds / calls


def test_a_process_that_fails_is_named(capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(RuntimeError, match="the process of micrograd 9 ended"):
        Worker("benchmarks.engines", "micrograd 9", ("chain", "+", "30"))
    assert "KeyError: 'micrograd 9'" in capfd.readouterr().err


# ---- growth -----------------------------------------------------------------------------------


@pytest.mark.parametrize("shape", growth.SHAPES)
def test_the_graphs_that_grow_have_the_nodes_that_they_are_said_to_have(shape: str) -> None:
    for nodes in (100, 1000):
        assert abs(len(topological_order(growth.SHAPES[shape](nodes))) - nodes) <= 3


@pytest.mark.thorough
@pytest.mark.parametrize("shape", growth.SHAPES)
def test_a_graphs_bytes_do_not_depend_on_what_the_interpreter_had_in_its_free_lists(
    shape: str,
) -> None:
    before = growth.bytes_a_node(growth.SHAPES[shape], 1000)
    kept = [growth.SHAPES[shape](1000) for _ in range(3)]
    del kept
    # Free lists would hide a tenth; what measures lines allocates a thousand bytes now and then.
    assert growth.bytes_a_node(growth.SHAPES[shape], 1000) == pytest.approx(before, rel=0.02)


def test_growth_is_measured_in_processes_of_its_own() -> None:
    times = growth.times_of(sizes=[20], processes=1)
    assert set(times) == {(s, 20, how) for s in growth.SHAPES for how in growth.COLLECTOR}
    assert all(len(figures) == 4 and min(figures) > 0.0 for figures in times.values())


def test_growth_is_the_dearest_node_beside_a_node_of_the_smallest_graph() -> None:
    memory = {(s, nodes): (100.0, 150.0 + nodes) for s in growth.SHAPES for nodes in (10, 20)}
    times = {
        (s, nodes, how): [first, first, 3.0, 7.0]
        for s in growth.SHAPES
        for nodes, first in ((10, 2.0), (20, 3.5))
        for how in growth.COLLECTOR
    }
    lines = growth.growth_table(memory, times).split("\n")[2:6]
    rows = [[cell.strip() for cell in line.split("|")[2:-1]] for line in lines]
    assert rows == [
        ["bytes a node, with gradients", "160", "170", "over"],
        ["growth, first graph", "1.5", "1.75", "over"],
        ["growth, later graphs", "1.5", "1.00", "ok"],
        ["growth, collector paused", "1.5", "1.00", "ok"],
    ]
    assert "| 100          | 170            |" in growth.nodes_table(memory, times)


def test_c_with_fast_math_leaves_the_arithmetic_of_the_process_as_it_was() -> None:
    if compiler_version() is None:
        pytest.skip("gcc is not installed")
    build("double twice(double x) { return 2.0 * x; }", ("-O3", "-ffast-math"))
    # The least number above 0, of which a processor told to be fast makes 0.
    assert 5e-324 * 1.0 > 0.0
