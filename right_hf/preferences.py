"""What of the ranked hashtags is suggested, and how it is shown: what a user, an author or a site asks for."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache, lru_cache, partial
from pathlib import Path
from typing import Any, Literal, TypedDict

from right_hf.checks import probability, whole_number
from right_hf.corpus import Corpus
from right_hf.safety import Safety
from right_hf.spelling.platforms import get_platform
from right_hf.spelling.style import STYLES
from right_hf.text.degenerate import is_degenerate
from right_hf.vocabulary import Vocabulary

Hashtags = Vocabulary | Iterable[str]


class PreferenceArguments(TypedDict, total=False):
    """What is suggested, and how.

    Attributes:
        style: How hashtags are shown: "words" (`machine learning`), "lower" (`machinelearning`), "pascal"
            (`MachineLearning`, which screen readers can read), or "common", as people spell them (`IoT`).
        platform: Only what it links is suggested: "mastodon", "bluesky", "x", "instagram" or "weibo"; None for what
            all of them but Weibo link.
        allowed: Only these: a site's own hashtags, up to 100,000. The generator cannot write others either.
        preferred: These rank higher: the author's own hashtags, or those that they follow.
        blocked: None of these.
        blocked_file: A file with further ones, one a line.
        safety: Hashtags that are never suggested, not even where the post says them: "default" for slurs and obscene
            words in English and Chinese, a file of terms (see [`right_hf.safety.Safety.load`]), or None for none.
        min_count: Only hashtags that at least so many posts of the corpus carry.
        diversity: How much a hashtag loses that is like one before it, in [0, 1]
            (see [`right_hf.ranker.diversity.marginal_relevance`]).
        include_present: Whether hashtags that the post has already are suggested too, marked as `present`.
    """

    style: str
    platform: str | None
    allowed: Hashtags | None
    preferred: Hashtags | None
    blocked: Hashtags | None
    blocked_file: str | Path | None
    safety: Safety | str | Path | None
    min_count: int
    diversity: float
    include_present: bool


#: The names of these, for whoever sorts arguments.
PREFERENCES = frozenset(PreferenceArguments.__annotations__)


def loaded(arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Checked arguments, with lists and files read, for whoever calls with them again and again.

    Raises:
        TypeError, ValueError, FileNotFoundError: See [`Preferences.of`].
    """
    checked = Preferences.of(**arguments)
    read = dict(arguments)
    for name in ("allowed", "preferred", "safety"):
        if name in read:
            read[name] = getattr(checked, name)
    lists = iter(checked.blocked)
    for name in ("blocked", "blocked_file"):
        if read.get(name):
            read[name] = next(lists, None)
    return read


def _vocabulary(name: str, hashtags: Hashtags | None) -> Vocabulary | None:
    if hashtags is None:
        return None
    try:
        return Vocabulary.of(hashtags)
    except (TypeError, ValueError) as error:
        raise type(error)(f"{name}: {error}") from None


def _optional(name: str, hashtags: Hashtags | None) -> Vocabulary | None:
    """A list that may hold nothing, which then asks for nothing."""
    if hashtags is not None and not isinstance(hashtags, (Vocabulary, str, bytes)):
        hashtags = tuple(hashtags)
        if not hashtags:
            return None
    return _vocabulary(name, hashtags)


@dataclass(frozen=True)
class Preferences:
    """The checked [`PreferenceArguments`]."""

    style: str = "words"
    platform: str | None = None
    allowed: Vocabulary | None = None
    preferred: Vocabulary | None = None
    blocked: tuple[Vocabulary, ...] = ()
    safety: Safety | None = field(default_factory=Safety.default)
    min_count: int = 0
    diversity: float = 0.0
    include_present: bool = False

    @classmethod
    def of(
        cls,
        *,
        allowed: Hashtags | None = None,
        preferred: Hashtags | None = None,
        blocked: Hashtags | None = None,
        blocked_file: str | Path | Vocabulary | None = None,
        safety: Safety | str | Path | Literal["default"] | None = "default",
        **others: Any,
    ) -> Preferences:
        """Checks what somebody asks for, see [`PreferenceArguments`].

        Raises:
            TypeError: A list of hashtags is one string.
            ValueError: A style or platform is unknown, a number is out of range, a list or file holds no hashtags.
            FileNotFoundError: There is no such file.
        """
        if blocked_file is not None and not isinstance(blocked_file, Vocabulary):
            blocked_file = Vocabulary.from_file(blocked_file)
        lists = [_optional("blocked", blocked), blocked_file]
        if safety == "default":
            safety = Safety.default()
        elif isinstance(safety, (str, Path)):
            safety = Safety.load(safety)
        elif safety is not None and not isinstance(safety, Safety):
            raise ValueError(f'safety must be "default", a file of terms, a Safety or None, got {safety!r:.80}.')
        return cls(
            allowed=_vocabulary("allowed", allowed),
            preferred=_optional("preferred", preferred),
            blocked=tuple(entries for entries in lists if entries is not None),
            safety=safety,
            **others,
        )

    def __post_init__(self) -> None:
        if self.style not in STYLES:
            raise ValueError(f"style must be one of {', '.join(STYLES)}, got {self.style!r:.40}.")
        get_platform(self.platform)
        whole_number(self.min_count, "min_count", 0)
        probability(self.diversity, "diversity")
        if not isinstance(self.include_present, bool):
            raise ValueError(f"include_present must be True or False, got {self.include_present!r:.40}.")

    def wants(self, corpus: Corpus) -> Callable[[str], bool]:
        """What says of a hashtag whether it may be suggested, with a corpus as it is now."""
        if self.allowed is None and not self.min_count and not self.blocked:
            return partial(_may_be_suggested, self.safety)
        return cache(partial(self._wants, corpus))

    def allowed_form(self, hashtag: str, corpus: Corpus) -> str | None:
        """The form that a hashtag has in the allowed ones, of whichever variant; None where none is allowed."""
        return None if self.allowed is None else listed_form(self.allowed, hashtag, corpus)

    def _wants(self, corpus: Corpus, hashtag: str) -> bool:
        if self.allowed is not None and self.allowed_form(hashtag, corpus) is None:
            return False
        if self.min_count and corpus.variants_count(hashtag) < self.min_count:
            return False
        if any(listed_form(entries, hashtag, corpus) is not None for entries in self.blocked):
            return False
        return _may_be_suggested(self.safety, hashtag)


def listed_form(listed: Vocabulary, hashtag: str, corpus: Corpus) -> str | None:
    """The form that a hashtag, or one that is one with it in the corpus, has in a list; None where none is listed."""
    keys = (hashtag, *corpus.forms.keys_of(hashtag))
    return next((listed.form(key) for key in keys if key in listed), None)


@lru_cache(maxsize=1 << 16)
def _may_be_suggested(safety: Safety | None, hashtag: str) -> bool:
    """Whether a hashtag is harmless and no loop; kept, since the same ones come up again and again."""
    return not (safety is not None and safety.blocks(hashtag)) and not is_degenerate(hashtag)
