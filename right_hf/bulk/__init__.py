"""Many posts at once: files are cut into pieces, which several processes or machines answer, each piece once."""
