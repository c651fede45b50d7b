"""Configuration of the composite checkpoint."""

from __future__ import annotations

import copy
import math
from pathlib import Path, PurePosixPath
from typing import Any

from transformers import PreTrainedConfig

from right_hf.checks import whole_number
from right_hf.hub.shim import REMOTE_CODE
from right_hf.layout import REQUIRED, ROLES
from right_hf.persistence import read_object
from right_hf.registration import register

#: The weights of `fusion`.
_WEIGHTS = {"intercept", "log_likelihood", "written", "ranking", "retrieved", "in_post"}
#: What an entry of `components` may hold.
_COMPONENT_KEYS = {"subfolder", "repo_id", "revision"}


def _is_finite(value: object) -> bool:
    return isinstance(value, (int, float)) and math.isfinite(value)


class RightConfig(PreTrainedConfig):
    """Says where the components of a checkpoint lie and how they work together.

    Args:
        components: For each component `{"subfolder": …}`, or `{"repo_id": …, "revision": …, "subfolder": …}`
            for one that lies in a repository of its own. A checkpoint need not have a generator or a ranker.
        hits: N, posts retrieved for each post (paper, section 2.1).
        context_hashtags: k, selected hashtags that the generator reads (paper, section 2.2).
        pool_hashtags: Retrieved hashtags that take part in the fusion.
        fusion: Weights of a [`right_hf.ranker.LinearRanker`], as checkpoints had them before it became a part; None in
            those that are saved now.
        language: ISO 639-1 code of the posts.

    Raises:
        ValueError: A component is unknown, its entry has an unknown key or leads out of the checkpoint, a number is
            less than 1, or a weight is missing.
    """

    model_type = "right"

    def __init__(
        self,
        components: dict[str, dict[str, str]] | None = None,
        hits: int = 10,
        context_hashtags: int = 7,
        pool_hashtags: int = 10,
        fusion: dict[str, float] | None = None,
        language: str = "en",
        **kwargs: Any,
    ) -> None:
        # With custom_pipelines in view, pipeline() would ask for trust_remote_code although the package is installed.
        # `to_dict` writes both anew.
        for name in REMOTE_CODE:
            kwargs.pop(name, None)
        needed = {name: {"subfolder": name} for name in REQUIRED}
        self.components = needed | (components or {})
        for name, entry in self.components.items():
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
        numbers = {"hits": hits, "context_hashtags": context_hashtags, "pool_hashtags": pool_hashtags}
        for name, number in numbers.items():
            setattr(self, name, whole_number(number, name))
        if fusion is not None and not (
            isinstance(fusion, dict) and set(fusion) == _WEIGHTS and all(map(_is_finite, fusion.values()))
        ):
            raise ValueError(
                f"fusion must be null or hold the numbers {', '.join(sorted(_WEIGHTS))}, got {fusion!r:.200}. "
                "Fit it again (right-hf train ranker) or set it to null for the paper's answer."
            )
        self.fusion = fusion
        self.language = language
        super().__init__(**kwargs)

    def to_dict(self) -> dict[str, Any]:
        """The configuration as config.json holds it, with the entries that name the checkpoint's shim."""
        return super().to_dict() | copy.deepcopy(REMOTE_CODE)

    @classmethod
    def register_for_auto_class(cls, auto_class: str = "AutoConfig") -> None:
        """Does nothing: transformers would copy modules into each checkpoint it saves after a load with remote code."""


def checkpoint_configuration(source: str, root: Path) -> RightConfig:
    """The configuration of a checkpoint.

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
    kind = read_object(root / "config.json").get("model_type")
    if kind != RightConfig.model_type:
        raise ValueError(
            f"{source} is no RIGHT checkpoint: its config.json names the model type {kind!r}, expected "
            f"{RightConfig.model_type!r}. A plain model can only take the place of a part (generator=…, selector=…)."
        )
    return RightConfig.from_pretrained(root, local_files_only=True)


register(__name__)
