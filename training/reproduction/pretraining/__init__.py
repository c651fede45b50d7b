"""Pretraining from random weights: tokenizers, small models that learn to copy, static encoders."""

from reproduction.pretraining.prepare import SECTION, Prepared, prepare

__all__ = ["SECTION", "Prepared", "prepare"]
