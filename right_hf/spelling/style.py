"""How a hashtag is shown: as words, in lower case, in PascalCase, or as most people spell it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial

import regex

from right_hf.spelling.counts import SpellingCounts
from right_hf.spelling.platforms import LONGEST_SPELLING, code_names, joined, plain_text, postable
from right_hf.text.characters import visible
from right_hf.text.hashtags import hashtag_key

STYLES = ("words", "lower", "pascal", "common")

#: Share of the uses from which a spelling with capitals is preferred to lower case. Of hashtags of several words even
#: the small shares are the readable spelling (InteriorDesign, 10 %); single words are mostly written small on purpose.
FAIR_SHARE = 0.2
FAIR_SHARE_OF_WORDS = 0.05
#: Uses with capital and small letters, by those in capitals alone, from which the latter are shouting (SYRIA), not an
#: acronym (NASA). Several words in capitals are seldom an acronym.
SHOUTING = 0.25
SHOUTING_WORDS = 0.1
#: A spelling with capitals inside is preferred to one without if it has this share of the other's uses.
_READABLE = 0.25
#: Uses of a single word from which its capitals are trusted inside of other hashtags.
_TRUSTED = 3
_LONGEST_PART = 3
#: Letters; a longer word that was once written in capitals was shouted.
_LONGEST_ACRONYM = 5

_APOSTROPHES = regex.compile(r"(?<=\p{L})['\u2019](?=\p{L})")
_WORD = regex.compile(r"[\p{L}\p{N}\p{M}\u200c\u200d]+")
#: What cannot be said as a word is an acronym (WVD, HTML), but for these.
_ACRONYM = regex.compile(r"(?!(?:mrs?|dr|st|vs|ft|th[xks]+|pl[sz]|h?m+|p?s+h+|xmas)$)[b-df-hj-np-tv-xz]{2,5}")
_CODE = {"cpp": "Cpp", "dotnet": "DotNet", "nodejs": "NodeJS"}
_SHARP = regex.compile(r"[a-z]sharp")
#: Words that are acronyms too (US, IT, WHO), which inside of a hashtag they hardly ever are.
_PLAIN_WORDS = frozenset(
    {
        "a", "add", "aid", "aids", "all", "am", "an", "and", "any", "are", "as", "ask", "at", "be", "but", "by",
        "can", "do", "for", "get", "go", "had", "has", "have", "he", "her", "him", "his", "how", "i", "if", "in",
        "is", "it", "its", "just", "let", "like", "may", "me", "more", "my", "new", "no", "not", "now", "of", "on",
        "one", "or", "our", "out", "sat", "she", "so", "some", "sun", "than", "that", "the", "them", "they", "this",
        "to", "too", "up", "us", "was", "we", "what", "when", "who", "why", "will", "with", "you", "your",
    }
)  # fmt: skip


def show(
    hashtag: str, style: str = "common", counts: SpellingCounts | None = None, platform: str | None = None
) -> str | None:
    """A hashtag in a style, without hash sign, in a form that the platform links.

    Args:
        hashtag: As it is kept, in lower case; "common" leaves one with capitals as it is.
        style: "words" (as kept, to be read rather than posted; `c#` is csharp), "lower", "pascal", or "common": the
            spelling that people use most, where a readable one is preferred if it has a fair share of the uses.
        counts: Uses of spellings, for "common"; hashtags unknown to them are made up of the words that they know.
        platform: A name of [`PLATFORMS`]; None stands for a form that all with a single hash sign link.

    Returns:
        The same hashtag by [`hashtag_key`], or None where the platform links no form of it.

    Raises:
        ValueError: The style or the platform is unknown.
    """
    if style not in STYLES:
        raise ValueError(f"Unknown style {style!r}. Known: {', '.join(STYLES)}.")
    if style == "words" or len(hashtag) > LONGEST_SPELLING:
        return None if postable(hashtag, platform) is None else code_names(visible(hashtag))
    forms: dict[str, Callable[[str], str]] = {
        "lower": lower,
        "pascal": pascal,
        "common": partial(common, counts=counts, platform=platform),
    }
    key = hashtag_key(hashtag)
    candidates = [forms[style](hashtag), lower(hashtag), key]
    shown = (postable(form, platform) for form in candidates if hashtag_key(form) == key)
    return next((form for form in shown if form is not None), None)


def lower(hashtag: str) -> str:
    """A hashtag as one word in lower case: `windowsvirtualdesktop`."""
    return joined(" ".join(word.lower().replace("i\u0307", "i") for word in _words(hashtag)))


def pascal(hashtag: str) -> str:
    """A hashtag whose words begin with a capital, which screen readers can tell apart: `WindowsVirtualDesktop`."""
    return joined(" ".join(map(_titled, _words(hashtag))))


def common(hashtag: str, counts: SpellingCounts | None = None, platform: str | None = None) -> str:
    """A hashtag as most people spell it: `IoT`, `COVID19`, `NaNoWriMo`; see [`show`]."""
    words = _words(hashtag)
    if hashtag != hashtag.lower():
        return joined(" ".join(words))
    known = _linked(counts.of(hashtag), platform) if counts is not None else {}
    chosen = choose_spelling(known, sum(any(map(str.isalpha, word)) for word in words) > 1) if known else None
    return chosen or _assembled(words, counts)


def choose_spelling(uses: Mapping[str, int], several: bool) -> str | None:
    """The spelling to show of those in use.

    Args:
        uses: Spellings and their uses.
        several: Whether the hashtag has several words, which are hard to read without capitals.

    Returns:
        A spelling; None where there are so few uses that they say little on capitals.
    """
    groups: dict[str, dict[str, int]] = {"lower": {}, "upper": {}, "mixed": {}}
    for spelling, number in uses.items():
        if not _shouted_once(spelling, number):
            groups[_case(spelling)][spelling] = number
    small, capitals, mixed = (sum(group.values()) for group in groups.values())
    fair, shouting = (FAIR_SHARE_OF_WORDS, SHOUTING_WORDS) if several else (FAIR_SHARE, SHOUTING)
    if mixed and mixed >= shouting * capitals:  # what is shouted says nothing on capitals
        if mixed >= fair * (small + mixed) or not small:
            return _readable(groups["mixed"])
    elif capitals and capitals + mixed >= fair * (small + capitals + mixed):
        return _most_used(groups["upper"])
    few = several and not capitals + mixed and fair * (small + 1) <= 1
    return None if few or not small else _most_used(groups["lower"])


def _linked(uses: Mapping[str, int], platform: str | None) -> dict[str, int]:
    """The uses by the form that the platform links; a spelling with spaces says nothing on capitals inside."""
    linked: dict[str, int] = {}
    for spelling, number in uses.items():
        form = None if " " in spelling else postable(spelling, platform)
        if form is not None:
            linked[form] = linked.get(form, 0) + number
    return linked


def _case(spelling: str) -> str:
    if spelling == spelling.lower():
        return "lower"
    return "upper" if spelling == spelling.upper() and sum(map(str.isalpha, spelling)) > 1 else "mixed"


def _shouted_once(spelling: str, uses: int) -> bool:
    return uses == 1 and _case(spelling) == "upper" and sum(map(str.isalpha, spelling)) > _LONGEST_ACRONYM


def _most_used(uses: Mapping[str, int]) -> str:
    return min(uses, key=lambda spelling: (-uses[spelling], spelling))


def _readable(uses: Mapping[str, int]) -> str:
    best = _most_used(uses)
    inside = {spelling: number for spelling, number in uses.items() if spelling[1:] != spelling[1:].lower()}
    return _most_used(inside) if inside and max(inside.values()) >= _READABLE * uses[best] else best


def _words(hashtag: str) -> list[str]:
    return [found.group() for found in _WORD.finditer(_APOSTROPHES.sub("", plain_text(hashtag)))]


def _titled(word: str) -> str:
    if word in _CODE:
        return _CODE[word]
    if _SHARP.fullmatch(word):
        return f"{word[0].upper()}Sharp"
    return word[:1].title() + word[1:]


def _guessed(word: str) -> str:
    return word.upper() if word not in _CODE and _ACRONYM.fullmatch(word) else _titled(word)


def _assembled(words: Sequence[str], counts: SpellingCounts | None) -> str:
    """A hashtag made up of its words, those with capitals of their own (COVID19, iPhone) as people spell them."""
    parts: list[str] = []
    start = 0
    while start < len(words):
        ends = range(min(len(words), start + _LONGEST_PART), start, -1)
        found = _known_part(words, start, ends, counts) if counts is not None else None
        end, part = found or (start + 1, _guessed(words[start]))
        parts.append(part)
        start = end
    return joined(" ".join(parts))


def _known_part(
    words: Sequence[str], start: int, ends: Iterable[int], counts: SpellingCounts
) -> tuple[int, str] | None:
    for end in ends:
        part = words[start:end]
        if len(part) < len(words) and not (len(part) == 1 and part[0] in _PLAIN_WORDS):
            uses = _linked(counts.of_key(hashtag_key("".join(part))), None)
            spelling = choose_spelling(uses, len(part) > 1) if sum(uses.values()) >= _TRUSTED else None
            if spelling is not None and _case(spelling) != "lower":
                return end, spelling if start == 0 else _titled_part(spelling)
    return None


def _titled_part(spelling: str) -> str:
    """A part that begins with a capital, unless it has its own behind (iPhone)."""
    return spelling if spelling[1:2].isupper() else _titled(spelling)
