"""The engines give the same results in the same order, and a worker that dies costs nothing but time."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import CancelledError, Future
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest import mock

import pytest

from builder import engine
from builder.engine import Engine, Runner, WorkerLostError
from builder.errors import ConfigError, SourceError
from tests.waiting import LIMIT, until


def double(n: int) -> int:
    return 2 * n


def fail(n: int) -> int:
    raise SourceError(f"{n} is wrong.", "Choose another.")


def die_once(task: tuple[str, int]) -> int:
    folder, n = task
    mark = Path(folder) / "died"
    if n == 3 and not mark.exists():
        mark.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return n


def die(n: int) -> int:
    os.kill(os.getpid(), signal.SIGKILL)
    return n


def first_ends_last(task: tuple[str, int]) -> int:
    """The first item waits until the result of another was seen."""
    folder, n = Path(task[0]), task[1]
    if not n:
        until((folder / "seen").exists)
    return n


LOCAL = [Engine(workers=1), Engine(workers=2)]
DASK = pytest.param(Engine(kind="dask", workers=2), marks=pytest.mark.distributed)


@pytest.mark.parametrize("settings", [*LOCAL, DASK], ids=["one", "pool", "dask"])
def test_every_item_has_its_result_as_soon_as_it_is_done(settings: Engine, tmp_path: Path) -> None:
    with Runner(settings) as runner:
        assert sorted(runner.run(double, range(20))) == [(i, 2 * i) for i in range(20)]
        if runner.workers > 1:
            found = []
            for result in runner.run(first_ends_last, [(str(tmp_path), n) for n in range(3)]):
                found.append(result)
                (tmp_path / "seen").touch()
            assert sorted(found) == [(0, 0), (1, 1), (2, 2)] != found
        assert list(runner.run(double, [])) == []


@pytest.mark.parametrize("settings", [*LOCAL, DASK], ids=["one", "pool", "dask"])
def test_an_error_arrives_whole(settings: Engine) -> None:
    with Runner(settings) as runner, pytest.raises(SourceError) as caught:
        list(runner.run(fail, [1]))
    assert (caught.value.message, caught.value.hint) == ("1 is wrong.", "Choose another.")


@pytest.mark.parametrize("settings", [LOCAL[1], DASK], ids=["pool", "dask"])
def test_a_worker_killed_in_the_middle_loses_nothing(settings: Engine, tmp_path: Path) -> None:
    with Runner(settings) as runner:
        assert sorted(runner.run(die_once, [(str(tmp_path), i) for i in range(12)])) == [(i, i) for i in range(12)]
    assert (tmp_path / "died").exists()


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False


@pytest.mark.skipif(not Path("/proc").is_dir(), reason="asks Linux which processes there are")
@pytest.mark.parametrize("kind", ["local", pytest.param("dask", marks=pytest.mark.distributed)])
def test_workers_end_with_the_process_that_started_them(tmp_path: Path, kind: str) -> None:
    code = (
        "import os, sys\n"
        "from builder.engine import Engine, Runner\n"
        "from tests.test_engine import note\n"
        "if __name__ == '__main__':\n"
        f"    list(Runner(Engine(kind='{kind}', workers=2)).run(note, [sys.argv[1]] * 50))\n"
    )
    (tmp_path / "main.py").write_text(code)
    root = str(Path(__file__).parents[1])
    with subprocess.Popen(
        [sys.executable, tmp_path / "main.py", tmp_path], env={**os.environ, "PYTHONPATH": root}
    ) as p:
        until(lambda: len(list(tmp_path.glob("worker-*"))) == 2, "work of both workers")
        p.kill()
    workers = [int(f.name.removeprefix("worker-")) for f in tmp_path.glob("worker-*")]
    until(lambda: not any(map(alive, workers)), "the end of the workers")


def note(folder: str) -> None:
    """Says that this worker works, and keeps it at work."""
    (Path(folder) / f"worker-{os.getpid()}").touch()
    threading.Event().wait(2 * LIMIT)


def test_work_that_kills_every_worker_is_given_up() -> None:
    with Runner(Engine(workers=2, retries=1)) as runner, pytest.raises(WorkerLostError, match="died 2 times"):
        list(runner.run(die, range(8)))


@pytest.mark.parametrize("light", [False, True])
def test_no_scheduler_is_an_error_with_its_address(light: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("distributed")
    monkeypatch.setattr(engine, "_CONNECT_SECONDS", 0.2)
    settings = Engine(kind="dask", address="tcp://127.0.0.1:9")
    with Runner(settings) as runner, pytest.raises(ConfigError, match=r"tcp://127\.0\.0\.1:9"):
        list(runner.run(abs, [1, 2], light=light))


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[tuple[str, int]]:
    """The address and process of a dask scheduler that has one worker of three threads."""
    pytest.importorskip("distributed")
    file = tmp_path / "scheduler.json"
    common = ["--scheduler-file", str(file), "--host", "127.0.0.1", "--no-dashboard"]
    root = str(Path(__file__).parents[1])
    with contextlib.ExitStack() as stack:
        log = stack.enter_context((tmp_path / "log").open("w"))

        def start(module: str, *options: str) -> int:
            command = [sys.executable, "-m", f"distributed.cli.{module}", *options, *common]
            environment = {**os.environ, "PYTHONPATH": root}
            process = stack.enter_context(subprocess.Popen(command, env=environment, stdout=log, stderr=log))
            stack.callback(process.kill)
            return process.pid

        scheduler = start("dask_scheduler", "--port", "0")
        until(lambda: file.exists() and file.read_text(), "the address of the scheduler")
        start("dask_worker", "--nthreads", "3", "--no-nanny")
        yield json.loads(file.read_text())["address"], scheduler


def kill(pid: int) -> None:
    os.kill(pid, signal.SIGKILL)
    threading.Event().wait(2 * LIMIT)


@pytest.mark.distributed
def test_a_cluster_is_used_as_large_as_it_is_and_missed_when_it_is_gone(cluster: tuple[str, int]) -> None:
    address, scheduler = cluster
    with Runner(Engine(kind="dask", address=address)) as runner:
        assert sorted(runner.run(double, range(30))) == [(i, 2 * i) for i in range(30)]
        assert runner.workers == 3
        with pytest.raises(WorkerLostError, match=address):
            list(runner.run(kill, [scheduler]))


def test_a_process_without_pandas_in_pyarrow_may_still_import_it() -> None:
    code = (
        "import sys; from builder.memory import without_pandas; without_pandas(); import pyarrow as pa\n"
        "pa.array([1, 2]).to_numpy(); assert 'pandas' not in sys.modules; import pandas; pandas.Series([1])"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def process(n: int) -> int:
    return os.getpid()


@pytest.mark.parametrize(
    ("workers", "items", "light", "here"),
    [(1, 3, False, True), (2, 1, False, True), (2, 2, True, True), (2, 2, False, False)],
)
def test_work_for_one_runs_in_this_process_and_workers_end_with_their_block(
    workers: int, items: int, light: bool, here: bool
) -> None:
    with Runner(Engine(workers=workers)) as runner:
        found = {pid for _, pid in runner.run(process, range(items), light=light)}
    assert (found == {os.getpid()}) is (os.getpid() in found) is here
    assert here or not any(map(alive, found))


class Pool:
    """Does at once what it is given, as long as it has `room`, and keeps what it is asked."""

    def __init__(self, room: int = 1000) -> None:
        self.room = room
        self.out: list[Future[Any]] = []
        self.ended: list[dict[str, bool]] = []

    def submit(self, function: Callable[[Any], Any], item: Any) -> "Future[Any]":
        self.out.append(Future())
        if len(self.out) <= self.room:
            self.out[-1].set_result(function(item))
        return self.out[-1]

    def shutdown(self, **how: bool) -> None:
        self.ended.append(how)


def runner_of(pool: Pool, threads: dict[str, int] | None = None) -> Runner:
    """A runner with two workers in this pool; or in that of a cluster with these workers and threads."""
    made: Any = Runner(Engine(workers=2, kind="local" if threads is None else "dask"))
    made._pool = pool
    made._client = None if threads is None else SimpleNamespace(nthreads=lambda: threads)
    return made  # type: ignore[no-any-return]


def test_three_items_per_worker_are_handed_out_at_a_time() -> None:
    """Of a cluster as it is then: it may have grown, or wait for its first worker."""
    local = Pool()
    results = runner_of(local).run(double, range(20))
    assert next(results) in [(i, 2 * i) for i in range(6)]
    assert len(local.out) == 6
    assert len(list(results)) == 19
    threads: dict[str, int] = {}
    grown = Pool()
    results = runner_of(grown, threads).run(double, range(20))
    next(results)
    assert len(grown.out) == 3
    threads |= {"a": 1, "b": 2}
    for _ in range(3):
        next(results)
    assert len(grown.out) == 3 + 9


def test_what_nobody_waits_for_any_more_is_cancelled() -> None:
    pool = Pool(room=1)
    results = runner_of(pool).run(double, range(20))
    assert next(results) == (0, 0)
    results.close()  # type: ignore[attr-defined]
    assert [future.cancelled() for future in pool.out] == [False, *[True] * 5]


def test_a_pool_ends_with_its_block_and_what_a_cluster_does_with_its_connection() -> None:
    for threads, how in ((None, {"wait": True, "cancel_futures": True}), ({"a": 1}, {"wait": False})):
        pool = Pool()
        with runner_of(pool, threads) as runner:
            assert runner._executor() is pool
        assert pool.ended == [how]
        assert runner._pool is None


def test_a_cluster_is_started_with_its_workers_and_closed_with_the_block() -> None:
    distributed = pytest.importorskip("distributed")
    dask = pytest.importorskip("dask")
    settings = Engine(kind="dask", workers=3, retries=5)
    with mock.patch.object(distributed, "LocalCluster") as cluster, mock.patch.object(distributed, "Client") as client:
        made = client.return_value.__enter__.return_value
        made.get_executor.return_value = Pool()
        with Runner(settings) as runner:
            assert runner._executor() is runner._executor() is made.get_executor.return_value
            assert dask.config.get("distributed.scheduler.allowed-failures") == 5
            runner._drop_pool()
            runner._executor()
        assert made.get_executor.call_args_list == [mock.call(pure=False, retries=5)] * 2
        cluster.assert_called_once_with(
            n_workers=3, threads_per_worker=1, dashboard_address="127.0.0.1:0", silence_logs=40
        )
        client.assert_called_once_with(cluster.return_value.__enter__.return_value, set_as_default=False)
        assert client.return_value.__exit__.called
        assert cluster.return_value.__exit__.called
        assert dask.config.get("distributed.scheduler.allowed-failures") != 5
        settings.address = "tcp://there"
        with Runner(settings) as runner:
            runner._executor()
        client.assert_called_with("tcp://there", timeout=15, set_as_default=False)
        cluster.assert_called_once()


def test_a_cluster_that_is_lost_is_said_with_what_to_do() -> None:
    pytest.importorskip("distributed")
    from distributed.comm.core import CommClosedError
    from distributed.scheduler import KilledWorker

    def lost(error: Exception, address: str = "") -> str:
        runner = runner_of(Pool(), {"a": 1})
        runner.settings.address = address
        with pytest.raises(WorkerLostError) as said, runner._cluster():
            raise error
        return str(said.value)

    killed: Any = KilledWorker("task", SimpleNamespace(address="w"), 3)
    assert lost(killed).startswith("Workers died 4 times on the same work. They may have run out of memory: give them")
    assert lost(CancelledError()).startswith("The dask scheduler of this machine went away.")
    assert lost(CommClosedError(), "tcp://there").startswith("The dask scheduler tcp://there went away.")
    with pytest.raises(CancelledError), runner_of(Pool())._cluster():
        raise CancelledError


def test_a_missing_dask_is_named_with_how_to_install_it() -> None:
    with (
        mock.patch.dict(sys.modules, {"dask": None}),
        Runner(Engine(kind="dask")) as runner,
        pytest.raises(ConfigError, match=r"not installed\. pip install 'dask\[distributed\]'"),
    ):
        runner._executor()
