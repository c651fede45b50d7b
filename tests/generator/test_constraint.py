"""Decoding that cannot leave a vocabulary, by way of a made-up format and of the tiny models."""

from __future__ import annotations

import copy
import gc
import weakref
from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import LogitsProcessorList, MinNewTokensLengthLogitsProcessor, PreTrainedTokenizerFast

from right_hf.generator import DecoderGenerator, Generator, Seq2SeqGenerator
from right_hf.generator.constraint import AllowedTokens, Constraint, State, constraint_for
from right_hf.generator.decoder_format import DecoderFormat
from right_hf.generator.prompt import HashtagFormat
from right_hf.vocabulary import Vocabulary
from tests.support.generator_contract import CONTEXTS, POSTS

END, UNKNOWN = 0, 1
WORDS = Vocabulary(["cloud", "cloud migration", "dev ops", "bread", "樱花", "春天"])


class Letters:
    """One token a letter; further hashtags begin with those of a separator, which may begin as a hashtag goes on."""

    def __init__(self, separator: str = " #", longest: int = 50) -> None:
        self.separator = separator
        self.tokenizer = SimpleNamespace(unk_token_id=UNKNOWN)
        self.max_target_length = longest
        self.ends = frozenset((END,))

    def ids(self, text: str) -> list[int]:
        return [UNKNOWN if letter == "?" else ord(letter) for letter in text]

    def spellings(self, hashtags: Sequence[str]) -> tuple[list[list[int]], list[list[int]]]:
        return [self.ids(tag) for tag in hashtags], [self.ids(self.separator + tag) for tag in hashtags]

    def answer(self, hashtags: Sequence[str]) -> list[int]:
        return self.ids(self.separator.join(hashtags))


def state_after(constraint: Constraint, ids: Sequence[int]) -> State:
    state = constraint.start
    for token in ids:
        state = constraint.after(state, token)
    return state


def allowed_after(constraint: Constraint, text: str) -> set[str]:
    """The letters that may follow; "." for the end."""
    state = state_after(constraint, Letters().ids(text))
    assert state is not None
    return {"." if token == END else chr(token) for token in constraint.allowed(state).tolist()}


def test_entries_and_separators_may_follow_each_once() -> None:
    constraint = Constraint(Letters(), Vocabulary(["ab", "ab c", "b"]))
    assert allowed_after(constraint, "") == {"a", "b", "."}
    assert allowed_after(constraint, "a") == {"b"}
    assert allowed_after(constraint, "ab") == {" ", "."}  # of the separator or of "ab c"
    assert allowed_after(constraint, "ab ") == {"c", "#"}
    assert allowed_after(constraint, "ab #") == {"a", "b"}
    assert allowed_after(constraint, "ab #ab") == {" "}  # "ab" is written, "ab c" is not
    assert allowed_after(constraint, "ab #ab ") == {"c"}
    assert allowed_after(constraint, "ab #ab c") == {" ", "."}
    assert allowed_after(constraint, "ab #ab c #") == {"b"}
    assert allowed_after(constraint, "ab #ab c #b") == {"."}
    assert state_after(constraint, Letters().ids("ba")) is None
    assert state_after(constraint, [END]) is None


@pytest.mark.parametrize("separator", [" #", "|", "  "])
@given(st.data())
def test_what_may_be_written_is_read_and_is_in_the_vocabulary(separator: str, data: st.DataObject) -> None:
    entries = data.draw(st.lists(st.text("ab ", min_size=1, max_size=5).filter(str.strip), min_size=1, max_size=8))
    vocabulary, form = Vocabulary(entries), Letters(separator)
    constraint = Constraint(form, vocabulary)
    chosen = data.draw(st.lists(st.sampled_from(vocabulary.hashtags), unique=True, max_size=6))
    ids = form.answer(chosen)
    state = constraint.start
    for token in [*ids, END]:
        assert state is not None and token in constraint.allowed(state)
        state = constraint.after(state, token)
    assert constraint.hashtags([*ids, END, END]) == chosen
    # Any other way through it, too, ends with entries, each once.
    state, walk = constraint.start, list[int]()
    while state is not None:
        token = data.draw(st.sampled_from(sorted(set(constraint.allowed(state).tolist()))))
        walk.append(token)
        state = constraint.after(state, token)
    found = constraint.hashtags(walk)
    assert walk[-1] == END and form.answer(found) == walk[:-1]
    assert len(set(found)) == len(found) and set(found) <= set(vocabulary.hashtags)


def test_a_broken_answer_keeps_what_is_whole() -> None:
    constraint = Constraint(Letters(), Vocabulary(["ab", "ab c", "b"]))
    form = Letters()
    for text, expected in (("b #a", ["b"]), ("b #ab ", ["b", "ab"]), ("bx #ab", ["b"]), ("x", []), ("", [])):
        assert constraint.hashtags(form.ids(text)) == expected


def test_what_cannot_be_written_is_left_out() -> None:
    constraint = Constraint(Letters(longest=5), Vocabulary(["a?b", "abcde", "abcd", "b"]))
    assert constraint.first.entries[constraint.first.entries >= 0].tolist() == [3, 2]
    nothing = Constraint(Letters(longest=2), Vocabulary(["abc"]))
    assert allowed_after(nothing, "") == {"."}


def test_it_ends_where_others_mask_all_that_is_left() -> None:
    constraint = Constraint(Letters(), Vocabulary(["a"]))
    process = AllowedTokens(constraint)
    scores = torch.zeros(1, 128)
    process(torch.tensor([[7]]), scores)
    scores[:, END] = -torch.inf
    masked = process(torch.tensor([[7, ord("a")]]), scores)
    assert masked.isfinite().nonzero().tolist() == [[0, END]]


def test_it_is_kept_as_long_as_its_format() -> None:
    form = Letters()
    first = constraint_for(form, Vocabulary(["a"]))
    assert constraint_for(form, Vocabulary(["A"])) is first
    assert constraint_for(form, Vocabulary(["b"])) is not first
    assert constraint_for(Letters(), Vocabulary(["a"])) is not first
    for tag in "cdef":
        constraint_for(form, Vocabulary([tag]))
    assert constraint_for(form, Vocabulary(["a"])) is not first, "the oldest goes"
    gone = weakref.ref(constraint_for(form, Vocabulary(["f"])))
    del form, first
    gc.collect()
    assert gone() is None


SETTINGS: dict[str, dict[str, Any]] = {
    "greedy": {},
    "beams": {"num_beams": 3, "num_return_sequences": 3},
    "sampling": {"do_sample": True, "temperature": 3.0, "num_return_sequences": 4},
    "sampling with beams": {"do_sample": True, "num_beams": 3, "num_return_sequences": 2},
    "more beams than tokens": {"num_beams": 8, "num_return_sequences": 8},
    "a least length": {"min_new_tokens": 8, "do_sample": True},
    "a processor of one's own": {
        "logits_processor": LogitsProcessorList([MinNewTokensLengthLogitsProcessor(1, 3, [1, 2])])
    },
}


@pytest.fixture(params=["seq2seq", "decoder"])
def generator(
    request: pytest.FixtureRequest, tiny_generator: Seq2SeqGenerator, tiny_decoder: DecoderGenerator
) -> Generator:
    return tiny_generator if request.param == "seq2seq" else tiny_decoder


@pytest.mark.parametrize("settings", SETTINGS.values(), ids=SETTINGS)
@pytest.mark.parametrize("allowed", [WORDS, Vocabulary(["bread"]), Vocabulary(["ffff", "a a a a", "2024"])])
def test_nothing_else_is_written(generator: Generator, settings: dict[str, Any], allowed: Vocabulary) -> None:
    torch.manual_seed(0)
    answers = generator.generate(POSTS, CONTEXTS, CONTEXTS, allowed=allowed, **settings)
    for answer, context in zip(answers, CONTEXTS, strict=True):
        assert set(answer.hashtags) <= set(allowed.hashtags)
        assert len(set(answer.hashtags)) == len(answer.hashtags)
        assert answer.log_likelihoods.keys() == {*answer.hashtags, *context}
    if "do_sample" in settings:
        assert any(answer.hashtags for answer in answers)


def test_what_the_model_would_write_anyway_it_still_writes(generator: Any) -> None:
    free = generator.generate(POSTS, CONTEXTS)
    written = Vocabulary([tag for answer in free for tag in answer.hashtags])
    answers = generator.generate(POSTS, CONTEXTS, allowed=written)
    same = [one.hashtags[:1] == other.hashtags[:1] for one, other in zip(free, answers, strict=True) if one.hashtags]
    assert sum(same) >= max(2, len(same) - 1), "but where something else, such as a loop, stood before it"


@pytest.fixture(scope="module")
def byte_tokenizer() -> PreTrainedTokenizerFast:
    """Cuts texts as Qwen's does: a hash sign goes with the letters after it, but not after a blank."""
    tokenizer = Tokenizer(models.BPE())
    words = Regex(r"[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s+")
    pieces = [pre_tokenizers.Split(words, "isolated"), pre_tokenizers.ByteLevel(False, use_regex=False)]
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(pieces)
    tokenizer.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(vocab_size=420, initial_alphabet=alphabet, special_tokens=["</s>", "<|im_start|>"])
    tokenizer.train_from_iterator(["#dev ops #cloud", "\n#dev #cloud migration"] * 20, trainer)
    special = {"eos_token": "</s>", "pad_token": "</s>"}
    return PreTrainedTokenizerFast(tokenizer_object=tokenizer, **special)


@pytest.fixture(params=["t5", "plain", "chat", "bytes", "bytes, chat"])
def real_format(
    request: pytest.FixtureRequest,
    tiny_tokenizer: Any,
    decoder_tokenizer: Any,
    chat_tokenizer: Any,
    byte_tokenizer: PreTrainedTokenizerFast,
) -> Any:
    if request.param == "t5":
        return HashtagFormat(tiny_tokenizer, 100, 100)
    if request.param == "bytes, chat":
        byte_tokenizer = copy.deepcopy(byte_tokenizer)
        byte_tokenizer.chat_template = (
            "{% for message in messages %}<|im_start|>{{ message.role }}\n{{ message.content }}</s>\n{% endfor %}"
            "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
        )
    known = {"plain": decoder_tokenizer, "chat": chat_tokenizer}
    return DecoderFormat(known.get(request.param, byte_tokenizer), "en", "short", 512, 100)


def test_answers_as_a_model_learns_them_are_allowed(real_format: Any) -> None:
    vocabulary = Vocabulary(["dev ops", "dev", "cloud migration", "cloud", "bread", "春天", "c#", "covid 19"])
    constraint = constraint_for(real_format, vocabulary)
    for tags in (["dev ops", "dev", "cloud"], ["dev", "dev ops"], ["cloud", "cloud migration", "bread"], ["bread"]):
        ids = real_format.target(tags)
        assert constraint.hashtags(ids) == tags
        state = state_after(constraint, ids[:-1])
        assert state is not None and ids[-1] in constraint.allowed(state)


def test_hashtags_are_spelt_as_they_are_written(real_format: Any) -> None:
    tags = ["dev ops", "cloud", "bread", "春天"]
    first, further = real_format.spellings(tags)
    for tag, one, other in zip(tags, first, further, strict=True):
        assert real_format.hashtags([*one, *other]) == real_format.hashtags(one) == [tag]
        assert real_format.hashtags([*first[1], *other]) == list(dict.fromkeys(["cloud", tag]))
