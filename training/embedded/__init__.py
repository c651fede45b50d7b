"""How the checkpoints of the package are made: which posts go in, and all steps of their training."""
