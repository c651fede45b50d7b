"""A checkpoint on disk and on the Hub: where its parts are, and how they are read and named."""

from __future__ import annotations

import logging
from collections.abc import Collection, Mapping
from functools import partial
from pathlib import Path
from typing import Any, TypedDict

from right_hf.checks import accelerator_type, check_device, check_dtype
from right_hf.component import Component, accepted_options
from right_hf.deferred import Deferred
from right_hf.generator.engine import check_engine
from right_hf.hub.arguments import HubArguments, hub_arguments
from right_hf.hub.origin import Origin, hub_folder
from right_hf.hub.pull import commit_of, fetch
from right_hf.layout import REQUIRED, ROLES
from right_hf.registry import SHARED_OPTIONS, load_component, saved_class

logger = logging.getLogger(__name__)

#: What the Auto classes and pipeline() pass besides; none of it concerns a checkpoint of several parts.
_PASSED_BY_TRANSFORMERS = ("trust_remote_code", "code_revision", "_from_auto", "_from_pipeline", "adapter_kwargs")
#: What transformers takes for "wherever it fits best".
_DEVICE_MAPS = ("auto", "balanced", "balanced_low_0", "sequential")

#: Where the files of a part are, and where on the Hub they came from.
Place = tuple[Path, Origin | None]


class LoadArguments(TypedDict, total=False):
    """How a checkpoint is loaded, besides where from; a part may take further arguments of its own.

    Attributes:
        retriever: A folder or Hub id whose retriever takes the place of the checkpoint's.
        selector: The same of the selector.
        generator: The same of the generator; False to go without.
        ranker: The same of the ranker; False to go without.
        generate_when: Takes the place of the configuration's, see [`right_hf.RightConfig`]: 1 asks the generator about
            all posts, 0 about none, and leaves it unloaded until somebody asks for it.
        dtype: Of the generator's weights, a `torch.dtype` or its name; "auto", the default, for the checkpoint's own.
            In "bfloat16" a score depends a little on what else is in the batch, since rounding does: of 60 posts by 16
            and alone, the best hashtag was the same and scores differed by 0.027 at most. In "float32" none did.
        device: Where the networks go, a `torch.device` or its name; static embeddings stay on the CPU.
        device_map: How an LLM is spread over devices; see transformers. Where no part is an LLM, the device of all.
        send_posts_to: The server that may be sent posts, see [`right_hf.generator.chat.ChatGenerator.from_folder`].
        merge: Whether an LLM's adapter is worked into its weights.
        quantization: "4bit" or "8bit" for an LLM's weights.
        engine: What the generator writes with: "torch" or "ctranslate2"; by default the latter where it is installed
            and its answers are the same, see [`right_hf.generator.network.NetworkGenerator.use_engine`].
        compute_type: What "ctranslate2" computes in: "int8", the default, "float32" …
    """

    retriever: str | Path | None
    selector: str | Path | None
    generator: str | Path | bool | None
    ranker: str | Path | bool | None
    generate_when: float | None
    dtype: Any
    device: Any
    device_map: Any
    send_posts_to: str | None
    merge: bool
    quantization: str | None
    engine: str | None
    compute_type: str | None


class LoadAndHubArguments(LoadArguments, HubArguments):
    """Those of [`LoadArguments`] and of [`right_hf.hub.arguments.HubArguments`]."""


def sorted_arguments(arguments: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any], dict[str, Any]]:
    """What a checkpoint is loaded with, in three: what is said of the Hub, by role of its parts, and to its parts."""
    options = {name: value for name, value in arguments.items() if name not in _PASSED_BY_TRANSFORMERS}
    hub = hub_arguments(options)
    replacements = {role: options.pop(role, None) for role in ROLES}
    return hub, replacements, {name: value for name, value in options.items() if value is not None}


def part_places(
    source: str, components: Mapping[str, Any], replacements: Mapping[str, Any], hub: Mapping[str, Any]
) -> dict[str, Place]:
    """Where the files of each part are and where on the Hub they came from; all of them, or an error.

    A part lies in its replacement, in a repository of its own, or in the checkpoint. What is replaced or lies elsewhere
    is not fetched from the checkpoint.

    Args:
        source: The checkpoint's folder or Hub id.
        components: Its parts, by role, as the configuration names them.
        replacements: By role the folder or Hub id that takes a part's place, or False to go without it.
        hub: Arguments of [`right_hf.hub.pull.fetch`]; `revision` is the checkpoint's.

    Raises:
        ValueError: A part is left out that no checkpoint can do without.
    """
    elsewhere = {name: value for name, value in hub.items() if name != "revision"}
    found: dict[str, Place] = {}
    own: dict[str, str] = {}
    for role in ROLES:
        replacement = replacements.get(role)
        if replacement is False:
            if role in REQUIRED:
                raise ValueError(f"No checkpoint can do without a {role}. Leave out {role}=False.")
            continue
        if replacement is not None:
            found[role] = hub_folder(role, replacement, **elsewhere)
            continue
        entry = components.get(role)
        if entry is None:
            continue
        if "repo_id" in entry:
            place = hub_folder(
                role, entry["repo_id"], entry.get("subfolder", ""), **elsewhere, revision=entry.get("revision")
            )
            found[role] = place
        else:
            own[role] = entry.get("subfolder", "")
    if own:
        root = fetch(source, list(own.values()), **hub)
        commit = commit_of(source, root)
        for role, subfolder in own.items():
            found[role] = root / subfolder, Origin(source, commit, subfolder) if commit is not None else None
    return found


def load_parts(found: Mapping[str, Place], options: Mapping[str, Any], later: Collection[str] = ()) -> dict[str, Any]:
    """Loads what [`part_places`] found: each component by role, with where on the Hub it came from.

    Args:
        found: Folder and origin of each.
        options: Passed to those of the parts that take them.
        later: Roles of parts that are loaded when they are first asked for, [`Deferred`] until then; but for one that
            may be spread over devices.

    Raises:
        TypeError: No part takes an option.
        ValueError: A part is damaged, or there is no such device or dtype.
    """
    # Options that every part may be given are known without the class of one, whose import takes long.
    unasked = later if set(options) <= SHARED_OPTIONS - {"device_map"} else ()
    taken = {
        role: SHARED_OPTIONS if role in unasked else accepted_options(saved_class(role, folder))
        for role, (folder, _) in found.items()
    }
    known = SHARED_OPTIONS.union(*taken.values())
    if unknown := sorted(set(options) - known):
        types = ", ".join(f"{role} {saved_class(role, folder).type!r}" for role, (folder, _) in found.items())
        raise TypeError(
            f"Unknown argument {unknown[0]!r}: no part of this checkpoint ({types}) takes it. Known: config, "
            f"{', '.join(ROLES)}, revision, token, cache_dir, local_files_only, force_download, "
            f"{', '.join(sorted(known - {'hub'}))}."
        )
    if "device_map" in options and not any("device_map" in names for names in taken.values()):
        options = _on_one_device(options)
    check_device(options.get("device", "cpu"))
    check_dtype(options.get("dtype", "auto"))
    check_engine(options.get("engine"))
    parts: dict[str, Any] = {}
    for role, (folder, origin) in found.items():
        own = {name: value for name, value in options.items() if name in taken[role]}
        load = partial(_load_part, role, folder, origin)
        parts[role] = Deferred(load, **own) if role in later and "device_map" not in options else load(**own)
    parts["selector"].load_embeddings(found["retriever"][0])
    return parts


def _load_part(role: str, folder: Path, origin: Origin | None, **options: Any) -> Any:
    part = load_component(role, folder, **options)
    part.origin = origin
    return part


def _on_one_device(options: Mapping[str, Any]) -> dict[str, Any]:
    """The options with the device that `device_map` means for parts that each lie on one."""
    wanted = options["device_map"]
    if isinstance(wanted, Mapping) and set(wanted) == {""}:
        wanted = wanted[""]
    if isinstance(wanted, Mapping) or "device" in options:
        given = "a device as well" if "device" in options else f"{wanted!r:.80}"
        raise ValueError(
            f"No part of this checkpoint can be spread over devices; got device_map and {given}. Give only device=…, "
            'for example "cuda".'
        )
    if wanted in _DEVICE_MAPS:
        wanted = accelerator_type() or "cpu"
    return {name: value for name, value in options.items() if name != "device_map"} | {"device": wanted}


def named_elsewhere(
    parts: Mapping[str, Component], wanted: bool | Collection[str], target: str | None = None, **hub: Any
) -> dict[str, dict[str, str]]:
    """The entries in config.json of those parts of a checkpoint that are named there instead of saved with it.

    Args:
        parts: The checkpoint's parts by role.
        wanted: Roles; True for all that came from the Hub or were pushed there, except from `target`.
        target: The repository that the checkpoint is pushed to.
        hub: See [`Component.reference`].

    Raises:
        ValueError: A role is unknown, a part was never on the Hub, or has changed since.
    """
    if isinstance(wanted, str):
        raise ValueError(f"references must be True, False or a list of components, got {wanted!r}.")
    entries: dict[str, dict[str, str]] = {}
    for role in tuple(parts) if wanted is True else tuple(wanted or ()):
        if role not in parts:
            raise ValueError(f"Unknown component {role!r} in references. Known: {', '.join(parts)}.")
        origin = parts[role].origin
        if wanted is True and (origin is None or origin.repo_id == target):
            continue
        entries[role] = parts[role].reference(**hub)
    return entries
