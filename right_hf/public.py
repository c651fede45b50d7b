"""The names that `right_hf` offers, and what importing it registers in transformers."""

from transformers import AutoConfig, AutoModel
from transformers.pipelines import PIPELINE_REGISTRY

from right_hf import DEFAULT_CHECKPOINT
from right_hf.configuration_right import RightConfig
from right_hf.corpus import Corpus
from right_hf.fusion import FusionWeights, Recommendation, TreeRanker
from right_hf.generator import DecoderGenerator, Generation, Seq2SeqGenerator
from right_hf.modeling_right import RightModel
from right_hf.pipeline import HashtagRecommendationPipeline
from right_hf.posts import Post, read_posts
from right_hf.retriever import BM25Retriever, DenseRetriever, Hit, HybridRetriever
from right_hf.selector import BiEncoderSelector, Candidate

AutoConfig.register(RightConfig.model_type, RightConfig, exist_ok=True)
AutoModel.register(RightConfig, RightModel, exist_ok=True)
PIPELINE_REGISTRY.register_pipeline(
    "hashtag-recommendation",
    pipeline_class=HashtagRecommendationPipeline,
    pt_model=AutoModel,
    default={"model": (DEFAULT_CHECKPOINT, "main")},
    type="text",
)

__all__ = [
    "DEFAULT_CHECKPOINT",
    "BM25Retriever",
    "BiEncoderSelector",
    "Candidate",
    "Corpus",
    "DecoderGenerator",
    "DenseRetriever",
    "FusionWeights",
    "Generation",
    "HashtagRecommendationPipeline",
    "Hit",
    "HybridRetriever",
    "Post",
    "Recommendation",
    "RightConfig",
    "RightModel",
    "Seq2SeqGenerator",
    "TreeRanker",
    "read_posts",
]
