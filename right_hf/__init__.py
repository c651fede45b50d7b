"""RIGHT: retrieval-augmented generation for mainstream hashtag recommendation, on the Hugging Face stack.

Importing the package registers the checkpoint type "right" and the pipeline "hashtag-recommendation" in transformers.
Only the command line defers this, and the seconds that it takes, until something asks for a name of `right_hf.public`.
"""

import sys
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

#: Folder of the checkpoint that comes with the package: English, trained on openly licensed posts.
DEFAULT_CHECKPOINT = str(Path(__file__).parent / "checkpoints" / "right-en-small")


def _is_command_line() -> bool:
    """Whether this process is `right-hf` or `python -m right_hf`."""
    program = Path(sys.argv[0]).name if sys.argv else ""
    return program in {"right-hf", "right-hf.exe"} or (program == "-m" and sys.orig_argv[1:3] == ["-m", "right_hf"])


if TYPE_CHECKING or not _is_command_line():
    from right_hf.public import *  # noqa: F403
    from right_hf.public import __all__ as __all__
else:

    def __getattr__(name: str) -> Any:
        return getattr(import_module("right_hf.public"), name)
