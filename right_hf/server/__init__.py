"""A server that answers while people write; `pip install 'right_hf[serve]'` brings what it needs.

The names in `__init__.pyi` are imported when they are first asked for.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
