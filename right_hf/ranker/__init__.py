"""The ranker: written and retrieved hashtags in one pool, each with a score in [0, 1], its source and its evidence.

The names in `__init__.pyi` are imported when they are first asked for.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
