"""An LLM as it is, which only its prompt tells what to do: the paper's, or examples."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from right_hf.generator import DecoderGenerator
from right_hf.generator.chat_prompts import Shot

#: Tokens of a prompt with examples.
_MAX_PROMPT = 1024


def prompted_llm(
    network: Any, tokenizer: Any, language: str, max_target_length: int, shots: Sequence[Shot] = ()
) -> DecoderGenerator:
    """The LLM: with examples in brief prompts, without any with the paper's.

    Args:
        network: The LLM.
        tokenizer: Its tokenizer.
        language: Of the prompt.
        max_target_length: Tokens of an answer.
        shots: The examples.
    """
    if not shots:
        return DecoderGenerator(network, tokenizer, language, max_target_length=max_target_length)
    return DecoderGenerator(network, tokenizer, language, "brief", _MAX_PROMPT, max_target_length, shots=shots)
