from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from right_hf.posts import Post
from right_hf.spelling.variants import final_mains, plural_pairs, propose_merges, singulars


def posts_of(uses: dict[str, tuple[str, int]]) -> list[Post]:
    """Posts of hashtags on subjects: by hashtag the words of its subject and the number of its posts."""
    chance = random.Random(0)
    posts: list[Post] = []
    for hashtag, (subject, number) in uses.items():
        for _ in range(number):
            words = " ".join(chance.sample(subject.split(), 4))
            posts.append(Post(f"p{len(posts):03}", words, (hashtag,)))
    return posts


BREAD = "bread flour oven bake water salt crust dough"
SKY = "sky rain wind sun autumn grey blue wet"
SERVER = "server azure price region disk network login tenant"


@pytest.mark.parametrize(
    ("plural", "expected"),
    {
        "recipes": ["recipe"],
        "allergies": ["allergie", "allergy"],
        "taxes": ["taxe", "tax"],
        "tornadoes": ["tornadoe", "tornado"],
        "days": ["day"],
        "movies": ["movie", "movy"],
        "glass": [],
        "news": [],
        "physics": [],
        "campus": [],
        "ios": [],
        "bread": [],
    }.items(),
)
def test_what_a_word_could_be_the_plural_of(plural: str, expected: list[str]) -> None:
    assert list(singulars(plural)) == expected


def test_pairs_look_at_the_last_word_only() -> None:
    kept = ["small business", "small businesses", "us", "u", "aws", "aw", "sms", "sm", "new", "news", "glas", "glass"]
    kept += ["wcw", "wcws", "covid 19", "covid 19s", "cat", "cats", "the cat", "the cats"]
    assert plural_pairs({hashtag.replace(" ", ""): hashtag for hashtag in kept}) == [
        ("cat", "cats"),
        ("smallbusiness", "smallbusinesses"),
        ("thecat", "thecats"),
    ]


def test_hashtags_that_are_used_alike_are_one_and_the_more_frequent_stands() -> None:
    posts = posts_of({"recipe": (BREAD, 6), "recipes": (BREAD, 9), "cloud": (SERVER, 9), "clouds": (SKY, 6)})
    (merge,) = propose_merges(posts)
    assert (merge.variant, merge.main, merge.variant_posts, merge.main_posts) == ("recipe", "recipes", 6, 9)
    assert merge.similarity is not None and 0.5 < merge.similarity <= 1


def test_the_singular_stands_where_both_are_as_frequent() -> None:
    (merge,) = propose_merges(posts_of({"recipes": (BREAD, 5), "recipe": (BREAD, 5), "sun": (SKY, 5)}))
    assert (merge.variant, merge.main) == ("recipes", "recipe")


def test_few_posts_say_nothing() -> None:
    uses = {"recipe": (BREAD, 6), "recipes": (BREAD, 2), "sun": (SKY, 6)}
    assert propose_merges(posts_of(uses)) == []
    assert len(propose_merges(posts_of(uses), least_posts=2)) == 1


def test_the_hashtags_themselves_are_no_evidence() -> None:
    posts = [
        Post(f"{tag}{n}", f"{tag} cloud clouds {'abc'[n]}{tag}", (tag,))
        for tag in ("cloud", "clouds")
        for n in (0, 1, 2)
    ]
    assert propose_merges([*posts, *posts_of({"sun": (SKY, 5)})]) == []


def test_other_hashtags_are_evidence() -> None:
    posts = [Post(f"{tag}{n}", "", (tag, "baking", "bread")) for tag in ("recipe", "recipes") for n in range(3)]
    assert [merge.main for merge in propose_merges([*posts, *posts_of({"sun": (SKY, 5)})])] == ["recipe"]


def test_the_order_of_the_posts_does_not_matter() -> None:
    posts = posts_of({"recipe": (BREAD, 6), "recipes": (BREAD, 9), "sky": (SKY, 9), "skies": (SKY, 6)})
    assert propose_merges(posts) == propose_merges(posts[::-1])
    assert len(propose_merges(posts)) == 2


def test_no_posts_give_no_merges() -> None:
    assert propose_merges([]) == []


def test_bounds_are_checked() -> None:
    with pytest.raises(ValueError, match=r"least_similarity must be from 0 to 1, got 1\.5"):
        propose_merges([], least_similarity=1.5)


@given(st.dictionaries(st.integers(0, 8), st.integers(0, 8)))
def test_chains_end_in_a_hashtag_that_is_no_variant_or_are_refused(numbers: dict[int, int]) -> None:
    mains = {str(variant): str(main) for variant, main in numbers.items()}
    try:
        ends = final_mains(mains)
    except ValueError as error:
        assert "in a circle" in str(error)
        return
    assert ends.keys() == mains.keys()
    assert not set(ends.values()) & mains.keys()


def test_a_chain_of_merges_ends_in_one_place() -> None:
    uses = {"movie": (BREAD, 5), "movies": (BREAD, 6), "movy": (BREAD, 7), "sun": (SKY, 5)}
    merges = propose_merges(posts_of(uses))
    assert [(merge.variant, merge.main, merge.main_posts) for merge in merges] == [
        ("movie", "movy", 7),
        ("movies", "movy", 7),
    ]
