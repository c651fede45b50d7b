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
#: model, or the plan's LLM: as it is, tuned, or tuned on with GRPO.
Kind = Literal["retriever", "selector", "generator", "segtrm", "chat", "prompted", "llm", "grpo"]
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
        shots: How many examples a prompt has; None for the paper's prompt, which has none.
    """

    name: str
    kind: Kind
    retriever: str | None = None
    ranking: Ranking | None = None
    hashtags: int | None = None
    trained: str | None = None
    shots: int | None = None

    @property
    def key(self) -> str:
        """What it is made of, as a part of file names: rows of two tables that are the same system have one key."""
        parts = (self.kind, self.retriever, self.ranking, self.hashtags, self.trained, self.shots)
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
#: Examples in the prompt of an LLM that was not tuned.
SHOTS = 5


def llm_rows(model: str) -> dict[str, System]:
    """The rows of the table of an LLM, by what they are: beside the T5, as it is, tuned, and without each part."""
    tuned = f"{model}, LoRA"
    right_tuned = System(f"RIGHT, {tuned}", "llm", BM25, "selector")
    return {
        **{row.name: row for row in TABLE_3 if row.name in (BM25, SEQ2SEQ, RIGHT_BM25)},
        NO_GENERATOR: System(NO_GENERATOR, "selector", BM25, "selector"),
        "prompted": System(model, "prompted"),
        "right prompted": System(f"RIGHT, {model}", "prompted", BM25, "selector"),
        "shots": System(f"{model}, {SHOTS} examples", "prompted", shots=SHOTS),
        "right shots": System(f"RIGHT, {model}, {SHOTS} examples", "prompted", BM25, "selector", shots=SHOTS),
        "tuned": System(tuned, "llm"),
        "right": right_tuned,
        "no retriever": right_tuned._replace(
            name=f"{right_tuned.name}, {NO_RETRIEVER}", retriever=None, ranking="random"
        ),
        "no selector": right_tuned._replace(name=f"{right_tuned.name}, {NO_SELECTOR}", ranking="votes"),
        "grpo": right_tuned._replace(name=f"{right_tuned.name}, after GRPO", kind="grpo"),
    }


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
