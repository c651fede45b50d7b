"""A tuned LLM as a folder for a server such as vLLM, which then reads the very prompts that it was tuned with."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

from right_hf.generator.chat_template import PLAIN_ENDING, ChatTemplate
from right_hf.generator.decoder import DecoderGenerator

_NO_THINKING = "{%- set enable_thinking = false -%}"


def serving_template(tokenizer: Any) -> str:
    """A chat template with which a server makes the prompts of [`ChatTemplate`].

    The tokenizer's own is told not to think, which servers do not say. Where it has none, the plain prompt becomes one.
    """
    if tokenizer.chat_template is not None:
        own = str(tokenizer.chat_template)
        return _NO_THINKING + own if "enable_thinking" in own and not own.startswith(_NO_THINKING) else own
    chat, plain = ChatTemplate(tokenizer), tokenizer("a", add_special_tokens=False)["input_ids"]
    before = chat.encode("a")[: -len(plain)]  # a server adds no token of its own
    start, ending = "".join(tokenizer.convert_ids_to_tokens(before)), PLAIN_ENDING.replace("\n", "\\n")
    end = tokenizer.eos_token or ""
    return (
        f"{{{{- '{start}' }}}}{{%- for message in messages -%}}"
        f"{{%- if message.role == 'assistant' -%}}{{{{- '{ending} ' + message.content + '{end}' }}}}{{%- else -%}}"
        "{%- if not loop.first -%}{{- '\\n\\n' }}{%- endif -%}{{- message.content }}{%- endif -%}{%- endfor -%}"
        f"{{%- if add_generation_prompt -%}}{{{{- '{ending}' }}}}{{%- endif -%}}"
    )


def export_for_serving(generator: DecoderGenerator, folder: str | Path) -> None:
    """Writes the whole model, its adapter merged, with a chat template that makes the generator's own prompts.

    A chat generator with the same language and template (`ChatGenerator(HubChatClient(…, base_url=…), template=…)`)
    then asks the server what the generator would ask the model. The generator is used up if it has an adapter.

    Args:
        generator: The tuned LLM.
        folder: A new folder, or one that is replaced as a whole.
    """
    merged = generator.merged()
    tokenizer = copy.deepcopy(merged.tokenizer)
    tokenizer.chat_template = serving_template(tokenizer)
    merged.rebuilt(merged.network, tokenizer).save_pretrained(folder)
