"""Rows of a batch: token ids of one length, the keys and values that a model keeps of them, and scores of hashtags."""

from __future__ import annotations

import copy
import inspect
from collections.abc import Callable, Sequence
from typing import Any

import torch
from transformers import EncoderDecoderCache
from transformers.cache_utils import DynamicLayer

#: Bytes of keys and values that scoring copies at once.
_COPIED_AT_ONCE = 1 << 28


def padded(sequences: Sequence[Sequence[int]], padding: int, left: bool = False) -> tuple[torch.Tensor, torch.Tensor]:
    """Token ids filled up with `padding` on one side, and their attention mask, both (B, longest)."""
    longest = max(map(len, sequences))
    ids = torch.full((len(sequences), longest), padding)
    mask = torch.zeros_like(ids)
    for row, sequence in enumerate(sequences):
        place = slice(longest - len(sequence), longest) if left else slice(len(sequence))
        ids[row, place] = torch.tensor(sequence, dtype=ids.dtype)
        mask[row, place] = 1
    return ids, mask


def takes_positions(network: Any) -> bool:
    """Whether a network is told the position of each token, or counts them itself."""
    return "position_ids" in inspect.signature(network.forward).parameters


def positions(mask: torch.Tensor) -> torch.Tensor:
    """The position of each token under its attention mask, both (B, S); those of padding mean nothing."""
    return (mask.cumsum(1) - 1).clamp(min=0)


def chosen_rows(cache: Any, rows: torch.Tensor) -> Any:
    """A cache of those rows. Layers grow by new tensors, so the old one stays as it is."""
    if isinstance(cache, EncoderDecoderCache):
        return EncoderDecoderCache(*(chosen_rows(part, rows) for part in _parts(cache)))
    chosen = copy.copy(cache)
    chosen.layers = [copy.copy(layer) for layer in cache.layers]
    for layer in chosen.layers:  # which may lie on several devices
        if type(layer) is DynamicLayer and layer.keys is not None and layer.values is not None:  # other kinds keep more
            layer.keys, layer.values = taken(layer.keys, rows), taken(layer.values, rows)
        else:
            layer.batch_select_indices(rows if layer.keys is None else rows.to(layer.keys.device))
    return chosen


def taken(tensor: torch.Tensor, rows: torch.Tensor) -> torch.Tensor:
    """Those rows of a tensor, wherever it lies; of a lone row no copies are made."""
    if len(tensor) == 1:
        return tensor.expand(len(rows), *tensor.shape[1:])
    return tensor.index_select(0, rows.to(tensor.device))


def rows_at_once(cache: Any, rows: int, most: int) -> int:
    """How many rows of a cache with `rows` of them scoring may copy at once: from 1 to `most`."""
    layers = [layer for part in _parts(cache) for layer in part.layers]
    kept = [getattr(layer, name, None) for layer in layers for name in ("keys", "values")]
    size: int = sum(tensor.nbytes for tensor in kept if tensor is not None) // rows
    return max(1, min(most, _COPIED_AT_ONCE // max(1, size)))


def scored_pools(
    pools: Sequence[Sequence[str]],
    encode: Callable[[list[str]], list[int]],
    score: Callable[[list[int], list[list[int]]], list[float]],
    at_once: int,
) -> list[dict[str, float]]:
    """Scores the hashtags of each post, many in one pass.

    Args:
        pools: Hashtags of each post.
        encode: Gives the token ids of an answer.
        score: Scores some hashtags, each as an answer of its own: from the numbers of their posts and their token ids.
        at_once: How many it takes.
    """
    pairs = [(owner, tag, encode([tag])) for owner, pool in enumerate(pools) for tag in dict.fromkeys(pool)]
    pairs.sort(key=lambda pair: len(pair[-1]))  # so that little is filled up
    found: dict[tuple[int, str], float] = {}
    for start in range(0, len(pairs), at_once):
        chunk = pairs[start : start + at_once]
        scores = score([owner for owner, _, _ in chunk], [answer for _, _, answer in chunk])
        found |= {(owner, tag): one for (owner, tag, _), one in zip(chunk, scores, strict=True)}
    return [{tag: found[owner, tag] for tag in pool} for owner, pool in enumerate(pools)]


def _parts(cache: Any) -> tuple[Any, ...]:
    double = isinstance(cache, EncoderDecoderCache)
    return (cache.self_attention_cache, cache.cross_attention_cache) if double else (cache,)
