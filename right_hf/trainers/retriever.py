"""Training of the dense retriever: posts with overlapping hashtags are to lie close together (paper, section 2.1)."""

from __future__ import annotations

import random
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from sentence_transformers import SentenceTransformer
from tqdm.auto import tqdm

from right_hf.analysis import Analyser
from right_hf.posts import Post
from right_hf.retriever.base import Hit, Retriever
from right_hf.retriever.duplicates import NEAR_DUPLICATE_OVERLAP, jaccard, search_as_unseen
from right_hf.trainers.contrastive import train_contrastive
from right_hf.trainers.overlap import OverlapIndex, overlap
from right_hf.trainers.triplets import Triplet

_CHUNK = 1024
#: Posts drawn among those that tie as the positive, in case the first are near duplicates.
_DRAWS = 16


def retriever_triplets(
    posts: Sequence[Post], retriever: Retriever, analyse: Analyser, seed: int, limit: int | None = None, hits: int = 10
) -> list[Triplet]:
    """Builds the training set of the dense retriever.

    A post's positive is the training post whose hashtags overlap its own most, drawn where several tie; its negative is
    the one of its retrieved posts whose hashtags overlap least. Neither is a near duplicate of it. A post gives no
    triplet where either is missing, or where the negative overlaps as much as the positive.

    Args:
        posts: The training posts, which are the corpus of `retriever` too.
        retriever: Finds the hard negatives (BM25).
        analyse: By whose terms near duplicates are found.
        seed: Of the draws; with a post's id it seeds that post's, whatever other posts there are.
        limit: At most so many triplets, of posts drawn by `seed`.
        hits: Posts among which the negative is looked for.

    Returns:
        Triplets of texts, in the order in which the posts were drawn.
    """
    index = OverlapIndex(posts)
    order = [number for number, post in enumerate(posts) if post.hashtags and post.text]
    random.Random(seed).shuffle(order)
    triplets: list[Triplet] = []
    with tqdm(total=min(limit or len(order), len(order)), desc="triplets", unit="triplet") as progress:
        for start in range(0, len(order), _CHUNK):
            chunk = order[start : start + _CHUNK]
            found = search_as_unseen(retriever, [posts[number] for number in chunk], hits, analyse)
            for number, hits_of_post in zip(chunk, found, strict=True):
                post, ties = posts[number], index.best(number)
                rng = random.Random(f"{seed}:{post.id}")  # text seeds are hashed alike in every process
                drawn = [posts[other] for other in rng.sample(ties, min(_DRAWS, len(ties)))]
                triplet = post_triplet(post, drawn, hits_of_post, analyse)
                if triplet is not None and (limit is None or len(triplets) < limit):
                    triplets.append(triplet)
                    progress.update()
            if limit is not None and len(triplets) >= limit:
                break
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


def train_retriever(
    model: SentenceTransformer, triplets: Sequence[Triplet], output: Path, arguments: dict[str, Any], seed: int
) -> dict[str, Any]:
    """Trains the encoder of the dense retriever with the paper's settings; see [`train_contrastive`]."""
    # A tenth of the run is the most that a stopped one loses.
    paper = {"per_device_train_batch_size": 6, "save_strategy": "steps", "save_steps": 0.1}
    return train_contrastive(model, triplets, output, {**paper, **arguments}, seed)
