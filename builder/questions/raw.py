"""One line of a pull as typed objects: a task with its annotations, drafts and predictions.

A line is read in one pass into tagged structs. When something in it has an unexpected shape, the line is read
again item by item, so that one odd result costs that result and nothing else.

Source of the method: https://jcristharif.com/msgspec/structs.html#tagged-unions
"""

from datetime import datetime
from typing import Annotated, Any

import msgspec

#: A number that a column can hold.
_Number = Annotated[int, msgspec.Meta(ge=-(2**63), le=2**63 - 1)]


class _Struct(msgspec.Struct, gc=False):
    pass


class RegionValue(_Struct):
    start: _Number
    end: _Number
    text: str | None = None
    labels: list[str] = []


class ChoicesValue(_Struct):
    choices: list[str] = []


class TextValue(_Struct):
    text: list[str] | str = []


class _Item(_Struct, kw_only=True):
    from_name: str
    id: str = ""


class Region(_Item, tag="labels"):
    """A marked span. `start` and `end` are offsets into the task's text, in units still to be found out."""

    value: RegionValue


class Choices(_Item, tag="choices"):
    """Chosen answers: of the whole chunk, or of the region with the same `id`."""

    value: ChoicesValue


class Text(_Item, tag="textarea"):
    """Typed words."""

    value: TextValue


class Odd(_Struct, tag=False):
    """A result that is none of the above: `problem` says why, `field` where in it. `from_name` may be empty."""

    kind: str
    from_name: str
    field: str
    problem: str


Known = Region | Choices | Text
Item = Region | Choices | Text | Odd


class Person(_Struct):
    id: _Number


class _Made(_Struct):
    id: _Number
    result: list[Known]
    created_at: datetime | None = None
    updated_at: datetime | None = None
    lead_time: float | None = None


class Annotation(_Made):
    completed_by: _Number | Person | None = None
    was_cancelled: bool | None = False
    ground_truth: bool | None = False
    parent_prediction: _Number | None = None
    parent_annotation: _Number | None = None
    updated_by: _Number | Person | None = None


class Draft(_Made):
    user: _Number | str | None = None
    annotation: _Number | None = None


class Prediction(_Made):
    model_version: str | None = None
    score: float | None = None


class TaskData(_Struct):
    chunk_id: str
    article_id: str
    start: Annotated[int, msgspec.Meta(ge=0, le=2**30)]
    text: str
    title: str | None = None
    scheme: str | None = None
    targets: list[str] | None = None
    selection: str | None = None
    #: The annotations that a review task shows.
    review_of: list[str] | None = None


class Task(_Struct):
    id: _Number
    data: TaskData
    project: _Number = 0
    annotations: list[Annotation] = []
    drafts: list[Draft] = []
    predictions: list[Prediction] = []


_task = msgspec.json.Decoder(Task)
_loose = msgspec.json.Decoder(dict[str, Any])


def parse_task(line: bytes) -> Task:
    """The task of one line; raises `msgspec.ValidationError` or `DecodeError` when it is no task of this builder.

    Results of an unexpected shape are `Odd` items in their place.
    """
    try:
        return _task.decode(line)
    except msgspec.ValidationError:
        return _item_by_item(_loose.decode(line))


def item(line: bytes, number: int, index: int) -> str:
    """Result `index` of annotation `number` of a line, as the JSON that came; all of it where it is no list."""
    result = _loose.decode(line)["annotations"][number]["result"]
    return msgspec.json.encode(result[index] if isinstance(result, list) else result).decode()


def _item_by_item(task: dict[str, Any]) -> Task:
    kept: list[list[Item]] = []
    for holder in ("annotations", "drafts", "predictions"):
        held = task[holder] = task.get(holder) or []
        for made in held if isinstance(held, list) else ():
            if not isinstance(made, dict):
                break  # it is refused below, as whatever else has another shape
            given, made["result"] = made.get("result") or [], []
            is_list = isinstance(given, list)
            kept.append([_one(i) for i in given] if is_list else [Odd("", "", "", "a result is a list of objects")])
    typed = msgspec.convert(task, Task)
    made_by_all: list[_Made] = [*typed.annotations, *typed.drafts, *typed.predictions]
    for made, items in zip(made_by_all, kept, strict=True):
        made.result = items  # type: ignore[assignment]
    return typed


def _one(value: Any) -> Item:
    try:
        return msgspec.convert(value, Known)  # type: ignore[no-any-return]
    except msgspec.ValidationError as e:
        problem, _, where = str(e).partition(" - at `$")
        kind, control = (value.get("type"), value.get("from_name")) if isinstance(value, dict) else ("", "")
        return Odd(str(kind), control if isinstance(control, str) else "", where.rstrip("`"), problem)
