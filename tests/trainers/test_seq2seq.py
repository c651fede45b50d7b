from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import PreTrainedTokenizerFast, Seq2SeqTrainer

from right_hf import Post
from right_hf.generator.prompt import SeparatorFormat
from right_hf.trainers.bases import generator_base
from right_hf.trainers.examples import GeneratorExample, plain_examples
from right_hf.trainers.seq2seq import EncodedExamples, GeneratorShape, adamw, t5_from_scratch, train_generator
from right_hf.trainers.noise import ContextNoise
from right_hf.trainers.recipe import GeneratorRecipe

SHAPE = GeneratorShape(d_model=16, d_ff=32, d_kv=8, num_heads=2, num_layers=1, num_decoder_layers=1, dropout_rate=0.1)
ARGUMENTS: dict[str, Any] = {
    "num_train_epochs": 3,
    "per_device_train_batch_size": 4,
    "generation_max_length": 4,
    "use_cpu": True,
    "disable_tqdm": True,
    "dataloader_pin_memory": False,
}


@pytest.fixture
def examples(english_posts: list[Post]) -> list[GeneratorExample]:
    return plain_examples(english_posts)


def train(
    tokenizer: PreTrainedTokenizerFast, examples: list[GeneratorExample], output: Path
) -> tuple[dict[str, torch.Tensor], dict[str, Any]]:
    model = t5_from_scratch(SHAPE, tokenizer, seed=0)
    form = SeparatorFormat(tokenizer, 32, 8)
    log = train_generator(model, form, examples, examples[:4], output, ARGUMENTS, seed=0, token_dropout=0.2)
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
    assert [path.name for path in (tmp_path / "stopped").glob("checkpoint-*")] == ["checkpoint-3"]
    resumed, resumed_log = train(tiny_tokenizer, examples, tmp_path / "stopped")
    assert resumed_log["steps"] == log["steps"] == 9
    for name, weights in expected.items():
        torch.testing.assert_close(resumed[name], weights)


def test_embeddings_learn_at_their_own_rate(tiny_tokenizer: PreTrainedTokenizerFast) -> None:
    model = t5_from_scratch(SHAPE, tiny_tokenizer, seed=0)
    others, embeddings = adamw(model, 1e-3, 0.0, embedding_factor=10).param_groups
    assert (others["lr"], embeddings["lr"]) == (1e-3, 1e-2)
    assert [id(parameter) for parameter in embeddings["params"]] == [id(model.shared.weight)]
    assert len(others["params"]) + 1 == len(list(model.parameters()))


def test_noise_shows_foreign_hashtags_and_none(tiny_tokenizer: PreTrainedTokenizerFast) -> None:
    form = SeparatorFormat(tiny_tokenizer, 32, 8)
    examples = [GeneratorExample("a post", (tag,), ("cloud",)) for tag in ("bread", "coral", "farming")]

    def contexts(noise: ContextNoise | None) -> list[tuple[int, ...]]:
        torch.manual_seed(0)
        read = EncodedExamples(examples, form, noise=noise)
        return [tuple(read[0]["input_ids"]) for _ in range(400)]

    own, none, foreign = (tuple(form.source("a post", context)) for context in (("bread",), (), ("coral",)))
    assert set(contexts(None)) == {own}
    assert set(contexts(ContextNoise(empty=1.0))) == {none}
    drawn = contexts(ContextNoise(random=0.3, empty=0.2))
    assert drawn == contexts(ContextNoise(random=0.3, empty=0.2))  # by the seed
    assert drawn.count(none) / len(drawn) == pytest.approx(0.2, abs=0.06)
    assert drawn.count(foreign) / len(drawn) == pytest.approx(0.1, abs=0.05)  # one of three
    with pytest.raises(ValueError, match="together at most 1"):
        ContextNoise(random=0.8, empty=0.3)


def test_several_generators_start_from_one_base(english_posts: list[Post], tmp_path: Path) -> None:
    shape = {name: size for name, size in vars(SHAPE).items() if name != "dropout_rate"}
    recipe = GeneratorRecipe(vocabulary_size=300, shape=shape, copying={"steps": 2, "batch_size": 2})
    first, _ = generator_base(recipe, english_posts, 0, tmp_path / "base")
    rehearsing = replace(recipe, copying={"steps": 2, "batch_size": 2, "rehearsed": 0.5}, token_dropout=0.1)
    second, _ = generator_base(rehearsing, english_posts[1:], 1, tmp_path / "base")
    for name, weight in first.state_dict().items():
        torch.testing.assert_close(second.state_dict()[name], weight)
    with pytest.raises(ValueError, match="other settings or data"):
        generator_base(replace(recipe, copying={"steps": 3}), english_posts, 0, tmp_path / "base")
