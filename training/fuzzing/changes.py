"""Posts added to, updated in and removed from an index that is open on its folder."""

from __future__ import annotations

import random
import tempfile
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from fuzzing.found import Faults
from fuzzing.recommending import batched
from right_hf import BM25Retriever, Corpus, Post
from right_hf.posts import prepared

_BATCH = 100
_QUERIES = 200
_START = [Post(f"start-{number}", text, ("start",)) for number, text in enumerate(("first post", "second post"))]


def change_all(posts: Iterable[str], seed: int, faults: Faults) -> dict[str, Any]:
    """Adds all posts, updates and removes some, and compares the opened index with one that is built anew.

    Posts that are wrong must be refused with a ValueError or TypeError that changes nothing.
    """
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch) / "index"
        BM25Retriever.from_posts(_START, analyser="unicode").save_pretrained(folder)
        living = _Living(BM25Retriever.open(folder), random.Random(seed), faults)
        for batch in batched(posts, _BATCH):
            living.take(batch)
        living.retriever.close()
        reopened = BM25Retriever.open(folder)
        _compare(reopened, living, faults)
        reopened.close()
        return {"posts": living.taken, "refused": living.refused, "kept": len(living.expected)}


class _Living:
    """An index that changes, with the posts that it should hold."""

    def __init__(self, retriever: BM25Retriever, chance: random.Random, faults: Faults) -> None:
        self.retriever = retriever
        self.expected = {post.id: post for post in retriever.corpus}
        self.taken = self.refused = 0
        self._chance = chance
        self._faults = faults

    def take(self, batch: Sequence[str]) -> None:
        """Adds posts with these texts; then updates and removes some of all."""
        good: list[Post] = []
        for text in batch:
            post = self._post(text)
            self.taken += 1
            try:
                good.append(prepared(post))
            except (TypeError, ValueError):
                self.refused += 1
                self._refused(partial(self.retriever.add, [*good, post]), post)
            except Exception as error:
                self._faults.error("prepared", error, post)
        self._do("add", lambda: self.retriever.add(good), good)
        if good:
            self._refused(lambda: self.retriever.add(good[:1]), good[0])  # its id is taken
        self.expected |= {post.id: post for post in good}
        self._update_and_remove()
        if len(self.retriever.corpus) != len(self.expected):
            self._faults.note("add: another number of posts than expected", batch)

    def _update_and_remove(self) -> None:
        ids = list(self.expected)
        changed = [replace(self.expected[chosen], text="another text") for chosen in self._some(ids)]
        self._do("update", lambda: self.retriever.update(changed), changed)
        self.expected |= {post.id: post for post in changed}
        gone = self._some([chosen for chosen in ids if not chosen.startswith("start")])
        self._do("remove", lambda: self.retriever.remove(gone), gone)
        for chosen in gone:
            del self.expected[chosen]

    def _some(self, ids: list[str]) -> list[str]:
        return self._chance.sample(ids, min(len(ids), self._chance.randrange(8)))

    def _post(self, text: str) -> Post:
        """A post with this text, and pieces of it as hashtags and as all else that it may have."""
        chance = self._chance

        def piece() -> str:
            start = chance.randrange(len(text) + 1)
            return text[start : start + chance.randint(1, 20)]

        hashtags = tuple(piece() or "tag" for _ in range(chance.randint(0, 4)))
        spellings = tuple(piece() if chance.random() < 0.3 else "" for _ in hashtags)
        time = chance.choice((None, "2020-02-29T12:00:00Z", "2020-02-29", piece()[:1] or "x"))
        name = f"{self.taken}-{piece()[:3]}"
        author = piece() if chance.random() < 0.1 else None
        return Post(name, text, hashtags, time, author=author, spellings=spellings if chance.random() < 0.5 else ())

    def _do(self, what: str, change: Callable[[], None], posts: object) -> None:
        try:
            change()
        except Exception as error:
            self._faults.error(what, error, posts)

    def _refused(self, change: Callable[[], None], post: Post) -> None:
        """A change that must be refused and change nothing."""
        before = self.retriever.corpus
        try:
            change()
            self._faults.note("add: what is wrong was taken", post)
        except (TypeError, ValueError):
            after = self.retriever.corpus  # another object where parts were merged meanwhile
            if after is not before and {post.id: post for post in after} != {post.id: post for post in before}:
                self._faults.note("add: what was refused changed something", post)
        except Exception as error:
            self._faults.error("add", error, post)


def _compare(opened: BM25Retriever, living: _Living, faults: Faults) -> None:
    """The posts of an opened index, and what it finds, must be those of the living one and of one built anew."""
    kept = {post.id: post for post in living.retriever.corpus}  # hashtags in the forms that came first
    wrong = [post for name, post in living.expected.items() if name not in kept or kept[name].text != post.text]
    if wrong or len(kept) != len(living.expected):
        faults.note("add: other posts than were added", wrong[:1])
    found = {post.id: post for post in opened.corpus}
    if found != kept:
        different = [(post, found.get(name)) for name, post in kept.items() if found.get(name) != post]
        faults.note("add: other posts after opening again", different[:1])
    anew = BM25Retriever(Corpus(list(kept.values())), "unicode")
    queries = [post.text for post in kept.values() if post.text][:_QUERIES]
    if opened.search(queries) != anew.search(queries):
        faults.note("add: another search than that of an index built anew", queries[:1])
