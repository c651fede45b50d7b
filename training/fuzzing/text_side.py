"""The time of all that is done with the text of a post, without the networks."""

from __future__ import annotations

import gc
import time
from collections.abc import Callable, Iterable
from itertools import islice
from typing import Any

from fuzzing.found import Faults
from right_hf import Post, Retriever
from right_hf.analysis import chinese_bigrams, english_words, unicode_words
from right_hf.names import person_names
from right_hf.posts import prepared
from right_hf.ranker.mentions import MentionFinder
from right_hf.reading import Reader
from right_hf.spelling.platforms import PLATFORMS
from right_hf.spelling.style import STYLES, show
from right_hf.text.cleaning import read_post
from right_hf.text.hashtags import hashtag_key
from right_hf.text.words import words

_WORST = 5
#: Stages that a recommendation goes through; the others are ways in of their own.
_OF_A_RECOMMENDATION = ("read", "says something", "mentions", "phrases", "analyser", "names", "key")


class TextSide:
    """Sends posts through each stage, with the processor's time of each.

    Args:
        retriever: Whose corpus and terms the posts are read with.
        faults: Takes exceptions, and what cleaning changes a second time.
    """

    def __init__(self, retriever: Retriever, faults: Faults) -> None:
        self._retriever = retriever
        self._faults = faults
        self._reader = Reader(retriever)
        self._finder = MentionFinder(lambda word: bool(retriever.idf(word)))
        self._times: list[dict[str, Any]] = []
        self._finder.find("", retriever.corpus)
        person_names("Maria Gonzalez")  # whose lists are read once
        gc.collect()
        gc.freeze()  # else a post is charged with going through all objects of the corpus, now and then

    def measure(self, posts: Iterable[str]) -> None:
        """Sends posts through."""
        for post in posts:
            try:
                self._times.append(self._of(post))
            except Exception as error:
                self._faults.error("text", error, post)

    def _of(self, post: str) -> dict[str, Any]:
        times: dict[str, float] = {}

        def timed(stage: str, work: Callable[[], Any]) -> Any:
            start = time.thread_time()
            result = work()
            times[stage] = round(1000 * (time.thread_time() - start), 2)
            return result

        corpus, idf = self._retriever.corpus, self._retriever.idf
        reading = timed("read", lambda: self._reader.read(post))
        timed("says something", lambda: self._reader.says_something(reading.text))
        mentions = timed("mentions", lambda: self._finder.find(reading.text, corpus))
        phrases = timed("phrases", lambda: list(islice(mentions.unknown(lambda w: min(idf(w), default=9)), 20)))
        timed("analyser", lambda: unicode_words(reading.query))
        timed("english", lambda: english_words(reading.query))
        timed("chinese", lambda: chinese_bigrams(reading.query))
        timed("names", lambda: person_names(reading.text))
        timed("key", lambda: hashtag_key(reading.text))
        timed("prepared", lambda: prepared(Post("1", post, ("tag",))))
        shown = phrases[:3] + mentions.known[:3]
        timed("show", lambda: [show(t, style, None, p) for t in shown for style in STYLES for p in (None, *PLATFORMS)])
        if read_post(reading.text).text != reading.text:
            self._faults.note("text: cleaning changes what is clean", post)
        if words(post) and not all(words(post)):
            self._faults.note("text: an empty word", post)
        whole = sum(times[stage] for stage in _OF_A_RECOMMENDATION)
        return {"post": f"{post!a:.80}", "characters": len(post), "whole": round(whole, 2), **times}

    def as_dict(self) -> dict[str, Any]:
        """The worst time of each stage, and the posts that took longest, in milliseconds."""
        if not self._times:
            return {}
        stages = [name for name, value in self._times[0].items() if isinstance(value, float)]
        ordered = sorted(self._times, key=lambda entry: -entry["whole"])
        return {
            "worst": {stage: max(entry[stage] for entry in self._times) for stage in stages},
            "posts": len(self._times),
            "over_50_ms": sum(entry["whole"] > 50 for entry in self._times),
            "slowest": ordered[:_WORST],
        }
