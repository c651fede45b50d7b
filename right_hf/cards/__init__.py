"""Cards: what people and the Hub are told about checkpoints and data sets."""

from right_hf.cards.dataset_card import Datasheet, read_datasheet
from right_hf.cards.model_card import (
    CARD_FILE,
    CardFacts,
    Results,
    card_files,
    gather_facts,
    render_card,
    write_card,
)

__all__ = [
    "CARD_FILE",
    "CardFacts",
    "Datasheet",
    "Results",
    "card_files",
    "gather_facts",
    "read_datasheet",
    "render_card",
    "write_card",
]
