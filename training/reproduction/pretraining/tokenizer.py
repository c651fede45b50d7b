"""A tokenizer of one's own for a generator that is trained from scratch."""

from __future__ import annotations

import json
from collections.abc import Iterable

from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers
from transformers import PreTrainedTokenizerFast

from right_hf.generator.chat_prompts import DELIMITERS
from right_hf.generator.prompt import SEP1, SEP2

_PAD, _END, _UNKNOWN = "<pad>", "</s>", "<unk>"


def train_tokenizer(texts: Iterable[str], vocabulary_size: int) -> PreTrainedTokenizerFast:
    """Trains a lower-casing unigram tokenizer with T5's special tokens and the two separators.

    Lower case because hashtags are: a word of the post and the same word as a hashtag are then the same tokens, which
    a small model can copy.

    Args:
        texts: Posts and hashtags.
        vocabulary_size: Number of tokens, special ones included; fewer where the texts do not yield so many.

    Raises:
        ValueError: The texts have more different characters than that, each of which needs a token.
    """
    tokenizer = Tokenizer(models.Unigram())
    tokenizer.normalizer = normalizers.Sequence(
        [normalizers.NFKC(), normalizers.Lowercase(), normalizers.Replace(Regex(r"\s+"), " ")]
    )
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.Metaspace(prepend_scheme="always"), pre_tokenizers.Punctuation()]
    )
    tokenizer.decoder = decoders.Metaspace(prepend_scheme="always")
    special = [_PAD, _END, _UNKNOWN, SEP1, SEP2]
    trainer = trainers.UnigramTrainer(
        vocab_size=vocabulary_size, special_tokens=special, unk_token=_UNKNOWN, show_progress=False
    )
    try:
        tokenizer.train_from_iterator(texts, trainer)
    except Exception as error:  # its library raises no kind of its own
        if "not large enough" not in str(error):
            raise
        raise ValueError(
            f"The texts have more different characters than a vocabulary of {vocabulary_size} tokens holds. Raise "
            "vocabulary_size: a few hundred do for a Latin script, Chinese takes thousands."
        ) from error
    tokenizer = _in_fixed_order(tokenizer, len(special))
    tokenizer.add_special_tokens([AddedToken(token, lstrip=True, rstrip=True, special=True) for token in (SEP1, SEP2)])
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        pad_token=_PAD,
        eos_token=_END,
        unk_token=_UNKNOWN,
        extra_special_tokens=[SEP1, SEP2],
        clean_up_tokenization_spaces=False,
    )


def train_decoder_tokenizer(texts: Iterable[str], vocabulary_size: int) -> PreTrainedTokenizerFast:
    """The tokenizer of [`train_tokenizer`] for a decoder, which reads and writes hashtags behind hash signs.

    The hash sign and the delimiters of the post are a token each, with the blanks around them, so that a hashtag still
    has the tokens of its words.
    """
    tokenizer = train_tokenizer(texts, vocabulary_size)
    around = [AddedToken(token, lstrip=True, rstrip=True, normalized=False) for token in DELIMITERS]
    tokenizer.add_tokens([AddedToken("#", lstrip=True, normalized=False), *around])
    return tokenizer


def _in_fixed_order(tokenizer: Tokenizer, special: int) -> Tokenizer:
    """Sorts the vocabulary after the first `special` tokens, so that the same texts give each token the same id.

    The trainer orders tokens by scores, which differ from run to run in their last digits and between rare characters.
    """
    state = json.loads(tokenizer.to_str())
    vocabulary = state["model"]["vocab"]
    state["model"]["vocab"] = vocabulary[:special] + sorted(vocabulary[special:])
    return Tokenizer.from_str(json.dumps(state))
