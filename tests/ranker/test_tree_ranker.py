"""The pool of hashtags and the ranker over it, alone and in a checkpoint."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from right_hf import BM25Retriever, DenseRetriever, HybridRetriever, Post, RightConfig, RightModel, TreeRanker
from right_hf.generator import Seq2SeqGenerator
from right_hf.ranker import PoolSettings
from right_hf.selector import BiEncoderSelector
from right_hf.trainers.linear import fit_probability
from right_hf.trainers.pools import Pools, gather_pools
from right_hf.trainers.ranker import TreesRecipe, fit_ranker, hold_out, train_trees
from tests.support.fused import fused
from tests.support.traces import HITS, WRITTEN, table_of, trace

pytest.importorskip("lightgbm")
pytest.importorskip("sklearn")

RECIPE = TreesRecipe(arguments={"num_iterations": 8, "num_leaves": 4, "min_data_in_leaf": 2})
POOL = PoolSettings(depth=5, nearest=3, size=6, unknown=3)


@pytest.fixture(scope="module")
def pools() -> Pools:
    """Pools in which the written hashtag is gold, mostly."""
    posts = [Post(str(number), "", ("azure",) if number % 5 else ("citrix",)) for number in range(60)]
    return gather_pools(posts, [trace(HITS, WRITTEN) for _ in posts])


@pytest.fixture(scope="module")
def ranker(pools: Pools) -> TreeRanker:
    return fit_ranker(pools, pools, RECIPE, seed=0)


def test_the_ranker_learns_what_to_trust(ranker: TreeRanker) -> None:
    found = fused(trace(HITS, WRITTEN), ranker)
    assert [(r.hashtag, r.source, r.evidence) for r in found[:2]] == [
        ("azure", "both", ["p2"]),
        ("citrix", "retrieved", ["p3"]),
    ]
    assert found[0].score == pytest.approx(0.8, abs=0.1)  # calibrated
    sources = {r.hashtag: r.source for r in found}
    assert [sources[tag] for tag in ("wvd", "rare", "desktop", "new")] == [
        "retrieved",
        "retrieved",
        "post",
        "generated",
    ]
    assert {r.hashtag: r.evidence for r in found}["wvd"] == ["p1", "p2"]


@given(st.permutations(["wvd", "azure", "citrix", "rare", "desktop"]))
def test_scores_do_not_depend_on_the_order_of_the_pool(ranker: TreeRanker, order: list[str]) -> None:
    seen = trace(HITS, WRITTEN)
    table = table_of(seen)
    rows = [table.hashtags.index(tag) for tag in (*order, "new")]
    found = fused(seen._replace(features=table._replace(hashtags=[*order, "new"], values=table.values[rows])), ranker)
    assert found == fused(seen, ranker) == sorted(found, key=lambda r: (-r.score, r.hashtag))
    assert all(0 <= r.score <= 1 for r in found)


def test_the_same_seed_gives_the_same_trees(pools: Pools) -> None:
    assert train_trees(pools, RECIPE, 1) == train_trees(pools, RECIPE, 1) != train_trees(pools, RECIPE, 2)
    names = ("generator_rank", "bm25_votes")
    values = np.stack([pools.column(name) for name in names], axis=1)
    trees = train_trees(pools._replace(values=values, names=names), RECIPE, 0)
    assert "feature_names=generator_rank bm25_votes" in trees
    assert len(TreeRanker(trees, 1, 0).probabilities(pools.values, pools.names)) == len(pools.hashtags)


def test_pools_without_an_order_teach_nothing(pools: Pools) -> None:
    with pytest.raises(ValueError, match="no order to learn"):
        train_trees(pools._replace(gold=np.zeros_like(pools.gold)), RECIPE, 0)
    with pytest.raises(ValueError, match="some of either"):
        fit_probability(np.zeros(3), np.zeros(3, dtype=bool))
    with pytest.raises(ValueError, match="no higher scores"):
        fit_probability(np.asarray([1.0, 0.0] * 10), np.asarray([False, True] * 10))


def test_saved_and_loaded_it_scores_the_same(ranker: TreeRanker, pools: Pools, tmp_path: Path) -> None:
    ranker.save_pretrained(tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == {"ranker_config.json", "trees.txt"}
    loaded = TreeRanker.from_pretrained(tmp_path)
    names = pools.names
    assert loaded.probabilities(pools.values, names) == ranker.probabilities(pools.values, names)
    assert loaded.pool == ranker.pool


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"calibration": {"slope": -1.0, "intercept": 0.0}}, "slope above 0"),
        ({"calibration": {"slope": 1.0}}, "intercept"),
        ({"pool": {"depth": 0}}, "depth must be"),
        ({"pool": {"width": 1}}, "width"),
        ({"pool": None}, "no loadable ranker"),
    ],
)
def test_wrong_settings_are_refused(
    ranker: TreeRanker, tmp_path: Path, change: dict[str, object], message: str
) -> None:
    ranker.save_pretrained(tmp_path)
    file = tmp_path / "ranker_config.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | change))
    with pytest.raises(ValueError, match=message):
        TreeRanker.from_pretrained(tmp_path)


def test_damaged_files_are_refused(ranker: TreeRanker, tmp_path: Path) -> None:
    ranker.save_pretrained(tmp_path)
    trees = tmp_path / "trees.txt"
    whole = trees.read_text()
    for text in (whole[: len(whole) // 2], whole.replace("generator_rank", "taste"), ""):
        trees.write_text(text)
        with pytest.raises(ValueError, match="Save or download it again"):
            TreeRanker.from_pretrained(tmp_path)
    trees.write_bytes(b"\xff\xfe")
    with pytest.raises(ValueError, match="no text"):
        TreeRanker.from_pretrained(tmp_path)
    trees.unlink()
    with pytest.raises(FileNotFoundError, match=r"trees.txt is missing"):
        TreeRanker.from_pretrained(tmp_path)
    (tmp_path / "ranker.pkl").write_bytes(b"")
    with pytest.raises(ValueError, match="pickle"):
        TreeRanker.from_pretrained(tmp_path)


@pytest.fixture(scope="module")
def ranking_model(
    english_posts: list[Post],
    dense_retriever: DenseRetriever,
    tiny_selector: BiEncoderSelector,
    tiny_generator: Seq2SeqGenerator,
    ranker: TreeRanker,
) -> RightModel:
    retriever = HybridRetriever(BM25Retriever.from_posts(english_posts), dense_retriever)
    ranker = TreeRanker(ranker._text, ranker.slope, ranker.intercept, POOL)
    return RightModel(RightConfig(hits=4, context_hashtags=2), retriever, tiny_selector, tiny_generator, ranker)


def test_the_pool_is_filled_from_every_side(ranking_model: RightModel) -> None:
    [seen] = ranking_model.trace(["My sourdough bread: new Recipes for a warm kitchen"])
    pool = seen.pool
    assert pool is not None
    assert set(pool.hits) == {"bm25", "dense"}
    assert all(len(hits) <= POOL.depth for hits in pool.hits.values()) and len(seen.hits) == 4
    assert len(pool.nearest) == POOL.nearest
    assert {"sourdough", "bread"} <= set(pool.mentions)
    table, corpus = table_of(seen), ranking_model.retriever.corpus
    known = [tag for tag in pool.hashtags if corpus.hashtag_count(tag)]
    unknown = [tag for tag in pool.hashtags if not corpus.hashtag_count(tag)]
    assert (len(known), len(unknown)) == (POOL.size, POOL.unknown)
    assert set(table.hashtags) == {*pool.hashtags, *seen.generation.hashtags} == set(seen.generation.log_likelihoods)


def test_batch_equals_single(ranking_model: RightModel, english_posts: list[Post]) -> None:
    texts = [post.text for post in english_posts[4:10]]
    assert ranking_model.recommend(texts) == [ranking_model.recommend([text])[0] for text in texts]


def test_a_checkpoint_with_a_ranker(ranking_model: RightModel, model: RightModel, tmp_path: Path) -> None:
    ranking_model.save_pretrained(tmp_path / "whole")
    assert json.loads((tmp_path / "whole" / "config.json").read_text())["components"]["ranker"] == {
        "subfolder": "ranker"
    }
    loaded = RightModel.from_pretrained(tmp_path / "whole")
    posts = ["sourdough bread and climate change"]
    assert loaded.recommend(posts) == ranking_model.recommend(posts)
    # A checkpoint without one takes one from elsewhere, and loses it where it is replaced by one without.
    model = RightModel(RightConfig(), model.retriever, model.selector, model.generator)
    model.save_pretrained(tmp_path / "plain")
    assert "ranker" not in json.loads((tmp_path / "plain" / "config.json").read_text())["components"]
    swapped = RightModel.from_pretrained(tmp_path / "plain", ranker=tmp_path / "whole")
    assert swapped.ranker is not None
    swapped.save_pretrained(tmp_path / "plain")
    assert (tmp_path / "plain" / "ranker" / "trees.txt").is_file()
    model.save_pretrained(tmp_path / "plain")
    assert not (tmp_path / "plain" / "ranker").exists()
    assert RightModel.from_pretrained(tmp_path / "plain").ranker is None


def test_a_living_corpus_is_ranked_at_once(
    english_posts: list[Post], tiny_selector: BiEncoderSelector, tiny_generator: Seq2SeqGenerator, ranker: TreeRanker
) -> None:
    living = BM25Retriever.from_posts(english_posts)
    living_ranker = TreeRanker(ranker._text, ranker.slope, ranker.intercept, POOL)
    model = RightModel(RightConfig(), living, tiny_selector, tiny_generator, living_ranker)
    post = "the brand new crazetag is everywhere"
    before = {r.hashtag: r.source for r in model.recommend([post], top_k=50)[0]}
    model.add([Post("new", "everybody talks of the brand new crazetag", ("crazetag",))])
    after = {r.hashtag: (r.source, r.evidence) for r in model.recommend([post], top_k=50)[0]}
    assert before.get("crazetag", "post") == "post"
    assert after["crazetag"] == ("retrieved", ["new"])
    model.remove(["new"])
    assert {r.hashtag: r.source for r in model.recommend([post], top_k=50)[0]} == before


def test_posts_are_held_out_by_chance_or_by_time() -> None:
    posts = [Post(f"{n:02}", "", created_at=f"2020-01-{n + 1:02}" if n < 20 else None) for n in range(28)]
    kept, held = hold_out(posts, 0.25, "time")
    assert [post.id for post in held[:5]] == ["15", "16", "17", "18", "19"]
    assert len(held) == 7 and all(post.created_at is None for post in held[5:])
    assert sorted(kept + held, key=lambda post: post.id) == posts
    assert {post.id for post in hold_out(posts[::-1], 0.25)[1]} == {post.id for post in hold_out(posts, 0.25)[1]}
    with pytest.raises(ValueError, match="cannot be split"):
        hold_out(posts[:1], 0.25)
