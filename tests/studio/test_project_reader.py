"""What a reading of a project holds when others add and delete tasks meanwhile: every task that is there, no other."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from builder.errors import Refused
from builder.studio.client import Client
from builder.studio.project_reader import LastRead, ProjectReader
from builder.studio.pulls import TaskFile
from builder.studio.settings import LabelStudio
from builder.studio.tasks import tasks_of

Change = Callable[["Project"], None]


class Project:
    """Stands in for a client and the one project behind it; `then` are changes made after the requests for tasks."""

    url = "http://labels.example"
    decode = Client.decode
    settings = LabelStudio(page_size=2)

    def __init__(self, count: int) -> None:
        self.ids = list(range(1, count + 1))
        self.changed: set[int] = set()
        self.models: list[dict[str, Any]] = []
        self.then: list[Change | None] = []
        self.asked = 0

    def get(self, path: str, params: dict[str, Any]) -> Any:
        assert (path, params) == ("api/projects/7/model-versions", {"extended": "true"})
        return {"static": self.models, "live": None}

    def send(self, method: str, path: str, params: dict[str, Any]) -> bytes:
        assert (method, path) == ("GET", "api/tasks")
        query = json.loads(params.get("query", "{}"))
        ids = sorted(self.ids, reverse="ordering" in query)
        if "filters" in query:
            ids = [number for number in ids if number in self.changed]
        if "selectedItems" in query:
            ids = [number for number in ids if number in query["selectedItems"]["included"]]
        at, size = (params["page"] - 1) * params["page_size"], params["page_size"]
        shown = [
            {"id": n, "data": {"chunk_id": f"c{n}"}, "annotations": [], "predictions": []} for n in ids[at : at + size]
        ]
        predictions = sum(model["count"] for model in self.models)
        body = json.dumps({"tasks": shown, "total": len(ids), "total_predictions": predictions}).encode()
        if change := self.then[self.asked] if self.asked < len(self.then) else None:
            change(self)
        self.asked += 1
        return body


def delete(number: int) -> Change:
    return lambda project: project.ids.remove(number)


def add(number: int) -> Change:
    return lambda project: project.ids.append(number)


def both(*changes: Change) -> Change:
    return lambda project: [change(project) for change in changes] and None


def fetch(project: Project, folder: Path, known: LastRead | None = None) -> tuple[list[int], LastRead, set[int]]:
    """Ids in the file, what is known, and what is gone: a full reading, or the changes since `known`."""
    with TaskFile(folder / "read") as file:
        reader = ProjectReader(project, 7, file)  # type: ignore[arg-type]
        gone: set[int] = set()
        if known is None:
            now = reader.everything()
        else:
            now, gone = reader.changes(known, "2026-01-01T00:00:00.000Z", lambda: set(range(1, known.count + 1)))
        return sorted(file.index), now, gone


# The first request asks how many tasks there are, the others are pages of two.
@pytest.mark.parametrize("at", [1, 2, 3])
@pytest.mark.parametrize(
    "change",
    [delete(1), both(delete(1), add(9)), both(delete(2), delete(3), add(8), add(9))],
    ids=["one goes", "one goes and one comes", "two go and two come"],
)
def test_a_task_deleted_while_pages_are_read_hides_no_other(tmp_path: Path, at: int, change: Change) -> None:
    project = Project(6)
    project.then = [*[None] * at, change]
    spooled, known, _ = fetch(project, tmp_path)
    assert set(spooled) >= {4, 5, 6}
    # What was read before it went is found out by the next pull, for which number and highest id are written down.
    assert (known.count, known.highest) == (len(spooled), max(spooled))
    assert spooled == sorted(project.ids) or (known.count, known.highest) != (len(project.ids), max(project.ids))


def test_tasks_that_are_added_meanwhile_do_not_stop_a_reading(tmp_path: Path) -> None:
    project = Project(4)
    project.then = [add(number) for number in range(5, 15)]
    spooled, known, _ = fetch(project, tmp_path)
    assert spooled[:4] == [1, 2, 3, 4]
    assert known.count == len(spooled)


def test_a_project_that_is_being_emptied_is_not_read(tmp_path: Path) -> None:
    project = Project(40)
    project.then = [delete(number) for number in range(1, 40)]
    with pytest.raises(Refused, match="keep changing"):
        fetch(project, tmp_path)


def test_a_changed_task_that_is_deleted_at_once_is_gone(tmp_path: Path) -> None:
    project = Project(4)
    project.changed = {2}
    project.then = [delete(2)]
    spooled, known, gone = fetch(project, tmp_path, LastRead(4, 4, predictions=[]))
    assert (spooled, gone) == ([], {2})
    assert (known.count, known.highest) == (3, 4)


def test_a_task_that_leaves_the_changed_ones_hides_no_other(tmp_path: Path) -> None:
    project = Project(6)
    project.changed = {1, 2, 3, 4}
    # Its draft was thrown away.
    project.then = [lambda p: p.changed.discard(1)]
    spooled, _, _ = fetch(project, tmp_path, LastRead(6, 6, predictions=[]))
    assert set(spooled) >= {2, 3, 4}


def test_the_ids_are_read_again_when_a_task_is_deleted_among_them(tmp_path: Path) -> None:
    project = Project(8)
    project.ids.remove(8)
    # Asked are the changed ones, the size, the size again, then pages of ids.
    project.then = [None, None, None, delete(1)]
    _, known, gone = fetch(project, tmp_path, LastRead(8, 8, predictions=[]))
    assert gone == {1, 8}
    assert known.count == 6


@pytest.mark.parametrize("before", [None, [("m", 3, "2026-01-01")], [("m", 2, "2025-12-31")], []])
def test_everything_is_read_again_when_predictions_changed(tmp_path: Path, before: Any) -> None:
    project = Project(3)
    project.models = [{"model_version": "m", "count": 2, "latest": "2026-01-01"}]
    now = [("m", 2, "2026-01-01")]
    assert fetch(project, tmp_path, LastRead(4, 4, predictions=before)) == (
        [1, 2, 3],
        LastRead(3, 3, predictions=now),
        {4},
    )
    assert fetch(project, tmp_path, LastRead(3, 3, predictions=now)) == (
        [],
        LastRead(3, 3, predictions=now, annotations=0),
        set(),
    )


def test_a_push_sees_every_task_although_one_is_deleted(tmp_path: Path) -> None:
    project = Project(6)
    project.then = [None, both(delete(1), add(9))]
    there = tasks_of(project, 7)  # type: ignore[arg-type]
    assert set(there.by_chunk) == {"c2", "c3", "c4", "c5", "c6", "c9"}


def test_an_empty_project_is_read(tmp_path: Path) -> None:
    assert fetch(Project(0), tmp_path) == ([], LastRead(0, 0, predictions=[]), set())


def test_what_was_deleted_after_it_was_read_is_no_part_of_what_is_known(tmp_path: Path) -> None:
    with TaskFile(tmp_path / "read") as file:
        reader = ProjectReader(Project(0), 7, file)  # type: ignore[arg-type]
        for number in (1, 2, 4):
            file.add({"id": number, "project": 7, "data": {}})
        reader.read, reader.drafts = {1, 2, 4}, {1, 4}
        assert reader._all_but_gone({2, 3, 4}, [("m", 1, "t")]) == LastRead(3, 4, [4], [("m", 1, "t")])
        assert (set(file.index), reader.read, reader.drafts) == ({2, 4}, {2, 4}, {4})
