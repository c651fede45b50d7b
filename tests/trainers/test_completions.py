"""Left-padded prompts with completions, and their loss against TRL's own."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from datasets import Dataset
from transformers import GPT2Config, GPT2LMHeadModel, LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast
from trl import SFTConfig, SFTTrainer

from right_hf.trainers.completions import (
    IGNORED,
    CompletionLoss,
    LeftPadding,
    completion_log_probs,
    completion_record,
)

RECORDS = [completion_record([5, 6, 7, 8], [9, 1]), completion_record([5], [7, 8, 9, 1])]


def llama() -> LlamaForCausalLM:
    torch.manual_seed(0)
    sizes = {"hidden_size": 16, "intermediate_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2}
    return LlamaForCausalLM(LlamaConfig(vocab_size=300, **sizes))


def test_padding_comes_first() -> None:
    batch = LeftPadding(0, llama())(RECORDS)
    assert batch["input_ids"].tolist() == [[5, 6, 7, 8, 9, 1], [0, 5, 7, 8, 9, 1]]
    assert batch["attention_mask"].tolist() == [[1] * 6, [0, 1, 1, 1, 1, 1]]
    assert batch["labels"].tolist() == [[IGNORED] * 4 + [9, 1], [IGNORED] * 2 + [7, 8, 9, 1]]
    assert batch["position_ids"].tolist() == [[0, 1, 2, 3, 4, 5], [0, 0, 1, 2, 3, 4]]


def test_a_first_token_has_nothing_to_be_predicted_from() -> None:
    assert completion_record([], [5, 6, 1])["labels"] == [IGNORED, 6, 1]
    assert completion_record([5], [6, 1])["labels"] == [IGNORED, 6, 1]


@pytest.mark.parametrize("accumulated", [1, 2])
def test_the_loss_is_that_of_trl(accumulated: int, decoder_tokenizer: PreTrainedTokenizerFast, tmp_path: Path) -> None:
    """Over one step, whose gradients TRL's trainer, with right padding and all logits, computes too."""

    def trained(kind: type[Any], **settings: Any) -> tuple[float, dict[str, torch.Tensor]]:
        config = SFTConfig(
            output_dir=str(tmp_path / kind.__name__),
            per_device_train_batch_size=2 // accumulated,
            gradient_accumulation_steps=accumulated,
            max_steps=1,
            learning_rate=0.01,
            lr_scheduler_type="constant",
            optim="sgd",
            logging_steps=1,
            bf16=False,
            use_cpu=True,
            disable_tqdm=True,
            report_to="none",
            save_strategy="no",
        )
        data = Dataset.from_list(RECORDS)
        trainer = kind(model=llama(), args=config, train_dataset=data, processing_class=decoder_tokenizer, **settings)
        trainer.train()
        return trainer.state.log_history[0]["loss"], dict(trainer.model.state_dict())

    class OnlyCompletions(CompletionLoss, SFTTrainer):
        pass

    loss, weights = trained(OnlyCompletions, data_collator=LeftPadding(0, llama()))
    expected_loss, expected = trained(SFTTrainer)
    assert loss == pytest.approx(expected_loss, rel=1e-4)
    assert any((weights[name] - before).abs().max() > 1e-6 for name, before in llama().state_dict().items())
    for name, tensor in expected.items():
        torch.testing.assert_close(weights[name], tensor, rtol=1e-4, atol=1e-6)


def test_positions_are_those_of_generation() -> None:
    """A model with absolute positions must not see the padding as the beginning."""
    torch.manual_seed(0)
    model = GPT2LMHeadModel(GPT2Config(vocab_size=300, n_embd=16, n_layer=1, n_head=2)).eval()
    pad = LeftPadding(0, model)
    together, alone = pad(RECORDS), pad(RECORDS[1:])
    with torch.inference_mode():
        logits = [
            model(**{k: v for k, v in batch.items() if k != "labels"}).logits[-1, -4:] for batch in (together, alone)
        ]
    torch.testing.assert_close(logits[0], logits[1])


def test_log_probs_of_completions_are_those_of_all_logits() -> None:
    """Of prompts padded on the left with completions padded on the right, as each alone without padding."""
    torch.manual_seed(0)
    model = GPT2LMHeadModel(GPT2Config(vocab_size=300, n_embd=16, n_layer=1, n_head=2)).eval()
    ids = torch.tensor([[5, 6, 7, 8, 9, 1], [0, 5, 7, 8, 1, 0]])
    mask = torch.tensor([[1, 1, 1, 1, 1, 1], [0, 1, 1, 1, 1, 0]])
    found, entropies = completion_log_probs(model, model, ids, mask, length=3, temperature=0.5)
    for row, (whole, drawn) in enumerate((([5, 6, 7, 8, 9, 1], 3), ([5, 7, 8, 1], 2))):
        logits = model(torch.tensor([whole])).logits[0, -drawn - 1 : -1] / 0.5
        expected = torch.distributions.Categorical(logits=logits)
        torch.testing.assert_close(found[row, :drawn], expected.log_prob(torch.tensor(whole[-drawn:])))
        torch.testing.assert_close(entropies[row, :drawn], expected.entropy())
    assert found[1, 2] == entropies[1, 2] == 0
    assert found.requires_grad and not entropies.requires_grad
