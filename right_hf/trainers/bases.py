"""The models that training starts from: named by the recipe, or made from scratch."""

from __future__ import annotations

import importlib.util
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from sentence_transformers import SentenceTransformer
from transformers import AutoConfig, AutoModel, AutoModelForSeq2SeqLM, AutoTokenizer

from right_hf.component import COMPONENT_TYPES, load_component
from right_hf.generator.decoder_base import Base, load_network
from right_hf.generator.prompt import SeparatorFormat
from right_hf.persistence import atomic_folder
from right_hf.posts import Post
from right_hf.retriever import BM25Retriever, Retriever
from reproduction.segtrm import SegtrmForHashtagGeneration, add_segment_tokens
from reproduction.pretraining.copying import CopyingRecipe, pretrain_copying
from reproduction.pretraining.decoders import (
    DecoderPretraining,
    DecoderShape,
    decoder_format,
    decoder_from_scratch,
    pretrain_decoder,
)
from right_hf.trainers.seq2seq import GeneratorShape, t5_from_scratch
from right_hf.trainers.recipe import EncoderRecipe, GeneratorRecipe, Recipe
from right_hf.trainers.runs import checkpoints_folder, claim_run
from reproduction.pretraining.segtrm_shape import SegtrmShape, segtrm_from_scratch
from right_hf.trainers.selector import distilled_static_encoder, static_encoder
from reproduction.pretraining.tokenizer import train_decoder_tokenizer, train_tokenizer

#: The sizes of a generator that starts from random weights, by architecture.
SHAPES: dict[str, type[Any]] = {"seq2seq": GeneratorShape, "segtrm": SegtrmShape, "decoder": DecoderShape}
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


def encoder_base(recipe: EncoderRecipe, posts: Sequence[Post], seed: int) -> SentenceTransformer:
    """The encoder that the selector or the dense retriever starts from.

    Raises:
        ValueError: The recipe names no encoder, or asks for layers or a length that it cannot have.
    """
    if recipe.dimensions is not None and (recipe.layers is not None or recipe.max_seq_length is not None):
        raise ValueError("`dimensions` asks for static embeddings, which have no `layers` and no `max_seq_length`.")
    if recipe.encoder is None:
        if recipe.dimensions is None:
            raise ValueError("The recipe of an encoder needs `encoder`, `dimensions` or both, got neither.")
        tokenizer = train_tokenizer(_texts(posts), recipe.vocabulary_size)
        return static_encoder(tokenizer, recipe.dimensions, seed)
    model = _pretrained_encoder(resolve_model(recipe.encoder), recipe.layers)
    if recipe.dimensions is not None:
        return distilled_static_encoder(model.to("cpu"), recipe.dimensions)
    if recipe.max_seq_length is not None:
        model.max_seq_length = recipe.max_seq_length
    return model


def _pretrained_encoder(name: str, layers: int | None) -> SentenceTransformer:
    """A sentence-transformers model, of which only the first `layers` are kept if that is given."""
    if layers is None:
        return SentenceTransformer(name)
    whole = AutoConfig.from_pretrained(name).num_hidden_layers
    if not 1 <= layers <= whole:
        raise ValueError(f"layers must lie between 1 and {whole}, the layers of {name}, got {layers}.")
    return SentenceTransformer(name, config_kwargs={"num_hidden_layers": layers})


def recipe_bm25(recipe: Recipe, posts: Sequence[Post]) -> BM25Retriever:
    """BM25 with the recipe's settings."""
    settings = recipe.retriever
    return BM25Retriever.from_posts(posts, analyser=settings.analyser, k1=settings.k1, b=settings.b)


def recipe_retriever(recipe: Recipe, posts: Sequence[Post], folder: Path | None = None) -> Retriever:
    """The retriever of a recipe: read from `folder`, where training/train_retriever.py wrote it, or BM25 made anew.

    Raises:
        ValueError: The recipe asks for a dense retriever and there is no folder, the folder holds another type of
            retriever, or its corpus is not `posts`.
    """
    settings = recipe.retriever
    if settings.type not in COMPONENT_TYPES["retriever"]:
        known = ", ".join(COMPONENT_TYPES["retriever"])
        raise ValueError(f"Unknown type of retriever {settings.type!r} in the recipe. Known: {known}.")
    if folder is None:
        if settings.type != "bm25":
            raise ValueError(
                f"A retriever of type {settings.type!r} must be trained first: training/train_retriever.py. Give its "
                "folder with --retriever."
            )
        return recipe_bm25(recipe, posts)
    retriever: Retriever = load_component("retriever", folder)
    same_type = isinstance(retriever, COMPONENT_TYPES["retriever"][settings.type])
    if not same_type or list(retriever.corpus) != sorted(posts, key=lambda post: post.id):
        raise ValueError(f"{folder} holds no {settings.type} retriever of the recipe's training posts. Train it again.")
    return retriever


def generator_base(
    recipe: GeneratorRecipe, posts: Sequence[Post], seed: int, own: Path, language: str = "en"
) -> tuple[Any, Any]:
    """The model that the generator starts from, and its tokenizer.

    Args:
        recipe: Names the base, or says how one is made.
        posts: The training posts.
        seed: Of random weights.
        own: Folder of a base that is not named; made here by [`build_base`] if it is not there. Several generators may
            start from one.
        language: Of a decoder's prompts, which it is pretrained on.

    Raises:
        ValueError: `own` holds a base of other settings.
    """
    if recipe.base is None:
        claim_run(checkpoints_folder(own), {**_base_settings(recipe), "language": language})
        if not own.is_dir():
            build_base(recipe, posts, seed, own, language)
    if recipe.architecture == "decoder":
        return _decoder_base(recipe, own)
    if recipe.base is not None:
        return _named_base(recipe, resolve_model(recipe.base), seed)
    tokenizer = AutoTokenizer.from_pretrained(own, local_files_only=True)
    if (own / "config.json").is_file():
        return _for_training(AutoModelForSeq2SeqLM.from_pretrained(own, local_files_only=True)), tokenizer
    return _for_training(_from_scratch(recipe, tokenizer, seed)), tokenizer


def _named_base(recipe: GeneratorRecipe, base: str, seed: int) -> tuple[Any, Any]:
    tokenizer = AutoTokenizer.from_pretrained(base)
    if recipe.architecture == "seq2seq":
        return _for_training(AutoModelForSeq2SeqLM.from_pretrained(base)), tokenizer
    torch.manual_seed(seed)
    encoder = AutoModel.from_pretrained(base)
    return _for_training(SegtrmForHashtagGeneration.from_encoder(encoder, tokenizer, **recipe.shape)), tokenizer


def decoder_source(recipe: GeneratorRecipe, own: Path) -> Base:
    """Where the base of a decoder lies, at its present commit: on the Hub, or in the folder `own`."""
    if recipe.base is None:
        return Base.of(str(own.resolve()))
    return Base.of(resolve_model(recipe.base), recipe.revision)


def _decoder_base(recipe: GeneratorRecipe, own: Path) -> tuple[Any, Any]:
    folder = decoder_source(recipe, own).folder()
    # A frozen base need not be as exact as weights that are learned.
    dtype = torch.bfloat16 if recipe.lora is not None and torch.cuda.is_available() else torch.float32
    tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
    return _for_training(load_network(folder, dtype, "cpu")), tokenizer


def _from_scratch(recipe: GeneratorRecipe, tokenizer: Any, seed: int) -> Any:
    """A model of the recipe's shape with random weights; SEGTRM's tokenizer gets tokens of its own."""
    shape = SHAPES[recipe.architecture](**recipe.shape)
    if recipe.architecture == "segtrm":
        return segtrm_from_scratch(shape, add_segment_tokens(tokenizer), seed)
    if recipe.architecture == "decoder":
        return decoder_from_scratch(shape, tokenizer, seed)
    return t5_from_scratch(shape, tokenizer, seed)


def _for_training(model: Any) -> Any:
    """The model with an attention whose gradients do not take long on a CPU, as those of PyTorch's fused one do."""
    if not torch.cuda.is_available():
        model.set_attn_implementation("eager")
    return model


def build_base(recipe: GeneratorRecipe, posts: Sequence[Post], seed: int, output: Path, language: str = "en") -> None:
    """Makes what a generator without a named base starts from.

    That is a tokenizer, and with `copying` a T5 that can copy; for a decoder always a model, which its adapters need.

    Args:
        recipe: Its settings.
        posts: The training posts.
        seed: Of the weights and the examples.
        output: The base's folder; a run that was stopped goes on in `…-checkpoints` beside it.
        language: Of a decoder's prompts.
    """
    checkpoints = checkpoints_folder(output)
    kept = checkpoints / "tokenizer"  # weights of a stopped run belong to these very token ids
    if kept.is_dir():
        tokenizer: Any = AutoTokenizer.from_pretrained(kept, local_files_only=True)
    else:
        train = train_decoder_tokenizer if recipe.architecture == "decoder" else train_tokenizer
        tokenizer = train(_texts(posts), recipe.vocabulary_size)
        with atomic_folder(kept) as folder:
            tokenizer.save_pretrained(folder)
    model = None
    pretrained = recipe.copying is not None and recipe.architecture != "segtrm"
    if pretrained or recipe.architecture == "decoder":
        model = _for_training(_from_scratch(recipe, tokenizer, seed))
    if pretrained:
        settings, where = recipe.copying or {}, _where(recipe)
        if recipe.architecture == "decoder":
            prompts = decoder_format(recipe, tokenizer, language)
            pretrain_decoder(model, prompts, posts, checkpoints, DecoderPretraining(**settings), where, seed)
        else:
            form = SeparatorFormat(tokenizer, recipe.max_source_length, recipe.max_target_length)
            copying = CopyingRecipe(**settings)
            pretrain_copying(model, form, posts, checkpoints, copying, where, seed, recipe.embedding_factor)
    with atomic_folder(output) as folder:
        tokenizer.save_pretrained(folder)
        if model is not None:
            model.save_pretrained(folder)


def _base_settings(recipe: GeneratorRecipe) -> dict[str, Any]:
    """The settings that decide what a base becomes; what is rehearsed of its copying later is none of them."""
    names = ("architecture", "vocabulary_size", "shape", "copying", "max_source_length", "template", "embedding_factor")
    settings = {name: getattr(recipe, name) for name in names}
    copying = {name: value for name, value in (recipe.copying or {}).items() if name != "rehearsed"}
    return settings | {"copying": copying if recipe.copying is not None else None}


def _where(recipe: GeneratorRecipe) -> dict[str, Any]:
    """The training arguments that say on what a run computes, not how it learns."""
    names = ("bf16", "fp16", "use_cpu", "dataloader_pin_memory", "dataloader_num_workers", "disable_tqdm", "report_to")
    return {name: recipe.arguments[name] for name in names if name in recipe.arguments}
