"""A scalar autograd engine to look inside: read it, step it, draw it, compile it."""

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
from autodiff.support.memory import collector_paused, let_the_collector_come_rarely
from autodiff.support.naming import Names, name_of
from autodiff.value import Value, weighted_sum

__all__ = [
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
    "Value",
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

__version__ = "0.1.0"

let_the_collector_come_rarely()
