from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from transformers import pipeline

from right_hf import DEFAULT_CHECKPOINT, RightModel, Safety, Vocabulary
from right_hf.corpus import Corpus
from right_hf.posts import Post
from right_hf.preferences import Preferences, loaded
from right_hf.retriever import BM25Retriever
from right_hf.selector import BiEncoderSelector
from right_hf.spelling.platforms import PLATFORMS, postable
from right_hf.spelling.variant_table import VARIANTS_FILE
from right_hf.spelling.variants import Merge
from right_hf.text.hashtags import hashtag_key

POST = "Warm seas bleach the coral reef, our team moves to the cloud"
WRONG: list[tuple[dict[str, Any], type[Exception], str]] = [
    ({"style": "camel"}, ValueError, "style must be one of words, lower, pascal, common, got 'camel'"),
    ({"style": None}, ValueError, "style must be one of"),
    ({"platform": "myspace"}, ValueError, "Unknown platform 'myspace'. Known: mastodon, bluesky, x"),
    ({"allowed": "cloud"}, TypeError, "allowed: A vocabulary is made of many hashtags"),
    ({"allowed": []}, ValueError, "allowed: Got no hashtags"),
    ({"allowed": ["ok", "#"]}, ValueError, "allowed: 1 of 2 hashtags have no letter"),
    ({"preferred": "cloud"}, TypeError, "preferred: A vocabulary is made of many hashtags"),
    ({"preferred": [3]}, TypeError, "preferred: A vocabulary holds strings, got int"),
    ({"blocked": "cloud"}, TypeError, "blocked: A vocabulary is made of many hashtags"),
    ({"blocked_file": "/no/such/file"}, FileNotFoundError, "/no/such/file"),
    ({"safety": 3}, ValueError, 'safety must be "default", a file of terms, a Safety or None, got 3'),
    ({"safety": "/no/such/file"}, FileNotFoundError, "A safety list is a text file"),
    ({"min_count": -1}, ValueError, "min_count must be at least 0, got -1"),
    ({"min_count": 1.5}, ValueError, "min_count must be at least 0, got 1.5"),
    ({"diversity": 1.5}, ValueError, "diversity must lie between 0 and 1, got 1.5"),
    ({"diversity": "much"}, ValueError, "diversity must lie between 0 and 1, got 'much'"),
    ({"include_present": "yes"}, ValueError, "include_present must be True or False, got 'yes'"),
]


@pytest.fixture(scope="module")
def pipe(checkpoint: str) -> Any:
    return pipeline("hashtag-recommendation", model=checkpoint)


def tags(model: RightModel, post: str = POST, top_k: int = 100, **wished: Any) -> list[str]:
    return [one.hashtag for one in model.recommend([post], top_k, **wished)[0]]


@pytest.mark.parametrize(("wrong", "error", "message"), WRONG)
def test_wrong_values_are_told_in_a_sentence(
    model: RightModel, pipe: Any, checkpoint: str, wrong: dict[str, Any], error: type[Exception], message: str
) -> None:
    for ask in (
        lambda: model.recommend([POST], **wrong),
        lambda: pipe(POST, **wrong),
        lambda: pipeline("hashtag-recommendation", model=checkpoint, **wrong),
    ):
        with pytest.raises(error, match=re.escape(message)):
            ask()


@pytest.mark.parametrize(
    "wished",
    [
        {"style": "pascal"},
        {"platform": "weibo"},
        {"allowed": ["Cloud", "#Coral", "entirely new"]},
        {"preferred": ["costs"]},
        {"blocked": ["Cloud"]},
        {"min_count": 2},
        {"diversity": 0.5},
        {"safety": None},
    ],
)
def test_at_construction_or_at_the_call(model: RightModel, pipe: Any, checkpoint: str, wished: dict[str, Any]) -> None:
    expected = tags(model, top_k=5, **wished)
    assert [one["hashtag"] for one in pipe(POST, **wished)] == expected
    made = pipeline("hashtag-recommendation", model=checkpoint, **wished)
    assert [one["hashtag"] for one in made(POST)] == expected
    assert [[one["hashtag"] for one in found] for found in made([POST, POST], batch_size=2)] == [expected] * 2


def test_only_what_is_allowed_comes_out(model: RightModel) -> None:
    allowed = Vocabulary(["Cloud", "#Coral Reef", "brand new tag", "baking"])
    found = model.recommend([POST, "fresh bread"], top_k=100, allowed=allowed)
    assert all({one.hashtag for one in answer} <= set(allowed.hashtags) for answer in found)
    assert "cloud" in {one.hashtag for one in found[0]}
    for trace in model.trace(["Warm seas", "fresh bread"], preferences=Preferences.of(allowed=allowed)):
        assert set(trace.generation.hashtags) <= set(allowed.hashtags)


def test_what_is_allowed_comes_out_though_the_corpus_lacks_it() -> None:
    embedded = RightModel.from_pretrained(DEFAULT_CHECKPOINT)
    allowed = ["Machine Learning", "#CoralReefWatchers", "oceanographic sensors"]
    [found] = embedded.recommend(["Machine learning for the coral reef"], top_k=100, threshold=0, allowed=allowed)
    assert found[0].hashtag == "machine learning"
    assert {one.hashtag: (one.source, one.evidence) for one in found[1:]} == {
        "coralreefwatchers": ("listed", []),
        "oceanographic sensors": ("listed", []),
    }
    [preferred] = embedded.recommend(["warm seas"], top_k=100, threshold=0, preferred=allowed)
    assert {"coralreefwatchers", "oceanographic sensors"} <= {one.hashtag for one in preferred}


def test_what_is_not_wanted_is_not_suggested_because_the_generator_wrote_it(model: RightModel) -> None:
    written = {one.hashtag for one in model.recommend([POST], top_k=100)[0] if one.source == "generated"}
    assert written
    assert not written & set(tags(model, blocked=list(written)))
    assert not written & set(tags(model, min_count=1))


def test_what_is_blocked_does_not_come_out_whatever_its_spelling(model: RightModel, tmp_path: Path) -> None:
    everything = tags(model)
    assert {"cloud", "climate change"} <= set(everything)
    (tmp_path / "blocked.txt").write_text("# ours\n#ClimateChange\n", encoding="utf-8")
    left = tags(model, blocked=["Cloud"], blocked_file=tmp_path / "blocked.txt")
    assert not {"cloud", "climate change"} & set(left)
    assert tags(model, blocked=[]) == everything == tags(model, diversity=0.0, min_count=0, preferred=None)
    assert "cloud" in tags(model, blocked_file=tmp_path / "blocked.txt")


def test_preferred_hashtags_rise(model: RightModel) -> None:
    before = tags(model)
    last = before[-1]
    assert before.index(last) > tags(model, preferred=[last.upper()]).index(last)


def test_hashtags_of_few_posts_are_left_out(model: RightModel) -> None:
    corpus = model.retriever.corpus
    assert {corpus.hashtag_count(tag) >= 3 for tag in tags(model, min_count=3)} == {True}


def test_files_are_read_once(tmp_path: Path) -> None:
    (tmp_path / "terms.txt").write_text("xyzzy", encoding="utf-8")
    read = loaded({"blocked": ["a"], "blocked_file": tmp_path / "terms.txt", "safety": tmp_path / "terms.txt"})
    assert isinstance(read["safety"], Safety)
    assert [list(read["blocked"]), list(read["blocked_file"])] == [["a"], ["xyzzy"]]
    (tmp_path / "terms.txt").unlink()
    assert loaded(read) == read


@pytest.fixture
def rude(tiny_selector: BiEncoderSelector, model: RightModel, english_posts: list[Post]) -> RightModel:
    posts = [Post(f"r{row}", f"Warm seas number {row}", ("shitstorm", "coral", "xyzzy")) for row in range(3)]
    return RightModel(model.config, BM25Retriever.from_posts([*english_posts, *posts]), tiny_selector)


def test_the_safety_list_is_on_unless_it_is_turned_off(rude: RightModel, tmp_path: Path) -> None:
    for post in ("warm seas", "warm seas, what a shitstorm", "warm seas #shitstorm"):
        assert "shitstorm" not in tags(rude, post, include_present=True)
        assert "shitstorm" in tags(rude, post, include_present=True, safety=None)
    (tmp_path / "terms.txt").write_text("# mine\nxyzzy\n", encoding="utf-8")
    for safety in (tmp_path / "terms.txt", str(tmp_path / "terms.txt"), Safety(["xyzzy"])):
        own = tags(rude, "warm seas", safety=safety)
        assert "shitstorm" in own
        assert "xyzzy" not in own


def test_spellings_count_together_and_variants_are_one(
    tiny_selector: BiEncoderSelector, model: RightModel, tmp_path: Path
) -> None:
    spellings = ["covid 19", "COVID19", "COVID19", "covid-19", "COVID19"]
    posts = [Post(f"c{row}", f"warm virus number {row}", (tag,)) for row, tag in enumerate(spellings)]
    posts += [Post(f"b{row}", f"warm bots number {row}", ("bot" if row else "bots",)) for row in range(6)]
    posts += [Post("z", "other", ("other",))]
    retriever = BM25Retriever(Corpus(posts, [Merge("bots", "bot")]))
    assert [retriever.corpus.hashtag_count(tag) for tag in ("covid 19", "covid19", "#COVID-19")] == [5] * 3
    merged = RightModel(model.config, retriever, tiny_selector)
    assert tags(merged, "warm virus", style="common").count("COVID19") == 1
    assert "COVID19" in tags(merged, "warm virus", style="common", min_count=5)
    assert {"bot", "bots"} & set(tags(merged, "warm bots number")) == {"bot"}
    assert {"bot", "bots"} & set(tags(merged, "warm bots number", min_count=6)) == {"bot"}
    retriever.save_pretrained(tmp_path / "index")
    table = tmp_path / "index" / VARIANTS_FILE
    table.write_text("".join(line for line in table.open(encoding="utf-8") if not line.startswith("bots")), "utf-8")
    apart = RightModel(model.config, BM25Retriever.from_pretrained(tmp_path / "index"), tiny_selector)
    assert {"bot", "bots"} <= set(tags(apart, "warm bots number"))
    assert not {"bot", "bots"} & set(tags(apart, "warm bots number", min_count=6))


def test_canonically_equal_posts_and_hashtags_have_one_answer(
    tiny_selector: BiEncoderSelector, model: RightModel, english_posts: list[Post]
) -> None:
    answers = []
    for cafe in ("café", "cafe\u0301"):
        posts = [Post("k1", f"Warm {cafe} by the reef", (f"#{cafe}", cafe.upper())), Post("k2", "Warm bread", (cafe,))]
        own = RightModel(
            model.config, BM25Retriever.from_posts([*english_posts, *posts]), tiny_selector, model.generator
        )
        assert own.retriever.corpus.hashtag_count(cafe) == 2
        for query in ("Warm café and #reef", "Warm cafe\u0301 and #reef"):
            answers.append(own.recommend([query], top_k=100, include_present=True))
        assert tags(own, "warm café", allowed=[cafe]) == ["café"]
        assert "café" not in tags(own, "warm café", blocked=[cafe])
    assert all(answer == answers[0] for answer in answers)


@given(
    st.lists(
        st.sampled_from(["warm", "seas", "cloud", "C++", "#IoT", "می\u200cخواهم", "हिन्दी", "🎉", "Ａ１", "e\u0301t"]),
        min_size=2,
    )
)
def test_what_is_shown_can_be_posted_and_is_the_same_hashtag(model: RightModel, words: list[str]) -> None:
    plain = model.recommend([" ".join(words)], top_k=100, style="words")[0]
    kept = {hashtag_key(one.hashtag) for one in plain}
    for platform in PLATFORMS:
        for one in model.recommend([" ".join(words)], top_k=100, style="common", platform=platform)[0]:
            assert postable(one.hashtag, platform) == one.hashtag
            assert hashtag_key(one.posted.strip("#")) == hashtag_key(one.hashtag)
            assert hashtag_key(one.hashtag) in kept


def test_whatever_is_retrieved_has_evidence(model: RightModel, english_posts: list[Post]) -> None:
    asked = [
        *(post.text for post in english_posts),
        *(f"{post.text} {tag}" for post in english_posts for tag in post.hashtags),
    ]
    asked += [f"{first.text[:20]} {second.text[-20:]}" for first in english_posts[:4] for second in english_posts[-4:]]
    assert len(asked) >= 40
    for found in model.recommend(asked, top_k=100, include_present=True, min_count=0):
        for one in found:
            assert bool(one.evidence) == (one.source in {"retrieved", "both"})
