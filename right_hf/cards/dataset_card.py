"""What is told of data: the datasheet, the one place where it is by hand, licences, and the card of a data set."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from huggingface_hub import DatasetCard, DatasetCardData

from right_hf.posts import Post

_TEMPLATE = Path(__file__).with_suffix(".md")
#: Upper bounds of the Hub's size categories.
_SIZES = {1_000: "n<1K", 10_000: "1K<n<10K", 100_000: "10K<n<100K", 1_000_000: "100K<n<1M", 10_000_000: "1M<n<10M"}
#: What the Hub calls a licence that is not on its list.
OTHER = "other"
#: Licences of text and code on the Hub's list, by the names it gives them: the SPDX names in lower case.
_ON_THE_HUB = """
afl-3.0 agpl-3.0 apache-2.0 artistic-2.0 bsd-2-clause bsd-3-clause bsl-1.0 cc0-1.0 cc-by-2.0 cc-by-2.5
cc-by-3.0 cc-by-4.0 cc-by-nc-2.0 cc-by-nc-3.0 cc-by-nc-4.0 cc-by-nc-nd-3.0 cc-by-nc-nd-4.0 cc-by-nc-sa-2.0
cc-by-nc-sa-3.0 cc-by-nc-sa-4.0 cc-by-nd-4.0 cc-by-sa-3.0 cc-by-sa-4.0 epl-2.0 eupl-1.1 eupl-1.2 gpl-2.0
gpl-3.0 isc lgpl-2.1 lgpl-3.0 mit mpl-2.0 ms-pl odbl odc-by pddl unlicense wtfpl zlib"""


@dataclass(frozen=True)
class Datasheet:
    """What is known of a data set before anything is counted.

    Attributes:
        name: Short name; its place on the Hub (`user/name`) where it has one.
        title: Name for people.
        languages: ISO 639-1 codes.
        licenses: SPDX names of the licences of its posts.
        examples: Posts to try a model with, made up, so that they belong to nobody.
        prose: Where the posts come from and what was done with them, as Markdown.
    """

    name: str
    title: str
    languages: tuple[str, ...]
    licenses: tuple[str, ...]
    examples: tuple[str, ...]
    prose: str


def read_datasheet(path: str | Path) -> Datasheet:
    """Reads a datasheet.

    Raises:
        FileNotFoundError: There is no such file.
        ValueError: The metadata are no YAML mapping, or lack `name`, `language` or `licenses`.
    """
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"No datasheet at {path}. Give a Markdown file with metadata, as in model_cards/.")
    try:
        card = DatasetCard(path.read_text(encoding="utf-8"))
        metadata: dict[str, Any] = card.data.to_dict()  # type: ignore[no-untyped-call]
    except (ValueError, yaml.YAMLError) as error:
        raise ValueError(f"{path} holds no readable metadata: {error}") from error
    if missing := [key for key in ("name", "language", "licenses") if not metadata.get(key)]:
        raise ValueError(f"{path}: the metadata lack {', '.join(missing)}. Add them between the two lines of dashes.")
    lists = {key: metadata.get(key, []) for key in ("language", "licenses", "examples")}
    for key, values in lists.items():
        if not isinstance(values, list) or not all(isinstance(value, str) for value in values):
            raise ValueError(f"{path}: {key} must be a list of strings, got {values!r:.80}.")
    languages, licenses, examples = map(tuple, lists.values())
    title = str(metadata.get("pretty_name", metadata["name"]))
    return Datasheet(str(metadata["name"]), title, languages, licenses, examples, card.text.strip())


def hub_license(spdx: str) -> str:
    """The Hub's name of a licence, "other" where its list lacks it."""
    name = spdx.lower().removesuffix("-only").removesuffix("-or-later")
    return name if name in _ON_THE_HUB.split() else OTHER


def count_licenses(posts: Iterable[Post]) -> dict[str | None, int]:
    """Posts under each licence, most frequent first, ties by name; None where a post states none."""
    counts = Counter(post.license for post in posts)
    return dict(sorted(counts.items(), key=lambda item: (-item[1], item[0] or "")))


def hub_licenses(names: Iterable[str | None]) -> tuple[list[str], str | None]:
    """The Hub's names of licences, each once and "other" for none; and those that its list lacks, as one string."""
    stated = list(names)
    unlisted = ", ".join(name for name in stated if name and hub_license(name) == OTHER)
    return list(dict.fromkeys(hub_license(name) if name else OTHER for name in stated)), unlisted or None


def licenses_text(counts: dict[str | None, int]) -> str:
    """The counts as prose: "MIT (26,000 posts), CC-BY-4.0 (300 posts)." and a warning where a post states none."""
    text = ", ".join(f"{name or 'no licence stated'} ({count:,} posts)" for name, count in counts.items())
    return text + (". Posts without a stated licence must not be passed on." if None in counts else ".")


def split_file(split: str) -> str:
    """Where a split lies in its repository."""
    return f"data/{split}.parquet"


def render_dataset_card(splits: Mapping[str, Sequence[Post]], name: str, datasheet: Datasheet | None = None) -> str:
    """The card as Markdown with YAML metadata, from which `datasets.load_dataset` finds the splits."""
    posts = [post for split in splits.values() for post in split]
    licenses = count_licenses(posts)
    title = datasheet.title if datasheet else name
    names, unlisted = hub_licenses(licenses)
    files = [{"split": split, "path": split_file(split)} for split in splits]
    metadata = DatasetCardData(
        pretty_name=title,
        language=list(datasheet.languages) if datasheet else None,
        license=names,
        license_name=unlisted,
        size_categories=next((size for bound, size in _SIZES.items() if len(posts) < bound), "n>10M"),
        tags=["hashtag-recommendation", "hashtags"],
        configs=[{"config_name": "default", "data_files": files}],
    )
    text = _TEMPLATE.read_text(encoding="utf-8").format(
        metadata=metadata.to_yaml(),
        title=title,
        counts=_counts(splits),
        licenses=licenses_text(licenses),
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
