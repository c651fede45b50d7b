"""Hits as voices for their hashtags: nobody has two."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from right_hf.retriever.base import Hit


def one_voice_each(hits: Sequence[Hit]) -> list[Hit]:
    """The hits of one query without what repeats a better one.

    Of an account's posts with a hashtag one counts, and so does one of equal texts; a hit keeps the hashtags that are
    left, and goes with the last of them.
    """
    texts = {hit.post.text for hit in hits}
    authors = [hit.post.author for hit in hits if hit.post.author is not None]
    if len(texts) == len(hits) and len(set(authors)) == len(authors):
        return list(hits)  # as most are
    seen: set[tuple[str, str]] = set()
    kept: list[Hit] = []
    for hit in hits:
        post = hit.post
        marks = [post.text] if post.author is None else [post.text, f"\0{post.author}"]
        left = tuple(tag for tag in post.hashtags if not any((mark, tag) in seen for mark in marks))
        seen.update((mark, tag) for mark in marks for tag in post.hashtags)
        if left == post.hashtags:
            kept.append(hit)
        elif left:
            kept.append(Hit(replace(post, hashtags=left, spellings=()), hit.score))
    return kept
