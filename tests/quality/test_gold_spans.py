"""Which spans are kept: the rule, its ties, competing labels, silence and evidence."""

from typing import Any

import pytest

from builder.quality.gold_spans import gold_spans
from builder.quality.panel import Panel
from builder.quality.settings import Aggregation

TOKYO, PATRIOT = (0, 5), (17, 24)


def gold(crowd: Any, asked: dict[str, list[str]] | None = None, **settings: Any) -> list[dict[str, Any]]:
    used = Aggregation(**settings)
    panel = Panel(crowd.annotations, used.experts, asked)
    rows: list[dict[str, Any]] = gold_spans(crowd.spans, panel, crowd.windows, used).to_pylist()
    return rows


def verdicts(rows: list[dict[str, Any]]) -> dict[tuple[int, int, str], str]:
    return {(r["start"], r["end"], r["label"]): r["status"] for r in rows}


def mark(crowd: Any, *given: list[tuple[Any, ...]], chunk: str = "c") -> Any:
    for i, spans in enumerate(given):
        crowd.add(chunk, f"a{i}", spans)
    return crowd


@pytest.mark.parametrize(
    ("marked", "silent", "status"),
    [(1, 0, "agreed"), (3, 0, "agreed"), (2, 1, "adjudicated"), (1, 1, "unresolved"), (2, 2, "unresolved"),
     (1, 2, "rejected"), (2, 3, "rejected")],
)  # fmt: skip
def test_a_span_needs_more_than_half_of_those_who_saw_it(crowd: Any, marked: int, silent: int, status: str) -> None:
    [row] = gold(mark(crowd, *[[(*TOKYO, "GPE")]] * marked, *[[]] * silent))
    assert row["status"] == status
    assert row["probability"] == pytest.approx(marked / (marked + silent))
    assert [v["label"] for v in row["votes"]] == ["GPE"] * marked + [None] * silent
    assert row["text"] == "Tokyo"


def test_labels_of_the_same_bounds_compete(crowd: Any) -> None:
    rows = gold(mark(crowd, [(*TOKYO, "GPE")], [(*TOKYO, "GPE")], [(*TOKYO, "WEAPON")]))
    assert verdicts(rows) == {(*TOKYO, "GPE"): "adjudicated", (*TOKYO, "WEAPON"): "rejected"}
    assert [v["label"] for v in rows[1]["votes"]] == ["GPE", "GPE", "WEAPON"]


def test_a_tie_between_labels_is_unresolved(crowd: Any) -> None:
    rows = gold(mark(crowd, [(*TOKYO, "GPE")], [(*TOKYO, "WEAPON")]))
    assert set(verdicts(rows).values()) == {"unresolved"}


def test_agreed_bounds_without_an_agreed_label_are_unresolved(crowd: Any) -> None:
    rows = gold(mark(crowd, [(*TOKYO, "GPE")], [(*TOKYO, "WEAPON")], []))
    assert verdicts(rows) == {(*TOKYO, "GPE"): "unresolved", (*TOKYO, "WEAPON"): "unresolved"}


def test_two_labels_of_everybody_on_the_same_bounds_are_no_winner(crowd: Any) -> None:
    both = [(*TOKYO, "GPE"), (*TOKYO, "WEAPON")]
    assert set(verdicts(gold(mark(crowd, both, both))).values()) == {"unresolved"}


def test_nested_spans_are_decided_each_for_itself(crowd: Any) -> None:
    outer, inner = (17, 33, "WEAPON"), (17, 24, "WEAPON")
    rows = gold(mark(crowd, [outer, inner], [outer, inner], [outer]))
    assert verdicts(rows) == {outer: "agreed", inner: "adjudicated"}
    assert [(r["start"], r["end"]) for r in rows] == [(17, 33), (17, 24)]


def test_skipped_and_quarantined_are_no_silence(crowd: Any) -> None:
    mark(crowd, [(*TOKYO, "GPE")]).add("c", "s", state="skipped").add("c", "q", quarantined=True)
    assert verdicts(gold(crowd)) == {(*TOKYO, "GPE"): "agreed"}


def test_whoever_was_not_asked_for_a_label_is_not_silent_about_it(crowd: Any) -> None:
    mark(crowd, [(*TOKYO, "GPE")], [(*PATRIOT, "WEAPON")], [])
    rows = gold(crowd, asked={"a0": ["GPE"], "a1": ["WEAPON"], "a2": ["WEAPON"]})
    assert verdicts(rows) == {(*TOKYO, "GPE"): "agreed", (*PATRIOT, "WEAPON"): "unresolved"}
    assert [v["annotator"] for v in rows[0]["votes"]] == ["a0"]


def test_evidence_competes_only_with_evidence(crowd: Any) -> None:
    whole = (0, 67, "EVIDENCE", ["japan"])
    rows = gold(mark(crowd, [whole, (0, 67, "GPE")], [whole]))
    assert {(r["kind"], r["label"]): r["status"] for r in rows} == {
        ("entity", "GPE"): "unresolved", ("evidence", "EVIDENCE"): "agreed"
    }  # fmt: skip


def test_evidence_keeps_the_targets_most_named(crowd: Any) -> None:
    both, one = (0, 67, "EVIDENCE", ["japan", "ukraine"]), (0, 67, "EVIDENCE", ["japan"])
    assert gold(mark(crowd, [both], [one], [one]))[0]["targets"] == ["japan"]


def test_evidence_whose_targets_differ_is_unresolved(crowd: Any) -> None:
    [row] = gold(mark(crowd, [(0, 67, "EVIDENCE", ["japan"])], [(0, 67, "EVIDENCE", ["ukraine"])]))
    assert (row["status"], row["targets"]) == ("unresolved", ["japan", "ukraine"])


def test_an_expert_keeps_and_rejects(crowd: Any) -> None:
    mark(crowd, [(*TOKYO, "GPE")], [(*TOKYO, "GPE")], [(*PATRIOT, "WEAPON")])
    crowd.add("c", "e", [(*PATRIOT, "WEAPON"), (60, 67, "GPE")], project_id=2, parent_id="1:1 1:2 1:3")
    rows = gold(crowd)
    assert verdicts(rows) == {
        (*TOKYO, "GPE"): "rejected", (*PATRIOT, "WEAPON"): "expert", (60, 67, "GPE"): "expert"
    }  # fmt: skip
    assert {r["method"] for r in rows} == {"expert"}


def test_an_expert_who_marks_nothing_rejects_everything(crowd: Any) -> None:
    mark(crowd, [(*TOKYO, "GPE")], [(*TOKYO, "GPE")])
    crowd.add("c", "e", project_id=2, parent_id="1:1 1:2")
    assert verdicts(gold(crowd)) == {(*TOKYO, "GPE"): "rejected"}


def test_with_method_expert_only_the_unanimous_needs_none(crowd: Any) -> None:
    mark(crowd, [(*TOKYO, "GPE"), (*PATRIOT, "WEAPON")], [(*TOKYO, "GPE"), (*PATRIOT, "WEAPON")], [(*TOKYO, "GPE")])
    assert verdicts(gold(crowd, method="expert")) == {(*TOKYO, "GPE"): "agreed", (*PATRIOT, "WEAPON"): "unresolved"}


def test_nothing_in_nothing_out(crowd: Any) -> None:
    assert gold(crowd) == []
