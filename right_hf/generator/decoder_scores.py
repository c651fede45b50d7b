"""Prompts that a decoder-only model reads once: it goes on from there to write, and to score hashtags."""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from itertools import takewhile
from typing import Any, NamedTuple

import torch
from torch import nn
from transformers import DynamicCache

from right_hf.generator.decoder_format import DecoderFormat
from right_hf.generator.rows import chosen_rows, padded, positions, rows_at_once, scored_pools

#: Answers scored in one pass; bounds the memory of their logits.
_SCORED_AT_ONCE = 64
#: With these `generate` needs a cache of its own.
_OWN_CACHE = ("use_cache", "cache_implementation", "assistant_model", "prompt_lookup_num_tokens")


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

    def read(self, prompts: Sequence[Sequence[int]], scoring: bool = True) -> ReadPrompts:
        """Reads all but the last token of each prompt, which is left for what goes on from there; only to score."""
        ids, mask = self.batch(prompts, left=True)
        cache = DynamicCache(config=self.config) if scoring else None
        if cache is not None:
            self.forward(ids[:, :-1], mask[:, :-1], cache, **self._last_only)
        return ReadPrompts(self, ids, mask, cache)

    def forward(self, ids: torch.Tensor, mask: torch.Tensor, cache: DynamicCache, **settings: Any) -> torch.Tensor:
        """(B, T, V) logits of the tokens `ids` (B, T), which stand last under `mask` (B, S + T); extends the cache."""
        if self._takes_positions:
            settings["position_ids"] = positions(mask)[:, -ids.shape[1] :]
        output = self.network(input_ids=ids, attention_mask=mask, cache=cache, use_cache=True, **settings)
        logits: torch.Tensor = output.logits
        return logits

    def batch(self, sequences: Sequence[Sequence[int]], left: bool = False) -> tuple[torch.Tensor, torch.Tensor]:
        """Padded ids and their mask, both (B, longest), where the network is."""
        ids, mask = padded(sequences, self.form.padding, left)
        return ids.to(self.network.device), mask.to(self.network.device)


class ReadPrompts:
    """Prompts that were read, see [`right_hf.generator.network.ReadPosts`].

    Args:
        reader: What read them.
        ids: (B, S) their token ids, padded on the left.
        mask: (B, S) their attention mask.
        cache: Keys and values of all but their last tokens; None if nothing is to be scored.
    """

    def __init__(self, reader: PromptReader, ids: torch.Tensor, mask: torch.Tensor, cache: DynamicCache | None) -> None:
        self._reader = reader
        self._ids = ids
        self._mask = mask
        self._cache = cache

    def write(self, settings: dict[str, Any]) -> torch.Tensor:
        """What the model writes after the prompts, from what was read of them, unless it needs a cache of its own."""
        form = self._reader.form
        settings = {"eos_token_id": sorted(form.ends), "pad_token_id": form.padding, **settings}
        if self._cache is not None and not any(settings.get(name) is not None for name in _OWN_CACHE):
            copies = max(settings["num_beams"], settings.get("num_return_sequences") or 1)
            rows = torch.arange(len(self._ids), device=self._ids.device)
            settings["cache"] = chosen_rows(self._cache, rows.repeat_interleave(copies))
        outputs: torch.Tensor = self._reader.network.generate(self._ids, attention_mask=self._mask, **settings)
        return outputs[:, self._ids.shape[1] :]

    def log_likelihoods(self, pools: Sequence[Sequence[str]]) -> list[dict[str, float]]:
        """See [`right_hf.generator.network.ReadPosts.log_likelihoods`]."""
        answer = self._reader.form.answer
        begun = self._go_on([answer([tag]) for pool in pools for tag in pool])

        def means(rows: torch.Tensor, answers: list[list[int]]) -> list[float]:
            return self._mean_log_probs(begun, rows.to(self._ids.device), answers)

        return scored_pools(pools, answer, means, rows_at_once(begun.cache, len(self._ids), _SCORED_AT_ONCE))

    def _go_on(self, answers: Sequence[Sequence[int]]) -> _Beginning:
        """Reads the last token of each prompt and what all answers begin with, as a rule the hash sign."""
        shared = [column[0] for column in takewhile(lambda column: len(set(column)) == 1, zip(*answers, strict=False))]
        ids = self._ids
        cache = chosen_rows(self._cache, torch.arange(len(ids), device=ids.device))
        begun = torch.tensor(shared, dtype=ids.dtype, device=ids.device).expand(len(ids), -1)  # (B, L)
        mask = torch.cat([self._mask, torch.ones_like(begun)], dim=1)
        logits = self._reader.forward(torch.cat([ids[:, -1:], begun], dim=1), mask, cache).float()  # (B, 1 + L, V)
        return _Beginning(len(shared), _log_probs(logits[:, :-1], begun).sum(1), logits[:, -1:], mask, cache)

    def _mean_log_probs(self, begun: _Beginning, rows: torch.Tensor, answers: Sequence[Sequence[int]]) -> list[float]:
        """The log-likelihood of one answer, given as token ids without an end, after each of the C `rows`."""
        form = self._reader.form
        rest = [answer[begun.length :] for answer in answers]
        tokens, known = self._reader.batch([[*answer, *form.separator] for answer in rest])  # (C, T)
        logits = begun.logits[rows]  # (C, T, V), of the tokens at each place
        if tokens.shape[1] > 1:
            mask = torch.cat([begun.mask[rows], known[:, :-1]], dim=1)
            read = self._reader.forward(tokens[:, :-1], mask, chosen_rows(begun.cache, rows))
            logits = torch.cat([logits, read.float()], dim=1)
        # With a nought first, the sum at each place is that of the tokens before it.
        sums = nn.functional.pad(_log_probs(logits, tokens).cumsum(1), (1, 0))
        row = torch.arange(len(answers), device=rows.device)
        length = torch.tensor([len(answer) for answer in rest], device=rows.device)
        # The hashtag may end with the answer or before a further hashtag; all these ends count.
        ends = torch.tensor(sorted(form.ends | form.starts), device=rows.device)
        at_end = logits[row, length]  # (C, V)
        ended = at_end[:, ends].logsumexp(-1) - at_end.logsumexp(-1)
        before_another = sums[row, length + len(form.separator)] - sums[row, length]
        total = begun.sums[rows] + sums[row, length] + torch.logaddexp(ended, before_another)
        means: list[float] = (total / (begun.length + length + 1)).tolist()
        return means


class _Beginning(NamedTuple):
    """What all answers begin with, read after each of B prompts.

    Attributes:
        length: Its tokens.
        sums: (B,) its log-probability.
        logits: (B, 1, V) of the token after it.
        mask: (B, S + length) attention mask up to there.
        cache: Keys and values up to there.
    """

    length: int
    sums: torch.Tensor
    logits: torch.Tensor
    mask: torch.Tensor
    cache: DynamicCache


def _log_probs(logits: torch.Tensor, tokens: torch.Tensor) -> torch.Tensor:
    """Log-probabilities of tokens (B, T) under the logits (B, T, V) at their places, (B, T)."""
    return logits.gather(-1, tokens.unsqueeze(-1)).squeeze(-1) - logits.logsumexp(-1)
