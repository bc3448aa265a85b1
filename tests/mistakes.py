"""Mistakes that students make, each as a program, what is said about it, and how it is mended.

A program is run as ``train.py``.  It is wrong in the line that ends in ``# MEND`` and the line that
belongs there, or in the one before which a line is missing; the student does not see that remark.

Each entry of the text below begins with ``== title ; how ; what is asked of explain()``, where how
is ``plain``, ``recorded`` (in ``with record_source():``), or both; ``whole`` asks itself.  A table
follows where there are several such programs: its head begins with ``||``, and its rows have what
the names in braces stand for.  Of two tables each row goes with each.  After the program, a line
with ``>`` has what the message must have in it, with ``&&`` between: the thing by its name,
the line, and the cure, which is ``{cure}`` where it is the line that belongs there.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass

__all__ = ["MARK", "MISTAKES", "Mistake"]

MARK = "  # MEND "


@dataclass(frozen=True)
class Mistake:
    """A program with a mistake; its last expression is an explanation, which it prints."""

    name: str
    marked: str
    says: tuple[str, ...]

    @property
    def program(self) -> str:
        """The program as the student wrote it."""
        return "".join(f"{line.partition(MARK)[0]}\n" for line in self.marked.splitlines())

    @property
    def mended(self) -> str:
        """The program after the cure."""
        lines = []
        for line in self.marked.splitlines():
            code, mark, cure = line.partition(MARK)
            indent = code[: len(code) - len(code.lstrip())]
            lines.append(f"{indent}{cure}" if mark else code)
        return "\n".join(lines) + "\n"


def read(text: str) -> Iterator[Mistake]:
    """Yield the mistakes of a text; one that names its columns is as many as its rows."""
    for entry in text.split("\n== ")[1:]:
        first, *lines = entry.splitlines()
        title, how, *asked = first.split(" ; ")
        body = "\n".join(line for line in lines if line[:1] not in ("|", ">"))
        says = [line[2:] for line in lines if line.startswith("> ")]
        tables = [[{"how": each} for each in how.split(", ")]]
        for line in lines:
            cells = [cell.strip() for cell in line.lstrip("|").split("|")]
            if line.startswith("||"):
                tables.append([])
                names = cells
            elif line.startswith("|"):
                tables[-1].append(dict(zip(names, cells, strict=True)))
        for rows in itertools.product(*tables):
            columns = {"line": "{line}", "cure": "{cure}"}
            for row in rows:
                columns |= row
            yield Mistake(
                f"{title}, {{how}}".format(**columns),
                written(body.format(**columns), columns["how"], "".join(asked).format(**columns)),
                tuple(" && ".join(says).format(**columns).split(" && ")),
            )


def written(body: str, how: str, asked: str) -> str:
    """Return the program with these lines, which asks for the explanation at its end."""
    start, ask = "from autodiff import *\n", f"print(explain({asked}, of=loss))\n"
    if how == "recorded":
        body = f"{body}\nloss.label = 'loss'\n{ask}".replace("\n", "\n    ").rstrip(" ")
        return f"{start}\nwith record_source():\n    {body}"
    return f"{start}{body}\n" + ask * (how == "plain")


MISTAKES = list(
    read("""
== {loop} {update}, {epochs} epochs, named{name} ; {how} ; net.w
|| loop | update | cure
| for p in net.parameters(): | p -= lr * p.grad | p.data -= lr * p.grad
| for p in net.parameters(): | p = p - lr * p.grad | p.data -= lr * p.grad
| for p in net.parameters(): | p = p.data - lr * p.grad | p.data -= lr * p.grad
| for p in net.parameters(): | p = p + -lr * p.grad | p.data += -lr * p.grad
| for p in net.parameters(): | p = -lr * p.grad + p | p.data += -lr * p.grad
| for p in net.parameters(): | p = p.item() - lr * p.grad | p.data -= lr * p.grad
| for p in net.parameters(): | p = p - lr * p.grad - 0.1 * p |\
  p.data = p.data - lr * p.grad - 0.1 * p.data
| for p in net.parameters(): | new = [p - lr * g for g in [p.grad]] |\
  for g in [p.grad]: p.data -= lr * g
| for i in range(1): | new = {name: p - lr * p.grad for name, p in net.named_parameters()} |\
  for name, p in net.named_parameters(): p.data -= lr * p.grad
| for i in range(2): | new = net.parameters()[i] - lr * net.parameters()[i].grad |\
  net.parameters()[i].data -= lr * net.parameters()[i].grad
| for p in net.parameters(): | p.data - lr * p.grad | p.data -= lr * p.grad
| for p in net.parameters(): | p = Value(p.data - lr * p.grad) | p.data -= lr * p.grad
| for p in net.parameters(): | p -= lr * (p.grad + 0.1 * p) | p.data -= lr * (p.grad + 0.1 * p.data)
| for p in (net.w, net.b): | p -= lr * p.grad | p.data -= lr * p.grad
| for p, g in zip(net.parameters(), gradients): | p -= lr * g | p.data -= lr * g
| for v, p in zip(velocities, net.parameters()): | p -= lr * (p.grad + v) |\
  p.data -= lr * (p.grad + v)
| for i, p in enumerate(net.parameters()): | p = p - lr * p.grad | p.data -= lr * p.grad
| for name, p in net.named_parameters(): | p = p.data - lr * p.grad | p.data -= lr * p.grad
| for name, value in vars(net).items(): | value -= lr * value.grad | value.data -= lr * value.grad
|| how | epochs | name | other
| plain | 1 | |
| plain | 4 | , "w" | , "b"
| recorded | 4 | |
class Net:
    def __init__(self):
        self.w, self.b = Value(1.0{name}), Value(0.5{other})
    def parameters(self):
        return [self.w, self.b]
    def named_parameters(self):
        return [("w", self.w), ("b", self.b)]

net, lr = Net(), 0.01
for epoch in range({epochs}):
    loss = (net.w * 3.0 + net.b - 1.0) ** 2
    loss.label = "loss"
    for p in net.parameters():
        p.zero_grad()
    loss.backward()
    velocities = [0.5, 0.5]
    gradients = [p.grad for p in net.parameters()]
    {loop}
        {update}  # MEND {cure}
> itself is never changed && train.py:{line}:  && number in place: {cure}

== {before} {update} ; recorded, plain ; net.w
|| before | update | cure
| p = net.all[i] | p -= lr * p.grad | p.data -= lr * p.grad
| w = net.w | w = w - lr * w.grad | w.data -= lr * w.grad
| p = net.all[i]; d = p.data | d -= lr * p.grad | p.data -= lr * p.grad
| p = net.all[i]; step = -lr * p.grad | p += step | p.data += step
| p = net.all[i] | new = p - lr * p.grad | p.data -= lr * p.grad
class Net: pass

net, lr = Net(), 0.01
net.w, net.b = Value(1.0, "w"), Value(0.5, "b")
net.all = [net.w, net.b]
for epoch in range(3):
    loss = (net.w * 3.0 + net.b - 1.0) ** 2
    loss.label = "loss"
    net.w.zero_grad(); net.b.zero_grad()
    loss.backward()
    for i in range(2):
        {before}
        {update}  # MEND {cure}
> itself is never changed && train.py:{line}:  && number in place: {cure}

== {loop} {update} ; whole
|| parameters | loop | update | cure | call
| p | if True: | p -= lr * p.grad | p.data -= lr * p.grad | step(w, 0.1)
| variables | for v in variables: | v = v - lr * v.grad | v.data -= lr * v.grad | step([w, b], 0.1)
def step({parameters}, lr):
    {loop}
        {update}  # MEND {cure}

w, b = Value(1.0, "w"), Value(0.5, "b")
for epoch in range(3):
    loss = (w * 3.0 + b - 1.0) ** 2
    loss.label = "loss"
    w.zero_grad(); b.zero_grad()
    loss.backward()
    {call}
print(explain(w, of=loss))
> itself is never changed && train.py:{line}:  && number in place: {cure}

== a list gets new nodes: {update}, of {asked}, named{name} ; {how} ; {asked}
|| update | cure | told
| params = [p - lr * p.grad for p in params] |\
  for p in params: p.data -= lr * p.grad | for p in params: p.data -= lr * p.grad
| params = list(p - lr * p.grad for p in params) |\
  for p in params: p.data -= lr * p.grad | for p in params: p.data -= lr * p.grad
| params = [p - lr * g for p, g in zip(params, [p.grad for p in params])] |\
  for p, g in zip(params, [p.grad for p in params]): p.data -= lr * g |\
  for p, g in zip(params, [p.grad for p in params]): p.data -= lr * g
| for i in range(2): params[i] = params[i] - lr * params[i].grad |\
  for i in range(2): params[i].data -= lr * params[i].grad | params[i].data -= lr * params[i].grad
| for i in range(2): params[i] -= lr * params[i].grad |\
  for i in range(2): params[i].data -= lr * params[i].grad | params[i].data -= lr * params[i].grad
|| how | name | other | asked | says
| recorded | | | w | w itself is not changed
| plain | , "w" | , "b" | w | w itself is not changed
| plain | | | params[0] | is no variable but the result of
| recorded | | | params[0] | is no variable but the result of
w, b, lr = Value(1.0{name}), Value(0.5{other}), 0.01
params = [w, b]
for epoch in range(3):
    loss = (params[0] * 3.0 + params[1] - 1.0) ** 2
    loss.label = "loss"
    for p in params:
        p.zero_grad()
    loss.backward()
    if epoch == 2: break
    {update}  # MEND {cure}
> {says} && number in place: {told}

== a new Value for w, {epochs} epochs, named{name} ; {how} ; w
|| epochs
| 1
| 2
| 5
|| how | name
| recorded |
| plain | , "w"
| plain |
w = Value(1.0{name})
for epoch in range({epochs}):
    loss = (w * 3.0 - 1.0) ** 2
    loss.backward()
    w = w - 0.01 * w.grad  # MEND w.data -= 0.01 * w.grad
> w is a new Value && number in place: w.data -= ... && train.py:{line}

== a new Value for w, asked before the update, named{name} ; {how} ; w
|| how | name
| recorded |
| plain | , "w"
| plain |
w = Value(1.0{name})
for epoch in range(3):
    loss = (w * 3.0 - 1.0) ** 2
    loss.backward()
    if epoch == 2: break
    w = w - 0.01 * w.grad  # MEND w.zero_grad()
> w is no variable but the result of an update
> number in place: w.data -= ... && train.py:{line}

== a new Value in its place: {update}, {asked} {when} it ; recorded, plain ; {asked}
|| used | update | cure | says | told | after | when | asked
| net.w | net.w = net.w - lr * net.w.grad | net.w.data -= lr * net.w.grad |\
  is no variable but the result of an update | net.w.data -= lr * net.w.grad | | before | net.w
| net.all[0] | for p in net.all: new.append(p - lr * p.grad) |\
  for p in net.all: p.data -= lr * p.grad |\
  is a new Value in the place of w: w itself is not changed | p.data -= lr * p.grad |\
  if new: net.all = new | before | w
| net.all[0] | net.all = [Value(p.data - lr * p.grad) for p in net.all] |\
  for p in net.all: p.data -= lr * p.grad | puts new Values in the place of the old |\
  for p in net.all: p.data -= lr * p.grad | | after | w
| net.all[0] | net.all = [Value(p.data - lr * p.grad) for p in net.all] |\
  for p in net.all: p.data -= lr * p.grad | puts new Values in the place of the old |\
  for p in net.all: p.data -= lr * p.grad | | before | w
| net.all[0] | net.all = [Value(p.data - lr * p.grad) for p in net.all] |\
  for p in net.all: p.data -= lr * p.grad | puts new Values in the place of the old |\
  for p in net.all: p.data -= lr * p.grad | | after | net.all[0]
| net.w | net.w = Value(net.w.data - lr * net.w.grad) | net.w.data -= lr * net.w.grad |\
  puts new Values in the place of the old | net.w.data -= lr * net.w.grad | | after | w
class Net: pass

net, w, lr = Net(), Value(1.0, "w"), 0.01
net.w, net.all = w, [w]
for epoch in range(3):
    loss = ({used} * 3.0 - 1.0) ** 2
    loss.label = "loss"
    {used}.zero_grad()
    loss.backward()
    new = []
    if epoch == 2 and "{when}" == "before": break
    {update}  # MEND {cure}
    {after}
> {says} && number in place: {told}

== an update goes nowhere: {update} ; recorded, plain ; w
|| update
| w.data - 0.01 * w.grad
| w.data == w.data - 0.01 * w.grad
| new = w.data - 0.01 * w.grad
w, b = Value(1.0, "w"), Value(0.5, "b")
for epoch in range(3):
    loss = (w * 3.0 + b - 1.0) ** 2
    loss.label = "loss"
    w.zero_grad(); b.zero_grad()
    loss.backward()
    {update}  # MEND w.data -= 0.01 * w.grad
    b.data -= 0.01 * b.grad
> itself is never changed && train.py:{line}:  && number in place: {cure}

== a fresh Value for w ; recorded ; w
w = Value(1.0)
loss = (w * 3.0 - 1.0) ** 2
loss.backward()
w = Value(w.data - 0.01 * w.grad)  # MEND w.data -= 0.01 * w.grad
> loss uses another Value of that name && train.py:{line} && w.data -= ...

== the graph is cut by Value(...) ; recorded ; w
w, x = Value(0.5), Value(3.0)
h = Value((w * x).data)  # MEND h = w * x
loss = h ** 2
loss.backward()
> h = Value((w * x).data) makes a plain number && train.py:{line}: && use the Value itself: {cure}

== the graph is cut by .data, and nothing is recorded ; plain ; w
w, x = Value(0.5, "w"), Value(3.0, "x")
h = (w * x).data  # MEND h = w * x
loss = x + h ** 2
loss.backward()
> h = (w * x).data makes a plain number && train.py:{line}: && use the Value itself: {cure}

== the loss is put into Value(...) ; recorded, plain ; w
w = Value(0.5, "w")
loss = Value(((w * 3.0 - 1.0) ** 2).data)  # MEND loss = (w * 3.0 - 1.0) ** 2
loss.label = "loss"; loss.backward()
> loss = 0.25 && without .data or Value(...) round it
> train.py:{line}: && use the Value itself: {cure}

== a penalty is computed with item() ; recorded ; w
w = Value(0.5)
penalty = 0.1 * w.item() ** 2  # MEND penalty = 0.1 * w ** 2
loss = (Value(2.0) - 1.0) ** 2 + penalty
loss.backward()
> loss is not computed from w && train.py:{line}: && use the Value itself: {cure}

== the graph is cut in part by {cut} ; recorded, plain ; w
|| cut | uncut
| 0.1 * h.data ** 2 | 0.1 * h ** 2
| Value(h.data * 2.0) | h * 2.0
| h.detach() ** 2 | h ** 2
| float(w.item()) * x | w * x
w, x = Value(0.5, "w"), Value(3.0, "x")
h = w * x
part = {cut}  # MEND part = {uncut}
loss = (h - 1.0) ** 2 + part
loss.label = "loss"
loss.backward()
> makes a plain number, and d loss/d w is without
> train.py:{line}: && use the Value itself: {cure}

== the graph is cut by {cut} ; recorded, plain ; w
|| cut | uncut | says
| round(w.data * 2.0) | h = w * 2.0 | leave round out while training && {cure};
| int((w * 2.0).data) | h = w * 2.0 | leave int out while training && {cure};
| w.data // 2 | h = w / 2 | leave the rounding of // out && {cure};
| f'{(w * 2).data:.2f}' | h = w * 2 | compute with w * 2 itself: a text
w = Value(0.3, "w")
h = {cut}  # MEND {uncut}
loss = (float(h) - 1.0 + w) ** 2 if isinstance(h, str) else (h - 1.0 + w) ** 2
loss.label = "loss"
loss.backward()
> makes a plain number, and d loss/d w is without && train.py:{line}: && {says}

== the graph is cut in a method ; whole
class Net:
    def __init__(self):
        self.w1 = Value(0.5, "w1")
        self.w2 = Value(-0.3, "w2")

    def forward(self, x):
        hidden = (self.w1 * x).tanh().data  # MEND hidden = (self.w1 * x).tanh()
        return self.w2 * hidden

net = Net()
loss = (net.forward(2.0) - 1.0) ** 2
print(explain(net.w1, of=loss))
> loss is not computed from w1 && train.py:{line}: && use the Value itself: {cure}

== the graph is cut in a function, by math and a list ; whole
import math

def predict(w, x):
    return w * x

def loss_of(weight, rows):
    losses = []
    for x, y in rows:
        p = predict(weight, x=x)
        losses.append(math.exp(p.data - y))  # MEND losses.append((p - y).exp())
    return sum(losses) + 0.01 * weight ** 2

w = Value(0.5, "w")
loss = loss_of(w, [(1.0, 2.0), (2.0, 4.0)])
print(explain(w, of=loss))
> makes a plain number, and d loss/d w is without
> train.py:{line}: && use the Value itself: {cure}

== a Value is made of its own number ; recorded ; w
w = Value(0.5)
h = w * 3.0
h = Value(h.data)  # MEND pass
loss = h ** 2
> loss is not computed from w && train.py:{line}: h = Value(h.data) && leave that line out

== loss and variable are confused ; recorded ; w
w = Value(0.5)
loss = (w * 3.0 - 1.0) ** 2
loss.backward()
w, loss = loss, w  # MEND pass
> it is the other way round && so ask for explain(

== a loss that is a number ; plain ; w
w = Value(0.5, "w")
losses = [(w * x - 1.0) ** 2 for x in (1.0, 2.0)]
loss = sum(each.data for each in losses)  # MEND loss = sum(losses)
> explain needs Values, but got the float && leave out the .data

== a parameter that is not in the loss ; recorded ; b
w, b, x = Value(0.5), Value(0.1), Value(3.0)
loss = (w * x - 1.0) ** 2  # MEND loss = (w * x + b - 1.0) ** 2
loss.backward()
> loss is not computed from b && train.py:4 && Use b && in its formula

== the gradient is read before backward() ; plain ; w
w = Value(0.5, "w")
loss = (w * 3.0 - 1.0) ** 2
loss.label = "loss"  # MEND loss.backward()
> w.grad is not computed && loss.backward() has not run, so call it first

== backward() before the forward pass ; recorded ; w
w, loss = Value(0.5), Value(0.0)
loss.backward()  # MEND loss = loss + (w * 3.0 - 1.0) ** 2; loss.backward()
> loss = 0 (made in train.py:4) is a variable itself && has to come first

== zero_grad() is forgotten ; plain ; w
w = Value(1.0, "w")
for x in (2.0, 2.5):
    loss = (w * x - 1.0) ** 2  # MEND loss = (w * x - 1.0) ** 2; w.zero_grad()
    loss.label = "loss"
    loss.backward()
> other passes have added to it && call zero_grad() before each backward()

== zero_grad() is forgotten, asked after the update of {loss} ; recorded, plain ; w
|| loss | rate
| (w * 3.0 - 1.0) ** 2 | 0.05
| (w * x - 1.0) ** 2 | 0.05
| w * w | 0.1
| (w * x).tanh() ** 2 + 0.1 * w ** 2 | 0.1
w, x = Value(1.0, "w"), Value(2.0, "x")
for epoch in range(4):
    loss = {loss}  # MEND loss = {loss}; w.zero_grad()
    loss.label = "loss"
    loss.backward()
    w.data -= {rate} * w.grad
> loss.backward() has given && earlier passes gave the rest
> call zero_grad() before each backward()

== zero_grad() is forgotten in a loop over the parameters ; plain ; w
w, b = Value(1.0, "w"), Value(0.0, "b")
for epoch in range(4):
    loss = (w * 3.0 + b - 1.0) ** 2
    loss.label = "loss"  # MEND loss.label = "loss"; w.zero_grad(); b.zero_grad()
    loss.backward()
    for p in (w, b):
        p.data -= 0.02 * p.grad
> earlier passes gave the rest && call zero_grad() before each backward()

== zero_grad() after backward() ; plain ; w
w = Value(0.5, "w")
loss = (w * 3.0 - 1.0) ** 2
loss.label = "loss"
loss.backward()
w.zero_grad()  # MEND pass
> w.grad has been cleared && call zero_grad() before backward()

== an update before backward(): {update} ; recorded, plain ; w
|| update
| w.data -= 0.1 * w.grad
| w.data = w.data - 0.1 * w.grad
w = Value(3.0, "w")
for epoch in range(4):
    loss = (w * 2.0 - 1.0) ** 2
    loss.label = "loss"
    {update}; w.zero_grad(); loss.backward()  # MEND w.zero_grad(); loss.backward(); {update}
> runs before loss.backward() && train.py:{line}: {update} runs before loss.backward()
> numbers of two times && Call loss.backward() first, then {update}

== an update before backward(), in a loop over the parameters ; plain ; w
w, b = Value(3.0, "w"), Value(0.5, "b")
for epoch in range(4):
    loss = (w * 2.0 + b - 1.0) ** 2
    loss.label = "loss"
    for p in (w, b):
        p.data -= 0.1 * p.grad  # MEND pass
        p.zero_grad()
    loss.backward()
> runs before loss.backward() && train.py:{line}: p.data && first, then p.data -= 0.1

== a rate of {rate}: {update} ; recorded, plain ; w
|| update
| w.data -= lr * w.grad
| w.data = w.data - lr * w.grad
|| rate | step
| 1e-17 | -4e-17
| 0.0 | 0
w, lr = Value(1.0, "w"), {rate}  # MEND w, lr = Value(1.0, "w"), 0.1
for epoch in range(5):
    loss = (w * 2.0 - 1.0) ** 2
    loss.label = "loss"
    w.zero_grad()
    loss.backward()
    {update}
> w stays as it is && {update} adds {step} to w = 1 && Take a larger learning rate

== a variable is made anew in each epoch: {update} ; recorded, plain ; w
|| update
| w.data -= 0.1 * w.grad
| for p in [w]: p.data -= 0.1 * p.grad
w = Value(1.0, "w")
for epoch in range(5):
    w = Value(1.0, "w")  # MEND pass
    loss = (w * 2.0 - 1.0) ** 2
    loss.label = "loss"
    w.zero_grad()
    loss.backward()
    {update}
> makes w anew in each round of the loop && train.py:{line}: w = Value(
> Move that line to before the loop

== a model is made anew in each epoch, {recorder} ; whole
|| recorder
| if True
| with record_source()
import nn

{recorder}:
    model = nn.MLP(2, [2, 1], rng=1, activation="tanh")
    optimizer = nn.SGD(model.parameters(), lr=0.1)
    for epoch in range(3):
        model = nn.MLP(2, [2, 1], rng=1, activation="tanh")  # MEND pass
        optimizer = nn.SGD(model.parameters(), lr=0.1)
        loss = nn.mse_loss([model((0.5, 1.0))], [1.0])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    print(explain(model.parameters()[0], of=loss))
> makes hidden.weight[0][0] anew in each round of the loop && train.py:{line}: model = nn.MLP(
> Move that line to before the loop

== step() before backward() ; whole
import nn

model = nn.MLP(2, [2, 1], rng=1, activation="tanh")
optimizer = nn.SGD(model.parameters(), lr=0.1)
for epoch in range(3):
    loss = nn.mse_loss([model((0.5, 1.0))], [1.0])
    optimizer.step()  # MEND pass
    optimizer.zero_grad()
    loss.backward()
print(explain(model.parameters()[0], of=loss))
> runs before loss.backward() && train.py:{line}: optimizer.step()
> Call loss.backward() first, then optimizer.step()

== a number is changed between forward and backward, of {loss} ; recorded, plain ; w
|| loss
| v * w
| v.tanh()
| w * w
w = Value(3.0, "w")
v = w * w
loss = {loss}
w.data = 1.0  # MEND pass
loss.backward()
> numbers of two times && train.py:{line}: w.data = 1.0 runs before loss.backward()
> Call loss.backward() first

== a number is changed between forward and backward, in functions ; whole
def clip(w):
    w.data = 1.0  # MEND pass

def cubed(w):
    return w * w * w

def learn(root):
    root.backward()

w = Value(3.0, "w")
loss = cubed(w)
clip(w)
learn(loss)
print(explain(w, of=loss))
> mixed numbers of two times && (see train.py:{line}: w.data = 1.0)
> before the change, or run the forward pass again before backward()

== the forward pass runs once ; recorded, plain ; w
w = Value(1.0, "w")
prediction = w * 2.0
for epoch in range(3):
    pass  # MEND prediction = w * 2.0
    loss = (prediction - 1.0) ** 2
    loss.label = "loss"
    w.zero_grad()
    loss.backward()
    w.data -= 0.1 * w.grad
> prediction = w * 2.0 runs once, before the loop
> Move it into the loop, before loss.backward()

== the gradient is cleared before the update: {clearing} ; recorded, plain ; w
|| clearing
| w.grad = 0.0
| w.zero_grad()
w = Value(1.0, "w")
for epoch in range(5):
    loss = (w * 2.0 - 1.0) ** 2
    loss.label = "loss"
    loss.backward(); {clearing}  # MEND {clearing}; loss.backward()
    w.data -= 0.1 * w.grad
> since loss.backward() ran (see train.py:{line}: {clearing}) && before backward()

== an optimizer without the parameter: {given}, {epochs} epochs ; whole
|| given
| other.parameters()
| model.parameters()[:2]
|| epochs
| 2
| 5
import nn

model, other = (nn.MLP(2, [2, 1], activation="tanh", rng=seed) for seed in (1, 2))
optimizer = nn.SGD({given}, lr=0.1)  # MEND optimizer = nn.SGD(model.parameters(), lr=0.1)
for epoch in range({epochs}):
    loss = nn.mse_loss([model((0.5, 1.0))], [1.0])
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
print(explain(model.parameters()[-1], of=loss))
> optimizer does not hold output.bias[0] && its step() does not change output.bias[0]
> make optimizer with the parameters of what computes

== backward() twice ; plain ; w
w = Value(1.0, "w")
loss = (w * 3.0 - 1.0) ** 2
loss.label = "loss"
loss.backward()
loss.backward()  # MEND pass
> w.grad is 24, 2 times that && backward() has run 2 times && call zero_grad()

== the gradient is assigned to: {assignment}{after} ; recorded, plain ; w
|| assignment | after | told
| w.grad = max(-1.0, min(1.0, w.grad)) | | -1,
| w.grad = max(-1.0, min(1.0, w.grad)) | w.data -= 0.1 * w.grad | -1,
| w.grad /= 10 | | -5.8,
| w.grad = -w.grad | | 58,
| w.grad *= 2 | | -116,
| for p in (w,): p.grad = p.grad + 0.1 * p.data | | -57.9,
w = Value(1.0, "w")
loss = (w - 30.0) ** 2
loss.label = "loss"
loss.backward()
{assignment}  # MEND pass
{after}
> w.grad is {told} && another number than loss.backward() has given, -58 && {line}:

== the gradient is clipped, and zero_grad() is forgotten ; plain ; w
w = Value(1.0, "w")
for epoch in range(2):
    loss = (w - 3.0) ** 2
    loss.label = "loss"  # MEND loss.label = "loss"; w.zero_grad()
    loss.backward()
    w.grad = max(-5.0, min(5.0, w.grad))
> w.grad is -5, && Where zero_grad() has not run before backward()

== zero_grad() is forgotten, and a breakpoint writes the steps ; plain ; w
w = Value(1.0, "w")
w.break_on("contribution", log=True)
for x in (2.0, 2.5):
    loss = (w * x - 1.0) ** 2  # MEND loss = (w * x - 1.0) ** 2; w.zero_grad()
    loss.label = "loss"
    loss.backward()
> other passes have added to it && call zero_grad() before each backward()

== _backward() alone, of {loss} ; plain ; w
|| loss
| (w - 30.0) ** 2
| (w * 3.0 - 1.0) ** 2
| (w * w + 1.0) ** 2 + w
w = Value(1.0, "w")
loss = {loss}
loss.label = "loss"
loss.grad = 1.0
loss._backward()  # MEND loss.backward()
> w.grad is without && the chain rule of loss alone, and loss.backward() that of all

== the update has the wrong sign ; recorded ; w
w = Value(1.0)
for epoch in range(5):
    loss = (w * 3.0 - 1.0) ** 2
    w.zero_grad()
    loss.backward()
    w.data += 0.01 * w.grad  # MEND w.data -= 0.01 * w.grad
> loss is larger now && train.py:{line}: w.data += 0.01 * w.grad && write {cure}

== the wrong sign, asked in epoch {epoch}: {update} ; {how} ; w
|| epoch | how
| 0 | plain
| 3 | plain
| 3 | recorded
|| update | other
| w.data += 0.01 * w.grad | w.data -= 0.01 * w.grad
| w.data = w.data + w.grad / 100 | w.data = w.data - w.grad / 100
| w.data -= -0.01 * w.grad | w.data += -0.01 * w.grad
w = Value(1.0, "w")
for epoch in range(5):
    loss = (w * 3.0 - 1.0) ** 2
    loss.label = "loss"
    w.zero_grad()
    loss.backward()
    if epoch == {epoch}: break
    {update}  # MEND {other}
> loss becomes larger with each update && train.py:{line}: {update} && write {cure}

== the update has the wrong sign, in a loop in a function ; whole
def train(parameters, lr):
    for epoch in range(5):
        loss = (parameters[0] * 3.0 + parameters[1]) ** 2
        for p in parameters:
            p.zero_grad()
        loss.backward()
        print(explain(w, of=loss))
        for p in parameters:
            p.data += lr * p.grad  # MEND p.data -= lr * p.grad

w, b = Value(1.0, "w"), Value(0.5, "b")
train([w, b], 0.01)
> loss becomes larger with each update && train.py:{line}: p.data += && write {cure}

== the learning rate is too large ; recorded ; w
w = Value(1.0)
for epoch in range(5):
    loss = (w * 3.0 - 1.0) ** 2
    w.zero_grad()
    loss.backward()
    w.data -= 0.5 * w.grad  # MEND w.data -= 0.01 * w.grad
> loss is larger now && train.py:{line}: w.data -= 0.5 * w.grad && a smaller learning rate

== the learning rate is too large, and the gradient is clipped ; plain ; w
w = Value(1.0, "w")
for epoch in range(5):
    loss = (w * 3.0 - 1.0) ** 2
    w.zero_grad()
    loss.backward()
    w.grad = max(-10.0, min(10.0, w.grad))
    w.data -= 0.5 * w.grad  # MEND w.data -= 0.01 * w.grad
> loss is larger now && train.py:{line}: w.data -= 0.5 && a smaller learning rate

== the learning rate is too large: nan ; recorded ; w
w = Value(1.0)
for epoch in range(400):
    loss = (w * 3.0 - 1.0) ** 2
    w.zero_grad()
    loss.backward()
    w.data -= 10.0 * w.grad  # MEND w.data -= 0.01 * w.grad
loss = (w * 3.0 - 1.0) ** 2
loss.backward()
> w = nan (made in train.py:4) && train.py:{line}: w.data -= 10.0 && a smaller one

== numbers have changed since the forward pass ; recorded ; w
w = Value(1.0)
loss = (w * 3.0 - 1.0) ** 2
loss.backward()
w.data -= 0.01 * w.grad  # MEND pass
> w has changed since && train.py:{line} && run the forward pass again

== the number of a result is updated ; recorded ; w
w = Value(1.0)
scaled = w * 0.5
loss = (scaled - 1.0) ** 2
loss.backward()
scaled.data -= 0.1 * scaled.grad  # MEND pass
> scaled.data was assigned to && train.py:{line} && change a variable, such as w.data

== log(0) ; recorded ; p
p = Value(0.0)
loss = -p.log()  # MEND loss = -(p + 1e-9).log()
loss.backward()
> log(p) is -inf at p = 0 && train.py:{line} && (p + 1e-9).log()

== log(0) of {operand} where p is another Value{name} ; plain ; p
|| name
|
| , "p"
|| operand | told
| (1 - p) | (1 - p + 1e-9).log()
| q | (q + 1e-9).log()
| (p * q) | (p * q + 1e-9).log()
p = Value(1.0{name})
q = 1.0 - p
loss = -(p.log() + {operand}.log())  # MEND loss = -(p.log() + {told})
loss.backward()
> is -inf at && keep its operand above 0, as in {told}

== log(-1) ; recorded ; p
p = Value(-1.0)
loss = -p.log()  # MEND loss = -p.sigmoid().log()
loss.backward()
> log(p) is nan at p = -1 && train.py:{line} && a negative number has no logarithm
> what is above 0, such as sigmoid(p)

== 0 / 0 ; recorded ; a
a, b = Value(0.0), Value(0.0)
loss = a / b  # MEND loss = a / (b + 1e-9)
loss.backward()
> loss = a / b is nan at a = 0, b = 0 && train.py:{line} && 0 / 0 is no number && … / (b + 1e-9)

== the root of a distance of 0 ; recorded ; x
x = Value(0.0)
loss = (x * x).sqrt() + x  # MEND loss = (x * x + 1e-12).sqrt() + x
loss.backward()
> sqrt(v && train.py:{line} && the slope of sqrt at 0 is infinite && 1e-12

== a dead relu ; recorded ; w
w, x = Value(-0.5), Value(3.0)
h = (w * x).relu()  # MEND h = (w * x).leaky_relu()
loss = (h - 1.0) ** 2
loss.backward()
> relu is dead: h = relu( && train.py:{line} && leaky_relu

== a saturated sigmoid ; recorded ; w
w, x = Value(20.0), Value(3.0)
h = (w * x).sigmoid()  # MEND h = (w * x / 30.0).sigmoid()
loss = (h - 0.5) ** 2
loss.backward()
> sigmoid is saturated: h = sigmoid( && train.py:{line} && smaller inputs and weights

== all weights are the same ; recorded ; w1
x = 2.0
w1, w2 = Value(0.5), Value(0.5)  # MEND w1, w2 = Value(0.5), Value(-0.3)
loss = ((w1 * x).tanh() + (w2 * x).tanh() - 1.0) ** 2
loss.backward()
> w1 (made in train.py:{line}) && the same gradient as w2 && different numbers

== all weights begin at 0 ; recorded ; w1
x = 2.0
w1, w2 = Value(0.0), Value(0.0)  # MEND w1, w2 = Value(0.5), Value(-0.3)
h = (w1 * x).tanh()
y = w2 * h
loss = (y - 1.0) ** 2
loss.backward()
> h is multiplied by w2 = 0 && train.py:7 && begin with a small random number

== an input of 0 ; recorded ; w
w, b = Value(0.5), Value(0.1)
y = w * 0.0 + b  # MEND y = w * 1.0 + b
loss = (y - 1.0) ** 2
loss.backward()
> w is multiplied by 0 && train.py:{line} && such an input teaches nothing

== the side of where that is not taken ; recorded ; w
x, w = Value(-2.0), Value(0.5)
y = where(x, w * x, x)  # MEND y = where(-x, w * x, x)
loss = (y - 1.0) ** 2
loss.backward()
> is not the one chosen && train.py:{line} && where it is the one that is chosen

== nothing has a name ; plain ; w
w = Value(0.5)  # MEND w = Value(0.5, 'w')
loss = (w * 3.0 - 1.0) ** 2
loss.backward()
> w has no name of its own && Value(0.5, "w") && record_source()
""")
)
