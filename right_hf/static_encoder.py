"""Static embeddings as sentence encoder: the mean of one vector a token, which takes numpy and a tokenizer."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from safetensors import safe_open
from tokenizers import Tokenizer
from typing_extensions import Self

from right_hf.persistence import read_json
from right_hf.progress import bar

Weights = npt.NDArray[np.floating[Any]]

#: Name of the weights, and the dtypes of safetensors in which numpy has them, too.
_WEIGHTS, _DTYPES = "embedding.weight", ("F16", "F32", "F64")


def mean_rows(weights: Weights, rows: Sequence[Sequence[int]]) -> Weights:
    """The mean of some rows of (n, d) weights for each entry, (len(rows), d); of no rows it is 0.

    In the precision of the weights, in which torch sums, too: so of half precision the bits are the same.
    """
    counts = np.array([len(found) for found in rows])
    means = np.zeros((len(rows), weights.shape[1]), dtype=weights.dtype)
    if filled := np.flatnonzero(counts).tolist():
        chosen = weights[np.concatenate([rows[at] for at in filled])]
        starts = np.cumsum(counts) - counts
        means[filled] = np.add.reduceat(chosen, starts[filled], axis=0) / counts[filled, None].astype(weights.dtype)
    return means


class StaticEncoder:
    """A sentence-transformers model that consists of static embeddings alone.

    It gives the vectors of that model, in full precision but for the order in which they are summed. It is here because
    importing torch, transformers and sentence-transformers takes several times as long as all else together that a lone
    post waits for. It computes on the CPU, wherever the networks of other parts are: looking rows up is no work for an
    accelerator.

    Args:
        tokenizer: Cuts texts into tokens.
        weights: (tokens, d) a vector for each token.
    """

    def __init__(self, tokenizer: Tokenizer, weights: Weights) -> None:
        self.tokenizer = tokenizer
        self.tokenizer.no_padding()
        self.weights = weights

    @classmethod
    def from_folder(cls, folder: Path) -> StaticEncoder | None:
        """The model in a folder; None for one that is more than static embeddings, or whose dtype numpy lacks."""
        modules = read_json(folder / "modules.json")
        if len(modules) != 1 or not str(modules[0].get("type", "")).endswith(".StaticEmbedding"):
            return None
        settings = read_json(folder / "config_sentence_transformers.json")
        place = folder / modules[0].get("path", "")
        if any((settings.get("prompts") or {}).values()) or not (place / "model.safetensors").is_file():
            return None
        with safe_open(place / "model.safetensors", framework="numpy") as file:
            if list(file.keys()) != [_WEIGHTS] or file.get_slice(_WEIGHTS).get_dtype() not in _DTYPES:
                return None
            return cls(Tokenizer.from_file(str(place / "tokenizer.json")), file.get_tensor(_WEIGHTS))

    def eval(self) -> Self:
        """Itself, as a network that is never trained."""
        return self

    def encode(self, sentences: Sequence[str], batch_size: int, show_progress_bar: bool = False, **_: Any) -> Weights:
        """Embeds texts: (len(sentences), d)."""
        parts = []
        starts = range(0, len(sentences), batch_size)
        for start in bar(starts, "embedding") if show_progress_bar else starts:
            found = self.tokenizer.encode_batch_fast(
                list(sentences[start : start + batch_size]), add_special_tokens=False
            )
            parts.append(mean_rows(self.weights, [encoding.ids for encoding in found]))
        return np.concatenate(parts)

    def as_sentence_transformer(self) -> Any:
        """The same as a model of sentence-transformers."""
        import torch
        from sentence_transformers import SentenceTransformer
        from sentence_transformers.sentence_transformer.modules import StaticEmbedding

        module = StaticEmbedding(self.tokenizer, embedding_weights=torch.from_numpy(self.weights.copy()))
        return SentenceTransformer(modules=[module], device="cpu")
