"""The manifest: what a run reads, asks and answers with, so that a run that goes on is the same one."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from right_hf.bulk.inputs import Input
from right_hf.bulk.outputs import MANIFEST, Output
from right_hf.provenance import versions

#: Differences that are named.
_SHOWN = 3


def describe(inputs: Sequence[Input], options: Mapping[str, Any], model: Mapping[str, Any], pieces: int) -> Any:
    """What two runs must have in common to be one."""
    return {
        "inputs": [asdict(one) for one in inputs],
        "options": dict(options),
        "model": dict(model),
        "versions": versions(),
        "pieces": pieces,
    }


def settle(output: Output, described: Mapping[str, Any], now: float | None, overwrite: bool) -> float:
    """Writes the manifest of a new run, or makes sure that a run which goes on is the one that was begun.

    Args:
        output: Where the manifest lies.
        described: What [`describe`] gives.
        now: The time of the posts; None for that of the run's beginning.
        overwrite: Whether what is there gives way.

    Returns:
        The time of the posts.

    Raises:
        ValueError: The run that was begun is another one; the message says what differs.
        FileExistsError: The folder holds files of another kind.
    """
    names = output.names()
    if overwrite:
        if names and MANIFEST not in names:
            raise _foreign(output)
        output.remove(names)
        names = set()
    begun = output.read_object(MANIFEST) if MANIFEST in names else None
    if begun is None:
        if names:
            raise _foreign(output)
        moment = time.time() if now is None else now
        output.write_object(MANIFEST, {**described, "now": moment})
        return moment
    moment = float(begun.get("now", 0.0))
    wanted = {**described, "now": moment if now is None else now}
    if found := list(differences(begun, wanted)):
        more = f" and {len(found) - _SHOWN} more" if len(found) > _SHOWN else ""
        raise ValueError(
            f"{output.address} was begun by another run; it differs in {'; '.join(found[:_SHOWN])}{more}. Give "
            "what was given then to go on, or another --output, or --overwrite to begin anew."
        )
    return moment


def differences(begun: Any, wanted: Any, name: str = "") -> list[str]:
    """What differs between two values of JSON, each with both values."""
    if begun == wanted:
        return []
    if isinstance(begun, Mapping) and isinstance(wanted, Mapping):
        return [
            found
            for key in dict.fromkeys([*begun, *wanted])
            for found in differences(begun.get(key), wanted.get(key), f"{name}.{key}" if name else str(key))
        ]
    if name == "inputs":
        then, now = ({one["file"]: one for one in some} for some in (begun, wanted))
        return [
            f"the input {file} ({'changed' if file in then and file in now else 'new' if file in now else 'gone'})"
            for file in sorted({*then, *now})
            if then.get(file) != now.get(file)
        ]
    return [f"{name} (then {begun!r:.80}, now {wanted!r:.80})"]


def _foreign(output: Output) -> FileExistsError:
    return FileExistsError(
        f"{output.address} holds files but no {MANIFEST} of an annotation. Choose an empty or new folder."
    )
