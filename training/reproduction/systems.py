"""The systems that the paper compares, and which of them its tables show."""

from __future__ import annotations

from typing import Literal, NamedTuple

from reproduction.analysis.paper import (
    CHAT,
    FULL,
    NO_GENERATOR,
    NO_RETRIEVER,
    NO_SELECTOR,
    RIGHT_BM25,
    RIGHT_CHAT,
    RIGHT_SIMCSE,
    SEGTRM,
    SIMCSE,
)
from right_hf.evaluation import BM25, SEQ2SEQ

#: What answers: the hashtags of the hits by their summed scores, the selector's ranking, a trained generator, a chat
#: model, or a tuned LLM before or after GRPO.
Kind = Literal["retriever", "selector", "generator", "segtrm", "chat", "llm", "grpo"]
#: Kinds that are a tuned LLM.
TUNED = ("llm", "grpo")
#: What chooses the hashtags beside a post.
Ranking = Literal["selector", "votes", "random"]


class System(NamedTuple):
    """One row of a table.

    Attributes:
        name: As in the table.
        kind: What answers.
        retriever: Where the hashtags beside the post come from: BM25, SimCSE, or None.
        ranking: What chooses among them; random ones are drawn from the training posts and need no retriever.
        hashtags: How many are put beside the post; None for the recipe's number.
        trained: The name in the plan of a generator that is trained otherwise; None for the recipe's.
    """

    name: str
    kind: Kind
    retriever: str | None = None
    ranking: Ranking | None = None
    hashtags: int | None = None
    trained: str | None = None

    @property
    def key(self) -> str:
        """What it is made of, as a part of file names: rows of two tables that are the same system have one key."""
        parts = (self.kind, self.retriever, self.ranking, self.hashtags, self.trained)
        return "-".join(str(part).lower() for part in parts if part is not None)


#: Table 3, in the paper's order.
TABLE_3 = (
    System(BM25, "retriever", BM25),
    System(SIMCSE, "retriever", SIMCSE),
    System(CHAT, "chat"),
    System(SEGTRM, "segtrm"),
    System(SEQ2SEQ, "generator"),
    System(RIGHT_CHAT, "chat", BM25, "selector"),
    System(RIGHT_BM25, "generator", BM25, "selector"),
    System(RIGHT_SIMCSE, "generator", SIMCSE, "selector"),
)
#: What a system is called with a generator that is trained otherwise: its own name and that generator's.
TRAINED = "{}, {} generator"
LLM, RIGHT_LLM, RIGHT_GRPO = "LLM, LoRA", "RIGHT, LLM, LoRA", "RIGHT, LLM, LoRA, after GRPO"
#: A tuned LLM with and without retrieved hashtags, beside the T5.
TABLE_LLM = (
    *(row for row in TABLE_3 if row.name in (BM25, SEQ2SEQ, RIGHT_BM25)),
    System(LLM, "llm"),
    System(RIGHT_LLM, "llm", BM25, "selector"),
    System(RIGHT_GRPO, "grpo", BM25, "selector"),
)
#: Numbers of hashtags in figure 3.
FIGURE_3 = (1, 3, 5, 7, 9)


def right(retriever: str) -> System:
    """RIGHT with this retriever."""
    return next(row for row in TABLE_3 if row.kind == "generator" and row.retriever == retriever)


def ablations(retriever: str) -> tuple[System, ...]:
    """Table 4: RIGHT with this retriever, and what it is without each of its parts."""
    return (
        right(retriever)._replace(name=FULL),
        System(NO_RETRIEVER, "generator", None, "random"),
        System(NO_SELECTOR, "generator", retriever, "votes"),
        System(NO_GENERATOR, "selector", retriever, "selector"),
    )


def otherwise_trained(whole: System, trained: str) -> System:
    """RIGHT with this one of the plan's other generators in the place of its own."""
    return whole._replace(name=TRAINED.format(whole.name, trained), trained=trained)


def with_hashtags(retriever: str, number: int, usual: int) -> System:
    """A point of figure 3: RIGHT with another number of hashtags beside the post."""
    whole = right(retriever)
    return whole if number == usual else whole._replace(name=f"{whole.name}, {number} hashtags", hashtags=number)
