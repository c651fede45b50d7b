"""The content-addressed storage behind the Hub, as hf_xet uses it: chunks in xorbs, of which shards make files.

See https://huggingface.co/docs/xet. The client must not compress (HF_XET_XORB_COMPRESSION_POLICY=none), so that the
content of a file can be read off its chunks.
"""

from __future__ import annotations

import hashlib
import json
import struct
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tests.support.loopback_hub.answers import Answer, Refusal

if TYPE_CHECKING:
    from tests.support.loopback_hub.server import Call

_BLOCK = 48  # bytes, of each entry of a shard
_LAST = b"\xff" * 32
_VERIFIED, _WITH_SHA256 = 1 << 31, 1 << 30


@dataclass(frozen=True)
class Term:
    """Chunks `first` to `end` of a xorb."""

    xorb: str
    first: int
    end: int
    length: int


@dataclass
class Storage:
    """Xorbs by hash as they were sent, files by hash as terms, and the hash of the file with this SHA-256."""

    xorbs: dict[str, bytes] = field(default_factory=dict)
    files: dict[str, list[Term]] = field(default_factory=dict)
    names: dict[str, str] = field(default_factory=dict)


def _hex(raw: bytes) -> str:
    return "".join(f"{number:016x}" for number in struct.unpack("<4Q", raw))


def _chunks(xorb: bytes) -> list[tuple[int, int]]:
    """First byte and end of each chunk, its header of 8 bytes included."""
    found: list[tuple[int, int]] = []
    start = 0
    while start < len(xorb) and not xorb[start:].startswith(b"XETBLOB"):  # the footer
        end = start + 8 + int.from_bytes(xorb[start + 1 : start + 4], "little")
        assert xorb[start + 4] == 0, "the client compressed a chunk"
        found.append((start, end))
        start = end
    return found


def _described(shard: bytes) -> Iterator[tuple[str, list[Term]]]:
    """Hash and terms of each file that a shard describes."""
    at = _BLOCK
    while not shard[at:].startswith(_LAST):
        name, flags, count = _hex(shard[at : at + 32]), *struct.unpack_from("<II", shard, at + 32)
        terms = []
        for number in range(1, count + 1):
            entry = at + number * _BLOCK
            _, length, first, end = struct.unpack_from("<4I", shard, entry + 32)
            terms.append(Term(_hex(shard[entry : entry + 32]), first, end, length))
        at += _BLOCK * (1 + count * (2 if flags & _VERIFIED else 1) + bool(flags & _WITH_SHA256))
        yield name, terms


def token(call: Call, seconds: int = 3600) -> Answer:
    """Where the storage is and how to get in, as headers for huggingface_hub and as JSON for hf_xet."""
    expiry = int(time.time()) + seconds
    about = {"casUrl": call.hub.endpoint + "/xet", "accessToken": "xet", "exp": expiry}
    headers = {"X-Xet-Cas-Url": about["casUrl"], "X-Xet-Access-Token": "xet", "X-Xet-Token-Expiration": str(expiry)}
    return Answer(content=json.dumps(about).encode(), headers={name: str(value) for name, value in headers.items()})


def put_xorb(call: Call, xorb: str) -> Answer:
    call.hub.xet.xorbs[xorb] = call.body
    return Answer(content=b'{"was_inserted": true}')


def put_shard(call: Call) -> Answer:
    storage = call.hub.xet
    for name, terms in _described(call.body):
        storage.files[name] = terms
        parts = []
        for term in terms:
            chunks = _chunks(storage.xorbs[term.xorb])[term.first : term.end]
            parts += [storage.xorbs[term.xorb][first + 8 : end] for first, end in chunks]
        content = b"".join(parts)
        sha256 = hashlib.sha256(content).hexdigest()
        call.hub.blobs[sha256] = content
        storage.names[sha256] = name
    return Answer(content=b'{"result": 1}')


def reconstruction(call: Call, file: str) -> Answer:
    """Of which chunks a file consists and where they are; the client asks for a range of it, and takes more."""
    terms = call.hub.xet.files.get(file)
    if terms is None:
        raise Refusal(404, None, "no such file")
    size = sum(term.length for term in terms)
    if int(call.headers.get("range", "bytes=0-").removeprefix("bytes=").split("-")[0]) >= size:
        raise Refusal(416, None, "beyond the end")
    places: dict[str, list[dict[str, object]]] = {}
    for term in terms:
        chunks = _chunks(call.hub.xet.xorbs[term.xorb])[term.first : term.end]
        chunk_range = {"start": term.first, "end": term.end}
        byte_range = {"start": chunks[0][0], "end": chunks[-1][1] - 1}
        url = f"{call.hub.endpoint}/xet/xorbs/{term.xorb}"
        places.setdefault(term.xorb, []).append({"range": chunk_range, "url": url, "url_range": byte_range})
    shown = [
        {"hash": term.xorb, "unpacked_length": term.length, "range": {"start": term.first, "end": term.end}}
        for term in terms
    ]
    return Answer(content=json.dumps({"offset_into_first_range": 0, "terms": shown, "fetch_info": places}).encode())


def get_xorb(call: Call, xorb: str) -> Answer:
    headers = {"Content-Type": "application/octet-stream", "Accept-Ranges": "bytes"}
    return Answer(content=call.hub.xet.xorbs[xorb], headers=headers)
