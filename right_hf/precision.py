"""Precision: weights are saved as they were stored, computed with as the checkpoint says, trained in what is quick."""

from __future__ import annotations

import copy
import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import safe_open

from right_hf.persistence import read_object, write_json

logger = logging.getLogger(__name__)

_DTYPES = {"F16": torch.float16, "BF16": torch.bfloat16, "F32": torch.float32}


def stored_dtype(folder: Path) -> torch.dtype | None:
    """The dtype of the floating-point weights in a model's folder; None where they are of several or none."""
    kinds: set[str] = set()
    for path in folder.rglob("*.safetensors"):
        with safe_open(path, framework="numpy") as file:
            kinds |= {file.get_slice(name).get_dtype() for name in file.keys()}  # noqa: SIM118
    floats = [_DTYPES[kind] for kind in kinds if kind in _DTYPES]
    return floats[0] if len(floats) == 1 else None


def note_stored(model: Any, folder: Path) -> None:
    """Notes at a loaded network what dtype it has on disk; `model.stored_dtype = None` takes the note back."""
    model.stored_dtype = stored_dtype(folder)


def stored_in_half(model: Any) -> Any:
    """The network with its weights rounded to half precision, to be stored in it and computed with in full."""
    model.half().float().stored_dtype = torch.float16
    return model


def as_stored(model: Any) -> Any:
    """The network to save: itself, or a copy in the dtype that it was stored in where that is smaller."""
    stored: torch.dtype | None = getattr(model, "stored_dtype", None)
    # The largest: T5 loaded in half precision keeps some layers in full.
    held = max((weight.itemsize for weight in model.parameters() if weight.is_floating_point()), default=0)
    if stored is None or stored.itemsize >= held:
        return model
    return copy.deepcopy(model).to(stored)


def save_network(model: Any, folder: Path) -> None:
    """Saves a transformers model in the precision it has on disk, and in config.json the one it computes in.

    So dtype="auto" loads a model that is stored in half precision only for its size in full precision again.
    """
    as_stored(model).save_pretrained(folder)
    config = read_object(folder / "config.json")
    write_json(folder / "config.json", config | {"dtype": str(model.dtype).removeprefix("torch.")})


def affordable(arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Training arguments without `bf16` where that would be emulated: on a CPU without instructions for it.

    Emulated, training was measured 13 times slower than in float32; where a CPU has them, bf16 is half as fast again.
    """
    on_cpu = arguments.get("use_cpu") or not torch.accelerator.is_available()
    if not arguments.get("bf16") or not on_cpu or torch.ops.mkldnn._is_mkldnn_bf16_supported():
        return dict(arguments)
    logger.warning("This CPU has no instructions for bfloat16: training runs in float32 instead.")
    return {**arguments, "bf16": False}
