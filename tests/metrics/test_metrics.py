from __future__ import annotations

import random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rouge import Rouge

from right_hf.metrics import (
    f1_per_post,
    matches_at_k,
    mean_rouge,
    micro_f1_at_k,
    rouge_of_post,
    rouge_per_post,
)
from right_hf.metrics.rouge import Definition, Language

DEFINITIONS: tuple[Definition, ...] = ("rouge", "rouge_score")
PREDICTIONS = [["cat", "dog", "cat", "bird"], ["sun"], []]
REFERENCES = [["dog", "cat", "fish"], ["rain", "sun"], ["snow"]]

hashtag = st.sampled_from(["cat", "dog", "Cat", "big cat", "café", "covid_19", "我爱", "北京"])
posts = st.lists(st.tuples(st.lists(hashtag, max_size=6), st.lists(hashtag, min_size=1, max_size=5)), min_size=1)


def unzip(pairs: list[tuple[list[str], list[str]]]) -> tuple[list[list[str]], list[list[str]]]:
    return [predicted for predicted, _ in pairs], [gold for _, gold in pairs]


def random_posts(words: list[str], n_posts: int) -> tuple[list[list[str]], list[list[str]]]:
    rng = random.Random(7)

    def hashtags() -> list[str]:
        return [" ".join(rng.choices(words, k=rng.randint(1, 3))) for _ in range(rng.randint(1, 6))]

    return [hashtags() for _ in range(n_posts)], [hashtags() for _ in range(n_posts)]


@pytest.mark.parametrize(
    ("predicted", "gold", "k", "expected"),
    [
        (["a", "b"], ["b", "a"], 1, 1),
        (["a", "b"], ["b", "a"], 5, 2),
        (["a", "a", "b"], ["a", "b"], 2, 1),  # the repeat takes a place and does not match again
        (["a"], ["a", "a"], 5, 1),
        (["A", "a ", "b"], ["a"], 5, 0),  # exact equality
        ([], ["a"], 5, 0),
    ],
)
def test_matches_at_k(predicted: list[str], gold: list[str], k: int, expected: int) -> None:
    assert matches_at_k(predicted, gold, k) == expected


def test_micro_f1_golden() -> None:
    # K = 1: matches cat, sun = 2; P = 2 / (1 x 3); R = 2 / (3 + 2 + 1) = 1/3; F1 = 2 (2/3)(1/3) / 1 = 4/9.
    assert micro_f1_at_k(PREDICTIONS, REFERENCES, 1) == pytest.approx((2 / 3, 1 / 3, 4 / 9))
    # K = 5: matches cat, dog, sun = 3; P = 3 / (5 x 3) = 1/5 although only 5 were predicted; R = 3/6;
    # F1 = 2 (1/5)(1/2) / (7/10) = 2/7.
    assert micro_f1_at_k(PREDICTIONS, REFERENCES, 5) == pytest.approx((1 / 5, 1 / 2, 2 / 7))


def test_micro_f1_is_zero_without_matches_and_without_gold() -> None:
    assert micro_f1_at_k([["a"], []], [["b"], ["c"]], 5) == (0.0, 0.0, 0.0)
    assert micro_f1_at_k([["a"]], [[]], 1) == (0.0, 0.0, 0.0)


def test_micro_f1_agrees_with_scikit_learn() -> None:
    metrics = pytest.importorskip("sklearn.metrics")
    preprocessing = pytest.importorskip("sklearn.preprocessing")
    rng = random.Random(3)
    labels = [f"h{i}" for i in range(12)]
    for k in (1, 3, 5):
        # scikit-learn divides by what was predicted, so each post gets at least K distinct hashtags here.
        predictions = [rng.sample(labels, rng.randint(k, 8)) for _ in range(60)]
        references = [rng.sample(labels, rng.randint(1, 6)) for _ in range(60)]
        binarizer = preprocessing.MultiLabelBinarizer(classes=labels)
        predicted = binarizer.fit_transform([hashtags[:k] for hashtags in predictions])
        expected = metrics.precision_recall_fscore_support(
            binarizer.transform(references), predicted, average="micro", zero_division=0
        )[:3]
        assert micro_f1_at_k(predictions, references, k) == pytest.approx(expected)


def test_micro_f1_of_short_predictions_agrees_with_scikit_learn() -> None:
    """The paper divides by K also where fewer were predicted: as if the places left held hashtags nobody uses."""
    metrics = pytest.importorskip("sklearn.metrics")
    preprocessing = pytest.importorskip("sklearn.preprocessing")
    rng = random.Random(4)
    labels = [f"h{i}" for i in range(12)]
    for k in (1, 3, 5):
        predictions = [rng.sample(labels, rng.randint(0, 8)) for _ in range(60)]
        references = [rng.sample(labels, rng.randint(1, 6)) for _ in range(60)]
        nobody = [f"none {i}" for i in range(k)]
        binarizer = preprocessing.MultiLabelBinarizer(classes=labels + nobody)
        predicted = binarizer.fit_transform([(hashtags + nobody)[:k] for hashtags in predictions])
        expected = metrics.precision_recall_fscore_support(
            binarizer.transform(references), predicted, average="micro", zero_division=0
        )[:3]
        assert micro_f1_at_k(predictions, references, k) == pytest.approx(expected)


@given(posts, st.integers(1, 6))
def test_micro_f1_is_the_harmonic_mean_and_a_ratio_of_sums(pairs: list[tuple[list[str], list[str]]], k: int) -> None:
    scores = micro_f1_at_k(*unzip(pairs), k)
    total = scores.precision + scores.recall
    assert scores.f1 == pytest.approx(2 * scores.precision * scores.recall / total if total else 0.0)
    parts = f1_per_post(*unzip(pairs), k)
    assert parts.score() == pytest.approx(scores.f1)
    # What each post adds is what it adds alone.
    for i, (predicted, gold) in enumerate(pairs):
        alone = f1_per_post([predicted], [gold], k)
        assert (alone.numerator[0], alone.denominator[0]) == (parts.numerator[i], parts.denominator[i])


def test_per_post_f1_golden() -> None:
    # K = 5: matches 2, 1, 0 and 3, 2, 1 gold hashtags: 2 m and 5 + g.
    parts = f1_per_post(PREDICTIONS, REFERENCES, 5)
    assert (parts.numerator.tolist(), parts.denominator.tolist()) == ([4, 2, 0], [8, 7, 6])
    assert parts.of(np.array([0, 2])).score() == pytest.approx(4 / 14)
    assert parts.of(np.array([False, True, False])).score() == pytest.approx(2 / 7)


@pytest.mark.parametrize("definition", DEFINITIONS)
def test_per_post_rouge_is_the_rouge_of_each_post(definition: Definition) -> None:
    predictions, references = random_posts(["a", "b", "c", "D"], 30)
    parts = rouge_per_post(predictions, references, definition=definition)
    rows = list(zip(*(part.numerator for part in parts.values()), strict=True))
    assert rows == [
        rouge_of_post(predicted, gold, definition=definition)
        for predicted, gold in zip(predictions, references, strict=True)
    ]
    assert mean_rouge(predictions, references, definition=definition) == pytest.approx(np.mean(rows, axis=0))


@given(posts, st.integers(1, 6), st.randoms())
def test_micro_f1_properties(pairs: list[tuple[list[str], list[str]]], k: int, rng: random.Random) -> None:
    scores = micro_f1_at_k(*unzip(pairs), k)
    assert all(0 <= score <= 1 for score in scores)
    assert min(scores.precision, scores.recall) <= scores.f1 + 1e-12
    assert scores.f1 <= max(scores.precision, scores.recall) + 1e-12
    # Neither the order of the posts, nor of the gold, nor of the first K matters.
    shuffled = [(rng.sample(p[:k], len(p[:k])) + p[k:], rng.sample(g, len(g))) for p, g in pairs]
    rng.shuffle(shuffled)
    assert micro_f1_at_k(*unzip(shuffled), k) == pytest.approx(scores)


@given(st.lists(st.permutations(["a", "b", "c"]), min_size=1))
def test_micro_f1_of_a_perfect_prediction_is_one(gold: list[list[str]]) -> None:
    assert micro_f1_at_k(gold, gold, 3) == (1.0, 1.0, 1.0)


def test_rouge_l_golden() -> None:
    # Google's takes the length: bcba, bdab and bcab have 4 words, of 7 and 6.
    first, second = list("abcbdab"), list("bdcaba")
    assert rouge_of_post(first, second, definition="rouge_score").rougeL == pytest.approx(2 * 4 / (7 + 6))
    # The package counts distinct words of one subsequence, and which one depends on the order of its arguments: aa
    # (1 word) or ab (2 words), both of length 2. Each side has 2 distinct words.
    assert rouge_of_post(list("aab"), list("aba")).rougeL == pytest.approx(2 * 1 / (2 + 2))
    assert rouge_of_post(list("aba"), list("aab")).rougeL == pytest.approx(2 * 2 / (2 + 2))


def test_rouge_golden_rouge() -> None:
    # Sets: predicted {big, cat, dog}, gold {cat, dog}: overlap 2, F = 2 x 2 / (3 + 2) = 4/5.
    # Bigrams: {big cat, cat dog, dog dog} and {cat dog}: overlap 1, F = 2 x 1 / (3 + 1) = 1/2.
    # L: the common subsequence cat dog has 2 distinct words: 4/5.
    assert rouge_of_post(["big cat", "dog", "dog"], ["cat", "dog"]) == pytest.approx((4 / 5, 1 / 2, 4 / 5))
    # Sentences [a b] [c] and [c] [a b]: all pairs together cover a, b, c: L = 1, although the order differs.
    # Bigrams {ab, bc} and {ca, ab}: 2 x 1 / 4.
    assert rouge_of_post(["a", "b.c"], ["c.a", "b"]) == pytest.approx((1, 1 / 2, 1))
    # Upper case differs here.
    assert rouge_of_post(["Cat"], ["cat"]) == (0, 0, 0)


def test_rouge_golden_rouge_score() -> None:
    # Counts: 4 predicted, 2 gold, overlap 2: F = 4 / 6. Bigrams 3 and 1, overlap 1: F = 2 / 4. L: 2 of 4 and 2: 4 / 6.
    scores = rouge_of_post(["big cat", "dog", "dog"], ["cat", "dog"], definition="rouge_score")
    assert scores == pytest.approx((2 / 3, 1 / 2, 2 / 3))
    # covid 19 against covid: F = 2 / 3; one side has no bigram.
    assert rouge_of_post(["Covid_19"], ["covid"], definition="rouge_score") == pytest.approx((2 / 3, 0, 2 / 3))


def test_rouge_golden_chinese() -> None:
    # Characters 我 爱 北 京 and 北 京 人: overlap 2, F = 4 / 7; bigrams 北京 of 3 and 2: 2 / 5; L = 北 京: 4 / 7.
    for definition in DEFINITIONS:
        scores = rouge_of_post(["我爱", "北京"], ["北京人"], "zh", definition)
        assert scores == pytest.approx((4 / 7, 2 / 5, 4 / 7))
    assert rouge_of_post(["我爱", "北京"], ["北京人"], "en") == (0, 0, 0)


@pytest.mark.parametrize("definition", DEFINITIONS)
def test_an_empty_prediction_is_the_hashtag_none(definition: Definition) -> None:
    assert rouge_of_post([], ["None"], definition=definition) == (1, 0, 1)  # one word has no bigram
    # In characters N, o, n, e against o, n: F = 4 / 6; one bigram on of 3 and 1: 2 / 4.
    assert rouge_of_post([], ["on"], "zh", definition) == pytest.approx((2 / 3, 1 / 2, 2 / 3))


@pytest.mark.parametrize("definition", DEFINITIONS)
def test_mean_rouge_averages_over_posts(definition: Definition) -> None:
    # 1, 1, 1 for the first post and nothing in common in the second.
    assert mean_rouge([["a", "b"], ["c"]], [["a", "b"], ["d"]], definition=definition) == (0.5, 0.5, 0.5)


@pytest.mark.parametrize("definition", DEFINITIONS)
def test_text_without_tokens_scores_zero(definition: Definition) -> None:
    assert rouge_of_post(["..."], ["cat"], definition=definition) == (0, 0, 0)
    assert rouge_of_post(["cat"], [], definition=definition) == (0, 0, 0)


@pytest.mark.parametrize("language", ["en", "zh"])
def test_rouge_agrees_with_the_rouge_package(language: Language) -> None:
    rouge = Rouge()
    # Few words make repeats and ties; the full stops make sentences, with and without anything in them.
    words = (
        ["a", "b", "c", "d.", "e.f", "g. .h", "A"]
        if language == "en"
        else ["我爱", "北京", "京", "V1.5", "爱我。", ".."]
    )
    predictions, references = random_posts(words, 400)
    for predicted, gold in zip(predictions, references, strict=True):
        texts = [" ".join(list(" ".join(side)) if language == "zh" else side) for side in (predicted, gold)]
        if any(not text.strip(".") for text in texts):
            continue  # the package refuses a text without sentences
        expected = rouge.get_scores(*texts)[0]
        # The package adds 1e-8 to the denominator of F.
        assert rouge_of_post(predicted, gold, language, "rouge") == pytest.approx(
            [expected[name]["f"] for name in ("rouge-1", "rouge-2", "rouge-l")], abs=1e-7
        )


@pytest.mark.parametrize("language", ["en", "zh"])
def test_rouge_score_agrees_with_the_rouge_score_package(language: Language) -> None:
    rouge_scorer = pytest.importorskip("rouge_score.rouge_scorer")

    class Characters:
        def tokenize(self, text: str) -> list[str]:
            return [character.lower() for character in text if not character.isspace()]

    names = ["rouge1", "rouge2", "rougeL"]
    scorer = rouge_scorer.RougeScorer(names, tokenizer=Characters() if language == "zh" else None)
    words = (
        ["a", "b", "C", "c", "d.e", "covid_19", "café", "我"]
        if language == "en"
        else ["我爱", "北京", "京", "V1.5", "v"]
    )
    predictions, references = random_posts(words, 400)
    for predicted, gold in zip(predictions, references, strict=True):
        expected = scorer.score(target=" ".join(gold), prediction=" ".join(predicted))
        assert rouge_of_post(predicted, gold, language, "rouge_score") == pytest.approx(
            [expected[name].fmeasure for name in names]
        )


@settings(deadline=None)
@given(posts, st.sampled_from(["en", "zh"]), st.sampled_from(DEFINITIONS), st.randoms())
def test_rouge_properties(
    pairs: list[tuple[list[str], list[str]]], language: Language, definition: Definition, rng: random.Random
) -> None:
    predictions, references = unzip(pairs)
    scores = mean_rouge(predictions, references, language, definition)
    assert all(0 <= score <= 1 for score in scores)
    shuffled = rng.sample(pairs, len(pairs))
    assert mean_rouge(*unzip(shuffled), language, definition) == pytest.approx(scores)
    # Single tokens know no order: ROUGE-1 stays when the hashtags of a post change places.
    reordered = [rng.sample(predicted, len(predicted)) for predicted in predictions]
    assert mean_rouge(reordered, references, language, definition).rouge1 == pytest.approx(scores.rouge1)


@given(st.lists(st.sampled_from(["cat", "big dog", "bird"]), min_size=2))
def test_rouge_of_a_perfect_prediction_is_one(gold: list[str]) -> None:
    for definition in DEFINITIONS:
        assert rouge_of_post(gold, gold, definition=definition) == (1.0, 1.0, 1.0)


def test_pure_functions_check_lengths_and_emptiness() -> None:
    with pytest.raises(ValueError, match="1 predictions but 2 references"):
        micro_f1_at_k([["a"]], [["a"], ["b"]], 1)
    with pytest.raises(ValueError, match="1 predictions but 2 references"):
        mean_rouge([["a"]], [["a"], ["b"]])
    with pytest.raises(ValueError, match="no posts"):
        mean_rouge([], [])
