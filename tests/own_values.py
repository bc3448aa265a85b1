"""A student's own Value, right, and with the mistakes that students make."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

__all__ = ["RIGHT", "STORED_BACKWARD", "WRONG", "WrongClass", "own_scope"]

# What notebook 1 ends in: at most 40 lines.
RIGHT = """\
import math


class Value:
    def __init__(self, data, parents=(), slopes=()):
        self.data = data
        self.grad = 0.0
        self.parents = parents
        self.slopes = slopes

    def __add__(self, other):
        other = other if isinstance(other, Value) else Value(other)
        return Value(self.data + other.data, (self, other), (1.0, 1.0))

    def __mul__(self, other):
        other = other if isinstance(other, Value) else Value(other)
        return Value(self.data * other.data, (self, other), (other.data, self.data))

    __radd__, __rmul__ = __add__, __mul__

    def tanh(self):
        out = math.tanh(self.data)
        return Value(out, (self,), (1.0 - out * out,))

    def backward(self):
        self.grad = 1.0
        for node in reversed(topological_order(self)):
            for parent, slope in zip(node.parents, node.slopes):
                parent.grad += slope * node.grad


def topological_order(root, order=None, visited=None):
    order, visited = ([], set()) if order is None else (order, visited)
    if root not in visited:
        visited.add(root)
        for parent in root.parents:
            topological_order(parent, order, visited)
        order.append(root)
    return order
"""

NEURON_AND_TRAINING = """

def neuron(weights, inputs, bias):
    return (sum(w * x for w, x in zip(weights, inputs)) + bias).tanh()


def train(parameters, loss_of, steps, learning_rate):
    losses = []
    for _ in range(steps):
        loss = loss_of()
        for parameter in parameters:
            parameter.grad = 0.0
        loss.backward()
        for parameter in parameters:
            parameter.data -= learning_rate * parameter.grad
        losses.append(loss.data)
    return losses
"""

# micrograd's way: each result has a function that does its share.
STORED_BACKWARD = """\
import math


class Value:
    def __init__(self, data, children=()):
        self.data = data
        self.grad = 0.0
        self._prev = set(children)
        self._backward = lambda: None

    def __add__(self, other):
        other = other if isinstance(other, Value) else Value(other)
        out = Value(self.data + other.data, (self, other))
        def _backward():
            self.grad += out.grad
            other.grad += out.grad
        out._backward = _backward
        return out

    def __mul__(self, other):
        other = other if isinstance(other, Value) else Value(other)
        out = Value(self.data * other.data, (self, other))
        def _backward():
            self.grad += other.data * out.grad
            other.grad += self.data * out.grad
        out._backward = _backward
        return out

    __radd__, __rmul__ = __add__, __mul__

    def tanh(self):
        out = Value(math.tanh(self.data), (self,))
        def _backward():
            self.grad += (1 - out.data**2) * out.grad
        out._backward = _backward
        return out

    def backward(self):
        order, visited = [], set()
        def visit(node):
            if node not in visited:
                visited.add(node)
                for child in node._prev:
                    visit(child)
                order.append(node)
        visit(self)
        self.grad = 1.0
        for node in reversed(order):
            node._backward()
"""


@dataclass(frozen=True)
class WrongClass:
    """A mistake: what replaces what of RIGHT, the check that meets it first, and its hint."""

    name: str
    check: str
    right: str
    wrong: str
    says: str
    source: str = RIGHT

    @property
    def program(self) -> str:
        """The program with the mistake in it."""
        whole = self.source + NEURON_AND_TRAINING
        assert whole.count(self.right) == 1, (self.name, whole.count(self.right))
        return whole.replace(self.right, self.wrong)


def own_scope(program: str = RIGHT + NEURON_AND_TRAINING) -> dict[str, Any]:
    """Run a student's program, and return its names."""
    scope: dict[str, Any] = {"__name__": "student"}
    exec(compile(program, "student.py", "exec"), scope)
    return scope


SUM = "(self.data + other.data, (self, other), (1.0, 1.0))"
PRODUCT = "(self.data * other.data, (self, other), (other.data, self.data))"
PARENTS = "        self.parents = parents\n"
TANH = (
    "        out = math.tanh(self.data)\n        return Value(out, (self,), (1.0 - out * out,))\n"
)
SLOPE = "(1.0 - out * out,)"
SEED = "        self.grad = 1.0\n"
REVERSED = "reversed(topological_order(self))"
CONTRIBUTION = "parent.grad += slope * node.grad"
BACKWARD = f"""{SEED}        for node in {REVERSED}:
            for parent, slope in zip(node.parents, node.slopes):
                {CONTRIBUTION}
"""
VISITED = """    if root not in visited:
        visited.add(root)
        for parent in root.parents:
            topological_order(parent, order, visited)
        order.append(root)
"""
REFLECTED = "    __radd__, __rmul__ = __add__, __mul__\n"
FIRST_OTHER = f"""        other = other if isinstance(other, Value) else Value(other)
        return Value{SUM}"""
NEURON = "    return (sum(w * x for w, x in zip(weights, inputs)) + bias).tanh()"
LOSS = """    for _ in range(steps):
        loss = loss_of()
"""
CLEARED = """        for parameter in parameters:
            parameter.grad = 0.0
        loss.backward()
"""
STEP = "parameter.data -= learning_rate * parameter.grad"


# By the check that meets them first: a name, what replaces what, and the hint.
MISTAKES: dict[str, list[tuple[str, ...]]] = {
    "own sum": [
        ("no data", "self.data = data", "self.number = data", "data should be 2.0"),
        ("grad is None", "self.grad = 0.0", "self.grad = None", "should be 0.0"),
        (
            *("constructor fails", "self.data = data", "self.data = dta"),
            r"Value\(2.0\) raised NameError",
        ),
        ("no sum", REFLECTED, f"{REFLECTED}    del __add__\n", "no __add__ yet"),
        ("returns nothing", "return Value" + SUM, "...", "gives nothing yet"),
        (
            *("number alone", "Value" + SUM, "self.data + other.data"),
            "is of type float: return a Value, which remembers",
        ),
        ("product for sum", SUM, SUM.replace("+", "*"), r"-6 is not it. a \+ b should be -1"),
        (
            *("adds Values", SUM, SUM.replace("self.data + other.data", "Value(self.data)")),
            r"the data of a \+ b is a Value itself",
        ),
        (
            *("in place", "return Value" + SUM),
            "self.data += other.data\n        return Value(self.data, (self, other), (1.0, 1.0))",
            r"a \+ b has changed a or b",
        ),
        (
            *("no parents", SUM, "(self.data + other.data)"),
            r"remembers no parents: hand over \(self, other\)",
        ),
        (
            *("parents in a set", PARENTS, PARENTS.replace("parents\n", "set(parents)\n")),
            r"are a set: it has no order, and for a \+ a it keeps one of two. Keep a tuple",
        ),
        (
            *("parents once", PARENTS),
            PARENTS.replace("parents\n", "tuple(dict.fromkeys(parents))\n"),
            r"a \+ a uses a twice, so it has two parents",
        ),
        (
            *("parents swapped", SUM, SUM.replace("(self, other)", "(other, self)")),
            r"other way round: \(self, other\)",
        ),
        (
            *("parents are numbers", SUM, SUM.replace("(self, other)", "(self.data, other.data)")),
            "should be a and b themselves",
        ),
        ("no slopes", SUM, "(self.data + other.data, (self, other))", "should remember two slopes"),
        (
            *("slopes of a product", SUM, SUM.replace("(1.0, 1.0)", "(other.data, self.data)")),
            r"are \(-3, 2\). Nudge a by h: by how much does the sum move",
        ),
    ],
    "own product": [
        (
            *("not swapped", PRODUCT),
            PRODUCT.replace("(other.data, self.data)", "(self.data, other.data)"),
            r"are \(2, -3\): the other way round",
        ),
        (
            *("slopes are Values", PRODUCT),
            PRODUCT.replace("(other.data, self.data)", "(other, self)"),
            "should be numbers: use .data",
        ),
        (
            *("slopes of a sum", PRODUCT, PRODUCT.replace("(other.data, self.data)", "(1.0, 1.0)")),
            r"are \(1, 1\); with a = 2 and b = -3 they are \(b's number, a's number\)",
        ),
        (
            *("Values multiplied", PRODUCT),
            PRODUCT.replace("self.data * other.data", "self * other"),
            r"a \* b calls itself without end: .* compute with .data",
        ),
    ],
    "own graph": [
        (
            *("numbers not wrapped", FIRST_OTHER, "        return Value" + SUM),
            "A plain number has no such thing: make it a Value first",
        ),
        (
            *("wrapped too late", FIRST_OTHER),
            "        number = other.data if isinstance(other, Value) else other\n"
            "        return Value(self.data + number, (self, other), (1.0, 1.0))",
            r"a parent of a \+ 1 is a plain number",
        ),
        (
            "no reflected",
            REFLECTED,
            "",
            r"1 \+ a raised TypeError.*The number on the left knows no Values.*__radd__ and __rmu",
        ),
        (
            *("reflected swapped", "= __add__, __mul__", "= __mul__, __add__"),
            r"2 is not it. 1 \+ a should be 3",
        ),
        (
            *("number alone in a graph", "Value" + SUM, "self.data + other.data"),
            r"a \* b \+ c is of type float: return a Value",
        ),
    ],
    "own order": [
        (
            *("visits twice", VISITED),
            """    for parent in root.parents:
        topological_order(parent, order, visited)
    order.append(root)
""",
            "a is there 3 times. It is used more than once|x is there 3 times",
        ),
        (
            *("root first", VISITED),
            """    if root not in visited:
        visited.add(root)
        order.append(root)
        for parent in root.parents:
            topological_order(parent, order, visited)
""",
            "your order is c, a, x, b: the result comes first, and has to be last",
        ),
        (
            *("breadth first", VISITED),
            """    order.append(root)
    for node in order:
        order += [parent for parent in node.parents if parent not in order]
    order.sort(key=lambda node: "xbac".index(node.name))
""",
            "b comes before a, from which it is computed",
        ),
        (
            *("without leaves", "        for parent in root.parents:\n"),
            "        for parent in [each for each in root.parents if each.parents]:\n",
            "your order is a, b, c: x is missing",
        ),
        (
            *("without root", "    return order\n", "    return order[:-1]\n"),
            "c is missing. The result itself belongs to it, too",
        ),
        ("nothing", "    return order\n", "", r"topological_order\(c\) gives nothing yet"),
        (
            *("names", "    return order\n", "    return [str(node) for node in order]\n"),
            "should have the nodes themselves",
        ),
        (
            *("a set", "    return order\n", "    return set(order)\n"),
            "should return a list, but it is set",
        ),
    ],
    "own backward": [
        (
            *("number alone before backward", "Value" + PRODUCT, "self.data * other.data"),
            r"L = a \* a is of type float: return a Value",
        ),
        (
            *("sum wrong before backward", SUM, SUM.replace(" + ", " - ")),
            "-16 is not it. L should be 4",
        ),
        ("no backward", "def backward", "def backwards", "no backward yet"),
        (
            *("assigns", CONTRIBUTION, CONTRIBUTION.replace("+=", "=")),
            r"For L = a \+ a the gradient of a should be 2, and yours is 1: .* assigned \(=\)",
        ),
        ("no seed", SEED, "", r"set it before the loop"),
        (
            *("no reversal", REVERSED, "topological_order(self)"),
            "order of the forward pass: begin at the result",
        ),
        ("no upstream", CONTRIBUTION, "parent.grad += slope", "the sum of local derivatives alone"),
        (
            *("visits twice in backward", "if root not in visited", "if True"),
            "used twice is in the order twice, and so passes its gradient on twice",
        ),
        (
            *("every path", BACKWARD),
            """        self.grad = 1.0
        self.pass_on()

    def pass_on(self):
        for parent, slope in zip(self.parents, self.slopes):
            parent.grad += slope * self.grad
            parent.pass_on()
""",
            "goes along every path",
        ),
        (
            *("as it comes to mind", BACKWARD),
            """        self.grad = 1.0
        order = [self]
        for node in order:
            for parent, slope in zip(node.parents, node.slopes):
                parent.grad += slope * node.grad
                if parent not in order:
                    order.append(parent)
""",
            "in reverse topological order, not as they come to mind",
        ),
        (
            *("operands once in backward", "zip(node.parents, node.slopes)"),
            "dict(zip(node.parents, node.slopes)).items()",
            r"operands are kept in a set.* a \+ a then has one arrow",
        ),
        (
            *("twice as much", CONTRIBUTION, CONTRIBUTION.replace("slope", "2 * slope")),
            "Go along its arrows by hand",
        ),
        (
            *("returns self", BACKWARD, BACKWARD + "        return self\n"),
            "backward should return nothing",
        ),
        (
            *("gradients are Values", CONTRIBUTION),
            "parent.grad = parent.grad + Value(slope) * node.grad",
            "the gradient of a should be a number: use .data and .grad",
        ),
        (
            *("backward of a parent", REVERSED, "topological_order(self.left)"),
            r"L.backward\(\) for L = a \* b \+ c raised AttributeError",
        ),
    ],
    "own tanh": [
        ("no tanh", "def tanh", "def than", r"tanh\(\) raised AttributeError"),
        (
            *("tanh of self", "math.tanh(self.data)", "math.tanh(self)"),
            "math.tanh takes a number: self.data",
        ),
        (
            *("sinh", "math.tanh(self.data)", "math.sinh(self.data)"),
            r"0.521095 is not it. Value\(0.5\).tanh\(\) should be 0.462117",
        ),
        ("x for out", SLOPE, "(1.0 - self.data * self.data,)", "is computed from x: it is 1 - out"),
        ("not squared", SLOPE, "(1.0 - out,)", "square the result"),
        ("no 1 -", SLOPE, "(out * out,)", "the 1 - is missing"),
        ("sigmoid's", SLOPE, "(out * (1 - out),)", "slope of the sigmoid"),
        ("tanh itself", SLOPE, "(out,)", "that is tanh itself"),
        ("tanh of out", SLOPE, "(1.0 - math.tanh(out) ** 2,)", r"out is tanh\(x\)"),
        (
            *("number alone of tanh", TANH, "        return math.tanh(self.data)\n"),
            r"Value\(0.5\).tanh\(\) is of type float: return a Value",
        ),
    ],
    "own neuron": [
        (
            *("number alone of a neuron", NEURON, NEURON + ".data"),
            "the neuron's output is of type float: return a Value",
        ),
        (
            *("no bend", NEURON, NEURON.replace("(sum", "sum").replace(").tanh()", "")),
            "that is the sum; the neuron's output is tanh of it",
        ),
        ("no bias", NEURON, NEURON.replace(" + bias", ""), "the bias is missing from the sum"),
        (
            *("bias in the product", NEURON, NEURON.replace("+ bias", "* bias")),
            r"-0.0399787 is not it. The output .* should be -0.291313",
        ),
        (
            *("number alone in the neuron", NEURON),
            "    z = sum(w.data * x.data for w, x in zip(weights, inputs))\n"
            "    return Value(z + bias.data).tanh()",
            "is right, but the gradient of the weight 0.7 is 0, not .*: compute with the Values",
        ),
    ],
    "own training": [
        ("not cleared", CLEARED, "        loss.backward()\n", "set each grad to 0 before backward"),
        ("uphill", STEP, STEP.replace("-=", "+="), "against the gradient"),
        (
            *("rebinds", STEP, "parameter = parameter + -learning_rate * parameter.grad"),
            "change parameter.data",
        ),
        (
            *("no backward in training", "        loss.backward()\n", ""),
            "every gradient is 0: go backward",
        ),
        (
            *("cleared after backward", CLEARED),
            """        loss.backward()
        for parameter in parameters:
            parameter.grad = 0.0
""",
            "not between backward and the step",
        ),
        (
            *("loss computed once", LOSS, "    loss = loss_of()\n    for _ in range(steps):\n"),
            "the loss was computed once in 4 steps: compute it anew in each",
        ),
        (
            *("no loss", LOSS, "    loss = Value(0.0)\n    for _ in range(steps):\n"),
            "does not compute the loss yet",
        ),
        ("steps too large", STEP, STEP.replace("rate", "rate * 2"), "after 4 steps w should be"),
        (
            *("data becomes a Value", STEP),
            "parameter.data = parameter + -learning_rate * parameter.grad",
            "parameter.data is a Value now",
        ),
        (
            *("losses are Values", "losses.append(loss.data)", "losses.append(loss)"),
            "append loss.data",
        ),
        ("losses not returned", "    return losses\n", "", "your function returns nothing yet"),
        (
            *("last loss alone", "    return losses\n", "    return losses[-1:]\n"),
            "a list with the loss of each of the 4 steps",
        ),
        (
            *("losses after the step", "losses.append(loss.data)", "losses.append(loss_of().data)"),
            "The first loss is that before any step",
        ),
    ],
    "own class": [
        (
            "closures not swapped",
            "self.grad += other.data * out.grad\n            other.grad += self.data * out.grad",
            "self.grad += self.data * out.grad\n            other.grad += other.data * out.grad",
            "local derivatives of a product are not swapped",
            STORED_BACKWARD,
        ),
        (
            "closures assign",
            "self.grad += other.data * out.grad\n            other.grad += self.data * out.grad",
            "self.grad = other.data * out.grad\n            other.grad = self.data * out.grad",
            r"assigned \(=\)",
            STORED_BACKWARD,
        ),
        (
            *("closure of tanh with x", "(1 - out.data**2)", "(1 - self.data**2)"),
            *("slope of tanh is computed from x", STORED_BACKWARD),
        ),
        ("closures without seed", "self.grad = 1.0\n", "pass\n", r"\(dL/dL = 1\)", STORED_BACKWARD),
    ],
}

WRONG = tuple(
    WrongClass(name, check, *rest) for check, rows in MISTAKES.items() for name, *rest in rows
)
