"""The package that reads and writes tables, and the one process of a family that may use it."""

from __future__ import annotations

import os
import warnings
from typing import Any

#: The process that imported the package first; threads of it do not live on in a fork.
_PROCESS: list[int] = []


def lance() -> Any:
    """The package that reads and writes the tables.

    Raises:
        ImportError: It is not installed.
        RuntimeError: See [`check_process`].
    """
    os.environ.setdefault("LANCE_LOG", "error")
    # It warns at each fork, of whatever; those that read a table are refused below.
    warnings.filterwarnings("ignore", message="lance is not fork-safe")
    try:
        import lance as package
    except ImportError as error:
        raise ImportError("A corpus in a Lance table needs pylance: pip install 'right_hf[lance]'") from error
    _PROCESS[:] = _PROCESS or [os.getpid()]
    check_process()
    return package


def check_process() -> None:
    """Makes sure that this process was not forked off one that reads tables: it would wait for threads for ever.

    Raises:
        RuntimeError: It was.
    """
    if _PROCESS and os.getpid() != _PROCESS[0]:
        raise RuntimeError(
            f"This process was forked off the process {_PROCESS[0]}, which had a Lance table open; tables cannot be "
            'read in a fork. Start processes by "spawn" (multiprocessing.set_start_method("spawn"), for datasets.map '
            'multiprocess.set_start_method("spawn")), or use num_workers of the pipeline, which does.'
        )
