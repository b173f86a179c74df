"""Functions by name: a registry maps a name to `module:function`, so that listing the choices imports no numpy."""

from importlib import import_module
from typing import Any


def load(reference: str) -> Any:
    """The function that `module:function` names; modules are given below this room.

    >>> load("gates:check_gates").__name__
    'check_gates'
    """
    module, _, function = reference.partition(":")
    return getattr(import_module(f"builder.quality.{module}"), function)
