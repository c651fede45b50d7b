"""Hashtags as they are compared, kept and cut into words."""

from __future__ import annotations

import re
import unicodedata

import regex

from right_hf.text.characters import folded, is_folded, visible

#: Languages of code whose names are told apart by signs. Each alternative begins with its sign: texts are searched for
#: the few signs quickly, and what stands before is looked at only there.
_CODE = regex.compile(
    r"[+#.](?:(?<=(?<![^\W_])c\+)\+|(?<=(?<![^\W_])[a-z]#)(?![\w#])|(?<=(?<![\w.])\.)net(?!\w)"
    r"|(?<=[^\W_]\.)(?=js(?!\w))|(?<=(?<!\w)(?:asp|ado|ml|vb)\.)(?=net(?!\w)))"
)
#: What stands in hashtags for what was found: `cpp`, `csharp`, `dotnet`, `nodejs`.
_CODE_NAMES = {"++": "pp", "#": "sharp", ".net": "dotnet", ".": ""}
_SIGNS = re.compile(r"\+\+|#|\.(?:net|js)")
#: A mark goes with what it stands on.
_DROPPED = regex.compile(r"(?:[^\p{L}\p{N}\p{M}]|\p{Me})+\p{M}*|^\p{M}+")
_ASCII_DROPPED = re.compile(r"[^a-z0-9]+")
#: Hash signs; that of `C#` and that of the keycap emoji are none.
_HASH_SIGN = regex.compile(
    r"(?P<kept>\#(?:(?<=(?<![^\W_])[A-Za-z]\#)(?![\w\#])|\ufe0f?\u20e3))|[\#\uff03\ufe5f]+", regex.X
)
_HASH_SIGNS = re.compile("[#\uff03\ufe5f]")
#: Other signs that are written for that of `C#`.
_SHARP = regex.compile(r"(?<=(?<![^\W_])[A-Za-z])[\uff03\u266f](?![\w\#\uff03])")
#: Where a written hashtag changes from word to word.
_WORD_BREAK = regex.compile(
    r"(?<=\p{Ll}{2})(?=\p{Lu}\p{Ll})"  # CloudMigration
    r"|(?<=\p{Ll}{2})(?=\p{Lu}\p{Lu}\p{Ll})|(?<=\p{Ll}{2}\p{Lu})(?=\p{Lu}\p{Ll})"  # WearAMask
    r"|(?<=(?:^|_|\p{Ll})\p{Lu}\p{Ll})(?=\p{Lu}\p{Ll})"  # BackToSchool
    r"|(?<=\p{Lu}{2})(?=\p{Lu}\p{Ll}{2})"  # USElection
    r"|(?<=\p{L}{3})(?=\p{Nd}{2})"  # COVID19
    r"|(?<=\p{Nd}{2})(?=\p{Lu}\p{Ll}{2})"  # 2024Election
    r"|_+"
)


def named(text: str) -> str:
    """A folded text with languages of code named as in hashtags: `c#` is csharp, `.net` dotnet, `node.js` nodejs."""
    if _SIGNS.search(text) is None:
        return text
    return str(_CODE.sub(lambda match: _CODE_NAMES[match[0]], text))


def hashtag_key(text: str) -> str:
    """What makes two hashtags the same: letters, marks and digits, folded, whatever stands between them.

    `COVID-19`, `covid 19` and `ｃｏｖｉｄ１９` have one key; `C`, `C#` and `C++` have three.
    """
    if text.isascii() and text.isprintable():
        joined = text.replace(" ", "")
        return joined.lower() if joined.isalnum() else _ASCII_DROPPED.sub("", named(text.lower()))
    if is_folded(text):
        return text
    text = named(folded(with_plain_sharps(visible(text))))
    if text.isascii():
        return _ASCII_DROPPED.sub("", text)
    return unicodedata.normalize("NFC", _DROPPED.sub("", text))


def without_hash_signs(text: str) -> str:
    """A text with spaces in the place of hash signs."""
    if _HASH_SIGNS.search(text) is None:
        return text
    return str(_HASH_SIGN.sub(lambda match: match["kept"] or " ", text))


def with_plain_sharps(text: str) -> str:
    """A text in which `C＃` and `C♯` are C#."""
    return text if text.isascii() else str(_SHARP.sub("#", text))


def normalise_hashtag(hashtag: str) -> str:
    """The form in which a hashtag is kept: lower case, plain characters, no hash signs, single spaces.

    `"#Dev  Ops"` becomes `"dev ops"`.
    """
    if is_folded(hashtag) and hashtag == hashtag.lower():  # Cherokee folds to capitals
        return hashtag
    if hashtag.isascii() and hashtag.isprintable() and "#" not in hashtag:
        return " ".join(hashtag.lower().split())
    text = unicodedata.normalize("NFKC", visible(hashtag)).lower().replace("i\u0307", "i")
    return visible(unicodedata.normalize("NFKC", without_hash_signs(with_plain_sharps(text))))


def hashtag_words(written: str) -> str:
    """A written hashtag as words, in its case: `WearAMask` is `Wear A Mask`; four characters or fewer stay whole."""
    return written if len(written) <= 4 else _WORD_BREAK.sub(" ", written)
