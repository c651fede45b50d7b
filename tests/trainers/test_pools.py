"""Pools of posts at their own time: what is popular then counts, and never the post itself or what came later."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest

from right_hf import Post, RightConfig
from right_hf.ranker import PoolSettings
from right_hf.retriever.bm25 import BM25Retriever
from right_hf.selector.biencoder import BiEncoderSelector
from right_hf.stages import Stages
from right_hf.trainers.pools import Pools, gather_pools, run_batches, run_pools

POOL = PoolSettings(depth=5, nearest=3, size=6, unknown=2, popular=4)
CONFIG = RightConfig(hits=4)


def at(day: int, hour: int) -> str:
    return f"2014-03-{day:02}T{hour:02}:00:00Z"


#: The corpus: old posts, one of the day before, one of the same day but later than those that are pooled, one undated.
CORPUS = [
    Post("old", "bread and salt in the oven", ("baking",), created_at=at(1, 0)),
    Post("recent", "match and goal in the stadium", ("kickoff",), created_at=at(20, 9)),
    Post("later", "storm and rain over the coast", ("storm",), created_at=at(20, 13)),
    Post("undated", "server and storage in the cloud", ("cloud",)),
]
POSTS = [
    Post("c", "an undated word of bread", ("baking", "latecomer")),
    Post("b", "again a goal late in the match", ("kickoff", "encore"), created_at=at(20, 12)),
    Post("a", "what a goal in this match", ("kickoff", "wonder"), created_at=at(20, 10)),
    Post("d", "the storm is over and the rain has gone", ("storm",), created_at=at(20, 14)),
]


def pooled(posts: list[Post], selector: BiEncoderSelector) -> tuple[BM25Retriever, dict[str, Pools]]:
    retriever = BM25Retriever.from_posts(CORPUS)
    pools = run_pools(posts, Stages(CONFIG, retriever, selector, pool=POOL))
    ends = [0, *pools.sizes.cumsum().tolist()]
    rows = {post.id: slice(ends[n], ends[n + 1]) for n, post in enumerate(posts)}
    return retriever, {
        name: pools._replace(
            sizes=pools.sizes[:0], hashtags=pools.hashtags[at], values=pools.values[at], gold=pools.gold[at]
        )
        for name, at in rows.items()
    }


def feature(pools: Pools, name: str) -> dict[str, float]:
    return dict(zip(pools.hashtags, pools.column(name).tolist(), strict=True))


def test_popularity_is_that_of_each_posts_own_time(tiny_selector: BiEncoderSelector) -> None:
    retriever, found = pooled(POSTS, tiny_selector)
    hours = {name: feature(pools, "popularity_hours") for name, pools in found.items()}
    # In 2014 the hashtags of that morning are in use, and of those of the corpus no others.
    assert {tag for tag, value in hours["a"].items() if value > 0} == {"kickoff"}
    assert hours["a"]["kickoff"] == pytest.approx(math.log1p(2 ** (-1 / 3)), abs=1e-3)  # an hour ago, half-life 3
    assert feature(found["a"], "popularity_rank")["kickoff"] == 1
    assert 0 < feature(found["a"], "popularity_days")["kickoff"] < math.log1p(1.01)
    # Two hours later the first post counts too, with what it alone brought; itself and the later one never do.
    assert {tag for tag, value in hours["b"].items() if value > 0} == {"kickoff", "wonder"}
    assert "wonder" not in hours["a"] and "encore" not in hours["b"] and "storm" not in hours["b"]
    # By then the corpus' own later post has come back.
    assert {"storm", "encore", "wonder", "kickoff"} == {tag for tag, value in hours["d"].items() if value > 0}
    assert feature(found["d"], "corpus_count")["storm"] == pytest.approx(math.log1p(1), abs=1e-4)
    # A post without a time is pooled last, at the present: whatever was in use in 2014 is so no longer.
    assert set(hours["c"].values()) <= {0.0}
    assert feature(found["c"], "corpus_count")["baking"] == pytest.approx(math.log1p(1), abs=1e-4)
    ids = {post.id for post in retriever.corpus}
    assert ids == {post.id for post in CORPUS} | {f"pooled:{post.id}" for post in POSTS}


def test_a_post_does_not_see_what_comes_later(tiny_selector: BiEncoderSelector) -> None:
    """Its pool stays the same, whatever the later posts are, and in whatever order they are given."""
    _, whole = pooled(POSTS, tiny_selector)
    changed = [replace(post, hashtags=("kickoff", "noise")) if post.id in "bcd" else post for post in POSTS[::-1]]
    _, other = pooled(changed, tiny_selector)
    assert whole["a"].hashtags == other["a"].hashtags
    assert whole["a"].values.tobytes() == other["a"].values.tobytes()
    assert whole["b"].hashtags == other["b"].hashtags
    assert whole["b"].values.tobytes() == other["b"].values.tobytes()
    assert whole["d"].hashtags != other["d"].hashtags


def test_gold_is_what_the_author_used(tiny_selector: BiEncoderSelector) -> None:
    _, found = pooled(POSTS, tiny_selector)
    for post in POSTS:
        pools = found[post.id]
        assert {tag for tag, gold in zip(pools.hashtags, pools.gold, strict=True) if gold} == {*post.hashtags} & {
            *pools.hashtags
        }
    assert any(pools.gold.any() for pools in found.values())


def test_without_popular_hashtags_the_corpus_stays_as_it_is(tiny_selector: BiEncoderSelector) -> None:
    retriever, settings = BM25Retriever.from_posts(CORPUS), replace(POOL, popular=0)
    stages = Stages(CONFIG, retriever, tiny_selector, pool=settings)
    pools = run_pools(POSTS, stages)
    assert [post.id for post in retriever.corpus] == sorted(post.id for post in CORPUS)
    single = [gather_pools([post], run_batches([post], stages)) for post in POSTS]
    assert [tag for one in single for tag in one.hashtags] == pools.hashtags
    assert {one.names for one in single} == {pools.names}
    assert b"".join(one.values.tobytes() for one in single) == pools.values.tobytes()
    assert all(math.isnan(value) for value in feature(pools, "popularity_hours").values())  # time plays no part
