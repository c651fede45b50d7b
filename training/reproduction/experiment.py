"""An experiment: from a plan and the posts to every system's answers, each step made once and kept."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cached_property, lru_cache, partial
from pathlib import Path

import torch

from right_hf.analysis import get_analyser
from right_hf.component import load_component
from right_hf.evaluation import (
    BM25,
    Answer,
    read_answers,
    run_generator,
    run_retriever,
    write_answers,
)
from right_hf.generator import Generator
from right_hf.persistence import read_object
from right_hf.posts import Post
from reproduction.plan import Plan
from reproduction.store import Store
from reproduction.systems import FIGURE_3, System, right
from right_hf.retriever import DenseRetriever, Retriever
from right_hf.selector import BiEncoderSelector
from right_hf.trainers.bases import generator_base
from right_hf.trainers.build import build_generator, build_grpo, build_retriever, build_selector
from right_hf.trainers.examples import GeneratorExample, examples_with, ranked_hashtags, selector_ranker, votes_ranker
from right_hf.trainers.recipe import Recipe
from right_hf.trainers.runs import claim_run, run_identity

#: Hashtags written under a post by systems that rank without an end: as many as a post has by median.
_WRITTEN = 1
#: The paper's ablation without generator answers with the selector's first four.
_WITHOUT_GENERATOR = 4
#: Posts that a generator answers at once, by device.
_ANSWERED_AT_ONCE = {"cpu": 64, "cuda": 512}


class Experiment:
    """All systems of the paper on one data set under one protocol.

    Args:
        plan: How each system is made.
        data: Source of the three splits, see [`right_hf.data.load_split`], or the posts of each.
        folder: Where everything made is kept; a run that was stopped goes on there.
        wordnet: Folder of WordNet's files, for English.
        chat: A chat model as generator, for the rows that need one.
        bases: The experiment from which generators take what they start from; by default this one.

    Raises:
        ValueError: `folder` holds an experiment with another plan or other posts.
    """

    def __init__(
        self,
        plan: Plan,
        data: str | Path | Mapping[str, list[Post]],
        folder: Path,
        wordnet: Path,
        chat: Generator | None = None,
        bases: Experiment | None = None,
    ) -> None:
        recipe = plan.recipe
        self.plan = plan
        self.store = Store(folder)
        self.wordnet = wordnet
        self.chat = chat
        self.bases = bases
        self._data = data
        self.posts = dict(data) if isinstance(data, Mapping) else _load(recipe, data)
        #: Validation posts of which generators see the first alone.
        self.whole_validation = self.posts["validation"]
        self.posts["validation"] = self.whole_validation[: recipe.generator.validation_posts]
        others = {"simcse": plan.simcse.choices(), "segtrm": plan.segtrm.choices()}
        claim_run(folder, run_identity(recipe, [post for split in self.posts.values() for post in split], **others))

    def training_hashtags(self) -> set[str]:
        """The hashtags of all training posts that there are, those included that the protocol leaves out."""
        recipe, data = replace(self.plan.recipe, protocol="full"), self._data
        posts = self.posts["train"] if isinstance(data, Mapping) else recipe.posts(data, "train")
        return {hashtag for post in posts for hashtag in post.hashtags}

    def selector(self, seed: int) -> BiEncoderSelector:
        """The selector trained with this seed."""
        recipe = replace(self.plan.recipe, seed=seed)
        make = partial(build_selector, recipe, self.posts["train"], wordnet=self.wordnet)
        return _selector(self.store.made(f"seed-{seed}/selector", make))

    @lru_cache(maxsize=2)  # noqa: B019 - an experiment lives as long as its process
    def retriever(self, name: str) -> Retriever:
        """BM25 or SimCSE, over the training posts."""
        recipe = self.plan.recipe if name == BM25 else self.plan.simcse
        folder = self.store.made(f"retriever-{name.lower()}", partial(build_retriever, recipe, self.posts["train"]))
        retriever: Retriever = load_component("retriever", folder)
        if isinstance(retriever, DenseRetriever):
            retriever.encoder.to(_device())
        return retriever

    def hashtags(self, system: System, seed: int, split: str) -> list[list[str]]:
        """The ranked hashtags that a system has for each post, as many as any row needs."""

        def make(path: Path) -> None:
            ranked = self._ranked(system, seed, split)
            write_answers(path, self.posts[split], [Answer(hashtags[: max(FIGURE_3)], []) for hashtags in ranked])

        parts = (system.retriever, system.ranking, split)
        name = "-".join(part.lower() for part in parts if part is not None)
        found = read_answers(self.store.made(f"seed-{seed}/hashtags/{name}.jsonl", make), self.posts[split])
        return [answer.ranking for answer in found]

    def _ranked(self, system: System, seed: int, split: str) -> list[list[str]]:
        posts, settings = self.posts[split], self.plan.recipe.retriever
        if system.retriever is None:
            return random_hashtags(posts, self.posts["train"], max(FIGURE_3), seed)
        rank = selector_ranker(self.selector(seed)) if system.ranking == "selector" else votes_ranker
        unseen_under = get_analyser(settings.analyser) if split == "train" else None
        return ranked_hashtags(posts, self.retriever(system.retriever), rank, settings.hits, unseen_under)

    def contexts(self, system: System, seed: int, split: str) -> list[list[str]]:
        """The hashtags that go beside each post; none for a system without them."""
        if system.ranking is None:
            return [[] for _ in self.posts[split]]
        number = system.hashtags or self.plan.recipe.selector.hashtags
        return [hashtags[:number] for hashtags in self.hashtags(system, seed, split)]

    def examples(self, system: System, seed: int, split: str) -> list[GeneratorExample]:
        """Examples of a generator: posts with the hashtags beside them, and gold."""
        return examples_with(self.posts[split], self.contexts(system, seed, split))

    def generator(self, system: System, seed: int) -> Path:
        """The folder of a trained generator."""
        recipe = replace(self._generator_recipe(system), seed=seed)

        def make(path: Path) -> None:
            posts = self.posts["train"]
            train, validation = (self.examples(system, seed, split) for split in ("train", "validation"))
            if system.kind == "grpo":
                start = self.generator(system._replace(kind="llm"), seed)
                build_grpo(recipe, posts, train, validation, path, start, self.base(system))
            else:
                build_generator(recipe, posts, train, validation, path, self.base(system))

        return self.store.made(f"seed-{seed}/{system.key}", make)

    def load_generator(self, system: System, seed: int) -> Generator:
        """A trained generator, on a GPU where there is one."""
        generator: Generator = load_component("generator", self.generator(system, seed), device=_device())
        return generator

    def base(self, system: System) -> Path:
        """The folder of what a generator starts from, the same for all seeds and all systems of its architecture."""
        if self.bases is not None:
            return self.bases.base(system)
        recipe = self._generator_recipe(system)

        def make(path: Path) -> None:
            generator_base(recipe.generator, self.posts["train"], recipe.seed, path, recipe.language)

        return self.store.made(f"base-{recipe.generator.architecture}", make)

    def _generator_recipe(self, system: System) -> Recipe:
        if system.kind in ("llm", "grpo"):
            return self.llm_recipe()
        if system.trained is not None:
            recipe = self.plan.generators[system.trained]
            claim_run(self.store.folder / "generators" / system.trained, run_identity(recipe, self.posts["train"]))
            return recipe
        return self.plan.segtrm if system.kind == "segtrm" else self.plan.recipe

    def llm_recipe(self) -> Recipe:
        """The recipe of the LLM.

        Raises:
            ValueError: The plan has none, or `folder` holds an LLM of another. The other systems do not mind.
        """
        if self.plan.llm is None:
            raise ValueError("The plan has no `llm`. Add it.")
        claim_run(self.store.folder / "llm", run_identity(self.plan.llm, self.posts["train"]))
        return self.plan.llm

    def answers(self, system: System, seed: int, split: str = "test") -> list[Answer]:
        """What a system answers to each post of a split."""

        def make(path: Path) -> None:
            write_answers(path, self.posts[split], self._answers(system, seed, split))

        name = system.key if split == "test" else f"{system.key}-{split}"
        return read_answers(self.store.made(f"seed-{seed}/answers/{name}.jsonl", make), self.posts[split])

    def _answers(self, system: System, seed: int, split: str) -> list[Answer]:
        posts = self.posts[split]
        if system.kind == "retriever" and system.retriever is not None:
            return run_retriever(self.retriever(system.retriever), posts, self.plan.recipe.retriever.hits, _WRITTEN)
        if system.kind == "selector":
            ranked = self.hashtags(system, seed, split)
            return [Answer(found[:_WITHOUT_GENERATOR], found[:_WITHOUT_GENERATOR]) for found in ranked]
        contexts = self.contexts(system, seed, split)
        if system.kind == "chat":
            if self.chat is None:
                raise ValueError(f"{system.name} needs a chat model. Give --chat-model.")
            return run_generator(self.chat, posts, contexts)
        return run_generator(self.load_generator(system, seed), posts, contexts, _ANSWERED_AT_ONCE[_device().type])

    @cached_property
    def best_retriever(self) -> str:
        """The retriever with which RIGHT's generator scores best (F1@1) on validation, over the seeds."""
        return max((row.retriever for row in map(right, ("BM25", "SimCSE")) if row.retriever), key=self._validation_f1)

    def _validation_f1(self, retriever: str) -> float:
        scores = [self.validation_scores(right(retriever), seed)["f1@1"] for seed in self.plan.seeds]
        return sum(scores) / len(scores)

    def validation_scores(self, system: System, seed: int) -> dict[str, float]:
        """F1@1 and F1@5 of a trained generator on the validation posts, in [0, 1]."""
        scores = read_object(self.generator(system, seed) / "training.json")["validation"]
        return {name: float(score) for name, score in scores.items()}


def _load(recipe: Recipe, data: str | Path) -> dict[str, list[Post]]:
    """The posts of each split that an experiment uses."""
    posts = {split: recipe.posts(data, split) for split in ("train", "validation", "test")}
    posts["test"] = [post for post in posts["test"] if post.text]
    return posts


def _device() -> torch.device:
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


@lru_cache(maxsize=1)
def _selector(folder: Path) -> BiEncoderSelector:
    return BiEncoderSelector.from_pretrained(folder)


def random_hashtags(posts: Sequence[Post], train: Sequence[Post], number: int, seed: int) -> list[list[str]]:
    """Random hashtags of the training posts beside each post (paper, Table 4, w/o retriever), each hashtag as likely.

    What a post gets depends on its id and the seed alone.
    """
    known = sorted({hashtag for post in train for hashtag in post.hashtags})
    return [random.Random(f"{seed}:{post.id}").sample(known, min(number, len(known))) for post in posts]
