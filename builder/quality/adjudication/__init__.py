"""Adjudication: one gold label per answer and one per span, with the votes that led to it."""

#: Choices of `aggregation.spans`: which spans of two annotators count as the same span.
SPAN_METHODS = {
    "exact": "adjudication.spans:exact",
    "overlap": "adjudication.spans:overlap",
    "tokens": "adjudication.tokens:tokens",
}
