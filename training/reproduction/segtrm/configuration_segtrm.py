"""Configuration of SEGTRM."""

from __future__ import annotations

from typing import Any

from transformers import BertConfig, PreTrainedConfig

from reproduction.segtrm.segments import MAX_SEGMENTS, SEGMENT_LENGTH

#: What a SEGTRM's configuration and that of a BERT have in common, apart from the tokens.
BERT_SETTINGS = (
    "hidden_size",
    "num_hidden_layers",
    "num_attention_heads",
    "intermediate_size",
    "hidden_act",
    "hidden_dropout_prob",
    "attention_probs_dropout_prob",
    "max_position_embeddings",
    "initializer_range",
    "layer_norm_eps",
)
_SELECTIONS = ("soft", "hard")
#: The authors' public configuration.
_DEFAULTS: dict[str, Any] = {
    "vocab_size": 30522,
    "hidden_size": 768,
    "num_hidden_layers": 12,
    "num_decoder_layers": 12,
    "num_attention_heads": 12,
    "intermediate_size": 3072,
    "hidden_act": "gelu",
    "hidden_dropout_prob": 0.1,
    "attention_probs_dropout_prob": 0.1,
    "max_position_embeddings": 512,
    "initializer_range": 0.02,
    "layer_norm_eps": 1e-12,
    "max_segments": MAX_SEGMENTS,
    "selection": "soft",
    "selected_segments": 10,
    "global_token_id": 101,
    "segment_token_id": 103,
    "pad_token_id": 0,
    "eos_token_id": 102,
    "decoder_start_token_id": 0,
}
#: Those that are whole numbers of at least 1, and those that are tokens.
_SIZES = (
    "vocab_size",
    "hidden_size",
    "num_hidden_layers",
    "num_decoder_layers",
    "num_attention_heads",
    "intermediate_size",
    "max_segments",
    "selected_segments",
)
_TOKENS = ("global_token_id", "segment_token_id", "pad_token_id", "eos_token_id", "decoder_start_token_id")


def _whole(name: str, value: object, least: int = 1, below: int | None = None) -> None:
    """Raises ValueError unless the value is a whole number in that range."""
    if not isinstance(value, int) or value < least or (below is not None and value >= below):
        upper = "" if below is None else f" and below {below}"
        raise ValueError(f"{name} must be a whole number of at least {least}{upper}, got {value!r}.")


class SegtrmConfig(PreTrainedConfig):
    """Sizes of a SEGTRM and how it selects segments. The defaults are the authors' public configuration.

    Args:
        vocab_size: Tokens of the vocabulary that encoder and decoder share.
        hidden_size: d, of the encoder's and the decoder's states.
        num_hidden_layers: Layers of the encoder.
        num_decoder_layers: Layers of the decoder.
        num_attention_heads: Heads of each attention.
        intermediate_size: Width of the feed-forward networks.
        hidden_act: Their activation.
        hidden_dropout_prob: Dropout of the states.
        attention_probs_dropout_prob: Dropout of the attention weights.
        max_position_embeddings: The longest input or output.
        initializer_range: Standard deviation of random weights.
        layer_norm_eps: Added to the variance in a layer norm.
        max_segments: Segments of a post; each has a token type of its own, 0 is the global token's.
        selection: "soft" weights the segments, "hard" keeps the best.
        selected_segments: How many segments a hard selection keeps.
        global_token_id: The token that opens an input.
        segment_token_id: The token that opens each segment.
        pad_token_id: The token that fills up shorter inputs and outputs.
        eos_token_id: The token that ends an output.
        decoder_start_token_id: Stands for the start of an output; the global token's state takes its place.

    Raises:
        ValueError: A number is out of range, or the selection unknown.
    """

    model_type = "segtrm"

    def __init__(self, **settings: Any) -> None:
        own = {name: settings.pop(name, default) for name, default in _DEFAULTS.items()}
        for name in _SIZES:
            _whole(name, own[name])
        longest = 1 + own["max_segments"] * (1 + SEGMENT_LENGTH)
        _whole("max_position_embeddings", own["max_position_embeddings"], longest)
        for name in _TOKENS:
            _whole(name, own[name], 0, own["vocab_size"])
        if own["hidden_size"] % own["num_attention_heads"]:
            raise ValueError(
                f"hidden_size must be a multiple of num_attention_heads, got {own['hidden_size']} and "
                f"{own['num_attention_heads']}."
            )
        if own["selection"] not in _SELECTIONS:
            known = " or ".join(map(repr, _SELECTIONS))
            raise ValueError(f"selection must be {known}, got {own['selection']!r}.")
        for name, value in own.items():
            setattr(self, name, value)
        settings |= {"is_encoder_decoder": True, "tie_word_embeddings": True}
        shared = {name: own[name] for name in ("pad_token_id", "eos_token_id", "decoder_start_token_id")}
        super().__init__(**settings, **shared)

    def _bert(self, **settings: Any) -> BertConfig:
        shared = {name: getattr(self, name) for name in BERT_SETTINGS}
        tokens = {"vocab_size": self.vocab_size, "pad_token_id": self.pad_token_id}
        return BertConfig(**{**shared, **tokens, "attn_implementation": self._attn_implementation, **settings})

    def encoder_config(self) -> BertConfig:
        """Of the BERT that reads posts, with a token type for each segment."""
        return self._bert(type_vocab_size=1 + self.max_segments)

    def decoder_config(self) -> BertConfig:
        """Of the BERT that writes hashtags, with cross-attention."""
        return self._bert(
            num_hidden_layers=self.num_decoder_layers, type_vocab_size=1, is_decoder=True, add_cross_attention=True
        )
