"""Text in any script: one form of each character, the words of a text, and posts and hashtags as they come in."""
