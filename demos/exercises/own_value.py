"""Notebook 1: the checks of a student's own Value, part by part, beside the engine.

What an expression gives is computed with the student's class and with the engine's.  Gradients that
differ are looked up among the usual mistakes, each of which is a backward pass of its own in
``wrong_passes.py``, so that the hint is the mistake and not the number.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from autodiff import Value
from demos.exercises.answers import (
    Exercise,
    NotYetError,
    expect_function,
    expect_number,
    expect_something,
)
from demos.exercises.wrong_passes import MISTAKES, right_pass

__all__ = ["OWN_VALUE", "as_engine"]

A, B, C = 2.0, -3.0, 10.0


# ---- expressions that are computed with both ---------------------------------------------------


@dataclass(frozen=True, slots=True)
class Expression:
    """What a student would write, and the function that computes it from a, b and c."""

    text: str
    build: Callable[[Any, Any, Any], Any]
    inputs: tuple[float, float, float] = (A, B, C)


def chain(a: Any, b: Any, c: Any) -> Any:
    return a * b + c


def doubled(a: Any, b: Any, c: Any) -> Any:
    return a + a


def squared(a: Any, b: Any, c: Any) -> Any:
    return a * a


def used_twice(a: Any, b: Any, c: Any) -> Any:
    return (a * b + c) * a


def diamond(a: Any, b: Any, c: Any) -> Any:
    d = a * b
    e = d * c
    return d + e


def late_use(a: Any, b: Any, c: Any) -> Any:
    """``d`` is used by the result first, and by ``f`` last: its place in the order matters."""
    d = a * b
    e = d * c
    f = e * d
    return d * f


def bent(a: Any, b: Any, c: Any) -> Any:
    return (a * b + c).tanh() * c


SUMS_AND_PRODUCTS = (
    Expression("L = a * b + c", chain),
    Expression("L = a + a", doubled),
    Expression("L = a * a", squared),
    Expression("L = (a * b + c) * a", used_twice),
    Expression("d = a * b; L = d + d * c", diamond),
    Expression("d = a * b; e = d * c; L = d * (e * d)", late_use),
)
WITH_TANH = (Expression("L = (a * b + c).tanh() * c", bent, (0.5, -1.0, 1.25)),)


# ---- asking a student's code -------------------------------------------------------------------


# What to do about a function that calls itself without end.
STOP = "a recursion must stop at a Value without parents."
COMPUTE = "an operation on Values calls the method of that operation: compute with .data."


def tried(what: str, function: Callable[..., Any], *arguments: Any, endless: str = COMPUTE) -> Any:
    """Return what a student's function returns; what it raises becomes a hint."""
    try:
        result = function(*arguments)
    except RecursionError:
        raise NotYetError(f"{what} calls itself without end: {endless}") from None
    except Exception as error:
        raise NotYetError(
            f"{what} raised {type(error).__name__}: {error}.{cure_of(error)}"
        ) from None
    if result is None or result is ... or result is NotImplemented:
        raise NotYetError(f"{what} gives nothing yet: it needs a return.")
    return result


def cure_of(error: Exception) -> str:
    """Return what may help where a student's code raised this."""
    said = str(error)
    if isinstance(error, AttributeError) and said.startswith(("'int'", "'float'")):
        return " A plain number has no such thing: make it a Value first, Value(other)."
    if isinstance(error, TypeError) and "must be real number" in said:
        return " math.tanh takes a number: self.data."
    if isinstance(error, TypeError) and said.startswith("unsupported operand"):
        if "'int' and" in said or "'float' and" in said:
            return (
                " The number on the left knows no Values, so Python asks the Value on the right: "
                "give your class __radd__ and __rmul__."
            )
        return " Is the operator there, and is it data that you compute with?"
    return ""


def expect_class(attempt: Any) -> type:
    """Return the attempt if it is a class whose object has a number."""
    if not isinstance(attempt, type):
        raise NotYetError(
            f"this needs your class itself, Value, but it is {type(attempt).__name__}."
        )
    made = tried("Value(2.0)", attempt, 2.0)
    if getattr(made, "data", None) != 2.0:
        raise NotYetError("Value(2.0).data should be 2.0.")
    if getattr(made, "grad", None) != 0.0:
        raise NotYetError("Value(2.0).grad should be 0.0: nothing has gone backward yet.")
    return attempt


def expect_own(result: Any, own: type, what: str) -> None:
    """Raise NotYetError unless a result is a Value of the student's."""
    if not isinstance(result, own):
        raise NotYetError(
            f"{what} is of type {type(result).__name__}: return a Value, which remembers "
            "its parents, not the number alone."
        )


def expect_data(result: Any, right: float, what: str) -> None:
    """Raise NotYetError unless a Value of the student's has that number."""
    if isinstance(result.data, type(result)):
        raise NotYetError(
            f"the data of {what} is a Value itself: compute it with self.data and other.data."
        )
    expect_number(result.data, right, f"{what} should be {right:g}.")


def parents_of(result: Any, what: str) -> Sequence[Any]:
    """Return the parents that a Value of the student's remembers, in their order."""
    parents = getattr(result, "parents", ())
    if isinstance(parents, (set, frozenset)):
        raise NotYetError(
            f"the parents of {what} are a set: it has no order, and for a + a it keeps one of two. "
            "Keep a tuple."
        )
    return tuple(parents)


# ---- part by part ------------------------------------------------------------------------------


def own_sum(attempt: Any) -> None:
    check_operation(attempt, "a + b", "__add__", A + B, (1.0, 1.0))


def own_product(attempt: Any) -> None:
    check_operation(attempt, "a * b", "__mul__", A * B, (B, A))


def check_operation(
    attempt: Any, what: str, method: str, right: float, slopes: tuple[float, float]
) -> None:
    """Raise NotYetError unless the class computes it, and remembers parents and slopes."""
    own = expect_class(attempt)
    a, b = own(A), own(B)
    if not hasattr(own, method):
        raise NotYetError(f"your class has no {method} yet.")
    result = tried(what, getattr(own, method), a, b)
    expect_own(result, own, what)
    expect_data(result, right, what)
    if (a.data, b.data) != (A, B):
        raise NotYetError(
            f"{what} has changed a or b: make a new Value, and leave these as they are."
        )
    parents = parents_of(result, what)
    if not parents:
        raise NotYetError(f"{what} is right, but remembers no parents: hand over (self, other).")
    if len(parents) == 2 and parents[0] is b and parents[1] is a:
        raise NotYetError(f"the parents of {what} are the other way round: (self, other).")
    if len(parents) != 2 or parents[0] is not a or parents[1] is not b:
        raise NotYetError(f"the parents of {what} should be a and b themselves: (self, other).")
    twice = tried(what.replace("b", "a"), getattr(own, method), a, a)
    if len(parents_of(twice, what)) != 2:
        raise NotYetError(f"{what.replace('b', 'a')} uses a twice, so it has two parents: (a, a).")
    check_slopes(getattr(result, "slopes", ()), slopes, what)


def check_slopes(found: Any, right: tuple[float, float], what: str) -> None:
    """Raise NotYetError unless an operation remembers its local derivatives."""
    if not isinstance(found, (tuple, list)) or len(found) != 2:
        raise NotYetError(
            f"{what} should remember two slopes, one for each parent, but it has {found!r}."
        )
    first, second = found
    if any(not isinstance(slope, (int, float)) for slope in found):
        raise NotYetError(f"the slopes of {what} should be numbers: use .data.")
    if (first, second) == right:
        return
    if right == (1.0, 1.0):
        raise NotYetError(
            f"the slopes of {what} are ({first:g}, {second:g}). Nudge a by h: by how much does the "
            "sum move?"
        )
    if (second, first) == right:
        raise NotYetError(
            f"the slopes of {what} are ({first:g}, {second:g}): the other way round. Nudge a by h, "
            "and the product moves by h times the number of b."
        )
    raise NotYetError(
        f"the slopes of {what} are ({first:g}, {second:g}); with a = {A:g} and b = {B:g} they are "
        "(b's number, a's number)."
    )


def own_graph(attempt: Any) -> None:
    own = expect_class(attempt)
    a, b, c = own(A), own(B), own(C)
    for what, result, right in (
        ("a * b + c", tried("a * b + c", chain, a, b, c), A * B + C),
        ("a + 1", tried("a + 1", plus_one, a), A + 1.0),
        ("1 + a", tried("1 + a", one_plus, a), A + 1.0),
        ("a * 3", tried("a * 3", times_three, a), A * 3.0),
        ("3 * a", tried("3 * a", three_times, a), A * 3.0),
    ):
        expect_own(result, own, what)
        expect_data(result, right, what)
        if any(not isinstance(parent, own) for parent in parents_of(result, what)):
            raise NotYetError(
                f"a parent of {what} is a plain number: make a Value of other before you use it."
            )


def plus_one(a: Any) -> Any:
    return a + 1


def one_plus(a: Any) -> Any:
    return 1 + a


def times_three(a: Any) -> Any:
    return a * 3


def three_times(a: Any) -> Any:
    return 3 * a


class Node:
    """What the student's function orders: a node with a name and parents, and nothing else."""

    def __init__(self, name: str, *parents: Node) -> None:
        self.name = name
        self.parents = parents

    def __repr__(self) -> str:
        return self.name


def own_order(attempt: Any) -> None:
    expect_function(attempt)
    x = Node("x")
    a = Node("a", x)
    b = Node("b", a, a)
    c = Node("c", a, b)
    about = "With a made of x, b = a * a and c = a + b"
    found = tried("topological_order(c)", attempt, c, endless=STOP)
    if not isinstance(found, (list, tuple)):
        raise NotYetError(f"this should return a list, but it is {type(found).__name__}.")
    strangers = [node for node in found if not any(node is each for each in (x, a, b, c))]
    if strangers:
        raise NotYetError("the list should have the nodes themselves, and nothing else.")
    names = ", ".join(node.name for node in found)
    for node in (x, a, b, c):
        times = sum(node is each for each in found)
        if times == 0:
            lost = " The result itself belongs to it, too." if node is c else ""
            raise NotYetError(
                f"{about}, your order is {names or 'empty'}: {node} is missing.{lost}"
            )
        if times > 1:
            raise NotYetError(
                f"{about}, your order is {names}: {node} is there {times} times. It is used more "
                "than once; remember whom you have visited."
            )
    place = {node: found.index(node) for node in found}
    if place[c] == 0:
        raise NotYetError(
            f"{about}, your order is {names}: the result comes first, and has to be last. Append a "
            "node after all of its parents; backward will reverse the list."
        )
    for node in found:
        for parent in node.parents:
            if place[parent] > place[node]:
                raise NotYetError(
                    f"{about}, your order is {names}: {node} comes before {parent}, from which it "
                    "is computed. Append a node after all of its parents."
                )


def own_backward(attempt: Any) -> None:
    check_gradients_of(expect_class(attempt), SUMS_AND_PRODUCTS)


def own_tanh(attempt: Any) -> None:
    own = expect_class(attempt)
    result = tried("Value(0.5).tanh()", lambda: own(0.5).tanh())
    expect_own(result, own, "Value(0.5).tanh()")
    expect_data(result, math.tanh(0.5), "Value(0.5).tanh()")
    check_gradients_of(own, WITH_TANH)


def check_gradients_of(own: type, expressions: Sequence[Expression]) -> None:
    """Raise NotYetError unless the class has the engine's numbers and gradients."""
    compared = [compare(own, expression) for expression in expressions]
    wrong = next((each for each in compared if each.wrong), None)
    if wrong is None:
        return
    name, found, right = wrong.wrong
    hint = f"For {wrong.text} the gradient of {name} should be {right:g}, and yours is {found:g}"
    for mistake in MISTAKES:
        if any(all(each.has_gradients_of(one) for each in compared) for one in mistake.passes):
            raise NotYetError(f"{hint}: {mistake.says}.")
    raise NotYetError(
        f"{hint}. Go along its arrows by hand: which contribution is it that differs?"
    )


@dataclass(frozen=True, slots=True)
class Compared:
    """An expression's gradients by a, b and c, as a student's class has them, and its graph."""

    text: str
    root: Value
    inputs: tuple[Value, ...]
    found: tuple[float, ...]

    @property
    def wrong(self) -> tuple[str, float, float] | None:
        """The first gradient that is wrong: its name, what it is and what it should be."""
        right = right_pass(self.root)
        for node, found in zip(self.inputs, self.found, strict=True):
            if not close(found, right.get(node, 0.0)):
                return node.label, found, right.get(node, 0.0)
        return None

    def has_gradients_of(self, one_pass: Callable[[Value], dict[Value, float]]) -> bool:
        """Return whether they are those that a pass leaves."""
        left = one_pass(self.root)
        return all(
            close(found, left.get(node, 0.0))
            for node, found in zip(self.inputs, self.found, strict=True)
        )


def close(found: float, right: float) -> bool:
    return math.isclose(found, right, rel_tol=1e-9, abs_tol=1e-12)


def compare(own: type, expression: Expression) -> Compared:
    """Compute an expression with both classes, and go backward with the student's."""
    values = [own(number) for number in expression.inputs]
    twins = [Value(number, name) for number, name in zip(expression.inputs, "abc", strict=True)]
    result = tried(expression.text, expression.build, *values)
    root = expression.build(*twins)
    expect_own(result, own, expression.text)
    expect_data(result, root.data, "L")
    backward = getattr(result, "backward", None)
    if backward is None:
        raise NotYetError("your class has no backward yet.")
    what = f"L.backward() for {expression.text}"
    if tried(what, returned, backward, endless=STOP) is not DONE:
        raise NotYetError("backward should return nothing: it leaves its work in .grad.")
    found = tuple(value.grad for value in values)
    for name, number in zip("abc", found, strict=True):
        if not isinstance(number, (int, float)):
            raise NotYetError(f"the gradient of {name} should be a number: use .data and .grad.")
    return Compared(expression.text, root, tuple(twins), found)


DONE = object()


def returned(backward: Callable[[], Any]) -> Any:
    """Call it, and return whether it returned nothing, as it should."""
    result = backward()
    return DONE if result is None else result


def own_neuron(attempt: Any, own: Any) -> None:
    expect_function(attempt)
    own = expect_class(own)
    numbers = (0.7, -0.4, 0.3), (1.0, 2.0, -1.0)
    weights, inputs = [[own(number) for number in each] for each in numbers]
    bias = own(0.1)
    result = tried("neuron(weights, inputs, bias)", attempt, weights, inputs, bias)
    expect_own(result, own, "the neuron's output")
    twins = [[Value(number) for number in each] for each in numbers]
    z = sum((w * x for w, x in zip(*twins, strict=True)), 0.1)
    if close(result.data, z.data):
        raise NotYetError("that is the sum; the neuron's output is tanh of it.")
    if close(result.data, math.tanh(z.data - 0.1)):
        raise NotYetError("the bias is missing from the sum.")
    output = z.tanh()
    expect_data(
        result, output.data, "The output for weights (0.7, −0.4, 0.3), inputs (1, 2, −1), bias 0.1"
    )
    output.backward()
    tried("backward() of the neuron", returned, result.backward)
    for number, twin, weight in zip(numbers[0], twins[0], weights, strict=True):
        if not close(weight.grad, twin.grad):
            raise NotYetError(
                f"the output is right, but the gradient of the weight {number:g} is "
                f"{weight.grad:g}, not {twin.grad:g}: compute with the Values, without .data."
            )


# ---- training ----------------------------------------------------------------------------------

START, TARGET, RATE, STEPS = (0.5, -0.2), 1.5, 0.05, 4


@dataclass(slots=True)
class Training:
    """A line w * 2 + b that is to be 1.5, as a training of any kind leaves it."""

    w: float = START[0]
    b: float = START[1]

    def step(self, sign: float, kept: tuple[float, float]) -> tuple[float, float]:
        """Move both along sign times their gradient, to which what was kept is added."""
        error = self.w * 2.0 + self.b - TARGET
        gradients = kept[0] + 2.0 * error * 2.0, kept[1] + 2.0 * error
        self.w += sign * RATE * gradients[0]
        self.b += sign * RATE * gradients[1]
        return gradients


def trained(sign: float, keep: bool) -> tuple[float, float]:
    """Return w and b after the steps; ``keep`` forgets to clear the gradients."""
    training, kept = Training(), (0.0, 0.0)
    for _ in range(STEPS):
        gradients = training.step(sign, kept)
        kept = gradients if keep else kept
    return training.w, training.b


def own_training(attempt: Any, own: Any) -> None:
    expect_function(attempt)
    own = expect_class(own)
    w, b = own(START[0]), own(START[1])
    asked = []

    def loss_of() -> Any:
        asked.append(w.data)
        error = w * 2.0 + b + -TARGET
        return error * error

    losses = attempt([w, b], loss_of, STEPS, RATE)
    moved = (w.data, b.data)
    told_of_training(moved, (w, b), len(asked))
    expect_something(losses)
    if not isinstance(losses, (list, tuple)) or len(losses) != STEPS:
        raise NotYetError(f"return a list with the loss of each of the {STEPS} steps.")
    if any(isinstance(loss, own) for loss in losses):
        raise NotYetError(
            "the list has Values, each with the whole graph behind it: append loss.data."
        )
    first = (START[0] * 2.0 + START[1] - TARGET) ** 2
    expect_number(losses[0], first, f"The first loss is that before any step, {first:g}.")


def told_of_training(moved: tuple[float, float], values: Sequence[Any], asked: int) -> None:
    """Raise NotYetError unless the training has moved the parameters where it should."""
    if any(isinstance(number, type(values[0])) for number in moved):
        raise NotYetError(
            "parameter.data is a Value now: compute the step with numbers, .data and .grad."
        )
    right = trained(-1.0, keep=False)
    if all(map(close, moved, right)):
        return
    if asked == 0:
        raise NotYetError("your function does not compute the loss yet: loss = loss_of().")
    if moved == START:
        if all(value.grad == 0.0 for value in values):
            raise NotYetError(
                "nothing has moved, and every gradient is 0: go backward, and clear the gradients "
                "before that, not between backward and the step."
            )
        raise NotYetError(
            "nothing has moved: parameter = ... gives the name to a new Value; change "
            "parameter.data."
        )
    if asked < STEPS:
        times = "once" if asked == 1 else f"{asked} times"
        raise NotYetError(
            f"the loss was computed {times} in {STEPS} steps: compute it anew in each, with the "
            "numbers of now."
        )
    if all(map(close, moved, trained(-1.0, keep=True))):
        raise NotYetError(
            "the gradients of all steps have added up: set each grad to 0 before backward."
        )
    if all(map(close, moved, trained(1.0, keep=False))):
        raise NotYetError("that is uphill: move against the gradient, with a minus.")
    raise NotYetError(
        f"after {STEPS} steps w should be {right[0]:.4g}, and yours is {moved[0]:.4g}. A step is "
        "parameter.data -= learning_rate * parameter.grad."
    )


def own_class(attempt: Any) -> None:
    own_graph(attempt)
    check_gradients_of(attempt, (*SUMS_AND_PRODUCTS, *WITH_TANH))


# ---- a student's graph in the engine's pictures ------------------------------------------------


def as_engine(root: Any, **names: Any) -> Value:
    """Return a student's graph as one of the engine, to draw and to show; names are labels.

    Its numbers and its slopes are the student's own.
    """
    labels = {id(value): name for name, value in names.items()}
    made: dict[int, Value] = {}
    waiting = [root]
    while waiting:
        node = waiting[-1]
        missing = [parent for parent in node.parents if id(parent) not in made]
        if missing:
            waiting += missing
            continue
        waiting.pop()
        if id(node) not in made:
            parents = tuple([made[id(parent)] for parent in node.parents])
            twin = Value(node.data, parents, tuple(node.slopes)) if parents else Value(node.data)
            twin.label = labels.get(id(node), "")
            made[id(node)] = twin
    return made[id(root)]


OWN_VALUE = {
    "own sum": Exercise(own_sum, "A new Value that knows its parents, and how it follows each."),
    "own product": Exercise(own_product, "By a it is b's number, and by b it is a's."),
    "own graph": Exercise(own_graph, "Numbers and Values mix, on either side."),
    "own order": Exercise(own_order, "Each node once, and behind all that it is computed from."),
    "own backward": Exercise(
        own_backward, f"The engine's gradients, for all {len(SUMS_AND_PRODUCTS)} graphs."
    ),
    "own tanh": Exercise(own_tanh, "1 - out * out: the result is all that its slope needs."),
    "own neuron": Exercise(own_neuron, "A weighted sum and a bend, with the engine's gradients."),
    "own training": Exercise(
        own_training, "Forward, clear, backward, step: all training is this loop."
    ),
    "own class": Exercise(own_class, "This is an autograd engine, and it is yours."),
}
