from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from reproduction.pretraining.t5 import T5Shape, t5_from_scratch
from torch.utils.data import Dataset
from transformers import PreTrainedTokenizerFast, Seq2SeqTrainer

from right_hf import Post
from right_hf.generator.prompt import HashtagFormat
from right_hf.generator.seq2seq import Seq2SeqGenerator
from right_hf.trainers.build import build_component
from right_hf.trainers.examples import plain_examples
from right_hf.trainers.job import GeneratorExample, Job
from right_hf.trainers.recipe import Recipe
from right_hf.trainers.seq2seq import EncodedExamples, Seq2SeqRecipe, adamw, train_generator

SHAPE = T5Shape(d_model=16, d_ff=32, d_kv=8, num_heads=2, num_layers=1, num_decoder_layers=1, dropout_rate=0.1)
ARGUMENTS: dict[str, Any] = {
    "num_train_epochs": 3,
    "per_device_train_batch_size": 4,
    "generation_max_length": 4,
    "use_cpu": True,
    "disable_tqdm": True,
    "dataloader_pin_memory": False,
}
RECIPE = Recipe("en", generator=Seq2SeqRecipe(token_dropout=0.2, arguments=ARGUMENTS))


@pytest.fixture
def examples(english_posts: list[Post]) -> list[GeneratorExample]:
    return plain_examples(english_posts)


def train(
    tokenizer: PreTrainedTokenizerFast, examples: list[GeneratorExample], output: Path, **job: Any
) -> tuple[dict[str, torch.Tensor], dict[str, Any]]:
    model = t5_from_scratch(SHAPE, tokenizer, seed=0)
    form = HashtagFormat(tokenizer, 32, 8)
    log = train_generator(model, form, (examples, examples[:4]), Job(RECIPE, (), (), output, **job))
    return model.state_dict(), log


@pytest.mark.slow
def test_a_stopped_run_ends_where_an_unbroken_one_does(
    tiny_tokenizer: PreTrainedTokenizerFast,
    examples: list[GeneratorExample],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    expected, log = train(tiny_tokenizer, examples, tmp_path / "unbroken")
    original, calls = Seq2SeqTrainer.evaluate, []

    def stopped(self: Seq2SeqTrainer, *arguments: Any, **options: Any) -> Any:
        calls.append(1)
        if len(calls) == 2:
            raise KeyboardInterrupt
        return original(self, *arguments, **options)

    with monkeypatch.context() as patch:
        patch.setattr(Seq2SeqTrainer, "evaluate", stopped)
        with pytest.raises(KeyboardInterrupt):
            train(tiny_tokenizer, examples, tmp_path / "stopped")
    assert [path.name for path in (tmp_path / "stopped-checkpoints").glob("checkpoint-*")] == ["checkpoint-3"]
    resumed, resumed_log = train(tiny_tokenizer, examples, tmp_path / "stopped")
    assert resumed_log["steps"] == log["steps"] == 9
    assert set(log["validation"]) == {"f1@1", "f1@5"}
    for name, weights in expected.items():
        torch.testing.assert_close(resumed[name], weights)


def test_embeddings_learn_at_their_own_rate(tiny_tokenizer: PreTrainedTokenizerFast) -> None:
    model = t5_from_scratch(SHAPE, tiny_tokenizer, seed=0)
    others, embeddings = adamw(model, 1e-3, 0.0, embedding_factor=10).param_groups
    assert (others["lr"], embeddings["lr"]) == (1e-3, 1e-2)
    assert [id(parameter) for parameter in embeddings["params"]] == [id(model.shared.weight)]
    assert len(others["params"]) + 1 == len(list(model.parameters()))


@pytest.mark.slow
def test_further_examples_are_mixed_in(
    tiny_tokenizer: PreTrainedTokenizerFast, examples: list[GeneratorExample], tmp_path: Path
) -> None:
    asked: list[HashtagFormat] = []

    def extra(form: HashtagFormat) -> Dataset[dict[str, list[int]]]:
        asked.append(form)
        return EncodedExamples(examples[:8], form)

    _, log = train(tiny_tokenizer, examples, tmp_path / "run", extra_examples=extra)
    assert len(asked) == 1
    assert log["steps"] == 15  # 12 examples and 8 more, batches of 4, 3 epochs


@pytest.mark.slow
def test_from_a_pretrained_model_to_a_generator(
    tiny_generator: Seq2SeqGenerator, english_posts: list[Post], tmp_path: Path
) -> None:
    tiny_generator.model.save_pretrained(tmp_path / "base")
    tiny_generator.tokenizer.save_pretrained(tmp_path / "base")
    (tmp_path / "base" / "training.json").write_text('{"seed": 5}')
    lengths = {"max_source_length": 32, "max_target_length": 8, "validation_posts": 2}
    generator = replace(RECIPE.generator, base=str(tmp_path / "base"), **lengths)
    job = Job(replace(RECIPE, generator=generator), english_posts[3:], english_posts[:3], tmp_path / "generator")
    build_component("generator", job)
    loaded = Seq2SeqGenerator.from_pretrained(tmp_path / "generator")
    assert (loaded.format.max_source_length, loaded.format.max_target_length) == (32, 8)
    assert loaded.generate(["bread"], [()], [("baking",)])[0].log_likelihoods["baking"] < 0
    record = (tmp_path / "generator" / "training.json").read_text()
    assert '"retrieval": false' in record and '"seed": 5' in record and str(tmp_path) not in record
    # Another base is another run.
    changed = {name: weight + 1 for name, weight in tiny_generator.model.state_dict().items()}
    tiny_generator.model.save_pretrained(tmp_path / "base", state_dict=changed)
    with pytest.raises(ValueError, match="other settings or data"):
        build_component("generator", job)


def test_a_generator_must_start_from_something(english_posts: list[Post], tmp_path: Path) -> None:
    job = Job(RECIPE, english_posts, (), tmp_path / "generator")
    with pytest.raises(ValueError, match=r"the recipe names none.*generator: \{base: "):
        build_component("generator", job)
    with pytest.raises(ValueError, match="`generator: null`"):
        build_component("generator", replace(job, recipe=replace(RECIPE, generator=None)))
