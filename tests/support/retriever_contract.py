"""What every retriever promises: a class of tests to inherit from, for one of this package or from outside.

A subclass has a fixture `retriever`, over the posts of the fixture `english_posts`.
"""

from __future__ import annotations

import inspect
import json
from pathlib import Path

import pytest

from right_hf import Post, Retriever
from right_hf.registry import component_class, load_component
from right_hf.retriever import fused_hits

QUERIES = ["warm seas and the coral reef", "sourdough bread in a warm kitchen", "a smooth cloud migration"]


class RetrieverContract:
    """The tests.

    Attributes:
        searched: What it searches with, where that is not the parts that it consists of.
    """

    searched: tuple[str, ...] = ()

    def test_its_corpus_holds_the_posts_in_the_order_of_their_ids(
        self, retriever: Retriever, english_posts: list[Post]
    ) -> None:
        assert list(retriever.corpus) == sorted(english_posts, key=lambda post: post.id)

    def test_hits_are_posts_of_the_corpus_best_first(self, retriever: Retriever) -> None:
        for hits in retriever.search(QUERIES, 5):
            assert 0 < len(hits) <= 5
            assert all(retriever.corpus.get(hit.post.id) == hit.post for hit in hits)
            assert [(hit.score, hit.post.id) for hit in hits] == [
                (hit.score, hit.post.id) for hit in sorted(hits, key=lambda hit: (-hit.score, hit.post.id))
            ]

    def test_a_batch_finds_what_single_queries_find(self, retriever: Retriever) -> None:
        assert retriever.search(QUERIES, 4) == [retriever.search([query], 4)[0] for query in QUERIES]
        assert retriever.search([], 4) == []

    def test_fewer_hits_are_the_first_of_more(self, retriever: Retriever) -> None:
        assert [hits[:2] for hits in retriever.search(QUERIES, 20)] == retriever.search(QUERIES, 2)

    def test_excluded_posts_are_not_found(self, retriever: Retriever) -> None:
        first = [hits[0].post.id for hits in retriever.search(QUERIES, 1)]
        found = retriever.search(QUERIES, 20, exclude=[(post_id, "no such post") for post_id in first])
        assert all(post_id not in [hit.post.id for hit in hits] for post_id, hits in zip(first, found, strict=True))

    def test_the_hits_of_its_parts_make_its_own(self, retriever: Retriever) -> None:
        found = retriever.search_parts(QUERIES, 3)
        assert list(found) == (list(self.searched) or list(retriever.parts) or [retriever.type])
        assert fused_hits(found, 3) == retriever.search(QUERIES, 3)

    def test_wrong_arguments_are_refused(self, retriever: Retriever) -> None:
        with pytest.raises(TypeError, match="takes a list of queries"):
            retriever.search("one query")
        with pytest.raises(ValueError, match="k must be at least 1"):
            retriever.search(QUERIES, 0)
        with pytest.raises(ValueError, match="sets of ids to exclude"):
            retriever.search(QUERIES, 3, exclude=[()])

    def test_a_corpus_changes_as_a_whole_or_says_that_it_cannot(
        self, retriever: Retriever, english_posts: list[Post]
    ) -> None:
        new = Post("new", "sourdough bread in a warm kitchen", ("fresh",))
        try:
            retriever.add([new])
        except TypeError as error:
            assert "cannot change" in str(error)
            assert list(retriever.corpus) == sorted(english_posts, key=lambda post: post.id)
            return
        assert retriever.search([new.text], 1)[0][0].post == new
        with pytest.raises(ValueError, match="new"):
            retriever.add([new])
        retriever.remove(["new"])
        assert list(retriever.corpus) == sorted(english_posts, key=lambda post: post.id)

    def test_idf_is_a_number_of_each_term(self, retriever: Retriever) -> None:
        assert all(idf >= 0 for idf in retriever.idf("warm bread"))

    def test_saved_and_loaded_it_finds_the_same(self, retriever: Retriever, tmp_path: Path) -> None:
        retriever.save_pretrained(tmp_path / "index")
        config = json.loads((tmp_path / "index" / "retriever_config.json").read_text())
        assert config == json.loads(json.dumps({"retriever_type": retriever.type, **retriever.settings}))
        loaded = load_component("retriever", tmp_path / "index")
        assert type(loaded) is type(retriever) is component_class("retriever", retriever.type)
        assert loaded.search(QUERIES, 5) == retriever.search(QUERIES, 5)
        assert type(retriever).from_pretrained(tmp_path / "index").search(QUERIES, 5) == retriever.search(QUERIES, 5)

    def test_what_is_saved_is_no_pickle(self, retriever: Retriever, tmp_path: Path) -> None:
        retriever.save_pretrained(tmp_path / "index")
        (tmp_path / "index" / "evil.pkl").write_bytes(b"\x80\x04K\x01.")
        with pytest.raises(ValueError, match="pickle"):
            load_component("retriever", tmp_path / "index")

    def test_its_options_show_in_the_signature(self, retriever: Retriever) -> None:
        shown = set(inspect.signature(type(retriever).from_pretrained).parameters)
        assert {"revision", "token", "cache_dir", "local_files_only", "force_download", "subfolder"} <= shown
        assert set(inspect.signature(type(retriever).from_folder).parameters) - {"folder", "hub"} <= shown
