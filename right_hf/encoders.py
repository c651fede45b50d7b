"""Sentence encoders, as retriever and selector use them: loading, embedding, and telling one from another."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from sentence_transformers import SentenceTransformer
from sentence_transformers.sentence_transformer.modules import StaticEmbedding
from tqdm.auto import tqdm

from right_hf.persistence import load_arrays, save_arrays
from right_hf.precision import as_stored, note_stored

Matrix = npt.NDArray[np.float32]

#: Texts embedded between two savings of a long run.
_PART = 8192


def unit_rows(vectors: Matrix) -> Matrix:
    """Scales each row to length 1; a row of zeros stays one."""
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.asarray(vectors / np.where(lengths > 0, lengths, 1), dtype=np.float32)


def embed(model: SentenceTransformer, texts: Sequence[str], batch_size: int = 256, progress: bool = False) -> Matrix:
    """Embeds texts: (len(texts), d), rows of length 1 (or 0 where the model finds nothing to embed)."""
    if not texts:
        return np.zeros((0, 0), dtype=np.float32)
    vectors = model.encode(list(texts), batch_size=batch_size, convert_to_numpy=True, show_progress_bar=progress)
    return unit_rows(np.asarray(vectors, dtype=np.float32))


def weights_fingerprint(model: SentenceTransformer) -> str:
    """A hash of weights and tokenizer, the same in every precision that holds the weights."""
    tokenizer = model.tokenizer
    digest = hashlib.sha256(getattr(tokenizer, "backend_tokenizer", tokenizer).to_str().encode())
    for name, tensor in sorted(model.state_dict().items()):
        digest.update(name.encode())
        digest.update(np.ascontiguousarray(tensor.detach().cpu().float().numpy()).tobytes())
    return digest.hexdigest()


def encoder_fingerprint(model: SentenceTransformer) -> str:
    """A hash of everything that decides an embedding: weights, tokenizer, modules with settings, length read."""
    parts: list[Any] = [model[at] for at in range(len(model))]
    modules = [[type(part).__name__, part.get_config_dict()] for part in parts]
    settings = [modules, getattr(model, "max_seq_length", None), model.prompts, model.default_prompt_name]
    digest = hashlib.sha256(json.dumps(settings, sort_keys=True, default=str).encode())
    digest.update(weights_fingerprint(model).encode())
    return digest.hexdigest()


def load_encoder(folder: Path) -> SentenceTransformer:
    """Loads a sentence-transformers model from a folder, without the network and without code of its own.

    Raises:
        ValueError: A file is missing or damaged.
    """
    try:
        model = SentenceTransformer(str(folder), device="cpu", local_files_only=True, trust_remote_code=False)
    except Exception as error:  # a damaged file raises whatever its reader raises
        raise ValueError(
            f"{folder} holds no loadable sentence-transformers model ({type(error).__name__}: {error}). "
            "Save or download it again."
        ) from error
    note_stored(model, folder)
    # Static embeddings are looked up as fast in half precision; anything that multiplies is not, on a CPU.
    return model if isinstance(model[0], StaticEmbedding) else model.float()


def save_encoder(model: SentenceTransformer, folder: Path) -> None:
    """Writes a plain sentence-transformers model, in the precision that it had on disk."""
    as_stored(model).save_pretrained(str(folder), create_model_card=False, safe_serialization=True)


def embed_in_parts(model: SentenceTransformer, texts: Sequence[str], keep: Path, batch_size: int = 64) -> Matrix:
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
    for start in tqdm(range(0, len(texts), _PART), desc="embedding", unit="part"):
        file = keep / f"{digest.hexdigest()[:32]}-{start}.safetensors"
        if not file.is_file():
            unfinished = file.with_suffix(".part")
            save_arrays(unfinished, {"vectors": embed(model, texts[start : start + _PART], batch_size)})
            unfinished.replace(file)
        parts.append(load_arrays(file, ("vectors",))[0]["vectors"])
    return np.concatenate(parts)
