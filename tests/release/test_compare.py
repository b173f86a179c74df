"""Rows are compared by id, on values that nest, and spans by place and label."""

from typing import Any

import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from builder.release.compare import align, differs, pair_spans, span_changes, value_changes
from builder.release.manifest import Change

NESTED = pa.list_(pa.struct([("a", pa.int64()), ("b", pa.list_(pa.string()))]))
RECORD = st.fixed_dictionaries({"a": st.none() | st.integers(0, 1), "b": st.none() | st.lists(st.sampled_from("xy"))})
VALUES = st.lists(st.tuples(*[st.none() | st.lists(st.none() | RECORD, max_size=2)] * 2))


@given(VALUES)
def test_values_differ_as_those_of_python_do(pairs: list[tuple[Any, Any]]) -> None:
    old, new = (pa.array([pair[side] for pair in pairs], NESTED) for side in (0, 1))
    assert differs(old, new).tolist() == [a != b for a, b in pairs]


def table(**rows: Any) -> pa.Table:
    return pa.Table.from_pylist([{"id": key, **values} for key, values in rows.items()])


def test_rows_are_brought_together_in_the_order_of_the_newer_table() -> None:
    both = align(table(a={"x": 1}, b={"x": 2}, c={"x": 3}), table(d={"x": 4}, c={"x": 3}, b={"x": 5}))
    assert (both.added["id"].to_pylist(), both.removed["id"].to_pylist()) == (["d"], ["a"])
    assert (both.old["id"].to_pylist(), both.new["id"].to_pylist()) == (["c", "b"], ["c", "b"])
    assert both.changed(["x"]).tolist() == [1]
    assert both.changed([]).tolist() == []


def test_changes_of_values_say_labels_first_and_decisions_of_the_others() -> None:
    old = table(
        a={"label": "favor", "many": ["x"], "status": "agreed", "votes": {"favor": 3, "none": 0}},
        b={"label": "none", "many": [], "status": "agreed", "votes": {"favor": 0, "none": 3}},
        c={"label": "none", "many": ["x", "y"], "status": "agreed", "votes": {"favor": 1, "none": 2}},
    )
    new = table(
        a={"label": "none", "many": ["x"], "status": "expert", "votes": {"favor": 0, "none": 1}},
        b={"label": "none", "many": [], "status": "single", "votes": {"favor": 0, "none": 1}},
        c={"label": "none", "many": [], "status": "agreed", "votes": {"favor": 1, "none": 1}},
    )
    assert list(value_changes(align(old, new), ["label", "many", "missing"])) == [
        Change("a", "favor -> none", "favor", "none"),
        Change("c", "x, y -> none", "x, y", "none"),
        Change("b", "status agreed -> single", "agreed", "single"),
        Change("b", "other votes for the same label", "none 3", "none 1"),
    ]


def span(start: int, end: int, label: str = "ORG", **more: Any) -> dict[str, Any]:
    return {"start": start, "end": end, "label": label, "text": "x" * (end - start), **more}


def test_spans_are_paired_by_place_then_by_label() -> None:
    old = [span(0, 3), span(5, 8), span(10, 12), span(20, 22), span(20, 22), span(30, 33)]
    new = [span(0, 3, "GPE"), span(7, 9), span(12, 14), span(20, 22), span(30, 33)]
    assert list(pair_spans(old, new)) == [
        ("relabelled", (0, 3, "ORG", "xxx"), (0, 3, "GPE", "xxx")),
        ("moved", (5, 8, "ORG", "xxx"), (7, 9, "ORG", "xx")),
        ("removed", (10, 12, "ORG", "xx"), None),
        ("removed", (20, 22, "ORG", "xx"), None),
        ("added", None, (12, 14, "ORG", "xx")),
    ]


def decided(start: int, end: int, status: str, votes_for: int, votes_against: int) -> dict[str, Any]:
    return span(start, end, status=status, votes_for=votes_for, votes_against=votes_against)


def test_changes_of_spans_say_places_words_and_decisions() -> None:
    old = [decided(0, 3, "agreed", 3, 0), decided(5, 8, "agreed", 3, 0)]
    new = [decided(0, 3, "expert", 3, 0), decided(5, 9, "agreed", 2, 1)]
    assert list(span_changes(align(table(r={"s": old}), table(r={"s": new})), "s")) == [
        Change("r", "moved", "ORG 5-8 'xxx'", "ORG 5-9 'xxxx'"),
        Change("r", "status agreed -> expert", "ORG 0-3 agreed", "ORG 0-3 expert"),
    ]
    more = [decided(0, 3, "agreed", 2, 1), old[1]]
    assert list(span_changes(align(table(r={"s": old}), table(r={"s": more})), "s")) == [
        Change("r", "other votes for the same label", "ORG 0-3 3 for, 0 against", "ORG 0-3 2 for, 1 against"),
    ]
    bare = [span(0, 3), span(5, 8)]
    assert list(span_changes(align(table(r={"s": bare}), table(r={"s": bare[:1]})), "s")) == [
        Change("r", "removed", "ORG 5-8 'xxx'", ""),
    ]
