"""What is read from a program's text: which way an update goes, and what flows where."""

from __future__ import annotations

import ast
import linecache

import pytest

from autodiff.debug.directions import direction, inside_the_graph, turned_round
from autodiff.debug.statements import is_rebinding, is_update, reach, read, target_name

UP, DOWN, UNKNOWN = 1, -1, 0


@pytest.mark.parametrize(
    ("update", "way"),
    [
        ("w.data += w.grad", UP),
        ("w.data -= w.grad", DOWN),
        ("w.data *= w.grad", UNKNOWN),
        ("w.data += -(0.1 * w.grad)", DOWN),
        ("w.data += -0.1 * w.grad", DOWN),
        ("w.data += 2 * lr / 10 * w.grad", UP),
        ("w.data += w.grad * rate", DOWN),
        ("w.data += -rate * w.grad", UP),
        ("w.data -= lr * (w.grad + 0.1 * w.data)", DOWN),
        ("w.data -= lr * (0.1 * w.data + w.grad)", DOWN),
        ("w.data = w.data - lr * w.grad", DOWN),
        ("w.data = w.data + lr * w.grad", UP),
        ("w.data = lr * w.grad + w.data", UP),
        ("w.data = 0.1 * w.grad", UNKNOWN),  # which is no step from where it was
        ("w.data = clip(w.data + w.grad)", UNKNOWN),
        ("w.data += clip(w.grad)", UNKNOWN),
        ("w.data -= step", UNKNOWN),
    ],
)
def test_which_way_an_update_goes(update: str, way: int) -> None:
    (statement,) = ast.parse(update).body
    assert direction(statement, {"rate": -0.5, "lr": 0.1}) == way
    if way == UP:
        (turned,) = ast.parse(turned_round(statement)).body
        assert direction(turned, {"rate": -0.5, "lr": 0.1}) == DOWN


ROUNDED = "leave {} out while training, as its slope is 0: {}; round only what is shown"
TEXT = "compute with {}: a text, which has no gradient, is for what is shown"
INDEX = "compute with the Value itself what is to be learned: an index or a count has no slope"
NO_VALUES = "write it with the operations of Values, as {} takes none"


@pytest.mark.parametrize(
    ("line", "cure"),
    [
        ("h = (w * x).data", "use the Value itself: h = w * x"),
        ("h = Value(w.data, 'h')", "use the Value itself: h = w"),
        ("h = Value(1.0) + w.item()", "use the Value itself: h = Value(1.0) + w"),
        ("h = float(w.detach()) * 2", "use the Value itself: h = w * 2"),
        ("h = math.exp(w.data - 1)", "use the Value itself: h = (w - 1).exp()"),
        ("h = math.pow(w.data, 2)", "use the Value itself: h = w ** 2"),
        ("h = abs(w.data) + math.sqrt(2)", "use the Value itself: h = abs(w) + math.sqrt(2)"),
        ("h = np.maximum(w.data, 0)", "use the Value itself: h = np.maximum(w, 0)"),
        ("h = round(w.data * 2.0, 3)", ROUNDED.format("round", "h = w * 2.0")),
        ("h = int((w * 2.0).data)", ROUNDED.format("int", "h = w * 2.0")),
        ("h = float(math.floor(w.item())) + w", ROUNDED.format("floor", "h = w + w")),
        ("h = np.rint(w.data)", ROUNDED.format("rint", "h = w")),
        ("h = w.data // 2 + 7 // 2", ROUNDED.format("the rounding of //", "h = w / 2 + 7 // 2")),
        ("h = f'{(w * 2).data:.2f}'", TEXT.format("w * 2 itself")),
        ("h = float(f'{round(w.data, 1)}')", TEXT.format("w itself")),
        ("h = f'{w.data} {x.data}' + f'{epoch}'", TEXT.format("the Values themselves")),
        ("h = str(w.item())", TEXT.format("w itself")),
        ("h = '{:.2f}'.format(w.data)", TEXT.format("w itself")),
        ("h = '%.2f' % w.data", TEXT.format("w itself")),
        ("h = table[int(w.data)]", INDEX),
        ("h = [x for _ in range(round(w.data))]", INDEX),
        ("h = rows[0].data + rows[1]", "use the Value itself: h = rows[0] + rows[1]"),
        ("h = w.data % 2", NO_VALUES.format("%")),
        ("h = divmod(w.data, 2)", NO_VALUES.format("divmod")),
        ("h = math.erf(w.data)", NO_VALUES.format("math.erf")),
        ("h = statistics.mean([w.data])", NO_VALUES.format("statistics.mean")),
        ("return w.data", "use the Value itself: return w"),
        ("h = Value(h.data)", "leave that line out"),
    ],
)
def test_how_a_number_is_put_back_into_the_graph(line: str, cure: str) -> None:
    (statement,) = ast.parse(line).body
    assert inside_the_graph(statement) == cure


def test_what_a_statement_is() -> None:
    lines = "w.data = 1\nw = w - w.grad\nw -= 2 * w.grad\nw = w + 1\na = b = 2\nws[0].data -= 1"
    body = ast.parse(lines).body
    assert [is_update(each) for each in body] == [True, False, False, False, False, True]
    assert [is_rebinding(each) for each in body] == [False, True, True, False, False, False]
    assert [target_name(each) for each in body] == ["w", "w", "w", "w", "", ""]


PROGRAM = """
import math

class Net:
    scale: float = 1.0
    def __init__(self, size):
        self.size = size
    def forward(self, x):
        return self.w * x

half = lambda number: number.data / 2

def loss_of(given, *, times):
    for row in given:
        yield row
    while (k := times) > 0:
        best: float = k.item() if given.data > 0 else given
        return best

async def later():
    return [each.data for each in items]

net = Net(width)
losses.append(loss_of(w, times=n))
if (net.forward(1).data > 0) == label:
    right += 1
total = half(w)
print(total.data)
w.data -= w.grad
"""


def flows_of(source: str, name: str) -> tuple[set[str], set[str], set[str]]:
    """Return what w reaches, what reaches the losses, and what numbers are taken of."""
    linecache.cache[name] = (len(source), None, source.splitlines(keepends=True), name)
    _, flows = read(name)
    taken = set().union(*[flow.taken_out for flow in flows])
    return reach(flows, {"w"}, forward=True), reach(flows, {"losses"}, forward=False), taken


def test_what_flows_where_through_functions_methods_and_loops() -> None:
    reached, used, taken = flows_of(PROGRAM, "<a program>")
    assert {"given", "row", "loss_of", "losses", "number", "total"} <= reached
    assert not {"size", "width", "k", "right", "items"} & reached
    assert {"w", "n", "times", "k", "given", "row", "loss_of", "best"} >= used - {"losses"}
    assert {"n", "times", "w"} <= used
    # Of what a decision is made by, no number is taken; what is printed flows nowhere.
    assert taken == {"number", "k", "each"}


def test_a_program_that_cannot_be_parsed_or_read_says_nothing() -> None:
    assert flows_of("w = = 1\n", "<half written>") == ({"w"}, {"losses"}, set())
    assert read("<no such file>") == ([], [])
