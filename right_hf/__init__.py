"""RIGHT: retrieval-augmented generation for mainstream hashtag recommendation, on the Hugging Face stack.

Importing the package takes milliseconds: its names (see `__init__.pyi`) are imported when they are first asked for. The
checkpoint type "right" and the pipeline "hashtag-recommendation" are registered as soon as transformers is imported.
"""

from pathlib import Path

import lazy_loader

from right_hf import registration

__version__ = "0.1.0"

#: Folder of the checkpoint that comes with the package: English, trained on openly licensed posts.
DEFAULT_CHECKPOINT = str(Path(__file__).parent / "checkpoints" / "right-en-small")

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)

registration.when_transformers_is_imported()
