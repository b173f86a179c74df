"""How far annotators agree: coefficients, answers, spans, and one report per annotator."""
