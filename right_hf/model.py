"""The model: retriever, selector, generator and ranker, loaded, saved and run as one."""

from __future__ import annotations

import logging
import tempfile
from collections.abc import Collection, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import huggingface_hub
from typing_extensions import Unpack

import right_hf
from right_hf.checkpoint import LoadAndHubArguments, load_parts, named_elsewhere, part_places, sorted_arguments
from right_hf.checks import place, probability
from right_hf.component import Part
from right_hf.deferred import Deferred, made
from right_hf.embedded import embedded
from right_hf.forks import Lock, take_one_core_in_a_pool
from right_hf.generator.base import Generator
from right_hf.holding import occupants_of
from right_hf.hub.arguments import UploadArguments, show_arguments
from right_hf.hub.origin import is_of_checkpoint
from right_hf.hub.pull import RECORDS, commit_of, fetch, remember
from right_hf.hub.shim import SHIM, SHIM_FILE
from right_hf.layout import ROLES, TRAINING_FILE
from right_hf.networks import OnDevices
from right_hf.persistence import atomic_folder, keep_foreign_files
from right_hf.posts import Post, prepared
from right_hf.ranker.base import Ranker
from right_hf.ranker.linear import LinearRanker
from right_hf.ranker.records import Trace
from right_hf.recommender import Recommender
from right_hf.registration import register
from right_hf.retriever.base import Retriever, listed
from right_hf.selector.base import Selector
from right_hf.settings import Settings, checkpoint_settings
from right_hf.stages import Moments, Stages

logger = logging.getLogger(__name__)

#: Held while a model's configuration takes the place of its settings.
_CONFIGURING = Lock()


class _ConfigClass:
    """The class of a model's configuration, which takes transformers, so that it is imported when it is asked for."""

    def __get__(self, model: Any, owner: type[Any]) -> type[right_hf.RightConfig]:
        return right_hf.RightConfig


class RightModel(Recommender, OnDevices):
    """RIGHT: retrieval-augmented generation of mainstream hashtags (Fan et al., ECIR 2024).

    Each part can be replaced by assigning another one. It has what a transformers pipeline asks of a model.

    Args:
        config: How the parts work together.
        retriever: Finds similar posts in a corpus.
        selector: Ranks their hashtags.
        generator: Reads post and hashtags and writes the answer; None to do without.
        ranker: Orders written and retrieved hashtags; None for the paper's answer.
    """

    retriever = Part[Retriever]()
    selector = Part[Selector]()
    generator = Part[Generator | None]()
    ranker = Part[Ranker | None]()

    config_class = _ConfigClass()
    input_modalities = ("text",)

    def __init__(
        self,
        config: right_hf.RightConfig | Settings,
        retriever: Retriever,
        selector: Selector,
        generator: Generator | Deferred[Generator] | None = None,
        ranker: Ranker | None = None,
    ) -> None:
        if ranker is None and config.fusion is not None:
            ranker = LinearRanker(**config.fusion)
        self._config = config
        self._parts: dict[str, Any] = {}
        #: Files about the checkpoint, name to content, which are saved with it.
        self.records: dict[str, str] = {}
        self._assemble(retriever=retriever, selector=selector, generator=generator, ranker=ranker)

    def _assemble(self, **parts: Any) -> None:
        """Takes parts in, and connects all that there are."""
        if self._parts and parts.get("generator") is not None:
            self._config.generate_when = 1.0  # who gives a model another one wants it asked
        found = self._parts | parts
        self._stages = Stages(self._config, found["retriever"], found["selector"], found["generator"], found["ranker"])
        self._parts = found

    def __getstate__(self) -> dict[str, Any]:
        parts = {role: made(part) for role, part in self._parts.items()}
        # The configuration as it is once somebody has asked for it, so that a model that was used is pickled as before.
        state = vars(self) | {"_config": self.config, "_parts": parts}
        return {name: value for name, value in state.items() if name != "_stages"}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._assemble()  # a copy follows the changes of its own retriever
        take_one_core_in_a_pool()

    @property
    def config(self) -> right_hf.RightConfig:
        """How the parts work together; what is changed of it counts from the next post on."""
        with _CONFIGURING:
            if isinstance(self._config, Settings):
                self._config = self._stages.config = right_hf.RightConfig.of(self._config)
            return self._config

    def can_generate(self) -> bool:
        """False: `generate` of transformers is the generator's business, not the model's."""
        return False

    def trace(self, posts: Sequence[str], now: Moments = None, **generation: Any) -> list[Trace]:
        """Lets cleaned, non-empty posts go through the stages, as one batch; see [`right_hf.stages.Stages.run`]."""
        return self._stages.run(posts, now, **generation)

    def add(self, posts: Iterable[Post]) -> None:
        """Adds posts to the corpus while it serves, see [`BM25Retriever.add`]; their hashtags are embedded first."""
        self.retriever.add(self._embedded(posts))

    def remove(self, ids: Iterable[str]) -> None:
        """Removes posts from the corpus while it serves, see [`BM25Retriever.remove`]."""
        self.retriever.remove(listed(ids))

    def update(self, posts: Iterable[Post]) -> None:
        """Replaces posts of the corpus while it serves, see [`BM25Retriever.update`]; new hashtags as with [`add`]."""
        self.retriever.update(self._embedded(posts))

    def refresh(self) -> bool:
        """Takes up what other processes changed in a corpus that is shared with them, see [`Retriever.refresh`]."""
        known = len(self.retriever.corpus.hashtags_since(0))
        if found := self.retriever.refresh():
            self.selector.prepare(self.retriever.corpus.hashtags_since(known))
        return found

    def _embedded(self, posts: Iterable[Post]) -> list[Post]:
        """Posts whose hashtags the selector knows from now on."""
        new = [prepared(post) for post in listed(posts)]
        form = self.retriever.corpus.form
        self.selector.prepare([form(hashtag) for post in new for hashtag in post.hashtags])
        return new

    def save_pretrained(self, save_directory: str | Path, *, references: bool | Collection[str] = False) -> None:
        """Writes the checkpoint with all its parts; an existing one is replaced as a whole or not at all.

        A retriever that is open on its folder in the checkpoint is open on the new one from then on.

        Args:
            save_directory: A new folder, or one that holds a checkpoint.
            references: Parts to name by repository and commit instead of writing them, see [`push_to_hub`].

        Raises:
            RuntimeError: Somebody else holds the checkpoint's index for changes.
            ValueError: See [`right_hf.checkpoint.named_elsewhere`].
        """
        self._save(Path(place(save_directory)), named_elsewhere(self.parts, references))

    def _save(self, directory: Path, references: Mapping[str, dict[str, str]]) -> None:
        entries = {role: references.get(role, {"subfolder": role}) for role in self.parts}
        # The weights of `fusion` are those of the ranker, which is written as a part.
        config = right_hf.RightConfig(**(self.config.to_dict() | {"components": entries, "fusion": None}))
        config.architectures = [type(self).__name__]
        written = {role: part for role, part in self.parts.items() if role not in references}
        with atomic_folder(directory, occupants_of(written)) as folder:
            config.save_pretrained(folder)
            (folder / SHIM_FILE).write_text(SHIM, encoding="utf-8")
            for role, part in written.items():
                part.save_into(folder / role)
            if "retriever" not in references:
                self.selector.save_embeddings(folder / "retriever", self.retriever.corpus.hashtags)
            for name, content in self.records.items():
                (folder / name).parent.mkdir(exist_ok=True)
                (folder / name).write_text(content, encoding="utf-8")
            # Not the old checkpoint's training record and scores, which would say something untrue of the new one.
            keep_foreign_files(directory, folder, leave_out=(*ROLES, TRAINING_FILE, ".eval_results"))

    def push_to_hub(
        self, repo_id: str, *, references: bool | Collection[str] = False, **upload: Unpack[UploadArguments]
    ) -> huggingface_hub.CommitInfo:
        """Uploads the checkpoint in one commit; the repository is made if there is none.

        The parts in the repository are replaced as a whole, whatever else is in it stays. A push that fails or is
        killed leaves the repository as it was.

        Args:
            repo_id: Where to.
            references: Parts that are named by repository and commit instead of being uploaded again: True for all
                that were loaded from the Hub or pushed there by themselves, or their roles.
            upload: See [`right_hf.hub.arguments.UploadArguments`].

        Returns:
            The commit: a string with its address, and `oid`, `pr_url` and more.

        Raises:
            ValueError: See [`right_hf.checkpoint.named_elsewhere`]; or something of a part lies on this machine only,
                or a file holds an access token.
            FileNotFoundError, PermissionError, ConnectionError, OSError: See [`right_hf.hub.errors.explained`].
        """
        from right_hf.hub.errors import explained
        from right_hf.hub.push import push_folder

        entries = named_elsewhere(self.parts, references, target=repo_id, token=upload.get("token"))
        for role, part in self.parts.items():
            if role not in entries:
                part.check_portable()
        upload.setdefault("commit_message", "Upload a RIGHT checkpoint")
        with tempfile.TemporaryDirectory() as scratch:
            with explained(repo_id, upload.get("revision"), pushing=True):
                self._save(Path(scratch) / "checkpoint", entries)
            return push_folder(Path(scratch) / "checkpoint", repo_id, is_stale=is_of_checkpoint, **upload)

    @classmethod
    def register_for_auto_class(cls, auto_class: str = "AutoModel") -> None:
        """Does nothing: transformers would copy modules into each checkpoint it saves after a load with remote code."""

    @classmethod
    def from_pretrained(
        cls,
        pretrained_model_name_or_path: str | Path,
        *,
        config: right_hf.RightConfig | None = None,
        **arguments: Unpack[LoadAndHubArguments],
    ) -> RightModel:
        """Loads a checkpoint from a folder or the Hub.

        Args:
            pretrained_model_name_or_path: A folder, a Hub id, or the name of one that comes with the package.
            config: Takes the place of the checkpoint's configuration.
            arguments: See [`right_hf.checkpoint.LoadArguments`] and [`right_hf.hub.arguments.HubArguments`]; what no
                part of the checkpoint takes is an error.

        Raises:
            TypeError: An argument is unknown.
            ValueError: A file is damaged, may hold pickled code, or names an unknown component.
            PermissionError: The checkpoint would send posts to a server that was not named.
            FileNotFoundError, PermissionError, ConnectionError: See [`right_hf.hub.errors.explained`].
        """
        source = embedded(place(pretrained_model_name_or_path))
        hub, replacements, options = sorted_arguments(arguments)
        root = fetch(source, [], **hub)
        revision = hub.get("revision")
        if (commit := commit_of(source, root)) is not None:
            hub["revision"] = commit  # so that all parts are of one revision
        settings: Settings | right_hf.RightConfig = config or checkpoint_settings(source, root)
        if (generate_when := options.pop("generate_when", None)) is not None:
            settings.generate_when = probability(generate_when, "generate_when")
        elif replacements["generator"]:
            settings.generate_when = 1.0  # who names one wants it asked
        found = part_places(source, settings.components, replacements, hub)
        remember(source, root, revision)
        options["hub"] = {name: value for name, value in hub.items() if name != "revision"}
        if replacements["ranker"] is False:
            settings.fusion = None
        later = ("generator",) if settings.generate_when == 0 else ()
        parts = load_parts(found, options, later)
        asks_none = settings.generate_when == 0 or "generator" not in parts
        if asks_none and "generator" in settings.components and "ranker" in parts and parts["ranker"].needs_generator:
            logger.warning(
                "The ranker of %s was trained with its generator and orders worse without it. Give one that was "
                "trained without, or ranker=False (--no-ranker).",
                source,
            )
        model = cls(settings, **parts)
        model.records = {name: (root / name).read_text(encoding="utf-8") for name in RECORDS if (root / name).is_file()}
        return model


show_arguments(RightModel.push_to_hub, UploadArguments)
show_arguments(RightModel.from_pretrained.__func__, LoadAndHubArguments)  # type: ignore[attr-defined]
register(__name__)
