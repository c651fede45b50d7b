"""Hybrid retrieval: BM25 and a dense retriever over the same corpus, fused by the ranks of their hits."""

from __future__ import annotations

from collections.abc import Collection, Hashable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

from right_hf.corpus import CORPUS_FILE, Corpus
from right_hf.hub.component import HubComponent
from right_hf.persistence import atomic_folder, read_object, refuse_pickle, write_json
from right_hf.posts import Post
from right_hf.retriever.base import Hit, Retriever, check_search
from right_hf.retriever.bm25 import BM25Retriever
from right_hf.retriever.dense import DenseRetriever

CONFIG_FILE = "retriever_config.json"
#: The constant of the source, which its authors found to matter little.
RANK_CONSTANT = 60
#: Hits of each retriever that are fused; fewer would make the first hits depend on how many are asked for.
DEPTH = 100
T = TypeVar("T", bound=Hashable)


def reciprocal_ranks(rankings: Iterable[Sequence[T]], constant: int = RANK_CONSTANT) -> dict[T, float]:
    """Fuses rankings: score(x) = sum over the rankings that hold x of 1 / (constant + rank of x).

    Reciprocal rank fusion (Cormack, Clarke and Büttcher, 2009, Reciprocal rank fusion outperforms Condorcet and
    individual rank learning methods, SIGIR). Only ranks count, so scores of any scales can be fused.

    Args:
        rankings: Each without repeats, best first.
        constant: How little the first ranks differ, at least 0.
    """
    scores: dict[T, float] = {}
    for ranking in rankings:
        for rank, item in enumerate(ranking, start=1):
            scores[item] = scores.get(item, 0.0) + 1 / (constant + rank)
    return scores


class HybridRetriever(HubComponent):
    """Searches with BM25 and a dense retriever, and fuses their hits by reciprocal rank.

    A hit's score is that of [`reciprocal_ranks`], at most 2 / 61. Unlike that of BM25 alone, its corpus cannot change.

    Args:
        bm25: Finds posts that share terms.
        dense: Finds posts that lie close; over the same corpus.

    Raises:
        ValueError: The two hold different posts.
    """

    component = "retriever"

    def __init__(self, bm25: BM25Retriever, dense: DenseRetriever) -> None:
        if list(bm25.corpus) != list(dense.corpus):
            raise ValueError(
                f"The two retrievers hold different posts ({len(bm25.corpus)} and {len(dense.corpus)}). Index the same "
                "posts with both."
            )
        self.parts: dict[str, Retriever] = {"bm25": bm25, "dense": dense}
        self.encoder = dense.encoder

    @classmethod
    def from_posts(cls, posts: Sequence[Post], encoder: Any, **settings: Any) -> HybridRetriever:
        """Indexes `posts` with both; `settings` are BM25's."""
        return cls(BM25Retriever.from_posts(posts, **settings), DenseRetriever.from_posts(posts, encoder))

    @property
    def corpus(self) -> Corpus:
        """The posts that are searched."""
        return self.parts["bm25"].corpus

    def search(
        self, queries: Sequence[str], k: int = 10, exclude: Sequence[Collection[str]] | None = None
    ) -> list[list[Hit]]:
        """Retrieves up to `k` posts a query, ordered by (-fused score, id).

        Raises:
            TypeError: `queries` is one string.
            ValueError: `k` is less than 1, or `exclude` has another length than `queries`.
        """
        check_search(queries, k, exclude)
        return fused_hits(search_each(self, queries, k, exclude), k)

    def save_pretrained(self, folder: str | Path) -> None:
        """Writes both retrievers into sub-folders of `folder`, all or nothing."""
        with atomic_folder(folder) as scratch:
            for name, part in self.parts.items():
                part.save_pretrained(scratch / name)
            write_json(scratch / CONFIG_FILE, {"retriever_type": "hybrid", "posts": len(self.corpus)})

    @classmethod
    def from_folder(cls, folder: str | Path, device: Any = "cpu") -> HybridRetriever:
        """Loads what [`save_pretrained`] wrote; the encoder goes to `device`.

        Raises:
            FileNotFoundError: A file is missing.
            ValueError: A file is damaged, or the two retrievers hold different posts.
            ImportError: The dense index needs FAISS, which is not installed.
        """
        folder = Path(folder)
        refuse_pickle(folder)
        posts = read_object(folder / CONFIG_FILE).get("posts")
        bm25 = BM25Retriever.from_folder(folder / "bm25")
        dense = DenseRetriever.from_folder(folder / "dense", device)
        try:
            retriever = cls(bm25, dense)
        except ValueError as error:
            raise ValueError(f"{folder}: {error} Restore the folder or index again.") from error
        if len(retriever.corpus) != posts:
            raise ValueError(
                f"{folder / CONFIG_FILE} says {posts!r} posts, the {CORPUS_FILE} of its retrievers hold "
                f"{len(retriever.corpus)}. Restore the folder or index again."
            )
        return retriever


def parts_of(retriever: Retriever) -> Mapping[str, Retriever]:
    """The retrievers that a retriever consists of, by type; of one that is not made of others, itself."""
    if isinstance(retriever, HybridRetriever):
        return retriever.parts
    return {"dense" if isinstance(retriever, DenseRetriever) else "bm25": retriever}


def search_each(
    retriever: Retriever, queries: Sequence[str], k: int, exclude: Sequence[Collection[str]] | None = None
) -> dict[str, list[list[Hit]]]:
    """The hits of each of [`parts_of`] a retriever, at least `k` a query where there are.

    [`fused_hits`] of these are the hits of the retriever itself.
    """
    parts = parts_of(retriever)
    depth = max(k, DEPTH) if len(parts) > 1 else k
    return {name: part.search(queries, depth, exclude) for name, part in parts.items()}


def fused_hits(found: Mapping[str, Sequence[Sequence[Hit]]], k: int) -> list[list[Hit]]:
    """Of what [`search_each`] found the best `k` hits of each query.

    Those of several retrievers are scored by their ranks and ordered by (-score, id); those of one stay as they are.
    """
    if len(found) == 1:
        return [list(hits[:k]) for lists in found.values() for hits in lists]
    return [_fused(lists)[:k] for lists in zip(*found.values(), strict=True)]


def _fused(lists: Sequence[Sequence[Hit]]) -> list[Hit]:
    posts = {hit.post.id: hit.post for hits in lists for hit in hits}
    scores = reciprocal_ranks([hit.post.id for hit in hits] for hits in lists)
    return [Hit(posts[key], score) for key, score in sorted(scores.items(), key=lambda item: (-item[1], item[0]))]
