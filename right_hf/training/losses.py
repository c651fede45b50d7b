"""Losses of the encoders: the selector's as the paper writes it, and that of distillation."""

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


def distillation_loss(
    cosines: Tensor, likelihoods: Tensor, temperature: float, student_temperature: float = 0.05
) -> Tensor:
    """KL(target || student) over the candidates of each post, averaged over the batch (REPLUG LSR; Shi et al., 2024).

    target = softmax(likelihoods / temperature), student = softmax(cosines / student_temperature).

    Args:
        cosines: Of posts and their candidates, (B, C).
        likelihoods: The generator's log-likelihoods, (B, C), minus infinity where a post has no such candidate.
        temperature: Of the target, above 0.
        student_temperature: Of the student, above 0; 0.05 is that of its training.

    Returns:
        The mean divergence, a scalar.

    Raises:
        ValueError: If the shapes differ or a temperature is not above 0.
    """
    if cosines.dim() != 2 or cosines.shape != likelihoods.shape:
        shapes = [tuple(cosines.shape), tuple(likelihoods.shape)]
        raise ValueError(f"Expected two (B, C) tensors of one shape, got {shapes}: give each candidate its likelihood.")
    if not (temperature > 0 and student_temperature > 0):
        raise ValueError(f"Expected temperatures above 0, got {temperature} and {student_temperature}.")
    missing = torch.isneginf(likelihoods)
    # Those of missing candidates are -inf, and 0 times that is no number.
    target = functional.log_softmax(likelihoods / temperature, dim=1).masked_fill(missing, 0.0)
    student = (cosines / student_temperature).masked_fill(missing, -torch.inf)
    student = functional.log_softmax(student, dim=1).masked_fill(missing, 0.0)
    return (target.exp().masked_fill(missing, 0.0) * (target - student)).sum(dim=1).mean()
