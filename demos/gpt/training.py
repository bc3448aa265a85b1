"""Training the GPT: the loop to read, and the same steps by a compiled program."""

from __future__ import annotations

import math
from collections.abc import Callable

import nn
from autodiff import Value, compile
from autodiff.compiler import slices
from demos.gpt.documents import Documents
from demos.gpt.model import GPT, next_token_loss

__all__ = ["LEARNING_RATE", "optimizer_of", "train", "train_compiled"]

LEARNING_RATE = 0.01

# Called after each step with its number and its loss.
AfterStep = Callable[[int, float], None]


def optimizer_of(model: GPT, steps: int) -> nn.Adam:
    """Return Adam, whose learning rate goes down to 0 in so many steps."""
    parameters = model.parameters()
    schedule = nn.LinearDecay(max(steps, 1))
    return nn.Adam(parameters, lr=LEARNING_RATE, betas=(0.85, 0.99), schedule=schedule)


def train(model: GPT, documents: Documents, steps: int, after_step: AfterStep) -> list[float]:
    """Learn one word a step, and return the loss of each; the loop to read and to step through.

    Raises NonFiniteLossError at a loss that is not finite.
    """
    optimizer = optimizer_of(model, steps)
    losses: list[float] = []
    for step, (tokens, following) in enumerate(zip(*documents.rows(steps), strict=True)):
        # Forward: a score for each token that may come next, and how wrong they are.
        loss = next_token_loss(model(tokens), following)
        if not math.isfinite(loss.data):
            raise nn.NonFiniteLossError(step, loss.data, losses)

        # Backward: the gradient of the loss by every weight.
        optimizer.zero_grad()
        loss.backward()

        # Update: Adam moves each weight against its gradient.
        optimizer.step()

        losses.append(loss.data)
        after_step(step, loss.data)
    return losses


def train_compiled(
    model: GPT, documents: Documents, steps: int, engine: str, after_step: AfterStep
) -> tuple[list[float], str]:
    """Do the same by one program for words of all lengths; return the losses and the engine.

    All words are of one length there: beyond its end a word has tokens that count nothing.  The
    program does some steps at a time, and ``after_step`` is told of each after the last of them.
    Raises NonFiniteLossError as ``train`` does.
    """
    x, y = documents.rows(max(steps, 1), padded=True)
    tokens = [Value(token, f"token[{place}]") for place, token in enumerate(x[0])]
    following = [Value(token, f"following[{place}]") for place, token in enumerate(y[0])]
    loss = next_token_loss(model(tokens), following)
    updates = optimizer_of(model, steps).updates
    program = compile(loss, inputs=[*tokens, *following], updates=updates, engine=engine)
    rows = [[*word, *ending] for word, ending in zip(x, y, strict=True)]
    losses: list[float] = []
    for count in slices(steps):
        part = rows[len(losses) : len(losses) + count]
        for number in program.run(1, part, batch_size=1, each_batch=True):
            if not math.isfinite(number):
                raise nn.NonFiniteLossError(len(losses), number, losses)
            losses.append(number)
            after_step(len(losses) - 1, number)
    return losses, program.engine
