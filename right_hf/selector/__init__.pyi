from .asymmetric import AsymmetricSelector as AsymmetricSelector
from .base import Selector as Selector
from .biencoder import BiEncoderSelector as BiEncoderSelector
from .ranking import Candidate as Candidate
from .ranking import rank_candidates as rank_candidates
from .ranking import ranking_score as ranking_score
