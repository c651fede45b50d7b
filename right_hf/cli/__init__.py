"""The command line, `right-hf`."""

from right_hf.cli.main import main

__all__ = ["main"]
