from __future__ import annotations

import json
import logging
import subprocess
import sys
import textwrap
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from transformers import pipeline

from right_hf import BiEncoderSelector, BM25Retriever, Post, RightConfig, RightModel
from right_hf.evaluation import RIGHT, RIGHT_WRITTEN, right_answers, run_generator, run_right, score_answers
from right_hf.generator import AnswerStore, ChatError, ChatGenerator, HubChatClient, Requests
from right_hf.generator.chat import CONSENT_VARIABLE
from right_hf.generator.chat_client import KEY_VARIABLE
from right_hf.generator.chat_prompts import chat_prompt
from right_hf.generator.chat_store import Message
from right_hf.vocabulary import Vocabulary
from tests.support.chat_server import ChatServer, Fault, chat_server

SECRET = "sk-a1b2c3-never-seen"
POSTS = ["Windows desktop in the cloud", "sourdough bread", "Windows desktop in the cloud"]


class Scripted:
    """Answers from a table, and can fail at a question."""

    def __init__(self, script: Callable[[str], str], name: str = "scripted") -> None:
        self.script = script
        self.name = name
        self.asked: list[str] = []

    @property
    def settings(self) -> dict[str, Any]:
        return {"model": self.name}

    def complete(self, conversations: Sequence[Sequence[Message]], keep: Callable[[int, str], None], **_: Any) -> None:
        for number, messages in enumerate(conversations):
            self.asked.append(messages[-1]["content"])
            keep(number, self.script(messages[-1]["content"]))


def nothing(posts: Sequence[str]) -> list[list[str]]:
    return [[] for _ in posts]


@pytest.fixture
def server() -> Iterator[ChatServer]:
    with chat_server(lambda question: "#cloud #new tag" if "Windows" in question else "None") as running:
        yield running


def hub_client(server: ChatServer, concurrency: int = 8) -> HubChatClient:
    requests = Requests(concurrency, first_wait=0.01)
    return HubChatClient("tiny/chat", base_url=server.base_url, requests=requests)


def composite(
    retriever: BM25Retriever, selector: BiEncoderSelector, generator: ChatGenerator, fused: bool
) -> RightModel:
    fusion = {"intercept": 0.0, "log_likelihood": 0.5, "written": 1.0, "ranking": 1.0, "retrieved": 0.0, "in_post": 0.5}
    return RightModel(RightConfig(fusion=fusion if fused else None), retriever, selector, generator)


def test_answers_follow_the_posts() -> None:
    client = Scripted(lambda question: "#cloud" if "Windows" in question else "I would rather not.")
    answers = ChatGenerator(client).generate(POSTS, nothing(POSTS), nothing(POSTS))
    assert [answer.hashtags for answer in answers] == [["cloud"], [], ["cloud"]]
    assert all(answer.log_likelihoods == {} for answer in answers)
    assert len(client.asked) == 2  # the same question is asked once
    assert ChatGenerator(client).generate([], [], []) == []


def test_an_answer_is_filtered_by_what_is_allowed() -> None:
    generator = ChatGenerator(Scripted(lambda question: "#DevOps #cloud #Rust" if "cloud" in question else "#bread"))
    answers = generator.generate(POSTS, [[]] * 3, allowed=Vocabulary(["Cloud", "dev-ops"]))
    assert [answer.hashtags for answer in answers] == [["dev-ops", "cloud"], [], ["dev-ops", "cloud"]]


def test_zero_shot_without_a_context_and_right_with_one() -> None:
    client = Scripted(lambda _: "")
    ChatGenerator(client).generate(["a post", "a post"], [[], ["dev ops"]], [[], []])
    assert "potential hashtags" not in client.asked[0]
    assert "There are some potential hashtags: #dev ops." in client.asked[1]


def test_chinese() -> None:
    client = Scripted(lambda _: "#MWC2014# #手机#")
    (answer,) = ChatGenerator(client, "zh").generate(["新手机的电池很耐用"], [["手机"]], [[]])
    assert answer.hashtags == ["mwc2014", "手机"]
    assert "话题标签" in client.asked[0]
    with pytest.raises(ValueError, match="Known: en, zh"):
        ChatGenerator(client, "fr")


def test_the_template_is_chosen_and_kept(tmp_path: Path) -> None:
    client = Scripted(lambda _: "#cloud")
    ChatGenerator(client, template="short").generate(["a post"], [["dev ops"]], [[]])
    assert client.asked == [chat_prompt("a post", ["dev ops"], "en", "short")]
    ChatGenerator(HubChatClient("m"), "zh", template="short").save_pretrained(tmp_path)
    loaded = ChatGenerator.from_pretrained(tmp_path, send_posts_to="hub:auto")
    assert (loaded.language, loaded.template) == ("zh", "short")


def test_kept_answers_are_not_asked_for_again(tmp_path: Path) -> None:
    def ask(client: Scripted, posts: list[str], **generation: Any) -> list[list[str]]:
        with AnswerStore(tmp_path / "answers.sqlite") as store:
            answers = ChatGenerator(client, store=store).generate(posts, nothing(posts), nothing(posts), **generation)
        return [answer.hashtags for answer in answers]

    client = Scripted(lambda _: "#cloud")
    first = ask(client, POSTS)
    assert len(client.asked) == 2
    assert ask(client, [*POSTS, "one more"]) == [*first, ["cloud"]]
    assert len(client.asked) == 3
    ask(client, POSTS, temperature=1.0)  # another question
    ask(Scripted(lambda _: "#other", name="another model"), POSTS)
    assert len(client.asked) == 5
    assert b"Windows" not in (tmp_path / "answers.sqlite").read_bytes()


@pytest.mark.loopback
def test_zero_shot_evaluation(server: ChatServer) -> None:
    posts = [Post("1", POSTS[0], ("cloud",)), Post("2", POSTS[1], ("bread",))]
    answers = run_generator(ChatGenerator(hub_client(server)), posts)
    assert [answer.sequence for answer in answers] == [["cloud", "new tag"], []]
    assert score_answers(answers, posts, "en")["f1@1"] == 50.0


@pytest.mark.loopback
@pytest.mark.parametrize("fused", [False, True])
def test_right_with_a_chat_model(
    server: ChatServer, english_retriever: BM25Retriever, tiny_selector: BiEncoderSelector, fused: bool
) -> None:
    model = composite(english_retriever, tiny_selector, ChatGenerator(hub_client(server)), fused)
    posts = [Post("1", POSTS[0], ("cloud",)), Post("2", POSTS[1], ("bread",))]
    systems = right_answers(model, run_right(model, posts))
    assert [answer.ranking for answer in systems[RIGHT_WRITTEN]] == [["cloud", "new tag"], []]
    assert (RIGHT in systems) == fused
    assert all("There are some potential hashtags: #" in question for question in server.questions())
    found = model.recommend(POSTS[:2])
    if fused:
        assert {r.hashtag: r.source for r in found[0]}["cloud"] == "both"
        assert {r.source for r in found[1]} == {"retrieved"}
    else:
        assert [(r.hashtag, r.score, r.source) for r in found[0]] == [
            ("cloud", 1.0, "both"),
            ("new tag", 0.5, "generated"),
        ]
        assert found[1] == []
    assert str(model.device) == "cpu"


@pytest.mark.loopback
def test_a_checkpoint_sends_posts_only_where_the_user_allows_it(
    server: ChatServer, english_retriever: BM25Retriever, tiny_selector: BiEncoderSelector, tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture,
) -> None:  # fmt: skip
    monkeypatch.setenv(KEY_VARIABLE, SECRET)
    folder = tmp_path / "checkpoint"
    with caplog.at_level(logging.DEBUG):
        model = composite(english_retriever, tiny_selector, ChatGenerator(hub_client(server)), fused=False)
        expected = model.recommend(POSTS)
        model.save_pretrained(folder)
    settings = json.loads((folder / "generator" / "generator_config.json").read_text(encoding="utf-8"))
    assert {settings[name] for name in ("generator_type", "model", "base_url", "language")} == {
        "chat", "tiny/chat", server.base_url, "en"
    }  # fmt: skip
    assert [path.name for path in (folder / "generator").iterdir()] == ["generator_config.json"]
    assert not any(SECRET.encode() in path.read_bytes() for path in folder.rglob("*") if path.is_file())
    assert SECRET not in caplog.text

    asked = len(server.requests)
    for consent in ({}, {"send_posts_to": "hub:auto"}, {"send_posts_to": server.base_url + "/other"}):
        with pytest.raises(PermissionError, match="Nothing was sent"):
            RightModel.from_pretrained(folder, **consent)
    assert len(server.requests) == asked

    assert RightModel.from_pretrained(folder, send_posts_to=server.base_url).recommend(POSTS) == expected
    pipe: Any = pipeline("hashtag-recommendation", model=str(folder), model_kwargs={"send_posts_to": server.base_url})
    assert pipe(POSTS[0])[0]["hashtag"] == "cloud"
    monkeypatch.setenv(CONSENT_VARIABLE, f"hub:auto {server.base_url}")
    assert RightModel.from_pretrained(folder).recommend(POSTS) == expected


def test_consent_does_no_harm_to_other_checkpoints(model: RightModel, tmp_path: Path) -> None:
    model.save_pretrained(tmp_path / "checkpoint")
    loaded = RightModel.from_pretrained(tmp_path / "checkpoint", send_posts_to="hub:auto")
    assert loaded.recommend(["bread"]) == model.recommend(["bread"])


@pytest.mark.parametrize(
    "change",
    [{"client": "pickle"}, {"client": None}, {"client": ["hub"]}, {"api_key": SECRET}, {"model": 3},
     {"base_url": "file:///etc/passwd"}, {"max_new_tokens": True}, {"max_new_tokens": -1}, {"headers": {"x": "y"}},
     {"language": "tlh"}, {"template": "mine"}, {"template": []}, {"provider": None}],
    ids=str,
)  # fmt: skip
def test_settings_of_a_stranger_are_checked(tmp_path: Path, change: dict[str, Any]) -> None:
    ChatGenerator(HubChatClient("m")).save_pretrained(tmp_path)
    file = tmp_path / "generator_config.json"
    file.write_text(json.dumps(json.loads(file.read_text(encoding="utf-8")) | change), encoding="utf-8")
    with pytest.raises(ValueError, match=r"settings of a chat model|must be|must hold|There is no prompt"):
        ChatGenerator.from_pretrained(tmp_path, send_posts_to="hub:auto")


def test_a_local_chat_model_of_an_earlier_version_is_now_a_decoder(tmp_path: Path) -> None:
    settings = {"generator_type": "chat", "client": "local", "model": "org/chat", "revision": None, "language": "zh"}
    (tmp_path / "generator_config.json").write_text(json.dumps(settings), encoding="utf-8")
    with pytest.raises(ValueError, match=r"asks 'org/chat' on this machine.*save DecoderGenerator\(.*paper"):
        ChatGenerator.from_pretrained(tmp_path, send_posts_to="hub:auto")


def test_a_checkpoint_is_loaded_with_a_store_and_so_many_requests_at_once(model: RightModel, tmp_path: Path) -> None:
    client = HubChatClient("tiny/chat", base_url="http://localhost:8000/v1")
    RightModel(model.config, model.retriever, model.selector, ChatGenerator(client)).save_pretrained(tmp_path / "right")
    place = {"send_posts_to": client.server, "store": tmp_path / "answers.sqlite", "concurrency": 48}
    loaded: Any = RightModel.from_pretrained(tmp_path / "right", **place).generator  # type: ignore[arg-type]
    assert loaded.client.requests == Requests(48)
    with loaded.store as store:
        assert store.path == tmp_path / "answers.sqlite"
    with pytest.raises(ValueError, match="concurrency must be at least 1"):
        RightModel.from_pretrained(tmp_path / "right", **(place | {"concurrency": 0}))  # type: ignore[arg-type]


def test_a_hub_provider_is_named_in_full(tmp_path: Path) -> None:
    ChatGenerator(HubChatClient("org/chat", provider="novita")).save_pretrained(tmp_path)
    with pytest.raises(PermissionError, match="send_posts_to='hub:novita'"):
        ChatGenerator.from_pretrained(tmp_path)
    loaded = ChatGenerator.from_pretrained(tmp_path, send_posts_to="hub:novita")
    assert loaded.client.settings == HubChatClient("org/chat", provider="novita").settings


RUN = """
    import sys
    from right_hf.generator import AnswerStore, ChatGenerator, HubChatClient, Requests

    client = HubChatClient("tiny/chat", base_url=sys.argv[1], requests=Requests(concurrency=1))
    posts = [f"post {i}" for i in range(12)]
    nothing = [[] for _ in posts]
    ChatGenerator(client, store=AnswerStore(sys.argv[2])).generate(posts, nothing, nothing)
"""


@pytest.mark.slow
@pytest.mark.loopback
def test_a_killed_run_goes_on(tmp_path: Path) -> None:
    file = tmp_path / "answers.sqlite"
    posts = [f"post {i}" for i in range(12)]
    with chat_server(lambda question: f"#tag {question.split()[-2]}x") as server:
        server.faults = [None] * 5 + [Fault("hang")]
        run = subprocess.Popen([sys.executable, "-c", textwrap.dedent(RUN), server.base_url, str(file)])
        try:
            assert server.hanging.wait(100)
        finally:
            run.kill()
            run.wait()
        before = len(server.requests)
        with AnswerStore(file) as store:
            assert len(store) == 5
            client = HubChatClient("tiny/chat", base_url=server.base_url)
            answers = ChatGenerator(client, store=store).generate(posts, nothing(posts), nothing(posts))
        assert [answer.hashtags for answer in answers] == [[f"tag {i}x"] for i in range(12)]
        asked_again = server.questions()[before:]
        assert len(asked_again) == 7
        assert not set(asked_again) & set(server.questions()[:5])


@pytest.mark.loopback
def test_a_failed_run_keeps_what_was_answered(server: ChatServer, tmp_path: Path) -> None:
    posts = [f"Windows {i}" for i in range(6)]
    server.faults = [None, None, None, Fault("status", 401)]
    with AnswerStore(tmp_path / "answers.sqlite") as store:
        generator = ChatGenerator(hub_client(server, concurrency=1), store=store)
        with pytest.raises(ChatError, match="3 of 6 questions"):
            generator.generate(posts, nothing(posts), nothing(posts))
        assert len(store) == 3
        assert len(generator.generate(posts, nothing(posts), nothing(posts))) == 6
    assert len(server.requests) == 4 + 3
