"""What the package registers in transformers, when and only when the module that keeps it has been imported."""

from __future__ import annotations

from typing import Any

import wrapt


def when_transformers_is_imported() -> None:
    """Registers at once what has been imported already, and the rest as soon as it is."""
    for module, register in (
        ("transformers.models.auto.configuration_auto", _register_config),
        ("transformers.models.auto.modeling_auto", _register_model),
        ("transformers.pipelines", _register_pipeline),
    ):
        wrapt.register_post_import_hook(register, module)


def _register_config(module: Any) -> None:
    from right_hf.config import RightConfig

    module.AutoConfig.register(RightConfig.model_type, RightConfig, exist_ok=True)


def _register_model(module: Any) -> None:
    from right_hf.config import RightConfig
    from right_hf.model import RightModel

    module.AutoModel.register(RightConfig, RightModel, exist_ok=True)


def _register_pipeline(module: Any) -> None:
    from right_hf import DEFAULT_CHECKPOINT
    from right_hf.model import RightModel
    from right_hf.pipeline import HashtagRecommendationPipeline

    module.PIPELINE_REGISTRY.register_pipeline(
        "hashtag-recommendation",
        pipeline_class=HashtagRecommendationPipeline,
        pt_model=RightModel,
        default={"model": (DEFAULT_CHECKPOINT, "main")},
        type="text",
    )
