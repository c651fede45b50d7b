"""Tables and processes: pickled, in the child of a fork, shared by a pipeline, written by one that is killed."""

from __future__ import annotations

import os
import pickle
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from right_hf import BM25Retriever, Post, RightModel
from right_hf.pipeline import HashtagRecommendationPipeline
from right_hf.retriever import LanceRetriever
from tests.retriever.lance.conftest import NEW

#: Times that a process is killed while it writes.
KILLS = int(os.environ.get("RIGHT_HF_KILLS", "6"))


def test_a_pickled_table_is_read_as_it_was(opened: LanceRetriever) -> None:
    found = opened.search(["team cloud"])
    again = pickle.loads(pickle.dumps(opened))
    opened.add([NEW])
    assert (again.search(["team cloud"]), again.search(["comet"])) == (found, [[]])
    with pytest.raises(RuntimeError, match="open for reading"):
        again.remove(["e01"])


def test_the_child_of_a_fork_is_told_what_to_do(opened: LanceRetriever) -> None:
    """Else it would wait for threads of its parent, in one of three cases for ever."""
    script = """
        import os, signal, sys
        from right_hf.retriever import LanceRetriever

        table = LanceRetriever.from_pretrained(sys.argv[1])
        child = os.fork()
        if not child:
            signal.alarm(60)
            for read in (lambda: table.search(["team"]), lambda: LanceRetriever.from_pretrained(sys.argv[1])):
                try:
                    read()
                except RuntimeError as error:
                    print(error, flush=True)
            os._exit(0)
        assert os.waitpid(child, 0)[1] == 0
    """
    command = [sys.executable, "-c", textwrap.dedent(script), str(opened.folder)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=100)
    assert (done.stdout.count('Start processes by "spawn"'), done.stderr) == (2, "")


@pytest.mark.slow
def test_processes_share_the_posts_of_a_pipeline(model: RightModel, folder: Path) -> None:
    again = RightModel(model.config, LanceRetriever.from_pretrained(folder), model.selector, model.generator)
    pipe = HashtagRecommendationPipeline(model=again)
    texts = ["Our dev ops team moves to the cloud", "warm seas", "sourdough bread"]
    assert list(pipe(texts, num_workers=2, batch_size=1)) == pipe(texts, batch_size=1)


WRITER = """
    import sys
    from right_hf import Post
    from right_hf.retriever import LanceRetriever
    from right_hf.retriever.lance import changing

    changing._TIDIED = 7
    table, first = LanceRetriever.open(sys.argv[1]), int(sys.argv[2])
    for row in range(first, first + 100_000):
        table.add([Post(f"{row:08}", f"alpha number{row}", (f"tag {row % 50}", "x"))])
        print("+", row, flush=True)
        if row % 3 == 2:
            table.update([Post(f"{row - 1:08}", f"beta number{row - 1}", ("y",))])
            print("=", row - 1, flush=True)
            table.remove([f"{row - 2:08}"])
            print("-", row - 2, flush=True)
"""


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_a_killed_writer_loses_nothing_acknowledged(tmp_path: Path) -> None:
    """RIGHT_HF_KILLS=50 for as many kills; at moments that a generator chooses."""
    import random

    chance = random.Random(0)
    LanceRetriever.from_posts([Post("m", "alpha", ("x",))], tmp_path / "table")
    expected: dict[str, str] = {"m": "alpha"}
    first = 0
    for _ in range(KILLS):
        command = [sys.executable, "-c", textwrap.dedent(WRITER), str(tmp_path / "table"), str(first)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout is not None
            told = []
            for line in process.stdout:
                told.append(line)
                if len(told) >= 3 and chance.random() < 0.06:
                    signal.alarm(0)
                    process.send_signal(signal.SIGKILL)
                    break
            told += process.stdout.readlines()
        assert process.returncode == -signal.SIGKILL
        for sign, row in map(str.split, told):
            post_id = f"{int(row):08}"
            if sign == "-":
                del expected[post_id]
            else:
                expected[post_id] = f"{'alpha' if sign == '+' else 'beta'} number{int(row)}"
        table = LanceRetriever.from_pretrained(tmp_path / "table")
        found = {post.id: post.text for post in table.corpus}
        # The process may have been one change further than it could say.
        assert len({*found.items()} ^ {*expected.items()}) <= 2
        assert {post_id for post_id in expected if post_id not in found} <= {f"{int(told[-1].split()[1]) - 1:08}"}
        expected = found
        counts = BM25Retriever.from_posts(list(table.corpus))
        assert table.corpus.hashtag_counts() == counts.corpus.hashtag_counts()
        # So many posts are alike that the table does not find all that have the best score.
        found_scores, scores = ([hit.score for hit in one.search(["alpha beta"], 5)[0]] for one in (table, counts))
        assert found_scores == scores
        first = max((int(post_id) for post_id in found if post_id != "m"), default=-1) + 1
