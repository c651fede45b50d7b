"""BM25 over the posts of a corpus: bm25s builds the matrix of term scores, a compiled kernel searches it."""

from __future__ import annotations

import logging
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Any

import bm25s
import numpy as np
import numpy.typing as npt

from right_hf.analysis import get_analyser
from right_hf.corpus import Corpus
from right_hf.hub.component import HubComponent
from right_hf.persistence import load_arrays, read_json, read_object, save_arrays, write_json
from right_hf.posts import Post
from right_hf.retriever.base import Hit, check_search, flatten
from right_hf.retriever.topk import search_term_matrix

logger = logging.getLogger(__name__)

CONFIG_FILE = "retriever_config.json"
_ARRAYS_FILE = "bm25.safetensors"
_VOCABULARY_FILE = "vocabulary.json"
_METHOD = "lucene"


class BM25Retriever(HubComponent):
    """Searches a corpus of posts with BM25 (Robertson and Walker, 1994; Lucene's variant of the formula).

    Args:
        corpus: The posts to search.
        analyser: Name of the analyser, see [`right_hf.analysis.ANALYSERS`].
        k1: Saturation of the term frequency.
        b: Strength of the length normalisation.

    Raises:
        ValueError: `k1` or `b` is out of range, the analyser is unknown or finds no term in any post.
    """

    component = "retriever"

    def __init__(self, corpus: Corpus, analyser: str = "english", k1: float = 1.5, b: float = 0.75) -> None:
        # Outside these ranges scores may be 0 or negative, which the search takes for "no term shared".
        if not (k1 >= 0 and 0 <= b <= 1):
            raise ValueError(f"k1 must be at least 0 and b in [0, 1], got k1={k1} and b={b}.")
        analyse = get_analyser(analyser)
        vocabulary: dict[str, int] = {}
        documents = [[vocabulary.setdefault(term, len(vocabulary)) for term in analyse(post.text)] for post in corpus]
        if not vocabulary:
            raise ValueError(f"No post of the corpus has a term under the analyser {analyser!r}; nothing to index.")
        index = bm25s.BM25(method=_METHOD, k1=k1, b=b, dtype="float32", int_dtype="int32")
        index.index((documents, vocabulary), create_empty_token=False, show_progress=False)
        self._assemble(corpus, analyser, k1, b, vocabulary, index.scores)

    def _assemble(
        self, corpus: Corpus, analyser: str, k1: float, b: float, vocabulary: dict[str, int], matrix: dict[str, Any]
    ) -> None:
        self.corpus = corpus
        self.analyser = analyser
        self.k1 = k1
        self.b = b
        self._analyse = get_analyser(analyser)
        self._vocabulary = vocabulary
        self._scores: npt.NDArray[np.float32] = np.ascontiguousarray(matrix["data"], dtype=np.float32)
        self._rows: npt.NDArray[np.int32] = np.ascontiguousarray(matrix["indices"], dtype=np.int32)
        self._starts: npt.NDArray[np.int64] = np.ascontiguousarray(matrix["indptr"], dtype=np.int64)

    @classmethod
    def from_posts(cls, posts: Sequence[Post], **settings: Any) -> BM25Retriever:
        """Indexes `posts`; `settings` go to the constructor."""
        return cls(Corpus(posts), **settings)

    def search(
        self, queries: Sequence[str], k: int = 10, exclude: Sequence[Collection[str]] | None = None
    ) -> list[list[Hit]]:
        """Retrieves up to `k` posts a query, ordered by (-score, id); posts that share no term are never returned.

        Raises:
            TypeError: `queries` is one string.
            ValueError: `k` is less than 1, or `exclude` has another length than `queries`.
        """
        check_search(queries, k, exclude)
        terms, term_starts = flatten([self._term_ids(query) for query in queries])
        hidden, hidden_starts = flatten([self.corpus.rows(ids) for ids in exclude or [()] * len(queries)])
        rows, scores, counts = search_term_matrix(
            self._scores, self._rows, self._starts, len(self.corpus),
            terms, term_starts, hidden, hidden_starts, min(k, len(self.corpus)),
        )  # fmt: skip
        corpus = self.corpus
        return [
            [Hit(corpus[row], score) for row, score in zip(r[:n].tolist(), s[:n].tolist(), strict=True)]
            for r, s, n in zip(rows, scores, counts.tolist(), strict=True)
        ]

    def _term_ids(self, query: str) -> list[int]:
        known = self._vocabulary
        return [known[term] for term in self._analyse(query) if term in known]

    def save_pretrained(self, folder: str | Path) -> None:
        """Writes corpus, vocabulary, term scores and settings into `folder` (parquet, JSON, safetensors)."""
        folder = Path(folder)
        folder.mkdir(parents=True, exist_ok=True)
        self.corpus.save(folder)
        write_json(folder / _VOCABULARY_FILE, list(self._vocabulary), compact=True)
        arrays: dict[str, npt.NDArray[Any]] = {
            "scores": self._scores,
            "rows": self._rows.astype(np.min_scalar_type(len(self.corpus))),
            "starts": self._starts.astype(np.min_scalar_type(len(self._scores))),
        }
        save_arrays(folder / _ARRAYS_FILE, arrays)
        settings = {"analyser": self.analyser, "k1": self.k1, "b": self.b, "method": _METHOD}
        write_json(folder / CONFIG_FILE, {"retriever_type": "bm25", **settings, "posts": len(self.corpus)})

    @classmethod
    def from_folder(cls, folder: str | Path) -> BM25Retriever:
        """Loads what [`save_pretrained`] wrote.

        Raises:
            ValueError: A file is damaged, or the files do not belong together.
        """
        folder = Path(folder)
        config = read_object(folder / CONFIG_FILE)
        terms = read_json(folder / _VOCABULARY_FILE)
        arrays, _ = load_arrays(folder / _ARRAYS_FILE, ("scores", "rows", "starts"))
        corpus = Corpus.load(folder)
        if not {"analyser", "k1", "b", "posts"} <= config.keys():
            raise ValueError(f"{folder / CONFIG_FILE} lacks analyser, k1, b or posts. Restore it or index again.")
        if not (isinstance(terms, list) and all(isinstance(term, str) for term in terms)):
            raise ValueError(f"{folder / _VOCABULARY_FILE} is no list of terms. Restore the folder or index again.")
        retriever = cls.__new__(cls)
        matrix = {"data": arrays["scores"], "indices": arrays["rows"], "indptr": arrays["starts"]}
        vocabulary = {term: number for number, term in enumerate(terms)}
        retriever._assemble(corpus, config["analyser"], config["k1"], config["b"], vocabulary, matrix)
        if len(corpus) != config["posts"] or not retriever._is_searchable():
            raise ValueError(
                f"The files in {folder} do not belong together: {CONFIG_FILE} says {config['posts']} posts, the corpus "
                f"holds {len(corpus)}, the vocabulary {len(terms)} terms. Restore the folder or index again."
            )
        return retriever

    def _is_searchable(self) -> bool:
        """Whether loaded arrays keep what the compiled search relies on; it checks no bounds of its own."""
        scores, rows, starts = self._scores, self._rows, self._starts
        return bool(
            scores.ndim == rows.ndim == starts.ndim == 1
            and len(starts) == len(self._vocabulary) + 1
            and starts[0] == 0
            and starts[-1] == len(rows) == len(scores) > 0
            and (np.diff(starts) >= 0).all()
            and 0 <= rows.min() <= rows.max() < len(self.corpus)
            and scores.min() > 0
        )
