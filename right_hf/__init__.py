"""RIGHT: retrieval-augmented generation for mainstream hashtag recommendation, on the Hugging Face stack.

Importing the package registers the checkpoint type "right" and the pipeline "hashtag-recommendation" in transformers.
"""

from pathlib import Path

from transformers import AutoConfig, AutoModel
from transformers.pipelines import PIPELINE_REGISTRY

from right_hf.configuration_right import RightConfig
from right_hf.corpus import Corpus
from right_hf.fusion import FusionWeights, Recommendation
from right_hf.generator import Generation, Seq2SeqGenerator
from right_hf.modeling_right import RightModel
from right_hf.pipeline import HashtagRecommendationPipeline
from right_hf.posts import Post, read_posts
from right_hf.retriever import BM25Retriever, Hit
from right_hf.selector import BiEncoderSelector, Candidate

__version__ = "0.1.0"

#: Folder of the checkpoint that comes with the package: English, trained on openly licensed posts.
DEFAULT_CHECKPOINT = str(Path(__file__).parent / "checkpoints" / "right-en-small")

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
    "FusionWeights",
    "Generation",
    "HashtagRecommendationPipeline",
    "Hit",
    "Post",
    "Recommendation",
    "RightConfig",
    "RightModel",
    "Seq2SeqGenerator",
    "read_posts",
]
