"""One post as the stages leave it, with features worked by hand."""

from __future__ import annotations

from right_hf import Hit, Post
from right_hf.generator import Generation
from right_hf.ranker import FeatureTable, Mention, Pool, Trace
from right_hf.ranker.columns import Known, Seen
from right_hf.ranker.features import feature_tables
from right_hf.selector import Candidate

HITS = [
    Hit(Post("p1", "", ("wvd",), created_at="2021-06-01T00:00:00Z"), 4.0),
    Hit(Post("p2", "", ("wvd", "azure"), created_at="2021-06-03T00:00:00Z"), 2.0),
    Hit(Post("p3", "", ("citrix",)), 2.0),
]


def trace(hits: list[Hit], generation: Generation) -> Trace:
    candidates = [Candidate("wvd", 1.5, 0.5, (1.0, 0.5), ("p1", "p2"))]
    pool = list(dict.fromkeys(["wvd", "azure", "citrix", "rare", "desktop"]))
    tags = list(dict.fromkeys([*pool, *generation.hashtags]))
    cosines = [0.1 * place for place in range(len(tags))]
    known = Known(lambda tag: 9 - tags.index(tag), lambda tag: 20, lambda tag: (2.0, 5.0))
    mentions = {"desktop": Mention(0.5, 1, 1.0, 0.0, True)}
    filled = Pool(pool, {"bm25": hits}, ["rare", "wvd"], mentions)
    post = "A Citrix Desktop"
    [table] = feature_tables([Seen(post, tags, candidates, filled, generation, cosines)], known)
    return Trace(post, hits[:2], candidates, generation, filled, table)


def table_of(seen: Trace) -> FeatureTable:
    assert seen.features is not None
    return seen.features


WRITTEN = Generation(["azure", "new"], {"azure": -0.5, "new": -1.0, "wvd": -2.0}, {"azure": 2, "new": 3, "wvd": 2})
