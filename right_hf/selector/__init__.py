"""The selector: ranks the hashtags of retrieved posts so that the mainstream one wins."""

from right_hf.selector.biencoder import BiEncoderSelector
from right_hf.selector.ranking import Candidate, rank_candidates, ranking_score

__all__ = ["BiEncoderSelector", "Candidate", "rank_candidates", "ranking_score"]
