"""Posts that nobody would write, sent through every way in, and what must hold of whatever comes out."""
