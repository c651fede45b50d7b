"""The encoder-decoder generator: T5 or mT5, through `generate` (paper, section 2.3)."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar, TypeVar

import torch
from torch.nn import functional
from transformers import AutoModelForSeq2SeqLM, AutoTokenizer
from transformers.utils.generic import ModelOutput

from right_hf.generator.base import Generation
from right_hf.generator.caches import chosen_rows, rows_at_once
from right_hf.generator.prompt import HashtagFormat, SeparatorFormat
from right_hf.hub.component import HubComponent
from right_hf.persistence import read_object, write_json
from right_hf.precision import as_stored, note_stored

CONFIG_FILE = "generator_config.json"
#: Hashtags scored in one pass; bounds the memory of their (C, T, V) logits.
_SCORED_AT_ONCE = 128
_Generator = TypeVar("_Generator", bound="Seq2SeqGenerator")


class Seq2SeqGenerator(HubComponent):
    """Writes hashtags for a post and its selected hashtags, and tells how likely it finds any hashtag.

    Args:
        model: A T5-like encoder-decoder model.
        tokenizer: Its tokenizer, with `<extra_id_0>` and `<extra_id_1>`.
        max_source_length: Tokens of the input.
        max_target_length: Tokens of the output.
    """

    component = "generator"
    generator_type: ClassVar[str] = "seq2seq"
    format_class: ClassVar[type[HashtagFormat]] = SeparatorFormat
    model_class: ClassVar[Any] = AutoModelForSeq2SeqLM

    def __init__(self, model: Any, tokenizer: Any, max_source_length: int = 180, max_target_length: int = 100) -> None:
        self.model = model.eval()
        # Else transformers' default of 20 tokens disputes every max_new_tokens.
        self.model.generation_config.max_length = None
        self.tokenizer = tokenizer
        self.format = self.format_class(tokenizer, max_source_length, max_target_length)

    @torch.inference_mode()
    def generate(
        self,
        posts: Sequence[str],
        contexts: Sequence[Sequence[str]],
        candidates: Sequence[Sequence[str]] | None = None,
        **generation: Any,
    ) -> list[Generation]:
        """Writes hashtags for each post and, if there are candidates, scores both.

        The encoder runs once. A hashtag's log-likelihood is that of being the first of the answer, its end included.

        Args:
            posts: Cleaned posts.
            contexts: The selected hashtags that go into each input.
            candidates: Further hashtags of each post to score; None for no scores at all.
            generation: Arguments of `model.generate`; of several returned sequences the hashtags are joined in order.
        """
        if not posts:
            return []
        ids, mask = self._pad([self.format.source(*pair) for pair in zip(posts, contexts, strict=True)])
        encoded = self.model.get_encoder()(input_ids=ids, attention_mask=mask, return_dict=True)
        settings = {"do_sample": False, "num_beams": 1, "return_dict_in_generate": False} | generation
        if "max_length" not in generation:
            settings = {"max_new_tokens": self.format.max_target_length} | settings
        # generate() may replace fields of the encoder output, so it gets one of its own.
        outputs = self.model.generate(encoder_outputs=type(encoded)(**encoded), attention_mask=mask, **settings)
        per_post = len(outputs) // len(posts)
        written: list[list[str]] = []
        for i in range(len(posts)):
            sequences = outputs[i * per_post : (i + 1) * per_post].tolist()
            found = dict.fromkeys(tag for sequence in sequences for tag in self.format.hashtags(sequence[1:]))
            written.append(list(found))
        if candidates is None:
            return [Generation(tags, {}) for tags in written]
        pools = [list(dict.fromkeys([*tags, *more])) for tags, more in zip(written, candidates, strict=True)]
        scores = self._log_likelihoods(encoded, mask, pools)
        return [
            Generation(tags, found, {tag: len(self.format.target([tag])) for tag in found})
            for tags, found in zip(written, scores, strict=True)
        ]

    def _log_likelihoods(
        self, encoded: ModelOutput, mask: torch.Tensor, pools: Sequence[Sequence[str]]
    ) -> list[dict[str, float]]:
        """Mean log-probability per token, the end included, of each hashtag as the first of the answer.

        Args:
            encoded: The encoder's output; its tensors begin with the dimension of the posts, (B, …).
            mask: (B, S) attention mask.
            pools: Hashtags of each post, none of them twice.
        """
        pairs = [(owner, tag, self.format.target([tag])) for owner, pool in enumerate(pools) for tag in pool]
        found: dict[tuple[int, str], float] = {}
        if pairs:
            # The start of the answer is read once a post, and with it what attention makes of the encoder's output.
            ids, _ = self._pad([[self.tokenizer.pad_token_id]] * len(pools))
            begun = self._read_on(encoded, mask, self.model.prepare_decoder_input_ids_from_labels(ids))
            pairs.sort(key=lambda pair: len(pair[-1]))  # so that little is filled up
            at_once = rows_at_once(begun.cache, len(pools), _SCORED_AT_ONCE)
            for start in range(0, len(pairs), at_once):
                chunk = pairs[start : start + at_once]
                rows = torch.tensor([owner for owner, _, _ in chunk], device=mask.device)
                means = self._mean_log_probs(encoded, mask, begun, rows, [answer for _, _, answer in chunk])
                found |= {(owner, tag): mean for (owner, tag, _), mean in zip(chunk, means, strict=True)}
        return [{tag: found[owner, tag] for tag in pool} for owner, pool in enumerate(pools)]

    def _mean_log_probs(
        self,
        encoded: ModelOutput,
        mask: torch.Tensor,
        begun: Any,
        rows: torch.Tensor,
        answers: Sequence[Sequence[int]],
    ) -> list[float]:
        """The log-likelihood of one answer, given as token ids with their end, for each of the C `rows`."""
        labels, label_mask = self._pad(answers)  # (C, T)
        tokens = self._log_probs(begun.logits[rows], labels[:, :1])
        if labels.shape[1] > 1:
            chosen = type(encoded)(**{name: tensor[rows] for name, tensor in encoded.items()})
            read = self._read_on(chosen, mask[rows], labels[:, :-1], chosen_rows(begun.cache, rows))
            tokens = torch.cat([tokens, self._log_probs(read.logits, labels[:, 1:])], dim=1)  # (C, T)
        means: list[float] = ((tokens * label_mask).sum(1) / label_mask.sum(1)).tolist()
        return means

    def _log_probs(self, logits: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        """Log-probabilities (C, T) of tokens under the logits (C, T, V) at their places."""
        logits, end = logits.float(), self.tokenizer.eos_token_id
        found = -functional.cross_entropy(logits.flatten(0, 1), labels.flatten(), reduction="none").view(labels.shape)
        # The hashtag may end with the answer or before a further hashtag; both ends count.
        another = functional.softplus(logits[..., self.format.sep2] - logits[..., end])
        return torch.where(labels == end, found + another, found)

    def _read_on(self, encoded: ModelOutput, mask: torch.Tensor, ids: torch.Tensor, cache: Any = None) -> Any:
        """The decoder's output for `ids` (B, T), which follow what is in the cache; the cache with them, too."""
        # The model may replace fields of the encoder's output, so it gets one of its own.
        own = type(encoded)(**encoded)
        return self.model(encoder_outputs=own, attention_mask=mask, decoder_input_ids=ids, cache=cache, use_cache=True)

    def _pad(self, sequences: Sequence[Sequence[int]]) -> tuple[torch.Tensor, torch.Tensor]:
        """Right-padded ids and their mask, both (B, longest)."""
        longest = max(len(sequence) for sequence in sequences)
        ids = torch.full((len(sequences), longest), self.tokenizer.pad_token_id)
        mask = torch.zeros_like(ids)
        for row, sequence in enumerate(sequences):
            ids[row, : len(sequence)] = torch.tensor(sequence)
            mask[row, : len(sequence)] = 1
        return ids.to(self.model.device), mask.to(self.model.device)

    def save_pretrained(self, folder: str | Path) -> None:
        """Writes a plain transformers model with its tokenizer and the generator's settings into `folder`."""
        folder = Path(folder)
        folder.mkdir(parents=True, exist_ok=True)
        as_stored(self.model).save_pretrained(folder)
        self.tokenizer.save_pretrained(folder)
        lengths = {
            "max_source_length": self.format.max_source_length,
            "max_target_length": self.format.max_target_length,
        }
        write_json(folder / CONFIG_FILE, {"generator_type": self.generator_type, **lengths})

    @classmethod
    def from_folder(
        cls: type[_Generator], folder: str | Path, dtype: torch.dtype = torch.float32, device: Any = "cpu"
    ) -> _Generator:
        """Loads what [`save_pretrained`] wrote, or any folder of a model of the kind (T5 or mT5).

        Raises:
            ValueError: A file is missing or damaged.
        """
        folder = Path(folder)
        settings = read_object(folder / CONFIG_FILE) if (folder / CONFIG_FILE).is_file() else {}
        try:
            settings.pop("generator_type", None)
            model, report = cls.model_class.from_pretrained(
                folder,
                dtype=dtype,
                use_safetensors=True,
                local_files_only=True,
                trust_remote_code=False,
                output_loading_info=True,
            )
            if report["missing_keys"]:
                raise ValueError(f"the weights lack {', '.join(sorted(report['missing_keys'])[:3])}")
            tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
            generator = cls(model, tokenizer, **settings)
            note_stored(model, folder)
        except Exception as error:  # a damaged file raises whatever its reader raises
            raise ValueError(
                f"{folder} holds no loadable encoder-decoder model ({type(error).__name__}: {error}). "
                "Save or download it again."
            ) from error
        generator.model.to(device)
        return generator
