"""What pipeline and model take for posts and options, and what they say of anything else."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import datasets
import numpy as np
import pandas as pd
import pytest
import torch
from transformers import pipeline

from right_hf import BM25Retriever, HashtagRecommendationPipeline, RightModel

POSTS = ["Windows desktop in the cloud", "sourdough bread", ""]


@pytest.fixture(scope="module")
def pipe(checkpoint: str) -> HashtagRecommendationPipeline:
    return pipeline("hashtag-recommendation", model=checkpoint)


@pytest.mark.parametrize(
    "posts",
    [
        pd.Series(POSTS),
        pd.DataFrame({"text": POSTS})["text"],
        np.array(POSTS),
        np.array(POSTS, dtype=object),
        datasets.Dataset.from_dict({"text": POSTS, "id": [1, 2, 3]}),
        [{"text": post} for post in POSTS],
        dict(enumerate(POSTS)).values(),
    ],
    ids=lambda posts: type(posts).__name__,
)
def test_what_holds_posts_works(pipe: HashtagRecommendationPipeline, posts: Any) -> None:
    assert list(pipe(posts, batch_size=2)) == pipe(POSTS)
    assert pipe.model.recommend(posts) == pipe.model.recommend(POSTS)


@pytest.mark.parametrize(
    "posts", [pd.DataFrame({"text": POSTS}), set(POSTS), datasets.DatasetDict(), np.array([POSTS]), b"x"]
)
def test_what_holds_none_is_refused(pipe: HashtagRecommendationPipeline, posts: Any) -> None:
    with pytest.raises(TypeError, match=r"Pass|errors="):
        list(pipe(posts))
    with pytest.raises(TypeError, match=r"Pass|errors="):
        pipe.model.recommend(posts)


def test_a_bad_row_is_named_or_passed_over(pipe: HashtagRecommendationPipeline) -> None:
    posts = [POSTS[0], None, POSTS[1], 3, {"body": "x"}, POSTS[2]]
    for call in (pipe, pipe.model.recommend):
        with pytest.raises(TypeError, match=r"Post 1 \(counted from 0\) must be a string .*got NoneType: None"):
            call(posts)
        with pytest.raises(ValueError, match="errors must be"):
            call(POSTS, errors="ignore")
    first, second, last = pipe(POSTS)
    assert pipe(posts, errors="skip", batch_size=2) == [first, None, second, None, None, last]
    assert list(pipe(iter(posts), errors="skip")) == [first, None, second, None, None, last]
    assert pipe([None, None], errors="skip", batch_size=1) == [None, None]
    assert pipe(None, errors="skip") is None
    first, second, last = pipe.model.recommend(POSTS)
    assert pipe.model.recommend(posts, errors="skip") == [first, None, second, None, None, last]
    stream = iter(pipe((post for post in posts), batch_size=1))
    assert next(stream) == pipe(POSTS[0])
    with pytest.raises(TypeError, match="Post 1"):
        next(stream)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"top_k": True}, "top_k must be at least 1, got True"),
        ({"top_k": 1.5}, "top_k must be at least 1, got 1.5"),
        ({"batch_size": 0}, "batch_size must be at least 1, got 0"),
        ({"batch_size": True}, "batch_size must be at least 1, got True"),
        ({"num_beams": 0}, "num_beams must be at least 1, got 0"),
        ({"generate_kwargs": {"max_new_tokens": 0}}, "max_new_tokens must be at least 1"),
        ({"threshold": "0.5"}, "threshold must lie between 0 and 1, got '0.5'"),
        ({"threshold": float("nan")}, "threshold must lie between 0 and 1, got nan"),
        ({"now": True}, "now must be seconds since 1970"),
    ],
)
def test_options_are_checked_where_they_are_given(
    checkpoint: str, pipe: HashtagRecommendationPipeline, arguments: dict[str, Any], message: str
) -> None:
    for post in (POSTS[0], POSTS):
        with pytest.raises(ValueError, match=message):
            pipe(post, **arguments)
    with pytest.raises(ValueError, match=message):
        HashtagRecommendationPipeline(pipe.model, **arguments)


def test_numbers_of_numpy(pipe: HashtagRecommendationPipeline) -> None:
    options = {"top_k": np.int64(2), "threshold": np.float32(0.0), "now": np.int64(5), "batch_size": np.int64(2)}
    assert pipe(POSTS, num_beams=np.int64(1), **options) == pipe(POSTS, top_k=2)
    assert pipe.model.recommend(POSTS, now=np.array([1, 2, 3])) == pipe.model.recommend(POSTS, now="2020-01-01")
    assert len(pipe.model.retriever.search(["windows"], k=np.int64(1))[0]) == 1
    with pytest.raises(ValueError, match="k must be at least 1, got True"):
        pipe.model.retriever.search(["windows"], k=True)
    with pytest.raises(ValueError, match="now must be seconds"):
        pipe.model.recommend(POSTS[:1], now=[True])


def test_devices(checkpoint: str, model: RightModel) -> None:
    for wrong in ({"device": "nonsense"}, {"device_map": "nonsense"}):
        with pytest.raises(ValueError, match="There is no device 'nonsense' here"):
            RightModel.from_pretrained(checkpoint, **wrong)
    with pytest.raises(ValueError, match="There is no device 'nonsense' here"):
        pipeline("hashtag-recommendation", model=checkpoint, device="nonsense")
    with pytest.raises(ValueError, match="There is no device 'nonsense' here"):
        model.to("nonsense")
    with pytest.raises(ValueError, match=r"can be spread over devices; got device_map and \{'encoder'"):
        RightModel.from_pretrained(checkpoint, device_map={"encoder": "cpu"})
    with pytest.raises(ValueError, match="dtype must be"):
        RightModel.from_pretrained(checkpoint, dtype="nonsense")
    for device_map in ("cpu", {"": "cpu"}, torch.device("cpu")):
        assert RightModel.from_pretrained(checkpoint, device_map=device_map).device.type == "cpu"


def test_the_home_folder(checkpoint: str, model: RightModel, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    model.save_pretrained("~/saved")
    assert (tmp_path / "saved" / "config.json").is_file()
    assert RightModel.from_pretrained("~/saved", retriever="~/saved").recommend(POSTS) == model.recommend(POSTS)
    model.retriever.save_pretrained("~/index")
    assert len(BM25Retriever.from_pretrained("~/index").corpus) == len(model.retriever.corpus)


@pytest.mark.parametrize("place", ["", " ", None, 3])
def test_what_names_no_checkpoint_is_refused(checkpoint: str, place: Any) -> None:
    for load in (RightModel.from_pretrained, BM25Retriever.from_pretrained):
        with pytest.raises((TypeError, ValueError), match="Expected a folder or a Hub id"):
            load(place)
    if place is not None:
        with pytest.raises((TypeError, ValueError), match="Expected a folder or a Hub id"):
            RightModel.from_pretrained(checkpoint, retriever=place)


def test_the_packages_own_checkpoint_is_not_warned_of(caplog: pytest.LogCaptureFixture) -> None:
    logger, theirs = logging.getLogger("transformers.pipelines"), "No model was supplied, defaulted to user/model."
    logger.addHandler(caplog.handler)
    try:
        pipeline("hashtag-recommendation")
        logger.warning(theirs)
    finally:
        logger.removeHandler(caplog.handler)
    assert {record.getMessage() for record in caplog.records} == {theirs}
