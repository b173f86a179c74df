"""What tasks a project holds, read page by page."""

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import islice
from typing import Any, Protocol, TypeVar

import msgspec

from builder.errors import Refused
from builder.studio.client import Client, Params

#: Ids that one question names: more would make its address too long.
FEW = 250
_ROUNDS = 4


T = TypeVar("T")


class Data(msgspec.Struct):
    """What we need of a task's data. In tasks put there by others, a field of this name may hold anything."""

    chunk_id: Any = None


class Entry(msgspec.Struct):
    """One task as a listing shows it."""

    id: int
    data: Data = msgspec.field(default_factory=Data)
    total_annotations: int = 0
    cancelled_annotations: int = 0
    total_predictions: int = 0

    @property
    def touched(self) -> bool:
        """True when somebody annotated or skipped it."""
        return self.total_annotations + self.cancelled_annotations > 0


class _Page(msgspec.Struct):
    tasks: list[Entry]
    total: int


@dataclass
class Held:
    """The tasks of a project by chunk; `strangers` carry no chunk id and are left alone."""

    by_chunk: dict[str, list[Entry]] = field(default_factory=dict)
    strangers: int = 0

    @property
    def tasks(self) -> int:
        return self.strangers + sum(map(len, self.by_chunk.values()))

    def duplicates(self) -> dict[str, list[Entry]]:
        return {chunk: entries for chunk, entries in self.by_chunk.items() if len(entries) > 1}


_INCLUDE = "id,data,total_annotations,cancelled_annotations,total_predictions"


def held(client: Client, project: int, page_size: int) -> Held:
    """Every task of a project."""
    return _held(client, project, {"include": _INCLUDE}, page_size)


def held_of(client: Client, project: int, chunk_ids: Iterable[str]) -> Held:
    """The tasks of these chunks only, looked up by the server; cheaper than `held` for a few hundred chunks."""
    found = Held()
    for some in batches(chunk_ids, FEW):
        query = filters({"filter": "data.chunk_id", "operator": "in_list", "type": "String", "value": some})
        found.by_chunk |= _held(client, project, {"include": _INCLUDE, "query": query}, 4 * FEW).by_chunk
    return found


class Size(msgspec.Struct):
    """Enough to tell that no task was added or deleted: ids only grow, so equal sizes are equal sets of tasks."""

    count: int = 0
    highest: int = 0
    predictions: int = 0


class _Top(msgspec.Struct):
    tasks: list[Entry]
    total: int
    total_predictions: int = 0


def size(client: Client, project: int) -> Size:
    """How many tasks a project holds, the highest id among them, and how many predictions; one cheap request."""
    query = msgspec.json.encode({"ordering": ["-tasks:id"]}).decode()
    page = next(pages(client, project, {"include": "id", "query": query}, 1, _Top))
    return Size(page.total, page.tasks[0].id if page.tasks else 0, page.total_predictions)


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


def nested(fields: Iterable[str], annotation: Iterable[str]) -> dict[str, str]:
    """Parameters for a listing with these fields of each task, and those of each of its annotations.

    Asked to expand annotations, the server builds one serializer a page instead of one a task, which halves its
    work. The names stand twice because a server that does not expand applies the plain ones to what is nested.
    """
    names = list(annotation)
    include = [*fields, *(f"annotations.{name}" for name in names), *names]
    return {"fields": "all", "resolve_uri": "false", "expand": "annotations", "include": ",".join(include)}


class Page(Protocol):
    """What a page of tasks must tell: how many tasks the whole listing has."""

    total: int


P = TypeVar("P", bound=Page)


def pages(client: Client, project: int, params: Params, page_size: int, kind: type[P], readers: int = 1) -> Iterator[P]:
    """All pages of a listing in order, decoded as `kind`, oldest task first; the last one may be short.

    Pages are cut by offset, so a task deleted meanwhile shifts the ones behind it and hides one: see `steady`.
    """

    def page(number: int) -> bytes:
        wanted: Params = {"project": project, "page": number, "page_size": page_size, **params}
        return client.send("GET", "api/tasks", wanted)

    first = client.decode("api/tasks", page(1), kind)
    rest = range(2, -(-first.total // page_size) + 1)
    yield first
    del first  # a page with its annotations is tens of megabytes
    if readers == 1:
        for number in rest:
            yield client.decode("api/tasks", page(number), kind)
        return
    with ThreadPoolExecutor(readers) as pool:
        for body in pool.map(page, rest):
            yield client.decode("api/tasks", body, kind)


def steady(
    client: Client,
    project: int,
    params: Params,
    page_size: int,
    kind: type[P],
    take: Callable[[P], Iterable[int]],
    readers: int = 1,
) -> set[int]:
    """The ids of the tasks of a listing, from a reading in which none was hidden; some may have come meanwhile.

    `take` gets each page and gives the ids of its tasks. When the listing has to be read again it gets them again, and
    may have got tasks that are not in the answer. Raises `Refused` when tasks leave the listing in every reading.
    """
    for _ in range(_ROUNDS):
        before = None if "query" in params else size(client, project)
        seen: set[int] = set()
        totals: list[int] = []
        for page in pages(client, project, params, page_size, kind, readers):
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


def _held(client: Client, project: int, params: Params, page_size: int) -> Held:
    seen: dict[int, Entry] = {}

    def take(page: _Page) -> list[int]:
        seen.update((entry.id, entry) for entry in page.tasks)
        return [entry.id for entry in page.tasks]

    there = steady(client, project, params, page_size, _Page, take)
    return _group(seen[number] for number in there)


def _group(entries: Iterable[Entry]) -> Held:
    found = Held()
    for entry in sorted(entries, key=lambda e: e.id):
        if isinstance(entry.data.chunk_id, str):
            found.by_chunk.setdefault(entry.data.chunk_id, []).append(entry)
        else:
            found.strangers += 1
    return found
