"""What is written out from the table, chain rules and operators, is what the table says."""

from __future__ import annotations

import copy
import inspect
import itertools
import json
import math
import operator
import pickle
import random
import runpy
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

import autodiff
from autodiff import Value, backward_steps, record_source
from autodiff.operators import Operators
from autodiff.ops import OPERATIONS, Operation, divide, writer
from autodiff.ops.operation import chain_rule_by_partials
from autodiff.support.gradients import NOT_COMPUTED
from autodiff.value import constant
from tests.bits import all_bits, bits, same_bits
from tests.documents import ROOT, run_python
from tests.naive_engine import FORMULAS
from tests.op_cases import BINARY_GRID, HUGE, OP_CASES, SMALLEST_NORMAL, SUBNORMAL, UNARY_GRID
from tests.stops import GRAPHS, Stop, nodes_of

inf, nan = math.inf, math.nan
PACKAGE = Path(autodiff.__file__).parent

# ---- The files ------------------------------------------------------------------------------


WRITTEN = {PACKAGE / "operators.py", *(PACKAGE / "chain_rules").glob("*.py")}


def test_the_written_files_are_word_for_word_what_the_writer_writes() -> None:
    # `make lint` has ruff check and format these files: so the writer's text is as ruff wants it.
    texts = {**writer.chain_rules_sources(), "operators.py": writer.operators_source()}
    assert {PACKAGE / name: text for name, text in texts.items()} == {
        path: path.read_text(encoding="utf-8") for path in WRITTEN
    }


def test_the_command_writes_all_files(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    written: dict[Path, str] = {}

    def note(path: Path, text: str, encoding: str) -> None:
        assert encoding == "utf-8"
        written[path] = text

    monkeypatch.setattr(Path, "write_text", note)
    runpy.run_path(writer.__file__, run_name="__main__")
    assert written == {path: path.read_text(encoding="utf-8") for path in WRITTEN}
    assert capsys.readouterr().out.splitlines() == [
        f"Wrote autodiff/{path.relative_to(PACKAGE).as_posix()}: {len(text.splitlines())} lines"
        for path, text in written.items()
    ]


def test_what_was_written_for_a_kind_that_is_gone_goes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "chain_rules"
    folder.mkdir()
    (folder / "cubes.py").write_text("def backward_cube(node): ...", encoding="utf-8")
    (folder / "notes.txt").write_text("not written by it", encoding="utf-8")
    monkeypatch.setattr(writer, "PACKAGE", tmp_path)
    writer.main()
    names = {path.relative_to(tmp_path) for path in tmp_path.rglob("*.*")}
    assert names == {path.relative_to(PACKAGE) for path in WRITTEN} | {
        Path("chain_rules/notes.txt")
    }


@pytest.mark.parametrize("op", OPERATIONS.values(), ids=str)
def test_a_debugger_shows_the_chain_rule_of_every_operation(op: Operation) -> None:
    # By its name and file a debugger finds it, and its lines are those of the file.
    rule: Any = op.chain_rule
    assert rule.__name__ == rule.__code__.co_name == f"backward_{op.name}"
    path = Path(rule.__code__.co_filename)
    assert path.is_file()
    assert path.is_relative_to(PACKAGE)
    # It is in a file of the same name as its operation's.
    assert path.stem == op.partials.__module__.rpartition(".")[2]
    lines, first = inspect.getsourcelines(rule)
    assert lines[0] == f"def backward_{op.name}(node: Any) -> None:\n"
    assert path.read_text(encoding="utf-8").splitlines(keepends=True)[first - 1] == lines[0]
    assert getattr(inspect.getmodule(rule), rule.__name__) is rule


# ---- What the writer is given ---------------------------------------------------------------


def first_operand(*operands: Any) -> Any:
    return operands[0]


def operation(arity: int, rule: Any) -> Operation:
    return Operation("custom", "custom", arity, first_operand, rule)


def number_on_the_left(out: Any, x: Any) -> tuple[Any]:
    return (1.0 + (2.0 - x),)


def has_a_setting_of_its_own(out: Any, x: Any, slope: float = 0.5) -> tuple[Any]:
    return (slope,)


def too_long_for_a_line(out: Any, quite_a_long_name: Any, another: Any) -> tuple[Any, Any]:
    long = quite_a_long_name * quite_a_long_name * another
    return long + long, -1.0


def slope_of_atan(out: Any, x: Any) -> tuple[Any]:
    return (divide(1.0, 1.0 + x * x),)


@pytest.mark.parametrize(
    ("arity", "rule", "lines"),
    [
        (1, slope_of_atan, ["    x.grad += divide(1.0, 1.0 + x.data * x.data) * upstream"]),
        (1, number_on_the_left, ["    x.grad += (1.0 + (2.0 - x.data)) * upstream"]),
        (1, has_a_setting_of_its_own, ["    x.grad += 0.5 * upstream"]),
        (
            2,
            too_long_for_a_line,
            [
                "    local = (",
                "        quite_a_long_name.data * quite_a_long_name.data * another.data",
                "        + quite_a_long_name.data * quite_a_long_name.data * another.data",
                "    )",
                "    quite_a_long_name.grad += local * upstream",
                "    another.grad += -upstream",
            ],
        ),
    ],
)
def test_a_rule_is_written_with_its_own_names(arity: int, rule: Any, lines: list[str]) -> None:
    # The expected lines are the rule, by hand.
    source = writer.chain_rule_source(operation(arity, rule))
    operands = "x," if arity == 1 else "quite_a_long_name, another"
    first = f"    upstream, ({operands}) = node.grad, node.parents"
    assert source.splitlines() == ["def backward_custom(node: Any) -> None:", first, *lines]


@pytest.mark.parametrize(
    ("rule", "reason"),
    [
        (lambda _, x: (1.0 + float(bool(x)),), "asks whether a number is 0"),
        (lambda _, x: (1.0 + float(x != 1.0),), "compares numbers"),
    ],
)
def test_a_rule_that_looks_at_its_numbers_cannot_be_written_but_is_applied(
    rule: Any, reason: str
) -> None:
    op = operation(1, rule)
    with pytest.raises(TypeError, match=f"{reason} cannot be written out"):
        writer.chain_rule_source(op)
    x = Value(3.0)
    Value.make_node(op, x).backward()
    assert x.grad == 2.0


def has_no_tuple(out: Any, x: Any) -> Any:
    return 2.0 * x


@pytest.mark.parametrize(
    ("rule", "error", "message"),
    [
        *(
            (rule, TypeError, f"^custom: a rule that .*{message}")
            for rule, message in (
                (lambda _, x: (1.0 / (1.0 + x * x),), "divides by / cannot be .*: write divide"),
                (lambda _, x: (x / 2.0,), r"divides by / .*write divide\(a, b\)"),
                (lambda _, x: (divide(1.0, x**2),), r"has a \*\* .*write square\(a\), or power"),
                (lambda _, x: (2.0**x,), r"write square\(a\), or power\(a, b\)"),
                (lambda _, x: (+x,), r"has a sign \+ .*write a$"),
                (lambda _, x: (abs(x),), r"calls abs\(\) .*write absolute\(a\)"),
                (lambda _, x: (x.exp(),), r"has \.exp of a number .*write a .*ops, exp\(a\)"),
                (lambda _, x: (math.cosh(x),), r"into a float .*write exp\(a\) for math\.exp"),
                (lambda _, x: (round(x),), "turns a number into a float"),
                (lambda _, x: (math.floor(x),), "turns a number into a float"),
                (
                    lambda _, x: (1.0 if x > 0.0 else 0.0,),
                    r"compares numbers .*write where\(a - b, x, y\) for `x if a > b else y`",
                ),
            )
        ),
        (lambda _, x: (f"{x}",), TypeError, "^custom: a local derivative is no number: could not"),
        (lambda _, x: (x, x), ValueError, "of custom returned 2 local derivatives for 1 operands"),
        (has_no_tuple, ValueError, "of custom returned the Expression .*not a tuple of 1 local"),
    ],
)
def test_what_cannot_be_written_out_is_named_with_what_to_write(
    rule: Any, error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        writer.chain_rule_source(operation(1, rule))


@pytest.mark.parametrize("name", ["node", "upstream", "local", "self", "exp", "NOTHING"])
def test_an_operand_with_a_name_of_the_written_code_is_refused(name: str) -> None:
    names: dict[str, Any] = {}
    exec(f"def rule(out, {name}): return (2.0 * {name},)", names)
    with pytest.raises(ValueError, match=f"^custom: its rule calls an operand '{name}', which"):
        writer.chain_rule_source(operation(1, names["rule"]))


def halved(x: Any) -> Any:
    return x / 2.0


def test_a_function_that_is_said_to_be_arithmetic_and_is_not_is_named() -> None:
    op = Operation("halved", "halved", 1, halved, has_no_tuple, arithmetic=True)
    with pytest.raises(TypeError, match=r"^halved: a rule that divides by / .*write divide"):
        writer.text_of_result(op, ["x"])


# ---- Chain rules: the bits of the rule ------------------------------------------------------

UPSTREAM = (
    *(1.0, -1.0, 0.3, -2.5, 0.0, -0.0, inf, -inf, nan),
    *(SUBNORMAL, -SUBNORMAL, 1e-310, SMALLEST_NORMAL, 1e-200, HUGE, -HUGE),
)

# What a parent's gradient may be when this use adds to it.
BEFORE = (NOT_COMPUTED, 0.0, -0.0, 0.7, -inf)


def sharings(operands: int) -> Iterator[tuple[int, ...]]:
    """Yield each way in which some operands may be the same Value, as the place of its first use.

    >>> list(sharings(2))
    [(0, 0), (0, 1)]
    """
    places = [range(place + 1) for place in range(operands)]
    for firsts in itertools.product(*places):
        if all(firsts[first] == first for first in firsts):
            yield firsts


def gradients_by(
    chain_rule: Callable[[Any], None], node: Value, upstream: float, before: float
) -> list[bytes]:
    """Return the bits of the parents' gradients after an operation's share of a pass."""
    for parent in node.parents:
        parent.grad = before
    node.grad = upstream
    chain_rule(node)
    return [bits(parent.grad) for parent in node.parents]


def check_chain_rule(
    op: Operation,
    operands: Iterable[Sequence[float]],
    shared: Sequence[int],
    upstreams: Sequence[float] = UPSTREAM,
    befores: Sequence[float] = BEFORE,
) -> None:
    for numbers in operands:
        values = [Value(number) for number in numbers]
        node = Value.make_node(op, *[values[first] for first in shared])
        for upstream, before in itertools.product(upstreams, befores):
            ours = gradients_by(op.chain_rule, node, upstream, before)
            assert ours == gradients_by(chain_rule_by_partials, node, upstream, before), (
                f"{op} of {[parent.data for parent in node.parents]}, operands {tuple(shared)}, "
                f"upstream {upstream}, before {before!r}"
            )


@pytest.mark.parametrize(
    ("name", "shared"),
    [
        pytest.param(case.name, shared, id=f"{case.name}{shared}")
        for case in OP_CASES.values()
        if OPERATIONS[case.name].arity is not None
        for shared in sharings(case.arity)
    ],
)
def test_a_chain_rule_has_the_bits_of_its_rule(name: str, shared: tuple[int, ...]) -> None:
    check_chain_rule(OPERATIONS[name], OP_CASES[name].operands(), shared)


def test_every_chain_rule_is_tried() -> None:
    assert set(OP_CASES) == set(OPERATIONS)
    any_number = [name for name, op in OPERATIONS.items() if op.arity is None]
    assert any_number == ["weighted_sum", "pick"]


SUMMED = (0.0, -0.0, inf, -inf, nan, SUBNORMAL, HUGE, -HUGE, 1e200, 0.1, -3.0, 0.7)


@pytest.mark.parametrize("operands", [1, 3, 5, 7])
def test_the_chain_rule_of_a_weighted_sum_has_the_bits_of_its_rule(operands: int) -> None:
    op = OPERATIONS["weighted_sum"]
    seeded = random.Random(operands)
    for shared in sharings(operands):
        count = 50 if operands < 7 else 2
        drawn = [seeded.choices(SUMMED, k=operands) for _ in range(count)]
        upstreams = seeded.sample(UPSTREAM, 3)
        check_chain_rule(op, drawn, shared, upstreams, (NOT_COMPUTED, 0.7))


@pytest.mark.parametrize("operands", [2, 3, 5])
def test_the_chain_rule_of_pick_has_the_bits_of_its_rule(operands: int) -> None:
    places = (0.0, -0.0, 1.0, 2.0, 4.0, 5.0, -1.0, 0.5, nan, inf)
    drawn = [(place, *SUMMED[: operands - 1]) for place in places]
    for shared in sharings(operands):
        check_chain_rule(OPERATIONS["pick"], drawn, shared, UPSTREAM, (NOT_COMPUTED, 0.7))


@pytest.mark.parametrize("gradient", [1.0, -0.0, inf, nan, SUBNORMAL])
def test_a_whole_pass_by_chain_rules_has_the_bits_of_one_by_rules(
    gradient: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    def graph() -> list[Value]:
        x, y = Value(0.3), Value(-1.7)
        z = autodiff.weighted_sum(x, [y, x, 2.0], [x, x * y, y])
        return [x, y, z, (z.sigmoid() / autodiff.maximum(z, y * -0.0)) ** 3]

    written, ruled = graph(), graph()
    written[-1].backward(gradient)
    with monkeypatch.context() as patch:
        patch.setattr(Operation, "chain_rule", property(lambda _: chain_rule_by_partials))
        ruled[-1].backward(gradient)
    assert all_bits([value.grad for value in written]) == all_bits([value.grad for value in ruled])


# ---- Operators: the bits of the table's function --------------------------------------------

BINARY: dict[str, tuple[Callable[[Any, Any], Any], str]] = {
    "__add__": (operator.add, "add"),
    "__sub__": (operator.sub, "sub"),
    "__mul__": (operator.mul, "mul"),
    "__truediv__": (operator.truediv, "div"),
    "__pow__": (operator.pow, "pow"),
}
UNARY: dict[str, tuple[Callable[[Any], Any], str]] = {
    "__neg__": (operator.neg, "neg"),
    "__abs__": (operator.abs, "abs"),
    **{
        name: (operator.methodcaller(name), name)
        for name, op in OPERATIONS.items()
        if op.arity == 1 and name not in ("neg", "abs")
    },
}
METHODS = {name for name, op in OPERATIONS.items() if op.arity == 2 and op.symbol == name}


def test_every_operator_and_method_is_tried() -> None:
    reflected = {name.replace("__", "__r", 1) for name in BINARY}
    defined = {name for name, thing in vars(Operators).items() if inspect.isfunction(thing)}
    assert defined - {"make_node", "as_operand"} == {*BINARY, *reflected, *UNARY, *METHODS}


def check_node(node: Value, op: Operation, result: float, operands: Sequence[Any]) -> None:
    """Assert that a node is an operation's result, and that its parents are its operands."""
    assert type(node) is Value
    assert node.op is op
    assert same_bits(node.data, result), (op, operands)
    assert type(node.data) is float
    assert node.grad is NOT_COMPUTED
    for parent, operand in zip(node.parents, operands, strict=True):
        if isinstance(operand, Value):
            assert parent is operand
        else:
            assert parent.is_constant
            assert same_bits(parent.data, float(operand))


@pytest.mark.parametrize("name", BINARY)
def test_an_operator_has_the_bits_of_the_tables_function_with_a_number_on_either_side(
    name: str,
) -> None:
    apply, op_name = BINARY[name]
    op = OPERATIONS[op_name]
    for a, b in itertools.product(BINARY_GRID, BINARY_GRID):
        result = op.forward(a, b)
        x, y = Value(a), Value(b)
        check_node(apply(x, y), op, result, (x, y))
        check_node(apply(a, y), op, result, (a, y))
        if op_name == "pow" and b == 2.0:
            check_node(apply(x, b), OPERATIONS["square"], a * a, (x,))
        else:
            check_node(apply(x, b), op, result, (x, b))
        if b.is_integer() and b != 2.0:
            check_node(apply(x, int(b)), op, op.forward(a, float(int(b))), (x, int(b)))
        if a.is_integer():
            check_node(apply(int(a), y), op, op.forward(float(int(a)), b), (int(a), y))


@pytest.mark.parametrize("name", UNARY)
def test_a_method_has_the_bits_of_the_tables_function(name: str) -> None:
    apply, op_name = UNARY[name]
    op = OPERATIONS[op_name]
    for number in UNARY_GRID:
        x = Value(number)
        check_node(apply(x), op, op.forward(number), (x,))


@pytest.mark.parametrize("name", sorted(METHODS))
def test_a_method_of_two_operands_has_the_bits_of_the_tables_function(name: str) -> None:
    op = OPERATIONS[name]
    for a, b in itertools.product(BINARY_GRID, BINARY_GRID):
        x, y = Value(a), Value(b)
        check_node(getattr(x, name)(y), op, op.forward(a, b), (x, y))
        check_node(getattr(x, name)(b), op, op.forward(a, b), (x, b))


@pytest.mark.parametrize("name", [*BINARY, *UNARY, *sorted(METHODS)])
def test_who_looks_on_is_told_of_the_node(name: str) -> None:
    operands = (Value(3.0),) if name in UNARY else (Value(3.0), Value(5.0))
    with record_source():
        node = getattr(Value, name)(*operands)
    assert node.origin.file == __file__
    assert node.origin.code == "node = getattr(Value, name)(*operands)"


def test_operators_alone_are_no_value() -> None:
    with pytest.raises(NotImplementedError):
        -Operators().as_operand(2.0)
    with pytest.raises(NotImplementedError):
        Operators.make_node(OPERATIONS["neg"], 2.0)


class Foreign:
    """Knows what to do with a Value on its left, as another library's number may."""

    def __init__(self) -> None:
        self.met: list[tuple[str, Any]] = []

    def turn(self, name: str, other: Any) -> str:
        self.met.append((name, other))
        return "its turn"


def answering(name: str) -> Callable[[Foreign, Any], str]:
    """Return a method that notes its name and its operand."""

    def method(self: Foreign, other: Any) -> str:
        return self.turn(name, other)

    return method


for _name in BINARY:
    _reflected = _name.replace("__", "__r", 1)
    setattr(Foreign, _reflected, answering(_reflected))


@pytest.mark.parametrize("name", BINARY)
def test_a_foreign_operand_gets_its_turn(name: str) -> None:
    apply, _ = BINARY[name]
    reflected = name.replace("__", "__r", 1)
    x, foreign = Value(2.0), Foreign()
    assert getattr(x, name)(foreign) is NotImplemented
    assert getattr(x, reflected)(foreign) is NotImplemented
    assert apply(x, foreign) == "its turn"
    assert foreign.met == [(reflected, x)]
    with pytest.raises(TypeError, match="unsupported operand type"):
        apply(foreign, x)
    for thing in ("2", None, [2.0], 2j):
        assert getattr(x, name)(thing) is NotImplemented
        assert getattr(x, reflected)(thing) is NotImplemented


class Weight(Value):
    """A kind of Value of the user's own."""

    __slots__ = ()


@pytest.mark.parametrize("name", BINARY)
def test_the_result_is_a_plain_value_whatever_the_operands_kind(name: str) -> None:
    # as in the engines that programs with subclasses of their own were written for
    apply, op_name = BINARY[name]
    w, x = Weight(3.0), Value(5.0)
    for left, right, numbers in (
        *((w, x, (3.0, 5.0)), (x, w, (5.0, 3.0))),
        *((w, 5.0, (3.0, 5.0)), (3.0, w, (3.0, 3.0)), (w, w, (3.0, 3.0))),
    ):
        node = apply(left, right)
        assert type(node) is Value
        assert node.data == OPERATIONS[op_name].forward(*numbers)
    assert type(apply(w, 5.0).parents[1]) is Value


# ---- Where a debugger stops -----------------------------------------------------------------


Pass = tuple[str, list[Stop]]


@pytest.fixture(scope="module", params=GRAPHS)
def first_pass(request: pytest.FixtureRequest) -> Pass:
    """A graph's name, and where a debugger can stop in its pass, the first of a process."""
    lines = run_python(["-m", "tests.stops", request.param], ROOT).splitlines()
    return request.param, [Stop(*json.loads(line)) for line in lines]


def depth_first(root: Value) -> list[Value]:
    """Return the nodes of a graph, operands before their users, by the recursion of a textbook."""
    found: list[Value] = []

    def visit(node: Value) -> None:
        if node not in found:
            for parent in node.parents:
                visit(parent)
            found.append(node)

    visit(root)
    return found


def users_first(root: Value) -> list[tuple[Value, str]]:
    """Return the interior nodes in the order of a pass, each with its operation's name."""
    return [(node, node.op.name) for node in reversed(depth_first(root)) if node.op is not None]


def sums_of(root: Value) -> Iterator[dict[Value, float]]:
    """Yield the gradients of a pass so far: root's at first, then one contribution more each."""
    sums = {root: 1.0}
    yield dict(sums)
    for node, op in users_first(root):
        if node not in sums:
            continue
        _, derivatives = FORMULAS[op]
        slopes = derivatives(node.data, *[parent.data for parent in node.parents])
        for parent, slope in zip(node.parents, slopes, strict=True):
            if slope is None:  # not taken
                continue
            contribution = slope * sums[node]
            sums[parent] = sums[parent] + contribution if parent in sums else contribution
            yield dict(sums)


def after_a_pass(root: Value, sums: dict[Value, float]) -> dict[Value, float]:
    """Return the gradients after it: none of a constant, a variable's added to what it had."""
    return {
        node: node.grad + gradient if node.is_leaf and node.has_grad else gradient
        for node, gradient in sums.items()
        if not node.is_constant
    }


def changes(states: Iterable[list[str]]) -> list[list[str]]:
    """Return the states without those that are as the one before.

    >>> changes([["1.0"], ["1.0"], ["2.0"]])
    [['1.0'], ['2.0']]
    """
    return [state for state, _ in itertools.groupby(states)]


def test_at_every_stop_every_gradient_is_shown_as_it_is_by_then(first_pass: Pass) -> None:
    name, stops = first_pass
    root = GRAPHS[name]()
    nodes = nodes_of(root)

    def shown(gradients: dict[Value, float]) -> list[str]:
        return [repr(gradients[node]) if node in gradients else "not computed" for node in nodes]

    sums = list(sums_of(root))
    before = shown({node: node.grad for node in nodes if node.has_grad})
    contributions = [shown(each) for each in sums]
    after = shown(after_a_pass(root, sums[-1]))

    states = changes(stop.gradients for stop in stops)
    assert (states[0], states[-1]) == (before, after)
    begun = states.index(contributions[0])
    done = begun + len(contributions)
    assert states[begun:done] == contributions
    # On the way there, and from there, each has what it had or what it will have.
    for state in states[:begun]:
        either = zip(state, before, contributions[0], strict=True)
        assert all(each in (had, first) for each, had, first in either)
    for state in states[done:]:
        either = zip(state, contributions[-1], after, strict=True)
        assert all(each in (summed, final) for each, summed, final in either)


@pytest.mark.parametrize("first_pass", ["neuron", "row_of_xor"], indirect=True)
def test_a_debugger_stops_seldom(first_pass: Pass) -> None:
    name, stops = first_pass
    contributions, most = {"neuron": (5, 15), "row_of_xor": (28, 12)}[name]
    assert len(list(backward_steps(GRAPHS[name]()))) == contributions
    assert 3 * contributions < len(stops) <= most * contributions


def test_the_next_from_the_loop_is_the_chain_rule_of_each_node_in_turn(first_pass: Pass) -> None:
    name, stops = first_pass
    operations = [op for _, op in users_first(GRAPHS[name]())]
    lines, first = inspect.getsourcelines(Value.backward)
    loop, call = [
        first + place
        for place, line in enumerate(lines)
        if "for node in" in line or ".chain_rule(node)" in line
    ]
    begun = [
        (place, stop.line)
        for place, stop in enumerate(stops)
        if (stop.event, stop.function) == ("line", "Value.backward")
    ]
    # Stepping over, a person goes between the loop's two lines; from the second, one step in ...
    (start,) = [place for place, (_, line) in enumerate(begun) if line == loop][:1]
    rounds = begun[start : start + 2 * len(operations) + 1]
    assert [line for _, line in rounds] == [loop, call] * len(operations) + [loop]
    # ... is the chain rule.
    entered = [stops[place + 1] for place, line in rounds if line == call]
    assert [(stop.event, stop.function) for stop in entered] == [
        ("call", f"backward_{op}") for op in operations
    ]
    kinds = ("activations", "arithmetic", "choices", "powers", "sums", "trigonometry")
    assert {stop.file for stop in entered} <= {f"{kind}.py" for kind in kinds}


# ---- A gradient that is not computed --------------------------------------------------------

CALCULATIONS: dict[str, Callable[[Any], Any]] = {
    "g * 2.0": lambda g: g * 2.0,
    "2.0 * g": lambda g: 2.0 * g,
    "-0.1 * g": lambda g: -0.1 * g,
    "3 * g": lambda g: 3 * g,
    "g * inf": lambda g: g * inf,
    "g + 1.5": lambda g: g + 1.5,
    "g + 0.0": lambda g: g + 0.0,
    "sum": lambda g: sum([g, g]),
    "1.5 - g": lambda g: 1.5 - g,
    "-0.0 - g": lambda g: -0.0 - g,
    "g - 1.5": lambda g: g - 1.5,
    "g - 0.0": lambda g: g - 0.0,
    "g / -2.0": lambda g: g / -2.0,
    "-g": lambda g: -g,
    "abs(g)": abs,
    "g ** 2": lambda g: g**2,
    "0.1 * g * g": lambda g: 0.1 * g * g,
    "float(g)": float,
    "round(g, 3)": lambda g: round(g, 3),
    "Value(g)": lambda g: Value(g).data,
    "constant(g)": lambda g: constant(g).data,
    "Value * g": lambda g: (Value(2.0) * g).data,
    "g * Value": lambda g: (g * Value(2.0)).data,
    "str(g)": lambda g: float(str(g)),
    "f'{g}'": lambda g: float(f"{g}"),
    "f'{g:.3f}'": lambda g: float(f"{g:.3f}"),
}


@pytest.mark.parametrize("calculation", CALCULATIONS.values(), ids=list(CALCULATIONS))
def test_who_calculates_with_a_gradient_not_computed_calculates_with_zero(
    calculation: Callable[[Any], Any],
) -> None:
    gradient = Value(1.0).grad
    assert repr(gradient) == "not computed"
    assert same_bits(calculation(gradient), calculation(0.0))
    assert gradient == 0.0
    assert not gradient


def test_a_copy_of_a_gradient_not_computed_is_the_same_object() -> None:
    for gradient in (Value(1.0).grad, constant(1.0).grad):
        assert copy.deepcopy(gradient) is copy.copy(gradient) is gradient
        assert pickle.loads(pickle.dumps(gradient)) is gradient
