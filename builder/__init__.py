"""Annotated datasets from raw news articles: chunk, annotate in Label Studio, adjudicate, release."""

__version__ = "0.1.0"
