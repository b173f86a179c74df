"""Which spans are kept: the rule, its ties, competing labels, silence and evidence."""

from typing import Any

import pytest

from builder.quality.adjudication.spans import gold_spans
from builder.quality.adjudication.tokens import _layers
from builder.quality.aggregation.believe import Decider
from builder.quality.settings import SPAN_METHODS, Aggregation
from builder.quality.votes import Voters
from tests.samples import Crowd

TOKYO, PATRIOT = (0, 5), (17, 24)


def gold(
    crowd: Crowd, asked: dict[str, list[str]] | None = None, accuracy: dict[str, float] | None = None, **settings: Any
) -> list[dict[str, Any]]:
    used = Aggregation(**{"method": "majority", "spans": "exact", **settings})
    decider = Decider(Voters(crowd.annotations, used.experts, asked or {}), used, accuracy or {})
    rows: list[dict[str, Any]] = gold_spans(crowd.spans, crowd.windows, decider).to_pylist()
    return rows


def verdicts(rows: list[dict[str, Any]]) -> dict[tuple[int, int, str], str]:
    return {(r["start"], r["end"], r["label"]): r["status"] for r in rows}


def mark(crowd: Crowd, *given: list[tuple[Any, ...]], chunk: str = "c") -> Crowd:
    for i, spans in enumerate(given):
        crowd.add(chunk, f"a{i}", spans)
    return crowd


@pytest.mark.parametrize(
    ("marked", "silent", "status"),
    [(1, 0, "single"), (3, 0, "agreed"), (2, 1, "adjudicated"), (1, 1, "unresolved"), (2, 2, "unresolved"),
     (1, 2, "rejected"), (2, 3, "rejected")],
)  # fmt: skip
def test_a_span_needs_more_than_half_of_those_who_saw_it(marked: int, silent: int, status: str) -> None:
    crowd = Crowd()
    [row] = gold(mark(crowd, *[[(*TOKYO, "GPE")]] * marked, *[[]] * silent))
    assert row["status"] == status
    assert row["probability"] == pytest.approx(marked / (marked + silent))
    assert [v["label"] for v in row["votes"]] == ["GPE"] * marked + [None] * silent
    assert row["text"] == "Tokyo"


def test_labels_of_the_same_bounds_compete() -> None:
    crowd = Crowd()
    rows = gold(mark(crowd, [(*TOKYO, "GPE")], [(*TOKYO, "GPE")], [(*TOKYO, "ORG")]))
    assert verdicts(rows) == {(*TOKYO, "GPE"): "adjudicated", (*TOKYO, "ORG"): "rejected"}
    assert [v["label"] for v in rows[1]["votes"]] == ["GPE", "GPE", "ORG"]


def test_a_tie_between_labels_is_unresolved() -> None:
    crowd = Crowd()
    rows = gold(mark(crowd, [(*TOKYO, "GPE")], [(*TOKYO, "ORG")]))
    assert set(verdicts(rows).values()) == {"unresolved"}


def test_agreed_bounds_without_an_agreed_label_are_unresolved() -> None:
    crowd = Crowd()
    rows = gold(mark(crowd, [(*TOKYO, "GPE")], [(*TOKYO, "ORG")], []))
    assert verdicts(rows) == {(*TOKYO, "GPE"): "unresolved", (*TOKYO, "ORG"): "unresolved"}


def test_two_labels_of_everybody_on_the_same_bounds_are_no_winner() -> None:
    crowd = Crowd()
    both = [(*TOKYO, "GPE"), (*TOKYO, "ORG")]
    assert set(verdicts(gold(mark(crowd, both, both))).values()) == {"unresolved"}


def test_nested_spans_are_decided_one_by_one() -> None:
    crowd = Crowd()
    outer, inner = (17, 33, "ORG"), (17, 24, "ORG")
    rows = gold(mark(crowd, [outer, inner], [outer, inner], [outer]))
    assert verdicts(rows) == {outer: "agreed", inner: "adjudicated"}
    assert [(r["start"], r["end"]) for r in rows] == [(17, 33), (17, 24)]


def test_skipped_and_quarantined_are_no_silence() -> None:
    crowd = Crowd()
    mark(crowd, [(*TOKYO, "GPE")]).add("c", "s", state="skipped").add("c", "q", quarantined=True)
    assert verdicts(gold(crowd)) == {(*TOKYO, "GPE"): "single"}


def test_whoever_was_not_asked_for_a_label_is_not_silent_about_it() -> None:
    crowd = Crowd()
    mark(crowd, [(*TOKYO, "GPE")], [(*PATRIOT, "ORG")], [])
    rows = gold(crowd, asked={"a0": ["GPE"], "a1": ["ORG"], "a2": ["ORG"]})
    assert verdicts(rows) == {(*TOKYO, "GPE"): "single", (*PATRIOT, "ORG"): "unresolved"}
    assert [v["annotator"] for v in rows[0]["votes"]] == ["a0"]


def test_evidence_competes_only_with_evidence() -> None:
    crowd = Crowd()
    whole = (0, 67, "EVIDENCE", ["japan"])
    rows = gold(mark(crowd, [whole, (0, 67, "GPE")], [whole]))
    assert {(r["kind"], r["label"]): r["status"] for r in rows} == {
        ("entity", "GPE"): "unresolved", ("evidence", "EVIDENCE"): "agreed"
    }  # fmt: skip


def test_evidence_keeps_the_targets_most_named() -> None:
    crowd = Crowd()
    both, one = (0, 67, "EVIDENCE", ["japan", "ukraine"]), (0, 67, "EVIDENCE", ["japan"])
    assert gold(mark(crowd, [both], [one], [one]))[0]["targets"] == ["japan"]


def test_evidence_whose_targets_differ_is_unresolved() -> None:
    crowd = Crowd()
    [row] = gold(mark(crowd, [(0, 67, "EVIDENCE", ["japan"])], [(0, 67, "EVIDENCE", ["ukraine"])]))
    assert (row["status"], row["targets"]) == ("unresolved", ["japan", "ukraine"])


def test_an_expert_keeps_and_rejects() -> None:
    crowd = Crowd()
    mark(crowd, [(*TOKYO, "GPE")], [(*TOKYO, "GPE")], [(*PATRIOT, "ORG")])
    crowd.add("c", "e", [(*PATRIOT, "ORG"), (60, 67, "GPE")], project_id=2, parent_id="1:1 1:2 1:3")
    rows = gold(crowd)
    assert verdicts(rows) == {
        (*TOKYO, "GPE"): "rejected", (*PATRIOT, "ORG"): "expert", (60, 67, "GPE"): "expert"
    }  # fmt: skip
    assert {r["method"] for r in rows} == {"expert"}


def test_an_expert_who_marks_nothing_rejects_everything() -> None:
    crowd = Crowd()
    mark(crowd, [(*TOKYO, "GPE")], [(*TOKYO, "GPE")])
    crowd.add("c", "e", project_id=2, parent_id="1:1 1:2")
    assert verdicts(gold(crowd)) == {(*TOKYO, "GPE"): "rejected"}


def test_with_method_expert_only_the_unanimous_needs_none() -> None:
    crowd = Crowd()
    mark(crowd, [(*TOKYO, "GPE"), (*PATRIOT, "ORG")], [(*TOKYO, "GPE"), (*PATRIOT, "ORG")], [(*TOKYO, "GPE")])
    assert verdicts(gold(crowd, method="expert")) == {(*TOKYO, "GPE"): "agreed", (*PATRIOT, "ORG"): "unresolved"}


def test_nothing_in_nothing_out() -> None:
    crowd = Crowd()
    assert gold(crowd) == []


MISSILES = [(17, 33, "ORG"), (17, 24, "ORG"), (17, 33, "ORG")]  # "Patriot missiles", "Patriot"


def test_overlapping_spans_vote_for_the_commonest_bounds() -> None:
    crowd = Crowd()
    mark(crowd, *[[m] for m in MISSILES])
    assert verdicts(gold(crowd)) == {(17, 33, "ORG"): "adjudicated", (17, 24, "ORG"): "rejected"}
    [row] = gold(crowd, spans="overlap", min_overlap=0.4)
    assert (row["start"], row["end"], row["status"], row["probability"]) == (17, 33, "agreed", 1)
    assert (row["text"], row["method"]) == ("Patriot missiles", "majority:overlap")
    assert len(gold(crowd, spans="overlap", min_overlap=0.6)) == 2


def test_one_annotator_never_votes_twice_for_an_overlapping_span() -> None:
    crowd = Crowd()
    mark(crowd, [(17, 33, "ORG"), (17, 24, "ORG")], [(17, 33, "ORG")])
    rows = gold(crowd, spans="overlap", min_overlap=0.4)
    assert verdicts(rows) == {(17, 33, "ORG"): "agreed", (17, 24, "ORG"): "unresolved"}


def test_overlapping_spans_keep_the_bounds_of_the_expert() -> None:
    crowd = Crowd()
    mark(crowd, *[[m] for m in MISSILES])
    crowd.add("c", "e", [(17, 24, "ORG")], project_id=2, parent_id="1:1")
    rows = gold(crowd, spans="overlap", min_overlap=0.4)
    assert verdicts(rows) == {(17, 24, "ORG"): "expert"}


def test_every_token_is_voted_on() -> None:
    crowd = Crowd()
    # "build Patriot missiles", "Patriot missiles for", "missiles": two of three have "Patriot", all have "missiles".
    mark(crowd, [(11, 33, "ORG")], [(17, 37, "ORG")], [(25, 33, "ORG")])
    [row] = gold(crowd, spans="tokens")
    assert (row["text"], row["status"], row["method"]) == ("Patriot missiles", "adjudicated", "majority:tokens")


def test_tokens_with_a_majority_everywhere_are_adjudicated() -> None:
    crowd = Crowd()
    mark(crowd, [(17, 33, "ORG")], [(17, 37, "ORG")], [(17, 33, "ORG")])
    [row] = gold(crowd, spans="tokens")
    assert (row["text"], row["status"]) == ("Patriot missiles", "adjudicated")
    assert [v["label"] for v in row["votes"]] == ["ORG"] * 3


def test_tokens_of_the_same_bounds_are_agreed() -> None:
    crowd = Crowd()
    [row] = gold(mark(crowd, [(17, 33, "ORG")], [(17, 33, "ORG")]), spans="tokens")
    assert (row["status"], row["probability"]) == ("agreed", pytest.approx(0.85, abs=0.05))


def test_tokens_half_marked_are_unresolved_and_less_is_nothing() -> None:
    crowd = Crowd()
    [row] = gold(mark(crowd, [(*TOKYO, "GPE")], []), spans="tokens")
    assert row["status"] == "unresolved"
    crowd.add("c", "a2", [])
    [row] = gold(crowd, spans="tokens")
    assert (row["status"], row["text"], row["probability"]) == ("rejected", "Tokyo", pytest.approx(0.29, abs=0.01))
    assert [v["label"] for v in row["votes"]] == ["GPE", None, None]


def test_adjacent_spans_of_one_label_stay_two() -> None:
    crowd = Crowd()
    both = [(17, 24, "ORG"), (25, 33, "ORG")]
    assert verdicts(gold(mark(crowd, both, both), spans="tokens")) == {
        (17, 24, "ORG"): "agreed", (25, 33, "ORG"): "agreed"
    }  # fmt: skip


def test_tokens_keep_what_an_expert_decided() -> None:
    crowd = Crowd()
    mark(crowd, [(*TOKYO, "GPE")], [(*TOKYO, "GPE")])
    crowd.add("c", "e", [(0, 3, "GPE")], project_id=2, parent_id="1:1")
    assert verdicts(gold(crowd, spans="tokens")) == {(0, 3, "GPE"): "expert", (*TOKYO, "GPE"): "rejected"}


@pytest.mark.parametrize("spans", sorted(SPAN_METHODS))
@pytest.mark.parametrize("method", ["dawid_skene", "mace", "weighted"])
def test_models_decide_about_spans_as_well(spans: str, method: str) -> None:
    crowd = Crowd()
    for i in range(12):
        right, wrong = [(*TOKYO, "GPE"), (*PATRIOT, "ORG")], [(60, 67, "GPE")]
        for name, given in (("good", right), ("fair", right), ("bad", wrong)):
            crowd.add(f"c{i:02}", name, given)
    kept = {k for k, v in verdicts(gold(crowd, spans=spans, method=method)).items() if v in ("agreed", "adjudicated")}
    assert kept == {(*TOKYO, "GPE"), (*PATRIOT, "ORG")}


@pytest.mark.parametrize(
    ("method", "min_shared", "status"),
    [
        ("dawid_skene", 21, "single"),
        ("dawid_skene", 20, "unresolved"),
        ("mace", 20, "single"),
        ("weighted", 20, "single"),
    ],
)
def test_what_the_only_annotator_marked_is_never_rejected(method: str, min_shared: int, status: str) -> None:
    crowd = Crowd()
    for i in range(10):
        crowd.add(f"c{i}", "good", [(*TOKYO, "GPE")]).add(f"c{i}", "fair", [(*TOKYO, "GPE")])
        crowd.add(f"c{i}", "bad", [(60, 67, "GPE")])
    crowd.add("last", "bad", [(60, 67, "GPE")])
    rows = gold(crowd, method=method, min_shared=min_shared)
    assert [r["status"] for r in rows if r["chunk_id"] == "last"] == [status]


@pytest.mark.parametrize("spans", sorted(SPAN_METHODS))
@pytest.mark.parametrize(
    ("settings", "accuracy", "status"),
    [
        ({"weigh_by": "questions"}, {"a0": 0.9, "a1": 0.3, "a2": 0.3}, "adjudicated"),
        ({"weigh_by": "questions"}, {"a0": 0.6, "a1": 0.3, "a2": 0.3}, "unresolved"),
        ({"weigh_by": "given", "weights": {"a0": 3.0}}, {}, "adjudicated"),
    ],
)
def test_weights_reach_the_gold(settings: dict[str, Any], accuracy: dict[str, float], status: str, spans: str) -> None:
    crowd = mark(Crowd(), [(*TOKYO, "GPE")], [], [])
    [row] = gold(crowd, accuracy=accuracy, method="weighted", spans=spans, **settings)
    assert row["status"] == status
    [row] = gold(crowd, method="weighted", spans=spans, weigh_by="agreement")
    assert row["status"] == "rejected"


@pytest.mark.parametrize(
    ("marked", "silent", "min_share", "status"),
    [(3, 1, 0.75, "unresolved"), (3, 1, 0.74, "adjudicated"), (1, 3, 0.75, "unresolved"), (1, 3, 0.74, "rejected")],
)
def test_min_share_is_a_bound_on_both_sides(marked: int, silent: int, min_share: float, status: str) -> None:
    crowd = mark(Crowd(), *[[(*TOKYO, "GPE")]] * marked, *[[]] * silent)
    assert [r["status"] for r in gold(crowd, min_share=min_share)] == [status]


# [17, 33) and [17, 24) share 7 of 16 characters.
@pytest.mark.parametrize(("min_overlap", "status"), [(7 / 16, "agreed"), (7 / 16 + 0.001, "unresolved")])
def test_spans_overlap_from_min_overlap_on(min_overlap: float, status: str) -> None:
    crowd = mark(Crowd(), [(17, 33, "ORG")], [(17, 24, "ORG")])
    [row] = gold(crowd, spans="overlap", min_overlap=min_overlap)
    assert row["status"] == status


def test_spans_that_only_touch_do_not_overlap() -> None:
    crowd = mark(Crowd(), [(17, 24, "ORG")], [(24, 33, "ORG")])
    assert len(gold(crowd, spans="overlap", min_overlap=0.01)) == 2


def test_of_equally_common_bounds_the_longest_found_a_group() -> None:
    crowd = mark(Crowd(), [(17, 24, "ORG")], [(17, 33, "ORG")])
    [row] = gold(crowd, spans="overlap", min_overlap=0.4)
    assert (row["start"], row["end"], row["status"]) == (17, 33, "agreed")
    crowd = mark(Crowd(), [(11, 24, "ORG")], [(17, 30, "ORG")])
    [row] = gold(crowd, spans="overlap", min_overlap=0.3)
    assert (row["start"], row["end"]) == (11, 24)


def test_a_group_takes_the_nearest_span_of_each_annotator() -> None:
    crowd = mark(Crowd(), [(0, 10, "ORG")], [(0, 10, "ORG")], [(0, 8, "ORG"), (0, 6, "ORG")])
    rows = gold(crowd, spans="overlap", min_overlap=0.5)
    assert verdicts(rows) == {(0, 10, "ORG"): "agreed", (0, 6, "ORG"): "rejected"}


def test_a_group_does_not_take_what_one_annotator_marked_within_it_as_well() -> None:
    crowd = mark(Crowd(), [(0, 10, "ORG")], [(0, 10, "ORG"), (0, 8, "GPE")])
    rows = gold(crowd, spans="overlap", min_overlap=0.5)
    assert len(rows) == 2
    assert verdicts(rows) == {(0, 10, "ORG"): "agreed", (0, 8, "GPE"): "unresolved"}


def test_rows_are_in_the_order_of_the_text() -> None:
    spans = [(17, 33, "ORG"), (17, 24, "ORG"), (17, 24, "GPE"), (0, 5, "ORG"), (0, 33, "EVIDENCE", ["japan"])]
    crowd = Crowd().add("c2", "a", spans).add("c1", "a", spans)
    rows = gold(crowd)
    assert [(r["chunk_id"], r["kind"], r["start"], r["end"], r["label"]) for r in rows[:5]] == [
        ("c1", "entity", 0, 5, "ORG"), ("c1", "entity", 17, 33, "ORG"), ("c1", "entity", 17, 24, "GPE"),
        ("c1", "entity", 17, 24, "ORG"), ("c1", "evidence", 0, 33, "EVIDENCE"),
    ]  # fmt: skip
    assert [r["chunk_id"] for r in rows[5:]] == ["c2"] * 5


def test_evidence_targets_named_by_exactly_half_are_left_out() -> None:
    both, one = (0, 67, "EVIDENCE", ["japan", "ukraine"]), (0, 67, "EVIDENCE", ["japan"])
    for spans in ("exact", "tokens"):
        [row] = gold(mark(Crowd(), [both], [one]), spans=spans)
        assert (row["targets"], row["status"]) == (["japan"], "agreed")


def test_tokens_keep_the_targets_of_evidence() -> None:
    [row] = gold(mark(Crowd(), [(0, 67, "EVIDENCE", ["japan"])], [(0, 67, "EVIDENCE", ["ukraine"])]), spans="tokens")
    assert (row["status"], row["targets"]) == ("unresolved", ["japan", "ukraine"])


def test_tokens_in_chunks_that_start_late() -> None:
    crowd = Crowd().window("c", "In न्यूज़ today", start=50)
    for name in ("a0", "a1", "a2"):
        crowd.add("c", name, [(53, 59, "ORG")] if name != "a2" else [])
    [row] = gold(crowd, spans="tokens")
    assert (row["start"], row["end"], row["text"], row["status"]) == (53, 59, "न्यूज़", "adjudicated")
    assert row["probability"] == pytest.approx(0.6, abs=0.05)
    assert [v["label"] for v in row["votes"]] == ["ORG", "ORG", None]


def test_tokens_of_a_part_of_a_word_are_the_word() -> None:
    [row] = gold(mark(Crowd(), [(0, 3, "GPE")], [(0, 4, "GPE")]), spans="tokens")
    assert (row["text"], row["status"]) == ("Tokyo", "adjudicated")


def test_a_vote_for_a_token_span_covers_more_than_half_of_it() -> None:
    # "will build Patriot missiles" is kept; a2 covers two of its four tokens.
    crowd = mark(Crowd(), [(6, 33, "ORG")], [(6, 33, "ORG")], [(6, 16, "ORG")])
    [row] = gold(crowd, spans="tokens")
    assert [v["label"] for v in row["votes"]] == ["ORG", "ORG", None]


def test_tokens_ask_only_who_was_asked() -> None:
    crowd = mark(Crowd(), [(*TOKYO, "GPE")], [])
    [row] = gold(crowd, asked={"a1": ["ORG"]}, spans="tokens")
    assert (row["status"], len(row["votes"])) == ("single", 1)


def test_with_method_expert_tokens_wait_unless_unanimous() -> None:
    crowd = mark(Crowd(), [(17, 33, "ORG")], [(17, 33, "ORG")], [(17, 33, "ORG")], [(*TOKYO, "GPE"), (17, 33, "ORG")])
    assert [r["status"] for r in gold(crowd, spans="tokens", method="expert")] == ["rejected", "agreed"]
    crowd = mark(Crowd(), [(17, 33, "ORG")], [(17, 33, "ORG")], [])
    assert [r["status"] for r in gold(crowd, spans="tokens", method="expert")] == ["unresolved"]


def test_of_nested_spans_of_one_label_tokens_see_the_outermost() -> None:
    nested = [(17, 33, "ORG"), (25, 33, "ORG")]
    assert verdicts(gold(mark(Crowd(), nested, nested), spans="tokens")) == {(17, 33, "ORG"): "agreed"}


def test_where_as_many_begin_a_span_as_go_on_it_is_unresolved() -> None:
    one, two = [(17, 33, "ORG")], [(17, 24, "ORG"), (25, 33, "ORG")]
    assert verdicts(gold(mark(Crowd(), one, two), spans="tokens")) == {
        (17, 33, "ORG"): "unresolved"
    }  # fmt: skip


def test_seven_annotators_of_whom_four_mark_a_word_keep_it() -> None:
    # Two begin a span at "missiles", two go on with one, and three mark nothing there.
    given = [[(25, 33, "ORG")]] * 2 + [[(17, 33, "ORG")]] * 2 + [[]] * 3
    rows = gold(mark(Crowd(), *given), spans="tokens")
    assert verdicts(rows) == {(25, 33, "ORG"): "adjudicated"}
    assert [v["label"] for v in rows[0]["votes"]] == ["ORG"] * 4 + [None] * 3


@pytest.mark.parametrize("spans", ["exact", "overlap"])
def test_borders_alone_in_dispute_are_one_unresolved_span(spans: str) -> None:
    given = [(11, 33, "ORG")], [(17, 33, "ORG")], [(25, 37, "ORG")], []
    [row] = gold(mark(Crowd(), *[list(g) if g else [] for g in given]), spans=spans, min_overlap=0.9)
    assert (row["start"], row["end"], row["status"], row["probability"]) == (11, 33, "unresolved", 0.75)
    assert [v["label"] for v in row["votes"]] == ["ORG", "ORG", "ORG", None]
    rows = gold(mark(Crowd(), *[list(g) if g else [] for g in (*given, [], [])]), spans=spans, min_overlap=0.9)
    assert [r["status"] for r in rows] == ["rejected"] * 3


@pytest.mark.parametrize(("chunks", "method"), [(19, "majority"), (20, "sequence:tokens")])
def test_auto_puts_spans_together_from_tokens_when_annotators_are_known(chunks: int, method: str) -> None:
    crowd = Crowd()
    for n in range(chunks):
        for name in ("ada", "ben", "cyd"):
            crowd.add(f"c{n:02}", name, [(*TOKYO, "GPE")])
    rows = gold(crowd, method="auto", spans="auto")
    assert {(r["method"], r["status"], r["text"]) for r in rows} == {(method, "agreed", "Tokyo")}
    assert gold(Crowd(), method="auto", spans="auto") == []


def test_auto_chooses_for_evidence_as_for_entities() -> None:
    crowd = Crowd()
    for n in range(30):
        for name in ("ada", "ben", "cyd"):
            evidence = [(0, 33, "EVIDENCE", ["japan"])] if n < 2 else []
            crowd.add(f"c{n:02}", name, [(*TOKYO, "GPE"), *evidence] if name != "cyd" else [])
    # Of evidence 14 tokens are shared, of entities 30.
    rows = gold(crowd, method="auto", spans="auto")
    assert {(r["kind"], r["method"], r["status"]) for r in rows} == {
        ("entity", "sequence:tokens", "adjudicated"), ("evidence", "majority", "adjudicated")
    }  # fmt: skip
    rows = gold(crowd, method="auto", spans="auto", min_shared=10)
    assert {(r["kind"], r["method"]) for r in rows} == {
        ("entity", "sequence:tokens"), ("evidence", "sequence:tokens")
    }  # fmt: skip


@pytest.mark.parametrize("spans", ["tokens", "exact"])
@pytest.mark.parametrize("method", ["dawid_skene", "sequence"])
def test_what_one_annotator_says_against_two_is_unresolved(method: str, spans: str) -> None:
    # Two see everything; two mark a word for nothing, and miss what is there.
    crowd, right, wrong = Crowd(), [(*TOKYO, "GPE"), (*PATRIOT, "ORG")], [(60, 67, "GPE")]
    for n in range(30):
        for name, given in (("ada", right), ("ben", right), ("cyd", right), ("dan", wrong), ("eve", wrong)):
            crowd.add(f"c{n:02}", name, given)
    for name, given in (("ada", right), ("dan", []), ("eve", [])):
        crowd.add("lone", name, given)
    for name, given in (("ada", []), ("dan", wrong), ("eve", wrong)):
        crowd.add("silent", name, given)
    for backers, status in ((2, "unresolved"), (1, "adjudicated")):
        rows = gold(crowd, method=method, spans=spans, min_backers=backers)
        lone = {r["label"]: r["status"] for r in rows if r["chunk_id"] == "lone"}
        assert lone == {"GPE": status, "ORG": status}
        [(silent, used)] = [(r["status"], r["method"]) for r in rows if r["chunk_id"] == "silent"]
        # The sequence model believes the two who marked something.
        assert silent == ("adjudicated" if used == "sequence:tokens" else "unresolved" if backers == 2 else "rejected")


def test_labels_that_compete_for_a_token_are_unresolved_together() -> None:
    rows = gold(mark(Crowd(), [(*TOKYO, "GPE")], [(*TOKYO, "ORG")], []), spans="tokens")
    assert verdicts(rows) == {(*TOKYO, "GPE"): "unresolved", (*TOKYO, "ORG"): "unresolved"}


def test_a_label_competes_with_those_that_nobody_nests_it_in() -> None:
    crowd = Crowd().add("c", "ada", [(0, 5, "B"), (17, 33, "A"), (17, 24, "C")]).add("c", "ben", [(6, 10, "D")])
    layers = _layers(crowd.spans, crowd.windows, Voters(crowd.annotations, (), {"ben": ["A", "B", "C"]}))
    # "C" is apart from "A" alone, and ben was not asked for "D" with the others.
    assert [(layer.kind, layer.labels) for layer in layers] == [
        ("entity", ["A", "B"]),
        ("entity", ["C"]),
        ("entity", ["D"]),
    ]
    votes = layers[0].votes
    assert (votes.labels, votes.annotators, votes.items) == (["O", "B-A", "I-A", "B-B", "I-B"], ["ada", "ben"], 12)
    assert votes.counts().sum(axis=0).tolist() == [21, 1, 1, 1, 0]


def test_labels_that_somebody_nests_are_decided_one_by_one() -> None:
    nested = [(17, 33, "ORG"), (17, 24, "GPE")]
    assert verdicts(gold(mark(Crowd(), nested, nested, [(17, 33, "ORG")]), spans="tokens")) == {
        (17, 33, "ORG"): "agreed", (17, 24, "GPE"): "adjudicated"
    }  # fmt: skip


def test_the_longest_of_equally_common_bounds_takes_its_neighbours() -> None:
    # [8, 22) shares two characters with each of the others, which share none.
    crowd = mark(Crowd(), [(0, 10, "ORG")], [(8, 22, "ORG")], [(20, 26, "ORG")])
    assert verdicts(gold(crowd, spans="overlap", min_overlap=2 / 22)) == {(8, 22, "ORG"): "agreed"}
    crowd = mark(Crowd(), [(0, 10, "ORG")], [(8, 18, "ORG")], [(16, 26, "ORG")])
    # Of bounds as long, the first found a group: [0, 10) with [8, 18).
    assert [(r["start"], r["end"]) for r in gold(crowd, spans="overlap", min_overlap=2 / 18)] == [(0, 10), (16, 26)]
