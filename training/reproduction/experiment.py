"""An experiment: from a plan and the posts to every system's answers, each step made once and kept."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cached_property, lru_cache
from pathlib import Path

import torch

from reproduction.answers import read_answers, write_answers
from reproduction.plan import Plan, Planned
from reproduction.pretraining import SECTION, Prepared, prepare
from reproduction.prompted import prompted_llm
from reproduction.store import Store
from reproduction.systems import FIGURE_3, TUNED, System, right
from right_hf.analysis import get_analyser
from right_hf.data import small
from right_hf.evaluation import BM25, Answer, run_generator, run_retriever
from right_hf.generator import Generator
from right_hf.generator.chat_prompts import Shot
from right_hf.generator.decoder_base import load_base
from right_hf.layout import TRAINING_FILE
from right_hf.persistence import read_object
from right_hf.posts import Post
from right_hf.registry import load_component
from right_hf.retriever import Hit, Retriever, summed_votes
from right_hf.selector import BiEncoderSelector
from right_hf.trainers.build import build_component
from right_hf.trainers.examples import examples_with, ranked_hashtags, selector_ranking
from right_hf.trainers.job import GeneratorExample, Job
from right_hf.trainers.pretrained import generator_base
from right_hf.trainers.ranker import ranker_posts
from right_hf.trainers.recipe import Recipe, build_recipe
from right_hf.trainers.runs import claim_run, run_identity

#: Hashtags written under a post by systems that rank without an end: as many as a post has by median.
_WRITTEN = 1
#: The paper's ablation without generator answers with the selector's first four.
_WITHOUT_GENERATOR = 4
#: The split of test posts on which an LLM is compared.
SAMPLE = "sample"
#: Posts that a generator answers at once, by device.
_ANSWERED_AT_ONCE = {"cpu": 64, "cuda": 512}


class Experiment:
    """All systems of the paper on one data set under one protocol.

    Args:
        plan: How each system is made.
        data: Source of the three splits, see [`right_hf.data.load_split`], or the posts of each.
        folder: Where everything made is kept; a run that was stopped goes on there.
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
        chat: Generator | None = None,
        bases: Experiment | None = None,
    ) -> None:
        self.plan = plan
        self.store = Store(folder)
        self.chat = chat
        self.bases = bases
        self._data = data
        self.posts = dict(data) if isinstance(data, Mapping) else _load(plan.recipe, data)
        #: Validation posts of which generators see the first alone.
        self.whole_validation = self.posts["validation"]
        self.posts["validation"] = self.whole_validation[: plan.recipe.generator.validation_posts]
        posts = [post for split in self.posts.values() for post in split]
        if plan.llm is not None:
            self.posts[SAMPLE] = small(self.posts["test"], size=plan.llm.test_posts or len(self.posts["test"]))
        others = {"simcse": plan.simcse.choices(), "segtrm": plan.segtrm.choices()}
        claim_run(folder, _identity(plan.right, posts, **others))

    def training_hashtags(self) -> set[str]:
        """The hashtags of all training posts that there are, those included that the protocol leaves out."""
        recipe, data = replace(self.plan.recipe, protocol="full"), self._data
        posts = self.posts["train"] if isinstance(data, Mapping) else recipe.posts(data, "train")
        return {hashtag for post in posts for hashtag in post.hashtags}

    def selector(self, seed: int) -> BiEncoderSelector:
        """The selector trained with this seed."""
        return _selector(self._trained("selector", self.plan.right, seed, f"seed-{seed}/selector"))

    @lru_cache(maxsize=2)  # noqa: B019 - an experiment lives as long as its process
    def retriever(self, name: str) -> Retriever:
        """BM25 or SimCSE, over the training posts."""
        retriever: Retriever = load_component("retriever", self.retriever_folder(name), device=_device())
        return retriever

    def retriever_folder(self, name: str) -> Path:
        """Where BM25 or SimCSE lies."""
        planned = self.plan.right if name == BM25 else self.plan.simcse
        return self._trained("retriever", planned, planned.recipe.seed, f"retriever-{name.lower()}")

    def _trained(self, role: str, planned: Planned, seed: int, name: str) -> Path:
        """The folder of a retriever or selector."""

        def make(path: Path) -> None:
            recipe, _ = self._started(role, planned, seed)
            build_component(role, Job(recipe, self.posts["train"], (), path))

        return self.store.made(name, make)

    def _started(self, role: str, planned: Planned, seed: int) -> tuple[Recipe, Prepared]:
        """The recipe with this seed, which names what this part of it starts from; that is made if it is not there.

        A generator starts from the same for all seeds and all systems of its type, also those of held-out posts.
        """
        shared = role == "generator"
        home = (self.bases or self) if shared else self
        first = planned.recipe.seed if shared else seed
        folder = f"base-{planned.recipe.generator.type}" if shared else f"seed-{seed}/start"
        values = {**planned.values, "seed": seed}
        roles = (role,) if role in planned.values.get(SECTION, {}) else ()

        def make(path: Path) -> None:
            prepare(values, home.posts["train"], path.parent, roles, first)

        if roles:
            home.store.made(f"{folder}/{role}", make)
        prepared = prepare(values, self.posts["train"], home.store.folder / folder, roles, first)
        return build_recipe(prepared.values, planned.where), prepared

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
        rank = selector_ranking(self.selector(seed)) if system.ranking == "selector" else votes_ranking
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

    def _training_examples(self, system: System, seed: int) -> list[GeneratorExample]:
        """Examples of the training posts that a generator learns from; an LLM of fewer, none of which is held out."""
        examples = self.examples(system, seed, "train")
        if system.kind not in (*TUNED, "prompted") or self.plan.llm is None:
            return examples
        kept, _ = ranker_posts(self.posts["train"], self.plan.ranker)
        chosen = {post.id for post in small(kept, size=self.plan.llm.posts or len(kept))}
        pairs = zip(self.posts["train"], examples, strict=True)
        return [example for post, example in pairs if post.id in chosen]

    def generator(self, system: System, seed: int) -> Path:
        """The folder of a trained generator."""
        planned = self._planned(system)

        def make(path: Path) -> None:
            recipe, prepared = self._started("generator", planned, seed)
            validation = self.examples(system, seed, "validation")[: recipe.generator.validation_posts]
            examples = self._training_examples(system, seed), validation
            folders = {"start": self.generator(system._replace(kind="llm"), seed)} if system.kind == "grpo" else {}
            extra = prepared.extra_examples
            job = Job(recipe, self.posts["train"], (), path, folders, examples=examples, extra_examples=extra)
            build_component("generator", job)

        return self.store.made(f"seed-{seed}/{system.key}", make)

    def load_generator(self, system: System, seed: int) -> Generator:
        """A trained generator, on a GPU where there is one; in full precision, whatever it is stored in."""
        folder, dtype = self.generator(system, seed), torch.float32
        generator: Generator = load_component("generator", folder, device=_device(), dtype=dtype)
        return generator

    def _planned(self, system: System) -> Planned:
        if system.kind in TUNED:
            return self.planned_llm()
        if system.trained is not None:
            planned = self.plan.generators[system.trained]
            claim_run(self.store.folder / "generators" / system.trained, _identity(planned, self.posts["train"]))
            return planned
        return self.plan.segtrm if system.kind == "segtrm" else self.plan.right

    def _prompted(self, system: System, seed: int) -> Generator:
        """The LLM as it is; its examples are the first posts that tune it."""
        recipe, _ = self._started("generator", self.planned_llm(), seed)
        llm, number = recipe.generator, system.shots
        shots = [Shot(*example) for example in self._training_examples(system, seed)[:number]] if number else []
        loaded = load_base(generator_base(llm), llm.revision, torch.float32, _device())
        return prompted_llm(*loaded, recipe.language, llm.max_target_length, shots)

    def planned_llm(self) -> Planned:
        """The recipe of the LLM.

        Raises:
            ValueError: The plan has none, or `folder` holds an LLM of another. The other systems do not mind.
        """
        if self.plan.llm is None:
            raise ValueError("The plan has no `llm`. Add it.")
        llm = self.plan.llm
        claim_run(self.store.folder / "llm", _identity(llm.planned, self.posts["train"], llm_posts=llm.posts))
        return llm.planned

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
        asked = self._prompted if system.kind == "prompted" else self.load_generator
        generator = asked(system, seed)
        return run_generator(generator, posts, contexts, _ANSWERED_AT_ONCE[_device().type])

    @cached_property
    def best_retriever(self) -> str:
        """The retriever with which RIGHT's generator scores best (F1@1) on validation, over the seeds."""
        return max((row.retriever for row in map(right, ("BM25", "SimCSE")) if row.retriever), key=self._validation_f1)

    def _validation_f1(self, retriever: str) -> float:
        scores = [self.validation_scores(right(retriever), seed)["f1@1"] for seed in self.plan.seeds]
        return sum(scores) / len(scores)

    def validation_scores(self, system: System, seed: int) -> dict[str, float]:
        """F1@1 and F1@5 of a trained generator on the validation posts, in [0, 1]."""
        scores = read_object(self.generator(system, seed) / TRAINING_FILE)["validation"]
        return {name: float(score) for name, score in scores.items()}


def _identity(planned: Planned, posts: Sequence[Post], **others: object) -> dict[str, object]:
    """What decides the outcome of a recipe of the plan."""
    return run_identity(planned.recipe, posts, pretraining=planned.values.get(SECTION, {}), **others)


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


def votes_ranking(texts: Sequence[str], found: Sequence[Sequence[Hit]]) -> list[list[str]]:
    """Hashtags by the summed scores of the hits that carry them (paper, Table 4, w/o selector)."""
    return [summed_votes(hits) for hits in found]
