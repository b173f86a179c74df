"""What is annotated: the labeling interface and the way to and from Label Studio results."""
