"""Posts made up for speed measurements: words drawn from a Zipf law, as in real text."""

from __future__ import annotations

import numpy as np

from right_hf import Post


def zipf_posts(count: int, words: int = 15, vocabulary: int = 60_000, seed: int = 0) -> list[Post]:
    """`count` posts of `words` words each, with one or two of 5,000 hashtags."""
    generator = np.random.default_rng(seed)
    ranks = np.arange(1, vocabulary + 1)
    shares = 1 / (ranks + 20)  # flattened at the top, where the stop words would be
    drawn = generator.choice(vocabulary, size=(count, words), p=shares / shares.sum())
    hashtags = generator.zipf(1.3, size=(count, 2)) % 5_000
    return [
        Post(f"{i:07d}", " ".join(f"w{word}" for word in row), tuple(dict.fromkeys(f"tag {tag}" for tag in tags)))
        for i, (row, tags) in enumerate(zip(drawn.tolist(), hashtags.tolist(), strict=True))
    ]
