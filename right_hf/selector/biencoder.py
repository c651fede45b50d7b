"""The selector: a bi-encoder that compares a post with hashtags, whose embeddings are computed once and kept."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from right_hf.component import Trainer
from right_hf.encoders import Matrix, embed, load_encoder, save_encoder, weights_fingerprint
from right_hf.forks import Lock
from right_hf.layout import config_file
from right_hf.persistence import load_arrays, save_arrays
from right_hf.retriever.base import Hit
from right_hf.selector.base import Selector
from right_hf.selector.compiled import cosines_of_all, cosines_of_some
from right_hf.selector.nearest import AllowedRows, ListedRows, nearest_wanted
from right_hf.selector.ranking import HIT_SCALES, Candidate, rank_candidates
from right_hf.selector.rows import quantise, with_rows
from right_hf.static_encoder import StaticEncoder
from right_hf.vocabulary import Vocabulary

_EMBEDDINGS_FILE = "hashtag_embeddings.safetensors"

#: Held while any selector's embeddings grow.
_GROWING = Lock()


class BiEncoderSelector(Selector):
    """Ranks the hashtags of retrieved posts by the paper's formula (section 2.2).

    Args:
        model: Any sentence-transformers model, transformer or static.
        hit_scale: How hit scores are scaled before they are added to a cosine: "raw" or "relative".
    """

    type = "bi-encoder"

    def __init__(self, model: Any, hit_scale: str = "relative") -> None:
        if hit_scale not in HIT_SCALES:
            raise ValueError(f"Unknown hit scale {hit_scale!r}. Known: {', '.join(HIT_SCALES)}.")
        self.model = model.eval()
        self.hit_scale = hit_scale
        self._rows: dict[str, int] = {}
        self._allowed, self._listed = AllowedRows(), ListedRows()
        self._codes: npt.NDArray[np.int8] = np.zeros((0, 0), dtype=np.int8)  # (H, d)
        self._scales: Matrix = np.zeros((0, 1), dtype=np.float32)  # (H, 1)

    def __getstate__(self) -> dict[str, Any]:
        with _GROWING:  # a copy grows on its own
            known = len(self._rows)
            matrices = {"_codes": self._codes[:known].copy(), "_scales": self._scales[:known].copy()}
            return vars(self) | {"_rows": dict(self._rows)} | matrices

    @property
    def networks(self) -> Sequence[Any]:
        """The encoder; none where it is static embeddings."""
        return [] if isinstance(self.model, StaticEncoder) else [self.model]

    def embed(self, texts: Sequence[str]) -> Matrix:
        """See [`Selector.embed`]; rows of length 1, or 0 where the model finds nothing to embed."""
        return embed(self.model, texts)

    def prepare(self, hashtags: Sequence[str]) -> None:
        """See [`Selector.prepare`]. Kept in 8 bits: cosines are good to about 0.002."""
        if all(hashtag in self._rows for hashtag in hashtags):
            return  # without the lock, so that ranking never waits for hashtags that others embed
        with _GROWING:
            new = [hashtag for hashtag in dict.fromkeys(hashtags) if hashtag not in self._rows]
            if not new:
                return
            codes, scales = quantise(self.embed_hashtags(new))
            first = len(self._rows)
            self._codes = with_rows(self._codes, first, codes)
            self._scales = with_rows(self._scales, first, scales)
            # Last, so that whoever reads meanwhile finds every row it knows of.
            self._rows.update((hashtag, first + offset) for offset, hashtag in enumerate(new))

    def similarity(self, posts: Sequence[str], hashtags: Sequence[Sequence[str]]) -> list[list[float]]:
        """S(t, h) of equation 1: the cosine between each post and each of its hashtags, in [-1, 1]."""
        self.prepare([hashtag for row in hashtags for hashtag in row])
        return self.cosines(self.embed(posts), hashtags)

    def cosines(self, vectors: Matrix, hashtags: Sequence[Sequence[str]]) -> list[list[float]]:
        """See [`Selector.cosines`]; hashtags that were not prepared are embedded for this call only."""
        known = self._rows
        tags = [tag for row in hashtags for tag in row]
        rows = np.fromiter((known.get(tag, -1) for tag in tags), np.int64, len(tags))
        owners = np.repeat(np.arange(len(hashtags)), [len(row) for row in hashtags])
        found = np.empty(len(tags), dtype=np.float32)
        vectors = np.ascontiguousarray(vectors, dtype=np.float32)
        kept, others = np.flatnonzero(rows >= 0), np.flatnonzero(rows < 0)
        if len(kept):
            found[kept] = cosines_of_some(vectors, owners[kept], rows[kept], self._codes, self._scales)
        if len(others):
            new = {tag: row for row, tag in enumerate(dict.fromkeys(tags[at] for at in others.tolist()))}
            places = np.asarray([new[tags[at]] for at in others.tolist()])
            found[others] = cosines_of_some(vectors, owners[others], places, *quantise(self.embed_hashtags(list(new))))
        values = iter(found.tolist())
        return [list(islice(values, len(row))) for row in hashtags]

    def nearest(
        self, vectors: Matrix, count: int, is_wanted: Callable[[str], bool], *, allowed: Vocabulary | None = None
    ) -> list[list[str]]:
        """See [`Selector.nearest`]."""
        rows = self._rows  # taken once: another thread may add hashtags, always at the end
        names = list(rows)
        codes, scales = self._codes[: len(names)], self._scales[: len(names)]
        if allowed is not None:
            places = self._allowed.of(names, allowed)
            if len(places) < len(names):
                names, codes, scales = [names[at] for at in places.tolist()], codes[places], scales[places]
            listed = self._listed.of(allowed, rows, self.embed_hashtags)
            if listed.names and names:
                names = names + listed.names
                codes, scales = np.concatenate([codes, listed.codes]), np.concatenate([scales, listed.scales])
            elif listed.names:
                names, codes, scales = listed
        if not names:
            return [[] for _ in vectors]
        cosines = cosines_of_all(np.ascontiguousarray(vectors, dtype=np.float32), codes, scales)  # (P, H)
        return nearest_wanted(cosines, names, count, is_wanted)

    def rank(
        self, posts: Sequence[str], hits: Sequence[Sequence[Hit]], vectors: Matrix | None = None
    ) -> list[list[Candidate]]:
        """See [`Selector.rank`]; by the paper's formula."""
        hashtags = [list(dict.fromkeys(tag for hit in found for tag in hit.post.hashtags)) for found in hits]
        self.prepare([tag for row in hashtags for tag in row])
        similarities = self.cosines(self.embed(posts) if vectors is None else vectors, hashtags)
        scale = HIT_SCALES[self.hit_scale]
        return [
            rank_candidates(scale(found), dict(zip(tags, cosines, strict=True)))
            for found, tags, cosines in zip(hits, hashtags, similarities, strict=True)
        ]

    def fingerprint(self) -> str:
        """A hash of weights and tokenizer, by which kept hashtag embeddings are known to be this selector's."""
        return weights_fingerprint(self.model)

    def save_embeddings(self, folder: Path, hashtags: Sequence[str]) -> None:
        """See [`Selector.save_embeddings`]; of no other hashtags that this selector has seen."""
        self.prepare(hashtags)
        rows = [self._rows[hashtag] for hashtag in hashtags]
        names = np.frombuffer("\n".join(hashtags).encode(), dtype=np.uint8)
        arrays: dict[str, npt.NDArray[Any]] = {
            "codes": self._codes[rows],
            "scales": self._scales[rows],
            "hashtags": names,
        }
        save_arrays(folder / _EMBEDDINGS_FILE, arrays, metadata={"selector": self.fingerprint()})

    def load_embeddings(self, folder: Path) -> bool:
        """Takes up the embeddings kept beside an index, if there are any and this selector computed them.

        Raises:
            ValueError: The file is damaged.
        """
        path = folder / _EMBEDDINGS_FILE
        if not path.is_file():
            return False
        arrays, metadata = load_arrays(path, ("codes", "scales", "hashtags"))
        if metadata.get("selector") != self.fingerprint():
            return False
        joined = arrays["hashtags"].tobytes().decode(errors="replace")
        names = joined.split("\n") if joined else []
        if not len(names) == len(arrays["codes"]) == len(arrays["scales"]):
            raise ValueError(
                f"{path} holds {len(names)} hashtags but {len(arrays['codes'])} embeddings. Remove it; they are "
                "computed again."
            )
        self._rows = {hashtag: row for row, hashtag in enumerate(names)}
        self._allowed, self._listed = AllowedRows(), ListedRows()
        self._codes, self._scales = arrays["codes"], arrays["scales"]
        return True

    @property
    def settings(self) -> dict[str, Any]:
        """How hit scores are scaled."""
        return {"hit_scale": self.hit_scale}

    def write(self, folder: Path) -> None:
        """Writes a plain sentence-transformers model."""
        save_encoder(self.model, folder)

    @classmethod
    def recognises(cls, folder: Path) -> bool:
        """Any sentence-transformers model."""
        return (folder / "modules.json").is_file()

    @classmethod
    def from_folder(cls, folder: str | Path, device: Any = "cpu") -> BiEncoderSelector:
        """Loads what [`save_pretrained`] wrote, or any folder of a sentence-transformers model.

        Raises:
            ValueError: A file is missing or damaged.
        """
        folder = Path(folder)
        settings = cls.saved_settings(folder)
        model = cls.load_encoder(folder)
        try:
            selector = cls(model, hit_scale=settings.get("hit_scale", "relative"))
        except (TypeError, ValueError) as error:
            file = folder / config_file(cls.role)
            raise ValueError(f"{file}: {error} Save or download it again.") from error
        for network in selector.networks:
            network.to(device)
        return selector

    @classmethod
    def load_encoder(cls, folder: Path) -> Any:
        """The encoder in a folder; raises as [`right_hf.encoders.load_encoder`] does."""
        return load_encoder(folder)

    @classmethod
    def trainer(cls) -> Trainer:
        """Trains the encoder with the paper's contrastive loss."""
        from right_hf.trainers.selector import SelectorTraining

        return SelectorTraining()
