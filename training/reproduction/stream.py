"""Emergent hashtags: dated posts stream past in order of time; each is answered first and joins the corpus afterwards.

Nothing is trained while they pass. The ranker of a stream is fitted on its validation posts.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, replace
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any, Literal, NamedTuple

from reproduction.analysis.emergent import in_order_of_time
from reproduction.answers import read_answers, write_answers
from reproduction.experiment import Experiment
from reproduction.pools import between, columns, load_pools, save_pools
from reproduction.rankers import Variant, ranked_answers
from reproduction.systems import TABLE_3, right
from right_hf.config import RightConfig
from right_hf.evaluation import BM25, SEQ2SEQ, Answer, run_generator
from right_hf.persistence import atomic_folder
from right_hf.popularity import Freshness, most_popular
from right_hf.posts import Post
from right_hf.progress import bar
from right_hf.ranker import PoolSettings, Trace, TreeRanker
from right_hf.registry import load_component
from right_hf.retriever import Retriever, summed_votes
from right_hf.stages import Stages
from right_hf.times import seconds
from right_hf.trainers.pools import Pools, gather_pools
from right_hf.trainers.ranker import fit_ranker
from right_hf.trainers.runs import claim_run, digest, run_identity

#: A corpus of the training posts alone, or one that each post joins once it is answered.
CorpusKind = Literal["static", "living"]
#: Popular hashtags in the pool of a living corpus; chosen on validation posts.
POPULAR = 20
_BATCH = 64
_WRITTEN, _POOLS = "written.jsonl", "pools.safetensors"
#: Share of the posts that a ranker is fitted on whose latest calibrate its scores.
_CALIBRATING = 0.2


class Stream(NamedTuple):
    """Posts in order of time.

    Attributes:
        posts: Validation posts and test posts.
        validation: So many of them, the first ones, are validation posts.
    """

    posts: list[Post]
    validation: int

    @classmethod
    def of(cls, validation: Sequence[Post], test: Sequence[Post]) -> Stream:
        """The dated posts of two splits.

        Raises:
            ValueError: One of them has none, or test posts are older than validation posts.
        """
        early, late = in_order_of_time(validation), in_order_of_time(test)
        if not (early and late):
            raise ValueError(
                f"{len(early)} of {len(validation)} validation posts and {len(late)} of {len(test)} test posts tell "
                "their time; a stream needs some of each. Use posts with created_at."
            )
        if in_order_of_time([early[-1], late[0]])[0] is late[0]:
            raise ValueError(
                f"The test post {late[0].id} is older than the validation post {early[-1].id}: what is fitted on the "
                "one would know the future of the other. Split the posts by time."
            )
        return cls([*early, *late], len(early))


class StreamExperiment:
    """The systems of an experiment on its stream.

    Args:
        experiment: Whose retriever, selectors and generators are used.
    """

    def __init__(self, experiment: Experiment) -> None:
        self.experiment = experiment
        self.stream = Stream.of(experiment.whole_validation, experiment.posts["test"])
        self.recipe = experiment.plan.ranker
        recipe, posts = experiment.plan.recipe, [*experiment.posts["train"], *self.stream.posts]
        of_pools = {"pool": self.recipe.pool, "popular": POPULAR}
        claim_run(experiment.store.folder / "stream", run_identity(recipe, posts, **of_pools))

    @cached_property
    def _config(self) -> RightConfig:
        recipe = self.experiment.plan.recipe
        return RightConfig(hits=recipe.retriever.hits, context_hashtags=recipe.selector.hashtags)

    def _corpus(self) -> Retriever:
        """The training posts, ready to grow."""
        retriever: Retriever = load_component("retriever", self.experiment.retriever_folder(BM25))
        return retriever

    def _passing(self, retriever: Retriever, corpus: CorpusKind) -> Iterator[Post]:
        """The posts of the stream; what is living takes each up afterwards."""
        for post in bar(self.stream.posts, f"{corpus} corpus", "post"):
            yield post
            if corpus == "living":
                retriever.add([post])

    def votes(self, corpus: CorpusKind) -> list[Answer]:
        """The nearest neighbours' votes: hashtags of the hits by their summed scores."""

        def make(path: Path) -> None:
            retriever, answers = self._corpus(), []
            for post in self._passing(retriever, corpus):
                hits = retriever.search([post.text], self._config.hits)[0]
                answers.append(_answer(summed_votes(hits)))
            write_answers(path, self.stream.posts, answers)

        return self._answers(f"stream/votes-{corpus}.jsonl", make)

    def popular(self) -> list[Answer]:
        """The hashtags most used just before each post, whatever it is about."""

        def make(path: Path) -> None:
            freshness, answers = Freshness(), []
            freshness.change((), self.experiment.posts["train"])
            for post in self.stream.posts:
                answers.append(_answer(most_popular(freshness.in_hours(seconds(post.created_at) or 0.0), 5)))
                freshness.change((), [post])
            write_answers(path, self.stream.posts, answers)

        return self._answers("stream/popular.jsonl", make)

    def seq2seq(self, seed: int, beams: int = 1) -> list[Answer]:
        """What the generator without retrieval writes; with several beams the hashtags of all of them in order."""

        def make(path: Path) -> None:
            system = next(row for row in TABLE_3 if row.name == SEQ2SEQ)
            generator = self.experiment.load_generator(system, seed)
            several: dict[str, Any] = {"num_beams": beams, "num_return_sequences": beams} if beams > 1 else {}
            answers = run_generator(generator, self.stream.posts, batch_size=_BATCH, **several)
            write_answers(path, self.stream.posts, answers)

        return self._answers(f"seed-{seed}/stream/seq2seq-{beams}.jsonl", make)

    def written(self, seed: int, corpus: CorpusKind) -> list[Answer]:
        """What RIGHT's generator writes when it reads hashtags of the corpus."""
        return read_answers(self._passed(seed, corpus) / _WRITTEN, self.stream.posts)

    def ranked(self, seed: int, corpus: CorpusKind, variant: Variant) -> list[Answer]:
        """The ranking of the pool.

        Test posts are ranked by what was fitted on all validation posts; each half of these by what was fitted on the
        other, so that no post is ranked by what was fitted on it.
        """
        pools = variant.view(self.pools(seed, corpus))
        half, whole, end = self.stream.validation // 2, self.stream.validation, len(self.stream.posts)
        answers: list[Answer] = []
        for ranked, fitted in (((0, half), (half, whole)), ((half, whole), (0, half)), ((whole, end), (0, whole))):
            part = between(pools, *ranked)
            ranker = self.ranker(seed, corpus, variant, fitted)
            answers += ranked_answers(part, ranker.probabilities(part.values, part.names))
        return answers

    def oracle(self, seed: int, corpus: CorpusKind) -> list[Answer]:
        """The gold hashtags that are in the pool, before all others."""
        pools = self.pools(seed, corpus)
        return ranked_answers(pools, pools.gold.astype(float).tolist())

    def ranker(self, seed: int, corpus: CorpusKind, variant: Variant, rows: tuple[int, int]) -> TreeRanker:
        """A ranker fitted on the posts of these places, calibrated on the latest of them."""

        def make(path: Path) -> None:
            pools = columns(variant.view(self.pools(seed, corpus)), variant.features)
            first, last = rows
            border = last - round(_CALIBRATING * (last - first))
            parts = between(pools, first, border), between(pools, border, last)
            recipe = replace(self.recipe, pool=asdict(self._pool(corpus)))
            fit_ranker(*parts, recipe, seed).save_pretrained(path)

        name = f"{corpus}-{variant.key}-{rows[0]}-{rows[1]}-{digest([asdict(self.recipe)])[:8]}"
        return TreeRanker.from_folder(self.experiment.store.made(f"seed-{seed}/stream/rankers/{name}", make))

    def pools(self, seed: int, corpus: CorpusKind) -> Pools:
        """The pools of all posts, each as it was when the post came."""
        return _pools(self._passed(seed, corpus) / _POOLS)

    def _passed(self, seed: int, corpus: CorpusKind) -> Path:
        """The folder of what the stages made of each post when it came."""

        def make(path: Path) -> None:
            traces = list(self._traces(seed, corpus))
            written = [trace.generation.hashtags for trace in traces]
            with atomic_folder(path) as folder:
                answers = [Answer(hashtags[:5], hashtags) for hashtags in written]
                write_answers(folder / _WRITTEN, self.stream.posts, answers)
                save_pools(gather_pools(self.stream.posts, traces), folder / _POOLS)

        return self.experiment.store.made(f"seed-{seed}/stream/{corpus}", make)

    def _traces(self, seed: int, corpus: CorpusKind) -> Iterator[Trace]:
        retriever, selector = self._corpus(), self.experiment.selector(seed)
        generator = self.experiment.load_generator(right(BM25), seed)
        stages = Stages(self._config, retriever, selector, generator, pool=self._pool(corpus))
        for post in self._passing(retriever, corpus):
            [trace] = stages.run([post.text], now=seconds(post.created_at))
            yield trace._replace(hits=[], candidates=[], pool=None)  # what a long stream has no room for
            if corpus == "living":
                selector.prepare(post.hashtags)

    def _pool(self, corpus: CorpusKind) -> PoolSettings:
        return PoolSettings(**{**self.recipe.pool, "popular": POPULAR if corpus == "living" else 0})

    def _answers(self, name: str, make: Callable[[Path], None]) -> list[Answer]:
        return read_answers(self.experiment.store.made(name, make), self.stream.posts)


def _answer(ranking: Sequence[str]) -> Answer:
    return Answer(list(ranking[:5]), list(ranking[:1]))


@lru_cache(maxsize=1)
def _pools(path: Path) -> Pools:
    return load_pools(path)
