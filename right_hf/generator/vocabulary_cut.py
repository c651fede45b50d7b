"""A decoder-only LLM with the tokens alone that some posts and their hashtags use: smaller, and quicker to write.

The matrix of a large vocabulary is most of a small LLM. What is left out cannot be written any more, and is read as
smaller pieces.
"""

from __future__ import annotations

import re
import tempfile
from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from itertools import chain
from pathlib import Path
from typing import Any

import torch

from right_hf.generator.decoder import DecoderGenerator
from right_hf.loading import load_tokenizer
from right_hf.persistence import read_object, write_json
from right_hf.posts import Post

_TOKENIZER, _SETTINGS = "tokenizer.json", "tokenizer_config.json"
#: Token ids in configurations.
_NAMED = ("bos_token_id", "eos_token_id", "pad_token_id", "unk_token_id")


def with_cut_vocabulary(generator: DecoderGenerator, posts: Iterable[Post]) -> DecoderGenerator:
    """A generator, its adapter merged, that knows what it needs for some posts; it reads these as before.

    It uses the generator up.

    Args:
        generator: With a tokenizer of byte-pair encoding or of unigrams.
        posts: Whose words it shall read, and whose hashtags, and write these.

    Raises:
        ValueError: The tokenizer is of another kind, or the weights are quantised.
    """
    generator = generator.merged()
    form = generator.format
    texts: set[str] = set()
    for post in posts:
        texts.update(form.chat.text(form.prompt_messages(post.text, offered)) for offered in (post.hashtags, ()))
        texts.add(form.chat.lead + form.completion_text(post.hashtags))
    read = generator.tokenizer(sorted(texts), return_attention_mask=False, verbose=False)["input_ids"] if texts else []
    used = {*form.ends, *form.separator, form.padding, *chain.from_iterable(read)}
    tokenizer, kept = _cut_tokenizer(generator.tokenizer, used)
    return generator.rebuilt(_cut_network(generator.network, kept), tokenizer)


def _cut_tokenizer(tokenizer: Any, used: Collection[int]) -> tuple[Any, list[int]]:
    """A tokenizer of the used tokens and those that they need, and what was the id of each of these before."""
    with tempfile.TemporaryDirectory() as folder:
        tokenizer.save_pretrained(folder)
        whole = read_object(Path(folder) / _TOKENIZER)
        kept = _cut_file(whole, {*used, *tokenizer.all_special_ids})
        write_json(Path(folder) / _TOKENIZER, whole, compact=True)
        settings = read_object(Path(folder) / _SETTINGS)
        settings.pop("added_tokens_decoder", None)  # older files say there what stands in the other
        write_json(Path(folder) / _SETTINGS, settings)
        return load_tokenizer(folder), kept


def _cut_file(whole: dict[str, Any], used: Collection[int]) -> list[int]:
    """Takes out of a `tokenizer.json` all that the used tokens do not need; returns the ids that are left."""
    model = whole["model"]
    if model["type"] not in ("BPE", "Unigram"):
        raise ValueError(f"A vocabulary of the kind {model['type']} cannot be cut. Known: BPE, Unigram.")
    is_list = isinstance(model["vocab"], list)
    ids = {piece: id_ for id_, (piece, _) in enumerate(model["vocab"])} if is_list else model["vocab"]
    is_byte = re.compile("<0x..>" if model.get("byte_fallback") else ".", re.DOTALL).fullmatch
    pieces = {piece for piece, id_ in ids.items() if id_ in used or is_byte(piece)}
    pieces = _merged_from(pieces, model["merges"]) if "merges" in model else pieces
    added = [token for token in whole["added_tokens"] if token["id"] in used]
    kept = sorted({ids[piece] for piece in pieces} | {token["id"] for token in added})
    numbers = {id_: number for number, id_ in enumerate(kept)}
    if is_list:
        model["vocab"] = [entry for id_, entry in enumerate(model["vocab"]) if id_ in numbers]
        model["unk_id"] = numbers.get(model.get("unk_id"))
    else:
        model["vocab"] = {piece: numbers[id_] for piece, id_ in ids.items() if id_ in numbers}
        model["merges"] = [pair for pair in model["merges"] if {*pair, "".join(pair)} <= pieces]
    whole["added_tokens"] = [{**token, "id": numbers[token["id"]]} for token in added]
    for token in ((whole["post_processor"] or {}).get("special_tokens") or {}).values():
        token["ids"] = [numbers[id_] for id_ in token["ids"]]
    return kept


def _merged_from(pieces: set[str], merges: Sequence[Sequence[str]]) -> set[str]:
    """Pieces, and all that any of them may be merged from on the way."""
    parts: dict[str, set[str]] = defaultdict(set)
    for left, right in merges:
        parts[left + right] |= {left, right}
    found, left_over = set(pieces), list(pieces)
    while left_over:
        new = parts[left_over.pop()] - found
        found |= new
        left_over.extend(new)
    return found


@torch.no_grad()
def _cut_network(network: Any, kept: Sequence[int]) -> Any:
    """The network with these rows of its embeddings alone, in their order."""
    rows = torch.tensor(kept, device=network.device)
    inputs, outputs = network.get_input_embeddings(), network.get_output_embeddings()
    weights = [module.weight[rows].clone() for module in (inputs, outputs)]
    bias = None if getattr(outputs, "bias", None) is None else outputs.bias[rows].clone()
    network.resize_token_embeddings(len(kept), mean_resizing=False)
    for module, weight in zip((network.get_input_embeddings(), network.get_output_embeddings()), weights, strict=True):
        module.weight.copy_(weight)
    if bias is not None:
        network.get_output_embeddings().bias.copy_(bias)
    numbers = {id_: number for number, id_ in enumerate(kept)}
    configs = (network.config, network.config.get_text_config(decoder=True), network.generation_config)
    for config in {id(config): config for config in configs}.values():  # the first two may be one
        for name in _NAMED:
            setattr(config, name, _renumbered(getattr(config, name, None), numbers))
    return network


def _renumbered(ids: Any, numbers: dict[int, int]) -> Any:
    if isinstance(ids, list):
        return [numbers[id_] for id_ in ids if id_ in numbers]
    return numbers.get(ids)
