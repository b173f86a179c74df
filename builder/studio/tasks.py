"""Which tasks a project has, read page by page."""

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import islice
from typing import Any, Generic, TypeVar

import msgspec

from builder.errors import Refused
from builder.studio.client import Client, NotFound, Params

#: Most ids in one request: more would make its address too long.
MOST_IDS = 250
_ROUNDS = 4
_INCLUDE = "id,data,total_annotations,cancelled_annotations,total_predictions"

T = TypeVar("T")


class TaskPage(msgspec.Struct, Generic[T]):
    """A page of a listing; the totals are of the whole listing, that of annotations without skips."""

    tasks: list[T]
    total: int
    total_annotations: int = 0
    total_predictions: int = 0


class ShownChunk(msgspec.Struct):
    """What is read of a task's data. In tasks made by others, a field of this name may hold anything."""

    chunk_id: Any = None


class TaskEntry(msgspec.Struct):
    """One task as a listing shows it."""

    id: int
    data: ShownChunk = msgspec.field(default_factory=ShownChunk)
    total_annotations: int = 0
    cancelled_annotations: int = 0
    total_predictions: int = 0

    @property
    def answers(self) -> int:
        """Annotations and skips."""
        return self.total_annotations + self.cancelled_annotations


class Author(msgspec.Struct):
    """Who made an annotation; no one when the account was deleted."""

    completed_by: int | None = None
    was_cancelled: bool | None = False


class Saved(Author):
    """An annotation, draft or prediction with what it says, and for a draft the annotation that it would change."""

    id: int = 0
    result: Any = msgspec.field(default_factory=list)
    updated_by: int | None = None
    annotation: int | None = None


class AnnotatedTask(msgspec.Struct):
    """A task with the authors of its annotations and skips."""

    id: int
    annotations: list[Author] = []


@dataclass
class ProjectTasks:
    """The tasks of a project by chunk, the oldest first, and the number of `foreign` tasks without a chunk id."""

    by_chunk: dict[str, list[TaskEntry]] = field(default_factory=dict)
    foreign: int = 0

    @property
    def tasks(self) -> int:
        return self.foreign + sum(map(len, self.by_chunk.values()))

    def duplicates(self) -> dict[str, list[TaskEntry]]:
        return {chunk: entries for chunk, entries in self.by_chunk.items() if len(entries) > 1}

    def answered(self) -> set[str]:
        """The chunks that somebody annotated or skipped."""
        return {chunk for chunk, entries in self.by_chunk.items() if any(entry.answers for entry in entries)}

    def skipped(self) -> set[str]:
        """The chunks that somebody skipped and nobody annotated."""
        annotated = {chunk for chunk, entries in self.by_chunk.items() if any(e.total_annotations for e in entries)}
        return self.answered() - annotated


def tasks_of(client: Client, project: int, **query: str | int) -> ProjectTasks:
    """Every task of a project, or those that a `query` selects; see `read_steadily` for what it raises."""
    seen: dict[int, TaskEntry] = {}

    def take(page: TaskPage[TaskEntry]) -> list[int]:
        seen.update((entry.id, entry) for entry in page.tasks)
        return [entry.id for entry in page.tasks]

    found = ProjectTasks()
    for number in sorted(read_steadily(client, project, {"include": _INCLUDE, **query}, TaskEntry, take)):
        entry = seen[number]
        if isinstance(entry.data.chunk_id, str):
            found.by_chunk.setdefault(entry.data.chunk_id, []).append(entry)
        else:
            found.foreign += 1
    return found


def tasks_of_chunks(client: Client, project: int, chunk_ids: Iterable[str]) -> ProjectTasks:
    """The tasks of these chunks only, looked up by the server; cheaper than `tasks_of` for a few hundred chunks."""
    found = ProjectTasks()
    for some in batches(chunk_ids, MOST_IDS):
        query = filters({"filter": "data.chunk_id", "operator": "in_list", "type": "String", "value": some})
        found.by_chunk |= tasks_of(client, project, query=query, page_size=4 * MOST_IDS).by_chunk
    return found


class Size(msgspec.Struct):
    """How many tasks, predictions and annotations (without skips) a project has, and the highest task id.

    Ids only grow, so the same number of tasks and the same highest id mean the same set of tasks.
    """

    count: int = 0
    highest: int = 0
    predictions: int = 0
    annotations: int = 0


def size_of(client: Client, project: int) -> Size:
    """The size of a project; one cheap request."""
    query = msgspec.json.encode({"ordering": ["-tasks:id"]}).decode()
    page = next(pages(client, project, {"include": "id", "query": query, "page_size": 1}, TaskEntry))
    return Size(page.total, page.tasks[0].id if page.tasks else 0, page.total_predictions, page.total_annotations)


def models_of(client: Client, project: int) -> list[tuple[str, int, str]] | None:
    """Version, number of predictions and time of the newest, of each model with predictions in a project.

    None on a server that does not say. Adding or deleting predictions in one request leaves no other mark.
    """
    try:
        found = client.get(f"api/projects/{project}/model-versions", {"extended": "true"})
        return sorted((str(row["model_version"]), int(row["count"]), str(row["latest"])) for row in found["static"])
    except (NotFound, KeyError, TypeError, ValueError):
        return None


def batches(items: Iterable[T], most: int) -> Iterator[list[T]]:
    """The items in order, at most so many at a time.

    >>> list(batches("abcde", 2))
    [['a', 'b'], ['c', 'd'], ['e']]
    """
    left = iter(items)
    while some := list(islice(left, most)):
        yield some


def filters(*items: dict[str, Any], conjunction: str = "and") -> str:
    """The `query` parameter for tasks that pass all of the filters; columns are named without `filter:tasks:`."""
    named = [{**item, "filter": f"filter:tasks:{item['filter']}"} for item in items]
    return msgspec.json.encode({"filters": {"conjunction": conjunction, "items": named}}).decode()


def with_annotations(fields: Iterable[str], annotation: Iterable[str]) -> dict[str, str]:
    """Parameters for a listing with these fields of each task, and those of each of its annotations.

    When it expands annotations, the server builds one serializer per page instead of one per task, which halves its
    work. The names are given twice because a server that does not expand applies the plain ones to the annotations.
    """
    names = list(annotation)
    include = [*fields, *(f"annotations.{name}" for name in names), *names]
    return {"fields": "all", "resolve_uri": "false", "expand": "annotations", "include": ",".join(include)}


def annotated(client: Client, project: int) -> Iterator[AnnotatedTask]:
    """Every task of a project with the authors of its annotations and skips."""
    for page in pages(client, project, with_annotations(["id"], ["completed_by", "was_cancelled"]), AnnotatedTask):
        yield from page.tasks


def pages(client: Client, project: int, params: Params, kind: type[T], readers: int = 1) -> Iterator[TaskPage[T]]:
    """All pages of a listing in order, with tasks decoded as `kind`, oldest task first; the last one may be short.

    Pages are cut by offset: when a task is deleted while they are read, the later ones move up, and one task is missed.
    `read_steadily` guards against it.
    """
    wanted: Params = {"project": project, "page_size": client.settings.page_size, **params}

    def page(number: int) -> bytes:
        return client.send("GET", "api/tasks", {**wanted, "page": number})

    def decoded(body: bytes) -> TaskPage[T]:
        return client.decode("api/tasks", body, TaskPage[kind])  # type: ignore[valid-type]

    first = decoded(page(1))
    rest = range(2, -(-first.total // int(wanted["page_size"])) + 1)
    yield first
    del first  # a page with its annotations is tens of megabytes
    if readers == 1:
        yield from (decoded(page(number)) for number in rest)
        return
    with ThreadPoolExecutor(readers) as pool:
        yield from map(decoded, pool.map(page, rest))


def read_steadily(
    client: Client,
    project: int,
    params: Params,
    kind: type[T],
    take: Callable[[TaskPage[T]], Iterable[int]],
    readers: int = 1,
) -> set[int]:
    """The ids of the tasks of a listing, from a reading that missed none; some may have been added while it was read.

    `take` gets each page and returns the ids of its tasks. When the listing has to be read again, it gets all pages
    again, so it may have got tasks that are not in the result. Raises `Refused` when tasks leave the listing in each of
    four readings.
    """
    for _ in range(_ROUNDS):
        before = None if "query" in params else size_of(client, project)
        seen: set[int] = set()
        totals: list[int] = []
        for page in pages(client, project, params, kind, readers):
            seen.update(take(page))
            totals.append(page.total)
            del page  # before the next one is read
        if before is None:
            complete = len(seen) >= totals[0] and totals == sorted(totals)
        else:
            # Ids only grow, so this holds also when as many tasks came as went.
            complete = sum(number <= before.highest for number in seen) == before.count
        if complete:
            return seen
    raise Refused(
        f"The tasks of project {project} at {client.url} keep changing while they are read.",
        "Wait until nobody imports or deletes tasks there, then run the command again.",
    )
