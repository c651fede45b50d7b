"""Reads hashtags from whatever a chat model says; nothing that is no hashtag comes out.

An answer is free text, and the post it answers to may have told the model what to write. So a hashtag is taken only
where the model marks it as one: in a run that begins a line, or follows a colon or a full stop, with `#`; in a JSON
list; or in a list under a label such as `Hashtags:`. What is marked must then look like a hashtag.
"""

from __future__ import annotations

import html
import json
import re
import unicodedata
from collections.abc import Iterator
from itertools import islice
from typing import Any

from right_hf.generator.prompt import MAX_HASHTAG_CHARACTERS
from right_hf.text.degenerate import is_degenerate
from right_hf.text.hashtags import hashtag_words, normalise_hashtag

#: Of 171,487 hashtags in real English tweets 77 have more words.
MAX_WORDS = 5
#: Longer ones are tokens, keys or whole Chinese sentences.
MAX_WORD_CHARACTERS = 32
#: More than a post carries anywhere; what comes after is a loop.
MAX_HASHTAGS = 20
#: Characters of an answer that are read, reasoning apart.
_MAX_ANSWER_CHARACTERS = 20_000
_MAX_JSON_STARTS = 20

_THOUGHT = r"think|thinking|thought|reasoning|reflection|analysis|scratchpad"
_THOUGHT_START = re.compile(rf"<(?:{_THOUGHT})>", re.IGNORECASE)
_THOUGHT_END = re.compile(rf"</(?:{_THOUGHT})>|<\|channel\|>final<\|message\|>", re.IGNORECASE)
_TOKEN = re.compile(r"[^\s#＃,，、;；\"'“”「」]+")
_ADDRESS = re.compile(r"://|\w[.@][a-z]{2,24}(?![a-z])", re.IGNORECASE)
#: Letters and marks that show nothing (Unicode's Default_Ignorable_Code_Point outside of category C).
_IGNORABLE = re.compile("[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u3164\ufe00-\ufe0f\uffa0\U000e0000-\U000e0fff]")
_MENTION = re.compile(r"#?@\w+")
_MARKUP = re.compile(r"\\(?=#)|\*+|`+|(?<!\w)__?(?=\S)|(?<=\S)__?(?!\w)")

_OPENING = "\\s\"'“”‘’「」『』《》〈〉\\[\\](){}（）【】•"
_BULLET = re.compile(r"\s*(?:[-+•·▪◦–—>]\s*)*(?:\(?\d{1,2}[.)、:：]|（\d{1,2}）|[①-⑳]|[-+•·▪◦])\s*")
_HEADING = re.compile(r"\s{0,3}#{2,6}\s")
_RUN = re.compile(rf"(?:^|[:：.!?。！？…])[{_OPENING}]*#")
_PAIRED = re.compile(r"#([^#\s](?:[^#\n]*[^#\s])?)#(?=[\s#,，、;；.。!！]|$)")
_LABEL = re.compile(
    r"\W*(?:(?:here (?:are|is)|suggested|recommended|relevant|final|the|some|my|以下是?|推荐的?|相关的?|建议的?)\s*)"
    r"{0,4}"
    r"(?:hashtags?|tags?|话题标签|主题标签|话题|标签|主题)\s*(?:are|is|如下|为|是)?\s*[:：]",
    re.IGNORECASE,
)
_LABELS = frozenset({"hashtags", "hashtag", "tags", "话题", "标签", "话题标签", "主题标签"})
_LIST_SEPARATOR = re.compile(r"[,，、;；|]")

_INNER_SIGNS = frozenset(" _-'’·・&+.√")
_EDGES = " _-'’·・&+."
_END = re.compile(r"\.(?!\w)|\s-+\s")
#: Talk of an assistant that follows a hashtag without a break.
_TALK = re.compile(
    r"\b(?:(?:i )?hope (?:this|these|that|it|they)|let me know|here (?:are|is)|these (?:hashtags|tags)|as an ai"
    r"|i (?:can't|can’t|cannot|won't|am unable to|would) (?:help|assist|provide|comply|answer|suggest))\b.*"
    r"|(?:作为(?:一个|一名)?(?:ai|人工智能|语言模型|助手)|我?(?:无法|不能)(?:提供|回答|协助|满足)|希望(?:这些|对你|能)"
    r"|以下是|很?抱歉[,，]?我).*",
    re.IGNORECASE,
)
#: Where prose goes on after the last hashtag of a line that ends as sentences do.
_PROSE = re.compile(
    r"\s(?:is|are|was|were|because|since|as|which|would|could|should|will|can|i|i'm|you|it|it's|this|that|these|they"
    r"|please|fits?|seems?|looks?|works?|captures?|reflects?|describes?)\b.*",
    re.IGNORECASE,
)
_SENTENCE_END = re.compile(r"[.!?。！？][\s\"'”’)）]*$")
_CONJUNCTION = re.compile(r"\s+(?:and|or|und|et|y|和|与|以及)\s*$", re.IGNORECASE)
_NO_HASHTAG = re.compile(
    r"none|null|nil|n/?a|无|没有|(?:hash)?tags? ?\d*|(?:话题|标签|主题) ?\d*|.*(?:\bhashtags?\b|标签).*"
)


def parse_hashtags(answer: str, split_words: bool = True) -> list[str]:
    """Reads the hashtags of a model's answer.

    Args:
        answer: Whatever the model wrote, of any length.
        split_words: Whether `#CloudMigration` and `#COVID19` are two words each, as in the English data; in Chinese
            data letters and digits stay together.

    Returns:
        Hashtags in the order of the answer (see [`right_hf.text.hashtags.normalise_hashtag`]), without repeats, at most
        20; empty where the answer marks none. Each has 1 to 5 words of at most 32 characters and 64 characters in
        all, holds a letter, and is no loop, address, mention or markup.
    """
    text = _visible(html.unescape(_without_reasoning(answer)[:_MAX_ANSWER_CHARACTERS]))
    pieces = _json_pieces(text)
    if pieces is None:
        pieces = [piece for line in _lines(_without_addresses(text)) for piece in line]
    if split_words:
        pieces = list(map(hashtag_words, pieces))
    return list(dict.fromkeys(hashtag for piece in pieces if (hashtag := _checked(piece))))[:MAX_HASHTAGS]


def is_hashtag(text: str) -> bool:
    """Whether the parser could have let out `text` as it is."""
    return bool(text) and text == _checked(_read(text, whole=True))


def _without_reasoning(answer: str) -> str:
    """What follows the last end of a model's reasoning; reasoning that was cut off is no answer at all."""
    ends = [match.end() for match in _THOUGHT_END.finditer(answer)]
    text = answer[ends[-1] :] if ends else answer
    start = _THOUGHT_START.search(text)
    return text[: start.start()] if start else text


def _visible(text: str) -> str:
    """The text as it is seen: invisible signs dropped, which could hide an address; control characters end a line."""
    kinds = ((character, unicodedata.category(character)) for character in _IGNORABLE.sub("", text))
    kept = ("\n" if kind == "Cc" else character for character, kind in kinds if kind == "Cc" or kind[0] != "C")
    return unicodedata.normalize("NFC", "".join(kept))


def _without_addresses(text: str) -> str:
    """Puts the end of a line in the place of URLs, domains, e-mail addresses and mentions."""
    text = _TOKEN.sub(lambda token: "\n" if _ADDRESS.search(token.group()) else token.group(), text)
    return _MENTION.sub("\n", text)


def _json_pieces(text: str) -> list[str] | None:
    """Hashtags of the first JSON list, or of a JSON object's hashtags; None if the text holds no such thing."""
    decoder = json.JSONDecoder()
    for start in islice(re.finditer(r"[\[{]", text), _MAX_JSON_STARTS):
        try:
            value: Any = decoder.raw_decode(text, start.start())[0]
        except (ValueError, RecursionError):
            continue
        if isinstance(value, dict):
            value = next((found for name, found in value.items() if name.lower() in _LABELS), None)
        if isinstance(value, str):
            value = _LIST_SEPARATOR.split(value)
        if isinstance(value, list) and any(isinstance(item, str) for item in value):
            items = [_without_addresses(item) for item in value if isinstance(item, str)]
            return [_read(piece, whole=True) for item in items for piece in re.split(r"[#＃]", item)]
    return None


def _lines(text: str) -> Iterator[list[str]]:
    """The hashtags of each line, empty strings where there are none."""
    under_label = False
    for raw in _MARKUP.sub("", text.replace("＃", "#")).splitlines():
        line = raw.strip()
        if not line:
            continue
        bullet = _BULLET.match(line)
        content = line[bullet.end() :] if bullet else line
        label = _LABEL.match(content)
        heading = _HEADING.match(line) is not None
        if (run := _RUN.search(content)) and not heading:
            yield _marked(content[run.end() - 1 :])
        elif label:
            yield _unmarked(_LIST_SEPARATOR.split(content[label.end() :]))
        elif under_label and bullet:
            yield _unmarked([content])
        elif not heading:
            yield _segmented(content)
        under_label = bool(label) or heading or (under_label and bullet is not None)


def _marked(run: str) -> list[str]:
    """Hashtags of a run such as `#dev ops #cloud` or `#云计算# #数据#`."""
    run = _PAIRED.sub("#\\1\n", run)
    pieces = run.split("#")[1:]
    if pieces and _SENTENCE_END.search(run):
        pieces[-1] = _PROSE.sub("", pieces[-1])
    return [_read(_CONJUNCTION.sub("", piece)) for piece in pieces]


def _unmarked(items: list[str]) -> list[str]:
    """Hashtags of a labelled list without hash signs: all short and whole, or it is prose and there are none."""
    found = [_read(item, whole=True) for item in items if item.strip()]
    short = all(found) and all(len(tag.split()) <= 3 and len(tag) <= 32 for tag in found)
    return found if short else []


def _segmented(line: str) -> list[str]:
    """Hashtags of a line that uses hash signs between them: `dev ops # cloud`, `devops#cloud`."""
    between = re.compile(r"\s#\s") if " # " in line else re.compile(r"(?<=[a-zA-Z0-9])#(?=[a-zA-Z0-9])")
    pieces = between.split(line)
    return _unmarked(pieces) if len(pieces) > 1 and not any("#" in piece for piece in pieces) else []


def _read(piece: str, whole: bool = False) -> str:
    """The start of `piece` that may be a hashtag, as written; if `whole`, empty where anything comes after it."""
    # As it will be kept, so that what comes of a sign such as ¼ is looked at too.
    text = unicodedata.normalize("NFKC", piece).strip(" \t\"'“”‘’「」『』《》[](){}（）【】,，、;；。")
    if _NO_HASHTAG.fullmatch(text.lower()):
        return ""
    outside = (i for i, c in enumerate(text) if c not in _INNER_SIGNS and unicodedata.category(c)[0] not in "LMN")
    end = next(outside, len(text))
    hashtag = _TALK.sub("", _END.split(text[:end], maxsplit=1)[0])
    if whole and len(hashtag.strip()) < len(text.rstrip(" .!")):
        return ""
    return hashtag.strip(_EDGES)


def _checked(piece: str) -> str:
    """`piece` normalised, or an empty string if that is too long for a hashtag, a loop, or says that there is none."""
    hashtag = normalise_hashtag(piece.replace("_", " ")).strip(_EDGES)
    words = hashtag.split()
    is_long = len(words) > MAX_WORDS or any(len(word) > MAX_WORD_CHARACTERS for word in words)
    if is_long or len(hashtag) > MAX_HASHTAG_CHARACTERS or _NO_HASHTAG.fullmatch(hashtag):
        return ""
    kinds = "".join(unicodedata.category(character)[0] for character in hashtag)
    return hashtag if "MMMM" not in kinds and not is_degenerate(hashtag) else ""
