from __future__ import annotations

from typing import Any

from huggingface_hub import ModelCard

from right_hf.evaluation import BM25, RIGHT
from right_hf.model_card import CardFacts, render_card
from right_hf.training.recipe import Recipe

SCORES = {"rouge1": 10.0, "rouge2": 5.0, "rougeL": 9.0, "f1@1": 41.25, "f1@5": 30.5}


def facts() -> CardFacts:
    shape = {"num_layers": 3, "num_decoder_layers": 2, "d_model": 256}
    recipe: dict[str, Any] = Recipe(language="en").as_dict()
    recipe["generator"]["shape"] = shape
    training = {"config": recipe, "seed": 7, "generator": {"posts": 12345, "commit": "abc123"}}
    results = {"posts": 699, "results": {BM25: SCORES | {"f1@1": 30.0}, RIGHT: SCORES}}
    return CardFacts("right-xx", "en", "Posts about ships.", training, results)


def test_card_is_filled_from_the_facts() -> None:
    card = render_card(facts())
    for expected in ("12,345 posts", "3 + 2 layers of width 256", "abc123", "Posts about ships.", "699 test posts"):
        assert expected in card
    assert "F1@1 41.25" in card
    assert "| BM25" in card
    assert "{" not in card.split("---")[2], "a placeholder was left unfilled"


def test_metadata_is_valid() -> None:
    data = ModelCard(render_card(facts())).data
    assert data.license == "apache-2.0"
    assert data.language == "en"
    assert "hashtag-recommendation" in data.tags
