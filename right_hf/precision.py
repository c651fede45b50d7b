"""Weights are saved as they were stored: half precision on disk stays half, whatever they are computed in."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import torch
from safetensors import safe_open

_DTYPES = {"F16": torch.float16, "BF16": torch.bfloat16, "F32": torch.float32}


def torch_dtype(dtype: torch.dtype | str | None) -> torch.dtype:
    """The dtype of that name; float32 for "auto" and None."""
    if isinstance(dtype, torch.dtype):
        return dtype
    found = torch.float32 if dtype in (None, "auto") else getattr(torch, str(dtype), None)
    if not isinstance(found, torch.dtype):
        raise ValueError(f'Unknown dtype {dtype!r}. Give a torch.dtype, its name such as "bfloat16", or "auto".')
    return found


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


def as_stored(model: Any) -> Any:
    """The network to save: itself, or a copy in the dtype that it was stored in where that is smaller."""
    stored: torch.dtype | None = getattr(model, "stored_dtype", None)
    # The largest: T5 loaded in half precision keeps some layers in full.
    held = max((weight.itemsize for weight in model.parameters() if weight.is_floating_point()), default=0)
    if stored is None or stored.itemsize >= held:
        return model
    return copy.deepcopy(model).to(stored)
