"""A retriever and a generator from outside the package, each registered in one line, do all that ours do."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from transformers import pipeline

import right_hf
from right_hf import (
    BiEncoderSelector,
    BM25Retriever,
    Component,
    Corpus,
    Generation,
    Generator,
    Hit,
    HybridRetriever,
    Post,
    Retriever,
    RightConfig,
    RightModel,
    registry,
)
from right_hf.evaluation import score_checkpoint
from right_hf.persistence import write_json
from right_hf.retriever.base import check_search
from tests.support.generator_contract import GeneratorContract
from tests.support.loopback_hub import LoopbackHub
from tests.support.retriever_contract import RetrieverContract

POSTS = ["Our team moves a Windows desktop into the cloud", "My sourdough bread needs a warm kitchen", "?!"]


class LetterRetriever(Retriever):
    """Finds posts that share letters with the query; `least` of them."""

    type = "letters"

    def __init__(self, corpus: Corpus, least: int = 5) -> None:
        self._corpus = corpus
        self.least = least

    @property
    def corpus(self) -> Corpus:
        return self._corpus

    def search(
        self, queries: Sequence[str], k: int = 10, exclude: Sequence[Collection[str]] | None = None
    ) -> list[list[Hit]]:
        check_search(queries, k, exclude)
        found: list[list[Hit]] = []
        for query, hidden in zip(queries, exclude or [()] * len(queries), strict=True):
            shared = [(len(set(query) & set(post.text)), post) for post in self.corpus if post.id not in hidden]
            hits = [Hit(post, float(score)) for score, post in shared if score >= self.least]
            found.append(sorted(hits, key=lambda hit: (-hit.score, hit.post.id))[:k])
        return found

    @property
    def settings(self) -> dict[str, Any]:
        return {"least": self.least}

    def write(self, folder: Path) -> None:
        self.corpus.save(folder)

    @classmethod
    def from_folder(cls, folder: str | Path) -> LetterRetriever:
        return cls(Corpus.load(Path(folder)), **cls.saved_settings(Path(folder)))


class EchoGenerator(Generator):
    """Writes the first hashtags that it is shown, and the longest word of the post."""

    type = "echo"

    def __init__(self, shown: int = 2) -> None:
        self.shown = shown

    def generate(
        self,
        posts: Sequence[str],
        contexts: Sequence[Sequence[str]],
        candidates: Sequence[Sequence[str]] | None = None,
        **generation: Any,
    ) -> list[Generation]:
        words = [[word for word in post.lower().split() if word.isalpha() and len(word) < 60] for post in posts]
        shown = [[tag for tag in context if len(tag) < 60][: self.shown] for context in contexts]
        return [
            Generation(list(dict.fromkeys([*tags, *sorted(own, key=len)[-1:]])), {})
            for own, tags in zip(words, shown, strict=True)
        ]

    @property
    def settings(self) -> dict[str, Any]:
        return {"shown": self.shown}

    def write(self, folder: Path) -> None:
        write_json(folder / "notes.json", {"by": "nobody"})

    @classmethod
    def from_folder(cls, folder: str | Path, shout: bool = False) -> EchoGenerator:
        generator = cls(**cls.saved_settings(Path(folder)))
        generator.shown += shout
        return generator


@pytest.fixture(autouse=True)
def _registered(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Each in one line; the registry is put back afterwards."""
    monkeypatch.setattr(registry, "_REGISTERED", {role: dict(known) for role, known in registry._REGISTERED.items()})
    right_hf.register_component(LetterRetriever)
    right_hf.register_component(EchoGenerator)
    yield


@pytest.fixture
def toy(english_posts: list[Post], tiny_selector: BiEncoderSelector) -> RightModel:
    return RightModel(RightConfig(), LetterRetriever(Corpus(english_posts)), tiny_selector, EchoGenerator())


class TestLetterRetriever(RetrieverContract):
    @pytest.fixture
    def retriever(self, english_posts: list[Post]) -> Retriever:
        return LetterRetriever(Corpus(english_posts))


class TestHybridWithIt(RetrieverContract):
    @pytest.fixture
    def retriever(self, english_posts: list[Post]) -> Retriever:
        return HybridRetriever(LetterRetriever(Corpus(english_posts)), BM25Retriever.from_posts(english_posts))


class TestEchoGenerator(GeneratorContract):
    @pytest.fixture
    def generator(self) -> Generator:
        return EchoGenerator()


def test_a_hybrid_calls_each_part_by_its_type(english_posts: list[Post]) -> None:
    hybrid = HybridRetriever(LetterRetriever(Corpus(english_posts)), BM25Retriever.from_posts(english_posts))
    assert list(hybrid.search_parts(POSTS, 3)) == ["letters", "bm25"]


def test_the_pipeline_runs_saves_and_loads(toy: RightModel, tmp_path: Path) -> None:
    pipe: Any = pipeline("hashtag-recommendation", model=toy)  # type: ignore[call-overload]
    expected = pipe(POSTS, batch_size=2)
    assert [entry["source"] for entry in expected[0]] == ["both", "both", "generated"]
    pipe.save_pretrained(tmp_path / "toy")
    loaded: Any = pipeline("hashtag-recommendation", model=str(tmp_path / "toy"))  # type: ignore[call-overload]
    assert isinstance(loaded.model.generator, EchoGenerator)
    assert loaded(POSTS, batch_size=3) == expected


def test_its_own_options_reach_it_and_no_other(toy: RightModel, tmp_path: Path) -> None:
    toy.save_pretrained(tmp_path / "toy")
    loud = RightModel.from_pretrained(tmp_path / "toy", shout=True)  # type: ignore[call-arg]
    assert loud.generator is not None and loud.generator.settings == {"shown": 3}
    with pytest.raises(TypeError, match=r"Unknown argument 'whisper': no part .*'letters'.*'echo'"):
        RightModel.from_pretrained(tmp_path / "toy", whisper=True)  # type: ignore[call-arg]


@pytest.mark.loopback
def test_pushed_pulled_and_named(toy: RightModel, hub: LoopbackHub) -> None:
    toy.push_to_hub("user/toy")
    assert RightModel.from_pretrained("user/toy").recommend(POSTS) == toy.recommend(POSTS)
    toy.retriever.push_to_hub("user/letters")
    assert LetterRetriever.from_pretrained("user/letters").settings == {"least": 5}
    toy.push_to_hub("user/named", references=["retriever"])
    assert "retriever/corpus.parquet" not in hub.repo("user/named").paths()
    assert RightModel.from_pretrained("user/named").recommend(POSTS) == toy.recommend(POSTS)


def test_evaluated_beside_its_parts(toy: RightModel, english_posts: list[Post]) -> None:
    scores = score_checkpoint(toy, english_posts)
    assert list(scores) == ["letters", "RIGHT without generator", "RIGHT, generator's answer"]
    assert all(0 <= score <= 100 for row in scores.values() for score in row.values())
    assert scores["RIGHT, generator's answer"]["f1@1"] > 0


def test_a_checkpoint_whose_component_is_not_registered_says_so(
    toy: RightModel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    toy.save_pretrained(tmp_path / "toy")
    monkeypatch.delitem(registry._REGISTERED["generator"], "echo")
    with pytest.raises(ValueError, match=r"Unknown type of generator 'echo'.*must be imported and registered first"):
        RightModel.from_pretrained(tmp_path / "toy")


def test_what_can_be_registered() -> None:
    right_hf.register_component(LetterRetriever)  # once more does no harm

    class Other(LetterRetriever):
        """Takes the type of another."""

    with pytest.raises(ValueError, match="There is a retriever of type 'letters' already"):
        right_hf.register_component(Other)
    with pytest.raises(TypeError, match=r"Only a subclass of right_hf\.Component"):
        right_hf.register_component(object)  # type: ignore[type-var]

    class Nameless(Component):
        """Has neither."""

    with pytest.raises(TypeError, match="Nameless needs a `role`"):
        right_hf.register_component(Nameless)
    with pytest.raises(TypeError, match="is not trained"):
        LetterRetriever.trainer()
