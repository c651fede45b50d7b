"""The decoder generator beside the plain text-generation pipeline: same model, same prompts, same number of new tokens.

make benchmark
"""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
import torch
from reproduction.pretraining.tokenizer import train_tokenizer
from transformers import LlamaConfig, LlamaForCausalLM, pipeline

from right_hf import read_posts
from right_hf.generator import DecoderGenerator
from tests.benchmarks.apart import apart, forget_peak, peak, resident
from tests.benchmarks.told import tell

pytestmark = [pytest.mark.benchmark, pytest.mark.timeout(3_600)]

POSTS = Path(__file__).parents[2] / "training" / "showcase" / "test.jsonl"
NEW_TOKENS = 16
#: About as many as the selector gives: 7 hashtags in the prompt, 10 to score.
CONTEXT, CANDIDATES = 7, 10


def inputs() -> tuple[list[str], list[list[str]], list[list[str]]]:
    """Real posts, with hashtags of other posts as what the selector would give."""
    posts = read_posts(POSTS)
    tags = list(dict.fromkeys(tag for post in posts for tag in post.hashtags))
    pools = [[tags[(7 * i + j) % len(tags)] for j in range(CANDIDATES)] for i in range(len(posts))]
    return [post.text for post in posts], [pool[:CONTEXT] for pool in pools], pools


def llama() -> DecoderGenerator:
    """A Llama of 7 million parameters with random weights."""
    texts = [f"{post.text} {' '.join('#' + tag for tag in post.hashtags)}" for post in read_posts(POSTS)]
    tokenizer = train_tokenizer(texts, 4_000)
    torch.manual_seed(0)
    sizes = {"hidden_size": 256, "intermediate_size": 1_024, "num_hidden_layers": 6, "num_attention_heads": 4}
    config = LlamaConfig(vocab_size=len(tokenizer), eos_token_id=tokenizer.eos_token_id, **sizes)
    return DecoderGenerator(LlamaForCausalLM(config), tokenizer, "en", "short", 256, NEW_TOKENS)


def ways(generator: DecoderGenerator) -> dict[str, Callable[[slice], Any]]:
    """What is compared, each for a slice of the posts."""
    posts, contexts, pools = inputs()
    exact = {"min_new_tokens": NEW_TOKENS, "max_new_tokens": NEW_TOKENS}
    form = generator.format
    prompts = [form.chat.text(form.prompt_messages(*pair)) for pair in zip(posts, contexts, strict=True)]
    assert [form.chat.encode(prompt) for prompt in prompts[:50]] == [
        form.prompt(*pair) for pair in zip(posts[:50], contexts, strict=False)
    ]
    form.tokenizer.padding_side = "left"
    plain = pipeline("text-generation", model=generator.network, tokenizer=form.tokenizer, device="cpu")
    own = generator.network.generation_config

    def with_pipeline(part: slice) -> Any:
        batch = prompts[part]
        return plain(
            batch, batch_size=len(batch), do_sample=False, return_full_text=False, generation_config=own, **exact
        )

    return {
        "text-generation pipeline": with_pipeline,
        "generator, writing": lambda part: generator.generate(posts[part], contexts[part], **exact),
        "generator, writing and scoring": lambda part: generator.generate(
            posts[part], contexts[part], pools[part], **exact
        ),
    }


@pytest.mark.parametrize("batch_size", [1, 16])
def test_speed(batch_size: int) -> None:
    torch.set_num_threads(1)
    compared = ways(llama())
    rounds = 40 if batch_size == 1 else 6
    slices = [slice(i * batch_size, (i + 1) * batch_size) for i in range(rounds)]
    spent: dict[str, list[float]] = {name: [] for name in compared}
    for name in compared:
        compared[name](slices[0])
    for part in slices:  # in turn, so that a busy machine slows all of them
        for name, way in compared.items():
            start = time.process_time()
            way(part)
            spent[name].append(time.process_time() - start)
    first = next(iter(compared))
    tell(f"\nbatch {batch_size}, {NEW_TOKENS} new tokens, seconds of one core:\n")
    ratios = {}
    for name, seconds in spent.items():
        ratios[name] = statistics.median(plain / own for plain, own in zip(spent[first], seconds, strict=True))
        speed = batch_size * rounds / sum(seconds)
        tell(f"  {name:32} {speed:8.1f} posts/s   {ratios[name]:.2f} of the pipeline's speed\n")
    assert ratios["generator, writing"] > 0.9


def added(way: str, batch_size: int) -> float:
    """What one way adds at its peak to the resident memory of a loaded model, in MB."""
    torch.set_num_threads(1)
    compared = ways(llama())
    before = resident()
    forget_peak()
    for start in range(0, 3 * batch_size, batch_size):
        compared[way](slice(start, start + batch_size))
    return peak() - before


@pytest.mark.parametrize("batch_size", [1, 16])
@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_peak_memory(batch_size: int) -> None:
    names: Sequence[str] = ("text-generation pipeline", "generator, writing", "generator, writing and scoring")
    tell(f"\nbatch {batch_size}, memory above the loaded model at the peak:\n")
    for name in names:
        megabytes = apart(__name__, added.__name__, name, batch_size)
        tell(f"  {name:32} {megabytes:8.1f} MB\n")
