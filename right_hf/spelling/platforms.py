"""What each platform links as a hashtag, and the form in which a spelling can be posted there."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass

import regex

from right_hf.text.characters import JOINERS, folded, visible
from right_hf.text.hashtags import hashtag_key, named

_CODE_SIGNS = regex.compile(r"[+#.]")
#: A letter of a script without capitals whose words stand apart (Arabic, Hebrew, Hindi, Korean).
_SPACED = r"[\p{Lo}--\p{Han}--\p{Hiragana}--\p{Katakana}--\p{Bopomofo}--\p{Thai}--\p{Lao}--\p{Khmer}--\p{Myanmar}]"
_BETWEEN_WORDS = regex.compile(rf"(?<={_SPACED}\p{{M}}*)\s+(?={_SPACED})", regex.V1)
_BETWEEN_JOINED = regex.compile(rf"(?<={_SPACED}\p{{M}}*)\u200c(?={_SPACED})", regex.V1)
#: Marks go with what they stand on: a sign that no hashtag has.
_LOOSE_MARKS = regex.compile(rf"(?:(?<![\p{{L}}\p{{N}}\p{{M}}][{JOINERS}]*)|\p{{Me}})(?:\p{{M}}[{JOINERS}]*)+")
_HIDDEN = regex.compile(rf"(?![{JOINERS}])\p{{Default_Ignorable_Code_Point}}")
#: Characters of a spelling beyond which no form of it could be short enough for any platform.
LONGEST_SPELLING = 500
#: Signs at the ends of a hashtag, where some platforms cut it.
_EDGE = rf"_\s{JOINERS}\u00b7\u30fb"
_EDGES = regex.compile(rf"^[{_EDGE}\p{{M}}]+|[{_EDGE}]+$")
_LETTER = regex.compile(r"\p{L}")


@dataclass(frozen=True, slots=True)
class Platform:
    """How a platform links hashtags.

    Letters and marks of all scripts, decimal digits and underscores are part of a hashtag everywhere, and a hashtag
    without a letter is linked nowhere or says nothing.

    Attributes:
        name: By which it is chosen.
        also: Further characters that belong to a hashtag.
        longest: Characters (UTF-16 units, as the platforms count) that a hashtag may have.
        closed: Whether a second hash sign ends it, so that it may hold spaces.
        per_post: Hashtags that a post may have, or None where only its length counts.
    """

    name: str
    also: str = ""
    longest: int = 100
    closed: bool = False
    per_post: int | None = None


#: X by twitter-text; Mastodon by the pattern of its tags; Bluesky by its clients' detection (64 of whatever script).
PLATFORMS = {
    platform.name: platform
    for platform in (
        Platform("mastodon", also="\u00b7\u30fb\u200c"),
        Platform("bluesky", longest=64),
        Platform("x", also="\u200c\u200d\u00b7\u30fb"),
        Platform("instagram", per_post=30),
        Platform("weibo", also=" \u00b7", longest=32, closed=True),
    )
}
#: Where no platform is named: what those with a single hash sign link, but for joiners, which Bluesky alone does not.
_COMMON = Platform("any", also="\u200c\u200d", longest=64)


def get_platform(name: str | None) -> Platform:
    """Looks a platform up; None stands for what every platform with a single hash sign links.

    Raises:
        ValueError: There is no platform of that name.
    """
    if name is None:
        return _COMMON
    if name not in PLATFORMS:
        raise ValueError(f"Unknown platform {name!r}. Known: {', '.join(PLATFORMS)}; None for a form that suits all.")
    return PLATFORMS[name]


def plain_text(spelling: str) -> str:
    """A spelling in plain characters, with single spaces and [`code_names`], without marks that stand on nothing."""
    text = visible(unicodedata.normalize("NFKC", visible(spelling)))
    if text.isascii():
        return code_names(text)
    return visible(code_names(_LOOSE_MARKS.sub("", _HIDDEN.sub("", text))))


def code_names(text: str) -> str:
    """A text in which languages of code have the names of their hashtags: `C#` is csharp, `.NET` dotnet."""
    if _CODE_SIGNS.search(text) is None:
        return text
    lower = [folded(word) for word in text.split()]
    return " ".join(word if named(low) == low else named(low) for word, low in zip(text.split(), lower, strict=True))


def joined(text: str) -> str:
    """Words as one; an underscore divides those that would be unreadable else (`هوش مصنوعی`), as people write them."""
    return "".join(_BETWEEN_WORDS.sub("_", text).split())


def postable(spelling: str, platform: str | None = None) -> str | None:
    """The form of a spelling that a platform links as a whole, without hash sign.

    Args:
        spelling: A hashtag as it is kept or written.
        platform: A name of [`PLATFORMS`], or None for a form that all but Weibo's readers can post alike.

    Returns:
        The same hashtag (see [`hashtag_key`]), or None where no form of it is linked: it has no letter or is too long.

    Raises:
        ValueError: The platform is unknown.
    """
    rules = get_platform(platform)
    if len(spelling) > LONGEST_SPELLING:
        return None
    plain = spelling.replace(" ", "")
    if plain.isascii() and plain.isalnum() and not rules.closed and len(plain) <= rules.longest:
        return None if plain.isdigit() else plain
    text = plain_text(spelling)
    if not rules.closed:
        text = joined(text)
    if "\u200c" not in rules.also:
        text = _BETWEEN_JOINED.sub("_", text)
    text = _EDGES.sub("", visible("".join(c for c in text if _belongs(c, rules))))
    fits = len(text.encode("utf-16-le")) <= 2 * rules.longest
    return text if fits and _LETTER.search(text) and hashtag_key(text) == hashtag_key(spelling) else None


def _belongs(character: str, rules: Platform) -> bool:
    if character in rules.also or character == "_":
        return True
    category = unicodedata.category(character)
    return category[0] == "L" or category in {"Mn", "Mc", "Nd"}


def sign(spelling: str, platform: str | None = None) -> str | None:
    """A spelling as it is posted: `#IoT`, for Weibo `#物联网#`; None where the platform links no form of it."""
    text = postable(spelling, platform)
    return None if text is None else f"#{text}#" if get_platform(platform).closed else f"#{text}"
