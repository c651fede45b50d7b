"""Models from random weights: tokenizers, shapes, and what they learn before they see a post with its hashtags."""
