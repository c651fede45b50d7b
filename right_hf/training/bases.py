"""The models that training starts from: named by the recipe, or made from scratch."""

from __future__ import annotations

import importlib.util
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from sentence_transformers import SentenceTransformer
from transformers import AutoModelForSeq2SeqLM, AutoTokenizer

from right_hf.persistence import atomic_folder
from right_hf.posts import Post
from right_hf.training.generator import GeneratorShape, t5_from_scratch
from right_hf.training.recipe import GeneratorRecipe, SelectorRecipe
from right_hf.training.selector import distilled_static_encoder, static_encoder
from right_hf.training.tokenizer import train_tokenizer

_PACKAGE = "package:"


def resolve_model(name: str) -> str:
    """A Hub id or folder as it is; `package:NAME` as the folder `model` inside that installed Python package.

    Raises:
        ModuleNotFoundError: The package is not installed.
    """
    if not name.startswith(_PACKAGE):
        return name
    package = name.removeprefix(_PACKAGE)
    found = importlib.util.find_spec(package)
    if found is None or found.origin is None:
        raise ModuleNotFoundError(f"{name} names a Python package that is not installed: pip install {package}")
    return str(Path(found.origin).parent / "model")


def _texts(posts: Sequence[Post]) -> list[str]:
    return [text for post in posts for text in (post.text, *post.hashtags)]


def selector_base(recipe: SelectorRecipe, posts: Sequence[Post], seed: int) -> SentenceTransformer:
    """The encoder that the selector starts from."""
    if recipe.encoder is None:
        if recipe.dimensions is None:
            raise ValueError("The selector's recipe needs `encoder`, `dimensions` or both, got neither.")
        return static_encoder(train_tokenizer(_texts(posts), recipe.vocabulary_size), recipe.dimensions, seed)
    encoder = resolve_model(recipe.encoder)
    if recipe.dimensions is None:
        return SentenceTransformer(encoder)
    return distilled_static_encoder(encoder, recipe.dimensions)


def generator_base(recipe: GeneratorRecipe, posts: Sequence[Post], seed: int, keep: Path) -> tuple[Any, Any]:
    """The model that the generator starts from, and its tokenizer.

    A tokenizer trained here is kept in the folder `keep` and taken from there by a run that is resumed: its weights
    belong to these very token ids.
    """
    if recipe.base is not None:
        base = resolve_model(recipe.base)
        return AutoModelForSeq2SeqLM.from_pretrained(base), AutoTokenizer.from_pretrained(base)
    if keep.is_dir():
        tokenizer = AutoTokenizer.from_pretrained(keep, local_files_only=True)
    else:
        tokenizer = train_tokenizer(_texts(posts), recipe.vocabulary_size)
        with atomic_folder(keep) as folder:
            tokenizer.save_pretrained(folder)
    return t5_from_scratch(GeneratorShape(**recipe.shape), tokenizer, seed), tokenizer
