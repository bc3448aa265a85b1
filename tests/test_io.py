"""Weights in files: exact to the last bit, written whole or not at all, read whole or refused."""

from __future__ import annotations

import contextlib
import errno
import json
import math
import os
import pickle
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

import nn
from autodiff import Value
from tests.bits import all_bits, bits

inf, nan = math.inf, math.nan
SPECIAL = [0.0, -0.0, 5e-324, -2.2250738585072009e-308, inf, -inf, nan, 0.1, 1e308, 1 / 3]


def network(seed: int = 1) -> nn.MLP:
    return nn.MLP(2, [2, 1], activation="tanh", rng=seed)


def numbers_of(model: nn.Module) -> list[bytes]:
    return all_bits(parameter.data for parameter in model.parameters())


@pytest.fixture
def saved(tmp_path: Path) -> bytes:
    """The content of a file of the network's weights."""
    return nn.save(network(), tmp_path / "saved.json").read_bytes()


# ---- there and back ------------------------------------------------------------------------


@pytest.fixture(scope="module")
def scratch(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One path for all the examples of a property."""
    return tmp_path_factory.mktemp("weights") / "weights.json"


@settings(deadline=None)
@given(st.lists(st.floats(), min_size=9, max_size=9))
@example(SPECIAL[:9])
@example(SPECIAL[1:])
def test_weights_come_back_bit_for_bit(scratch: Path, numbers: list[float]) -> None:
    source, target = network(1), network(2)
    for parameter, number in zip(source.parameters(), numbers, strict=True):
        parameter.data = number
    nn.save(source, scratch)
    nn.load(target, scratch)
    assert numbers_of(target) == all_bits(numbers)


def test_parameters_of_every_shape_come_back(tmp_path: Path) -> None:
    class Odd(nn.Module):
        def __init__(self, start: float) -> None:
            self.number = Value(start)
            self.cube = [[[Value(start + 1.0)], [Value(start + 2.0)]]]
            self.layers = [nn.Layer(1, 1, rng=1)]

    source, target = Odd(0.5), Odd(10.0)
    nn.load(target, nn.save(source, tmp_path / "odd.json"))
    assert target.state_dict() == source.state_dict()
    assert numbers_of(target) == numbers_of(source)


def test_a_model_without_parameters_comes_back(tmp_path: Path) -> None:
    nn.load(nn.Module(), nn.save(nn.Module(), tmp_path / "nothing.json"))


def test_save_and_load_take_a_str_or_a_path_and_save_returns_the_path(tmp_path: Path) -> None:
    path = tmp_path / "weights.json"
    assert nn.save(network(), str(path)) == path
    nn.load(network(2), str(path))
    assert nn.save(network(), path) == path


def test_the_file_is_strict_json_that_a_person_can_read(tmp_path: Path) -> None:
    model = nn.Layer(2, 3)
    model.load_state_dict({"weight": [[0.5, -1.5], [inf, nan], [-inf, 1e-300]], "bias": [1, 2, 3]})
    text = nn.save(model, tmp_path / "weights.json").read_text(encoding="ascii")

    def refuse(name: str) -> None:
        raise AssertionError(f"{name} is not JSON")

    assert json.loads(text, parse_constant=refuse) == {
        "format": "autodiff weights",
        "version": 1,
        "weights": {
            "weight": [[0.5, -1.5], ["Infinity", "NaN"], ["-Infinity", 1e-300]],
            "bias": [1.0, 2.0, 3.0],
        },
    }
    lines = [line.strip() for line in text.splitlines()]
    assert '"weight": [[0.5, -1.5],' in lines  # one neuron a line
    assert '"bias": [1.0, 2.0, 3.0]' in lines


def test_the_same_weights_give_the_same_file(tmp_path: Path) -> None:
    first = nn.save(network(), tmp_path / "first.json").read_bytes()
    assert nn.save(network(), tmp_path / "second.json").read_bytes() == first


def test_a_file_that_an_editor_saved_in_its_own_way_still_loads(
    tmp_path: Path, saved: bytes
) -> None:
    text = saved.decode()
    for content in (
        text.replace("\n", "\r\n").encode(),
        text.encode("utf-8-sig"),
        text.encode("utf-16"),
        json.dumps(json.loads(text), indent=4).encode(),
    ):
        path = tmp_path / "edited.json"
        path.write_bytes(content)
        model = network(2)
        nn.load(model, path)
        assert numbers_of(model) == numbers_of(network())


# ---- damaged and foreign files -------------------------------------------------------------


def load_or_refuse(content: bytes, path: Path) -> nn.MLP | None:
    """Return a model that has loaded the file; None if it was refused and left as it was."""
    path.write_bytes(content)
    model = network(2)
    for parameter in model.parameters():
        parameter.grad = 0.5
    before = [(bits(p.data), bits(p.grad), p.label) for p in model.parameters()]
    message = ""
    try:
        nn.load(model, path)
    except ValueError as error:
        message = str(error)
    if not message:
        return model
    assert str(path) in message
    assert [(bits(p.data), bits(p.grad), p.label) for p in model.parameters()] == before
    return None


def test_a_file_cut_off_anywhere_is_refused_unless_it_lost_only_the_line_end(
    scratch: Path, saved: bytes
) -> None:
    for length in range(len(saved)):
        model = load_or_refuse(saved[:length], scratch)
        if saved[length:].isspace():
            assert model is not None
            assert numbers_of(model) == numbers_of(network())
        else:
            assert model is None, saved[:length]


def numbers_written_in(content: bytes) -> list[bytes]:
    """Return what a plain JSON reader finds in the places of the network's weights."""
    weights = json.loads(content)["weights"]
    numbers = []
    for layer in ("hidden", "output"):
        rows = zip(weights[f"{layer}.weight"], weights[f"{layer}.bias"], strict=True)
        numbers += [number for row, bias in rows for number in [*row, bias]]
    return all_bits(map(float, numbers))


@settings(deadline=None, max_examples=400)
@given(st.data())
def test_a_damaged_file_is_refused_or_gives_exactly_the_numbers_written_in_it(
    scratch: Path, data: st.DataObject
) -> None:
    content = bytearray(nn.save(network(), scratch).read_bytes())
    places = st.integers(0, len(content) - 1)
    for place in data.draw(st.lists(places, min_size=1, max_size=3, unique=True)):
        content[place] = data.draw(st.integers(0, 255))
    model = load_or_refuse(bytes(content), scratch)
    if model is not None:
        assert numbers_of(model) == numbers_written_in(bytes(content))


@settings(deadline=None)
@given(st.binary(max_size=200))
def test_a_file_of_anything_is_refused(scratch: Path, content: bytes) -> None:
    assert load_or_refuse(content, scratch) is None


def changed(**entries: Any) -> Callable[[dict[str, Any]], bytes]:
    """Return a function that replaces top-level entries of a saved file; None removes one."""

    def change(content: dict[str, Any]) -> bytes:
        merged = {**content, **entries}
        return json.dumps({k: v for k, v in merged.items() if v is not None}).encode()

    return change


def with_bias(text: str) -> Callable[[dict[str, Any]], bytes]:
    """Return a function that writes something else for the output layer's bias."""

    def change(content: dict[str, Any]) -> bytes:
        content["weights"]["output.bias"] = ["HERE"]
        return json.dumps(content).replace('"HERE"', text).encode()

    return change


def without_bias(content: dict[str, Any]) -> bytes:
    del content["weights"]["output.bias"]
    return json.dumps(content).encode()


def with_extra(content: dict[str, Any]) -> bytes:
    content["weights"]["gain"] = [1.0]
    return json.dumps(content).encode()


WRONG_FILES: dict[str, tuple[bytes | Callable[[dict[str, Any]], bytes], str]] = {
    "empty": (b"", "is not a weights file"),
    "a picture": (b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR", "is not a weights file"),
    "a pickle": (pickle.dumps({"weights": [1.0]}), "is not a weights file"),
    "a table": (b"x,y\n0,1\n", "is not a weights file"),
    "a JSON list": (b"[1.0, 2.0]", "is not a weights file"),
    "a JSON string": (b'"autodiff weights"', "is not a weights file"),
    "JSON null": (b"null", "is not a weights file"),
    "an empty object": (b"{}", 'does not say "format"'),
    "weights of another program": (b'{"hidden.weight": [[0.5]]}', 'does not say "format"'),
    "two files in one": (lambda content: 2 * json.dumps(content).encode(), "is not a weights file"),
    "another format": (changed(format="other"), 'does not say "format"'),
    "a later version": (changed(version=2), "has version 2 .* reads version 1"),
    "a version that is text": (changed(version="1"), "has version '1'"),
    "no version": (changed(version=None), "has version None"),
    "no weights": (changed(weights=None), '"weights" is missing'),
    "weights in a list": (changed(weights=[0.5]), '"weights" is missing'),
    "a missing entry": (without_bias, "output.bias is missing"),
    "an extra entry": (with_extra, "gain is unknown"),
    "NaN outside a string": (with_bias("NaN"), "NaN is not JSON"),
    "Infinity outside a string": (with_bias("-Infinity"), "-Infinity is not JSON"),
    "a number beyond a float": (with_bias("1e400"), "1e400"),
    "an int beyond a float": (with_bias("1" + "0" * 400), r"output.bias\[0\] .* too large"),
    "an int of 5,000 digits": (with_bias("9" * 5000), "is not a weights file"),
    "another word": (with_bias('"nan"'), r"output.bias\[0\] needs a real number"),
    "true": (with_bias("true"), "true and false are no weights"),
    "null": (with_bias("null"), r"output.bias\[0\] needs a real number, but got None"),
    "a list for a number": (with_bias("[0.5]"), r"output.bias\[0\] needs a real number"),
    "two numbers for one": (with_bias("0.5, 0.5"), "output.bias needs a list of 1, .* one of 2"),
    "nothing for a number": (with_bias(""), "output.bias needs a list of 1, but got one of 0"),
    "lists 700 deep": (with_bias("[" * 700 + "]" * 700), ""),
    "lists 100,000 deep": (with_bias("[" * 100_000 + "]" * 100_000), ""),
}


@pytest.mark.parametrize(("content", "message"), WRONG_FILES.values(), ids=WRONG_FILES.keys())
def test_a_file_that_is_not_the_models_weights_is_refused_by_name_and_changes_nothing(
    tmp_path: Path, saved: bytes, content: Any, message: str
) -> None:
    damaged = content if isinstance(content, bytes) else content(json.loads(saved))
    path = tmp_path / "damaged.json"
    assert load_or_refuse(damaged, path) is None
    with pytest.raises(ValueError, match=f"damaged.json.*{message}"):
        nn.load(network(2), path)


def test_weights_of_another_network_are_refused(tmp_path: Path) -> None:
    path = nn.save(nn.MLP(2, [3, 1]), tmp_path / "wider.json")
    assert load_or_refuse(path.read_bytes(), path) is None


def test_a_file_that_cannot_be_read_is_an_os_error_and_changes_nothing(tmp_path: Path) -> None:
    model = network()
    before = numbers_of(model)
    with pytest.raises(FileNotFoundError, match=r"missing\.json"):
        nn.load(model, tmp_path / "missing.json")
    with pytest.raises(OSError, match=tmp_path.name):
        nn.load(model, tmp_path)
    assert numbers_of(model) == before


def test_what_is_no_module_is_refused_by_name(tmp_path: Path) -> None:
    path = tmp_path / "weights.json"
    with pytest.raises(TypeError, match="save needs a Module as its model, but got the list"):
        nn.save([Value(1.0)], path)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="load needs a Module as its model, but got None"):
        nn.load(None, path)  # type: ignore[arg-type]
    assert not path.exists()


# ---- files that cannot be written ----------------------------------------------------------


@contextlib.contextmanager
def as_an_ordinary_user() -> Iterator[None]:
    """Give up the superuser's right to write everywhere, if the tests have it."""
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(0)


@pytest.mark.skipif(os.name != "posix", reason="folders are write-protected in another way here")
def test_a_write_protected_folder_is_an_os_error_and_keeps_the_old_file(tmp_path: Path) -> None:
    path = nn.save(network(), tmp_path / "weights.json")
    old = path.read_bytes()
    tmp_path.chmod(0o555)
    try:
        with as_an_ordinary_user(), pytest.raises(PermissionError, match=tmp_path.name):
            nn.save(network(2), path)
    finally:
        tmp_path.chmod(0o755)
    assert path.read_bytes() == old
    assert os.listdir(tmp_path) == ["weights.json"]


@pytest.mark.parametrize("existing", [True, False])
@pytest.mark.parametrize(
    ("function", "failure"),
    [
        ("replace", PermissionError(errno.EACCES, "in use by another program")),
        ("fsync", OSError(errno.ENOSPC, "no space left on device")),
        ("replace", KeyboardInterrupt()),
    ],
)
def test_a_write_that_fails_half_way_keeps_the_old_file_and_leaves_nothing_behind(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    function: str,
    failure: BaseException,
    existing: bool,
) -> None:
    path = tmp_path / "weights.json"
    if existing:
        nn.save(network(), path)
    before = {name: (tmp_path / name).read_bytes() for name in os.listdir(tmp_path)}

    def fail(*_arguments: Any) -> None:
        raise failure

    with monkeypatch.context() as patched:
        patched.setattr(os, function, fail)
        with pytest.raises(type(failure)):
            nn.save(network(2), path)
    assert {name: (tmp_path / name).read_bytes() for name in os.listdir(tmp_path)} == before
    nn.save(network(2), path)
    assert os.listdir(tmp_path) == ["weights.json"]
