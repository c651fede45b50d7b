"""What a system says about a post."""

from __future__ import annotations

from typing import NamedTuple


class Answer(NamedTuple):
    """What a system says about one post.

    Attributes:
        ranking: Its hashtags, best first, up to five; F1@K looks at the first K.
        sequence: The hashtags it would write under the post; ROUGE looks at these.
    """

    ranking: list[str]
    sequence: list[str]
