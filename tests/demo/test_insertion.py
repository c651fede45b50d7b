from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from right_hf.demo.insertion import put


@pytest.mark.parametrize(
    ("post", "posted", "after"),
    [
        ("Scaling Erlang cluster", "#Erlang", "Scaling #Erlang cluster"),
        ("Why Windows Virtual Desktop?", "#WindowsVirtualDesktop", "Why #WindowsVirtualDesktop?"),
        ("COVID-19 again", "#covid19", "#covid19 again"),
        ("(erlang) and erlang", "#Erlang", "(#Erlang) and erlang"),
        ("Go!", "#go", "#go!"),
        ("C# and C", "#C", "C# and #C"),
        # What is no word of the post's own is left alone.
        ("I like #erlang", "#Cluster", "I like #erlang #Cluster"),
        ("see https://erlang.org", "#Erlang", "see https://erlang.org #Erlang"),
        ("mail bob@azure.com, @azure", "#Azure", "mail bob@azure.com, @azure #Azure"),
        ("it's late", "#it", "it's late #it"),
        ("data, science", "#DataScience", "data, science #DataScience"),
        ("公园里的樱花开了", "#樱花", "公园里的樱花开了 #樱花"),
        ("a post\n", "#baking", "a post #baking"),
        ("", "#baking", "#baking"),
    ],
)
def test_marked_where_it_stands_or_added(post: str, posted: str, after: str) -> None:
    assert put(post, posted) == after


@given(st.text(max_size=40), st.sampled_from(["#Go", "#WindowsVirtualDesktop", "#樱花", "#C"]))
def test_the_post_has_it_and_keeps_its_words(post: str, posted: str) -> None:
    after = put(post, posted)
    assert posted in after
    assert len(after) >= len(post.strip())
