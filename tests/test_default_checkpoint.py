"""The checkpoint inside the package: what may be in it, and that it works without a network."""

from __future__ import annotations

import re
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from right_hf import DEFAULT_CHECKPOINT, Corpus, RightModel, read_posts

ROOT = Path(__file__).parents[1]
FOLDER = Path(DEFAULT_CHECKPOINT)
ABSOLUTE_PATH = re.compile(r"(?<![\w.:/])/\w+/\w+")
SHOWCASE = ROOT / "training" / "showcase" / "test.jsonl"


def test_size_and_file_types() -> None:
    files = [path for path in FOLDER.rglob("*") if path.is_file()]
    assert sum(path.stat().st_size for path in files) <= 30_000_000
    suffixes = {".json", ".safetensors", ".parquet", ".md", ".tsv", ".txt", ".yaml", ".svg"}
    assert {path.suffix for path in files} <= suffixes


def test_none_of_the_test_posts_is_in_it() -> None:
    corpus = Corpus.load(FOLDER / "retriever")
    for file in ("test.jsonl", "everyday.jsonl"):
        test = read_posts(SHOWCASE.with_name(file))
        assert not {post.id for post in corpus} & {post.id for post in test}
        assert not {post.text for post in corpus} & {post.text for post in test}


def test_records_name_no_place() -> None:
    for path in [*FOLDER.rglob("*.json"), *(ROOT / "training" / "results").glob("*.json"), *SHOWCASE.parent.rglob("*")]:
        if path.name in {"training.json", "config.json"} or path.parent.name == "results":
            text = path.read_text(encoding="utf-8")
            assert not ABSOLUTE_PATH.search(text), path


@pytest.mark.slow
def test_batch_equals_single_on_real_posts() -> None:
    model = RightModel.from_pretrained(DEFAULT_CHECKPOINT)
    texts = [post.text for post in read_posts(SHOWCASE)[::40]]
    single = [[found.hashtag for found in model.recommend([text])[0]] for text in texts]
    assert [[found.hashtag for found in row] for row in model.recommend(texts)] == single


@pytest.mark.slow
def test_nothing_is_asked_of_the_network() -> None:
    script = """
        import socket
        import tempfile
        from pathlib import Path

        def forbidden(*arguments, **_):
            raise SystemExit(f"asked the network for {arguments}")

        socket.socket.connect = socket.socket.connect_ex = socket.getaddrinfo = socket.create_connection = forbidden
        import right_hf
        from right_hf.cards import gather_facts, write_card
        from right_hf.metrics import HashtagF1
        from right_hf.hub.publish import write_dataset
        from transformers import pipeline

        model = right_hf.RightModel.from_pretrained(right_hf.DEFAULT_CHECKPOINT)
        with tempfile.TemporaryDirectory() as folder:
            model.save_pretrained(folder)
            right_hf.BM25Retriever.from_pretrained(folder)
            right_hf.AsymmetricSelector.from_pretrained(folder + "/selector")
            write_card(folder, gather_facts(folder))
            write_dataset(Path(folder) / "data", {"train": list(model.retriever.corpus)[:9]}, "posts")

        found = pipeline("hashtag-recommendation")("Scaling Erlang cluster to 10k nodes at WhatsApp")
        predictions = [[entry["hashtag"] for entry in found]]
        print(HashtagF1().compute(predictions=predictions, references=[["erlang"]], k=5)["recall@5"])
    """
    done = subprocess.run([sys.executable, "-c", textwrap.dedent(script)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip().endswith("1.0")
