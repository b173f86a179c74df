"""Who wins an answer: the rule, its ties, and who may vote at all."""

from typing import Any

import numpy as np
import pytest

from builder.quality.adjudication import gold_answers
from builder.quality.aggregation.believe import Decider
from builder.quality.settings import Aggregation
from builder.quality.votes import Voters
from tests.samples import Crowd


def gold(
    crowd: Crowd, accuracy: dict[str, float] | None = None, **settings: Any
) -> dict[tuple[str, str], dict[str, Any]]:
    used = Aggregation(**{"method": "majority", **settings})
    decider = Decider(Voters(crowd.annotations, used.experts, {}), used, accuracy or {})
    rows = gold_answers(crowd.answers, decider).to_pylist()
    return {(r["chunk_id"], r["target"]): r for r in rows}


@pytest.mark.parametrize(
    ("given", "label", "status", "probability"),
    [
        (["favor"], "favor", "single", 1.0),
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
def test_a_label_needs_more_than_half(given: list[str], label: str | None, status: str, probability: float) -> None:
    crowd = Crowd()
    for i, answer in enumerate(given):
        crowd.add("c", f"a{i}", stances={"japan": answer})
    row = gold(crowd)["c", "japan"]
    assert (row["label"], row["status"]) == (label, status)
    assert row["probability"] == pytest.approx(probability)
    assert sorted(v["label"] for v in row["votes"]) == sorted(given)
    assert sum(p["probability"] for p in row["posterior"]) == pytest.approx(1)


def test_a_stricter_share_leaves_more_to_the_expert() -> None:
    crowd = Crowd()
    for i, answer in enumerate(["favor", "favor", "against"]):
        crowd.add("c", f"a{i}", stances={"japan": answer})
    assert gold(crowd, min_share=0.7)["c", "japan"]["status"] == "unresolved"


@pytest.mark.parametrize("out", [{"state": "skipped"}, {"state": "draft"}, {"quarantined": True}])
def test_skips_drafts_and_quarantined_do_not_vote(out: dict[str, Any]) -> None:
    crowd = Crowd()
    crowd.add("c", "a", stances={"japan": "favor"}).add("c", "b", stances={"japan": "against"}, **out)
    row = gold(crowd)["c", "japan"]
    assert (row["label"], row["status"], len(row["votes"])) == ("favor", "single", 1)


def test_only_the_latest_annotation_of_an_annotator_counts() -> None:
    crowd = Crowd()
    crowd.add("c", "a", stances={"japan": "favor"}).add("c", "a", stances={"japan": "against"})
    row = gold(crowd)["c", "japan"]
    assert (row["label"], [v["annotation_id"] for v in row["votes"]]) == ("against", ["1:2"])


def test_every_target_is_counted_by_itself() -> None:
    crowd = Crowd()
    crowd.add("c", "a", stances={"japan": "favor", "ukraine": "none"}).add("c", "b", stances={"japan": "favor"})
    rows = gold(crowd)
    assert {k: (r["label"], len(r["votes"])) for k, r in rows.items()} == {
        ("c", "japan"): ("favor", 2),
        ("c", "ukraine"): ("none", 1),
    }


def test_a_review_decides_and_keeps_the_votes() -> None:
    crowd = Crowd()
    for name in ("a", "b", "c"):
        crowd.add("c", name, stances={"japan": "favor"})
    crowd.add("c", "e", stances={"japan": "against"}, project_id=2, parent_id="1:1 1:2 1:3")
    row = gold(crowd)["c", "japan"]
    assert (row["label"], row["status"], row["method"]) == ("against", "expert", "expert")
    assert [(v["annotator"], v["label"]) for v in row["votes"]] == [
        ("a", "favor"), ("b", "favor"), ("c", "favor"), ("e", "against")
    ]  # fmt: skip


def test_a_copy_within_the_project_is_no_review() -> None:
    crowd = Crowd()
    crowd.add("c", "a", stances={"japan": "favor"}).add("c", "b", stances={"japan": "against"}, parent_id="1:1")
    assert gold(crowd)["c", "japan"]["status"] == "unresolved"


def test_a_named_expert_decides() -> None:
    crowd = Crowd()
    crowd.add("c", "a", stances={"japan": "favor"}).add("c", "b", stances={"japan": "against"})
    assert gold(crowd, experts=["b"])["c", "japan"]["label"] == "against"


def test_experts_who_contradict_each_other_leave_it_unresolved() -> None:
    crowd = Crowd()
    for name, answer in (("a", "favor"), ("e", "favor"), ("f", "against")):
        crowd.add("c", name, stances={"japan": answer})
    row = gold(crowd, experts=["e", "f"])["c", "japan"]
    assert (row["label"], row["status"], row["method"]) == (None, "unresolved", "expert")


def test_an_expert_speaks_only_for_the_targets_answered() -> None:
    crowd = Crowd()
    crowd.add("c", "a", stances={"japan": "favor", "ukraine": "favor"})
    crowd.add("c", "e", stances={"japan": "none"})
    assert gold(crowd, experts=["e"])["c", "ukraine"]["status"] == "single"


def test_with_method_expert_only_the_unanimous_needs_none() -> None:
    crowd = Crowd()
    for name, (japan, ukraine) in {"a": ("favor", "none"), "b": ("favor", "none"), "c": ("favor", "favor")}.items():
        crowd.add("c", name, stances={"japan": japan, "ukraine": ukraine})
    rows = gold(crowd, method="expert")
    assert rows["c", "japan"]["status"] == "agreed"
    assert (rows["c", "ukraine"]["status"], rows["c", "ukraine"]["label"]) == ("unresolved", None)


def test_nothing_in_nothing_out() -> None:
    crowd = Crowd()
    assert gold(crowd) == {}


def test_order_of_the_rows_does_not_matter() -> None:
    crowd = Crowd()
    for chunk in ("c2", "c1"):
        for i, answer in enumerate(["favor", "against", "favor"]):
            crowd.add(chunk, f"a{i}", stances={"ukraine": answer, "japan": answer})
    used = Aggregation()
    forward = gold_answers(crowd.answers, Decider(Voters(crowd.annotations, (), {}), used))
    back = list(reversed(range(crowd.answers.num_rows)))
    turned = list(reversed(range(crowd.annotations.num_rows)))
    decider = Decider(Voters(crowd.annotations.take(turned), (), {}), used)
    assert gold_answers(crowd.answers.take(back), decider).equals(forward)


def test_questions_do_not_compete() -> None:
    crowd = Crowd()
    for name, topic in (("a", "war"), ("b", "war"), ("c", "trade")):
        crowd.add("c", name, answers={"topic": {"": topic}, "stance": {"": "favor"}, "frames": {"money": "yes"}})
    rows = gold_answers(crowd.answers, Decider(Voters(crowd.annotations, (), {}), Aggregation())).to_pylist()
    assert [(r["question"], r["target"], r["label"], r["status"]) for r in rows] == [
        ("frames", "money", "yes", "agreed"), ("stance", "", "favor", "agreed"), ("topic", "", "war", "adjudicated")
    ]  # fmt: skip
    assert [p["label"] for p in rows[2]["posterior"]] == ["trade", "war"]


def test_annotators_are_modelled_per_question() -> None:
    # w2 and w3 are always wrong about the topic and always right about the frame.
    crowd = Crowd()
    for n in range(12):
        for name in ("w0", "w1", "w2", "w3", "w4"):
            wrong = name in ("w2", "w3") and n
            crowd.add(f"c{n:02}", name, answers={"topic": {"": "war" if bool(n % 2) != bool(wrong) else "trade"}})
            crowd._rows["answers"].append(
                {**crowd._rows["answers"][-1], "question": "frames", "label": "yes" if n % 3 else "no"}
            )
    decider = Decider(Voters(crowd.annotations, (), {}), Aggregation(method="dawid_skene"))
    rows = gold_answers(crowd.answers, decider).to_pylist()
    assert {r["status"] for r in rows if r["question"] == "frames"} == {"agreed"}
    assert all(
        r["label"] == ("war" if int(r["chunk_id"][1:]) % 2 else "trade") for r in rows if r["question"] == "topic"
    )


@pytest.mark.parametrize(
    ("settings", "accuracy", "label"),
    [
        ({"weigh_by": "questions"}, {"a": 0.9, "b": 0.3, "c": 0.3}, "favor"),
        ({"weigh_by": "questions"}, {"a": 0.6, "b": 0.3, "c": 0.3}, None),
        ({"weigh_by": "given", "weights": {"a": 3.0}}, {}, "favor"),
        ({"weigh_by": "agreement"}, {}, "against"),
    ],
)
def test_weights_reach_the_gold(settings: dict[str, Any], accuracy: dict[str, float], label: str | None) -> None:
    crowd = Crowd()
    for name, answer in (("a", "favor"), ("b", "against"), ("c", "against")):
        crowd.add("c", name, stances={"japan": answer})
    row = gold(crowd, accuracy, method="weighted", **settings)["c", "japan"]
    assert (row["label"], row["method"]) == (label, "weighted")


def test_exactly_min_share_is_not_enough() -> None:
    crowd = Crowd()
    for i, answer in enumerate(["favor", "favor", "favor", "against"]):
        crowd.add("c", f"a{i}", stances={"japan": answer})
    assert gold(crowd, min_share=0.75)["c", "japan"]["status"] == "unresolved"
    assert gold(crowd, min_share=0.74)["c", "japan"]["status"] == "adjudicated"


def test_mentions_are_answered_by_their_text() -> None:
    crowd = Crowd().add("c", "a", [(0, 5, "GPE")], {"Tokyo": "favor"}).add("c", "b", [(0, 5, "GPE")], {"Tokyo": "none"})
    for row in crowd._rows["answers"]:
        row["span_id"] = "r0"
    assert gold(crowd)["c", "Tokyo"]["status"] == "unresolved"


@pytest.mark.parametrize(("min_shared", "label", "status"), [(11, "against", "single"), (10, None, "unresolved")])
def test_a_model_does_not_overrule_the_only_answer(min_shared: int, label: str | None, status: str) -> None:
    crowd = Crowd()
    for n in range(10):
        for name, answer in (("good", "favor"), ("fair", "favor"), ("bad", "against")):
            crowd.add(f"c{n}", name, stances={"japan": answer})
    crowd.add("last", "bad", stances={"japan": "against"})
    row = gold(crowd, method="dawid_skene", min_shared=min_shared)["last", "japan"]
    assert (row["label"], row["status"]) == (label, status)


@pytest.mark.parametrize("method", ["auto", "dawid_skene", "mace", "sequence", "weighted"])
def test_two_who_flip_coins_decide_nothing(method: str) -> None:
    rng = np.random.default_rng(5)
    crowd = Crowd()
    for n in range(200):
        for name in ("ada", "ben"):
            crowd.add(f"c{n:03}", name, stances={"japan": str(rng.choice(["favor", "against"], p=[0.7, 0.3]))})
    rows = gold(crowd, method=method).values()
    assert {r["status"] for r in rows} == {"agreed", "unresolved"}
    assert all(
        (r["status"] == "agreed") == (len({v["label"] for v in r["votes"]}) == 1) and r["probability"] > 0.5
        for r in rows
        if r["status"] == "agreed"
    )
    assert all(r["label"] is None for r in rows if len({v["label"] for v in r["votes"]}) == 2)


def test_rows_are_in_the_order_of_chunk_and_target() -> None:
    crowd = Crowd()
    for chunk in ("c2", "c1"):
        crowd.add(chunk, "a", stances={"ukraine": "none", "japan": "favor"})
    assert list(gold(crowd)) == [("c1", "japan"), ("c1", "ukraine"), ("c2", "japan"), ("c2", "ukraine")]
    assert {r["article_id"] for r in gold(crowd).values()} == {"c1", "c2"}


def test_two_mentions_of_one_name_are_two_answers() -> None:
    crowd = Crowd().window("c", "Tokyo met Tokyo.")
    for annotator, second in (("ada", "against"), ("ben", "against"), ("cyd", "favor")):
        crowd.add("c", annotator, stances={(10, 15): second, (0, 5): "favor"})
    decider = Decider(Voters(crowd.annotations, [], {}), Aggregation(method="majority"))
    rows = gold_answers(crowd.answers, decider).to_pylist()
    assert [(r["target"], r["start"], r["end"], r["label"], r["status"]) for r in rows] == [
        ("Tokyo", 0, 5, "favor", "agreed"), ("Tokyo", 10, 15, "against", "adjudicated"),
    ]  # fmt: skip
    assert [len(r["votes"]) for r in rows] == [3, 3]
