r"""Trains the generator, or without --selector the baseline that reads posts alone.

    python training/train_generator.py --recipe training/configs/tweets-en.yaml --data DATA \
        --selector runs/tweets-en/selector --bases runs/tweets-en/bases --output runs/tweets-en/generator
    python training/train_generator.py --recipe training/configs/tweets-en.yaml --data DATA \
        --bases runs/tweets-en/bases --output runs/tweets-en/seq2seq

What starts from random weights (`pretraining` in the recipe) is pretrained first; --bases shares it between the two.
"""

from recipes import train

if __name__ == "__main__":
    train("generator", __doc__)
