from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from right_hf.posts import Post
from right_hf.retriever.base import Hit
from right_hf.retriever.voices import one_voice_each


def hit(name: str, text: str, hashtags: tuple[str, ...], author: str | None = None) -> Hit:
    return Hit(Post(name, text, hashtags, author=author, spellings=tuple(map(str.upper, hashtags))), 1.0)


def told(hits: list[Hit]) -> list[tuple[str, tuple[str, ...]]]:
    return [(found.post.id, found.post.hashtags) for found in one_voice_each(hits)]


def test_of_an_accounts_posts_with_a_hashtag_the_best_counts() -> None:
    hits = [hit("1", "one", ("x",), "a"), hit("2", "two", ("x",), "a"), hit("3", "three", ("x",), "b")]
    assert told(hits) == [("1", ("x",)), ("3", ("x",))]


def test_what_else_it_has_still_counts() -> None:
    hits = [hit("1", "one", ("x",), "a"), hit("2", "two", ("x", "y"), "a"), hit("3", "three", ("y",), "a")]
    assert told(hits) == [("1", ("x",)), ("2", ("y",))]
    assert one_voice_each(hits)[1].post.spellings == ()


def test_of_equal_texts_one_counts_whoever_wrote_them() -> None:
    hits = [hit("1", "same", ("x",), "a"), hit("2", "same", ("x", "y"), "b"), hit("3", "same", ("y",))]
    assert told(hits) == [("1", ("x",)), ("2", ("y",))]


def test_posts_of_unknown_authors_count_each() -> None:
    hits = [hit("1", "one", ("x",)), hit("2", "two", ("x",)), hit("3", "three", ())]
    assert one_voice_each(hits) == hits


def test_a_text_is_not_taken_for_an_author() -> None:
    hits = [hit("1", "a", ("x",)), hit("2", "two", ("x",), "a")]
    assert one_voice_each(hits) == hits


HITS = st.lists(
    st.builds(
        hit,
        st.sampled_from("123456789"),
        st.sampled_from("ABC"),
        st.lists(st.sampled_from("xyz"), unique=True).map(tuple),
        st.sampled_from(["a", "b", None]),
    ),
    max_size=8,
)


@given(HITS)
def test_nobody_and_no_text_speaks_twice_and_no_hashtag_is_lost(hits: list[Hit]) -> None:
    kept = one_voice_each(hits)
    for mark in (lambda post: post.text, lambda post: post.author):
        voices = [(mark(one.post), tag) for one in kept for tag in one.post.hashtags if mark(one.post) is not None]
        assert len(voices) == len(set(voices))
    assert {tag for one in kept for tag in one.post.hashtags} == {tag for one in hits for tag in one.post.hashtags}
    assert one_voice_each(kept) == kept
