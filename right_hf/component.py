"""Components: the parts of a checkpoint, and what each class says of itself; see [`right_hf.registry`]."""

from __future__ import annotations

import inspect
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar, Generic, Protocol, TypeVar

import huggingface_hub
from typing_extensions import Self, Unpack

from right_hf.checks import place
from right_hf.deferred import Deferred, made
from right_hf.holding import Occupant, occupants_of
from right_hf.hub.arguments import HubArguments, UploadArguments, hub_arguments, show_arguments
from right_hf.hub.origin import Origin, file_hashes, hub_folder, is_of_component
from right_hf.layout import config_file
from right_hf.persistence import atomic_folder, read_object, refuse_pickle, write_json

P = TypeVar("P")


class Trainer(Protocol):
    """How components of one type are trained.

    Attributes:
        settings: The dataclass of what a recipe may say of the component.
    """

    settings: type[Any]

    def train(self, job: Any) -> Any:
        """Trains a component and returns it; `job` is a [`right_hf.trainers.job.Job`]."""
        ...


def accepted_options(component: type[Component]) -> frozenset[str]:
    """The names of the options that `from_folder` of a component takes."""
    return frozenset(inspect.signature(component.from_folder).parameters) - {"folder"}


class Component:
    """A retriever, selector, generator or ranker: saved, loaded, pushed and pulled alone or as part of a checkpoint.

    A subclass sets `type` (its base class for the role sets `role`), and defines `settings`, `write` and `from_folder`.

    Attributes:
        role: "retriever", "selector", "generator" or "ranker".
        type: The name by which configurations and recipes ask for the class.
        origin: Where on the Hub it came from or was pushed to; None for one that has been on this machine only.
    """

    role: ClassVar[str]
    type: ClassVar[str]
    origin: Origin | None = None

    def __init_subclass__(cls, **arguments: Any) -> None:
        super().__init_subclass__(**arguments)
        if "from_folder" in vars(cls):

            def from_pretrained(
                cls: Any, /, pretrained_model_name_or_path: str | Path, *, subfolder: str | None = None, **options: Any
            ) -> Any:
                return cls._from_pretrained(pretrained_model_name_or_path, subfolder, options)

            from_pretrained.__doc__ = cls._from_pretrained.__doc__
            shown = show_arguments(from_pretrained, cls.from_folder, HubArguments, without=("hub",))
            cls.from_pretrained = classmethod(shown)  # type: ignore[assignment,method-assign]

    @property
    def settings(self) -> dict[str, Any]:
        """What its configuration says besides the type, as plain JSON."""
        return {}

    @property
    def parts(self) -> Mapping[str, Component]:
        """The components that it consists of, by name; none where it is not made of others."""
        return {}

    @property
    def networks(self) -> Sequence[Any]:
        """The `torch` modules that it computes with, which move with it from device to device."""
        return ()

    @classmethod
    def trainer(cls) -> Trainer:
        """How components of this type are trained.

        Raises:
            TypeError: They need no training, or it is not known.
        """
        raise TypeError(f"A {cls.role} of type {cls.type!r} is not trained. Make it in code and save it.")

    def write(self, folder: Path) -> None:
        """Writes its files, all but the configuration, into an existing folder."""

    def save_into(self, folder: Path) -> None:
        """Writes its files and the configuration into a folder that somebody else makes appear as a whole."""
        folder.mkdir(parents=True, exist_ok=True)
        self.write(folder)
        write_json(folder / config_file(self.role), {f"{self.role}_type": self.type, **self.settings})

    def occupants(self) -> dict[Path, Occupant]:
        """What of it is open on a folder, by where [`save_into`] writes it: each part into a folder of its name."""
        return occupants_of(self.parts)

    def save_pretrained(self, save_directory: str | Path) -> None:
        """Writes everything that `from_pretrained` needs into a folder, which appears whole or not at all.

        Raises:
            RuntimeError: Somebody else holds the folder for changes.
        """
        with atomic_folder(place(save_directory), self.occupants()) as folder:
            self.save_into(folder)

    @classmethod
    def from_folder(cls, folder: str | Path) -> Self:
        """Loads what `save_pretrained` wrote; a subclass may take options, which `from_pretrained` then takes too."""
        raise NotImplementedError

    @classmethod
    def saved_settings(cls, folder: Path) -> dict[str, Any]:
        """The settings in a folder's configuration, without the type; none where there is no configuration.

        Raises:
            ValueError: The configuration is damaged, or a file may hold pickled code.
        """
        refuse_pickle(folder)
        file = folder / config_file(cls.role)
        found = read_object(file) if file.is_file() else {}
        found.pop(f"{cls.role}_type", None)
        return found

    @classmethod
    def recognises(cls, folder: Path) -> bool:
        """Whether a folder without a configuration of ours holds a plain model that it can load."""
        return False

    @classmethod
    def from_pretrained(
        cls, pretrained_model_name_or_path: str | Path, *, subfolder: str | None = None, **options: Any
    ) -> Self:
        """See [`Component._from_pretrained`]; each subclass shows its own options besides."""
        return cls._from_pretrained(pretrained_model_name_or_path, subfolder, dict(options))

    @classmethod
    def _from_pretrained(cls, source: str | Path, subfolder: str | None, options: dict[str, Any]) -> Self:
        """Loads the component from a folder or the Hub.

        Args:
            source: A folder or a Hub id, of the component or of a whole checkpoint.
            subfolder: Where in it the component lies; found by default.
            options: `revision`, `token`, `cache_dir`, `local_files_only` and `force_download` for the Hub; the rest is
                the component's own, see `from_folder`.

        Raises:
            FileNotFoundError: A file, folder, repository or revision is missing.
            PermissionError: The token is wrong or lacks a right.
            ConnectionError: The Hub or the connection failed again and again.
            TypeError: An option is unknown.
            ValueError: A file is damaged or may hold pickled code, or it is of another type.
        """
        hub = hub_arguments(options)
        folder, origin = hub_folder(cls.role, source, subfolder, **hub)
        cls._check_type(source, folder)
        if "hub" in accepted_options(cls):
            options["hub"] = {name: value for name, value in hub.items() if name != "revision"}
        loaded = cls.from_folder(folder, **options)
        loaded.origin = origin
        return loaded

    @classmethod
    def _check_type(cls, source: str | Path, folder: Path) -> None:
        """Refuses a folder whose configuration names another type, of which this class would say that it is damaged."""
        file = folder / config_file(cls.role)
        named = read_object(file).get(f"{cls.role}_type", cls.type) if file.is_file() else cls.type
        if named != cls.type:
            raise ValueError(
                f"{source} holds a {cls.role} of type {named!r:.80}, and {cls.__name__} loads {cls.type!r}. Load "
                "the whole checkpoint (RightModel.from_pretrained), or the part by the class of its type."
            )

    def check_portable(self) -> None:
        """Makes sure that what is saved can be loaded on another machine.

        Raises:
            ValueError: A part of it lies on this machine only.
        """

    def push_to_hub(self, repo_id: str, **upload: Unpack[UploadArguments]) -> huggingface_hub.CommitInfo:
        """Uploads the component alone, in one commit; the repository is made if there is none.

        Files of an earlier component are replaced as a whole, whatever else is in the repository stays. A checkpoint
        can name it from then on: `model.push_to_hub(…, references=True)`.

        Args:
            repo_id: Where to.
            upload: See [`right_hf.hub.arguments.UploadArguments`].

        Returns:
            The commit: a string with its address, and `oid`, `pr_url` and more.

        Raises:
            ValueError: A part of it lies on this machine only, or a file holds an access token.
            FileNotFoundError, PermissionError, ConnectionError, OSError: See [`right_hf.hub.errors.explained`].
        """
        from right_hf.hub.errors import explained
        from right_hf.hub.push import push_folder

        self.check_portable()
        upload.setdefault("commit_message", f"Upload a {self.role}")
        with tempfile.TemporaryDirectory() as scratch:
            with explained(repo_id, upload.get("revision"), pushing=True):
                self.save_into(Path(scratch))
            commit = push_folder(scratch, repo_id, is_stale=is_of_component, **upload)
            if not upload.get("create_pr"):
                self.origin = Origin(repo_id, commit.oid, "", file_hashes(scratch))
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
                f"The {self.role} was never on the Hub, so it cannot be named. Push it first "
                f"(model.{self.role}.push_to_hub(…)), or leave it out of references."
            )
        origin, files = self.origin, self.origin.files
        with tempfile.TemporaryDirectory() as scratch:
            here, there = Path(scratch) / "here", Path(scratch) / "there"
            if files is None:
                place = {"subfolder": origin.subfolder, "revision": origin.revision}
                self.from_pretrained(origin.repo_id, **place, **hub).save_into(there)
                files = file_hashes(there)
            self.save_into(here)
            if file_hashes(here) != files:
                raise ValueError(
                    f"The {self.role} is no longer what {origin.repo_id} holds at {origin.revision}. Push it "
                    f"first ({self.role}.push_to_hub(…)), or leave it out of references to save it here."
                )
        return origin.entry()


show_arguments(Component.push_to_hub, UploadArguments)


class Part(Generic[P]):
    """A part of a model, perhaps loaded when it is asked for; assigning another one connects all parts anew."""

    def __set_name__(self, owner: type[Any], name: str) -> None:
        self.role = name

    def __get__(self, model: Any, owner: type[Any]) -> P:
        if model is None:
            raise AttributeError(f"Each {owner.__name__} has a {self.role} of its own.")
        part: P | Deferred[P] = model._parts[self.role]
        return made(part)

    def __set__(self, model: Any, part: P) -> None:
        model._assemble(**{self.role: part})
