"""Killed anywhere, there is the old release or the new one, never half of one, and the next export works."""

import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from builder.release.manifest import read, releases
from builder.release.settings import Export
from builder.release.verify import check_files
from tests.release.world import World
from tests.samples import article

#: What a process does to files: between any two of these it may be killed.
_EVENTS = ("open", "os.rename", "os.mkdir", "os.remove", "os.rmdir", "shutil.rmtree", "os.chmod")


def in_child(work: Callable[[], object], die_at: int | None) -> tuple[int, int]:
    """Runs work in a forked process that kills itself at an event; returns signal (or 0) and the number of events."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        count = 0

        def hook(event: str, _: object) -> None:
            nonlocal count
            if event in _EVENTS:
                count += 1
                if count == die_at:
                    os.kill(os.getpid(), signal.SIGKILL)

        try:
            sys.addaudithook(hook)
            work()
            os.write(writing, str(count).encode())
        finally:
            os._exit(0)
    os.close(writing)
    with os.fdopen(reading) as told:
        count = int(told.read() or 0)
    _, status = os.waitpid(child, 0)
    return (os.WTERMSIG(status) if os.WIFSIGNALED(status) else 0), count


@pytest.mark.usefixtures("unread")
@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")
def test_kills_leave_whole_releases(tmp_path: Path) -> None:
    # One configuration of one article: more of either are only more files of the same kind.
    world, settings = World(tmp_path, [article(0)]), Export(configs=["stance", "annotations"])
    world.export(settings)
    folder = tmp_path / "exports/sample"
    paths = world.paths()

    def release(number: int) -> Callable[[], object]:
        world.dissent[2, world.chunk(0, 0)] = {"comment": f"round {number}"}
        world.paths()
        return lambda: world.export(settings, tables=paths)

    _, events = in_child(release(0), None)
    assert len(releases(folder)) == 2
    assert events > 40
    outcomes = set()
    for number, at in enumerate(range(1, events, max(1, events // 15)), 1):
        before = [path for _, path in releases(folder)]
        died, _ = in_child(release(number), at)
        after = [path for _, path in releases(folder)]
        assert died == signal.SIGKILL
        assert sorted(folder.iterdir()) == sorted(after)
        assert before == after[: len(before)]
        assert len(after) - len(before) in (0, 1)
        assert all(not check_files(path, read(path).files) for path in after[-2:])
        outcomes.add(len(after) - len(before))
    assert 0 in outcomes
    release(len(outcomes) + events)()
    assert len(releases(folder)) > len(after)
