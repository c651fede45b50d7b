"""The network that becomes an [`AsymmetricEncoder`], as it is trained: with a teacher's embeddings as what to reach."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from right_hf.selector.asymmetric_encoder import HEAD, MATRICES

#: Standard deviation of what leads back into the vectors of a post at first: they begin as sums of token vectors.
_SMALL = 0.014


class AsymmetricNetwork(nn.Module):
    """The torch side of [`right_hf.selector.asymmetric_encoder.AsymmetricEncoder`], with the same weights.

    Args:
        tokens: (V, d) what the vectors of the tokens start from.
        positions: Tokens of a post that are read.
        layers: Layers of attention.
        inner: Width of their feed-forward part.
    """

    def __init__(self, tokens: Tensor, positions: int, layers: int, inner: int) -> None:
        super().__init__()
        width = tokens.shape[1]
        self.tokens = nn.Parameter(tokens.clone())
        self.positions = nn.Parameter(torch.zeros(positions, width))
        self.attend_in = nn.Parameter(torch.randn(layers, 3 * width, width) / math.sqrt(width))
        self.attend_out = nn.Parameter(torch.randn(layers, width, width) * _SMALL)
        self.feed_in = nn.Parameter(torch.randn(layers, inner, width) / math.sqrt(width))
        self.feed_out = nn.Parameter(torch.randn(layers, width, inner) * _SMALL)

    def read(self, ids: Tensor) -> Tensor:
        """Embeds posts, (B, d), from their token ids, (B, n) with -1 where there is none."""
        here = (ids >= 0).unsqueeze(-1)
        vectors = self.tokens[ids.clamp(min=0)] + self.positions[: ids.shape[1]]
        masked = torch.where(here, 0.0, -1e9).transpose(1, 2).unsqueeze(1)
        for attend_in, attend_out, feed_in, feed_out in zip(
            *(getattr(self, name) for name in MATRICES[2:]), strict=True
        ):
            vectors = vectors + _attention(_normed(vectors), attend_in, attend_out, masked)
            vectors = vectors + functional.relu(_normed(vectors) @ feed_in.T) @ feed_out.T
        return functional.normalize((vectors * here).sum(1), dim=-1)

    def look_up(self, ids: Tensor) -> Tensor:
        """Embeds hashtags, (B, d), from their token ids, as [`read`] takes them."""
        return functional.normalize((self.tokens[ids.clamp(min=0)] * (ids >= 0).unsqueeze(-1)).sum(1), dim=-1)

    def forward(self, posts: Tensor, hashtags: Tensor, post_targets: Tensor, hashtag_targets: Tensor) -> dict[str, Any]:
        """See [`distillation_loss`]."""
        loss = distillation_loss(self.read(posts), self.look_up(hashtags), post_targets, hashtag_targets)
        return {"loss": loss}

    def weights(self) -> Mapping[str, Any]:
        """What [`right_hf.selector.asymmetric_encoder.in_eight_bits`] takes."""
        return {name: weights.detach().float().numpy() for name, weights in self.named_parameters()}


def _normed(vectors: Tensor) -> Tensor:
    return functional.rms_norm(vectors, vectors.shape[-1:], eps=1e-6)


def _attention(vectors: Tensor, attend_in: Tensor, attend_out: Tensor, masked: Tensor) -> Tensor:
    batch, length, width = vectors.shape
    heads = (vectors @ attend_in.T).view(batch, length, 3, width // HEAD, HEAD).permute(2, 0, 3, 1, 4)
    scores = heads[0] @ heads[1].transpose(-1, -2) / math.sqrt(HEAD) + masked
    return (scores.softmax(-1) @ heads[2]).transpose(1, 2).reshape(batch, length, width) @ attend_out.T


def distillation_loss(posts: Tensor, hashtags: Tensor, post_targets: Tensor, hashtag_targets: Tensor) -> Tensor:
    """How far embeddings are from a teacher's, each by itself and in the cosines of posts with hashtags and posts.

    1 - cos of each with its target, plus the squared differences of the cosines; all rows are of length 1.

    Args:
        posts: (P, d).
        hashtags: (H, d).
        post_targets: (P, d).
        hashtag_targets: (H, d).
    """
    alone = (1 - (posts * post_targets).sum(1)).mean() + (1 - (hashtags * hashtag_targets).sum(1)).mean()
    across = functional.mse_loss(posts @ hashtags.T, post_targets @ hashtag_targets.T)
    among = functional.mse_loss(posts @ posts.T, post_targets @ post_targets.T)
    return alone + 10 * across + 5 * among
