"""Configurations as the command line composes them from `conf/`."""

import copy
import functools

from builder.composing import compose
from builder.config import Config


def composed(*overrides: str) -> Config:
    """The configuration of these overrides, the caller's own; composing takes a while and is done once for each."""
    return copy.deepcopy(_composed(overrides))


@functools.cache
def _composed(overrides: tuple[str, ...]) -> Config:
    return compose(*overrides)
