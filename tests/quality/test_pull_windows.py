"""What annotators saw, read from the tasks of a pull."""

import json
from typing import Any

from builder.quality.pull_windows import read_windows, with_parents
from builder.tables import WINDOWS
from tests.samples import Crowd


def task(number: int, chunk: str, **more: Any) -> bytes:
    data = {"chunk_id": chunk, "article_id": "a", "start": 10, "text": "Tokyo 🚀", **more}
    return json.dumps({"id": number, "data": data, "annotations": []}).encode()


def test_one_row_per_chunk_in_the_order_of_chunk_id() -> None:
    lines = [task(1, "c2", title="T", scheme="sample@1", targets=["x"]), task(2, "c1"), task(3, "c2", title="U")]
    windows, parents = read_windows(lines)
    assert windows.schema == WINDOWS
    assert parents == {}
    assert windows.to_pylist() == [
        {"chunk_id": "c1", "article_id": "a", "start": 10, "end": 17, "text": "Tokyo 🚀", "title": None, "scheme": None,
         "targets": None},
        {"chunk_id": "c2", "article_id": "a", "start": 10, "end": 17, "text": "Tokyo 🚀", "title": "U", "scheme": None,
         "targets": None},
    ]  # fmt: skip


def test_foreign_lines_are_left_out() -> None:
    windows, _ = read_windows([b"{}", b"no json", b"\n", task(1, "c")])
    assert windows["chunk_id"].to_pylist() == ["c"]


def test_reviews_know_what_they_were_made_from() -> None:
    _, parents = read_windows([task(1, "c"), task(2, "c", review_of=["1:1", "1:2"]), task(3, "d", review_of=[])])
    assert parents == {2: ["1:1", "1:2"], 3: []}
    crowd = Crowd().add("c", "ada", parent_id="1:9").add("c", "eve").add("c", "eve", task_id=2, state="draft")
    assert with_parents(crowd.annotations, parents)["parent_id"].to_pylist() == ["1:9", "1:1 1:2", None]
    assert with_parents(crowd.annotations, parents).schema == crowd.annotations.schema
