from .analysis import register_analyser as register_analyser
from .component import Component as Component
from .config import RightConfig as RightConfig
from .corpus import Corpus as Corpus
from .data import read_posts as read_posts
from .generator.base import Generation as Generation
from .generator.base import Generator as Generator
from .generator.chat import ChatGenerator as ChatGenerator
from .generator.chat_client import HubChatClient as HubChatClient
from .generator.decoder import DecoderGenerator as DecoderGenerator
from .generator.seq2seq import Seq2SeqGenerator as Seq2SeqGenerator
from .model import RightModel as RightModel
from .pipeline import HashtagRecommendationPipeline as HashtagRecommendationPipeline
from .posts import Post as Post
from .progress import progress_bars as progress_bars
from .ranker.base import Ranker as Ranker
from .ranker.linear import LinearRanker as LinearRanker
from .ranker.records import Recommendation as Recommendation
from .ranker.tree_ranker import TreeRanker as TreeRanker
from .registry import register_component as register_component
from .retriever.base import Hit as Hit
from .retriever.base import Retriever as Retriever
from .retriever.bm25 import BM25Retriever as BM25Retriever
from .retriever.dense import DenseRetriever as DenseRetriever
from .retriever.hybrid import HybridRetriever as HybridRetriever
from .safety import Safety as Safety
from .selector.asymmetric import AsymmetricSelector as AsymmetricSelector
from .selector.base import Selector as Selector
from .selector.biencoder import BiEncoderSelector as BiEncoderSelector
from .selector.ranking import Candidate as Candidate
from .spelling.counts import SpellingCounts as SpellingCounts
from .spelling.variants import Merge as Merge
from .spelling.variants import propose_merges as propose_merges
from .vocabulary import Vocabulary as Vocabulary

__version__: str
DEFAULT_CHECKPOINT: str
