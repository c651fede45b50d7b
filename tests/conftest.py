"""Shared by all tests: tiny posts and models made here."""

from __future__ import annotations

import copy
import logging
import os

# Else the first request of a process asks the Hub for a list of user agents.
os.environ["HF_HUB_DISABLE_TELEMETRY"] = "1"

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import settings
from reproduction.pretraining.tokenizer import train_tokenizer
from sentence_transformers import SentenceTransformer
from transformers import (
    BertConfig,
    BertModel,
    LlamaConfig,
    LlamaForCausalLM,
    PreTrainedTokenizerFast,
    Qwen3Config,
    Qwen3ForCausalLM,
    T5Config,
    T5ForConditionalGeneration,
)

from right_hf import RightConfig, RightModel
from right_hf.generator import DecoderGenerator, Seq2SeqGenerator
from right_hf.generator.chat_prompts import chat_prompt
from right_hf.generator.chat_template import PLAIN_ENDING
from right_hf.generator.rows import padded
from right_hf.posts import Post
from right_hf.retriever import BM25Retriever, DenseRetriever
from right_hf.selector import BiEncoderSelector
from tests.support.loopback_hub.fixtures import hub, pauses
from tests.support.no_network import guard_sockets, refused_connections
from tests.support.static import static_encoder

__all__ = ["guard_sockets", "hub", "pauses", "refused_connections"]

torch.set_num_threads(1)
# A busy machine is no failure.
settings.register_profile("patient", deadline=None)
settings.load_profile("patient")

# e02 and e03 are near duplicates under the English analyser, and so are z02 and z03 under the Chinese one.
ENGLISH = [
    Post("e01", "Our dev ops team moves every Windows desktop into the cloud", ("devops", "cloud")),
    Post("e02", "Ten steps to plan a smooth cloud migration for small teams", ("cloud", "migration")),
    Post("e03", "Ten steps to plan a smooth cloud migration for small teams!", ("copied answer",)),
    Post("e04", "The cloud bill of our team doubled, time to look at unused storage", ("cloud", "costs")),
    Post("e05", "Warm seas bleach the coral reef faster than expected", ("climate change", "coral")),
    Post("e06", "A new report on warm seas and the coral reef is out", ("climate change",)),
    Post("e07", "Farmers plant earlier, the season has moved by ten days", ("climate change", "farming")),
    Post("e08", "The quick brown fox jumps over the lazy dog while jazz vexes quiz 0123 or 456 or 789", ("pangram",)),
    Post("e09", "Fresh bread: flour, water, salt and time", ("baking", "bread")),
    Post("e10", "My sourdough bread needs more time and a warm kitchen", ("baking", "sourdough")),
    Post("e11", "Late goal! What a match, what a team", ("football",)),
    Post("e12", "The match was lost in the first ten minutes, our team slept_in", ("football", "we-lost")),
]
CHINESE = [
    Post("z01", "今天天气很好，我们去公园看樱花", ("樱花", "春天")),
    Post("z02", "公园里的樱花开了，春天真的来了", ("樱花",)),
    Post("z03", "公园里的樱花开了，春天真的来了！", ("抄来的答案",)),
    Post("z04", "春天的风很大，出门要多穿衣服", ("春天", "天气")),
    Post("z05", "这家面馆的牛肉面很好吃，排队也值得", ("美食",)),
    Post("z06", "周末在家做牛肉面，汤要煮三个小时", ("美食", "做饭")),
    Post("z07", "新手机的电池很耐用，iPhone用户也羡慕", ("手机",)),
    Post("z08", "手机电池坏了，换一块要三百块", ("手机", "维修")),
]

#: As Qwen3 has it, down to the empty thought of an answer that needed none.
CHAT_TEMPLATE = (
    "{% set thought = '<think>\n\n</think>\n\n' %}"
    "{% for message in messages %}<|im_start|>{{ message.role }}\n"
    "{% if message.role == 'assistant' %}{{ thought }}{% endif %}{{ message.content }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% if not enable_thinking %}{{ thought }}{% endif %}"
    "{% endif %}"
)


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "loopback: may connect to 127.0.0.1")


@pytest.fixture(autouse=True)
def _own_log_level() -> Iterator[None]:
    """What a command sets for its process ends with the test that runs it in this one."""
    logger = logging.getLogger("right_hf")
    level = logger.level
    yield
    logger.setLevel(level)


@pytest.fixture(scope="session", autouse=True)
def _own_store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Converted models go to a folder of the session's, not to the user's."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("huggingface_hub.constants.HF_HOME", str(tmp_path_factory.mktemp("hf_home")))
        yield


@pytest.fixture(scope="session")
def english_posts() -> list[Post]:
    return list(ENGLISH)


@pytest.fixture(scope="session")
def chinese_posts() -> list[Post]:
    return list(CHINESE)


@pytest.fixture(scope="session")
def english_retriever(english_posts: list[Post]) -> BM25Retriever:
    return BM25Retriever.from_posts(english_posts)


@pytest.fixture(scope="session")
def tiny_tokenizer() -> PreTrainedTokenizerFast:
    """A tokenizer that knows every character of the posts above."""
    texts = [text for post in [*ENGLISH, *CHINESE] for text in (post.text, *post.hashtags)]
    return train_tokenizer(texts, vocabulary_size=400)


@pytest.fixture(scope="session")
def decoder_tokenizer() -> PreTrainedTokenizerFast:
    """The same for a decoder-only model: it knows the hash sign and the words of the prompts too."""
    texts = [
        text for post in [*ENGLISH, *CHINESE] for text in (post.text, " ".join(f"#{tag}" for tag in post.hashtags))
    ]
    prompts = [chat_prompt("", ["a"], language, "short") for language in ("en", "zh")]
    trained = train_tokenizer([*texts, *prompts, PLAIN_ENDING], vocabulary_size=400)
    return PreTrainedTokenizerFast(
        tokenizer_object=trained.backend_tokenizer, eos_token="</s>", pad_token="<pad>", unk_token="<unk>"
    )


@pytest.fixture(scope="session")
def chat_tokenizer(decoder_tokenizer: PreTrainedTokenizerFast) -> PreTrainedTokenizerFast:
    """The same with turns and a chat template."""
    tokenizer = copy.deepcopy(decoder_tokenizer)
    tokenizer.add_special_tokens({"additional_special_tokens": ["<|im_start|>", "<|im_end|>", "[INST]"]})
    tokenizer.chat_template = CHAT_TEMPLATE
    return tokenizer


@pytest.fixture(scope="session", params=["llama", "qwen"])
def tiny_decoder(
    request: pytest.FixtureRequest, decoder_tokenizer: PreTrainedTokenizerFast, chat_tokenizer: PreTrainedTokenizerFast
) -> DecoderGenerator:
    """A Llama without a chat template and a Qwen3 with one, of two layers each, which have seen the posts above."""
    kind: Any = (LlamaConfig, LlamaForCausalLM) if request.param == "llama" else (Qwen3Config, Qwen3ForCausalLM)
    tokenizer = decoder_tokenizer if request.param == "llama" else chat_tokenizer
    torch.manual_seed(0)
    config = kind[0](
        vocab_size=len(tokenizer),
        hidden_size=32,
        intermediate_size=64,
        num_hidden_layers=2,
        num_attention_heads=2,
        num_key_value_heads=1,
        head_dim=16,
        max_position_embeddings=512,
        eos_token_id=tokenizer.eos_token_id,
        initializer_range=0.2,
    )
    generator = DecoderGenerator(kind[1](config), tokenizer, "en", "short", 128, 16)
    teach(generator, [*ENGLISH, *CHINESE])
    return generator


def teach(generator: DecoderGenerator, posts: Sequence[Post], steps: int = 60) -> None:
    """Lets a tiny decoder learn the hashtags of posts, so that it writes some."""
    form, network = generator.format, generator.network
    network.set_attn_implementation("eager")  # the fused one takes long to differentiate
    rows = [(form.prompt(post.text, post.hashtags[:1]), form.target(post.hashtags)) for post in posts]
    longest = max(len(prompt) + len(target) for prompt, target in rows)
    ids = torch.tensor([[*p, *t, *[form.padding] * (longest - len(p) - len(t))] for p, t in rows])
    labels = torch.tensor([[*[-100] * len(p), *t, *[-100] * (longest - len(p) - len(t))] for p, t in rows])
    optimizer = torch.optim.AdamW(network.parameters(), lr=1e-2)
    for _ in range(steps):
        network(input_ids=ids, labels=labels).loss.backward()
        optimizer.step()
        optimizer.zero_grad()
    network.set_attn_implementation("sdpa")


@pytest.fixture(scope="session")
def tiny_bert(tiny_tokenizer: PreTrainedTokenizerFast, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a sentence-transformers model: a BERT of two layers with random weights."""
    torch.manual_seed(0)
    folder = tmp_path_factory.mktemp("bert")
    shape = {"hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 32}
    BertModel(BertConfig(vocab_size=len(tiny_tokenizer), **shape)).save_pretrained(folder / "plain")
    tiny_tokenizer.save_pretrained(folder / "plain")
    SentenceTransformer(str(folder / "plain"), device="cpu").save_pretrained(
        str(folder / "encoder"), create_model_card=False
    )
    return folder / "encoder"


@pytest.fixture(scope="session")
def dense_retriever(english_posts: list[Post], tiny_tokenizer: PreTrainedTokenizerFast) -> DenseRetriever:
    """Static embeddings with random weights, other than the selector's."""
    return DenseRetriever.from_posts(english_posts, static_encoder(tiny_tokenizer, dimensions=16, seed=1))


@pytest.fixture(scope="session")
def tiny_generator(tiny_tokenizer: PreTrainedTokenizerFast) -> Seq2SeqGenerator:
    """A T5 of one layer, which has seen the posts above; with random weights it would write nothing but loops."""
    torch.manual_seed(0)
    config = T5Config(
        vocab_size=len(tiny_tokenizer),
        d_model=16,
        d_ff=32,
        d_kv=8,
        num_heads=2,
        num_layers=1,
        num_decoder_layers=1,
        pad_token_id=tiny_tokenizer.pad_token_id,
        eos_token_id=tiny_tokenizer.eos_token_id,
        decoder_start_token_id=tiny_tokenizer.pad_token_id,  # type: ignore[call-arg]
    )
    generator = Seq2SeqGenerator(T5ForConditionalGeneration(config), tiny_tokenizer, 48, 10)
    teach_seq2seq(generator, [*ENGLISH, *CHINESE])
    return generator


def teach_seq2seq(generator: Seq2SeqGenerator, posts: Sequence[Post], steps: int = 60) -> None:
    """Lets a tiny T5 learn the hashtags of posts, so that it writes some."""
    form, padding = generator.format, generator.tokenizer.pad_token_id
    ids, mask = padded([form.source(post.text, post.hashtags[:1]) for post in posts], padding)
    labels, _ = padded([form.target(post.hashtags) for post in posts], -100)
    optimizer = torch.optim.AdamW(generator.model.parameters(), lr=1e-2)
    for _ in range(steps):
        generator.model(input_ids=ids, attention_mask=mask, labels=labels).loss.backward()
        optimizer.step()
        optimizer.zero_grad()


@pytest.fixture
def base(tiny_decoder: DecoderGenerator, tmp_path: Path) -> Path:
    """The folder of a plain decoder."""
    from tests.support.tiny_llm import saved_base

    return saved_base(tiny_decoder, tmp_path / "base")


@pytest.fixture
def adapter(base: Path, tiny_decoder: DecoderGenerator) -> DecoderGenerator:
    """An adapter on a base that lies in a folder of this machine."""
    from tests.support.tiny_llm import lora

    return lora(base, tiny_decoder.tokenizer)


@pytest.fixture(scope="session")
def tiny_selector(tiny_tokenizer: PreTrainedTokenizerFast) -> BiEncoderSelector:
    """Static embeddings with random weights."""
    return BiEncoderSelector(static_encoder(tiny_tokenizer, dimensions=16, seed=0))


@pytest.fixture(scope="session")
def model(
    english_retriever: BM25Retriever, tiny_selector: BiEncoderSelector, tiny_generator: Seq2SeqGenerator
) -> RightModel:
    """A composite of the tiny parts, with weights under which retrieved and written hashtags mix."""
    fusion = {"intercept": 0.0, "log_likelihood": 0.5, "written": 1.0, "ranking": 1.0, "retrieved": 0.0, "in_post": 0.5}
    return RightModel(RightConfig(fusion=fusion), english_retriever, tiny_selector, tiny_generator)


@pytest.fixture
def offline(monkeypatch: pytest.MonkeyPatch) -> None:
    """sentence-transformers asks the Hub about the base of a model unless the client is told to be offline."""
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory, model: RightModel) -> str:
    """The folder of a saved tiny checkpoint, which tests do not change."""
    folder = tmp_path_factory.mktemp("checkpoint") / "tiny"
    model.save_pretrained(folder)
    return str(folder)
