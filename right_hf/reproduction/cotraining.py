"""Selector and dense retriever, co-trained: the likelihoods of a generator that has not seen the posts go into both."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from right_hf.analysis import get_analyser
from right_hf.components import load_component
from right_hf.data import small
from right_hf.evaluation import Answer, run_generator, run_retriever
from right_hf.evaluation.paper import SIMCSE
from right_hf.generator import Generator
from right_hf.posts import Post
from right_hf.retriever import Retriever
from right_hf.retriever.duplicates import search_as_unseen
from right_hf.selector import BiEncoderSelector
from right_hf.training.build_distilled import build_distilled_retriever, build_distilled_selector
from right_hf.training.distill import Judged, judge_hashtags, judge_hits, read_judged, write_judged
from right_hf.training.examples import ranked_hashtags, selector_ranker
from right_hf.training.runs import digest

if TYPE_CHECKING:
    from right_hf.reproduction.fusion import FusionExperiment


class Cotraining:
    """Co-trained parts beside those of an experiment.

    Args:
        fusion: The experiment with the held-out posts, and models that have not seen them.

    Raises:
        ValueError: The plan has no `cotraining`.
    """

    def __init__(self, fusion: FusionExperiment) -> None:
        recipe = fusion.experiment.plan.cotraining
        if recipe is None:
            raise ValueError("The plan has no `cotraining`. Add it.")
        self.fusion = fusion
        self.experiment = fusion.experiment
        self.recipe = recipe
        retriever = self.experiment.plan.recipe.retriever
        self._hits, self._analyse = retriever.hits, get_analyser(retriever.analyser)

    @cached_property
    def posts(self) -> list[Post]:
        """The posts that are judged: held out from the models that judge them."""
        return small(self.fusion.held_out.posts["test"], size=self.recipe.posts)

    def selector(self, seed: int) -> BiEncoderSelector:
        """The selector, co-trained."""
        recipe = replace(self.experiment.plan.recipe, seed=seed)

        def make(path: Path) -> None:
            judged = self._judged("hashtags", seed, self._judge_hashtags)
            self.experiment.selector(seed)  # made, if it is not there
            start = self.experiment.store.folder / f"seed-{seed}/selector"
            build_distilled_selector(recipe, self.recipe.selector, judged, start, path)

        return BiEncoderSelector.from_pretrained(self._made("selector", seed, make))

    def retriever(self, seed: int) -> Retriever:
        """The dense retriever, co-trained; other than the one it starts from, it depends on the generator's seed."""
        recipe = replace(self.experiment.plan.simcse, seed=seed)

        def make(path: Path) -> None:
            judged = self._judged("hits", seed, self._judge_hits)
            self.experiment.retriever(SIMCSE)
            start = self.experiment.store.folder / f"retriever-{SIMCSE.lower()}"
            build_distilled_retriever(recipe, self.recipe.retriever, judged, start, path)

        found: Retriever = load_component("retriever", self._made("retriever", seed, make))
        return found

    def _made(self, part: str, seed: int, make: Callable[[Path], None]) -> Path:
        settings = digest([self.recipe.posts, self.recipe.candidates, vars(getattr(self.recipe, part))])[:8]
        return self.experiment.store.made(f"seed-{seed}/co-training/{part}-{settings}", make)

    def _judged(self, what: str, seed: int, judge: Callable[[int], list[Judged]]) -> list[Judged]:
        number = self.recipe.candidates if what == "hashtags" else self._hits
        name = f"seed-{seed}/co-training/{self.fusion.system().key}-{what}-{self.recipe.posts}-{number}.jsonl"
        return read_judged(self.experiment.store.made(name, lambda path: write_judged(path, judge(seed))))

    def _judge_hashtags(self, seed: int) -> list[Judged]:
        held, best = self.fusion.held_out, self.experiment.best_retriever
        rank = selector_ranker(held.selector(seed))
        ranked = ranked_hashtags(self.posts, held.retriever(best), rank, self._hits, self._analyse)
        context = self.experiment.plan.recipe.selector.hashtags
        return judge_hashtags(self._generator(seed), self.posts, ranked, context, self.recipe.candidates)

    def _judge_hits(self, seed: int) -> list[Judged]:
        found = search_as_unseen(self.fusion.held_out.retriever(SIMCSE), self.posts, self._hits, self._analyse)
        return judge_hits(self._generator(seed), self.posts, found)

    def _generator(self, seed: int) -> Generator:
        return self.fusion.held_out.load_generator(self.fusion.system(), seed)

    def votes(self, seed: int, split: str) -> list[Answer]:
        """The hashtags of the co-trained retriever's hits by their summed scores."""
        return run_retriever(self.retriever(seed), self.experiment.posts[split], self._hits)

    def ranking(self, seed: int, split: str, retriever: Retriever | None = None) -> list[Answer]:
        """The co-trained selector's ranking of the hashtags that the experiment's better retriever finds."""
        return [Answer(found[:5], found[:1]) for found in self._ranked(seed, split, retriever)]

    def _ranked(self, seed: int, split: str, retriever: Retriever | None = None) -> list[list[str]]:
        searched = retriever or self.experiment.retriever(self.experiment.best_retriever)
        rank = selector_ranker(self.selector(seed))
        return ranked_hashtags(self.experiment.posts[split], searched, rank, self._hits)

    def both(self, seed: int, split: str) -> list[Answer]:
        """The co-trained selector's ranking of the hashtags that the co-trained retriever finds."""
        return self.ranking(seed, split, self.retriever(seed))

    def written(self, seed: int, split: str) -> list[Answer]:
        """What the experiment's generator writes beside the hashtags of co-trained retriever and selector."""
        best = self.experiment.best_retriever
        ranked = self._ranked(seed, split, self.retriever(seed) if best == SIMCSE else None)
        contexts = [found[: self.experiment.plan.recipe.selector.hashtags] for found in ranked]
        generator = self.experiment.load_generator(self.fusion.system(), seed)
        return run_generator(generator, self.experiment.posts[split], contexts, batch_size=64)
