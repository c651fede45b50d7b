"""The selector: a bi-encoder that compares a post with hashtags, whose embeddings are computed once and kept."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from sentence_transformers import SentenceTransformer

from right_hf.persistence import load_arrays, read_json, refuse_pickle, save_arrays, write_json
from right_hf.retriever.base import Hit
from right_hf.selector.ranking import HIT_SCALES, Candidate, rank_candidates

CONFIG_FILE = "selector_config.json"
_EMBEDDINGS_FILE = "hashtag_embeddings.safetensors"

Matrix = npt.NDArray[np.float32]


class BiEncoderSelector:
    """Ranks the hashtags of retrieved posts by the paper's formula (section 2.2).

    Args:
        model: Any sentence-transformers model, transformer or static.
        hit_scale: How hit scores are scaled before they are added to a cosine: "raw" or "relative".
    """

    def __init__(self, model: SentenceTransformer, hit_scale: str = "relative") -> None:
        if hit_scale not in HIT_SCALES:
            raise ValueError(f"Unknown hit scale {hit_scale!r}. Known: {', '.join(HIT_SCALES)}.")
        self.model = model.eval()
        self.hit_scale = hit_scale
        self._rows: dict[str, int] = {}
        self._matrix: Matrix = np.zeros((0, 0), dtype=np.float32)

    def embed(self, texts: Sequence[str]) -> Matrix:
        """Embeds texts: (len(texts), d), rows of length 1 (or 0 where the model finds nothing to embed)."""
        if not texts:
            return np.zeros((0, 0), dtype=np.float32)
        vectors = self.model.encode(list(texts), batch_size=256, convert_to_numpy=True, show_progress_bar=False)
        vectors = np.asarray(vectors, dtype=np.float32)
        lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
        return np.asarray(vectors / np.where(lengths > 0, lengths, 1), dtype=np.float32)

    def prepare(self, hashtags: Sequence[str]) -> None:
        """Embeds the hashtags of a corpus ahead, each once. Kept in half precision: cosines are good to 0.001."""
        new = [hashtag for hashtag in dict.fromkeys(hashtags) if hashtag not in self._rows]
        if not new:
            return
        matrix = self.embed(new).astype(np.float16).astype(np.float32)
        self._matrix = np.vstack([self._matrix, matrix]) if self._rows else matrix
        first = len(self._rows)
        self._rows.update((hashtag, first + offset) for offset, hashtag in enumerate(new))

    def similarity(self, posts: Sequence[str], hashtags: Sequence[Sequence[str]]) -> list[list[float]]:
        """S(t, h) of equation 1: the cosine between each post and each of its hashtags, in [-1, 1]."""
        self.prepare([hashtag for row in hashtags for hashtag in row])
        vectors = self.embed(posts)
        return [
            (self._matrix[[self._rows[hashtag] for hashtag in row]] @ vector).clip(-1, 1).tolist() if row else []
            for vector, row in zip(vectors, hashtags, strict=True)
        ]

    def rank(self, posts: Sequence[str], hits: Sequence[Sequence[Hit]]) -> list[list[Candidate]]:
        """Ranks the hashtags of each post's hits; all of them, best first."""
        hashtags = [list(dict.fromkeys(tag for hit in found for tag in hit.post.hashtags)) for found in hits]
        similarities = self.similarity(posts, hashtags)
        scale = HIT_SCALES[self.hit_scale]
        return [
            rank_candidates(scale(found), dict(zip(tags, cosines, strict=True)))
            for found, tags, cosines in zip(hits, hashtags, similarities, strict=True)
        ]

    def fingerprint(self) -> str:
        """A hash of weights and tokenizer, by which kept hashtag embeddings are known to be this selector's."""
        tokenizer = self.model.tokenizer
        digest = hashlib.sha256(getattr(tokenizer, "backend_tokenizer", tokenizer).to_str().encode())
        for name, tensor in sorted(self.model.state_dict().items()):
            digest.update(name.encode())
            digest.update(np.ascontiguousarray(tensor.detach().cpu().float().numpy()).tobytes())
        return digest.hexdigest()

    def save_embeddings(self, folder: Path) -> None:
        """Writes the hashtag embeddings computed so far beside an index."""
        names = np.frombuffer("\n".join(self._rows).encode(), dtype=np.uint8)
        arrays: dict[str, npt.NDArray[Any]] = {"embeddings": self._matrix.astype(np.float16), "hashtags": names}
        save_arrays(folder / _EMBEDDINGS_FILE, arrays, metadata={"selector": self.fingerprint()})

    def load_embeddings(self, folder: Path) -> bool:
        """Takes up the embeddings kept beside an index, if there are any and this selector computed them.

        Raises:
            ValueError: The file is damaged.
        """
        path = folder / _EMBEDDINGS_FILE
        if not path.is_file():
            return False
        arrays, metadata = load_arrays(path, ("embeddings", "hashtags"))
        if metadata.get("selector") != self.fingerprint():
            return False
        joined = arrays["hashtags"].tobytes().decode(errors="replace")
        names = joined.split("\n") if joined else []
        if len(names) != len(arrays["embeddings"]):
            raise ValueError(
                f"{path} holds {len(names)} hashtags but {len(arrays['embeddings'])} embeddings. Remove it; they are "
                "computed again."
            )
        self._rows = {hashtag: row for row, hashtag in enumerate(names)}
        self._matrix = arrays["embeddings"].astype(np.float32)
        return True

    def save_pretrained(self, folder: str | Path) -> None:
        """Writes a plain sentence-transformers model and the selector's settings into `folder`."""
        folder = Path(folder)
        folder.mkdir(parents=True, exist_ok=True)
        self.model.save_pretrained(str(folder), create_model_card=False, safe_serialization=True)
        write_json(folder / CONFIG_FILE, {"selector_type": "bi-encoder", "hit_scale": self.hit_scale})

    @classmethod
    def from_pretrained(cls, folder: str | Path, device: Any = "cpu") -> BiEncoderSelector:
        """Loads what [`save_pretrained`] wrote, or any folder of a sentence-transformers model.

        Raises:
            ValueError: A file is missing or damaged.
        """
        folder = Path(folder)
        refuse_pickle(folder)
        config = read_json(folder / CONFIG_FILE) if (folder / CONFIG_FILE).is_file() else {}
        try:
            model = SentenceTransformer(str(folder), device=str(device), local_files_only=True)
            return cls(model, hit_scale=config.get("hit_scale", "relative"))
        except Exception as error:  # a damaged file raises whatever its reader raises
            raise ValueError(
                f"{folder} holds no loadable sentence-transformers model ({type(error).__name__}: {error}). "
                "Save or download it again."
            ) from error
