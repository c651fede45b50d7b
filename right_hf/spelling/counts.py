"""How often each spelling of a hashtag is used."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator, Mapping
from pathlib import Path

from right_hf.persistence import read_object, write_json
from right_hf.text.characters import visible
from right_hf.text.hashtags import hashtag_key

SPELLINGS_FILE = "spellings.json"
_NONE: Mapping[str, int] = {}


class SpellingCounts:
    """Uses of spellings (`IoT`, `iot`) by the key of their hashtag.

    One thread may change it while others read: the spellings of a hashtag are replaced as a whole, never changed.
    """

    def __init__(self, uses: Mapping[str, int] | None = None) -> None:
        self._by_key: dict[str, Mapping[str, int]] = {}
        #: Kept by whoever makes something of the counts, with them as they are: a change puts an empty one here.
        self.memo: dict[Hashable, str | None] = {}
        self.add_all(uses or {})

    def add_all(self, uses: Mapping[str, int]) -> None:
        """Counts uses of many spellings; errors as in [`add`], of which nothing is counted then."""
        self.memo = {}
        merged: dict[str, dict[str, int]] = {}
        for written, number in uses.items():
            spelling, number = plain_spelling(written), _whole(written, number)
            if key := hashtag_key(spelling):
                known = merged.get(key)
                if known is None:
                    known = merged[key] = dict(self._by_key.get(key, _NONE))
                known[spelling] = known.get(spelling, 0) + number
        self._by_key.update(merged)

    def add(self, spelling: str, number: int = 1) -> None:
        """Counts uses of a spelling; one without letters and digits (`""` stands for an unknown one) is passed over.

        Raises:
            ValueError: `number` is no whole number above 0.
        """
        self._change(spelling, _whole(spelling, number))

    def remove(self, spelling: str, number: int = 1) -> None:
        """Takes uses of a spelling back.

        Raises:
            ValueError: So many were never counted, or `number` is no whole number above 0.
        """
        self._change(spelling, -_whole(spelling, number))

    def _change(self, spelling: str, change: int) -> None:
        spelling = plain_spelling(spelling)
        key = hashtag_key(spelling)
        if not key:
            return
        old = self._by_key.get(key, _NONE)
        left = old.get(spelling, 0) + change
        if left < 0:
            raise ValueError(
                f"{-change} uses of {spelling!r} were to be removed, but {old.get(spelling, 0)} are counted. "
                "Remove only what was added."
            )
        self.memo = {}
        new = {other: number for other, number in old.items() if other != spelling or left}
        if left:
            new[spelling] = left
        if new:
            self._by_key[key] = new
        else:
            self._by_key.pop(key, None)

    def of(self, hashtag: str) -> Mapping[str, int]:
        """The spellings of a hashtag (in whatever form) and their uses; a snapshot, not to be changed."""
        return self.of_key(hashtag_key(hashtag))

    def of_key(self, key: str) -> Mapping[str, int]:
        """The same for a [`hashtag_key`]."""
        return self._by_key.get(key, _NONE)

    def most_common(self, hashtag: str) -> str | None:
        """The spelling with the most uses (ties by spelling), or None where none is known."""
        spellings = self.of(hashtag)
        return min(spellings, key=lambda spelling: (-spellings[spelling], spelling), default=None)

    def total(self, hashtag: str) -> int:
        """The uses of all spellings of a hashtag."""
        return sum(self.of(hashtag).values())

    def update(self, other: SpellingCounts) -> None:
        """Counts the uses that others counted, too."""
        self.memo = {}
        for key, spellings in other.items():
            merged = dict(self._by_key.get(key, _NONE))
            for spelling, number in spellings.items():
                merged[spelling] = merged.get(spelling, 0) + number
            self._by_key[key] = merged

    @classmethod
    def merged(cls, parts: Iterable[SpellingCounts]) -> SpellingCounts:
        """The uses of several as one, which shares nothing that changes with them."""
        counts = cls()
        for part in parts:
            counts.update(part)
        return counts

    def copy(self) -> SpellingCounts:
        """Counts that go their own way from here on."""
        return SpellingCounts.merged([self])

    def items(self) -> Iterator[tuple[str, Mapping[str, int]]]:
        """Keys and their spellings, of the moment of the call, sorted by key."""
        return iter(sorted(list(self._by_key.items())))

    def keys(self) -> list[str]:
        """The keys of the hashtags of which a spelling is known, sorted."""
        return sorted(list(self._by_key))

    def __len__(self) -> int:
        return len(self._by_key)

    def __contains__(self, hashtag: str) -> bool:
        return hashtag_key(hashtag) in self._by_key

    def __eq__(self, other: object) -> bool:
        return isinstance(other, SpellingCounts) and self._by_key == other._by_key

    __hash__ = None  # type: ignore[assignment]

    def save(self, folder: Path) -> None:
        """Writes `spellings.json` into a folder, a spelling a line: by key, the most used first."""
        content = {
            spelling: spellings[spelling]
            for _, spellings in self.items()
            for spelling in sorted(spellings, key=lambda spelling: (-spellings[spelling], spelling))
        }
        write_json(folder / SPELLINGS_FILE, content)

    @classmethod
    def load(cls, folder: Path) -> SpellingCounts:
        """Reads what [`save`] wrote; a folder without the file holds no counts.

        Raises:
            ValueError: The file is damaged; the message names it.
        """
        path = folder / SPELLINGS_FILE
        if not path.is_file():
            return cls()
        try:
            return cls(read_object(path))
        except ValueError as error:
            raise ValueError(f"{path}: {error} Correct or remove the file.") from error


def plain_spelling(spelling: str) -> str:
    """A spelling without hash sign and what cannot be seen."""
    return visible(spelling).lstrip("#\uff03\ufe5f").strip()


def _whole(spelling: str, number: int) -> int:
    if not isinstance(number, int) or isinstance(number, bool) or number < 1:
        raise ValueError(f"The uses of {spelling!r} must be a whole number above 0, got {number!r}.")
    return number
