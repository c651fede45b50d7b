"""SEGTRM: a Transformer that generates hashtags from the segments of a post (Mao et al., 2022, arXiv 2106.03151).

The authors' public code holds the hard selection only, with the cosine as one of four similarities. The soft selection
follows its description: a softmax over the segments' similarities, by which segments and their tokens are multiplied.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import nn
from transformers import BertModel, GenerationMixin
from transformers.modeling_outputs import Seq2SeqLMOutput
from transformers.models.bert.modeling_bert import BertOnlyMLMHead, BertPreTrainedModel
from transformers.utils.generic import ModelOutput

from reproduction.segtrm.configuration_segtrm import BERT_SETTINGS, SegtrmConfig
from reproduction.segtrm.segments import GLOBAL, SEGMENT, add_segment_tokens

_WORDS = "embeddings.word_embeddings.weight"
_TYPES = "embeddings.token_type_embeddings.weight"


@dataclass
class SegtrmEncoderOutput(ModelOutput):
    """What the decoder reads.

    Attributes:
        last_hidden_state: (B, S, d) states, those of each segment times its weight.
        weights: (B, S) weight of each token's segment; 1 for the global token.
        read: (B, S) which states the decoder attends to.
    """

    last_hidden_state: torch.Tensor
    weights: torch.Tensor | None = None
    read: torch.Tensor | None = None


def segment_scores(hidden: torch.Tensor, opens: torch.Tensor) -> torch.Tensor:
    """The similarity of each segment to the whole post: cos(h_global, h_segment).

    Args:
        hidden: (B, S, d) states; the global token's come first.
        opens: (B, S) where the segment tokens are.

    Returns:
        (B, S) the cosine at each segment token, minus infinity elsewhere.
    """
    return torch.cosine_similarity(hidden[:, :1], hidden, dim=-1).masked_fill(~opens, -torch.inf)


def soft_weights(scores: torch.Tensor) -> torch.Tensor:
    """Soft selection: the softmax over the segments of a post; (B, S) scores to (B, S) weights."""
    return scores.softmax(-1)


def hard_weights(scores: torch.Tensor, selected: int) -> torch.Tensor:
    """Hard selection: 1 for the `selected` best segments of a post, 0 for others; (B, S) scores to (B, S) weights."""
    best = scores.topk(min(selected, scores.shape[1]), dim=-1).indices
    chosen = torch.zeros_like(scores).scatter(1, best, 1.0)
    return chosen.masked_fill(scores.isinf(), 0.0)


def weights_of_tokens(weights: torch.Tensor, opens: torch.Tensor) -> torch.Tensor:
    """Each token's weight is that of its segment; 1 before the first segment.

    Args:
        weights: (B, S) weights at the segment tokens.
        opens: (B, S) where the segment tokens are; the first position holds none.
    """
    positions = torch.arange(opens.shape[1], device=opens.device)
    opening = torch.where(opens, positions, 0).cummax(-1).values  # (B, S) position of the own segment token, or 0
    return torch.where(opening > 0, weights.gather(1, opening), 1.0)


class SegtrmEncoder(nn.Module):
    """A BERT that reads a post cut into segments, and the selection of its segments.

    Args:
        config: The configuration of the model.
    """

    main_input_name = "input_ids"

    def __init__(self, config: SegtrmConfig) -> None:
        super().__init__()
        self.config = config
        self.bert = BertModel(config.encoder_config(), add_pooling_layer=False)

    def forward(
        self, input_ids: torch.Tensor, attention_mask: torch.Tensor | None = None, **_: Any
    ) -> SegtrmEncoderOutput:
        """Reads and selects.

        Args:
            input_ids: (B, S) inputs as [`SegmentFormat`] lays them out, filled up on the right.
            attention_mask: (B, S) 0 where filled up.
        """
        if attention_mask is None:
            attention_mask = torch.ones_like(input_ids)
        opens = input_ids == self.config.segment_token_id
        hidden = self.bert(input_ids, attention_mask, token_type_ids=opens.long().cumsum(-1)).last_hidden_state
        scores = segment_scores(hidden.float(), opens)
        hard = self.config.selection == "hard"
        chosen = hard_weights(scores, self.config.selected_segments) if hard else soft_weights(scores)
        weights = weights_of_tokens(chosen, opens)
        return SegtrmEncoderOutput(
            last_hidden_state=hidden * weights.unsqueeze(-1).to(hidden.dtype),
            weights=weights,
            read=attention_mask.bool() & (weights > 0),
        )


class SegtrmForHashtagGeneration(BertPreTrainedModel, GenerationMixin):
    """Encoder, segment selection and decoder; the decoder starts from the global token's state.

    Token embeddings are shared by the encoder, the decoder and the output layer.

    Args:
        config: Its sizes.
    """

    config_class = SegtrmConfig
    base_model_prefix = "segtrm"
    main_input_name = "input_ids"
    accepts_loss_kwargs = False
    _tied_weights_keys = {  # noqa: RUF012 (transformers declares it as an instance's)
        "decoder.embeddings.word_embeddings.weight": "encoder.bert.embeddings.word_embeddings.weight",
        "lm_head.predictions.decoder.weight": "encoder.bert.embeddings.word_embeddings.weight",
        "lm_head.predictions.decoder.bias": "lm_head.predictions.bias",
    }

    def __init__(self, config: SegtrmConfig) -> None:
        super().__init__(config)
        self.encoder = SegtrmEncoder(config)
        self.decoder = BertModel(config.decoder_config(), add_pooling_layer=False)
        self.lm_head = BertOnlyMLMHead(config.decoder_config())
        self.post_init()  # type: ignore[no-untyped-call]

    @classmethod
    def from_encoder(
        cls,
        encoder: Any,
        tokenizer: Any,
        num_decoder_layers: int = 2,
        selection: str = "soft",
        selected_segments: int = 10,
    ) -> SegtrmForHashtagGeneration:
        """A model whose encoder and token embeddings are those of a pretrained BERT; the rest has random weights.

        Args:
            encoder: A BertModel, or a model with one inside.
            tokenizer: Its tokenizer; gets the tokens of [`add_segment_tokens`].
            num_decoder_layers: Layers of the decoder.
            selection: "soft" or "hard".
            selected_segments: How many segments a hard selection keeps.

        Raises:
            ValueError: The encoder is no BERT.
        """
        bert: Any = encoder.base_model
        if not isinstance(bert, BertModel):
            raise ValueError(f"SEGTRM's encoder is a BERT, got a {type(encoder).__name__}. Give a BertModel.")
        settings = {name: getattr(bert.config, name) for name in BERT_SETTINGS}
        settings |= {"num_decoder_layers": num_decoder_layers, "selection": selection}
        tokens = structure_of(add_segment_tokens(tokenizer))
        model = cls(SegtrmConfig(**settings, **tokens, selected_segments=selected_segments))
        weights = {name: weight for name, weight in bert.state_dict().items() if not name.startswith("pooler.")}
        known = weights[_WORDS]
        weights[_WORDS] = model.get_input_embeddings().weight.detach().clone()
        weights[_WORDS][: len(known)] = known[: len(weights[_WORDS])]
        # Each segment starts as what the encoder knows as the first sentence.
        weights[_TYPES] = weights[_TYPES][:1].expand(1 + model.config.max_segments, -1)
        model.encoder.bert.load_state_dict(weights)
        return model

    def get_input_embeddings(self) -> nn.Embedding:
        """The token embeddings that all parts share."""
        return self.encoder.bert.embeddings.word_embeddings

    def set_input_embeddings(self, value: nn.Module) -> None:
        """Gives encoder and decoder other token embeddings."""
        self.encoder.bert.set_input_embeddings(value)
        self.decoder.set_input_embeddings(value)

    def get_output_embeddings(self) -> nn.Module:
        """The output layer."""
        layer: nn.Module = self.lm_head.predictions.decoder
        return layer

    def set_output_embeddings(self, value: nn.Module) -> None:
        """Takes another output layer."""
        self.lm_head.predictions.decoder = value
        self.lm_head.predictions.bias = value.bias

    def prepare_decoder_input_ids_from_labels(self, labels: torch.Tensor) -> torch.Tensor:
        """The labels one position later, after the start; (B, T) to (B, T)."""
        start = labels.new_full((len(labels), 1), self.config.decoder_start_token_id)
        # -100 is no token; which one stands after the output's end does not matter.
        return torch.cat([start, labels[:, :-1]], dim=1).clamp(min=0)

    def forward(
        self,
        input_ids: torch.Tensor | None = None,
        attention_mask: torch.Tensor | None = None,
        decoder_input_ids: torch.Tensor | None = None,
        decoder_attention_mask: torch.Tensor | None = None,
        encoder_outputs: SegtrmEncoderOutput | None = None,
        cache: Any = None,
        labels: torch.Tensor | None = None,
        use_cache: bool | None = None,
        **_: Any,
    ) -> Seq2SeqLMOutput:
        """Scores of the next token at each position of the output.

        Args:
            input_ids: (B, S) inputs as [`SegmentFormat`] lays them out.
            attention_mask: (B, S) 0 where filled up.
            decoder_input_ids: (B, T) the output so far, its start first; by default from `labels`.
            decoder_attention_mask: (B, T) 0 where filled up. The output is causal, so it may be left out.
            encoder_outputs: What the encoder gave for the inputs.
            cache: The cache of the positions before `decoder_input_ids`.
            labels: (B, T) the output to learn, -100 where filled up.
            use_cache: Whether to return the cache.

        Returns:
            The loss (mean over tokens) if there are labels, and (B, T, V) logits.
        """
        if encoder_outputs is None:
            encoder_outputs = self.encoder(input_ids, attention_mask)
        if decoder_input_ids is None:
            if labels is None:
                raise ValueError("SEGTRM needs labels or decoder_input_ids, got neither. To write, call generate().")
            decoder_input_ids = self.prepare_decoder_input_ids_from_labels(labels)
        states = encoder_outputs.last_hidden_state
        embeddings = self.get_input_embeddings()(decoder_input_ids)
        if cache is None or cache.get_seq_length() == 0:
            embeddings = torch.cat([states[:, :1], embeddings[:, 1:]], dim=1)  # the output grows out of the post
        decoded = self.decoder(
            inputs_embeds=embeddings,
            attention_mask=decoder_attention_mask,
            encoder_hidden_states=states,
            encoder_attention_mask=encoder_outputs.read,
            cache=cache,
            use_cache=use_cache if labels is None else False,
        )
        logits = self.lm_head(decoded.last_hidden_state)
        loss = None if labels is None else nn.functional.cross_entropy(logits.flatten(0, 1).float(), labels.flatten())
        return Seq2SeqLMOutput(
            loss=loss, logits=logits, cache=decoded.cache, encoder_last_hidden_state=states if labels is None else None
        )


def structure_of(tokenizer: Any) -> dict[str, Any]:
    """The fields of a configuration that a tokenizer decides."""
    return {
        "vocab_size": len(tokenizer),
        "global_token_id": tokenizer.convert_tokens_to_ids(GLOBAL),
        "segment_token_id": tokenizer.convert_tokens_to_ids(SEGMENT),
        "pad_token_id": tokenizer.pad_token_id,
        "eos_token_id": tokenizer.eos_token_id,
        "decoder_start_token_id": tokenizer.pad_token_id,
    }
