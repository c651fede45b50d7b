from __future__ import annotations

import json

import pytest

from right_hf import Post, RightModel
from right_hf.demo import own_corpus
from right_hf.demo.own_corpus import read_upload, with_posts

LINE = json.dumps({"text": "Fresh bread", "hashtags": ["baking"]}) + "\n"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ('{"text": 1}', r"^my\.jsonl, line 1: "),
        ("no json", r"^my\.jsonl, line 1: "),
        ("\x1f\x8b\x08\udc80", r"^my\.jsonl, line 1: "),
        ("", r"^my\.jsonl holds no posts with hashtags"),
        ('{"text": "a", "hashtags": []}', "holds no posts with hashtags"),
        (LINE + '{"text": "b", "hashtags": ["b"]}\n{"text": "c", "hashtags": ["c"]}', "more than 2 posts"),
        ("ä" * 151, "at most 300 bytes are taken"),
    ],
)
def test_what_is_refused(content: str, message: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(own_corpus, "MOST_POSTS", 2)
    monkeypatch.setattr(own_corpus, "LARGEST_FILE", 300)
    with pytest.raises(ValueError, match=message):
        read_upload("my.jsonl", content)


def test_posts_are_read() -> None:
    assert [post.hashtags for post in read_upload("my.jsonl", LINE)] == [("baking",)]


def test_neither_model_knows_the_others_hashtags(model: RightModel) -> None:
    before = set(model.retriever.corpus.hashtags)
    own = with_posts(model, [Post("1", "Windows desktop in the cloud", ("wvd",)), Post("2", "Bread", ("rye",))])
    assert own.retriever.corpus.hashtags == ["rye", "wvd"]
    vectors = model.selector.embed(["Windows desktop"])
    assert set(own.selector.nearest(vectors, 99, lambda tag: True)[0]) == {"rye", "wvd"}
    found = {one.hashtag for one in own.recommend(["Windows desktop in the cloud"], 20, 0.0)[0]}
    assert "wvd" in found
    assert set(model.retriever.corpus.hashtags) == before
    assert not {"rye", "wvd"} & set(model.selector.nearest(vectors, 999, lambda tag: True)[0])
