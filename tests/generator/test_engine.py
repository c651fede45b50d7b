"""CTranslate2 in the place of PyTorch: what it does the same, what it leaves, copies, threads, conversions."""

from __future__ import annotations

import copy
import logging
import pickle
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import T5ForConditionalGeneration

from right_hf import RightModel
from right_hf.generator import DecoderGenerator, Generation, Seq2SeqGenerator
from right_hf.generator.network import NetworkGenerator
from right_hf.vocabulary import Vocabulary
from tests.conftest import ENGLISH
from tests.support.generator_contract import assert_same

pytest.importorskip("ctranslate2", reason="needs the extra 'fast'")

from right_hf.generator import ctranslate2_conversion
from tests.generator.test_engine_answers import assert_engines_agree, engine_of, t5, written

POSTS, CONTEXTS = [post.text for post in ENGLISH], [list(post.hashtags[:1]) for post in ENGLISH]
CANDIDATES = [["coral", "bread"]] * len(POSTS)
#: Of penalties, which count a decoder's prompt, and the token that it starts from, in transformers alone.
PENALTIES: list[dict[str, Any]] = [{"repetition_penalty": 1.5}, {"no_repeat_ngram_size": 2}]


def answers(generator: NetworkGenerator, **settings: Any) -> list[Generation]:
    return generator.generate(POSTS, CONTEXTS, CANDIDATES, **settings)


@pytest.fixture(params=["seq2seq", "decoder"])
def generator(
    request: pytest.FixtureRequest, tiny_generator: Seq2SeqGenerator, tiny_decoder: DecoderGenerator
) -> NetworkGenerator:
    return copy.deepcopy(tiny_generator if request.param == "seq2seq" else tiny_decoder)


def test_likelihoods_are_pytorchs(generator: NetworkGenerator) -> None:
    expected = answers(generator)
    generator.use_engine("ctranslate2", "float32")
    assert_same(answers(generator), expected)
    generator.use_engine("ctranslate2")
    pairs = zip(answers(generator), expected, strict=True)
    same = [(one, other) for one, other in pairs if one.hashtags == other.hashtags]
    assert len(same) > len(POSTS) / 2, "eight bits change few answers"
    for one, other in same:
        assert one.log_likelihoods == pytest.approx(other.log_likelihoods, abs=1e-5)


def refused(generator: NetworkGenerator, **settings: Any) -> bool:
    """Whether the engine leaves a call to PyTorch, whose answer is then given."""
    generator.use_engine("ctranslate2", "float32")
    engine, found = engine_of(generator), list[Any]()
    write = engine.write
    engine.write = lambda *given: found.append(write(*given)) or found[-1]  # type: ignore[method-assign,func-returns-value]
    answered = written(generator, list(zip(POSTS, CONTEXTS, strict=True)), settings)
    assert len(answered) == len(POSTS)
    return not found or found[0] is None


@pytest.mark.parametrize(
    "settings",
    [
        {"do_sample": True},
        {"num_beams": 2},
        {"num_beams": 2, "early_stopping": "never"},
        {"min_new_tokens": 2},
        *PENALTIES,
        {"bad_words_ids": [[5]]},
        {"allowed": Vocabulary(["coral"])},
    ],
    ids=str,
)
def test_what_it_would_do_otherwise_is_left_to_pytorch(generator: NetworkGenerator, settings: dict[str, Any]) -> None:
    assert refused(generator, **settings)


def test_a_length_that_counts_the_prompt_is_left_to_pytorch(tiny_decoder: DecoderGenerator) -> None:
    assert refused(copy.deepcopy(tiny_decoder), max_length=140)


def test_the_models_own_generation_arguments_count(tiny_generator: Seq2SeqGenerator) -> None:
    generator = copy.deepcopy(tiny_generator)
    generator.model.generation_config.length_penalty = 2.0
    asked = list(zip(POSTS, CONTEXTS, strict=True))
    assert_engines_agree(generator, asked, {"num_beams": 3, "early_stopping": True})
    generator.model.generation_config.forced_eos_token_id = 1
    assert refused(generator)


def test_samples_follow_the_seed(generator: NetworkGenerator) -> None:
    generator.use_engine("ctranslate2")
    found = []
    for _ in range(2):
        torch.manual_seed(7)
        found.append(answers(generator, do_sample=True))
    assert_same(found[0], found[1])


@pytest.mark.parametrize("copied", [copy.deepcopy, lambda generator: pickle.loads(pickle.dumps(generator))])
@pytest.mark.parametrize("after", [False, True], ids=["before the first answer", "after it"])
def test_copies_have_an_engine_of_their_own(
    generator: NetworkGenerator, copied: Callable[[Any], Any], after: bool
) -> None:
    generator.use_engine("ctranslate2")
    if after:
        answers(generator)
    other = copied(generator)
    assert engine_of(other) is not engine_of(generator)
    assert_same(answers(other), answers(generator))
    assert engine_of(other)._runner is not None


def test_changed_weights_are_pytorchs(generator: NetworkGenerator, caplog: pytest.LogCaptureFixture) -> None:
    generator.use_engine("ctranslate2", "float32")
    answers(generator)
    with torch.no_grad():
        generator.model.get_input_embeddings().weight.mul_(-1)
    changed = answers(generator)
    assert "weights have changed" in caplog.text
    for other in (copy.deepcopy(generator), generator):
        assert_same(answers(other), changed)
        other.use_engine("torch")
        assert_same(answers(other), changed)
    generator.use_engine("ctranslate2", "float32")
    assert_same(answers(generator), changed)
    assert len(caplog.records) == 1


def test_in_training_and_elsewhere_pytorch_writes(generator: NetworkGenerator) -> None:
    generator.use_engine("ctranslate2")
    generator.model.train()
    assert engine_of(generator).write([[1]], {"max_new_tokens": 2}) is None
    generator.model.eval().to("meta")
    assert engine_of(generator).write([[1]], {"max_new_tokens": 2}) is None


def test_saved_are_the_weights_of_pytorch(generator: NetworkGenerator, tmp_path: Path) -> None:
    expected = answers(generator)
    generator.save_pretrained(tmp_path / "plain")
    generator.use_engine("ctranslate2")
    answers(generator)
    generator.save_pretrained(tmp_path / "engine")
    files = [{path.name: path.read_bytes() for path in (tmp_path / name).iterdir()} for name in ("plain", "engine")]
    assert files[0] == files[1]
    loaded = type(generator).from_pretrained(tmp_path / "engine", engine="torch")
    assert loaded.engine is None
    assert_same(answers(loaded), expected)
    fast = type(generator).from_pretrained(tmp_path / "engine", engine="ctranslate2", compute_type="float32")
    assert_same(answers(fast), expected)
    assert engine_of(fast)._runner is not None


def test_where_nobody_asked_the_answers_are_pytorchs(generator: NetworkGenerator, tmp_path: Path) -> None:
    generator.save_pretrained(tmp_path / "saved")
    loaded = type(generator).from_pretrained(tmp_path / "saved")
    assert_same(answers(loaded), answers(generator))
    assert engine_of(loaded)._runner.compute_type == "float32"


def test_adapters_are_merged_for_it_and_stay_adapters(adapter: DecoderGenerator) -> None:
    adapter.model.eval()
    asked = list(zip(POSTS, CONTEXTS, strict=True))
    assert_engines_agree(adapter, asked, {})
    assert adapter.is_adapted and hasattr(adapter.model, "get_base_model")


def test_threads_may_write_at_once(generator: NetworkGenerator) -> None:
    generator.use_engine("ctranslate2")
    expected = written(copy.deepcopy(generator), list(zip(POSTS, CONTEXTS, strict=True)), {})
    with ThreadPoolExecutor(4) as pool:
        found = pool.map(lambda i: generator.generate([POSTS[i]], [CONTEXTS[i]])[0].hashtags, [*range(len(POSTS))] * 3)
    assert list(found) == expected * 3


def test_it_has_pytorchs_threads_and_leaves_them(
    tiny_generator: Seq2SeqGenerator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ctranslate2_conversion, "_FORMAT", "a key that is not there yet")
    generator = copy.deepcopy(tiny_generator)
    generator.use_engine("ctranslate2")
    threads = torch.get_num_threads()
    try:
        for wanted in (1, 2):
            torch.set_num_threads(wanted)
            answers(generator)
            assert engine_of(generator)._threads == wanted == torch.get_num_threads()
    finally:
        torch.set_num_threads(threads)


def test_it_computes_in_children_of_a_fork(generator: NetworkGenerator) -> None:
    generator.use_engine("ctranslate2")
    answers(generator)
    engine_of(generator)._renew()  # as a fork does, whose child has none of its parent's threads
    assert engine_of(generator)._runner is None
    answers(generator)
    assert engine_of(generator)._runner is not None


def test_networks_that_it_does_not_know(tiny_tokenizer: Any, caplog: pytest.LogCaptureFixture) -> None:
    class Other(T5ForConditionalGeneration):
        """One that may compute otherwise."""

    config = t5(tiny_tokenizer).model.config
    generator = Seq2SeqGenerator(Other(config), tiny_tokenizer, 48, 10)
    with pytest.raises(ValueError, match=r"cannot run a Other.*engine='torch'"):
        generator.use_engine("ctranslate2")
    generator.use_engine(None)
    assert len(answers(generator)) == len(POSTS) and engine_of(generator)._runner is None
    assert not caplog.text


def test_a_wrong_conversion_is_found(
    generator: NetworkGenerator, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def wrong(model: Any, compute_type: str, folder: Path) -> None:
        other = copy.deepcopy(model)
        with torch.no_grad():
            other.get_input_embeddings().weight.mul_(1.5)
        convert(other, compute_type, folder)

    expected = answers(generator)
    convert = ctranslate2_conversion.convert
    monkeypatch.setattr(ctranslate2_conversion, "convert", wrong)
    monkeypatch.setattr(ctranslate2_conversion, "_FORMAT", "another key")
    generator.use_engine("ctranslate2", "float32")
    assert_same(answers(generator), expected)
    assert "PyTorch writes in CTranslate2's place" in caplog.text and "off on average" in caplog.text


def test_converting_leaves_the_network_alone(generator: NetworkGenerator, tmp_path: Path) -> None:
    before = copy.deepcopy(generator.model.state_dict())
    ctranslate2_conversion.convert(generator.model, "int8", tmp_path)
    after = generator.model.state_dict()
    assert before.keys() == after.keys() and all(torch.equal(before[name], after[name]) for name in before)


def test_a_key_is_of_weights_configuration_and_compute_type(tiny_generator: Seq2SeqGenerator) -> None:
    model = tiny_generator.model
    others = [copy.deepcopy(model) for _ in range(3)]
    with torch.no_grad():
        others[1].lm_head.weight[3, 2] += 1e-3
    others[2].config.relative_attention_max_distance += 1
    keys = [ctranslate2_conversion.key_of(one, "int8") for one in (model, *others)]
    keys.append(ctranslate2_conversion.key_of(model, "float32"))
    assert keys[0] == keys[1] and len(set(keys)) == 4


def test_a_checkpoint_passes_it_on(checkpoint: str) -> None:
    fast = RightModel.from_pretrained(checkpoint, engine="ctranslate2", compute_type="float32")
    plain = RightModel.from_pretrained(checkpoint, engine="torch")
    assert isinstance(fast.generator, Seq2SeqGenerator) and isinstance(plain.generator, Seq2SeqGenerator)
    assert fast.recommend(POSTS) == plain.recommend(POSTS)
    assert engine_of(fast.generator)._runner is not None and plain.generator.engine is None


def test_a_compute_type_that_there_is_not(tiny_generator: Seq2SeqGenerator) -> None:
    generator = copy.copy(tiny_generator)
    with pytest.raises(ValueError, match=r"no compute_type 'int3' .*int8"):
        generator.use_engine("ctranslate2", "int3")
    with pytest.raises(ValueError, match="Give both, or neither"):
        generator.use_engine("torch", "int8")


def test_logging_is_quiet(tiny_generator: Seq2SeqGenerator, caplog: pytest.LogCaptureFixture) -> None:
    generator = copy.deepcopy(tiny_generator)
    generator.use_engine("ctranslate2")
    with caplog.at_level(logging.WARNING):
        answers(generator)
    assert not caplog.text
