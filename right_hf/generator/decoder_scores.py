"""Prompts that a decoder-only model reads once: it goes on from there to write, and to score hashtags."""

from __future__ import annotations

import copy
import inspect
from collections.abc import Sequence
from typing import Any

import torch
from transformers import DynamicCache

from right_hf.generator.decoder_format import DecoderFormat

#: Bytes of keys and values that scoring copies at once, and rows of logits beside them.
_COPIED_AT_ONCE = 1 << 28
_SCORED_AT_ONCE = 64


class PromptReader:
    """Reads prompts with a decoder-only model.

    Args:
        network: The causal LM.
        form: Its format.

    Raises:
        ValueError: The model keeps no keys and values of what it has read (a state-space model).
    """

    def __init__(self, network: Any, form: DecoderFormat) -> None:
        self.network = network
        self.form = form
        self.config = network.config.get_text_config(decoder=True)
        if not all(hasattr(layer, "batch_select_indices") for layer in DynamicCache(config=self.config).layers):
            raise ValueError(f"A {type(network).__name__} keeps no keys and values to score hashtags with.")
        parameters = inspect.signature(network.forward).parameters
        self._takes_positions = "position_ids" in parameters
        self._last_only = {"logits_to_keep": 1} if "logits_to_keep" in parameters else {}
        #: transformers renamed it in 5.24.
        self.cache_name = "cache" if "cache" in parameters else "past_key_values"

    def read(self, prompts: Sequence[Sequence[int]]) -> ReadPrompts:
        """Reads all but the last token of each prompt, which is left for what goes on from there."""
        ids, mask = self.pad(prompts)
        cache = DynamicCache(config=self.config)
        self.forward(ids[:, :-1], mask[:, :-1], cache, **self._last_only)
        return ReadPrompts(self, ids, mask, cache)

    def forward(self, ids: torch.Tensor, mask: torch.Tensor, cache: DynamicCache, **settings: Any) -> torch.Tensor:
        """(B, T, V) logits of the tokens `ids` (B, T), which stand last under `mask` (B, S + T); extends the cache."""
        if self._takes_positions:
            settings["position_ids"] = (mask.cumsum(1) - 1).clamp(min=0)[:, -ids.shape[1] :]
        settings[self.cache_name] = cache
        logits: torch.Tensor = self.network(input_ids=ids, attention_mask=mask, use_cache=True, **settings).logits
        return logits

    def pad(self, sequences: Sequence[Sequence[int]], left: bool = True) -> tuple[torch.Tensor, torch.Tensor]:
        """Padded ids and their mask, both (B, longest)."""
        longest = max(len(sequence) for sequence in sequences)
        ids = torch.full((len(sequences), longest), self.form.padding)
        mask = torch.zeros_like(ids)
        for row, sequence in enumerate(sequences):
            place = slice(longest - len(sequence), longest) if left else slice(len(sequence))
            ids[row, place] = torch.tensor(sequence)
            mask[row, place] = 1
        return ids.to(self.network.device), mask.to(self.network.device)


class ReadPrompts:
    """Prompts that were read.

    Attributes:
        ids: (B, S) their token ids, padded on the left.
        mask: (B, S) their attention mask.
    """

    def __init__(self, reader: PromptReader, ids: torch.Tensor, mask: torch.Tensor, cache: DynamicCache) -> None:
        self.ids = ids
        self.mask = mask
        self._reader = reader
        self._cache = cache

    def cache(self, rows: torch.Tensor) -> dict[str, DynamicCache]:
        """Keys and values of those rows, to go on from, as an argument of the model."""
        return {self._reader.cache_name: self._rows(rows)}

    def _rows(self, rows: torch.Tensor) -> DynamicCache:
        # Layers grow by new tensors, so the old ones stay as they are.
        chosen = copy.copy(self._cache)
        chosen.layers = [copy.copy(layer) for layer in self._cache.layers]
        chosen.batch_select_indices(rows.to(self.ids.device))
        return chosen

    def _bytes_per_row(self) -> int:
        kept = [getattr(layer, name, None) for layer in self._cache.layers for name in ("keys", "values")]
        sizes: list[int] = [tensor.nbytes for tensor in kept if tensor is not None]
        return sum(sizes) // len(self.ids)

    def log_likelihoods(self, pools: Sequence[Sequence[str]]) -> list[dict[str, float]]:
        """Mean log-probability per token, the end included, of each hashtag as the first of the answer.

        Args:
            pools: Hashtags of each post.
        """
        scores: list[dict[str, float]] = [{} for _ in pools]
        pairs = [(owner, hashtag) for owner, pool in enumerate(pools) for hashtag in pool]
        at_once = max(1, min(_SCORED_AT_ONCE, _COPIED_AT_ONCE // max(1, self._bytes_per_row())))
        for start in range(0, len(pairs), at_once):
            chunk = pairs[start : start + at_once]
            rows = torch.tensor([owner for owner, _ in chunk], device=self.ids.device)
            means = self._mean_log_probs(rows, [self._reader.form.answer([hashtag]) for _, hashtag in chunk])
            for (owner, hashtag), mean in zip(chunk, means, strict=True):
                scores[owner][hashtag] = mean
        return scores

    def _mean_log_probs(self, rows: torch.Tensor, answers: Sequence[Sequence[int]]) -> list[float]:
        """The log-likelihood of one answer, given as token ids without an end, after each of the C `rows`."""
        form = self._reader.form
        tokens, known = self._reader.pad([[*answer, *form.separator] for answer in answers], left=False)  # (C, T)
        ids = torch.cat([self.ids[rows, -1:], tokens[:, :-1]], dim=1)
        mask = torch.cat([self.mask[rows], known[:, :-1]], dim=1)
        logits = self._reader.forward(ids, mask, self._rows(rows)).float()  # (C, T, V), of the tokens at each place
        all_tokens = logits.logsumexp(-1)  # (C, T)
        sums = (logits.gather(-1, tokens.unsqueeze(-1)).squeeze(-1) - all_tokens).cumsum(1)
        row = torch.arange(len(answers), device=ids.device)
        length = torch.tensor([len(answer) for answer in answers], device=ids.device)
        # The hashtag may end with the answer or before a further hashtag; all these ends count.
        ends = torch.tensor(sorted(form.ends | form.starts), device=ids.device)
        ended = logits[row, length][:, ends].logsumexp(-1) - all_tokens[row, length]
        before_another = sums[row, length + len(form.separator) - 1] - sums[row, length - 1]
        means = (sums[row, length - 1] + torch.logaddexp(ended, before_another)) / (length + 1)
        found: list[float] = means.tolist()
        return found
