"""Waiting for what another thread or process does, without guessing how long it takes.

>>> until(lambda: 7)
7
"""

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")
#: Seconds. Reached only when a test fails, so a busy machine never reaches it.
LIMIT = 120


def until(happened: Callable[[], T], what: str = "what was waited for") -> T:
    """The first true value of `happened`, asked again and again; fails when none comes."""
    end = time.monotonic() + LIMIT
    while not (found := happened()):
        assert time.monotonic() < end, f"{what} did not happen within {LIMIT} s"
        time.sleep(0.01)
    return found
