"""Where a function over items runs: in this process, over local cores, or on a dask cluster.

The function is idempotent and its results are small: it writes large ones to a file and renames that into place. So an
item can be run again when its worker died, and the results are the same wherever they were made.
"""

import contextlib
import os
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from builder.errors import BuilderError, ConfigError, Fault
from builder.memory import without_pandas
from builder.settings import SECRETS_ELSEWHERE, Rules, has_credentials, setting

if TYPE_CHECKING:
    from concurrent.futures import Executor, Future

T = TypeVar("T")
R = TypeVar("R")
#: Items per worker that are handed out and not yet done: enough to keep it busy, few enough to hold no queue in memory.
_AHEAD = 3
_CONNECT_SECONDS = 15


ENGINES = ("local", "dask")


@dataclass
class Engine:
    """Where functions over tables run."""

    kind: str = setting("local", "`local`: processes on this machine. `dask`: a dask cluster.", choices=ENGINES)
    workers: int = setting(0, "Processes, also of a dask cluster started here. 0: one per processor core.", ge=0)
    address: str = setting(
        "",
        "Address of a dask scheduler, such as tcp://scheduler:8786; its workers must see the raw files and "
        "`engine.storage` under the same paths. Empty: start a cluster on this machine.",
    )
    storage: str = setting(
        "",
        "A folder, or any address that fsspec understands, which all workers reach: what they make is kept there, in "
        "`<dataset.name>/parts`, for this workspace alone. Empty: in the workspace.",
        example="engine.storage=s3://bucket/builder",
    )
    retries: int = setting(3, "How often work is repeated after its worker died.", ge=0)

    def rules(self) -> Rules:
        if has_credentials(self.storage):
            yield Fault("storage", "it holds a user name or password.", SECRETS_ELSEWHERE)


class WorkerLostError(BuilderError):
    """Workers died on the same item again and again, or those of a cluster are out of reach."""


class Runner:
    """Runs functions over items, on workers that start when there is work for them and stop when its block ends."""

    def __init__(self, settings: Engine) -> None:
        self.settings = settings
        self.workers = settings.workers or os.cpu_count() or 1
        self._pool: Executor | None = None
        self._closing = contextlib.ExitStack()
        self._client: Any = None  # of dask, which is typed in parts only

    def __enter__(self) -> "Runner":
        return self

    def __exit__(self, *_: object) -> None:
        self._drop_pool()
        self._closing.close()

    def run(self, function: Callable[[T], R], items: Sequence[T], light: bool = False) -> Iterator[tuple[int, R]]:
        """The number of each item and its result, in the order in which they are done.

        `light` says that the work takes less time than starting workers: it is done in this process, unless the address
        of a running cluster is given. Raises the first error of the function; `WorkerLostError` when an item's worker
        died more than `engine.retries` times.
        """
        alone = self.settings.kind == "local" and (self.workers == 1 or len(items) == 1)
        if alone or (light and not self.settings.address):
            yield from enumerate(map(function, items))
            return
        from concurrent.futures.process import BrokenProcessPool

        lost = dict.fromkeys(range(len(items)), 0)
        while lost:
            try:
                for index, result in self._round(function, items, list(lost)):
                    del lost[index]
                    yield index, result
            except BrokenProcessPool:
                # Nobody knows which item killed the worker: all that were out are tried again.
                self._drop_pool()
                for index in list(lost)[: self.workers * _AHEAD]:
                    lost[index] += 1
                if max(lost.values()) > self.settings.retries:
                    raise self._lost(
                        "lower engine.workers or source.shard_mb. (A script that calls this itself needs "
                        "`if __name__ == '__main__':` around the call.)"
                    ) from None

    def _lost(self, advice: str) -> WorkerLostError:
        what = f"Workers died {self.settings.retries + 1} times on the same work."
        return WorkerLostError(what, f"They may have run out of memory: {advice}")

    def _round(self, function: Callable[[T], R], items: Sequence[T], waiting: list[int]) -> Iterator[tuple[int, R]]:
        from concurrent.futures import FIRST_COMPLETED, wait

        pool = self._executor()
        queue = iter(waiting)
        out: dict[Future[R], int] = {}
        try:
            while True:
                with self._cluster():
                    if self._client is not None:  # a cluster may have grown since the last item came back
                        self.workers = max(1, sum(self._client.nthreads().values()))
                while len(out) < self.workers * _AHEAD and (index := next(queue, None)) is not None:
                    out[pool.submit(function, items[index])] = index
                if not out:
                    return
                for future in wait(out, return_when=FIRST_COMPLETED).done:
                    with self._cluster():
                        result = future.result()
                    yield out.pop(future), result
                    del future, result
        finally:
            for future in out:
                future.cancel()

    @contextlib.contextmanager
    def _cluster(self) -> Iterator[None]:
        """Turns the errors of a cluster that is gone or loses its workers into `WorkerLostError`."""
        if self._client is None:
            yield
            return
        from concurrent.futures import CancelledError

        from distributed.comm.core import CommClosedError
        from distributed.scheduler import KilledWorker

        try:
            yield
        except KilledWorker as e:
            raise self._lost("give them more, or lower source.shard_mb.") from e
        except (CancelledError, CommClosedError) as e:
            raise WorkerLostError(
                f"The dask scheduler {self.settings.address or 'of this machine'} went away.",
                "Start it again and run the same command: what is finished is kept.",
            ) from e

    def _executor(self) -> "Executor":
        if self._pool is None and self.settings.kind == "dask":
            if self._client is None:
                self._client = self._closing.enter_context(_dask(self.settings, self.workers))
            self._pool = self._client.get_executor(pure=False, retries=self.settings.retries)
        elif self._pool is None:
            import multiprocessing
            from concurrent.futures import ProcessPoolExecutor

            # Threads (progress, Arrow) do not survive a fork, so workers start clean.
            method = "forkserver" if "forkserver" in multiprocessing.get_all_start_methods() else "spawn"
            context = multiprocessing.get_context(method)
            self._pool = ProcessPoolExecutor(self.workers, mp_context=context, initializer=_begin_worker)
        return self._pool

    def _drop_pool(self) -> None:
        if self._pool is not None:
            # What a cluster still does is stopped with the connection.
            options = {"wait": True, "cancel_futures": True} if self._client is None else {"wait": False}
            self._pool.shutdown(**options)
            self._pool = None


def _begin_worker() -> None:
    """Keeps a worker small, and ends it with the process that started it, even if that was killed."""
    without_pandas()
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    import multiprocessing

    # Workers hold both ends of the pipe they wait at, so they would not notice the end of their parent.
    if parent := multiprocessing.parent_process():
        parent.join()
        os._exit(1)


@contextlib.contextmanager
def _dask(settings: Engine, workers: int) -> Iterator[Any]:
    try:
        import dask

        # What it cannot reach arrives as an error; its log, set up on import, would print tracebacks as well.
        with dask.config.set({"logging": {"distributed.client": "critical"}}):
            import distributed
    except ImportError as e:
        raise ConfigError("engine.kind is 'dask', which is not installed.", "pip install 'dask[distributed]'") from e
    cluster_of: Any = distributed  # it is typed in parts only
    # A worker may die a few times before its work is given up; tasks are not to blame for the first.
    options = {
        "distributed.scheduler.allowed-failures": settings.retries,
        "distributed.admin.large-graph-warning-threshold": "1GiB",
    }
    with dask.config.set(options):
        if settings.address:
            try:
                client = cluster_of.Client(settings.address, timeout=_CONNECT_SECONDS, set_as_default=False)
            except (OSError, TimeoutError) as e:
                raise ConfigError(
                    f"No dask scheduler answers at {settings.address}: {e}.", "Start it, or correct engine.address."
                ) from e
            with client:
                yield client
        else:
            with (
                cluster_of.LocalCluster(
                    n_workers=workers, threads_per_worker=1, dashboard_address="127.0.0.1:0", silence_logs=40
                ) as cluster,
                cluster_of.Client(cluster, set_as_default=False) as client,
            ):
                yield client
