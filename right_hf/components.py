"""Finding and loading the components of a checkpoint: an allow-list of types, from a folder or from the Hub."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from right_hf.configuration_right import RightConfig
from right_hf.fusion import TreeRanker
from right_hf.generator import ChatGenerator, DecoderGenerator, Seq2SeqGenerator
from right_hf.hub.component import COMPONENTS, OPTIONAL, Origin, hub_folder
from right_hf.hub.pull import commit_of, fetch
from right_hf.persistence import read_object, refuse_pickle
from right_hf.retriever import BM25Retriever, DenseRetriever, HybridRetriever
from right_hf.segtrm import SegtrmGenerator
from right_hf.selector import BiEncoderSelector

#: Classes that a checkpoint may name, by component and type. A configuration can never name any other code.
COMPONENT_TYPES: dict[str, dict[str, Any]] = {
    "retriever": {"bm25": BM25Retriever, "dense": DenseRetriever, "hybrid": HybridRetriever},
    "selector": {"bi-encoder": BiEncoderSelector},
    "generator": {
        "chat": ChatGenerator,
        "decoder": DecoderGenerator,
        "seq2seq": Seq2SeqGenerator,
        "segtrm": SegtrmGenerator,
    },
    "ranker": {"trees": TreeRanker},
}
#: Settings that only components of one type have.
_ONLY = {"send_posts_to": "chat", "merge": "decoder", "quantization": "decoder"}


def component_folders(
    source: str, config: RightConfig, replacements: Mapping[str, str | Path | None], hub: Mapping[str, Any]
) -> dict[str, tuple[Path, Origin | None]]:
    """Where the files of each component are and where on the Hub they came from; all of them, or an error.

    One that a checkpoint need not have is left out where it has none.

    A component lies in its replacement, in a repository of its own, or in the checkpoint. What is replaced or lies
    elsewhere is not fetched from the checkpoint.

    Args:
        source: The checkpoint's folder or Hub id.
        config: Its configuration.
        replacements: By component the folder or Hub id that takes its place.
        hub: Arguments of [`right_hf.hub.pull.fetch`]; `revision` is the checkpoint's.
    """
    elsewhere = {name: value for name, value in hub.items() if name != "revision"}
    found: dict[str, tuple[Path, Origin | None]] = {}
    own: dict[str, str] = {}
    for name in COMPONENTS:
        if (replacement := replacements.get(name)) is not None:
            found[name] = hub_folder(name, str(replacement), **elsewhere)
            continue
        if name in OPTIONAL and name not in config.components:
            continue
        entry = config.components[name]
        if "repo_id" in entry:
            found[name] = hub_folder(
                name, entry["repo_id"], entry.get("subfolder", ""), **elsewhere, revision=entry.get("revision")
            )
        else:
            own[name] = entry.get("subfolder", "")
    if own:
        root = fetch(source, list(own.values()), **hub)
        commit = commit_of(source, root)
        for name, subfolder in own.items():
            found[name] = root / subfolder, Origin(source, commit, subfolder) if commit is not None else None
    return found


def load_components(
    found: Mapping[str, tuple[Path, Origin | None]], generator_settings: Mapping[str, Any]
) -> dict[str, Any]:
    """Loads what [`component_folders`] found: each component by name, with where on the Hub it came from.

    Args:
        found: Folder and origin of each.
        generator_settings: Settings of the generator; its `device` is the selector's, too.
    """
    settings: dict[str, dict[str, Any]] = {
        "selector": {"device": generator_settings["device"]},
        "generator": dict(generator_settings),
    }
    parts: dict[str, Any] = {}
    for name, (folder, origin) in found.items():
        parts[name] = load_component(name, folder, **settings.get(name, {}))
        parts[name].origin = origin
    parts["selector"].load_embeddings(found["retriever"][0])
    return parts


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
    kind: Any = read_object(config_file).get(f"{name}_type") if config_file.is_file() else _plain_type(name, folder)
    if kind not in tuple(COMPONENT_TYPES[name]):
        known = ", ".join(COMPONENT_TYPES[name])
        raise ValueError(f"{config_file} names the unknown {name} type {kind!r}. Known: {known}.")
    for setting in [setting for setting, only in _ONLY.items() if only != kind]:
        # Consent to send posts does no harm where nothing is sent.
        if settings.pop(setting, None) and setting != "send_posts_to":
            raise ValueError(f"{setting} concerns a {name} of type {_ONLY[setting]!r} alone; {folder} holds {kind!r}.")
    return COMPONENT_TYPES[name][kind].from_pretrained(folder, **settings)


def _plain_type(name: str, folder: Path) -> str | None:
    """The type of a folder without a configuration of ours: a plain sentence-transformers or transformers model."""
    if name == "selector":
        return "bi-encoder"
    if name == "generator":
        config = read_object(folder / "config.json") if (folder / "config.json").is_file() else {}
        architectures = config.get("architectures") or ["?"]
        is_decoder = str(architectures[0]).endswith(("ForCausalLM", "LMHeadModel"))
        return "decoder" if is_decoder or (folder / "adapter_config.json").is_file() else "seq2seq"
    raise FileNotFoundError(f"{folder / f'{name}_config.json'} is missing. Is {folder} a complete checkpoint?")
