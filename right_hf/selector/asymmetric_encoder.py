"""An encoder with two sides in one space: a small transformer reads a post, a sum of token vectors a hashtag.

The meaning of a post depends on how its words go together, that of a hashtag hardly: it is a word or two. So hashtags,
of which there are many, cost a lookup, and only the post is read with attention. Both sides share their token vectors.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from tokenizers import Tokenizer
from typing_extensions import Self

from right_hf.encoders import Matrix, unit_rows
from right_hf.persistence import load_arrays, save_arrays
from right_hf.selector.rows import quantise

_WEIGHTS_FILE, _TOKENIZER_FILE = "model.safetensors", "tokenizer.json"
#: The matrices, those of the layers last, and what each is kept as.
MATRICES = ("tokens", "positions", "attend_in", "attend_out", "feed_in", "feed_out")
PARTS = ("codes", "scales")
#: Width of a head of attention.
HEAD = 64
#: Posts that are read at once.
_BATCH = 16


class AsymmetricEncoder:
    """Embeds posts and hashtags, with numpy and a tokenizer alone.

    Args:
        tokenizer: Cuts texts into tokens.
        arrays: Of each matrix its codes and scales, see [`in_eight_bits`].

    Raises:
        ValueError: The matrices do not fit each other or the tokenizer.
    """

    def __init__(self, tokenizer: Tokenizer, arrays: Mapping[str, npt.NDArray[Any]]) -> None:
        _check(arrays, tokenizer.get_vocab_size())
        self.tokenizer = tokenizer
        self.tokenizer.no_padding()
        self.tokenizer.no_truncation()
        self.arrays = dict(arrays)
        self._positions, *layers = (_in_full(arrays, name) for name in MATRICES[1:])
        number = len(layers[1]) // layers[1].shape[1]
        self._layers = [rows.reshape(number, -1, rows.shape[-1]) for rows in layers]

    def eval(self) -> Self:
        """Itself, as a network that is never trained."""
        return self

    def encode_query(self, posts: Sequence[str]) -> Matrix:
        """Embeds posts: (len(posts), d), rows of length 1, or 0 where a post has no tokens."""
        rows = [ids[: len(self._positions)] for ids in self._tokens(posts)]
        found = np.zeros((len(rows), self._positions.shape[1]), dtype=np.float32)
        filled = [at for at, ids in enumerate(rows) if ids]
        for start in range(0, len(filled), _BATCH):
            chosen = filled[start : start + _BATCH]
            found[chosen] = self._read([rows[at] for at in chosen])
        return unit_rows(found)

    def encode_document(self, hashtags: Sequence[str]) -> Matrix:
        """Embeds hashtags: (len(hashtags), d), rows of length 1, or 0 where a hashtag has no tokens."""
        rows = self._tokens(hashtags)
        found = np.zeros((len(rows), self._positions.shape[1]), dtype=np.float32)
        if filled := [at for at, ids in enumerate(rows) if ids]:
            counts = np.array([len(rows[at]) for at in filled])
            vectors = self._vectors(np.concatenate([rows[at] for at in filled]))
            found[filled] = np.add.reduceat(vectors, np.cumsum(counts) - counts, axis=0)
        return unit_rows(found)

    def _tokens(self, texts: Sequence[str]) -> list[list[int]]:
        return [found.ids for found in self.tokenizer.encode_batch_fast(list(texts), add_special_tokens=False)]

    def _vectors(self, tokens: npt.NDArray[np.intp]) -> Matrix:
        return np.asarray(self.arrays["tokens.codes"][tokens] * self.arrays["tokens.scales"][tokens], dtype=np.float32)

    def _read(self, rows: Sequence[Sequence[int]]) -> Matrix:
        """The sum of what becomes of each token of a post: (len(rows), d)."""
        ends = np.cumsum([len(ids) for ids in rows])
        starts = ends - [len(ids) for ids in rows]
        posts = [slice(*both) for both in zip(starts.tolist(), ends.tolist(), strict=True)]
        vectors = self._vectors(np.concatenate([np.asarray(ids) for ids in rows]))  # (T, d), one row a token
        vectors += np.concatenate([self._positions[: len(ids)] for ids in rows])
        for attend_in, attend_out, feed_in, feed_out in zip(*self._layers, strict=True):
            projected = normed(vectors) @ attend_in.T
            vectors += np.concatenate([attention(projected[post]) for post in posts]) @ attend_out.T
            vectors += np.maximum(normed(vectors) @ feed_in.T, 0) @ feed_out.T
        return np.asarray(np.add.reduceat(vectors, starts, axis=0))

    def save(self, folder: Path) -> None:
        """Writes weights and tokenizer into a folder."""
        save_arrays(folder / _WEIGHTS_FILE, self.arrays)
        self.tokenizer.save(str(folder / _TOKENIZER_FILE), pretty=False)

    @classmethod
    def load(cls, folder: Path) -> AsymmetricEncoder:
        """Reads what [`save`] wrote.

        Raises:
            ValueError: A file is missing or damaged.
        """
        arrays, _ = load_arrays(folder / _WEIGHTS_FILE, [f"{name}.{part}" for name in MATRICES for part in PARTS])
        try:
            return cls(Tokenizer.from_file(str(folder / _TOKENIZER_FILE)), arrays)
        except Exception as error:  # a damaged tokenizer raises an Exception of no class of its own
            raise ValueError(f"{folder} holds no whole encoder ({error}). Save or download it again.") from error


def in_eight_bits(weights: Mapping[str, Matrix]) -> dict[str, npt.NDArray[Any]]:
    """What an [`AsymmetricEncoder`] consists of: `NAME.codes` and `NAME.scales` of each matrix, see [`quantise`].

    Args:
        weights: `tokens`, (V, d) their vectors; `positions`, (n, d) what is added to these by their place in a post, of
            which no more than n tokens are read; of all L layers, which come to lie one below another, `attend_in`
            (L, 3 d, d), `attend_out` (L, d, d), `feed_in` (L, f, d) and `feed_out` (L, d, f).
    """
    found: dict[str, npt.NDArray[Any]] = {}
    for name, matrix in weights.items():
        found[f"{name}.codes"], found[f"{name}.scales"] = quantise(matrix.reshape(-1, matrix.shape[-1]))
    return found


def _in_full(arrays: Mapping[str, npt.NDArray[Any]], name: str) -> Matrix:
    return np.asarray(arrays[f"{name}.codes"] * arrays[f"{name}.scales"], dtype=np.float32)


def _check(arrays: Mapping[str, npt.NDArray[Any]], tokens: int) -> None:
    """Refuses matrices that do not fit each other or the number of tokens."""
    found = {name: arrays[f"{name}.codes"].shape for name in MATRICES}
    width = found["tokens"][1]
    number, inner = found["attend_out"][0] // width, found["feed_out"][1]
    of_layers = [(number * rows, columns) for rows, columns in ((3 * width, width), (width, width), (inner, width))]
    expected = [(tokens, width), (found["positions"][0], width), *of_layers, (number * width, inner)]
    if width % HEAD or list(found.values()) != expected:
        raise ValueError(f"its matrices are {found}, which do not fit each other and {tokens} tokens")
    if any(arrays[f"{name}.scales"].shape != (shape[0], 1) for name, shape in found.items()):
        raise ValueError("its matrices have not a scale for each row")


def normed(vectors: Matrix) -> Matrix:
    """Scales vectors along the last axis to a root mean square of 1 (RMSNorm; Zhang and Sennrich, 2019)."""
    squares = np.mean(vectors * vectors, axis=-1, keepdims=True)
    return np.asarray(vectors / np.sqrt(squares + np.float32(1e-6)))


def attention(projected: Matrix) -> Matrix:
    """Self-attention with several heads (Vaswani et al., 2017) among the tokens of a post: (n, d).

    Args:
        projected: (n, 3 d) queries, keys and values of the tokens.
    """
    length = len(projected)
    queries, keys, values = projected.reshape(length, 3, -1, HEAD).transpose(1, 2, 0, 3)  # each (heads, n, HEAD)
    scores = queries @ keys.transpose(0, 2, 1) / np.float32(math.sqrt(HEAD))
    shares = np.exp(scores - scores.max(axis=-1, keepdims=True))
    shares /= shares.sum(axis=-1, keepdims=True)
    return np.asarray((shares @ values).transpose(1, 0, 2).reshape(length, -1))
