"""Configuration of the composite checkpoint, as transformers knows it."""

from __future__ import annotations

import copy
from typing import Any

from transformers import PreTrainedConfig

from right_hf.hub.shim import REMOTE_CODE
from right_hf.registration import register
from right_hf.settings import MODEL_TYPE, SETTINGS, Settings


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
        language: ISO 639-1 code of the posts that the checkpoint knows.
        generate_when: The generator is asked for posts whose best score without it is at most this, in [0, 1]: 1 for
            all, 0 for none. With 0 it is not even loaded before somebody asks for it.
        threshold: Hashtags with a lower score are not shown where nobody asks for another threshold, in [0, 1].

    Raises:
        ValueError: A component is unknown, its entry has an unknown key or leads out of the checkpoint, a number is out
            of range, or a weight is missing.
    """

    model_type = MODEL_TYPE

    def __init__(
        self,
        components: dict[str, dict[str, str]] | None = None,
        hits: int = 10,
        context_hashtags: int = 7,
        pool_hashtags: int = 10,
        fusion: dict[str, float] | None = None,
        language: str = "en",
        generate_when: float = 1.0,
        threshold: float = 0.0,
        **kwargs: Any,
    ) -> None:
        # With custom_pipelines in view, pipeline() would ask for trust_remote_code although the package is installed.
        # `to_dict` writes both anew.
        for name in REMOTE_CODE:
            kwargs.pop(name, None)
        numbers = (hits, context_hashtags, pool_hashtags)
        checked = Settings(components or {}, *numbers, fusion, language, generate_when, threshold)
        for name in SETTINGS:
            setattr(self, name, getattr(checked, name))
        super().__init__(**kwargs)

    @classmethod
    def of(cls, settings: Settings) -> RightConfig:
        """The configuration that says the same."""
        return cls(**{name: getattr(settings, name) for name in SETTINGS}, **settings.others)

    def to_dict(self) -> dict[str, Any]:
        """The configuration as config.json holds it, with the entries that name the checkpoint's shim."""
        return super().to_dict() | copy.deepcopy(REMOTE_CODE)

    @classmethod
    def register_for_auto_class(cls, auto_class: str = "AutoConfig") -> None:
        """Does nothing: transformers would copy modules into each checkpoint it saves after a load with remote code."""


register(__name__)
