"""A scalar autograd engine to look inside: read it, step it, draw it, compile it.

It begins with :class:`Value`, a float that remembers how it was made:

>>> w = Value(3.0, "w")
>>> y = (w * 2.0).tanh()
>>> y.backward()
>>> y, round(w.grad, 6)
(Value(0.999988, op=tanh, grad=1), 4.9e-05)

==========================================  ===================================================
``exp``, ``relu``, ``where`` and their kin  functions of Values and numbers alike
``grad``, ``hessian``, ``check_gradients``  gradients that are Values; are the rules right?
``backward_steps``, ``Trace``, ``explain``  a pass step by step; where a gradient comes from
``record_source``, ``record_epochs``        the same in your own lines; in all epochs
``detect_anomaly``                          the first number that is not finite
``draw``, ``animate``, ``group``            pictures of a graph; a film of a pass; parts named
``compile``                                 a graph as a program, up to machine code
==========================================  ===================================================
"""

from autodiff.compiler import DecisionWarning, Program, compile
from autodiff.debug.anomaly import AnomalyError, detect_anomaly
from autodiff.debug.check import GradientError, check_gradients
from autodiff.debug.epochs import record_epochs
from autodiff.debug.explain import Explanation, explain
from autodiff.debug.source import record_source
from autodiff.debug.steps import Step, backward_steps
from autodiff.debug.trace import Trace
from autodiff.drawing import Drawing, animate, draw
from autodiff.gradient import grad, hessian
from autodiff.graph import topological_order
from autodiff.ops import (
    clip,
    cos,
    erf,
    exp,
    gelu,
    leaky_relu,
    log,
    log_sigmoid,
    maximum,
    minimum,
    pick,
    relu,
    sigmoid,
    sin,
    softplus,
    sqrt,
    tan,
    tanh,
    where,
)
from autodiff.stepper import Stepper, show
from autodiff.support.made_by import group
from autodiff.support.memory import collector_paused, let_the_collector_come_rarely
from autodiff.support.naming import Names, name_of
from autodiff.value import Value, weighted_sum

# Value first: so has it the reference.
__all__ = [  # noqa: RUF022
    "Value",
    "AnomalyError",
    "DecisionWarning",
    "Drawing",
    "Explanation",
    "GradientError",
    "Names",
    "Program",
    "Step",
    "Stepper",
    "Trace",
    "animate",
    "backward_steps",
    "check_gradients",
    "clip",
    "collector_paused",
    "compile",
    "cos",
    "detect_anomaly",
    "draw",
    "erf",
    "exp",
    "explain",
    "gelu",
    "grad",
    "group",
    "hessian",
    "leaky_relu",
    "log",
    "log_sigmoid",
    "maximum",
    "minimum",
    "name_of",
    "pick",
    "record_epochs",
    "record_source",
    "relu",
    "show",
    "sigmoid",
    "sin",
    "softplus",
    "sqrt",
    "tan",
    "tanh",
    "topological_order",
    "weighted_sum",
    "where",
]

__version__ = "0.2.0"


def __dir__() -> list[str]:
    """Return the public names, which are what a person looks for: ``dir(autodiff)``."""
    return [*__all__, "__doc__", "__file__", "__name__", "__path__", "__version__"]


let_the_collector_come_rarely()
