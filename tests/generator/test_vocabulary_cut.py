"""Generators that know the tokens alone which some posts use."""

from __future__ import annotations

import copy
from pathlib import Path

import pytest
import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors, trainers
from transformers import Gemma3ForCausalLM, Gemma3TextConfig, PreTrainedTokenizerFast

from right_hf.generator import DecoderGenerator
from right_hf.generator.vocabulary_cut import with_cut_vocabulary
from tests.conftest import CHINESE, ENGLISH

POSTS = [*ENGLISH[:3], *CHINESE[:1]]
EXAMPLES = [(post.text, tuple(post.hashtags), tuple(post.hashtags)) for post in POSTS]
CANDIDATES = [[*post.hashtags, "cloud"] for post in POSTS]


def byte_pairs(fallback: bool) -> PreTrainedTokenizerFast:
    """Bytes as Qwen has them, or characters with bytes for those that have no token as Gemma has them."""
    tokenizer = Tokenizer(models.BPE(unk_token="<unk>" if fallback else None, byte_fallback=fallback))
    special = ["<pad>", "<eos>", "<bos>", "<unk>"]
    if fallback:
        tokenizer.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme="never")
        tokenizer.decoder = decoders.Sequence([decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse()])
        initial, special = [], [*special, *(f"<0x{byte:02X}>" for byte in range(256))]
    else:
        tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
        tokenizer.decoder = decoders.ByteLevel()
        initial = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(
        vocab_size=1_500, special_tokens=special, initial_alphabet=initial, show_progress=False
    )
    tokenizer.train_from_iterator(
        [f"{post.text} #{' #'.join(post.hashtags)}\n" for post in [*ENGLISH, *CHINESE]], trainer
    )
    tokenizer.post_processor = processors.TemplateProcessing(
        single="<bos> $A", special_tokens=[("<bos>", tokenizer.token_to_id("<bos>"))]
    )
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, pad_token="<pad>", eos_token="<eos>", bos_token="<bos>", unk_token="<unk>"
    )


def gemma(fallback: bool) -> DecoderGenerator:
    tokenizer = byte_pairs(fallback)
    torch.manual_seed(0)
    config = Gemma3TextConfig(
        vocab_size=len(tokenizer) + 5, hidden_size=32, intermediate_size=64, num_hidden_layers=2, num_attention_heads=2,
        num_key_value_heads=1, head_dim=16, eos_token_id=tokenizer.eos_token_id, bos_token_id=tokenizer.bos_token_id,
        pad_token_id=tokenizer.pad_token_id,
    )  # fmt: skip
    return DecoderGenerator(Gemma3ForCausalLM(config), tokenizer, "en", "brief", 256, 8)


@pytest.fixture(params=["bytes", "characters", "unigrams"])
def whole(request: pytest.FixtureRequest, tiny_decoder: DecoderGenerator) -> DecoderGenerator:
    """A generator with each kind of tokenizer; the unigrams with and without a chat template."""
    if request.param == "unigrams":
        return tiny_decoder.rebuilt(copy.deepcopy(tiny_decoder.network), tiny_decoder.tokenizer)
    return gemma(request.param == "characters")


def scores(generator: DecoderGenerator) -> list[dict[str, float]]:
    """Log-likelihoods of hashtags."""
    texts, contexts = [post.text for post in POSTS], [context for _, context, _ in EXAMPLES]
    return [one.log_likelihoods for one in generator.generate(texts, contexts, CANDIDATES)]


def test_it_reads_as_before(whole: DecoderGenerator, tmp_path: Path) -> None:
    known = whole.tokenizer.get_vocab()
    network = copy.deepcopy(whole.network)
    cut = with_cut_vocabulary(whole, POSTS)
    assert len(cut.tokenizer) < len(known)
    assert cut.network.get_input_embeddings().weight.shape[0] == len(cut.tokenizer) == cut.network.config.vocab_size
    before = {number: known[token] for token, number in cut.tokenizer.get_vocab().items()}
    for post, context, hashtags in EXAMPLES:
        for offered in (context, []):
            assert [before[token] for token in cut.format.prompt(post, offered)] == whole.format.prompt(post, offered)
        assert [before[token] for token in cut.format.target(hashtags)] == whole.format.target(hashtags)
    ids = torch.tensor([cut.format.prompt(*EXAMPLES[0][:2])])
    rows = [before[number] for number in range(len(before))]
    with torch.inference_mode():
        expected = network(torch.tensor([whole.format.prompt(*EXAMPLES[0][:2])])).logits[0, -1, rows]
        torch.testing.assert_close(cut.network(ids).logits[0, -1], expected)
    cut.save_pretrained(tmp_path)
    loaded = DecoderGenerator.from_pretrained(tmp_path)
    assert scores(loaded) == [pytest.approx(one, abs=1e-4) for one in scores(cut)]


def test_what_is_left_out_is_read_as_smaller_pieces() -> None:
    cut = with_cut_vocabulary(gemma(fallback=True), POSTS)
    text = ENGLISH[7].text + " ☃"
    assert text in cut.tokenizer.decode(cut.format.prompt(text, []))
    assert cut.tokenizer.unk_token_id not in cut.format.prompt(text, [])


def test_other_tokenizers_are_refused(tiny_decoder: DecoderGenerator, monkeypatch: pytest.MonkeyPatch) -> None:
    words = Tokenizer(models.WordLevel({"<unk>": 0, "#": 1, "a": 2, " ": 3}, unk_token="<unk>"))
    monkeypatch.setattr(tiny_decoder, "tokenizer", PreTrainedTokenizerFast(tokenizer_object=words, unk_token="<unk>"))
    with pytest.raises(ValueError, match="WordLevel"):
        with_cut_vocabulary(tiny_decoder, [])
