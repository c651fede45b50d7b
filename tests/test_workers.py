"""Batches answered by several processes: in order, as by one, and whatever happens nothing hangs."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from transformers import pipeline

from right_hf import DEFAULT_CHECKPOINT, RightModel, read_posts
from right_hf.cli import main
from right_hf.workers import in_order
from tests.support.paths import ROOT

GENERATOR = ROOT / "training" / "showcase" / "seq2seq"
TEXTS = [post.text for post in read_posts(ROOT / "training" / "showcase" / "test.jsonl")][:40]


def square(number: int) -> tuple[int, int]:
    return number * number, os.getpid()


@pytest.mark.parametrize("workers", [0, 1, 2, 3])
def test_answers_come_in_order(workers: int) -> None:
    found = list(in_order(square, range(20), workers))
    assert [number for number, _ in found] == [number * number for number in range(20)]
    assert (os.getpid() in {process for _, process in found}) == (workers < 2)


def test_few_batches_are_read_ahead() -> None:
    batches = iter(range(100))
    answers = in_order(square, batches, 2)
    assert next(answers)[0] == 0
    assert next(batches) <= 4
    answers.close()  # type: ignore[attr-defined]


def fail(number: int) -> int:
    if number == 3:
        raise ValueError("no such post")
    return number


@pytest.mark.parametrize("workers", [1, 2])
def test_an_error_comes_after_what_was_answered_before_it(workers: int) -> None:
    found: list[int] = []
    with pytest.raises(ValueError, match="no such post"):
        found.extend(in_order(fail, range(9), workers))
    assert found == [0, 1, 2]

    def broken() -> Iterator[int]:
        yield from range(3)
        raise OSError("the file ends")

    found.clear()
    with pytest.raises(OSError, match="the file ends"):
        found.extend(in_order(fail, broken(), workers))
    assert found == [0, 1, 2]


def die(number: int) -> int:
    os.kill(os.getpid(), signal.SIGKILL)
    return number


def test_a_killed_process_is_an_error_that_says_what_to_do() -> None:
    with pytest.raises(RuntimeError, match=r"worker processes was killed.*Use fewer workers"):
        list(in_order(die, range(4), 2))


def test_the_pipeline_gives_the_same_with_workers() -> None:
    pipe: Any = pipeline("hashtag-recommendation", model=RightModel.from_pretrained(DEFAULT_CHECKPOINT))  # type: ignore[call-overload]
    alone = pipe(TEXTS, batch_size=4, now=1.6e9)
    assert pipe(TEXTS, batch_size=4, now=1.6e9, num_workers=2) == alone
    assert list(pipe((text for text in TEXTS), batch_size=4, now=1.6e9, num_workers=2)) == alone


@pytest.mark.parametrize("workers", [-1, "two", 1.5])
def test_workers_are_a_whole_number(workers: Any) -> None:
    pipe: Any = pipeline("hashtag-recommendation", model=RightModel.from_pretrained(DEFAULT_CHECKPOINT))  # type: ignore[call-overload]
    with pytest.raises((TypeError, ValueError), match=r"num_workers must be .*whole"):
        pipe(TEXTS[:2], num_workers=workers)
    assert pipe(TEXTS[:1], num_workers=0) == pipe(TEXTS[:1], num_workers=1)


def test_workers_of_a_model_whose_generator_has_written_before() -> None:
    model = RightModel.from_pretrained(DEFAULT_CHECKPOINT, generator=GENERATOR)
    pipe: Any = pipeline("hashtag-recommendation", model=model)  # type: ignore[call-overload]
    alone = pipe(TEXTS[:8], batch_size=2, now=1.6e9, generate_when=1)
    assert pipe(TEXTS[:8], batch_size=2, now=1.6e9, generate_when=1, num_workers=2) == alone


def test_one_model_serves_many_threads() -> None:
    model = RightModel.from_pretrained(DEFAULT_CHECKPOINT, generator=GENERATOR, generate_when=0)
    alone = [model.recommend([text], now=1.6e9)[0] for text in TEXTS]
    for when in (0.0, 0.2):  # with a generator that some posts are asked of, too
        expected = alone if when == 0 else [model.recommend([t], now=1.6e9, generate_when=when)[0] for t in TEXTS]
        with ThreadPoolExecutor(8) as pool:
            asked = [pool.submit(model.recommend, [text], now=1.6e9, generate_when=when) for text in TEXTS * 2]
            assert [found.result()[0] for found in asked] == expected * 2


def test_the_command_line_gives_the_same_with_workers(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "posts.txt").write_text("\n".join(TEXTS), encoding="utf-8")
    said = []
    for workers in ("1", "2"):
        arguments = ["recommend", "--quiet", "--input", str(tmp_path / "posts.txt"), "--batch-size", "4"]
        assert main([*arguments, "--now", "1600000000", "--workers", workers]) == 0
        said.append(capsys.readouterr().out)
    assert said[0] == said[1] and len(said[0].splitlines()) == len(TEXTS)
