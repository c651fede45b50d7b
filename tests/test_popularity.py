from __future__ import annotations

import math
import random
from dataclasses import replace
from datetime import datetime, timezone

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binomtest, norm

from right_hf.popularity import DAY, HashtagPopularity, author_of, decay, rate_change, seconds
from right_hf.posts import Post

NOW = 100.5 * DAY


def at(day: float, hashtag: str = "x", author: str | None = None, text: str = "", post_id: str = "") -> Post:
    time = datetime.fromtimestamp(day * DAY, tz=timezone.utc).isoformat()
    return Post(post_id, text, (hashtag,), created_at=time, author=author)


def steady(days: range, authors: int) -> list[Post]:
    """Each day so many accounts post, one in ten of them about x."""
    return [at(day, "x" if i % 10 == 0 else "other", f"a{i}") for day in days for i in range(authors)]


def counted(posts: list[Post], **settings: float) -> HashtagPopularity:
    popularity = HashtagPopularity(**settings)  # type: ignore[arg-type]
    popularity.change((), posts)
    return popularity


def test_decay_halves() -> None:
    assert [decay(age, 7.0) for age in (0.0, 7.0, 14.0)] == [1.0, 0.5, 0.25]


@settings(max_examples=50)
@given(st.integers(0, 300), st.integers(1, 500), st.integers(0, 300), st.integers(1, 500))
def test_rate_change_is_about_the_exact_test(recent: int, recent_time: int, past: int, past_time: int) -> None:
    """Its normal tail agrees with the exact conditional (binomial) test, which steps by one count.

    As for every such approximation, both counts must be expected to be at least 5.
    """
    change = rate_change(recent, recent_time, past, past_time)
    assert rate_change(past, past_time, recent, recent_time) == pytest.approx(-change, abs=1e-6)
    share = recent_time / (recent_time + past_time)
    if (recent + past) * min(share, 1 - share) >= 5:
        bounds = [
            binomtest(count, recent + past, share, alternative="greater").pvalue
            for count in (max(recent - 1, 0), min(recent + 1, recent + past))
        ]
        assert bounds[1] - 0.03 <= norm.sf(change) <= bounds[0] + 0.03


def test_rate_change_by_hand() -> None:
    """30 of 100 recent accounts against 10 of 100 before: q = 1/2, G = 2 (30 ln 1.5 + 10 ln 0.5)."""
    assert rate_change(30, 100, 10, 100) == pytest.approx(math.sqrt(2 * (30 * math.log(1.5) + 10 * math.log(0.5))))
    assert (rate_change(5, 5, 0, 0), rate_change(0, 0, 0, 0), rate_change(3, 9, 2, 6)) == (0, 0, pytest.approx(0))


@pytest.mark.parametrize(
    ("time", "expected"),
    [
        ("1970-01-02T00:00:00Z", DAY),
        ("1970-01-02T01:00:00+01:00", DAY),
        ("1970-01-02", DAY),
        (None, None),
        ("", None),
        ("soon", None),
    ],
)
def test_times(time: str | None, expected: float | None) -> None:
    assert seconds(time) == expected


def test_popularity_is_the_sum_of_decayed_uses_of_each_account() -> None:
    posts = [
        at(100, author="a", post_id="1"),
        at(100, author="b", post_id="2"),
        at(100, author="b", text="once more", post_id="3"),
        *(at(93), at(86), at(100, "other"), at(101), at(20)),
    ]
    popularity = counted([*posts, Post("no time", "", ("x",))])
    assert popularity.popularity("x", NOW) == 2 + 0.5 + 0.25
    assert popularity.popularity("x", NOW + DAY) == pytest.approx((2 + 0.5 + 0.25) * decay(1, 7) + 1)
    assert popularity.popularity("unknown", NOW) == 0
    assert popularity.popularities(NOW) == {"x": 2 + 0.5 + 0.25, "other": 1}
    popularity.change(posts[:1], ())
    assert popularity.popularity("x", NOW) == 1 + 0.5 + 0.25


def test_many_new_users_make_a_hashtag_rise_and_one_account_does_not() -> None:
    history = steady(range(60, 101), 30)
    before = counted(history)
    assert before.rise("x", NOW).score == pytest.approx(0)
    one = counted([*history, *(at(100, "y", "spammer", f"text {i}") for i in range(1_000))])
    assert one.rising(NOW) == []
    assert one.rise("y", NOW)[1:] == (0.0, 1)
    many = counted([*history, *(at(100, "y", f"a{i}") for i in range(10))])
    [rise] = many.rising(NOW)
    assert (rise.hashtag, rise.authors) == ("y", 10)
    assert rise.score > 5


@settings(max_examples=30)
@given(st.integers(1, 8), st.integers(2, 1_000), st.sampled_from(["x", "y"]))
def test_a_thousand_posts_of_an_account_weigh_as_much_as_one(honest: int, times: int, hashtag: str) -> None:
    posts = [*steady(range(90, 101), 20), *(at(100, hashtag, f"b{i}") for i in range(honest))]
    once = counted([*posts, at(100, hashtag, "spammer")])
    often = counted([*posts, *[at(100, hashtag, "spammer")] * times])
    assert often.rise(hashtag, NOW) == once.rise(hashtag, NOW)
    assert often.rising(NOW) == once.rising(NOW)


def test_without_authors_copies_count_once() -> None:
    same = [at(100, text=text) for text in ("Buy now, 50% off!", "now BUY … 20% off", "off buy now #1")]
    assert len({author_of(post) for post in same}) == 1
    assert author_of(replace(same[0], text="Buy later")) != author_of(same[0])
    assert author_of(replace(same[0], author="a")) == "a"


def test_a_busier_day_alone_makes_nothing_rise() -> None:
    posts = [*steady(range(60, 100), 20), *steady(range(100, 101), 400)]
    assert counted(posts).rise("x", NOW).score < 1


@settings(max_examples=30)
@given(st.integers(0, 2**32))
def test_posts_may_come_and_go_in_any_order(seed: int) -> None:
    generator = random.Random(seed)
    posts = [
        at(generator.uniform(30, 103), generator.choice("xyz"), generator.choice("abcd"), "", f"{i}") for i in range(60)
    ]
    popularity = counted(posts)
    gone = generator.sample(posts, 30)
    popularity.change(gone, ())
    anew = counted(generator.sample(left := [post for post in posts if post not in gone], len(left)))
    for tag in "xyz":
        assert popularity.popularity(tag, NOW) == anew.popularity(tag, NOW)
        assert popularity.rise(tag, NOW) == anew.rise(tag, NOW)
    assert popularity.rising(NOW) == anew.rising(NOW)
    assert popularity.popularities(NOW) == {tag: anew.popularity(tag, NOW) for tag in anew.popularities(NOW)}
    popularity.change(left, ())
    assert popularity._windows == {}


def test_forgetting_changes_nothing_within_the_history() -> None:
    posts = [at(day, author=f"{day}") for day in range(101)]
    popularity, whole = counted(posts), counted(posts)
    popularity.forget(NOW)
    assert len(popularity._windows) == 56
    popularity.change(posts[:90], posts[:3])  # among them such as are forgotten
    whole.change(posts[:90], ())
    assert popularity.popularity("x", NOW) == whole.popularity("x", NOW)


@pytest.mark.parametrize("wrong", [{"half_life": 0}, {"window": -1}, {"history": 2}, {"least_authors": 0}])
def test_wrong_settings_are_named(wrong: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="must be positive"):
        counted([], **wrong)
