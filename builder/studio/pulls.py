"""The tasks of pulls on disk, and what the next pull lacks.

The file has one JSON line per task. Lines are written as tasks arrive and merged in order, never all in memory.
"""

import heapq
import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from builder.errors import StoreError
from builder.store import write_json
from builder.studio.pull_records import emails_of, verify_pull
from builder.studio.tasks import Author, ShownChunk

#: With the default buffer, writing would take a third of a pull's processor time.
_BUFFER = 1 << 20


def tasks_by_chunk(folder: Path) -> dict[str, dict[str, Any]]:
    """The annotators' task data in a pull, by chunk id."""
    with (folder / "tasks.jsonl").open("rb") as lines:
        every = (json.loads(line)["data"] for line in lines)
        return {data["chunk_id"]: data for data in every if "chunk_id" in data and "review_of" not in data}


class PulledAnnotation(Author):
    """What tells one annotation from another, and who made it."""

    id: int = 0
    created_at: str | None = None


class PulledDraft(msgspec.Struct):
    id: int = 0
    annotation: int | None = None


class PulledPrediction(msgspec.Struct):
    id: int = 0


class PulledTask(msgspec.Struct):
    """A line of a pull without what annotators said."""

    id: int
    project: int
    data: ShownChunk = msgspec.field(default_factory=ShownChunk)
    annotations: list[PulledAnnotation] = []
    drafts: list[PulledDraft] = []
    predictions: list[PulledPrediction] = []

    @property
    def chunk_id(self) -> str:
        """Empty for a task of others."""
        return self.data.chunk_id if isinstance(self.data.chunk_id, str) else ""


class PulledLine(NamedTuple):
    """A line of a pull; lines sort as they do in the file, tasks of others first."""

    place: tuple[str, int, int]
    line: bytes
    task: PulledTask


_decode = msgspec.json.Decoder(PulledTask).decode


def _line(line: bytes) -> PulledLine:
    task = _decode(line)
    return PulledLine((task.chunk_id, task.project, task.id), line, task)


class TaskFile:
    """A file of task lines; a task that is added again replaces its earlier line."""

    def __init__(self, path: Path) -> None:
        self.path = path
        #: Task id -> the place of its line in a pull, and where it begins in this file.
        self.index: dict[int, tuple[tuple[str, int, int], int]] = {}
        self._file = path.open("wb", _BUFFER)

    def __enter__(self) -> "TaskFile":
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def add(self, task: Mapping[str, Any]) -> None:
        """Writes a task: `id`, `project`, `data` and whatever else it holds, keys sorted."""
        line = _line(msgspec.json.encode(task, order="sorted") + b"\n")
        self.index[task["id"]] = (line.place, self._file.tell())
        self._file.write(line.line)

    def lines(self) -> Iterator[PulledLine]:
        """The lines in the order of a pull."""
        self._file.flush()
        with self.path.open("rb") as lines:
            for _, start in sorted(self.index.values()):
                lines.seek(start)
                yield _line(lines.readline())


class EarlierPull:
    """An earlier pull, verified and read when it is needed and not before; without a folder, an empty one."""

    def __init__(self, folder: Path | None) -> None:
        self.folder = folder

    def lines(self) -> Iterator[PulledLine]:
        if self.folder is not None:
            with (self.folder / "tasks.jsonl").open("rb") as lines:
                yield from map(_line, lines)

    @cached_property
    def tasks(self) -> list[PulledTask]:
        if self.folder is not None:
            verify_pull(self.folder)
        return [line.task for line in self.lines()]

    @cached_property
    def authors(self) -> dict[tuple[int, str | None], int]:
        """The author of each annotation, by its id and the time at which it was made."""
        made = (annotation for task in self.tasks for annotation in task.annotations)
        return {(a.id, a.created_at): a.completed_by for a in made if a.completed_by is not None}

    def ids(self, project: int) -> set[int]:
        return {task.id for task in self.tasks if task.project == project}

    def people(self) -> dict[str, dict[str, str]]:
        """User id -> e-mail of everybody whose work is in it."""
        emails = emails_of(self.folder) if self.folder else {}
        return {str(number): {"email": email} for number, email in emails.items()}


def merge_lines(kept: Iterable[PulledLine], new: TaskFile, out: Path) -> list[PulledTask]:
    """Writes the lines `kept` from an earlier pull and the `new` ones to `out`, in order; returns their tasks."""
    tasks = []
    with out.open("wb", _BUFFER) as file:
        for line in heapq.merge(kept, new.lines()):
            file.write(line.line)
            tasks.append(line.task)
    return tasks


def pull_counts(tasks: Iterable[PulledTask]) -> dict[str, int]:
    """What a pull holds: annotations apart from skips, tasks that show a chunk again, tasks of others (foreign)."""
    counts = Counter(tasks=0, annotations=0, skipped=0, drafts=0, predictions=0, duplicates=0, foreign=0)
    seen = set()
    for task in tasks:
        skipped = sum(bool(made.was_cancelled) for made in task.annotations)
        shown = (task.chunk_id, task.project)
        counts.update(
            tasks=1, annotations=len(task.annotations) - skipped, skipped=skipped, drafts=len(task.drafts),
            predictions=len(task.predictions), foreign=not task.chunk_id,
            duplicates=bool(task.chunk_id) and shown in seen,
        )  # fmt: skip
        seen.add(shown)
    return dict(counts)


@dataclass
class Losses:
    """Ids of what is gone; annotations and drafts as "<project>:<id>". `share` is the larger one of annotations and
    tasks. A draft that was submitted is not gone."""

    projects: list[str] = field(default_factory=list)
    tasks: list[int] = field(default_factory=list)
    annotations: list[str] = field(default_factory=list)
    drafts: list[str] = field(default_factory=list)
    predictions: list[int] = field(default_factory=list)
    #: E-mail addresses of deleted accounts whose work is there.
    accounts: list[str] = field(default_factory=list)
    share: float = 0.0

    def described(self) -> str:
        """Such as "3 annotations, 1 account"; empty when nothing is gone."""
        counts = {name: len(value) for name, value in vars(self).items() if isinstance(value, list)}
        return ", ".join(f"{n} {name if n > 1 else name[:-1]}" for name, n in counts.items() if n)


def losses(before: Sequence[PulledTask], now: Sequence[PulledTask]) -> Losses:
    """What the tasks of the pull before held and those of now do not."""
    # A number may be given out again after a backup was restored, but not at the same time.
    there = {(made.id, made.created_at) for task in now for made in task.annotations}
    seen = {(made.id, made.created_at) for task in before for made in task.annotations}
    submitted = {task.id for task in now if any((m.id, m.created_at) not in seen for m in task.annotations)}
    tasks, drafts = {task.id for task in now}, {draft.id for task in now for draft in task.drafts}
    predictions = {made.id for task in now for made in task.predictions}
    found = Losses(
        tasks=sorted({task.id for task in before} - tasks),
        annotations=[f"{t.project}:{m.id}" for t in before for m in t.annotations if (m.id, m.created_at) not in there],
        drafts=[
            f"{task.project}:{draft.id}"
            for task in before
            for draft in task.drafts
            if draft.id not in drafts and task.id not in submitted and not draft.annotation
        ],
        predictions=[made.id for task in before for made in task.predictions if made.id not in predictions],
    )
    found.share = max(len(found.annotations) / max(len(seen), 1), len(found.tasks) / max(len(before), 1))
    return found


def refuse_losses(found: Losses, most: float, url: str, file: Path) -> None:
    """Raises `StoreError` when a larger share than `most` is gone; then `file` lists what."""
    if found.share > most:
        write_json(file, asdict(found))
        raise StoreError(
            f"At {url} {found.described()} of the pull before are gone ({found.share:.0%}); {file} lists them. Nothing"
            " was pulled.",
            "If the server lost them, run `builder push` and `builder restore`. If they were deleted on purpose, pull"
            " with label_studio.gone_share=1.",
        )
