from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import datasets
import pytest
import torch
from transformers import pipeline

from right_hf import HashtagRecommendationPipeline, RightModel

POSTS = [
    "Windows desktop in the cloud",
    "",
    "sourdough bread at scale",
    "   ",
    "late football match of our team",
    "nothing known xyzzy",
]


@pytest.fixture(scope="module")
def pipe(checkpoint: str) -> HashtagRecommendationPipeline:
    return pipeline("hashtag-recommendation", model=checkpoint)


def hashtags(results: list[list[dict[str, Any]]]) -> list[list[str]]:
    return [[entry["hashtag"] for entry in result] for result in results]


def test_result_has_the_documented_form(pipe: HashtagRecommendationPipeline) -> None:
    result = pipe("Windows desktop in the cloud")
    assert result
    for entry in result:
        assert list(entry) == ["hashtag", "score", "source", "evidence", "present", "posted"]
        assert 0 <= entry["score"] <= 1
        assert entry["source"] in {"retrieved", "generated", "both"}
        assert bool(entry["evidence"]) == (entry["source"] != "generated")
    json.dumps(result)


def test_evidence_carries_the_hashtag(pipe: HashtagRecommendationPipeline) -> None:
    corpus = pipe.model.retriever.corpus
    for entry in pipe("Windows desktop in the cloud"):
        for post_id in entry["evidence"]:
            assert entry["hashtag"] in corpus[corpus.row(post_id)].hashtags


@pytest.mark.parametrize("batch_size", [1, 2, 5, 16])
def test_batch_equals_single(pipe: HashtagRecommendationPipeline, batch_size: int) -> None:
    single = [pipe(post) for post in POSTS]
    batched = pipe(POSTS, batch_size=batch_size)
    assert hashtags(batched) == hashtags(single)
    for one, other in zip(single, batched, strict=True):
        assert [entry["score"] for entry in one] == pytest.approx([entry["score"] for entry in other], abs=2e-4)


def test_empty_posts_and_lists(pipe: HashtagRecommendationPipeline) -> None:
    assert pipe("") == []
    assert pipe(" \n\t ") == []
    assert pipe([]) == []
    assert pipe(["", ""]) == [[], []]


def test_iterables_stream(pipe: HashtagRecommendationPipeline) -> None:
    expected = pipe(POSTS)
    taken: list[str] = []

    def source() -> Iterator[str]:
        for post in POSTS:
            taken.append(post)
            yield post

    stream = iter(pipe(source(), batch_size=2))
    first = next(stream)
    assert len(taken) <= 3, "a stream must not be read ahead of its batch"
    assert [first, *stream] == expected
    table = datasets.Dataset.from_dict({"text": POSTS})
    assert list(pipe(table, batch_size=4)) == expected
    assert list(pipe(table.to_iterable_dataset())) == expected
    assert list(pipe(table["text"])) == expected
    assert pipe(tuple(POSTS)) == expected


def test_arguments_at_construction_and_at_call(checkpoint: str, pipe: HashtagRecommendationPipeline) -> None:
    post = "Windows desktop in the cloud"
    everything = pipe(post, top_k=100)
    built = pipeline("hashtag-recommendation", model=checkpoint, top_k=2, num_beams=2)
    assert len(built(post)) == 2
    assert built(post, top_k=1) == built(post)[:1]
    assert built(post, num_beams=1, top_k=100) == everything
    cut = everything[1]["score"]
    assert pipe(post, threshold=cut, top_k=100) == [entry for entry in everything if entry["score"] >= cut]
    assert pipe(post, generate_kwargs={"top_k": 3, "do_sample": False}) == pipe(post)


@pytest.mark.parametrize("post", [None, 3, b"bytes", ["a", None], [1], {"body": "no text"}, [["nested"]]])
def test_what_is_no_post_raises(pipe: HashtagRecommendationPipeline, post: Any) -> None:
    with pytest.raises(TypeError, match="must be a string"):
        pipe(post)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"top_k": 0}, "top_k must be at least 1"),
        ({"threshold": 1.5}, "threshold must lie between 0 and 1"),
        ({"batch_size": 0}, "batch_size must be at least 1"),
        ({"num_beam": 2}, "Unknown argument 'num_beam'"),
    ],
)
def test_wrong_arguments_raise(pipe: HashtagRecommendationPipeline, arguments: dict[str, Any], message: str) -> None:
    with pytest.raises((TypeError, ValueError), match=message):
        pipe(["a post"], **arguments)


@pytest.mark.parametrize(
    "post", ["😀🎉", "a\x00b windows", "\ud800 desktop \udfff", "windows " * 12_500, "#" * 50, "，。！"]
)
def test_odd_posts_give_a_list(pipe: HashtagRecommendationPipeline, post: str) -> None:
    assert isinstance(pipe(post), list)


def test_saved_and_loaded_pipeline_is_equal(pipe: HashtagRecommendationPipeline, tmp_path: Path) -> None:
    pipe.save_pretrained(tmp_path / "again")
    again = pipeline("hashtag-recommendation", model=str(tmp_path / "again"))
    assert again(POSTS) == pipe(POSTS)
    assert [path.name for path in (tmp_path / "again").rglob("*.py")] == ["right_hub.py"]


def test_default_checkpoint_needs_no_name() -> None:
    pipe = pipeline("hashtag-recommendation")
    assert pipe("Scaling Erlang cluster to 10k nodes at WhatsApp")[0]["hashtag"] == "erlang"


def test_map_style_data_set_without_an_end(pipe: HashtagRecommendationPipeline) -> None:
    class Posts(torch.utils.data.Dataset[str]):
        def __len__(self) -> int:
            return 3

        def __getitem__(self, index: int) -> str:
            return POSTS[index % len(POSTS)]

    assert list(pipe(Posts(), batch_size=2)) == pipe(POSTS[:3])


def test_push_goes_through_the_model(pipe: HashtagRecommendationPipeline, monkeypatch: pytest.MonkeyPatch) -> None:
    pushed: list[str] = []
    monkeypatch.setattr(RightModel, "push_to_hub", lambda self, repo_id, **_: pushed.append(repo_id))
    pipe.push_to_hub("user/right")
    assert pushed == ["user/right"]


def test_generation_arguments_that_change_the_form_of_the_output(pipe: HashtagRecommendationPipeline) -> None:
    post = "Windows desktop in the cloud"
    assert isinstance(pipe(post, num_beams=3, num_return_sequences=3, max_new_tokens=5), list)
    assert isinstance(pipe(post, max_length=4), list)
    with pytest.raises(TypeError, match="Unknown argument 'hashtags'"):
        pipe(post, generate_kwargs={"hashtags": 1})
