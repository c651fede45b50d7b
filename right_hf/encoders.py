"""Sentence encoders, as retriever and selector use them: loading, embedding, and telling one from another."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from tokenizers import Tokenizer

from right_hf.loading import LOADING
from right_hf.persistence import load_arrays, save_arrays
from right_hf.progress import bar
from right_hf.static_encoder import StaticEncoder

Matrix = npt.NDArray[np.float32]

#: Texts embedded between two savings of a long run.
_PART = 8192


def unit_rows(vectors: Matrix) -> Matrix:
    """Scales each row to length 1; a row of zeros stays one."""
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.asarray(vectors / np.where(lengths > 0, lengths, 1), dtype=np.float32)


def embed(model: Any, texts: Sequence[str], batch_size: int = 256, progress: bool = False) -> Matrix:
    """Embeds texts: (len(texts), d), rows of length 1 (or 0 where the model finds nothing to embed)."""
    if not texts:
        return np.zeros((0, 0), dtype=np.float32)
    vectors = model.encode(list(texts), batch_size=batch_size, convert_to_numpy=True, show_progress_bar=progress)
    return unit_rows(np.asarray(vectors, dtype=np.float32))


def weights_fingerprint(model: Any) -> str:
    """A hash of weights and tokenizer, the same in every precision that holds the weights."""
    return fingerprint_of(_tokenizer_text(model.tokenizer), _named_weights(model))


def fingerprint_of(tokenizer: str, arrays: Iterable[tuple[str, npt.NDArray[Any]]]) -> str:
    """A hash of a tokenizer as JSON and of named arrays, in the order given."""
    digest = hashlib.sha256(tokenizer.encode())
    for name, array in arrays:
        digest.update(name.encode())
        digest.update(np.ascontiguousarray(array).data)
    return digest.hexdigest()


def _tokenizer_text(tokenizer: Any) -> str:
    """A tokenizer as JSON, without how it pads and cuts, which each use of it sets anew."""
    found = getattr(tokenizer, "backend_tokenizer", tokenizer)
    if found.padding is not None or found.truncation is not None:
        found = Tokenizer.from_str(found.to_str())
        found.no_padding()
        found.no_truncation()
    return str(found.to_str())


def _named_weights(model: Any) -> list[tuple[str, Matrix]]:
    """The weights in full precision by their names in sentence-transformers, in the order of these."""
    if isinstance(model, StaticEncoder):
        return [("0.embedding.weight", model.weights.astype(np.float32))]
    return [(name, weights.detach().cpu().float().numpy()) for name, weights in sorted(model.state_dict().items())]


def encoder_fingerprint(model: Any) -> str:
    """A hash of everything that decides an embedding: weights, tokenizer, modules with settings, length read."""
    parts: list[Any] = [model[at] for at in range(len(model))]
    modules = [[type(part).__name__, part.get_config_dict()] for part in parts]
    settings = [modules, getattr(model, "max_seq_length", None), model.prompts, model.default_prompt_name]
    digest = hashlib.sha256(json.dumps(settings, sort_keys=True, default=str).encode())
    digest.update(weights_fingerprint(model).encode())
    return digest.hexdigest()


def load_encoder(folder: Path, whole: bool = False) -> Any:
    """Loads a sentence-transformers model from a folder, without the network and without code of its own.

    Args:
        folder: Of the model.
        whole: Whether it must be a model of sentence-transformers, not its [`StaticEncoder`].

    Raises:
        ValueError: A file is missing or damaged.
    """
    try:
        with LOADING:
            if not whole and (static := StaticEncoder.from_folder(folder)) is not None:
                return static
            from sentence_transformers import SentenceTransformer

            model = SentenceTransformer(str(folder), device="cpu", local_files_only=True, trust_remote_code=False)
    except Exception as error:  # a damaged file raises whatever its reader raises
        raise ValueError(
            f"{folder} holds no loadable sentence-transformers model ({type(error).__name__}: {error}). "
            "Save or download it again."
        ) from error
    from right_hf.precision import note_stored

    note_stored(model, folder)
    # Static embeddings are looked up as fast in half precision; anything that multiplies is not, on a CPU.
    return model if is_static(model) else model.float()


def is_static(model: Any) -> bool:
    """Whether a model of sentence-transformers consists of static embeddings."""
    return hasattr(model[0], "embedding_dim")


def save_encoder(model: Any, folder: Path) -> None:
    """Writes a plain sentence-transformers model, in the precision that it had on disk."""
    from right_hf.precision import as_stored

    saved = model.as_sentence_transformer() if isinstance(model, StaticEncoder) else as_stored(model)
    saved.save_pretrained(str(folder), create_model_card=False, safe_serialization=True)


def embed_in_parts(model: Any, texts: Sequence[str], keep: Path, batch_size: int = 64) -> Matrix:
    """Embeds many texts, (len(texts), d), and goes on where a stopped run with the same encoder and texts was.

    Args:
        model: The encoder.
        texts: At least one text.
        keep: Folder in which the finished parts are kept.
        batch_size: Texts encoded at a time.
    """
    keep.mkdir(parents=True, exist_ok=True)
    digest = hashlib.sha256(encoder_fingerprint(model).encode())
    digest.update(json.dumps(list(texts)).encode())
    parts: list[Matrix] = []
    for start in bar(range(0, len(texts), _PART), "embedding"):
        file = keep / f"{digest.hexdigest()[:32]}-{start}.safetensors"
        if not file.is_file():
            unfinished = file.with_suffix(".part")
            save_arrays(unfinished, {"vectors": embed(model, texts[start : start + _PART], batch_size)})
            unfinished.replace(file)
        parts.append(load_arrays(file, ("vectors",))[0]["vectors"])
    return np.concatenate(parts)
