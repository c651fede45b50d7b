"""Where on the Hub a component came from, and the files of a repository that a push replaces."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Collection
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

from right_hf.checks import place
from right_hf.hub.hashes import digest
from right_hf.hub.pull import EVAL_RESULTS, commit_of, fetch, remember
from right_hf.layout import ROLES, TRAINING_FILE, config_file

#: Files at the top of a component's repository that an earlier component may have left and a push replaces: those that
#: are saved here, and by transformers, peft, trl and sentence-transformers.
_REPLACED = (
    *map(config_file, ROLES),
    *("*.safetensors", "*.safetensors.index.json", "*.npy", "corpus.parquet", "journal.*", "trees.txt"),
    *("config.json", "generation_config.json", "adapter_config.json", "processor_config.json"),
    *("pytorch_model*.bin", "pytorch_model.bin.index.json", "adapter_model.bin", "training_args.bin"),
    *("modules.json", "config_sentence_transformers.json", "sentence_*_config.json"),
    *("tokenizer*.json", "special_tokens_map.json", "added_tokens.json", "chat_template.*"),
    *("vocab*", "merges.txt", "*.model"),
)
#: Folders inside a component: of an encoder, of tables, those in which sentence-transformers keeps the settings of
#: modules, and transformers further chat templates. Those of its parts show by the configurations in them.
_SUBFOLDER = re.compile(r"encoder|(posts|hashtags)\.lance|\d+_[A-Z]\w+|additional_chat_templates")


@dataclass(frozen=True)
class Origin:
    """Where on the Hub a component came from.

    Attributes:
        repo_id: The repository.
        revision: The commit.
        subfolder: The folder in it; "" for its top.
        files: Hashes of the files it was saved as, by name; None where they were never saved here.
    """

    repo_id: str
    revision: str
    subfolder: str = ""
    files: dict[str, str] | None = None

    def entry(self) -> dict[str, str]:
        """The origin as an entry of `components` in config.json."""
        return {"repo_id": self.repo_id, "revision": self.revision, "subfolder": self.subfolder}


def hub_folder(role: str, source: str | Path, subfolder: str | None = None, **hub: Any) -> tuple[Path, Origin | None]:
    """The folder of a component alone, and where on the Hub it came from (None for a folder on this machine).

    Args:
        role: One of [`right_hf.layout.ROLES`].
        source: A folder or Hub id, of the component or of a composite, of which only this component is fetched.
        subfolder: Where in it the component lies; by default in the folder of its role, else at the top.
        hub: See [`right_hf.hub.pull.fetch`].
    """
    source = place(source)
    others = [other for other in ROLES if other != role] if subfolder is None else []
    root = fetch(source, [subfolder or ""], leave_out=others, **hub)
    if subfolder is None:
        subfolder = role if (root / role).is_dir() else ""
    remember(source, root, hub.get("revision"))
    commit = commit_of(source, root)
    return root / subfolder, Origin(source, commit, subfolder) if commit is not None else None


def is_of_checkpoint(path: str, there: Collection[str] = ()) -> bool:
    """Whether a push of a checkpoint removes a file that it does not bring: it would say something untrue of it."""
    return path.partition("/")[0] in ROLES or path in (TRAINING_FILE, EVAL_RESULTS)


def is_of_component(path: str, there: Collection[str]) -> bool:
    """Whether a file of a repository, which holds the files `there`, belongs to the component that was there before."""
    folder, inside, _ = path.partition("/")
    if not inside:
        return any(fnmatch(path, pattern) for pattern in _REPLACED)
    return bool(_SUBFOLDER.fullmatch(folder)) or any(f"{folder}/{config_file(role)}" in there for role in ROLES)


def file_hashes(folder: str | Path) -> dict[str, str]:
    """SHA-256 of each file in a folder, by its path in it."""
    files = [path for path in Path(folder).rglob("*") if path.is_file()]
    return {path.relative_to(folder).as_posix(): digest(path, hashlib.sha256()) for path in files}
