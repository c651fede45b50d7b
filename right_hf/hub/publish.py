"""Uploads of what is no checkpoint: data sets of posts, and metrics."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from datasets import Dataset, Features, Value
from datasets import Sequence as SequenceFeature
from typing_extensions import Unpack

from right_hf import __version__
from right_hf.cards.dataset_card import Datasheet, render_dataset_card, split_file
from right_hf.hub.arguments import UploadArguments, show_arguments
from right_hf.hub.push import HANDLER_FILE, push_folder
from right_hf.metrics.hub import metric_folder
from right_hf.persistence import write_text
from right_hf.posts import Post

_TEXT = Value("string")
_FEATURES = Features(id=_TEXT, text=_TEXT, hashtags=SequenceFeature(_TEXT), created_at=_TEXT, license=_TEXT)


def write_dataset(
    folder: Path,
    splits: Mapping[str, Sequence[Post]],
    name: str,
    datasheet: Datasheet | None = None,
    allow_unlicensed: bool = False,
) -> None:
    """Writes a data set with its card into `folder`: one parquet file for each split, and README.md.

    Raises:
        ValueError: A split is empty, or a post states no licence and `allow_unlicensed` is not set.
    """
    if empty := [split for split, posts in splits.items() if not posts]:
        raise ValueError(f"The split {empty[0]!r} holds no posts. Leave it out.")
    if not splits:
        raise ValueError("A data set needs at least one split, got none.")
    unlicensed = [post.id for posts in splits.values() for post in posts if post.license is None]
    if unlicensed and not allow_unlicensed:
        raise ValueError(
            f"{len(unlicensed):,} of {sum(map(len, splits.values())):,} posts state no licence (the first: "
            f"{unlicensed[0]!r}), so nobody has granted a right to pass them on. Keep only posts under a licence "
            "(licenses=…, --licenses), or pass allow_unlicensed=True (--allow-unlicensed) if you hold that right."
        )
    for split, posts in splits.items():
        rows = {column: [getattr(post, column) for post in posts] for column in _FEATURES}
        file = folder / split_file(split)
        file.parent.mkdir(parents=True, exist_ok=True)
        Dataset.from_dict(rows, features=_FEATURES).to_parquet(file)
    write_text(folder / "README.md", render_dataset_card(splits, name, datasheet))


def push_dataset(
    splits: Mapping[str, Sequence[Post]],
    repo_id: str,
    *,
    datasheet: Datasheet | None = None,
    allow_unlicensed: bool = False,
    **upload: Unpack[UploadArguments],
) -> str:
    """Uploads posts as a data set with its card, in one commit.

    Args:
        splits: Posts (or a [`right_hf.Corpus`]) by the name of their split.
        repo_id: The data set's repository; made if there is none.
        datasheet: What is known of the data besides what can be counted.
        allow_unlicensed: Also pass on posts that state no licence.
        upload: See [`right_hf.hub.arguments.UploadArguments`].

    Returns:
        The address of the commit.

    Raises:
        ValueError: A post states no licence and `allow_unlicensed` is not set; nothing was uploaded.
    """
    with tempfile.TemporaryDirectory() as scratch:
        write_dataset(Path(scratch), splits, repo_id.rpartition("/")[2], datasheet, allow_unlicensed)
        upload.setdefault("commit_message", "Upload posts")
        return str(push_folder(scratch, repo_id, repo_type="dataset", **upload))


def push_metric(name: str, repo_id: str, **upload: Unpack[UploadArguments]) -> str:
    """Uploads a metric as a Space, where `evaluate.load(repo_id)` finds it.

    Args:
        name: See [`right_hf.metrics.hub.METRICS`].
        repo_id: The Space; its last part must be `name`, since `evaluate` looks for a script of the Space's name.
        upload: As for [`push_dataset`].

    Raises:
        ValueError: There is no such metric, or `repo_id` is named otherwise.
    """
    folder = metric_folder(name)
    if repo_id.rpartition("/")[2] != name:
        raise ValueError(f"evaluate finds a metric by its Space's name: push {name} to user/{name}, not to {repo_id}.")
    return str(push_folder(folder, repo_id, repo_type="space", **upload))


for _push in (push_dataset, push_metric):
    show_arguments(_push, UploadArguments)


def handler_files() -> dict[str, str]:
    """What an Inference Endpoint needs beside a checkpoint, name to content.

    `model.records |= handler_files()` lets `save_pretrained` and `push_to_hub` write it with the checkpoint.
    """
    handler = (Path(__file__).parents[1] / HANDLER_FILE).read_text(encoding="utf-8")
    return {HANDLER_FILE: handler, "requirements.txt": f"right_hf=={__version__}\n"}
