"""Training: from posts to triplets and examples, and from these to selector, generator and fusion."""
