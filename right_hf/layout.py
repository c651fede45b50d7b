"""How a checkpoint lies on disk: the roles of its parts, each in a folder and with a configuration of its own."""

from __future__ import annotations

#: The parts of a checkpoint; each lies in a subfolder of its name unless the configuration says otherwise.
ROLES = ("retriever", "selector", "generator", "ranker")
#: Those that a checkpoint cannot do without.
REQUIRED = ("retriever", "selector")
#: The record of a training, beside what it made.
TRAINING_FILE = "training.json"
#: The changes of an index since it was saved.
JOURNAL_FILE = "journal.jsonl"
#: Locked by whoever holds the folder of an index for changes.
LOCK_FILE = "journal.lock"


def config_file(role: str) -> str:
    """The file that names a part's type and settings."""
    return f"{role}_config.json"
