"""The card of a data set of posts, filled by counting and from its datasheet."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from huggingface_hub import DatasetCard, DatasetCardData

from right_hf.cards.datasheet import OTHER, Datasheet, count_licenses, hub_license, licenses_text
from right_hf.posts import Post

_TEMPLATE = Path(__file__).with_suffix(".md")
#: Upper bounds of the Hub's size categories.
_SIZES = {1_000: "n<1K", 10_000: "1K<n<10K", 100_000: "10K<n<100K", 1_000_000: "100K<n<1M", 10_000_000: "1M<n<10M"}


def split_file(split: str) -> str:
    """Where a split lies in its repository."""
    return f"data/{split}.parquet"


def render_dataset_card(splits: Mapping[str, Sequence[Post]], name: str, datasheet: Datasheet | None = None) -> str:
    """The card as Markdown with YAML metadata, from which `datasets.load_dataset` finds the splits."""
    posts = [post for split in splits.values() for post in split]
    licenses = count_licenses(posts)
    names = list(dict.fromkeys(hub_license(name) if name else OTHER for name in licenses))
    unlisted = [name for name in licenses if name and hub_license(name) == OTHER]
    files = [{"split": split, "path": split_file(split)} for split in splits]
    metadata = DatasetCardData(
        pretty_name=datasheet.title if datasheet else name,
        language=list(datasheet.languages) if datasheet else None,
        license=names,
        license_name=", ".join(unlisted) or None,
        size_categories=next((size for bound, size in _SIZES.items() if len(posts) < bound), "n>10M"),
        tags=["hashtag-recommendation", "hashtags"],
        configs=[{"config_name": "default", "data_files": files}],
    )
    text = _TEMPLATE.read_text(encoding="utf-8").format(
        metadata=metadata.to_yaml(),
        title=datasheet.title if datasheet else name,
        counts=_counts(splits),
        licenses=licenses_text(licenses),
        unstated=" Posts without a stated licence must not be passed on." if None in licenses else "",
        data=datasheet.prose if datasheet else "No datasheet was given with the posts.",
    )
    return str(DatasetCard(text))


def _counts(splits: Mapping[str, Sequence[Post]]) -> str:
    rows = ["| split | posts | hashtags a post | different hashtags | dated posts |", "|---|---:|---:|---:|---:|"]
    for name, posts in splits.items():
        hashtags = [hashtag for post in posts for hashtag in post.hashtags]
        dated = sum(post.created_at is not None for post in posts)
        mean = len(hashtags) / len(posts) if posts else 0.0
        rows.append(f"| {name} | {len(posts):,} | {mean:.2f} | {len(set(hashtags)):,} | {dated:,} |")
    return "\n".join(rows)
