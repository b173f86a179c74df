"""What a model believes of annotators whose accuracy is known, in words, and which items are hard."""

from typing import Any

import numpy as np
import pytest
from scipy.optimize import minimize

from builder.quality.aggregation.majority import score_interval
from builder.quality.agreement.models import _confusions, annotator_models, difficulties
from builder.quality.settings import Quality
from builder.quality.votes import Votes
from tests.quality.crowds import SKILLS, votes_of


def test_accuracies_are_recovered_with_their_intervals() -> None:
    votes, _, reached = votes_of(SKILLS, items=600)
    found, _ = annotator_models(votes, [(str(i), "") for i in range(600)], Quality())
    assert list(found) == votes.annotators
    for model, accuracy in zip(found.values(), reached, strict=True):
        assert model.accuracy == pytest.approx(accuracy, abs=0.05)
        assert model.interval[0] < model.accuracy < model.interval[1]
        assert model.known
        assert model.words.startswith(f"right in {model.accuracy:.0%} (")


def test_what_is_confused_and_missed_is_said() -> None:
    rows = []
    for i in range(90):
        true = ("GPE", "ORG", "")[i % 3]
        rows += [(i, who, true) for who in ("ada", "ben", "cyd")]
        rows.append((i, "dee", "ORG" if true == "GPE" else "" if i % 6 == 1 else true))
    votes = Votes.of(rows, 90, ["", "GPE", "ORG"])
    found, _ = annotator_models(votes, [("c", "")] * 90, Quality())
    assert "says ORG for GPE in 100% of 30" in found["dee"].words
    assert "misses ORG in 50% of 30" in found["dee"].words
    assert ";" not in found["ada"].words
    assert found["ada"].votes == 90


@pytest.mark.parametrize(("shared", "known"), [(19, False), (20, True)])
def test_who_shares_little_is_not_known(shared: int, known: bool) -> None:
    rows = [(i, who, "ab"[i % 2]) for i in range(shared) for who in "xyz"] + [(shared + i, "x", "a") for i in range(9)]
    found, _ = annotator_models(Votes.of(rows, shared + 9, ["a", "b"]), [("c", "")] * (shared + 9), Quality())
    assert found["x"].known is known
    assert (f"only {shared} items are shared" in found["x"].words) is not known
    assert found["x"].votes == shared


def test_items_on_which_the_good_err_are_hard() -> None:
    rng = np.random.default_rng(2)
    rows = []
    for i in range(100):
        for who in range(7):
            wrong = rng.random() < (0.45 if i < 5 else 0.03)
            rows.append((i, f"w{who}", "ab"[(i + wrong) % 2]))
    _, hard = annotator_models(Votes.of(rows, 100, ["a", "b"]), [(f"c{i}", f"t{i}") for i in range(100)], Quality())
    assert hard
    assert {h.chunk_id for h in hard} <= {f"c{i}" for i in range(5)} | {h.chunk_id for h in hard[4:]}
    assert all(h.about == h.chunk_id.replace("c", "t") for h in hard)
    assert all(0 < h.interval[0] < h.difficulty < h.interval[1] for h in hard)
    assert [h.difficulty for h in hard] == sorted((h.difficulty for h in hard), reverse=True)


def test_errors_are_named_from_three_and_from_a_twentieth_on() -> None:
    labels = ["", "GPE", "ORG"]
    # By true label: nothing, GPE, ORG.
    table = np.array([[20.0, 10, 0], [4, 40, 16], [3, 3, 6]])
    assert _confusions(table, labels) == [
        "marks GPE for nothing in 33% of 30", "says ORG for GPE in 27% of 60", "says GPE for ORG in 25% of 12"
    ]  # fmt: skip
    assert _confusions(np.array([[20.0, 2], [0, 9]]), labels) == []
    assert _confusions(np.array([[57.0, 3], [0, 9]]), labels) == ["marks GPE for nothing in 5% of 60"]
    assert _confusions(np.array([[58.0, 3], [0, 9]]), labels) == []
    assert _confusions(np.array([[0.0, 0], [3, 9]]), labels) == ["misses GPE in 25% of 12"]


@pytest.mark.parametrize(("difficult", "named"), [(12, 10), (4, 4)])
def test_ten_items_are_named_and_none_that_may_be_no_harder_than_the_mean(difficult: int, named: int) -> None:
    rows = [(i, f"w{who}", "ab"[i < difficult and (who - i) % 9 < 3]) for i in range(60) for who in range(9)]
    _, hard = annotator_models(Votes.of(rows, 60, ["a", "b"]), [(f"c{i:02}", "") for i in range(60)], Quality())
    assert len(hard) == named
    assert {h.chunk_id for h in hard} <= {f"c{i:02}" for i in range(difficult)}


def test_a_narrower_interval_is_asked_for_by_its_confidence() -> None:
    votes = Votes.of([(i, who, "a") for i in range(30) for who in "xyz"], 30, ["a", "b"])
    wide, narrow = (
        annotator_models(votes, [("c", "")] * 30, Quality(confidence=c))[0]["x"].interval[0] for c in (0.95, 0.5)
    )
    assert (wide, narrow) == (pytest.approx(0.886, abs=0.002), pytest.approx(0.985, abs=0.002))


def test_without_shared_items_nothing_is_believed() -> None:
    votes = Votes.of([(0, "x", "a"), (1, "y", "a")], 2, ["a", "b"])
    assert annotator_models(votes, [("c", ""), ("d", "")], Quality()) == ({}, [])


def test_the_score_interval_of_a_published_example() -> None:
    # R. G. Newcombe 1998 (Statistics in Medicine 17, 857-872), method 3: 81 of 263 is .2553 to .3662.
    low, high = score_interval(np.array([81 / 263, 0.0, 1.0]), np.array([263, 20, 20]), 1.959964)
    assert low.tolist() == [pytest.approx(0.2553, abs=5e-5), 0, pytest.approx(0.8389, abs=5e-5)]
    assert high.tolist() == [pytest.approx(0.3662, abs=5e-5), pytest.approx(0.1611, abs=5e-5), 1]


def test_difficulties_are_those_of_the_likeliest_abilities_and_difficulties() -> None:
    """Four items and three annotators; the likeliest values as a general optimiser finds them."""
    wrong = {(0, "y"), (1, "z")}
    rows = [(i, who, "b" if (i, who) in wrong else "a") for i in range(4) for who in "xyz"] + [(4, "x", "a")]
    votes, posterior = Votes.of(rows, 5, ["a", "b"]), np.tile([1.0, 0.0], (5, 1))
    right = np.array([(i, who) not in wrong for i, who, _ in rows[:-1]])

    def loss(found: Any) -> Any:
        ability, difficulty = found[:3], found[3:]
        logit = (ability[None, :] - difficulty[:, None]).ravel()
        return (np.log1p(np.exp(logit)) - right * logit).sum() + (ability @ ability + difficulty @ difficulty) / 4.5

    best = minimize(loss, np.zeros(7), tol=1e-10).x[3:]
    found = difficulties(votes, posterior, 0.95)
    assert found[:4, 1] == pytest.approx(best - best.mean(), abs=1e-4)
    assert found[0] == pytest.approx([-1.360144, 0.518178, 2.396501], abs=2e-6)
    assert np.isnan(found[4]).all()
