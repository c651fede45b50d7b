"""RIGHT: retrieval-augmented generation for mainstream hashtag recommendation, on the Hugging Face stack.

Importing the package takes milliseconds: its names (see `__init__.pyi`) are imported when they are first asked for. The
checkpoint type "right" and the pipeline "hashtag-recommendation" are registered as soon as transformers is imported.
"""

import lazy_loader

from right_hf import registration
from right_hf.embedded import DEFAULT_CHECKPOINT as DEFAULT_CHECKPOINT

__version__ = "0.1.0"

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)

registration.when_transformers_is_imported()
