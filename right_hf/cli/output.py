"""Standard output holds results only, one JSON object a line; everything else goes to standard error."""

from __future__ import annotations

import json
import logging
import os
import sys
from typing import Any

_bars = True


def set_up_output(quiet: bool, debug: bool) -> None:
    """Says how much of other libraries' logs is shown, and whether progress bars are: on a terminal, unless `quiet`.

    Called before those libraries are imported, which read these variables then.
    """
    global _bars
    _bars = not quiet and sys.stderr.isatty()
    if not _bars:
        os.environ.update(TQDM_DISABLE="1", HF_HUB_DISABLE_PROGRESS_BARS="1")
    if not debug:
        os.environ.setdefault("TRANSFORMERS_VERBOSITY", "error")
    level = logging.DEBUG if debug else logging.WARNING if quiet else logging.INFO
    logging.basicConfig(level=logging.WARNING, stream=sys.stderr, format="%(name)s: %(message)s")
    logging.getLogger("right_hf").setLevel(level)


def quieten_libraries() -> None:
    """The same for libraries that read no variable. Called by a command once it has imported them."""
    if _bars:
        return
    from datasets import disable_progress_bars
    from transformers.utils import logging as transformers_logging

    transformers_logging.disable_progress_bar()
    disable_progress_bars()


def write_result(result: dict[str, Any]) -> None:
    """Writes one result as a line of JSON, at once, so that a reader need not wait for the end."""
    sys.stdout.write(json.dumps(result, ensure_ascii=False) + "\n")
    sys.stdout.flush()
