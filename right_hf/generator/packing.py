"""Scoring with little waste: what answers begin with is read once, and logits are made where they are needed.

The matrix of the vocabulary is most of a small decoder's work, and most of answers of one length would be padding.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import Any, NamedTuple

import torch
from torch import nn


class Beginnings(NamedTuple):
    """What has to be read to judge each token of some answers after all that comes before it.

    Attributes:
        owners: For each of R rows to read the number of its prompt.
        rows: Their token ids.
        places: For each of N beginnings the row and the column where it is read up to its end.
        judged: For each answer and each of its tokens but the first, the number of the beginning before it.
    """

    owners: list[int]
    rows: list[Sequence[int]]
    places: list[tuple[int, int]]
    judged: list[list[int]]


def beginnings(owners: Sequence[int], answers: Sequence[Sequence[int]]) -> Beginnings:
    """The beginnings of answers (at least one token each, the last of which is not read), each once a prompt."""
    numbers: dict[tuple[int, tuple[int, ...]], int] = {}
    read = Beginnings([], [], [], [[] for _ in answers])
    for at in sorted(range(len(answers)), key=lambda at: -len(answers[at])):  # whatever begins another comes after it
        owner, whole = owners[at], tuple(answers[at][:-1])
        parts = [(owner, whole[:length]) for length in range(1, len(whole) + 1)]
        if parts and parts[-1] not in numbers:
            read.owners.append(owner)
            read.rows.append(whole)
            for column, part in enumerate(parts):
                if part not in numbers:
                    numbers[part] = len(read.places)
                    read.places.append((len(read.rows) - 1, column))
        read.judged[at].extend(numbers[part] for part in parts)
    return read


class _PackedHead(nn.Module):
    """The output layer of a language model, at some places alone."""

    def __init__(self, head: nn.Module, places: torch.Tensor) -> None:
        super().__init__()
        self._head = head
        self._places = places
        self.was_asked = False

    def forward(self, hidden: torch.Tensor) -> torch.Tensor:
        self.was_asked = True
        rows, columns = self._places.to(hidden.device).unbind(1)
        logits: torch.Tensor = self._head(hidden[rows, columns].unsqueeze(0))
        return logits


def packed_logits(model: Any, places: Sequence[tuple[int, int]], **inputs: Any) -> torch.Tensor:
    """Logits (N, V) of a language model at some places of its output (C, T, V), which is not made as a whole.

    The model stays as it is, also while other threads use it: a copy that shares its weights gets another head.

    Args:
        model: Of transformers.
        places: N rows and columns.
        inputs: What its `forward` takes.
    """
    own = copy.copy(model)
    own._modules = dict(model._modules)
    return logits_at(own, own, torch.tensor(places), **inputs)


def logits_at(called: Any, model: Any, places: torch.Tensor, **inputs: Any) -> torch.Tensor:
    """The same of a model that is called as what wraps it, and that has another head meanwhile.

    Args:
        called: The model, or what it is trained in.
        model: Of transformers.
        places: (N, 2) rows and columns.
        inputs: What its `forward` takes.
    """
    head = model.get_output_embeddings()
    name = next((name for name, module in model.named_children() if module is head), None)
    packed = _PackedHead(head, places)
    try:
        model._modules.update({} if name is None else {name: packed})
        logits: torch.Tensor = called(**inputs).logits
    finally:
        model._modules.update({} if name is None else {name: head})
    if packed.was_asked:
        return logits[0]
    # A head that is elsewhere, or a forward that is another module's.
    rows, columns = places.to(logits.device).unbind(1)
    return logits[rows, columns]
