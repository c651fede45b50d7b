"""Posts of every kind: all blocks of Unicode, real posts cut anywhere, mutated, and very long ones."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import count, islice

from right_hf.text.cleaning import MAX_POST_CHARACTERS

#: A 256th of a plane; every block of Unicode begins at a multiple of 16, and hardly one is without a piece of its own.
_BLOCK = 0x80
_LAST = 0x110000
_SPECIAL = (
    *("\u200c", "\u200d", "\u200b", "\u00ad", "\ufeff", "\u2060", "\u034f", "\u061c", "\u180e", "\u3164", "\uffa0"),
    *(chr(code) for code in (*range(0x202A, 0x202F), *range(0x2066, 0x206A), *range(0xFE00, 0xFE10))),
    *("\ud800", "\udc00", "\udbff\udfff", "\ufffe", "\uffff", "\ufdd0", "\U0001ffff", "\U0010ffff", "\U000e0001"),
    *("\U000e0061", "\U000e007f", "\U000e0100", "\x00", "\x1b[31m", "\x85", "\u2028", "\u2029", "\x0b", "\x1c"),
    *("İ", "ı", "ß", "ﬁ", "ŉ", "ﷺ", "ﷻ", "ﬃ", "Ǆ", "ς", "\u0345", "\u20e3", "\u0600", "\u1160", "\u11a8", "\uff9e"),
    *("👨‍👩‍👧‍👦", "🏴\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f", "🇩🇪", "1️⃣", "#️⃣", "❤️‍🔥", "👍🏽"),
)
_PIECES = (
    *("&amp;", "&amp;amp;", "&#38;lt;", "&#x1F600;", "&#0;", "&#55296;", "&#9999999;", "&lt;b&gt;", "&nbsp", "&", "&;"),
    *("<b", "<b>", "</p>", "<a href='", "<br/>", "<!--", "<script>", "<extra_id_0>", "<|im_end|>", "</s>", "<pad>"),
    *("#", "##", "＃", "#️⃣", "#C#", "#.NET", "#话题#", "#a·b", "#_", "#123", "C++", "node.js", "asp.net", "F#", ".net"),
    *("@", "@user", "@a.b@c.de", "a@b.co", "://", "http://", "https://t.co/x", "www.", "mailto:", "a.b.com/", "é.com"),
    *("0049 170 1234567", "4111 1111 1111 1111", "2020-2021", "DE89 3704 0044", "1,2.3", "٠١٢", "²³", "½", "Ⅻ"),
    *(
        '"',
        "'",
        "’",
        "`",
        "\\",
        "\\n",
        "\\u0000",
        '{"text": "',
        '"}',
        "[",
        "null",
        "NaN",
        "%s",
        "{}",
        "../",
        "\t",
        "\n",
    ),
    *(
        "Maria Gonzalez",
        "O'Neil",
        "王小明先生",
        "Jo van der Berg",
        "fuck",
        "AIDS",
        "机器学习",
        "ไทย",
        "データ",
        "한국어",
    ),
)
#: What each pattern of the text side is slow with, if it is with anything.
_REPEATED = (
    *(
        "#",
        "@",
        ".",
        "&",
        "<",
        "-",
        ",",
        "/",
        ":",
        "_",
        "'",
        "+",
        "1",
        "a",
        "A",
        "é",
        "我",
        "ก",
        "각",
        "İ",
        "ﷺ",
        "\u0301",
    ),
    *(
        "@a.a",
        "#a",
        "#a·",
        "#我",
        "a.b.",
        "é.é",
        "é@",
        "&amp;",
        "&#38;",
        "&#38;#38;",
        "<b>",
        "<a ",
        "1 ",
        "1-",
        "(0",
        "+1",
    ),
    *(
        "://",
        "http://",
        "www.",
        "a@",
        "a@a.",
        "a'",
        "A B. ",
        "Jo Van ",
        "John Smith ",
        "#JohnSmith ",
        "我的 ",
        "王小明 ",
    ),
    *(
        "a\u0301",
        "a\u200d",
        "\u200d",
        "\u200b",
        "𝐀",
        "👨‍👩",
        "c#",
        "c++ ",
        ".net ",
        "node.js ",
        "AbCd",
        "ab ",
        "a_",
        "AB12 3456",
    ),
    *("1️⃣", "#️⃣", "🏴\U000e0067\U000e007f", "\ud800", "\x00", '{"a":', "·", "\u00a0", "x,", "a b c d e ", "\u1100\u1161"),
)

Maker = Callable[[random.Random, Sequence[str]], str]


def _characters(chance: random.Random, start: int, count: int) -> str:
    return "".join(chr(min(start + chance.randrange(_BLOCK), _LAST - 1)) for _ in range(count))


def _in_block(chance: random.Random, block: int) -> str:
    """Words of a block, some between ones of Latin letters."""
    words = [_characters(chance, block * _BLOCK, chance.randint(1, 12)) for _ in range(chance.randint(1, 12))]
    for _ in range(chance.randrange(4)):
        words.insert(chance.randint(0, len(words)), chance.choice(("data", "Science", "#AI", "2024", "the")))
    return chance.choice((" ", "", " #", ", ", "\n")).join(words)


def _mixed(chance: random.Random, real: Sequence[str]) -> str:
    """Scripts, special signs and towers of marks side by side."""
    parts: list[str] = []
    for _ in range(chance.randint(1, 15)):
        kind = chance.randrange(4)
        if kind == 0:
            parts.append(_characters(chance, chance.randrange(_LAST // _BLOCK) * _BLOCK, chance.randint(1, 5)))
        elif kind == 1:
            parts.append(chance.choice("aéش我ก") + _characters(chance, 0x300, chance.randint(1, 60)))
        else:
            parts.append(chance.choice(_SPECIAL if kind == 2 else _PIECES) * chance.choice((1, 1, 2, 7)))
    return chance.choice(("", " ")).join(parts)


def _cut(chance: random.Random, real: Sequence[str]) -> str:
    """A real post that begins and ends anywhere, now and then within an entity, an address or a sign of many parts."""
    text = chance.choice(real)
    if chance.random() < 0.5:
        at = chance.randint(0, len(text))
        text = text[:at] + chance.choice((*_PIECES, *_SPECIAL)) + text[at:]
        start = chance.randint(max(0, at - 40), at + 3)
        return text[start:] if chance.random() < 0.5 else text[: start + 3]
    start = chance.randint(0, len(text))
    return text[start : chance.randint(start, len(text))]


def _mutated(chance: random.Random, real: Sequence[str]) -> str:
    """A real post in which pieces were swapped, repeated, taken out or put in."""
    text = chance.choice(real)
    for _ in range(chance.randint(1, 8)):
        start = chance.randint(0, len(text))
        end = min(len(text), start + chance.randint(0, 12))
        piece = text[start:end]
        change = chance.randrange(5)
        put = (piece[::-1], piece * chance.randint(2, 9), "", chance.choice(_PIECES), chance.choice(_SPECIAL))[change]
        text = text[:start] + put + (text[start:] if change > 2 else text[end:])
    return text


def _long(chance: random.Random, real: Sequence[str]) -> str:
    """As long as a post can be, and longer."""
    length = chance.choice((2_000, MAX_POST_CHARACTERS, MAX_POST_CHARACTERS + 1, 40_000))
    kind = chance.randrange(4)
    if kind == 0:
        piece = chance.choice(_REPEATED)
    elif kind == 1:
        piece = chance.choice((*_REPEATED, *_PIECES)) + chance.choice((*_REPEATED, *_PIECES))
    elif kind == 2:
        piece = " ".join(chance.choice((*real, _mutated(chance, real))) for _ in range(length // 60))
    else:
        piece = "".join(_mixed(chance, real) for _ in range(100))
    return (piece * (length // len(piece) + 1))[:length]


def _empty(chance: random.Random, _: Sequence[str]) -> str:
    return chance.choice(
        ("", " ", "\n\t", "\u200b", "\ufeff", "\x00", "#", "@a", "http://a.b", "…", "a", "我", "1", "😀")
    )


#: The kinds of posts with how many of a hundred they are; the blocks of Unicode take what is left.
_KINDS: tuple[tuple[Maker, int], ...] = ((_mixed, 20), (_cut, 25), (_mutated, 25), (_long, 3), (_empty, 2))


def _longest(words: Iterable[str]) -> str:
    return " ".join(islice(words, MAX_POST_CHARACTERS))[:MAX_POST_CHARACTERS]


def longest_posts(seed: int, real: Sequence[str]) -> Iterator[str]:
    """Posts of the greatest length: each piece that a pattern may be slow with, repeated, and real ones."""
    chance = random.Random(seed)
    for piece in _REPEATED:
        yield (piece * (MAX_POST_CHARACTERS // len(piece) + 1))[:MAX_POST_CHARACTERS]
    yield _longest(chance.choice(real) for _ in count())
    yield _longest(f"{chance.choice(real)} #{chance.choice(real).title().replace(' ', '')[:20]}" for _ in count())
    for first, last in ((0x4E00, 0x9FFF), (0x80, 0xD7FF), (0x80, _LAST - 1), (0xAC00, 0xD7A3)):
        yield "".join(chr(chance.randint(first, last)) for _ in range(MAX_POST_CHARACTERS))
    for letters in ("abcdefghijklmnopqrstuvwxyz", "абвгдежзиклмнопрстуфхцч"):
        text = _longest("".join(chance.choices(letters, k=chance.randint(1, 5))) for _ in count())
        yield from (text, text.title())


def posts(number: int, seed: int, real: Sequence[str]) -> Iterator[str]:
    """Posts of all kinds; the same for the same seed.

    Args:
        number: How many. With 20,000 each piece of Unicode that is in use comes up some ten times.
        seed: Of what is drawn.
        real: Posts that people wrote.
    """
    chance = random.Random(seed)
    makers, shares = zip(*_KINDS, strict=True)
    for row in range(number):
        drawn = chance.choices((*makers, None), (*shares, 100 - sum(shares)))[0]
        yield _in_block(chance, _block(row)) if drawn is None else drawn(chance, real)


def _block(number: int) -> int:
    """A block for each number, nine of ten in the first two planes, where most that are in use lie."""
    return number // 10 * 17 % (_LAST // _BLOCK) if number % 10 == 0 else number * 7 % (0x20000 // _BLOCK)
