"""Posts through `right-hf recommend`, as lines of text and of JSON, with broken ones among them."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
from collections.abc import Iterable, Sequence
from typing import Any

from fuzzing.found import Faults

_COMMAND = (sys.executable, "-m", "right_hf", "recommend", "--top-k", "3")
#: The first line, so that no post is taken for the mark of another coding of the whole input.
_FIRST = "the first post"
_BROKEN = (
    b'{"text": "cut',
    b"[]",
    b'{"text": 1}',
    b"\xff\xfe",
    b'{"text": "a", "id": "\\ud800"}',
    b"null",
    b"[" * 5000,
)


def run_all(posts: Iterable[str], seed: int, faults: Faults) -> dict[str, Any]:
    """Runs the command on half of the posts as text and half as JSON; what comes out must answer each line."""
    chance = random.Random(seed)
    texts = [_FIRST, *posts]
    half = len(texts) // 2
    lines = [_line(text) for text in texts[:half]]
    return {"text": _run((), lines, half, faults), "jsonl": _run_jsonl([_FIRST, *texts[half:]], chance, faults)}


def _line(text: str) -> bytes:
    """A post on one line; lone surrogates become bytes that are no UTF-8."""
    return text.replace("\n", " ").encode("utf-8", "surrogatepass")


def _run_jsonl(texts: Sequence[str], chance: random.Random, faults: Faults) -> dict[str, Any]:
    lines: list[bytes] = []
    for number, text in enumerate(texts):
        record = {"id": number, "text": text}
        plain = json.dumps(record, ensure_ascii=False)
        is_whole = chance.random() < 0.5 and plain.isprintable()
        lines.append(plain.encode() if is_whole else json.dumps(record).encode())
        if chance.random() < 0.02:
            lines.append(chance.choice(_BROKEN))
    return _run(("--jsonl",), lines, len(texts), faults)


def _run(options: Sequence[str], lines: Sequence[bytes], answers: int, faults: Faults) -> dict[str, Any]:
    given = b"\n".join(lines) + b"\n"
    alone = os.environ | {"OMP_NUM_THREADS": "1"}  # on a busy machine threads wait for one another
    done = subprocess.run([*_COMMAND, *options], input=given, capture_output=True, check=False, env=alone)
    what = " ".join(("command", *options))
    if done.returncode != (1 if len(lines) > answers else 0):
        faults.note(f"{what}: exit code {done.returncode}", done.stderr[-500:])
    if b"Traceback" in done.stderr:
        faults.note(f"{what}: a traceback", done.stderr[-500:])
    found = done.stdout.decode("utf-8", "replace").split("\n")[:-1]
    if len(found) != answers:
        faults.note(f"{what}: {len(found)} lines for {answers} posts", done.stderr[-500:])
    for line in found:
        try:
            if not isinstance(json.loads(line)["recommendations"], list):
                raise ValueError("no list of recommendations")
        except (KeyError, TypeError, ValueError) as error:
            faults.error(what, error, line)
    return {"lines": len(lines), "answers": len(found), "exit_code": done.returncode}
