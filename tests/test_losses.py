from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import torch
from sentence_transformers.sentence_transformer.losses import MultipleNegativesRankingLoss

from right_hf.training.losses import selector_loss


def test_worked_example() -> None:
    """Cosines: post 1 to the positives 1, 0 and negatives 0, 0.6; post 2 to 0, 1 and 1, 0.8; 1 / tau = 2."""
    anchor = torch.tensor([[1.0, 0.0], [0.0, 5.0]])
    positive = torch.tensor([[3.0, 0.0], [0.0, 1.0]])
    negative = torch.tensor([[0.0, 2.0], [3.0, 4.0]])
    first = -math.log(math.exp(2) / (math.exp(2) + math.exp(0) + math.exp(0) + math.exp(1.2)))
    second = -math.log(math.exp(2) / (math.exp(0) + math.exp(2) + math.exp(2) + math.exp(1.6)))
    loss = selector_loss(anchor, positive, negative, temperature=0.5)
    assert loss.item() == pytest.approx((first + second) / 2, rel=1e-6)


@pytest.mark.parametrize("shape", [(1, 3), (6, 16), (32, 8)])
def test_equals_multiple_negatives_ranking_loss_with_scale_20(shape: tuple[int, int]) -> None:
    generator = torch.Generator().manual_seed(0)
    anchor, positive, negative = ours = [torch.randn(shape, generator=generator, requires_grad=True) for _ in range(3)]
    model: Any = torch.nn.Identity()  # the loss is called on embeddings
    loss = selector_loss(anchor, positive, negative)
    expected = MultipleNegativesRankingLoss(model, scale=20.0).compute_loss_from_embeddings(ours, torch.empty(0))
    torch.testing.assert_close(loss, expected)
    torch.testing.assert_close(torch.autograd.grad(loss, ours), torch.autograd.grad(expected, ours))


@pytest.mark.parametrize(("shape", "temperature"), [((1, 3), 0.05), ((5, 4), 0.05), ((8, 16), 0.7)])
def test_equals_the_papers_equation_written_out(shape: tuple[int, int], temperature: float) -> None:
    """L_S of section 2.2, term by term and post by post, in numpy; training minimises its mean over the batch."""
    rng = np.random.default_rng(1)
    anchor, positive, negative = rng.normal(size=(3, *shape))

    def sim(a: Any, b: Any) -> float:
        return float(np.sum(a * b) / math.sqrt(np.sum(a * a) * np.sum(b * b)))

    losses = []
    for i in range(shape[0]):
        numerator = math.exp(sim(anchor[i], positive[i]) / temperature)
        denominator = 0.0
        for j in range(shape[0]):
            denominator += math.exp(sim(anchor[i], positive[j]) / temperature)
            denominator += math.exp(sim(anchor[i], negative[j]) / temperature)
        losses.append(-math.log(numerator / denominator))
    loss = selector_loss(*map(torch.from_numpy, (anchor, positive, negative)), temperature)
    assert loss.item() == pytest.approx(sum(losses) / len(losses), rel=1e-9)


def test_equal_hashtags_leave_the_choice_open() -> None:
    same = torch.ones(4, 2)
    assert selector_loss(same, same, same).item() == pytest.approx(math.log(8))


@pytest.mark.parametrize("shapes", [((2, 3), (2, 3), (1, 3)), ((2,), (2,), (2,)), ((0, 3), (0, 3), (0, 3))])
def test_wrong_shapes_are_refused(shapes: tuple[tuple[int, ...], ...]) -> None:
    anchor, positive, negative = map(torch.zeros, shapes)
    with pytest.raises(ValueError, match=r"three \(B, d\) tensors of one shape with B > 0, got"):
        selector_loss(anchor, positive, negative)


@pytest.mark.parametrize("temperature", [0.0, -1.0, math.nan])
def test_temperature_must_be_positive(temperature: float) -> None:
    ones = torch.ones(1, 2)
    with pytest.raises(ValueError, match="temperature above 0"):
        selector_loss(ones, ones, ones, temperature)
