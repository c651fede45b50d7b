"""The recipe of a checkpoint: one YAML file that says how each component is made from the data."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from right_hf.data import PROTOCOLS, apply_protocol, load_split
from right_hf.posts import Post

#: What can be trained as a generator, by the type that its folder then names.
#: What the ranker's trees are trained for, and which posts they are trained on.
OBJECTIVES, ORDERS = ("lambdarank", "binary"), ("random", "time")
ARCHITECTURES = ("seq2seq", "segtrm", "decoder")
#: Settings that only a decoder has.
_DECODER_ONLY = ("revision", "template", "lora", "grpo")


@dataclass(frozen=True)
class EncoderRecipe:
    """What an encoder starts from, and how it is trained.

    `encoder` names a sentence-transformers model to start from (a Hub id, a folder, or `package:NAME` for one that an
    installed Python package carries in its folder `model`), of which only the first `layers` are kept if that is set;
    with `dimensions` it is distilled into static embeddings of that size. Without an encoder, static embeddings of that
    size start from random weights. `max_seq_length` is the number of tokens read of each text.
    """

    encoder: str | None = None
    dimensions: int | None = None
    layers: int | None = None
    max_seq_length: int | None = None
    vocabulary_size: int = 8000
    arguments: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class RetrieverRecipe(EncoderRecipe):
    """Settings of the retriever; `type` is "bm25", "dense" or "hybrid" (both), `hits` the paper's N.

    `k1` and `b` are BM25's. The `analyser` gives its terms, and those by which near duplicates are found. The rest is
    the dense retriever's: `index` is "exact" or "sq8", `triplets` the most that its encoder is trained on (0 for a
    ready encoder, None for one a post).
    """

    type: str = "bm25"
    analyser: str = "english"
    k1: float = 1.5
    b: float = 0.75
    hits: int = 10
    index: str = "exact"
    triplets: int | None = None


@dataclass(frozen=True)
class SelectorRecipe(EncoderRecipe):
    """Settings of the selector's encoder; `hashtags` is the paper's k."""

    dimensions: int | None = 128
    hit_scale: str = "relative"
    hashtags: int = 7


@dataclass(frozen=True)
class GeneratorRecipe:
    """Settings of the generator.

    `architecture` is "seq2seq" (T5 or mT5), "segtrm" or "decoder". `base` names a T5 or mT5, SEGTRM's BERT encoder or a
    decoder-only LLM to start from; without it, a model of the given `shape` starts from random weights with a tokenizer
    of its own. The token embeddings learn `embedding_factor` times as fast as the rest, the encoder's other weights
    `encoder_factor` times. With `copying` (settings of [`reproduction.pretraining.copying.CopyingRecipe`], of a decoder
    [`reproduction.pretraining.decoders.DecoderPretraining`], or {}) random weights are pretrained: the model learns to copy
    before it sees the first post with its hashtags, a decoder between the texts of the posts.

    `context_noise` holds settings of [`right_hf.trainers.noise.ContextNoise`]: a generator that is now and then shown
    foreign hashtags, or none, learns when not to follow them.

    A decoder has more settings. `revision` is its base's on the Hub, `template` names its prompt, "short" if not given.
    `lora` holds the fields of `peft.LoraConfig`; without it all weights are tuned. `grpo` holds the settings of
    [`right_hf.trainers.grpo.GrpoRecipe`]. `arguments` are those of `trl.SFTConfig`.
    """

    architecture: str = "seq2seq"
    base: str | None = None
    revision: str | None = None
    template: str | None = None
    vocabulary_size: int = 8000
    shape: dict[str, Any] = field(default_factory=dict)
    max_source_length: int = 180
    max_target_length: int = 100
    token_dropout: float = 0.0
    embedding_factor: float = 1.0
    encoder_factor: float = 1.0
    copying: dict[str, Any] | None = None
    context_noise: dict[str, float] | None = None
    lora: dict[str, Any] | None = None
    grpo: dict[str, Any] | None = None
    validation_posts: int = 500
    arguments: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.architecture not in ARCHITECTURES:
            raise ValueError(f"unknown architecture {self.architecture!r}. Known: {', '.join(ARCHITECTURES)}.")
        given = [name for name in _DECODER_ONLY if getattr(self, name) is not None]
        if given and self.architecture != "decoder":
            raise ValueError(f"{given[0]!r} is for architecture 'decoder', got it with {self.architecture!r}.")


@dataclass(frozen=True)
class RankerRecipe:
    """Settings of the ranker.

    A share `held_out` of the training posts, at most `posts` of them, is kept from a retriever, selector and generator
    that are trained on the others; the trees are trained on the pools that these make of them. With the `order` "time"
    the latest posts are held out, which are to the others as posts to come will be to all; "random", and posts that
    tell no time, are drawn. `validation_posts` calibrate the scores.

    The trees are LightGBM's: `rounds` trees of `leaves` leaves, each leaf with at least `least_rows` hashtags, each
    tree shown a share of columns and rows. `objective` is "lambdarank", which looks at the first `looked_at` ranks, or
    "binary".
    `pool` holds settings of [`right_hf.ranker.PoolSettings`].
    """

    held_out: float = 0.25
    order: str = "time"
    posts: int = 8000
    validation_posts: int = 2500
    objective: str = "lambdarank"
    rounds: int = 300
    leaves: int = 15
    learning_rate: float = 0.05
    least_rows: int = 50
    column_share: float = 0.7
    row_share: float = 0.8
    looked_at: int = 3
    pool: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.objective not in OBJECTIVES:
            raise ValueError(f"unknown objective {self.objective!r}. Known: {', '.join(OBJECTIVES)}.")
        if self.order not in ORDERS:
            raise ValueError(f"unknown order {self.order!r}. Known: {', '.join(ORDERS)}.")
        if not 0 < self.held_out < 1:
            raise ValueError(f"held_out must be a share between 0 and 1, got {self.held_out!r}.")


@dataclass(frozen=True)
class Recipe:
    """Everything that decides what a checkpoint becomes, apart from the data and the code.

    `protocol` is `full`, or `small` for a fixed part of the training posts (see [`right_hf.data.small`]).
    """

    language: str
    seed: int = 0
    licenses: tuple[str, ...] | None = None
    protocol: str = "full"
    retriever: RetrieverRecipe = RetrieverRecipe()
    selector: SelectorRecipe = SelectorRecipe()
    generator: GeneratorRecipe = GeneratorRecipe()
    ranker: RankerRecipe = RankerRecipe()

    def posts(self, data: str | Path, split: str) -> list[Post]:
        """Loads a split of any source of [`load_split`]: the posts under the recipe's licences.

        Of the training split only those that the recipe's protocol uses are given.
        """
        posts = load_split(data, split, self.licenses)
        return apply_protocol(self.protocol, posts) if split == "train" else posts

    def as_dict(self) -> dict[str, Any]:
        """The recipe as plain values, to be kept beside results."""
        return dataclasses.asdict(self)

    def choices(self) -> dict[str, Any]:
        """The settings that differ from their defaults: what this recipe decides, and a later version still reads."""
        return _choices(self)


def _choices(settings: Any) -> dict[str, Any]:
    """The fields of a dataclass that differ from their defaults, those of nested ones likewise."""
    found: dict[str, Any] = {}
    for entry in dataclasses.fields(settings):
        value = getattr(settings, entry.name)
        default: Any = entry.default_factory() if callable(entry.default_factory) else entry.default
        if dataclasses.is_dataclass(value):
            value, default = _choices(value), {}
        if value != default:
            found[entry.name] = value
    return found


_PARTS: dict[str, type] = {
    "retriever": RetrieverRecipe,
    "selector": SelectorRecipe,
    "generator": GeneratorRecipe,
    "ranker": RankerRecipe,
}


def build_settings(kind: type, values: Any, where: str) -> Any:
    """A dataclass from a mapping; `where` begins the messages of its errors.

    Raises:
        ValueError: A setting is unknown, missing or of the wrong kind.
    """
    if not isinstance(values, dict):
        raise ValueError(f"{where} must be a mapping, got {values!r:.80}.")
    known = [entry.name for entry in dataclasses.fields(kind)]
    if unknown := [name for name in values if name not in known]:
        raise ValueError(f"{where}: unknown setting {unknown[0]!r}. Known: {', '.join(known)}.")
    try:
        return kind(**values)
    except TypeError as error:  # says which one
        raise ValueError(f"{where}: {error}. Add the setting.") from error
    except ValueError as error:
        raise ValueError(f"{where}: {error}") from error


def read_recipe_file(path: str | Path) -> dict[str, Any]:
    """The mapping in a YAML file.

    Raises:
        FileNotFoundError: There is no such file.
        ValueError: It is no YAML mapping.
    """
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"No recipe at {path}. Recipes lie in training/configs.")
    try:
        values = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ValueError(f"{path} is no valid YAML: {error}") from error
    if not isinstance(values, dict):
        raise ValueError(f"{path} must hold a mapping, got {type(values).__name__}.")
    return values


def build_recipe(values: dict[str, Any], where: str) -> Recipe:
    """A recipe from plain values; `where` begins the messages of its errors.

    Raises:
        ValueError: A setting is unknown, missing or of the wrong kind.
    """
    values = dict(values)
    for name, kind in _PARTS.items():
        if name in values:
            values[name] = build_settings(kind, values[name], f"{where}, {name}")
    if (licenses := values.get("licenses")) is not None:
        if not isinstance(licenses, list):
            raise ValueError(f"{where}: licenses must be a list of SPDX names, got {licenses!r:.80}.")
        values["licenses"] = tuple(licenses)
    if (protocol := values.get("protocol", "full")) not in PROTOCOLS:
        raise ValueError(f"{where}: unknown protocol {protocol!r:.80}. Known: {', '.join(PROTOCOLS)}.")
    recipe: Recipe = build_settings(Recipe, values, where)
    return recipe


def load_recipe(path: str | Path, seed: int | None = None) -> Recipe:
    """Reads a recipe; `seed` overrides the recipe's own.

    Raises:
        FileNotFoundError: There is no such file.
        ValueError: It is no YAML mapping, holds an unknown setting or lacks one.
    """
    recipe = build_recipe(read_recipe_file(path), str(path))
    return recipe if seed is None else dataclasses.replace(recipe, seed=seed)
