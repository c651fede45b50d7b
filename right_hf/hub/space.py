"""A Space: the page of [`right_hf.demo`] with a checkpoint, and the package itself, which no registry has."""

from __future__ import annotations

import shutil
import tempfile
from importlib.metadata import requires, version
from pathlib import Path
from typing import Any

import yaml
from huggingface_hub import ModelCard
from typing_extensions import Unpack

from right_hf.hub.arguments import UploadArguments, show_arguments
from right_hf.hub.pull import EVAL_RESULTS, RELIABILITY_FILE
from right_hf.hub.push import push_folder
from right_hf.model import RightModel
from right_hf.persistence import write_text

_PACKAGE = Path(__file__).parents[1]
_CHECKPOINT = "checkpoint"
#: Of the package what a Space does without: checkpoints (it has its own), pictures, and pages about code.
_LEFT_OUT = ("checkpoints", "images", "README.md", "Containerfile", "py.typed", "__pycache__")
_NO_CARD = "---\n{}\n---\n"
_EXTRA = "demo"
#: Wheels of torch without CUDA, which a Space on CPUs would install for nothing.
_CPU_TORCH = "--extra-index-url https://download.pytorch.org/whl/cpu"
_APP = f'''\
"""Suggests hashtags while somebody writes. The package right_hf lies beside this file, as does the checkpoint."""

from pathlib import Path

from right_hf.demo import launch

launch(Path(__file__).parent / "{_CHECKPOINT}", host="0.0.0.0", own_corpus=False)
'''
_ABOUT = """\
Suggests the hashtags that people actually use for a post, while it is written, and says why.

Assistants reach it by the Model Context Protocol, at `/gradio_api/mcp/`: `recommend_hashtags`, `find_posts`,
`complete_hashtag`.
"""


def write_space(folder: Path, model: RightModel, name: str) -> None:
    """Writes a Space that runs with nothing else: README.md, app.py, requirements.txt, the package, the checkpoint.

    Args:
        folder: A new or empty one.
        model: What the Space suggests with.
        name: The Space's, without its owner.

    Raises:
        ImportError: Gradio, whose version the Space names, is not installed.
        ValueError: A part of the model lies on this machine only.
    """
    for part in model.parts.values():
        part.check_portable()
    metadata = yaml.safe_dump(_metadata(model, name), sort_keys=False, allow_unicode=True)
    write_text(folder / "README.md", f"---\n{metadata}---\n\n{_ABOUT}")
    write_text(folder / "app.py", _APP)
    write_text(folder / "requirements.txt", "\n".join([_CPU_TORCH, *_requirements()]) + "\n")
    shutil.copytree(_PACKAGE, folder / _PACKAGE.name, ignore=shutil.ignore_patterns(*_LEFT_OUT))
    checkpoint = folder / _CHECKPOINT
    model.save_pretrained(checkpoint)
    # What is said of it to people, but for its card.
    (checkpoint / RELIABILITY_FILE).unlink(missing_ok=True)
    shutil.rmtree((checkpoint / EVAL_RESULTS).parent, ignore_errors=True)


def push_space(model: RightModel, repo_id: str, **upload: Unpack[UploadArguments]) -> str:
    """Uploads a Space that suggests hashtags with a model, in one commit, see [`write_space`].

    Args:
        model: What it suggests with; copied into the Space with all its parts.
        repo_id: The Space; made if there is none.
        upload: See [`right_hf.hub.arguments.UploadArguments`].

    Returns:
        The address of the commit.

    Raises:
        ImportError, ValueError: See [`write_space`].
        FileNotFoundError, PermissionError, ConnectionError, OSError: See [`right_hf.hub.errors.explained`].
    """
    with tempfile.TemporaryDirectory() as scratch:
        write_space(Path(scratch), model, repo_id.rpartition("/")[2])
        upload.setdefault("commit_message", "Upload a page that suggests hashtags")
        pushed = push_folder(scratch, repo_id, is_stale=_is_ours, repo_type="space", space_sdk="gradio", **upload)
        return str(pushed)


show_arguments(push_space, UploadArguments)


def _is_ours(path: str, there: Any) -> bool:
    """Whether a file that a new Space does not have is of an earlier one."""
    return path.startswith((f"{_CHECKPOINT}/", f"{_PACKAGE.name}/"))


def _metadata(model: RightModel, name: str) -> dict[str, Any]:
    card: Any = ModelCard(model.records.get("README.md", _NO_CARD), ignore_metadata_errors=True).data
    licence = {key: card.get(key) for key in ("license", "license_name", "license_link") if card.get(key)}
    return {
        "title": name,
        "emoji": "💬",
        "colorFrom": "blue",
        "colorTo": "indigo",
        "sdk": "gradio",
        "sdk_version": _gradio_version(),
        "app_file": "app.py",
        "short_description": "Hashtags that people actually use, as you write",
        "tags": ["hashtag-recommendation", "mcp-server"],
        **licence,
    }


def _gradio_version() -> str:
    from right_hf.demo.serving import check_installed

    check_installed()
    return version("gradio")


def _requirements() -> list[str]:
    """What the package requires, and its page, without the conditions that say so."""
    from packaging.requirements import Requirement

    needed = []
    for text in requires(_PACKAGE.name) or []:
        requirement = Requirement(text)
        if requirement.marker is None or requirement.marker.evaluate({"extra": _EXTRA}):
            requirement.marker = None
            needed.append(str(requirement))
    return needed
