"""Prompts that a decoder-only model reads once: it goes on from there to write, and to score hashtags."""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from functools import partial
from itertools import islice, takewhile
from typing import Any, NamedTuple

import numpy as np
import torch
from transformers import DynamicCache

from right_hf.generator.decoder_format import DecoderFormat
from right_hf.generator.packing import beginnings, packed_logits
from right_hf.generator.rows import chosen_rows, padded, positions, rows_at_once, scored_pools

#: Answers scored in one pass; bounds the memory of their logits.
_SCORED_AT_ONCE = 64
#: Fewer tokens are not worth a pass of their own.
_SHARED = 16
#: With these `generate` needs a cache of its own.
_OWN_CACHE = ("use_cache", "cache_implementation", "assistant_model", "prompt_lookup_num_tokens")


class ReadPrompts:
    """Prompts that a decoder-only model has read, see [`right_hf.generator.network.ReadPosts`].

    Of each all but the last token is read, which is left for what goes on from there. What all begin with, an
    instruction or examples, is read once.

    Args:
        network: The causal LM.
        form: Its format.
        prompts: Token ids of B prompts.
        scoring: Whether hashtags shall be scored; only to write, nothing else is read beforehand.
    """

    def __init__(self, network: Any, form: DecoderFormat, prompts: Sequence[Sequence[int]], scoring: bool) -> None:
        self._network = network
        self._form = form
        self._known = inspect.signature(network.forward).parameters
        config = network.config.get_text_config(decoder=True)
        shared = self._worth_sharing(prompts, getattr(config, "sliding_window", None))
        ids, mask = self._batch([prompt[shared:] for prompt in prompts], left=True)
        begun = _repeated(prompts[0][:shared], ids)
        # (B, S); between what is shared and the rest a shorter prompt is filled up.
        self._ids = torch.cat([begun, ids], dim=1)
        self._mask = torch.cat([torch.ones_like(begun), mask], dim=1)
        self._shared = shared
        self._cache = self._begun() if scoring else None
        if self._cache is not None:
            self._read_on(self._cache, slice(None), shared, self._ids.shape[1] - 1)

    def _begun(self) -> DynamicCache:
        """What is read of all prompts at once."""
        cache = DynamicCache(config=self._network.config.get_text_config(decoder=True))
        if not self._shared:
            return cache
        self._read_on(cache, slice(1), 0, self._shared)
        rows: DynamicCache = chosen_rows(cache, torch.zeros_like(self._ids[:, 0]))
        return rows

    def _worth_sharing(self, prompts: Sequence[Sequence[int]], window: int | None) -> int:
        """How many tokens are read once for all prompts; none where a window of attention would count the padding."""
        if len(prompts) == 1 or "position_ids" not in self._known:
            return 0
        if window is not None and max(map(len, prompts)) + self._form.max_target_length > window:
            return 0
        same = min(len(_shared_start(prompts)), *(len(prompt) - 1 for prompt in prompts))
        return same if same >= _SHARED else 0

    def _read_on(self, cache: DynamicCache, rows: slice, start: int, end: int) -> None:
        """Reads the tokens from `start` to `end` of some rows into the cache."""
        last_only = {"logits_to_keep": 1} if "logits_to_keep" in self._known else {}
        if start < end:
            self._forward(self._ids[rows, start:end], self._mask[rows, :end], cache, **last_only)

    def _forward(self, ids: torch.Tensor, mask: torch.Tensor, cache: DynamicCache, **settings: Any) -> torch.Tensor:
        """(B, T, V) logits of the tokens `ids` (B, T), which stand last under `mask` (B, S + T); extends the cache."""
        logits: torch.Tensor = self._network(**self._inputs(ids, mask, cache), **settings).logits
        return logits

    def _inputs(self, ids: torch.Tensor, mask: torch.Tensor, cache: DynamicCache) -> dict[str, Any]:
        """What the network's `forward` takes to read on."""
        inputs = {"input_ids": ids, "attention_mask": mask, "cache": cache, "use_cache": True}
        if "position_ids" in self._known:
            inputs["position_ids"] = positions(mask)[:, -ids.shape[1] :]
        return inputs

    def _batch(self, sequences: Sequence[Sequence[int]], left: bool = False) -> tuple[torch.Tensor, torch.Tensor]:
        """Padded ids and their mask, both (B, longest), where the network is."""
        ids, mask = padded(sequences, self._form.padding, left)
        return ids.to(self._network.device), mask.to(self._network.device)

    def write(self, settings: dict[str, Any]) -> torch.Tensor:
        """What the model writes after the prompts, from what was read of them, unless it needs a cache of its own."""
        form = self._form
        settings = {"eos_token_id": sorted(form.ends), "pad_token_id": form.padding, **settings}
        cache = self._cache
        if any(settings.get(name) is not None for name in _OWN_CACHE):
            cache = None
        elif cache is None and self._shared:
            cache = self._begun()
        if cache is not None:
            copies = max(settings["num_beams"], settings.get("num_return_sequences") or 1)
            rows = torch.arange(len(self._ids), device=self._ids.device)
            settings["cache"] = chosen_rows(cache, rows.repeat_interleave(copies))
        outputs: torch.Tensor = self._network.generate(self._ids, attention_mask=self._mask, **settings)
        return outputs[:, self._ids.shape[1] :]

    def log_likelihoods(self, pools: Sequence[Sequence[str]]) -> list[dict[str, float]]:
        """See [`right_hf.generator.network.ReadPosts.log_likelihoods`]."""
        answer = self._form.answer
        begun = self._go_on([answer([tag]) for pool in pools for tag in pool])
        at_once = rows_at_once(begun.cache, len(pools), _SCORED_AT_ONCE)
        return scored_pools(pools, answer, partial(self._mean_log_probs, begun), at_once)

    def _go_on(self, answers: Sequence[Sequence[int]]) -> _Beginning:
        """Reads the last token of each prompt and what all answers begin with, as a rule the hash sign."""
        shared = _shared_start(answers)
        ids = self._ids
        cache = chosen_rows(self._cache, torch.arange(len(ids), device=ids.device))
        begun = _repeated(shared, ids)  # (B, L)
        mask = torch.cat([self._mask, torch.ones_like(begun)], dim=1)
        logits = self._forward(torch.cat([ids[:, -1:], begun], dim=1), mask, cache).float()  # (B, 1 + L, V)
        written = logits[:, :-1].gather(-1, begun.unsqueeze(-1)).squeeze(-1) - logits[:, :-1].logsumexp(-1)
        return _Beginning(len(shared), written.sum(1).tolist(), self._told(logits[:, -1]), mask, cache)

    def _told(self, logits: torch.Tensor) -> _Told:
        """What the network says at N places, from its logits (N, V) there."""
        totals = logits.logsumexp(-1)
        # A hashtag may end with the answer or before a further hashtag; all these ends count.
        ends = torch.tensor(sorted(self._form.ends | self._form.starts), device=logits.device)
        return _Told(logits, totals, (logits[:, ends].logsumexp(-1) - totals).tolist())

    def _mean_log_probs(self, begun: _Beginning, owners: list[int], answers: list[list[int]]) -> list[float]:
        """The log-likelihood of one answer, given as token ids without an end, after each of the C `owners`."""
        rest = [answer[begun.length :] for answer in answers]
        whole = [[*answer, *self._form.separator] for answer in rest]
        read, told = beginnings(owners, whole), begun.told
        if read.rows:
            tokens, known = self._batch(read.rows)
            rows = torch.tensor(read.owners, device=self._ids.device)
            mask = torch.cat([begun.mask[rows], known], dim=1)
            inputs = self._inputs(tokens, mask, chosen_rows(begun.cache, rows))
            told = self._told(packed_logits(self._network, read.places, **inputs).float())
        firsts = begun.told.log_probs(owners, [tokens[0] for tokens in whole])
        others = iter(
            told.log_probs(
                [place for places in read.judged for place in places],
                [token for tokens in whole for token in tokens[1:]],
            )
        )
        means: list[float] = []
        for owner, answer, first, places in zip(owners, rest, firsts, read.judged, strict=True):
            found = [first, *islice(others, len(places))]
            ended = told.ended[places[len(answer) - 1]] if answer else begun.told.ended[owner]
            end = float(np.logaddexp(ended, sum(found[len(answer) :])))
            means.append((begun.sums[owner] + sum(found[: len(answer)]) + end) / (begun.length + len(answer) + 1))
        return means


def _repeated(tokens: Sequence[int], ids: torch.Tensor) -> torch.Tensor:
    """(B, L) the same L tokens in each of the B rows of `ids`."""
    return torch.tensor(tokens, dtype=ids.dtype, device=ids.device).expand(len(ids), -1)


def _shared_start(sequences: Sequence[Sequence[int]]) -> list[int]:
    """What all sequences begin with."""
    return [column[0] for column in takewhile(lambda column: len(set(column)) == 1, zip(*sequences, strict=False))]


class _Told(NamedTuple):
    """What a network says at some places.

    Attributes:
        logits: (N, V) of the token after each.
        totals: (N,) the logarithm of the sum of their exponentials.
        ended: The log-probability that the hashtag ends there with the answer, or with another beginning of the next.
    """

    logits: torch.Tensor
    totals: torch.Tensor
    ended: list[float]

    def log_probs(self, places: Sequence[int], tokens: Sequence[int]) -> list[float]:
        """The log-probability of a token at each of some places."""
        found: list[float] = (self.logits[places, tokens] - self.totals[places]).tolist() if places else []
        return found


class _Beginning(NamedTuple):
    """What all answers begin with, read after each of B prompts.

    Attributes:
        length: Its tokens.
        sums: Its log-probability after each prompt.
        told: What is said of the token after it, B places.
        mask: (B, S + length) attention mask up to there.
        cache: Keys and values up to there.
    """

    length: int
    sums: list[float]
    told: _Told
    mask: torch.Tensor
    cache: DynamicCache
