"""SEGTRM, a generator that weights the segments of a post (Mao et al., 2022, arXiv 2106.03151), as a baseline.

Importing it registers the generator type "segtrm", and the model type "segtrm" with `AutoConfig` and
`AutoModelForSeq2SeqLM`.
"""

from transformers import AutoConfig, AutoModelForSeq2SeqLM

from reproduction.segtrm.configuration_segtrm import SegtrmConfig
from reproduction.segtrm.generator import SegtrmGenerator
from reproduction.segtrm.modeling_segtrm import SegtrmForHashtagGeneration
from reproduction.segtrm.segments import SegmentFormat, add_segment_tokens, split_segments

AutoConfig.register(SegtrmConfig.model_type, SegtrmConfig, exist_ok=True)
AutoModelForSeq2SeqLM.register(SegtrmConfig, SegtrmForHashtagGeneration, exist_ok=True)

__all__ = [
    "SegmentFormat",
    "SegtrmConfig",
    "SegtrmForHashtagGeneration",
    "SegtrmGenerator",
    "add_segment_tokens",
    "split_segments",
]
