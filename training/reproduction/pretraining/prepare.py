"""What a recipe starts from where it names nothing: made from the training posts, as its section `pretraining` says.

A recipe of `right_hf` names what its parts start from: `base` of the generator, `encoder` of selector and retriever.
Here it may have a section `pretraining` in the place of these names, by role:

    pretraining:
      selector: {dimensions: 128, vocabulary_size: 8000}    # static embeddings with random weights
      retriever: {dimensions: 256, vocabulary_size: 12000}  # the same for a dense retriever
      generator:                                            # a tokenizer, and a model of the generator's type
        vocabulary_size: 8000
        shape: {d_model: 128, …}                            # its sizes
        copying: {steps: 2500, batch_size: 64}              # it learns to copy hashtags before it sees a post

[`prepare`] makes these once, and gives the recipe back with their names in it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

from transformers import AutoTokenizer

from reproduction.pretraining.copying import CopyingRecipe, RehearsedExamples, pretrain_copying
from reproduction.pretraining.decoders import DecoderShape, decoder_from_scratch
from reproduction.pretraining.encoders import EncoderPretraining, static_encoder
from reproduction.pretraining.t5 import T5Shape, t5_from_scratch
from reproduction.pretraining.tokenizer import train_decoder_tokenizer, train_tokenizer
from right_hf.generator.prompt import HashtagFormat
from right_hf.layout import TRAINING_FILE
from right_hf.persistence import atomic_folder, write_json
from right_hf.posts import Post
from right_hf.provenance import provenance
from right_hf.trainers.job import ExtraExamples
from right_hf.trainers.pretrained import for_training
from right_hf.trainers.recipe import build_section, build_settings
from right_hf.trainers.runs import checkpoints_folder, claim_run

SECTION = "pretraining"
_ROLES = ("retriever", "selector", "generator")
#: Training arguments that say on what a run computes, not how it learns.
_WHERE = ("bf16", "fp16", "use_cpu", "dataloader_pin_memory", "dataloader_num_workers", "disable_tqdm", "report_to")
#: Settings of the generator that decide what its base becomes.
_OF_BASE = ("type", "max_source_length", "max_target_length", "template", "embedding_factor")


class Prepared(NamedTuple):
    """A recipe that names what its parts start from.

    Attributes:
        values: The recipe as plain values, without the section `pretraining`.
        extra_examples: Makes the copying examples that a T5 goes on with in fine-tuning; None where none are wanted.
    """

    values: dict[str, Any]
    extra_examples: ExtraExamples | None


@dataclass(frozen=True)
class GeneratorPretraining:
    """What is made for a generator.

    Attributes:
        vocabulary_size: Tokens of its tokenizer.
        shape: Sizes of its model, see [`T5Shape`] and [`DecoderShape`]; those of a SEGTRM stand under `generator`.
        copying: Settings of its pretraining, see [`CopyingRecipe`]; None for weights that stay random, as those of a
            decoder do.
    """

    vocabulary_size: int = 8000
    shape: dict[str, Any] = field(default_factory=dict)
    copying: dict[str, Any] | None = None


def prepare(
    values: Mapping[str, Any],
    posts: Sequence[Post],
    folder: Path,
    roles: Sequence[str] = _ROLES,
    seed: int | None = None,
) -> Prepared:
    """Makes what a recipe starts from, where it is not there yet, and names it in the recipe.

    Args:
        values: The recipe as plain values.
        posts: The training posts.
        folder: Where everything made lies, by role; a run that was stopped goes on there. Several trainings may share
            it, such as the generators with and without retrieval.
        roles: Whose start is made; the section's other parts are passed over.
        seed: Of random weights and examples made here; by default the recipe's.

    Raises:
        ValueError: The section is wrong, the recipe names a start besides, or `folder` holds one of other settings.
    """
    found = {name: dict(part) if isinstance(part, Mapping) else part for name, part in values.items()}
    section = found.pop(SECTION, None) or {}
    if not isinstance(section, Mapping) or (set(section) - set(_ROLES)):
        raise ValueError(f"`{SECTION}` must hold settings by role, {', '.join(_ROLES)}, got {section!r:.80}.")
    own = int(values.get("seed", 0))
    first = own if seed is None else seed
    extra = None
    for role in [role for role in _ROLES if role in section and role in roles]:
        part, name = found.setdefault(role, {}), "base" if role == "generator" else "encoder"
        if part.get(name) is not None:
            raise ValueError(f"The recipe has `{SECTION}` of the {role} and `{name}: {part[name]}` too. Leave one out.")
        if role == "generator":
            settings = build_settings(GeneratorPretraining, section[role], f"{SECTION}, {role}")
            base = _Base(build_section(role, part, role), settings, first, str(values.get("language", "en")))
            base.make(posts, folder / role)
            extra = base.rehearsal(posts, own)
        else:
            encoder = build_settings(EncoderPretraining, section[role], f"{SECTION}, {role}")
            _make_encoder(encoder, posts, first, folder / role)
            part["dimensions"] = None  # with any it would be distilled
        part[name] = str(folder / role)
    return Prepared(found, extra)


def _texts(posts: Sequence[Post]) -> list[str]:
    return [text for post in posts for text in (post.text, *post.hashtags)]


def _make_encoder(settings: EncoderPretraining, posts: Sequence[Post], seed: int, output: Path) -> None:
    identity = {**vars(settings), "seed": seed}
    claim_run(checkpoints_folder(output), identity)
    if not output.is_dir():
        tokenizer = train_tokenizer(_texts(posts), settings.vocabulary_size)
        with atomic_folder(output) as folder:
            encoder = static_encoder(tokenizer, settings.dimensions, seed)
            encoder.save_pretrained(str(folder), create_model_card=False)
            write_json(folder / TRAINING_FILE, provenance(identity, seed))


@dataclass(frozen=True)
class _Base:
    """What a generator starts from.

    Attributes:
        recipe: What the recipe says of the generator.
        settings: What it says of its pretraining.
        seed: Of the weights and the examples.
        language: Of a decoder's prompts.
    """

    recipe: Any
    settings: GeneratorPretraining
    seed: int
    language: str

    def identity(self) -> dict[str, Any]:
        """The settings that decide what it becomes; what is rehearsed of its copying later is none of them."""
        copying = self.settings.copying
        if copying is not None:
            copying = {name: value for name, value in copying.items() if name != "rehearsed"}
        settings = {name: getattr(self.recipe, name) for name in _OF_BASE if hasattr(self.recipe, name)}
        return {**vars(self.settings), **settings, "language": self.language, "copying": copying}

    def make(self, posts: Sequence[Post], output: Path) -> None:
        """Makes tokenizer and model; a run that was stopped goes on in `…-checkpoints` beside `output`."""
        checkpoints = checkpoints_folder(output)
        claim_run(checkpoints, self.identity())
        if output.is_dir():
            return
        origin = provenance(self.identity(), self.seed)
        tokenizer = self._tokenizer(posts, checkpoints / "tokenizer")
        model = self._drawn(tokenizer)
        log = (
            {}
            if model is None or self.settings.copying is None
            else self._copying(model, tokenizer, posts, checkpoints)
        )
        with atomic_folder(output) as folder:
            tokenizer.save_pretrained(folder)
            if model is not None:
                model.save_pretrained(folder)
            write_json(folder / TRAINING_FILE, {**origin, **log})

    def _tokenizer(self, posts: Sequence[Post], kept: Path) -> Any:
        if not kept.is_dir():  # weights of a stopped run belong to these very token ids
            train = train_decoder_tokenizer if self.recipe.type == "decoder" else train_tokenizer
            with atomic_folder(kept) as folder:
                train(_texts(posts), self.settings.vocabulary_size).save_pretrained(folder)
        return AutoTokenizer.from_pretrained(kept, local_files_only=True)

    def _drawn(self, tokenizer: Any) -> Any:
        """The model with random weights; None for a SEGTRM, whose training draws them."""
        if self.recipe.type == "decoder":
            return for_training(decoder_from_scratch(DecoderShape(**self.settings.shape), tokenizer, self.seed))
        if self.recipe.type == "seq2seq":
            return for_training(t5_from_scratch(T5Shape(**self.settings.shape), tokenizer, self.seed))
        return None

    def _copying(self, model: Any, tokenizer: Any, posts: Sequence[Post], checkpoints: Path) -> dict[str, Any]:
        """Teaches the model to copy; returns the Trainer's log."""
        recipe, copying = self.recipe, self.settings.copying or {}
        where = {name: recipe.arguments[name] for name in _WHERE if name in recipe.arguments}
        lengths = recipe.max_source_length, recipe.max_target_length
        if recipe.type != "seq2seq":
            raise ValueError(
                f"A {recipe.type} is not pretrained here: leave out `copying`, or name a pretrained `base`."
            )
        form, factor = HashtagFormat(tokenizer, *lengths), recipe.embedding_factor
        return pretrain_copying(model, form, posts, checkpoints, CopyingRecipe(**copying), where, self.seed, factor)

    def rehearsal(self, posts: Sequence[Post], seed: int) -> ExtraExamples | None:
        """What a T5 rehearses of its copying in a fine-tuning with this seed."""
        copying = self.settings.copying or {}
        if self.recipe.type != "seq2seq" or not copying.get("rehearsed"):
            return None
        return partial(_rehearsed, posts, CopyingRecipe(**copying), seed)


def _rehearsed(posts: Sequence[Post], recipe: CopyingRecipe, seed: int, form: HashtagFormat) -> RehearsedExamples:
    return RehearsedExamples.of_posts(posts, form, recipe, seed)
