"""Dense retrieval: posts are compared by the cosine of their sentence embeddings (SimCSE in the paper)."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from sentence_transformers import SentenceTransformer

from right_hf.corpus import Corpus
from right_hf.encoders import Matrix, embed, encoder_fingerprint, load_encoder, save_encoder, unit_rows
from right_hf.hub.component import HubComponent
from right_hf.persistence import (
    atomic_folder,
    load_arrays,
    read_object,
    refuse_pickle,
    save_arrays,
    write_json,
)
from right_hf.posts import Post
from right_hf.retriever.base import Hit, check_search
from right_hf.retriever.vectors import INDEXES, Half

CONFIG_FILE = "retriever_config.json"
_VECTORS_FILE = "vectors.safetensors"
_ENCODER_FOLDER = "encoder"
#: Rows are unit vectors rounded to half precision (or zeros); a longer one is no embedding of ours.
_LONGEST = 1.01


class DenseRetriever(HubComponent):
    """Searches a corpus of posts by the cosine of sentence embeddings (paper, section 2.1: SimCSE).

    The FAISS index of "sq8" is made anew whenever the retriever is made or loaded: that takes seconds, there is no
    second file that could contradict the vectors, and no foreign binary format is read.

    Args:
        corpus: The posts to search.
        encoder: Any sentence-transformers model, transformer or static.
        index: "exact", or "sq8" for large corpora: 8-bit codes searched by FAISS, the best scored exactly.
        vectors: (len(corpus), d), the embeddings of the posts in the corpus' order, where they are known already.

    Raises:
        ValueError: The index is unknown, or the vectors do not fit the corpus or the encoder.
        ImportError: "sq8" is asked for without FAISS.
    """

    component = "retriever"

    def __init__(
        self, corpus: Corpus, encoder: SentenceTransformer, index: str = "exact", vectors: Matrix | None = None
    ) -> None:
        if index not in INDEXES:
            raise ValueError(f"Unknown index {index!r}. Known: {', '.join(INDEXES)}.")
        encoder.eval()
        if vectors is None:
            vectors = embed(encoder, [post.text for post in corpus], progress=True)
        # Half precision is what is saved; so a loaded retriever scores as the one that was saved.
        self._assemble(corpus, encoder, index, unit_rows(vectors).astype(np.float16))

    def _assemble(self, corpus: Corpus, encoder: SentenceTransformer, index: str, vectors: Half) -> None:
        _check_vectors(vectors, corpus, encoder)
        self.corpus = corpus
        self.encoder = encoder
        self.index = index
        self._index = INDEXES[index](vectors)
        # From the last to the first, so that of equal texts the first counts.
        self._row_of_text = {corpus[row].text: row for row in range(len(corpus) - 1, -1, -1)}

    @classmethod
    def from_posts(cls, posts: Sequence[Post], encoder: SentenceTransformer, **settings: Any) -> DenseRetriever:
        """Embeds and indexes `posts`; `settings` go to the constructor."""
        return cls(Corpus(posts), encoder, **settings)

    def search(
        self, queries: Sequence[str], k: int = 10, exclude: Sequence[Collection[str]] | None = None
    ) -> list[list[Hit]]:
        """Retrieves up to `k` posts a query, ordered by (-cosine, id); posts with a cosine of 0 or less never.

        Raises:
            TypeError: `queries` is one string.
            ValueError: `k` is less than 1, or `exclude` has another length than `queries`.
        """
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

    def save_pretrained(self, folder: str | Path) -> None:
        """Writes corpus, vectors, encoder and settings into `folder` (parquet, safetensors, JSON), all or nothing."""
        with atomic_folder(folder) as scratch:
            self.corpus.save(scratch)
            origin = {"corpus": _texts_digest(self.corpus), "encoder": encoder_fingerprint(self.encoder)}
            save_arrays(scratch / _VECTORS_FILE, {"vectors": self._index.vectors.astype(np.float16)}, metadata=origin)
            save_encoder(self.encoder, scratch / _ENCODER_FOLDER)
            write_json(
                scratch / CONFIG_FILE, {"retriever_type": "dense", "index": self.index, "posts": len(self.corpus)}
            )

    @classmethod
    def from_folder(cls, folder: str | Path, device: Any = "cpu") -> DenseRetriever:
        """Loads what [`save_pretrained`] wrote; the encoder goes to `device`.

        Raises:
            FileNotFoundError: The configuration is missing.
            ValueError: A file is damaged, or the files do not belong together.
            ImportError: The index needs FAISS, which is not installed.
        """
        folder = Path(folder)
        refuse_pickle(folder)
        config = read_object(folder / CONFIG_FILE)
        if not isinstance(config.get("index"), str) or config["index"] not in INDEXES:
            raise ValueError(
                f"{folder / CONFIG_FILE} must hold `index` as one of {', '.join(INDEXES)}; it holds {config!r:.200}. "
                "Restore it or index again."
            )
        corpus = Corpus.load(folder)
        arrays, origin = load_arrays(folder / _VECTORS_FILE, ("vectors",))
        encoder = load_encoder(folder / _ENCODER_FOLDER)
        for part, digest in (("corpus", _texts_digest(corpus)), ("encoder", encoder_fingerprint(encoder))):
            if origin.get(part) != digest:
                raise ValueError(
                    f"The vectors in {folder / _VECTORS_FILE} were computed with another {part} than the one beside "
                    "them. Restore the folder or index again."
                )
        retriever = cls.__new__(cls)
        try:
            retriever._assemble(corpus, encoder.eval().to(device), config["index"], arrays["vectors"])
        except ValueError as error:
            raise ValueError(f"{folder / _VECTORS_FILE}: {error} Restore the folder or index again.") from error
        return retriever


def _texts_digest(corpus: Corpus) -> str:
    """A hash of what the vectors depend on: ids and texts, in order."""
    digest = hashlib.sha256()
    for post in corpus:
        for part in (post.id.encode(), post.text.encode()):
            digest.update(len(part).to_bytes(8, "big") + part)
    return digest.hexdigest()


def _check_vectors(vectors: Half, corpus: Corpus, encoder: SentenceTransformer) -> None:
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
