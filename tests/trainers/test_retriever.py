from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import precision_recall_fscore_support

from right_hf.analysis import english_words
from right_hf.encoders import embed, encoder_fingerprint, load_encoder
from right_hf.posts import Post, read_posts
from right_hf.retriever import BM25Retriever, DenseRetriever, Hit
from right_hf.retriever.duplicates import jaccard
from right_hf.trainers.bases import encoder_base, recipe_retriever
from right_hf.trainers.overlap import OverlapIndex, f1, overlap, overlap_order, precision, recall
from right_hf.trainers.recipe import EncoderRecipe, Recipe, RetrieverRecipe
from tests.support.static import static_encoder
from right_hf.trainers.retriever import post_triplet, retriever_triplets, train_retriever
from right_hf.trainers.triplets import Triplet
from tests.support.command_line import run_script
from tests.support.smoke_data import write_splits

pytestmark = pytest.mark.usefixtures("offline")

ARGUMENTS: dict[str, Any] = {
    "learning_rate": 0.01,
    "num_train_epochs": 2,
    "use_cpu": True,
    "dataloader_pin_memory": False,
    "disable_tqdm": True,
}
tags = st.lists(st.sampled_from("abcdefg"), max_size=4, unique=True).map(tuple)


@given(tags.filter(any), tags.filter(any))
def test_the_formulas_are_those_of_scikit_learn(own: tuple[str, ...], other: tuple[str, ...]) -> None:
    shared = len(set(own) & set(other))
    gold, predicted = ([int(tag in tags) for tag in "abcdefg"] for tags in (own, other))
    expected = precision_recall_fscore_support(gold, predicted, average="binary")
    values = precision(shared, len(other)), recall(shared, len(own)), f1(shared, len(own), len(other))
    assert values == pytest.approx(expected[:3])
    assert overlap(own, other) == overlap_order(shared, len(own), len(other)) == (values[1] + values[2], values[0])


def test_a_worked_example() -> None:
    """Two of three own hashtags, beside one more: recall 2/3, precision 2/3, F1 2/3."""
    assert overlap("abc", "abd") == pytest.approx((4 / 3, 2 / 3))
    assert overlap("abc", "ab") == pytest.approx((2 / 3 + 4 / 5, 1))
    assert overlap("abc", "") == overlap("", "abc") == (0.0, 0.0)
    assert overlap("abc", "abc") == (2.0, 1.0)


@settings(max_examples=150)
@given(st.lists(tags, max_size=12))
def test_the_index_finds_what_comparing_with_every_post_finds(corpus: list[tuple[str, ...]]) -> None:
    index = OverlapIndex([Post(str(number), "text", own) for number, own in enumerate(corpus)])
    for number, own in enumerate(corpus):
        overlaps = {other: overlap(own, their) for other, their in enumerate(corpus) if other != number}
        best = max(overlaps.values(), default=(0.0, 0.0))
        expected = [other for other, value in overlaps.items() if value == best and best > (0.0, 0.0)]
        assert index.best(number) == expected


def test_the_triplet_of_a_post() -> None:
    post = Post("1", "ten steps to a smooth cloud migration", ("cloud", "migration"))
    copied = Post("2", "ten steps to a smooth cloud migration!", ("cloud", "migration"))
    like = Post("3", "we moved our servers", ("cloud", "migration"))
    half = Post("4", "the cloud bill", ("cloud",))
    none, also_none = Post("5", "a smooth landing", ("planes",)), Post("6", "ten steps", ("dance",))
    hits = [Hit(half, 3.0), Hit(none, 2.0), Hit(also_none, 1.0)]
    assert post_triplet(post, [copied, like], hits, english_words) == Triplet(post.text, like.text, none.text)
    assert post_triplet(post, [copied], hits, english_words) is None
    assert post_triplet(post, [like], [], english_words) is None
    assert post_triplet(post, [half], [Hit(half, 1.0)], english_words) is None
    assert post_triplet(post, [half], [Hit(like, 1.0)], english_words) is None
    assert post_triplet(post, [], hits, english_words) is None


@pytest.fixture(scope="module")
def posts(tmp_path_factory: pytest.TempPathFactory) -> list[Post]:
    return read_posts(write_splits(tmp_path_factory.mktemp("data")) / "train.jsonl")


@pytest.fixture(scope="module")
def bm25(posts: list[Post]) -> BM25Retriever:
    return BM25Retriever.from_posts(posts)


def test_triplets_of_a_corpus(posts: list[Post], bm25: BM25Retriever) -> None:
    triplets = retriever_triplets(posts, bm25, english_words, seed=0)
    by_text = {post.text: post for post in posts}
    assert len(triplets) > len(posts) / 2
    assert len({triplet.anchor for triplet in triplets}) == len(triplets)
    for triplet in triplets:
        post, positive, negative = (by_text[text] for text in triplet)
        reach = max(overlap(post.hashtags, other.hashtags) for other in posts if other is not post)
        assert overlap(post.hashtags, positive.hashtags) == reach > overlap(post.hashtags, negative.hashtags)
        assert jaccard(english_words(post.text), english_words(positive.text)) < 0.7
        found = [hit.post for hit in bm25.search([post.text], 10, [[post.id]])[0]]
        assert negative in found


def test_triplets_are_drawn_by_the_seed(posts: list[Post], bm25: BM25Retriever) -> None:
    everything = retriever_triplets(posts, bm25, english_words, seed=0)
    assert retriever_triplets(posts, bm25, english_words, seed=0, limit=5) == everything[:5]
    assert retriever_triplets(posts, bm25, english_words, seed=1, limit=5) != everything[:5]
    assert retriever_triplets(posts, bm25, english_words, seed=0, limit=10**6) == everything


@pytest.mark.slow
def test_training_brings_posts_closer_to_their_positives(
    posts: list[Post], bm25: BM25Retriever, tiny_tokenizer: Any, tmp_path: Path
) -> None:
    triplets = retriever_triplets(posts, bm25, english_words, seed=0)

    def margin() -> float:
        anchors, positives, negatives = (embed(model, list(texts)) for texts in zip(*triplets, strict=True))
        return float(np.mean(np.sum(anchors * (positives - negatives), axis=1)))

    model = static_encoder(tiny_tokenizer, 16, seed=0)
    arguments, before = {**ARGUMENTS, "learning_rate": 0.1, "num_train_epochs": 6}, margin()
    log = train_retriever(model, triplets, tmp_path / "run", {**arguments, "save_total_limit": None}, seed=0)
    assert margin() > before + 0.1
    assert log["steps"] >= 6 * (len(triplets) // 6)

    # A run that was stopped at its first checkpoint ends where the unbroken one did.
    first = min((tmp_path / "run").glob("checkpoint-*"), key=lambda path: int(path.name.partition("-")[2]))
    shutil.copytree(first, tmp_path / "stopped" / first.name)
    again = static_encoder(tiny_tokenizer, 16, seed=0)
    train_retriever(again, triplets, tmp_path / "stopped", arguments, seed=0)
    assert encoder_fingerprint(again) == encoder_fingerprint(model)


def test_bases_of_the_encoder(tiny_bert: Path, posts: list[Post]) -> None:
    recipe = RetrieverRecipe(encoder=str(tiny_bert), layers=1, max_seq_length=7)
    model, whole = encoder_base(recipe, posts, 0), load_encoder(tiny_bert)
    assert model.max_seq_length == 7
    kept, all_weights = model.state_dict(), whole.state_dict()
    assert {name for name in all_weights if "layer.1." in name} == set(all_weights) - set(kept) != set()
    assert all(tensor.equal(all_weights[name]) for name, tensor in kept.items())
    assert encoder_base(EncoderRecipe(dimensions=8, vocabulary_size=300), posts, 0).get_embedding_dimension() == 8
    assert encoder_base(EncoderRecipe(encoder=str(tiny_bert), dimensions=8), posts, 0).get_embedding_dimension() == 8
    for wrong, reason in (
        (RetrieverRecipe(), "needs `encoder`, `dimensions` or both"),
        (RetrieverRecipe(encoder=str(tiny_bert), layers=3), r"layers must lie between 1 and 2.*got 3"),
        (RetrieverRecipe(dimensions=8, layers=1), "have no `layers`"),
        (RetrieverRecipe(dimensions=8, max_seq_length=9), "no `max_seq_length`"),
    ):
        with pytest.raises(ValueError, match=reason):
            encoder_base(wrong, posts, 0)


def train(recipe: dict[str, Any], data: Path, output: Path, monkeypatch: pytest.MonkeyPatch) -> Recipe:
    """Runs training/train_retriever.py with a recipe; what it logs is written beside its output."""
    output.parent.mkdir(exist_ok=True, parents=True)
    (output.parent / "recipe.json").write_text(json.dumps(recipe))  # JSON is YAML
    options = {"recipe": output.parent / "recipe.json", "data": data, "output": output}
    command = ["training/train_retriever.py", *(f"--{name}={value}" for name, value in options.items())]
    run_script(command, monkeypatch)
    return Recipe(recipe["language"], retriever=RetrieverRecipe(**recipe["retriever"]))


@pytest.mark.slow
def test_the_script_trains_and_indexes(
    tmp_path: Path, posts: list[Post], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    data = write_splits(tmp_path / "data")
    settings: dict[str, Any] = {"type": "dense", "dimensions": 8, "vocabulary_size": 300, "arguments": ARGUMENTS}
    recipe = train({"language": "en", "retriever": settings}, data, tmp_path / "run" / "dense", monkeypatch)
    retriever = recipe_retriever(recipe, posts, tmp_path / "run" / "dense")
    assert isinstance(retriever, DenseRetriever)
    assert len(retriever.search([posts[0].text], 5)[0]) == 5
    record = json.loads((tmp_path / "run" / "dense" / "training.json").read_text())
    assert record["posts"] == 48
    assert record["triplets"] > 20
    assert record["steps"] > 0
    assert record["seed"] == 0

    untrained = {**settings, "triplets": 0}
    train({"language": "en", "retriever": untrained}, data, tmp_path / "untrained" / "dense", monkeypatch)
    assert json.loads((tmp_path / "untrained" / "dense" / "training.json").read_text())["steps"] == 0
    with pytest.raises(SystemExit):
        train({"language": "en", "retriever": untrained}, data, tmp_path / "run" / "dense", monkeypatch)
    assert "belongs to a run with other settings" in capsys.readouterr().err

    train({"language": "en", "retriever": {}}, data, tmp_path / "bm25" / "index", monkeypatch)
    assert isinstance(recipe_retriever(Recipe("en"), posts, tmp_path / "bm25" / "index"), BM25Retriever)
    with pytest.raises(ValueError, match="holds no dense retriever"):
        recipe_retriever(recipe, posts, tmp_path / "bm25" / "index")
    with pytest.raises(ValueError, match="of the recipe's training posts"):
        recipe_retriever(recipe, posts[1:], tmp_path / "run" / "dense")
    with pytest.raises(ValueError, match=r"must be trained first.*--retriever"):
        recipe_retriever(recipe, posts)
    with pytest.raises(ValueError, match="Unknown type of retriever 'colbert'"):
        recipe_retriever(Recipe("en", retriever=RetrieverRecipe(type="colbert")), posts)
