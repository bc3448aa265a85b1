"""Training on documents of different lengths beside PyTorch in float64."""

from __future__ import annotations

from typing import Any

import pytest

import nn
from tests.engines import ENGINES
from tests.test_shapes import WIDTH, Reader, documents, mean_surprise

torch = pytest.importorskip("torch", reason="PyTorch is what these tests compare with")
functional = torch.nn.functional

EPOCHS, BATCH = 20, 3


def tensor(rows: list[list[Any]]) -> Any:
    numbers = [[value.data for value in row] for row in rows]
    return torch.tensor(numbers, dtype=torch.float64, requires_grad=True)


class TorchReader:
    """The same reader with PyTorch's own embedding and cross-entropy, on the same weights."""

    def __init__(self, model: Reader) -> None:
        self.table = tensor(model.table)
        self.layers = [
            (tensor([neuron.w for neuron in layer.neurons]), tensor([[n.b for n in layer.neurons]]))
            for layer in (model.step, model.logits, model.longer)
        ]

    def parameters(self) -> list[Any]:
        return [self.table, *[weight for layer in self.layers for weight in layer]]

    def loss(self, tokens: list[int], following: list[int]) -> Any:
        (step, step_bias), (logits, logits_bias), (longer, longer_bias) = self.layers
        embedded = functional.embedding(torch.tensor(tokens), self.table)
        state = torch.zeros(WIDTH, dtype=torch.float64)
        said = []
        for row in embedded:
            state = torch.tanh(step @ torch.cat([row, state]) + step_bias[0])
            if len(tokens) > 2:
                state = torch.relu(longer @ state + longer_bias[0])
            said.append(logits @ state + logits_bias[0])
        return functional.cross_entropy(torch.stack(said), torch.tensor(following))


def torch_losses(model: Reader) -> list[float]:
    """Return PyTorch's losses, a mean over the documents of each epoch."""
    reader = TorchReader(model)
    optimizer = torch.optim.Adam(reader.parameters(), lr=0.02)
    texts = list(zip(*documents(), strict=True))
    losses = []
    for _ in range(EPOCHS):
        total = 0.0
        for start in range(0, len(texts), BATCH):
            batch = texts[start : start + BATCH]
            optimizer.zero_grad()
            loss = sum(reader.loss(*text) for text in batch) / len(batch)
            loss.backward()
            optimizer.step()
            total += loss.item() * len(batch)
        losses.append(total / len(texts))
    return losses


@pytest.mark.parametrize("engine", ENGINES)
def test_documents_of_different_lengths_are_trained_as_pytorch_does(engine: str) -> None:
    model = Reader()
    theirs = torch_losses(model)
    history = nn.fit(
        *(model, *documents()),
        loss=mean_surprise,
        optimizer=nn.Adam(model.parameters(), lr=0.02),
        epochs=EPOCHS,
        batch_size=BATCH,
        engine=engine,
    )
    # Some hundred roundings an epoch, which twenty of them may enlarge.
    assert history.losses == pytest.approx(theirs, rel=1e-10)
    assert history.losses[-1] < 0.9 * history.losses[0]
