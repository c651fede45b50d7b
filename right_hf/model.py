"""The composite model: retriever, selector and generator, loaded, saved and run as one."""

from __future__ import annotations

import tempfile
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from huggingface_hub import CommitInfo
from torch import nn

from right_hf.component import component_folders, load_components
from right_hf.config import RightConfig, checkpoint_configuration
from right_hf.ranker import ClueFinder, FusionWeights, Recommendation, Scorer, Trace, TreeRanker, fuse
from right_hf.generator import Generator
from right_hf.hub.component import COMPONENTS, is_replaced, named_elsewhere
from right_hf.hub.errors import explained
from right_hf.hub.pull import HUB_ARGUMENTS, RECORDS, commit_of, fetch, remember
from right_hf.hub.push import push_folder
from right_hf.hub.shim import SHIM, SHIM_FILE
from right_hf.persistence import atomic_folder, keep_foreign_files
from right_hf.posts import Post, clean_post
from right_hf.precision import torch_dtype
from right_hf.retriever import LivingRetriever, Retriever
from right_hf.selector import BiEncoderSelector
from right_hf.stages import run_stages

#: What the Auto classes and pipeline() pass besides; none of it concerns a composite.
_PASSED_BY_TRANSFORMERS = ("trust_remote_code", "code_revision", "_from_auto", "_from_pipeline", "adapter_kwargs")
_GENERATOR_ARGUMENTS = ("send_posts_to", "merge", "quantization")
_KNOWN_ARGUMENTS = frozenset((*HUB_ARGUMENTS, *_PASSED_BY_TRANSFORMERS, *COMPONENTS, *_GENERATOR_ARGUMENTS))


class RightModel(nn.Module):
    """RIGHT: retrieval-augmented generation of mainstream hashtags (Fan et al., ECIR 2024).

    Args:
        config: How the components work together.
        retriever: Finds similar posts in a corpus.
        selector: Ranks their hashtags.
        generator: Reads post and hashtags and writes the answer.
        ranker: Orders written and retrieved hashtags; None for the configuration's `fusion`.
    """

    config_class = RightConfig
    base_model_prefix = "right"
    main_input_name = "posts"
    input_modalities = ("text",)
    output_modalities = ("text",)

    def __init__(
        self,
        config: RightConfig,
        retriever: Retriever,
        selector: BiEncoderSelector,
        generator: Generator,
        ranker: TreeRanker | None = None,
    ) -> None:
        super().__init__()
        self.config = config
        self.retriever = retriever
        self.selector = selector
        self.generator = generator
        self.ranker = ranker
        #: Files about the checkpoint, name to content, which are saved with it.
        self.records: dict[str, str] = {}
        self.weights = FusionWeights(**config.fusion) if config.fusion is not None else None
        #: Orders the pool; None for the paper's answer.
        self.scorer: Scorer | None = self.ranker if self.ranker is not None else self.weights
        self._clues = ClueFinder(retriever, selector, ranker.pool) if ranker is not None else None
        # Registered, so that to(), eval() and parameters() reach the networks.
        self.selector_network = selector.model
        self.generator_network: Any = getattr(generator, "model", None)
        self.retriever_network: Any = getattr(retriever, "encoder", None)
        self.selector.prepare(retriever.corpus.hashtags)
        self.eval()

    @property
    def device(self) -> torch.device:
        """The device of the generator, or the CPU where nothing has parameters."""
        return next((parameter.device for parameter in self.parameters()), torch.device("cpu"))

    @property
    def dtype(self) -> torch.dtype:
        """The dtype of the generator's weights."""
        network = self if self.generator_network is None else self.generator_network
        return next((parameter.dtype for parameter in network.parameters()), torch.float32)

    def can_generate(self) -> bool:
        """False: `generate` of transformers is the generator's business, not the composite's."""
        return False

    def trace(self, posts: Sequence[str], now: float | None = None, **generation: Any) -> list[Trace]:
        """Runs retriever, selector and generator on cleaned, non-empty posts, as one batch; see [`run_stages`]."""
        parts = (self.retriever, self.selector, self.generator)
        return run_stages(posts, self.config, *parts, self._clues, now, **generation)

    def recommend(
        self,
        posts: Sequence[str],
        top_k: int = 5,
        threshold: float = 0.0,
        generate_kwargs: Mapping[str, Any] | None = None,
        now: float | None = None,
    ) -> list[list[Recommendation]]:
        """Recommends hashtags for each post, as one batch.

        Args:
            posts: Raw posts; see [`right_hf.posts.clean_post`].
            top_k: At most so many hashtags a post.
            threshold: Only hashtags with at least this score, in [0, 1].
            generate_kwargs: Arguments of the generator's `generate`, for example `num_beams`.
            now: The time of the posts, in seconds since 1970, for a ranker that looks at what is in use at the moment;
                None for the present.

        Returns:
            For each post its hashtags, best first; an empty list for a post without readable text.

        Raises:
            TypeError: A post is not a string.
            ValueError: `top_k` or `threshold` is out of range.
        """
        if isinstance(posts, str):
            raise TypeError(f"recommend() takes a list of posts, got one string. Pass [{posts!r:.40}].")
        if not isinstance(top_k, int) or top_k < 1:
            raise ValueError(f"top_k must be at least 1 and whole, got {top_k!r}.")
        if not 0 <= threshold <= 1:
            raise ValueError(f"threshold must lie between 0 and 1, got {threshold}.")
        cleaned = [clean_post(post) for post in posts]
        readable = [post for post in cleaned if post]
        traces = iter(self.trace(readable, now, **(generate_kwargs or {})) if readable else ())
        results: list[list[Recommendation]] = []
        for post in cleaned:
            fused = fuse(next(traces), self.scorer) if post else []
            results.append([found for found in fused if found.score >= threshold][:top_k])
        return results

    def add(self, posts: Sequence[Post]) -> None:
        """Adds posts to the corpus while it serves, see [`BM25Retriever.add`]; their hashtags are embedded first."""
        self._prepared(posts).add(posts)

    def remove(self, ids: Collection[str]) -> None:
        """Removes posts from the corpus while it serves, see [`BM25Retriever.remove`]."""
        self._prepared(()).remove(ids)

    def update(self, posts: Sequence[Post]) -> None:
        """Replaces posts of the corpus while it serves, see [`BM25Retriever.update`]; new hashtags as with [`add`]."""
        self._prepared(posts).update(posts)

    def _prepared(self, posts: Sequence[Post]) -> LivingRetriever:
        """The retriever, if its corpus may change, with the hashtags of the posts embedded."""
        if not isinstance(self.retriever, LivingRetriever):
            raise TypeError(f"The corpus of a {type(self.retriever).__name__} cannot change. Use a BM25Retriever.")
        self.selector.prepare([hashtag for post in posts for hashtag in post.hashtags])
        return self.retriever

    def save_pretrained(self, save_directory: str | Path, *, references: bool | Collection[str] = False) -> None:
        """Writes the checkpoint with all its components; an existing one is replaced as a whole or not at all.

        Args:
            save_directory: A new folder, or one that holds a checkpoint.
            references: Components to name by repository and commit instead of writing them, see [`push_to_hub`].

        Raises:
            ValueError: A component to name is unknown, was never on the Hub, or has changed since.
        """
        self._save(Path(save_directory), named_elsewhere(self._components(), references))

    def _components(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in COMPONENTS if name != "ranker" or self.ranker is not None}

    def _save(self, directory: Path, references: Mapping[str, dict[str, str]]) -> None:
        own = {"ranker": {"subfolder": "ranker"}} if self.ranker is not None else {}
        config = RightConfig(**(self.config.to_dict() | {"components": own | dict(references)}))
        config.architectures = [type(self).__name__]
        with atomic_folder(directory) as folder:
            config.save_pretrained(folder)
            (folder / SHIM_FILE).write_text(SHIM, encoding="utf-8")
            for name, component in self._components().items():
                if name not in references:
                    component.save_pretrained(folder / name)
            if "retriever" not in references:
                self.selector.save_embeddings(folder / "retriever", self.retriever.corpus.hashtags)
            for name, content in self.records.items():
                (folder / name).parent.mkdir(exist_ok=True)
                (folder / name).write_text(content, encoding="utf-8")
            # Not the old checkpoint's training record and scores, which would say something untrue of the new one.
            keep_foreign_files(directory, folder, leave_out=(*COMPONENTS, "training.json", ".eval_results"))

    def push_to_hub(
        self,
        repo_id: str,
        *,
        references: bool | Collection[str] = False,
        commit_message: str | None = None,
        commit_description: str | None = None,
        private: bool | None = None,
        revision: str | None = None,
        create_pr: bool = False,
        token: str | bool | None = None,
    ) -> CommitInfo:
        """Uploads the checkpoint in one commit; the repository is made if there is none.

        The components in the repository are replaced as a whole, whatever else is in it stays. A push that fails or is
        killed leaves the repository as it was.

        Args:
            repo_id: Where to.
            references: Components that are named by repository and commit instead of being uploaded again: True for
                all that were loaded from the Hub or pushed there by themselves, or their names.
            commit_message: First line of the commit's message.
            commit_description: The rest of it.
            private: Whether a new repository is private; an existing one stays as it is.
            revision: Branch to commit to; made if there is none.
            create_pr: Opens a pull request instead.
            token: Of the user who pushes; by default the one of `hf auth login`.

        Returns:
            The commit: a string with its address, and `oid`, `pr_url` and more.

        Raises:
            ValueError: A component to name is unknown, was never on the Hub, or has changed since; a part of one lies
                on this machine only; or a file holds an access token.
            FileNotFoundError, PermissionError, ConnectionError, OSError: See [`right_hf.hub.errors.explained`].
        """
        entries = named_elsewhere(self._components(), references, target=repo_id, token=token)
        for name, component in self._components().items():
            if name not in entries:
                component.check_portable()
        with tempfile.TemporaryDirectory() as scratch:
            with explained(repo_id, revision, pushing=True):
                self._save(Path(scratch) / "checkpoint", entries)
            return push_folder(
                Path(scratch) / "checkpoint",
                repo_id,
                commit_message=commit_message or "Upload a RIGHT checkpoint",
                commit_description=commit_description,
                is_stale=is_replaced,
                private=private,
                revision=revision,
                create_pr=create_pr,
                token=token,
            )

    @classmethod
    def register_for_auto_class(cls, auto_class: str = "AutoModel") -> None:
        """Does nothing: transformers would copy modules into each checkpoint it saves after a load with remote code."""

    @classmethod
    def from_pretrained(
        cls,
        pretrained_model_name_or_path: str | Path,
        *,
        config: RightConfig | None = None,
        dtype: torch.dtype | str | None = None,
        device: str | torch.device = "cpu",
        **kwargs: Any,
    ) -> RightModel:
        """Loads a checkpoint from a folder or the Hub.

        Args:
            pretrained_model_name_or_path: A folder or a Hub id.
            config: Takes the place of the checkpoint's configuration.
            dtype: Of the generator's weights; "auto" and None mean float32, the fastest on a CPU.
            device: Where the networks go.
            kwargs: `revision`, `token`, `cache_dir`, `local_files_only`, `force_download` for the Hub; `retriever`,
                `selector`, `generator` or `ranker` name a folder or Hub id that takes the place of that component;
                `send_posts_to` names the server that may be sent posts (see
                [`right_hf.generator.ChatGenerator.from_folder`]); `merge` and `quantization` are those of
                [`right_hf.generator.DecoderGenerator.from_folder`].

        Raises:
            FileNotFoundError: A folder, file, repository or revision is missing, or not in the cache while the Hub is
                out of reach.
            PermissionError: The token is wrong or lacks a right, or the checkpoint would send posts to a server that
                was not named.
            ConnectionError: The Hub or the connection failed again and again.
            ValueError: A file is damaged, may hold pickled code, or names an unknown component.
        """
        if unknown := sorted(set(kwargs) - _KNOWN_ARGUMENTS):
            known = ", ".join((*HUB_ARGUMENTS, *COMPONENTS, *_GENERATOR_ARGUMENTS))
            raise TypeError(f"Unknown argument {unknown[0]!r}. Known: config, dtype, device, {known}.")
        source = str(pretrained_model_name_or_path)
        hub = {name: kwargs[name] for name in HUB_ARGUMENTS if kwargs.get(name) is not None}
        root = fetch(source, [], **hub)
        if (commit := commit_of(source, root)) is not None:
            hub["revision"] = commit  # so that all parts are of one revision
        config = config or checkpoint_configuration(source, root)
        found = component_folders(source, config, {name: kwargs.get(name) for name in COMPONENTS}, hub)
        remember(source, root, kwargs.get("revision"))
        settings = {name: value for name, value in hub.items() if name != "revision"}
        settings |= {"dtype": torch_dtype(dtype), "device": device}
        settings |= {name: kwargs[name] for name in _GENERATOR_ARGUMENTS if kwargs.get(name) is not None}
        model = cls(config, **load_components(found, settings))
        if model.retriever_network is not None:
            model.retriever_network.to(device)
        model.records = {name: (root / name).read_text(encoding="utf-8") for name in RECORDS if (root / name).is_file()}
        return model
