"""The networks behind a decoder generator: a whole model, or an adapter on a base that lies elsewhere.

An adapter is a few megabytes beside a base of gigabytes, so it names its base: repository, commit and fingerprint.
The base is loaded first, by itself, at that commit. Given the folder of an adapter, transformers would look for the
base at the adapter's revision.
"""

from __future__ import annotations

import hashlib
import importlib.util
import json
import os
import re
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import safe_open
from safetensors.torch import save_file
from transformers import AutoConfig, AutoModelForCausalLM, BitsAndBytesConfig

from right_hf.generator.gguf_base import gguf_digest, gguf_folder, gguf_version, is_gguf
from right_hf.generator.licenses import named_license, notice_of
from right_hf.hub.hashes import digest
from right_hf.hub.pull import commit_of, fetch
from right_hf.loading import ADAPTER_CONFIG, LOADING, load_model, load_tokenizer
from right_hf.persistence import read_object, write_json

ADAPTER_WEIGHTS = "adapter_model.safetensors"
_DEFAULT = "default"  # peft's name for the only adapter
_IN_CACHE = re.compile(r"/models--([^/]+)/snapshots/([0-9a-f]{40})/?$")


@dataclass(frozen=True)
class Base:
    """The model that an adapter was tuned on, as generator_config.json names it.

    Attributes:
        source: Hub id, a folder or GGUF file of this machine, or `package:` and a package with one.
        revision: The commit, or the package's version; None for a folder or file.
        fingerprint: Of configuration and weights, see [`fingerprint`]; None where nobody recorded it.
        license: As its repository or file names it; None where neither does.
        notice: What its licence wants to go along with whatever is derived from it.
    """

    source: str
    revision: str | None = None
    fingerprint: str | None = None
    license: str | None = None
    notice: str | None = None

    def __str__(self) -> str:
        return self.source + (f" at revision {self.revision!r}" if self.revision else "")

    @property
    def entry(self) -> dict[str, str | None]:
        """What [`recorded`] reads; without licence and notice where there are none, as older versions expect it."""
        found: dict[str, str | None] = asdict(self)
        return {name: value for name, value in found.items() if value or name not in ("license", "notice")}

    @classmethod
    def of(cls, source: str, revision: str | None = None, **hub: Any) -> Base:
        """The base that lies at `source` now, at its present commit."""
        root = _located(source, revision=revision, **hub)
        named = named_license(root)
        return cls(source, _revision(source, root), fingerprint(root), named, notice_of(named))

    @classmethod
    def of_adapted(cls, model: Any) -> Base:
        """The base of a model that peft has put an adapter on, from what transformers and peft noted at it.

        Raises:
            ValueError: Neither noted where it came from.
            FileNotFoundError: It is there no longer.
        """
        config = model.get_base_model().config
        source = config.name_or_path or model.peft_config[model.active_adapter].base_model_name_or_path
        if not source:
            raise ValueError(
                "The adapter's base was never saved, so an adapter saved alone would fit nothing. Save or push the "
                "base and load it from there before tuning, or merge the adapter."
            )
        cached = _IN_CACHE.search(Path(source).as_posix())
        if cached is not None:  # loaded from the folder that the Hub's client keeps it in
            return cls.of(cached[1].replace("--", "/"), cached[2])
        return cls.of(str(source), getattr(config, "_commit_hash", None))

    @classmethod
    def recorded(cls, folder: Path, entry: Any) -> Base:
        """The base that an adapter's folder names, in the generator's configuration or else in the adapter's.

        Raises:
            ValueError: It names none.
        """
        if entry is None:
            config = read_object(folder / ADAPTER_CONFIG)
            entry = {"source": config.get("base_model_name_or_path"), "revision": config.get("revision")}
        fields: dict[str, Any] = dict.fromkeys(cls.__annotations__) | (entry if isinstance(entry, dict) else {})
        texts = all(value is None or isinstance(value, str) for value in fields.values())
        if not (fields.get("source") and texts and set(fields) == set(cls.__annotations__)):
            raise ValueError(
                f"{folder} names no base of its adapter: expected source and revision, got {entry!r:.200}."
            )
        return cls(**fields)

    def folder(self, **hub: Any) -> Path:
        """The folder of the base at its commit, fetched if need be.

        Args:
            hub: Arguments of [`right_hf.hub.pull.fetch`] but the revision, which is the base's own.

        Raises:
            FileNotFoundError, PermissionError, ConnectionError, ImportError: It cannot be had.
            ValueError: It is another model than the one that the adapter was tuned on.
        """
        try:
            root = _located(self.source, **hub, revision=self.revision)
        except (FileNotFoundError, PermissionError, ConnectionError, ImportError) as error:
            raise type(error)(f"The generator is an adapter for {self}, which cannot be had. {error}") from error
        if self.fingerprint is not None and (found := fingerprint(root)) != self.fingerprint:
            raise ValueError(
                f"The generator is an adapter for {self} with the fingerprint {self.fingerprint:.16}…, but what lies "
                f"there has {found:.16}…: other weights or another configuration. Put the right base there, or tune "
                "again on this one."
            )
        return root


def fingerprint(folder: Path) -> str:
    """SHA-256 of a model's configuration and weights, whoever saved them with whatever version of transformers.

    Files from the Hub are not read again: the cache names each by its hash, which [`fetch`] has compared.
    """
    if (of_file := gguf_digest(folder)) is not None:  # what it was converted into, versions of transformers decide
        return of_file
    config = read_object(folder / "config.json")
    for name in ("transformers_version", "_name_or_path"):
        config.pop(name, None)
    weights = {path.name: _sha256(path) for path in sorted(folder.glob("*.safetensors"))}
    return hashlib.sha256(json.dumps([config, weights], sort_keys=True).encode()).hexdigest()


def _located(source: str, revision: str | None = None, **hub: Any) -> Path:
    """The folder of a base: of a GGUF file or package, of this machine, or of the Hub at its commit."""
    return gguf_folder(source) if is_gguf(source) else fetch(source, [""], revision=revision, **hub)


def _revision(source: str, root: Path) -> str | None:
    """The commit or the version of a package that was located; None for a file or folder of this machine."""
    return gguf_version(source) if is_gguf(source) else commit_of(source, root)


def _sha256(path: Path) -> str:
    named = Path(os.readlink(path)).name if path.is_symlink() else ""
    return named if re.fullmatch(r"[0-9a-f]{64}", named) else digest(path, hashlib.sha256())


def load_network(
    folder: Path,
    dtype: torch.dtype | str = "auto",
    device: Any = "cpu",
    quantization: str | None = None,
    device_map: Any = None,
) -> Any:
    """Loads a whole decoder-only model from a folder.

    Args:
        folder: Of a plain transformers model.
        dtype: Of its weights, "auto" for the checkpoint's own; where they are quantised, of what is computed with them.
        device: Where they go.
        quantization: "4bit" or "8bit" through bitsandbytes.
        device_map: Where each part goes instead, as transformers takes it: "auto" …; needs accelerate.

    Raises:
        ValueError: Weights are missing, or the folder holds an adapter.
    """
    if (folder / ADAPTER_CONFIG).is_file():
        raise ValueError(f"{folder} holds an adapter where a whole model is expected. Merge it first.")
    settings: dict[str, Any] = {}
    if quantization is not None:
        # bitsandbytes quantises while it loads, so the weights have to be loaded where they shall be.
        device_map = {"": device} if device_map is None else device_map
        settings["quantization_config"] = _quantized(quantization, folder, dtype)
    if device_map is None:
        return load_model(AutoModelForCausalLM, folder, dtype, **settings).to(device)
    return load_model(AutoModelForCausalLM, folder, dtype, device_map=device_map, **settings)


def load_base(source: str, revision: str | None = None, dtype: Any = "auto", device: Any = "cpu") -> tuple[Any, Any]:
    """Network and tokenizer of an LLM as it is.

    Args:
        source: See [`Base`].
        revision: Of a model on the Hub.
        dtype: See [`load_network`].
        device: See [`load_network`].

    Raises:
        FileNotFoundError, PermissionError, ConnectionError, ImportError: It cannot be had.
    """
    folder = _located(source, revision)
    return load_network(folder, dtype, device), load_tokenizer(folder)


def check_quantization(quantization: str | None) -> None:
    """Refuses a quantization that is unknown or cannot be done here.

    Raises:
        ImportError: bitsandbytes is not installed.
        ValueError: There is no such quantization.
    """
    if quantization not in (None, "4bit", "8bit"):
        raise ValueError(f"There is no quantization {quantization!r}. Known: 4bit, 8bit, or None.")
    if quantization is not None and importlib.util.find_spec("bitsandbytes") is None:
        raise ImportError(f"Loading in {quantization} needs bitsandbytes: pip install right_hf[quant]")


def _quantized(quantization: str, folder: Path, dtype: torch.dtype | str) -> BitsAndBytesConfig:
    if quantization == "8bit":
        return BitsAndBytesConfig(load_in_8bit=True)
    with LOADING:
        computed = AutoConfig.from_pretrained(folder, local_files_only=True).dtype if dtype == "auto" else dtype
    return BitsAndBytesConfig(
        load_in_4bit=True, bnb_4bit_quant_type="nf4", bnb_4bit_compute_dtype=computed or torch.float32
    )


def adapted(network: Any, folder: Path) -> Any:
    """Puts the LoRA adapter in `folder` on its base, and makes sure that it is whole and at work.

    Raises:
        ImportError: peft is not installed.
        ValueError: It is no LoRA adapter, is damaged, or does not fit the base.
    """
    try:
        from peft import PeftModel, get_peft_model_state_dict
        from peft.tuners.tuners_utils import BaseTunerLayer
    except ImportError as error:
        raise ImportError("An adapter needs peft: pip install right_hf[llm]") from error
    config = read_object(folder / ADAPTER_CONFIG)
    if config.get("peft_type") != "LORA" or config.get("megatron_config") is not None:
        raise ValueError(
            f"{folder} holds a {config.get('peft_type')} adapter; only plain LoRA is loaded. Merge it first."
        )
    with safe_open(folder / ADAPTER_WEIGHTS, framework="pt") as file:
        stored = set(file.keys())
    with LOADING:
        model = PeftModel.from_pretrained(
            network, str(folder), torch_device=str(network.device), autocast_adapter_dtype=False
        )
    # peft only warns of missing weights, which then are random, and says nothing of those that have no place.
    needed = set(get_peft_model_state_dict(model, save_embedding_layers=False))
    odd = sorted(needed - stored) or sorted(name for name in stored - needed if "lora_" in name)
    if odd:
        raise ValueError(
            f"The adapter in {folder} does not fit its base: {odd[0]} and {len(odd) - 1} more have no counterpart."
        )
    layers = [module for module in model.modules() if isinstance(module, BaseTunerLayer)]
    if not any(_DEFAULT in layer.active_adapters and not layer.disable_adapters for layer in layers):
        raise ValueError(f"The adapter in {folder} is on no layer of its base.")
    return model


def save_adapter(model: Any, folder: Path, base: Base, stored: torch.dtype | None) -> None:
    """Writes the active adapter of a model, never its base, and the base's name.

    peft's own `save_pretrained` would ask the Hub about the base, and write a card.

    Args:
        model: What peft made of the base.
        folder: An existing folder.
        base: The base.
        stored: The dtype of the adapter's weights; None for the one they have.
    """
    from peft import get_peft_model_state_dict

    name = model.active_adapter
    weights = get_peft_model_state_dict(model, adapter_name=name, save_embedding_layers=False)
    tensors = {key: weight.detach().to("cpu", stored or weight.dtype).contiguous() for key, weight in weights.items()}
    save_file(tensors, folder / ADAPTER_WEIGHTS, metadata={"format": "pt"})
    config = model.peft_config[name].to_dict()
    config |= {"base_model_name_or_path": base.source, "revision": base.revision, "inference_mode": True}
    # Sets have another order in each process.
    plain = {key: sorted(value) if isinstance(value, set) else value for key, value in config.items()}
    write_json(folder / ADAPTER_CONFIG, plain)
