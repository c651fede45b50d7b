"""Finding and loading the components of a checkpoint: an allow-list of types, from a folder or from the Hub."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from huggingface_hub import snapshot_download

from right_hf.configuration_right import COMPONENTS
from right_hf.generator import Seq2SeqGenerator
from right_hf.persistence import read_object, refuse_pickle
from right_hf.retriever import BM25Retriever, DenseRetriever
from right_hf.segtrm import SegtrmGenerator
from right_hf.selector import BiEncoderSelector

#: Classes that a checkpoint may name, by component and type. A configuration can never name any other code.
COMPONENT_TYPES: dict[str, dict[str, Any]] = {
    "retriever": {"bm25": BM25Retriever, "dense": DenseRetriever},
    "selector": {"bi-encoder": BiEncoderSelector},
    "generator": {"seq2seq": Seq2SeqGenerator, "segtrm": SegtrmGenerator},
}
#: The type of a folder without a configuration of ours: a plain sentence-transformers or transformers model.
_PLAIN_TYPES = {"selector": "bi-encoder", "generator": "seq2seq"}
#: Files about a checkpoint that travel with it: its card and the record of its training.
RECORDS = ("README.md", "training.json")
_SAFE_FILES = ("*.json", "*.safetensors", "*.parquet", "*.txt", "*.model", "*.md")


def check_source(source: str) -> None:
    """Refuses what looks like a path but is no folder, before it is taken for a Hub id.

    Raises:
        FileNotFoundError: There is no such folder.
    """
    looks_like_a_path = Path(source).is_absolute() or source.startswith((".", "~")) or source.count("/") > 1
    if looks_like_a_path and not Path(source).is_dir():
        raise FileNotFoundError(f"There is no checkpoint folder {source}. Give a folder that exists, or a Hub id.")


def fetch(source: str, subfolders: list[str], **hub: Any) -> Path:
    """The folder of a checkpoint: `source` itself if it is one, else what of it lies on the Hub.

    Args:
        source: A folder or a Hub id.
        subfolders: Folders to fetch besides the files at the top; "" for all.
        hub: `revision`, `token`, `cache_dir`, `local_files_only` of `snapshot_download`.

    Raises:
        FileNotFoundError: `source` looks like a path, but there is no such folder.
    """
    folder = Path(source)
    if folder.is_dir():
        refuse_pickle(folder)
        return folder
    check_source(source)
    patterns = ["config.json", *RECORDS]
    patterns += [f"{subfolder}/{file}" if subfolder else file for subfolder in subfolders for file in _SAFE_FILES]
    return Path(snapshot_download(source, allow_patterns=patterns, **hub))


def load_component(name: str, folder: Path, **settings: Any) -> Any:
    """Loads one component from its folder, by the type that its configuration names.

    Raises:
        FileNotFoundError: The folder or a file is missing.
        ValueError: The component or its type is unknown, or a file is damaged.
    """
    if name not in COMPONENTS:
        raise ValueError(f"Unknown component {name!r}. Known: {', '.join(COMPONENTS)}.")
    if not folder.is_dir():
        raise FileNotFoundError(f"The {name} is missing: there is no folder {folder}. Is the checkpoint complete?")
    refuse_pickle(folder)
    config_file = folder / f"{name}_config.json"
    plain = name in _PLAIN_TYPES and not config_file.is_file()
    kind: Any = _PLAIN_TYPES[name] if plain else read_object(config_file).get(f"{name}_type")
    if kind not in COMPONENT_TYPES[name]:
        known = ", ".join(COMPONENT_TYPES[name])
        raise ValueError(f"{config_file} names the unknown {name} type {kind!r}. Known: {known}.")
    return COMPONENT_TYPES[name][kind].from_pretrained(folder, **settings)
