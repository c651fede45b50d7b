"""An LLM as it is, which only its prompt tells what to do: the paper's, or examples."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch

from right_hf.generator import DecoderGenerator
from right_hf.generator.chat_prompts import Shot
from right_hf.generator.decoder_base import load_base

#: Tokens of a prompt with examples.
_MAX_PROMPT = 1024


def prompted_llm(
    source: str,
    revision: str | None,
    language: str,
    max_target_length: int,
    shots: Sequence[Shot] = (),
    device: Any = "cpu",
) -> DecoderGenerator:
    """The LLM in full precision: with examples in brief prompts, without any with the paper's.

    Args:
        source: See [`right_hf.generator.decoder_base.Base`].
        revision: Of a model on the Hub.
        language: Of the prompt.
        max_target_length: Tokens of an answer.
        shots: The examples.
        device: Where it runs.
    """
    network, tokenizer = load_base(source, revision, torch.float32, device)
    if not shots:
        return DecoderGenerator(network, tokenizer, language, max_target_length=max_target_length)
    return DecoderGenerator(network, tokenizer, language, "brief", _MAX_PROMPT, max_target_length, shots=shots)
