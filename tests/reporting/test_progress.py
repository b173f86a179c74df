"""Progress counted on annotations: what is done, who did how much, how long it took, and when it ends."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from builder.reporting.progress import (
    ChunkCounts,
    Forecast,
    ProgressSection,
    Times,
    forecast_of,
    progress_in_words,
    progress_section,
)
from tests.reporting.facts import facts_of
from tests.samples import DAY, Crowd

FIRST = date(2026, 3, 2)
SPAN = [(0, 5, "GPE")]


def made(crowd: Crowd, **changes: Any) -> ProgressSection:
    known = {name: changes.pop(name) for name in ("accounts", "people", "summaries") if name in changes}
    return progress_section(facts_of(crowd, **known), **{"overlap": 2, "idle": 900, **changes})


def test_chunks_are_done_by_as_many_people_as_wanted() -> None:
    """A skip is an answer, a draft, a second answer of the same person and a review of an expert are none."""
    crowd = Crowd().add("done", "ada", SPAN).add("done", "ben", state="skipped")
    crowd.add("twice", "ada", SPAN).add("twice", "ada", SPAN)
    crowd.add("draft", "ada", SPAN).add("draft", "ben", state="draft")
    crowd.add("reviewed", "ada", SPAN, annotation_id="1:7").add("reviewed", "eve", SPAN, project_id=2, parent_id="1:7")
    crowd.window("untouched").add("single", "ada", SPAN)
    found = made(crowd, overlaps={"single": 1}, summaries={"prepare": {"selected": 9}}, reopened={"done"})
    assert found.chunks == ChunkCounts(6, 2, 3, 1, 1, 1, 9)
    # One for each of those that are begun, two for the one that nobody opened.
    assert found.forecast
    assert found.forecast.left == 5
    assert made(crowd).chunks == ChunkCounts(6, 1, 4, 1, 1, None, None)


def test_work_in_the_project_of_another_does_not_count() -> None:
    crowd = Crowd().add("c", "ada", SPAN, assigned_to="ada").add("c", "ben", SPAN, assigned_to="cyd")
    found = made(crowd)
    assert found.chunks == ChunkCounts(1, 0, 1, 0, 0, None, None)
    assert [name for name, *_ in found.people] == ["ada"]


def test_a_skip_counts_only_from_everybody_where_a_chunk_goes_on_to_others() -> None:
    crowd = Crowd().add("c", "ada", SPAN).add("c", "ben", state="skipped")
    found = made(crowd, everybody=3)
    assert found.chunks == ChunkCounts(1, 0, 1, 0, 0, None, None)
    assert found.forecast
    assert found.forecast.left == 1
    done = made(crowd.add("c", "cyd", state="skipped"), everybody=3)
    assert done.chunks == ChunkCounts(1, 1, 0, 0, 0, None, None)
    assert done.forecast == Forecast(0, "Every chunk is done.")


def test_each_person_and_day_has_its_counts() -> None:
    late = DAY + timedelta(days=2)
    crowd = Crowd().add("a", "ada", SPAN).add("b", "ada").add("c", "ada", state="skipped", created=late)
    crowd.add("a", "ben", SPAN, created=late).add("b", "ben", state="draft", created=late)
    found = made(crowd, accounts={"ada": "ada@example.org"})
    ada, ben = found.people
    # account, annotated, of them empty, skipped, drafts, days
    assert ada[:7] == ("ada", "ada@example.org", 2, 1, 1, 0, 2)
    assert ben[:7] == ("ben", "", 1, 0, 0, 1, 1)
    # all, chunks done, ada, ben
    assert found.days == ((FIRST, 2, 0, 2, 0), (FIRST + timedelta(2), 2, 1, 1, 1))
    assert found.chart
    assert found.chart.words == (
        "4 annotations and skips from 2026-03-02 to 2026-03-04, each day added to those before. "
        "At the pace of the last days, the 6 that are wanted are reached about 2026-03-06."
    )


def test_time_beyond_the_limit_is_cut_and_unknown_time_is_left_out() -> None:
    crowd = Crowd()
    for n, seconds in enumerate((10.0, 20.0, 900.0, 901.0, 90_000.0, None)):
        crowd.add(f"c{n}", "ada", SPAN, lead_time=seconds)
    crowd.add("c9", "ada", state="skipped", lead_time=1.0)
    assert made(crowd).times == Times(5, 2, 20.0, 900.0, 900.0, 0.76)
    # median, half of the times, cut
    assert made(crowd).people[0][7:] == (900.0, (20.0, 900.0), 2, "nobody to compare with")
    assert made(crowd, idle=15).times == Times(5, 4, 15.0, 15.0, 15.0, 0.02)
    unknown = made(Crowd().add("c", "ada", SPAN, lead_time=None))
    assert (unknown.times, unknown.people[0][7:10]) == (Times(), (None, None, 0))


@pytest.mark.parametrize(
    ("medians", "pace"),
    [
        (
            {"ada": (30, 10), "ben": (45, 10)},
            {"ada": "faster than most: 0.67 times 45 s", "ben": "slower than most: 1.5 times 30 s"},
        ),
        ({"ada": (30, 10), "ben": (44, 10)}, {"ada": "like the others", "ben": "like the others"}),
        ({"ada": (30, 9), "ben": (90, 10)}, {"ada": "too few to tell", "ben": "too few to tell"}),
        ({"ada": (30, 20)}, {"ada": "nobody to compare with"}),
        # One slow person makes nobody else fast.
        (
            {"ada": (30, 10), "ben": (32, 10), "cyd": (120, 10)},
            {"ada": "like the others", "ben": "like the others", "cyd": "slower than most: 3.9 times 31 s"},
        ),
    ],
)  # fmt: skip
def test_who_is_slower_or_faster_than_most(medians: dict[str, tuple[int, int]], pace: dict[str, str]) -> None:
    crowd = Crowd()
    for name, (seconds, times) in medians.items():
        for n in range(times):
            crowd.add(f"c{n}", name, SPAN, lead_time=float(seconds))
    assert {name: said for name, *_, said in made(crowd).people} == pace


def days(*counts: int) -> dict[date, int]:
    return {FIRST + timedelta(days=i): n for i, n in enumerate(counts) if n}


def test_an_even_pace_leaves_no_doubt_about_the_end() -> None:
    """Days without work count, days before the last two weeks do not, and neither does the day of the pull."""
    until = FIRST + timedelta(days=3)
    end = until + timedelta(days=3)
    assert forecast_of(days(10, 10, 10, 10), 30, until, 0.95) == Forecast(
        30, "", 10.0, FIRST, FIRST + timedelta(2), end, end, end, 0.95
    )
    long = forecast_of(days(*[90] * 5, *[10] * 14), 30, None, 0.95)
    assert (long.per_day, long.since) == (10.0, FIRST + timedelta(days=5))
    assert forecast_of(days(12, 0, 12), 30, None, 0.95).per_day == 8.0


def test_an_uneven_pace_gives_a_wide_interval() -> None:
    """Checked by hand: m = 6, s² = 16, n = 4, R = 60; the variance is 60·16/216 + 3600·16/(4·1296) = 15.556."""
    found = forecast_of(days(2, 6, 10, 6), 60, None, 0.95)
    start = FIRST + timedelta(days=3)
    assert (found.first, found.middle, found.last) == tuple(start + timedelta(days=n) for n in (4, 10, 17))
    assert found.per_day == 6.0
    wider = forecast_of(days(0, 1, 0, 0, 23), 60, None, 0.95)
    assert wider.last is None
    assert wider.middle == FIRST + timedelta(days=4 + 10)


def test_what_is_too_little_to_forecast_from_says_so() -> None:
    assert "fewer than 3 days" in forecast_of(days(5, 5), 9, None, 0.95).reason
    assert forecast_of({}, 9, None, 0.95).reason == "No annotation has a date, so there is no pace to forecast from."
    assert forecast_of(days(5, 5, 5), 9, None, 0.95).reason == ""


def test_a_forecast_counts_from_the_day_of_the_pull() -> None:
    today = datetime(2026, 6, 1, tzinfo=UTC).date()
    assert forecast_of(days(5, 5, 5), 10, today, 0.95).middle == date(2026, 6, 3)


def test_without_a_pull_the_section_says_what_to_do() -> None:
    found = progress_section(facts_of(summaries={"prepare": {"selected": 1200}}), overlap=2, idle=900)
    assert found.missing.startswith("1,200 chunks are selected. No annotation is known, because nothing was pulled")
    assert found.chunks is None
    assert made(Crowd().window("c")).chunks == ChunkCounts(1, 0, 0, 1, 0, None, None)


def test_a_few_lines_say_the_same() -> None:
    crowd = Crowd()
    for n in range(20):
        crowd.add(f"c{n}", "ada", SPAN, lead_time=30.0, created=DAY + timedelta(days=n % 4))
        if n > 4:
            crowd.add(f"c{n}", "ben", SPAN, lead_time=90.0, created=DAY + timedelta(days=n % 4))
    crowd.add("c0", "cyd", SPAN, lead_time=None, assigned_to="ada")  # of somebody else's
    crowd.add("c0", "dan", state="draft")  # too few to tell
    assert progress_in_words(made(crowd)) == [
        "15 of 20 chunks are done, 0 are reopened",
        "5 annotations are missing: about 2026-03-06, from 2026-03-06 on",
        "30 seconds per chunk, half of them 30 to 90",
        "ada is faster than most: 0.33 times 90 s",
        "ben is slower than most: 3 times 30 s",
    ]
    assert progress_in_words(progress_section(facts_of(), overlap=2, idle=900)) == []
