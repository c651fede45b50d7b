"""What a changed index is compared with: an index built anew from the same posts."""

from __future__ import annotations

from right_hf.posts import Post
from right_hf.retriever import BM25Retriever
from right_hf.selector.ranking import Candidate, rank_candidates

WORDS = ["alpha", "beta", "gamma", "delta", "epsilon", "the"]
TAGS = ["x", "y", "z"]
QUERIES = ["alpha", "beta gamma beta", "delta epsilon alpha", "the unknown"]
FIRST = Post("m", "alpha beta", ("x",))


def candidates(retriever: BM25Retriever) -> list[list[Candidate]]:
    """The ranked hashtags with their evidence, for a selector that knows nothing."""
    return [
        rank_candidates(hits, dict.fromkeys(retriever.corpus.hashtags, 0.0)) for hits in retriever.search(QUERIES, 3)
    ]


def assert_equals_a_new_index(retriever: BM25Retriever, posts: list[Post]) -> None:
    corpus = retriever.corpus
    assert (len(corpus), list(corpus)) == (len(posts), sorted(posts, key=lambda post: post.id))
    assert {tag: corpus.hashtag_count(tag) for tag in TAGS} == {
        tag: sum(tag in post.hashtags for post in posts) for tag in TAGS
    }
    assert corpus.hashtags == sorted({tag for post in posts for tag in post.hashtags})
    assert corpus.get("") is None
    if not any(word in post.text for post in posts for word in WORDS[:-1]):
        assert retriever.search(QUERIES) == [[]] * len(QUERIES)
        return
    anew = BM25Retriever.from_posts(posts)
    hidden = [[posts[0].id, "none"]] * len(QUERIES)
    for k in (1, 3, 100):
        assert retriever.search(QUERIES, k) == anew.search(QUERIES, k)  # to the last bit of each score
        assert retriever.search(QUERIES, k, hidden) == anew.search(QUERIES, k, hidden)
    assert candidates(retriever) == candidates(anew)
