"""Copies by `deepcopy` and `pickle`, as pools of processes make them; a checkpoint on disk never holds a pickle."""

from __future__ import annotations

import copy
import multiprocessing
import pickle
import threading
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from transformers import pipeline

from right_hf import DEFAULT_CHECKPOINT, BM25Retriever, DenseRetriever, HybridRetriever, Post, RightModel
from right_hf.generator import ChatGenerator, DecoderGenerator, HubChatClient, Seq2SeqGenerator
from right_hf.generator.chat_store import AnswerStore
from right_hf.pipeline import HashtagRecommendationPipeline
from right_hf.popularity import HashtagPopularity
from right_hf.selector import BiEncoderSelector

TEXTS = ["Scaling Erlang cluster to 10k nodes at WhatsApp", "Moving to Azure Virtual Desktop", "warm seas and coral"]
NOW = 1_600_000_000.0
NEW = Post("new", "Warm seas and clouds", ("storm",), created_at="2020-09-13T12:00:00Z")


def pickled(value: Any) -> Any:
    return pickle.loads(pickle.dumps(value))


both = pytest.mark.parametrize("copied", [copy.deepcopy, pickled])


@pytest.fixture(scope="module")
def default() -> RightModel:
    return RightModel.from_pretrained(DEFAULT_CHECKPOINT, generate_when=1.0)


@both
def test_the_checkpoint_of_the_package(default: RightModel, copied: Callable[[Any], Any]) -> None:
    expected = default.recommend(TEXTS, now=NOW)
    again = copied(default)
    assert all(again.parts[role] is not part for role, part in default.parts.items())
    assert again.recommend(TEXTS, now=NOW) == expected


@both
def test_the_pipeline(default: RightModel, copied: Callable[[Any], Any]) -> None:
    pipe = HashtagRecommendationPipeline(default)
    again = copied(pipe)
    assert again.model is not pipe.model
    assert again(TEXTS, now=NOW) == pipe(TEXTS, now=NOW)


@both
def test_retrievers(english_posts: list[Post], dense_retriever: DenseRetriever, copied: Callable[[Any], Any]) -> None:
    bm25 = BM25Retriever.from_posts(english_posts)
    for retriever in (bm25, dense_retriever, HybridRetriever(bm25, dense_retriever)):
        assert copied(retriever).search(TEXTS) == retriever.search(TEXTS)


@both
def test_a_retriever_with_a_transformer(
    english_posts: list[Post], tiny_bert: Path, offline: None, copied: Callable[[Any], Any]
) -> None:
    from right_hf.encoders import load_encoder

    retriever = DenseRetriever.from_posts(english_posts[:4], load_encoder(tiny_bert))
    assert copied(retriever).search(TEXTS) == retriever.search(TEXTS)


@pytest.mark.parametrize("copied", [copy.deepcopy, pickled, copy.copy])
def test_a_copy_of_an_opened_index_lives_in_memory(
    english_posts: list[Post], tmp_path: Path, copied: Callable[[Any], Any]
) -> None:
    BM25Retriever.from_posts(english_posts).save_pretrained(tmp_path / "index")
    with closing(BM25Retriever.open(tmp_path / "index")) as opened:
        opened.follow(HashtagPopularity().change)
        again = copied(opened)
        again.add([NEW])
        opened.add([Post("other", "cloud", ("x", "y"))])
        assert (again.corpus.get("other"), opened.corpus.get("new")) == (None, None)
        assert (again.corpus.hashtag_count("storm"), opened.corpus.hashtag_count("storm")) == (1, 0)
        assert again.search(TEXTS) == BM25Retriever.from_posts([*english_posts, NEW]).search(TEXTS)
        with pytest.raises(RuntimeError, match="not opened from a folder"):
            again.save()
        again.save_pretrained(tmp_path / "copy")
    assert BM25Retriever.from_pretrained(tmp_path / "index").corpus.get("other")


def test_copies_are_made_while_others_change_the_corpus(english_posts: list[Post]) -> None:
    retriever, done = BM25Retriever.from_posts(english_posts), threading.Event()

    def change() -> None:
        number = 0
        while not done.is_set():
            retriever.add([Post(f"n{number}", f"cloud word{number}", (f"tag {number}",))])
            number += 1

    thread = threading.Thread(target=change)
    thread.start()
    try:
        for _ in range(20):
            again = pickled(retriever)
            assert again.search(["cloud"], 5) == BM25Retriever.from_posts(again.corpus).search(["cloud"], 5)
    finally:
        done.set()
        thread.join()


@both
def test_a_copied_model_follows_its_own_retriever(
    default: RightModel, english_posts: list[Post], tiny_selector: BiEncoderSelector, copied: Callable[[Any], Any]
) -> None:
    """With hashtags in its pool only because others have just used them."""
    ranker: Any = copy.copy(default.ranker)
    ranker.pool = replace(ranker.pool, popular=3)
    model = RightModel(default.config, BM25Retriever.from_posts([*english_posts, NEW]), tiny_selector, None, ranker)

    def popular(model: RightModel) -> list[str]:
        [trace] = model.trace(["unheard of"], NOW)
        assert trace.pool is not None
        return list(trace.pool.popular)

    again = copied(model)
    again.update([replace(NEW, hashtags=("hail",))])
    again.add([replace(NEW, id="newer", hashtags=("snow", "hail"))])
    assert (popular(model), popular(again)) == (["storm"], ["hail", "snow"])
    again = copied(again)
    again.remove(["newer"])
    model.remove([NEW.id])
    assert (popular(model), popular(again)) == ([], ["hail"])


@both
def test_a_copied_selector_grows_on_its_own(tiny_selector: BiEncoderSelector, copied: Callable[[Any], Any]) -> None:
    selector = BiEncoderSelector(tiny_selector.model)
    selector.prepare(["cloud", "storm", "coral"])
    for again in (copied(selector), copy.copy(selector)):
        again.prepare(["bread"])
        selector.prepare(["sea", "time"])
        for one in (again, selector):
            expected = BiEncoderSelector(tiny_selector.model).similarity(["warm seas"], [list(one._rows)])
            assert one.similarity(["warm seas"], [list(one._rows)]) == expected
        assert "bread" not in selector._rows and "sea" not in again._rows
        selector = BiEncoderSelector(tiny_selector.model)


def written(generator: Any) -> Any:
    return generator.generate(TEXTS, [["cloud"]] * 3, [["cloud", "coral"]] * 3)


@both
def test_generators(
    tiny_generator: Seq2SeqGenerator, tiny_decoder: DecoderGenerator, copied: Callable[[Any], Any]
) -> None:
    for generator in (tiny_generator, tiny_decoder):
        assert written(copied(generator)) == written(generator)
    form = copied(tiny_generator).format
    assert form._ids._function.__self__ is form, "not the format that was copied"


@both
def test_an_adapter(adapter: DecoderGenerator, copied: Callable[[Any], Any]) -> None:
    assert written(copied(adapter)) == written(adapter)


@both
def test_a_chat_model(tmp_path: Path, copied: Callable[[Any], Any]) -> None:
    with AnswerStore(tmp_path / "answers") as store:
        again = copied(ChatGenerator(HubChatClient("model", "http://localhost:1", api_key="k"), "zh", store))
        assert (again.settings["language"], again.client._key, again.store.path) == ("zh", "k", store.path)
        again.store.close()


_model: RightModel


def _take(model: RightModel) -> None:
    global _model
    _model = model


def _recommend(text: str) -> Any:
    return _model.recommend([text], now=NOW)


@pytest.mark.slow
def test_a_spawned_pool(default: RightModel) -> None:
    default.add([NEW])
    try:
        expected = [default.recommend([text], now=NOW) for text in TEXTS]
        with multiprocessing.get_context("spawn").Pool(1, _take, (default,)) as pool:
            assert pool.map(_recommend, TEXTS) == expected
            assert pool.apply(HashtagRecommendationPipeline(default), (TEXTS,), {"now": NOW}) == pipeline(
                "hashtag-recommendation", model=default
            )(TEXTS, now=NOW)
    finally:
        default.remove([NEW.id])
