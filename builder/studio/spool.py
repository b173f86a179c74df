"""Tasks on their way into a pull: written as they come, read back in the order of the pull, never all in memory."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple

import msgspec

from builder.studio.listing import Data

#: A task is a few thousand bytes, and a call of the kernel each would be a third of a pull's processor time.
_BUFFER = 1 << 20


class Place(NamedTuple):
    """Where a task's line lies in its file; places sort as the lines of a pull do."""

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

    def place(self, offset: int, length: int) -> Place:
        # Tasks of others go to the front; the decoder says what they are.
        return Place("" if self.is_strange else self.data.chunk_id, self.project, self.id, offset, length)

    @property
    def is_strange(self) -> bool:
        return not isinstance(self.data.chunk_id, str)


_line = msgspec.json.Decoder(_Line)


class Spool:
    """A file of task lines, one a task; a task that comes again replaces itself."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.index: dict[int, Place] = {}
        self._tasks: dict[int, _Line] = {}
        self._file = path.open("wb", _BUFFER)
        self._end = 0

    def __enter__(self) -> "Spool":
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


def places(tasks: Path) -> Iterator[Place]:
    """The tasks of a pull, in order."""
    offset = 0
    with tasks.open("rb") as lines:
        for line in lines:
            task = _line.decode(line)
            yield task.place(offset, len(line))
            offset += len(line)


@dataclass
class Counts:
    """What a pull holds, and the ids of the accounts whose work it is."""

    tasks: int = 0
    annotations: int = 0
    skipped: int = 0
    drafts: int = 0
    predictions: int = 0
    #: Tasks that show a chunk again in the same project; `builder push` makes them one.
    duplicates: int = 0
    #: Tasks without a chunk id, made by others.
    strangers: int = 0
    users: set[int] = field(default_factory=set)

    def summary(self) -> dict[str, int]:
        return {name: value for name, value in vars(self).items() if isinstance(value, int)}


def merge(base: Path | None, kept: Mapping[int, Place], spool: Spool, out: Path) -> Counts:
    """Writes the pull's tasks to `out`: those `kept` from the earlier pull `base`, and those of the spool."""
    spool.flush()
    counts = Counts()
    order = sorted(
        [(place, False) for task, place in kept.items() if task not in spool.index]
        + [(place, True) for place in spool.index.values()]
    )
    before: tuple[str, int] | None = None
    with spool.path.open("rb") as new, (base or spool.path).open("rb") as old, out.open("wb", _BUFFER) as file:
        for place, fresh in order:
            source = new if fresh else old
            source.seek(place.offset)
            line = source.read(place.length)
            file.write(line)
            _count(counts, spool.task(place.task) if fresh else _line.decode(line))
            counts.duplicates += bool(place.chunk_id) and (place.chunk_id, place.project) == before
            before = (place.chunk_id, place.project)
    return counts


def _count(counts: Counts, task: _Line) -> None:
    skipped = sum(bool(a.was_cancelled) for a in task.annotations)
    counts.tasks += 1
    counts.skipped += skipped
    counts.annotations += len(task.annotations) - skipped
    counts.drafts += len(task.drafts)
    counts.predictions += len(task.predictions)
    counts.strangers += task.is_strange
    counts.users |= {a.completed_by for a in task.annotations if a.completed_by is not None}
