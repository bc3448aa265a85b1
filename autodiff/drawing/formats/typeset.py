r"""Names, numbers and formulas of a picture in TeX.

A formula is read as what it is, an expression of Python, and set as mathematics: ``v3 = x / y`` as
``v_{3} = \frac{x}{y}``.  What cannot be read as one is set as text, character by character: a label
cannot escape from it.
"""

from __future__ import annotations

import ast
import keyword
import re
import unicodedata
import warnings
from collections.abc import Sequence

from autodiff.ops import OPERATIONS

__all__ = ["as_text", "fraction", "typeset", "typeset_lines", "with_codes"]

# As they are called in English, in the order of the alphabet; TeX has a command for each of these.
GREEK = (
    "alpha beta gamma delta epsilon zeta eta theta iota kappa lambda mu nu xi pi rho sigma tau "
    "upsilon phi chi psi omega Gamma Delta Theta Lambda Xi Pi Sigma Upsilon Phi Psi Omega"
).split()
SPELLED = {"lamda": "lambda", "Lamda": "Lambda", "final sigma": "varsigma"}  # by Unicode

TEXTS = {
    **{character: f"\\{character}" for character in "{}$&#_%"},
    **{"\\": "textbackslash", "~": "textasciitilde", "^": "textasciicircum", "|": "textbar"},
    **{"<": "textless", ">": "textgreater", '"': "textquotedbl", "'": "textquotesingle"},
    **{"`": "textasciigrave", "…": "ldots", "·": "textperiodcentered"},
}
SIGNS = {"−": "-", "×": r"\times", "÷": r"\div", "→": r"\to", "∞": r"\infty", "∂": r"\partial"}
CODE = r"\texttt"  # of a character that the fonts do not have
JOINING = "-,"  # two of them would be one character
LATIN = range(0xC0, 0x100)  # letters that every font has

# Of the operations: those that TeX has, and those that are written in another way.
FUNCTIONS = {*"exp log sin cos tan tanh max min".split()}
RENAMED = {"maximum": "max", "minimum": "min", "sigmoid": "sigma"}
OURS = {operation.symbol for operation in OPERATIONS.values()}
WORDS = {"inf": r"\infty", "nan": r"\mathrm{nan}"}

OPERATORS: dict[type[ast.AST], tuple[int, str]] = {
    ast.Add: (1, " + "),
    ast.Sub: (1, " - "),
    ast.Mult: (2, r" \cdot "),
    ast.Div: (3, r"\frac"),
    ast.UAdd: (2, "+"),
    ast.USub: (2, "-"),
    ast.Pow: (3, "^"),
}
ATOM = 4

NAME = re.compile(r"(?P<word>\w*?[^\W\d])_?(?P<number>\d*)(?P<indices>(?:\[\d+\])*)")
NUMBER = re.compile(r"([\d.]+)(?:e([+-]?)0*(\d+))?")
ODD = re.compile(r"""["'\\:#;@`]|(?<!\w)\d+[^\W\de]""")  # no formula has it
# A name that several nodes have, and which of them it is; in a call there is no space.
AGAIN = re.compile(r"([^\W\d][\w.]*(?:\[\d+\])*) \((\d+)\)")
WORD = re.compile(r"[^\W\d]\w*")
TOKEN = re.compile(r"[^\W\d][\w.]*(?:\[\d+\])*|[\d.]+(?:e[-+]?\d+)?|\*")


def typeset(line: str) -> str:
    r"""Return a line of text, a formula if it is one, for TeX's text mode.

    >>> print(typeset("v3 = w_1 * tanh(alpha)"), typeset("1e−12"), typeset("50 % of <b>"))
    $v_{3} = w_{1} \cdot \tanh(\alpha)$ $10^{-12}$ 50 \% of \textless{}b\textgreater{}
    """
    if line.startswith("**") and (power := formula(line[2:])):  # in the circle of a power
        return f"$(\\cdot)^{{{power}}}$"
    left, equals, right = line.partition(" =")
    formulas = [formula(part) for part in (left, right) if part.strip()]
    if None in formulas or not formulas:
        return as_text(line)
    return f"${' = '.join(map(str, formulas))}{' =' if equals and not right else ''}$"


def typeset_lines(lines: Sequence[str]) -> list[str]:
    r"""Return lines of text, those that are parts of one formula as parts of it.

    >>> for line in typeset_lines(["v3 =", "maximum(w_1,", "w_2)"]):
    ...     print(line)
    $v_{3} =$
    $\max(w_{1},$
    $w_{2})$
    """
    found = list(map(typeset, lines))
    if typeset(" ".join(lines)).startswith("$"):
        for place, line in enumerate(lines):
            if not found[place].startswith("$"):
                found[place] = f"${TOKEN.sub(token, line)}$"
    return found


def token(found: re.Match[str]) -> str:
    """Return a word, a number or a sign of a formula as mathematics."""
    if found[0] == "*":
        return r"\cdot"
    return formula(found[0]) or found[0]


def fraction(root: str, name: str) -> str:
    r"""Return the gradient of a root by a Value, as mathematics.

    >>> print(fraction("loss", "w_1"))
    \frac{\partial \mathit{loss}}{\partial w_{1}}
    """
    above, below = [formula(each) or f"\\mbox{{{as_text(each)}}}" for each in (root, name)]
    return f"\\frac{{\\partial {above}}}{{\\partial {below}}}"


def formula(text: str) -> str | None:
    """Return an expression as mathematics; None if it is none."""
    text = text.replace("−", "-").replace("…", "...").strip()
    if not text or ODD.search(text):
        return None
    text = AGAIN.sub(r"_again(\1, \2)", text)
    # TeX has a letter lambda, and Python a word.
    text = WORD.sub(lambda word: word[0] + "__" * keyword.iskeyword(word[0]), text)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of what is no formula
            tree = ast.parse(text, mode="eval").body
        return mathematics(tree, text)[1]
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


def mathematics(tree: ast.expr, text: str) -> tuple[int, str]:
    """Return a part of an expression as mathematics, and how tightly it holds together.

    Raises ValueError if it is not of the kind that formulas are.
    """

    def inside(part: ast.expr, least: int = 0) -> str:
        holds, found = mathematics(part, text)
        return found if holds >= least else f"({found})"

    source = ast.get_source_segment(text, tree) or ""
    match tree:
        case ast.Constant(value=value) if value is ...:
            return ATOM, r"\ldots"
        case ast.Constant(value=int() | float()):
            return ATOM, number(source)
        case ast.Name() | ast.Attribute() | ast.Subscript():
            return ATOM, ".".join(map(name, source.split(".")))
        case ast.List(elts=elements):
            return ATOM, f"[{', '.join(map(inside, elements))}]"
        case ast.Call(func=ast.Name(id="_again"), args=[which, count]):
            return OPERATORS[ast.Pow][0], f"{inside(which)}^{{({inside(count)})}}"
        case ast.Call(func=ast.Name(id=called), args=args, keywords=[]):
            return ATOM, call(called, [inside(each) for each in args])
        case ast.UnaryOp(op=op, operand=operand) if type(op) in OPERATORS:
            holds, sign = OPERATORS[type(op)]
            return holds, sign + inside(operand, holds)
        case ast.BinOp(left=left, op=op, right=right) if type(op) in OPERATORS:
            holds, sign = OPERATORS[type(op)]
            if sign == r"\frac":
                return holds, f"\\frac{{{inside(left)}}}{{{inside(right)}}}"
            if sign == "^":
                return holds, f"{inside(left, ATOM)}^{{{inside(right)}}}"
            return holds, f"{inside(left, holds)}{sign}{inside(right, holds + 1)}"
    raise ValueError(f"no part of a formula: {source}")


def call(called: str, operands: list[str]) -> str:
    """Return a function of operands as mathematics."""
    if called in ("sqrt", "abs") and len(operands) == 1:
        return f"\\sqrt{{{operands[0]}}}" if called == "sqrt" else f"\\left|{operands[0]}\\right|"
    return f"{function(called)}({', '.join(operands)})"


def function(called: str) -> str:
    """Return the name of a function as mathematics."""
    called = RENAMED.get(called, called)
    return f"\\{called}" if called in (*FUNCTIONS, "sigma") else roman(called)


def name(text: str) -> str:
    r"""Return a name as mathematics: what is behind its letters is below the line.

    Raises ValueError if it has characters that mathematics does not have.

    >>> print(name("w_1"), name("weight[2][1]"), name("beta"), name("w_out"))
    w_{1} \mathit{weight}_{2,1} \beta w_{\mathrm{out}}
    """
    text = text.removesuffix("__")
    if text in OURS:
        return function(text)
    found = NAME.fullmatch(text)
    if text in WORDS or found is None:
        return WORDS[text] if text in WORDS else italic(text)
    letter, _, word = found["word"].partition("_")
    if word and len(letter) > 1 and letter not in GREEK:  # several words
        letter, word = found["word"], ""
    below = [roman(word) if word else "", found["number"], *re.findall(r"\d+", found["indices"])]
    return italic(letter) + (f"_{{{','.join(filter(None, below))}}}" if any(below) else "")


def italic(word: str) -> str:
    """Return a word in italics, or as the Greek letter that it is; ValueError if it cannot be."""
    if word in GREEK:
        return f"\\{word}"
    if len(word) == 1:
        return greek(word) or (word if word.isascii() else roman(word))
    return roman(word).replace("mathrm", "mathit", 1)


def roman(word: str) -> str:
    """Return a word as one in mathematics; raise ValueError if it has more than its letters."""
    if not word.isascii():
        raise ValueError(f"not in a font for mathematics: {word}")
    return f"\\mathrm{{{word.replace('_', chr(92) + '_')}}}"


def greek(letter: str) -> str:
    r"""Return TeX's command for a Greek letter; '' for others.

    >>> print(greek("α"), greek("Σ"), greek("λ"))
    \alpha \Sigma \lambda
    """
    found = re.fullmatch("GREEK (SMALL|CAPITAL) LETTER ([A-Z ]+)", unicodedata.name(letter, ""))
    if found is None:
        return ""
    called = found[2].lower() if found[1] == "SMALL" else found[2].capitalize()
    called = SPELLED.get(called, called)
    return f"\\{called}" if called in GREEK or called == "varsigma" else ""


def number(text: str) -> str:
    r"""Return a number as mathematics.

    >>> print(number("0.5"), number("1e-12"), number("2.5e+30"))
    0.5 10^{-12} 2.5 \cdot 10^{30}
    """
    found = NUMBER.fullmatch(text)
    if found is None:
        raise ValueError(f"no number in decimals: {text}")
    digits, sign, power = found.groups()
    if power is None:
        return str(digits)
    ten = f"10^{{{'-' * (sign == '-')}{power}}}"
    return ten if digits == "1" else f"{digits} \\cdot {ten}"


def as_text(text: str) -> str:
    """Return text for TeX's text mode."""
    return "".join(map(character, text))


def with_codes(text: str) -> str:
    """Return a text as long as it is where the codes of some characters stand for them.

    >>> with_codes("α, 漢")
    'α, U+6F22'
    """
    return "".join(f"U+{ord(one):04X}" if character(one).startswith(CODE) else one for one in text)


def character(one: str) -> str:
    r"""Return a character for TeX's text mode; one that its fonts do not have as its code.

    >>> print("".join(map(character, "a_1 → é, 漢")))
    a\_1 $\to$ é,{} \texttt{U+6F22}
    """
    if one in TEXTS:
        return TEXTS[one] if TEXTS[one].startswith("\\") else f"\\{TEXTS[one]}{{}}"
    if one in SIGNS:
        return f"${SIGNS[one]}$"
    if one == "\u00a0":
        return "~"
    if one == "–":
        return "--"
    if one in JOINING:
        return f"{one}{{}}"
    if one.isascii() or ord(one) in LATIN:
        return one
    if letter := greek(one):
        return f"${letter}$"
    digit = unicodedata.numeric(one, None)
    if digit is not None and unicodedata.name(one).startswith("CIRCLED"):
        return f"\\textcircled{{{digit:g}}}"
    return f"{CODE}{{U+{ord(one):04X}}}"
