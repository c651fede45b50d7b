"""A decoder-only LLM as the generator: Qwen, Llama, Gemma, SmolLM …, whole or as a LoRA adapter on its base."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar, TypeVar

import torch
from huggingface_hub import CommitInfo
from transformers import AutoTokenizer, GenerationConfig

from right_hf.generator.base import Generation
from right_hf.generator.decoder_base import (
    ADAPTER_CONFIG,
    Base,
    adapted,
    check_quantization,
    load_network,
    save_adapter,
)
from right_hf.generator.decoder_format import DecoderFormat
from right_hf.generator.decoder_scores import PromptReader, ReadPrompts
from right_hf.hub.component import HubComponent
from right_hf.hub.push import push_folder
from right_hf.persistence import read_object, write_json
from right_hf.precision import as_stored, note_stored, stored_dtype

CONFIG_FILE = "generator_config.json"
#: With these `generate` needs a cache of its own.
_OWN_CACHE = ("use_cache", "cache_implementation", "assistant_model", "prompt_lookup_num_tokens")
_Generator = TypeVar("_Generator", bound="DecoderGenerator")


class DecoderGenerator(HubComponent):
    """Writes hashtags for a post and its selected hashtags, and tells how likely it finds any hashtag.

    Args:
        model: A decoder-only model, or what peft made of one.
        tokenizer: Its tokenizer, with a chat template or without one.
        language: Of the prompt, "en" or "zh".
        template: Of the prompt, "paper" or "short"; the one that the model was tuned with.
        max_prompt_length: Tokens of a prompt; a longer post is cut.
        max_target_length: Tokens of an answer.
        base: What an adapter was tuned on; by default what transformers and peft noted of it.

    Raises:
        ValueError: The tokenizer has more tokens than the model, the lengths exceed the model's context, or the model
            keeps no keys and values (a state-space model).
    """

    component = "generator"
    generator_type: ClassVar[str] = "decoder"
    fetches_more = True

    def __init__(
        self,
        model: Any,
        tokenizer: Any,
        language: str = "en",
        template: str = "paper",
        max_prompt_length: int = 512,
        max_target_length: int = 64,
        base: Base | None = None,
    ) -> None:
        self.model = model.eval()
        self.is_adapted = hasattr(model, "get_base_model")
        #: The causal LM; the layers of an adapter are inside it.
        self.network: Any = model.get_base_model() if self.is_adapted else model
        self.base = base
        self.stored: torch.dtype | None = None
        self.tokenizer = tokenizer
        own = self.network.generation_config
        ends = own.eos_token_id if isinstance(own.eos_token_id, list) else [own.eos_token_id]
        rows = self.network.get_input_embeddings().weight.shape[0]
        ends = [end for end in ends if end is not None and end < rows]
        self.format = DecoderFormat(tokenizer, language, template, max_prompt_length, max_target_length, ends)
        self._check_sizes(rows)
        # A model's own sampling and penalties are for chats: a penalty on repeats would forbid the offered hashtags.
        self.network.generation_config = GenerationConfig(
            bos_token_id=own.bos_token_id,
            eos_token_id=sorted(self.format.ends),
            pad_token_id=self.format.padding,
            max_length=None,  # else transformers' default of 20 tokens disputes every max_new_tokens
        )
        self._reader = PromptReader(self.network, self.format)

    def _check_sizes(self, rows: int) -> None:
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

    @torch.inference_mode()
    def generate(
        self,
        posts: Sequence[str],
        contexts: Sequence[Sequence[str]],
        candidates: Sequence[Sequence[str]] | None = None,
        **generation: Any,
    ) -> list[Generation]:
        """Writes hashtags for each post and, if there are candidates, scores both.

        The prompt is read once. A hashtag's log-likelihood is that of being the first of the answer, its end included.

        Args:
            posts: Cleaned posts.
            contexts: The selected hashtags that go into each prompt.
            candidates: Further hashtags of each post to score; None for no scores at all.
            generation: Arguments of `model.generate`; of several returned sequences the hashtags are joined in order.
        """
        if not posts:
            return []
        texts = [self.format.prompt(*pair) for pair in zip(posts, contexts, strict=True)]
        if candidates is None:
            return [Generation(tags, {}) for tags in self._write(*self._reader.pad(texts), generation)]
        prompts = self._reader.read(texts)
        written = self._write(prompts.ids, prompts.mask, generation, prompts)
        pools = [list(dict.fromkeys([*tags, *more])) for tags, more in zip(written, candidates, strict=True)]
        scores = prompts.log_likelihoods(pools)
        return [
            Generation(tags, found, {tag: len(self.format.target([tag])) for tag in found})
            for tags, found in zip(written, scores, strict=True)
        ]

    def _write(
        self, ids: torch.Tensor, mask: torch.Tensor, generation: dict[str, Any], read: ReadPrompts | None = None
    ) -> list[list[str]]:
        """The hashtags that the model writes after each prompt (B, S), from what it has read of them, if it has."""
        settings: dict[str, Any] = {
            "do_sample": False,
            "num_beams": 1,
            "return_dict_in_generate": False,
            "eos_token_id": sorted(self.format.ends),
            "pad_token_id": self.format.padding,
        }
        if "max_length" not in generation:
            settings["max_new_tokens"] = self.format.max_target_length
        settings.update(generation)
        if read is not None and not any(settings.get(name) is not None for name in _OWN_CACHE):
            copies = max(settings["num_beams"], settings.get("num_return_sequences") or 1)
            settings["cache"] = read.cache(torch.arange(len(ids)).repeat_interleave(copies))
        outputs = self.network.generate(ids, attention_mask=mask, **settings)
        answers = outputs[:, ids.shape[1] :].tolist()
        per_post = len(answers) // len(ids)
        return [
            list(dict.fromkeys(tag for answer in answers[i : i + per_post] for tag in self.format.hashtags(answer)))
            for i in range(0, len(answers), per_post)
        ]

    def merged(self: _Generator) -> _Generator:
        """The same generator with the adapter worked into the weights: a plain model, as a server loads it.

        The adapted model is used up.
        """
        if not self.is_adapted:
            return self
        _refuse_quantized(self.network, "merge the adapter")
        stored = getattr(self.network, "stored_dtype", None)
        network = self.model.merge_and_unload(safe_merge=True)
        network.stored_dtype = stored
        return type(self)(network, self.tokenizer, **self.settings)

    def push_base_to_hub(self, repo_id: str, **upload: Any) -> CommitInfo:
        """Uploads the adapter's base, and names it there from now on; a folder of this machine serves nobody else.

        Args:
            repo_id: Where to.
            upload: `private`, `revision`, `commit_message`, `token`.

        Raises:
            ValueError: There is no adapter, or nobody noted what its base is.
        """
        base = self._named_base()
        commit = push_folder(base.folder(), repo_id, **{"commit_message": "Upload a base model"} | upload)
        self.base = Base(repo_id, commit.oid, base.fingerprint)
        return commit

    def _named_base(self) -> Base:
        if not self.is_adapted:
            raise ValueError("The generator is a whole model, which has no base. Push it itself: push_to_hub(…).")
        if self.base is None:
            self.base = Base.of_adapted(self.model)
        return self.base

    @property
    def settings(self) -> dict[str, Any]:
        """Language, template and lengths."""
        names = ("language", "template", "max_prompt_length", "max_target_length")
        return {name: getattr(self.format, name) for name in names}

    def check_portable(self) -> None:
        """See [`HubComponent.check_portable`]: an adapter is portable if its base lies on the Hub."""
        if self.is_adapted and (base := self._named_base()).revision is None:
            raise ValueError(
                f"The generator is an adapter for {base}, a folder of this machine, so nobody else could load it. Push "
                "the base first (generator.push_base_to_hub(…)), or push the generator merged (merge=True)."
            )

    def save_pretrained(self, folder: str | Path) -> None:
        """Writes the adapter with the name of its base, or else the whole model, and the tokenizer and settings."""
        folder = Path(folder)
        folder.mkdir(parents=True, exist_ok=True)
        config: dict[str, Any] = {"generator_type": self.generator_type, **self.settings}
        if self.is_adapted:
            base = self._named_base()
            save_adapter(self.model, folder, base, self.stored)
            config["base"] = base.entry()
        else:
            _refuse_quantized(self.network, "save the whole model")
            as_stored(self.network).save_pretrained(folder)
        self.tokenizer.save_pretrained(folder)
        write_json(folder / CONFIG_FILE, config)

    @classmethod
    def from_folder(
        cls: type[_Generator],
        folder: str | Path,
        dtype: torch.dtype = torch.float32,
        device: Any = "cpu",
        merge: bool = False,
        quantization: str | None = None,
        hub: dict[str, Any] | None = None,
    ) -> _Generator:
        """Loads what [`save_pretrained`] wrote, or any folder of a decoder-only model or of a LoRA adapter for one.

        Args:
            folder: Of a whole model, or of an adapter, whose base is then fetched at the commit that is recorded.
            dtype: Of the weights.
            device: Where they go.
            merge: Whether an adapter is worked into the weights: faster, but no longer an adapter when saved.
            quantization: "4bit" or "8bit": the weights of the model or the base are quantised while they are loaded.
            hub: `token`, `cache_dir`, `local_files_only`, `force_download` for the base.

        Raises:
            FileNotFoundError, PermissionError, ConnectionError: The base cannot be had.
            ImportError: peft or bitsandbytes is needed and not installed.
            ValueError: A file is missing or damaged, or the base is not the adapter's.
        """
        folder = Path(folder)
        if merge and quantization is not None:
            raise ValueError("merge and quantization exclude each other: merging needs the base in full precision.")
        check_quantization(quantization)
        settings = read_object(folder / CONFIG_FILE) if (folder / CONFIG_FILE).is_file() else {}
        settings.pop("generator_type", None)
        is_adapter, entry = (folder / ADAPTER_CONFIG).is_file(), settings.pop("base", None)
        base = Base.recorded(folder, entry) if is_adapter else None
        whole = base.folder(**(hub or {})) if base is not None else folder
        try:
            model: Any = load_network(whole, dtype, device, quantization)
            note_stored(model, whole)
            model = adapted(model, folder) if is_adapter else model
            has_tokenizer = (folder / "tokenizer_config.json").is_file() or (folder / "tokenizer.json").is_file()
            tokenizer = AutoTokenizer.from_pretrained(
                folder if has_tokenizer else whole, local_files_only=True, trust_remote_code=False
            )
            generator = cls(model, tokenizer, **settings, base=base)
        except ImportError:
            raise
        except Exception as error:  # a damaged file raises whatever its reader raises
            raise ValueError(
                f"{folder} holds no loadable decoder-only model ({type(error).__name__}: {error}). "
                "Save or download it again."
            ) from error
        if is_adapter:
            generator.stored = stored_dtype(folder)
        return generator.merged() if merge else generator


def _refuse_quantized(network: Any, what: str) -> None:
    if getattr(network, "is_quantized", False):
        raise ValueError(f"Quantised weights are not the model's own: to {what}, load it without quantization.")
