"""The file of tasks of a pull, one JSON line per task: written as they arrive, merged in order, never all in memory."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple

import msgspec

from builder.studio.tasks import Data

#: With the default buffer, writing would take a third of a pull's processor time.
_BUFFER = 1 << 20


class LinePlace(NamedTuple):
    """Where a task's line is in its file; places sort as the lines of a pull do."""

    chunk_id: str
    project: int
    task: int
    offset: int
    length: int


class _Author(msgspec.Struct):
    completed_by: int | None = None
    was_cancelled: bool | None = False


class _Line(msgspec.Struct):
    id: int
    project: int
    data: Data = msgspec.field(default_factory=Data)
    annotations: list[_Author] = []
    drafts: list[_Author] = []
    predictions: list[_Author] = []

    def place(self, offset: int, length: int) -> LinePlace:
        # Tasks of others come first.
        return LinePlace("" if self.is_foreign else self.data.chunk_id, self.project, self.id, offset, length)

    @property
    def is_foreign(self) -> bool:
        return not isinstance(self.data.chunk_id, str)


_line = msgspec.json.Decoder(_Line)


class TaskFile:
    """A file of task lines; a task that is added again replaces its earlier line."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.index: dict[int, LinePlace] = {}
        self._tasks: dict[int, _Line] = {}
        self._file = path.open("wb", _BUFFER)
        self._end = 0

    def __enter__(self) -> "TaskFile":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._file.close()

    def add(self, task: Mapping[str, Any]) -> None:
        """Writes a task: `id`, `project`, `data` and whatever else it holds, keys sorted."""
        line = msgspec.json.encode(task, order="sorted") + b"\n"
        self._file.write(line)
        read = self._tasks[task["id"]] = msgspec.convert(task, _Line)
        self.index[task["id"]] = read.place(self._end, len(line))
        self._end += len(line)

    def task(self, number: int) -> "_Line":
        """What is counted of a task."""
        return self._tasks[number]

    def flush(self) -> None:
        self._file.flush()


def places(tasks: Path) -> Iterator[LinePlace]:
    """The tasks of a pull, in order."""
    offset = 0
    with tasks.open("rb") as lines:
        for line in lines:
            task = _line.decode(line)
            yield task.place(offset, len(line))
            offset += len(line)


@dataclass
class PullCounts:
    """What a pull holds, and the ids of the accounts whose work it is."""

    tasks: int = 0
    annotations: int = 0
    skipped: int = 0
    drafts: int = 0
    predictions: int = 0
    #: Tasks that show a chunk again in the same project; `builder push` merges them.
    duplicates: int = 0
    #: Tasks without a chunk id, made by others.
    foreign: int = 0
    users: set[int] = field(default_factory=set)

    def summary(self) -> dict[str, int]:
        return {name: value for name, value in vars(self).items() if isinstance(value, int)}


def merge_lines(base: Path | None, kept: Mapping[int, LinePlace], new: TaskFile, out: Path) -> PullCounts:
    """Writes the pull's tasks to `out`: those `kept` from the earlier pull `base`, and the `new` ones."""
    new.flush()
    counts = PullCounts()
    order = sorted(
        [(place, False) for task, place in kept.items() if task not in new.index]
        + [(place, True) for place in new.index.values()]
    )
    before: tuple[str, int] | None = None
    with (
        new.path.open("rb") as fresh_lines,
        (base or new.path).open("rb") as old_lines,
        out.open("wb", _BUFFER) as file,
    ):
        for place, fresh in order:
            source = fresh_lines if fresh else old_lines
            source.seek(place.offset)
            line = source.read(place.length)
            file.write(line)
            _count(counts, new.task(place.task) if fresh else _line.decode(line))
            counts.duplicates += bool(place.chunk_id) and (place.chunk_id, place.project) == before
            before = (place.chunk_id, place.project)
    return counts


def _count(counts: PullCounts, task: _Line) -> None:
    skipped = sum(bool(a.was_cancelled) for a in task.annotations)
    counts.tasks += 1
    counts.skipped += skipped
    counts.annotations += len(task.annotations) - skipped
    counts.drafts += len(task.drafts)
    counts.predictions += len(task.predictions)
    counts.foreign += task.is_foreign
    counts.users |= {a.completed_by for a in task.annotations if a.completed_by is not None}
