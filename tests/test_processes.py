"""Pools of processes and `datasets`: whatever was used before or is under way in the parent, children answer alike.

Each pool runs in a process of its own, which is killed after a while: what hangs is a failure, and nothing is left.
"""

from __future__ import annotations

import multiprocessing
import os
import subprocess
import sys
import textwrap
import threading
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import pipeline

from right_hf import DEFAULT_CHECKPOINT, RightModel, loading
from right_hf.forks import Lock, take_one_core_in_a_pool
from right_hf.selector import biencoder
from tests.support.paths import ROOT

pytestmark = pytest.mark.timeout(260)

GENERATOR = str(ROOT / "training" / "showcase" / "seq2seq")
PATIENCE = 240

PROGRAM = """
    import multiprocessing, sys
    from concurrent.futures import ProcessPoolExecutor
    from transformers import pipeline
    from right_hf import DEFAULT_CHECKPOINT, RightModel

    TEXTS = ["Scaling Erlang to 10k nodes", "Moving to Azure Virtual Desktop", "warm seas", "sourdough bread"]

    def take(answering):
        global inherited
        inherited = answering

    def answer(text):
        return inherited(text)

    def pooled(pipe, start):
        with multiprocessing.get_context(start).Pool(2) as pool:
            return pool.map(pipe, TEXTS, chunksize=2)

    def executed(pipe, start):
        context = multiprocessing.get_context(start)
        with ProcessPoolExecutor(2, context, initializer=take, initargs=(pipe,)) as pool:
            return list(pool.map(answer, TEXTS))

    def mapped(pipe, start):
        import datasets

        posts = datasets.Dataset.from_dict({"text": TEXTS})
        found = posts.map(lambda rows: {"found": [repr(each) for each in pipe(rows["text"])]}, batched=True,
                          batch_size=2, num_proc=2)
        return [eval(each) for each in found["found"]]

    if __name__ == "__main__":
        way, start, used, parts = globals()[sys.argv[1]], sys.argv[2], sys.argv[3] == "used", dict(eval(sys.argv[4]))
        model = RightModel.from_pretrained(DEFAULT_CHECKPOINT, **parts)
        pipe = pipeline("hashtag-recommendation", model=model, now=1.6e9)
        expected = pipe(TEXTS) if used else None
        found = way(pipe, start)
        assert found == (expected or pipe(TEXTS)), found
        print("the same")
"""


def run(tmp_path: Path, *arguments: str) -> None:
    file = tmp_path / "program.py"
    file.write_text(textwrap.dedent(PROGRAM), encoding="utf-8")
    # As users have it, several threads; and a cache of its own, so that nothing is found in one.
    environment = os.environ | {"HF_DATASETS_CACHE": str(tmp_path), "PYTHONPATH": str(ROOT)}
    environment.pop("OMP_NUM_THREADS", None)
    command = [sys.executable, str(file), *arguments]
    done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE, env=environment)
    assert done.stdout.endswith("the same\n"), done.stderr[-2000:]


WITHOUT = "{}"
WITH = repr({"generator": GENERATOR})
WITH_TORCH = repr({"generator": GENERATOR, "engine": "torch"})


@pytest.mark.slow
@pytest.mark.parametrize("used", ["used", "fresh"])
@pytest.mark.parametrize("parts", [WITHOUT, WITH, WITH_TORCH], ids=["retrieval", "generator", "torch"])
@pytest.mark.parametrize("way", ["pooled", "executed", "mapped"])
def test_forked(tmp_path: Path, way: str, parts: str, used: str) -> None:
    run(tmp_path, way, "fork", used, parts)


@pytest.mark.slow
@pytest.mark.parametrize("start", ["spawn", "forkserver"])
@pytest.mark.parametrize("way", ["pooled", "executed"])
def test_spawned(tmp_path: Path, way: str, start: str) -> None:
    run(tmp_path, way, start, "used", WITH)


@pytest.mark.slow
def test_fingerprints_are_those_of_the_content(tmp_path: Path) -> None:
    """The same in every process, before and after use; another once the corpus or an argument is another.

    Without a generating network, in which transformers keeps a hash that is another in each process.
    """
    program = """
        import sys
        from datasets.fingerprint import Hasher
        from transformers import pipeline
        from right_hf import DEFAULT_CHECKPOINT, Post, RightModel

        model = RightModel.from_pretrained(DEFAULT_CHECKPOINT)
        pipe = pipeline("hashtag-recommendation", model=model, now=1.6e9)
        recommended = lambda rows: pipe(rows["text"])
        texts = ["Moving to Azure Virtual Desktop", "warm seas"]
        found = [Hasher.hash(recommended)]
        pipe(texts, blocked=["azure"])
        found.append(Hasher.hash(recommended))
        assert len(set(found)) == 1, "use has changed it"
        found.append(Hasher.hash(pipeline("hashtag-recommendation", model=model, now=1.7e9)))
        model.add([Post("new", "Warm seas", ("storm",))])
        found.append(Hasher.hash(recommended))
        assert len(set(found)) == 3
        print(*found[:2])
    """
    said = set()
    for seed in "12":
        environment = os.environ | {"PYTHONHASHSEED": seed, "PYTHONPATH": str(ROOT)}
        command = [sys.executable, "-c", textwrap.dedent(program)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE, env=environment)
        assert done.returncode == 0, done.stderr[-2000:]
        said.add(done.stdout)
    assert len(said) == 1


def forked(answer: Callable[[], Any]) -> Any:
    """What a forked child answers in time."""
    receiver, sender = multiprocessing.Pipe(duplex=False)
    child = multiprocessing.get_context("fork").Process(target=lambda: sender.send(answer()))
    child.start()
    try:
        assert receiver.poll(30), "the child hangs"
        return receiver.recv()
    finally:
        child.kill()
        child.join()


def test_locks_that_other_threads_hold_do_not_hold_a_forked_child_up() -> None:
    model = RightModel.from_pretrained(DEFAULT_CHECKPOINT)
    pipe: Any = pipeline("hashtag-recommendation", model=model, now=1.6e9)  # type: ignore[call-overload]
    expected, held, over = pipe("storm clouds"), threading.Event(), threading.Event()

    def hold() -> None:
        with loading.LOADING, biencoder._GROWING, model.retriever._writing:  # type: ignore[attr-defined]
            held.set()
            over.wait(100)

    def answer() -> Any:
        model.selector.prepare(["a hashtag that nobody has used"])
        RightModel.from_pretrained(DEFAULT_CHECKPOINT, generator=GENERATOR)
        return pipe("storm clouds")

    thread = threading.Thread(target=hold)
    thread.start()
    try:
        assert held.wait(10)
        assert forked(answer) == expected
    finally:
        over.set()
        thread.join()


def test_children_take_one_core_unless_somebody_says_how_many(monkeypatch: pytest.MonkeyPatch) -> None:
    before = torch.get_num_threads()
    torch.set_num_threads(3)
    try:
        monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
        assert forked(torch.get_num_threads) == 1
        take_one_core_in_a_pool()
        assert torch.get_num_threads() == 3, "the parent keeps what it has"
        monkeypatch.setenv("OMP_NUM_THREADS", "3")
        assert forked(torch.get_num_threads) == 3
    finally:
        torch.set_num_threads(before)


def count(lock: Lock) -> bool:
    with lock:
        return True


def test_a_lock_is_copied_unlocked() -> None:
    lock = Lock(again=True)
    with lock, lock, ProcessPoolExecutor(1, multiprocessing.get_context("fork")) as pool:
        assert pool.submit(count, lock).result(30)
