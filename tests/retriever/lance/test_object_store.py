"""A table in an object store, where no lock of a file stops a second writer; moto plays the store."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path
from urllib.error import URLError
from urllib.request import Request, urlopen

import pytest

from right_hf import Post
from right_hf.retriever import LanceRetriever
from tests.retriever.lance.conftest import NEW, assert_a_second_writer_is_noticed
from tests.support.ports import free_port

pytestmark = [
    pytest.mark.slow,
    pytest.mark.loopback,
    pytest.mark.skipif(importlib.util.find_spec("moto") is None, reason="needs 'moto[s3,server]'"),
]


@pytest.fixture
def store() -> Iterator[str]:
    """The address of a bucket, whose server the environment names as that of an S3 that is not Amazon's."""
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as server:
        try:
            for _ in range(600):
                with suppress(URLError), urlopen(Request(f"{url}/bucket", method="PUT")):
                    break
                time.sleep(0.1)
            with pytest.MonkeyPatch.context() as patch:
                keys = {"AWS_ACCESS_KEY_ID": "key", "AWS_SECRET_ACCESS_KEY": "secret", "AWS_REGION": "us-east-1"}
                for name, value in {**keys, "AWS_ENDPOINT": url, "AWS_ALLOW_HTTP": "true"}.items():
                    patch.setenv(name, value)
                yield "s3://bucket"
        finally:
            server.kill()


def test_a_table_is_made_read_and_changed(store: str, english_posts: list[Post], tmp_path: Path) -> None:
    reader = LanceRetriever.from_posts(english_posts, tmp_path / "far", address=f"{store}/corpus")
    assert list(reader.corpus) == english_posts
    with closing(LanceRetriever.open(tmp_path / "far")) as writer:
        writer.add([NEW])
        assert reader.refresh() and reader.search(["comet"])[0][0].post == NEW
        writer.compact(forget_days=0)
        writer.remove(["new"])
    assert list(LanceRetriever.from_pretrained(tmp_path / "far").corpus) == english_posts
    with pytest.raises(FileExistsError, match=f"{store}/corpus"):
        LanceRetriever.from_posts(english_posts, tmp_path / "again", address=f"{store}/corpus")
    with pytest.raises(ValueError, match="NoSuchBucket"):
        LanceRetriever.from_posts(english_posts, tmp_path / "nowhere", address="s3://nowhere/corpus")


def test_a_second_writer_is_noticed(store: str, english_posts: list[Post], tmp_path: Path) -> None:
    one, other = tmp_path / "one", tmp_path / "other"
    LanceRetriever.from_posts(english_posts, one, address=f"{store}/two").save_pretrained(other)
    assert_a_second_writer_is_noticed(one, other)
    assert LanceRetriever.from_pretrained(one).corpus.held(["new", "e01"]) == {"new"}
