"""From a recipe and posts to a retriever, a selector, a generator and a checkpoint, each with a record of its making.

A run that was stopped goes on where it was: beside its `output` lies the folder `…-checkpoints` of the Trainer.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

from right_hf.analysis import get_analyser
from right_hf.component import COMPONENT_TYPES, load_component
from right_hf.config import RightConfig
from right_hf.corpus import Corpus
from right_hf.encoders import embed_in_parts
from right_hf.evaluation import run_right
from right_hf.model import RightModel
from right_hf.persistence import atomic_folder, read_json, write_json
from right_hf.posts import Post
from right_hf.provenance import provenance
from right_hf.retriever import DenseRetriever, HybridRetriever, Retriever
from right_hf.selector import BiEncoderSelector
from right_hf.trainers.bases import encoder_base, generator_base, recipe_bm25, recipe_retriever
from right_hf.trainers.calibration import fit_fusion
from reproduction.pretraining.copying import CopyingExamples, CopyingRecipe, RehearsedExamples
from right_hf.trainers.emissions import measured_emissions
from right_hf.trainers.examples import GeneratorExample, augmented_examples, plain_examples
from right_hf.trainers.seq2seq import train_generator
from right_hf.trainers.noise import ContextNoise
from right_hf.trainers.recipe import Recipe
from right_hf.trainers.runs import checkpoints_folder, claim_run, digest, run_identity
from right_hf.trainers.selector import train_selector
from right_hf.trainers.retriever import retriever_triplets, train_retriever
from right_hf.trainers.triplets import selector_triplets
from right_hf.trainers.wordnet import load_synonyms, no_synonyms


def build_retriever(recipe: Recipe, posts: Sequence[Post], output: Path) -> None:
    """Indexes the posts with BM25, or trains the dense retriever (SimCSE) on them and indexes them with it, or both.

    Args:
        recipe: Its settings.
        posts: The training posts, which are the corpus.
        output: The retriever's folder.
    """
    origin = provenance(recipe.as_dict(), recipe.seed)
    retriever: Retriever
    log: dict[str, Any] = {}
    if recipe.retriever.type in ("dense", "hybrid"):
        dense, log = _dense_retriever(recipe, posts, checkpoints_folder(output))
        retriever = HybridRetriever(recipe_bm25(recipe, posts), dense) if recipe.retriever.type == "hybrid" else dense
    else:
        retriever = recipe_retriever(recipe, posts)
    with atomic_folder(output) as folder:
        retriever.save_pretrained(folder)
        facts = {"posts": len(posts), **measured_emissions(checkpoints_folder(output))}
        write_json(folder / "training.json", {**origin, **facts, **log})


def _dense_retriever(recipe: Recipe, posts: Sequence[Post], checkpoints: Path) -> tuple[DenseRetriever, dict[str, Any]]:
    """Trains the encoder and indexes the posts; the second value is the Trainer's log."""
    settings = recipe.retriever
    claim_run(checkpoints, run_identity(recipe, posts))
    encoder = encoder_base(settings, posts, recipe.seed)
    log: dict[str, Any] = {"steps": 0, "triplets": 0}
    if settings.triplets != 0:
        bm25 = recipe_bm25(recipe, posts)
        analyse = get_analyser(settings.analyser)
        triplets = retriever_triplets(posts, bm25, analyse, recipe.seed, settings.triplets, settings.hits)
        trained = train_retriever(encoder, triplets, checkpoints, settings.arguments, recipe.seed)
        log = {**trained, "triplets": len(triplets)}
    corpus = Corpus(posts)
    vectors = embed_in_parts(encoder, [post.text for post in corpus], checkpoints / "vectors")
    return DenseRetriever(corpus, encoder, settings.index, vectors), log


def build_selector(recipe: Recipe, posts: Sequence[Post], output: Path, wordnet: Path) -> None:
    """Trains the selector: triplets of post, hashtag and disturbed hashtag, with the paper's contrastive loss.

    Args:
        recipe: Its settings.
        posts: The training posts.
        output: The selector's folder.
        wordnet: Folder of WordNet's files, for the synonyms of English hashtags.
    """
    origin = provenance(recipe.as_dict(), recipe.seed)
    synonyms = load_synonyms(wordnet) if recipe.language == "en" else no_synonyms
    triplets = selector_triplets(posts, synonyms, recipe.seed, recipe.language)
    model = encoder_base(recipe.selector, posts, recipe.seed)
    claim_run(checkpoints_folder(output), run_identity(recipe, posts))
    log = train_selector(model, triplets, checkpoints_folder(output), recipe.selector.arguments, recipe.seed)
    with atomic_folder(output) as folder:
        BiEncoderSelector(model.half(), recipe.selector.hit_scale).save_pretrained(folder)
        write_json(folder / "training.json", {**origin, **measured_emissions(checkpoints_folder(output)), **log})


def generator_examples(
    recipe: Recipe,
    posts: Sequence[Post],
    validation: Sequence[Post],
    selector_folder: Path | None = None,
    retriever_folder: Path | None = None,
) -> tuple[list[GeneratorExample], list[GeneratorExample]]:
    """Training and validation examples of a generator.

    Args:
        recipe: Settings of retriever and selector.
        posts: The training posts.
        validation: Posts that are not among them.
        selector_folder: The selector that chooses the hashtags beside each post; without it there are none.
        retriever_folder: A trained retriever; without it BM25 is indexed.
    """
    if selector_folder is None:
        return plain_examples(posts), plain_examples(validation)
    settings = recipe.retriever
    augment = partial(
        augmented_examples,
        retriever=recipe_retriever(recipe, posts, retriever_folder),
        selector=BiEncoderSelector.from_pretrained(selector_folder),
        hits=settings.hits,
        hashtags=recipe.selector.hashtags,
    )
    return augment(posts, unseen_under=get_analyser(settings.analyser)), augment(validation)


def build_generator(
    recipe: Recipe,
    posts: Sequence[Post],
    train: Sequence[GeneratorExample],
    validation: Sequence[GeneratorExample],
    output: Path,
    base: Path | None = None,
) -> None:
    """Trains a generator; an LLM needs `pip install right_hf[llm]`.

    Args:
        recipe: Its settings.
        posts: The training posts, for its tokenizer where it starts from random weights.
        train: Training examples, with retrieved hashtags or without them (Seq2Seq).
        validation: Examples on which each epoch is scored.
        output: The generator's folder.
        base: Folder of the base that it starts from, see [`generator_base`]; by default one of the run's own.
    """
    settings, checkpoints = recipe.generator, checkpoints_folder(output)
    if settings.architecture == "decoder":
        return _llm_builder()(recipe, posts, train, validation, output, checkpoints, base)
    origin = provenance(recipe.as_dict(), recipe.seed)
    kind = COMPONENT_TYPES["generator"][settings.architecture]
    claim_run(checkpoints, run_identity(recipe, posts, examples=digest(train)))
    model, tokenizer = generator_base(settings, posts, recipe.seed, base or checkpoints / "base", recipe.language)
    form = kind.format_class(tokenizer, settings.max_source_length, settings.max_target_length)
    log = train_generator(
        model,
        form,
        train,
        validation,
        checkpoints,
        settings.arguments,
        recipe.seed,
        settings.token_dropout,
        settings.embedding_factor,
        settings.encoder_factor,
        ContextNoise(**settings.context_noise) if settings.context_noise is not None else None,
        _rehearsed(recipe, posts, form),
    )
    with atomic_folder(output) as folder:
        generator = kind(model.half(), tokenizer, settings.max_source_length, settings.max_target_length)
        generator.save_pretrained(folder)
        facts = {"retrieval": any(example.context for example in train), "posts": len(posts)}
        facts |= measured_emissions(checkpoints)
        write_json(folder / "training.json", {**origin, **facts, **log})


def _rehearsed(recipe: Recipe, posts: Sequence[Post], form: Any) -> CopyingExamples | None:
    """The copying examples that a T5 goes on with in fine-tuning, if its recipe wants any; SEGTRM never copies."""
    copying = CopyingRecipe(**recipe.generator.copying or {})
    if recipe.generator.architecture != "seq2seq" or not copying.rehearsed:
        return None
    return RehearsedExamples.of_posts(posts, form, copying, recipe.seed)


def build_grpo(
    recipe: Recipe,
    posts: Sequence[Post],
    train: Sequence[GeneratorExample],
    validation: Sequence[GeneratorExample],
    output: Path,
    start: Path,
    base: Path | None = None,
) -> None:
    """Goes on with a tuned LLM by GRPO, on the examples that it was tuned with.

    Args:
        recipe: That of the tuned LLM; its `grpo` is used.
        posts: The training posts.
        train: Training examples.
        validation: Examples on which checkpoints are scored.
        output: The generator's folder.
        start: What [`build_generator`] wrote.
        base: Folder of the base, as for [`build_generator`]; not needed where the recipe names it.
    """
    _llm_builder()(recipe, posts, train, validation, output, checkpoints_folder(output), base, start)


def _llm_builder() -> Callable[..., None]:
    try:
        from right_hf.trainers.build_llm import build_llm
    except ImportError as error:
        raise ImportError(f"Tuning an LLM needs peft and trl ({error}): pip install 'right_hf[train,llm]'") from error
    return build_llm


def build_checkpoint(
    recipe: Recipe,
    posts: Sequence[Post],
    validation: Sequence[Post],
    output: Path,
    selector_folder: Path,
    generator_folder: Path,
    retriever_folder: Path | None = None,
    ranker_folder: Path | None = None,
) -> None:
    """Builds the composite: index of the training posts, selector, generator, fitted fusion or ranker.

    Args:
        recipe: Settings of index and ranking.
        posts: The training posts, which are indexed.
        validation: Posts on which the fusion is fitted.
        output: The checkpoint's folder.
        selector_folder: What [`build_selector`] wrote.
        generator_folder: What [`build_generator`] wrote.
        retriever_folder: What [`build_retriever`] wrote; without it BM25 is indexed.
        ranker_folder: What [`right_hf.trainers.build_ranker.build_ranker`] wrote; without it the fusion is fitted.
    """
    origin = provenance(recipe.as_dict(), recipe.seed)
    retriever = recipe_retriever(recipe, posts, retriever_folder)
    selector = BiEncoderSelector.from_pretrained(selector_folder)
    generator = load_component("generator", generator_folder)
    config = RightConfig(
        hits=recipe.retriever.hits, context_hashtags=recipe.selector.hashtags, language=recipe.language
    )
    ranker = None
    if ranker_folder is not None:
        ranker = load_component("ranker", ranker_folder)
    else:
        model = RightModel(config, retriever, selector, generator)
        config.fusion = asdict(fit_fusion(validation, run_right(model, validation)))
    model = RightModel(config, retriever, selector, generator, ranker)
    parts = {
        "retriever": retriever_folder,
        "selector": selector_folder,
        "generator": generator_folder,
        "ranker": ranker_folder,
    }
    history = {name: read_json(folder / "training.json") for name, folder in parts.items() if folder is not None}
    model.records["training.json"] = json.dumps({**origin, **history}, indent=2) + "\n"
    model.save_pretrained(output)
