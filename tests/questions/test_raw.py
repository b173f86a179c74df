"""A line is read whole where it can be, and item by item where it must."""

from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from builder.questions import raw

Make = Callable[..., dict[str, Any]]


def line(task: dict[str, Any]) -> bytes:
    return msgspec.json.encode(task)


def test_both_ways_read_the_same(task: Make, region: Make, choice: Make) -> None:
    sound = [region(0, 5, "Japan", "GPE"), choice("stance__japan", "favor")]
    odd = {"type": "relation", "from_id": "a", "to_id": "b"}
    whole, piecewise = raw.parse_task(line(task(sound))), raw.parse_task(line(task([*sound, odd])))
    assert piecewise.annotations[0].result[:2] == whole.annotations[0].result
    assert piecewise.annotations[0].created_at == whole.annotations[0].created_at
    assert piecewise.data == whole.data


def test_an_odd_item_says_where_and_its_source_is_found(task: Make, region: Make) -> None:
    made = task([region(0, 5, "Japan", "GPE")])
    made["annotations"][0]["result"].append(region("0", 5, "Japan", "GPE"))
    _, item = raw.parse_task(line(made)).annotations[0].result
    assert isinstance(item, raw.Odd)
    assert (item.kind, item.from_name) == ("labels", "entity")
    assert (item.field, item.problem) == (".value.start", "Expected `int`, got `str`")
    assert msgspec.json.decode(raw.item(line(made), 0, 1)) == region("0", 5, "Japan", "GPE")


def test_odd_items_of_drafts_and_predictions_stay_in_their_place(task: Make, region: Make) -> None:
    made = task([])
    made["drafts"] = [{"id": 1, "result": [region("0", 5, "Japan", "GPE")]}]
    made["predictions"] = [{"id": 1, "result": "none"}, {"id": 2, "result": [region(0, 5, "Japan", "GPE")]}]
    parsed = raw.parse_task(line(made))
    kinds = [[type(item) for item in holder.result] for holder in (*parsed.drafts, *parsed.predictions)]
    assert kinds == [[raw.Odd], [raw.Odd], [raw.Region]]


@pytest.mark.parametrize("item", [None, 3, "x", [], {}])
def test_an_item_that_is_no_object_is_odd(task: Make, item: object) -> None:
    (found,) = raw.parse_task(line(task([item]))).annotations[0].result
    assert isinstance(found, raw.Odd)
    assert found.field == ""


@pytest.mark.parametrize("source", [b"{}", b"[]", b"{", b'{"id": 1, "data": {"text": "x"}}'])
def test_what_is_no_task_raises(source: bytes) -> None:
    with pytest.raises(msgspec.DecodeError):
        raw.parse_task(source)


@pytest.mark.parametrize("holder", ["annotations", "drafts", "predictions"])
@pytest.mark.parametrize("given", ["x", 5, True, {"a": 1}, [5], [None], [{"id": 1, "result": [3]}, "x"]])
def test_annotations_of_another_shape_are_refused_by_their_place(task: Make, holder: str, given: object) -> None:
    with pytest.raises(msgspec.ValidationError, match=holder):
        raw.parse_task(line({**task([]), holder: given}))


@pytest.mark.parametrize(
    ("number", "taken"), [(2**63 - 1, True), (2**63, False), (-(2**63), True), (-(2**63) - 1, False)]
)
def test_numbers_that_no_column_holds_are_refused(task: Make, number: int, taken: bool) -> None:
    made = task([])
    made["annotations"][0]["completed_by"] = number
    if taken:
        assert raw.parse_task(line(made)).annotations[0].completed_by == number
    else:
        with pytest.raises(msgspec.ValidationError, match="completed_by"):
            raw.parse_task(line(made))


@pytest.mark.parametrize(("start", "taken"), [(-1, False), (0, True), (2**30, True), (2**30 + 1, False)])
def test_a_chunk_starts_where_an_article_can_be(task: Make, start: int, taken: bool) -> None:
    made = task([])
    made["data"]["start"] = start
    if taken:
        assert raw.parse_task(line(made)).data.start == start
    else:
        with pytest.raises(msgspec.ValidationError, match=r"data\.start"):
            raw.parse_task(line(made))


def test_what_the_server_leaves_out_of_a_task_is_empty() -> None:
    data = {"chunk_id": "c", "article_id": "a", "start": 0, "text": "x"}
    found = raw.parse_task(line({"id": 1, "data": data, "annotations": [{"id": 2, "result": []}]}))
    assert (found.project, found.drafts, found.predictions) == (0, [], [])
    assert (found.data.title, found.data.scheme, found.data.targets, found.data.review_of) == (None,) * 4
    [made] = found.annotations
    assert (made.was_cancelled, made.ground_truth, made.completed_by, made.lead_time) == (False, False, None, None)


def test_lists_that_the_server_left_out_are_empty(task: Make) -> None:
    made = task([None])
    made["drafts"] = None
    del made["predictions"]
    parsed = raw.parse_task(line(made))
    assert (parsed.drafts, parsed.predictions) == ([], [])
