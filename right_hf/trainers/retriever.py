"""Training of retrievers: BM25 is indexed, the dense one learns that posts that share hashtags lie close together.

The latter is the paper's SimCSE (section 2.1); the hybrid is both.
"""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import chain, islice
from typing import Any

import numpy as np

from right_hf.analysis import Analyser, get_analyser
from right_hf.corpus import Corpus
from right_hf.encoders import embed_in_parts
from right_hf.posts import Post
from right_hf.progress import bar
from right_hf.registry import component_class
from right_hf.retriever.base import Hit, Retriever
from right_hf.retriever.duplicates import NEAR_DUPLICATE_OVERLAP, jaccard, search_as_unseen
from right_hf.trainers.contrastive import Triplet, train_contrastive
from right_hf.trainers.job import Job, Trained
from right_hf.trainers.pretrained import base_identity, base_record, encoder_base, encoder_source
from right_hf.trainers.recipe import EncoderRecipe, RetrieverRecipe

_CHUNK = 1024
#: Posts drawn among those that tie as the positive, in case the first are near duplicates.
_DRAWS = 16


@dataclass(frozen=True)
class Bm25Recipe(RetrieverRecipe):
    """Settings of BM25, which also finds the hard negatives of a dense retriever."""

    k1: float = 1.5
    b: float = 0.75


@dataclass(frozen=True)
class DenseRecipe(EncoderRecipe, Bm25Recipe):
    """Settings of a dense retriever, alone or in a hybrid.

    `triplets` are the most that its encoder is trained on: 0 for a ready encoder, None for one a post.
    """

    type: str = "dense"
    triplets: int | None = None


class Bm25Training:
    """Indexes posts with BM25."""

    settings = Bm25Recipe
    #: It is done in a moment, so that whoever needs the retriever makes it.
    instant = True

    def train(self, job: Job) -> Trained:
        """Indexes the training posts; see [`right_hf.component.Trainer`]."""
        return Trained(_bm25(job), {})


class DenseTraining:
    """Trains the encoder of a [`right_hf.retriever.dense.DenseRetriever`]."""

    settings = DenseRecipe

    def train(self, job: Job) -> Trained:
        """Trains the encoder, unless it is ready, and embeds the training posts."""
        recipe: DenseRecipe = job.recipe.retriever
        encoder = encoder_base(recipe)
        source = encoder_source(recipe)
        job.claim(base=base_identity(source))
        log: dict[str, Any] = {"steps": 0, "triplets": 0}
        if recipe.triplets != 0:
            triplets = retriever_triplets(job, _bm25(job))
            # As the paper has it; a tenth of the run is the most that a stopped one loses.
            paper = {"per_device_train_batch_size": 6, "save_strategy": "steps", "save_steps": 0.1}
            log = {**train_contrastive(encoder, triplets, job, recipe, paper), "triplets": len(triplets)}
        corpus = Corpus(job.posts)
        vectors = embed_in_parts(encoder, [post.text for post in corpus], job.checkpoints / "vectors")
        dense: Any = component_class("retriever", DenseRecipe.type)
        return Trained(dense(corpus, encoder, vectors=vectors), {**base_record(source), **log})


class HybridTraining(DenseTraining):
    """Makes a hybrid of BM25 and a dense retriever."""

    def train(self, job: Job) -> Trained:
        """Trains the dense retriever, and indexes the posts with BM25 too."""
        dense, record = super().train(job)
        hybrid: Any = component_class("retriever", job.recipe.retriever.type)
        return Trained(hybrid(_bm25(job), dense), record)


def _bm25(job: Job) -> Retriever:
    settings = job.recipe.retriever
    kind: Any = component_class("retriever", Bm25Recipe.type)
    found: Retriever = kind.from_posts(job.posts, analyser=settings.analyser, k1=settings.k1, b=settings.b)
    return found


def retriever_triplets(job: Job, retriever: Retriever) -> list[Triplet]:
    """Builds the training set of the dense retriever.

    A post's positive is the training post whose hashtags overlap its own most, drawn where several tie; its negative is
    the one of its retrieved posts whose hashtags overlap least. Neither is a near duplicate of it. A post gives no
    triplet where either is missing, or where the negative overlaps as much as the positive.

    Args:
        job: Its seed orders the posts and, with a post's id, seeds that post's draws, whatever other posts there are.
        retriever: Finds the hard negatives in the training posts (BM25).

    Returns:
        Triplets of texts, in the order in which the posts were drawn; at most as many as the recipe wants.
    """
    limit, posts, seed = job.recipe.retriever.triplets, job.posts, job.recipe.seed
    order = [number for number, post in enumerate(posts) if post.hashtags and post.text]
    random.Random(seed).shuffle(order)

    find = partial(_triplets, posts, retriever, OverlapIndex(posts), job.recipe.retriever, seed)
    found = chain.from_iterable(job.engine(find, (order[at : at + _CHUNK] for at in range(0, len(order), _CHUNK))))
    total = min(limit or len(order), len(order))
    return list(islice(bar(found, "triplets", "triplet", total=total), total))


def _triplets(
    posts: Sequence[Post],
    retriever: Retriever,
    index: OverlapIndex,
    settings: RetrieverRecipe,
    seed: int,
    chunk: Sequence[int],
) -> list[Triplet]:
    """The triplets of some posts, which are given by their numbers."""
    analyse = get_analyser(settings.analyser)
    retrieved = search_as_unseen(retriever, [posts[number] for number in chunk], settings.hits, analyse)
    triplets = []
    for number, hits in zip(chunk, retrieved, strict=True):
        post, ties = posts[number], index.best(number)
        rng = random.Random(f"{seed}:{post.id}")  # text seeds are hashed alike in every process
        drawn = [posts[other] for other in rng.sample(ties, min(_DRAWS, len(ties)))]
        if (triplet := post_triplet(post, drawn, hits, analyse)) is not None:
            triplets.append(triplet)
    return triplets


def post_triplet(post: Post, ties: Sequence[Post], hits: Sequence[Hit], analyse: Analyser) -> Triplet | None:
    """The triplet of one post, or None where it has none.

    Args:
        post: The anchor.
        ties: The posts whose hashtags overlap its own most; the first that is no near duplicate is the positive.
        hits: Its retrieved posts, best first; the first of those that overlap least is the negative.
        analyse: By whose terms near duplicates are found.
    """
    terms = set(analyse(post.text))
    unlike = (other for other in ties if other.text and jaccard(terms, analyse(other.text)) < NEAR_DUPLICATE_OVERLAP)
    positive = next(unlike, None)
    if positive is None or not hits:
        return None
    negative = min((hit.post for hit in hits), key=lambda other: overlap(post.hashtags, other.hashtags))
    if overlap(post.hashtags, negative.hashtags) >= overlap(post.hashtags, positive.hashtags):
        return None
    return Triplet(post.text, positive.text, negative.text)


def overlap_order(shared: Any, own: Any, others: Any) -> tuple[Any, Any]:
    """By what overlaps are ordered, the higher the better: (recall + F1, precision).

    Of a post's hashtags A and another's B, recall is |A ∩ B| / |A|, precision |A ∩ B| / |B|, F1 their harmonic mean.

    Args:
        shared: Number of hashtags that both posts have, |A ∩ B|.
        own: Number of the post's own hashtags, at least 1.
        others: Number of the other post's, at least 1.
    """
    return shared / own + 2 * shared / (own + others), shared / others


def overlap(post: Collection[str], other: Collection[str]) -> tuple[float, float]:
    """[`overlap_order`] of two posts' hashtags; (0, 0) where one has none."""
    if not post or not other:
        return (0.0, 0.0)
    order: tuple[float, float] = overlap_order(len(set(post) & set(other)), len(set(post)), len(set(other)))
    return order


class OverlapIndex:
    """Finds the posts whose hashtags overlap a given post's most.

    Posts with the same set of hashtags are looked at as one, and an inverted index from hashtags to these sets leads to
    those that share any: 125,000 posts take seconds.
    """

    def __init__(self, posts: Sequence[Post]) -> None:
        self._own = [frozenset(post.hashtags) for post in posts]
        self._members: dict[frozenset[str], list[int]] = defaultdict(list)
        for number, own in enumerate(self._own):
            self._members[own].append(number)
        self._sets = list(self._members)
        self._sizes = np.array([len(hashtags) for hashtags in self._sets], dtype=np.int64)
        carriers: dict[str, list[int]] = defaultdict(list)
        for place, hashtags in enumerate(self._sets):
            for hashtag in hashtags:
                carriers[hashtag].append(place)
        self._carriers = {hashtag: np.array(places, dtype=np.int64) for hashtag, places in carriers.items()}

    def best(self, number: int) -> list[int]:
        """The numbers of the other posts whose hashtags overlap those of post `number` most: all that tie, ascending.

        Empty where no other post shares a hashtag.
        """
        own = self._own[number]
        if not own:
            return []
        if same := [other for other in self._members[own] if other != number]:
            return same
        sets, shared = np.unique(np.concatenate([self._carriers[tag] for tag in own]), return_counts=True)
        # Its own set shares most with it, and no other post has that.
        different = (shared < len(own)) | (self._sizes[sets] > len(own))
        sets, shared = sets[different], shared[different]
        if not len(sets):
            return []
        first, second = overlap_order(shared, len(own), self._sizes[sets])
        best = first == first.max()
        best &= second == second[best].max()
        return sorted(member for place in sets[best].tolist() for member in self._members[self._sets[place]])
