"""What keeps a process small and quick: no needless garbage collection or import of pandas, no endless work."""

import contextlib
import gc
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import NoReturn


class TooSlowError(Exception):
    """Work took longer than it may."""


@contextlib.contextmanager
def time_limit(seconds: float) -> Iterator[Callable[[bool], None]]:
    """Gives a function that starts the limit anew when it is called with True, and ends it with False.

    `TooSlowError` is raised so many seconds after a start; 0 is no limit. Only where signals reach the work: in the
    main thread, and not within a single call of compiled code.
    """
    if not seconds or threading.current_thread() is not threading.main_thread() or not hasattr(signal, "setitimer"):
        yield lambda _: None
        return

    def stop(*_: object) -> NoReturn:
        raise TooSlowError(f"it took more than {seconds:g} seconds")

    # Setting a handler costs more than reading a short text, so it is set once for many limits.
    begin, before = time.monotonic(), signal.signal(signal.SIGALRM, stop)
    left, _ = signal.setitimer(signal.ITIMER_REAL, 0)
    try:
        yield lambda on: signal.setitimer(signal.ITIMER_REAL, seconds if on else 0) and None
    finally:
        # Somebody else's alarm goes on.
        signal.setitimer(signal.ITIMER_REAL, max(left - time.monotonic() + begin, 0.001) if left else 0)
        signal.signal(signal.SIGALRM, before)


@contextlib.contextmanager
def uncollected() -> Iterator[None]:
    """Inside the block, or the function it decorates, only reference counts free memory.

    Rows and pages are millions of small objects without cycles. The collector walks all of them again and again: with
    it, parsing large JSON takes three to four times as long.
    """
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


@dataclass(frozen=True)
class _NotInstalled:
    """Lets `import` of one module fail, as where it is not installed."""

    module: str

    def find_spec(self, name: str, path: object = None, target: object = None) -> None:
        """The module is not found here, and not looked for elsewhere either."""
        if name == self.module:
            raise ModuleNotFoundError("not looked for", name=name)


@contextlib.contextmanager
def without(module: str) -> Iterator[None]:
    """Inside the block, a module that was not imported before seems not to be installed."""
    finder = _NotInstalled(module)
    sys.meta_path.insert(0, finder)
    try:
        yield
    finally:
        sys.meta_path.remove(finder)


def without_pandas() -> None:
    """Makes pyarrow treat pandas as not installed in this process; everything else may still import it.

    pyarrow imports pandas the first time a list becomes an array, and has no option against it. Without pandas a
    process starts a second sooner and takes 50 MB less. Only for our own processes: `to_pandas` fails afterwards.
    """
    if "pandas" in sys.modules:
        return
    with without("pandas"):
        import pyarrow as pa

        pa.array([])
