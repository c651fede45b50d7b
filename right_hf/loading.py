"""Loading networks and tokenizers of transformers: safetensors only, never code of a repository, one at a time."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from right_hf.forks import Lock
from right_hf.persistence import read_object

ADAPTER_CONFIG = "adapter_config.json"
#: Held while transformers loads, which changes settings of the whole process: two threads that load at once fail, and
#: what they leave behind fails whatever is loaded next.
LOADING = Lock(again=True)
#: Whatever is loaded; a source on the Hub lifts `local_files_only`.
_SAFELY: dict[str, Any] = {"local_files_only": True, "trust_remote_code": False}


def load_model(kind: Any, source: str | Path, dtype: Any = "auto", **settings: Any) -> Any:
    """Loads a whole network, and notes at it in which precision it lies on disk.

    Args:
        kind: One of transformers' classes of models.
        source: A folder, or with `local_files_only=False` a Hub id.
        dtype: Of the weights: a `torch.dtype`, its name, or "auto" for the checkpoint's own.
        settings: Further ones of transformers' `from_pretrained`.

    Raises:
        ValueError: Weights are missing, which transformers would fill in by chance.
    """
    from right_hf.precision import note_stored

    with LOADING:
        settings = {**_SAFELY, "dtype": dtype, "use_safetensors": True, **settings}
        model, report = kind.from_pretrained(source, output_loading_info=True, **settings)
    if report["missing_keys"]:
        raise ValueError(f"the weights lack {', '.join(sorted(report['missing_keys'])[:3])}")
    if Path(source).is_dir():
        note_stored(model, Path(source))
    return model


def load_tokenizer(source: str | Path, **settings: Any) -> Any:
    """Loads a tokenizer; for the arguments see [`load_model`]."""
    from transformers import AutoTokenizer

    with LOADING:
        return AutoTokenizer.from_pretrained(source, **{**_SAFELY, **settings})


def network_of(model: Any) -> Any:
    """The network that an adapter of peft lies in, or a model itself."""
    return model.get_base_model() if hasattr(model, "get_base_model") else model


def is_decoder(folder: Path) -> bool:
    """Whether a plain model's folder holds a decoder-only one, or an adapter for one."""
    if (folder / ADAPTER_CONFIG).is_file():
        return True
    config = read_object(folder / "config.json") if (folder / "config.json").is_file() else {}
    return str((config.get("architectures") or [""])[0]).endswith(("ForCausalLM", "LMHeadModel"))


@contextmanager
def damage_named(folder: Path, what: str) -> Iterator[None]:
    """Says of which folder it is that cannot be loaded; a damaged file raises whatever its reader raises.

    Raises:
        ValueError: Anything was raised but what a missing package raises.
    """
    try:
        yield
    except ImportError:
        raise
    except Exception as error:
        raise ValueError(
            f"{folder} holds no loadable {what} ({type(error).__name__}: {error}). Save or download it again."
        ) from error
