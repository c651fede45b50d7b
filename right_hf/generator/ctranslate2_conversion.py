"""Networks of transformers as models of CTranslate2, whose tokens are the numbers of ours."""

from __future__ import annotations

import copy
import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import ctranslate2
import numpy as np
import numpy.typing as npt
import torch
from ctranslate2.converters import transformers as converters
from ctranslate2.specs.model_spec import OPTIONAL

from right_hf.loading import network_of

#: Counts up when the files become others.
_FORMAT = 1
#: How far log-probabilities may be from PyTorch's: at most with the same weights, on average with rounded ones.
_SAME, _ROUNDED = 0.01, 0.5
#: What a configuration says that is nothing of the model's.
_NO_MATTER = ("transformers_version", "_name_or_path")


def loader_of(network: Any) -> Any:
    """What CTranslate2 reads networks of this very class with; None where it knows none."""
    loader = converters._MODEL_LOADERS.get(type(network.config).__name__)
    return loader if getattr(loader, "architecture_name", None) == type(network).__name__ else None


def key_of(model: Any, compute_type: str) -> str:
    """A hash of all that a converted model is made of: weights, configuration, compute type, version."""
    network = network_of(model)
    config = {name: value for name, value in network.config.to_dict().items() if name not in _NO_MATTER}
    parts = [_FORMAT, ctranslate2.__version__, compute_type, type(network).__name__, _start(network), config]
    found = hashlib.sha256(json.dumps(parts, sort_keys=True, default=str).encode())
    for name, weight in sorted([*model.named_parameters(), *model.named_buffers()]):
        found.update(f"{name} {weight.dtype} {tuple(weight.shape)}".encode())
        found.update(weight.detach().cpu().contiguous().reshape(-1).view(torch.uint8).numpy().data)
    return found.hexdigest()


def _start(network: Any) -> int:
    """The token that a decoder starts from where it does not go on from a prompt."""
    found = (getattr(where, "decoder_start_token_id", None) for where in (network.generation_config, network.config))
    return next((token for token in found if token is not None), 0)


class _Numbers:
    """In the place of a tokenizer: tokens are their numbers, as text, whatever they look like."""

    def __init__(self, size: int, start: int) -> None:
        self.size = size
        self.bos_token = self.pad_token = str(start)
        self.eos_token = self.unk_token = "0"  # ends are told in each call

    def __len__(self) -> int:
        return self.size

    def get_vocab(self) -> dict[str, int]:
        return {str(token): token for token in range(self.size)}

    def convert_ids_to_tokens(self, token: int) -> str:
        return str(token)


def convert(model: Any, compute_type: str, folder: Path) -> None:
    """Writes a model of transformers, or an adapter merged into its base, for CTranslate2 into an existing folder."""
    # A copy: loaders take the network apart, and rounding changes weights in their place.
    with torch.inference_mode(False), torch.no_grad():
        whole = copy.deepcopy(model)
        whole = whole.merge_and_unload(safe_merge=True) if hasattr(whole, "get_base_model") else whole
        start = _start(whole)
        loader = loader_of(whole)
        spec = loader(whole, _Numbers(whole.get_input_embeddings().weight.shape[0], start))
        if isinstance(loader, converters.T5Loader):
            # The loader takes T5 v1.1 and mT5 for T5, since transformers calls all of them tied.
            is_scaled = getattr(whole.config, "scale_decoder_outputs", False)
            spec.decoder.scale_outputs = whole.config.d_model**-0.5 if is_scaled else OPTIONAL
        spec.validate()
        spec.optimize(quantization=compute_type)
        spec.save(str(folder))


def loaded(files: dict[str, bytes], model: Any, compute_type: str, **workers: int) -> Any:
    """The `Translator` or `Generator` of a converted model."""
    kind = ctranslate2.Translator if network_of(model).config.is_encoder_decoder else ctranslate2.Generator
    return kind("converted", device="cpu", compute_type=compute_type, files=files, **workers)


@torch.inference_mode()
def check_agreement(runner: Any, model: Any, prompt: Sequence[int], compute_type: str) -> None:
    """Makes sure that a converted model computes what the network does, for a converter can be wrong about one.

    Args:
        runner: What [`loaded`] gave.
        model: The network.
        prompt: Token ids to read.
        compute_type: Of the converted model.

    Raises:
        ValueError: Its log-probabilities are others.
    """
    own, found = _log_probs_of_network(model, prompt), _log_probs_of_runner(runner, prompt)
    far = np.abs(own - found)
    exact = compute_type == "float32" and network_of(model).dtype == torch.float32
    if not (far.max() <= _SAME if exact else far.mean() <= _ROUNDED):
        raise ValueError(f"converted, its log-probabilities are {far.mean():.2g} off on average")


def _log_probs_of_network(model: Any, prompt: Sequence[int]) -> npt.NDArray[np.float32]:
    """Log-probabilities of the tokens of a prompt: each after those before it, or of a decoder that reads it first."""
    ids = torch.tensor([list(prompt)], device=model.device)
    if network_of(model).config.is_encoder_decoder:
        logits, tokens = model(input_ids=ids, labels=ids).logits, ids
    else:
        logits, tokens = model(input_ids=ids).logits[:, :-1], ids[:, 1:]
    known: npt.NDArray[np.float32] = logits[0].float().log_softmax(-1).gather(1, tokens.T)[:, 0].cpu().numpy()
    return known


def _log_probs_of_runner(runner: Any, prompt: Sequence[int]) -> npt.NDArray[np.float32]:
    tokens = [str(token) for token in prompt]
    if isinstance(runner, ctranslate2.Translator):
        # An end is added to what is scored.
        found = runner.score_batch([tokens], [tokens], max_input_length=0)[0].log_probs[: len(tokens)]
    else:
        found = runner.score_batch([tokens], max_input_length=0)[0].log_probs
    return np.array(found, dtype=np.float32)
