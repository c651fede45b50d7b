r"""Trains the selector.

python training/train_selector.py --recipe training/configs/tweets-en.yaml --data DATA \
        --output runs/tweets-en/selector
"""

from recipes import train

if __name__ == "__main__":
    train("selector", __doc__)
