"""Licences of bases, and what some of them want to go along with everything that is derived from a model."""

from __future__ import annotations

from pathlib import Path

import yaml

from right_hf.persistence import write_text

#: Goes with weights that are derived from a base whose licence asks for a notice.
NOTICE_FILE = "NOTICE.txt"
_LLAMA = (
    "Llama {0} is licensed under the Llama {0} Community License, Copyright © Meta Platforms, Inc. All Rights Reserved."
)
#: The words that licences prescribe, by their name on the Hub.
_NOTICES = {
    "gemma": "Gemma is provided under and subject to the Gemma Terms of Use found at ai.google.dev/gemma/terms",
    **{f"llama{version}": _LLAMA.format(version) for version in ("3.1", "3.2", "3.3")},
}


def named_license(folder: Path) -> str | None:
    """The licence that a base's folder names in the head of its card; None where it names none."""
    try:
        _, head, _ = (folder / "README.md").read_text(encoding="utf-8").split("---\n", 2)
        entry = yaml.safe_load(head)
    except (OSError, ValueError, yaml.YAMLError):  # without a card, or one without a head
        return None
    named = entry.get("license_name") or entry.get("license") if isinstance(entry, dict) else None
    return named if isinstance(named, str) else None


def notice_of(license_name: str | None) -> str | None:
    """The words that a licence wants to go along; None where it wants none, or nobody knows it."""
    return _NOTICES.get(license_name or "")


def write_license(folder: Path, license_name: str) -> None:
    """Writes a card that names a licence into a folder, and the notice that it wants."""
    write_text(folder / "README.md", f"---\nlicense: {license_name}\n---\n")
    write_notice(folder, notice_of(license_name))


def write_notice(folder: Path, notice: str | None) -> None:
    """Writes a notice, where there is one, into a folder."""
    if notice is not None:
        write_text(folder / NOTICE_FILE, f"{notice}\n")


def saved_notice(folder: Path) -> str | None:
    """The notice that lies in a generator's folder; None without one."""
    file = folder / NOTICE_FILE
    return file.read_text(encoding="utf-8").strip() or None if file.is_file() else None
