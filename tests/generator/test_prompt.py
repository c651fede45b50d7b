from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from reproduction.pretraining.tokenizer import train_tokenizer
from tokenizers import Tokenizer, models, pre_tokenizers
from transformers import PreTrainedTokenizerFast

from right_hf.generator.prompt import SEP1, SEP2, HashtagFormat
from right_hf.text.degenerate import is_degenerate

PAD, END, UNKNOWN, S1, S2, DEV, OPS, BIG, SEA = range(9)
WORDS = ["<pad>", "</s>", "<unk>", SEP1, SEP2, "dev", "ops", "big", "sea"]

hashtag_lists = st.lists(
    st.lists(st.text("abcdefghijklmnopqrstuvwxyz0123456789_-天气樱花", min_size=1, max_size=9), min_size=1, max_size=3)
    .map(" ".join)
    .filter(lambda tag: not is_degenerate(tag)),
    unique=True,
    max_size=5,
)


def word_tokenizer(words: list[str]) -> PreTrainedTokenizerFast:
    """One token a word; as in mT5 the separators are not among the special tokens."""
    vocabulary = {word: number for number, word in enumerate(words)}
    tokenizer = Tokenizer(models.WordLevel(vocabulary, unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    return PreTrainedTokenizerFast(tokenizer_object=tokenizer, pad_token="<pad>", eos_token="</s>", unk_token="<unk>")


@pytest.fixture(scope="module")
def form() -> HashtagFormat:
    return HashtagFormat(word_tokenizer(WORDS), 12, 8)


def test_exact_ids(form: HashtagFormat) -> None:
    assert form.source("dev ops", ["sea", "big sea"]) == [DEV, OPS, S1, SEA, S1, BIG, SEA, END]
    assert form.source("dev", []) == [DEV, END]
    assert form.source("", ["sea"]) == [S1, SEA, END]
    assert form.source("", []) == [END]
    assert form.target(["sea", "big sea"]) == [SEA, S2, BIG, SEA, END]
    assert form.target(["sea"]) == [SEA, END]
    assert form.target([]) == [END]


def test_a_long_post_leaves_room_for_hashtags(form: HashtagFormat) -> None:
    assert form.source("dev " * 50, ["sea", "big sea"]) == [*[DEV] * 6, S1, SEA, S1, BIG, SEA, END]
    # Hashtags take at most half of the length; from the first that does not fit they are left out.
    assert form.source("dev", ["sea", "big " * 5, "sea"]) == [DEV, S1, SEA, END]
    assert form.source("dev", ["sea"] * 9) == [DEV, *[S1, SEA] * 3, END]


def test_a_long_target_is_cut_before_its_end(form: HashtagFormat) -> None:
    assert form.target(["big sea", "dev ops", "sea", "dev"]) == [BIG, SEA, S2, DEV, OPS, S2, SEA, END]


@pytest.mark.parametrize(
    ("output", "hashtags"),
    [
        ([], []),
        ([END, SEA], []),
        ([S2, S2, SEA, S2, S2, END], ["sea"]),
        ([SEA, S2, BIG, SEA, S2, SEA, END, S2, DEV], ["sea", "big sea"]),
        ([PAD, SEA, PAD, PAD], ["sea"]),
        ([UNKNOWN, S2, S1, S2, PAD, END], []),
        ([S1, SEA, S1, S2, DEV], ["sea", "dev"]),
        ([SEA, S2, DEV], ["sea", "dev"]),  # cut off before its end
    ],
)
def test_outputs_are_read_without_repeats_and_junk(form: HashtagFormat, output: list[int], hashtags: list[str]) -> None:
    assert form.hashtags(output) == hashtags


@pytest.mark.parametrize("text", [f"dev {SEP1} sea", f"dev {SEP2} sea", "dev </s> sea"])
def test_a_post_cannot_forge_structure(form: HashtagFormat, tiny_tokenizer: Any, text: str) -> None:
    assert form.source(text, ["big"]) == [DEV, SEA, S1, BIG, END]
    assert form.target([text]) == [DEV, SEA, END]
    tiny = HashtagFormat(tiny_tokenizer)
    ids = tiny.source(text, [text])
    assert [token for token in ids if token in tiny.structure] == [tiny.sep1, tiny_tokenizer.eos_token_id]


@given(hashtag_lists)
def test_hashtags_make_the_round_trip(tiny_tokenizer: Any, hashtags: list[str]) -> None:
    form = HashtagFormat(tiny_tokenizer, 300, 300)
    assert form.hashtags(form.target(hashtags)) == hashtags


def test_upper_case_is_read_as_lower_case(tiny_tokenizer: Any) -> None:
    form = HashtagFormat(tiny_tokenizer)
    assert form.source("Warm SEAS", ["Coral"]) == form.source("warm seas", ["coral"])


@given(st.text(max_size=80), hashtag_lists, st.integers(2, 30), st.integers(1, 20))
def test_lengths_hold(tiny_tokenizer: Any, post: str, hashtags: list[str], source: int, target: int) -> None:
    form = HashtagFormat(tiny_tokenizer, source, target)
    ids = form.source(post, hashtags)
    assert len(ids) <= source
    assert ids[-1] == tiny_tokenizer.eos_token_id
    assert ids.count(tiny_tokenizer.eos_token_id) == 1
    context = ids[ids.index(form.sep1) : -1] if form.sep1 in ids else []
    assert len(context) <= source // 2
    assert len(form.target(hashtags)) <= target
    assert form.target(hashtags)[-1] == tiny_tokenizer.eos_token_id


def test_a_very_long_post(tiny_tokenizer: Any) -> None:
    form = HashtagFormat(tiny_tokenizer, 40)
    long = "warm seas bleach the coral reef " * 800
    assert form.source(long, ["coral"]) == form.source(long[:2000], ["coral"])
    assert len(form.source(long, ["coral"])) == 40


@pytest.mark.parametrize(("words", "missing"), [(WORDS[:3], f"{SEP1} and {SEP2}"), (WORDS[:4], SEP2)])
def test_a_tokenizer_without_separators_is_refused(words: list[str], missing: str) -> None:
    with pytest.raises(ValueError, match=f"The tokenizer lacks {missing}. Use a T5 or mT5 tokenizer"):
        HashtagFormat(word_tokenizer(words))


def test_the_same_texts_give_the_same_tokenizer(tiny_tokenizer: Any) -> None:
    texts = ["warm seas bleach the coral reef", "a warm kitchen", "樱花开了", "quick jazz"]
    first, second = (train_tokenizer(texts, 60) for _ in range(2))
    assert first.get_vocab() == second.get_vocab()
    assert first.convert_tokens_to_ids(["<pad>", "</s>", "<unk>", SEP1, SEP2]) == [0, 1, 2, 3, 4]
    assert len(first) <= 60


def test_a_loop_is_no_hashtag(tiny_tokenizer: Any) -> None:
    form = HashtagFormat(tiny_tokenizer, 200, 200)
    long = "warm seas bleach the coral reef faster than they all expected it"
    assert len(long) == 64
    assert form.hashtags(form.target(["bread", long + "s", long])) == ["bread", long]
    assert form.hashtags(form.target(["bread", "ffffff", "a a a a", "2024", "cool"])) == ["bread", "cool"]
