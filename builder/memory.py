"""The cyclic garbage collector is kept out of work that makes many objects and no cycles."""

import contextlib
import gc
from collections.abc import Iterator


@contextlib.contextmanager
def uncollected() -> Iterator[None]:
    """Inside the block, or the function it decorates, only reference counts free memory.

    Rows, pages and results are millions of small objects without cycles. The collector would walk all of them again
    and again, which is most of the processor time of reading them.
    """
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()
