"""Training of the selector: triplets of post, hashtag and disturbed hashtag, with the paper's loss (section 2.2)."""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from right_hf.posts import Post
from right_hf.registry import component_class
from right_hf.trainers.contrastive import Triplet, train_contrastive
from right_hf.trainers.job import Job, Trained
from right_hf.trainers.pretrained import base_identity, base_record, encoder_base, encoder_source
from right_hf.trainers.recipe import EncoderRecipe, SelectorRecipe
from right_hf.trainers.wordnet import Synonyms, no_synonyms, synonyms_of

OPERATIONS = ("replace", "delete", "swap", "insert")
SHARES = (0.7, 0.1, 0.1, 0.1)
# Without synonyms only deletion or swap can succeed, 20 % a try: fewer tries would often end in the fallback.
MAX_TRIES = 100

# Chinese is written without spaces: a unit is a character, or a run of Latin letters and digits.
_CHINESE_UNIT = re.compile(r"[A-Za-z0-9]+|.", re.DOTALL)
_SPLITTERS: dict[str, tuple[str, Callable[[str], list[str]]]] = {
    "en": (" ", str.split),
    "zh": ("", _CHINESE_UNIT.findall),
}


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
        source = encoder_source(recipe)
        job.claim(synonyms=synonyms is not no_synonyms, base=base_identity(source))
        triplets = selector_triplets(job.posts, synonyms, job.recipe.seed, job.recipe.language)
        defaults = {"per_device_train_batch_size": 64, "warmup_steps": 100, "save_strategy": "epoch"}
        log = train_contrastive(model, triplets, job, recipe, defaults)
        record = {"synonyms": synonyms is not no_synonyms, **base_record(source), **log}
        kind: Any = component_class("selector", recipe.type)
        return Trained(kind(model.half(), recipe.hit_scale), record)


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


def disturb(
    hashtag: str, synonyms: Synonyms, rng: random.Random, language: str = "en", forbidden: Collection[str] = ()
) -> str:
    """Disturb a hashtag into a hard negative (paper, section 2.2).

    A random unit (a word in English, a character in Chinese) is replaced by a synonym 70 % of the time, deleted 10 %,
    swapped with an adjacent unit 10 %, or followed by an inserted synonym 10 %. Unit and operation are drawn again
    while the operation is impossible or its result is not another hashtag, at most `MAX_TRIES` times. After that, and
    at once for a single unit without synonyms, which no operation can change, see `disturb_characters`.

    Args:
        hashtag: The gold hashtag, without ``#``, words separated by spaces.
        synonyms: A word to its synonyms; `right_hf.trainers.wordnet.no_synonyms` where there are none.
        rng: The source of all randomness: an equal state gives an equal result.
        language: ``en`` or ``zh``.
        forbidden: Further hashtags that must not come out, such as the other gold hashtags of the post.

    Returns:
        A non-empty hashtag that differs, also when case and white space are ignored, from `hashtag` and `forbidden`.

    Raises:
        ValueError: If the hashtag is empty or the language unknown.
    """
    if language not in _SPLITTERS:
        raise ValueError(f"Unknown language {language!r}: expected one of {', '.join(_SPLITTERS)}.")
    original = _tidy(hashtag)
    if not original:
        raise ValueError(f"Cannot disturb the empty hashtag {hashtag!r}: drop empty hashtags from the posts first.")
    separator, split = _SPLITTERS[language]
    units = split(original)
    taken = {_key(hashtag), *map(_key, forbidden)}
    if len(units) > 1 or synonyms(units[0]):
        for _ in range(MAX_TRIES):
            disturbed = _tidy(separator.join(disturb_once(units, synonyms, rng)))
            if disturbed and _key(disturbed) not in taken:
                return disturbed
    return disturb_characters(original, rng, taken)


def disturb_characters(hashtag: str, rng: random.Random, taken: Collection[str]) -> str:
    """Disturb a hashtag that has no word to disturb, by one character.

    Args:
        hashtag: A non-empty hashtag with single spaces.
        rng: Chooses among all results of dropping one character or swapping two adjacent ones.
        taken: The case-folded hashtags that must not come out.

    Returns:
        A non-empty hashtag not in `taken`. If no drop or swap gives one (a single character), the last character is
        repeated as often as needed.
    """
    positions = range(len(hashtag))
    drops = [hashtag[:i] + hashtag[i + 1 :] for i in positions]
    swaps = [hashtag[:i] + hashtag[i + 1] + hashtag[i] + hashtag[i + 2 :] for i in positions[:-1]]
    options = [option for option in map(_tidy, drops + swaps) if option and _key(option) not in taken]
    if options:
        return rng.choice(options)
    longer = hashtag + hashtag[-1]
    while _key(longer) in taken:
        longer += hashtag[-1]
    return longer


def disturb_once(units: Sequence[str], synonyms: Synonyms, rng: random.Random) -> list[str]:
    """One draw of a unit and an operation; the units unchanged where the operation is impossible."""
    position, changed = rng.randrange(len(units)), list(units)
    operation = rng.choices(OPERATIONS, SHARES)[0]
    if operation == "delete":
        del changed[position]
    elif operation == "swap":
        if neighbours := [i for i in (position - 1, position + 1) if 0 <= i < len(units)]:
            other = rng.choice(neighbours)
            changed[position], changed[other] = units[other], units[position]
    elif candidates := synonyms(units[position]):
        start = position if operation == "replace" else position + 1
        changed[start : position + 1] = [rng.choice(candidates)]
    return changed


def _tidy(hashtag: str) -> str:
    """The hashtag with single spaces between words and none around them."""
    return " ".join(hashtag.split())


def _key(hashtag: str) -> str:
    """What hashtags are compared by: a negative that differs in case or white space alone is the positive."""
    return _tidy(hashtag).casefold()
