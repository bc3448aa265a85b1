"""Calls that make no sense: each is refused with an error that says what is wrong.

Below each call of the text stand its error and how the message begins; ``…`` is anything, and a
message that ends in ``$`` ends there.  ``<a | b>`` stands for calls with each of them, and so does
a name of CHOICES in ``<>``; in the message ``<1>`` is the first choice of the call.
"""

from __future__ import annotations

import builtins
import itertools
import math
import random
import re
from collections.abc import Iterator

import pytest

import autodiff
import nn
from autodiff import Value, compile
from autodiff.compiler import epoch_means
from autodiff.support import watch
from autodiff.value import constant

CHOICES = {
    "loss": "mse_loss | binary_cross_entropy | binary_cross_entropy_with_logits | hinge_loss",
    "optimizer": "SGD | Adam | AdamW",
    "no number": "'1' | None | 1j | [1.0]",
    "not finite": "nan | inf | -inf",
    "below 0": "-0.1 | nan | inf",
    "no seed": "True | '7' | 0.5 | [1]",
    "no activation": "'ReLU' | 'softmax' | '' | nn.Neuron(1) | 1 | ['tanh', None] | {} | 3",
    "no count": "0 | -1 | 2.0 | '2' | None | True",
}

REFUSED = """
Value(<'1.0' | 1j | {}>)
    TypeError: Value needs a real number, but got the … <1>
Value(<[1.0] | b'1' | (1.0,) | int>)
    TypeError: Value needs a real number, but got the
Value(None)
    TypeError: Value needs a real number, but got None
Value(Value(1.0))
    TypeError: Value needs a real number, but got the Value Value(1)
Value(10**400)
    OverflowError: Value got an int that is too large for a float
Value(1.0) + 10**400
    OverflowError: …too large for a float
Value(1.0, <None | 3 | 2.0>)
    TypeError: Value needs a str as its label
Value(1.0, ['x'])
    TypeError: Value needs Values as its operands
constant(1.0, <None | 3 | 2.0 | ['x']>)
    TypeError: Value needs a str as its label, but got
setattr(Value(1.0), 'gradient', 2.0)
    AttributeError: 'Value' object has no attribute 'gradient'
Value(1.0).<maximum | minimum | leaky_relu>('x')
    TypeError: <1> needs a real number, but got the str 'x'
Value(8.0, (), (12.0,))
    ValueError: …local derivatives, …, but no operands
Value(8.0, ('x',), (12.0,))
    TypeError: …needs Values as its operands, but got
Value(8.0, 3)
    TypeError: …needs a str as its label, or its operands, but got
Value(8.0, (Value(2.0),), (12.0, 1.0))
    ValueError: …2 local derivatives for 1 op
Value(8.0, (Value(2.0),), ('12',))
    TypeError: …a local derivative
weighted_sum(Value(1.0), [Value(1.0)], ['1'])
    TypeError: weighted_sum needs a real number, but got the str '1'
weighted_sum(x, [x], [x, x])
    ValueError: weighted_sum got 1 weights, but 2 input
weighted_sum(x, [x, x], [x])
    ValueError: weighted_sum got 2 weights, but 1 input
autodiff.exp(10**400)
    OverflowError: exp got an int that is too large for a float
autodiff.pick(<3 | Value(3.0)>, [Value(1.0)] * 3)
    IndexError: …there is no value 3 among 3, which count from 0
autodiff.pick(<-1 | Value(-1.0)>, [Value(1.0)] * 3)
    IndexError: …there is no value -1 among 3
autodiff.pick(<1e300 | Value(1e300)>, [Value(1.0)] * 3)
    IndexError: …among 3
autodiff.pick(<0.5 | nan | -inf | Value(0.5) | Value(nan) | Value(-inf)>, [Value(1.0)] * 3)
    ValueError: …pick needs a whole number as its index, but got the
autodiff.pick('1', [1.0, 2.0])
    TypeError: …the index of pick needs a real number, but got the str '1'
autodiff.pick(1, Value(2.0))
    TypeError: …pick needs a list of values, but got the Value
autodiff.pick(0, 'ab')
    TypeError: …pick needs a list of values, but got the str 'ab'
autodiff.pick(0, [Value(1.0), 'a'])
    TypeError: …pick needs a real number, but got the str 'a'
autodiff.pick(0, [])
    IndexError: …there is no value 0 among 0
grad(3.0, [Value(1.0)])
    TypeError: …a Value as its output, but got the float 3.0
grad(x * x, [x, 'x'])
    TypeError: …input 1 is the str 'x'
grad(constant(2.0) * x, constant(2.0))
    ValueError: …input 0, Constant(2), is a constant
<grad | hessian>(x * x, <None | 3.0>)
    TypeError: …grad needs a list of Values as inputs, but got
hessian(x * x, x)
    TypeError: …a list of Values as inputs, but got the Value
next(backward_steps([Value(1.0)]))
    TypeError: backward_steps needs a Value, but got the list
Trace(<1.0 | 'loss' | None>)
    TypeError: Trace needs a Value, such as the loss, but got
Trace(constant(1.0))
    ValueError: …a constant depends on no variable
Trace(x * x).goto(<1.0 | '1' | None | True>)
    TypeError: goto needs the number of a step, but got
explain(x, of=constant(2.0))
    ValueError: explain of Constant
constant(2.0).register_hook(print)
constant(2.0).break_on('backward')
    ValueError: …Constant(2) is a constant: it gets no gradient
compile(x * x, engine='fortran')
    ValueError: …engine must be one of …, but got the str 'fortran'

compile(3.0)
    TypeError: …a Value as its output, but got the float 3.0
compile(x * x, updates=lambda _: None)
    TypeError: …updates must return a dict…but returned None
compile(x * x, updates=lambda _: {'w': 1.0})
    TypeError: …an update is for the str 'w', which is no Value
compile(x * x, updates=lambda _: {x * 2: 1.0})
    ValueError: …an update is for … not a variable
compile(x * x, updates=lambda _: {constant(2.0): 1.0})
    ValueError: …for Constant(2), which is not a variable
compile(x * x, updates=lambda _: {x: 'x'})
    TypeError: …the update of x needs a real number
compile(x * x, updates={'w': 1.0})
    TypeError: …needs a function as updates, but got the dict {'w': 1.0}$
compile(x * x, updates=nn.SGD([x], lr=0.1))
    TypeError: …but got the SGD …. Of an optimizer give that function: updates=optimizer.updates
compile(x * x, inputs=[x], updates=lambda _: {x: x + 1})
    ValueError: …an update is for x, which is an input
compile(x * (y := Value(1.0)), inputs=[y], updates=lambda _: {x: x - y})
    ValueError: …update of x depends on an input…means over the rows
compile(x * x, inputs=[x, x])
    ValueError: …an input is given twice
compile(x * x, inputs=[constant(1.0)])
    ValueError: …input 0, Constant(1), must be a variable
compile(x * x, inputs=[x, 2 * x])
    ValueError: …input 1, …, must be a variable
compile(x * x, inputs=[1.0])
    TypeError: …input 0 must be a Value, but got the float 1.0
compile(x * x, inputs=x)
    TypeError: …needs a list of inputs, but got the Value
compile(x * x, inputs=3)
    TypeError: …needs a list of inputs, but got the int 3
compile(x * x, inputs=[x], penalty=x * x)
    ValueError: …the penalty depends on the input x
compile(x * 2.0).to_javascript([])
    TypeError: …needs a dict of functions, but got the list
compile(x * 2.0).to_javascript({'f': None})
    TypeError: …f needs a dict of descriptions and Values, but got None
compile(x * 2.0).to_javascript(own=<['stop'] | 'run'>)
    ValueError: …own is of step, run, but got the
compile(x * x, penalty=1.0)
    TypeError: …a Value as its penalty, but got the float 1.0
compile(x * (y := Value(1.0)), inputs=[<x, y | y, Value(1.0)>])()
    ValueError: …needs 2 inputs, but got 0
compile(x * (y := Value(1.0)), inputs=[<x, y | y, Value(1.0)>])(2.0)
    ValueError: …needs 2 inputs, but got 1
compile(x * (y := Value(1.0)), inputs=[<x, y | y, Value(1.0)>])(2.0, 3.0, 4.0)
    ValueError: …needs 2 inputs, but got 3
compile(x * (y := Value(1.0)), inputs=[<x, y | y, Value(1.0)>])(5.0, 'a')
    TypeError: …needs a real number, but got the str 'a'
compile(x * 2).run(1, <rows=[[1.0]] | batch_size=2 | shuffle=random.Random()>)
    ValueError: …the program has no inputs
OVER_ROWS.run(<-1 | 1.5 | True>, rows=[[1.0]])
    ValueError: …number of iterations must be an int, 0 or more
OVER_ROWS.run(1)
    ValueError: …run needs rows of 1 inputs
OVER_ROWS.run(1, rows=[])
    ValueError: …at least one row
OVER_ROWS.run(1, rows=[[1.0], []])
    ValueError: …rows[1] needs 1 inputs, but got 0
OVER_ROWS.run(1, rows=[[1.0, 2.0]])
    ValueError: …rows[0] needs 1 inputs, but got 2
OVER_ROWS.run(1, rows=[['a']])
    TypeError: …rows[0] needs a real number, but got the str
OVER_ROWS.run(1, rows=['a'])
    TypeError: …rows[0] must be a list…, but is the str 'a'
OVER_ROWS.run(1, rows=[1.0])
    TypeError: …rows[0] must be a list…, but is the float
OVER_ROWS.run(1, rows=1.0)
    TypeError: …run needs a list of rows, but got the float
OVER_ROWS.run(1, rows=[[1.0]], batch_size=<0 | 1.0 | True>)
    ValueError: …rows in a batch must be an
OVER_ROWS.run(1, rows=[[1.0]], shuffle=True)
    TypeError: …shuffle must be a random.Random
epoch_means([1.0, 2.0, 3.0], [4, 4])
    ValueError: …zip
epoch_means([1.0], [])
    ValueError: …range

(x * 5).backward(<'1' | None | 1j | [1.0] | Value(1.0)>)
    TypeError: backward needs a real number, but got
constant(2).backward()
next(backward_steps(constant(2)))
    ValueError: …Constant(2): a constant depends on no variable
backward_steps(-x, 2.0, False)
    TypeError: …positional argument
x.register_hook(<None | 1.0 | 'hook'>)
    TypeError: register_hook needs a function, but got
x.break_on(<'backwards' | '' | None | 3>)
    ValueError: …needs one of backward, backward-nan, contribution, forward, forward-nan, but
x.break_on('backward', when='a b')
    SyntaxError: …invalid syntax
x.break_on('backward', when=lambda: True)
    TypeError: …needs its condition as a text, such as when='abs
x.break_on('backward', when=3)
    TypeError: …but got the int 3

check_gradients(3.0, [1.0])
    TypeError: …needs a function, but got the float 3.0
check_gradients(sin, 1.0)
    TypeError: …needs a list of inputs, but got the float 1.0
check_gradients(sin, x)
    TypeError: …needs a list of inputs, but got the Value
check_gradients(sin, [])
    ValueError: …needs at least one input
check_gradients(sin, ['1'])
    TypeError: …input 0 of check_gradients needs a real number
check_gradients(sin, [inf])
    ValueError: …input x[0] is inf, not finite
check_gradients(<sin, [Value(nan, 'w')] | min, [1.0, Value(nan, 'w')]>)
    ValueError: …input w is nan, not finite
check_gradients(min, [1.0, Value(inf, 'w')])
    ValueError: …input w is inf, not finite
check_gradients(sin, [1.0], 3)
    ValueError: …needs order 1 or 2, but got the int 3
check_gradients(sin, [1.0], 1, 0.0)
    ValueError: …needs a tolerance above 0, but got 0.0
check_gradients(sin, [1.0], 1, -1e-6)
    ValueError: …needs a tolerance above 0, but got -1e-06
check_gradients(sin, [1.0], 1, inf)
    ValueError: …needs a tolerance above 0, but got inf
check_gradients(sin, [1.0], 1, nan)
    ValueError: …needs a tolerance above 0, but got nan
check_gradients(Value.item, [1.0])
    TypeError: …f must return a Value, but returned the float 1.0

nn.<loss>([Value(0.5)], [1.0, 1.0])
    ValueError: <1> needs as many targets … but got 1 predictions and 2 targets$
nn.<loss>([Value(0.5)] * 2, [1.0])
    ValueError: <1> needs as many targets … but got 2 predictions and 1 targets$
nn.<loss>([Value(0.5)], [])
    ValueError: <1> needs as many targets … but got 1 predictions and 0 targets$
nn.<loss>([], [1.0])
    ValueError: <1> needs as many targets … but got 0 predictions and 1 targets$
nn.<loss>([[Value(0.5)], [Value(0.5), Value(0.5)]], [[1.0], [1.0]])
    ValueError: …2 predictions and 1 targets
nn.<loss>(*[<[] | [[]] | [[], []]>] * 2)
    ValueError: <1> needs at least one prediction
nn.<loss>(<0.5 | 'x' | None>, 1.0)
nn.<loss>(<[0.5] | ['x']>, [1.0])
    TypeError: <1> needs a list of Values as predictions, but got
nn.<loss>([Value(0.5)], <[[1.0]] | ['1'] | [None] | [1j] | 1.0 | '1' | None>)
    TypeError: <1>… but got
nn.binary_cross_entropy([x, Value(<-0.001 | 1.001 | -5e-324 | 1.0 + 2.0**-52>)], [1.0, 1.0])
nn.binary_cross_entropy([x, Value(<not finite>)], [1.0, 1.0])
    ValueError: a probability must be from 0 to 1, but got
nn.binary_cross_entropy([x], [<-0.001 | 1.001 | 2 | inf | nan | Value(-1.0)>])
nn.binary_cross_entropy_with_logits([x], [<-0.001 | 1.001 | 2 | inf | nan | Value(-1.0)>])
    ValueError: a target must be from 0 to 1, but got
nn.hinge_loss([Value(0.5)], [<0 | 0.5 | 2 | nan | Value(0.0)>])
    ValueError: hinge_loss needs targets of -1 and 1, but got
nn.cross_entropy([[x, x]], [<-1 | 2 | 3 | 0.5 | -1.0 | 2.0 | inf | nan | '1' | None>])
nn.cross_entropy([[x, x]], [<True | Value(0.5) | Value(2.0) | Value(nan)>])
    ValueError: cross_entropy: a target must be a class from 0 to 1, but got
nn.cross_entropy([[Value(0.0), Value(1.0)]], [0] * <0 | 2>)
    ValueError: …one target a row, but got 1 rows and <1> targets
nn.cross_entropy(<[] | None | 1.0 | x>, [0])
    ValueError: cross_entropy needs a list of logits
nn.cross_entropy(<[[0.0, 1.0]] | [[Value(0.0), 1.0]] | [[Value(0.0), '1']] | [0.0, 1.0]>, [0])
nn.cross_entropy(<[['ab']] | [[Value(0.0), [Value(1.0)]]] | [Value(0.0), [Value(1.0)]]>, [0])
    TypeError: cross_entropy needs Values as logits, but got
nn.cross_entropy([[Value(0.0), Value(1.0)], <Value(2.0) | 2.0 | 'ab' | None>], [0, 0])
    TypeError: cross_entropy needs a list of logits in every row, but got
nn.cross_entropy([[Value(0.0), Value(1.0)], [Value(1.0)] * <1 | 3>], [0, 0])
    ValueError: cross_entropy needs … but got rows of 2 and <1>$
nn.cross_entropy([[]], [<0 | []>])
    ValueError: cross_entropy needs … a row without any$

nn.<optimizer>([x], lr=<below 0>)
nn.<optimizer>([x], lr=<-5e-324 | -inf>)
    ValueError: the learning rate must be a finite number, 0 or more, but got
nn.<optimizer>([x], lr=<no number>)
    TypeError: the learning rate needs a real number, but got
nn.SGD([x], lr=0.1, momentum=<below 0>)
    ValueError: momentum must be a finite number, 0 or more, but got
nn.<optimizer>([x], lr=0.1, weight_decay=<below 0>)
    ValueError: weight decay must be a finite number, 0 or more, but got
nn.Adam([x], lr=0.1, eps=<below 0>)
    ValueError: eps must be a finite number, 0 or more, but got
nn.Adam([x], betas=(<-0.1 | 1.0 | 1.5 | nan | inf>, 0.999))
    ValueError: beta1 must be a finite number, from 0 to
nn.Adam([x], betas=(0.9, <-0.1 | 1.0 | 1.5 | nan | inf>))
    ValueError: beta2 must be a finite number, from 0 to
nn.Adam([x], betas=<0.9 | None | (0.9,) | (0.9, 0.99, 0.999)>)
    ValueError: betas must be two numbers, but got
nn.SGD([x], lr=0.1, nesterov=True)
    ValueError: Nesterov's form needs a momentum above 0
nn.<optimizer>(<[] | () | iter([]) | nn.Module().parameters()>, lr=0.1)
    ValueError: <1> needs at least one parameter, but the list is empty
nn.<optimizer>([x, Value(1.0), x], lr=0.1)
    ValueError: <1> got the same parameter twice
nn.<optimizer>(<None | 1.0 | x | nn.Neuron(2)>, lr=0.1)
    TypeError: <1> needs a list of parameters, but got
nn.<optimizer>([x, <1.0 | 'w' | None | x * 2.0 | (x * 2.0).parents[1] | ('weight', x)>], lr=0.1)
    TypeError: <1> needs variables as parameters, but got
nn.SGD([x], lr=0.1, schedule=0.9)
    TypeError: a schedule must be a function, but got the float 0.9
nn.<LinearDecay | CosineDecay>(0)
    ValueError: the number of steps must be an int, 1 or more
nn.ExponentialDecay(<-0.5 | inf | nan>)
    ValueError: gamma must be a finite number, 0 or more, but got

nn.Neuron(2)([1.0] * <0 | 1 | 3>)
    ValueError: Neuron takes 2 inputs, but got <1>$
nn.Layer(2, 3)([1.0] * <0 | 1 | 3>)
    ValueError: Layer takes 2 inputs, but got <1>$
nn.MLP(2, [4, 1])([1.0] * <0 | 1 | 3>)
    ValueError: hidden takes 2 inputs, but got <1>$
nn.MLP(2, [4, 4, 1])([1.0] * <0 | 1 | 3>)
    ValueError: hidden1 takes 2 inputs, but got <1>$
nn.MLP(2, [1])([1.0] * <0 | 1 | 3>)
    ValueError: output takes 2 inputs, but got <1>$
nn.MLP(2, [3, 1]).layers[0].neurons[1]([1.0])
    ValueError: hidden[1] takes 2 inputs, but got 1$
nn.Layer(2, 3).neurons[1]([1.0])
    ValueError: Layer[1] takes 2 inputs, but got 1$
nn.MLP(2, [4, 1])(<1.0 | None | '12' | x>)
    TypeError: hidden needs a list of 2 inputs, but got
nn.MLP(2, [4, 1])([1.0, <no number>])
    TypeError: …'s input needs a real number, but got
nn.Neuron(<no count>)
nn.Layer(<no count>, 1)
nn.MLP(<no count>, [1])
    ValueError: the number of inputs must be …1 or more, but got
nn.Layer(1, <no count>)
nn.MLP(2, [<no count>, 1])
nn.MLP(2, [3, <no count>])
    ValueError: the number of neurons must be …1 or more, but got
nn.Neuron(2, rng=<no seed>)
nn.Layer(2, 1, rng=<no seed>)
nn.MLP(2, [1], rng=<no seed>)
    TypeError: rng must be an int as seed, a random.Random, or No
nn.MLP(2, <[] | () | 4 | None | '41'>)
    ValueError: MLP needs a list with the size of each layer
nn.Neuron(2, activation=<no activation>)
nn.Layer(2, 2, activation=<no activation>)
nn.MLP(2, [3, 1], activation=<no activation>)
nn.MLP(2, [3, 1], output_activation=<no activation>)
nn.MLP(2, [1], activation=<no activation>)
    ValueError: activation must be None, a function or one of relu, leaky_relu, gelu, sigmoid, \
softplus, tanh, but got
nn.Neuron(1, activation=lambda z: math.tanh(z.data), rng=1)([1.0])
    TypeError: Neuron: the activation must return a Value, but

nn.<softmax | log_softmax | log_sum_exp>([1.0, Value(2.0), <'a' | None | [1.0]>])
    TypeError: <1> needs Values or numbers as scores, but got
nn.<softmax | log_softmax | log_sum_exp>(1.0)
    TypeError: <1> needs a list of scores, but got the float
nn.<softmax | log_softmax | log_sum_exp>('12')
    TypeError: <1> needs a list of scores, but got the str
nn.<softmax | log_softmax | log_sum_exp>([])
    ValueError: <1> needs at least one score
nn.<RMSNorm | LayerNorm>(0)
    ValueError: the number of numbers must be an int, 1 or more
nn.<RMSNorm | LayerNorm>(2, eps=-1)
    ValueError: eps must be a finite number, 0 or more, but got -1
nn.<RMSNorm | LayerNorm>(2)([1.0])
    ValueError: …takes 2 inputs, but got 1
nn.Embedding(3, 2, rng=1)(<-1 | 3 | 0.5 | nan | inf>)
    ValueError: Embedding has tokens from 0 to 2, not
nn.Embedding(3, 2, rng=1)(<'a' | None | True | Value(1.0)>)
    TypeError: Embedding needs an int from 0 to 2, or a list of
nn.Dropout(0.5).train(<True | False>)(<1.0 | Value(1.0) | '12' | None>)
    TypeError: Dropout needs a list of inputs, but got
nn.Dropout(<-0.1 | 1.5 | nan>)
    ValueError: p must be
"""


def refused() -> Iterator[tuple[str, str, str]]:
    """Yield the calls, each with its error and message, as the text has them."""
    calls: list[str] = []
    for line in REFUSED.splitlines():
        if line.startswith("    "):
            for call in calls:
                yield (call, *line.strip().split(": ", 1))
            calls = []
        elif line:
            calls.append(line)
    assert not calls


def with_each_choice(call: str, message: str) -> Iterator[tuple[str, str]]:
    """Yield a call with each of its choices, and the pattern of its message.

    >>> list(with_each_choice("f(<1 | 2>)", "no … is <1>$"))
    [('f(1)', 'no\\\\ .*\\\\ is\\\\ 1$'), ('f(2)', 'no\\\\ .*\\\\ is\\\\ 2$')]
    """
    fixed, choices = re.split("<[^<>]*>", call), re.findall("<([^<>]*)>", call)
    for chosen in itertools.product(*(CHOICES.get(each, each).split(" | ") for each in choices)):
        said = message.replace("<1>", next(iter(chosen), ""))
        text = "".join(map("".join, itertools.zip_longest(fixed, chosen, fillvalue="")))
        yield text, re.escape(said).replace("…", ".*").replace(r"\$", "$")


@pytest.mark.parametrize(("call", "error", "message"), list(refused()))
def test_a_call_that_makes_no_sense_is_refused(call: str, error: str, message: str) -> None:
    for text, pattern in with_each_choice(call, message):
        x = Value(1.0, "x")
        names = {**vars(autodiff), "nn": nn, "math": math, "nan": math.nan, "inf": math.inf}
        names |= {"autodiff": autodiff, "constant": constant, "x": x, "random": random}
        names |= {"epoch_means": epoch_means}
        if "OVER_ROWS" in text:
            names["OVER_ROWS"] = compile(x * (y := Value(1.0)), [y], nn.SGD([x], 0.1).updates)
        with pytest.raises(getattr(builtins, error), match=f"(?s)^{pattern}"):
            eval(text, names)
        assert (x.data, x.has_grad, watch.hooks_of(x)) == (1.0, False, None)
