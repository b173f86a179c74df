"""What makes a process small and quick: no needless garbage collection, no needless import of pandas."""

import contextlib
import gc
import sys
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


class _NoPandas:
    """Lets `import pandas` fail, as where it is not installed."""

    def find_spec(self, name: str, path: object = None, target: object = None) -> None:
        """No module is found here; pandas is not looked for elsewhere either."""
        if name == "pandas":
            raise ModuleNotFoundError("not looked for", name=name)


def without_pandas() -> None:
    """pyarrow takes pandas for not installed as long as this process lives; everything else may import it.

    It asks once, the first time a list becomes an array, whether that list is one of pandas' columns: half the start of
    a worker, and 60 MB. For processes of the builder's own only, because `to_pandas` fails afterwards.
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
