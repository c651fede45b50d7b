"""The datasheet of a data set: Markdown with metadata in front, the one place where data are described by hand."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from huggingface_hub import DatasetCard


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
