"""Setting numba up without scipy, in a process whose compiled code multiplies no matrices."""

from __future__ import annotations

import sys
from contextlib import suppress

#: What numba imports to learn whether compiled code can multiply matrices: with it half of scipy's linear algebra.
_BLAS = "scipy.linalg.cython_blas"


def set_up_numba() -> None:
    """Imports the part of numba that asks for scipy, and lets it find none; others find it as ever afterwards.

    That takes 0.12 s, as long as numba itself. Without scipy numba does all but matrix products, of which the searches
    of this package have none.
    """
    if _BLAS in sys.modules:
        return
    sys.modules[_BLAS] = None  # type: ignore[assignment]
    try:
        with suppress(ImportError):
            import numba.np.arraymath  # noqa: F401
    finally:
        del sys.modules[_BLAS]
