"""SEGTRM as a generator: what it writes, how it is saved, and its training."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import pytest
import torch
from reproduction.pretraining import prepare
from reproduction.segtrm import (
    SegmentFormat,
    SegtrmForHashtagGeneration,
    SegtrmGenerator,
)
from reproduction.segtrm.shape import segtrm_from_scratch
from reproduction.segtrm.training import SegtrmTraining
from transformers import (
    AutoModelForSeq2SeqLM,
    BertModel,
)

from right_hf.evaluation import run_generator
from right_hf.generator import Generation
from right_hf.posts import Post
from right_hf.registry import load_component
from right_hf.trainers.examples import plain_examples
from right_hf.trainers.job import Job
from right_hf.trainers.recipe import build_recipe
from right_hf.trainers.seq2seq import train_generator
from tests.support.command_line import ROOT, run_script
from tests.support.smoke_data import write_splits
from tests.support.tiny_segtrm import CANDIDATES, NOTHING, POSTS, SHAPE, build


def assert_equal(found: list[Generation], expected: list[Generation]) -> None:
    assert [generation.hashtags for generation in found] == [generation.hashtags for generation in expected]
    for one, other in zip(found, expected, strict=True):
        assert one.log_likelihoods == pytest.approx(other.log_likelihoods, abs=1e-3)


@pytest.mark.parametrize("settings", [{}, {"num_beams": 3}, {"num_beams": 3, "num_return_sequences": 3}])
def test_batch_equals_single(segtrm_generator: SegtrmGenerator, settings: dict[str, Any]) -> None:
    batch = segtrm_generator.generate(POSTS, NOTHING, CANDIDATES, **settings)
    single = [
        segtrm_generator.generate([post], [[]], [more], **settings)[0]
        for post, more in zip(POSTS, CANDIDATES, strict=True)
    ]
    assert_equal(batch, single)
    assert len({tuple(generation.hashtags) for generation in batch}) > 1, "else nothing is compared"


def test_the_cache_changes_nothing(segtrm_generator: SegtrmGenerator) -> None:
    with_cache = segtrm_generator.generate(POSTS, NOTHING, NOTHING, num_beams=2)
    assert_equal(segtrm_generator.generate(POSTS, NOTHING, NOTHING, num_beams=2, use_cache=False), with_cache)


def test_log_likelihood_equals_the_loss_of_the_model(segtrm_generator: SegtrmGenerator) -> None:
    form = segtrm_generator.format
    for post, generation in zip(POSTS, segtrm_generator.generate(POSTS, NOTHING, CANDIDATES), strict=True):
        for hashtag, log_likelihood in generation.log_likelihoods.items():
            labels = torch.tensor([form.target([hashtag])])
            with torch.no_grad():
                output = segtrm_generator.model(input_ids=torch.tensor([form.source(post, [])]), labels=labels)
            at_end = output.logits[0, -1].log_softmax(0)
            end, separator = at_end[form.tokenizer.eos_token_id], at_end[form.sep2]
            total = -output.loss * labels.shape[1] - end + torch.logaddexp(end, separator)
            assert log_likelihood == pytest.approx(total.item() / labels.shape[1], abs=1e-3)


@pytest.fixture
def folder(segtrm_generator: SegtrmGenerator, tmp_path: Path) -> Path:
    segtrm_generator.save_pretrained(tmp_path / "generator")
    return tmp_path / "generator"


def test_save_and_load(segtrm_generator: SegtrmGenerator, folder: Path) -> None:
    assert {path.suffix for path in folder.iterdir()} == {".json", ".safetensors"}
    loaded = load_component("generator", folder)
    assert isinstance(loaded, SegtrmGenerator)
    assert (loaded.format.max_source_length, loaded.format.max_target_length) == (97, 10)
    expected = segtrm_generator.generate(POSTS, NOTHING, CANDIDATES, num_beams=2)
    assert loaded.generate(POSTS, NOTHING, CANDIDATES, num_beams=2) == expected
    assert isinstance(AutoModelForSeq2SeqLM.from_pretrained(folder), SegtrmForHashtagGeneration)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("model.safetensors", None),
        ("model.safetensors", b""),
        ("config.json", b"{"),
        ("config.json", b'{"model_type": "segtrm", "selection": "medium"}'),
        ("config.json", b'{"model_type": "t5", "hidden_size": 12, "num_hidden_layers": 1, "num_decoder_layers": 1}'),
        ("tokenizer.json", b"{}"),
    ],
)
def test_damaged_folders_are_refused(folder: Path, name: str, content: bytes | None) -> None:
    if content is None:
        (folder / name).unlink()
    else:
        (folder / name).write_bytes(content)
    with pytest.raises(ValueError, match=r"(?s)generator.* again"):
        SegtrmGenerator.from_pretrained(folder)


def test_more_segments_than_the_model_knows(segtrm_tokenizer: Any) -> None:
    model = build(segtrm_tokenizer)
    model.config.max_segments = 3
    with pytest.raises(ValueError, match="makes up to 15 segments, but the model knows 3"):
        SegtrmGenerator(model, segtrm_tokenizer)


# Training


def job(recipe: dict[str, Any], posts: list[Post], folder: Path) -> Job:
    values = {"language": "en", "generator": {"type": "segtrm", **recipe}}
    return Job(build_recipe(values, "the test's recipe"), posts, (), folder / "segtrm")


def test_a_base_from_scratch_keeps_its_tokenizer(english_posts: list[Post], tmp_path: Path) -> None:
    values = {"language": "en", "generator": {"type": "segtrm"}, "pretraining": {"generator": {"vocabulary_size": 300}}}
    base = prepare(values, english_posts, tmp_path).values["generator"]["base"]
    assert prepare(values, english_posts[:1], tmp_path).values["generator"]["base"] == base
    recipe = {"base": base, "shape": dataclasses.asdict(SHAPE)}
    model, tokenizer = SegtrmTraining().start(job(recipe, english_posts, tmp_path))
    again, kept = SegtrmTraining().start(job(recipe, english_posts[:1], tmp_path))
    assert kept.get_vocab() == tokenizer.get_vocab()
    assert model.config.vocab_size == len(tokenizer)
    for name, weight in again.state_dict().items():
        torch.testing.assert_close(weight, model.state_dict()[name])


def test_a_base_with_a_pretrained_encoder(segtrm_tokenizer: Any, bert_encoder: BertModel, tmp_path: Path) -> None:
    bert_encoder.save_pretrained(tmp_path / "bert")
    segtrm_tokenizer.save_pretrained(tmp_path / "bert")
    recipe = {"base": str(tmp_path / "bert"), "shape": {"num_decoder_layers": 1}}
    model, loaded = SegtrmTraining().start(job(recipe, [], tmp_path))
    layer, expected = model.encoder.bert.encoder.layer[0], bert_encoder.encoder.layer[0]
    torch.testing.assert_close(layer.output.dense.weight, expected.output.dense.weight)
    generator = SegtrmGenerator(model, loaded, 64, 8)
    assert generator.generate(["bread"], [[]], [["coral"]])[0].log_likelihoods["coral"] < 0


def test_the_training_script(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data, recipe = write_splits(tmp_path / "data"), str(ROOT / "training/configs/smoke-segtrm.yaml")
    command = ["training/train_generator.py", "--recipe", recipe, "--data", str(data)]
    command += ["--output", str(tmp_path / "segtrm")]
    run_script(command, monkeypatch)
    generator = load_component("generator", tmp_path / "segtrm")
    assert isinstance(generator, SegtrmGenerator)
    assert "bread" in generator.generate(["bread"], [[]], [["bread"]])[0].log_likelihoods
    with pytest.raises(ValueError, match="Leave out --selector"):
        run_script([*command, "--selector", str(tmp_path)], monkeypatch)


@pytest.mark.slow
def test_it_learns_eight_posts_by_heart(segtrm_tokenizer: Any, english_posts: list[Post], tmp_path: Path) -> None:
    posts = [post for post in english_posts if post.id != "e03"][:8]
    shape = dataclasses.replace(SHAPE, hidden_size=32, intermediate_size=64)
    model = segtrm_from_scratch(shape, segtrm_tokenizer, seed=0)
    arguments: dict[str, Any] = {
        "learning_rate": 1e-2,
        "warmup_steps": 5,
        "num_train_epochs": 100,
        "per_device_train_batch_size": 8,
        "eval_strategy": "steps",
        "eval_steps": 100,
        "save_strategy": "no",
        "load_best_model_at_end": False,
        "use_cpu": True,
        "disable_tqdm": True,
        "dataloader_pin_memory": False,
    }
    form = SegmentFormat(segtrm_tokenizer, 64, 24)
    examples = plain_examples(posts)
    log = train_generator(model, form, (examples, examples), job({"arguments": arguments}, posts, tmp_path))
    assert log["validation"]["f1@1"] == pytest.approx(2 * 8 / (8 + sum(len(post.hashtags) for post in posts)))
    answers = run_generator(SegtrmGenerator(model, segtrm_tokenizer, 64, 24), posts)
    assert [answer.sequence for answer in answers] == [list(post.hashtags) for post in posts]
