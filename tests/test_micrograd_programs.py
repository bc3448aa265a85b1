"""Programs as people write them for micrograd: only the import names another package.

Each is a small program of its own, run as it stands; what it should give is worked out by hand or
by a central difference on plain floats.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable
from typing import Any

import pytest

from autodiff import Value, backward_steps, detect_anomaly
from autodiff.support.by_hand import operation_by_hand


def slope(f: Callable[[float], float], at: float, step: float = 1e-6) -> float:
    """Return the central difference of a function of plain floats."""
    return (f(at + step) - f(at - step)) / (2.0 * step)


def test_an_expression_of_every_operator_micrograd_has() -> None:
    def expression(a: Any, b: Any) -> Any:
        c = a + b
        d = a * b + b**3
        c += c + 1
        c += 1 + c + (-a)
        d += d * 2 + (b + a)
        e = c - d
        f = e**2
        g = f / 2.0
        g += 10.0 / f
        return g + 3 - a + b - 2 * a + a * 5 + (7 - b) / 2 + b**-1

    a, b = Value(-4.0), Value(2.0)
    g = expression(a, b)
    g.backward()
    assert g.data == expression(-4.0, 2.0)
    assert a.grad == pytest.approx(slope(lambda at: expression(at, 2.0), -4.0), rel=1e-7)
    assert b.grad == pytest.approx(slope(lambda at: expression(-4.0, at), 2.0), rel=1e-7)


def test_relu_of_a_neuron_open_and_closed() -> None:
    for bias, (w_grad, x_grad) in ((1.0, (3.0, 2.0)), (-10.0, (0.0, 0.0))):
        w, x, b = Value(2.0), Value(3.0), Value(bias)
        out = (w * x + b).relu()
        out.backward()
        assert out.data == max(0.0, 6.0 + bias)
        assert (w.grad, x.grad) == (w_grad, x_grad)


def test_one_over_x_is_a_division() -> None:
    x = Value(4.0)
    y = 1 / x
    y.backward()
    assert (y.data, x.grad) == (0.25, -0.0625)
    assert y._op == "/"
    assert len(y._prev) == 2


def test_tanh_written_out_by_its_exponentials_is_tanh() -> None:
    x = Value(0.8813735870195432, label="n")
    e = (2 * x).exp()
    o = (e - 1) / (e + 1)
    o.backward()
    y = Value(0.8813735870195432)
    y.tanh().backward()
    assert o.data == pytest.approx(math.sqrt(0.5), rel=1e-14)
    assert x.grad == pytest.approx(0.5, rel=1e-13)
    assert y.grad == pytest.approx(0.5, rel=1e-13)


def test_a_loss_summed_over_a_list_from_the_builtin_zero() -> None:
    predictions = [Value(0.5), Value(-0.25), Value(2.0)]
    targets = [1.0, 0.0, 1.0]
    loss = sum([(p - t) ** 2 for p, t in zip(predictions, targets, strict=True)])
    assert isinstance(loss, Value)
    loss.backward()
    assert loss.data == 0.25 + 0.0625 + 1.0
    assert [p.grad for p in predictions] == [-1.0, -0.5, 2.0]


def test_a_loss_summed_by_a_generator_with_a_value_to_start_from() -> None:
    weights = [Value(1.0), Value(2.0)]
    bias = Value(0.5)
    out = sum((w * x for w, x in zip(weights, [3.0, 4.0], strict=True)), bias)
    out.backward()
    assert out.data == 11.5
    assert ([w.grad for w in weights], bias.grad) == ([3.0, 4.0], 1.0)


def test_gradient_descent_with_gradients_zeroed_by_hand_finds_the_line() -> None:
    # exact data of y = 3 x - 1: the least squares are at w = 3, b = -1
    points = [(-1.0, -4.0), (0.0, -1.0), (1.0, 2.0), (2.0, 5.0)]
    w, b = Value(0.0), Value(0.0)
    parameters = [w, b]
    losses = []
    for _ in range(300):
        loss = sum([(w * x + b - y) ** 2 for x, y in points]) * (1.0 / len(points))
        for p in parameters:
            p.grad = 0
        loss.backward()
        for p in parameters:
            p.data -= 0.1 * p.grad
        losses.append(loss.data)
    assert losses == sorted(losses, reverse=True)
    assert w.data == pytest.approx(3.0, abs=1e-9)
    assert b.data == pytest.approx(-1.0, abs=1e-9)


def test_a_training_step_is_the_one_made_with_plain_floats_bit_for_bit() -> None:
    x, y, rate = 0.7, -1.3, 0.05
    w, b = Value(0.3), Value(0.1)
    plain_w, plain_b = 0.3, 0.1
    for _ in range(50):
        w.grad = 0
        b.grad = 0
        loss = (w * x + b - y) ** 2
        loss.backward()
        w.data -= rate * w.grad
        b.data -= rate * b.grad
        upstream = 2.0 * (plain_w * x + plain_b - y)
        plain_w -= rate * (x * upstream)
        plain_b -= rate * upstream
    assert (w.data, b.data) == (plain_w, plain_b)


def test_a_network_written_with_lists_of_values_separates_two_points() -> None:
    generator = random.Random(3)

    class Perceptron:
        def __init__(self, inputs: int) -> None:
            self.w = [Value(generator.uniform(-1, 1)) for _ in range(inputs)]
            self.b = Value(0)

        def __call__(self, x: list[Any]) -> Value:
            act = sum((wi * xi for wi, xi in zip(self.w, x, strict=True)), self.b)
            return act.tanh()

        def parameters(self) -> list[Value]:
            return [*self.w, self.b]

    hidden = [Perceptron(2) for _ in range(3)]
    last = Perceptron(3)
    parameters = [p for neuron in [*hidden, last] for p in neuron.parameters()]
    rows = [([0.0, 1.0], 1.0), ([1.0, 0.0], -1.0)]
    losses = []
    for _ in range(60):
        total = Value(0.0)
        for x, target in rows:
            total += (1 + -target * last([neuron(x) for neuron in hidden])).relu()
        for p in parameters:
            p.grad = 0.0
        total.backward()
        for p in parameters:
            p.data += -0.1 * p.grad
        losses.append(total.data)
    assert losses[-1] < 0.1 * losses[0]


def drawn_in_micrograd_s_way(root: Value) -> tuple[list[str], list[tuple[int, int]]]:
    """Return boxes and arrows as drawing programs collect them: recursively, by _prev and _op."""
    nodes: list[Value] = []
    edges: list[tuple[int, int]] = []

    def build(v: Value) -> None:
        if v not in nodes:
            nodes.append(v)
            for child in v._prev:
                build(child)
                edges.append((nodes.index(child), nodes.index(v)))

    build(root)
    boxes = [
        f"{n.label} | data {n.data:.4f} | grad {n.grad:.4f}" + (f" | {n._op}" if n._op else "")
        for n in nodes
    ]
    return boxes, edges


def test_a_drawing_program_reads_nodes_operations_and_edges() -> None:
    a = Value(2.0, label="a")
    b = Value(-3.0, label="b")
    e = a * b
    e.label = "e"
    d = e + a
    d.label = "d"
    d.backward()
    boxes, edges = drawn_in_micrograd_s_way(d)
    assert boxes == [
        "d | data -4.0000 | grad 1.0000 | +",
        "e | data -6.0000 | grad 1.0000 | *",
        "a | data 2.0000 | grad -2.0000",
        "b | data -3.0000 | grad 2.0000",
    ]
    assert edges == [(2, 1), (3, 1), (1, 0), (2, 0)]


def test_a_drawing_program_that_collects_sets_works_too() -> None:
    x = Value(2.0)
    y = x * x + 1
    nodes, edges = set(), set()

    def build(v: Value) -> None:
        if v not in nodes:
            nodes.add(v)
            for child in v._prev:
                edges.add((child, v))
                build(child)

    build(y)
    assert len(nodes) == 4
    assert len(edges) == 3
    assert {n._op for n in nodes} == {"", "*", "+"}


def test_a_second_backward_does_not_compound_as_it_does_there() -> None:
    x = Value(3.0)
    y = (x * 2) * 5
    y.backward()
    y.backward()
    assert x.grad == 20.0


def test_a_chain_deeper_than_python_s_stack_works() -> None:
    x = Value(1.0)
    y = x
    for _ in range(5000):
        y = y + x
    y.backward()
    assert x.grad == 5001.0


# ---- Programs that drive the pass themselves ------------------------------------------------


def test_a_pass_that_is_called_node_by_node_is_the_chain_rule() -> None:
    x1, x2, w1, w2, b = Value(2.0), Value(0.0), Value(-3.0), Value(1.0), Value(6.5)
    x1w1, x2w2 = x1 * w1, x2 * w2
    both = x1w1 + x2w2
    n = both + b
    o = n.tanh()
    o.grad = 1.0
    o._backward()
    n._backward()
    b._backward()
    both._backward()
    x1w1._backward()
    x2w2._backward()
    slope_of_tanh = 1.0 - math.tanh(0.5) ** 2
    assert n.grad == b.grad == both.grad == pytest.approx(slope_of_tanh, rel=1e-15)
    assert (x1.grad, w1.grad) == (-3.0 * n.grad, 2.0 * n.grad)
    assert (x2.grad, w2.grad) == (n.grad, 0.0)


def squared_by_hand(x: Value) -> Value:
    """Return x * x, with its share of the pass in a function."""
    out = Value(x.data * x.data, (x, x), "squared")

    def _backward() -> None:
        x.grad += 2.0 * x.data * out.grad

    out._backward = _backward
    return out


def test_a_topological_loop_of_ones_own_gives_what_backward_gives() -> None:
    def build() -> tuple[list[Value], Value]:
        a, b = Value(-1.5), Value(0.75)
        c = squared_by_hand(a * b + a)
        scaled = Value(2.0 * c.data, (c,), (2.0,))
        return [a, b], (scaled * c).relu() + b**3 - a / 2

    (a, b), root = build()
    order: list[Value] = []
    seen = set()

    def visit(v: Value) -> None:
        if v not in seen:
            seen.add(v)
            for child in v._prev:
                visit(child)
            order.append(v)

    visit(root)
    for v in order:
        v.grad = 0.0
    root.grad = 1.0
    for v in reversed(order):
        v._backward()
    (twin_a, twin_b), twin = build()
    twin.backward()
    assert (a.grad, b.grad) == (twin_a.grad, twin_b.grad)
    # 2 c**2 + b**3 - a / 2 where c = (a b + a)**2
    d = -1.5 * 0.75 - 1.5
    assert a.grad == 8.0 * d**3 * 1.75 - 0.5
    assert b.grad == 8.0 * d**3 * -1.5 + 3.0 * 0.75**2


def test_a_leaf_takes_a_function_that_does_nothing_and_no_other() -> None:
    x = Value(3.0)
    x._backward = lambda: None
    x._backward()
    (x * x).backward()
    assert x.grad == 6.0

    def print_itself() -> None:
        print(x)

    y = x * 2
    for node, function in (
        (x, print_itself), (x, print), (x, lambda call=print: call()), (y, lambda: None)
    ):  # fmt: skip
        with pytest.raises(AttributeError, match="takes no _backward: only a node made by hand"):
            node._backward = function


def test_prev_is_a_set_that_has_an_order() -> None:
    a, b, c = Value(1.0), Value(2.0), Value(3.0)
    y = a * b
    assert y._prev == {a, b}
    assert y._prev != {a}
    assert y._prev == (a, b)
    assert y._prev != (b, a)
    assert y._prev | {c} == {c} | y._prev == {a, b, c} == y._prev.union([c])
    assert y._prev & {b, c} == {b, c} & y._prev == {b}
    assert (y._prev - {b}, {b, c} - y._prev) == ({a}, {c})
    assert y._prev ^ {b, c} == {b, c} ^ y._prev == {a, c}
    assert y._prev | (c * b)._prev == {a, b, c}
    assert [*(b * b)._prev] == [b, b]
    assert a._prev == set()
    assert {y._prev: "product"}[(a * b)._prev] == "product"
    for operation in ("|", "&", "^", "-"):
        for code in (f"operands {operation} [1]", f"[1] {operation} operands"):
            with pytest.raises(TypeError):
                eval(code, {"operands": y._prev})


def test_a_node_with_a_function_works_where_somebody_looks_on() -> None:
    def build() -> tuple[Value, Value, Value]:
        x = Value(1.3, "x")
        inner = squared_by_hand(x * 0.7)
        return x, inner, inner * 3.1 + x

    plain, _, root = build()
    root.backward()
    for hooked in ("leaf", "inner", "operand"):
        x, inner, root = build()
        seen: list[float] = []
        {"leaf": x, "inner": inner, "operand": inner.parents[0]}[hooked].register_hook(seen.append)
        root.backward()
        assert x.grad == plain.grad
        assert seen == [{"leaf": x, "inner": inner, "operand": inner.parents[0]}[hooked].grad]
    with detect_anomaly():
        x, inner, root = build()
        root.backward()
    assert x.grad == plain.grad
    x, inner, root = build()
    steps = [step for step in backward_steps(root) if step.node is inner]
    assert x.grad == plain.grad
    # All of 2 x at the first place of x * x, and nothing more at the second.
    assert [(step.upstream, step.contribution, step.total) for step in steps] == [
        (3.1, 2.0 * (1.3 * 0.7) * 3.1, 2.0 * (1.3 * 0.7) * 3.1),
        (3.1, 0.0, 2.0 * (1.3 * 0.7) * 3.1),
    ]
    assert steps[0].local == pytest.approx(2.0 * 0.91, rel=1e-15)


def test_an_operand_that_a_function_leaves_alone_gets_nothing_and_no_hook_is_called() -> None:
    x, y, z = Value(2.0), Value(3.0), Value(5.0)
    out = Value(6.0, (x, y), "first")

    def _backward() -> None:
        x.grad += 3.0 * out.grad

    out._backward = _backward
    seen: list[float] = []
    y.register_hook(seen.append)
    root = out * z
    steps = [(step.taken, step.total) for step in backward_steps(root) if step.node is out]
    assert steps == [(True, 15.0), (False, 0.0)]
    assert (x.grad, y.has_grad, z.grad, seen) == (15.0, False, 6.0, [])


def test_the_operations_of_symbols_written_once_are_not_kept_for_ever() -> None:
    for k in range(2_000):
        Value(1.0, (Value(1.0),), f"symbol {k}")
    assert operation_by_hand.cache_info().currsize <= 256
