"""Posts made up for speed measurements, as long as real ones and with words as common."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from right_hf import Post

#: Words of a post besides stop words, drawn evenly between these; 125,000 English tweets have 11.1 on average.
_WORDS = (5, 17)
#: Word shares are 1 / (rank + 5): flattened at the top, where the stop words would be. A post's words then occur in
#: 0.23 x posts of the corpus, all added up, as they do in those tweets (0.22).
_FLATTENED = 5


#: Posts of a stream that are made at once.
_CHUNK = 50_000


def zipf_stream(count: int) -> Iterator[Post]:
    """`count` posts as those of [`zipf_posts`], of which few are in memory."""
    for first in range(0, count, _CHUNK):
        for row, post in enumerate(zipf_posts(min(_CHUNK, count - first), seed=1_000 + first // _CHUNK)):
            yield replace(post, id=f"{first + row:09}")


def zipf_posts(count: int, vocabulary: int = 70_000, seed: int = 0) -> list[Post]:
    """`count` posts with one or two of 5,000 hashtags."""
    generator = np.random.default_rng(seed)
    shares = 1 / (np.arange(1, vocabulary + 1) + _FLATTENED)
    lengths = generator.integers(_WORDS[0], _WORDS[1], size=count, endpoint=True)
    drawn = [f"w{word}" for word in generator.choice(vocabulary, size=lengths.sum(), p=shares / shares.sum()).tolist()]
    hashtags = generator.zipf(1.3, size=(count, 2)) % 5_000
    ends = np.cumsum(lengths)
    return [
        Post(f"{i:07d}", " ".join(drawn[first:last]), tuple(dict.fromkeys(f"tag {tag}" for tag in tags)))
        for i, (first, last, tags) in enumerate(
            zip((ends - lengths).tolist(), ends.tolist(), hashtags.tolist(), strict=True)
        )
    ]
