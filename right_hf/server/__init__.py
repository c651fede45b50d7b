"""A server that answers while people write.

The names in `__init__.pyi` are imported when they are first asked for; that takes `pip install 'right_hf[serve]'`.
"""

from typing import Any

import lazy_loader

_imported, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)


def __getattr__(name: str) -> Any:
    try:
        return _imported(name)
    except ModuleNotFoundError as error:
        raise ImportError(f"A server needs {error.name}: pip install 'right_hf[serve]'") from error
