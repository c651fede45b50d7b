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


def _whole(name: str, value: int, least: int = 1, below: int | None = None) -> int:
    """The value, if it is a whole number in that range; raises ValueError otherwise."""
    if not isinstance(value, int) or value < least or (below is not None and value >= below):
        upper = "" if below is None else f" and below {below}"
        raise ValueError(f"{name} must be a whole number of at least {least}{upper}, got {value!r}.")
    return value


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

    def __init__(
        self,
        vocab_size: int = 30522,
        hidden_size: int = 768,
        num_hidden_layers: int = 12,
        num_decoder_layers: int = 12,
        num_attention_heads: int = 12,
        intermediate_size: int = 3072,
        hidden_act: str = "gelu",
        hidden_dropout_prob: float = 0.1,
        attention_probs_dropout_prob: float = 0.1,
        max_position_embeddings: int = 512,
        initializer_range: float = 0.02,
        layer_norm_eps: float = 1e-12,
        max_segments: int = MAX_SEGMENTS,
        selection: str = "soft",
        selected_segments: int = 10,
        global_token_id: int = 101,
        segment_token_id: int = 103,
        pad_token_id: int = 0,
        eos_token_id: int = 102,
        decoder_start_token_id: int = 0,
        **kwargs: Any,
    ) -> None:
        self.vocab_size = _whole("vocab_size", vocab_size)
        self.hidden_size = _whole("hidden_size", hidden_size)
        self.num_hidden_layers = _whole("num_hidden_layers", num_hidden_layers)
        self.num_decoder_layers = _whole("num_decoder_layers", num_decoder_layers)
        self.num_attention_heads = _whole("num_attention_heads", num_attention_heads)
        self.intermediate_size = _whole("intermediate_size", intermediate_size)
        self.hidden_act = hidden_act
        self.hidden_dropout_prob = hidden_dropout_prob
        self.attention_probs_dropout_prob = attention_probs_dropout_prob
        self.initializer_range = initializer_range
        self.layer_norm_eps = layer_norm_eps
        self.max_segments = _whole("max_segments", max_segments)
        longest = 1 + max_segments * (1 + SEGMENT_LENGTH)
        self.max_position_embeddings = _whole("max_position_embeddings", max_position_embeddings, longest)
        self.selected_segments = _whole("selected_segments", selected_segments)
        self.global_token_id = _whole("global_token_id", global_token_id, 0, vocab_size)
        self.segment_token_id = _whole("segment_token_id", segment_token_id, 0, vocab_size)
        self.pad_token_id = _whole("pad_token_id", pad_token_id, 0, vocab_size)
        self.eos_token_id = _whole("eos_token_id", eos_token_id, 0, vocab_size)
        self.decoder_start_token_id = _whole("decoder_start_token_id", decoder_start_token_id, 0, vocab_size)
        if hidden_size % num_attention_heads:
            raise ValueError(
                f"hidden_size must be a multiple of num_attention_heads, got {hidden_size} and {num_attention_heads}."
            )
        if selection not in _SELECTIONS:
            raise ValueError(f"selection must be {' or '.join(map(repr, _SELECTIONS))}, got {selection!r}.")
        self.selection = selection
        kwargs |= {"is_encoder_decoder": True, "tie_word_embeddings": True}
        kwargs |= {"pad_token_id": pad_token_id, "eos_token_id": eos_token_id}
        kwargs["decoder_start_token_id"] = decoder_start_token_id
        super().__init__(**kwargs)

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
