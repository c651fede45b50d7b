from __future__ import annotations

import copy
import pickle
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from right_hf.text.hashtags import hashtag_key, normalise_hashtag
from right_hf.vocabulary import Vocabulary
from tests.support.paths import ROOT

texts = st.one_of(st.text(max_size=12), st.sampled_from(["C#", "c sharp", "#DevOps", "dev-ops", "Ｃ", "i\u0307", "ß"]))
lists = st.lists(texts.filter(hashtag_key), min_size=1, max_size=12)


@given(lists)
def test_each_hashtag_is_in_it_once_in_its_first_form(hashtags: list[str]) -> None:
    vocabulary = Vocabulary(hashtags)
    keys = [hashtag_key(form) for form in vocabulary.hashtags]
    assert len(set(keys)) == len(keys) == len(vocabulary)
    assert keys == list(dict.fromkeys(hashtag_key(normalise_hashtag(tag)) for tag in hashtags))
    for form in vocabulary:
        assert form in vocabulary and vocabulary.form(form) == form == normalise_hashtag(form)
    for hashtag in hashtags:
        first = next(tag for tag in hashtags if hashtag_key(tag) == hashtag_key(hashtag))
        assert vocabulary.form(hashtag) == normalise_hashtag(first)


@given(lists, texts)
def test_nothing_else_is_in_it(hashtags: list[str], other: str) -> None:
    assert (other in Vocabulary(hashtags)) == (hashtag_key(other) in set(map(hashtag_key, hashtags)))


def test_any_spelling_is_found() -> None:
    vocabulary = Vocabulary(["#Dev Ops", "DEVOPS", "C#", "C", "春天"])
    assert vocabulary.hashtags == ("dev ops", "c#", "c", "春天")
    assert all(spelling in vocabulary for spelling in ("dev-ops", "ＤｅｖＯｐｓ", "csharp", "c", "#春天"))
    assert "c++" not in vocabulary and 3 not in vocabulary and "" not in vocabulary
    assert vocabulary.form("CSharp") == "c#"
    with pytest.raises(KeyError, match="'rust' is not in the vocabulary"):
        vocabulary.form("rust")
    assert vocabulary.kept(["rust", "DevOps", "c", "dev-ops"]) == ["dev ops", "c"]
    assert repr(vocabulary) == "Vocabulary(4 hashtags: dev ops, c#, c, 春天)"


def test_what_is_no_hashtag_is_named() -> None:
    with pytest.raises(ValueError, match=r"2 of 3 hashtags have no letter and no digit: '#', '!\?'\. Remove them"):
        Vocabulary(["#", "cloud", "!?"])
    with pytest.raises(ValueError, match="Got no hashtags"):
        Vocabulary([])
    with pytest.raises(TypeError, match="Put it into a list"):
        Vocabulary("cloud")
    for make in (Vocabulary, Vocabulary.of):
        with pytest.raises(TypeError, match="holds strings, got list"):
            make(["cloud", ["bread"]])  # type: ignore[list-item]


def test_equal_by_what_is_in_it() -> None:
    one, other = Vocabulary(["Cloud", "bread"]), Vocabulary(iter(["#cloud", "Bread"]))
    assert one == other and hash(one) == hash(other) and len({one, other}) == 1
    assert one != Vocabulary(["bread", "cloud"]) and one != ("cloud", "bread")


def test_the_same_list_is_read_once() -> None:
    hashtags = [f"tag {number}" for number in range(50)]
    one = Vocabulary.of(hashtags)
    assert Vocabulary.of(one) is one
    assert Vocabulary.of(list(hashtags)) is one
    assert Vocabulary.of(hashtags[1:]) is not one
    with pytest.raises(TypeError, match="Put it into a list"):
        Vocabulary.of("cloud")


def test_copies(tmp_path: Path) -> None:
    one = Vocabulary(["Dev Ops", "cloud"])
    assert copy.deepcopy(one) is copy.copy(one) is one
    assert pickle.loads(pickle.dumps(one)) == one
    (tmp_path / "it").write_bytes(pickle.dumps(one))
    # Strings have other hashes there.
    script = (
        "import pickle, sys; from right_hf.vocabulary import Vocabulary\n"
        "one = pickle.loads(open(sys.argv[1], 'rb').read()); assert one in {Vocabulary(['dev ops', 'Cloud'])}"
    )
    subprocess.run([sys.executable, "-c", script, str(tmp_path / "it")], cwd=ROOT, check=True)


def test_from_a_file(tmp_path: Path) -> None:
    path = tmp_path / "allowed.txt"
    path.write_bytes("\ufeff#Cloud\r\n# a comment\r\n#\r\n\r\n  dev ops  \n春天".encode())
    assert Vocabulary.from_file(path).hashtags == ("cloud", "dev ops", "春天")
    path.write_text("cloud\n!!\n", encoding="utf-8")
    with pytest.raises(ValueError, match=r"allowed\.txt: 1 of 2 hashtags .* '!!'"):
        Vocabulary.from_file(path)
    path.write_text("# none\n", encoding="utf-8")
    with pytest.raises(ValueError, match=r"allowed\.txt: Got no hashtags"):
        Vocabulary.from_file(path)
    path.write_bytes("blåbær".encode("latin-1"))
    with pytest.raises(ValueError, match=r"allowed\.txt is not UTF-8: .*Save it as UTF-8"):
        Vocabulary.from_file(path)
