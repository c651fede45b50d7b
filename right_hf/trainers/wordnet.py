"""Synonyms from the WordNet database files (WNDB format), for the selector's hard negatives.

nltk's reader is none for them: it asks for `lexnames`, which Debian's wordnet-base lacks, and for registered folders.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Sequence
from functools import cache
from itertools import zip_longest
from pathlib import Path

logger = logging.getLogger(__name__)

#: A word to its synonyms, best first; an empty sequence for a word without any.
Synonyms = Callable[[str], Sequence[str]]
_PARTS_OF_SPEECH = ("noun", "verb", "adj", "adv")
# WNDB appends the syntactic position of some adjectives to the lemma: galore(ip), outback(a), asleep(p).
_SYNTACTIC_MARKER = re.compile(r"\((?:a|p|ip)\)$")


def no_synonyms(word: str) -> tuple[str, ...]:
    """No synonyms for any word: for languages without a thesaurus (WordNet is English only)."""
    return ()


def synonyms_of(language: str, folder: Path) -> Synonyms:
    """The synonyms of a language, of English those of WordNet; [`no_synonyms`] where there are none.

    Args:
        language: ``en`` or ``zh``.
        folder: Where WordNet's files are; where they are not, a warning says what is lost.

    Raises:
        ValueError: An index is malformed.
    """
    if language != "en":
        return no_synonyms
    names = (f"{kind}.{part}" for part in _PARTS_OF_SPEECH for kind in ("index", "data"))
    if missing := [name for name in names if not (folder / name).is_file()]:
        logger.warning(
            "WordNet is not in %s (%s is missing). Hard negatives of the selector are made without synonyms: words are "
            "left out or swapped, never replaced, and of a single word a letter is changed. Install WordNet (apt-get "
            "install wordnet-base) or name its folder in the recipe, selector: {wordnet: FOLDER}.",
            folder,
            missing[0],
        )
        return no_synonyms
    return load_synonyms(folder)


def load_synonyms(folder: Path) -> Synonyms:
    """Load WordNet's synonyms from its database files; nothing is downloaded.

    Two words are synonyms when they are lemmas of one synset. Indices and data are read at once, the synsets of a
    word are parsed when it is first asked for.

    Returns:
        A function from a word (any case, spaces or underscores) to its distinct synonyms: lower-case, words separated
        by single spaces, without the word itself. The order is that of the word's senses, most frequent first; equally
        ranked senses come as noun, verb, adjective, adverb. Unknown and inflected words have no synonyms.

    Raises:
        FileNotFoundError: If the folder lacks any of the files.
        ValueError: If an index is malformed; from the returned function, if an index does not fit its data file.
    """
    indices = [_read_index(folder / f"index.{part}") for part in _PARTS_OF_SPEECH]
    data_files = [(path, path.read_bytes()) for path in (folder / f"data.{part}" for part in _PARTS_OF_SPEECH)]

    @cache
    def synonyms(word: str) -> tuple[str, ...]:
        name = "_".join(word.lower().replace("_", " ").split())
        senses = [
            [_lemmas_at(path, data, offset) for offset in index.get(name, ())]
            for index, (path, data) in zip(indices, data_files, strict=True)
        ]
        by_rank = [lemmas for rank in zip_longest(*senses, fillvalue=()) for lemmas in rank]
        found = dict.fromkeys(lemma for lemmas in by_rank for lemma in lemmas)
        found.pop(name.replace("_", " "), None)
        return tuple(found)

    return synonyms


def _read_index(path: Path) -> dict[str, tuple[int, ...]]:
    """Lemma (with underscores) to the byte offsets of its synsets, most frequent sense first."""
    offsets: dict[str, tuple[int, ...]] = {}
    with path.open(encoding="utf-8") as lines:
        for number, line in enumerate(lines, start=1):
            if line.startswith(" "):  # the licence at the top
                continue
            try:
                lemma, _, count, *rest = line.split()
                offsets[lemma] = tuple(map(int, rest[-int(count) :]))
            except ValueError as error:
                raise ValueError(
                    f"{path}, line {number}: expected 'lemma pos synset_count … offsets' (WNDB), got {line[:80]!r}. "
                    "Install WordNet again, e.g. `apt-get install --reinstall wordnet-base`."
                ) from error
    return offsets


def _lemmas_at(path: Path, data: bytes, offset: int) -> tuple[str, ...]:
    """The lemmas of the synset whose record starts at a byte offset, in the record's order."""
    fields = data[offset : data.find(b"|", offset)].decode("utf-8").split()  # the gloss follows the bar
    if len(fields) < 6 or fields[0] != f"{offset:08d}":
        raise ValueError(
            f"{path}: expected a synset at byte {offset}, got {' '.join(fields)[:80]!r}. Index and data files must be "
            "of one WordNet version with unchanged line ends: install it again or name another folder."
        )
    count = int(fields[3], 16)
    words = fields[4 : 4 + 2 * count : 2]  # each word is followed by its lex_id
    return tuple(_SYNTACTIC_MARKER.sub("", word).replace("_", " ").lower() for word in words)
