"""Stand-ins for numbers: a function or a rule is run on them to see which arithmetic it does."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any, NoReturn

from autodiff.ops.arithmetic import ADD, MUL, NEG, SUB
from autodiff.ops.operation import NOTHING, Operation, Role

__all__ = ["Expression", "Symbol", "uses_operands_in_arithmetic"]


class Symbol(ABC):
    """Stands for a number; an operation on it is whatever ``make_node`` makes of it."""

    __slots__ = ()

    @abstractmethod
    def make_node(self, op: Operation, *operands: Any) -> Any:
        """Return what an operation on symbols and numbers is."""

    def __add__(self, other: Any) -> Any:
        return self.make_node(ADD, self, other)

    def __radd__(self, other: Any) -> Any:
        return self.make_node(ADD, other, self)

    def __sub__(self, other: Any) -> Any:
        return self.make_node(SUB, self, other)

    def __rsub__(self, other: Any) -> Any:
        return self.make_node(SUB, other, self)

    def __mul__(self, other: Any) -> Any:
        return self.make_node(MUL, self, other)

    def __rmul__(self, other: Any) -> Any:
        return self.make_node(MUL, other, self)

    def __neg__(self) -> Any:
        return self.make_node(NEG, self)

    # ---- what is no operation of the table, and what to write in its place -------------------

    def __truediv__(self, other: Any) -> NoReturn:
        raise unwritable("divides by /", "divide(a, b)")

    def __pow__(self, other: Any) -> NoReturn:
        raise unwritable("has a **", "square(a), or power(a, b)")

    def __pos__(self) -> NoReturn:
        raise unwritable("has a sign +", "a")

    def __abs__(self) -> NoReturn:
        raise unwritable("calls abs()", "absolute(a)")

    def __float__(self) -> float:
        raise unwritable("turns a number into a float", "exp(a) for math.exp(a), and its like")

    def __bool__(self) -> bool:
        raise unwritable("asks whether a number is 0", CHOICE)

    def __eq__(self, other: object) -> bool:
        raise unwritable("compares numbers", CHOICE)

    def __lt__(self, other: Any) -> bool:
        raise unwritable("compares numbers", CHOICE)

    __rtruediv__, __rpow__ = __truediv__, __pow__
    __gt__ = __le__ = __ge__ = __lt__
    __int__ = __trunc__ = __floor__ = __ceil__ = __round__ = __float__

    def __getattr__(self, name: str) -> NoReturn:
        """Raise AttributeError: it is called for what there is not."""
        what = f"has .{name} of a number"
        raise AttributeError(str(unwritable(what, f"a function of autodiff.ops, {name}(a)")))

    __hash__ = None  # type: ignore[assignment]


CHOICE = "where(a - b, x, y) for `x if a > b else y`"


def unwritable(what: str, instead: str) -> TypeError:
    """Return the error for what a rule does that is nothing of the table."""
    return TypeError(f"a rule that {what} cannot be written out: write {instead}")


class Expression(Symbol):
    """The text of a number, and of the arithmetic that is done with it.

    ``roles`` are those of the operands of its outermost operator; () if it needs no brackets.
    ``choice`` are the condition and both sides, where it is a choice between two.

    >>> a, b = Expression("a"), Expression("b")
    >>> ((a - b) * a - (a - b) * 1.0).text
    '(a - b) * a - (a - b)'
    """

    __slots__ = ("choice", "is_nothing", "roles", "text")

    def __init__(self, text: str, roles: tuple[Role, ...] = ()) -> None:
        self.text = text
        self.roles = roles
        self.choice: tuple[Expression, Expression, Expression] | None = None
        self.is_nothing = False

    @classmethod
    def of(cls, operand: Any) -> Expression:
        """Return an expression as it is, and a number as Python writes it."""
        if isinstance(operand, cls):
            return operand
        number = cls(repr(float(operand)))
        number.is_nothing = operand is NOTHING
        return number

    @property
    def gives_nothing(self) -> bool:
        """Whether it is NOTHING, or a choice of which a side gives nothing."""
        if self.choice is None:
            return self.is_nothing
        return any(side.gives_nothing for side in self.choice[1:])

    def make_node(self, op: Operation, *operands: Any) -> Expression:
        """Return the text of an operation: infix for arithmetic, else a call of its function."""
        parts = [Expression.of(operand) for operand in operands]
        for place, neutral in enumerate(op.neutral):
            if neutral is not None and parts[place].text == repr(neutral):
                return parts[1 - place]
        if not op.arithmetic:
            call = Expression(f"{op.forward.__name__}({', '.join(part.text for part in parts)})")
            if Role.CONDITION in op.roles:
                call.choice = parts[0], parts[1], parts[2]
            return call
        last = len(parts) - 1
        product = Role.FACTOR in op.roles
        # What is on the left is done first anyway.
        texts = [part.within(product + (place == last)) for place, part in enumerate(parts)]
        return Expression(op.formula(*texts), op.roles)

    def within(self, strength: int) -> str:
        """Return the text, in brackets if its operator binds less: 0 for a sum, 1 for a product."""
        binds = int(Role.FACTOR in self.roles) if self.roles else 2
        return self.text if binds >= strength else f"({self.text})"


class OtherNumber(float):
    """A number that is no float, such as NumPy's of single precision.

    Functions of the table make floats of such; arithmetic may be less precise, or not be defined.
    """

    def arithmetic(self, *_: Any) -> NoReturn:
        raise InexactError

    __add__ = __radd__ = __sub__ = __rsub__ = __mul__ = __rmul__ = arithmetic
    __truediv__ = __rtruediv__ = __pow__ = __rpow__ = __neg__ = __abs__ = arithmetic


class InexactError(Exception):
    """A rule does arithmetic with an operand as it is."""


def uses_operands_in_arithmetic(op: Operation) -> bool:
    """Return whether a rule, or who multiplies what it returns, does arithmetic with the operands.

    If not, its operands may be numbers of any type: the table's functions make floats of them.

    >>> from autodiff.ops import OPERATIONS
    >>> [uses_operands_in_arithmetic(OPERATIONS[name]) for name in ("pow", "softplus", "mul")]
    [True, False, True]
    """
    assert op.arity is not None, "of any number of operands there is no method"
    try:
        partials = op.partials(0.5, *[OtherNumber(0.5) for _ in range(op.arity)])
    except InexactError:
        return True
    return any(isinstance(partial, OtherNumber) for partial in partials)
