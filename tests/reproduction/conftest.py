"""Fixtures of the experiments alone."""

from tests.support.tiny_segtrm import bert_encoder, segtrm_generator, segtrm_tokenizer

__all__ = ["bert_encoder", "segtrm_generator", "segtrm_tokenizer"]
