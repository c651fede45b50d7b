"""The generators of this package and one from outside, run through what every generator promises."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from right_hf.generator import ChatGenerator, DecoderGenerator, Generation, Generator, HubChatClient, Seq2SeqGenerator
from right_hf.posts import normalise_hashtag
from right_hf.registry import register_component
from tests.support.chat_server import ChatServer, chat_server
from tests.support.generator_contract import POSTS, GeneratorContract


class TestSeq2Seq(GeneratorContract):
    @pytest.fixture
    def generator(self, tiny_generator: Seq2SeqGenerator) -> Seq2SeqGenerator:
        return tiny_generator


class TestDecoder(GeneratorContract):
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
