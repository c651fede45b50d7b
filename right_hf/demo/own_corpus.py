"""A model over posts that somebody brings along, for their session alone."""

from __future__ import annotations

import tempfile
from itertools import islice
from pathlib import Path

from right_hf.analysis import get_analyser
from right_hf.corpus import Corpus
from right_hf.data.lines import iter_json_posts
from right_hf.model import RightModel
from right_hf.posts import Post
from right_hf.registry import load_component
from right_hf.retriever.bm25 import BM25Retriever
from right_hf.spelling.variants import propose_merges

#: Of a file, in bytes, and of the posts in it.
LARGEST_FILE = 5_000_000
MOST_POSTS = 20_000


def read_upload(name: str, content: str) -> list[Post]:
    """The posts of a JSONL file that a stranger sent.

    Args:
        name: The file's, for errors.
        content: What is in it.

    Raises:
        ValueError: It is too large, holds too many posts or none, or a line is no post.
    """
    if len(content.encode("utf-8", "replace")) > LARGEST_FILE:
        raise ValueError(f"{name} is too large; at most {LARGEST_FILE:,} bytes are taken. Leave some posts out.")
    with tempfile.TemporaryDirectory() as scratch:
        file = Path(scratch) / "posts.jsonl"
        file.write_text(content, encoding="utf-8", errors="replace")
        try:
            posts = list(islice(iter_json_posts(file), MOST_POSTS + 1))
        except ValueError as error:
            raise ValueError(str(error).replace(str(file), name)) from None
    if len(posts) > MOST_POSTS:
        raise ValueError(f"{name} holds more than {MOST_POSTS:,} posts. Leave some out.")
    if not any(post.hashtags for post in posts):
        raise ValueError(f'{name} holds no posts with hashtags. A line is {{"text": "…", "hashtags": ["…", "…"]}}.')
    return posts


def with_posts(model: RightModel, posts: list[Post]) -> RightModel:
    """A model that answers from other posts; neither knows the other's hashtags.

    Args:
        model: Whose settings, generator and ranker are used, and stay as they are.
        posts: The corpus.

    Raises:
        ValueError: An id occurs twice, or there is nothing to index.
    """
    analyser = getattr(model.retriever, "analyser", "unicode")
    corpus = Corpus(posts, propose_merges(posts, get_analyser(analyser)))
    with tempfile.TemporaryDirectory() as scratch:  # a selector keeps all hashtags that it has seen, and finds them
        model.selector.save_pretrained(Path(scratch) / "selector")
        selector = load_component("selector", Path(scratch) / "selector")
    generator = model.generator if model.config.generate_when else None
    return RightModel(model.config, BM25Retriever(corpus, analyser=analyser), selector, generator, model.ranker)
