"""Pulling from a Hub over HTTP with the real client: revisions, caches, swaps and what is downloaded for them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from huggingface_hub import constants
from transformers import AutoModel, pipeline

from right_hf import (
    BiEncoderSelector,
    BM25Retriever,
    HashtagRecommendationPipeline,
    Post,
    RightModel,
    Seq2SeqGenerator,
)
from right_hf.hub.push import push_folder
from tests.support.loopback_hub import LoopbackHub

pytestmark = pytest.mark.loopback

POSTS = ["Windows desktop in the cloud", "sourdough bread"]


@pytest.fixture
def pushed(hub: LoopbackHub, model: RightModel) -> str:
    """The commit of a composite that is on the Hub as user/right."""
    return model.push_to_hub("user/right").oid


def index(*hashtags: str) -> BM25Retriever:
    return BM25Retriever.from_posts([Post(tag, "windows desktop", (tag,)) for tag in hashtags])


def test_a_pushed_model_comes_back_equal(hub: LoopbackHub, model: RightModel, pushed: str) -> None:
    loaded = RightModel.from_pretrained("user/right")
    assert loaded.recommend(POSTS) == model.recommend(POSTS)
    assert len(set(hub.downloads())) == len(hub.downloads()), "a file was downloaded twice"
    assert not [name for name in hub.downloads() if name.endswith(".py")]


def test_the_pipeline_takes_a_hub_id(hub: LoopbackHub, model: RightModel, pushed: str) -> None:
    expected = [[found.hashtag for found in row] for row in model.recommend(POSTS)]
    for revision in (None, pushed):
        pipe = pipeline("hashtag-recommendation", model="user/right", revision=revision)
        assert [[entry["hashtag"] for entry in row] for row in pipe(POSTS)] == expected


def test_a_pinned_revision_loads_parts_of_that_very_revision(hub: LoopbackHub, model: RightModel, pushed: str) -> None:
    RightModel(model.config, index("newer"), model.selector, model.generator).push_to_hub("user/right")
    hub.repo("user/right").refs["v1"] = pushed
    for revision in (pushed, "v1"):
        assert RightModel.from_pretrained("user/right", revision=revision).recommend(POSTS) == model.recommend(POSTS)
        assert AutoModel.from_pretrained("user/right", revision=revision).recommend(POSTS) == model.recommend(POSTS)
    assert RightModel.from_pretrained("user/right").retriever.corpus.hashtags == ["newer"]


def test_a_branch_that_moves_meanwhile_is_not_mixed(
    hub: LoopbackHub, model: RightModel, pushed: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    import right_hf.model as modeling

    other = RightModel(model.config, index("newer"), model.selector, model.generator)
    find = modeling.part_places

    def after_a_push(*arguments: object) -> object:
        other.push_to_hub("user/right")
        return find(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(modeling, "part_places", after_a_push)
    assert RightModel.from_pretrained("user/right").recommend(POSTS) == model.recommend(POSTS)


def test_a_warm_reload_downloads_nothing(hub: LoopbackHub, pushed: str) -> None:
    RightModel.from_pretrained("user/right")
    before = hub.downloads()
    with hub.watched() as requests:
        RightModel.from_pretrained("user/right", revision=pushed)
    assert requests == [], "a commit that is in the cache needs no request"
    with hub.watched() as requests:
        RightModel.from_pretrained("user/right")
    assert requests == ["GET /api/models/user/right"]
    pipeline("hashtag-recommendation", model="user/right")
    assert hub.downloads() == before


def test_force_download_fetches_all_again(hub: LoopbackHub, pushed: str) -> None:
    def weights() -> set[str]:
        return {name for name in hub.downloads() if name.endswith(".safetensors")}

    RightModel.from_pretrained("user/right")
    first = weights()
    hub.requests.clear()
    RightModel.from_pretrained("user/right", force_download=True)
    assert weights() == first and len(first) == 4


def test_offline_from_the_cache(
    hub: LoopbackHub, model: RightModel, pushed: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    RightModel.from_pretrained("user/right")
    expected = model.recommend(POSTS)
    with hub.watched() as requests:
        assert RightModel.from_pretrained("user/right", local_files_only=True).recommend(POSTS) == expected
        monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
        assert RightModel.from_pretrained("user/right").recommend(POSTS) == expected
        assert BM25Retriever.from_pretrained("user/right").corpus.hashtags == model.retriever.corpus.hashtags
        with pytest.raises(FileNotFoundError, match=r"user/other is not.*in the cache.*HF_HUB_OFFLINE"):
            RightModel.from_pretrained("user/other")
        with pytest.raises(FileNotFoundError, match=r"user/right at revision 'v2' is not.*in the cache"):
            RightModel.from_pretrained("user/right", revision="v2")
    assert requests == []


def test_a_hub_that_is_gone_is_no_obstacle_to_the_cache(
    hub: LoopbackHub, model: RightModel, pushed: str, monkeypatch: pytest.MonkeyPatch, pauses: list[float]
) -> None:
    RightModel.from_pretrained("user/right")
    monkeypatch.setattr(constants, "ENDPOINT", "http://127.0.0.1:9")
    assert RightModel.from_pretrained("user/right").recommend(POSTS) == model.recommend(POSTS)
    with pytest.raises(FileNotFoundError, match="cannot be reached"):
        RightModel.from_pretrained("user/other")
    with pytest.raises(ConnectionError, match=r"cannot be reached.*nothing was pushed to user/right"):
        model.push_to_hub("user/right")
    assert pauses == [], "waiting does not bring a connection back"


def test_a_swapped_part_downloads_nothing_else(hub: LoopbackHub, model: RightModel, pushed: str) -> None:
    index("fresh").push_to_hub("user/index")
    other = RightModel(model.config, index("other"), model.selector, model.generator)
    other.push_to_hub("user/whole")
    for name, hashtag in (("user/index", "fresh"), ("user/whole", "other")):
        pipe = pipeline("hashtag-recommendation", model="user/right", model_kwargs={"retriever": name})
        assert pipe.model.retriever.corpus.hashtags == [hashtag]  # type: ignore[union-attr]
    got = hub.downloads()
    assert not [name for name in got if name.startswith("user/right:retriever/")]
    of_the_other = {name.split("/")[1] for name in got if name.startswith("user/whole:")}
    assert of_the_other <= {"whole:retriever", "whole:config.json"}


@pytest.mark.parametrize("name", ["retriever", "selector", "generator"])
def test_each_component_alone(hub: LoopbackHub, model: RightModel, tmp_path: Path, name: str) -> None:
    component = getattr(model, name)
    first = component.push_to_hub("user/part", private=True, commit_message="A part").oid
    assert hub.repo("user/part").history() == ["A part"]
    assert hub.repo("user/part").private
    hub.repo("user/part").put("notes.txt", b"mine")
    where = {"cache_dir": tmp_path / "elsewhere", "revision": first, "token": "hf_user"}
    loaded = type(component).from_pretrained("user/part", **where)
    assert (tmp_path / "elsewhere").is_dir()
    assert (loaded.origin.repo_id, loaded.origin.revision) == ("user/part", first)
    parts = {part: getattr(model, part) for part in ("retriever", "selector", "generator")} | {name: loaded}
    swapped = RightModel(model.config, **parts)
    assert swapped.recommend(POSTS) == model.recommend(POSTS)
    with hub.watched() as requests:
        type(component).from_pretrained("user/part", **where)
        type(component).from_pretrained("user/part", **where, local_files_only=True)
    assert requests == []
    hub.repo("user/part").put("vocab.txt", b"left by another")
    assert component.push_to_hub("user/part", create_pr=True).pr_revision == "refs/pr/1"
    component.push_to_hub("user/part", revision="try")
    for revision in ("refs/pr/1", "try"):
        assert type(component).from_pretrained("user/part", revision=revision).origin.revision != first
    with pytest.raises(FileNotFoundError, match="no such repository that you may see"):
        type(component).from_pretrained("user/part", token="hf_stranger")


def test_components_alone_out_of_a_composite(hub: LoopbackHub, pushed: str) -> None:
    for kind in (BM25Retriever, BiEncoderSelector, Seq2SeqGenerator):
        hub.requests.clear()
        loaded = kind.from_pretrained("user/right", revision=pushed)
        assert loaded.origin is not None and loaded.origin.subfolder == kind.role
        assert all(f":{kind.role}/" in name or name == "user/right:config.json" for name in hub.downloads())


def test_weights_in_several_files(hub: LoopbackHub, model: RightModel, pushed: str, tmp_path: Path) -> None:
    generator: Any = model.generator
    generator.save_pretrained(tmp_path / "shards")
    (tmp_path / "shards" / "model.safetensors").unlink()
    generator.model.save_pretrained(tmp_path / "shards", max_shard_size="20KB")
    push_folder(tmp_path / "shards", "user/shards", commit_message="m")
    shards = {path for path in hub.repo("user/shards").paths() if path.endswith(".safetensors")}
    assert len(shards) >= 2
    for folder in (tmp_path / "shards", "user/shards"):
        loaded = RightModel.from_pretrained("user/right", generator=folder).generator
        assert loaded.generate(POSTS, [[], []], [[], []]) == generator.generate(POSTS, [[], []], [[], []])
    generator.push_to_hub("user/shards")
    assert not hub.repo("user/shards").paths() & {*shards, "model.safetensors.index.json"}
    assert Seq2SeqGenerator.from_pretrained("user/shards").generate(POSTS, [[], []], [[], []])
    generator.origin = None


def test_what_is_no_checkpoint_is_told_from_one(hub: LoopbackHub, model: RightModel, tmp_path: Path) -> None:
    model.generator.push_to_hub("user/t5")
    model.retriever.push_to_hub("user/index")
    with pytest.raises(ValueError, match=r"user/t5 is no RIGHT checkpoint.*'t5', expected 'right'.*generator="):
        RightModel.from_pretrained("user/t5")
    with pytest.raises(
        FileNotFoundError, match=r"user/index is no RIGHT checkpoint: it has no config.json.*retriever="
    ):
        RightModel.from_pretrained("user/index")
    (tmp_path / "file").touch()
    for load in (RightModel.from_pretrained, BM25Retriever.from_pretrained):
        with pytest.raises(NotADirectoryError, match="is a file; a checkpoint is a folder"):
            load(tmp_path / "file")
    with pytest.raises(FileNotFoundError, match="There is no folder alone, and on the Hub no such repository"):
        RightModel.from_pretrained("alone")
    for part in (model.generator, model.retriever):
        part.origin = None


def test_what_could_run_code_is_neither_downloaded_nor_loaded(hub: LoopbackHub, model: RightModel, pushed: str) -> None:
    repo = hub.repo("user/right")
    for path in ("generator/pytorch_model.bin", "generator/evil.py", "retriever/index.pkl", "evil/generate.py"):
        repo.put(path, b"\x80\x04K\x01.")
    assert RightModel.from_pretrained("user/right").recommend(POSTS) == model.recommend(POSTS)
    assert {Path(name).suffix for name in hub.downloads()} <= {".json", ".safetensors", ".parquet", ".tsv"}


def test_a_checkpoint_on_the_hub_cannot_switch_its_code_on(
    hub: LoopbackHub, model: RightModel, pushed: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def asked(*_: object) -> str:
        raise AssertionError("asked whether to run the checkpoint's code")

    monkeypatch.setattr("builtins.input", asked)
    repo = hub.repo("user/right")
    evil = {"auto_map": {"AutoConfig": "evil.Evil", "AutoModel": "evil.Evil"}, "trust_remote_code": True}
    evil["custom_pipelines"] = {"hashtag-recommendation": {"impl": "evil.Evil", "pt": ["AutoModel"], "type": "text"}}
    repo.put("config.json", json.dumps(json.loads(repo.at().files["config.json"].content) | evil).encode())
    repo.put("evil.py", b"raise SystemExit('code of the checkpoint ran')")
    assert AutoModel.from_pretrained("user/right").recommend(POSTS) == model.recommend(POSTS)
    assert type(pipeline("hashtag-recommendation", model="user/right")) is HashtagRecommendationPipeline
    assert not [name for name in hub.downloads() if name.endswith(".py")]


def test_refusals_say_what_to_do(hub: LoopbackHub, pushed: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(FileNotFoundError, match=r"no such repository.*Check the name"):
        RightModel.from_pretrained("user/typo")
    with pytest.raises(FileNotFoundError, match=r"has no revision 'v9'.*branch, a tag"):
        RightModel.from_pretrained("user/right", revision="v9")
    with pytest.raises(FileNotFoundError, match=f"has no revision '{'0' * 40}'"):
        RightModel.from_pretrained("user/right", revision="0" * 40)
    hub.repo("user/right").private = True
    with pytest.raises(FileNotFoundError, match=r"no such repository that you may see.*token="):
        RightModel.from_pretrained("user/right", token="hf_stranger")
    with pytest.raises(PermissionError, match="does not accept the token") as caught:
        RightModel.from_pretrained("user/right", token="hf_wrong")
    assert "hf_wrong" not in str(caught.value)
    monkeypatch.delenv("HF_TOKEN")
    with pytest.raises(FileNotFoundError, match="no such repository that you may see"):
        BM25Retriever.from_pretrained("user/right")
    hub.repo("user/right").private, hub.repo("user/right").gated = False, True
    with pytest.raises(PermissionError, match="user/right is gated: ask for access"):
        RightModel.from_pretrained("user/right", token="hf_stranger")
