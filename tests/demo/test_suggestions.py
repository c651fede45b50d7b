from __future__ import annotations

from html.parser import HTMLParser

from right_hf import Corpus, Post, Recommendation
from right_hf.demo.suggestions import render

EVIL = "<img src=x onerror=alert(1)> {{7*7}} ${7*7} `\"'&amp;"
POSTS = [Post(str(n), f"post {n}", ("bread",)) for n in range(5)]


class Tags(HTMLParser):
    """The tags and the text of a page."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data


def test_what_comes_from_posts_is_never_markup() -> None:
    corpus = Corpus(POSTS)
    evil = Post("evil", EVIL, (EVIL,))
    corpus.get = {"evil": evil}.get  # type: ignore[method-assign,assignment]  # a corpus would have cleaned it
    page = Tags(render([Recommendation(EVIL, 0.5, "retrieved", ["evil"], posted=f"#{EVIL}")], corpus))
    assert not [tag for tag, _ in page.tags if tag in ("img", "script")]
    [chip] = [attributes for tag, attributes in page.tags if tag == "button"]
    assert chip["data-posted"] == f"#{EVIL}"
    assert page.text.count(EVIL) == 5  # status, chip, summary, the post and its hashtag
    assert "49" not in page.text


def test_score_and_reasons() -> None:
    found = [
        Recommendation("bread", 0.764, "retrieved", ["0", "1", "gone", "2"], posted="#Bread"),
        Recommendation("oven", 0.001, "post", [], posted="#oven"),
    ]
    page = Tags(render(found, Corpus(POSTS)))
    assert "2 hashtags suggested" in page.text
    assert "76%" in page.text and "1%" in page.text
    assert "post 0" in page.text and "post 1" in page.text and "post 2" not in page.text
    assert "It stands in your post" in page.text


def test_nothing_to_suggest() -> None:
    assert Tags(render([], Corpus(POSTS), "Write <more>.")).text.split("\n")[0] == "Write <more>."
