"""Names of persons in posts: who is no public figure is not to become a hashtag."""

from __future__ import annotations

import functools
import importlib
import unicodedata
from collections.abc import Iterator
from typing import NamedTuple

import regex

from right_hf.text.characters import folded
from right_hf.text.hashtags import hashtag_words

#: Faker is MIT, released monthly, and has given names and surnames of many countries; the lists of the US census alone
#: (the package `names`) lack most others and have hardly a word that is no surname. Loaded when first asked for.
_PACKAGE = "faker"
_LATIN = (
    *("en_US", "en_GB", "en_IE", "en_IN", "en_KE", "en_NG", "de_DE", "de_AT", "fr_FR", "es_ES", "es_MX", "it_IT"),
    *("pt_BR", "nl_NL", "pl_PL", "sv_SE", "no_NO", "fi_FI", "cs_CZ", "hr_HR", "sk_SK", "tr_TR", "id_ID"),
)
_CHINESE = ("zh_CN", "zh_TW")


def _set(words: str) -> frozenset[str]:
    return frozenset(words.split())


#: After a name they make it that of a place, an event, an institution or a thing.
_NOT_PERSONS = _set(
    """
    academy act agreement airlines airport apartment app arena ave avenue award awards bank bay beach birthday
    boulevard bowl brewery bridge bridges building built camp canyon car castle cathedral celebration center
    centre challenge chat church city clinic club coast college collegiate company conference convention council
    county court creek cup day days desktop dinner district division drive east election event fair falls
    fashion festival fights film foundation fund gallery garden gardens global goes group hall high highway
    hospital hotel house inc institute international island islands lake lakes law lectures library loves ltd
    market memorial mountain mountains museum national nations news night north ocean office online palace park
    party phone plaza post prize project pub quiets relay repost restaurant review river road salon says
    school sea season series service shop show snack south square stadium startup state states station store
    street studio studios sub summit team theater theatre tour tower town tracker trail trust twins union
    university valley village virtual virus watches wedding west wheel windows woods world zoo
    """
)
#: Words that begin sentences and titles, though someone somewhere is called so.
_NOT_GIVEN = _set(
    """
    an angeles april august can canal christian corona dear del dev diego do easter edu fem general german
    glad good great guy happy her his holy in india job june kick king la lady little long love mala may
    merry miss mr mrs ms my neo new no old ole on our over peer prince princess queen royal saint san santa see
    sierra sir so star summer sunday thank the to tri true urban van very washington we will windows
    yoga you
    """
)
_PARTICLES = r"(?:al|bin|da|de|del|della|den|der|di|dos|du|el|la|le|ten|ter|van|von|y|zu)"
_NAME_WORD = r"\p{Lu}[\p{L}\p{M}]*\p{Ll}[\p{L}\p{M}]*(?:['’-]\p{Lu}[\p{L}\p{M}]+)*"
_SURNAME = rf"(?:\p{{Lu}}['’])?{_NAME_WORD}"
#: Capitalised words in a row, with initials and particles between them.
_RUN = regex.compile(
    rf"(?<![\p{{L}}\p{{N}}@.'’_-]){_NAME_WORD}(?: (?:(?:\p{{Lu}}\.?|{_PARTICLES}) ){{0,2}}{_SURNAME}){{1,7}}"
    r"(?![\p{L}\p{N}_])"
)
_HASHTAG = regex.compile(r"(?<=[#＃])[\p{L}\p{M}\p{N}_]{5,80}")
_INITIAL = regex.compile(r"\p{Lu}\.?")
_MOST_WORDS = 3
#: A Chinese name stands alone, between signs, or next to what only a person is called; in running text every third
#: word would begin with a surname.
_TITLES = "先生|女士|小姐|老师|同学|医生|护士|教授|阿姨|叔叔|奶奶|爷爷|师傅|警官|某某"
_CHINESE_RUN = regex.compile(rf"(?<!\p{{Han}})(?P<name>\p{{Han}}{{2,4}}?)(?:(?!\p{{Han}})|(?={_TITLES}))")

#: Words and places that look like a surname and a given name.
_NOT_CHINESE_PERSONS = _set(
    """
    鲜花 韩国 花心 全国 文章 文明 相信 宁波 金华 平安 官博 全文 易信 信阳 伊利 敬佩 段子 欧文 孔明 明星 安心 高清
    安静 和平 成都 广东 江华
    """
)


class _Lists(NamedTuple):
    given: frozenset[str]
    surnames: frozenset[str]
    common: frozenset[str]
    chinese_surnames: frozenset[str]
    chinese_given: frozenset[str]


def is_person_name(phrase: str) -> bool:
    """Whether a phrase, as it stands in a post, with its case, is a person's full name.

    That is a known given name and one or two more capitalised words that are surnames or no common words, `Maria
    Gonzalez` or `#AnnaMüller`; or a Chinese surname and one or two characters of given names. A given name alone is
    none: most are words or places too.
    """
    phrase = hashtag_words(phrase.strip().lstrip("#＃"))
    if _CHINESE_RUN.fullmatch(phrase):
        return _is_chinese_name(phrase)
    match = _RUN.fullmatch(phrase)
    return match is not None and _name_in(phrase.split()) == tuple(phrase.split())


def person_names(post: str) -> list[str]:
    """The full names in a post, each once and as it stands there, in the order of their places; see [`is_person_name`].

    Of more capitalised words in a row those at the beginning of which a name is found count. Chinese names are found
    where they stand between signs, spaces or ends, or before a form of address.
    """
    found: dict[str, int] = {}
    for match in _RUN.finditer(post):
        for name in _names_in(match[0].split()):
            found.setdefault(" ".join(name), match.start())
    for match in _HASHTAG.finditer(post):
        if is_person_name(match[0]):
            found.setdefault(match[0], match.start())
    for match in _CHINESE_RUN.finditer(post):
        if _is_chinese_name(match["name"]):
            found.setdefault(match["name"], match.start())
    return sorted(found, key=lambda name: found[name])


def _names_in(words: list[str]) -> Iterator[tuple[str, ...]]:
    """The names in a row of capitalised words."""
    place = 0
    while place < len(words) - 1:
        name = _name_in(words[place:])
        if name:
            yield name
        place += len(name) or 1


def _name_in(words: list[str]) -> tuple[str, ...]:
    """The name with which a row begins; empty if there is none, or if it is that of a place or an institution."""
    lists = _lists()
    given = _plain(words[0])
    if given in _NOT_GIVEN or not any(part in lists.given for part in {given, *given.split("-")}):
        return ()
    end, full = 1, 1
    for place, word in enumerate(words[1:], start=2):
        plain = _plain(word)
        if plain in _NOT_PERSONS:
            return ()
        if word[0].islower() or _INITIAL.fullmatch(word):
            continue
        is_name = plain in lists.surnames or plain in lists.given
        if full == _MOST_WORDS or not (is_name or (full == 1 and plain not in lists.common)):
            break
        end, full = place, full + 1
    return tuple(words[:end]) if full > 1 else ()


def _is_chinese_name(phrase: str) -> bool:
    lists = _lists()
    if phrase in _NOT_CHINESE_PERSONS:
        return False
    for size in (2, 1):
        given = phrase[size:]
        if phrase[:size] in lists.chinese_surnames and 1 <= len(given) <= 2:
            return all(character in lists.chinese_given for character in given)
    return False


def _plain(word: str) -> str:
    """A word in lower case without accents and possessive, since posts write names so."""
    text = folded(word).replace("’", "'").removesuffix("'s").replace("'", "")
    if text.isascii():
        return text
    return "".join(c for c in unicodedata.normalize("NFD", text) if not unicodedata.combining(c))


@functools.cache
def _lists() -> _Lists:
    latin, chinese = [*map(_provider, _LATIN)], [*map(_provider, _CHINESE)]
    return _Lists(
        given=frozenset(name for person in latin for name in _listed(person, "first_names")),
        surnames=frozenset(name for person in latin for name in _listed(person, "last_names")),
        common=frozenset(map(_plain, importlib.import_module(f"{_PACKAGE}.providers.lorem.en_US").Provider.word_list)),
        chinese_surnames=frozenset(name for person in chinese for name in _listed(person, "last_names")),
        chinese_given=frozenset("".join(name for person in chinese for name in _listed(person, "first_names"))),
    )


def _provider(language: str) -> type:
    try:
        provider: type = importlib.import_module(f"{_PACKAGE}.providers.person.{language}").Provider
    except ImportError as error:
        raise ImportError(f"Lists of names need the package {_PACKAGE} ({error}): pip install 'faker>=40'.") from error
    return provider


def _listed(provider: type, kind: str) -> Iterator[str]:
    """The names of a kind; its lists by sex or weight begin so too."""
    for attribute in dir(provider):
        names = getattr(provider, attribute)
        if attribute.startswith(kind) and not callable(names):
            yield from map(_plain, names)
