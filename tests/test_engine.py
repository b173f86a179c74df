"""The engines give the same results in the same order, and a worker that dies costs nothing but time."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from builder.engine import Runner, WorkerLostError
from builder.engine_settings import Engine
from builder.errors import ConfigError, SourceError


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


def slow_first(n: int) -> int:
    time.sleep(0.2 if n == 0 else 0)
    return n


LOCAL = [Engine(workers=1), Engine(workers=2)]
DASK = pytest.param(Engine(kind="dask", workers=2), marks=pytest.mark.distributed)


@pytest.mark.parametrize("settings", [*LOCAL, DASK], ids=["one", "pool", "dask"])
def test_results_come_in_the_order_of_the_items(settings: Engine) -> None:
    seen: list[tuple[int, int]] = []
    with Runner(settings) as runner:
        assert runner.map(double, range(20), lambda i, r: seen.append((i, r))) == [2 * i for i in range(20)]
        assert runner.map(slow_first, [0, 1, 2]) == [0, 1, 2]
        assert runner.map(double, []) == []
    assert sorted(seen) == [(i, 2 * i) for i in range(20)]


@pytest.mark.parametrize("settings", [*LOCAL, DASK], ids=["one", "pool", "dask"])
def test_an_error_arrives_whole(settings: Engine) -> None:
    with Runner(settings) as runner, pytest.raises(SourceError) as caught:
        runner.map(fail, [1])
    assert (caught.value.message, caught.value.hint) == ("1 is wrong.", "Choose another.")


@pytest.mark.parametrize("settings", [LOCAL[1], DASK], ids=["pool", "dask"])
def test_a_worker_killed_in_the_middle_loses_nothing(settings: Engine, tmp_path: Path) -> None:
    with Runner(settings) as runner:
        assert runner.map(die_once, [(str(tmp_path), i) for i in range(12)]) == list(range(12))
    assert (tmp_path / "died").exists()


def test_work_that_kills_every_worker_is_given_up() -> None:
    with Runner(Engine(workers=2, retries=1)) as runner, pytest.raises(WorkerLostError, match="died 2 times"):
        runner.map(die, [1, 2])


def test_no_scheduler_is_an_error_with_its_address() -> None:
    pytest.importorskip("distributed")
    settings = Engine(kind="dask", address="tcp://127.0.0.1:9")
    with Runner(settings) as runner, pytest.raises(ConfigError, match=r"tcp://127\.0\.0\.1:9"):
        runner.map(abs, [1, 2])


@pytest.mark.parametrize("wrong", [{"kind": "spark"}, {"workers": -1}])
def test_settings_out_of_range_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ConfigError):
        Engine(**wrong)  # type: ignore[arg-type]


def test_a_process_without_pandas_in_pyarrow_may_still_import_it() -> None:
    code = (
        "import sys; from builder.memory import without_pandas; without_pandas(); import pyarrow as pa\n"
        "pa.array([1, 2]).to_numpy(); assert 'pandas' not in sys.modules; import pandas; pandas.Series([1])"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
