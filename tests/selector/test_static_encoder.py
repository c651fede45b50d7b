from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from right_hf.encoders import load_encoder, weights_fingerprint
from right_hf.static_encoder import StaticEncoder, mean_rows
from tests.support.static import static_encoder

TEXTS = ["warm bread", "", "late football match of our team and nothing else", "bread"]
WEIGHTS = np.random.default_rng(0).standard_normal((9, 4)).astype(np.float16)


@given(st.lists(st.lists(st.integers(0, 8), max_size=7), max_size=6))
def test_means_are_those_of_torch_to_the_bit(rows: list[list[int]]) -> None:
    bag = torch.nn.EmbeddingBag.from_pretrained(torch.from_numpy(WEIGHTS))
    found = mean_rows(WEIGHTS, rows)
    assert found.shape == (len(rows), 4)
    for mean, row in zip(found, rows, strict=True):
        expected = bag(torch.tensor([row], dtype=torch.long))[0].numpy() if row else np.zeros(4)
        assert (mean == expected).all()


@pytest.mark.parametrize("dtype", [torch.float16, torch.float32, torch.bfloat16])
def test_a_static_model_is_read_without_torch_where_numpy_has_its_dtype(
    tmp_path: Path, tiny_tokenizer: Any, dtype: torch.dtype
) -> None:
    model = static_encoder(tiny_tokenizer, dimensions=16, seed=0).to(dtype)
    model.save_pretrained(str(tmp_path), create_model_card=False)
    loaded = load_encoder(tmp_path)
    assert isinstance(loaded, StaticEncoder) == (dtype is not torch.bfloat16)
    assert weights_fingerprint(loaded) == weights_fingerprint(model)
    expected = model.encode(TEXTS, convert_to_tensor=True).float().numpy()
    found = np.asarray(loaded.encode(TEXTS, batch_size=3, convert_to_tensor=False), dtype=np.float32)
    assert found == pytest.approx(expected, abs=1e-6)
    assert not found[1].any()
