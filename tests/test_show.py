"""show() makes a page of any graph, changes nothing, and says what it cannot."""

from __future__ import annotations

import base64
import html
import math
import re
import sys
import webbrowser
from pathlib import Path
from typing import Any

import pytest

from autodiff import (
    Stepper,
    Trace,
    Value,
    backward_steps,
    maximum,
    record_epochs,
    show,
    topological_order,
)
from autodiff.ops import Operation
from demos.lab import LAB
from demos.one_row import lab_model, one_row_loss
from tests import told_graph
from tests.bits import all_bits
from tests.told_graph import counts, floats

pytest.importorskip("graphviz", reason="the picture is drawn with graphviz")


KINDS = {"text/html", "image/svg+xml", "image/png", "text/plain"}


def data_of(stepper: Stepper) -> dict[str, Any]:
    """Return what the page's scripts are told."""
    return told_graph.data_of(stepper.html)


def values_of(stepper: Stepper) -> list[float]:
    return floats(data_of(stepper)["graph"]["values"])


def row() -> Value:
    return one_row_loss(lab_model(), LAB.x[1], LAB.y[1])


def test_the_page_has_the_values_of_the_eager_pass_to_the_last_bit() -> None:
    loss = row()
    assert all_bits(values_of(show(loss))) == all_bits(
        node.data for node in topological_order(loss)
    )


def test_local_derivatives_that_javascript_may_round_otherwise_are_told() -> None:
    x, y = Value(0.7, "x"), Value(-1.3, "y")
    loss = x.tanh() * y + (x * y).exp()
    steps = [step for step in backward_steps(loss) if step.node.op and step.node.op.arity == 1]
    given = data_of(show(loss))["graph"]["given"]
    assert all_bits(floats(given["locals"])) == all_bits(step.local for step in steps)
    assert (len(steps), given["untaken"]) == (2, [])


def test_no_value_is_changed() -> None:
    loss = row()
    loss.backward()
    nodes = topological_order(loss)
    before = [(node.data, node.grad if node.has_grad else None, node.origin) for node in nodes]
    show(loss)
    show(Trace(loss))
    assert before == [
        (node.data, node.grad if node.has_grad else None, node.origin) for node in nodes
    ]


def test_a_row_of_xor_is_a_small_file_that_asks_for_nothing(tmp_path: Path) -> None:
    path = show(row()).save(tmp_path / "lesson.html")
    assert path.stat().st_size < 250_000
    text = path.read_text(encoding="utf-8")
    assert "default-src 'none'" in text
    assert not re.search(r'(src|href)="(?!data:|#)', text)


def test_a_notebook_gets_a_frame_a_picture_and_a_text() -> None:
    bundle = show(row())._repr_mimebundle_()
    assert set(bundle) == KINDS
    assert base64.b64decode(bundle["image/png"]).startswith(b"\x89PNG")
    assert bundle["text/html"].startswith("<iframe srcdoc=")
    assert bundle["text/html"].count('"') == bundle["text/html"].count('="') * 2  # all is escaped
    assert bundle["image/svg+xml"].lstrip().startswith("<")
    assert "characters of HTML" in bundle["text/plain"]


def test_it_opens_a_browser_with_a_file(monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[str] = []
    monkeypatch.setattr(webbrowser, "open", opened.append)
    stepper = show(row())
    path = stepper.open()
    assert opened == [path.as_uri()]
    assert path.read_text(encoding="utf-8") == stepper.html


def test_numbers_that_are_not_finite_get_there() -> None:
    x = Value(0.0, "x")
    assert [number for number in values_of(show((1.0 / x) - (1.0 / x))) if number - number] == [
        math.inf,
        math.inf,
        pytest.approx(math.nan, nan_ok=True),
    ]


def test_numbers_that_changed_are_those_of_now_and_it_says_so() -> None:
    w = Value(3.0, "w")
    loss = w * w
    w.data = 0.5
    assert values_of(show(loss)) == [0.5, 0.25]
    assert "changed since" in data_of(show(loss))["notes"][0]
    assert (w.data, loss.data) == (0.5, 9.0)
    assert data_of(show(w * w))["notes"] == []


def test_what_cannot_be_translated_has_fixed_numbers_and_says_why() -> None:
    def forward(x: float) -> float:
        return math.floor(math.lgamma(x))

    def partials(out: Any, x: Any) -> tuple[Any, ...]:
        return (0.0 * x,)

    strange = Operation("strange", "strange", 1, forward, partials)
    x = Value(5.0, "x")
    stepper = show(Value.make_node(strange, x) * x)
    data = data_of(stepper)
    assert data["notes"][0].startswith("Numbers are fixed here: ")
    assert "function result0" not in stepper.html


def test_a_decision_is_told_of_the_page_and_again_the_next_time() -> None:
    x = Value(2.0, "x")
    loss = x * 3.0 if x * 1.0 > 1.0 else x
    assert "test_show.py" in data_of(show(loss))["notes"][0]
    loss = x * 3.0 if x > 1.0 else x
    origin = x.origin
    for _ in range(2):
        (note,) = data_of(show(loss))["notes"]
        assert "compares a Value's number" in note
        assert "This page does again what was done then" in note
        assert "compile" not in note
    assert x.origin is origin


def test_a_number_taken_out_of_the_graph_is_told() -> None:
    w, x = Value(3.0, "w"), Value(2.0, "x")
    h = w * x
    loss = h * Value(h.data) + w
    (note,) = data_of(show(loss))["notes"]
    assert note.endswith(
        "loss = h * Value(h.data) + w makes a plain number, through which no gradient flows back, "
        "and which stays as it is when a variable is dragged: use the Value itself: "
        "loss = h * h + w"
    )
    cut = h.detach()
    assert "cut = h.detach() makes" in data_of(show(cut * 2.0))["notes"][0]


def test_what_is_decided_by_a_number_taken_out_is_told() -> None:
    w = Value(3.0, "w")
    loss = w * 2.0 if w.data > 1.0 else w
    (note,) = data_of(show(loss))["notes"]
    assert "loss = w * 2.0 if w.data > 1.0 else w decides by a number" in note
    h = w * 1.0
    if h.data < 0.0:
        h = h * 0.1
    (note,) = data_of(show(h))["notes"]
    assert "if h.data < 0.0: decides by a number" in note


def test_a_number_that_goes_nowhere_is_not_told() -> None:
    w = Value(3.0, "w")
    rate = 0.1
    loss = w * w
    if loss.data > 100.0:
        rate = 0.01
    w.data -= rate * 0.0
    while loss.data > 100.0:
        loss = w * w
    losses = [loss.data]
    assert data_of(show(loss))["notes"] == []
    assert losses == [9.0]


def test_hooks_are_told_and_not_called() -> None:
    w = Value(3.0, "w")
    q = w * 2.0
    q.label = "q"
    called: list[float] = []
    handle = q.register_hook(called.append)
    loss = q * q
    note = "a hook on q may change its gradient: these are the gradients without it"
    assert data_of(show(loss))["notes"] == [note]
    assert called == []
    assert data_of(show(Trace(loss)))["notes"] == [note]
    handle.remove()
    assert data_of(show(loss))["notes"] == []


def test_operations_made_by_hand_have_a_page_with_fixed_numbers() -> None:
    a, b, spare = Value(3.0, "a"), Value(4.0, "b"), Value(0.5, "spare")
    product = Value(12.0, (a, b), (4.0, 3.0))
    product.label = "product"
    loss = product * product + maximum(a, spare)
    a.grad = 7.0
    data = data_of(show(loss))
    (note,) = data["notes"]
    assert note.startswith("Numbers are fixed here: product was made by hand.")
    nodes = topological_order(loss)
    assert values_of(show(loss)) == [node.data for node in nodes]
    given = data["graph"]["given"]
    # loss by product * product and maximum, these by product (twice), a and spare; product by a, b
    assert floats(given["locals"]) == [1.0, 1.0, 1.0, 0.0, 12.0, 12.0, 4.0, 3.0]
    assert floats(given["contributions"]) == [1.0, 1.0, 1.0, 0.0, 12.0, 12.0, 96.0, 72.0]
    assert given["untaken"] == [3]
    assert (a.grad, b.has_grad) == (7.0, False)
    assert data_of(show(Trace(loss)))["graph"] == data["graph"]


def test_where_numbers_are_fixed_an_operation_is_described_once() -> None:
    a = Value(3.0, "a")
    product = Value(9.0, (a,), (6.0,))
    graph = data_of(show(product * a * a))["graph"]
    assert len(graph["table"]) == 2  # the one made by hand, and the product


def test_an_operation_with_a_function_made_by_hand_has_a_page() -> None:
    a, b = Value(3.0, "a"), Value(4.0, "b")
    product = Value(12.0, (a, b), "*")

    def backward() -> None:
        a.grad += b.data * product.grad
        b.grad += a.data * product.grad

    product._backward = backward
    assert values_of(show(product)) == [3.0, 4.0, 12.0]
    assert floats(data_of(show(product))["graph"]["given"]["contributions"]) == [4.0, 3.0]
    assert values_of(show(product * product * product)) == [3.0, 4.0, 12.0, 144.0, 1728.0]
    assert (a.has_grad, b.has_grad) == (False, False)


def test_recorded_lines_are_there_and_others_are_not() -> None:
    from autodiff import record_source

    with record_source():
        a, b = Value(2.0, "a"), Value(3.0, "b")
        product = a * b
    loss = product + 1.0
    data = data_of(show(loss))
    (file,) = data["source"]["files"]
    assert file["name"] == "test_show.py"
    assert [text.strip() for _, text in file["lines"]] == [
        'a, b = Value(2.0, "a"), Value(3.0, "b")',
        "product = a * b",
    ]
    names = data["graph"]["names"]
    lines = dict(zip(map(names.get, "12345"), counts(data["source"]["lines"]), strict=True))
    assert lines == {"a": 1, "b": 1, "product": 2, None: 0, "loss": 0}  # a number has no name


def test_a_trace_begins_at_its_step() -> None:
    a, b = Value(2.0, "a"), Value(3.0, "b")
    trace = Trace(a * b + a)  # a, b, v3 = a * b, v4 = v3 + a
    begins = []
    for position in range(len(trace) + 1):
        trace.goto(position)
        begins.append(data_of(show(trace))["begin"])
    assert begins == [
        {"phase": "first"},
        {"phase": "forward", "node": 3},
        {"phase": "start"},
        {"phase": "backward", "node": 4, "position": 0},
        {"phase": "backward", "node": 4, "position": 1},
        {"phase": "backward", "node": 3, "position": 0},
        {"phase": "backward", "node": 3, "position": 1},
    ]


def test_a_step_shows_the_page_at_it_while_its_numbers_are_those_of_now() -> None:
    w = Value(3.0, "w")
    loss = w * w
    *_, step = backward_steps(loss)
    for each, begin in ((step, '"backward"'), (Trace(loss).goto(1), '"forward"')):
        bundle = each._repr_mimebundle_()  # type: ignore[union-attr]
        assert set(bundle) == KINDS
        assert f"phase&quot;:{html.escape(begin)}" in bundle["text/html"]
        assert bundle["text/plain"] == str(each)
    w.data = 4.0
    assert set(step._repr_mimebundle_()) == {"text/plain"}  # type: ignore[attr-defined]


def test_a_trace_of_epochs_shows_the_pass_that_it_is_in() -> None:
    w = Value(1.0, "w")
    with record_epochs() as trace:
        for _ in range(3):
            loss = (w - 3.0) ** 2
            w.grad = 0.0
            loss.backward()
            w.data -= 0.25 * w.grad
    trace.goto(1, "update", epoch=1)
    assert data_of(show(trace))["begin"] == {"phase": "end"}
    trace.goto(0, "backward", epoch=1)
    stepper = show(trace)
    assert values_of(stepper)[0] == 2.0  # 1 - 0.25 * 2 * (1 - 3)
    assert "epoch 1" in stepper.html
    assert w.data == 2.75
    trace.goto(1, "update", epoch=1)
    assert data_of(show(trace))["begin"] == {"phase": "end"}
    assert "lesson" in show(trace, title="lesson").html
    assert set(trace._repr_mimebundle_()) == KINDS  # type: ignore[attr-defined]
    assert trace._repr_mimebundle_()["text/plain"] == repr(trace)  # type: ignore[attr-defined]


def test_a_trace_without_a_page_shows_its_text() -> None:
    with record_epochs() as trace:
        pass
    assert trace._repr_mimebundle_() == {"text/plain": repr(trace)}  # type: ignore[attr-defined]


def test_what_has_no_page_is_refused() -> None:
    with pytest.raises(TypeError, match="show needs a Value, such as the loss, but got the int 3"):
        show(3)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="is a constant"):
        show(next(iter((Value(1.0) + 2.0).parents[1:])))


def test_a_graph_beyond_all_pages_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys.modules["autodiff.stepper.show"], "MOST_FOLDED", 600)
    x = chain = Value(1.0, "x")
    for _ in range(600):
        chain = chain * x
    with pytest.raises(ValueError, match="601 nodes, and a page has at most 600"):
        show(chain)
    with pytest.raises(ValueError, match="601 nodes"):
        show(Trace(chain))


def test_a_variable_alone_has_a_page() -> None:
    graph = data_of(show(Value(2.0, "x")))["graph"]
    assert (floats(graph["values"]), graph["table"], counts(graph["made"])) == ([2.0], [], [0])


@pytest.mark.parametrize("name", ["graph.pdf", "graph.PNG", "graph.svg", "graph.gif"])
def test_a_page_is_not_written_into_a_file_of_another_kind(tmp_path: Path, name: str) -> None:
    with pytest.raises(ValueError, match=r"this is a page, and .*graph.* end it in \.html"):
        show(Value(2.0, "w") * 3.0).save(tmp_path / name)
    assert list(tmp_path.iterdir()) == []


def test_the_frames_of_a_notebook_are_told_apart_by_their_titles() -> None:
    w = Value(2.0, "w")
    loss, other = w * 3.0, w * w
    loss.label, other.label = "loss", '"<other>'
    frames = [show(root)._repr_mimebundle_()["text/html"] for root in (loss, other)]
    assert ' title="Step through loss" sandbox' in frames[0]
    assert ' title="Step through &quot;&lt;other&gt;" sandbox' in frames[1]
