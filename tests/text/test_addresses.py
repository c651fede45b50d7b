from __future__ import annotations

import pytest

from right_hf.text.addresses import without_addresses

#: What people post between two words, and what is left there.
GONE = {
    "https://x.org/a?b=c#d": "",
    "http://例え.jp/パス": "",
    "ftp://files.org/secret/deep": "",
    "WWW.Example.org": "",
    "www.example.org/secret": "",
    "example.com/secret/deep": "",
    "example.com": "",
    "sub.example.co.uk": "",
    "mailto:bob@secret.org": "",
    "tel:+4930123456": "",
    "https://x.org/a,b?c=d": "",
    "https://x.org/secret,2,c4": "",
    "https://t.co/secret,next": ",next",
    "<https://x.org/secret>": "",
    "bob.smith@secret.example.org": "@user",
    "bob+news@secret.org": "@user",
    "root@10.0.0.1": "@user",
    "bob@localhost": "@user",
    "@alice_b": "@user",
    "@alice@mastodon.social": "@user",
    "@bob.bsky.social": "@user",
    "@हिन्दी": "@user",
    "+49 30 1234567": "…",
    "(030) 123 45 67": "…",
    "555-123-4567": "…",
    "4111 1111 1111 1111": "…",
    "4111111111111111": "…",
    "DE89 3704 0044 0532 0130 00": "…",
}


@pytest.mark.parametrize(("written", "left"), GONE.items())
def test_what_leads_to_somebody_goes_and_the_words_beside_it_stay(written: str, left: str) -> None:
    assert without_addresses(f"before {written} behind").split() == ["before", *left.split(), "behind"]
    assert without_addresses(written).split() == left.split()


@pytest.mark.parametrize(
    "text",
    [
        "and so it ends.Then the next begins",
        "node.js, ASP.NET and .NET",
        "at 10:30 on 2024-05-17",
        "in 2019 2020 and 2021",
        "10000 steps, 1.000.000 views, 3.14159265",
        "awww...so cute",
        "v1.2.3 e.g. U.S.A. a.m.",
        "he/she and/or 24/7",
        "R&D at&t",
        "a@ b @",
    ],
)
def test_other_text_stays(text: str) -> None:
    assert without_addresses(text) == text


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("look <https://x.org/a>word", "look  word"),
        ("see https://x.org/a, then", "see  , then"),
        ("看http://t.cn/RxYz，很好", "看 ，很好"),
        ("“https://x.org/a”", "“ ”"),
        ("thanks @ann, @bob!", "thanks @user, @user!"),
    ],
)
def test_where_it_ends(text: str, left: str) -> None:
    assert without_addresses(text) == left


@pytest.mark.parametrize("piece", ["a.", "@a", "a@", "https://", "1 ", "a,", "<", "www.", "+49 ", "a.a/", "@a.b@"])
def test_the_time_grows_with_the_length(piece: str) -> None:
    text = piece * (25_000 // len(piece))
    assert len(without_addresses(text)) <= 2 * len(text)
