"""What CTranslate2 is told of the arguments of transformers' `generate`, where it does just the same."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

#: Arguments that change nothing in what is written without sampling, whatever they are.
_WITHOUT_EFFECT = frozenset(
    {
        "transformers_version",
        "_from_model_config",
        "bos_token_id",
        "pad_token_id",
        "decoder_start_token_id",
        "use_cache",
        "cache_implementation",
        "cache_config",
        "temperature",
        "top_k",
        "top_p",
        "min_p",
        "typical_p",
        "epsilon_cutoff",
        "eta_cutoff",
        "top_h",
        "num_assistant_tokens",
        "num_assistant_tokens_schedule",
        "assistant_confidence_threshold",
        "assistant_early_exit",
        "assistant_lookbehind",
        "target_lookbehind",
        "max_matching_ngram_size",
        "diversity_penalty",
    }
)
#: What further arguments must be, if they are given.
_DEFAULTS: Mapping[str, Any] = {
    "do_sample": False,
    "encoder_no_repeat_ngram_size": 0,
    "encoder_repetition_penalty": 1.0,
    "min_length": 0,
    "min_new_tokens": 0,
    "no_repeat_ngram_size": 0,  # transformers counts the token that a decoder starts from, too
    "num_beam_groups": 1,
    "output_attentions": False,
    "output_hidden_states": False,
    "output_logits": False,
    "output_scores": False,
    "remove_invalid_values": False,
    "renormalize_logits": False,
    "repetition_penalty": 1.0,
    "return_dict_in_generate": False,
}
#: What is passed on.
_TAKEN = frozenset(
    {
        "num_beams",
        "num_return_sequences",
        "max_new_tokens",
        "max_length",
        "early_stopping",
        "length_penalty",
        "eos_token_id",
    }
)


def same_options(own: Mapping[str, Any], settings: Mapping[str, Any], reads_prompts: bool) -> dict[str, Any] | None:
    """Options of CTranslate2's `translate_batch` and `generate_batch` that write what transformers would.

    Beams are searched as transformers does with `early_stopping=True`: it stops when as many answers as beams are
    finished. Samples are left to PyTorch, whose seed they follow.

    Args:
        own: The arguments in the model's generation configuration.
        settings: Those of the call.
        reads_prompts: Whether it is a decoder-only model: its prompt counts in `max_length`.

    Returns:
        None where there are none: it is asked for what CTranslate2 has not, or does otherwise.
    """
    asked = {name: value for name, value in {**own, **settings}.items() if value is not None}
    odd = asked.keys() - _TAKEN - _WITHOUT_EFFECT
    if any(name not in _DEFAULTS or asked[name] != _DEFAULTS[name] for name in odd):
        return None
    beams, sequences = asked.get("num_beams", 1), asked.get("num_return_sequences", 1)
    longest = _longest(asked, reads_prompts)
    ends = asked.get("eos_token_id")
    if longest is None or longest < 1 or ends is None or not 1 <= sequences <= beams:
        return None
    # Beams over prompts of different lengths would be wrong in one batch.
    alone = {"max_batch_size": 1} if beams > 1 else {}
    if beams > 1 and asked.get("early_stopping") is not True:
        return None
    return {
        "beam_size": beams,
        "num_hypotheses": sequences,
        "length_penalty": asked.get("length_penalty", 1.0) if beams > 1 else 1.0,
        "end_token": list(ends) if isinstance(ends, Sequence) else [ends],
        **(
            {"max_length": longest, **alone}
            if reads_prompts
            else {"max_decoding_length": longest, "min_decoding_length": 0}
        ),
    }


def _longest(asked: Mapping[str, Any], reads_prompts: bool) -> int | None:
    """Tokens of the longest answer; None where it depends on the prompts."""
    if "max_new_tokens" in asked:
        return int(asked["max_new_tokens"])
    # The token that a decoder starts from counts, too.
    return int(asked["max_length"]) - 1 if "max_length" in asked and not reads_prompts else None
