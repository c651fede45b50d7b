r"""Puts the parts of a checkpoint together.

    python training/build_checkpoint.py --recipe training/configs/tweets-en.yaml --data DATA \
        --selector runs/tweets-en/selector --generator runs/tweets-en/generator --output runs/tweets-en/checkpoint

--ranker takes a trained ranker; without it the linear one is fitted on the validation posts.
"""

from recipes import train

if __name__ == "__main__":
    train("checkpoint", __doc__)
