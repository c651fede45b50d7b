"""Which posts go into an embedded checkpoint."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from embedded.posts import Sources, assemble
from embedded.threshold import choose_threshold

from right_hf import RightModel
from right_hf.analysis import english_words
from right_hf.posts import Post

LICENSES = ["MIT", "CC0-1.0"]
SOURCES = Sources("base", owners=["own"], more="more.jsonl", relicensed="relicensed.jsonl", judged="judged.jsonl")


def line(post_id: str, text: str, *hashtags: str, **others: Any) -> dict[str, Any]:
    return {"id": post_id, "text": text, "hashtags": hashtags, "created_at": None, "license": "MIT"} | others


def written(folder: Path, **files: list[dict[str, Any]]) -> Path:
    for name, lines in files.items():
        path = folder / f"{name.replace('_', '/')}.jsonl"
        path.parent.mkdir(exist_ok=True)
        path.write_text("".join(json.dumps(entry) + "\n" for entry in lines), encoding="utf-8")
    return folder


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return written(
        tmp_path,
        base_train=[
            line("a1", "the sea in the morning light", "sea", source="own-archive"),
            line("a2", "another day by the quiet sea", "sea", source="else", created_at="2015-01-01T00:00:00Z"),
            line("a3", "nobody says who may pass it on", "sea", license=None),
            line("a4", "said elsewhere that it is free", "sea", "ice cream", license=None),
            line("a5", "a test post about winter storms", "sea", source="else"),
            line("a6", "a day with judged words about cats", "sea", source="else"),
        ],
        base_validation=[line("v1", "later posts of a year", "sea", source="else", created_at="2018-01-01T00:00:00Z")],
        base_test=[
            line("t1", "a test post about winter storms today", "storm", license=None),
            line("t2", "and the last of all days", "sea", source="else", created_at="2020-01-01T00:00:00Z"),
        ],
        more=[
            line("m1", "icecream for everybody", "icecream", "sea", kind="hashtags", basis="owner"),
            line("m2", "a woman and a balustrade", "sea", "balustrade", kind="tags", basis="owner"),
            line("m3", "only words of a catalogue", "balustrade", kind="tags", basis="owner"),
            line("m5", "a bad licence", "sea", kind="hashtags", license="CC-BY-NC-4.0"),
            line("m6", "from the year of validation", "sea", kind="hashtags", created_at="2019-05-01T00:00:00Z"),
        ],
        relicensed=[{"id": "a4", "license": "MIT", "basis": "repository"}],
        judged=[line("j1", "the day with judged words about cats", "cat")],
    )


def by_id(data: Path) -> dict[str, tuple[str, Post]]:
    splits = assemble(data, SOURCES, LICENSES, english_words)
    return {post.id: (split, post) for split, posts in splits.items() for post in posts}


def test_only_licensed_posts_with_their_basis(data: Path) -> None:
    found = by_id(data)
    assert not {"a3", "m5", "t1"} & set(found)
    assert found["a1"][1].basis == "owner"
    assert found["a2"][1].basis == found["a4"][1].basis == "repository"
    assert found["a4"][1].license == "MIT"


def test_near_duplicates_of_test_and_judged_posts_are_left_out(data: Path) -> None:
    assert not {"a5", "a6"} & set(by_id(data))


def test_dated_posts_are_split_by_time(data: Path) -> None:
    found = by_id(data)
    assert {name: found[name][0] for name in ("a2", "v1", "t2", "m6")} == {
        "a2": "train", "v1": "validation", "t2": "test", "m6": "validation"
    }  # fmt: skip


def test_tags_count_where_people_post_them(data: Path) -> None:
    found = by_id(data)
    assert found["m2"][1].hashtags == ("sea",)
    assert "m3" not in found


def test_a_hashtag_has_one_form(data: Path) -> None:
    found = by_id(data)
    assert found["a4"][1].hashtags == ("sea", "ice cream")
    assert found["m1"][1].hashtags == ("ice cream", "sea")


def test_a_missing_source_is_named(data: Path) -> None:
    (data / "more.jsonl").unlink()
    with pytest.raises(FileNotFoundError, match=r"more\.jsonl"):
        assemble(data, SOURCES, LICENSES, english_words)


def test_the_threshold_keeps_nearly_all_that_is_right() -> None:
    model = RightModel.from_pretrained("right-en-small")
    posts = [Post("1", "sushi for dinner", ("sushi",)), Post("2", "merry christmas to all of you", ("christmas",))]
    chosen = choose_threshold(model, posts)

    def right(threshold: float) -> int:
        answers = model.recommend([post.text for post in posts], threshold=threshold)
        pairs = zip(posts, answers, strict=True)
        return sum(one.hashtag in post.hashtags for post, answer in pairs for one in answer)

    assert right(chosen["threshold"]) == right(0) > right(chosen["threshold"] + 0.01)
    assert chosen["shown"] <= chosen["of_all"]["shown"] <= 5
