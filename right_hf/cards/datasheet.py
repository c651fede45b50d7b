"""What is known of data: the datasheet, the one place where they are described by hand, and the licences of posts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from huggingface_hub import DatasetCard

from right_hf.posts import Post

#: What the Hub calls a licence that is not on its list.
OTHER = "other"
#: Licences of text and code on the Hub's list, by the names it gives them: the SPDX names in lower case.
_ON_THE_HUB = frozenset(
    {
        "afl-3.0", "agpl-3.0", "apache-2.0", "artistic-2.0", "bsd-2-clause", "bsd-3-clause", "bsl-1.0",
        "cc0-1.0", "cc-by-2.0", "cc-by-2.5", "cc-by-3.0", "cc-by-4.0", "cc-by-nc-2.0", "cc-by-nc-3.0",
        "cc-by-nc-4.0", "cc-by-nc-nd-3.0", "cc-by-nc-nd-4.0", "cc-by-nc-sa-2.0", "cc-by-nc-sa-3.0",
        "cc-by-nc-sa-4.0", "cc-by-nd-4.0", "cc-by-sa-3.0", "cc-by-sa-4.0", "epl-2.0", "eupl-1.1", "eupl-1.2",
        "gpl-2.0", "gpl-3.0", "isc", "lgpl-2.1", "lgpl-3.0", "mit", "mpl-2.0", "ms-pl", "odbl", "odc-by",
        "pddl", "unlicense", "wtfpl", "zlib",
    }
)  # fmt: skip


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


def _strings(metadata: dict[str, Any], key: str, path: Path) -> tuple[str, ...]:
    values = metadata.get(key, [])
    if not isinstance(values, list) or not all(isinstance(value, str) for value in values):
        raise ValueError(f"{path}: {key} must be a list of strings, got {values!r:.80}.")
    return tuple(values)


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
    return Datasheet(
        name=str(metadata["name"]),
        title=str(metadata.get("pretty_name", metadata["name"])),
        languages=_strings(metadata, "language", path),
        licenses=_strings(metadata, "licenses", path),
        examples=_strings(metadata, "examples", path),
        prose=card.text.strip(),
    )


def hub_license(spdx: str) -> str:
    """The Hub's name of a licence, "other" where its list lacks it."""
    name = spdx.lower().removesuffix("-only").removesuffix("-or-later")
    return name if name in _ON_THE_HUB else OTHER


def count_licenses(posts: Iterable[Post]) -> dict[str | None, int]:
    """Posts under each licence, most frequent first, ties by name; None where a post states none."""
    counts = Counter(post.license for post in posts)
    return dict(sorted(counts.items(), key=lambda item: (-item[1], item[0] or "")))


def licenses_text(counts: dict[str | None, int]) -> str:
    """The counts as prose: "MIT (26,000 posts), CC-BY-4.0 (300 posts)"."""
    return ", ".join(f"{name or 'no licence stated'} ({count:,} posts)" for name, count in counts.items())
