"""What makes a component of its own: retriever, selector, generator or ranker, pulled and pushed alone."""

from __future__ import annotations

import hashlib
import re
import tempfile
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path
from typing import Any, ClassVar, TypeVar

from huggingface_hub import CommitInfo

from right_hf.hub.errors import explained
from right_hf.hub.pull import EVAL_RESULTS, HUB_ARGUMENTS, commit_of, digest, fetch, remember
from right_hf.hub.push import push_folder

T = TypeVar("T", bound="HubComponent")

#: The parts of a checkpoint; each lies in a subfolder of its name unless the configuration says otherwise.
COMPONENTS = ("retriever", "selector", "generator", "ranker")
#: Those that a checkpoint need not have.
OPTIONAL = frozenset({"ranker"})

#: Files at the top of a component's repository that an earlier component may have left and a push replaces: those that
#: are saved here, and by transformers, peft, trl and sentence-transformers.
_REPLACED = (
    *(f"{name}_config.json" for name in COMPONENTS),
    *("*.safetensors", "*.safetensors.index.json", "*.npy", "corpus.parquet", "journal.jsonl", "trees.txt"),
    *("config.json", "generation_config.json", "adapter_config.json", "processor_config.json"),
    *("pytorch_model*.bin", "pytorch_model.bin.index.json", "adapter_model.bin", "training_args.bin"),
    *("modules.json", "config_sentence_transformers.json", "sentence_*_config.json"),
    *("tokenizer*.json", "special_tokens_map.json", "added_tokens.json", "chat_template.*"),
    *("vocab*", "merges.txt", "*.model"),
)
#: The folders of a hybrid retriever's parts, of a dense retriever's encoder, and those in which sentence-transformers
#: keeps the settings of modules and transformers further chat templates.
_SUBFOLDER = re.compile(r"bm25|dense|encoder|\d+_[A-Z]\w+|additional_chat_templates")


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


def hub_folder(name: str, source: str, subfolder: str | None = None, **hub: Any) -> tuple[Path, Origin | None]:
    """The folder of a component alone, and where on the Hub it came from (None for a folder on this machine).

    Args:
        name: "retriever", "selector", "generator" or "ranker".
        source: A folder or Hub id, of the component or of a composite, of which only this component is fetched.
        subfolder: Where in it the component lies; by default in the folder of its name, else at the top.
        hub: See [`right_hf.hub.pull.fetch`].
    """
    if subfolder is None:
        root = fetch(source, [""], leave_out=[other for other in COMPONENTS if other != name], **hub)
        subfolder = name if (root / name).is_dir() else ""
    else:
        root = fetch(source, [subfolder], **hub)
    remember(source, root, hub.get("revision"))
    commit = commit_of(source, root)
    return root / subfolder, Origin(source, commit, subfolder) if commit is not None else None


class HubComponent:
    """Mixin of a component: `from_pretrained` and `push_to_hub`, on top of `from_folder` and `save_pretrained`.

    Attributes:
        component: Which component it is: "retriever", "selector", "generator" or "ranker".
        fetches_more: Whether its folder may name a model elsewhere, so that `from_folder` takes arguments for the Hub.
        origin: Where on the Hub it came from or was pushed to; None for one that has been on this machine only.
    """

    component: ClassVar[str]
    fetches_more: ClassVar[bool] = False
    origin: Origin | None = None

    def save_pretrained(self, folder: str | Path) -> None:
        """Writes everything that `from_folder` needs into `folder`."""
        raise NotImplementedError

    @classmethod
    def from_folder(cls: type[T], *arguments: Any, **settings: Any) -> T:
        """Loads what `save_pretrained` wrote from a folder; `settings` are the component's own."""
        raise NotImplementedError

    @classmethod
    def from_pretrained(
        cls: type[T], pretrained_model_name_or_path: str | Path, *, subfolder: str | None = None, **settings: Any
    ) -> T:
        """Loads the component from a folder or the Hub.

        Args:
            pretrained_model_name_or_path: A folder or a Hub id, of the component or of a whole checkpoint.
            subfolder: Where in it the component lies; found by default.
            settings: `revision`, `token`, `cache_dir`, `local_files_only` and `force_download` for the Hub; the rest,
                such as `dtype` or `device`, goes to the component.

        Raises:
            FileNotFoundError: A file, folder, repository or revision is missing.
            PermissionError: The token is wrong or lacks a right.
            ConnectionError: The Hub or the connection failed again and again.
            ValueError: A file is damaged or may hold pickled code.
        """
        hub = {name: settings.pop(name) for name in HUB_ARGUMENTS if name in settings}
        folder, origin = hub_folder(cls.component, str(pretrained_model_name_or_path), subfolder, **hub)
        if cls.fetches_more:
            settings["hub"] = {name: value for name, value in hub.items() if name != "revision"}
        loaded = cls.from_folder(folder, **settings)
        loaded.origin = origin
        return loaded

    def check_portable(self) -> None:
        """Makes sure that what is saved can be loaded on another machine.

        Raises:
            ValueError: A part of it lies on this machine only.
        """

    def push_to_hub(
        self,
        repo_id: str,
        *,
        commit_message: str | None = None,
        commit_description: str | None = None,
        private: bool | None = None,
        revision: str | None = None,
        create_pr: bool = False,
        token: str | bool | None = None,
    ) -> CommitInfo:
        """Uploads the component alone, in one commit; the repository is made if there is none.

        Files of an earlier component are replaced as a whole, whatever else is in the repository stays. A composite
        can name it from then on: `model.push_to_hub(…, references=True)`.

        Returns:
            The commit: a string with its address, and `oid`, `pr_url` and more.

        Raises:
            ValueError: A part of it lies on this machine only, or a file holds an access token.
            FileNotFoundError, PermissionError, ConnectionError, OSError: See [`right_hf.hub.errors.explained`].
        """
        self.check_portable()
        with tempfile.TemporaryDirectory() as scratch:
            with explained(repo_id, revision, pushing=True):
                self.save_pretrained(scratch)
            commit = push_folder(
                scratch,
                repo_id,
                commit_message=commit_message or f"Upload a {self.component}",
                commit_description=commit_description,
                is_stale=_is_of_component,
                private=private,
                revision=revision,
                create_pr=create_pr,
                token=token,
            )
            if not create_pr:
                self.origin = Origin(repo_id, commit.oid, "", _hashes(scratch))
        return commit

    def reference(self, **hub: Any) -> dict[str, str]:
        """The entry in config.json that names the component's commit on the Hub.

        Args:
            hub: `token` and `cache_dir`, to compare with what lies there.

        Raises:
            ValueError: The component never was on the Hub, or has changed since.
        """
        if self.origin is None:
            raise ValueError(
                f"The {self.component} was never on the Hub, so it cannot be named. Push it first "
                f"(model.{self.component}.push_to_hub(…)), or leave it out of references."
            )
        origin, files = self.origin, self.origin.files
        with tempfile.TemporaryDirectory() as scratch:
            if files is None:
                there = self.from_pretrained(
                    origin.repo_id, subfolder=origin.subfolder, revision=origin.revision, **hub
                )
                there.save_pretrained(Path(scratch) / "there")
                files = _hashes(Path(scratch) / "there")
            self.save_pretrained(Path(scratch) / "here")
            if _hashes(Path(scratch) / "here") != files:
                raise ValueError(
                    f"The {self.component} is no longer what {origin.repo_id} holds at {origin.revision}. Push it "
                    f"first ({self.component}.push_to_hub(…)), or leave it out of references to save it here."
                )
        return origin.entry()


def named_elsewhere(
    components: Mapping[str, Any], wanted: bool | Collection[str], target: str | None = None, **hub: Any
) -> dict[str, dict[str, str]]:
    """The entries in config.json of those components of a composite that are named there instead of saved with it.

    Args:
        components: The composite's components by name.
        wanted: Names of components; True for all that came from the Hub or were pushed there, except from `target`.
        target: The repository that the composite is pushed to.
        hub: See [`HubComponent.reference`].

    Raises:
        ValueError: A component is unknown, was never on the Hub, or has changed since.
    """
    if isinstance(wanted, str):
        raise ValueError(f"references must be True, False or a list of components, got {wanted!r}.")
    entries: dict[str, dict[str, str]] = {}
    for name in tuple(components) if wanted is True else tuple(wanted or ()):
        if name not in components:
            raise ValueError(f"Unknown component {name!r} in references. Known: {', '.join(components)}.")
        origin = getattr(components[name], "origin", None)
        if wanted is True and (origin is None or origin.repo_id == target):
            continue
        entries[name] = components[name].reference(**hub)
    return entries


def is_replaced(path: str) -> bool:
    """Whether a push of a checkpoint removes a file that it does not bring: it would say something untrue of it."""
    return path.partition("/")[0] in COMPONENTS or path in ("training.json", EVAL_RESULTS)


def _is_of_component(path: str) -> bool:
    """Whether a file of a repository belongs to the component that was there before."""
    folder, _, name = path.rpartition("/")
    if not folder:
        return any(fnmatch(name, pattern) for pattern in _REPLACED)
    return bool(_SUBFOLDER.fullmatch(folder.partition("/")[0]))


def _hashes(folder: str | Path) -> dict[str, str]:
    """SHA-256 of each file in a folder, by its path in it."""
    root = Path(folder)
    return {
        path.relative_to(root).as_posix(): digest(path, hashlib.sha256()) for path in root.rglob("*") if path.is_file()
    }
