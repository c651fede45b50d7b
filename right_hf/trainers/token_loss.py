"""The generator's loss (paper, L_G) without the work for padding, and a Trainer that learns by it.

The targets of a batch differ in length, and the output layer is the dearest part of a small model: on posts of
tweets-en two thirds of its rows would be padding, whose scores the loss then throws away.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import nn
from transformers import Seq2SeqTrainer


def token_loss(model: Any, inputs: dict[str, torch.Tensor], tokens: int | torch.Tensor | None = None) -> torch.Tensor:
    """The mean of -log p(token | input, tokens before it) over the target tokens.

    Args:
        model: An encoder-decoder model whose output layer works on each position alone.
        inputs: `input_ids` and `attention_mask`, (B, S), and `labels`, (B, T), -100 where filled up.
        tokens: Divides the sum, where the batch is a part of a larger one; by default its own number of tokens.
    """
    labels = inputs["labels"]
    kept = labels != -100  # (B, T)
    network = model.module if isinstance(model, nn.parallel.DistributedDataParallel) else model
    hook = network.get_output_embeddings().register_forward_pre_hook(lambda _, states: (states[0][kept],))
    try:
        logits = model(
            input_ids=inputs["input_ids"],
            attention_mask=inputs["attention_mask"],
            decoder_input_ids=network.prepare_decoder_input_ids_from_labels(labels),
            use_cache=False,
        ).logits  # (tokens, V)
    finally:
        hook.remove()
    total = nn.functional.cross_entropy(logits.float(), labels[kept], reduction="sum")
    return total / (len(logits) if tokens is None else tokens)


class TokenLossTrainer(Seq2SeqTrainer):
    """A Seq2SeqTrainer that computes the same loss for less."""

    def compute_loss(
        self,
        model: Any,
        inputs: dict[str, Any],
        return_outputs: bool = False,
        num_items_in_batch: torch.Tensor | int | None = None,
    ) -> Any:
        """The loss of a batch, see [`token_loss`]; with its outputs, as a model computes both by itself."""
        if return_outputs:
            return super().compute_loss(model, inputs, True, num_items_in_batch)
        loss = token_loss(model, inputs, num_items_in_batch)
        # The tokens are those of all processes, whose losses are then averaged.
        return loss if num_items_in_batch is None else loss * self.accelerator.num_processes
