"""Standard output holds results only, one JSON object a line; everything else goes to standard error."""

from __future__ import annotations

import json
import logging
import os
import sys
from typing import Any

from right_hf.progress import progress_bars


def set_up_output(quiet: bool, debug: bool) -> None:
    """Says how much of other libraries' logs is shown, and whether progress bars are: on a terminal, unless `quiet`."""
    if quiet or not sys.stderr.isatty():
        progress_bars(False)
    if not debug:
        os.environ.setdefault("TRANSFORMERS_VERBOSITY", "error")
    level = logging.DEBUG if debug else logging.WARNING if quiet else logging.INFO
    logging.basicConfig(level=logging.WARNING, stream=sys.stderr, format="%(name)s: %(message)s")
    logging.getLogger("right_hf").setLevel(level)


def write_result(result: dict[str, Any]) -> None:
    """Writes one result as a line of JSON, at once, so that a reader need not wait for the end."""
    sys.stdout.write(json.dumps(result, ensure_ascii=False) + "\n")
    sys.stdout.flush()
