"""Who wins a stance: the rule, its ties, and who may vote at all."""

from typing import Any

import pytest

from builder.quality.gold_answers import gold_answers
from builder.quality.panel import Panel
from builder.quality.settings import Aggregation


def gold(crowd: Any, **settings: Any) -> dict[tuple[str, str], dict[str, Any]]:
    used = Aggregation(**settings)
    rows = gold_answers(crowd.stances, Panel(crowd.annotations, used.experts), used).to_pylist()
    return {(r["chunk_id"], r["target"]): r for r in rows}


@pytest.mark.parametrize(
    ("given", "label", "status", "probability"),
    [
        (["favor"], "favor", "agreed", 1.0),
        (["favor", "favor", "favor"], "favor", "agreed", 1.0),
        (["favor", "favor", "against"], "favor", "adjudicated", 2 / 3),
        (["favor", "against"], None, "unresolved", 0.5),
        (["favor", "against", "none"], None, "unresolved", 1 / 3),
        # The largest share is not enough: three of five said that it is something else.
        (["favor", "favor", "against", "none", "neutral"], None, "unresolved", 0.4),
        (["favor", "favor", "against", "none"], None, "unresolved", 0.5),
        (["favor", "favor", "favor", "against", "none"], "favor", "adjudicated", 0.6),
    ],
)
def test_a_label_needs_more_than_half(
    crowd: Any, given: list[str], label: str | None, status: str, probability: float
) -> None:
    for i, answer in enumerate(given):
        crowd.add("c", f"a{i}", stances={"japan": answer})
    row = gold(crowd)["c", "japan"]
    assert (row["label"], row["status"]) == (label, status)
    assert row["probability"] == pytest.approx(probability)
    assert sorted(v["label"] for v in row["votes"]) == sorted(given)
    assert sum(p["probability"] for p in row["posterior"]) == pytest.approx(1)


def test_a_stricter_share_leaves_more_to_the_expert(crowd: Any) -> None:
    for i, answer in enumerate(["favor", "favor", "against"]):
        crowd.add("c", f"a{i}", stances={"japan": answer})
    assert gold(crowd, min_share=0.7)["c", "japan"]["status"] == "unresolved"


@pytest.mark.parametrize("out", [{"state": "skipped"}, {"state": "draft"}, {"quarantined": True}])
def test_skips_drafts_and_quarantined_do_not_vote(crowd: Any, out: dict[str, Any]) -> None:
    crowd.add("c", "a", stances={"japan": "favor"}).add("c", "b", stances={"japan": "against"}, **out)
    row = gold(crowd)["c", "japan"]
    assert (row["label"], row["status"], len(row["votes"])) == ("favor", "agreed", 1)


def test_only_the_latest_annotation_of_an_annotator_counts(crowd: Any) -> None:
    crowd.add("c", "a", stances={"japan": "favor"}).add("c", "a", stances={"japan": "against"})
    row = gold(crowd)["c", "japan"]
    assert (row["label"], [v["annotation_id"] for v in row["votes"]]) == ("against", ["1:2"])


def test_targets_are_counted_each_for_itself(crowd: Any) -> None:
    crowd.add("c", "a", stances={"japan": "favor", "ukraine": "none"}).add("c", "b", stances={"japan": "favor"})
    rows = gold(crowd)
    assert {k: (r["label"], len(r["votes"])) for k, r in rows.items()} == {
        ("c", "japan"): ("favor", 2),
        ("c", "ukraine"): ("none", 1),
    }


def test_a_review_decides_and_keeps_the_votes(crowd: Any) -> None:
    for name in ("a", "b", "c"):
        crowd.add("c", name, stances={"japan": "favor"})
    crowd.add("c", "e", stances={"japan": "against"}, project_id=2, parent_id="1:1 1:2 1:3")
    row = gold(crowd)["c", "japan"]
    assert (row["label"], row["status"], row["method"]) == ("against", "expert", "expert")
    assert [(v["annotator"], v["label"]) for v in row["votes"]] == [
        ("a", "favor"), ("b", "favor"), ("c", "favor"), ("e", "against")
    ]  # fmt: skip


def test_a_copy_within_the_project_is_no_review(crowd: Any) -> None:
    crowd.add("c", "a", stances={"japan": "favor"}).add("c", "b", stances={"japan": "against"}, parent_id="1:1")
    assert gold(crowd)["c", "japan"]["status"] == "unresolved"


def test_a_named_expert_decides(crowd: Any) -> None:
    crowd.add("c", "a", stances={"japan": "favor"}).add("c", "b", stances={"japan": "against"})
    assert gold(crowd, experts=["b"])["c", "japan"]["label"] == "against"


def test_experts_who_contradict_each_other_leave_it_unresolved(crowd: Any) -> None:
    for name, answer in (("a", "favor"), ("e", "favor"), ("f", "against")):
        crowd.add("c", name, stances={"japan": answer})
    row = gold(crowd, experts=["e", "f"])["c", "japan"]
    assert (row["label"], row["status"], row["method"]) == (None, "unresolved", "expert")


def test_an_expert_speaks_only_for_the_targets_answered(crowd: Any) -> None:
    crowd.add("c", "a", stances={"japan": "favor", "ukraine": "favor"})
    crowd.add("c", "e", stances={"japan": "none"})
    assert gold(crowd, experts=["e"])["c", "ukraine"]["status"] == "agreed"


def test_with_method_expert_only_the_unanimous_needs_none(crowd: Any) -> None:
    for name, (japan, ukraine) in {"a": ("favor", "none"), "b": ("favor", "none"), "c": ("favor", "favor")}.items():
        crowd.add("c", name, stances={"japan": japan, "ukraine": ukraine})
    rows = gold(crowd, method="expert")
    assert rows["c", "japan"]["status"] == "agreed"
    assert (rows["c", "ukraine"]["status"], rows["c", "ukraine"]["label"]) == ("unresolved", None)


def test_nothing_in_nothing_out(crowd: Any) -> None:
    assert gold(crowd) == {}


def test_order_of_the_rows_does_not_matter(crowd: Any) -> None:
    for chunk in ("c2", "c1"):
        for i, answer in enumerate(["favor", "against", "favor"]):
            crowd.add(chunk, f"a{i}", stances={"ukraine": answer, "japan": answer})
    used = Aggregation()
    forward = gold_answers(crowd.stances, Panel(crowd.annotations), used)
    back = list(reversed(range(crowd.stances.num_rows)))
    turned = list(reversed(range(crowd.annotations.num_rows)))
    assert gold_answers(crowd.stances.take(back), Panel(crowd.annotations.take(turned)), used).equals(forward)
