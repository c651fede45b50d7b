"""Retrievers: find the posts of a corpus that are similar to a given one.

The names in `__init__.pyi` are imported when they are first asked for.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
