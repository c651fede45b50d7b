"""Characters: which of them show, join or divide, and the one form in which texts are compared."""

from __future__ import annotations

import unicodedata

import regex

#: Invisible signs at which a word may end; they join nothing.
_DIVIDING = "\u00ad\u200b"
#: Shape letters (Persian, Indic scripts) and emoji; what they stand between is one word.
JOINERS = "\u200c\u200d"
_FLAG_TAGS = "\U000e0020-\U000e007e\U000e007f"
#: What shows nothing: controls, unassigned code points, lone surrogates, and signs that could hide a text; but for
#: joiners, variation selectors (which are marks) and the tags of a flag such as England's.
_HIDDEN = regex.compile(
    rf"(?P<flag>\U0001f3f4[{_FLAG_TAGS[:-1]}]+\U000e007f)"
    rf"|[\p{{Cc}}\p{{Cn}}\p{{Cs}}]|(?![{JOINERS}])[\p{{Default_Ignorable_Code_Point}}&&\p{{Cf}}]",
    regex.V1,
)
#: Joiners that join nothing: beside a space or another joiner, at the beginning or the end.
_LOOSE_JOINERS = regex.compile(rf"(?<!\S)[{JOINERS}]+\s?|[{JOINERS}]+(?=[\s{JOINERS}]|$)")
_SPACE = regex.compile(rf"[\s{_DIVIDING}]+")
#: Compatibility forms of letters that are written like others, not set above, below or around: full and half width,
#: mathematical alphabets, ligatures, Arabic presentation forms.
_STYLES = ("<wide>", "<narrow>", "<font>", "<compat>", "<initial>", "<medial>", "<final>", "<isolated>")
#: Letters that are not seen, and the dotless i.
_REFOLDED = regex.compile(r"[\p{Default_Ignorable_Code_Point}\u0131]")
_UNSEEN = regex.compile(r"[\p{Default_Ignorable_Code_Point}\u20e3]+")


def visible(text: str) -> str:
    """A text as it is seen: composed (NFC), without what shows nothing, with single spaces as the only white space.

    Zero-width spaces and soft hyphens become spaces; joiners stay between what they join.
    """
    if text.isascii() and text.isprintable():
        return " ".join(text.split())
    text = _HIDDEN.sub(lambda match: match["flag"] or "", _SPACE.sub(" ", text))
    return unicodedata.normalize("NFC", _SPACE.sub(" ", _LOOSE_JOINERS.sub("", text)).strip())


def _plain(character: str) -> str:
    if not unicodedata.decomposition(character).startswith(_STYLES):
        return character
    plain = unicodedata.normalize("NFKC", character)
    is_letter = unicodedata.category(character)[0] == "L" or character.isdecimal()
    return plain if is_letter and all(map(_is_plain, plain)) else character


def _is_plain(character: str) -> bool:
    return unicodedata.category(character)[0] in "LNM"


def plain_letters(text: str) -> str:
    """A visible text whose letters and digits have their plain form: `ＷＶＤ` is WVD, `ﾃﾞｰﾀ` データ, `𝐀𝐈` AI."""
    if text.isascii() or unicodedata.is_normalized("NFKC", text):
        return text
    plain = {ord(character): _plain(character) for character in set(text)}
    return unicodedata.normalize("NFC", text.translate(plain))


def is_folded(text: str) -> bool:
    """Whether a text is nothing but letters and digits in the form that [`folded`] gives, as far as is quickly seen."""
    if text.isascii():
        return text.isalnum() and text == text.lower()
    return (
        text.isalnum()
        and text == text.casefold()
        and unicodedata.is_normalized("NFKC", text)
        and _REFOLDED.search(text) is None
    )


def folded(text: str) -> str:
    """The form in which texts are compared: NFKC and full case folding, without what is not seen.

    Dotted and dotless i count as one letter, so that Turkish hashtags match whatever their case.
    """
    if text.isascii():
        return text.lower()
    if is_folded(text):
        return text
    for _ in range(2):  # folding can bring forth what normalising changes, and the other way round
        before, text = text, unicodedata.normalize("NFKC", unicodedata.normalize("NFD", text).casefold())
        if text == before:
            break
    return unicodedata.normalize("NFKC", _UNSEEN.sub("", text).replace("i\u0307", "i").replace("\u0131", "i"))
