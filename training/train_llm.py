r"""Tunes a decoder-only LLM as the generator with TRL, on prompts with the hashtags that the selector chooses.

With LoRA, where the recipe has `lora` under `generator`; the folder then holds the adapter and names its base:

    python training/train_llm.py --recipe training/configs/llm-lora.yaml --data DATA \
        --selector runs/tweets-en/selector --output runs/llm/right

The whole model, without `lora`; a tuning without retrieval, for comparison, without --selector:

    python training/train_llm.py --recipe training/configs/llm-full.yaml --data DATA --output runs/llm/plain

On several GPUs or machines it runs as it is:

    accelerate launch --config_file training/configs/accelerate/multi_gpu.yaml training/train_llm.py --recipe …

Then GRPO, from what was tuned; the reward is F1 against the gold hashtags (right_hf.trainers.rewards):

    python training/train_llm.py --recipe training/configs/llm-lora.yaml --data DATA \
        --selector runs/tweets-en/selector --grpo runs/llm/right --output runs/llm/right-grpo

The base may be a GGUF file or a package with one, as the Gemma 3 270M of training/configs/tweets-en-llm.yaml, which
learns on two cores. A recipe with `pretraining` (training/configs/smoke-llm.yaml) makes a tiny LLM of its own in the
folder --bases. A run that was stopped goes on where it was.
training/build_checkpoint.py makes a checkpoint of the result, as of any generator. Losses and scores go where
`report_to` in the recipe's `arguments` says (trackio, wandb, tensorboard).
"""

from recipes import train

if __name__ == "__main__":
    train("generator", __doc__)
