"""Hybrid retrieval: several retrievers over the same corpus, fused by the ranks of their hits."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from operator import ne
from pathlib import Path
from typing import Any

from right_hf.component import Trainer
from right_hf.corpus import Corpus
from right_hf.registry import load_component
from right_hf.retriever.base import Hit, Retriever, check_search
from right_hf.retriever.fusion import fused_hits

#: Hits of each retriever that are fused; fewer would make the first hits depend on how many are asked for.
DEPTH = 100
#: The parts of hybrids that were saved before these were named.
_FIRST_PARTS = ("bm25", "dense")


class HybridRetriever(Retriever):
    """Searches with several retrievers, as a rule BM25 and a dense one, and fuses their hits by reciprocal rank.

    A hit's score is that of [`right_hf.retriever.reciprocal_ranks`], at most 1 / 61 for each retriever. Its corpus
    cannot change.

    Args:
        retrievers: At least two of different types, over the same corpus.

    Raises:
        ValueError: There are fewer than two, two of one type, or they hold different posts.
    """

    type = "hybrid"

    def __init__(self, *retrievers: Retriever) -> None:
        self._parts = {retriever.type: retriever for retriever in retrievers}
        if len(retrievers) < 2 or len(self._parts) < len(retrievers):
            types = ", ".join(retriever.type for retriever in retrievers) or "none"
            raise ValueError(f"A hybrid needs two or more retrievers of different types, got {types}.")
        sizes = [len(retriever.corpus) for retriever in retrievers]
        first = retrievers[0].corpus
        if len(set(sizes)) > 1 or any(any(map(ne, first, retriever.corpus)) for retriever in retrievers[1:]):
            raise ValueError(
                f"The retrievers hold different posts ({' and '.join(map(str, sizes))}). Index the same posts with all."
            )

    @property
    def parts(self) -> Mapping[str, Retriever]:
        """The retrievers by type."""
        return self._parts

    @property
    def networks(self) -> Sequence[Any]:
        """The encoders of its parts."""
        return [network for part in self._parts.values() for network in part.networks]

    @property
    def corpus(self) -> Corpus:
        """The posts that are searched."""
        return next(iter(self._parts.values())).corpus

    def search(
        self, queries: Sequence[str], k: int = 10, exclude: Sequence[Collection[str]] | None = None
    ) -> list[list[Hit]]:
        """Retrieves up to `k` posts a query, ordered by (-fused score, id); see [`Retriever.search`]."""
        check_search(queries, k, exclude)
        return fused_hits(self.search_parts(queries, k, exclude), k)

    def search_parts(
        self, queries: Sequence[str], k: int, exclude: Sequence[Collection[str]] | None = None
    ) -> dict[str, list[list[Hit]]]:
        """See [`Retriever.search_parts`]."""
        return {name: part.search(queries, max(k, DEPTH), exclude) for name, part in self._parts.items()}

    def idf(self, text: str) -> list[float]:
        """That of the first part that knows terms."""
        return next((found for part in self._parts.values() if (found := part.idf(text))), [])

    def holders(self, phrase: str) -> int:
        """The most that a part knows of."""
        return max(part.holders(phrase) for part in self._parts.values())

    @property
    def settings(self) -> dict[str, Any]:
        """The names of its parts, each a folder, and the number of posts."""
        return {"parts": list(self._parts), "posts": len(self.corpus)}

    def write(self, folder: Path) -> None:
        """Writes each part into a folder of its name."""
        for name, part in self._parts.items():
            part.save_into(folder / name)

    @classmethod
    def from_folder(cls, folder: str | Path, device: Any = "cpu") -> HybridRetriever:
        """Loads what [`save_pretrained`] wrote; encoders go to `device`.

        Raises:
            FileNotFoundError: A file is missing.
            ValueError: A file is damaged, or the retrievers hold different posts.
        """
        folder = Path(folder)
        settings = cls.saved_settings(folder)
        names = settings.get("parts", list(_FIRST_PARTS))
        if not isinstance(names, list) or not all(isinstance(name, str) and Path(name).name == name for name in names):
            raise ValueError(f"{folder} names no parts of a hybrid: {names!r:.80}. Restore the folder or index again.")
        try:
            retriever = cls(*(load_component("retriever", folder / name, device=device) for name in names))
            if len(retriever.corpus) != settings.get("posts"):
                raise ValueError(
                    f"the configuration says {settings.get('posts')!r} posts, its retrievers hold "
                    f"{len(retriever.corpus)}."
                )
        except ValueError as error:
            raise ValueError(f"{folder}: {error} Restore the folder or index again.") from error
        return retriever

    @classmethod
    def trainer(cls) -> Trainer:
        """Trains and indexes each of its parts."""
        from right_hf.trainers.retriever import HybridTraining

        return HybridTraining()
