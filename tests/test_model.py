from __future__ import annotations

import contextlib
import json
import shutil
import signal
import subprocess
import sys
import textwrap
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from transformers import AutoConfig, AutoModel

from right_hf import BiEncoderSelector, BM25Retriever, Generation, Post, RightConfig, RightModel

POSTS = ["Windows desktop in the cloud", "sourdough bread"]


@pytest.fixture
def checkpoint(model: RightModel, tmp_path: Path) -> Path:
    model.save_pretrained(tmp_path / "checkpoint")
    return tmp_path / "checkpoint"


def test_saved_and_loaded_model_is_equal(model: RightModel, checkpoint: Path) -> None:
    expected = model.recommend(POSTS)
    assert any(expected)
    assert RightModel.from_pretrained(checkpoint).recommend(POSTS) == expected
    assert AutoModel.from_pretrained(str(checkpoint)).recommend(POSTS) == expected
    assert isinstance(AutoConfig.from_pretrained(str(checkpoint)), RightConfig)


def test_kept_hashtag_embeddings_spare_the_encoder(checkpoint: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    embedded: list[str] = []
    original = BiEncoderSelector.embed

    def counting(self: BiEncoderSelector, texts: list[str]) -> object:
        embedded.extend(texts)
        return original(self, texts)

    monkeypatch.setattr(BiEncoderSelector, "embed", counting)
    model = RightModel.from_pretrained(checkpoint)
    assert embedded == []
    model.recommend(POSTS)
    assert embedded == POSTS


def test_checkpoint_holds_safe_files_only(checkpoint: Path) -> None:
    files = [path for path in checkpoint.rglob("*") if path.is_file() and path.name != "right_hub.py"]
    assert {path.suffix for path in files} <= {".json", ".safetensors", ".parquet", ".tsv"}
    expected = {"config.json", "right_hub.py", "retriever", "selector", "generator", "ranker"}
    assert {path.name for path in checkpoint.iterdir()} == expected


def test_paper_mode_gives_the_generators_answer(model: RightModel) -> None:
    plain = RightModel(RightConfig(), model.retriever, model.selector, model.generator)
    for trace, found in zip(plain.trace(POSTS), plain.recommend(POSTS, top_k=100), strict=True):
        assert [recommendation.hashtag for recommendation in found] == trace.generation.hashtags


def truncate(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def rewrite(key: str, value: object) -> Callable[[Path], None]:
    def change(path: Path) -> None:
        path.write_text(json.dumps(json.loads(path.read_text()) | {key: value}))

    return change


@pytest.mark.parametrize(
    ("file", "damage", "error", "message"),
    [
        ("config.json", rewrite("components", {"reranker": {}}), ValueError, "Unknown component 'reranker'"),
        ("config.json", rewrite("components", {"retriever": "x"}), ValueError, "must be an object"),
        ("config.json", rewrite("components", {"retriever": {"subfolder": "../.."}}), ValueError, "lies outside"),
        ("config.json", rewrite("hits", 0), ValueError, "hits must be at least 1"),
        ("config.json", rewrite("fusion", {"slope": 1}), (ValueError, TypeError), "fusion|slope"),
        (
            "retriever/retriever_config.json",
            rewrite("retriever_type", "oracle"),
            ValueError,
            "Unknown type of retriever 'oracle'",
        ),
        ("retriever/retriever_config.json", truncate, ValueError, "no valid JSON"),
        ("retriever/retriever_config.json", Path.unlink, FileNotFoundError, "is missing"),
        ("retriever/bm25.safetensors", truncate, ValueError, "damaged"),
        ("retriever/corpus.parquet", truncate, ValueError, "damaged"),
        ("retriever/vocabulary.json", truncate, ValueError, "no valid JSON"),
        ("retriever/hashtag_embeddings.safetensors", truncate, ValueError, "damaged"),
        ("selector/model.safetensors", truncate, ValueError, "sentence-transformers"),
        ("selector/selector_config.json", rewrite("hit_scale", "cubic"), ValueError, "Unknown hit scale"),
        ("generator/model.safetensors", truncate, ValueError, "encoder-decoder"),
        ("generator/model.safetensors", Path.unlink, ValueError, "encoder-decoder"),
        ("generator/tokenizer.json", truncate, ValueError, "encoder-decoder"),
    ],
)
def test_damaged_checkpoints_say_what_is_wrong(
    checkpoint: Path, file: str, damage: Callable[[Path], None], error: type[Exception], message: str
) -> None:
    damage(checkpoint / file)
    with pytest.raises(error, match=message):
        RightModel.from_pretrained(checkpoint)


def test_missing_component_and_checkpoint(checkpoint: Path, tmp_path: Path) -> None:
    shutil.rmtree(checkpoint / "generator")
    with pytest.raises(FileNotFoundError, match="generator is missing"):
        RightModel.from_pretrained(checkpoint)
    with pytest.raises((FileNotFoundError, OSError)):
        RightModel.from_pretrained(tmp_path / "nowhere")


@pytest.mark.parametrize("name", ["pytorch_model.bin", "generator/weights.pt", "retriever/index.pkl"])
def test_pickle_is_refused(checkpoint: Path, name: str) -> None:
    (checkpoint / name).write_bytes(b"\x80\x04K\x01.")
    with pytest.raises(ValueError, match="pickle"):
        RightModel.from_pretrained(checkpoint)


def test_saving_replaces_the_whole_checkpoint_and_keeps_the_card(model: RightModel, checkpoint: Path) -> None:
    (checkpoint / "README.md").write_text("a card")
    (checkpoint / "retriever" / "stale.json").write_text("{}")
    model.save_pretrained(checkpoint)
    assert (checkpoint / "README.md").read_text() == "a card"
    assert not (checkpoint / "retriever" / "stale.json").exists()


def test_a_failed_save_leaves_the_previous_checkpoint(
    model: RightModel, checkpoint: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = model.recommend(POSTS)

    def full_disk(folder: Path) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(model.generator, "write", full_disk)
    with pytest.raises(OSError, match="No space left"):
        model.save_pretrained(checkpoint)
    assert RightModel.from_pretrained(checkpoint).recommend(POSTS) == expected
    assert [path.name for path in checkpoint.parent.iterdir()] == [checkpoint.name]


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="needs SIGKILL")
@pytest.mark.parametrize("moment", ["generator.write", "between the renames"])
def test_a_killed_save_leaves_the_previous_checkpoint(model: RightModel, checkpoint: Path, moment: str) -> None:
    expected = model.recommend(POSTS)
    script = f"""
        import os, signal
        import right_hf.persistence as persistence
        from right_hf import RightModel

        def die(*_): os.kill(os.getpid(), signal.SIGKILL)

        model = RightModel.from_pretrained({str(checkpoint)!r})
        if {moment!r} == "between the renames":
            rename = os.replace
            def replace(source, target):
                if os.path.basename(source).startswith(".checkpoint.new-"):
                    die()
                rename(source, target)
            persistence.os.replace = replace
            persistence._exchange = lambda *_: False
        else:
            model.generator.write = die
        model.save_pretrained({str(checkpoint)!r})
    """
    killed = subprocess.run([sys.executable, "-c", textwrap.dedent(script)], check=False, capture_output=True)
    assert killed.returncode == -signal.SIGKILL, killed.stderr.decode()
    assert RightModel.from_pretrained(checkpoint).recommend(POSTS) == expected


def test_recommend_checks_its_input(model: RightModel) -> None:
    with pytest.raises(TypeError, match="takes a list of posts"):
        model.recommend("one post")
    assert model.recommend([]) == []


def test_dtype_of_the_generator(checkpoint: Path) -> None:
    assert RightModel.from_pretrained(checkpoint).dtype is torch.float32
    assert RightModel.from_pretrained(checkpoint, dtype="bfloat16").dtype is torch.bfloat16


def test_records_travel_with_the_checkpoint(checkpoint: Path, tmp_path: Path) -> None:
    (checkpoint / "README.md").write_text("its card")
    (checkpoint / "training.json").write_text("{}")
    loaded = RightModel.from_pretrained(checkpoint)
    loaded.save_pretrained(tmp_path / "copy")
    assert (tmp_path / "copy" / "README.md").read_text() == "its card"
    loaded.records = {}
    loaded.save_pretrained(checkpoint)
    assert not (checkpoint / "training.json").exists(), "another model's training record was kept"


def test_a_shared_selector_passes_no_hashtags_on(model: RightModel, checkpoint: Path, tmp_path: Path) -> None:
    loaded = RightModel.from_pretrained(checkpoint)
    private = BM25Retriever.from_posts([Post("p", "internal launch plan", ("secret falcon",))])
    RightModel(model.config, private, loaded.selector, loaded.generator)
    loaded.save_pretrained(tmp_path / "shared")
    kept = (tmp_path / "shared" / "retriever" / "hashtag_embeddings.safetensors").read_bytes()
    assert b"secret falcon" not in kept


@pytest.mark.parametrize("component", ["generator", "selector"])
def test_a_checkpoint_cannot_switch_remote_code_on(
    checkpoint: Path, component: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def asked(*_: object) -> str:
        raise AssertionError("asked whether to run the checkpoint's code")

    monkeypatch.setattr("builtins.input", asked)
    proof = checkpoint.parent / "code-ran"
    (checkpoint / component / "evil.py").write_text(f"open({str(proof)!r}, 'w')\nclass Evil: pass\n")
    if component == "generator":
        rewrite("auto_map", {"AutoModelForSeq2SeqLM": "evil.Evil", "AutoConfig": "evil.Evil"})(
            checkpoint / "generator" / "config.json"
        )
    else:
        modules = [{"idx": 0, "name": "0", "path": "", "type": "evil.Evil"}]
        (checkpoint / "selector" / "modules.json").write_text(json.dumps(modules))
    with contextlib.suppress(ValueError):
        RightModel.from_pretrained(checkpoint)
    assert not proof.exists()


def test_a_part_is_replaced_by_assigning_another(model: RightModel, checkpoint: Path) -> None:
    changed = RightModel.from_pretrained(checkpoint)
    changed.retriever = BM25Retriever.from_posts([Post("new", "windows desktop", ("fresh hashtag",))])
    found = {r.hashtag: r.evidence for r in changed.recommend(["windows desktop"], top_k=100)[0]}
    assert found["fresh hashtag"] == ["new"] and {post for ids in found.values() for post in ids} == {"new"}
    changed.generator = None
    assert changed.trace(["windows desktop"])[0].generation == Generation([], {})
    changed.ranker = None
    assert [r.hashtag for r in changed.recommend(["windows desktop"])[0]] == ["fresh hashtag"]
    changed.retriever, changed.generator, changed.ranker = model.retriever, model.generator, model.ranker
    assert changed.recommend(POSTS) == model.recommend(POSTS)


def test_every_post_has_a_time_of_its_own(model: RightModel) -> None:
    assert model.recommend(POSTS, now=[0.0, 1e9]) == model.recommend(POSTS, now=1e9)
    with pytest.raises(ValueError, match="Got 1 times for 2 posts"):
        model.recommend(POSTS, now=[0.0])


def test_a_corpus_normalises_hashtags_and_keeps_their_spellings() -> None:
    [post] = BM25Retriever.from_posts([Post("1", "windows desktop", ("WVD",))]).corpus
    assert (post.hashtags, post.spellings) == (("wvd",), ("WVD",))
    with pytest.raises(TypeError, match="are one string"):
        BM25Retriever.from_posts([Post("1", "windows desktop", "wvd")])  # type: ignore[arg-type]
