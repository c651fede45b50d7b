"""Our metrics during the training of an LLM: it writes hashtags for validation posts, on all processes together."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from accelerate.utils import gather_object
from trl.models import unwrap_model_for_generation

from right_hf.generator.decoder_format import DecoderFormat
from right_hf.trainers.completions import LeftPadding, completion_record
from right_hf.trainers.job import GeneratorExample
from right_hf.trainers.runs import f1_scores


class WrittenScores:
    """Micro F1@1 and F1@5 of the hashtags that a model in training writes, greedily.

    Args:
        form: How prompts are written and answers are read.
        examples: Posts with the hashtags beside them and gold.
    """

    def __init__(self, form: DecoderFormat, examples: Sequence[GeneratorExample]) -> None:
        self.form = form
        self.examples = examples

    def __call__(self, trainer: Any) -> dict[str, float]:
        """The scores, the same on every process; `trainer` holds the model."""
        return f1_scores(self.answers(trainer), [list(example.target) for example in self.examples])

    @torch.inference_mode()
    def answers(self, trainer: Any) -> list[list[str]]:
        """The hashtags written for each example."""
        rows = sorted(range(len(self.examples)), key=lambda row: -len(self.examples[row].post))
        size = trainer.args.per_device_eval_batch_size
        written: dict[int, list[str]] = {}
        # Each process gets as many rows, some of them twice: models in shards need all processes at every step.
        with (
            trainer.accelerator.split_between_processes(rows, apply_padding=True) as own,
            unwrap_model_for_generation(trainer.model_wrapped, trainer.accelerator) as model,
        ):
            training = model.training
            model.eval()
            pad = LeftPadding(self.form.padding, model)
            for start in range(0, len(own), size):
                written |= self._batch(model, pad, own[start : start + size])
            model.train(training)
        everyone = dict(gather_object(list(written.items())))
        return [everyone[row] for row in range(len(self.examples))]

    def _batch(self, model: Any, pad: LeftPadding, rows: Sequence[int]) -> dict[int, list[str]]:
        examples = [self.examples[row] for row in rows]
        batch = pad([completion_record(self.form.prompt(*example[:2]), []) for example in examples])
        prompts = {name: batch[name].to(model.device) for name in ("input_ids", "attention_mask")}
        outputs = model.generate(
            **prompts,
            do_sample=False,
            num_beams=1,
            max_new_tokens=self.form.max_target_length,
            eos_token_id=sorted(self.form.ends),
            pad_token_id=self.form.padding,
        )
        answers = outputs[:, prompts["input_ids"].shape[1] :].tolist()
        return {row: self.form.hashtags(ids) for row, ids in zip(rows, answers, strict=True)}


def kept_checkpoint(trainer: Any) -> Path:
    """The folder of the best checkpoint of a training, else of the last."""
    last = f"{trainer.args.output_dir}/checkpoint-{trainer.state.global_step}"
    return Path(trainer.state.best_model_checkpoint or last)
