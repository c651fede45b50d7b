from __future__ import annotations

import json
import shutil
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import precision_recall_fscore_support
from transformers import TrainerCallback

from right_hf.analysis import english_words
from right_hf.corpus import Corpus
from right_hf.encoders import embed, encoder_fingerprint, load_encoder
from right_hf.posts import Post
from right_hf.registry import register_component
from right_hf.retriever.base import Hit, Retriever
from right_hf.retriever.bm25 import BM25Retriever
from right_hf.retriever.duplicates import jaccard
from right_hf.trainers.build import build_component
from right_hf.trainers.contrastive import Triplet, train_contrastive
from right_hf.trainers.job import Job, Trained
from right_hf.trainers.pretrained import encoder_base
from right_hf.trainers.recipe import EncoderRecipe, Recipe, RetrieverRecipe, build_recipe
from right_hf.trainers.retriever import (
    DenseRecipe,
    OverlapIndex,
    overlap,
    overlap_order,
    post_triplet,
    retriever_triplets,
)
from right_hf.workers import in_order
from tests.support.smoke_data import write_splits
from tests.support.static import static_encoder

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
    precision, recall, f1, _ = precision_recall_fscore_support(gold, predicted, average="binary")
    assert overlap(own, other) == overlap_order(shared, len(own), len(other)) == pytest.approx((recall + f1, precision))


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
    return Recipe("en").posts(write_splits(tmp_path_factory.mktemp("data")), "train")


@pytest.fixture(scope="module")
def bm25(posts: list[Post]) -> BM25Retriever:
    return BM25Retriever.from_posts(posts)


def drawn(posts: list[Post], bm25: BM25Retriever, seed: int = 0, limit: int | None = None) -> list[Triplet]:
    recipe = Recipe("en", seed, retriever=DenseRecipe(triplets=limit))
    return retriever_triplets(Job(recipe, posts, (), Path("unused")), bm25)


def test_triplets_of_a_corpus(posts: list[Post], bm25: BM25Retriever) -> None:
    triplets = drawn(posts, bm25)
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
    everything = drawn(posts, bm25, 0)
    assert drawn(posts, bm25, 0, limit=5) == everything[:5]
    assert drawn(posts, bm25, 1, limit=5) != everything[:5]
    assert drawn(posts, bm25, 0, limit=10**6) == everything
    recipe = Recipe("en", 0, retriever=DenseRecipe(triplets=20))
    job = Job(recipe, posts, (), Path("unused"), engine=partial(in_order, workers=2))
    assert retriever_triplets(job, bm25) == everything[:20]


@pytest.mark.slow
def test_training_brings_posts_closer_to_their_positives(
    posts: list[Post], bm25: BM25Retriever, tiny_tokenizer: Any, tmp_path: Path
) -> None:
    triplets = drawn(posts, bm25, 0)

    def margin() -> float:
        anchors, positives, negatives = (embed(model, list(texts)) for texts in zip(*triplets, strict=True))
        return float(np.mean(np.sum(anchors * (positives - negatives), axis=1)))

    def train(model: Any, output: Path, arguments: dict[str, Any]) -> dict[str, Any]:
        recipe = DenseRecipe(arguments=arguments)
        defaults = {"per_device_train_batch_size": 6, "save_strategy": "steps", "save_steps": 0.1}
        return train_contrastive(model, triplets, Job(Recipe("en"), posts, (), output), recipe, defaults)

    model = static_encoder(tiny_tokenizer, 16, seed=0)
    arguments, before = {**ARGUMENTS, "learning_rate": 0.1, "num_train_epochs": 6}, margin()
    log = train(model, tmp_path / "run", {**arguments, "save_total_limit": None})
    assert margin() > before + 0.1
    assert log["steps"] >= 6 * (len(triplets) // 6)

    # A run that was stopped at its first checkpoint ends where the unbroken one did.
    checkpoints = (tmp_path / "run-checkpoints").glob("checkpoint-*")
    first = min(checkpoints, key=lambda path: int(path.name.partition("-")[2]))
    shutil.copytree(first, tmp_path / "stopped-checkpoints" / first.name)
    again = static_encoder(tiny_tokenizer, 16, seed=0)
    train(again, tmp_path / "stopped", arguments)
    assert encoder_fingerprint(again) == encoder_fingerprint(model)


def test_bases_of_the_encoder(tiny_bert: Path, tiny_tokenizer: Any, tmp_path: Path) -> None:
    recipe = EncoderRecipe(encoder=str(tiny_bert), layers=1, max_seq_length=7)
    model, whole = encoder_base(recipe), load_encoder(tiny_bert)
    assert model.max_seq_length == 7
    kept, all_weights = model.state_dict(), whole.state_dict()
    assert {name for name in all_weights if "layer.1." in name} == set(all_weights) - set(kept) != set()
    assert all(tensor.equal(all_weights[name]) for name, tensor in kept.items())
    assert encoder_base(EncoderRecipe(encoder=str(tiny_bert), dimensions=8)).get_embedding_dimension() == 8
    static = static_encoder(tiny_tokenizer, 16, seed=0)
    static.save_pretrained(str(tmp_path), create_model_card=False)
    taken = encoder_base(EncoderRecipe(encoder=str(tmp_path), dimensions=8))
    assert encoder_fingerprint(taken) == encoder_fingerprint(static)  # static embeddings are not distilled again
    for wrong, reason in (
        (EncoderRecipe(dimensions=8), r"the recipe names none.*selector: \{encoder: "),
        (EncoderRecipe(encoder=str(tiny_bert), layers=3), r"layers must lie between 1 and 2.*got 3"),
        (EncoderRecipe(encoder=str(tiny_bert), dimensions=8, layers=1), "have no `layers`"),
        (EncoderRecipe(encoder=str(tiny_bert), dimensions=8, max_seq_length=9), "no `max_seq_length`"),
    ):
        with pytest.raises(ValueError, match=reason):
            encoder_base(wrong)


class Steps(TrainerCallback):
    """Counts the steps of trainings that it is passed to."""

    def __init__(self) -> None:
        self.seen = 0

    def on_step_end(self, *arguments: Any, **options: Any) -> None:
        self.seen += 1


@pytest.mark.slow
def test_retrievers_of_recipes(tmp_path: Path, posts: list[Post], tiny_bert: Path) -> None:
    settings: dict[str, Any] = {"type": "dense", "encoder": str(tiny_bert), "dimensions": 8, "arguments": ARGUMENTS}

    def job(name: str, **retriever: Any) -> Job:
        recipe = build_recipe({"language": "en", "retriever": retriever}, "the test's recipe")
        return Job(recipe, posts, (), tmp_path / name, callbacks=[steps])

    def given(job: Job, name: str) -> Job:
        return replace(job, folders={"retriever": tmp_path / name})

    steps = Steps()
    dense = job("dense", **settings)
    build_component("retriever", dense)
    retriever = given(dense, "dense").retriever()
    assert retriever.type == "dense"
    assert len(retriever.search([posts[0].text], 5)[0]) == 5
    record = json.loads((tmp_path / "dense" / "training.json").read_text())
    assert record["posts"] == 48
    assert record["triplets"] > 20
    assert record["steps"] == steps.seen > 0
    assert record["seed"] == 0
    assert record["config"]["retriever"]["encoder"] == tiny_bert.name  # not where it lies on this machine

    untrained = job("untrained", **settings, triplets=0)
    build_component("retriever", untrained)
    assert json.loads((tmp_path / "untrained" / "training.json").read_text())["steps"] == 0
    with pytest.raises(ValueError, match="belongs to a run with other settings"):
        build_component("retriever", replace(untrained, output=dense.output))

    bm25 = job("bm25")
    build_component("retriever", bm25)
    for one in (bm25, given(bm25, "bm25")):  # made in a moment where there is no folder
        assert one.retriever().type == "bm25"
    with pytest.raises(ValueError, match="holds no dense retriever"):
        given(dense, "bm25").retriever()
    with pytest.raises(ValueError, match="of the recipe's training posts"):
        replace(given(dense, "dense"), posts=posts[1:]).retriever()
    with pytest.raises(ValueError, match=r"needs a trained retriever.*right-hf train retriever"):
        dense.retriever()

    hybrid = job("hybrid", **{**settings, "type": "hybrid", "triplets": 0, "k1": 0.9})
    build_component("retriever", hybrid)
    parts = given(hybrid, "hybrid").retriever().parts
    assert set(parts) == {"bm25", "dense"} and parts["bm25"].settings["k1"] == 0.9


def test_a_retriever_of_another_package_is_trained_as_ours(posts: list[Post], tmp_path: Path) -> None:
    recipe = build_recipe({"language": "en", "retriever": {"type": "first", "first": 2}}, "the test's recipe")
    job = Job(recipe, posts, (), tmp_path / "retriever")
    build_component("retriever", job)
    record = json.loads((tmp_path / "retriever" / "training.json").read_text())
    assert (record["shown"], record["config"]["retriever"]["first"]) == (2, 2)
    found = replace(job, folders={"retriever": job.output}).retriever()
    assert [hit.post.id for hit in found.search(["anything"])[0]] == [post.id for post in list(found.corpus)[:2]]
    with pytest.raises(ValueError, match=r"retriever: unknown setting 'last'. Known: type, hits, analyser, first"):
        build_recipe({"language": "en", "retriever": {"type": "first", "last": 2}}, "the test's recipe")


@dataclass(frozen=True)
class FirstRecipe(RetrieverRecipe):
    first: int = 1


class FirstTraining:
    settings = FirstRecipe

    def train(self, job: Job) -> Trained:
        first = job.recipe.retriever.first
        return Trained(FirstRetriever(Corpus(job.posts), first), {"shown": first})


@register_component
class FirstRetriever(Retriever):
    """Finds the first posts of the corpus, whatever is asked."""

    type = "first"

    def __init__(self, corpus: Corpus, first: int) -> None:
        self._corpus, self.first = corpus, first

    @property
    def corpus(self) -> Corpus:
        return self._corpus

    @property
    def settings(self) -> dict[str, Any]:
        return {"first": self.first}

    def search(self, queries: Any, k: int = 10, exclude: Any = None) -> list[list[Hit]]:
        return [[Hit(post, 1.0) for post in list(self.corpus)[: self.first]] for _ in queries]

    def write(self, folder: Path) -> None:
        self.corpus.save(folder)

    @classmethod
    def from_folder(cls, folder: str | Path) -> FirstRetriever:
        return cls(Corpus.load(Path(folder)), **cls.saved_settings(Path(folder)))

    @classmethod
    def trainer(cls) -> FirstTraining:
        return FirstTraining()
