from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from right_hf.corpus import Corpus
from right_hf.posts import Post
from right_hf.preferences import Preferences
from right_hf.ranker.choose import Choice, preferred_score
from right_hf.ranker.records import Recommendation, Source
from right_hf.reading import Reading
from right_hf.safety import Safety
from right_hf.spelling.variants import Merge


def posts(hashtag: str, number: int, author: str | None = None) -> list[Post]:
    return [Post(f"{hashtag} {row}", f"{hashtag} {row}", (hashtag,), author=author) for row in range(number)]


def ranked(*hashtags: str, source: Source = "retrieved") -> list[Recommendation]:
    """In this order, from 0.9 down."""
    return [Recommendation(tag, round(0.9 - row / 10, 4), source, [f"{tag} 0"]) for row, tag in enumerate(hashtags)]


def embed(hashtags: Sequence[str]) -> Any:
    """Hashtags that begin alike point the same way."""
    letters = sorted({tag[0] for tag in hashtags})
    return np.asarray([[float(tag[0] == letter) for letter in letters] for tag in hashtags], dtype=np.float32)


def chosen(
    corpus: Corpus,
    found: list[Recommendation],
    text: str = "a post",
    top_k: int = 5,
    threshold: float = 0.0,
    **wished: Any,
) -> list[Recommendation]:
    present = tuple(wished.pop("hashtags", ()))
    choice = Choice(Reading(text, text, present), corpus, Preferences.of(**wished))
    return choice.choose(found, top_k, threshold, embed)


def tags(found: list[Recommendation]) -> list[str]:
    return [one.hashtag for one in found]


IOT = Corpus([
    *(Post(f"i{row}", f"text {row}", (spelling,)) for row, spelling in enumerate(["IoT", "IoT", "iot", "#IoT"])),
    *(Post(f"w{row}", f"word {row}", ("Windows Virtual Desktop",)) for row in range(2)),
    Post("c", "code", ("C#", "C++", "C", ".NET")),
    Post("p", "persian", ("هوش مصنوعی",)),
])  # fmt: skip


@pytest.mark.parametrize(
    ("style", "shown", "posted"),
    [
        (
            "words",
            ["iot", "windows virtual desktop", "csharp", "c"],
            ["#IoT", "#WindowsVirtualDesktop", "#csharp", "#C"],
        ),
        ("lower", ["iot", "windowsvirtualdesktop", "csharp", "c"], None),
        ("pascal", ["Iot", "WindowsVirtualDesktop", "CSharp", "C"], None),
        ("common", ["IoT", "WindowsVirtualDesktop", "csharp", "C"], None),
    ],
)
def test_styles(style: str, shown: list[str], posted: list[str] | None) -> None:
    found = chosen(IOT, ranked("iot", "windows virtual desktop", "c#", "c"), style=style)
    assert tags(found) == shown
    assert [one.posted for one in found] == (posted or [f"#{tag}" for tag in shown])


def test_only_what_the_platform_links_is_suggested() -> None:
    found = ranked("iot", "2024", "x" * 70, "👍", "هوش مصنوعی")
    assert [one.posted for one in chosen(IOT, found)] == ["#IoT", "#هوش_مصنوعی"]
    assert [one.posted for one in chosen(IOT, found, platform="weibo")] == ["#IoT#", "#هوش_مصنوعی#"]
    assert len(chosen(IOT, found, platform="x")) == 3  # it links a hundred characters


def test_what_the_post_has_is_left_out_or_marked() -> None:
    found = ranked("iot", "c#", "c")
    assert tags(chosen(IOT, found, hashtags=["IOT"], style="words")) == ["csharp", "c"]
    marked = chosen(IOT, found, hashtags=["IOT", "CSharp"], include_present=True, style="words")
    assert [(one.hashtag, one.present) for one in marked] == [("iot", True), ("csharp", True), ("c", False)]


def test_top_k_and_threshold_count_what_is_suggested() -> None:
    found = ranked("iot", "2024", "c#", "c", "c++")
    assert tags(chosen(IOT, found, top_k=2, style="lower")) == ["iot", "csharp"]
    assert tags(chosen(IOT, found, threshold=0.65, style="lower")) == ["iot", "csharp"]


def test_a_threshold_leaves_the_order_of_a_generator() -> None:
    found = [replace(one, score=score) for one, score in zip(ranked("iot", "c", "c++"), (0.5, 0.1, 0.4), strict=True)]
    assert tags(chosen(IOT, found, threshold=0.3, style="lower")) == ["iot", "cpp"]


def test_the_more_preferred_rise_the_others_stay() -> None:
    assert [preferred_score(score) for score in (0.0, 0.2, 0.5, 1.0)] == [0.0, 0.5, 0.8, 1.0]
    found = ranked("iot", "c#", "c")
    assert tags(chosen(IOT, found, preferred=["#C"], style="lower")) == ["c", "iot", "csharp"]
    assert tags(chosen(IOT, found, preferred=["nothing"], style="lower")) == ["iot", "csharp", "c"]
    assert tags(chosen(IOT, found, preferred=[], style="lower")) == ["iot", "csharp", "c"]
    assert [one.score for one in chosen(IOT, found, preferred=["C"])] == [0.9032, 0.9, 0.8]


def test_diversity() -> None:
    corpus = Corpus([*posts("aa", 1), *posts("ab", 1), *posts("b", 1)])
    found = ranked("aa", "ab", "b")
    assert tags(chosen(corpus, found, style="lower", diversity=0)) == ["aa", "ab", "b"]
    assert tags(chosen(corpus, found, style="lower", diversity=0.5)) == ["aa", "b", "ab"]
    assert tags(chosen(corpus, found, style="lower", diversity=0.5, top_k=2)) == ["aa", "b"]
    assert chosen(corpus, [], diversity=0.5) == []


PLURAL = Merge("bots", "bot")


@pytest.mark.parametrize(
    ("variant", "main", "shown"),
    [(2, 10, "bot"), (2, 9, "bots"), (5, 1, "bots"), (1, 0, "bots")],
)
def test_of_variants_one_is_suggested_and_the_main_one_where_far_more_use_it(
    variant: int, main: int, shown: str
) -> None:
    corpus = Corpus([*posts("bots", variant), *posts("bot", main), *posts("c", 1)], [PLURAL])
    found = chosen(corpus, ranked("bots", "bot", "c") if main else ranked("bots", "c"), style="words")
    assert tags(found) == [shown, "c"]
    assert found[0].score == 0.9
    assert found[0].evidence == (["bots 0", "bot 0"] if main else ["bots 0"])


def test_without_the_table_both_are_suggested() -> None:
    corpus = Corpus([*posts("bots", 2), *posts("bot", 10)])
    assert tags(chosen(corpus, ranked("bots", "bot"), style="words")) == ["bots", "bot"]


def test_a_variant_of_what_the_post_has_is_present_too() -> None:
    corpus = Corpus([*posts("bots", 2), *posts("bot", 10)], [PLURAL])
    assert chosen(corpus, ranked("bots", "bot"), hashtags=["Bot"]) == []


@pytest.mark.parametrize("text", ["Dinner with Maria Gonzalez tonight", "Maria Gonzalez's cake"])
def test_private_persons_are_not_suggested_until_three_have(text: str) -> None:
    found = ranked("maria gonzalez", "gonzalez", "maria cake", "cake", source="post")
    nobody = Corpus([*posts("other", 1)])
    assert tags(chosen(nobody, found, text, style="words")) == ["cake"]
    assert (
        tags(chosen(nobody, found, "maria gonzalez cake", style="words"))[0] == "maria gonzalez"
    )  # no name written so
    for carriers, is_public in (
        (posts("maria gonzalez", 2), False),
        (posts("maria gonzalez", 3), True),
        (posts("maria gonzalez", 9, author="one"), False),
        ([*posts("maria gonzalez", 9, author="one"), Post("b", "b", ("maria gonzalez",), author="two")], False),
    ):
        known = chosen(Corpus(carriers), found, text, style="words")
        assert ("maria gonzalez" in tags(known)) is is_public


def test_what_is_retrieved_has_evidence_and_the_rest_is_listed() -> None:
    corpus = Corpus(posts("known", 12))
    found = [Recommendation("known", 0.9, "retrieved", []), Recommendation("unknown", 0.8, "retrieved", [])]
    known, unknown = chosen(corpus, found, style="words")
    assert (known.source, len(known.evidence)) == ("retrieved", 10)
    assert set(known.evidence) <= {post.id for post in corpus}
    assert (unknown.source, unknown.evidence) == ("listed", [])


def test_what_is_preferred_is_no_way_round_the_rest() -> None:
    wants = Preferences.of(preferred=["2024", "xyzzy word"], safety=Safety(["xyzzy"])).wants(IOT)
    assert [tag for tag in ("iot", "2024", "xyzzy word") if wants(tag)] == ["iot"]
