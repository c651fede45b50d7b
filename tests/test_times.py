from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest

from right_hf import Corpus, RightModel
from right_hf.layout import JOURNAL_FILE
from right_hf.popularity import HashtagPopularity
from right_hf.posts import Post, parse_post, prepared
from right_hf.retriever import BM25Retriever
from right_hf.times import DAY, moment, seconds, standard_time

NINE = "2021-06-07T09:00:00Z"
AT_NINE = 1623056400.0
SAME = [
    NINE,
    "2021-06-07T09:00:00z",
    "2021-06-07 09:00:00",
    "2021-06-07T09:00:00",
    "2021-06-07T11:00:00+02:00",
    "2021-06-07T04:30:00-04:30",
    "Mon Jun 07 09:00:00 +0000 2021",
    "Mon Jun 07 11:00:00 +0200 2021",
    "Mon, 07 Jun 2021 09:00:00 GMT",
    "Mon, 07 Jun 2021 11:00:00 +0200",
    " 2021-06-07T09:00:00Z ",
]
NO_TIMES = ["soon", "yesterday", "", "1623056400", "2021-13-40", "Mon Foo 07", "2021-06-07T25:00:00Z", "0"]


@pytest.mark.parametrize("time", SAME)
def test_times_in_all_their_forms(time: str) -> None:
    assert seconds(time) == AT_NINE == moment(time)
    assert seconds(standard_time(time)) == AT_NINE
    assert standard_time(standard_time(time)) == standard_time(time)


@pytest.mark.parametrize(
    "time", ["2021-06-07T09:00:00z", "Mon Jun 07 11:00:00 +0200 2021", "2021-06-07T11:00:00+02:00"]
)
def test_posts_hold_times_in_utc(time: str) -> None:
    assert standard_time(time) == NINE
    assert prepared(Post("1", "a", created_at=time)).created_at == NINE
    assert parse_post({"id": "1", "text": "a", "hashtags": [], "created_at": time}).created_at == NINE


def test_a_datetime_is_a_time() -> None:
    here = datetime(2021, 6, 7, 11, tzinfo=timezone(timedelta(hours=2)))
    for given in (here, datetime(2021, 6, 7, 9)):
        [post] = Corpus([Post("1", "a", created_at=given)])  # type: ignore[arg-type]
        assert seconds(post.created_at) == AT_NINE


@pytest.mark.parametrize("time", NO_TIMES)
def test_what_is_no_time_is_refused(time: str) -> None:
    assert seconds(time) is None
    for take in (standard_time, moment):
        with pytest.raises(ValueError, match=r"a time such as 2021-06-07T09:00:00Z, got"):
            take(time)
    with pytest.raises(ValueError, match=r"Post '1': created_at must be a time such as .*, got"):
        parse_post({"id": "1", "text": "a", "hashtags": [], "created_at": time})


def test_offsets_count_for_popularity() -> None:
    popularity = HashtagPopularity(half_life=DAY, window=DAY)
    times = [
        "2021-06-07T23:30:00Z",
        "2021-06-08T01:30:00+02:00",
        "2021-06-07T22:30:00-05:00",
    ]  # the last: the day after
    posts = list(Corpus([Post(str(row), "", ("x",), time, author=str(row)) for row, time in enumerate(times)]))
    popularity.change((), posts)
    assert popularity.popularity("x", moment("2021-06-07T23:59:00Z")) == 2
    assert popularity.popularity("x", moment("2021-06-08T12:00:00Z")) == 2 * 0.5 + 1


WRONG = {
    "a time of seconds": {"created_at": 1623056400},
    "no time": {"created_at": "soon"},
    "an author who is a number": {"author": 7},
    "a licence that is a list": {"license": ["MIT"]},
    "a hashtag without letters": {"hashtags": ("",)},
    "a hashtag of signs": {"hashtags": ("ok", "-")},
    "an account": {"hashtags": ("@alice",)},
    "markup": {"hashtags": ("<b>",)},
    "hashtags that are no tuple": {"hashtags": 3},
    "a spelling too many": {"hashtags": ("x",), "spellings": ("X", "Y")},
    "a number as text": {"text": 3},
    "a lone surrogate in the id": {"id": "\ud800"},
}


@pytest.mark.parametrize("fields", WRONG.values(), ids=WRONG)
@pytest.mark.parametrize("way", ["add", "update", "model"])
def test_wrong_posts_change_nothing(
    tmp_path: Path, english_posts: list[Post], model: RightModel, fields: dict[str, Any], way: str
) -> None:
    BM25Retriever.from_posts(english_posts).save_pretrained(tmp_path / "index")
    retriever = BM25Retriever.open(tmp_path / "index")
    whole: dict[str, Any] = {"id": "e01" if way == "update" else "n2", "text": "warm seas", "hashtags": ("new",)}
    journal = (tmp_path / "index" / JOURNAL_FILE).read_bytes()
    posts = [Post("e02" if way == "update" else "n1", "warm seas", ("fine",)), Post(**whole | fields)]
    changed = RightModel(model.config, retriever, model.selector)
    ways: dict[str, Callable[[list[Post]], None]] = {
        "add": retriever.add,
        "update": retriever.update,
        "model": changed.add,
    }
    with pytest.raises(ValueError, match=r"Post '.*': |must be") as caught:
        ways[way](posts)
    assert "\n" not in str(caught.value)
    for refused in (lambda: Corpus(posts), lambda: BM25Retriever.from_posts(posts)):
        with pytest.raises(ValueError, match=r"Post '.*': .*Nothing was changed; correct or leave out the post"):
            refused()
    assert (tmp_path / "index" / JOURNAL_FILE).read_bytes() == journal
    assert list(retriever.corpus) == list(Corpus(english_posts))
    assert retriever.corpus.hashtag_count("fine") == 0
    retriever.save()
    retriever.close()
    opened = BM25Retriever.open(tmp_path / "index")
    assert list(opened.corpus) == list(Corpus(english_posts))
    opened.add([Post("n1", "warm seas", ("fine",), created_at=NINE, author="a")])
    opened.save()
    opened.close()
    assert BM25Retriever.from_pretrained(tmp_path / "index").corpus.hashtag_count("fine") == 1
