"""Which hashtags are one: `covid 19`, `covid-19` and `Covid19`; and, by a table, `bots` and `bot`."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from right_hf.posts import Post
from right_hf.spelling.variant_table import merged_keys
from right_hf.spelling.variants import Merge
from right_hf.text.hashtags import hashtag_key


class Forms:
    """The form under which each hashtag of a corpus is kept: the first that came of those with the same key.

    Variants by a table (singular and plural) are kept apart, for posts tell which of them fits; they are one where
    hashtags are counted and suggested. It only ever grows, so that one thread may add to it while others read.

    Args:
        variants: Pairs of hashtags that are one.

    Raises:
        ValueError: Variants lead to each other in a circle.
    """

    def __init__(self, variants: Iterable[Merge] = ()) -> None:
        self.variants = tuple(variants)
        self._mains = merged_keys(self.variants)
        self._by_key: dict[str, str] = {}
        self._by_hashtag: dict[str, str] = {}  # saves making keys of those seen before
        self._variants_of: dict[str, list[str]] = {}
        for variant, main in self._mains.items():
            self._variants_of.setdefault(main, []).append(variant)

    def find(self, hashtag: str) -> str | None:
        """The form of a hashtag; None where none with its key has come."""
        found = self._by_hashtag.get(hashtag)
        return self._by_key.get(hashtag_key(hashtag)) if found is None else found

    def take(self, hashtag: str) -> str:
        """The form of a hashtag that comes; its own where it is the first."""
        found = self._by_hashtag.get(hashtag)
        if found is None:
            found = self._by_key.setdefault(hashtag_key(hashtag), hashtag)
            self._by_hashtag[hashtag] = found
        return found

    def of_key(self, key: str) -> str | None:
        """The form of the hashtag with a key; None where none has come."""
        return self._by_key.get(key)

    def keys_of(self, hashtag: str) -> Sequence[str]:
        """The keys of the hashtags that are one with a hashtag, the main one first."""
        key = hashtag_key(hashtag)
        key = self._mains.get(key, key)
        return (key, *self._variants_of.get(key, ()))


def in_forms(post: Post, forms: Forms) -> Post:
    """A prepared post with its hashtags in the forms of a corpus, which takes them up."""
    taken = [forms.take(hashtag) for hashtag in post.hashtags]
    # Where the author's spelling is not known, what the post was given with says how it was, so nothing is lost.
    written = post.spellings or ("",) * len(taken)
    kept: dict[str, str] = {}
    for form, hashtag, spelling in zip(taken, post.hashtags, written, strict=True):
        kept.setdefault(form, spelling or ("" if form == hashtag else hashtag))
    spellings = tuple(kept.values()) if any(kept.values()) else ()
    if tuple(kept) == post.hashtags and spellings == post.spellings:
        return post
    return replace(post, hashtags=tuple(kept), spellings=spellings)
