"""What the server does, whatever asks for it: recommending, completing, telling what is in use, changing the corpus."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

from right_hf.completion import Completed, HashtagCompletion, as_shown
from right_hf.model import RightModel
from right_hf.popularity import HashtagPopularity
from right_hf.posts import Post
from right_hf.ranker.records import Recommendation
from right_hf.registry import saved_class
from right_hf.server.refused import RefusedError

logger = logging.getLogger(__name__)

#: Seconds for which hashtags in use are not counted again.
_RANKED_FOR = 1.0
_NOT_OPEN = "The index was not opened for changes. Start the server with --open INDEX."


@dataclass(frozen=True, slots=True)
class Trend:
    """A hashtag that is in use.

    Attributes:
        hashtag: The hashtag in the style asked for, without hash sign.
        posted: As it is posted, with its hash sign.
        score: Of a rising one how surely it rises, about a standard normal; of a popular one how many accounts use it,
            each use by its age (see [`right_hf.popularity.HashtagPopularity`]).
    """

    hashtag: str
    posted: str
    score: float


class Service:
    """A model as a server uses it.

    Args:
        model: The model.
        read_only: Why its corpus takes no changes; None if its retriever was opened from a folder, so that a change is
            on disk when it is acknowledged.
        refresh: Seconds between two looks at what others changed in a corpus that is shared with them; None for none.
    """

    def __init__(self, model: RightModel, read_only: str | None = _NOT_OPEN, refresh: float | None = None) -> None:
        self.model = model
        self.read_only = read_only
        self._retriever: Any = model.retriever  # one that can be saved and closed, unless it is read-only
        self._completion = HashtagCompletion(self._retriever)
        self._popularity = HashtagPopularity()
        self._ranking = threading.Lock()
        self._ranked_until, self._in_use = 0.0, dict[str, list[tuple[str, float]]]()
        self._write_failed = False
        self._popularity.forget(time.time())  # so that old posts are not even counted
        self._popularity.follow(self._retriever)
        self._closed = threading.Event()
        if refresh is not None:
            threading.Thread(target=self._keep_fresh, args=(refresh,), daemon=True, name="refresh").start()

    def _keep_fresh(self, pause: float) -> None:
        """Takes up what others changed, until the service is closed."""
        while not self._closed.wait(pause):
            try:
                self.model.refresh()
            except Exception as error:  # such as a store that is not reached for a while
                logger.warning("The corpus could not be looked at for changes: %s", error)

    @classmethod
    def open(cls, model: RightModel, folder: Path) -> Service:
        """Serves an index that lies in a folder, opened for changes; read-only where another process holds it."""
        kind: Any = saved_class("retriever", folder)
        try:
            retriever, read_only = kind.open(folder), None
        except RuntimeError as error:
            retriever = kind.from_pretrained(folder)
            read_only = f"{error} Until then this server answers from the posts that were there when it started."
            logger.warning("%s", read_only)
        model.retriever = retriever
        return cls(model, read_only)

    def recommend(self, posts: Sequence[str], **wishes: Any) -> list[list[Recommendation]]:
        """See [`right_hf.recommender.Recommender.recommend`]."""
        return self.model.recommend(posts, **wishes)

    def complete(
        self, prefix: str, limit: int = 10, style: str = "common", platform: str | None = None
    ) -> list[Completed]:
        """Hashtags of the corpus that begin with a prefix, in most use first.

        Raises:
            ValueError: The style or the platform is unknown.
        """
        return self._completion.complete(prefix, limit, style, platform)

    def trending(self, limit: int = 10, style: str = "common", platform: str | None = None) -> dict[str, list[Trend]]:
        """Hashtags that rise, and that are popular, at this moment; only posts that tell their time count.

        Raises:
            ValueError: The style or the platform is unknown.
        """
        shown = as_shown(self._retriever.corpus, style, platform)
        return {
            name: list(
                islice((Trend(*pair, score=round(score, 4)) for tag, score in pairs if (pair := shown(tag))), limit)
            )
            for name, pairs in self._ranked(time.time()).items()
        }

    def _ranked(self, now: float) -> dict[str, list[tuple[str, float]]]:
        """All hashtags in use, best first: counted by one thread, and again after a second, for it takes time."""
        with self._ranking:
            if now >= self._ranked_until:
                self._popularity.forget(now)
                popularities = self._popularity.popularities(now)
                rising = self._popularity.rising(now, len(popularities))
                self._in_use = {
                    "rising": [(one.hashtag, one.score) for one in rising],
                    "popular": sorted(popularities.items(), key=lambda pair: (-pair[1], pair[0])),
                }
                self._ranked_until = now + _RANKED_FOR
            return self._in_use

    @property
    def posts(self) -> int:
        """How many posts the corpus has."""
        return len(self._retriever.corpus)

    def add(self, posts: Sequence[Post]) -> int:
        """Adds posts, which can be suggested from when this returns; gives how many the corpus has then.

        Raises:
            RefusedError: An id is taken, or see [`remove`].
            ValueError: A post is wrong; none is added.
        """
        self._check_open()
        held = self._retriever.corpus.held([post.id for post in posts])
        if taken := [post.id for post in posts if post.id in held]:
            raise RefusedError(
                409, f"The corpus already holds {_named(taken)}. Nothing was added; replace posts with PUT /posts."
            )
        return self._change(lambda: self.model.add(posts))

    def update(self, posts: Sequence[Post]) -> int:
        """Puts posts in the place of those with the same ids; as [`add`], but the ids must be there."""
        self._check_open()
        self._check_held([post.id for post in posts])
        return self._change(lambda: self.model.update(posts))

    def remove(self, ids: Sequence[str]) -> int:
        """Removes posts; gives how many are left.

        Raises:
            RefusedError: There is no such post; or the corpus takes no changes, for example because the disk is full.
        """
        self._check_open()
        self._check_held(ids)
        return self._change(lambda: self.model.remove(ids))

    def _check_held(self, ids: Sequence[str]) -> None:
        held = self._retriever.corpus.held(ids)
        if missing := [post_id for post_id in ids if post_id not in held]:
            raise RefusedError(
                404, f"The corpus does not hold {_named(missing)}. Nothing was changed; add posts with POST /posts."
            )

    def _check_open(self) -> None:
        if self.read_only is not None:
            raise RefusedError(409, self.read_only)

    def _change(self, change: Callable[[], None]) -> int:
        try:
            if self._write_failed:  # after which a journal takes no more; a new one begins with a saved index
                self._retriever.save()
                self._write_failed = False
            change()
        except OSError as error:
            self._write_failed = True
            raise RefusedError(
                507, f"Nothing was changed: the index could not be written ({error}). Free space and send it again."
            ) from error
        except RuntimeError as error:
            raise RefusedError(409, str(error)) from error
        return self.posts

    def close(self) -> None:
        """Lets go of the index's folder."""
        self._closed.set()
        if self.read_only is None:
            self.read_only = _NOT_OPEN
            self._retriever.close()


def _named(ids: Sequence[str]) -> str:
    """A few ids, in words."""
    more = f" and {len(ids) - 3} more" if len(ids) > 3 else ""
    return f"the post{'s' if len(ids) > 1 else ''} {', '.join(f'{one!r:.80}' for one in ids[:3])}{more}"
