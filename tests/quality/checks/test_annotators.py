"""Checks of annotators' habits: thresholds hold exactly, and other questions count as well."""

from datetime import timedelta
from typing import Any

import pytest

from builder.quality.settings import Quality
from tests.quality.helpers import answered, asking, checked, messages, topic
from tests.samples import TEXT, Crowd, scheme

MIXED = ["favor", "against", "none"] * 4


def lines(crowd: Crowd, **quality: Any) -> list[str]:
    return messages(crowd, "straight-lining", quality=Quality(**quality))


def test_the_same_answers_everywhere_while_others_differ() -> None:
    crowd = answered(Crowd(), {"ada": ["favor"] * 12, "ben": MIXED})
    issues, _ = checked(crowd)
    [row] = [r for r in issues if r["check"] == "straight-lining"]
    assert row["message"] == "12 of 12 chunks have the very same answers (japan favor)."
    assert (row["annotator"], row["annotation_id"], row["path"]) == ("ada", None, "$")


@pytest.mark.parametrize(("chunks", "expected"), [(9, 0), (10, 1)])
def test_habits_are_judged_from_min_chunks_on(chunks: int, expected: int) -> None:
    assert len(lines(answered(Crowd(), {"ada": ["favor"] * chunks}))) == expected
    turned = ["favor"] * 5 + ["against"] * (chunks - 5)
    assert len(messages(answered(Crowd(), {"ada": turned}), "drift")) == expected


@pytest.mark.parametrize(("share", "expected"), [(0.9, 1), (0.91, 0)])
def test_straight_lining_starts_at_its_share(share: float, expected: int) -> None:
    crowd = answered(Crowd(), {"ada": ["favor"] * 9 + ["none"]})
    assert len(lines(crowd, straight_share=share)) == expected


@pytest.mark.parametrize(("alike", "expected"), [(9, 0), (8, 1)])
def test_when_the_others_say_the_same_nobody_is_straight_lining(alike: int, expected: int) -> None:
    others = ["favor"] * alike + ["against"] * (10 - alike)
    crowd = answered(Crowd(), {"ada": ["favor"] * 10, "ben": others})
    assert [m for m in lines(crowd, straight_share=0.9) if m.startswith("10 ")] == (
        ["10 of 10 chunks have the very same answers (japan favor)."] * expected
    )


def test_empty_annotations_are_no_answers() -> None:
    crowd = Crowd()
    for n in range(12):
        crowd.add(f"c{n}", "ada")
    assert lines(crowd) == []


def test_without_answer_questions_marked_labels_are_compared() -> None:
    crowd = Crowd()
    for n in range(10):
        crowd.add(f"c{n}", "ada", [(0, 5, "GPE"), (60, 67, "GPE"), (17, 24, "ORG")])
    said = ["10 of 10 chunks have the very same answers (GPE 2, ORG 1)."]
    assert messages(crowd, "straight-lining", scheme(stance=[])) == said


def test_answers_about_whole_chunks_count() -> None:
    crowd = Crowd()
    for n in range(10):
        crowd.add(f"c{n}", "ada", answers={"topic": {"": "war"}, "stance": {"japan": "favor"}})
    said = ["10 of 10 chunks have the very same answers (japan favor, topic war)."]
    assert messages(crowd, "straight-lining", asking(topic())) == said


def drift(crowd: Crowd, **quality: Any) -> list[str]:
    return messages(crowd, "drift", quality=Quality(**quality))


def test_drift_is_movement_beyond_that_of_the_others() -> None:
    turned = ["favor"] * 6 + ["against"] * 6
    assert drift(answered(Crowd(), {"ada": turned, "ben": MIXED})) == [
        "100% of the answers moved between the earlier and the later half (others: 0%)."
    ]
    assert drift(answered(Crowd(), {"ada": turned, "ben": turned})) == []
    assert len(drift(answered(Crowd(), {"ada": turned, "ben": ["favor"] * 6 + ["-"] * 6}))) == 1
    assert len(drift(answered(Crowd(), {"ada": turned, "ben": ["-"] * 6 + ["favor"] * 6}))) == 1


@pytest.mark.parametrize(("moved", "expected"), [(0.4, 1), (0.41, 0)])
def test_drift_starts_at_its_distance(moved: float, expected: int) -> None:
    crowd = answered(Crowd(), {"ada": ["favor"] * 5 + ["favor"] * 3 + ["against"] * 2})
    assert len(drift(crowd, drift_distance=moved)) == expected


def test_the_halves_of_an_odd_number_of_chunks() -> None:
    assert drift(answered(Crowd(), {"ada": ["favor"] * 5 + ["against"] * 6}), drift_distance=1.0)
    assert not drift(answered(Crowd(), {"ada": ["favor"] * 6 + ["against"] * 5}), drift_distance=1.0)


def test_drift_follows_time_and_not_the_order_of_rows() -> None:
    crowd = answered(Crowd(), {"ada": ["favor"] * 6 + ["against"] * 6, "ben": MIXED})
    start = crowd._rows["annotations"][0]["created"]
    for n, row in enumerate(crowd._rows["annotations"]):
        row["created"] = start + timedelta(minutes=(n * 5) % 12)
    assert drift(crowd) == []


def test_drafts_and_skips_are_no_habits() -> None:
    crowd = answered(Crowd(), {"ada": ["favor"] * 12})
    for row in crowd._rows["annotations"][:3]:
        row["state"] = "draft"
    assert lines(crowd) == []


def alike(first: str, second: str, text: str = "", **window: Any) -> Crowd:
    """One annotator answers two chunks, of articles x and y, about Japan."""
    crowd = Crowd().window("c1", TEXT, article_id="x").window("c2", text or TEXT, **{"article_id": "y", **window})
    return crowd.add("c1", "ada", stances={"japan": first}).add("c2", "ada", stances={"japan": second})


SAME = {"x": "x", "y": "x"}


def contradictions(crowd: Crowd, made: Any = None, clusters: dict[str, str] | None = None, **quality: Any) -> list[str]:
    known = SAME if clusters is None else clusters
    return messages(crowd, "contradiction", made, Quality(**quality), clusters=known)


def test_near_duplicates_with_opposite_answers_of_one_annotator() -> None:
    said = ["stance for japan is against here and favor in the near-duplicate c1."]
    assert contradictions(alike("favor", "against")) == said
    assert contradictions(alike("favor", "favor")) == []


def test_only_near_duplicates_of_other_articles_are_compared() -> None:
    assert contradictions(alike("favor", "against"), clusters={}) == []
    assert contradictions(alike("favor", "against", article_id="x")) == []
    assert contradictions(alike("favor", "against", "Other words about Tokyo.")) == []


@pytest.mark.parametrize(("same_text", "expected"), [(0.5, 1), (0.51, 0)])
def test_texts_are_the_same_from_same_text_on(same_text: float, expected: int) -> None:
    # "a b c" and "b c d" share two of four words.
    crowd = Crowd().window("c1", "a b c", article_id="x").window("c2", "b c d", article_id="y")
    crowd.add("c1", "ada", stances={"japan": "favor"}).add("c2", "ada", stances={"japan": "none"})
    assert len(contradictions(crowd, same_text=same_text)) == expected


def test_majorities_of_near_duplicates_that_contradict() -> None:
    crowd = Crowd().window("c1", article_id="x").window("c2", article_id="y").window("c3", "Other.", article_id="z")
    for name in ("ada", "ben"):
        crowd.add("c1", name, stances={"japan": "favor"})
    for name in ("eve", "fay"):
        crowd.add("c2", name, stances={"japan": "against"}).add("c3", name, stances={"japan": "none"})
    same = {"x": "x", "y": "x", "z": "x"}
    said = "Most say stance for japan is against here and favor in the near-duplicate c1."
    assert contradictions(crowd, clusters=same) == [said]
    [row] = [r for r in checked(crowd, clusters=same)[0] if r["check"] == "contradiction"]
    assert row["annotation_id"] == "1:3"
    crowd.add("c2", "gus", stances={"japan": "none"}).add("c2", "hal", stances={"japan": "none"})
    assert contradictions(crowd, clusters=same) == []


def test_majorities_are_not_compared_where_one_annotator_saw_both() -> None:
    crowd = (
        alike("favor", "favor").add("c2", "ben", stances={"japan": "none"}).add("c2", "eve", stances={"japan": "none"})
    )
    assert contradictions(crowd) == []


def test_contradictions_about_whole_chunks() -> None:
    crowd = Crowd().window("c1", article_id="x").window("c2", article_id="y")
    crowd.add("c1", "ada", answers={"topic": {"": "war"}}).add("c2", "ada", answers={"topic": {"": "trade"}})
    said = ["topic is trade here and war in the near-duplicate c1."]
    assert contradictions(crowd, asking(topic("war", "trade"))) == said


def test_skipped_chunks_contradict_nothing() -> None:
    crowd = alike("favor", "against")
    crowd._rows["annotations"][1]["state"] = "skipped"
    assert contradictions(crowd) == []


def test_annotators_who_failed_the_gold_questions_are_named() -> None:
    crowd = Crowd().add("c", "ada").add("c", "ben")
    issues, _ = checked(crowd, failed_questions={"ben": "Two wrong.", "ada": "All wrong."})
    found = [(r["annotator"], r["message"]) for r in issues if r["check"] == "failed-questions"]
    assert found == [("ada", "All wrong."), ("ben", "Two wrong.")]
