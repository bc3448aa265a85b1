"""Names, numbers and formulas in TeX: expected text is what a textbook of mathematics has."""

from __future__ import annotations

import ast
import re
import string
from keyword import iskeyword

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autodiff.drawing.formats.typeset import as_text, fraction, typeset, typeset_lines, with_codes
from autodiff.ops import OPERATIONS
from tests.test_draw import HOSTILE

FORMULAS = [
    ("v3 = x * x", r"$v_{3} = x \cdot x$"),
    ("y = a / b", r"$y = \frac{a}{b}$"),
    ("y = x**2", r"$y = x^{2}$"),
    ("y = tanh(z)", r"$y = \tanh(z)$"),
    ("y = sigmoid(z)", r"$y = \sigma(z)$"),
    ("y = sqrt(x_1)", r"$y = \sqrt{x_{1}}$"),
    ("y = abs(x)", r"$y = \left|x\right|$"),
    ("y = maximum(a, b)", r"$y = \max(a, b)$"),
    ("y = relu(z)", r"$y = \mathrm{relu}(z)$"),
    ("y = -x", r"$y = -x$"),
    ("①", r"\textcircled{1}"),  # a mark of what is shown again on another line
    ("**3", r"$(\cdot)^{3}$"),  # as it stands in the circle of a power
    ("y = (a + b) * c", r"$y = (a + b) \cdot c$"),
    ("y = a - (b - c)", r"$y = a - (b - c)$"),
    ("y = (a + b)**2", r"$y = (a + b)^{2}$"),
    ("y = a**-1", r"$y = a^{-1}$"),
    ("y = (a / b) * c", r"$y = \frac{a}{b} \cdot c$"),
    ("z = b + w0 * x0 + w1 * x1", r"$z = b + w_{0} \cdot x_{0} + w_{1} \cdot x_{1}$"),
    ("h[0] (2) = tanh(…)", r"$h_{0}^{(2)} = \tanh(\ldots)$"),
    ("y = x (3)**2", r"$y = (x^{(3)})^{2}$"),
    ("y = x * …", r"$y = x \cdot \ldots$"),
    ("y = pick(i, [a, b])", r"$y = \mathrm{pick}(i, [a, b])$"),
]
NAMES = [
    ("w_1", "w_{1}"),
    ("x12", "x_{12}"),
    ("loss", r"\mathit{loss}"),
    ("hidden.weight[2][1]", r"\mathit{hidden}.\mathit{weight}_{2,1}"),
    ("w_out", r"w_{\mathrm{out}}"),
    ("w_out_3", r"w_{\mathrm{out},3}"),
    ("leaky_relu_1", r"\mathit{leaky\_relu}_{1}"),
    ("h1_out", r"\mathit{h1\_out}"),
    ("conv2d", r"\mathit{conv2d}"),
    ("alpha", r"\alpha"),
    ("lambda", r"\lambda"),
    ("σ", r"\sigma"),
    ("Omega_2", r"\Omega_{2}"),
    ("θ_max", r"\theta_{\mathrm{max}}"),
    ("λ1", r"\lambda_{1}"),
    ("ς", r"\varsigma"),
]
NUMBERS = [
    ("−0.6667", "$-0.6667$"),
    ("1e−12", "$10^{-12}$"),
    ("2.5e+30", r"$2.5 \cdot 10^{30}$"),
    ("inf", r"$\infty$"),
    ("−inf", r"$-\infty$"),
    ("nan", r"$\mathrm{nan}$"),
    ("–", "--"),
    ("−1 … 2", r"$-$1 \ldots{} 2"),
    ("1_000", r"1\_000"),
    ("1if x else 2", "1if x else 2"),
    ("1e5j", "1e5j"),
    ("a if b else c", "a if b else c"),
    ("lambda: 0", "lambda: 0"),
    ("f(x)(y)", "f(x)(y)"),
    ("x == y", "x == y"),
    ("loss.py:12", "loss.py:12"),
    ("in 4 rows", "in 4 rows"),
]


@pytest.mark.parametrize(("line", "expected"), [*FORMULAS, *NUMBERS])
def test_a_formula_is_set_as_mathematics(line: str, expected: str) -> None:
    assert typeset(line) == expected


@pytest.mark.parametrize(("name", "expected"), NAMES)
def test_a_name_has_what_is_behind_its_letters_below_the_line(name: str, expected: str) -> None:
    assert typeset(name) == f"${expected}$"


def test_a_gradient_is_a_fraction_of_the_root_and_the_name() -> None:
    assert fraction("L", "w_1") == r"\frac{\partial L}{\partial w_{1}}"
    assert fraction("loss", "50 %") == r"\frac{\partial \mathit{loss}}{\partial \mbox{50 \%}}"


def test_every_operation_of_the_table_is_mathematics() -> None:
    for operation in OPERATIONS.values():
        names = string.ascii_lowercase[: operation.arity or 5]
        line = f"y = {operation.formula(*names)}"
        assert typeset(line).startswith("$y = "), line


def test_the_lines_of_a_long_formula_are_parts_of_it() -> None:
    assert typeset_lines(["v7 = clip(v6,", "low_1, 0.5)"]) == [
        r"$v_{7} = \mathrm{clip}(v_{6},$",
        r"$\mathit{low}_{1}, 0.5)$",
    ]
    assert typeset_lines(["v7 = w_1 *", "w_2"]) == [r"$v_{7} = w_{1} \cdot$", "$w_{2}$"]
    assert typeset_lines(["v6 =", "output - target"]) == [
        "$v_{6} =$",
        r"$\mathit{output} - \mathit{target}$",
    ]


@pytest.mark.thorough
@given(st.text() | st.sampled_from(HOSTILE))
def test_no_label_leaves_what_it_stands_in(label: str) -> None:
    for text in (as_text(label), typeset(label), f"${fraction('L', label or 'x')}$"):
        bare = re.sub(r"\\.", "", text, flags=re.DOTALL)  # commands and escaped characters
        depth = 0
        for character in bare:
            depth += {"{": 1, "}": -1}.get(character, 0)
            assert depth >= 0
        assert depth == 0
        assert bare.count("$") % 2 == 0
        assert not re.search("[#%&]", bare)


@given(st.text(alphabet=string.printable, max_size=20))
def test_what_is_set_as_mathematics_is_an_expression_of_python(line: str) -> None:
    if typeset(line).startswith("$") and "=" not in line and not line.startswith("**"):
        plain = re.sub(r"[a-z]+", lambda word: word[0] + "_" * iskeyword(word[0]), line.strip())
        ast.parse(plain, mode="eval")


def test_a_text_with_codes_is_as_long_as_what_is_shown() -> None:
    assert with_codes("漢 é") == "U+6F22 é"
    assert as_text("漢 é") == r"\texttt{U+6F22} é"


@pytest.mark.parametrize("text", ["1.E5", "1e1_0"])
def test_a_number_as_nobody_writes_it_is_text(text: str) -> None:
    assert typeset(text) == text.replace("_", r"\_")
