"""CTranslate2 as an engine: the same answers in a fraction of the time on a CPU (https://opennmt.net/CTranslate2)."""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch

from right_hf.forks import leave_to_parents, renewed_in_children
from right_hf.generator.ctranslate2_options import same_options
from right_hf.generator.ctranslate2_store import converted_files
from right_hf.loading import network_of

logger = logging.getLogger(__name__)

#: What engines are asked for by name computes in; and what one that nobody asked for, whose answers are PyTorch's.
NAMED, UNNAMED = "int8", "float32"
#: Weights of the largest network that is converted where nobody asked for it: 400 MB on disk and in memory.
_MOST_UNASKED = 100_000_000
#: Workers for callers in several threads; they share the weights.
_MOST_WORKERS = 8
#: Tokens of a prompt with which a conversion is checked.
_CHECKED = 64


class CTranslate2Engine:
    """Writes with CTranslate2 on the CPU, in as many threads as PyTorch has, whatever can be the same as PyTorch's.

    The network is converted when it writes for the first time, and kept, see
    [`right_hf.generator.ctranslate2_store.store_folder`]. On another device, and once its weights have changed, as in
    training, PyTorch writes. Callers in several threads are served side by side.

    Args:
        model: A network of transformers, or an adapter on one.
        compute_type: "int8", "int8_float32", "float32" …; see CTranslate2.
        named: Whether somebody asked for it: then a network that it does not know is an error.

    Raises:
        ValueError: See `named`; or there is no such compute type on this CPU.
    """

    def __init__(self, model: Any, compute_type: str, named: bool) -> None:
        self._model = model
        self._compute_type = compute_type
        self._weights = _state(model)
        self._is_usable = True
        self._renew()
        if named:
            self._check()
        elif model.dtype != torch.float32 or _size(model) > _MOST_UNASKED:
            self._is_usable = False

    def _renew(self) -> None:
        """Forgets what was loaded; the threads of a parent are not those of a forked child."""
        if (runner := vars(self).get("_runner")) is not None:
            leave_to_parents(runner)
        self._runner: Any = None
        self._threads = 0
        self._loading = threading.Lock()
        _ENGINES.add(self)

    def _check(self) -> None:
        from ctranslate2 import get_supported_compute_types

        known = get_supported_compute_types("cpu")
        if self._compute_type not in known:
            raise ValueError(
                f"There is no compute_type {self._compute_type!r:.80} on this CPU. Known: {', '.join(sorted(known))}."
            )
        if not self._is_known():
            network = type(network_of(self._model)).__name__
            raise ValueError(f"CTranslate2 cannot run a {network} with these weights. Use engine='torch'.")

    def _is_known(self) -> bool:
        from right_hf.generator.ctranslate2_conversion import loader_of

        model = network_of(self._model)
        return loader_of(model) is not None and not getattr(model, "is_quantized", False)

    def __getstate__(self) -> dict[str, Any]:
        fresh = self._is_usable and self._weights == _state(self._model)
        return {"_model": self._model, "_compute_type": self._compute_type, "_is_usable": fresh}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._weights = _state(self._model)
        self._renew()

    def write(self, prompts: Sequence[Sequence[int]], settings: Mapping[str, Any]) -> list[list[int]] | None:
        """See [`right_hf.generator.engine.Engine.write`]."""
        network = network_of(self._model)
        reads_prompts = not network.config.is_encoder_decoder
        options = same_options(network.generation_config.to_diff_dict(), settings, reads_prompts)
        if options is None or (runner := self._ready(prompts[0])) is None:
            return None
        tokens = [[str(token) for token in prompt] for prompt in prompts]
        if reads_prompts:
            found = runner.generate_batch(tokens, include_prompt_in_result=False, **options)
            return [list(ids) for result in found for ids in result.sequences_ids]
        found = runner.translate_batch(tokens, max_input_length=0, **options)
        return [[int(token) for token in written] for result in found for written in result.hypotheses]

    def _ready(self, prompt: Sequence[int]) -> Any:
        """What runs the network as it is; None where PyTorch has to."""
        if not self._is_usable or self._model.device.type != "cpu" or self._model.training:
            return None
        with self._loading:
            if self._weights != _state(self._model):
                self._give_up("its weights have changed since it was loaded")
            elif self._runner is None or self._threads != torch.get_num_threads():
                self._load(prompt[-_CHECKED:])
            return self._runner

    def _load(self, prompt: Sequence[int]) -> None:
        self._runner = None
        try:
            if not self._is_known():
                self._is_usable = False
                return
            self._runner = self._made(prompt, torch.get_num_threads())
            self._threads = torch.get_num_threads()
        except Exception as error:  # whatever a converter meets in a network that it does not know after all
            self._give_up(f"{type(error).__name__}: {error}")

    def _made(self, prompt: Sequence[int], threads: int) -> Any:
        from right_hf.generator import ctranslate2_conversion as conversion

        # Whatever is loaded with other threads would change PyTorch's: both may share one OpenMP.
        workers = {"intra_threads": threads, "inter_threads": _workers(threads)}

        def make(folder: Path) -> None:
            conversion.convert(self._model, self._compute_type, folder)
            files = {path.name: path.read_bytes() for path in folder.iterdir() if not path.name.startswith(".")}
            runner = conversion.loaded(files, self._model, self._compute_type, **workers)
            conversion.check_agreement(runner, self._model, prompt, self._compute_type)

        files = converted_files(conversion.key_of(self._model, self._compute_type), make)
        return conversion.loaded(files, self._model, self._compute_type, **workers)

    def _give_up(self, why: str) -> None:
        self._is_usable, self._runner = False, None
        logger.warning("PyTorch writes in CTranslate2's place: %s.", why)


def _workers(threads: int) -> int:
    """How many callers are served at once, where each has so many threads."""
    return max(1, min(_MOST_WORKERS, (os.cpu_count() or 1) // threads))


def _size(model: Any) -> int:
    return sum(weight.numel() for weight in model.parameters())


def _state(model: Any) -> tuple[Any, ...]:
    """What the weights are, and how often each was changed in its place; it is another after training."""
    weights = model.parameters()
    return tuple((one.shape, one.dtype, 0 if one.is_inference() else one._version) for one in weights)


_ENGINES = renewed_in_children(CTranslate2Engine._renew)
