"""How the parts of a checkpoint work together, as its config.json says; read without transformers."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, fields
from pathlib import Path, PurePosixPath
from typing import Any

from right_hf.checks import probability, whole_number
from right_hf.layout import REQUIRED, ROLES
from right_hf.persistence import read_object

#: `model_type` in config.json.
MODEL_TYPE = "right"
#: The weights of `fusion`.
_WEIGHTS = {"intercept", "log_likelihood", "written", "ranking", "retrieved", "in_post"}
#: What an entry of `components` may hold.
_COMPONENT_KEYS = {"subfolder", "repo_id", "revision"}


@dataclass
class Settings:
    """What [`right_hf.RightConfig`] says of a checkpoint, checked; see there.

    Attributes:
        others: Entries of config.json that do not concern how the parts work together, such as `architectures`.

    Raises:
        ValueError: See [`right_hf.RightConfig`].
    """

    components: dict[str, dict[str, str]] = field(default_factory=dict)
    hits: int = 10
    context_hashtags: int = 7
    pool_hashtags: int = 10
    fusion: dict[str, float] | None = None
    language: str = "en"
    generate_when: float = 1.0
    threshold: float = 0.0
    others: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.components = {name: {"subfolder": name} for name in REQUIRED} | self.components
        for name, entry in self.components.items():
            _check_component(name, entry)
        for name in ("hits", "context_hashtags", "pool_hashtags"):
            setattr(self, name, whole_number(getattr(self, name), name))
        for name in ("generate_when", "threshold"):
            setattr(self, name, probability(getattr(self, name), name))
        if not (self.fusion is None or _are_weights(self.fusion)):
            raise ValueError(
                f"fusion must be null or hold the numbers {', '.join(sorted(_WEIGHTS))}, got {self.fusion!r:.200}. "
                "Fit it again (right-hf train ranker) or set it to null for the paper's answer."
            )

    @classmethod
    def of(cls, content: dict[str, Any]) -> Settings:
        """The settings in the content of a config.json."""
        own = {name: value for name, value in content.items() if name in SETTINGS}
        own["components"] = own.get("components") or {}
        return cls(**own, others={name: value for name, value in content.items() if name not in SETTINGS})


#: The names of the entries of config.json that say how the parts work together.
SETTINGS = tuple(entry.name for entry in fields(Settings) if entry.name != "others")


def _check_component(name: str, entry: Any) -> None:
    """Refuses an entry of `components` that names no component, or no place of one.

    Raises:
        ValueError: It does not.
    """
    if name not in ROLES:
        raise ValueError(f"Unknown component {name!r} in config.json. Known: {', '.join(ROLES)}.")
    if not isinstance(entry, dict) or not set(entry) <= _COMPONENT_KEYS:
        raise ValueError(
            f"The entry of component {name!r} in config.json must be an object with some of "
            f"{', '.join(sorted(_COMPONENT_KEYS))}, got {entry!r:.80}."
        )
    if not all(isinstance(value, str) for value in entry.values()):
        raise ValueError(f"The entry of component {name!r} in config.json must hold texts, got {entry!r:.200}.")
    subfolder = PurePosixPath(entry.get("subfolder", ""))
    if subfolder.is_absolute() or ".." in subfolder.parts or "\\" in str(subfolder):
        raise ValueError(
            f"Component {name!r} in config.json lies outside of the checkpoint: {str(subfolder)!r}. "
            "Name a folder in it."
        )


def _are_weights(found: object) -> bool:
    return isinstance(found, dict) and set(found) == _WEIGHTS and all(map(_is_finite, found.values()))


def _is_finite(value: object) -> bool:
    return isinstance(value, (int, float)) and math.isfinite(value)


def checkpoint_settings(source: str, root: Path) -> Settings:
    """The settings of a checkpoint.

    Args:
        source: Its folder or Hub id, for errors.
        root: Where its files are.

    Raises:
        FileNotFoundError: There is no `config.json`.
        ValueError: It is the configuration of another kind of model, or damaged.
    """
    if not (root / "config.json").is_file():
        raise FileNotFoundError(
            f"{source} is no RIGHT checkpoint: it has no config.json. Give one that a RightModel saved or pushed; a "
            "component alone can only take the place of another's (retriever=…, selector=…, generator=…)."
        )
    content = read_object(root / "config.json")
    if (kind := content.get("model_type")) != MODEL_TYPE:
        raise ValueError(
            f"{source} is no RIGHT checkpoint: its config.json names the model type {kind!r}, expected "
            f"{MODEL_TYPE!r}. A plain model can only take the place of a part (generator=…, selector=…)."
        )
    return Settings.of(content)
