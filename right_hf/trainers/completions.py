"""Prompts with completions as token ids, and the loss on the completions alone: what training of a decoder shares."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch.nn.functional import cross_entropy
from transformers import Trainer

from right_hf.generator.packing import logits_at
from right_hf.generator.rows import padded, positions, takes_positions
from right_hf.loading import network_of

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
        self.positions = takes_positions(model)

    def __call__(self, records: Sequence[dict[str, Any]]) -> dict[str, torch.Tensor]:
        """Tensors `input_ids`, `attention_mask` and `labels`, all (B, longest), and `position_ids` if wanted."""
        ids, mask = padded([record["input_ids"] for record in records], self.pad_token_id, left=True)
        labels, _ = padded([record["labels"] for record in records], IGNORED, left=True)
        batch = {"input_ids": ids, "attention_mask": mask, "labels": labels}
        return {**batch, "position_ids": positions(mask)} if self.positions else batch


class CompletionLoss(Trainer):
    """The model's own loss, for which it projects only the positions before labels onto the vocabulary.

    TRL's trainers do the like on a GPU; elsewhere they project every position of the prompts too, which for a small
    model takes three times as long as all the rest.
    """

    def compute_loss(
        self,
        model: Any,
        inputs: dict[str, Any],
        return_outputs: bool = False,
        num_items_in_batch: torch.Tensor | int | None = None,
    ) -> Any:
        """The mean cross-entropy of the labelled tokens; see [`transformers.Trainer.compute_loss`]."""
        if self.args.n_gpu > 1:  # copies of the model, each with a part of the batch
            return Trainer.compute_loss(self, model, inputs, return_outputs, num_items_in_batch)
        labels = inputs["labels"][:, 1:]  # (B, S - 1), each at the position that predicts it
        network = network_of(self.accelerator.unwrap_model(model))
        inputs = {name: value for name, value in inputs.items() if name != "labels"}
        learned = labels != IGNORED
        places = learned.nonzero()  # (N, 2)
        logits = logits_at(model, network, places, **inputs).float()  # (N, V)
        loss = cross_entropy(logits, labels[learned].to(logits.device), reduction="sum")
        if num_items_in_batch is None:
            loss = loss / len(places)
        else:  # of all devices, whose gradients are averaged
            averaged = self.args.average_tokens_across_devices
            loss = loss / num_items_in_batch * (self.accelerator.num_processes if averaged else 1)
        return (loss, {"logits": logits}) if return_outputs else loss


def completion_log_probs(
    model: Any, network: Any, ids: torch.Tensor, mask: torch.Tensor, length: int, temperature: float = 1.0
) -> tuple[torch.Tensor, torch.Tensor]:
    """The log-probability of each token of completions, and the entropy of what it was drawn from, without gradient.

    Only the positions before these tokens are projected onto the vocabulary; of padding both are zero.

    Args:
        model: The network, or what it is trained in.
        network: A causal LM of transformers.
        ids: (B, S) prompts, padded on the left, and completions, padded on the right.
        mask: (B, S).
        length: T, how many of the last places are the completions'.
        temperature: What the logits are divided by.

    Returns:
        Two tensors (B, T).
    """
    own = {"position_ids": positions(mask)} if takes_positions(network) else {}
    drawn = mask[:, -length:].bool()
    before = torch.zeros_like(mask, dtype=torch.bool)
    before[:, -length - 1 : -1] = drawn
    logits = logits_at(model, network, before.nonzero(), input_ids=ids, attention_mask=mask, **own)
    log_probs = (logits.float() / temperature).log_softmax(-1)  # (N, V)
    chosen = log_probs.gather(1, ids[:, -length:][drawn].unsqueeze(1)).squeeze(1)
    known = log_probs.detach()
    entropies = -(known.exp() * known).sum(-1)
    nothing = chosen.new_zeros(drawn.shape)
    return nothing.masked_scatter(drawn, chosen), nothing.masked_scatter(drawn, entropies)
