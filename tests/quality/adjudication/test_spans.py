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


MISSILES = [(17, 33, "WEAPON"), (17, 24, "WEAPON"), (17, 33, "WEAPON")]  # "Patriot missiles", "Patriot"


def test_overlapping_spans_vote_for_the_commonest_bounds(crowd: Any) -> None:
    mark(crowd, *[[m] for m in MISSILES])
    assert verdicts(gold(crowd)) == {(17, 33, "WEAPON"): "adjudicated", (17, 24, "WEAPON"): "rejected"}
    [row] = gold(crowd, spans="overlap", min_overlap=0.4)
    assert (row["start"], row["end"], row["status"], row["probability"]) == (17, 33, "agreed", 1)
    assert (row["text"], row["method"]) == ("Patriot missiles", "majority:overlap")
    assert len(gold(crowd, spans="overlap", min_overlap=0.6)) == 2


def test_one_annotator_never_votes_twice_for_an_overlapping_span(crowd: Any) -> None:
    mark(crowd, [(17, 33, "WEAPON"), (17, 24, "WEAPON")], [(17, 33, "WEAPON")])
    rows = gold(crowd, spans="overlap", min_overlap=0.4)
    assert verdicts(rows) == {(17, 33, "WEAPON"): "agreed", (17, 24, "WEAPON"): "unresolved"}


def test_overlapping_spans_keep_the_bounds_of_the_expert(crowd: Any) -> None:
    mark(crowd, *[[m] for m in MISSILES])
    crowd.add("c", "e", [(17, 24, "WEAPON")], project_id=2, parent_id="1:1")
    rows = gold(crowd, spans="overlap", min_overlap=0.4)
    assert verdicts(rows) == {(17, 24, "WEAPON"): "expert"}


def test_tokens_vote_each_for_itself(crowd: Any) -> None:
    # "build Patriot missiles", "Patriot missiles for", "missiles": two of three have "Patriot", all have "missiles".
    mark(crowd, [(11, 33, "WEAPON")], [(17, 37, "WEAPON")], [(25, 33, "WEAPON")])
    [row] = gold(crowd, spans="tokens")
    assert (row["text"], row["status"], row["method"]) == ("Patriot missiles", "unresolved", "majority:tokens")


def test_tokens_with_a_majority_everywhere_are_adjudicated(crowd: Any) -> None:
    mark(crowd, [(17, 33, "WEAPON")], [(17, 37, "WEAPON")], [(17, 33, "WEAPON")])
    [row] = gold(crowd, spans="tokens")
    assert (row["text"], row["status"]) == ("Patriot missiles", "adjudicated")
    assert [v["label"] for v in row["votes"]] == ["WEAPON"] * 3


def test_tokens_of_the_same_bounds_are_agreed(crowd: Any) -> None:
    [row] = gold(mark(crowd, [(17, 33, "WEAPON")], [(17, 33, "WEAPON")]), spans="tokens")
    assert (row["status"], row["probability"]) == ("agreed", 1)


def test_tokens_half_marked_are_unresolved_and_less_is_nothing(crowd: Any) -> None:
    [row] = gold(mark(crowd, [(*TOKYO, "GPE")], []), spans="tokens")
    assert row["status"] == "unresolved"
    crowd.add("c", "a2", [])
    assert gold(crowd, spans="tokens") == []


def test_adjacent_spans_of_one_label_stay_two(crowd: Any) -> None:
    both = [(17, 24, "WEAPON"), (25, 33, "WEAPON")]
    assert verdicts(gold(mark(crowd, both, both), spans="tokens")) == {
        (17, 24, "WEAPON"): "agreed", (25, 33, "WEAPON"): "agreed"
    }  # fmt: skip


def test_tokens_keep_what_an_expert_decided(crowd: Any) -> None:
    mark(crowd, [(*TOKYO, "GPE")], [(*TOKYO, "GPE")])
    crowd.add("c", "e", [(0, 3, "GPE")], project_id=2, parent_id="1:1")
    assert verdicts(gold(crowd, spans="tokens")) == {(0, 3, "GPE"): "expert", (*TOKYO, "GPE"): "rejected"}


@pytest.mark.parametrize("spans", ["exact", "overlap", "tokens"])
@pytest.mark.parametrize("method", ["dawid_skene", "mace", "weighted"])
def test_models_decide_about_spans_as_well(crowd: Any, spans: str, method: str) -> None:
    for i in range(12):
        right, wrong = [(*TOKYO, "GPE"), (*PATRIOT, "WEAPON")], [(60, 67, "GPE")]
        for name, given in (("good", right), ("fair", right), ("bad", wrong)):
            crowd.add(f"c{i:02}", name, given)
    kept = {k for k, v in verdicts(gold(crowd, spans=spans, method=method)).items() if v in ("agreed", "adjudicated")}
    assert kept == {(*TOKYO, "GPE"), (*PATRIOT, "WEAPON")}


@pytest.mark.parametrize("method", ["dawid_skene", "mace", "weighted"])
def test_what_everybody_marked_is_agreed_whatever_a_model_thinks(crowd: Any, method: str) -> None:
    for i in range(10):
        crowd.add(f"c{i}", "good", [(*TOKYO, "GPE")]).add(f"c{i}", "fair", [(*TOKYO, "GPE")])
        crowd.add(f"c{i}", "bad", [(60, 67, "GPE")])
    crowd.add("last", "bad", [(60, 67, "GPE")])
    assert [r["status"] for r in gold(crowd, method=method) if r["chunk_id"] == "last"] == ["agreed"]
