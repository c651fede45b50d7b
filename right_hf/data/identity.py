"""Ids for posts that come without one."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Iterable, Iterator

from right_hf.posts import Post


def content_id(post: Post) -> str:
    """An id that depends on text and hashtags only, not on the place in a file: 20 hexadecimal digits."""
    content = json.dumps([post.text, post.hashtags], ensure_ascii=False)
    return hashlib.blake2b(content.encode(), digest_size=10).hexdigest()


def identified(posts: Iterable[Post]) -> Iterator[Post]:
    """Gives posts without ids their [`content_id`]; of posts with equal text and hashtags only the first is kept."""
    seen: set[str] = set()
    for post in posts:
        found = content_id(post)
        if found not in seen:
            seen.add(found)
            yield dataclasses.replace(post, id=found)
