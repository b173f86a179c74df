"""The report: one page with what is known of an annotation and of its release, from tables alone."""
