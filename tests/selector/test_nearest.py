from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from right_hf.encoders import Matrix
from right_hf.selector import BiEncoderSelector
from right_hf.selector.nearest import AllowedRows, nearest_wanted
from right_hf.vocabulary import Vocabulary

MANY = [f"tag {number}" for number in range(3000)]


@given(st.integers(1, 5), st.integers(1, 400), st.integers(0, 2**32), st.integers(1, 3000))
def test_the_best_of_those_that_are_wanted(count: int, each: int, seed: int, size: int) -> None:
    cosines = np.random.default_rng(seed).standard_normal((2, size)).astype(np.float32)
    names, asked = MANY[:size], list[str]()
    wanted = set(names[::each])

    def is_wanted(name: str) -> bool:
        asked.append(name)
        return name in wanted

    found = nearest_wanted(cosines, names, count, is_wanted)
    for row, best in zip(cosines, found, strict=True):
        ranked = sorted(range(size), key=lambda at: (-row[at], names[at]))
        assert best == [names[at] for at in ranked if names[at] in wanted][:count]
    assert len(asked) <= len(names) + 2 * 4096


def test_equal_ones_are_in_the_order_of_their_names() -> None:
    assert nearest_wanted(np.zeros((1, 3), np.float32), ["b", "c", "a"], 2, lambda _: True) == [["a", "b"]]
    assert nearest_wanted(np.zeros((1, 0), np.float32), [], 2, lambda _: True) == [[]]


def test_rows_of_a_vocabulary_are_found_once_and_grow() -> None:
    asked: list[object] = []

    class Told(Vocabulary):
        __slots__ = ()

        def __contains__(self, hashtag: object) -> bool:
            asked.append(hashtag)
            return super().__contains__(hashtag)

    rows, vocabulary = AllowedRows(), Told(["a", "c", "d"])
    assert rows.of(["A", "b", "c"], vocabulary).tolist() == [0, 2]
    assert rows.of(["A", "b", "c", "d"], vocabulary).tolist() == [0, 2, 3]
    assert rows.of(["A", "b"], vocabulary).tolist() == [0]
    assert asked == ["A", "b", "c", "d"]
    for other in "efgh":
        rows.of(["A"], Vocabulary([other]))
    assert rows.of(["A"], vocabulary).tolist() == [0] and asked[-1] == "A"


def test_a_selector_gives_what_is_allowed(tiny_selector: BiEncoderSelector) -> None:
    selector = BiEncoderSelector(tiny_selector.model)
    tags = ["baking", "bread", "cloud", "coral", "dev-ops", "sourdough"]
    selector.prepare(tags)
    vectors = selector.embed(["fresh bread", "cloud"])
    ranked = selector.nearest(vectors, 6, lambda _: True)

    def nearest(count: int, wanted: Sequence[str], *allowed: str) -> list[list[str]]:
        return selector.nearest(vectors, count, wanted.__contains__, allowed=Vocabulary(allowed))

    for row, best in enumerate(nearest(6, tags, "Dev Ops", "bread", "unseen")):
        assert best == [tag for tag in ranked[row] if tag in ("dev-ops", "bread")]
    assert nearest(6, ["bread", "coral"], "dev ops", "bread") == [["bread"], ["bread"]]
    assert nearest(6, tags, "unseen") == [[], []]
    assert nearest(6, ["unseen"], "unseen") == [["unseen"], ["unseen"]]


def test_what_somebody_lists_is_embedded_once_and_not_for_good(tiny_selector: BiEncoderSelector) -> None:
    embedded: list[str] = []

    class Counting(BiEncoderSelector):
        def embed_hashtags(self, hashtags: Sequence[str]) -> Matrix:
            embedded.extend(hashtags)
            return super().embed_hashtags(hashtags)

    selector = Counting(tiny_selector.model)
    selector.prepare(["baking", "bread"])
    vectors = selector.embed(["fresh bread"])
    embedded.clear()
    for _ in range(3):
        found = selector.nearest(vectors, 3, lambda _: True, allowed=Vocabulary(["bread", "new", "newer"]))
        assert sorted(found[0]) == ["bread", "new", "newer"]
    assert embedded == ["new", "newer"]
    for number in range(100):
        selector.nearest(vectors, 3, lambda _: True, allowed=Vocabulary([f"tag {number}"]))
    assert len(selector._rows) == 2 and len(selector._listed._kept) <= 4
    lone = BiEncoderSelector(tiny_selector.model)  # nothing was prepared
    assert lone.nearest(vectors, 3, lambda _: True, allowed=Vocabulary(["new"])) == [["new"]]
