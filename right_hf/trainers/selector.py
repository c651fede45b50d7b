"""Training of the selector: triplets of post, hashtag and disturbed hashtag, with the paper's loss (section 2.2)."""

from __future__ import annotations

import random
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from right_hf.posts import Post
from right_hf.selector.biencoder import BiEncoderSelector
from right_hf.trainers.contrastive import Triplet, train_contrastive
from right_hf.trainers.disturb import disturb
from right_hf.trainers.job import Job, Trained
from right_hf.trainers.pretrained import base_identity, base_record, encoder_base, resolve_model
from right_hf.trainers.recipe import EncoderRecipe, SelectorRecipe
from right_hf.trainers.wordnet import Synonyms, no_synonyms, synonyms_of


@dataclass(frozen=True)
class BiEncoderRecipe(EncoderRecipe, SelectorRecipe):
    """Settings of a bi-encoder: those of its encoder, how scores of hits are scaled, and the folder of WordNet."""

    dimensions: int | None = 128
    hit_scale: str = "relative"
    wordnet: str = "/usr/share/wordnet"


class SelectorTraining:
    """Trains a [`right_hf.selector.BiEncoderSelector`]."""

    settings = BiEncoderRecipe

    def train(self, job: Job) -> Trained:
        """Trains it on one triplet for each hashtag of the training posts; see [`right_hf.component.Trainer`]."""
        recipe: BiEncoderRecipe = job.recipe.selector
        synonyms = synonyms_of(job.recipe.language, Path(recipe.wordnet))
        model = encoder_base(recipe)
        source = resolve_model(recipe.encoder or "")
        job.claim(synonyms=synonyms is not no_synonyms, base=base_identity(source))
        triplets = selector_triplets(job.posts, synonyms, job.recipe.seed, job.recipe.language)
        defaults = {"per_device_train_batch_size": 64, "warmup_steps": 100, "save_strategy": "epoch"}
        log = train_contrastive(model, triplets, job, recipe, defaults)
        record = {"synonyms": synonyms is not no_synonyms, **base_record(source), **log}
        return Trained(BiEncoderSelector(model.half(), recipe.hit_scale), record)


def selector_triplets(posts: Iterable[Post], synonyms: Synonyms, seed: int, language: str) -> list[Triplet]:
    """Builds the selector's training set {(t_i, t_i+, t_i-)}: post, gold hashtag, the hashtag disturbed.

    Args:
        posts: The training posts; one without hashtags gives no triplet.
        synonyms: A word to its synonyms, see `right_hf.trainers.wordnet`.
        seed: With a post's id, it seeds the disturbance of that post's hashtags: a post gives the same triplets
            whatever posts come before it, or with it.
        language: ``en`` or ``zh``.

    Returns:
        One triplet per (post, gold hashtag), in the order of posts and of their hashtags; no negative is a gold hashtag
        of its post.

    Raises:
        ValueError: If a hashtag is empty or the language unknown.
    """
    triplets = []
    for post in posts:
        rng = random.Random(f"{seed}:{post.id}")  # text seeds are hashed alike in every process, hash() is not
        for hashtag in post.hashtags:
            negative = disturb(hashtag, synonyms, rng, language, forbidden=post.hashtags)
            triplets.append(Triplet(post.text, hashtag, negative))
    return triplets
