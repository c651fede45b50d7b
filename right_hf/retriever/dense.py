"""Dense retrieval: posts are compared by the cosine of their sentence embeddings (SimCSE in the paper)."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from right_hf.component import Trainer
from right_hf.corpus import Corpus
from right_hf.encoders import Matrix, embed, encoder_fingerprint, load_encoder, save_encoder, unit_rows
from right_hf.layout import config_file
from right_hf.persistence import load_arrays, save_arrays
from right_hf.posts import Post
from right_hf.retriever.base import Hit, Retriever, check_search
from right_hf.retriever.vectors import Half, VectorIndex

_VECTORS_FILE = "vectors.safetensors"
_ENCODER_FOLDER = "encoder"
#: Rows are unit vectors rounded to half precision (or zeros); a longer one is no embedding of ours.
_LONGEST = 1.01


class DenseRetriever(Retriever):
    """Searches a corpus of posts by the cosine of sentence embeddings (paper, section 2.1: SimCSE).

    Args:
        corpus: The posts to search.
        encoder: Any sentence-transformers model, transformer or static.
        vectors: (len(corpus), d), the embeddings of the posts in the corpus' order, where they are known already.

    Raises:
        ValueError: The vectors do not fit the corpus or the encoder.
    """

    type = "dense"

    def __init__(self, corpus: Corpus, encoder: Any, vectors: Matrix | None = None) -> None:
        encoder.eval()
        if vectors is None:
            vectors = embed(encoder, [post.text for post in corpus], progress=True)
        # Half precision is what is saved; so a loaded retriever scores as the one that was saved.
        self._assemble(corpus, encoder, unit_rows(vectors).astype(np.float16))

    def _assemble(self, corpus: Corpus, encoder: Any, vectors: Half) -> None:
        _check_vectors(vectors, corpus, encoder)
        self._corpus = corpus
        self.encoder = encoder
        self._index = VectorIndex(vectors)
        # From the last to the first, so that of equal texts the first counts.
        texts = [post.text for post in corpus]
        self._row_of_text = {texts[row]: row for row in range(len(texts) - 1, -1, -1)}

    @property
    def corpus(self) -> Corpus:
        """The posts that are searched."""
        return self._corpus

    @property
    def networks(self) -> Sequence[Any]:
        """The encoder."""
        return [self.encoder]

    @classmethod
    def from_posts(cls, posts: Iterable[Post], encoder: Any, **settings: Any) -> DenseRetriever:
        """Embeds and indexes `posts`; `settings` go to the constructor."""
        return cls(Corpus(list(posts)), encoder, **settings)

    def search(
        self, queries: Sequence[str], k: int = 10, exclude: Sequence[Collection[str]] | None = None
    ) -> list[list[Hit]]:
        """See [`Retriever.search`]; posts with a cosine of 0 or less are never returned."""
        check_search(queries, k, exclude)
        return self.search_vectors(self.embed(queries), k, exclude) if queries else []

    def search_vectors(
        self, vectors: Matrix, k: int = 10, exclude: Sequence[Collection[str]] | None = None
    ) -> list[list[Hit]]:
        """Does as [`search`], for queries that are embedded already: (len(queries), d), of any length."""
        hidden = [self.corpus.rows(ids) for ids in exclude or [()] * len(vectors)]
        rows, scores, counts = self._index.search(unit_rows(vectors), k, hidden)
        corpus = self.corpus
        return [
            [Hit(corpus[row], score) for row, score in zip(r[:n].tolist(), s[:n].tolist(), strict=True)]
            for r, s, n in zip(rows, scores, counts.tolist(), strict=True)
        ]

    def embed(self, texts: Sequence[str]) -> Matrix:
        """Unit vectors of texts, (len(texts), d). Those of the corpus' own posts are looked up, not computed again."""
        kept = self._index.vectors
        vectors = np.zeros((len(texts), kept.shape[1]), dtype=np.float32)
        rows = [self._row_of_text.get(text) for text in texts]
        known = [at for at, row in enumerate(rows) if row is not None]
        vectors[known] = kept[[row for row in rows if row is not None]]
        if new := [at for at, row in enumerate(rows) if row is None]:
            vectors[new] = embed(self.encoder, [texts[at] for at in new])
        return vectors

    @property
    def settings(self) -> dict[str, Any]:
        """The number of posts."""
        return {"posts": len(self.corpus)}

    def write(self, folder: Path) -> None:
        """Writes corpus, vectors and encoder (parquet, safetensors)."""
        self.corpus.save(folder)
        origin = {"corpus": _texts_digest(self.corpus), "encoder": encoder_fingerprint(self.encoder)}
        save_arrays(folder / _VECTORS_FILE, {"vectors": self._index.vectors.astype(np.float16)}, metadata=origin)
        save_encoder(self.encoder, folder / _ENCODER_FOLDER)

    @classmethod
    def from_folder(cls, folder: str | Path, device: Any = "cpu") -> DenseRetriever:
        """Loads what [`save_pretrained`] wrote; the encoder goes to `device`.

        Raises:
            FileNotFoundError: The configuration is missing.
            ValueError: A file is damaged, or the files do not belong together.
        """
        folder = Path(folder)
        file = folder / config_file(cls.role)
        if not file.is_file():
            raise FileNotFoundError(f"{file} is missing. Restore the folder or index again.")
        posts = cls.saved_settings(folder).get("posts")
        corpus = Corpus.load(folder)
        if posts != len(corpus):
            raise ValueError(
                f"{file} says {posts!r} posts, the corpus beside it holds {len(corpus)}. "
                "Restore the folder or index again."
            )
        arrays, origin = load_arrays(folder / _VECTORS_FILE, ("vectors",))
        encoder = load_encoder(folder / _ENCODER_FOLDER, whole=True)
        for part, digest in (("corpus", _texts_digest(corpus)), ("encoder", encoder_fingerprint(encoder))):
            if origin.get(part) != digest:
                raise ValueError(
                    f"The vectors in {folder / _VECTORS_FILE} were computed with another {part} than the one beside "
                    "them. Restore the folder or index again."
                )
        retriever = cls.__new__(cls)
        try:
            retriever._assemble(corpus, encoder.eval().to(device), arrays["vectors"])
        except ValueError as error:
            raise ValueError(f"{folder / _VECTORS_FILE}: {error} Restore the folder or index again.") from error
        return retriever

    @classmethod
    def trainer(cls) -> Trainer:
        """Trains the encoder (SimCSE) and indexes the training posts."""
        from right_hf.trainers.retriever import DenseTraining

        return DenseTraining()


def _texts_digest(corpus: Corpus) -> str:
    """A hash of what the vectors depend on: ids and texts, in order."""
    digest = hashlib.sha256()
    for post in corpus:
        for part in (post.id.encode(), post.text.encode()):
            digest.update(len(part).to_bytes(8, "big") + part)
    return digest.hexdigest()


def _check_vectors(vectors: Half, corpus: Corpus, encoder: Any) -> None:
    """Raises ValueError unless there is one finite unit vector of the encoder's dimension for each post."""
    expected = (len(corpus), encoder.get_embedding_dimension() or vectors.shape[-1])
    if vectors.shape != expected or vectors.dtype != np.float16:
        raise ValueError(
            f"The vectors are {vectors.dtype} of shape {vectors.shape}; the corpus and its encoder need float16 of "
            f"shape {expected}."
        )
    lengths = np.sqrt(np.einsum("nd,nd->n", vectors, vectors, dtype=np.float32))
    if not (lengths < _LONGEST).all():  # false for NaN too
        row = int(np.flatnonzero(~(lengths < _LONGEST))[0])
        raise ValueError(f"The vector of post {corpus[row].id!r} is no unit vector of finite numbers.")
