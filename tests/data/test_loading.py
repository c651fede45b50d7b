from __future__ import annotations

import json
import os
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import datasets
import pytest

from right_hf.corpus import Corpus
from right_hf.data import DatasetOptions, load_split, load_splits, read_posts
from right_hf.posts import Post
from right_hf.trainers.recipe import Recipe
from tests.support.command_line import ROOT, run_script
from tests.support.line_files import write_lines
from tests.support.smoke_data import write_splits

TOPICS = [
    ("the storage of our cloud doubled", "cloud"),
    ("fresh bread needs time", "bread"),
    ("a late goal", "football"),
]


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path / "cache")
    datasets.disable_progress_bars()


def save(rows: list[dict[str, Any]], path: Path) -> None:
    path.parent.mkdir(exist_ok=True)
    datasets.Dataset.from_list(rows).to_parquet(path)


def test_a_folder_of_jsonl(tmp_path: Path) -> None:
    folder = write_splits(tmp_path / "data")
    splits = load_splits(folder)
    assert {name: len(posts) for name, posts in splits.items()} == {"train": 48, "validation": 16, "test": 8}
    assert splits["test"] == load_split(str(folder), "test") == load_split(folder / "test.jsonl", "test")
    assert load_split(folder, "test", licenses=["MIT"]) == splits["test"]
    with pytest.raises(ValueError, match=r"test\.jsonl holds no posts under one of the licences \['CC0-1\.0'\]"):
        load_split(folder, "test", licenses=["CC0-1.0"])


@pytest.mark.parametrize(
    "names",
    [
        ("train", "validation", "test"),
        ("twitter.2021.train", "twitter.2021.valid", "twitter.2021.test"),
        ("new4_train", "new4_dev", "new4_TEST"),
    ],
)
@pytest.mark.parametrize("rest", ["", "_after_cleaning.txt"])
def test_a_folder_of_line_files(tmp_path: Path, names: tuple[str, ...], rest: str) -> None:
    write_lines(tmp_path, **{name: [(f"Post of #{name}", "Dev  Ops [SEP] cloud")] for name in names})
    for path in tmp_path.iterdir():
        path.rename(f"{path}{rest}")
    (tmp_path / "readme.txt").write_text("read me")
    splits = load_splits(tmp_path)
    said = [name.replace("_", " ") for name in names]
    assert list(splits) == ["train", "validation", "test"]
    assert [(post.text, post.hashtags) for post in splits["test"]] == [(f"Post of {said[2]}", ("dev ops", "cloud"))]
    assert load_split(tmp_path, "validation") == splits["validation"]
    source, target = (tmp_path / f"{names[2]}.{side}{rest}" for side in ("src", "dst"))
    assert load_split(source, "test") == load_split(target, "test") == splits["test"]
    assert [post.text for post in Recipe("en").posts(tmp_path, "train")] == [f"Post of {said[0]}"]
    with pytest.raises(ValueError, match="holds no posts under one of the licences"):
        load_split(tmp_path, "test", licenses=["MIT"])


def test_a_split_is_read_without_the_others(tmp_path: Path) -> None:
    write_lines(tmp_path, train=[("a post", "tag")])
    (tmp_path / "test.src").write_bytes(b"a post\n")
    assert len(load_split(tmp_path, "train")) == 1
    with pytest.raises(FileNotFoundError, match=r"test\.dst"):
        load_splits(tmp_path)


def test_a_single_file_of_another_name_is_a_test_split(tmp_path: Path) -> None:
    path = write_splits(tmp_path).joinpath("train.jsonl").rename(tmp_path / "mine.jsonl")
    assert list(load_splits(path)) == ["test"]
    with pytest.raises(FileNotFoundError, match=r"mine\.jsonl has no train split; it holds test"):
        load_split(path, "train")
    assert load_splits(path, unnamed="train") == {"train": load_split(path)}


def test_without_a_name_it_is_the_only_split_or_the_training_posts(tmp_path: Path) -> None:
    folder = write_splits(tmp_path / "data")
    assert load_split(folder) == read_posts(folder) == load_split(folder, "train")
    assert load_split(folder / "validation.jsonl") == load_split(folder, "validation")
    (folder / "train.jsonl").unlink()
    with pytest.raises(FileNotFoundError, match="has no train split; it holds validation, test"):
        load_split(folder)


def test_a_single_file_of_another_format(tmp_path: Path) -> None:
    rows = [{"id": "1", "text": "a post", "hashtags": "x [SEP] y"}]
    expected = [Post("1", "a post", ("x", "y"))]
    save(rows, tmp_path / "mine.parquet")
    datasets.Dataset.from_list(rows).to_csv(tmp_path / "my_train.csv")
    assert load_splits(tmp_path / "mine.parquet") == {"test": expected}
    assert load_splits(tmp_path / "my_train.csv") == {"train": expected}
    (tmp_path / "cut.parquet").write_bytes((tmp_path / "mine.parquet").read_bytes()[:40])
    with pytest.raises(ValueError, match=r"cut\.parquet cannot be read as posts: .*corrupted"):
        load_split(tmp_path / "cut.parquet")


def test_a_file_of_json_lines_may_have_other_columns(tmp_path: Path) -> None:
    path = tmp_path / "posts.jsonl"
    path.write_text('{"body": "a post", "tags": ["#X"]}\n{"body": "b", "tags": ["y"]}\n', encoding="utf-8")
    posts = load_split(path, options=DatasetOptions(text="body", hashtags="tags"))
    assert [(post.text, post.hashtags) for post in posts] == [("a post", ("x",)), ("b", ("y",))]
    with pytest.raises(ValueError, match=r"posts\.jsonl has no column 'text', only body, tags.*--text-column"):
        load_split(path, options=DatasetOptions(hashtags="tags"))


def test_two_files_for_one_split_are_refused(tmp_path: Path) -> None:
    folder = write_lines(write_splits(tmp_path), valid=[("a post", "tag")])
    with pytest.raises(ValueError, match=r"two validation splits: valid\.src and validation\.jsonl\. Remove one"):
        load_splits(folder)


def test_what_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"No file or folder .*nowhere"):
        load_splits(tmp_path / "nowhere")
    with pytest.raises(FileNotFoundError, match="No file or folder"):
        load_split("./nowhere", "test")
    (tmp_path / "posts.txt").write_text("text,hashtags\n")
    with pytest.raises(ValueError, match=r"posts\.txt is of no known format. Expected a \.jsonl, .*\.csv"):
        load_split(tmp_path / "posts.txt", "test")
    write_lines(tmp_path / "data", train=[("a", "b")])
    with pytest.raises(FileNotFoundError, match=r"data has no test split; it holds train. Expected test\.jsonl, or"):
        load_split(tmp_path / "data", "test")
    with pytest.raises(ValueError, match=r"Unknown split 'valid'. Known: train, validation, test"):
        load_split(tmp_path / "data", "valid")
    (tmp_path / "empty").mkdir()
    with pytest.raises(FileNotFoundError, match=r"No data set at .*empty.*Give a folder with train"):
        load_splits(tmp_path / "empty")


def test_a_folder_that_datasets_reads(tmp_path: Path) -> None:
    time = datetime(2020, 1, 1, 12, tzinfo=timezone(timedelta(hours=2)))
    row = {
        "id": 7,
        "text": "Tom &amp; @Ann",
        "hashtags": ["#Dev  Ops", "dev ops"],
        "created_at": time,
        "license": "MIT",
    }
    save([row], tmp_path / "data" / "train.parquet")
    save([{"text": "a post", "hashtags": "A [SEP] b"}] * 2, tmp_path / "other" / "valid.parquet")
    expected = Post("7", "Tom & @user", ("dev ops",), created_at="2020-01-01T10:00:00Z", license="MIT")
    assert load_splits(tmp_path / "data") == {"train": [expected]}
    [post] = load_split(tmp_path / "other", "validation")
    assert (post.text, post.hashtags, post.created_at) == ("a post", ("a", "b"), None)
    assert len(post.id) == 20
    assert len(Corpus([expected, post])) == 2


def test_columns_have_other_names(tmp_path: Path) -> None:
    rows = [{"key": "p1", "body": "a post", "tags": "x, Y", "when": datetime(2020, 1, 1)}]
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "test.jsonl").write_text(json.dumps({**rows[0], "when": "2020-01-01"}))
    save(rows, tmp_path / "other" / "test.parquet")
    options = DatasetOptions(text="body", hashtags="tags", id="key", created_at="when", separator=",")
    assert load_split(tmp_path / "other", "test", options=options) == [
        Post("p1", "a post", ("x", "y"), created_at="2020-01-01T00:00:00Z", spellings=("", "Y"))
    ]
    [post] = load_split(tmp_path / "data", "test", options=options)
    assert (post.id, post.text, post.hashtags) == ("p1", "a post", ("x", "y"))
    with pytest.raises(ValueError, match=r"has no column 'text', only key, body, tags, when. Name its columns"):
        load_split(tmp_path / "other", "test")


def test_spellings_are_read_and_authors_where_asked_for(tmp_path: Path) -> None:
    rows = [{"id": "p1", "text": "a post", "hashtags": ["x"], "spellings": ["X"], "author": "0a1b"}]
    save(rows, tmp_path / "data" / "test.parquet")
    [post] = load_split(tmp_path / "data", "test", options=DatasetOptions(author="author"))
    assert post == Post("p1", "a post", ("x",), author="0a1b", spellings=("X",))
    [post] = load_split(tmp_path / "data", "test", options=DatasetOptions())
    assert post.author is None  # it may be a name


@pytest.mark.parametrize(
    ("rows", "reason"),
    [
        ([{"text": "a", "hashtags": ["x"]}, {"text": None, "hashtags": ["x"]}], '"text" must be a str, got None'),
        ([{"text": "a", "hashtags": ["x"]}, {"text": "a", "hashtags": None}], '"hashtags" must be a list, got None'),
        ([{"id": "1", "text": "a", "hashtags": []}, {"id": None, "text": "a", "hashtags": []}], '"id" must be a str'),
    ],
)
def test_a_bad_row_is_named(tmp_path: Path, rows: list[dict[str, Any]], reason: str) -> None:
    save(rows, tmp_path / "data" / "test.parquet")
    with pytest.raises(ValueError, match=r"data, split test, row 1: .*Correct or remove the row") as caught:
        load_split(tmp_path / "data", "test")
    assert reason in str(caught.value)


def test_an_id_that_occurs_twice_is_refused(tmp_path: Path) -> None:
    save([{"id": "1", "text": text, "hashtags": ["x"]} for text in "ab"], tmp_path / "data" / "test.parquet")
    with pytest.raises(ValueError, match="split test: the id '1' occurs twice"):
        load_split(tmp_path / "data", "test")


def test_a_data_set_of_the_hub(monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[Any] = []
    rows = datasets.Dataset.from_list([{"tweet": "a post", "hashtags": ["x"]}])

    def load_dataset(*arguments: Any, **options: Any) -> datasets.DatasetDict:
        calls.append((arguments, options))
        return datasets.DatasetDict({"dev": rows, "unsupervised": rows})

    monkeypatch.setattr(datasets, "load_dataset", load_dataset)
    options = DatasetOptions(text="tweet", name="en", revision="abc", token="hf_secret")
    assert list(load_splits("user/tweets", options=options)) == ["validation"]
    assert calls == [(("user/tweets", "en"), {"revision": "abc", "token": "hf_secret", "cache_dir": None})]
    assert "hf_secret" not in repr(options)
    with pytest.raises(FileNotFoundError, match="user/tweets has no test split; it holds validation"):
        load_split("user/tweets", "test", options=options)


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (
            datasets.exceptions.DatasetNotFoundError("gone"),
            r"No data set at 'user/none': gone.*or the id of a data set",
        ),
        (ConnectionError("offline"), r"no folder 'user/none' here, and the Hub was not reached .*: offline\. Correct"),
    ],
)
def test_a_data_set_that_is_not_found(monkeypatch: pytest.MonkeyPatch, error: Exception, reason: str) -> None:
    def load_dataset(*_: Any, **__: Any) -> None:
        raise error

    monkeypatch.setattr(datasets, "load_dataset", load_dataset)
    with pytest.raises(OSError, match=reason):
        load_splits("user/none")


def test_a_training_script_takes_line_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pairs = [(f"{text} number {number}", f"{tag} [SEP] news") for number in range(8) for text, tag in TOPICS]
    data = write_lines(tmp_path / "thg", **{"twitter.2021.train": pairs})
    command = ["training/train_selector.py", "--recipe", str(ROOT / "training/configs/smoke.yaml"), "--data", str(data)]
    command += ["--output", str(tmp_path / "selector")]
    run_script(command, monkeypatch)
    assert (tmp_path / "selector" / "training.json").is_file()


def test_a_relative_folder_is_no_data_set_of_the_hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_splits(tmp_path / "user" / "tweets")
    monkeypatch.chdir(tmp_path)
    assert len(load_split(os.path.join("user", "tweets"), "test")) == 8
