"""The model card of a checkpoint, filled from its training record and its results, never by hand."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from huggingface_hub import ModelCardData

from right_hf.evaluation import RIGHT, markdown_table

_TEMPLATE = Path(__file__).with_name("model_card_template.md")


@dataclass(frozen=True)
class CardFacts:
    """What a card is filled with.

    Attributes:
        name: The checkpoint's name.
        language: ISO 639-1 code.
        data: Prose about the training data and its licences.
        training: The checkpoint's `training.json`.
        results: What `training/evaluate_checkpoint.py` saved.
    """

    name: str
    language: str
    data: str
    training: dict[str, Any]
    results: dict[str, Any]


def render_card(facts: CardFacts) -> str:
    """The card as Markdown with YAML metadata."""
    recipe = facts.training["config"]
    selector, generator = recipe["selector"], recipe["generator"]
    shape = generator["shape"]
    layers = f"{shape['num_layers']} + {shape['num_decoder_layers']} layers of width {shape['d_model']}"
    metadata = ModelCardData(
        language=facts.language,
        license="apache-2.0",
        library_name="right_hf",
        tags=["hashtag-recommendation", "retrieval-augmented-generation"],
        metrics=["f1", "rouge"],
    )
    fused = facts.results["results"][RIGHT]
    results_text = (
        f"On {facts.results['posts']} test posts never seen in training, in percent: F1@1 {fused['f1@1']:.2f}, "
        f"F1@5 {fused['f1@5']:.2f}. The same data for the baselines:"
    )
    return _TEMPLATE.read_text(encoding="utf-8").format(
        metadata=metadata.to_yaml(),
        name=facts.name,
        posts=facts.training["generator"]["posts"],
        analyser=recipe["retriever"]["analyser"],
        dimensions=selector["dimensions"],
        encoder=" distilled from all-MiniLM-L6-v2 (Apache-2.0)" if selector["encoder"] else "",
        shape=layers,
        vocabulary_size=generator["vocabulary_size"],
        seed=facts.training["seed"],
        commit=facts.training["generator"]["commit"],
        data=facts.data,
        results_text=results_text,
        table=markdown_table(facts.results["results"]),
    )
