"""SEGTRM as a generator."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from reproduction.segtrm.modeling_segtrm import SegtrmForHashtagGeneration
from reproduction.segtrm.segments import SegmentFormat
from right_hf.component import Trainer
from right_hf.generator.seq2seq import Seq2SeqGenerator
from right_hf.registry import register_component


@register_component
class SegtrmGenerator(Seq2SeqGenerator):
    """Writes hashtags for a post with a SEGTRM, and tells how likely it finds any hashtag.

    It reads no retrieved hashtags: `contexts` must be empty.

    Args:
        model: A [`SegtrmForHashtagGeneration`].
        tokenizer: Its tokenizer, with the tokens of [`add_segment_tokens`].
        max_source_length: Tokens of the input.
        max_target_length: Tokens of the output.
    """

    type = "segtrm"
    format_class = SegmentFormat
    model_class = SegtrmForHashtagGeneration

    def __init__(self, model: Any, tokenizer: Any, max_source_length: int = 241, max_target_length: int = 100) -> None:
        super().__init__(model, tokenizer, max_source_length, max_target_length)
        segments = SegmentFormat(tokenizer, max_source_length).segments
        if segments > model.config.max_segments:
            raise ValueError(
                f"max_source_length {max_source_length} makes up to {segments} segments, but the model "
                f"knows {model.config.max_segments}. Shorten it."
            )

    @classmethod
    def recognises(cls, folder: Path) -> bool:
        """Never: a plain model's folder is a T5's."""
        return False

    @classmethod
    def trainer(cls) -> Trainer:
        """Fine-tuning on posts alone."""
        from reproduction.segtrm.training import SegtrmTraining

        return SegtrmTraining()
