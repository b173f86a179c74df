"""Quality: checks of what was annotated, agreement between annotators, and gold labels."""
