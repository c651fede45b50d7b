"""The registry: the classes of components by role and type, and loading one by what its configuration names.

One line adds a class, here or from outside: `right_hf.register_component(MyRetriever)`. A checkpoint can name
registered types only; nothing else that its files say is ever imported or run.
"""

from __future__ import annotations

import inspect
from importlib import import_module
from pathlib import Path
from typing import Any, TypeVar

from right_hf.component import Component, accepted_options
from right_hf.layout import ROLES, config_file
from right_hf.persistence import read_object, refuse_pickle

C = TypeVar("C", bound="type[Component]")

#: Options that a whole checkpoint is loaded with, which concern those of its parts that take them.
SHARED_OPTIONS = frozenset({"compute_type", "device", "device_map", "dtype", "engine", "hub", "send_posts_to"})

#: The classes by role and type; one that is given as "module:name" is imported when it is first asked for.
_REGISTERED: dict[str, dict[str, str | type[Component]]] = {
    "retriever": {
        "bm25": "right_hf.retriever.bm25:BM25Retriever",
        "dense": "right_hf.retriever.dense:DenseRetriever",
        "hybrid": "right_hf.retriever.hybrid:HybridRetriever",
        "lance": "right_hf.retriever.lance.retriever:LanceRetriever",
    },
    "selector": {
        "asymmetric": "right_hf.selector.asymmetric:AsymmetricSelector",
        "bi-encoder": "right_hf.selector.biencoder:BiEncoderSelector",
    },
    "generator": {
        "chat": "right_hf.generator.chat:ChatGenerator",
        "decoder": "right_hf.generator.decoder:DecoderGenerator",
        "seq2seq": "right_hf.generator.seq2seq:Seq2SeqGenerator",
    },
    "ranker": {"linear": "right_hf.ranker.linear:LinearRanker", "trees": "right_hf.ranker.tree_ranker:TreeRanker"},
}


def register_component(component: C) -> C:
    """Makes a class known to configurations and recipes under its role and type; usable as a decorator.

    Raises:
        TypeError: It is no component, or lacks a role or a type.
        ValueError: Another class has this role and type.
    """
    if not (inspect.isclass(component) and issubclass(component, Component)):
        raise TypeError(f"Only a subclass of right_hf.Component can be registered, got {component!r:.80}.")
    if getattr(component, "role", None) not in ROLES or not isinstance(getattr(component, "type", None), str):
        raise TypeError(f"{component.__name__} needs a `role`, one of {', '.join(ROLES)}, and a `type` of its own.")
    known = _REGISTERED[component.role].setdefault(component.type, component)
    if known not in (component, f"{component.__module__}:{component.__qualname__}"):
        raise ValueError(
            f"There is a {component.role} of type {component.type!r} already: {known}. Choose another type."
        )
    return component


def component_types(role: str) -> tuple[str, ...]:
    """The types that are known of a role."""
    return tuple(_REGISTERED[role])


def component_class(role: str, kind: object) -> type[Component]:
    """The class of a role and type.

    Raises:
        ValueError: There is no such role or type.
    """
    if role not in _REGISTERED:
        raise ValueError(f"Unknown component {role!r}. Known: {', '.join(ROLES)}.")
    if not isinstance(kind, str) or kind not in _REGISTERED[role]:
        raise ValueError(
            f"Unknown type of {role} {kind!r:.80}. Known: {', '.join(component_types(role))}. One from another package "
            "must be imported and registered first (right_hf.register_component)."
        )
    found = _REGISTERED[role][kind]
    if isinstance(found, str):
        module, _, name = found.partition(":")
        found = _REGISTERED[role][kind] = getattr(import_module(module), name)
    return found


def saved_class(role: str, folder: Path) -> type[Component]:
    """The class of what lies in a folder, by its configuration, else by the looks of a plain model.

    Raises:
        FileNotFoundError: The folder is missing, or its configuration where it holds no plain model either.
        ValueError: The role or its type is unknown, or a file may hold pickled code.
    """
    if role not in ROLES:
        raise ValueError(f"Unknown component {role!r}. Known: {', '.join(ROLES)}.")
    if not folder.is_dir():
        raise FileNotFoundError(f"The {role} is missing: there is no folder {folder}. Is the checkpoint complete?")
    refuse_pickle(folder)
    file = folder / config_file(role)
    if file.is_file():
        try:
            return component_class(role, read_object(file).get(f"{role}_type"))
        except ValueError as error:
            raise ValueError(f"{file}: {error}") from None
    for kind in component_types(role):
        if (found := component_class(role, kind)).recognises(folder):
            return found
    raise FileNotFoundError(f"{file} is missing. Is {folder} a complete checkpoint?")


def load_component(role: str, folder: Path, **options: Any) -> Any:
    """Loads one component from its folder, by the type that its configuration names.

    Args:
        role: One of [`right_hf.layout.ROLES`].
        folder: Where its files are.
        options: Of its `from_folder`; of those that a whole checkpoint shares, only what the component takes is used.

    Raises:
        FileNotFoundError: The folder or a file is missing.
        TypeError: The component does not take an option.
        ValueError: The role or its type is unknown, or a file is damaged.
    """
    found = saved_class(role, folder)
    taken = accepted_options(found)
    options = {name: value for name, value in options.items() if name in taken or name not in SHARED_OPTIONS}
    if unknown := sorted(set(options) - taken):
        raise TypeError(
            f"{unknown[0]} is no option of a {role} of type {found.type!r}, which {folder} holds. It takes "
            f"{', '.join(sorted(taken)) or 'none'}."
        )
    return found.from_folder(folder, **options)
