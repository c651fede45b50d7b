from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from reproduction.pools import between, columns, load_pools, ranked, save_pools, where

from right_hf.trainers.pools import Pools


@pytest.fixture
def pools() -> Pools:
    values = np.asarray([[0.5, np.nan], [0.25, 1], [np.nan, 2]], dtype=np.float32)
    gold = np.asarray([True, False, False])
    return Pools(np.asarray([2, 0, 1], dtype=np.int32), ["b", "a", "c"], values, gold, ("bm25_rank", "dense_rank"))


def test_pools_are_kept_cut_and_ranked(pools: Pools, tmp_path: Path) -> None:
    save_pools(pools, tmp_path / "pools.safetensors")
    loaded = load_pools(tmp_path / "pools.safetensors")
    assert (loaded.hashtags, loaded.names) == (pools.hashtags, pools.names)
    assert np.array_equal(loaded.values, pools.values, equal_nan=True)
    assert loaded.sizes.tolist() == [2, 0, 1] and loaded.gold.tolist() == [True, False, False]
    assert ranked(pools, np.asarray([0.5, 0.5, 0.1])) == [["a", "b"], [], ["c"]]  # ties by hashtag
    cut = where(pools, np.asarray([False, True, True]))
    assert cut.sizes.tolist() == [1, 0, 1] and cut.hashtags == ["a", "c"]
    later = between(pools, 1, 3)
    assert later.sizes.tolist() == [0, 1] and later.hashtags == ["c"] and later.values[0, 1] == 2
    dense = columns(pools, ["dense_rank"])
    assert dense.names == ("dense_rank",) and dense.values[1:].tolist() == [[1], [2]]
    with pytest.raises(ValueError, match=r"no feature 'votes'\. They have bm25_rank, dense_rank"):
        columns(pools, ["votes"])
    (tmp_path / "pools.safetensors").write_bytes(b"damaged")
    with pytest.raises(ValueError, match="damaged"):
        load_pools(tmp_path / "pools.safetensors")
