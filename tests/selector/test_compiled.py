"""Compiled cosines: those of numpy, the same alone and in a batch; and the highest of many."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from right_hf.encoders import unit_rows
from right_hf.selector.biencoder import quantise
from right_hf.selector.compiled import cosines_of_all, cosines_of_some, highest


@given(st.integers(1, 5), st.integers(1, 40), st.integers(1, 33), st.integers(0, 2**32 - 1))
def test_cosines(posts: int, hashtags: int, dimensions: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    vectors = unit_rows(rng.normal(size=(posts, dimensions)).astype(np.float32))
    codes, scales = quantise(unit_rows(rng.normal(size=(hashtags, dimensions)).astype(np.float32)))
    found = cosines_of_all(vectors, codes, scales)
    np.testing.assert_allclose(found, vectors @ (codes * scales).T, atol=1e-5)
    for row in range(posts):
        assert np.array_equal(cosines_of_all(vectors[row : row + 1], codes, scales)[0], found[row])
    owners, rows = rng.integers(0, posts, 50), rng.integers(0, hashtags, 50)
    some = cosines_of_some(vectors, owners, rows, codes, scales)
    np.testing.assert_allclose(some, found[owners, rows].clip(-1, 1), atol=1e-5)


@given(st.lists(st.sampled_from([-0.5, 0.0, 0.25, 0.5, 1.0]), max_size=60), st.integers(1, 70), st.data())
def test_the_highest(values: list[float], count: int, data: st.DataObject) -> None:
    kept = data.draw(st.lists(st.sampled_from(range(len(values))), unique=True)) if values else []
    places = np.asarray(sorted(kept), dtype=np.int64)
    found = highest(np.asarray(values, dtype=np.float32), places, count)
    assert sorted(found.tolist()) == sorted(sorted(kept, key=lambda place: (-values[place], place))[:count])
