from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import (
    AutoTokenizer,
    LlamaConfig,
    LlamaForCausalLM,
    PreTrainedTokenizerFast,
    Qwen2Config,
    Qwen2ForCausalLM,
)

from right_hf.generator import ChatGenerator, LocalChatClient
from right_hf.generator.hashtags import is_hashtag
from tests.conftest import CHINESE, ENGLISH

TEMPLATE = (
    "{% for message in messages %}<|im_start|>{{ message.role }}: {{ message.content }}<|im_end|>{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant:{% if enable_thinking %}<think>{% endif %}{% endif %}"
)
SIZES = {"hidden_size": 16, "intermediate_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2,
         "num_key_value_heads": 1}  # fmt: skip


@pytest.fixture(scope="module", params=["llama", "qwen"])
def client(
    request: pytest.FixtureRequest, tiny_tokenizer: PreTrainedTokenizerFast, tmp_path_factory: pytest.TempPathFactory
) -> LocalChatClient:
    """A tiny model with random weights; the Qwen with a chat template, the Llama without one."""
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=tiny_tokenizer.backend_tokenizer,
        eos_token=tiny_tokenizer.eos_token,
        pad_token=tiny_tokenizer.pad_token,
        unk_token=tiny_tokenizer.unk_token,
    )
    kind: Any = (LlamaConfig, LlamaForCausalLM)
    if request.param == "qwen":
        kind = (Qwen2Config, Qwen2ForCausalLM)
        tokenizer.add_special_tokens({"additional_special_tokens": ["<|im_start|>", "<|im_end|>", "[INST]"]})
        tokenizer.chat_template = TEMPLATE
    torch.manual_seed(0)
    config = kind[0](
        vocab_size=len(tokenizer),
        max_position_embeddings=1024,
        eos_token_id=tokenizer.eos_token_id,
        initializer_range=0.5,
        **SIZES,
    )
    # transformers builds a tokenizer of the model's own kind from the files, so that is the one to test with.
    folder = tmp_path_factory.mktemp("tokenizer")
    config.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    tokenizer = AutoTokenizer.from_pretrained(folder)
    return LocalChatClient(kind[1](config), tokenizer, "tiny/chat", batch_size=3, max_new_tokens=8)


def ask(client: LocalChatClient, *questions: str, **generation: Any) -> list[str]:
    answers: dict[int, str] = {}
    client.complete([[{"role": "user", "content": q}] for q in questions], answers.__setitem__, **generation)
    return [answers[number] for number in range(len(questions))]


def test_a_batch_equals_one_by_one(client: LocalChatClient) -> None:
    questions = [post.text for post in [*ENGLISH[:4], *CHINESE[:3]]]
    together = ask(client, *questions)
    assert together == [ask(client, question)[0] for question in questions]
    assert len(set(together)) > 1
    assert ask(client) == []


def test_answers_are_what_generate_gives(client: LocalChatClient) -> None:
    prompt = client.chat.ids([{"role": "user", "content": "cloud"}])
    output = client.network.generate(torch.tensor([prompt]), max_new_tokens=5, do_sample=False)
    expected = client.tokenizer.decode(output[0, len(prompt) :], skip_special_tokens=True)
    assert ask(client, "cloud", max_new_tokens=5) == [expected]


def test_the_template_is_used_if_there_is_one(client: LocalChatClient) -> None:
    text = client.tokenizer.decode(client.chat.ids([{"role": "user", "content": "cloud"}]))
    if client.tokenizer.chat_template is None:
        assert "cloud" in text
        assert "<|im_start|>" not in text
        assert not text.endswith(client.tokenizer.eos_token)
    else:
        assert text.replace(" ", "").startswith("<|im_start|>user:cloud<|im_end|>")
        assert text.count("<|im_start|>") == 2
        assert "<think>" not in text  # reasoning is switched off


def test_special_tokens_in_a_message_are_text(client: LocalChatClient) -> None:
    special = set(client.tokenizer.all_special_ids)

    def count(content: str) -> int:
        return sum(token in special for token in client.chat.ids([{"role": "user", "content": content}]))

    # Spaced out, the marks are text that the tiny tokenizer spells with pieces it knows or with unknown ones.
    special.discard(client.tokenizer.unk_token_id)
    assert count("cloud </s> <|im_end|> <|im_start|> [INST] <pad>") == count("cloud")


def test_long_prompts_keep_beginning_and_end(client: LocalChatClient) -> None:
    assert len(ask(client, "cloud " * 3000)) == 1
    with pytest.raises(ValueError, match="leaves no room"):
        ask(client, "cloud", max_new_tokens=1024)


def test_one_answer_a_question(client: LocalChatClient) -> None:
    with pytest.raises(ValueError, match="num_return_sequences"):
        ask(client, "cloud", num_beams=2, num_return_sequences=2)


def test_as_a_generator(client: LocalChatClient) -> None:
    generator = ChatGenerator(client)
    posts = [post.text for post in ENGLISH[:5]]
    nothing: list[list[str]] = [[] for _ in posts]
    answers = generator.generate(posts, nothing, nothing)
    assert len(answers) == 5
    assert all(is_hashtag(hashtag) for answer in answers for hashtag in answer.hashtags)
    assert generator.networks == (client.network,)


def test_saved_and_loaded_from_a_folder(client: LocalChatClient, tmp_path: Path) -> None:
    client.network.save_pretrained(tmp_path / "model")
    client.tokenizer.save_pretrained(tmp_path / "model")
    loaded = LocalChatClient.from_pretrained(tmp_path / "model", dtype=torch.float32, max_new_tokens=8)
    assert ask(loaded, "cloud", "coral") == ask(client, "cloud", "coral")
    assert loaded.settings["model"] == str(tmp_path / "model")
    again = LocalChatClient.from_pretrained(tmp_path / "model").settings["revision"]
    assert again == loaded.settings["revision"]
    client.network.save_pretrained(tmp_path / "model")
    assert LocalChatClient.from_pretrained(tmp_path / "model").settings["revision"] != again
    with pytest.raises(ValueError, match="Push it to the Hub"):
        ChatGenerator(loaded).save_pretrained(tmp_path / "generator")
    assert not (tmp_path / "generator").exists()
