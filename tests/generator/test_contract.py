"""The generators of this package and one from outside, run through what every generator promises."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
import torch

from right_hf.generator import ChatGenerator, DecoderGenerator, Generation, Generator, HubChatClient, Seq2SeqGenerator
from right_hf.generator.network import NetworkGenerator
from right_hf.posts import normalise_hashtag
from right_hf.registry import register_component
from tests.support.chat_server import ChatServer, chat_server
from tests.support.generator_contract import POSTS, GeneratorContract


class NetworkContract(GeneratorContract):
    """Of those whose weights lie in a folder."""

    @pytest.fixture
    def folder(self, generator: NetworkGenerator, tmp_path: Path) -> Path:
        generator.save_pretrained(tmp_path / "generator")
        return tmp_path / "generator"

    @pytest.mark.parametrize(
        ("name", "content"),
        [
            ("model.safetensors", None),
            ("model.safetensors", b""),
            ("model.safetensors", "truncated"),
            ("tokenizer.json", None),
            ("tokenizer.json", b"{}"),
            ("config.json", b"{"),
            ("generator_config.json", b"{"),
            ("generator_config.json", b"[]"),
            ("generator_config.json", b'{"max_length": 5}'),
        ],
    )
    def test_damaged_folders_are_refused(
        self, generator: NetworkGenerator, folder: Path, name: str, content: bytes | str | None
    ) -> None:
        path = folder / name
        if content is None:
            path.unlink()
        else:
            path.write_bytes(path.read_bytes()[:-100] if isinstance(content, str) else content)
        with pytest.raises(ValueError, match=r"(?s)generator.* again"):
            type(generator).from_pretrained(folder)

    def test_pickled_weights_are_not_read(self, generator: NetworkGenerator, folder: Path) -> None:
        (folder / "model.safetensors").unlink()
        torch.save(generator.networks[0].state_dict(), folder / "pytorch_model.bin")
        with pytest.raises(ValueError, match=r"pytorch_model\.bin may be a pickle file.*Convert"):
            type(generator).from_pretrained(folder)


class TestSeq2Seq(NetworkContract):
    @pytest.fixture
    def generator(self, tiny_generator: Seq2SeqGenerator) -> Seq2SeqGenerator:
        return tiny_generator


class TestDecoder(NetworkContract):
    @pytest.fixture
    def generator(self, tiny_decoder: DecoderGenerator) -> DecoderGenerator:
        return tiny_decoder


@pytest.mark.loopback
class TestChat(GeneratorContract):
    @pytest.fixture
    def server(self) -> Iterator[ChatServer]:
        marks = {post.split()[0]: f"#Cloud Nr {number}" for number, post in enumerate(POSTS)}
        with chat_server(lambda question: next(said for mark, said in marks.items() if mark in question)) as running:
            yield running

    @pytest.fixture
    def generator(self, server: ChatServer) -> ChatGenerator:
        return ChatGenerator(HubChatClient("tiny/chat", base_url=server.base_url))

    @pytest.fixture
    def options(self, server: ChatServer) -> dict[str, Any]:
        return {"send_posts_to": server.base_url}


@register_component
class LongestWords(Generator):
    """A generator from outside: the longest words of a post are its hashtags, the longer the likelier."""

    type = "longest-words"

    def __init__(self, most: int = 2) -> None:
        self.most = most

    def generate(
        self,
        posts: Sequence[str],
        contexts: Sequence[Sequence[str]],
        candidates: Sequence[Sequence[str]] | None = None,
        **generation: Any,
    ) -> list[Generation]:
        found = []
        for row, (post, context) in enumerate(zip(posts, contexts, strict=True)):
            words = dict.fromkeys(normalise_hashtag(word)[:32] for word in [*post.split(), *context])
            tags = sorted(filter(None, words), key=len, reverse=True)[: self.most]
            pool = [] if candidates is None else [*tags, *candidates[row]]
            found.append(Generation(tags, {tag: -1 / len(tag) for tag in pool}))
        return found

    @property
    def settings(self) -> dict[str, Any]:
        return {"most": self.most}

    @classmethod
    def from_folder(cls, folder: str | Path, most: int | None = None) -> LongestWords:
        settings = cls.saved_settings(Path(folder))
        return cls(**settings if most is None else {"most": most})


class TestFromOutside(GeneratorContract):
    @pytest.fixture
    def generator(self) -> LongestWords:
        return LongestWords(3)

    def test_its_own_option_is_passed(self, generator: LongestWords, tmp_path: Path) -> None:
        generator.save_pretrained(tmp_path / "generator")
        assert LongestWords.from_pretrained(tmp_path / "generator").most == 3
        loaded = LongestWords.from_pretrained(tmp_path / "generator", most=1)  # type: ignore[call-arg]
        assert [len(answer.hashtags) for answer in loaded.generate(POSTS[:2], [[], []])] == [1, 1]
