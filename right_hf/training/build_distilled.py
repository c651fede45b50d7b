"""From a trained selector or dense retriever and judged texts to one that is co-trained, with a record of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from sentence_transformers import SentenceTransformer

from right_hf.components import load_component
from right_hf.encoders import embed_in_parts, encoder_fingerprint
from right_hf.persistence import atomic_folder, write_json
from right_hf.provenance import provenance
from right_hf.retriever import DenseRetriever
from right_hf.selector import BiEncoderSelector
from right_hf.training.distill import DistillRecipe, Judged, train_distilled
from right_hf.training.emissions import measured_emissions
from right_hf.training.recipe import Recipe
from right_hf.training.runs import checkpoints_folder, claim_run, digest, run_identity


def build_distilled_selector(
    recipe: Recipe, settings: DistillRecipe, judged: Sequence[Judged], start: Path, output: Path
) -> None:
    """Goes on with a trained selector, see [`right_hf.training.distill.judge_hashtags`].

    Args:
        recipe: That of the selector.
        settings: How it is trained.
        judged: Posts with hashtags.
        start: What [`right_hf.training.build.build_selector`] wrote.
        output: The selector's folder; a run that was stopped goes on in the folder `…-checkpoints` beside it.
    """
    selector = BiEncoderSelector.from_pretrained(start)
    model, record = _distilled(recipe, settings, judged, selector.model, output)
    with atomic_folder(output) as folder:
        BiEncoderSelector(model.half(), selector.hit_scale).save_pretrained(folder)
        write_json(folder / "training.json", record)


def build_distilled_retriever(
    recipe: Recipe, settings: DistillRecipe, judged: Sequence[Judged], start: Path, output: Path
) -> None:
    """Goes on with a trained dense retriever, see [`right_hf.training.distill.judge_hits`], and embeds its corpus anew.

    Args:
        recipe: That of the retriever.
        settings: How it is trained.
        judged: Posts with the texts of their hits.
        start: What [`right_hf.training.build.build_retriever`] wrote.
        output: The retriever's folder; a run that was stopped goes on in the folder `…-checkpoints` beside it.

    Raises:
        ValueError: `start` holds another kind of retriever.
    """
    retriever = load_component("retriever", start)
    if not isinstance(retriever, DenseRetriever):
        raise ValueError(f"{start} holds a {type(retriever).__name__}; only a DenseRetriever has an encoder to train.")
    model, record = _distilled(recipe, settings, judged, retriever.encoder, output)
    corpus = retriever.corpus
    vectors = embed_in_parts(model, [post.text for post in corpus], checkpoints_folder(output) / "vectors")
    with atomic_folder(output) as folder:
        DenseRetriever(corpus, model, retriever.index, vectors).save_pretrained(folder)
        write_json(folder / "training.json", record)


def _distilled(
    recipe: Recipe, settings: DistillRecipe, judged: Sequence[Judged], model: SentenceTransformer, output: Path
) -> tuple[SentenceTransformer, dict[str, Any]]:
    """The trained encoder, in full precision, and the record of its making."""
    choices = asdict(settings)
    origin = provenance({**recipe.as_dict(), "distillation": choices}, recipe.seed)
    checkpoints = checkpoints_folder(output)
    others = {"distillation": choices, "judged": digest(judged), "start": encoder_fingerprint(model)}
    claim_run(checkpoints, run_identity(recipe, (), **others))
    model = model.float()
    log = train_distilled(model, judged, checkpoints, settings, recipe.seed)
    return model, {**origin, "judged": len(judged), **measured_emissions(checkpoints), **log}
