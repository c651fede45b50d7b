"""Generators: read a post and selected hashtags and write the answer."""

from right_hf.generator.base import Generation, Generator
from right_hf.generator.seq2seq import Seq2SeqGenerator

__all__ = ["Generation", "Generator", "Seq2SeqGenerator"]
