"""The engines give the same results in the same order, and a worker that dies costs nothing but time."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

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
