"""The selector: ranks the hashtags of retrieved posts so that the mainstream one wins."""

from right_hf.selector.base import Selector
from right_hf.selector.ranking import Candidate, rank_candidates, ranking_score

__all__ = ["Candidate", "Selector", "rank_candidates", "ranking_score"]
