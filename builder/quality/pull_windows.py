"""What annotators saw, from the tasks of a pull: one row per chunk, and what each review was made from."""

from collections.abc import Iterable, Mapping

import msgspec
import pyarrow as pa

from builder.tables import WINDOWS

_OWN = ("chunk_id", "article_id", "start", "text", "title", "scheme", "targets")


class _Data(msgspec.Struct):
    chunk_id: str
    article_id: str
    start: int
    text: str
    title: str | None = None
    scheme: str | None = None
    targets: list[str] | None = None
    review_of: list[str] | None = None


class _Task(msgspec.Struct):
    id: int
    data: _Data


def read_windows(lines: Iterable[bytes]) -> tuple[pa.Table, dict[int, list[str]]]:
    """WINDOWS in the order of chunk id, from the lines of a pull; and by review task the annotations that it shows.

    A chunk with several tasks has one row. Lines that are no tasks of this builder are left out; decoding reports them.
    """
    decoder = msgspec.json.Decoder(_Task)
    rows: dict[str, _Data] = {}
    parents: dict[int, list[str]] = {}
    for line in lines:
        try:
            task = decoder.decode(line)
        except (msgspec.ValidationError, msgspec.DecodeError):
            continue
        rows[task.data.chunk_id] = task.data
        if task.data.review_of is not None:
            parents[task.id] = task.data.review_of
    shown = [rows[chunk] for chunk in sorted(rows)]
    columns = {name: [getattr(data, name) for data in shown] for name in _OWN}
    columns["end"] = [data.start + len(data.text) for data in shown]
    return pa.table([pa.array(columns[f.name], f.type) for f in WINDOWS], schema=WINDOWS), parents


def with_parents(annotations: pa.Table, parents: Mapping[int, list[str]]) -> pa.Table:
    """ANNOTATIONS in which those on review tasks have as `parent_id` the annotations shown there, space-separated.

    `parents` maps a review task to the annotations it shows. Drafts keep their parent.
    """
    columns = (annotations[c].to_pylist() for c in ("task_id", "state", "parent_id"))
    made_from = [
        " ".join(parents[task]) if task in parents and state != "draft" else parent
        for task, state, parent in zip(*columns, strict=True)
    ]
    at = annotations.schema.get_field_index("parent_id")
    return annotations.set_column(at, "parent_id", pa.array(made_from, pa.string()))
