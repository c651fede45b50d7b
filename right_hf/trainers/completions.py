"""Prompts with completions as token ids, and the loss on the completions alone: what training of a decoder shares."""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from typing import Any

import torch
from transformers import Trainer

from right_hf.generator.rows import padded

#: The label of a token that is not learned.
IGNORED = -100


def completion_record(prompt: Sequence[int], completion: Sequence[int]) -> dict[str, list[int]]:
    """A training example: the ids of prompt and completion, and labels that only the completion has.

    Without a prompt the first token has no label: what it would be predicted from is padding.
    """
    unlabelled = max(len(prompt), 1)
    ids = [*prompt, *completion]
    return {"input_ids": ids, "labels": [IGNORED] * unlabelled + ids[unlabelled:]}


class LeftPadding:
    """Collates records of [`completion_record`]; padding comes first, as in generation: completions end together.

    Args:
        pad_token_id: Of the tokenizer.
        model: Gets position ids if it takes them, so that models with absolute positions see those of generation.
    """

    def __init__(self, pad_token_id: int, model: Any) -> None:
        self.pad_token_id = pad_token_id
        self.positions = "position_ids" in inspect.signature(model.forward).parameters

    def __call__(self, records: Sequence[dict[str, Any]]) -> dict[str, torch.Tensor]:
        """Tensors `input_ids`, `attention_mask` and `labels`, all (B, longest), and `position_ids` if wanted."""
        ids, mask = padded([record["input_ids"] for record in records], self.pad_token_id, left=True)
        labels, _ = padded([record["labels"] for record in records], IGNORED, left=True)
        batch = {"input_ids": ids, "attention_mask": mask, "labels": labels}
        return {**batch, "position_ids": (mask.cumsum(1) - 1).clamp(min=0)} if self.positions else batch


class CompletionLoss(Trainer):
    """The model's own loss, for which it projects only the last positions of a left-padded batch onto the vocabulary.

    That is where completions lie. TRL's SFTTrainer does the like on a GPU; elsewhere it projects every position of the
    prompts too, which for a small model takes three times as long as all the rest.
    """

    def compute_loss(
        self,
        model: Any,
        inputs: dict[str, Any],
        return_outputs: bool = False,
        num_items_in_batch: torch.Tensor | int | None = None,
    ) -> Any:
        """The mean cross-entropy of the labelled tokens; see [`transformers.Trainer.compute_loss`]."""
        labels = inputs["labels"]  # (B, S)
        first = int((labels != IGNORED).any(0).nonzero()[0])
        kept = labels.shape[1] - max(first - 1, 0)  # the first token is predicted at the position before it
        inputs = {**inputs, "labels": labels[:, -kept:], "logits_to_keep": kept}
        return Trainer.compute_loss(self, model, inputs, return_outputs, num_items_in_batch)
