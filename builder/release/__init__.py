"""Versioned datasets on disk: splits, features, files, card, diff."""
