"""Quality: checks of what was annotated, agreement between annotators, and gold labels."""

from importlib import import_module
from typing import Any


def load(reference: str) -> Any:
    """The function that `module:function` names below this room. Choices are listed so without importing numpy.

    >>> load("gates:check_gates").__name__
    'check_gates'
    """
    module, _, function = reference.partition(":")
    return getattr(import_module(f"builder.quality.{module}"), function)
