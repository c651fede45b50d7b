"""Options that say which hashtags are suggested and how they are shown, see [`right_hf.preferences`]."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from right_hf.cli.options import as_path, as_text, positive, probability

_STYLES = ("common", "pascal", "lower", "words")
_PLATFORMS = ("mastodon", "bluesky", "x", "instagram", "weibo")


def add_preference_options(parser: argparse.ArgumentParser) -> None:
    """Which hashtags are suggested, and how they are shown."""
    add = parser.add_argument_group("hashtags").add_argument
    add(
        "--style", choices=_STYLES, default="common", help="as people spell them (IoT), IotDevices, iotdevices or words"
    )
    add("--platform", choices=_PLATFORMS, help="only what it links (default: what all but Weibo link)")
    add("--allowed", type=as_path, metavar="FILE", help="only the hashtags of FILE, one a line")
    add("--preferred", nargs="+", type=as_text, metavar="HASHTAG", help="these rank higher, such as those you follow")
    add("--blocked", nargs="+", type=as_text, metavar="HASHTAG", help="none of these")
    add("--blocked-file", type=as_path, metavar="FILE", help="none of those in FILE, one a line")
    safety = parser.add_mutually_exclusive_group()
    what = "terms never suggested, one a line, instead of the list of slurs and obscene words"
    safety.add_argument("--safety", type=as_path, default=argparse.SUPPRESS, metavar="FILE", help=what)
    safety.add_argument(
        "--no-safety", dest="safety", action="store_const", help="no such list", default=argparse.SUPPRESS
    )
    add("--min-count", type=positive, default=0, metavar="N", help="only hashtags that N posts of the corpus carry")
    add("--diversity", type=probability, default=0.0, metavar="D", help="0 to 1: less of what is alike (default: 0)")
    add("--include-present", action="store_true", help="also hashtags that the post has already")


def preference_arguments(arguments: argparse.Namespace) -> dict[str, Any]:
    """The options as arguments of `recommend`, checked, with files read."""
    from right_hf.preferences import loaded
    from right_hf.vocabulary import Vocabulary

    given: dict[str, Any] = {
        name: getattr(arguments, name)
        for name in ("style", "platform", "preferred", "blocked", "blocked_file", "min_count", "diversity")
    }
    given |= {"safety": getattr(arguments, "safety", "default"), "include_present": arguments.include_present}
    if isinstance(arguments.allowed, Path):
        given["allowed"] = Vocabulary.from_file(arguments.allowed)
    return loaded(given)
