"""Licences of posts: counted by SPDX name, and spelt as the Hub's metadata spell them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from right_hf.posts import Post

#: What the Hub calls a licence that is not on its list.
OTHER = "other"
#: Licences of text and code on the Hub's list, by the names it gives them: the SPDX names in lower case.
_ON_THE_HUB = frozenset(
    {
        "afl-3.0", "agpl-3.0", "apache-2.0", "artistic-2.0", "bsd-2-clause", "bsd-3-clause", "bsl-1.0",
        "cc0-1.0", "cc-by-2.0", "cc-by-2.5", "cc-by-3.0", "cc-by-4.0", "cc-by-nc-2.0", "cc-by-nc-3.0",
        "cc-by-nc-4.0", "cc-by-nc-nd-3.0", "cc-by-nc-nd-4.0", "cc-by-nc-sa-2.0", "cc-by-nc-sa-3.0",
        "cc-by-nc-sa-4.0", "cc-by-nd-4.0", "cc-by-sa-3.0", "cc-by-sa-4.0", "epl-2.0", "eupl-1.1", "eupl-1.2",
        "gpl-2.0", "gpl-3.0", "isc", "lgpl-2.1", "lgpl-3.0", "mit", "mpl-2.0", "ms-pl", "odbl", "odc-by",
        "pddl", "unlicense", "wtfpl", "zlib",
    }
)  # fmt: skip


def hub_license(spdx: str) -> str:
    """The Hub's name of a licence, "other" where its list lacks it."""
    name = spdx.lower().removesuffix("-only").removesuffix("-or-later")
    return name if name in _ON_THE_HUB else OTHER


def count_licenses(posts: Iterable[Post]) -> dict[str | None, int]:
    """Posts under each licence, most frequent first, ties by name; None where a post states none."""
    counts = Counter(post.license for post in posts)
    return dict(sorted(counts.items(), key=lambda item: (-item[1], item[0] or "")))


def licenses_text(counts: dict[str | None, int]) -> str:
    """The counts as prose: "MIT (26,000 posts), CC-BY-4.0 (300 posts)"."""
    return ", ".join(f"{name or 'no licence stated'} ({count:,} posts)" for name, count in counts.items())
