"""A tuned LLM as it can be served: seconds of a lone post, posts a second in batches, memory, time to load.

RIGHT_HF_BENCHMARK_GENERATOR=runs/llm/right RIGHT_HF_BENCHMARK_DATA=posts.jsonl \
    python -m pytest -m benchmark -s tests/benchmarks/test_serving_speed.py

The posts are those whose tokens a cut vocabulary keeps. Without the variables a Llama of 7 million parameters with
random weights is served, and the posts are of this repository. A lone post and a batch are written by as many threads
as PyTorch takes.
"""

from __future__ import annotations

import os
import statistics
import sys
import time
from pathlib import Path
from typing import Any

import pytest
import torch

from right_hf import read_posts
from right_hf.generator import DecoderGenerator
from right_hf.generator.engine import is_installed
from right_hf.generator.vocabulary_cut import with_cut_vocabulary
from tests.benchmarks.apart import apart, peak, resident
from tests.benchmarks.test_decoder_speed import POSTS, inputs, llama
from tests.benchmarks.told import tell

pytestmark = [pytest.mark.benchmark, pytest.mark.timeout(3_600)]

_LONE, _BATCH, _BATCHES = 7, 64, 2
_FLOAT, _INT8 = ({"engine": "ctranslate2", "compute_type": kind} for kind in ("float32", "int8"))
#: Which of the saved folders, and how it is loaded.
WAYS: dict[str, tuple[str, dict[str, Any]]] = {
    "as it was tuned": ("whole", {}),
    "merged": ("whole", {"merge": True}),
    "merged, cut": ("cut", {}),
    "CTranslate2, float32": ("whole", _FLOAT),
    "CTranslate2, int8": ("whole", _INT8),
    "CTranslate2, int8, cut": ("cut", _INT8),
}


def _saved(folder: Path) -> dict[str, Path]:
    """What is served: an adapter or a model, and the same with a vocabulary that is cut to the posts' tokens."""
    given = os.environ.get("RIGHT_HF_BENCHMARK_GENERATOR")
    whole = Path(given) if given is not None else folder / "whole"
    if given is None:
        llama().save_pretrained(whole)
    posts = read_posts(os.environ.get("RIGHT_HF_BENCHMARK_DATA", POSTS))
    generator = DecoderGenerator.from_folder(whole, dtype=torch.float32)
    with_cut_vocabulary(generator, posts).save_pretrained(folder / "cut")
    return {"whole": whole, "cut": folder / "cut"}


def measured(way: str, folders: dict[str, str]) -> dict[str, float]:
    """Figures of one way to serve."""
    before = resident()
    name, settings = WAYS[way]
    posts, contexts, _ = inputs()
    start = time.perf_counter()
    generator = DecoderGenerator.from_folder(folders[name], dtype=torch.float32, **settings)
    generator.generate(posts[:1], contexts[:1])  # an engine converts
    loaded = time.perf_counter() - start

    def seconds(part: slice) -> float:
        begun = time.perf_counter()
        generator.generate(posts[part], contexts[part])
        return time.perf_counter() - begun

    lone = [seconds(slice(at, at + 1)) for at in range(_LONE)]
    whole = [seconds(slice(at * _BATCH, (at + 1) * _BATCH)) for at in range(_BATCHES)]
    return {
        "load": loaded,
        "lone": statistics.median(lone),
        "rate": _BATCH / statistics.median(whole),
        "megabytes": peak() - before,
    }


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_serving(tmp_path: Path) -> None:
    folders = {name: str(folder) for name, folder in _saved(tmp_path).items()}
    ways = [way for way, (_, settings) in WAYS.items() if is_installed() or "engine" not in settings]
    found = {way: apart(__name__, measured.__name__, way, folders) for way in ways}
    tell(f"\n{os.environ.get('RIGHT_HF_BENCHMARK_GENERATOR', 'Llama of 7 million parameters')}, batches of {_BATCH}:\n")
    for way, one in found.items():
        tell(
            f"  {way:22} {one['lone']:6.2f} s a lone post   {one['rate']:7.2f} posts/s   {one['megabytes']:6.0f} MB   "
            f"{one['load']:5.1f} s to load\n"
        )
    assert found["merged, cut"]["megabytes"] < found["merged"]["megabytes"]
