"""The hashtags that a site allows."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import lru_cache
from pathlib import Path

from typing_extensions import Self

from right_hf.text.hashtags import hashtag_key, normalise_hashtag

#: Entries that a message names.
_NAMED = 5
#: Vocabularies kept for callers that pass their list anew each time.
_KEPT = 4


class Vocabulary:
    """The hashtags that a site allows, each in one form; it never changes.

    Hashtags are the same whose letters and digits are (see [`right_hf.text.hashtags.hashtag_key`]), so `"#DevOps" in
    Vocabulary(["dev ops"])`.

    Args:
        hashtags: In any spelling; of those that are the same the first one's form stays.

    Attributes:
        hashtags: Their forms, normalised, in the order given.

    Raises:
        TypeError: It is one string, or something in it is none.
        ValueError: There are none, or some have no letter and no digit.
    """

    __slots__ = ("__weakref__", "_forms", "_hash", "hashtags")

    def __init__(self, hashtags: Iterable[str]) -> None:
        entries = _listed(hashtags)
        forms: dict[str, str] = {}
        empty: list[str] = []
        for entry in entries:
            if not isinstance(entry, str):
                raise TypeError(f"A vocabulary holds strings, got {type(entry).__name__}: {entry!r:.80}. Remove it.")
            form = normalise_hashtag(entry)
            if key := hashtag_key(form):
                forms.setdefault(key, form)
            else:
                empty.append(entry)
        if empty:
            named = ", ".join(f"{entry!r:.80}" for entry in empty[:_NAMED])
            raise ValueError(
                f"{len(empty)} of {len(entries)} hashtags have no letter and no digit: {named}"
                f"{' …' if len(empty) > _NAMED else ''}. Remove them."
            )
        if not forms:
            raise ValueError("Got no hashtags. Give at least one, or None to allow them all.")
        self.hashtags: tuple[str, ...] = tuple(forms.values())
        # Forms beside keys, so that what is written as here is found without making its key.
        self._forms = {form: form for form in self.hashtags} | forms
        self._hash = hash(self.hashtags)

    @classmethod
    def of(cls, hashtags: Vocabulary | Iterable[str]) -> Vocabulary:
        """The vocabulary itself, or one of these hashtags; the last few are kept, so the same list costs little again.

        Raises:
            TypeError, ValueError: See [`Vocabulary`].
        """
        return hashtags if isinstance(hashtags, Vocabulary) else _kept(_listed(hashtags))

    @classmethod
    def from_file(cls, path: str | Path) -> Self:
        """Reads one hashtag a line, UTF-8; empty lines and comments, which begin with `# `, are left out.

        Raises:
            FileNotFoundError: There is no such file.
            ValueError: It is not UTF-8, or see [`Vocabulary`]; the message names the file.
        """
        if not Path(path).is_file():
            raise FileNotFoundError(f"There is no file {path}. Give a text file of hashtags, one a line.")
        try:
            lines = Path(path).read_text(encoding="utf-8-sig").splitlines()
            return cls(line for line in map(str.strip, lines) if line and line.split(maxsplit=1)[0] != "#")
        except UnicodeDecodeError as error:
            raise ValueError(f"{path} is not UTF-8: {error}. Save it as UTF-8, one hashtag a line.") from error
        except ValueError as error:
            raise ValueError(f"{path}: {error}") from error

    def form(self, hashtag: str) -> str:
        """The form that a hashtag has here, whatever its spelling.

        Raises:
            KeyError: It is not allowed.
        """
        found = self._found(hashtag)
        if found is None:
            raise KeyError(f"{hashtag!r:.80} is not in the vocabulary. Ask with `in` first.")
        return found

    def kept(self, hashtags: Iterable[str]) -> list[str]:
        """Those of some hashtags that are allowed, in their forms here, in order and without repeats."""
        found = map(self._found, hashtags)
        return list(dict.fromkeys(form for form in found if form is not None))

    def _found(self, hashtag: str) -> str | None:
        return self._forms.get(hashtag) or self._forms.get(hashtag_key(hashtag))

    def __contains__(self, hashtag: object) -> bool:
        return isinstance(hashtag, str) and self._found(hashtag) is not None

    def __iter__(self) -> Iterator[str]:
        return iter(self.hashtags)

    def __len__(self) -> int:
        return len(self.hashtags)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Vocabulary):
            return NotImplemented
        return self is other or (self._hash == other._hash and self.hashtags == other.hashtags)

    def __hash__(self) -> int:
        return self._hash

    def __repr__(self) -> str:
        return f"Vocabulary({len(self)} hashtags: {', '.join(self.hashtags[:_NAMED])}{' …' * (len(self) > _NAMED)})"

    def __reduce__(self) -> tuple[type[Self], tuple[tuple[str, ...]]]:
        return type(self), (self.hashtags,)  # hashes of strings differ from process to process

    def __copy__(self) -> Self:
        return self

    def __deepcopy__(self, memo: object) -> Self:
        return self


def _listed(hashtags: Iterable[str]) -> tuple[str, ...]:
    if isinstance(hashtags, str | bytes):
        raise TypeError(f"A vocabulary is made of many hashtags, got {hashtags!r:.80}. Put it into a list.")
    return tuple(hashtags)


@lru_cache(maxsize=_KEPT)
def _built(hashtags: tuple[str, ...]) -> Vocabulary:
    return Vocabulary(hashtags)


def _kept(hashtags: tuple[str, ...]) -> Vocabulary:
    try:
        return _built(hashtags)
    except TypeError:  # what cannot be hashed is no string either, and the vocabulary says so
        return Vocabulary(hashtags)
