"""Whether annotations are right, whether annotators agree, and which label wins."""
