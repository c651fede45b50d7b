"""From a recipe and trained components to a ranker, with components of its own that have not seen some of the posts."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from right_hf.component import load_component
from right_hf.config import RightConfig
from right_hf.data import small
from right_hf.ranker import PoolSettings
from right_hf.persistence import atomic_folder, write_json
from right_hf.posts import Post
from right_hf.provenance import provenance
from right_hf.selector import BiEncoderSelector
from right_hf.trainers.bases import recipe_retriever
from right_hf.trainers.build import build_generator, build_retriever, build_selector, generator_examples
from right_hf.trainers.held_out import ranker_posts
from right_hf.trainers.pools import Pools, run_pools
from right_hf.trainers.ranker import fit_ranker
from right_hf.trainers.recipe import Recipe
from right_hf.trainers.runs import checkpoints_folder, claim_run, run_identity


def build_ranker(
    recipe: Recipe,
    posts: Sequence[Post],
    validation: Sequence[Post],
    output: Path,
    selector_folder: Path,
    generator_folder: Path,
    retriever_folder: Path | None = None,
    wordnet: Path = Path("/usr/share/wordnet"),
    base: Path | None = None,
) -> None:
    """Trains a ranker.

    A part of the training posts is held out, and retriever, selector and generator are trained once more on the others:
    the trees learn from pools as they are for posts that no component has seen. This takes about as long as the
    training of the components. The validation posts, through the components themselves, calibrate the scores.

    Args:
        recipe: Its settings, and those of the components.
        posts: The training posts.
        validation: Validation posts; those on which the generator was chosen are left out where there are others.
        output: The ranker's folder.
        selector_folder: What [`build_selector`] wrote.
        generator_folder: What [`build_generator`] wrote.
        retriever_folder: What [`build_retriever`] wrote; without it BM25 is indexed.
        wordnet: Folder of WordNet's files, for the synonyms of English hashtags.
        base: Folder of the base that the generator of the other posts starts from, see
            [`right_hf.trainers.bases.generator_base`]; by default one of its own.
    """
    origin = provenance(recipe.as_dict(), recipe.seed)
    kept, held = ranker_posts(posts, recipe.ranker)
    folder = checkpoints_folder(output)
    claim_run(folder, run_identity(recipe, posts))
    chosen_on = recipe.generator.validation_posts
    own = _held_out_components(recipe, kept, validation[:chosen_on], folder, wordnet, base)
    train = _pools(recipe, kept, held, *own)
    unseen = [post for post in (validation[chosen_on:] or validation) if post.text]
    parts = (selector_folder, generator_folder, retriever_folder)
    calibration = _pools(recipe, posts, small(unseen, size=recipe.ranker.validation_posts), *parts)
    ranker = fit_ranker(train, calibration, recipe.ranker, recipe.seed)
    with atomic_folder(output) as scratch:
        ranker.save_pretrained(scratch)
        facts = {"held_out": len(held), "calibrated_on": len(calibration.sizes)}
        write_json(scratch / "training.json", {**origin, **facts})


def _held_out_components(
    recipe: Recipe,
    posts: Sequence[Post],
    validation: Sequence[Post],
    folder: Path,
    wordnet: Path,
    base: Path | None,
) -> tuple[Path, Path, Path | None]:
    """Folders of a selector, a generator and, unless it is BM25, a retriever of these posts alone."""

    def made(name: str, make: Callable[[Path], Any]) -> Path:
        if not (folder / name).is_dir():
            make(folder / name)
        return folder / name

    retriever = None
    if recipe.retriever.type != "bm25":
        retriever = made("retriever", partial(build_retriever, recipe, posts))
    selector = made("selector", partial(build_selector, recipe, posts, wordnet=wordnet))

    def make_generator(path: Path) -> None:
        examples = generator_examples(recipe, posts, validation, selector, retriever)
        build_generator(recipe, posts, *examples, path, base)

    return selector, made("generator", make_generator), retriever


def _pools(
    recipe: Recipe,
    corpus: Sequence[Post],
    posts: Sequence[Post],
    selector: Path,
    generator: Path,
    retriever: Path | None,
) -> Pools:
    """The pools of some posts, made by components with a corpus of others."""
    config = RightConfig(hits=recipe.retriever.hits, context_hashtags=recipe.selector.hashtags)
    return run_pools(
        posts,
        config,
        recipe_retriever(recipe, corpus, retriever),
        BiEncoderSelector.from_pretrained(selector),
        load_component("generator", generator),
        PoolSettings(**recipe.ranker.pool),
    )
