"""When training is to stop, and which weights were best: by the loss of each epoch."""

from __future__ import annotations

import math
import random

from autodiff.support.snapshots import Numbers
from nn.rows import Rows
from nn.trainers import Job, Trainer

__all__ = ["BestWeights"]


class BestWeights:
    """Trains epoch by epoch, and keeps the parameters' numbers of the lowest finite loss.

    That is the loss of the validation rows after the epoch; where there are none, the epoch's own,
    which belongs to the numbers before its updates.
    """

    def __init__(self, job: Job, validation: Rows | None, patience: int | None) -> None:
        self.job = job
        self.validation = validation
        self.patience = patience
        self.losses: list[float] = []  # of the validation rows
        self.lowest, self.epochs_since = math.inf, 0
        self.best: Numbers | None = None

    @property
    def stops(self) -> bool:
        """Whether the loss has not become lower for as many epochs as there is patience."""
        return self.patience is not None and self.epochs_since >= self.patience

    def run(self, trainer: Trainer, epochs: int, rng: random.Random | None) -> list[float]:
        """Return the losses of so many epochs, or up to where it stops or one is not finite."""
        found: list[float] = []
        while len(found) < epochs and not self.stops:
            numbers = Numbers(self.job.optimizer.parameters)
            found += trainer.run(1, rng)
            loss = found[-1]
            if not math.isfinite(loss):
                break
            if self.validation is not None:
                numbers = Numbers(self.job.optimizer.parameters)
                loss = self.measured(self.validation)
                self.losses.append(loss)
            self.epochs_since += 1
            if loss < self.lowest and math.isfinite(loss):
                self.lowest, self.best, self.epochs_since = loss, numbers, 0
        return found

    def measured(self, rows: Rows) -> float:
        """Return the mean loss of rows, by the model as it is when it does not train."""
        model = self.job.model
        was_training = [(module, module.training) for module in model.modules()]
        model.eval()
        try:
            losses = [rows.loss_of(model, place).data for place in range(len(rows.x))]
        finally:
            for module, mode in was_training:
                module.training = mode
        return sum(losses) / len(losses)

    def restore(self) -> None:
        """Give the parameters the numbers of the lowest loss, if one was finite."""
        if self.best is not None:
            self.best.restore()
