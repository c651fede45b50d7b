from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers import Tokenizer

from right_hf.registry import load_component
from right_hf.selector import AsymmetricSelector, BiEncoderSelector
from right_hf.selector.asymmetric_encoder import AsymmetricEncoder, in_eight_bits
from right_hf.trainers.asymmetric_network import AsymmetricNetwork
from tests.support.asymmetric import tokenizer_of_letters

LETTERS = "abcdefgh"
texts = st.lists(st.text(alphabet=LETTERS + " ", max_size=12), min_size=1, max_size=40)


@pytest.fixture(scope="module")
def encoder() -> AsymmetricEncoder:
    tokenizer = tokenizer_of_letters(LETTERS)
    torch.manual_seed(0)
    network = AsymmetricNetwork(torch.randn(tokenizer.get_vocab_size(), 64), positions=8, layers=2, inner=32)
    torch.nn.init.normal_(network.attend_out, std=0.2)  # as after a training, when attention changes something
    torch.nn.init.normal_(network.positions, std=0.2)
    return AsymmetricEncoder(tokenizer, in_eight_bits(network.weights()))


def network_of(encoder: AsymmetricEncoder) -> AsymmetricNetwork:
    """The network with the very weights of an encoder."""
    network = AsymmetricNetwork(torch.zeros(len(LETTERS) + 1, 64), positions=8, layers=2, inner=32)
    for name, weights in network.named_parameters():
        full = encoder.arrays[f"{name}.codes"] * encoder.arrays[f"{name}.scales"]
        weights.data = torch.from_numpy(full).reshape(weights.shape)
    return network


def padded(tokenizer: Tokenizer, found: list[str]) -> torch.Tensor:
    rows = [encoding.ids for encoding in tokenizer.encode_batch(found, add_special_tokens=False)]
    longest = max(1, *map(len, rows)) if rows else 1
    return torch.tensor([row + [-1] * (longest - len(row)) for row in rows])


@settings(deadline=None)
@given(texts)
def test_numpy_embeds_as_the_trained_network_does(encoder: AsymmetricEncoder, found: list[str]) -> None:
    network = network_of(encoder)
    with torch.no_grad():
        posts = network.read(padded(encoder.tokenizer, found)[:, :8]).numpy()
        hashtags = network.look_up(padded(encoder.tokenizer, found)).numpy()
    filled = [at for at, text in enumerate(found) if text.strip()]
    assert encoder.encode_query(found)[filled] == pytest.approx(posts[filled], abs=1e-4)
    assert encoder.encode_document(found)[filled] == pytest.approx(hashtags[filled], abs=1e-4)


@settings(deadline=None)
@given(texts)
def test_a_post_is_embedded_alike_in_any_company(encoder: AsymmetricEncoder, found: list[str]) -> None:
    alone = np.concatenate([encoder.encode_query([text]) for text in found])
    assert encoder.encode_query(found) == pytest.approx(alone, abs=1e-5)
    lengths = np.linalg.norm(alone, axis=1)
    assert lengths == pytest.approx([1.0 if text.strip() else 0.0 for text in found], abs=1e-5)


def test_the_order_of_words_counts_in_posts_alone(encoder: AsymmetricEncoder) -> None:
    one, other = encoder.encode_query(["a b c", "c b a"])
    assert not np.allclose(one, other, atol=1e-3)
    one, other = encoder.encode_document(["a b c", "c b a"])
    assert one == pytest.approx(other, abs=1e-6)


def test_no_text_is_no_trouble(encoder: AsymmetricEncoder) -> None:
    assert encoder.encode_query([]).shape == encoder.encode_document([]).shape == (0, 64)
    assert not encoder.encode_query(["", " "]).any()
    assert not encoder.encode_document([""]).any()


def test_a_selector_ranks_the_same_after_saving(encoder: AsymmetricEncoder, tmp_path: Path) -> None:
    selector = AsymmetricSelector(encoder)
    selector.save_pretrained(tmp_path / "selector")
    loaded = load_component("selector", tmp_path / "selector")
    assert isinstance(loaded, AsymmetricSelector)
    assert loaded.fingerprint() == selector.fingerprint()
    asked = (["a b c", "d"], [["a", "b c"], ["e"]])
    assert loaded.similarity(*asked) == selector.similarity(*asked)
    vector = selector.embed(["a b c"])[0] @ selector.embed_hashtags(["b c"])[0]
    assert loaded.similarity(["a b c"], [["b c"]])[0][0] == pytest.approx(float(vector), abs=0.01)
    assert loaded.networks == []


def test_a_class_of_another_type_says_which_one_it_is(encoder: AsymmetricEncoder, tmp_path: Path) -> None:
    AsymmetricSelector(encoder).save_pretrained(tmp_path / "selector")
    with pytest.raises(ValueError, match="a selector of type 'asymmetric', and BiEncoderSelector loads 'bi-encoder'"):
        BiEncoderSelector.from_pretrained(tmp_path / "selector")


@pytest.mark.parametrize("what", ["model.safetensors", "tokenizer.json"])
def test_a_damaged_file_is_named(encoder: AsymmetricEncoder, tmp_path: Path, what: str) -> None:
    AsymmetricSelector(encoder).save_pretrained(tmp_path / "selector")
    (tmp_path / "selector" / what).write_bytes(b"{}")
    with pytest.raises(ValueError, match="Save or download"):
        load_component("selector", tmp_path / "selector")


@pytest.mark.parametrize("name", ["tokens", "positions", "attend_in", "feed_out"])
def test_matrices_that_do_not_fit_are_refused(encoder: AsymmetricEncoder, name: str) -> None:
    arrays: dict[str, Any] = {**encoder.arrays, f"{name}.codes": encoder.arrays[f"{name}.codes"][:, :-1]}
    with pytest.raises(ValueError, match="do not fit"):
        AsymmetricEncoder(encoder.tokenizer, arrays)
