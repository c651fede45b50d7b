"""A training run on disk: it belongs to one recipe and its data, and goes on where it was stopped."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from right_hf.metrics import micro_f1_at_k
from right_hf.persistence import read_object, write_json
from right_hf.posts import Post
from right_hf.trainers.recipe import Recipe, choices

_IDENTITY_FILE = "run.json"
#: Checkpoints are compared by it.
BEST = "f1@1"


def checkpoints_folder(output: Path) -> Path:
    """Where a run keeps the Trainer's own checkpoints: beside what it makes."""
    return output.with_name(f"{output.name}-checkpoints")


def digest(items: Iterable[Any]) -> str:
    """A fingerprint of plain values or tuples of them, in their order."""
    found = hashlib.sha256()
    for item in items:
        found.update(json.dumps(item).encode())
    return found.hexdigest()


def run_identity(recipe: Recipe, posts: Sequence[Post], **others: Any) -> dict[str, Any]:
    """What decides the outcome of a run: recipe, seed, training posts, and `others`.

    Settings at their default do not count, so that a version which brings a new one goes on with a run of an old one.
    """
    posts_digest = digest([post.id, post.text, post.hashtags] for post in posts)
    identity: dict[str, Any] = json.loads(json.dumps({**choices(recipe), "posts": posts_digest, **others}))
    return identity


def claim_run(folder: Path, identity: dict[str, Any]) -> None:
    """Makes `folder` the place of the Trainer's checkpoints of this run.

    Raises:
        ValueError: It holds the checkpoints of a run with other settings or data; going on with them would pass the old
            model off as the new one.
    """
    file = folder / _IDENTITY_FILE
    used = folder.is_dir() and any(folder.iterdir())
    if used and (not file.is_file() or read_object(file) != identity):
        raise ValueError(
            f"{folder} belongs to a run with other settings or data. Remove it, or choose another --output."
        )
    folder.mkdir(parents=True, exist_ok=True)
    write_json(file, identity)


def last_checkpoint(folder: Path) -> str | None:
    """The latest complete checkpoint of the Trainer; one that a killed process left half-written is passed over."""
    # The Trainer writes its state last.
    names = [path.parent.name for path in folder.glob("checkpoint-*/trainer_state.json")]
    steps = [int(step) for name in names if (step := name.removeprefix("checkpoint-")).isdigit()]
    return str(folder / f"checkpoint-{max(steps)}") if steps else None


def f1_scores(answers: Sequence[Sequence[str]], gold: Sequence[Sequence[str]]) -> dict[str, float]:
    """Micro F1@1 and F1@5 of written hashtags, by which checkpoints are compared."""
    return {f"f1@{k}": micro_f1_at_k(answers, gold, k).f1 for k in (1, 5)}


def run_trainer(trainer: Any) -> dict[str, Any]:
    """Trains, from the last checkpoint on if there is one.

    Returns:
        `log`, losses and scores step by step, and `steps`, the number of steps; for a Trainer that scores checkpoints
        also `validation`, the scores of the best one.
    """
    trainer.train(resume_from_checkpoint=last_checkpoint(Path(trainer.args.output_dir)))
    log = trainer.state.log_history
    found = {"log": log, "steps": trainer.state.global_step}
    if trainer.args.metric_for_best_model == BEST:
        scored = [entry for entry in log if f"eval_{BEST}" in entry]
        best: dict[str, Any] = max(scored, key=lambda entry: float(entry[f"eval_{BEST}"]), default={})
        found["validation"] = {name: best[f"eval_{name}"] for name in (BEST, "f1@5") if best}
    return found
