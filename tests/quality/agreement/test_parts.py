"""Agreement in parts: pairs, labels, articles, months, and what annotators said again."""

from collections.abc import Sequence
from datetime import UTC, datetime

from builder.quality.agreement.answers import answer_agreement
from builder.quality.agreement.parts import AgreementParts, PairAgreement, PartAgreement
from builder.quality.agreement.spans import span_agreement
from builder.quality.settings import Quality
from tests.samples import Crowd, scheme


def parts(crowd: Crowd, selections: Sequence[str | None] = ()) -> AgreementParts:
    windows = crowd.windows
    if selections:
        windows = windows.set_column(windows.column_names.index("selection"), "selection", [list(selections)])
    stance = scheme(stance=["favor", "against", "none"]).questions["stance"]
    found = answer_agreement(crowd.annotations, crowd.answers, windows, stance, Quality(bootstrap=0)).parts
    assert found is not None
    return found


def test_pairs_and_labels() -> None:
    crowd = Crowd()
    for n, (ada, ben, cyd) in enumerate([("favor", "favor", "none"), ("none", "none", "none"), ("favor", "none", "")]):
        for name, said in (("ada", ada), ("ben", ben), ("cyd", cyd)):
            if said:
                crowd.add(f"c{n}", name, stances={"japan": said})
    found = parts(crowd)
    # Cohen of ada and ben: 2 of 3 agree, expected (2 * 1 + 1 * 2) / 9.
    assert found.pairs == {
        "ada + ben": PairAgreement(3, 0.666667, 0.4),
        "ada + cyd": PairAgreement(2, 0.5, 0.0), "ben + cyd": PairAgreement(2, 0.5, 0.0)
    }  # fmt: skip
    # "favor": c0 has two who gave it, each with two others of whom one did; c2 has one, whose other did not.
    assert found.labels == {"favor": 0.4, "against": None, "none": round(6 / 9, 6)}


def test_articles_with_three_items_the_lowest_first() -> None:
    crowd = Crowd()
    for article, differing in (("x", 1), ("y", 3), ("z", 0)):
        for n in range(3 if article != "z" else 2):
            for name in ("ada", "ben"):
                label = "none" if name == "ben" and n < differing else "favor"
                crowd.add(f"{article}{n}", name, stances={"japan": label}, article_id=article)
    assert list(parts(crowd).articles.items()) == [("y", PartAgreement(3, 0.0)), ("x", PartAgreement(3, 0.666667))]


def test_months_are_those_of_the_last_answer() -> None:
    crowd = Crowd()
    for chunk, ada, ben, label in (("c", 1, 2, "favor"), ("d", 2, 2, "none"), ("e", 3, 3, "favor")):
        crowd.add(chunk, "ada", stances={"japan": "favor"}, created=datetime(2026, ada, 5, tzinfo=UTC))
        crowd.add(chunk, "ben", stances={"japan": label}, created=datetime(2026, ben, 5, tzinfo=UTC))
        crowd.add(chunk, "cyd", state="skipped", created=datetime(2026, 9, 5, tzinfo=UTC))
    assert parts(crowd).months == {"2026-02": PartAgreement(2, 0.5), "2026-03": PartAgreement(1, 1.0)}


def test_selections_are_those_that_picked_the_chunks() -> None:
    crowd = Crowd()
    for n, (ada, ben) in enumerate([("favor", "favor"), ("none", "favor"), ("none", "none"), ("none", "favor")]):
        crowd.add(f"c{n}", "ada", stances={"japan": ada}).add(f"c{n}", "ben", stances={"japan": ben})
    assert parts(crowd).selections == {}
    found = parts(crowd, ["random", "random", "keywords", None]).selections
    assert found == {"keywords": PartAgreement(1, 1.0), "random": PartAgreement(2, 0.5)}


def test_what_was_submitted_again_is_compared_with_before() -> None:
    crowd = Crowd()
    for n, label in enumerate(("favor", "favor", "none")):
        crowd.add("c", "ada", stances={"japan": label}, created=datetime(2026, 3, 1 + n, tzinfo=UTC))
    crowd.add("c", "ben", stances={"japan": "none"}).add("c", "ben", stances={"japan": "favor"}, state="draft")
    assert parts(crowd).repeated == {"ada": PartAgreement(2, 0.5)}


def of_spans(crowd: Crowd) -> AgreementParts:
    found = span_agreement(crowd.annotations, crowd.spans, crowd.windows, "entity", Quality(bootstrap=0))
    assert found is not None
    return found.parts


def test_spans_are_compared_by_their_bounds_and_silence_is_a_label() -> None:
    crowd = Crowd()
    for chunk, ben in (("c", [(0, 5, "GPE")]), ("d", []), ("e", [(0, 5, "ORG")])):
        crowd.add(chunk, "ada", [(0, 5, "GPE")], article_id="x").add(chunk, "ben", ben, article_id="x")
    found = of_spans(crowd)
    # One of three bounds got one label; ada always said GPE, and ben each of three labels once: a third by chance.
    assert found.pairs == {"ada + ben": PairAgreement(3, 0.333333, 0.0)}
    assert found.labels == {"": 0.0, "GPE": 0.5, "ORG": 0.0}
    assert found.articles == {"x": PartAgreement(3, 0.333333)}


def test_spans_that_were_left_out_the_second_time_are_no_agreement_with_oneself() -> None:
    crowd = Crowd().add("c", "ada", [(0, 5, "GPE"), (17, 24, "ORG")], created=datetime(2026, 3, 1, tzinfo=UTC))
    crowd.add("c", "ada", [(0, 5, "GPE")], created=datetime(2026, 3, 2, tzinfo=UTC)).add("c", "ben")
    assert of_spans(crowd).repeated == {"ada": PartAgreement(2, 0.5)}
