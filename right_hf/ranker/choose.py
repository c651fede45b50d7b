"""The last stage: which of the ranked hashtags are suggested, and how they are shown."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import cached_property
from itertools import islice

import numpy as np

from right_hf.corpus import Corpus
from right_hf.encoders import Matrix
from right_hf.names import person_names
from right_hf.preferences import Preferences, listed_form
from right_hf.ranker.diversity import marginal_relevance
from right_hf.ranker.records import Recommendation
from right_hf.reading import Reading
from right_hf.spelling.platforms import sign
from right_hf.spelling.style import show
from right_hf.text.hashtags import hashtag_key, hashtag_words

#: Authors (or posts, where authors are not known) whose use of a name makes it a hashtag.
_PUBLIC = 3
#: So many times the posts of a variant the main one must have to be shown in its place. Chosen on validation posts of
#: tweets-en: at 2 F1@5 falls by 0.17, at 5 by 0.06.
_MAINSTREAM = 5
#: Posts with a hashtag beyond which nobody's name is looked for in it.
_WELL_KNOWN = 30
#: By so much the odds of a preferred hashtag are multiplied.
_PREFERRED = 4.0
#: So many times the hashtags asked for are looked at for diversity: what is far less likely is no choice.
_DEPTH = 2
_EVIDENCE = 10
#: Hashtags whose spelling is remembered.
_SHOWN = 1 << 16


def preferred_score(score: float) -> float:
    """The score of a preferred hashtag: its odds p / (1 - p), multiplied by 4, as a probability again."""
    return _PREFERRED * score / (1 + (_PREFERRED - 1) * score)


class Choice:
    """Chooses among the ranked hashtags of one post.

    Args:
        reading: The post.
        corpus: At this moment.
        preferences: What is asked for.
    """

    def __init__(self, reading: Reading, corpus: Corpus, preferences: Preferences) -> None:
        self._reading = reading
        self._corpus = corpus
        self._preferences = preferences
        self._present = {key for written in reading.hashtags for key in corpus.forms.keys_of(written)}

    def choose(
        self,
        ranked: Sequence[Recommendation],
        top_k: int,
        threshold: float,
        embed: Callable[[Sequence[str]], Matrix],
    ) -> list[Recommendation]:
        """The hashtags to suggest, best first.

        Args:
            ranked: All hashtags of the post, best first, in the forms of the corpus.
            top_k: At most so many.
            threshold: Only those with at least this score.
            embed: Gives unit vectors of hashtags, (n, d), for diversity.
        """
        preferences = self._preferences
        ranked = self._preferred(ranked)
        suggestions = self._suggestions(ranked, threshold)
        if not preferences.diversity:
            return [shown for _, shown in islice(suggestions, top_k)]
        pairs = list(islice(suggestions, _DEPTH * top_k))
        if not pairs:
            return []
        vectors = embed([hashtag for hashtag, _ in pairs])
        scores = np.asarray([shown.score for _, shown in pairs])
        scores = scores / max(scores.max(), np.finfo(float).tiny)  # on the scale of a cosine, whose best is 1, too
        order = marginal_relevance(scores, vectors @ vectors.T, preferences.diversity, top_k)
        return [pairs[row][1] for row in order]

    def _preferred(self, ranked: Sequence[Recommendation]) -> Sequence[Recommendation]:
        """The hashtags with the scores that preferred ones have."""
        preferred = self._preferences.preferred
        if preferred is None:
            return ranked
        raised = [
            one
            if listed_form(preferred, one.hashtag, self._corpus) is None
            else replace(one, score=round(preferred_score(one.score), 4))
            for one in ranked
        ]
        return sorted(raised, key=lambda one: (-one.score, one.hashtag))

    def _suggestions(self, ranked: Sequence[Recommendation], threshold: float) -> Iterator[tuple[str, Recommendation]]:
        """Those that may be suggested, as they are kept and as they are shown, each once."""
        preferences, corpus = self._preferences, self._corpus
        posted_style = "common" if preferences.style == "words" else preferences.style
        by_hashtag = {one.hashtag: one for one in ranked}
        seen: set[str] = set()
        for one in ranked:
            if one.score < threshold:
                continue  # without a ranker the order is the generator's
            keys = corpus.forms.keys_of(one.hashtag)
            is_present = not self._present.isdisjoint(keys)
            if keys[0] in seen or (is_present and not preferences.include_present) or self._is_private(one.hashtag):
                continue
            hashtag = preferences.allowed_form(one.hashtag, corpus) or self._mainstream(one.hashtag, keys)
            shown = self._shown(hashtag, preferences.style)
            if shown is None:  # no platform links it
                continue
            seen.add(keys[0])
            variants = [by_hashtag[form] for form in map(corpus.forms.of_key, keys) if form in by_hashtag]
            yield (
                one.hashtag,
                replace(
                    self._with_evidence(one, variants),
                    hashtag=shown,
                    present=is_present,
                    posted=sign(self._shown(hashtag, posted_style) or shown, preferences.platform) or "",
                ),
            )

    def _mainstream(self, hashtag: str, keys: Sequence[str]) -> str:
        """The main one of its variants where far more posts carry that; else the one that fits the post best."""
        main = self._corpus.forms.of_key(keys[0]) if len(keys) > 1 else None
        if main is None or self._corpus.hashtag_count(main) < _MAINSTREAM * self._corpus.hashtag_count(hashtag):
            return hashtag
        return main

    def _shown(self, hashtag: str, style: str) -> str | None:
        counts, platform = self._corpus.spellings, self._preferences.platform
        memo, key = counts.memo, (hashtag, style, platform)
        if key not in memo:
            if len(memo) >= _SHOWN:
                memo.clear()
            memo[key] = show(hashtag, style, counts, platform)
        return memo[key]

    def _with_evidence(self, one: Recommendation, variants: Sequence[Recommendation]) -> Recommendation:
        """With the evidence of its variants, and posts of the corpus where none that was retrieved has the hashtag."""
        evidence = list(dict.fromkeys(post for each in (one, *variants) for post in each.evidence))
        if not evidence and one.source == "retrieved":
            evidence = [post.id for post in self._corpus.carriers(one.hashtag, _EVIDENCE)]
            if not evidence:
                return replace(one, source="listed")
        return replace(one, evidence=evidence)

    @cached_property
    def _names(self) -> frozenset[str]:
        """The keys of the names of persons in the post, of their parts and of their words."""
        names = [hashtag_words(name).split() for name in person_names(self._reading.text)]
        return frozenset(
            hashtag_key("".join(name[start:end]).removesuffix("\u2019s").removesuffix("'s"))
            for name in names
            for start in range(len(name))
            for end in range(start + 1, len(name) + 1)
        )

    def _is_private(self, hashtag: str) -> bool:
        """Whether a hashtag holds part of the name of a person in the post, and too few others have used it."""
        if self._corpus.hashtag_count(hashtag) >= _WELL_KNOWN or not self._names:
            return False
        if self._names.isdisjoint([hashtag_key(hashtag), *map(hashtag_key, hashtag.split())]):
            return False
        carriers = self._corpus.carriers(hashtag, _WELL_KNOWN)
        return len({post.author or f"\0{post.id}" for post in carriers}) < _PUBLIC
