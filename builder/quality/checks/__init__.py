"""Every check: one function each, in one list. All findings are collected before anything is decided."""

from builder.quality.checks.run import CHECKS, run_checks

__all__ = ["CHECKS", "run_checks"]
