"""From a recipe to a tuned LLM's folder, to a checkpoint, and on with GRPO."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from accelerate.commands.config.config_args import load_config_from_file
from huggingface_hub import HfApi

from right_hf import DecoderGenerator, RightModel
from right_hf.posts import Post
from right_hf.trainers.build import build_checkpoint, build_component
from right_hf.trainers.examples import generator_examples
from right_hf.trainers.job import Job
from right_hf.trainers.recipe import Recipe, read_recipe_file
from tests.support.loopback_hub import LoopbackHub
from tests.support.paths import ROOT
from tests.support.smoke_data import write_splits
from tests.support.tiny_llm import tiny_recipe

pytestmark = pytest.mark.slow

TUNED_FILES = {
    "adapter_config.json",
    "adapter_model.safetensors",
    "generator_config.json",
    "tokenizer.json",
    "tokenizer_config.json",
    "training.json",
}
_ACCELERATE = ROOT / "training" / "configs" / "accelerate"


class Made:
    """Posts, a selector, and the LLM tuned with it."""

    def __init__(self, folder: Path) -> None:
        data = write_splits(folder / "data")
        self.train, self.validation = (Recipe("en").posts(data, split) for split in ("train", "validation"))
        self.recipe = tiny_recipe(self.train, folder / "bases")
        self.selector, self.tuned = folder / "selector", folder / "tuned"
        build_component("selector", Job(self.recipe, self.train, (), self.selector))
        self.examples = generator_examples(self.job(self.tuned))
        build_component("generator", self.job(self.tuned))

    def job(self, output: Path, start: Path | None = None, **generator: Any) -> Job:
        """The tuning of an LLM, with some settings of its recipe changed."""
        recipe = replace(self.recipe, generator=replace(self.recipe.generator, **generator))
        folders = {"selector": self.selector} | ({} if start is None else {"start": start})
        return Job(recipe, self.train, self.validation, output, folders)


@pytest.fixture(scope="module")
def llm(tmp_path_factory: pytest.TempPathFactory) -> Made:
    return Made(tmp_path_factory.mktemp("llm"))


def written(generator: DecoderGenerator, posts: list[Post]) -> list[Any]:
    texts = [post.text for post in posts]
    return generator.generate(texts, [("cloud",)] * len(texts), [("baking", "cloud")] * len(texts))


def test_the_folder_holds_the_adapter_alone_and_says_how_it_was_made(llm: Made) -> None:
    assert {path.name for path in llm.tuned.iterdir()} == TUNED_FILES
    settings = json.loads((llm.tuned / "generator_config.json").read_text())
    assert settings["template"] == "short" and settings["max_prompt_length"] == 96
    assert Path(settings["base"]["source"]).is_dir() and settings["base"]["fingerprint"]
    record = json.loads((llm.tuned / "training.json").read_text())
    assert record["retrieval"] is True and record["seed"] == 0
    assert record["config"]["generator"]["lora"] == {"r": 4, "target_modules": "all-linear"}
    assert set(record["validation"]) == {"f1@1", "f1@5"}
    assert {"peft", "trl"} <= set(record["versions"])


def test_it_answers_alike_in_training_and_when_loaded(llm: Made, tmp_path: Path) -> None:
    loaded = DecoderGenerator.from_pretrained(llm.tuned)
    expected = written(loaded, llm.validation)
    loaded.save_pretrained(tmp_path)
    assert written(DecoderGenerator.from_pretrained(tmp_path), llm.validation) == expected


def test_a_checkpoint_is_made_of_it_as_of_any_generator(llm: Made, tmp_path: Path) -> None:
    job = llm.job(tmp_path / "checkpoint")
    build_checkpoint(replace(job, folders={"selector": llm.selector, "generator": llm.tuned}))
    model = RightModel.from_pretrained(tmp_path / "checkpoint")
    assert model.ranker is not None and model.ranker.type == "linear"
    assert model.recommend([llm.train[0].text])[0]
    kept = json.loads((tmp_path / "checkpoint" / "training.json").read_text())
    assert kept["generator"]["config"]["generator"]["type"] == "decoder"
    adapters = [path / "adapter_model.safetensors" for path in (llm.tuned, tmp_path / "checkpoint" / "generator")]
    assert adapters[0].read_bytes() == adapters[1].read_bytes()


def test_grpo_goes_on_with_the_adapter(llm: Made, tmp_path: Path) -> None:
    build_component("generator", llm.job(tmp_path / "grpo", llm.tuned))
    record = json.loads((tmp_path / "grpo" / "training.json").read_text())
    assert [entry["step"] for entry in record["log"] if "eval_f1@1" in entry] == [0, 2, 4]
    before, after = (
        json.loads((folder / "generator_config.json").read_text())["base"] for folder in (llm.tuned, tmp_path / "grpo")
    )
    assert before == after
    assert written(DecoderGenerator.from_pretrained(tmp_path / "grpo"), llm.validation)


def test_another_start_is_another_run(llm: Made, tmp_path: Path) -> None:
    checkpoints = tmp_path / "grpo-checkpoints"
    checkpoints.mkdir()
    (checkpoints / "run.json").write_text("{}")
    with pytest.raises(ValueError, match="other settings or data"):
        build_component("generator", llm.job(tmp_path / "grpo", llm.tuned))


def test_grpo_needs_its_settings(llm: Made, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="no `grpo`"):
        build_component("generator", llm.job(tmp_path / "grpo", llm.tuned, grpo=None))


def test_a_base_must_be_named(llm: Made, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"the recipe names none.*generator: \{base: "):
        build_component("generator", llm.job(tmp_path / "tuned", base=None))
    assert not (tmp_path / "tuned-checkpoints").exists()


def test_without_peft_the_extra_is_named(llm: Made, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "right_hf.trainers.tuning", None)
    with pytest.raises(ImportError, match=r"right_hf\[llm\]"):
        build_component("generator", llm.job(tmp_path / "tuned"))


@pytest.mark.loopback
def test_a_base_of_the_hub_is_pinned(llm: Made, hub: LoopbackHub, tmp_path: Path) -> None:
    """What is tuned is the commit that the recipe names, and the adapter says which it was."""
    base = Path(json.loads((llm.tuned / "generator_config.json").read_text())["base"]["source"])
    api = HfApi()
    api.create_repo("user/base")
    pinned = api.upload_folder(repo_id="user/base", folder_path=base).oid
    api.upload_file(path_or_fileobj=b"{}", path_in_repo="config.json", repo_id="user/base")  # main is broken
    build_component("generator", llm.job(tmp_path / "tuned", base="user/base", revision=pinned))
    named = json.loads((tmp_path / "tuned" / "generator_config.json").read_text())["base"]
    assert (named["source"], named["revision"]) == ("user/base", pinned)
    loaded = DecoderGenerator.from_pretrained(tmp_path / "tuned")
    # The same base, examples and seed as of the tuning from a folder.
    assert written(loaded, llm.validation) == written(DecoderGenerator.from_pretrained(llm.tuned), llm.validation)


@pytest.mark.parametrize("name", ["multi_gpu", "fsdp", "deepspeed"])
def test_the_projects_accelerate_files_load(name: str) -> None:
    config = load_config_from_file(str(_ACCELERATE / f"{name}.yaml"))
    assert config.distributed_type == {"multi_gpu": "MULTI_GPU"}.get(name, name.upper())
    assert config.num_processes == 8 and config.mixed_precision == "bf16"


@pytest.mark.timeout(900)
def test_two_processes_tune_one_adapter(tmp_path: Path) -> None:
    """`accelerate launch` with the shipped file, on two CPU processes (gloo): one adapter is written, and loads."""
    data = write_splits(tmp_path / "data")
    values = read_recipe_file(ROOT / "training" / "configs" / "smoke-llm.yaml")
    values["generator"]["arguments"]["use_cpu"] = True
    recipe = tmp_path / "recipe.yaml"
    recipe.write_text(json.dumps(values), encoding="utf-8")  # JSON is YAML
    script = [str(ROOT / "training" / "train_llm.py"), "--data", str(data), "--recipe", str(recipe)]
    script += ["--bases", "bases"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1"}

    def run(*command: str) -> str:
        result = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, env=environment)
        assert result.returncode == 0, result.stderr[-4000:]
        return result.stdout + result.stderr

    run(sys.executable, *script)
    launch = [sys.executable, "-m", "accelerate.commands.launch", "--config_file", str(_ACCELERATE / "multi_gpu.yaml")]
    launch += ["--num_processes", "2", "--mixed_precision", "no", "--main_process_port", "0"]
    said = run(*launch, *script, "--output", "tuned")
    names = sorted(path.name for path in (tmp_path / "tuned").iterdir())
    assert names == sorted(TUNED_FILES)
    assert not list(tmp_path.glob(".tuned*"))  # no scratch folder of a second writer
    record = json.loads((tmp_path / "tuned" / "training.json").read_text())
    assert record["steps"] == 2, said  # 48 posts, 2 processes, batches of 16, 1 epoch
    generator = DecoderGenerator.from_pretrained(tmp_path / "tuned")
    assert generator.is_adapted
    assert generator.generate(["bread and salt"], [()], [("baking",)])[0].log_likelihoods["baking"] < 0
