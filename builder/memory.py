"""What makes a process small and quick: no needless garbage collection, no needless import of pandas."""

import contextlib
import gc
import sys
from collections.abc import Iterator


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


class _NoPandas:
    """Lets `import pandas` fail, as where it is not installed."""

    def find_spec(self, name: str, path: object = None, target: object = None) -> None:
        """No module is found here; pandas is not looked for elsewhere either."""
        if name == "pandas":
            raise ModuleNotFoundError("not looked for", name=name)


def without_pandas() -> None:
    """Makes pyarrow treat pandas as not installed in this process; everything else may still import it.

    pyarrow imports pandas the first time a list becomes an array, and has no option against it. Without pandas a
    process starts a second sooner and takes 50 MB less. Only for our own processes: `to_pandas` fails afterwards.
    """
    if "pandas" in sys.modules:
        return
    finder = _NoPandas()
    sys.meta_path.insert(0, finder)
    try:
        import pyarrow as pa

        pa.array([])
    finally:
        sys.meta_path.remove(finder)
