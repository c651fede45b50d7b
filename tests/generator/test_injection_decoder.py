"""The same posts before a decoder-only model that writes whatever they ask for: nothing but hashtags comes out."""

from __future__ import annotations

import copy
import re
from collections.abc import Callable, Sequence
from typing import Any

import pytest
import torch
from transformers import LlamaConfig, LlamaForCausalLM

from right_hf import BiEncoderSelector, BM25Retriever, RightConfig, RightModel
from right_hf.generator import DecoderGenerator
from right_hf.posts import clean_post
from tests.conftest import CHAT_TEMPLATE
from tests.generator.test_decoder_format import byte_level
from tests.generator.test_injection import INJECTIONS, MANNERS, MARKED, Injection, assert_hashtags

pytestmark = pytest.mark.slow

TURNS = ["<|im_start|>", "<|im_end|>", "<|endoftext|>", "[gMASK]", "[UNUSED_TOKEN_145]"]
ROOM = 96


class Obedient(LlamaForCausalLM):
    """Writes a script for each row of a batch, and knows likelihoods of its own for anything else."""

    scripts: Sequence[Sequence[int]] = ()
    first = 0

    def forward(self, input_ids: torch.Tensor, **settings: Any) -> Any:
        output = super().forward(input_ids=input_ids, **settings)
        place = settings["cache"].get_seq_length() - self.first
        if len(input_ids) == len(self.scripts) and place >= 0 and input_ids.shape[1] == 1:
            for row, script in enumerate(self.scripts):
                output.logits[row, -1, script[place] if place < len(script) else 0] = 1e4
        return output


@pytest.fixture(scope="module", params=["plain", "chat"])
def generator(request: pytest.FixtureRequest) -> DecoderGenerator:
    """Its tokenizer can spell any text; token 0 is the end."""
    tokenizer = byte_level()
    if request.param == "chat":
        tokenizer.add_special_tokens({"additional_special_tokens": TURNS})
        tokenizer.chat_template = CHAT_TEMPLATE
    torch.manual_seed(0)
    sizes = {"hidden_size": 16, "intermediate_size": 16, "num_hidden_layers": 1, "num_attention_heads": 1}
    network = Obedient(LlamaConfig(vocab_size=len(tokenizer), max_position_embeddings=1024, eos_token_id=0, **sizes))
    return DecoderGenerator(network, tokenizer, "en", "short", 768, ROOM)


def in_language(generator: DecoderGenerator, language: str) -> DecoderGenerator:
    other = copy.copy(generator)
    other.format = copy.copy(generator.format)
    other.format.language = language
    return other


def obey(generator: DecoderGenerator, posts: Sequence[str], answers: Sequence[str]) -> list[list[str]]:
    """What comes out where the model writes `answers`."""
    network, contexts = generator.network, [["cloud"] for _ in posts]
    network.scripts = [generator.tokenizer(answer)["input_ids"] for answer in answers]
    network.first = max(len(generator.format.prompt(*pair)) for pair in zip(posts, contexts, strict=True))
    found = generator.generate(posts, contexts, contexts)
    network.scripts = ()
    for one in found:
        assert set(one.log_likelihoods) == {"cloud", *one.hashtags}
    return [one.hashtags for one in found]


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("manner", ["as it is", "as a hashtag", "the post", "after a hashtag"])
def test_a_model_that_obeys(generator: DecoderGenerator, language: str, manner: str) -> None:
    asked = [injection for injection in INJECTIONS if injection.language == language]
    answers = [MANNERS[manner](injection) for injection in asked]
    written = obey(in_language(generator, language), [clean_post(one.text) for one in asked], answers)
    for hashtags in written:
        assert_hashtags(hashtags)
    if manner == "after a hashtag":
        # A thought that never ends is no answer.
        known = [one for one in asked if "<think>" not in one.payload]
        begun = sum(bool(tags) and tags[0].startswith("cloud") for tags in written)
        assert begun > 0.8 * len(known), "else nothing was written"
    if manner == "as it is":
        assert [tags for tags, one in zip(written, asked, strict=True) if tags and one.id not in MARKED] == []


@pytest.mark.parametrize("manner", MANNERS.values(), ids=MANNERS)
def test_nothing_but_hashtags_is_read(generator: DecoderGenerator, manner: Callable[[Injection], str]) -> None:
    for injection in INJECTIONS:
        form = in_language(generator, injection.language).format
        ids = generator.tokenizer(manner(injection))["input_ids"]
        assert_hashtags(form.hashtags(ids))
        assert_hashtags(form.hashtags(ids[: len(ids) // 2]))  # broken off, maybe within a character


@pytest.mark.parametrize("injection", INJECTIONS, ids=lambda injection: injection.id)
def test_no_post_forges_the_prompt(generator: DecoderGenerator, injection: Injection) -> None:
    special = set(generator.tokenizer.all_special_ids)
    form = in_language(generator, injection.language).format
    for context in ([], ["cloud"], ["cloud", injection.text]):
        for text in (injection.text, clean_post(injection.text), injection.text * 50):
            ids, harmless = form.prompt(text, context), form.prompt("a harmless post", context[:1])
            assert [token for token in ids if token in special] == [token for token in harmless if token in special]
            pieces = re.split(r"\n<tweet>\n|\n</tweet>", form.tokenizer.decode(ids))
            expected = re.split(r"\n<tweet>\n|\n</tweet>", form.tokenizer.decode(harmless))
            assert len(pieces) == len(expected) == 3
            assert pieces[0] == expected[0] and not re.search(r"[<>\n]", pieces[1])
            assert pieces[2].startswith(expected[2].partition("#cloud")[0])
            assert len(ids) <= form.max_prompt_length


def test_the_composite_recommends_nothing_but_hashtags(
    generator: DecoderGenerator, english_retriever: BM25Retriever, tiny_selector: BiEncoderSelector
) -> None:
    model = RightModel(RightConfig(), english_retriever, tiny_selector, generator)
    for injection in INJECTIONS[::20]:
        post = clean_post(f"{injection.text} Windows desktop in the cloud")
        network = generator.network
        [trace] = model.trace([post])
        offered = [candidate.hashtag for candidate in trace.candidates[: model.config.context_hashtags]]
        network.scripts = [generator.tokenizer(f"#cloud #{injection.payload}")["input_ids"]]
        network.first = len(generator.format.prompt(post, offered))
        [found] = model.recommend([post], top_k=20)
        network.scripts = ()
        assert_hashtags([one.hashtag for one in found])
        assert "cloud" in {one.hashtag for one in found} or "<think>" in injection.payload
