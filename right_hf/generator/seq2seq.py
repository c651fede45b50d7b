"""The encoder-decoder generator: T5 or mT5, through `generate` (paper, section 2.3)."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from functools import cached_property, partial
from pathlib import Path
from typing import Any, ClassVar

import torch
from transformers import AutoModelForSeq2SeqLM
from transformers.utils.generic import ModelOutput
from typing_extensions import Self

from right_hf.component import Trainer
from right_hf.generator.engine import check_engine
from right_hf.generator.network import NetworkGenerator
from right_hf.generator.packing import beginnings, packed_logits
from right_hf.generator.prompt import HashtagFormat
from right_hf.generator.rows import chosen_rows, padded, rows_at_once, scored_pools, taken
from right_hf.loading import damage_named, is_decoder, load_model, load_tokenizer
from right_hf.precision import save_network

logger = logging.getLogger(__name__)

#: Hashtags scored in one pass; bounds the memory of their (C, T, V) logits.
_SCORED_AT_ONCE = 128


class Seq2SeqGenerator(NetworkGenerator):
    """Writes hashtags for a post and its selected hashtags, and tells how likely it finds any hashtag.

    Args:
        model: A T5-like encoder-decoder model.
        tokenizer: Its tokenizer, with `<extra_id_0>` and `<extra_id_1>`.
        max_source_length: Tokens of the input.
        max_target_length: Tokens of the output.
    """

    type = "seq2seq"
    format_class: ClassVar[Any] = HashtagFormat
    model_class: ClassVar[Any] = AutoModelForSeq2SeqLM

    def __init__(self, model: Any, tokenizer: Any, max_source_length: int = 180, max_target_length: int = 100) -> None:
        self.model = model.eval()
        # Else transformers' default of 20 tokens disputes every max_new_tokens.
        self.model.generation_config.max_length = None
        self.tokenizer = tokenizer
        self.format: HashtagFormat = self.format_class(tokenizer, max_source_length, max_target_length)

    @classmethod
    def trainer(cls) -> Trainer:
        """Fine-tuning on posts with their selected hashtags."""
        from right_hf.trainers.seq2seq import Seq2SeqTraining

        return Seq2SeqTraining()

    def _prompt(self, post: str, hashtags: Sequence[str]) -> list[int]:
        return self.format.source(post, hashtags)

    def _read(self, prompts: Sequence[Sequence[int]], scoring: bool) -> _ReadSources:
        ids, mask = padded(prompts, self.tokenizer.pad_token_id)
        return _ReadSources(self.model, self.format, ids.to(self.model.device), mask.to(self.model.device))

    def write(self, folder: Path) -> None:
        """Writes a plain transformers model with its tokenizer."""
        save_network(self.model, folder)
        self.tokenizer.save_pretrained(folder)

    @classmethod
    def recognises(cls, folder: Path) -> bool:
        """Whether a folder holds a plain model that is no decoder."""
        return (folder / "config.json").is_file() and not is_decoder(folder)

    @classmethod
    def from_folder(
        cls,
        folder: str | Path,
        dtype: torch.dtype | str = "auto",
        device: Any = "cpu",
        engine: str | None = None,
        compute_type: str | None = None,
    ) -> Self:
        """Loads what [`save_pretrained`] wrote, or any folder of a model of the kind (T5 or mT5).

        Args:
            folder: Of the model.
            dtype: Of the weights; "auto" for the checkpoint's own.
            device: Where they go.
            engine: What writes, see [`NetworkGenerator.use_engine`].
            compute_type: Of the engine.

        Raises:
            ImportError: The engine is not installed.
            ValueError: A file is missing or damaged, or the engine cannot run the model.
        """
        check_engine(engine)
        folder = Path(folder)
        settings = cls.saved_settings(folder)
        with damage_named(folder, "encoder-decoder model"):
            generator = cls(load_model(cls.model_class, folder, dtype), load_tokenizer(folder), **settings)
        generator.model.to(device)
        generator.use_engine(engine, compute_type)
        if dtype == "auto" and generator.model.dtype is torch.float16 and generator.model.device.type == "cpu":
            logger.warning(
                "%s says that it is computed in float16, for which a CPU takes three times as long. Load it with "
                'dtype="float32"; saved again, it stays as small and is loaded so from then on.',
                folder,
            )
        return generator


class _ReadSources:
    """Inputs, encoded once, see [`right_hf.generator.network.ReadPosts`].

    Args:
        model: An encoder-decoder model.
        form: Its format.
        ids: (B, S) token ids of the inputs.
        mask: (B, S) their attention mask.
    """

    def __init__(self, model: Any, form: HashtagFormat, ids: torch.Tensor, mask: torch.Tensor) -> None:
        self._model = model
        self._form = form
        self._ids = ids
        self._mask = mask

    @cached_property
    def _encoded(self) -> ModelOutput:
        """The encoder's output, which is not needed where an engine writes and nothing is scored."""
        encoder = self._model.get_encoder()
        output: ModelOutput = encoder(input_ids=self._ids, attention_mask=self._mask, return_dict=True)
        return output

    def write(self, settings: dict[str, Any]) -> torch.Tensor:
        """What the decoder writes, without the token that it starts from."""
        # generate() may replace fields of the encoder output, so it gets one of its own.
        own = type(self._encoded)(**self._encoded)
        outputs: torch.Tensor = self._model.generate(encoder_outputs=own, attention_mask=self._mask, **settings)
        return outputs[:, 1:]

    def log_likelihoods(self, pools: Sequence[Sequence[str]]) -> list[dict[str, float]]:
        """See [`right_hf.generator.network.ReadPosts.log_likelihoods`]."""
        # The start of the answer is read once a post, and with it what attention makes of the encoder's output.
        ids = torch.full((len(pools), 1), self._form.tokenizer.pad_token_id, device=self._mask.device)
        rows = torch.arange(len(pools), device=self._mask.device)
        begun = self._model(**self._known(rows, self._model.prepare_decoder_input_ids_from_labels(ids)))
        at_once = rows_at_once(begun.cache, len(pools), _SCORED_AT_ONCE)
        return scored_pools(pools, self._form.target, partial(self._mean_log_probs, begun), at_once)

    def _mean_log_probs(self, begun: Any, owners: list[int], answers: list[list[int]]) -> list[float]:
        """The log-likelihood of one answer, given as token ids with their end, for each of the C `owners`."""
        device = self._mask.device
        firsts = torch.tensor([answer[0] for answer in answers], device=device)
        sums = self._log_probs(begun.logits[:, 0], torch.tensor(owners, device=device), firsts)  # (C,)
        read = beginnings(owners, answers)
        if read.rows:
            rows = torch.tensor(read.owners, device=device)
            ids, _ = padded(read.rows, self._form.tokenizer.pad_token_id)
            known = self._known(rows, ids.to(device), chosen_rows(begun.cache, rows))
            logits = packed_logits(self._model, read.places, **known)  # (N, V)
            later = [zip(places, answer[1:], strict=True) for places, answer in zip(read.judged, answers, strict=True)]
            judged = [(at, *pair) for at, pairs in enumerate(later) for pair in pairs]
            at, places, tokens = torch.tensor(judged, device=device).unbind(1)
            sums = sums.index_add(0, at, self._log_probs(logits, places, tokens))
        means: list[float] = (sums / torch.tensor([len(answer) for answer in answers], device=device)).tolist()
        return means

    def _log_probs(self, logits: torch.Tensor, places: torch.Tensor, tokens: torch.Tensor) -> torch.Tensor:
        """Log-probabilities (M,) of tokens under those of the logits (N, V) that are at their places."""
        known, end = logits.float().log_softmax(-1), self._form.tokenizer.eos_token_id
        found = known[places, tokens]
        # The hashtag may end with the answer or before a further hashtag; both ends count.
        return torch.where(tokens == end, torch.logaddexp(found, known[places, self._form.sep2]), found)

    def _known(self, rows: torch.Tensor, ids: torch.Tensor, cache: Any = None) -> dict[str, Any]:
        """What the model is given to read `ids` (C, T) after those rows and what is in the cache."""
        encoded = type(self._encoded)(**{name: taken(tensor, rows) for name, tensor in self._encoded.items()})
        known = {"encoder_outputs": encoded, "attention_mask": self._mask[rows], "cache": cache}
        return known | {"decoder_input_ids": ids, "use_cache": True}
