"""The output folder: for each piece one file of its answers, which appears whole or not at all, and one of bad rows."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq

from right_hf.bulk.inputs import is_local, open_place, whole_address
from right_hf.bulk.rows import Row, json_line
from right_hf.persistence import atomic_file
from right_hf.textfiles import json_value

#: Names that begin with an underscore are no data to Arrow, Spark and Ray, so that the folder is read as a table.
MANIFEST, SUMMARY, REJECTED = "_manifest.json", "_summary.json", "_rejected"
#: Rows of a row group.
_GROUP = 4096


class Counts(NamedTuple):
    """What became of the rows of a piece.

    Attributes:
        posts: Those that were answered.
        rejected: Those that were bad.
    """

    posts: int
    rejected: int


@dataclass(frozen=True)
class Output:
    """A folder of answers.

    Attributes:
        address: Its whole address, as any process finds it.
        format: `parquet` or `jsonl`.
    """

    address: str
    format: str = "parquet"

    @classmethod
    def of(cls, place: str | Path, format: str) -> Output:
        """The output in a folder, named as somebody names it."""
        system, path = open_place(place)
        return cls(whole_address(system, path).rstrip("/"), format)

    @cached_property
    def _opened(self) -> tuple[Any, str]:
        return open_place(self.address)

    def __getstate__(self) -> dict[str, Any]:
        return {"address": self.address, "format": self.format}

    def part(self, number: int) -> str:
        """The name of the answers of a piece."""
        return f"part-{number:05d}.{self.format}"

    def rejected(self, number: int) -> str:
        """The name of the bad rows of a piece."""
        return f"{REJECTED}/part-{number:05d}.jsonl"

    def names(self) -> set[str]:
        """What lies in the folder, by its path there; nothing where there is none yet."""
        system, path = self._opened
        system.invalidate_cache()
        found = system.find(path) if system.exists(path) else []
        return {name[len(path.rstrip("/")) + 1 :] for name in found}

    def read(self, name: str) -> bytes | None:
        """The content of a small file; None where there is none."""
        system, path = self._opened
        try:
            return bytes(system.cat_file(f"{path}/{name}"))
        except FileNotFoundError:
            return None

    def read_object(self, name: str) -> dict[str, Any] | None:
        """The object in a JSON file; None where there is no such file.

        Raises:
            ValueError: It holds something else.
        """
        if (content := self.read(name)) is None:
            return None
        try:
            if isinstance(found := json_value(content), dict):
                return found
        except ValueError:
            pass
        raise ValueError(f"{self.address}/{name} holds no JSON object. Annotate into another folder, or --overwrite.")

    def write_object(self, name: str, content: Mapping[str, Any]) -> None:
        """Writes a JSON file, whole or not at all."""
        with self.written(name) as scratch:
            scratch.write_text(json.dumps(content, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")

    def write_rejected(self, number: int, rows: Sequence[Row]) -> None:
        """Writes the bad rows of a piece; nothing where there are none."""
        if rows:
            with self.written(self.rejected(number)) as scratch, scratch.open("wb") as file:
                file.writelines(json_line(row) for row in rows)

    @contextmanager
    def written(self, name: str) -> Iterator[Path]:
        """Gives a scratch file on this machine that becomes a file of the folder when the block ends without an error.

        On this machine it is renamed, elsewhere put, which an object store does as a whole.
        """
        system, path = self._opened
        if is_local(system):
            with atomic_file(f"{path}/{name}") as scratch:
                yield scratch
            return
        with tempfile.TemporaryDirectory() as folder:
            scratch = Path(folder) / Path(name).name
            scratch.touch()
            yield scratch
            system.makedirs(f"{path}/{name}".rpartition("/")[0], exist_ok=True)
            system.put_file(str(scratch), f"{path}/{name}")

    def remove(self, names: Collection[str]) -> None:
        """Removes files of the folder, the manifest last, so that what is left over is never taken for another's."""
        system, path = self._opened
        for name in sorted(names, key=lambda name: name == MANIFEST):
            system.rm_file(f"{path}/{name}")

    def counts(self, number: int) -> Counts | None:
        """What became of the rows of a piece; None where it is not done."""
        system, path = self._opened
        try:
            with system.open(f"{path}/{self.part(number)}", "rb") as file:
                posts = pq.ParquetFile(file).metadata.num_rows if self.format == "parquet" else _lines(file)
        except FileNotFoundError:
            return None
        return Counts(posts, (self.read(self.rejected(number)) or b"").count(b"\n"))


def _lines(file: Any) -> int:
    count = 0
    while chunk := file.read(1 << 20):
        count += chunk.count(b"\n")
    return count


class PartWriter:
    """Writes the rows of a part as they come.

    Args:
        path: The scratch file.
        format: Of the part.
    """

    def __init__(self, path: Path, format: str) -> None:
        self._path = path
        self._parquet: pq.ParquetWriter | None = None
        self._lines = path.open("wb") if format == "jsonl" else None
        self._waiting: list[pa.Table] = []
        self.posts = 0

    def write(self, rows: pa.Table | Sequence[Row]) -> None:
        """Writes some rows: columns into Parquet, values into JSONL."""
        self.posts += len(rows)
        if self._lines is not None:
            self._lines.writelines(map(json_line, rows))
            return
        self._waiting.append(rows)
        if sum(map(len, self._waiting)) >= _GROUP:
            self._write_group()

    def close(self) -> None:
        """Ends the file."""
        if self._waiting:
            self._write_group()
        for writer in (self._lines, self._parquet):
            if writer is not None:
                writer.close()

    def _write_group(self) -> None:
        rows = pa.concat_tables(self._waiting)
        if self._parquet is None:
            self._parquet = pq.ParquetWriter(self._path, rows.schema)
        if len(rows):
            self._parquet.write_table(rows)
        self._waiting.clear()
