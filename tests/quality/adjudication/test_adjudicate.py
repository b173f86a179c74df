"""Adjudication of a whole pull: settings and accuracy reach both gold tables, and the summary counts."""

from typing import Any

import pytest

from builder.quality.adjudication import Adjudicated, adjudicate
from builder.quality.settings import SPAN_METHODS, Aggregation, Gates, Quality
from tests.samples import Crowd


def adjudicated(
    crowd: Crowd, quality: Quality | None = None, accuracy: dict[str, float] | None = None, **settings: Any
) -> Adjudicated:
    tables = (crowd.annotations, crowd.spans, crowd.answers, crowd.windows)
    return adjudicate(
        *tables,
        Aggregation(**{"method": "majority", "spans": "exact", **settings}),
        quality or Quality(),
        accuracy or {},
    )


def outvoted() -> Crowd:
    """One annotator marks a name and answers "favor"; two say otherwise."""
    crowd = Crowd().window("unseen").add("c", "ada", [(0, 5, "GPE")], {"japan": "favor"})
    for name in ("ben", "cyd"):
        crowd.add("c", name, [], {"japan": "against"})
    return crowd


def outcome(found: Adjudicated) -> tuple[str, str | None]:
    return found.gold_spans["status"][0].as_py(), found.gold_answers["label"][0].as_py()


def test_measured_accuracy_reaches_spans_and_answers() -> None:
    weighed = {"method": "weighted", "weigh_by": "questions"}
    assert outcome(adjudicated(outvoted(), None, {"ada": 0.9, "ben": 0.3, "cyd": 0.3}, **weighed)) == (
        "adjudicated", "favor"
    )  # fmt: skip
    assert outcome(adjudicated(outvoted(), **weighed)) == ("rejected", "against")


def test_experts_and_labels_asked_for_reach_the_gold() -> None:
    assert outcome(adjudicated(outvoted(), experts=["ada"])) == ("expert", "favor")
    asked = Quality(asked={"ben": ["ORG"], "cyd": ["ORG"]})
    assert outcome(adjudicated(outvoted(), asked)) == ("single", "against")


@pytest.mark.parametrize("spans", SPAN_METHODS)
def test_gold_names_the_article_of_its_chunk(spans: str) -> None:
    crowd = Crowd().window("c", article_id="a")
    for name in ("ada", "ben"):
        crowd.add("c", name, [(0, 5, "GPE")], {"japan": "favor"})
    found = adjudicated(crowd, spans=spans)
    for gold in (found.gold_spans, found.gold_answers):
        assert gold.select(["chunk_id", "article_id"]).to_pylist() == [{"chunk_id": "c", "article_id": "a"}]


def test_the_summary_counts_gold_by_status() -> None:
    crowd = outvoted().add("d", "ada", [(0, 5, "GPE")], {"japan": "favor"}).add("d", "ben", [], {"japan": "none"})
    crowd.add("e", "ada", stances={"japan": "favor"})
    summary = adjudicated(crowd, Quality(gates=Gates(max_unresolved=0.5))).summary
    assert (summary.method, summary.chunks, summary.without_votes) == ("majority", 3, 1)
    assert list(summary.gold_spans.items()) == [("rejected", 1), ("unresolved", 1)]
    assert list(summary.gold_answers.items()) == [("adjudicated", 1), ("single", 1), ("unresolved", 1)]
    # Two of four are unresolved; the rejected span does not count.
    assert [(v.found, v.holds) for v in summary.gates] == [(0.5, True)]
    assert adjudicated(crowd).summary.gates == []


def test_decisions_of_experts_are_decided() -> None:
    crowd = Crowd().add("c", "ada", [(0, 5, "GPE")], {"japan": "favor"})
    gates = Quality(gates=Gates(max_unresolved=0.1))
    [verdict] = adjudicated(crowd, gates, experts=["ada"]).summary.gates
    assert verdict.message == "0 of 2 gold labels are unresolved"


@pytest.mark.parametrize("method", ["majority", "expert"])
def test_the_method_is_named(method: str) -> None:
    assert adjudicated(Crowd(), method=method).summary.method == method


def test_gold_says_how_hard_each_item_is() -> None:
    crowd = Crowd()
    for n in range(30):
        for who in "abcde":
            said = "against" if n == 0 and who in "ce" else "favor"
            crowd.add(f"c{n:02}", who, [(0, 5, "GPE")] if said == "favor" else [], stances={"japan": said})
    crowd.add("one", "a", [(0, 5, "GPE")], stances={"japan": "none"})
    made = adjudicated(crowd)
    for gold in (made.gold_spans, made.gold_answers):
        first, *others, alone = gold.to_pylist()
        assert first["difficulty"] > others[0]["difficulty"] + 1
        assert first["difficulty_low"] < first["difficulty"] < first["difficulty_high"]
        assert len({(row["difficulty_low"], row["difficulty"], row["difficulty_high"]) for row in others}) == 1
        assert first["difficulty"] + 29 * others[0]["difficulty"] == pytest.approx(0, abs=1e-4)
        assert [alone[name] for name in ("difficulty", "difficulty_low", "difficulty_high")] == [None] * 3


def test_what_an_expert_decided_is_right_for_the_difficulty() -> None:
    crowd = Crowd()
    for n in range(20):
        for who in "abcd":
            crowd.add(f"c{n:02}", who, stances={"japan": "favor"})
    before = adjudicated(crowd).gold_answers["difficulty"].to_pylist()
    crowd.add("c00", "eve", stances={"japan": "against"}, project_id=2, parent_id="1:1 1:2")
    now = adjudicated(crowd).gold_answers["difficulty"].to_pylist()
    assert (len(set(before)), now[0] > now[1] + 2) == (1, True)
