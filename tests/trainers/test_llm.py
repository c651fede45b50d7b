"""SFT and GRPO of a tiny LLM: records, loss, scores during training, and runs that were stopped."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from peft import PeftModel
from safetensors.torch import load_file
from trl import GRPOTrainer

from right_hf.generator.decoder_base import load_network
from right_hf.generator.decoder_format import DecoderFormat
from right_hf.loading import load_tokenizer
from right_hf.posts import Post
from right_hf.trainers import tuning
from right_hf.trainers.completions import IGNORED
from right_hf.trainers.examples import examples_with
from right_hf.trainers.job import GeneratorExample, Job
from right_hf.trainers.pretrained import for_training
from right_hf.trainers.recipe import Recipe
from right_hf.trainers.tuning import GrpoRecipe, LlmTrainer, answer_reader, completion_records, train_grpo, train_sft
from tests.support.tiny_llm import tiny_recipe

pytestmark = pytest.mark.slow

Reinforce = Callable[..., dict[str, Any]]


@pytest.fixture(scope="module")
def recipe(english_posts: list[Post], tmp_path_factory: pytest.TempPathFactory) -> Recipe:
    return tiny_recipe(english_posts, tmp_path_factory.mktemp("llm"))


@pytest.fixture(scope="module")
def examples(english_posts: list[Post]) -> list[GeneratorExample]:
    return examples_with(english_posts, [post.hashtags[::-1] for post in english_posts])


def begin(recipe: Recipe) -> tuple[Any, DecoderFormat]:
    base = Path(recipe.generator.base)
    model = for_training(load_network(base, torch.float32))
    return model, DecoderFormat(load_tokenizer(base), "en", recipe.generator.template, 96, 12)


def job(recipe: Recipe, output: Path, lora: bool = True, **arguments: Any) -> Job:
    generator = replace(recipe.generator, arguments={**recipe.generator.arguments, **arguments})
    generator = generator if lora else replace(generator, lora=None)
    return Job(replace(recipe, generator=generator), (), (), output)


def tune(recipe: Recipe, examples: list[GeneratorExample], output: Path, **settings: Any) -> dict[str, Any]:
    return train_sft(*begin(recipe), (examples, examples[:4]), job(recipe, output, **settings))


@pytest.fixture(scope="module")
def tuned(recipe: Recipe, examples: list[GeneratorExample], tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    return tune(recipe, examples, tmp_path_factory.mktemp("tuned") / "run")


@pytest.fixture
def reinforce(recipe: Recipe, tuned: dict[str, Any], examples: list[GeneratorExample], tmp_path: Path) -> Reinforce:
    """GRPO from the tuned adapter on, in a folder of this name."""

    def run(name: str, **arguments: Any) -> dict[str, Any]:
        settings = {"arguments": recipe.generator.grpo["arguments"] | arguments}
        own = replace(recipe, generator=replace(recipe.generator, grpo=settings))
        model, form = begin(own)
        model = PeftModel.from_pretrained(model, tuned["checkpoint"], is_trainable=True)
        return train_grpo(model, form, (examples, examples[:4]), job(own, tmp_path / name))

    return run


@pytest.fixture
def unequal(monkeypatch: pytest.MonkeyPatch) -> None:
    """A model this small writes nothing that ends, so every answer would be worth the same."""
    monkeypatch.setattr(tuning, "answer_reader", lambda form: lambda ids: ["cloud"] if ids[0] % 2 else ["baking", ""])


def test_records_are_the_generators_prompts_with_the_answers_labelled(
    recipe: Recipe, examples: list[GeneratorExample]
) -> None:
    form = begin(recipe)[1]
    for record, example in zip(completion_records(examples, form), examples, strict=True):
        start = record["labels"].count(IGNORED)
        assert record["input_ids"][:start] == form.prompt(example.post, example.context)
        assert record["input_ids"][start:] == record["labels"][start:] == form.target(example.target)


def test_only_the_adapter_is_trained_and_scored(tuned: dict[str, Any]) -> None:
    assert tuned["steps"] == 6
    assert [entry["step"] for entry in tuned["log"] if "eval_f1@1" in entry] == [3, 6]
    assert [entry["step"] for entry in tuned["log"] if "eval_loss" in entry] == [3, 6]
    assert set(tuned["validation"]) == {"f1@1", "f1@5"}
    weights = load_file(tuned["checkpoint"] / "adapter_model.safetensors")
    assert all("lora_" in name for name in weights)
    assert all(weights[name].any() for name in weights if "lora_B" in name)


def test_without_lora_the_whole_model_is_trained(
    recipe: Recipe, examples: list[GeneratorExample], tmp_path: Path
) -> None:
    model, form = begin(recipe)
    before = {name: weights.clone() for name, weights in model.state_dict().items()}
    log = train_sft(
        model, form, (examples, examples[:4]), job(recipe, tmp_path / "run", lora=False, num_train_epochs=1)
    )
    after = load_file(log["checkpoint"] / "model.safetensors")
    assert all(not torch.equal(before[name], weights) for name, weights in after.items())


def test_a_stopped_tuning_ends_where_an_unbroken_one_does(
    recipe: Recipe,
    tuned: dict[str, Any],
    examples: list[GeneratorExample],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    original, calls = LlmTrainer.evaluate, []

    def stopped(self: LlmTrainer, *arguments: Any, **options: Any) -> Any:
        calls.append(1)
        if len(calls) == 2:
            raise KeyboardInterrupt
        return original(self, *arguments, **options)

    with monkeypatch.context() as patch:
        patch.setattr(LlmTrainer, "evaluate", stopped)
        with pytest.raises(KeyboardInterrupt):
            tune(recipe, examples, tmp_path / "run")
    assert [path.name for path in (tmp_path / "run-checkpoints").glob("checkpoint-*")] == ["checkpoint-3"]
    resumed = tune(recipe, examples, tmp_path / "run")
    assert resumed["steps"] == 6
    expected, weights = (load_file(run["checkpoint"] / "adapter_model.safetensors") for run in (tuned, resumed))
    for name in expected:
        torch.testing.assert_close(weights[name], expected[name])


@pytest.mark.skipif(importlib.util.find_spec("trackio") is not None, reason="it would be used")
def test_where_losses_are_reported_is_passed_on(
    recipe: Recipe, examples: list[GeneratorExample], tmp_path: Path
) -> None:
    with pytest.raises(RuntimeError, match="trackio"):
        tune(recipe, examples, tmp_path / "run", report_to="trackio")


@pytest.mark.usefixtures("unequal")
def test_grpo_scores_before_and_after(tuned: dict[str, Any], reinforce: Reinforce) -> None:
    log = reinforce("run")
    assert [entry["step"] for entry in log["log"] if "eval_f1@1" in entry] == [0, 2, 4]
    rewards = [entry for entry in log["log"] if "reward" in entry]
    assert len(rewards) == 4 and any(entry["reward_std"] > 0 for entry in rewards)
    for entry in rewards:
        parts = (entry[f"rewards/{name}/mean"] for name in ("f1", "format", "duplicates"))
        weighted = sum(weight * part for weight, part in zip((1, 0.5, 0.5), parts, strict=True))
        assert entry["reward"] == pytest.approx(weighted, abs=1e-4)
    before, after = (load_file(run["checkpoint"] / "adapter_model.safetensors") for run in (tuned, log))
    assert before.keys() == after.keys()
    assert any(not torch.equal(before[name], after[name]) for name in before)


@pytest.mark.usefixtures("unequal")
def test_a_stopped_grpo_ends_where_an_unbroken_one_does(
    reinforce: Reinforce, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = reinforce("whole", save_total_limit=2)
    original, calls = tuning.HashtagGrpoTrainer.evaluate, []

    def stopped(self: Any, *arguments: Any, **options: Any) -> Any:
        calls.append(1)
        if len(calls) == 3:  # the first is before the first step
            raise KeyboardInterrupt
        return original(self, *arguments, **options)

    with monkeypatch.context() as patch:
        patch.setattr(tuning.HashtagGrpoTrainer, "evaluate", stopped)
        with pytest.raises(KeyboardInterrupt):
            reinforce("stopped", save_total_limit=2)
    resumed = reinforce("stopped", save_total_limit=2)
    assert resumed["steps"] == whole["steps"] == 4
    steps = [[entry["step"] for entry in run["log"] if "eval_f1@1" in entry] for run in (whole, resumed)]
    assert steps == [[0, 2, 4], [0, 2, 2, 4]]  # the resumed run scores where it begins, too
    last = [
        tmp_path / f"{name}-checkpoints" / "checkpoint-4" / "adapter_model.safetensors" for name in ("whole", "stopped")
    ]
    expected, weights = map(load_file, last)
    for name in expected:
        torch.testing.assert_close(weights[name], expected[name])


@pytest.mark.usefixtures("unequal")
def test_grpo_learns_as_with_trls_own_log_probabilities(reinforce: Reinforce, monkeypatch: pytest.MonkeyPatch) -> None:
    """Which projects whole prompts onto the vocabulary."""
    found = reinforce("own", max_steps=1)
    monkeypatch.delattr(tuning.HashtagGrpoTrainer, "_get_per_token_logps_and_entropies")
    expected = reinforce("trl", max_steps=1)
    for name in ("grad_norm", "entropy"):
        values = [next(entry[name] for entry in run["log"] if name in entry) for run in (found, expected)]
        assert values[0] == pytest.approx(values[1], rel=1e-3) and values[0] > 0


def test_grpo_reads_the_generators_prompts(
    recipe: Recipe,
    examples: list[GeneratorExample],
    reinforce: Reinforce,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Token for token: TRL's own way from text to tokens is not taken."""
    read: list[list[int]] = []
    original = GRPOTrainer._generate_single_turn

    def spied(self: GRPOTrainer, prompt_ids: list[list[int]], *arguments: Any) -> Any:
        read.extend(prompt_ids)
        return original(self, prompt_ids, *arguments)

    monkeypatch.setattr(GRPOTrainer, "_generate_single_turn", spied)
    reinforce("run")
    form = begin(recipe)[1]
    prompts = [form.prompt(example.post, example.context) for example in examples]
    assert len(read) == 32 and all(prompt in prompts for prompt in read)


def test_an_answer_must_end(recipe: Recipe) -> None:
    form = begin(recipe)[1]
    read = answer_reader(form)
    answer = form.target(["cloud", "a", "cloud"])
    assert read(answer) == ["cloud", "a", "cloud"]
    assert read([*answer, 5, 6]) == ["cloud", "a", "cloud"]
    assert read(answer[:-1]) is None


def test_settings_of_grpo_are_checked() -> None:
    with pytest.raises(TypeError, match="post"):
        GrpoRecipe(**{"post": 3})
