"""A retriever over a table: BM25 and, with an encoder, hybrid search of a corpus that need not fit into memory."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypedDict

from typing_extensions import Unpack

from right_hf.analysis import get_analyser
from right_hf.encoders import embed, load_encoder, save_encoder
from right_hf.layout import config_file
from right_hf.persistence import write_json
from right_hf.posts import Post
from right_hf.retriever.base import Hit, Retriever, check_search
from right_hf.retriever.fusion import fused_hits
from right_hf.retriever.hybrid import DEPTH
from right_hf.retriever.index import check_parameters, inverse_document_frequency
from right_hf.retriever.lance.build import Place, build_tables
from right_hf.retriever.lance.changing import Changing
from right_hf.retriever.lance.columns import Embed
from right_hf.retriever.lance.consent import check_address
from right_hf.retriever.lance.corpus import TableCorpus
from right_hf.retriever.lance.names import Names
from right_hf.retriever.lance.snapshot import Snapshot
from right_hf.retriever.lance.table import Tables, Version, is_local
from right_hf.spelling.counts import SpellingCounts
from right_hf.spelling.variant_table import VARIANTS_FILE, read_table, write_table
from right_hf.spelling.variants import Merge
from right_hf.workers import Engine

_ENCODER_FOLDER = "encoder"


class TermSettings(TypedDict, total=False):
    """How posts are searched by their terms.

    Attributes:
        analyser: Name of the analyser, see [`right_hf.analysis.ANALYSERS`].
        k1: Saturation of the term frequency.
        b: Strength of the length normalisation.
    """

    analyser: str
    k1: float
    b: float


_TERMS: TermSettings = {"analyser": "unicode", "k1": 1.5, "b": 0.75}


class LanceRetriever(Changing, Retriever):
    """Searches a corpus in a Lance table, on disk or in an object store, of which little is in memory.

    Hits and scores are those of [`BM25Retriever`], but that of hundreds of posts with the same score not always the
    ones with the lowest ids are found (see [`right_hf.retriever.lance.snapshot.Snapshot.by_terms`]). With an encoder
    the search is hybrid, as that of [`HybridRetriever`].

    Many may read a table, one may write it ([`LanceRetriever.open`]). A change is in the table when its call returns,
    and seen by others after their [`refresh`].

    Args:
        folder: The retriever's, with its configuration; the table lies in it unless the configuration names an address.
        encoder: Any sentence-transformers model, for tables with vectors.
        version: Of the table; None for the latest.

    Raises:
        ImportError: `pylance` is not installed.
        FileNotFoundError, ValueError: The table or the configuration is missing or damaged.
        PermissionError: See [`right_hf.retriever.lance.consent.check_address`].
    """

    type = "lance"

    def __init__(self, folder: str | Path, encoder: Any = None, version: int | None = None) -> None:
        self.folder = Path(folder)
        settings = self.saved_settings(self.folder)
        address = settings.get("address")
        self._address = address if isinstance(address, str) else None
        if self._address is not None:
            check_address(self._address, self.folder)
        terms: Any = {**_TERMS, **settings}
        self.analyser, self.k1, self.b = str(terms["analyser"]), float(terms["k1"]), float(terms["b"])
        check_parameters(self.k1, self.b)
        self._analyse = get_analyser(self.analyser)
        self.encoder = encoder
        variants = self.folder / VARIANTS_FILE
        self._names = Names(read_table(variants) if variants.is_file() else ())
        self._elsewhere = SpellingCounts.load(self.folder)
        self._tables = Tables(self._address or str(self.folder))
        self._version = version
        self._embed = None if encoder is None else _embedding(encoder)
        self._start_changes()
        self._names.read(self._tables.names.to_table())
        self._show(Snapshot(self._tables.posts if version is None else self._tables.at(version)))

    def __getstate__(self) -> dict[str, Any]:
        version = self._corpus.snapshot.table.version
        return {"folder": self.folder, "encoder": self.encoder, "version": version}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__init__(**state)  # type: ignore[misc]

    @classmethod
    def from_posts(
        cls,
        posts: Iterable[Post],
        folder: str | Path,
        *,
        encoder: Any = None,
        address: str | None = None,
        variants: Iterable[Merge] = (),
        spellings: SpellingCounts | None = None,
        engine: Engine = map,
        **terms: Unpack[TermSettings],
    ) -> LanceRetriever:
        """Makes a table of posts, which come one after the other and are never in memory together.

        Args:
            posts: The posts; the order in which they come is that of the table.
            folder: A new folder for the configuration and, without `address`, the table.
            encoder: Gives vectors, for hybrid search.
            address: Where the table lies if not in `folder`, such as `s3://bucket/corpus`.
            variants: Which hashtags are one, see [`right_hf.forms.Forms`].
            spellings: Uses of spellings elsewhere.
            engine: Cuts posts into terms, see [`right_hf.bulk.engines`]; `map` is this process alone.
            terms: See [`TermSettings`].

        Raises:
            FileExistsError: There is a table already.
            ValueError: There are no posts, one is wrong, or an id occurs twice. No table is left then.
        """
        folder = Path(folder)
        check_parameters(terms.get("k1", _TERMS["k1"]), terms.get("b", _TERMS["b"]))
        settings: dict[str, Any] = {**_TERMS, **terms, **({} if address is None else {"address": address})}
        variants = list(variants)

        def describe(scratch: Path) -> None:
            write_table(scratch / VARIANTS_FILE, variants)
            (spellings or SpellingCounts()).save(scratch)
            if encoder is not None:
                save_encoder(encoder, scratch / _ENCODER_FOLDER)
            write_json(scratch / config_file(cls.role), {"retriever_type": cls.type, **settings})

        vectors = None if encoder is None else _embedding(encoder)
        build_tables(posts, Place(folder, address), settings["analyser"], Names(variants), vectors, describe, engine)
        return cls(folder, encoder)

    @classmethod
    def from_folder(cls, folder: str | Path, device: Any = "cpu", version: int | None = None) -> LanceRetriever:
        """Opens a table for reading; an encoder goes to `device`.

        Args:
            folder: As [`from_posts`] made it.
            device: Of the encoder.
            version: One to go back to, see `right-hf corpus versions`; None for the latest.

        Raises:
            FileNotFoundError, PermissionError, ValueError: As the constructor.
        """
        place = Path(folder) / _ENCODER_FOLDER
        encoder = load_encoder(place, whole=True).eval().to(device) if place.is_dir() else None
        return cls(folder, encoder, version)

    @property
    def corpus(self) -> TableCorpus:
        """The posts at this moment; the corpus given here never changes."""
        return self._corpus

    @property
    def networks(self) -> Sequence[Any]:
        """The encoder, if there is one."""
        return [] if self.encoder is None else [self.encoder]

    @property
    def settings(self) -> dict[str, Any]:
        """Analyser, k1, b, and where the table lies if not in the retriever's folder."""
        settings = {"analyser": self.analyser, "k1": self.k1, "b": self.b}
        return settings | ({} if self._address is None else {"address": self._address})

    def search(
        self, queries: Sequence[str], k: int = 10, exclude: Sequence[Collection[str]] | None = None
    ) -> list[list[Hit]]:
        """See [`Retriever.search`]; posts that share no term with a query are only found by an encoder."""
        check_search(queries, k, exclude)
        return fused_hits(self.search_parts(queries, k, exclude), k)

    def search_parts(
        self, queries: Sequence[str], k: int, exclude: Sequence[Collection[str]] | None = None
    ) -> dict[str, list[list[Hit]]]:
        """See [`Retriever.search_parts`]: the hits by BM25 and, with an encoder, by cosine."""
        snapshot, hidden = self._corpus.snapshot, exclude or [()] * len(queries)
        depth = k if self.encoder is None else max(k, DEPTH)

        def by_terms(query: str, ids: Collection[str]) -> list[Hit]:
            return snapshot.by_terms(self._analyse(query), depth, ids, self.k1, self.b)

        found = {"bm25": _each(by_terms, queries, hidden)}
        if self.encoder is not None and queries:
            vectors = embed(self.encoder, list(queries))
            found["dense"] = _each(lambda vector, ids: snapshot.by_vector(vector, depth, ids), vectors, hidden)
        return found

    def idf(self, text: str) -> list[float]:
        """See [`Retriever.idf`]."""
        snapshot = self._corpus.snapshot
        counts = [snapshot.count("terms", term) for term in self._analyse(text)]
        return [float(inverse_document_frequency(snapshot.size, count)) for count in counts]

    def holders(self, phrase: str) -> int:
        """See [`Retriever.holders`]."""
        return self._corpus.snapshot.holders(self._analyse(phrase))

    def save(self) -> None:
        """Does nothing: every change is in the table already."""

    def versions(self) -> Iterator[Version]:
        """The versions of the table that can be gone back to, the latest first."""
        return self._tables.versions()

    def write(self, folder: Path) -> None:
        """Names the table by its address or, if it lies in the retriever's folder, copies it."""
        write_table(folder / VARIANTS_FILE, self._names.forms.variants)
        self._elsewhere.save(folder)
        if self.encoder is not None:
            save_encoder(self.encoder, folder / _ENCODER_FOLDER)
        if self._address is None:
            with self._writing:
                self._tables.copy(str(folder), self._corpus.snapshot.table.version)

    def check_portable(self) -> None:
        """See [`Component.check_portable`].

        Raises:
            ValueError: The table's address is a folder of this machine.
        """
        if self._address is not None and is_local(self._address):
            raise ValueError(
                f"The table lies in {self._address}, which others do not have. Put it into the retriever's folder or "
                "an object store first."
            )


def _each(
    find: Callable[[Any, Collection[str]], list[Hit]], queries: Iterable[Any], hidden: Iterable[Any]
) -> list[list[Hit]]:
    """What is found for each query; several at a time, for the table is read without Python's lock."""
    pairs = list(zip(queries, hidden, strict=True))
    workers = min(len(pairs), os.cpu_count() or 1)
    if workers < 2:
        return [find(*pair) for pair in pairs]
    with ThreadPoolExecutor(workers) as pool:
        return list(pool.map(lambda pair: find(*pair), pairs))


def _embedding(encoder: Any) -> Embed:
    encoder.eval()
    return lambda texts: embed(encoder, list(texts))
