"""From raw files to articles to the chunks that people annotate."""
