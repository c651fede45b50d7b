"""The command line as `python -m right_hf`."""

import sys

from right_hf.cli import main

sys.exit(main())
