"""What gold says of a decision reaches the release exactly: what is kept and why not, votes, shares and soft labels."""

from typing import Any

import pyarrow as pa
import pytest

from builder import tables
from builder.release.configuration import Numbering
from builder.release.decisions import DOWN, KEPT, OPEN, columns, decided, per_label, soft_labels, votes
from builder.release.settings import Export


def gold(*rows: dict[str, Any]) -> pa.Table:
    """Gold spans; `votes` are labels, and `shares` pairs of label and number."""
    made = []
    for row in rows:
        cast = [{"annotator": "a", "annotation_id": str(n), "label": x} for n, x in enumerate(row.get("votes", ()))]
        shares = [{"label": name, "probability": share} for name, share in row.get("shares", ())]
        made.append({"label": "GPE", "status": "agreed", "probability": 0.5, **row, "votes": cast, "shares": shares})
    return tables.build(made, tables.GOLD_SPANS)


STATUSES = ("agreed", "single", "adjudicated", "expert", "unresolved", "rejected")


def test_what_is_decided_is_kept_and_what_is_not_is_counted() -> None:
    state, counts = decided(gold(*({"status": status} for status in STATUSES)), Export())
    assert state.tolist() == [KEPT] * 4 + [OPEN, DOWN]
    assert counts == {"unresolved": 1, "rejected": 1}


def test_thresholds_open_what_is_kept_below_them() -> None:
    """At the threshold it is kept; what has no vote is not below an agreement; nothing is counted twice."""
    rows = [
        {"probability": 0.5, "votes": ["GPE", "GPE", None]},
        {"probability": 0.49, "votes": ["GPE", None, None]},
        {"probability": 0.6, "votes": ["GPE", "ORG"]},
        {"probability": 0.6, "votes": ["GPE", "ORG", "ORG"]},
        {"probability": 0.6, "status": "expert"},
        {"probability": 0.1, "votes": [None], "status": "rejected"},
    ]
    state, counts = decided(gold(*rows), Export(min_probability=0.5, min_agreement=0.5))
    assert state.tolist() == [KEPT, OPEN, KEPT, OPEN, KEPT, DOWN]
    assert counts == {"unresolved": 0, "rejected": 1, "improbable": 1, "disputed": 1}
    assert decided(gold(*rows), Export(min_probability=0.5))[0].tolist() == [KEPT, OPEN, KEPT, KEPT, KEPT, DOWN]
    assert decided(gold(*rows), Export(min_agreement=0.51))[1] == {"unresolved": 0, "rejected": 1, "disputed": 3}


def test_columns_say_how_a_span_was_decided() -> None:
    rows = [
        {"votes": ["ORG", "GPE", "GPE", None], "shares": [("ORG", 0.3), ("GPE", 0.45), (None, 0.25)], "entropy": 0.9},
        {"label": "ORG", "status": "expert", "probability": 1.0, "difficulty": 1.5, "difficulty_low": -1.0},
        {"label": "ORG", "votes": ["ORG"], "shares": [("ORG", 0.8)], "difficulty_high": 2.0},
    ]
    found = pa.table(columns(gold(*rows))).to_pylist()
    nothing = {"entropy": None, "difficulty": None, "difficulty_low": None, "difficulty_high": None}
    assert found == [
        {**nothing, "status": "agreed", "probability": 0.5, "entropy": 0.9, "share": 0.45,
         "votes_for": 2, "votes_against": 2},
        {**nothing, "status": "expert", "probability": 1.0, "difficulty": 1.5, "difficulty_low": -1.0, "share": None,
         "votes_for": 0, "votes_against": 0},
        {**nothing, "status": "agreed", "probability": 0.5, "difficulty_high": 2.0, "share": 0.8,
         "votes_for": 1, "votes_against": 0},
    ]  # fmt: skip


def test_votes_and_soft_labels_are_per_released_label() -> None:
    """Labels that are called alike are one; those that are left out, and votes against, are none."""
    numbering = Numbering(["ORG", "PLACE"], {"GPE": "PLACE", "LOC": "PLACE", "ORG": "ORG"})
    table = gold(
        {"votes": ["GPE", "LOC", "ORG", None, "EVENT"], "shares": [("GPE", 0.25), ("LOC", 0.5), ("EVENT", 0.25)]},
        {"votes": ["ORG"], "shares": [("ORG", 1.0)]},
        {},
    )
    assert votes(table, numbering).to_pylist() == [
        {"ORG": 1, "PLACE": 2}, {"ORG": 1, "PLACE": 0}, {"ORG": 0, "PLACE": 0},
    ]  # fmt: skip
    assert votes(table, numbering).type == pa.struct([("ORG", pa.int32()), ("PLACE", pa.int32())])
    missing = pa.array([table["shares"][0].as_py(), None, []], table["shares"].type)
    table = table.set_column(table.schema.get_field_index("shares"), "shares", missing)
    assert soft_labels(table, "shares", numbering).to_pylist() == [
        {"ORG": 0.0, "PLACE": 0.75}, {"ORG": None, "PLACE": None}, {"ORG": 0.0, "PLACE": 0.0},
    ]  # fmt: skip


@pytest.mark.parametrize("weight", ["", "probability"])
def test_without_rows_there_is_a_table_without_rows(weight: str) -> None:
    numbering = Numbering(["ORG", "GPE"], {"ORG": "ORG", "GPE": "GPE"})
    assert per_label(gold(), "shares", numbering, weight).shape == (0, 2)
