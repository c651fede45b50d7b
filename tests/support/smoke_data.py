"""A data folder for the training scripts: made-up posts on a few topics, with the hashtags of the topic
and now and then one that the text says nothing about."""

from __future__ import annotations

import json
import random
from pathlib import Path

_TOPICS = {
    ("cloud", "dev ops"): "server storage deploy cluster cloud bill container latency region migrate",
    ("baking",): "bread flour oven dough salt yeast crust warm kitchen loaf",
    ("football",): "match goal team coach stadium season league keeper late win",
    ("climate change", "coral"): "sea reef warm ocean season report storm farmers drought ice",
}
_CHATTER = ["monday", "news", "life", "fun"]


def write_splits(folder: Path, sizes: dict[str, int] | None = None) -> Path:
    """Writes train.jsonl, validation.jsonl and test.jsonl into `folder`; always the same posts."""
    rng = random.Random(0)
    folder.mkdir(parents=True, exist_ok=True)
    for month, (split, size) in enumerate((sizes or {"train": 48, "validation": 16, "test": 8}).items(), start=1):
        with (folder / f"{split}.jsonl").open("w", encoding="utf-8") as file:
            for number in range(size):
                hashtags, words = rng.choice(list(_TOPICS.items()))
                text = " ".join(rng.choices(words.split(), k=8)) + f" {split} {number}"
                tags = [*hashtags, *rng.sample(_CHATTER, k=rng.randrange(2))]
                if split != "train" and number % 2:
                    tags.append(f"news of {split}")  # which nobody knew before
                record = {"id": f"{split}-{number:03d}", "text": text, "hashtags": tags, "license": "MIT"}
                record["created_at"] = f"2020-0{month}-{1 + number % 28:02d}T12:{number % 60:02d}:00Z"
                file.write(json.dumps(record) + "\n")
    return folder
