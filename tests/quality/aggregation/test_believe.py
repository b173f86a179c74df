"""Which method decides, when a model may contradict the votes, and what does not matter to any method."""

import numpy as np
import pytest

from builder.quality.aggregation import METHODS
from builder.quality.aggregation import believe as believing
from builder.quality.aggregation.believe import (
    FEWEST,
    Beliefs,
    Calibration,
    Decider,
    SoftLabels,
    _first_half,
    _score,
    calibrations,
    choose,
    measure_calibration,
    smoothed_shares,
    soft_columns,
    tempered,
)
from builder.quality.aggregation.majority import shares, supported, winners
from builder.quality.settings import Aggregation
from builder.quality.votes import Floats, Voters, Votes
from builder.settings import load
from tests.quality.crowds import SKILLS, votes_of
from tests.samples import Crowd


def believe(votes: Votes, settings: Aggregation) -> tuple[Beliefs, str]:
    """What is believed, and the method with its reason."""
    decider = Decider(Voters(Crowd().annotations, (), {}), settings)
    return decider.believe("topic", votes), decider.chosen["topic"]


def three_and_a_tie(shared: int) -> Votes:
    """Three annotators, one of them wrong on every other of `shared` items, and an item on which two contradict."""
    rows = [(i, who, "ab"[(i // 2 + (who == "z" and i % 2)) % 2]) for i in range(shared) for who in "xyz"]
    return Votes.of([*rows, (shared, "x", "a"), (shared, "z", "b")], shared + 1, ["a", "b"])


@pytest.mark.parametrize("method", ["dawid_skene", "mace", "sequence"])
def test_a_tie_is_decided_only_between_those_who_are_known(method: str) -> None:
    votes = three_and_a_tie(20)
    for least, backers, winner in ((20, 1, 0), (21, 1, -1), (20, 2, -1)):
        settings = Aggregation(method=method, min_shared=least, min_backers=backers)
        assert winners(load(METHODS[method])(votes, settings, {}), 0.5)[-1] == winner


@pytest.mark.parametrize("method", ["dawid_skene", "mace", "sequence"])
def test_one_annotator_is_not_believed_against_two(method: str) -> None:
    # "good" is right when the others, who guess, happen to agree on something else.
    rng = np.random.default_rng(5)
    truth = rng.integers(0, 3, 300)
    rows = [(i, f"good{n}", "abc"[x]) for i, x in enumerate(truth) for n in range(3)]
    rows += [(i, f"bad{n}", "abc"[rng.integers(3)]) for i in range(300) for n in range(3)]
    rows += [(300, "good0", "a"), (300, "bad0", "b"), (300, "bad1", "b")]
    rows += [(301, "good0", "a"), (301, "good1", "a"), (301, "bad0", "b"), (301, "bad1", "b"), (301, "bad2", "b")]
    votes = Votes.of(rows, 302, ["a", "b", "c"])
    for backers, expected in ((2, [-1, 0]), (1, [0, 0]), (3, [-1, -1])):
        found = load(METHODS[method])(votes, Aggregation(method=method, min_backers=backers), {})
        assert winners(found, 0.5)[-2:].tolist() == expected
    # The label that fewer than three gave and the most frequent other have half of the belief each.
    assert found[-1].tolist() == [0.5, 0.5, 0]


@pytest.mark.parametrize("method", ["dawid_skene", "mace", "sequence", "weighted", "auto"])
def test_frequent_labels_do_not_decide_a_tie(method: str) -> None:
    # Three annotators who always agree, mostly on "a" and never on "c", contradict one another on the last item.
    rows = [(i, who, "a" if i % 5 else "b") for i in range(100) for who in "xyz"]
    votes = Votes.of([*rows, (100, "x", "a"), (100, "y", "b"), (100, "z", "c")], 101, ["a", "b", "c"])
    for backers in (1, 2):
        found = load(METHODS[method])(votes, Aggregation(method=method, min_backers=backers), {})
        assert winners(found, 0.5)[-1] == -1


def test_items_of_two_annotators_say_nothing_about_them() -> None:
    rows = [(i, who, "ab"[(i + (who == "y" and i % 3 == 0)) % 2]) for i in range(100) for who in "xy"]
    votes = Votes.of(rows, 100, ["a", "b"])
    posterior = np.tile([0.9, 0.1], (100, 1))
    found = supported(votes, posterior, Aggregation(min_shared=1))
    # Where both say "a" the model is believed; elsewhere votes are counted.
    both = shares(votes)[:, 0] == 1
    assert both.any()
    # A thousandth is left to all labels alike: a model that is sure of what is wrong must not be infinitely wrong.
    assert found[both] == pytest.approx(0.999 * posterior[both] + 0.0005)
    assert (found[~both] == shares(votes)[~both]).all()
    # Neither is surely better, so a tie stays one also where no shared items and no backers are asked for.
    tied = shares(votes).max(axis=1) < 1
    for backers in (1, 2):
        assert (supported(votes, posterior, Aggregation(min_shared=0, min_backers=backers))[tied] == 0.5).all()


@pytest.mark.parametrize(("shared", "method"), [(19, "majority"), (20, "sequence")])
def test_auto_uses_a_model_when_most_votes_are_of_annotators_it_can_know(shared: int, method: str) -> None:
    rows = [(i, who, "ab"[i % 2]) for i in range(shared) for who in "xyz"]
    votes = Votes.of(rows, shared, ["a", "b"])
    assert choose(votes, Aggregation())[0] == method
    found, chosen = believe(votes, Aggregation(method="auto"))
    assert found.method == method
    assert chosen.startswith(
        f"{method}: {3 if shared == 20 else 0} of 3 annotators share 20 items or more with two others"
    )


def test_auto_tags_texts_as_sequences() -> None:
    for marked, method in ((19, "majority"), (20, "sequence")):
        # Tokens that nobody marked say nothing about an annotator.
        rows = [(i, who, "B" if i < marked and who == "x" else "O") for i in range(90) for who in "xyz"]
        assert choose(Votes.of(rows, 90, ["O", "B"], np.array([0, 45])), Aggregation())[0] == method
    assert choose(Votes.of([], 0, []), Aggregation())[0] == "majority"


@pytest.mark.parametrize("method", sorted(METHODS))
def test_neither_rows_nor_names_nor_labels_decide(method: str) -> None:
    votes, _, _ = votes_of(SKILLS, items=150, votes_each=4, seed=11)
    rng = np.random.default_rng(0)
    settings = Aggregation(method=method)
    first = winners(believe(votes, settings)[0].decides, 0.5)
    rows = rng.permutation(len(votes.item))
    names = rng.permutation(len(votes.annotators))
    labels = rng.permutation(3)
    turned = Votes(
        votes.items,
        votes.annotators,
        votes.labels,
        votes.item[rows],
        names[votes.annotator[rows]],
        labels[votes.label[rows]],
    )
    again = winners(believe(turned, settings)[0].decides, 0.5)
    assert np.where(first < 0, -1, labels[first]).tolist() == again.tolist()


def test_weights_that_are_given_make_the_probability() -> None:
    votes = Votes.of([(0, "x", "a"), (0, "y", "b"), (0, "z", "b")], 1, ["a", "b"])
    found = believe(votes, Aggregation(method="weighted", weigh_by="given", weights={"x": 3.0}))[0]
    # Three votes by weight, and half a vote as all votes are spread.
    assert found.soft[0] == pytest.approx([(3 * 0.6 + 0.5 / 3) / 3.5, (3 * 0.4 + 1 / 3) / 3.5])
    assert found.shares[0] == pytest.approx([1 / 3, 2 / 3])
    nobody = believe(votes, Aggregation(method="weighted", weigh_by="given", weights=dict.fromkeys("xyz", 0.0)))[0]
    assert nobody.soft.tolist() == [[0.0, 0.0]]


def test_what_leaves_a_label_nothing_is_smoothed_like_shares() -> None:
    votes = Votes.of([(0, "x", "a"), (0, "y", "a"), (1, "x", "b"), (1, "y", "a")], 3, ["a", "b"])
    found = SoftLabels(1.0, 2.0, 1.0).of(votes, np.array([[1.0, 0.0], [0.8, 0.2], [0.0, 0.0]]))
    assert found[0] == pytest.approx([(2 + 0.75) / 3, 0.25 / 3])
    # Of a posterior, the square roots.
    assert found[1] == pytest.approx([2 / 3, 1 / 3])
    assert found[2].tolist() == [0.0, 0.0]


def test_the_posterior_is_scored_as_it_is() -> None:
    """Two who never agree: the count of one leaves nothing to what the other says."""
    votes = Votes.of([(i, who, label) for i in range(40) for who, label in (("x", "a"), ("y", "b"))], 40, ["a", "b"])
    measured = measure_calibration(votes, Aggregation(method="majority"), {})
    assert measured
    # A probability of 0 counts as one of 1e-10.
    assert measured.model.cross_entropy == pytest.approx(10 * np.log(10), abs=1e-6)
    assert measured.model.brier == 2


@pytest.mark.parametrize("method", ["majority", "dawid_skene", "mace", "sequence", "weighted"])
@pytest.mark.parametrize("crowd", [(2, 3, 2), (3, 5, 3), (5, 8, 5), (6, 9, 2)])
def test_probabilities_predict_others_at_least_as_well_as_smoothed_shares(
    method: str, crowd: tuple[int, int, int]
) -> None:
    """Votes that no probability was made from: half of those on each item, in crowds with one frequent label."""
    each, pool, width = crowd
    rng = np.random.default_rng(each)
    skill, labels = rng.uniform(0.4, 0.95, pool), [f"l{n}" for n in range(width)]
    often = np.array([3, *[1] * (width - 1)]) / (width + 2)
    seen, held = [], []
    for item in range(80):
        truth = rng.choice(width, p=often)
        for place, who in enumerate(rng.permutation(pool)[:each].tolist()):
            said = truth if rng.random() < skill[who] else rng.choice(width, p=often)
            (seen if place % 2 else held).append((item, f"w{who}", labels[said]))
    votes, others = Votes.of(seen, 80, labels), Votes.of(held, 80, labels)
    soft = believe(votes, Aggregation(method=method))[0].soft

    def entropy(predicted: Floats) -> float:
        return -float(np.log(predicted[others.item, others.label]).mean())

    assert entropy(soft) <= entropy(smoothed_shares(votes, 0.5)) + 0.01


def test_columns_are_probabilities_with_their_entropy() -> None:
    found = soft_columns(["a", None], np.array([0.3, 0.1]), np.array([0.0, 0.0]))
    assert found["posterior"] == [
        {"label": "a", "probability": pytest.approx(0.75)},
        {"label": None, "probability": 0.25},
    ]
    assert [entry["probability"] for entry in found["shares"]] == [0, 0]
    assert found["entropy"] == pytest.approx(-(0.75 * np.log(0.75) + 0.25 * np.log(0.25)))
    assert soft_columns(["a"], np.array([1.0]), np.array([1.0]))["entropy"] == 0


def test_smoothing_adds_votes_as_they_are_spread_over_all_items() -> None:
    votes = Votes.of([(0, "x", "a"), (0, "y", "a"), (1, "x", "a"), (1, "y", "b")], 3, ["a", "b"])
    # Of four votes three are "a": half a vote adds .375 and .125.
    assert smoothed_shares(votes, 0.5).tolist() == pytest.approx(
        np.array([[2.375 / 2.5, 0.125 / 2.5], [1.375 / 2.5, 1.125 / 2.5], [0, 0]])
    )


def test_temperature_flattens_and_keeps_the_order() -> None:
    assert tempered(np.array([[0.8, 0.2], [0, 0]]), 1.0).tolist() == [[0.8, 0.2], [0, 0]]
    assert tempered(np.array([[0.8, 0.2]]), 2.0)[0] == pytest.approx([2 / 3, 1 / 3])


def test_soft_labels_are_a_mixture() -> None:
    votes = Votes.of([(0, "x", "a"), (0, "y", "b")], 1, ["a", "b"])
    posterior = np.array([[0.8, 0.2]])
    assert SoftLabels(0.0).of(votes, posterior)[0] == pytest.approx([0.5, 0.5])
    assert SoftLabels(0.5, 2.0).of(votes, posterior)[0] == pytest.approx([0.5 * 2 / 3 + 0.25, 0.5 / 3 + 0.25])


def test_halves_take_turns_within_each_item() -> None:
    votes = Votes.of([(0, "c", "a"), (0, "a", "a"), (0, "b", "a"), (1, "b", "a"), (1, "c", "a")], 2, ["a"])
    assert _first_half(votes).tolist() == [True, True, False, True, False]


def test_scores_by_hand() -> None:
    found = _score(np.array([[0.8, 0.2], [0.6, 0.4]]), np.array([0, 1]))
    entropy = -(np.log(0.8) + np.log(0.4)) / 2
    # .8 was right and .6 was wrong: they miss by .2 and .6.
    assert found == Calibration(2, round(entropy, 6), round((2 * 0.04 + 2 * 0.36) / 2, 6), 0.4)
    thirds = _score(np.array([[2 / 3, 1 / 3], [1 / 3, 2 / 3]]), np.array([0, 1]))
    assert thirds == Calibration(2, 0.405465, 0.222222, 0.333333)


@pytest.mark.parametrize("method", ["majority", "dawid_skene", "mace", "sequence"])
def test_what_is_released_predicts_at_least_as_well_as_smoothed_shares(method: str) -> None:
    votes, _, _ = votes_of(SKILLS, items=300)
    found = measure_calibration(votes, Aggregation(method=method), {})
    assert found is not None
    assert found.shares.votes == len(votes.item)
    assert found.released.cross_entropy <= found.shares.cross_entropy
    assert found.released.cross_entropy <= found.model.cross_entropy


def test_what_is_released_is_scored_on_items_that_it_was_not_learned_on() -> None:
    # Items 4, 9, 14, ... are coin flips and all others are unanimous: what predicts the ones fails for the others.
    rng = np.random.default_rng(3)
    rows = [(i, f"w{n}", "a" if i % 5 < 4 else "ab"[rng.integers(2)]) for i in range(200) for n in range(4)]
    found = measure_calibration(Votes.of(rows, 200, ["a", "b"]), Aggregation(), {})
    assert found is not None
    fitted = {made: loss(rows, made) for made in (found.made, SoftLabels())}
    assert fitted[found.made] <= fitted[SoftLabels()]
    assert found.shares.cross_entropy == pytest.approx(fitted[SoftLabels()], abs=1e-6)
    # Scored where it was learned, it would look better than it is.
    assert found.released.cross_entropy > fitted[found.made] + 0.01


def loss(rows: list[tuple[int, str, str]], made: SoftLabels) -> float:
    """Mean cross-entropy when w0 and w2 predict w1 and w3 and the other way round, on all items."""
    total = []
    for half in ({"w0", "w2"}, {"w1", "w3"}):
        seen = Votes.of([row for row in rows if row[1] in half], 200, ["a", "b"])
        given = made.of(seen, shares(seen))
        total += [-np.log(max(given[i, "ab".index(x)], 1e-10)) for i, who, x in rows if who not in half]
    return float(np.mean(total))


def test_few_votes_are_not_measured() -> None:
    for items, measured in ((FEWEST // 2 - 1, False), (FEWEST // 2, True)):
        rows = [(i, who, "ab"[i % 2]) for i in range(items) for who in "xy"]
        votes = Votes.of([*rows, (items, "x", "a")], items + 1, ["a", "b"])
        assert (measure_calibration(votes, Aggregation(), {}) is not None) is measured
        assert sorted(calibrations(votes)) == (["dawid_skene", "mace", "majority"] if measured else [])


@pytest.mark.parametrize("method", ["majority", "dawid_skene", "mace", "sequence", "weighted"])
def test_what_few_votes_show_by_chance_changes_nothing(method: str) -> None:
    """Two annotators agree as often as half a vote of smoothing expects; what was learned would predict worse."""
    rows = [(i, who, "ab"[(i + (who == "y" and i % 6 == 0)) % 2]) for i in range(180) for who in "xy"]
    found = measure_calibration(Votes.of(rows, 180, ["a", "b"]), Aggregation(method=method), {})
    assert found is not None
    assert found.released.cross_entropy <= found.shares.cross_entropy
    if method == "majority":
        assert found.made == SoftLabels()
        assert found.released == found.shares


def test_methods_that_learn_ask_for_backers() -> None:
    votes = Votes.of([(0, "x", "a"), (0, "y", "b")], 1, ["a", "b"])
    asked = {
        name: believe(votes, Aggregation(**given, min_backers=3))[0].min_backers  # type: ignore[arg-type]
        for name, given in {
            "dawid_skene": {"method": "dawid_skene"},
            "majority": {"method": "majority"},
            "agreement": {"method": "weighted", "weigh_by": "agreement"},
            "given": {"method": "weighted", "weigh_by": "given"},
        }.items()
    }
    assert asked == {"dawid_skene": 3, "majority": 1, "agreement": 3, "given": 1}


def test_calibration_is_judged_in_ten_bins_of_which_the_last_holds_certainty() -> None:
    def error(*sure: tuple[float, bool]) -> float:
        predicted = np.array([[p, 1 - p] for p, _ in sure])
        return _score(predicted, np.array([0 if right else 1 for _, right in sure])).calibration_error

    assert error((0.71, False), (0.79, True)) == pytest.approx(0.25)
    with np.errstate(divide="ignore"):
        assert error((1.0, False), (0.95, True)) == pytest.approx((1 - 0.05) / 2)
    assert error((0.69, False), (0.71, True)) == pytest.approx((0.69 + 0.29) / 2)


def test_what_has_no_probability_adds_nothing_to_the_entropy() -> None:
    assert soft_columns(["a", "b"], np.array([1.0, 0.0]), np.array([1.0, 0.0]))["entropy"] == 0


def test_soft_labels_are_chosen_from_these() -> None:
    assert believing.TEMPERATURES == (1, 1.5, 2, 3, 5, 8, 13)
    assert believing.MIXTURES == (0.25, 0.5, 0.75, 1)
    assert believing.SMOOTHINGS == (0.25, 0.5, 1, 2)
    assert FEWEST == 30


@pytest.mark.parametrize("method", ["mace", "dawid_skene"])
def test_what_is_learned_is_the_choice_that_predicts_best(method: str) -> None:
    votes, _, _ = votes_of(SKILLS, items=240, votes_each=6, seed=8)
    settings = Aggregation(method=method)
    found = measure_calibration(votes, settings, {})
    assert found is not None
    first = _first_half(votes)
    halves = votes.where(first), votes.where(~first)
    posteriors = [load(METHODS[method])(half, settings, {}) for half in halves]

    def gain(made: SoftLabels) -> float:
        total = 0.0
        for seen, posterior, held in zip(halves, posteriors, halves[::-1], strict=True):
            predicted = made.of(seen, posterior)
            total += float(np.log(np.maximum(predicted[held.item, held.label], 1e-10)).sum())
        return total

    smoothing = max((0.25, 0.5, 1.0, 2.0), key=lambda s: gain(SoftLabels(smoothing=s)))
    models = [SoftLabels(m, t, smoothing) for m in (0.25, 0.5, 0.75, 1) for t in (1, 1.5, 2, 3, 5, 8, 13)]
    assert found.made == max(models, key=gain)
    assert found.shares.cross_entropy == pytest.approx(-gain(SoftLabels()) / len(votes.item), abs=1e-6)
