"""What differs between Python, C and JavaScript; the rest of the code looks the same."""

from __future__ import annotations

import ast
import keyword
import math
import re
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from autodiff import ops
from autodiff.compiler.by_place import adds, is_by_place, picks
from autodiff.compiler.kernels import C_LIBRARY, OPERATION_OF_FUNCTION, Kernel, kernel_of
from autodiff.compiler.linear import numbered
from autodiff.ops import OPERATIONS, Operation
from autodiff.ops.called_rule import CalledRule
from autodiff.ops.symbols import Expression

__all__ = [
    "JAVASCRIPT",
    "PYTHON",
    "C",
    "Language",
    "function_called",
    "function_name",
    "helper_functions",
    "identifier",
]

# The functions of JavaScript's Math, by their names in C's library.
MATH_NAMES = {name: f"Math.{name}" for name in C_LIBRARY} | {"fabs": "Math.abs"}
for _absent in ("erf", "erfc", "exp2", "fmod", "copysign"):
    del MATH_NAMES[_absent]

_C_WORDS = frozenset(
    "auto break case char const continue default do double else enum extern float for goto if "
    "inline int long register restrict return short signed sizeof static struct switch typedef "
    "union unsigned void volatile while main isnan isinf NAN INFINITY "
    "alignas alignof asm bool constexpr false nullptr static_assert thread_local true "
    # What compilers define by themselves, and what math.h does.
    "linux unix i386 HUGE_VAL HUGE_VALF HUGE_VALL HUGE MAXFLOAT SNAN SNANF SNANL DOMAIN SING "
    "OVERFLOW UNDERFLOW TLOSS PLOSS X_TLOSS math_errhandling MATH_ERRNO MATH_ERREXCEPT "
    "FP_INFINITE FP_NAN FP_NORMAL FP_SUBNORMAL FP_ZERO FP_ILOGB0 FP_ILOGBNAN FP_FAST_FMA "
    "FP_FAST_FMAF FP_FAST_FMAL M_E M_LOG2E M_LOG10E M_LN2 M_LN10 M_PI M_PI_2 M_PI_4 M_1_PI M_2_PI "
    "M_2_SQRTPI M_SQRT2 M_SQRT1_2 typeof typeof_unqual".split()
)
_JAVASCRIPT_WORDS = frozenset(
    "arguments async await break case catch class const continue debugger default delete do else "
    "enum eval export extends false finally for function if implements import in instanceof "
    "interface let new null package private protected public return static super switch this "
    "throw true try typeof undefined var void while with yield Math NaN Infinity".split()
)
_OUR_WORDS = frozenset(
    "parameters inputs gradients updated means output outputs rows row row_count rowCount batch "
    "batches batch_size batchSize iteration start stop step run update module exports "
    "autodiff_step autodiff_run NOTHING inf nan n math float range len append".split()
)
RESERVED = (
    frozenset(keyword.kwlist)
    | frozenset(keyword.softkwlist)
    | _C_WORDS
    | _JAVASCRIPT_WORDS
    | _OUR_WORDS
    | frozenset(C_LIBRARY)
    | frozenset(op.forward.__name__ for op in OPERATIONS.values())
)


def identifier(name: str) -> str:
    """Return a name that is legal in Python, C and JavaScript and means nothing else there.

    Greek letters are spelled out, and accents left off.

    >>> identifier("hidden.weight[2][1]"), identifier("exp"), identifier("2x")
    ('hidden_weight_2_1', 'exp_', '_2x')
    >>> identifier("θ"), identifier("Δw"), identifier("ŷ"), identifier("重み")
    ('theta', 'Delta_w', 'y', 'v_')
    """
    name = "".join(map(_spelled_out, unicodedata.normalize("NFKD", name)))
    # Two underscores in a row stay free for the names that the writers make up.
    # C keeps names that begin with one, and a capital, for itself.
    text = re.sub(r"[^0-9A-Za-z]+", "_", name).lstrip("_")[:60].rstrip("_") or "v_"
    if text[0].isdigit():
        text = f"_{text}"
    return f"{text}_" if text in RESERVED else text


def _spelled_out(character: str) -> str:
    """Return a Greek letter's name, nothing for an accent, and any other character as it is."""
    if unicodedata.combining(character):
        return ""
    kind, _, name = unicodedata.name(character, "").rpartition(" LETTER ")
    if kind not in ("GREEK SMALL", "GREEK CAPITAL"):
        return character
    return f" {name.lower() if kind.endswith('SMALL') else name.capitalize()} "


@dataclass(frozen=True)
class Language:
    """How a language writes numbers, choices, calls and functions."""

    name: str
    comment: str
    assign: str
    end: str
    indent: str
    infinity: str
    not_a_number: str

    def number(self, number: float) -> str:
        """Return a literal that reads back as exactly this number."""
        if math.isnan(number):
            return self.not_a_number
        if math.isinf(number):
            return self.infinity if number > 0 else f"(-{self.infinity})"
        return repr(number) if math.copysign(1.0, number) > 0 else f"({number!r})"

    def choice(self, condition: str, chosen: str, other: str) -> str:
        """Return the expression that is one or the other."""
        if self is PYTHON:
            return f"({chosen} if {condition} else {other})"
        return f"({condition} ? {chosen} : {other})"

    def either(self, conditions: Sequence[str], word: str) -> str:
        """Return conditions joined by ``or`` or ``and``."""
        if self is not PYTHON:
            word = {"or": "||", "and": "&&"}[word]
        return "(" + f" {word} ".join(conditions) + ")"

    def library(self, function: str) -> str:
        """Return what the language calls a function of C's library."""
        if function in LIBRARY_LINES[self]:
            return f"library__{function}"
        if self is not JAVASCRIPT:
            return f"math__{function}" if self is PYTHON else function
        if function not in MATH_NAMES:
            raise ValueError(f"JavaScript's Math has no {function}")
        return MATH_NAMES[function]

    def statement(self, name: str, expression: str) -> str:
        """Return an assignment that declares the name."""
        return f"{self.assign}{name} = {expression}{self.end}"

    def operation(self, op: Operation, operands: Sequence[str], divisor: float | None) -> str:
        """Return an operation on operands' texts: infix where it can be, else a call.

        ``divisor`` is the number divided by where that is known and not 0.
        """
        if op.arithmetic:
            written: Expression = op.forward(*map(Expression, operands))
            return written.text
        # Python's / has to be kept from raising, unless the divisor is known.
        if op.c_form and (self is not PYTHON or divisor is not None) and kernel_of(op).is_operator:
            return op.formula(*operands)
        if isinstance(op.forward, CalledRule):
            return op.forward.call(function_name(op), operands)
        return f"{function_name(op)}({', '.join(operands)})"

    def translate(self, node: ast.expr, names: Mapping[str, str]) -> str:
        """Return a kernel's expression as text, with its names replaced."""
        match node:
            case ast.Constant(int() | float() as value):
                return self.number(float(value))
            case ast.Name(name):
                return names[name]
            case ast.UnaryOp(ast.USub(), operand):
                return f"(-{self.translate(operand, names)})"
            case ast.BinOp(left, operator, right):
                sign = {ast.Add: "+", ast.Sub: "-", ast.Mult: "*", ast.Div: "/"}[type(operator)]
                return f"({self.translate(left, names)} {sign} {self.translate(right, names)})"
            case ast.Compare(left, [operator], [right]):
                sign = _COMPARISONS[type(operator)]
                return f"{self.translate(left, names)} {sign} {self.translate(right, names)}"
            case ast.BoolOp(operator, values):
                word = "or" if isinstance(operator, ast.Or) else "and"
                return self.either([self.translate(value, names) for value in values], word)
            case ast.IfExp(test, chosen, other):
                return self.choice(*[self.translate(part, names) for part in (test, chosen, other)])
            case ast.Call(ast.Name("fabs"), [ast.Name(name)]) if self is PYTHON:
                # The same for every number, zeros and nan included, and no call.
                x = names[name]
                return f"({x} if {x} > 0.0 else 0.0 - {x})"
        assert isinstance(node, ast.Call), "a kernel has no more"
        assert isinstance(node.func, ast.Name), "it calls by plain name"
        texts = [self.translate(argument, names) for argument in node.args]
        function = node.func.id
        known = self.library(function) if function in C_LIBRARY else function
        return f"{known}({', '.join(texts)})"


PYTHON = Language("Python", "#", "", "", "    ", "inf", "nan")
C = Language("C", "//", "const double ", ";", "    ", "INFINITY", "NAN")
JAVASCRIPT = Language("JavaScript", "//", "const ", ";", "  ", "Infinity", "NaN")

# What a language's library lacks, or has otherwise than Python's math.
LIBRARY_LINES: dict[Language, dict[str, list[str]]] = {
    PYTHON: {},
    C: {
        "pow": [
            "// By a pointer, so that no compiler makes 1.0 / x of pow(x, -1.0): it rounds less.",
            "static double (*const volatile library__pow)(double, double) = pow;",
            "",
        ]
    },
    JAVASCRIPT: {
        "pow": [
            "// Math.pow makes NaN of 1 to the power NaN, of -1 to the power Infinity; C has 1.",
            "function library__pow(a, b) {",
            "  return a === 1 || (a === -1 && Math.abs(b) === Infinity) ? 1 : Math.pow(a, b);",
            "}",
            "",
        ],
        # Where x is small, Taylor's series; else erfc(x) by the trapezoidal rule, with the residue
        # (C. Chiarella and A. Reichel, "On the evaluation of integrals related to the error
        # function", 1968). Within 1 unit in the last place.
        "erf": [
            "// The error function, which Math lacks.",
            "function library__erf(x) {",
            "  const size = Math.abs(x), square = x * x;",
            "  if (!(size < 6)) return Math.sign(x);",
            "  if (size < 0.9) {",
            "    let term = 1.1283791670955126, sum = 0.12837916709551256;",
            "    for (let n = 1; n < 20; n += 1) {",
            "      term *= -square / n;",
            "      sum += term / (2 * n + 1);",
            "    }",
            "    return x + x * sum;",
            "  }",
            "  let sum = 0.5 / square;",
            "  for (let t = 0.5; t < 7; t += 0.5) sum += Math.exp(-t * t) / (t * t + square);",
            "  const rest = size * Math.exp(-square) * sum / Math.PI;",
            "  return Math.sign(x) * (1 - (rest - 2 / Math.expm1(4 * Math.PI * size)));",
            "}",
            "",
        ],
    },
}

# What a pick reads, and where its gradient is added: numbers that begin somewhere, with the others
# at these distances.
PICK_LINES = {
    C: [
        "static double picked__at(const double *values, const int *places, long count,",
        "                         double index) {",
        "  const int is_place = index >= 0.0 && index < (double)count && index == floor(index);",
        "  return is_place ? values[places[(long)index]] : NAN;",
        "}",
        "",
    ],
    JAVASCRIPT: [
        "// A place that is none is not in the list of them.",
        "function picked__at(memory, values, places, index) {",
        "  const place = places[index];",
        "  return place === undefined ? NaN : memory[values + place];",
        "}",
        "",
    ],
}
ADD_LINES = {
    C: [
        "static void add__at(double *values, const int *places, long count, double index,",
        "                    double added) {",
        "  if (index >= 0.0 && index < (double)count && index == floor(index)) {",
        "    values[places[(long)index]] += added;",
        "  }",
        "}",
        "",
    ],
    JAVASCRIPT: [
        "function add__at(memory, values, places, index, added) {",
        "  const place = places[index];",
        "  if (place !== undefined) memory[values + place] += added;",
        "}",
        "",
    ],
}

_COMPARISONS = {
    ast.Lt: "<",
    ast.LtE: "<=",
    ast.Gt: ">",
    ast.GtE: ">=",
    ast.Eq: "==",
    ast.NotEq: "!=",
}


def helper_functions(language: Language, used: Sequence[Operation]) -> list[str]:
    """Return the lines that define the operations which the language writes as calls."""
    lines: list[str] = []
    done: set[str] = set()
    lines += PICK_LINES[language] if any(map(picks, used)) else []
    lines += ADD_LINES[language] if any(map(adds, used)) else []
    for op in dict.fromkeys(used):
        if is_by_place(op):
            continue
        if "(" in language.operation(op, ["a"] * (op.arity or 1), None):
            _define(language, op, done, lines)
    for function, definition in LIBRARY_LINES[language].items():
        if any(f"library__{function}(" in line for line in lines):
            lines = definition + lines
    return lines


def function_name(op: Operation) -> str:
    """Return what code calls an operation's function: its name, if it is one of this project's.

    A rule that can only be called is called ``sinh_partials``, if its operation is ``sinh``.

    >>> function_name(OPERATIONS["div"])
    'divide'
    """
    if isinstance(op.forward, CalledRule):
        return identifier(f"{op.forward.op.name}_partials")
    name = getattr(op.forward, "__name__", "")  # an object that can be called may have none
    return name if ops.FUNCTIONS.get(name) is op.forward else f"{identifier(op.name)}__op"


def function_called(op: Operation) -> Callable[..., Any]:
    """Return the function of that name: the operation's own, or the rule that it calls."""
    return op.forward.op.partials if isinstance(op.forward, CalledRule) else op.forward


def _define(language: Language, op: Operation, done: set[str], lines: list[str]) -> None:
    """Append the definition of an operation's function, after those that it calls."""
    name = function_name(op)
    kernel = kernel_of(op)
    if name in done or _is_library_call(language, name, kernel):
        return
    done.add(name)
    for expression in (*[expression for _, expression in kernel.assignments], kernel.result):
        for part in ast.walk(expression):
            if isinstance(part, ast.Call) and isinstance(part.func, ast.Name):
                called = OPERATION_OF_FUNCTION.get(part.func.id)
                if called is not None and part.func.id not in C_LIBRARY:
                    _define(language, called, done, lines)
    own = [*kernel.parameters, *[target for target, _ in kernel.assignments]]
    names = dict(zip(own, numbered(map(identifier, own)), strict=True))
    listed = [names[parameter] for parameter in kernel.parameters]
    kind, parameters = "function ", ", ".join(listed)
    if language is C:
        kind = "static double "
        parameters = ", ".join(f"double {parameter}" for parameter in listed)
    lines.append(f"{kind}{name}({parameters}) {{")
    for target, expression in kernel.assignments:
        text = language.translate(expression, names)
        lines.append(language.indent + language.statement(names[target], text))
    lines.append(f"{language.indent}return {language.translate(kernel.result, names)};")
    lines += ["}", ""]


def _is_library_call(language: Language, name: str, kernel: Kernel) -> bool:
    """Return whether C's own function of that name is the kernel, so none has to be written."""
    called = f"{name}({', '.join(kernel.parameters)})"
    return language is C and ast.unparse(kernel.result) == called
