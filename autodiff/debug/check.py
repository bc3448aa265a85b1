"""Checking gradients against differences of the function itself.

A derivative is the limit of (f(x + h) - f(x - h)) / 2h.  A large step h is wrong because f is
curved, a small one because f is rounded.  Ridders' method takes ever smaller steps and
extrapolates them to h = 0 (Richardson): the error of a central difference is a series in h**2,
and each extrapolation removes its first term,

    better = finer + (finer - coarser) / (SHRINK**(2 k) - 1),    k = 1, 2, 3, ...

so the first is of fourth order, the next of sixth.  How far one is from the two that it was
made of estimates its error; the one with the smallest error is taken.  (C. J. F. Ridders,
"Accurate computation of F'(x) and F'(x) F''(x)", Advances in Engineering Software 4(2), 1982.)

Long steps leap over what is narrower than they are, such as the pole of 1 / x beside 0, and may by
chance agree on a wrong slope.  So beside 0 the method is tried a second time, with steps that
begin at |x| / 8.  They are believed where they are surer, or contradict the long ones beyond both
errors, for a derivative is local.

A function that oscillates, such as sin(1e9 x), looks like one with a jump to steps that are longer
than its waves, but its slopes on each side of x go up and down.  Where they do, ever shorter steps
are tried, a few times; the ones that settle are believed.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from typing import Any

from autodiff.gradient import grad
from autodiff.graph import leaves_and_interior
from autodiff.ops import Operation
from autodiff.support.convert import describe, to_float
from autodiff.support.naming import Names
from autodiff.value import Value

__all__ = ["GradientError", "check_gradients"]

SHRINK = 4.0
STEPS = 20
SMALLEST = 2.0**-960  # steps that are a share of a smaller x may underflow
HIDDEN = 2.0**20  # what f rounds on its way may be so much larger than its result

# Of the scale: how far from x a function is looked at, and in which strides: no wave fits them all.
NEAR = (2.0**-20, 2.0**-23, 2.0**-26)
FAR = (2.0**-5, 2.0**-8, 2.0**-11, 2.0**-14, 2.0**-17)
STRIDES = (1.0, 1.7, 2.6, 3.9, 5.3, 7.1)
NOTICEABLE = 1e-3  # of the slopes, by which they go up and down
# Shares of the scale at which shorter steps begin where a function oscillates, and their number.
CLOSER, TRIES = 2.0**-10, 6
# Of the steepest differences of all: as steep are those of steps as short as the waves at least,
# and less is the error of those that settle.
STEEP, SETTLED = 0.1, 0.01

LEFT_THE_GRAPH = (
    "Has a number left the graph on its way (x.data, float(x), a function of math)? "
    "Does f do the same at every call?"
)

Function = Callable[..., Any]


class GradientError(ArithmeticError):
    """A derivative that differences of the function do not confirm.

    ``input`` is the name of the input (of two inputs for a second derivative), ``gradient`` the
    derivative by the rules, ``difference`` by differences, ``tolerance`` what was allowed, relative
    to the larger of the two; ``operation`` is the first operation whose own rule is not confirmed,
    or None.
    """

    def __init__(
        self,
        message: str,
        input: str,
        gradient: float,
        difference: float,
        tolerance: float,
        operation: Operation | None,
    ) -> None:
        super().__init__(message)
        self.input = input
        self.gradient = gradient
        self.difference = difference
        self.tolerance = tolerance
        self.operation = operation


@dataclass(frozen=True, slots=True)
class Difference:
    """A derivative by differences, an estimate of its error, and the part that is rounding's.

    ``largest`` is the largest central difference of the steps up to there.
    """

    number: float
    error: float
    rounding: float
    largest: float

    def confirms(self, gradient: float, tolerance: float) -> bool:
        """Return whether the gradient is this number, to within tolerance and error.

        No differences confirm anything before they have settled: their error is small beside the
        number, or is rounding's, or is small beside the differences of the longer steps.  The last
        is for a slope of 0 where differences shrink with the step alone, as of relu(x)**2 at 0.
        """
        allowed = tolerance * max(abs(gradient), abs(self.number))
        settled = self.error <= max(allowed, 100.0 * self.rounding, 1e-9 * self.largest)
        return settled and abs(gradient - self.number) <= allowed + self.error

    def is_better_than(self, longer: Difference) -> bool:
        """Return whether it is to be believed, and not the one of longer steps.

        It is surer, or they contradict each other beyond both errors: a derivative is local.
        """
        apart = abs(self.number - longer.number)
        return self.error < longer.error or apart > self.error + longer.error


UNKNOWN = Difference(math.nan, math.inf, 0.0, 0.0)


def difference(f: Callable[[float], float], x: float, tolerance: float) -> Difference:
    """Return df/dx by Ridders' method, from steps of the scale that suits f at x."""
    found = UNKNOWN
    for scale, hidden in scales(f, x):
        tried = ridders(f, x, scale / 8.0, tolerance, hidden)
        if tried.is_better_than(found):
            # Once it is believed, what might have been hidden does not blur the result.
            found = ridders(f, x, scale / 8.0, tolerance, 0.0) if hidden else tried
    return found


def scales(f: Callable[[float], float], x: float) -> list[tuple[float, float]]:
    """Return the scales of steps to try at x, each with what rounding may be hidden from it.

    The first is max(1, |x|).  Beside 0, |x| is another, if f changes enough there to be seen.
    Of log(1 + x) at 1e-12 such short steps see little but the rounding of 1 + x, and the size of
    f does not tell.  Its size within reach of the long steps is a better guess at what is rounded.
    """
    size = abs(x)
    if not SMALLEST < size < 1.0:
        return [(max(1.0, size), 0.0)]
    sizes = [abs(y) for y in map(f, (x - 1.0 / 8.0, x, x + 1.0 / 8.0)) if math.isfinite(y)]
    hidden = HIDDEN * sys.float_info.epsilon * max(sizes, default=0.0)
    change = abs(f(x + size / 8.0) - f(x - size / 8.0))
    return [(1.0, 0.0), (size, hidden)] if change > hidden else [(1.0, 0.0)]


def ridders(
    f: Callable[[float], float], x: float, step: float, tolerance: float, hidden: float
) -> Difference:
    """Return df/dx from that first step on, once its error is far below the tolerance.

    ``hidden`` is how much of f may be rounding that the size of f does not tell.
    """
    here = f(x)
    best = UNKNOWN
    largest = 0.0
    coarser: list[float] = []
    for _ in range(STEPS):
        above, below = f(x + step), f(x - step)
        rounding = rounding_error(here, above, below, x, step) + hidden / step
        finer = [(above - below) / ((x + step) - (x - step))]
        largest = max(largest, abs(finer[0]))
        for order, earlier in enumerate(coarser, 1):
            better = finer[-1] + (finer[-1] - earlier) / (SHRINK ** (2 * order) - 1.0)
            error = max(abs(better - finer[-1]), abs(better - earlier)) + rounding
            if error < best.error:
                best = Difference(better, error, rounding, largest)
            finer.append(better)
        if best.error <= tolerance / 100.0 * abs(best.number) or rounding > best.error:
            break
        coarser = finer
        step /= SHRINK
    return best


def rounding_error(here: float, above: float, below: float, x: float, step: float) -> float:
    """Return what rounding f, and x before it, makes of a difference at most, or nearly so."""
    of_f = max(abs(above), abs(below))
    of_x = max(abs(above - here), abs(here - below)) / step * abs(x)
    return sys.float_info.epsilon * (of_f + of_x) / step


def has_kink(f: Callable[[float], float], x: float) -> bool:
    """Return whether f has different slopes on both sides of x, a jump or a pole there, or an end.

    If long steps see it and short ones do not, it is beside x.
    """
    return all(
        is_broken(f, x, scale) and not oscillates(f, x, scale, NEAR) for scale, _ in scales(f, x)
    )


def is_broken(f: Callable[[float], float], x: float, scale: float) -> bool:
    """Return whether steps that are small shares of the scale show f as not smooth at x.

    Where f is smooth, the slopes on both sides differ by a multiple of the step: less of a step
    leaves less of the gap between them.  And their mean stays; over a jump or a pole it grows.
    """
    here = f(x)
    gap = slope = math.inf
    for shrink in (2.0**-23, 2.0**-26):
        step = scale * shrink
        above, below = f(x + step), f(x - step)
        coarser_gap, gap = gap, abs((above - here) - (here - below)) / step
        coarser_slope, slope = slope, abs(above - below) / step
        if not math.isfinite(gap):
            return True
    noise = 100.0 * rounding_error(here, above, below, x, step)
    return gap > max(coarser_gap / 2.0, noise) or slope > max(2.0 * coarser_slope, noise)


def oscillates(
    f: Callable[[float], float], x: float, scale: float, reaches: Sequence[float]
) -> bool:
    """Return whether the slopes of f on one side of x go up and down: it has waves there.

    On each side of a kink, a jump, a cusp or a pole they go one way.
    """
    for reach in reaches:
        for side in (scale * reach, -scale * reach):
            points = [x + side * stride for stride in STRIDES]
            numbers = [f(point) for point in points]
            if not all(map(math.isfinite, numbers)):
                continue
            slopes = [
                (after - before) / (there - here)
                for (here, before), (there, after) in pairwise(zip(points, numbers, strict=True))
            ]
            steepest = max(map(abs, slopes))
            of_f = max(map(abs, numbers)) + steepest * abs(x)
            noise = 100.0 * sys.float_info.epsilon * of_f / abs(side)
            changes = [after - before for before, after in pairwise(slopes)]
            if min(max(changes), -min(changes)) > max(NOTICEABLE * steepest, noise):
                return True
    return False


def closer_difference(f: Callable[[float], float], x: float, tolerance: float) -> Difference | None:
    """Return df/dx from ever shorter steps where f oscillates; None if it does not.

    It is ``UNKNOWN`` where none of them settles, unless it is rounding that goes up and down, which
    is seen from near x alone.
    """
    scale = max(1.0, abs(x))
    has_waves = oscillates(f, x, scale, FAR)
    if not has_waves and not oscillates(f, x, scale, NEAR):
        return None
    steps = [scale * CLOSER**place / 8.0 for place in range(1, TRIES + 1)]
    found = [ridders(f, x, step, tolerance, 0.0) for step in steps if step > 64.0 * math.ulp(x)]
    steepest = max([each.largest for each in found])
    believed = UNKNOWN
    for each in found:
        is_settled = each.largest > STEEP * steepest and each.error < SETTLED * steepest
        if is_settled and each.is_better_than(believed):
            believed = each
    return believed if has_waves or believed is not UNKNOWN else None


@dataclass(frozen=True, slots=True)
class Disagreement:
    """A derivative that was not confirmed, by the operands at these positions."""

    positions: tuple[int, ...]
    gradient: float
    difference: Difference
    at_kink: bool

    @property
    def too_fast(self) -> bool:
        """Whether f oscillates so fast that differences tell nothing."""
        return self.difference is UNKNOWN and not self.at_kink

    def sentence(self, of: str, by: Sequence[str]) -> str:
        """Return the derivative's name, d f/d x or d² f/d x d y, and both numbers."""
        power = "d" if len(self.positions) == 1 else "d²"
        operands = " ".join(f"d {by[place]}" for place in self.positions)
        return (
            f"{power} {of}/{operands} is {self.gradient:.10g} by the rules, "
            f"but {self.difference.number:.10g} by differences"
        )


def check_gradients(
    f: Function, inputs: Iterable[Value | float], order: int = 1, tolerance: float = 1e-6
) -> None:
    """Check the gradient of ``f(*inputs)`` against differences; return nothing if it is right.

    ``f`` takes a Value for each input and returns one.  It is called many times, and must do the
    same each time.  ``inputs`` are numbers, or Values whose numbers and labels are used.  With
    ``order=2`` the second derivatives are checked as well.  Two numbers agree if they differ by at
    most ``tolerance`` times the larger one, and the estimated error of the differences (about
    1e-13 of f); a derivative that is lost in the rounding of f passes as 0.  Where a slope of 0 has
    a kink itself, as that of relu(x)**2 has at 0, that error is about 1e-11 of the slope beside it.

    The differences begin with a step of max(1, |x|) / 8, and may leap over what f does within a
    small part of it.  Beside 0 they begin with |x| / 8 too, so 1 / x can be checked at 1e-8.

    Where f oscillates, as sin(1e9 x) does, shorter steps are tried.  If floats beside x do not
    resolve its waves, the check fails and says that differences tell nothing.

    At a *kink* (relu or abs at 0, a tie in maximum, the edge of a ``where``) there is no
    derivative to check: the engine's is PyTorch's choice, and differences give the mean of the
    slopes on both sides, or do not settle.  Where that is not the same, the check fails and says
    why.  Check beside it.

    Raises GradientError, which names the input, both numbers, the tolerance, and the first
    operation whose own rule disagrees with differences of its own forward; ValueError or
    TypeError for arguments that make no sense; ValueError for second derivatives of a rule that can
    only be called with numbers.

    >>> def f(x, y):
    ...     return (x * y).tanh() / x
    >>> check_gradients(f, [0.5, 0.8], order=2)
    """
    numbers, names = _checked(f, inputs, order, tolerance)
    for each in range(1, order + 1):
        found = first_disagreement(f, numbers, range(len(numbers)), each, tolerance)
        if found is not None:
            raise _error(f, numbers, names, found, tolerance)


def first_disagreement(
    f: Function, numbers: Sequence[float], positions: Iterable[int], order: int, tolerance: float
) -> Disagreement | None:
    """Return the first derivative by these operands that differences do not confirm, if any."""
    wanted = list(positions)
    for first in [()] if order == 1 else [(place,) for place in wanted]:
        values, target = _target(f, numbers, first)
        gradients = grad(target, values)
        for place in wanted:
            along = partial(_number_along, f, numbers, first, place)
            found = difference(along, numbers[place], tolerance)
            gradient = gradients[place].data
            if found.confirms(gradient, tolerance):
                continue
            closer = closer_difference(along, numbers[place], tolerance)
            at_kink = has_kink(along, numbers[place])
            if closer is not None and (closer is UNKNOWN or closer.is_better_than(found)):
                found = found if at_kink else closer
                if found.confirms(gradient, tolerance):
                    continue
            return Disagreement((*first, place), gradient, found, at_kink)
    return None


def _target(
    f: Function, numbers: Sequence[float], first: tuple[int, ...], names: Sequence[str] = ()
) -> tuple[list[Value], Value]:
    """Return f's inputs and its output, or its derivative by the input at ``first``."""
    values = [Value(number) for number in numbers]
    for value, name in zip(values, names, strict=False):
        value.label = name
    output = f(*values)
    if not isinstance(output, Value):
        raise TypeError(
            f"check_gradients: f must return a Value, but returned {describe(output)}; "
            "a number that has left the graph has no gradient"
        )
    return values, grad(output, values[first[0]]) if first else output


def _number_along(
    f: Function, numbers: Sequence[float], first: tuple[int, ...], place: int, number: float
) -> float:
    """Return the number of the target with another number at one place."""
    return _target(f, [*numbers[:place], number, *numbers[place + 1 :]], first)[1].data


def _error(
    f: Function, numbers: list[float], names: list[str], found: Disagreement, tolerance: float
) -> GradientError:
    """Return the error for a disagreement, with the operation that is to blame for it."""
    order = len(found.positions)
    _, output = _target(f, numbers, (), names)
    of = Names(output)
    lines = [f"{found.sentence(output.label or 'f', names)} (tolerance {tolerance:g})."]
    if found.difference.error > tolerance * abs(found.difference.number):
        lines.append(f"The differences' own error is about {found.difference.error:.2g}.")
    node, wrong = first_wrong_operation(output, order, tolerance)
    if found.too_fast:
        lines.append(
            "It oscillates so fast there that no difference settles, however short the steps: "
            "they say neither that it is right nor that it is wrong."
        )
    elif node is None or wrong is None:
        lines.append(f"Each operation's own rule is right here. {LEFT_THE_GRAPH}")
    if node is not None and wrong is not None:
        parents = [of[parent] for parent in node.parents]
        lines.append(
            f"The first operation whose own rule disagrees is {node.op}, in {of[node]} = "
            f"{of.formula(node)}: {wrong.sentence(of[node], parents)}."
        )
        if wrong.at_kink:
            lines.append(
                f"There {node.op} is at a kink or an end of its own, where its derivative is a "
                "matter of choice."
            )
            if not found.at_kink:
                lines.append(f"That choice may be the reason. If it is not: {LEFT_THE_GRAPH}")
    if found.at_kink:
        lines.append(
            "This is a kink or an end of f, where the derivative is a matter of choice: "
            "check beside it."
        )
    return GradientError(
        " ".join(lines),
        " and ".join(names[place] for place in found.positions),
        found.gradient,
        found.difference.number,
        tolerance,
        None if node is None else node.op,
    )


def first_wrong_operation(
    output: Value, order: int, tolerance: float
) -> tuple[Value, Disagreement] | tuple[None, None]:
    """Return the first node, in topological order, whose own rule disagrees, and where.

    Constant operands do not count, nor what differences cannot tell, and a kink only if there is
    nothing else.
    """
    at_kinks = []
    for node in leaves_and_interior(output)[1]:
        numbers = [parent.data for parent in node.parents]
        if node.op is None or not all(map(math.isfinite, [node.data, *numbers])):
            continue
        variable = [k for k, parent in enumerate(node.parents) if not parent.is_constant]
        operation = partial(Value.make_node, node.op)
        wrong = first_disagreement(operation, numbers, variable, order, tolerance)
        if wrong is None or wrong.too_fast:
            continue
        if not wrong.at_kink:
            return node, wrong
        at_kinks.append((node, wrong))
    return at_kinks[0] if at_kinks else (None, None)


def _checked(
    f: Function, inputs: Iterable[Value | float], order: int, tolerance: float
) -> tuple[list[float], list[str]]:
    """Return the inputs' numbers and names; raise if an argument makes no sense."""
    if not callable(f):
        raise TypeError(f"check_gradients needs a function, but got {describe(f)}")
    if isinstance(inputs, (Value, str)) or not isinstance(inputs, Iterable):
        raise TypeError(f"check_gradients needs a list of inputs, but got {describe(inputs)}")
    if order not in (1, 2):
        raise ValueError(f"check_gradients needs order 1 or 2, but got {describe(order)}")
    if not 0.0 < to_float(tolerance, "the tolerance of check_gradients") < math.inf:
        raise ValueError(f"check_gradients needs a tolerance above 0, but got {tolerance!r}")
    numbers, names = [], []
    for place, given in enumerate(inputs):
        if isinstance(given, Value):
            numbers.append(given.data)
            names.append(given.label or f"x[{place}]")
        else:
            numbers.append(to_float(given, f"input {place} of check_gradients"))
            names.append(f"x[{place}]")
        if not math.isfinite(numbers[-1]):
            raise ValueError(f"check_gradients: input {names[-1]} is {numbers[-1]}, not finite")
    if not numbers:
        raise ValueError("check_gradients needs at least one input")
    return numbers, names
