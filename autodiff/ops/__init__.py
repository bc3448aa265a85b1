"""The table of operations: one entry each, and everything else reads it.

An entry is an :class:`~autodiff.ops.operation.Operation`: its name, how it computes forward, and
its local derivatives.  Backward, the step-by-step trace, drawings, second derivatives and the
compiler all use the same entry, so adding an operation means adding one function, one rule and
one entry to a file of this folder, and its name to the table below.

Numbers behave as IEEE 754 says: overflow is ``inf``, an invalid operation is ``nan``, ``1/0`` is
``inf``, and no Python exception escapes from arithmetic.  ``+ - *`` do so by themselves; the
rules write ``divide`` and ``power`` where Python's ``/`` and ``**`` would raise.
"""

from autodiff.ops.activations import (
    LOG_SIGMOID,
    SIGMOID,
    SOFTPLUS,
    TANH,
    log_sigmoid,
    sigmoid,
    softplus,
    tanh,
)
from autodiff.ops.arithmetic import (
    ADD,
    DIV,
    MUL,
    NEG,
    SUB,
    divide,
)
from autodiff.ops.choices import (
    ABS,
    LEAKY_RELU,
    MAXIMUM,
    MINIMUM,
    PICK,
    RELU,
    WHERE,
    absolute,
    leaky_relu,
    maximum,
    minimum,
    pick,
    picked,
    relu,
    where,
)
from autodiff.ops.operation import NOTHING, OPERATIONS, Operation, Role, local_derivatives
from autodiff.ops.powers import (
    EXP,
    LOG,
    POW,
    SQRT,
    SQUARE,
    exp,
    log,
    power,
    sqrt,
    square,
)
from autodiff.ops.sums import WEIGHTED_SUM, bias_weights_inputs, weighted_sum
from autodiff.ops.trigonometry import (
    COS,
    SIN,
    TAN,
    cos,
    sin,
    tan,
)

__all__ = [
    "ABS",
    "ADD",
    "COS",
    "DIV",
    "EXP",
    "FUNCTIONS",
    "LEAKY_RELU",
    "LOG",
    "LOG_SIGMOID",
    "MAXIMUM",
    "MINIMUM",
    "MUL",
    "NEG",
    "NOTHING",
    "OPERATIONS",
    "PICK",
    "POW",
    "RELU",
    "SIGMOID",
    "SIN",
    "SOFTPLUS",
    "SQRT",
    "SQUARE",
    "SUB",
    "TAN",
    "TANH",
    "WEIGHTED_SUM",
    "WHERE",
    "Operation",
    "Role",
    "absolute",
    "bias_weights_inputs",
    "cos",
    "divide",
    "exp",
    "leaky_relu",
    "local_derivatives",
    "log",
    "log_sigmoid",
    "maximum",
    "minimum",
    "pick",
    "picked",
    "power",
    "relu",
    "sigmoid",
    "sin",
    "softplus",
    "sqrt",
    "square",
    "tan",
    "tanh",
    "weighted_sum",
    "where",
]

OPERATIONS.update(
    {
        operation.name: operation
        for operation in (
            *(ADD, SUB, MUL, DIV, NEG, ABS, SQUARE, POW),
            *(EXP, LOG, SQRT, SIN, COS, TAN, TANH),
            *(SIGMOID, SOFTPLUS, LOG_SIGMOID, RELU, LEAKY_RELU),
            *(WEIGHTED_SUM, MAXIMUM, MINIMUM, WHERE, PICK),
        )
    }
)

# The table's functions, by the names under which rules and programs call them.
FUNCTIONS = {operation.forward.__name__: operation.forward for operation in OPERATIONS.values()}
