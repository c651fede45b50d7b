"""Pushing to a Hub over HTTP with the real client: one commit, and only what belongs to a checkpoint."""

from __future__ import annotations

import json
import logging
from pathlib import Path
from typing import Any

import pytest
from transformers import AutoConfig

from right_hf import (
    DEFAULT_CHECKPOINT,
    BM25Retriever,
    Corpus,
    Merge,
    Post,
    RightConfig,
    RightModel,
    Seq2SeqGenerator,
    TreeRanker,
)
from right_hf.hub.pull import RECORDS
from right_hf.hub.push import push_folder
from tests.support.loopback_hub import LoopbackHub

pytestmark = pytest.mark.loopback

POSTS = ["Windows desktop in the cloud", "sourdough bread"]


def with_retriever(model: RightModel, hashtag: str) -> RightModel:
    retriever = BM25Retriever.from_posts([Post("1", "windows desktop", (hashtag,))])
    return RightModel(model.config, retriever, model.selector, model.generator)


def tiny_ranker() -> TreeRanker:
    """Two leaves: hashtags that stand in the post, and others."""
    trees = """tree
version=v4
num_class=1
num_tree_per_iteration=1
max_feature_idx=0
feature_names=string_in_post

Tree=0
num_leaves=2
num_cat=0
split_feature=0
threshold=0.5
decision_type=2
left_child=-1
right_child=-2
leaf_value=-1 1

end of trees
"""
    return TreeRanker(trees, 1.0, 0.0)


def components(hub: LoopbackHub, name: str, revision: str = "main") -> dict[str, Any]:
    found: dict[str, Any] = json.loads(hub.repo(name).at(revision).files["config.json"].content)["components"]
    return found


def test_a_push_is_one_commit_with_what_was_asked_for(hub: LoopbackHub, model: RightModel) -> None:
    commit = model.push_to_hub("user/right", private=True, commit_message="First", commit_description="More words")
    repo = hub.repo("user/right")
    assert repo.private
    assert repo.history() == ["First"]
    assert repo.at().description == "More words"
    assert commit.oid == repo.refs["main"]
    assert str(commit) == f"{hub.endpoint}/user/right/commit/{commit.oid}"
    assert {path.split("/")[0] for path in repo.paths()} == {
        "config.json",
        "right_hub.py",
        "retriever",
        "selector",
        "generator",
        "ranker",
    }
    assert repo.at().files["generator/model.safetensors"].large


def test_an_equal_push_commits_nothing(hub: LoopbackHub, model: RightModel) -> None:
    first = model.push_to_hub("user/right")
    with hub.watched() as requests:
        assert model.push_to_hub("user/right").oid == first.oid
    assert not [request for request in requests if request.startswith("PUT") or "/commit/" in request]


def test_stale_files_go_and_the_users_own_stay(hub: LoopbackHub, model: RightModel) -> None:
    model.push_to_hub("user/right")
    repo = hub.repo("user/right")
    mine = {"README.md": b"my card", "notes/plan.txt": b"mine", "results.json": b"{}", "examples.parquet": b"x"}
    stale = {"generator/model-00001-of-00002.safetensors": b"old", "selector/1_Pooling/config.json": b"{}"}
    for path, content in (mine | stale | {"training.json": b"{}"}).items():
        repo.put(path, content)
    before = len(repo.history())
    with_retriever(model, "newer").push_to_hub("user/right")
    assert len(repo.history()) == before + 1
    assert not repo.paths() & {*stale, "training.json"}
    assert {path: repo.at().files[path].content for path in mine} == mine
    assert RightModel.from_pretrained("user/right").retriever.corpus.hashtags == ["newer"]


def test_a_replaced_component_leaves_nothing_of_the_old_one(hub: LoopbackHub, model: RightModel) -> None:
    model.generator.push_to_hub("user/part")
    repo = hub.repo("user/part")
    part_of_it = ("toy/retriever_config.json", "toy/files/index.npy")
    weights = ("model-1-of-2.safetensors", "model.safetensors.index.json", "1_Pooling/config.json")
    old = dict.fromkeys((*weights, *part_of_it), b"{}")
    mine = {"README.md": b"card", "results.json": b"{}", "weights/mine.safetensors": b"x"}
    for path, content in (old | mine).items():
        repo.put(path, content)
    model.retriever.push_to_hub("user/part")
    assert not repo.paths() & {*old, "generator_config.json", "model.safetensors"}
    assert set(mine) <= repo.paths()


def test_what_counts_as_one_is_pushed_too(hub: LoopbackHub, model: RightModel) -> None:
    posts = [Post("1", "windows desktop", ("cat",)), Post("2", "windows desktops", ("cats",))]
    retriever = BM25Retriever(Corpus(posts, [Merge("cats", "cat", 1, 1, 1.0)]))
    RightModel(model.config, retriever, model.selector).push_to_hub("user/right")
    assert RightModel.from_pretrained("user/right").retriever.corpus.variants_count("cat") == 2


def test_records_are_pushed_and_pulled_with_the_checkpoint(hub: LoopbackHub, model: RightModel) -> None:
    model.records = {name: f"content of {name}" for name in RECORDS}
    try:
        model.push_to_hub("user/right")
    finally:
        model.records = {}
    assert RightModel.from_pretrained("user/right").records == {name: f"content of {name}" for name in RECORDS}


def test_branches_and_pull_requests(hub: LoopbackHub, model: RightModel) -> None:
    first = model.push_to_hub("user/right").oid
    with_retriever(model, "branch").push_to_hub("user/right", revision="experiment")
    commit = with_retriever(model, "proposal").push_to_hub("user/right", create_pr=True)
    assert commit.pr_revision == "refs/pr/1"
    assert commit.pr_url is not None and commit.pr_url.endswith("/user/right/discussions/1")
    assert hub.repo("user/right").refs["main"] == first
    for revision, hashtag in (("experiment", "branch"), ("refs/pr/1", "proposal"), (commit.oid, "proposal")):
        assert RightModel.from_pretrained("user/right", revision=revision).retriever.corpus.hashtags == [hashtag]


def test_somebody_elses_repository_takes_pull_requests_only(hub: LoopbackHub, model: RightModel) -> None:
    model.push_to_hub("user/right")
    with pytest.raises(PermissionError, match=r"may not do that with user/right.*create_pr=True"):
        with_retriever(model, "other").push_to_hub("user/right", token="hf_stranger")
    with_retriever(model, "other").push_to_hub("user/right", token="hf_stranger", create_pr=True)
    assert hub.repo("user/right").history() == ["Upload a RIGHT checkpoint"]
    with pytest.raises(PermissionError, match=r"may not do that with user/new"):
        model.push_to_hub("user/new", token="hf_stranger")
    with pytest.raises(PermissionError, match="does not accept the token"):
        model.push_to_hub("user/right", token="hf_wrong")


def test_only_files_of_a_checkpoint_are_pushed(
    hub: LoopbackHub, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    unwanted = [".env", "training_args.bin", "optimizer.pt", "evil.py", ".cache/token.json", "log.out", "sub/.netrc"]
    for name in ("config.json", *unwanted):
        (tmp_path / "run" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "run" / name).write_text("{}")
    with caplog.at_level(logging.WARNING, "right_hf"):
        push_folder(tmp_path / "run", "user/run", commit_message="m")
    assert hub.repo("user/run").paths() == {"config.json"}
    assert all(name in caplog.text for name in unwanted)


def test_tokens_are_not_pushed(hub: LoopbackHub, tmp_path: Path) -> None:
    (tmp_path / "training.json").write_text('{"command": "train --token hf_' + "a" * 34 + '"}')
    with pytest.raises(ValueError, match=r"training\.json holds what looks like an access token.*nothing was pushed"):
        push_folder(tmp_path, "user/run", commit_message="m")
    assert hub.requests == []
    with pytest.raises(ValueError, match="nothing to upload"):
        push_folder(tmp_path / "empty", "user/run", commit_message="m")


def test_large_files_go_in_parts_where_the_hub_wants_it(hub: LoopbackHub, model: RightModel) -> None:
    hub.part_size = 10_000
    model.generator.push_to_hub("user/part")
    assert len([request for request in hub.requests if request.startswith("PUT /upload/")]) >= 3
    assert Seq2SeqGenerator.from_pretrained("user/part").generate(POSTS, [[], []], [[], []]) == (
        model.generator.generate(POSTS, [[], []], [[], []])
    )


def test_metadata_that_the_hub_refuses_are_not_pushed(hub: LoopbackHub, model: RightModel) -> None:
    before = model.push_to_hub("user/right").oid
    model.records = {"README.md": "---\nlicense: mine\n---\n"}
    try:
        with pytest.raises(ValueError, match=r'(?s)Invalid metadata in README\.md.*"license" must be one of the list'):
            model.push_to_hub("user/right")
        assert hub.repo("user/right").refs["main"] == before
        model.records = {"README.md": (Path(DEFAULT_CHECKPOINT) / "README.md").read_text(encoding="utf-8")}
        model.push_to_hub("user/right")
    finally:
        model.records = {}
    assert "README.md" in hub.repo("user/right").paths()


def test_a_composite_of_a_few_small_files(hub: LoopbackHub, model: RightModel, tmp_path: Path) -> None:
    commits = {}
    for name in ("retriever", "selector", "generator", "ranker"):
        commits[name] = getattr(model, name).push_to_hub(f"user/{name}").oid
    model.records = {"README.md": "a card"}
    try:
        model.push_to_hub("user/right", references=True)
    finally:
        model.records = {}
    assert hub.repo("user/right").paths() == {"config.json", "right_hub.py", "README.md"}
    assert components(hub, "user/right") == {
        name: {"repo_id": f"user/{name}", "revision": commit, "subfolder": ""} for name, commit in commits.items()
    }
    # The parts stay pinned when their repositories move on.
    with_retriever(model, "newer").retriever.push_to_hub("user/retriever")
    loaded = RightModel.from_pretrained("user/right")
    assert loaded.recommend(POSTS) == model.recommend(POSTS)
    # Pushed again it stays small; saved to a folder it is complete.
    loaded.push_to_hub("user/copy", references=True)
    assert components(hub, "user/copy") == components(hub, "user/right")
    loaded.save_pretrained(tmp_path / "whole")
    with hub.watched() as requests:
        assert RightModel.from_pretrained(tmp_path / "whole").recommend(POSTS) == model.recommend(POSTS)
        assert RightModel.from_pretrained("user/right", local_files_only=True).recommend(POSTS) == model.recommend(
            POSTS
        )
    assert requests == []
    for name in commits:
        getattr(model, name).origin = None


def test_parts_of_another_composite_are_named_with_their_folder(hub: LoopbackHub, model: RightModel) -> None:
    commit = model.push_to_hub("user/right").oid
    loaded = RightModel.from_pretrained("user/right")
    mine = with_retriever(loaded, "mine")
    mine.push_to_hub("user/mine", references=True)
    assert components(hub, "user/mine") == {
        "retriever": {"subfolder": "retriever"},
        "selector": {"repo_id": "user/right", "revision": commit, "subfolder": "selector"},
        "generator": {"repo_id": "user/right", "revision": commit, "subfolder": "generator"},
    }
    assert RightModel.from_pretrained("user/mine").retriever.corpus.hashtags == ["mine"]
    loaded.push_to_hub("user/right", references=True)  # never by an older commit of the same repository
    assert components(hub, "user/right")["selector"] == {"subfolder": "selector"}


def test_references_that_would_not_hold_are_refused(hub: LoopbackHub, model: RightModel, tmp_path: Path) -> None:
    model.push_to_hub("user/right")
    loaded = RightModel.from_pretrained("user/right")
    next(iter(loaded.generator.model.parameters())).data += 1
    with pytest.raises(ValueError, match=r"The generator is no longer what user/right holds.*Push it first"):
        loaded.push_to_hub("user/mine", references=["generator"])
    with pytest.raises(ValueError, match=r"The retriever was never on the Hub.*Push it first"):
        with_retriever(model, "mine").save_pretrained(tmp_path / "new", references=["retriever"])
    with pytest.raises(ValueError, match="Unknown component 'reranker'"):
        model.save_pretrained(tmp_path / "new", references=["reranker"])
    with pytest.raises(ValueError, match="True, False or a list"):
        model.save_pretrained(tmp_path / "new", references="generator")
    assert not (tmp_path / "new").exists()
    assert ("model", "user/mine") not in hub.repos


def test_the_configuration_names_the_shim_and_hides_it_after_loading(hub: LoopbackHub, model: RightModel) -> None:
    model.push_to_hub("user/right")
    written = json.loads(hub.repo("user/right").at().files["config.json"].content)
    assert written["auto_map"] == {"AutoConfig": "right_hub.RightConfig", "AutoModel": "right_hub.RightModel"}
    assert written["custom_pipelines"]["hashtag-recommendation"]["impl"] == "right_hub.HashtagRecommendationPipeline"
    config = AutoConfig.from_pretrained("user/right")
    assert not hasattr(config, "auto_map") and not hasattr(config, "custom_pipelines")


def test_a_ranker_travels_alone_and_with_its_checkpoint(hub: LoopbackHub, model: RightModel) -> None:
    ranker = tiny_ranker()
    ranker.push_to_hub("user/ranker")
    assert hub.repo("user/ranker").paths() == {"ranker_config.json", "trees.txt"}
    taken = RightModel(model.config, model.retriever, model.selector, model.generator, ranker)
    taken.push_to_hub("user/right", references=["ranker"])
    assert components(hub, "user/right")["ranker"]["repo_id"] == "user/ranker"
    assert not any(path.startswith("ranker/") for path in hub.repo("user/right").paths())
    loaded = RightModel.from_pretrained("user/right")
    assert loaded.ranker is not None and loaded.ranker._text == ranker._text
    assert loaded.recommend(POSTS) == taken.recommend(POSTS)
    # Pushed again without one, nothing of it is left.
    taken.push_to_hub("user/right")
    assert "ranker/trees.txt" in hub.repo("user/right").paths()
    plain = RightModel(RightConfig(), model.retriever, model.selector, model.generator)
    plain.push_to_hub("user/right")
    assert not any(path.startswith("ranker/") for path in hub.repo("user/right").paths())
    assert "ranker" not in components(hub, "user/right")
