from __future__ import annotations

import copy
import math
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import torch

from right_hf.generator import Generation, Seq2SeqGenerator

POSTS = ["Warm seas bleach the coral reef", "bread", "今天天气很好，我们去公园看樱花", ""]
CONTEXTS = [["climate change", "coral"], [], ["樱花"], ["cloud"]]
CANDIDATES = [["coral", "sourdough bread"], ["baking", "coral", "baking"], [], ["cloud"]]


def assert_equal(found: list[Generation], expected: list[Generation]) -> None:
    assert [generation.hashtags for generation in found] == [generation.hashtags for generation in expected]
    for one, other in zip(found, expected, strict=True):
        assert one.log_likelihoods == pytest.approx(other.log_likelihoods, abs=1e-4)


def single(generator: Seq2SeqGenerator, **settings: Any) -> list[Generation]:
    rows = zip(POSTS, CONTEXTS, CANDIDATES, strict=True)
    return [generator.generate([p], [c], [d], **settings)[0] for p, c, d in rows]


@pytest.mark.parametrize("settings", [{}, {"num_beams": 3}, {"num_beams": 3, "num_return_sequences": 3}])
def test_batch_equals_single(tiny_generator: Seq2SeqGenerator, settings: dict[str, Any]) -> None:
    batch = tiny_generator.generate(POSTS, CONTEXTS, CANDIDATES, **settings)
    assert_equal(batch, single(tiny_generator, **settings))
    assert any(generation.hashtags for generation in batch), "else nothing is compared"


def test_written_hashtags_and_candidates_are_scored(tiny_generator: Seq2SeqGenerator) -> None:
    for generation, candidates in zip(tiny_generator.generate(POSTS, CONTEXTS, CANDIDATES), CANDIDATES, strict=True):
        assert list(generation.log_likelihoods) == list(dict.fromkeys([*generation.hashtags, *candidates]))
        assert all(score <= 0 for score in generation.log_likelihoods.values())
        assert len(set(generation.hashtags)) == len(generation.hashtags)


def test_log_likelihood_equals_the_loss_of_the_model(tiny_generator: Seq2SeqGenerator) -> None:
    """-loss x T is the sum of log-probabilities with P(eos) at the end, where P(eos) + P(SEP2) is wanted."""
    form = tiny_generator.format
    found = tiny_generator.generate(POSTS, CONTEXTS, CANDIDATES)
    for post, context, generation in zip(POSTS, CONTEXTS, found, strict=True):
        for hashtag, log_likelihood in generation.log_likelihoods.items():
            labels = torch.tensor([form.target([hashtag])])
            with torch.no_grad():
                output = tiny_generator.model(input_ids=torch.tensor([form.source(post, context)]), labels=labels)
            at_end = output.logits[0, -1].softmax(0)
            end = at_end[form.tokenizer.eos_token_id].item()
            length = labels.shape[1]
            total = -output.loss.item() * length - math.log(end) + math.log(end + at_end[form.sep2].item())
            assert log_likelihood == pytest.approx(total / length, abs=1e-4)


def test_written_hashtags_are_those_of_the_model(tiny_generator: Seq2SeqGenerator) -> None:
    """Greedy decoding, step by step, without generate()."""
    form, model = tiny_generator.format, tiny_generator.model
    source = torch.tensor([form.source(POSTS[2], CONTEXTS[2])])
    written = [form.tokenizer.pad_token_id]
    while len(written) <= form.max_target_length and written[-1] != form.tokenizer.eos_token_id:
        with torch.no_grad():
            logits = model(input_ids=source, decoder_input_ids=torch.tensor([written])).logits
        written.append(int(logits[0, -1].argmax()))
    assert tiny_generator.generate(POSTS[2:3], CONTEXTS[2:3], [[]])[0].hashtags == form.hashtags(written[1:])


def test_several_sequences_stay_with_their_post(tiny_generator: Seq2SeqGenerator) -> None:
    one = tiny_generator.generate(POSTS, CONTEXTS, CANDIDATES, num_beams=3)
    three = tiny_generator.generate(POSTS, CONTEXTS, CANDIDATES, num_beams=3, num_return_sequences=3)
    assert len(three) == len(POSTS)
    for best, joined in zip(one, three, strict=True):
        assert joined.hashtags[: len(best.hashtags)] == best.hashtags
    assert sum(len(joined.hashtags) for joined in three) > sum(len(best.hashtags) for best in one)


def test_empty_batch_and_nothing_to_score(tiny_generator: Seq2SeqGenerator) -> None:
    assert tiny_generator.generate([], [], []) == []
    for generation in tiny_generator.generate(["bread", "coral"], [[], []], [[], []], max_new_tokens=1):
        assert set(generation.log_likelihoods) == set(generation.hashtags)


def test_lists_of_different_lengths_are_refused(tiny_generator: Seq2SeqGenerator) -> None:
    with pytest.raises(ValueError, match="zip"):
        tiny_generator.generate(["a", "b"], [[]], [[], []])


@pytest.fixture
def folder(tiny_generator: Seq2SeqGenerator, tmp_path: Path) -> Path:
    tiny_generator.save_pretrained(tmp_path / "generator")
    return tmp_path / "generator"


def test_save_and_load(tiny_generator: Seq2SeqGenerator, folder: Path) -> None:
    assert {path.suffix for path in folder.iterdir()} == {".json", ".safetensors"}
    loaded = Seq2SeqGenerator.from_pretrained(folder)
    assert (loaded.format.max_source_length, loaded.format.max_target_length) == (48, 10)
    assert loaded.generate(POSTS, CONTEXTS, CANDIDATES) == tiny_generator.generate(POSTS, CONTEXTS, CANDIDATES)


def test_weights_stored_in_half_precision_are_computed_in_full(
    tiny_generator: Seq2SeqGenerator, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    half = copy.deepcopy(tiny_generator.model).half()
    Seq2SeqGenerator(half, tiny_generator.tokenizer).save_pretrained(tmp_path / "half")
    assert Seq2SeqGenerator.from_pretrained(tmp_path / "half").model.get_input_embeddings().weight.dtype == torch.half
    assert 'dtype="float32"' in caplog.text
    caplog.clear()
    Seq2SeqGenerator.from_pretrained(tmp_path / "half", dtype="float32").save_pretrained(tmp_path / "small")
    loaded = Seq2SeqGenerator.from_pretrained(tmp_path / "small")
    assert loaded.model.dtype == torch.float32 and not caplog.text
    sizes = [(tmp_path / name / "model.safetensors").stat().st_size for name in ("half", "small")]
    assert sizes[1] == pytest.approx(sizes[0], rel=0.01)
    found, expected = (g.generate(POSTS[:1], [[]], CANDIDATES[:1])[0] for g in (loaded, tiny_generator))
    for hashtag in CANDIDATES[0]:
        assert found.log_likelihoods[hashtag] == pytest.approx(expected.log_likelihoods[hashtag], abs=0.02)


def test_threads_may_load_at_once(folder: Path) -> None:
    """transformers' own loading fails in two threads at once."""
    started = threading.Barrier(4)

    def load(_: int) -> list[Generation]:
        started.wait(60)
        return Seq2SeqGenerator.from_pretrained(folder).generate(POSTS, CONTEXTS, CANDIDATES)

    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(load, range(4)))
    assert answers == [answers[0]] * 4


def test_a_plain_model_folder_has_the_papers_lengths(folder: Path) -> None:
    (folder / "generator_config.json").unlink()
    form = Seq2SeqGenerator.from_pretrained(folder).format
    assert (form.max_source_length, form.max_target_length) == (180, 100)


def test_without_candidates_nothing_is_scored(tiny_generator: Seq2SeqGenerator) -> None:
    posts, contexts = ["Windows desktop in the cloud", "Fresh bread"], [["cloud"], []]
    scored = tiny_generator.generate(posts, contexts, [(), ()])
    plain = tiny_generator.generate(posts, contexts)
    assert [found.hashtags for found in plain] == [found.hashtags for found in scored]
    assert [found.log_likelihoods for found in plain] == [{}, {}]
