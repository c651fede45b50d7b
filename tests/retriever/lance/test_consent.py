"""Tables elsewhere that a checkpoint from the Hub names."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from right_hf.posts import Post
from right_hf.retriever import LanceRetriever
from right_hf.retriever.lance.consent import check_address

pytest.importorskip("lance")

FETCHED = Path("hub", "models--user--right", "snapshots", "0a" * 20, "retriever")


def test_a_table_that_a_fetched_checkpoint_names_is_read_when_the_user_names_it_too(
    english_posts: list[Post], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("RIGHT_HF_READ_TABLES", raising=False)
    address = str(tmp_path / "store")
    LanceRetriever.from_posts(english_posts, tmp_path / "own", address=address)
    shutil.copytree(tmp_path / "own", tmp_path / FETCHED)
    with pytest.raises(PermissionError, match=rf"If you trust it, set RIGHT_HF_READ_TABLES={address}"):
        LanceRetriever.from_pretrained(tmp_path / FETCHED)
    monkeypatch.setenv("RIGHT_HF_READ_TABLES", f"s3://other {tmp_path}/")
    assert len(LanceRetriever.from_pretrained(tmp_path / FETCHED).corpus) == len(english_posts)


@pytest.mark.parametrize(
    "address", ["s3://bucket/corpora", "s3://bucket", "s3://bucket/corpus/../other", "gs://bucket/corpus", "/corpus"]
)
def test_what_is_allowed_is_an_address_and_what_lies_below(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RIGHT_HF_READ_TABLES", "s3://bucket/corpus")
    for below in ("", "/", "/of/users"):
        check_address(f"s3://bucket/corpus{below}", FETCHED)
    with pytest.raises(PermissionError):
        check_address(address, FETCHED)
    check_address(address, Path("own", "retriever"))


@given(st.text(min_size=1))
def test_nothing_is_allowed_by_default(address: str) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("RIGHT_HF_READ_TABLES", raising=False)
        with pytest.raises(PermissionError):
            check_address(address, FETCHED)
