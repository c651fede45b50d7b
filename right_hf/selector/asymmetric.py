"""A selector that reads posts with attention, and looks hashtags up."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from right_hf.component import Trainer
from right_hf.encoders import Matrix, fingerprint_of
from right_hf.selector.asymmetric_encoder import AsymmetricEncoder
from right_hf.selector.biencoder import BiEncoderSelector


class AsymmetricSelector(BiEncoderSelector):
    """Ranks by the paper's formula, with the cosines of an [`AsymmetricEncoder`], which takes neither torch nor a GPU.

    Args:
        model: The encoder.
        hit_scale: See [`BiEncoderSelector`].
    """

    type = "asymmetric"
    model: AsymmetricEncoder

    @property
    def networks(self) -> Sequence[Any]:
        """None: it computes on the CPU."""
        return []

    def embed(self, texts: Sequence[str]) -> Matrix:
        """See [`Selector.embed`]; rows of length 1, or 0 where a post has no tokens."""
        return self.model.encode_query(texts)

    def embed_hashtags(self, hashtags: Sequence[str]) -> Matrix:
        """See [`Selector.embed_hashtags`]; rows of length 1, or 0 where a hashtag has no tokens."""
        return self.model.encode_document(hashtags)

    def fingerprint(self) -> str:
        """See [`BiEncoderSelector.fingerprint`]."""
        return fingerprint_of(self.model.tokenizer.to_str(), sorted(self.model.arrays.items()))

    def write(self, folder: Path) -> None:
        """Writes the encoder."""
        self.model.save(folder)

    @classmethod
    def recognises(cls, folder: Path) -> bool:
        """Nothing without its configuration."""
        return False

    @classmethod
    def load_encoder(cls, folder: Path) -> AsymmetricEncoder:
        """See [`BiEncoderSelector.load_encoder`]."""
        return AsymmetricEncoder.load(folder)

    @classmethod
    def trainer(cls) -> Trainer:
        """Distils it from a pretrained encoder."""
        from right_hf.trainers.distillation import Distillation

        return Distillation()
