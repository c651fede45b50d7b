"""An adapter as generator, pushed, pulled with its base, replaced and described by a card."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from huggingface_hub import ModelCard
from transformers import pipeline

from right_hf import RightModel
from right_hf.cards import gather_facts, render_card
from right_hf.cli import main
from right_hf.generator import DecoderGenerator
from right_hf.generator.decoder_base import Base, fingerprint
from right_hf.hub.pull import fetch
from tests.generator.test_decoder import POSTS, assert_equal, generate
from tests.support.loopback_hub import LoopbackHub
from tests.support.tiny_llm import lora

pytestmark = pytest.mark.slow

#: What transformers, peft and trl leave beside an adapter and beside what was there before it.
LEFT_OVER = ("training_args.bin", "adapter_model.bin", "pytorch_model-00001-of-00002.bin", "merges.txt", "spiece.model",
             "added_tokens.json", "model-00001-of-00002.safetensors", "model.safetensors.index.json",
             "additional_chat_templates/tool.jinja", "chat_template.json", "sentence_bert_config.json")  # fmt: skip


@pytest.fixture
def composite(model: RightModel, adapter: DecoderGenerator) -> RightModel:
    return RightModel(model.config, model.retriever, model.selector, adapter)


@pytest.mark.loopback
def test_an_adapter_whose_base_only_lies_here_is_not_pushed(
    hub: LoopbackHub, adapter: DecoderGenerator, composite: RightModel
) -> None:
    for push in (adapter.push_to_hub, composite.push_to_hub):
        with pytest.raises(ValueError, match=r"a folder of this machine, so nobody else.*push_base_to_hub.*merge=True"):
            push("user/right")
    assert hub.requests == []
    adapter.push_base_to_hub("user/base", private=True)
    composite.push_to_hub("user/right")
    adapter.push_to_hub("user/adapter")
    composite.push_to_hub("user/small", references=["generator"])
    for name in ("user/right", "user/small"):
        assert RightModel.from_pretrained(name).recommend(POSTS) == composite.recommend(POSTS)
    for name in ("user/right", "user/adapter"):
        written = b"".join(file.content for file in hub.repo(name).at().files.values())
        assert str(adapter.model.get_base_model().config.name_or_path).encode() not in written, "a path of this machine"


@pytest.mark.loopback
def test_an_adapter_takes_the_place_of_another_generator_and_leaves_it(
    hub: LoopbackHub, model: RightModel, adapter: DecoderGenerator
) -> None:
    adapter.push_base_to_hub("user/base")
    model.generator.push_to_hub("user/part")
    repo = hub.repo("user/part")
    for name in LEFT_OVER:
        repo.put(name, b"{}")
    repo.put("README.md", b"mine")
    adapter.push_to_hub("user/part")
    expected = {"adapter_config.json", "adapter_model.safetensors", "generator_config.json", "tokenizer.json"}
    if adapter.tokenizer.chat_template is not None:
        expected.add("chat_template.jinja")
    assert repo.paths() == {*expected, "tokenizer_config.json", "README.md"}
    assert DecoderGenerator.from_pretrained("user/part").is_adapted
    swapped = RightModel.from_pretrained(_saved(model), generator="user/part")
    assert type(swapped.generator) is DecoderGenerator
    model.generator.push_to_hub("user/part")
    assert not [path for path in repo.paths() if path.startswith("adapter")]
    assert RightModel.from_pretrained(_saved(model), generator="user/part").recommend(POSTS) == model.recommend(POSTS)
    model.generator.origin = None


def _saved(model: RightModel) -> str:
    model.push_to_hub("user/whole")
    return "user/whole"


@pytest.mark.loopback
def test_the_command_line_pulls_the_base_too(
    hub: LoopbackHub, composite: RightModel, adapter: DecoderGenerator, capsys: pytest.CaptureFixture[str]
) -> None:
    commit = adapter.push_base_to_hub("user/base").oid
    composite.push_to_hub("user/right")
    assert main(["pull", "user/right"]) == 0
    [row] = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert row["from_elsewhere"] == {"base of the generator": f"user/base at revision '{commit}'"}
    hub.fail("", status=500, times=1000)
    assert main(["recommend", "--model", "user/right", "--offline", *POSTS]) == 0
    assert len(capsys.readouterr().out.splitlines()) == len(POSTS)


def test_the_card_tells_the_adapter_and_its_base(composite: RightModel, tmp_path: Path) -> None:
    adapter: DecoderGenerator = composite.generator  # type: ignore[assignment]
    composite.save_pretrained(tmp_path / "here")
    local = render_card(gather_facts(tmp_path / "here"))
    assert "LORA adapter of rank 4, alpha 16, on q_proj, v_proj" in local
    assert str(tmp_path) not in local and "| `base` |" in local
    assert ModelCard(local).data.get("base_model") is None, "only a base on the Hub can be linked"
    assert adapter.base is not None
    adapter.base = type(adapter.base)("org/Base-1B", "c0ffee", adapter.base.fingerprint)
    composite.save_pretrained(tmp_path / "elsewhere")
    card = render_card(gather_facts(tmp_path / "elsewhere"))
    assert "decoder; language en, template short" in card
    assert "| `org/Base-1B`, revision `c0ffee` |" in card
    assert "also bound by that model's licence: `org/Base-1B`." in card
    assert ModelCard(card).data.base_model == ["org/Base-1B"]


@pytest.mark.loopback
def test_pushed_and_loaded_at_a_pinned_revision(hub: LoopbackHub, composite: RightModel, base: Path) -> None:
    adapter: DecoderGenerator = composite.generator  # type: ignore[assignment]
    expected = composite.recommend(POSTS)
    tuned_on = adapter.push_base_to_hub("user/base").oid
    pushed = composite.push_to_hub("user/right").oid
    assert not {path for path in hub.repo("user/right").paths() if path.startswith("generator/model")}
    adapter_config = json.loads(hub.repo("user/right").at().files["generator/adapter_config.json"].content)
    assert (adapter_config["base_model_name_or_path"], adapter_config["revision"]) == ("user/base", tuned_on)

    # Both go on: a base with other weights, and an adapter with others.
    hub.repo("user/base").put("model.safetensors", b"other weights")
    other = lora(base, adapter.tokenizer, seed=1)
    other.base = adapter.base
    RightModel(composite.config, composite.retriever, composite.selector, other).push_to_hub("user/right")
    shutil.rmtree(base)

    with hub.watched() as requests:
        pipe: Any = pipeline("hashtag-recommendation", model="user/right", revision=pushed)
    assert [[one["hashtag"] for one in row] for row in pipe(POSTS)] == [
        [one.hashtag for one in row] for row in expected
    ]
    assert pipe.model.recommend(POSTS) == expected
    about_the_base = [request for request in requests if "user/base" in request]
    assert about_the_base and all(tuned_on in request for request in about_the_base if "main" not in request)
    assert not [request for request in about_the_base if pushed in request or request.endswith("/resolve/main")]
    changed = RightModel.from_pretrained("user/right")
    assert [t.generation for t in changed.trace(POSTS)] != [t.generation for t in composite.trace(POSTS)]
    assert changed.generator.base == adapter.base

    merged: Any = pipeline("hashtag-recommendation", model="user/right", revision=pushed, model_kwargs={"merge": True})
    assert not merged.model.generator.is_adapted
    assert_equal([t.generation for t in merged.model.trace(POSTS)], [t.generation for t in composite.trace(POSTS)])


@pytest.mark.loopback
def test_a_missing_or_wrong_base_on_the_hub(hub: LoopbackHub, composite: RightModel, tmp_path: Path) -> None:
    adapter: DecoderGenerator = composite.generator  # type: ignore[assignment]
    adapter.push_base_to_hub("user/base")
    assert adapter.base is not None
    right = adapter.base
    composite.push_to_hub("user/right")

    def load(**hub_arguments: Any) -> None:
        RightModel.from_pretrained("user/right", cache_dir=tmp_path / "another", **hub_arguments)

    adapter.base = Base("user/base", "v9", right.fingerprint)
    composite.push_to_hub("user/right")
    with pytest.raises(FileNotFoundError, match=r"adapter for user/base at revision 'v9', which.*has no revision 'v9'"):
        load()
    adapter.base = Base("user/gone", right.revision, right.fingerprint)
    composite.push_to_hub("user/right")
    with pytest.raises(FileNotFoundError, match=rf"adapter for user/gone at revision '{right.revision}', which"):
        load()
    other = hub.repo("user/base").put(
        "config.json", hub.repo("user/base").at().files["config.json"].content[:-2] + b',"x": 1}'
    )
    adapter.base = Base("user/base", other, right.fingerprint)
    composite.push_to_hub("user/right")
    with pytest.raises(ValueError, match=rf"adapter for user/base at revision '{other}' with the fingerprint"):
        load()
    hub.repo("user/base").private = True
    adapter.base = right
    composite.push_to_hub("user/right")
    hub.tokens["hf_reader"] = "stranger"
    with pytest.raises(
        (FileNotFoundError, PermissionError), match=rf"adapter for user/base at revision '{right.revision}'"
    ):
        load(token="hf_reader")
    load(token="hf_user")


@pytest.mark.loopback
def test_the_base_obeys_the_arguments_for_the_hub(hub: LoopbackHub, composite: RightModel, tmp_path: Path) -> None:
    adapter: DecoderGenerator = composite.generator  # type: ignore[assignment]
    adapter.push_base_to_hub("user/base")
    adapter.push_to_hub("user/adapter")
    composite.push_to_hub("user/right", references=True)
    assert "generator/adapter_config.json" not in hub.repo("user/right").paths()
    where = {"cache_dir": tmp_path / "elsewhere"}
    with pytest.raises(FileNotFoundError, match="not wholly, in the cache"):
        DecoderGenerator.from_pretrained("user/adapter", local_files_only=True, **where)
    expected = generate(adapter)
    assert generate(DecoderGenerator.from_pretrained("user/adapter", **where)) == expected
    assert not (tmp_path / "cache").exists() or not list((tmp_path / "cache").glob("models--user--base"))
    RightModel.from_pretrained("user/right", **where)
    with hub.watched() as requests:
        loaded = RightModel.from_pretrained("user/right", local_files_only=True, **where)
        assert generate(loaded.generator) == expected  # type: ignore[arg-type]
    assert requests == []
    assert loaded.generator.reference(**where) == adapter.reference()


@pytest.mark.loopback
def test_a_base_from_the_hub_is_recorded_with_its_commit(
    hub: LoopbackHub, adapter: DecoderGenerator, base: Path, tmp_path: Path
) -> None:
    commit = adapter.push_base_to_hub("user/base").oid
    for source in ("user/base", fetch("user/base", [""])):
        tuned = lora(source, adapter.tokenizer)
        tuned.save_pretrained(tmp_path / "tuned")
        assert tuned.base == Base("user/base", commit, fingerprint(base))
        assert generate(DecoderGenerator.from_pretrained(tmp_path / "tuned")) == generate(adapter)
