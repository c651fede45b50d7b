from right_hf.component import Component as Component
from right_hf.component import register_component as register_component
from right_hf.config import RightConfig as RightConfig
from right_hf.corpus import Corpus as Corpus
from right_hf.data import read_posts as read_posts
from right_hf.generator.base import Generation as Generation
from right_hf.generator.base import Generator as Generator
from right_hf.generator.chat import ChatGenerator as ChatGenerator
from right_hf.generator.chat_client import HubChatClient as HubChatClient
from right_hf.generator.decoder import DecoderGenerator as DecoderGenerator
from right_hf.generator.seq2seq import Seq2SeqGenerator as Seq2SeqGenerator
from right_hf.model import RightModel as RightModel
from right_hf.pipeline import HashtagRecommendationPipeline as HashtagRecommendationPipeline
from right_hf.posts import Post as Post
from right_hf.progress import progress_bars as progress_bars
from right_hf.ranker.base import Ranker as Ranker
from right_hf.ranker.linear import LinearRanker as LinearRanker
from right_hf.ranker.records import Recommendation as Recommendation
from right_hf.ranker.tree_ranker import TreeRanker as TreeRanker
from right_hf.retriever.base import Hit as Hit
from right_hf.retriever.base import Retriever as Retriever
from right_hf.retriever.bm25 import BM25Retriever as BM25Retriever
from right_hf.retriever.dense import DenseRetriever as DenseRetriever
from right_hf.retriever.hybrid import HybridRetriever as HybridRetriever
from right_hf.selector.base import Selector as Selector
from right_hf.selector.biencoder import BiEncoderSelector as BiEncoderSelector
from right_hf.selector.ranking import Candidate as Candidate

__version__: str
DEFAULT_CHECKPOINT: str
