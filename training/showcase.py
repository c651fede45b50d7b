"""Shows what the checkpoint of the package does: hashtags for real posts, then its scores beside the baselines.

    python training/showcase.py [--output FILE] [--posts N]

Six everyday posts come first, as they would be posted with what is suggested by default; then six technical ones with
scores, sources and a post that supports each hashtag. All are openly licensed and were never seen in training; the
technical ones are spread evenly over the test split on which the checkpoint is scored.
The Seq2Seq baseline is the same T5, trained on the same posts with the same number of steps, but without retrieval.
"""

from __future__ import annotations

import argparse
import logging
import sys
import textwrap
from pathlib import Path
from typing import Any

from transformers import pipeline
from transformers.utils import logging as transformers_logging

from right_hf import DEFAULT_CHECKPOINT, Post, Recommendation, RightModel, Seq2SeqGenerator, progress_bars, read_posts
from right_hf.evaluation import markdown_table, score_checkpoint
from right_hf.persistence import write_text

_FOLDER = Path(__file__).parent / "showcase"
_SHOWN = 6


def spread(posts: list[Post], count: int) -> list[Post]:
    """`count` of the posts, at equal distances."""
    return [posts[i * len(posts) // count] for i in range(count)]


def supporting_post(model: RightModel, recommendation: Recommendation) -> str | None:
    """The text of the retrieved post that supports a recommendation best, if there is one."""
    if not recommendation.evidence:
        return None
    row = model.retriever.corpus.row(recommendation.evidence[0])
    return None if row is None else model.retriever.corpus[row].text


def describe(model: RightModel, post: Post, found: list[dict[str, object]]) -> str:
    """One post and its recommendations as text."""
    lines = [textwrap.fill(post.text, 110), f"  its author used: {', '.join(post.hashtags)}"]
    for entry in found:
        recommendation = Recommendation(**entry)  # type: ignore[arg-type]
        support = supporting_post(model, recommendation)
        because = textwrap.shorten(support, 70, placeholder=" …") if support else "no retrieved post has it"
        name = textwrap.shorten(recommendation.hashtag, 24, placeholder="…")
        lines.append(f"  {recommendation.score:.2f}  {name:24}  {recommendation.source:9}  {because}")
    return "\n".join(lines)


def as_posted(post: Post, found: list[dict[str, Any]]) -> str:
    """One post as it would be posted with its recommendations."""
    return textwrap.fill(f"{post.text}  {' '.join(str(entry['posted']) for entry in found)}", 110)


def main() -> None:
    """Recommends, then evaluates."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--output", type=Path, help="write the recommendations for the shown posts there too")
    parser.add_argument("--posts", type=int, help="only this many posts, spread evenly over the test split")
    arguments = parser.parse_args()
    transformers_logging.set_verbosity_error()
    progress_bars(sys.stderr.isatty())
    logging.getLogger("sentence_transformers").setLevel(logging.WARNING)

    posts = read_posts(_FOLDER / "test.jsonl")
    if arguments.posts is not None:
        posts = spread(posts, arguments.posts)
    pipe = pipeline("hashtag-recommendation", model=DEFAULT_CHECKPOINT)  # type: ignore[call-overload]
    everyday = read_posts(_FOLDER / "everyday.jsonl")
    answers = pipe([post.text for post in everyday], batch_size=_SHOWN, style="common", platform="instagram")
    posted = "\n\n".join(as_posted(post, found) for post, found in zip(everyday, answers, strict=True))
    sys.stdout.write(f"Everyday posts with the hashtags that are suggested by default:\n\n{posted}\n\n")
    shown = spread(posts, _SHOWN)
    results = pipe([post.text for post in shown], batch_size=_SHOWN)
    blocks = [describe(pipe.model, post, found) for post, found in zip(shown, results, strict=True)]
    sys.stdout.write("Score, hashtag, source and a supporting post, for posts never seen in training:\n\n")
    sys.stdout.write("\n\n".join(blocks) + f"\n\nScores in percent on {len(posts)} such posts:\n\n")
    sys.stdout.flush()
    if arguments.output:
        write_text(arguments.output, "\n\n".join([posted, *blocks]) + "\n")
    scores = score_checkpoint(pipe.model, posts, Seq2SeqGenerator.from_pretrained(_FOLDER / "seq2seq"))
    sys.stdout.write(markdown_table(scores) + "\n")


if __name__ == "__main__":
    main()
