"""The one way benchmarks report: a name, a ratio measured in this run, the bound it is held to."""

import sys
import time
from collections.abc import Callable
from statistics import median


class Report:
    """Prints one line per ratio and remembers whether any was short."""

    def __init__(self) -> None:
        self.short = 0

    def at_least(self, name: str, ratio: float, bound: float, unit: str = "x") -> None:
        self._line(name, ratio, f">= {bound:g}{unit}", ratio >= bound, unit)

    def at_most(self, name: str, ratio: float, bound: float, unit: str = "x") -> None:
        self._line(name, ratio, f"<= {bound:g}{unit}", ratio <= bound, unit)

    def _line(self, name: str, ratio: float, bound: str, holds: bool, unit: str) -> None:
        self.short += not holds
        print(f"{name} {ratio:.3g}{unit} ({bound}) {'ok' if holds else 'short'}", flush=True)  # noqa: T201

    def finish(self) -> None:
        """Exits non-zero when a ratio was short."""
        sys.exit(1 if self.short else 0)


def best_of(runs: int, work: Callable[[], object]) -> float:
    """The shortest of several timings of the same work, in seconds: the least disturbed one."""
    times = []
    for _ in range(runs):
        start = time.perf_counter()
        work()
        times.append(time.perf_counter() - start)
    return min(times)


def in_turns(runs: int, work: Callable[[], object], peer: Callable[[], object]) -> float:
    """The usual ratio of the time of the work to that of its peer, each time one right after the other.

    A machine that is slower for a while, because of its neighbours, is so for both.
    """
    return median(best_of(1, work) / best_of(1, peer) for _ in range(runs))
