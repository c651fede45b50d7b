"""Engines: what writes a generator's answers in PyTorch's place, and which of them is used.

PyTorch is the reference, and does what an engine cannot. Likelihoods are its own in any case: it reads a post once for
all candidates, where CTranslate2 would read it once for each.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

#: The names of engines.
ENGINES = ("torch", "ctranslate2")
_PACKAGE = "ctranslate2"


class Engine(Protocol):
    """What writes answers with a network's weights; copied and pickled with the generator that it belongs to."""

    def write(self, prompts: Sequence[Sequence[int]], settings: Mapping[str, Any]) -> list[list[int]] | None:
        """Token ids of answers (B x sequences), in the order of the prompts.

        Args:
            prompts: Token ids of B inputs.
            settings: What `generate` of transformers is asked for.

        Returns:
            None where it cannot do just that, so that PyTorch has to.
        """
        ...


def is_installed() -> bool:
    """Whether CTranslate2 can be imported."""
    return importlib.util.find_spec(_PACKAGE) is not None


def check_engine(name: Any) -> None:
    """Refuses an engine that is unknown or not installed; None stands for the best there is.

    Raises:
        ImportError: It is not installed.
        ValueError: There is none of this name.
    """
    if name is not None and name not in ENGINES:
        raise ValueError(f"There is no engine {name!r:.80}. Known: {', '.join(ENGINES)}, or None.")
    if name == _PACKAGE and not is_installed():
        raise ImportError(f"The engine {_PACKAGE!r} needs a package of that name: pip install 'right_hf[fast]'")


def check_compute_type(name: Any, compute_type: Any) -> None:
    """Refuses a compute type without the engine that it is of.

    Raises:
        ValueError: It is given, and the engine is not named.
    """
    if compute_type is not None and name != _PACKAGE:
        raise ValueError(
            f"compute_type={compute_type!r:.80} is for engine={_PACKAGE!r}, got engine={name!r}. Give both, or neither."
        )
