"""Agreement on answers, per target and over all, for any question."""

from collections.abc import Sequence

import numpy as np
import pytest

from builder.quality.agreement.answers import AnswerAgreement, answer_agreement, light, measure
from builder.quality.agreement.coefficients import confusion
from builder.quality.settings import Quality
from builder.quality.votes import Votes
from builder.questions.choice import Choice
from builder.questions.stance import Stance
from builder.scheme import Label
from tests.samples import Crowd

FAST = Quality(bootstrap=50)
LABELS = ["favor", "against", "neutral", "none"]


def agreement(
    crowd: Crowd, used: Quality = FAST, question: str = "stance", order: Sequence[str] = ()
) -> AnswerAgreement:
    stance = Stance(labels=dict.fromkeys(LABELS, Label()), order=list(order))
    made = stance if question == "stance" else Choice(options={"war": Label(), "trade": Label()})
    made.name = question
    return answer_agreement(crowd.annotations, crowd.answers, crowd.windows, made, used)


def pairs(*labels: tuple[str, str]) -> Crowd:
    """Two annotators who answer chunk after chunk about Japan, and always "none" about Ukraine."""
    crowd = Crowd()
    for n, (first, second) in enumerate(labels):
        crowd.add(f"c{n}", "ada", stances={"japan": first, "ukraine": "none"})
        crowd.add(f"c{n}", "ben", stances={"japan": second, "ukraine": "none"})
    return crowd


FOUR = pairs(("favor", "favor"), ("none", "none"), ("favor", "against"), ("none", "none"))


def test_answers_by_target_and_overall() -> None:
    found = agreement(FOUR)
    japan = found.targets["japan"]
    assert (japan.items, japan.ratings, japan.annotators, japan.observed) == (4, 8, 2, 0.75)
    # Cohen: expected (2*1 + 2*2) / 16 = .375; Krippendorff: 1 - 7 * 2 / (64 - (3*3 + 1 + 4*4)).
    assert japan.cohen == pytest.approx((0.75 - 0.375) / (1 - 0.375), abs=1e-6)
    assert japan.alpha == pytest.approx(1 - 7 * 2 / (64 - 26), abs=1e-6)
    # Fleiss: expected (9 + 1 + 16) / 64.
    assert japan.fleiss == pytest.approx((0.75 - 26 / 64) / (1 - 26 / 64), abs=1e-6)
    assert found.targets["ukraine"].alpha is None
    assert list(found.targets) == ["japan", "ukraine"]
    assert (found.overall.items, found.overall.ratings, found.overall.observed) == (8, 16, 0.875)
    assert japan.observed_interval is not None
    assert japan.observed_interval[0] < 0.75 < japan.observed_interval[1]


def test_questions_are_measured_one_by_one() -> None:
    crowd = Crowd()
    for name, topic in (("ada", "war"), ("ben", "trade")):
        crowd.add("c", name, answers={"topic": {"": topic}, "stance": {"japan": "favor"}})
    assert agreement(crowd).targets["japan"].observed == 1
    found = agreement(crowd, question="topic")
    assert (found.targets[""].observed, found.overall.observed, list(found.targets)) == (0, 0, [""])


def test_missing_answers_are_missing() -> None:
    crowd = Crowd().add("c1", "ada", stances={"japan": "favor"}).add("c1", "ben", stances={"japan": "favor"})
    crowd.add("c2", "ada", stances={"japan": "none"}).add("c2", "eve", stances={"japan": "none"}).add("c2", "ben")
    crowd.add("c3", "ada", stances={"japan": "against"})
    japan = agreement(crowd).targets["japan"]
    assert (japan.items, japan.single, japan.observed, japan.alpha) == (2, 1, 1, 1)


def test_labels_that_the_question_does_not_know_are_left_out() -> None:
    crowd = Crowd().add("c", "ada", stances={"japan": "hostile"}).add("c", "ben", stances={"japan": "favor"})
    assert agreement(crowd).targets["japan"].ratings == 1


def test_ordinal_alpha_forgives_the_near_more_than_the_far() -> None:
    settings, order = Quality(bootstrap=0), ["against", "neutral", "favor"]
    given = [("favor", "favor"), ("against", "against"), ("neutral", "neutral")]
    near, far = (
        agreement(pairs(*given, ("favor", x)), settings, order=order).targets["japan"] for x in ("neutral", "against")
    )
    assert near.alpha_ordinal is not None
    assert far.alpha_ordinal is not None
    assert near.alpha_ordinal > far.alpha_ordinal
    assert near.observed_interval is None


@pytest.mark.parametrize(
    ("order", "measured"), [(["against", "favor"], True), (["favor"], False), (["x", "favor"], False), ([], False)]
)
def test_ordinal_alpha_needs_two_labels_of_the_question(order: list[str], measured: bool) -> None:
    crowd = pairs(("favor", "favor"), ("against", "against"), ("none", "favor"))
    found = agreement(crowd, Quality(bootstrap=10), order=order).targets["japan"]
    # "none" is not in the order, so what is left agrees fully.
    assert (found.alpha_ordinal == 1) is measured
    assert (found.alpha_ordinal_interval is not None) is measured


def test_reviews_and_quarantined_do_not_count_as_agreement() -> None:
    crowd = Crowd().add("c", "ada", stances={"japan": "favor"})
    crowd.add("c", "ben", stances={"japan": "against"}, quarantined=True)
    crowd.add("c", "eve", stances={"japan": "favor"}, project_id=2, parent_id="1:1 1:2")
    assert agreement(crowd).targets["japan"].items == 0


def test_intervals_follow_seed_draws_and_confidence() -> None:
    one, same, other = (agreement(FOUR, Quality(bootstrap=25, seed=s)).overall.alpha_interval for s in (1, 1, 2))
    assert one == same != other
    wide, narrow = (
        agreement(FOUR, Quality(bootstrap=200, confidence=c)).overall.observed_interval for c in (0.95, 0.5)
    )
    assert wide is not None
    assert narrow is not None
    assert wide[0] < narrow[0]
    assert agreement(FOUR, Quality(bootstrap=0)).overall.alpha_interval is None


def test_lights_kappa_is_the_mean_over_pairs() -> None:
    rows = [(i, name, labels[i]) for name, labels in {"x": "aabb", "y": "aabb", "z": "abbb"}.items() for i in range(4)]
    votes = Votes.of(rows, 4, ["a", "b"])
    # x and y agree fully; against z three of four agree and a half is expected: (.75 - .5) / .5.
    assert light(votes) == pytest.approx((1 + 0.5 + 0.5) / 3)
    assert confusion(votes, 0, 2).tolist() == [[1, 1], [0, 2]]
    assert np.isnan(light(Votes.of([(0, "x", "a")], 1, ["a", "b"])))


def test_pairs_are_compared_only_on_items_that_both_answered() -> None:
    votes = Votes.of([(0, "x", "a"), (1, "y", "a"), (2, "x", "b"), (2, "y", "a")], 3, ["a", "b"])
    assert confusion(votes, 0, 1).tolist() == [[0, 0], [1, 0]]


def test_nothing_to_measure() -> None:
    found = measure(Votes.of([], 0, LABELS), FAST)
    assert (found.annotators, found.items, found.alpha, found.alpha_interval) == (0, 0, None, None)
    assert agreement(Crowd()).targets == {}


def test_two_mentions_of_one_name_are_two_items() -> None:
    crowd = Crowd().window("c", "Tokyo met Tokyo.")
    crowd.add("c", "ada", stances={(0, 5): "favor", (10, 15): "against"})
    crowd.add("c", "ben", stances={(0, 5): "favor", (10, 15): "favor"})
    found = agreement(crowd)
    assert (found.overall.items, found.overall.ratings, found.overall.observed) == (2, 4, 0.5)
    assert found.targets["Tokyo"].items == 2
