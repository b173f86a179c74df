"""Adjudication of a whole pull: settings and accuracy reach both gold tables, and the summary counts."""

from typing import Any

import pytest

from builder.quality.adjudication import Adjudicated, adjudicate
from builder.quality.settings import Aggregation, Gates, Quality
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
