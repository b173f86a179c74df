"""Work ends at its time limit, and whoever else set an alarm keeps it."""

import gc
import importlib.util
import signal
import sys
import threading
from collections.abc import Iterator
from typing import NoReturn

import pyarrow as pa
import pytest

from builder.memory import TooSlowError, time_limit, uncollected, without, without_pandas


def left() -> float:
    return signal.getitimer(signal.ITIMER_REAL)[0]


def other(*_: object) -> NoReturn:
    raise AssertionError("an alarm that nobody waits for")


def endless() -> NoReturn:
    while True:
        pass


@pytest.fixture(autouse=True)
def _alarm() -> Iterator[None]:
    """An alarm of somebody else, far away; that of the test's own time limit comes back afterwards."""
    handler = signal.signal(signal.SIGALRM, other)
    before = signal.setitimer(signal.ITIMER_REAL, 1000)
    yield
    signal.signal(signal.SIGALRM, handler)
    signal.setitimer(signal.ITIMER_REAL, *before)


def test_work_over_its_limit_is_ended_and_the_next_starts_anew() -> None:
    with time_limit(0.05) as limited:
        for _ in range(2):
            limited(True)
            with pytest.raises(TooSlowError, match=r"^it took more than 0\.05 seconds$"):
                endless()


def test_a_limit_holds_between_its_start_and_its_end() -> None:
    with time_limit(30) as limited:
        assert left() == 0
        limited(True)
        assert 0 < left() <= 30
        limited(False)
        assert left() == 0
        limited(True)
    assert 900 < left() <= 1000
    assert signal.getsignal(signal.SIGALRM) is other


def test_an_alarm_of_nobody_stays_away() -> None:
    signal.setitimer(signal.ITIMER_REAL, 0)
    with time_limit(30) as limited:
        limited(True)
    assert left() == 0


def test_no_limit_and_other_threads_leave_the_alarm_alone() -> None:
    seen: list[float] = []

    def work(seconds: float) -> None:
        with time_limit(seconds) as limited:
            limited(True)
            seen.append(left())

    work(0)
    thread = threading.Thread(target=work, args=(1e-6,))
    thread.start()
    thread.join()
    assert [900 < remaining <= 1000 for remaining in seen] == [True, True]


@pytest.mark.parametrize("before", [True, False])
def test_the_collector_rests_inside_and_is_as_it_was_afterwards(before: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    states, on = list[bool](), [before]
    monkeypatch.setattr(gc, "isenabled", lambda: on[-1])
    monkeypatch.setattr(gc, "enable", lambda: on.append(True))
    monkeypatch.setattr(gc, "disable", lambda: on.append(False))

    @uncollected()
    def work() -> None:
        states.append(gc.isenabled())
        raise ValueError("stopped")

    with pytest.raises(ValueError, match="stopped"):
        work()
    assert (states, gc.isenabled()) == ([False], before)


def test_pandas_is_hidden_from_pyarrow_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    seen = list[bool]()

    def array(_: object) -> None:
        with pytest.raises(ModuleNotFoundError, match="not looked for"):
            importlib.import_module("pandas")
        seen.append(importlib.util.find_spec("colorsys") is not None)

    monkeypatch.setattr(pa, "array", array)
    monkeypatch.delitem(sys.modules, "pandas", raising=False)
    before = list(sys.meta_path)
    without_pandas()
    assert (seen, sys.meta_path) == ([True], before)
    # Where it is imported already, there is nothing to hide.
    monkeypatch.setitem(sys.modules, "pandas", sys)
    without_pandas()
    assert seen == [True]


def test_a_module_seems_not_to_be_installed_only_inside(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "colorsys", raising=False)
    before = list(sys.meta_path)
    with pytest.raises(ModuleNotFoundError, match="not looked for") as error, without("colorsys"):
        importlib.import_module("colorsys")
    assert error.value.name == "colorsys", "by which libraries tell a missing module from a broken one"
    assert sys.meta_path == before
    assert importlib.import_module("colorsys")
