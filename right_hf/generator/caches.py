"""Keys and values that a model keeps of what it has read, to go on from for several answers."""

from __future__ import annotations

import copy
from typing import Any

import torch
from transformers import EncoderDecoderCache

#: Bytes of keys and values that scoring copies at once.
_COPIED_AT_ONCE = 1 << 28


def chosen_rows(cache: Any, rows: torch.Tensor) -> Any:
    """A cache of those rows. Layers grow by new tensors, so the old one stays as it is."""
    if isinstance(cache, EncoderDecoderCache):
        return EncoderDecoderCache(*(chosen_rows(part, rows) for part in _parts(cache)))
    chosen = copy.copy(cache)
    chosen.layers = [copy.copy(layer) for layer in cache.layers]
    chosen.batch_select_indices(rows)
    return chosen


def rows_at_once(cache: Any, rows: int, most: int) -> int:
    """How many rows of a cache with `rows` of them scoring may copy at once: from 1 to `most`."""
    layers = [layer for part in _parts(cache) for layer in part.layers]
    kept = [getattr(layer, name, None) for layer in layers for name in ("keys", "values")]
    size: int = sum(tensor.nbytes for tensor in kept if tensor is not None) // rows
    return max(1, min(most, _COPIED_AT_ONCE // max(1, size)))


def _parts(cache: Any) -> tuple[Any, ...]:
    double = isinstance(cache, EncoderDecoderCache)
    return (cache.self_attention_cache, cache.cross_attention_cache) if double else (cache,)
