"""Which hashtags are one: `covid 19`, `covid-19` and `Covid19`; and, by a table, `bots` and `bot`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from right_hf.text.hashtags import hashtag_key


class Forms:
    """The form under which each hashtag of a corpus is kept: the first that came of those that are one.

    It only ever grows, so that one thread may add to it while others read.

    Args:
        variants: By hashtag the one that it is counted as, and kept as; none of these is a variant itself.

    Raises:
        ValueError: A hashtag is a variant of one that is a variant.
    """

    def __init__(self, variants: Mapping[str, str] | None = None) -> None:
        self.variants = dict(variants or {})
        self._mains = {hashtag_key(variant): hashtag_key(main) for variant, main in self.variants.items()}
        if chained := next((main for main in self._mains.values() if main in self._mains), None):
            raise ValueError(f"{chained!r} is a variant, and has variants. Name the same hashtag for all of them.")
        self._by_key = {hashtag_key(main): main for main in self.variants.values()}
        self._by_hashtag: dict[str, str] = {}  # saves making keys of those seen before
        self._variants_of: dict[str, list[str]] = {}
        for variant, main in self._mains.items():
            self._variants_of.setdefault(main, []).append(variant)

    def _key(self, hashtag: str) -> str:
        key = hashtag_key(hashtag)
        return self._mains.get(key, key)

    def find(self, hashtag: str) -> str | None:
        """The form of a hashtag; None where neither it nor one that it is one with has come."""
        found = self._by_hashtag.get(hashtag)
        return self._by_key.get(self._key(hashtag)) if found is None else found

    def take(self, hashtag: str) -> str:
        """The form of a hashtag that comes; its own where it is the first."""
        found = self._by_hashtag.get(hashtag)
        if found is None:
            found = self._by_key.setdefault(self._key(hashtag), hashtag)
            self._by_hashtag[hashtag] = found
        return found

    def of_key(self, key: str) -> str | None:
        """The form of the hashtag with a key; None where none has come."""
        return self._by_key.get(self._mains.get(key, key))

    def keys_of(self, hashtag: str) -> Sequence[str]:
        """The keys of the hashtags that are one with a hashtag, the one that they are counted as first."""
        key = self._key(hashtag)
        return (key, *self._variants_of.get(key, ()))
