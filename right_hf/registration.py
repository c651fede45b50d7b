"""What the package registers in transformers, when and only when the module that keeps it has been imported.

Each registration needs a module of transformers and one of ours. Either may come first, and one may be imported while
the other still is: importing that of transformers imports ours, and ours ends by calling [`register`].
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable, Sequence
from importlib import import_module
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any

from right_hf.embedded import knowing_names


def _config(theirs: Any, ours: Any) -> None:
    theirs.AutoConfig.register(ours.RightConfig.model_type, ours.RightConfig, exist_ok=True)


def _model(theirs: Any, ours: Any) -> None:
    theirs.AutoModel.register(ours.RightModel.config_class, ours.RightModel, exist_ok=True)


class _OwnDefault(logging.Filter):
    """Keeps back what transformers says of a default checkpoint where it is ours, which cannot change beneath it."""

    def __init__(self, checkpoint: str) -> None:
        super().__init__()
        self._start = f"No model was supplied, defaulted to {checkpoint} "

    def filter(self, record: logging.LogRecord) -> bool:
        return not record.getMessage().startswith(self._start)


def _pipeline(theirs: Any, ours: Any) -> None:
    logging.getLogger(theirs.__name__).addFilter(_OwnDefault(ours.DEFAULT_CHECKPOINT))
    theirs.PIPELINE_REGISTRY.register_pipeline(
        "hashtag-recommendation",
        pipeline_class=ours.HashtagRecommendationPipeline,
        pt_model=ours.RightModel,
        default={"model": (ours.DEFAULT_CHECKPOINT, "main")},
        type="text",
    )
    theirs.pipeline = knowing_names(theirs.pipeline)


#: By our module that of transformers, and what registers the one in the other.
_REGISTERED: dict[str, tuple[str, Callable[[Any, Any], None]]] = {
    "right_hf.config": ("transformers.models.auto.configuration_auto", _config),
    "right_hf.model": ("transformers.models.auto.modeling_auto", _model),
    "right_hf.pipeline": ("transformers.pipelines", _pipeline),
}
#: Modules, theirs and ours, whose import has ended.
_imported: set[str] = set()
_registered: set[str] = set()


class _Watch(MetaPathFinder):
    """Finds nothing itself, and tells [`_follow`] when a module of transformers that we wait for has been imported."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """What the other finders find, with a loader that tells us."""
        ours = next((ours for ours, (theirs, _) in _REGISTERED.items() if theirs == fullname), None)
        if ours is None:
            return None
        others = (finder for finder in sys.meta_path if finder is not self)
        found = (finder.find_spec(fullname, path, target) for finder in others)
        spec = next((spec for spec in found if spec is not None), None)
        if spec is not None and spec.loader is not None:
            spec.loader = _Telling(spec.loader, ours)
        return spec


class _Telling(Loader):
    """The loader of a module of transformers, which tells when it has been loaded.

    Args:
        loader: Loads it.
        ours: Our module that waits for it.
    """

    def __init__(self, loader: Any, ours: str) -> None:
        self._loader = loader
        self._ours = ours

    def __getattr__(self, name: str) -> Any:
        return getattr(self._loader, name)

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        """See `importlib.abc.Loader`."""
        module: ModuleType | None = self._loader.create_module(spec)
        return module

    def exec_module(self, module: ModuleType) -> None:
        """See `importlib.abc.Loader`."""
        self._loader.exec_module(module)
        _follow(self._ours, module.__name__)


def when_transformers_is_imported() -> None:
    """Sees to it that each registration happens as soon as its module of transformers has been imported."""
    sys.meta_path.insert(0, _Watch())
    for ours, (theirs, _) in _REGISTERED.items():
        if theirs in sys.modules:
            _follow(ours, theirs)


def _follow(ours: str, theirs: str) -> None:
    _imported.add(theirs)
    import_module(ours)  # does nothing where its import is under way
    _register_complete(ours)


def register(ours: str) -> None:
    """Called at the end of one of our modules: registers it now, or as soon as that of transformers is there."""
    _imported.add(ours)
    _register_complete(ours)


def _register_complete(ours: str) -> None:
    theirs, registers = _REGISTERED[ours]
    if {ours, theirs} <= _imported and ours not in _registered:
        _registered.add(ours)
        registers(sys.modules[theirs], sys.modules[ours])
