"""The selector's loss as the paper writes it: the reference for what training minimises."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional


def selector_loss(anchor: Tensor, positive: Tensor, negative: Tensor, temperature: float = 0.05) -> Tensor:
    """The paper's contrastive loss L_S (section 2.2), averaged over the batch.

    L_S(i) = -log( exp(sim(h_i, h_i+) / T) / sum_j( exp(sim(h_i, h_j+) / T) + exp(sim(h_i, h_j-) / T) ) ), where sim is
    the cosine and j runs over the batch. sentence-transformers' MultipleNegativesRankingLoss with a scale of 1 / T is
    the same function.

    Args:
        anchor: Embeddings of the posts, (B, d).
        positive: Embeddings of their gold hashtags, (B, d).
        negative: Embeddings of the disturbed hashtags, (B, d).
        temperature: The paper's tau, above 0.

    Returns:
        The mean loss, a scalar.

    Raises:
        ValueError: If the shapes differ, are not (B, d) with B > 0, or the temperature is not above 0.
    """
    shapes = [tuple(embeddings.shape) for embeddings in (anchor, positive, negative)]
    if anchor.dim() != 2 or len(set(shapes)) > 1 or anchor.shape[0] == 0:
        raise ValueError(
            f"Expected three (B, d) tensors of one shape with B > 0, got {shapes}: give one row a triplet."
        )
    if not temperature > 0:
        raise ValueError(f"Expected a temperature above 0, got {temperature}: the paper uses 0.05.")
    posts = functional.normalize(anchor, dim=1)
    hashtags = functional.normalize(torch.cat([positive, negative]), dim=1)
    logits = posts @ hashtags.T / temperature  # (B, 2B)
    own_positive = torch.arange(len(anchor), device=anchor.device)
    return functional.cross_entropy(logits, own_positive)
