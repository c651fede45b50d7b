r"""Trains the ranker.

python training/train_ranker.py --recipe training/configs/tweets-en.yaml --data DATA \
        --selector runs/tweets-en/selector --generator runs/tweets-en/generator --output runs/tweets-en/ranker
"""

from recipes import train

if __name__ == "__main__":
    train("ranker", __doc__)
