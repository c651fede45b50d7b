r"""Makes the retriever of a recipe.

python training/train_retriever.py --recipe training/configs/tweets-en.yaml --data DATA \
        --output runs/tweets-en/retriever
"""

from recipes import train

if __name__ == "__main__":
    train("retriever", __doc__)
