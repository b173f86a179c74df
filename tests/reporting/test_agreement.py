"""Agreement as the page shows it: the figures of the report, confusions, and who and what differs from the rest."""

from collections.abc import Mapping
from datetime import date, timedelta
from functools import cache

import pyarrow as pa
import pytest

from builder.quality.checks.inputs import CheckInputs
from builder.quality.settings import Quality
from builder.quality.validate import Validated, validate
from builder.reporting.agreement import (
    AgreementSection,
    _times,
    agreement_in_words,
    agreement_section,
    reliability,
    verdict,
)
from builder.reporting.page import About, page
from builder.scheme import Scheme
from builder.tables import ISSUES
from tests.reporting.facts import facts_of
from tests.samples import DAY, Crowd, scheme

QUALITY = Quality(bootstrap=20)
SCHEME = scheme(targets={"japan": ["Japan"]}, evidence=False)
FIRST = date(2026, 3, 2)


def validated(crowd: Crowd, asked: Scheme = SCHEME) -> Validated:
    tables = (crowd.annotations, crowd.spans, crowd.answers, crowd.windows)
    return validate(CheckInputs(*tables, asked, QUALITY), ISSUES.empty_table(), {})


def made(
    crowd: Crowd, sources: Mapping[str, str | None] | None = None, asked: Scheme = SCHEME, **more: bool
) -> AgreementSection:
    found = validated(crowd, asked)
    articles = pa.table({"article_id": list(sources or {}), "source": pa.array((sources or {}).values(), pa.string())})
    tables = {**found.tables, "articles": articles}
    return agreement_section(facts_of(None, asked, tables, quality=QUALITY, agreement=found.agreement, **more))


def crowd(days: int = 1) -> Crowd:
    """Of 40 chunks half are `favor` and half `neutral`; cyd says `against` to ten of the first, and ORG to 25 places.

    The chunks are spread evenly over so many days.
    """
    found = Crowd()
    for n in range(40):
        right, when = "neutral" if n % 2 else "favor", DAY + timedelta(days=n * days // 40)
        for name in ("ada", "ben", "cyd"):
            stance = "against" if name == "cyd" and n % 4 == 0 else right
            label = "ORG" if name == "cyd" and n < 25 else "GPE"
            found.add(f"c{n:02d}", name, [(0, 5, label)], {"japan": stance}, created=when, lead_time=40.0)
    return found


@cache
def over(days: int) -> AgreementSection:
    return made(crowd(days))


def test_confusions_are_counted_and_said() -> None:
    stance, entity = over(30).questions
    assert stance.names == ("favor", "against", "neutral", "none")
    assert stance.confusion == (("favor", 80, 20, 0, 0), ("against", 20, 0, 0, 0), ("neutral", 0, 0, 120, 0))
    assert stance.confused == (
        "favor and against: 20 pairs; where one person says favor, another says against in 20%, "
        "and the other way round in 100%",
    )
    assert entity.names == ("nothing", "GPE", "ORG")
    assert entity.confusion == (("GPE", 0, 140, 50), ("ORG", 0, 50, 0))
    assert entity.confused == (
        "GPE and ORG: 50 pairs; where one person says GPE, another says ORG in 26%, and the other way round in 100%",
    )
    assert (stance.spans, entity.spans) == (False, True)


def test_labels_and_annotators_are_set_beside_the_rest() -> None:
    stance, entity = over(30).questions
    favor, against, neutral, none = stance.labels
    assert favor[:3] == ("favor", 50, 0.8)
    assert (*against[:3], *against[4:]) == ("against", 10, 0.0, "too few to tell", "")
    assert neutral == ("neutral", 60, 1.0, (1.0, 1.0), "higher than the rest", "")
    assert none == ("none", 0, None, None, "too few to tell", "")
    ada, _, cyd = stance.annotators
    assert (ada[1], ada[4]) == (40, "higher than the rest")
    assert (cyd[1], cyd[4]) == (40, "lower than the rest")
    assert "says against for favor in 50% of 20" in cyd[5]
    assert stance.figures[-1][2] == pytest.approx(1 - 20 / 120, abs=1e-6)
    assert [(about, verdict) for about, *_, verdict in entity.figures] == [
        ("GPE", "higher than the rest"), ("ORG", "lower than the rest"), ("all", ""),
    ]  # fmt: skip
    assert entity.labels == ()
    assert stance.pairs[0] == ("ada", "ben", 40, 1.0, 1.0)
    assert [pair[:2] for pair in stance.pairs] == [("ada", "ben"), ("ada", "cyd"), ("ben", "cyd")]


def test_who_shares_no_chunk_with_others_is_too_few_to_tell() -> None:
    found = made(crowd().add("alone", "dan", [(0, 5, "GPE")], {"japan": "favor"}))
    assert found.questions[0].annotators[-1] == ("dan", 0, None, None, "too few to tell", "")


def test_agreement_per_source_leaves_out_articles_without_one() -> None:
    """In the chunks of even numbers below 20, cyd differs in every other one."""
    sources = {f"c{n:02d}": "Harbour Post" if n < 20 and n % 2 == 0 else None for n in range(40)}
    found = made(crowd(), sources).questions[0]
    assert found.parts["source"] == [("Harbour Post", 10, pytest.approx(2 / 3, abs=1e-6))]
    assert "source" not in over(30).questions[0].parts


def test_agreement_over_time_is_per_day_week_or_month() -> None:
    assert [day for day, *_ in over(22).questions[0].parts["day"]][:2] == [FIRST, FIRST + timedelta(days=1)]
    weeks = over(30).questions[0]
    assert [day for day, *_ in weeks.parts["week from Monday"]][:2] == [FIRST, FIRST + timedelta(days=7)]
    assert weeks.chart
    assert weeks.chart.words == (
        "The share of pairs that agree was 0.80 on 2026-03-02 and 1.00 on 2026-03-30; it was lowest on 2026-03-02, "
        "with 0.80."
    )
    assert made(crowd(200)).questions[0].parts["month from"][1][0] == date(2026, 4, 1)
    single = made(crowd(1)).questions[0]
    assert single.parts["day"] == [(FIRST, 40, pytest.approx(5 / 6, abs=1e-6))]
    assert single.chart is None


@pytest.mark.parametrize(
    ("days", "unit", "since"),
    [
        (0, "day", FIRST),
        (21, "day", date(2026, 3, 23)),
        (22, "week from Monday", date(2026, 3, 23)),
        (181, "week from Monday", date(2026, 8, 24)),
        (182, "month from", date(2026, 8, 1)),
    ],
)
def test_days_are_put_together_where_they_are_many(days: int, unit: str, since: date) -> None:
    """A chunk is of the day of its last answer, and a draft is no answer."""
    first = FIRST.replace(day=1) if unit == "month from" else FIRST
    found = Crowd().add("a", "ada").add("b", "ada", created=DAY + timedelta(days)).add("b", "ben", state="skipped")
    found.add("a", "ben", state="draft", created=DAY + timedelta(300)).add("c", "ben", created=None)
    assert _times(found.annotations) == ({"a": first, "b": since}, unit)


def test_where_nothing_was_answered_no_time_is_known() -> None:
    assert _times(Crowd().add("a", "ada", state="draft").annotations) == ({}, "day")


def test_targets_are_shown_beside_all_where_there_are_several_and_no_words_of_articles_in_public() -> None:
    about, several, single = Crowd(), scheme(evidence=False), SCHEME
    for who in ("ada", "ben"):
        about.add("c", who, stances={"japan": "favor", "ukraine": "none"}).add("d", who, stances={"japan": "none"})
    mentions = scheme(mode="article", evidence=False)
    found = [made(about, asked=asked, public=public) for public in (False, True) for asked in (several, mentions)]
    every = ["japan", "ukraine", "all"]
    assert [[name for name, *_ in each.questions[0].figures] for each in found] == [every, every, every, ["all"]]
    one = Crowd().add("c", "ada", stances={"japan": "favor"}).add("c", "ben", stances={"japan": "favor"})
    assert [name for name, *_ in made(one, asked=single).questions[0].figures] == ["all"]


def test_of_many_targets_those_with_most_items_are_shown() -> None:
    about = Crowd()
    for n in range(51):
        for chunk in ("c", "d")[: 1 + (n > 0)]:
            for who in ("ada", "ben"):
                about.add(f"{chunk}{n}", who, stances={f"t{n:02}": "favor"})
    figures = made(about, asked=scheme(mode="article", evidence=False)).questions[0].figures
    assert [name for name, *_ in figures] == [*(f"t{n:02}" for n in range(1, 51)), "all"]


def test_without_two_people_on_a_chunk_nothing_is_known() -> None:
    alone = Crowd().add("c1", "ada", [(0, 5, "GPE")], {"japan": "favor"}).add("c2", "ben", [(0, 5, "GPE")])
    assert made(alone).missing == "No agreement is known: no two people have annotated the same chunk yet."
    assert "builder validate" in agreement_section(facts_of()).missing
    assert made(Crowd().window("c1")).missing.startswith("No agreement is known")


def test_words_for_figures_are_exact_at_their_bounds() -> None:
    assert [reliability(alpha) for alpha in (None, 0.8, 0.7999, 0.667, 0.666)] == [
        "not known", "reliable", "tentative conclusions only", "tentative conclusions only", "too low to conclude from",
    ]  # fmt: skip
    assert verdict(19, (0.1, 0.2), 0.5) == "too few to tell"
    assert verdict(20, None, 0.5) == verdict(20, (0.1, 0.2), None) == "too few to tell"
    assert verdict(20, (0.1, 0.4), 0.5) == "lower than the rest"
    assert verdict(20, (0.6, 0.7), 0.5) == "higher than the rest"
    assert verdict(20, (0.5, 0.7), 0.5) == verdict(20, (0.3, 0.5), 0.5) == "like the rest"


def test_the_page_shows_a_table_per_part() -> None:
    text = page(About("news"), {"agreement": over(22)})
    for words in (
        "Confusion on stance: one person says (row)", "Pairs of annotators on entity", "Agreement on stance per day",
        "Agreement on entity over time", "Labels of stance beside the rest", "Agreement on entity per label",
    ):  # fmt: skip
        assert words in text


def test_a_few_lines_say_the_same() -> None:
    stance, entity, below = agreement_in_words(validated(crowd()).agreement)
    assert stance.startswith("stance: alpha 0.7")
    assert stance.endswith("): tentative conclusions only")
    assert entity.startswith("entity: exact F1 0.583 (")
    assert below == "below the rest: cyd on stance, cyd on entity"
    alone = Crowd().add("c1", "ada", [(0, 5, "GPE")], {"japan": "favor"})
    assert agreement_in_words(validated(alone).agreement) == ["stance: alpha not known", "entity: exact F1 not known"]
