"""Loading from many threads at once, which transformers by itself does not bear."""

from __future__ import annotations

import subprocess
import sys
import textwrap

import pytest

from tests.support.paths import ROOT

SCRIPT = """
    import sys, threading
    import right_hf
    from right_hf import DEFAULT_CHECKPOINT

    how, rounds = sys.argv[1], int(sys.argv[2])
    texts = ["Scaling Erlang cluster to 10k nodes at WhatsApp", "Moving to Azure Virtual Desktop", "JSON in bash?"]
    if how != "model":
        from transformers import AutoModel, pipeline  # by itself it cannot be imported by several threads at once

    def load():
        if how == "pipeline":
            return pipeline("hashtag-recommendation").model
        return (AutoModel if how == "auto" else right_hf.RightModel).from_pretrained(DEFAULT_CHECKPOINT)

    def work(place):
        start.wait()
        try:
            found[place] = load().recommend(texts, now=1.6e9)
        except BaseException as error:
            found[place] = error

    everything = []
    for _ in range(rounds):
        found, start = [None] * 8, threading.Barrier(8)
        threads = [threading.Thread(target=work, args=(place,)) for place in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        everything += found
    expected = load().recommend(texts, now=1.6e9)
    wrong = [found for found in everything if found != expected]
    assert all(expected) and not wrong, wrong
    print(len(everything))
"""


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize(("how", "rounds"), [("model", 3), ("auto", 1), ("pipeline", 1)])
def test_eight_threads_load_the_same(how: str, rounds: int) -> None:
    """The first of them in a process that has imported nothing yet."""
    command = [sys.executable, "-c", textwrap.dedent(SCRIPT), how, str(rounds)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout.strip()) == (0, str(8 * rounds)), done.stderr
