"""How hashtags are shown: their common spellings, what platforms link, and variants that are one hashtag."""
