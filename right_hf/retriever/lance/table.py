"""The tables of a corpus: posts, and the names of their hashtags; opened, written, indexed, compacted.

Both are Lance data sets (https://lance.org) in one folder or under one address of an object store, which LanceDB opens
too. A change of posts is one commit of the table of posts, so that it is there whole or not at all, whenever a process
ends; names are written before the posts that bring them, and one that no post has does no harm.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow as pa

from right_hf.retriever.lance.columns import one_of
from right_hf.retriever.lance.links import without_links
from right_hf.retriever.lance.names import SCHEMA as NAMES
from right_hf.retriever.lance.package import lance

#: How much of indexes and metadata stays in memory.
_INDEX_CACHE, _METADATA_CACHE = 128 << 20, 32 << 20
#: Rows of a file of the table; one that is searched beside many others is slower.
_FILE = 1_048_576
#: Rows up to which files are put together while the table is in use.
_SMALL = 50_000
#: Posts from which vectors are searched by an index, which finds most of the nearest, not all of them.
VECTORS_INDEXED = 100_000
#: Our analysers decide what a term is; the table only splits at spaces.
_SEARCH = {
    "base_tokenizer": "whitespace",
    "stem": False,
    "remove_stop_words": False,
    "ascii_folding": False,
    "lower_case": False,
    "max_token_length": None,
    "with_position": False,
}
#: Indexes by their names: the column, the kind, and its settings.
_INDEXES: dict[str, tuple[str, str, dict[str, Any]]] = {
    "search": ("terms", "INVERTED", _SEARCH),
    "holders": ("terms", "LABEL_LIST", {}),
    "carriers": ("hashtags", "LABEL_LIST", {}),
    "spelled": ("spellings", "LABEL_LIST", {}),
    "ids": ("id", "BTREE", {}),
    "moments": ("moment", "BTREE", {}),
}
_POSTS, _NAMES = "posts", "hashtags"
_VECTORS = "nearest"


class Version(NamedTuple):
    """A state of the table of posts that can be gone back to.

    Attributes:
        number: Its number.
        written: When it was written.
        posts: How many posts it holds.
    """

    number: int
    written: datetime
    posts: int


def is_local(address: str) -> bool:
    """Whether an address is a folder of this machine."""
    return "://" not in address


class Tables:
    """The tables at an address.

    Args:
        address: A folder, or an address such as `s3://bucket/corpus`.

    Attributes:
        address: As given.
        posts: The table of posts, as of the version that was read or written last.
        names: The table of names, likewise.

    Raises:
        FileNotFoundError: There are none.
        ValueError: They cannot be read.
    """

    def __init__(self, address: str) -> None:
        self.address = address
        self._kept = without_links(Path(address)) if is_local(address) else None
        self.posts = self._open(_POSTS)
        self.names = self._open(_NAMES)

    def _place(self, name: str) -> str:
        address = self.address if self._kept is None else self._kept.name
        return f"{address.rstrip('/')}/{name}.lance"

    def _open(self, name: str, version: int | None = None) -> Any:
        place = self._place(name)
        try:
            return lance().dataset(
                place,
                version=version,
                index_cache_size_bytes=_INDEX_CACHE,
                metadata_cache_size_bytes=_METADATA_CACHE,
            )
        except (OSError, ValueError) as error:
            if is_local(self.address) and not Path(place).is_dir():
                raise FileNotFoundError(
                    f"There is no table {place}. Restore the folder, or make one with right-hf index --store lance."
                ) from error
            wanted = "" if version is None else f" at version {version}"
            raise ValueError(
                f"{place}{wanted} cannot be read as a table: {_first_line(error)} Go back to a version that can "
                "(right-hf corpus versions), restore it or index again."
            ) from error

    @classmethod
    def create(cls, address: str, rows: Iterable[pa.RecordBatch], schema: pa.Schema) -> Tables:
        """Makes the tables from rows of posts, without indexes and names.

        Raises:
            FileExistsError: There is one already.
        """
        place = f"{address.rstrip('/')}/{_POSTS}.lance"
        reader = pa.RecordBatchReader.from_batches(schema, rows)
        try:
            lance().write_dataset(reader, place, mode="create", max_rows_per_file=_FILE)
        except OSError as error:
            if "already exists" in str(error):
                raise FileExistsError(
                    f"There is a table at {place} already. Remove it, or choose another place."
                ) from error
            raise
        lance().write_dataset(NAMES.empty_table(), f"{address.rstrip('/')}/{_NAMES}.lance", mode="create")
        return cls(address)

    @staticmethod
    def drop(address: str) -> None:
        """Removes the tables at an address."""
        for name in (_POSTS, _NAMES):
            place = f"{address.rstrip('/')}/{name}.lance"
            if is_local(address):
                shutil.rmtree(place, ignore_errors=True)
            else:
                lance().LanceDataset.drop(place, ignore_not_found=True)

    def copy(self, folder: str, version: int) -> None:
        """Copies tables that lie in a folder into another, as they are at a version; nobody may write meanwhile."""
        for name in (_POSTS, _NAMES):
            shutil.copytree(self._place(name), f"{folder}/{name}.lance")
        copied = Tables(folder)
        if copied.posts.version != version:
            copied.restore(version)

    def at(self, version: int) -> Any:
        """The table of posts as it was at a version.

        Raises:
            ValueError: There is no such version any more.
        """
        return self._open(_POSTS, version)

    def build_indexes(self) -> None:
        """Makes all indexes of the posts anew."""
        posts = _own(self.posts)
        for name, (column, kind, settings) in _INDEXES.items():
            posts.create_scalar_index(column, kind, name=name, replace=True, **settings)
        if "vector" in posts.schema.names and posts.count_rows() >= VECTORS_INDEXED:
            _index_vectors(posts)
        self.posts = _latest(posts)

    def refresh(self) -> bool:
        """Takes up what others wrote; whether there was anything."""
        if self.posts.latest_version == self.posts.version:
            return False
        self.posts, self.names = _latest(self.posts), _latest(self.names)
        return True

    def check_alone(self) -> None:
        """Makes sure that nobody else wrote since.

        Raises:
            RuntimeError: Somebody did.
        """
        if (found := self.posts.latest_version) != self.posts.version:
            raise RuntimeError(
                f"{self.address} was changed by another process (it is at version {found}, this writer left it at "
                f"{self.posts.version}). One at a time may write: close one of them, and open the table again."
            )

    def append_names(self, rows: pa.RecordBatch) -> None:
        """Adds rows to the names."""
        self.names = _appended(self.names, rows)

    def append(self, rows: pa.RecordBatch) -> None:
        """Adds posts."""
        self._take(_appended(self.posts, rows))

    def replace(self, rows: pa.RecordBatch) -> None:
        """Puts posts in the place of those with the same ids, in one commit."""
        posts = _own(self.posts)
        with _as_os_error():
            posts.merge_insert("id").when_matched_update_all().execute(pa.Table.from_batches([rows]))
        self._take(posts)

    def delete(self, ids: Sequence[str]) -> None:
        """Removes the posts with these ids."""
        posts = _own(self.posts)
        with _as_os_error():
            posts.delete(f"id IN {one_of(ids)}")
        self._take(posts)

    def _take(self, posts: Any) -> None:
        """Takes the version after a change, which must be the next one.

        Raises:
            RuntimeError: Another process changed the table at the same moment.
        """
        before, self.posts = self.posts.version, posts
        if posts.version != before + 1:
            raise RuntimeError(
                f"{self.address} was changed by another process at the same moment; both changes are in it. One at a "
                "time may write: close one of them, open the table again, and look what became of the posts."
            )

    def tidy(self, whole: bool = True) -> None:
        """Takes up in the indexes what came since, and puts small files together; nothing that is read is lost.

        Args:
            whole: Also writes large files anew of which posts are gone, and indexes as a whole.
        """
        posts, names = _own(self.posts), _own(self.names)
        posts.optimize.compact_files(target_rows_per_fragment=_FILE if whole else _SMALL)
        # An index consists of segments; the first one, of most posts, takes long to write.
        segments = next(len(index.segments) for index in posts.describe_indices() if index.name == "search")
        posts.optimize.optimize_indices(num_indices_to_merge=segments if whole else segments - 1)
        self.posts = _latest(posts)
        names.optimize.compact_files()
        self.names = _latest(names)

    def forget(self, days: float) -> int:
        """Removes versions that are older than so many days, and the files that only they hold.

        Returns:
            Bytes that are free again.
        """
        found = [table.cleanup_old_versions(older_than=timedelta(days=days)) for table in (self.posts, self.names)]
        return sum(int(one.bytes_removed) for one in found)

    def versions(self) -> Iterator[Version]:
        """The versions that can be gone back to, the latest first."""
        for one in reversed(self.posts.versions()):
            yield Version(one["version"], one["timestamp"], self.at(one["version"]).count_rows())

    def restore(self, version: int) -> None:
        """Makes a version the latest one again; those between stay.

        Raises:
            ValueError: There is no such version any more.
        """
        self.at(version).restore()
        self.posts = _latest(self.posts)


def _own(table: Any) -> Any:
    """The same version to be changed: whoever reads it goes on undisturbed, and caches are shared."""
    return table.checkout_version(table.version)


def _latest(table: Any) -> Any:
    return table.checkout_version(table.latest_version)


def _appended(table: Any, rows: pa.RecordBatch) -> Any:
    with _as_os_error():
        return lance().write_dataset(pa.Table.from_batches([rows]), _own(table), mode="append")


def _index_vectors(posts: Any) -> None:
    dimension = posts.schema.field("vector").type.list_size
    parts = next(size for size in range(max(1, dimension // 4), 0, -1) if dimension % size == 0)
    posts.create_index("vector", "IVF_PQ", name=_VECTORS, metric="cosine", num_sub_vectors=parts, replace=True)


@contextmanager
def _as_os_error() -> Iterator[None]:
    """A failed write as the OSError that it is."""
    try:
        yield
    except OSError:
        raise
    except Exception as error:
        raise OSError(f"The table could not be written: {_first_line(error)}") from error


def _first_line(error: Exception) -> str:
    return str(error).partition("\n")[0].partition(", /")[0][:300]
