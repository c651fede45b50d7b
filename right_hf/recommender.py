"""Recommending: raw posts in, hashtags out, as somebody asks for them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from typing_extensions import Unpack

from right_hf.checks import check_generation, probability, texts_of, whole_number
from right_hf.hub.arguments import show_arguments
from right_hf.languages import own_words, warn_of_foreign
from right_hf.preferences import PreferenceArguments, Preferences
from right_hf.ranker.choose import Choice
from right_hf.ranker.fuse import fuse
from right_hf.ranker.records import Recommendation, Trace
from right_hf.reading import Reader, Reading
from right_hf.stages import Moments, Stages, each_moment

#: Of one post; None where it is none and `errors="skip"`.
Answer = list[Recommendation] | Any


class Recommender:
    """What has the stages of a post's way."""

    _stages: Stages
    retriever: Any
    selector: Any
    ranker: Any

    def recommend(
        self,
        posts: Iterable[str | Mapping[str, Any]],
        top_k: int = 5,
        threshold: float | None = None,
        generate_kwargs: Mapping[str, Any] | None = None,
        now: Moments = None,
        errors: str = "raise",
        generate_when: float | None = None,
        **preferences: Unpack[PreferenceArguments],
    ) -> list[Answer]:
        """Recommends hashtags for each post, as one batch.

        Args:
            posts: Raw posts, strings or mappings with the key "text"; see [`right_hf.text.cleaning.read_post`].
            top_k: At most so many hashtags a post.
            threshold: Only hashtags with at least this score, in [0, 1]; None for what the checkpoint says, 0 for all.
            generate_kwargs: Arguments of the generator's `generate`, for example `num_beams`.
            now: The time of the posts, or of each, in seconds since 1970, for a ranker that looks at what is in use at
                the moment; None for the present.
            errors: "skip" gives None for what is no post, where "raise" names it.
            generate_when: The generator is asked for posts whose best score without it is at most this, in [0, 1]: 1
                for all, 0 for none; None for what the checkpoint says.
            preferences: Which hashtags are suggested and how they are shown, see
                [`right_hf.preferences.PreferenceArguments`].

        Returns:
            For each post its hashtags, best first; an empty list where none reaches the threshold, or for a post with
            nothing to go by: no readable text, or one word alone that is no hashtag of the corpus.

        Raises:
            TypeError: These are no posts, or one is none; an argument is unknown.
            ValueError: A number is out of range, there are not as many times as posts, or see [`Preferences.of`].
        """
        texts = texts_of(posts, errors)
        least = self._stages.config.threshold if threshold is None else probability(threshold, "threshold")
        top_k = whole_number(top_k, "top_k")
        check_generation(generate_kwargs or {})
        moments = each_moment(now, len(texts))
        wished = Preferences.of(**preferences)
        results: list[Answer] = [None if text is None else [] for text in texts]
        reader = Reader(self.retriever)
        readings = {row: reader.read(text) for row, text in enumerate(texts) if text is not None}
        readings = {row: reading for row, reading in readings.items() if reader.says_something(reading.text)}
        if readings:
            traces = self._stages.run(
                [reading.text for reading in readings.values()],
                [moments[row] for row in readings],
                queries=[reading.query for reading in readings.values()],
                preferences=wished,
                generate_when=generate_when,
                **(generate_kwargs or {}),
            )
            for (row, reading), trace in zip(readings.items(), traces, strict=True):
                results[row] = self.suggestions(trace, reading, wished, top_k, least)
        return results

    def suggestions(
        self,
        trace: Trace,
        reading: Reading | None = None,
        preferences: Preferences | None = None,
        top_k: int = 5,
        threshold: float = 0.0,
    ) -> list[Recommendation]:
        """The hashtags to suggest for one post, best first.

        Args:
            trace: What the stages made of the post.
            reading: How it was read; None where it has no hashtags.
            preferences: What is asked for, of the stages too; None for the defaults.
            top_k: At most so many.
            threshold: Only those with at least this score.
        """
        reading = reading or Reading(trace.post, trace.post)
        found = fuse(trace, trace.scores)
        if reading.foreign:
            warn_of_foreign(self._stages.config.language)
            found = own_words(found, trace)
        choice = Choice(reading, self.retriever.corpus, preferences or Preferences())
        return choice.choose(found, top_k, threshold, self.selector.embed_hashtags)


show_arguments(Recommender.recommend, PreferenceArguments)
