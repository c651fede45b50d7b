"""A decoder-only LLM as the generator: Qwen, Llama, Gemma, SmolLM …, whole or as a LoRA adapter on its base."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from huggingface_hub import CommitInfo
from transformers import DynamicCache, GenerationConfig
from typing_extensions import Self, Unpack

from right_hf.component import Trainer
from right_hf.generator.chat_prompts import Shot
from right_hf.generator.decoder_base import Base, adapted, check_quantization, load_network, save_adapter
from right_hf.generator.decoder_format import DecoderFormat
from right_hf.generator.decoder_scores import ReadPrompts
from right_hf.generator.engine import check_engine
from right_hf.generator.licenses import saved_notice, write_notice
from right_hf.generator.network import NetworkGenerator
from right_hf.hub.arguments import UploadArguments
from right_hf.hub.push import push_folder
from right_hf.loading import ADAPTER_CONFIG, damage_named, is_decoder, load_tokenizer, network_of
from right_hf.precision import save_network, stored_dtype


class DecoderGenerator(NetworkGenerator):
    """Writes hashtags for a post and its selected hashtags, and tells how likely it finds any hashtag.

    Args:
        model: A decoder-only model, or what peft made of one.
        tokenizer: Its tokenizer, with a chat template or without one.
        language: Of the prompt, "en" or "zh".
        template: Of the prompt, "paper", "short" or "brief"; the one that the model was tuned with.
        max_prompt_length: Tokens of a prompt; a longer post is cut.
        max_target_length: Tokens of an answer.
        base: What an adapter was tuned on; by default what transformers and peft noted of it.
        shots: Examples in every prompt, for a model that was not tuned; each a post, the hashtags beside it and the
            answer.

    Raises:
        ValueError: The tokenizer has more tokens than the model, the lengths exceed the model's context, or the model
            keeps no keys and values (a state-space model).
    """

    type = "decoder"

    def __init__(
        self,
        model: Any,
        tokenizer: Any,
        language: str = "en",
        template: str = "paper",
        max_prompt_length: int = 512,
        max_target_length: int = 64,
        base: Base | None = None,
        shots: Sequence[Shot] = (),
    ) -> None:
        self.model = model.eval()
        self.is_adapted = hasattr(model, "get_base_model")
        #: The causal LM; the layers of an adapter are inside it.
        self.network: Any = network_of(model)
        self.base = base
        #: What the base's licence wants to go along; also once an adapter was merged.
        self.notice = None if base is None else base.notice
        self.stored: torch.dtype | None = None
        self.tokenizer = tokenizer
        own = self.network.generation_config
        ends = own.eos_token_id if isinstance(own.eos_token_id, list) else [own.eos_token_id]
        rows = self.network.get_input_embeddings().weight.shape[0]
        ends = [end for end in ends if end is not None and end < rows]
        self.format = DecoderFormat(tokenizer, language, template, max_prompt_length, max_target_length, ends, shots)
        self._check_network(rows)
        # A model's own sampling and penalties are for chats: a penalty on repeats would forbid the offered hashtags.
        self.network.generation_config = GenerationConfig(
            bos_token_id=own.bos_token_id,
            eos_token_id=sorted(self.format.ends),
            pad_token_id=self.format.padding,
            max_length=None,  # else transformers' default of 20 tokens disputes every max_new_tokens
        )

    def _check_network(self, rows: int) -> None:
        if len(self.tokenizer) > rows:
            raise ValueError(
                f"The tokenizer has {len(self.tokenizer)} tokens, the model has embeddings of {rows}. Use the model's "
                "own tokenizer, or resize the embeddings and tune and save them too."
            )
        config = self.network.config.get_text_config(decoder=True)
        context = getattr(config, "max_position_embeddings", None)
        wanted = self.format.max_prompt_length + self.format.max_target_length
        if context is not None and wanted > context:
            raise ValueError(
                f"max_prompt_length + max_target_length = {wanted} exceeds the model's context of {context} tokens. "
                "Give less."
            )
        if not all(hasattr(layer, "batch_select_indices") for layer in DynamicCache(config=config).layers):
            raise ValueError(f"A {type(self.network).__name__} keeps no keys and values to score hashtags with.")

    @classmethod
    def trainer(cls) -> Trainer:
        """Fine-tuning with LoRA or of all weights, and GRPO."""
        from right_hf.trainers.llm import LlmTraining

        return LlmTraining()

    def _prompt(self, post: str, hashtags: Sequence[str]) -> list[int]:
        prompt: list[int] = self.format.prompt(post, hashtags)
        return prompt

    def _read(self, prompts: Sequence[Sequence[int]], scoring: bool) -> ReadPrompts:
        return ReadPrompts(self.network, self.format, prompts, scoring)

    def merged(self) -> Self:
        """The same generator with the adapter worked into the weights: a plain model, as a server loads it.

        The adapted model is used up.
        """
        if not self.is_adapted:
            return self
        _refuse_quantized(self.network, "merge the adapter")
        return self.rebuilt(self.model.merge_and_unload(safe_merge=True), self.tokenizer)

    def rebuilt(self, model: Any, tokenizer: Any) -> Self:
        """A generator with the same settings, and the same notice, around a whole model and its tokenizer."""
        generator = type(self)(model, tokenizer, **self.format.settings)
        generator.notice = self.notice
        return generator

    def push_base_to_hub(self, repo_id: str, **upload: Unpack[UploadArguments]) -> CommitInfo:
        """Uploads the adapter's base, and names it there from now on; a folder of this machine serves nobody else.

        Args:
            repo_id: Where to.
            upload: See [`right_hf.hub.arguments.UploadArguments`].

        Raises:
            ValueError: There is no adapter, or nobody noted what its base is.
        """
        base = self._named_base()
        upload.setdefault("commit_message", "Upload a base model")
        commit = push_folder(base.folder(), repo_id, **upload)
        self.base = replace(base, source=repo_id, revision=commit.oid)
        return commit

    def _named_base(self) -> Base:
        if not self.is_adapted:
            raise ValueError("The generator is a whole model, which has no base. Push it itself: push_to_hub(…).")
        if self.base is None:
            self.base = Base.of_adapted(self.model)
        return self.base

    @property
    def settings(self) -> dict[str, Any]:
        """Language, template and lengths, and of an adapter its base."""
        return super().settings | ({"base": self._named_base().entry} if self.is_adapted else {})

    def check_portable(self) -> None:
        """See [`Component.check_portable`]: an adapter is portable if its base lies on the Hub."""
        if self.is_adapted and (base := self._named_base()).revision is None:
            raise ValueError(
                f"The generator is an adapter for {base}, a folder of this machine, so nobody else could load it. Push "
                "the base first (generator.push_base_to_hub(…)), or push the generator merged (merge=True)."
            )

    def write(self, folder: Path) -> None:
        """Writes the adapter with the name of its base, or else the whole model; the tokenizer, and any notice."""
        if self.is_adapted:
            save_adapter(self.model, folder, self._named_base(), self.stored)
        else:
            _refuse_quantized(self.network, "save the whole model")
            save_network(self.network, folder)
        self.tokenizer.save_pretrained(folder)
        write_notice(folder, self.notice)

    @classmethod
    def recognises(cls, folder: Path) -> bool:
        """Whether a folder holds a plain decoder-only model, or an adapter for one."""
        return is_decoder(folder)

    @classmethod
    def from_folder(  # noqa: PLR0913
        cls,
        folder: str | Path,
        dtype: torch.dtype | str = "auto",
        device: Any = "cpu",
        device_map: Any = None,
        merge: bool = False,
        quantization: str | None = None,
        hub: dict[str, Any] | None = None,
        engine: str | None = None,
        compute_type: str | None = None,
    ) -> Self:
        """Loads what [`save_pretrained`] wrote, or any folder of a decoder-only model or of a LoRA adapter for one.

        Args:
            folder: Of a whole model, or of an adapter, whose base is then fetched at the commit that is recorded.
            dtype: Of the weights; "auto" for the checkpoint's own.
            device: Where they go.
            device_map: Where each part of the network goes instead, as transformers takes it ("auto" spreads it over
                all that the machine has); `generator.model.hf_device_map` then says where they are.
            merge: Whether an adapter is worked into the weights: faster, but no longer an adapter when saved.
            quantization: "4bit" or "8bit": the weights of the model or the base are quantised while they are loaded.
            hub: `token`, `cache_dir`, `local_files_only`, `force_download` for the base.
            engine: What writes, see [`NetworkGenerator.use_engine`]; an adapter is merged for it, and stays one here.
            compute_type: Of the engine.

        Raises:
            FileNotFoundError, PermissionError, ConnectionError: The base cannot be had.
            ImportError: peft, bitsandbytes or the engine is needed and not installed.
            ValueError: A file is missing or damaged, the base is not the adapter's, or the engine cannot run the model.
        """
        check_engine(engine)
        folder = Path(folder)
        if merge and quantization is not None:
            raise ValueError("merge and quantization exclude each other: merging needs the base in full precision.")
        check_quantization(quantization)
        settings = cls.saved_settings(folder)
        is_adapter, entry = (folder / ADAPTER_CONFIG).is_file(), settings.pop("base", None)
        base = Base.recorded(folder, entry) if is_adapter else None
        whole = base.folder(**(hub or {})) if base is not None else folder
        with damage_named(folder, "decoder-only model"):
            model = load_network(whole, dtype, device, quantization, device_map)
            model = adapted(model, folder) if is_adapter else model
            has_tokenizer = (folder / "tokenizer_config.json").is_file() or (folder / "tokenizer.json").is_file()
            tokenizer = load_tokenizer(folder if has_tokenizer else whole)
            generator = cls(model, tokenizer, **settings, base=base)
            generator.stored = stored_dtype(folder) if is_adapter else None
            generator.notice = generator.notice or saved_notice(folder)
        generator = generator.merged() if merge else generator
        generator.use_engine(engine, compute_type)
        return generator


def _refuse_quantized(network: Any, what: str) -> None:
    if getattr(network, "is_quantized", False):
        raise ValueError(f"Quantised weights are not the model's own: to {what}, load it without quantization.")
