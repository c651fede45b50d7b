"""Bad context in training, so that a generator learns to resist it."""

from __future__ import annotations

from dataclasses import dataclass

import torch


@dataclass(frozen=True)
class ContextNoise:
    """How often an example is shown other hashtags than those selected for it (after Yoran et al., 2024, ICLR).

    Attributes:
        random: Share of the examples that get the hashtags of another one, drawn at random: distractors that are real
            hashtags, as many as usual, and seldom right.
        empty: Share of the examples that get none.

    Raises:
        ValueError: A share is negative, or both together exceed 1.
    """

    random: float = 0.0
    empty: float = 0.0

    def __post_init__(self) -> None:
        if not (self.random >= 0 and self.empty >= 0 and self.random + self.empty <= 1):
            raise ValueError(f"random and empty must be shares, together at most 1, got {self.random}, {self.empty}.")

    def owner(self, index: int, examples: int) -> int | None:
        """The example whose hashtags go beside example `index` this time; None for no hashtags.

        Drawn from the global generator, since the Trainer saves and restores its state with each checkpoint.
        """
        drawn = float(torch.rand(()))
        if drawn < self.empty:
            return None
        if drawn < self.empty + self.random:
            return int(torch.randint(examples, ()))
        return index
