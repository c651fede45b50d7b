from __future__ import annotations

import pytest

from right_hf import Corpus, Post
from right_hf.demo.completion import Completion, completions

CORPUS = Corpus(
    [
        Post("1", "a", ("#WindowsVirtualDesktop", "#Windows")),
        Post("2", "b", ("#Windows", "#wine")),
        Post("3", "c", ("#wine", "樱花")),
        Post("4", "d", ("#Windows",)),
    ]
)


@pytest.mark.parametrize("prefix", ["win", "#Win", " WIN "])
def test_the_most_used_first(prefix: str) -> None:
    assert completions(CORPUS, prefix) == [
        Completion("Windows", 3),
        Completion("wine", 2),
        Completion("WindowsVirtualDesktop", 1),
    ]
    assert completions(CORPUS, prefix, 1) == [Completion("Windows", 3)]


def test_words_and_other_scripts() -> None:
    assert completions(CORPUS, "windows v") == [Completion("WindowsVirtualDesktop", 1)]
    assert completions(CORPUS, "樱") == [Completion("樱花", 1)]


def test_what_is_offensive_is_left_out() -> None:
    corpus = Corpus([Post("1", "a", ("#fucking", "#fun"))])
    assert completions(corpus, "fu") == [Completion("fun", 1)]


@pytest.mark.parametrize("prefix", ["", "#", "…", "xyz"])
def test_none(prefix: str) -> None:
    assert completions(CORPUS, prefix) == []
