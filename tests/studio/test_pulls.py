"""Lines of a pull: sorted, one a task, merged with those of the pull before."""

import json
from pathlib import Path
from typing import Any

from builder.studio.pulls import EarlierPull, TaskFile, merge_lines, pull_counts


def task(number: int, chunk: str | None, **more: Any) -> dict[str, Any]:
    data = {"text": "x"} if chunk is None else {"chunk_id": chunk, "text": "x"}
    return {"project": 1, "id": number, "data": data, "annotations": [], "drafts": [], "predictions": [], **more}


def lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]


def write(folder: Path, tasks: list[dict[str, Any]]) -> Path:
    with TaskFile(folder / "spool") as new:
        for one in tasks:
            new.add(one)
        merge_lines([], new, folder / "tasks.jsonl")
    return folder / "tasks.jsonl"


def test_lines_are_sorted_and_their_keys_too(tmp_path: Path) -> None:
    path = write(tmp_path, [task(3, "b"), task(2, "b"), task(9, "a"), task(1, None)])
    assert [t["id"] for t in lines(path)] == [1, 9, 2, 3]
    assert all(list(t) == sorted(t) for t in lines(path))


def test_the_order_in_which_tasks_come_leaves_no_trace(tmp_path: Path) -> None:
    tasks = [task(n, f"c{n % 3}") for n in range(7)]
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    assert write(tmp_path / "a", tasks).read_bytes() == write(tmp_path / "b", tasks[::-1]).read_bytes()


def test_a_task_that_comes_again_replaces_itself(tmp_path: Path) -> None:
    path = write(tmp_path, [task(1, "a"), task(1, "a", predictions=[{}])])
    assert [len(t["predictions"]) for t in lines(path)] == [1]


def test_a_pull_is_merged_with_news(tmp_path: Path) -> None:
    base = write(tmp_path, [task(1, "a"), task(2, "b"), task(3, "c")])
    kept = [line for line in EarlierPull(base.parent).lines() if line.task.id not in (2, 3)]
    with TaskFile(tmp_path / "new") as new:
        new.add(task(2, "b", annotations=[{"completed_by": 7}, {"completed_by": 8, "was_cancelled": True}]))
        new.add(task(4, "b"))
        new.add(task(5, None))
        tasks = merge_lines(kept, new, tmp_path / "merged.jsonl")
    assert [t["id"] for t in lines(tmp_path / "merged.jsonl")] == [5, 1, 2, 4]
    assert [task.id for task in tasks] == [5, 1, 2, 4]
    assert pull_counts(tasks) == {
        "tasks": 4,
        "annotations": 1,
        "skipped": 1,
        "drafts": 0,
        "predictions": 0,
        "duplicates": 1,
        "foreign": 1,
    }
