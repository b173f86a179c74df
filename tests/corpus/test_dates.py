"""Dates are read in every form that news uses, and what is no date is none."""

from datetime import UTC, datetime

import pytest

from builder.corpus.dates import instant


@pytest.mark.parametrize(
    "value",
    [
        "2024-07-29T20:02:13Z",
        "Mon, 29 Jul 2024 20:02:13 GMT",
        1722283333,
        "1722283333",
        1722283333000,
        "2024-07-29 20:02:13",
        "2024-07-29 20:02:13 UTC",
        "Mon Jul 29 16:02:13 -0400 2024",
        "July 29, 2024 4:02:13 PM EDT",
        "Mon, 29 Jul 2024 22:02:13 CEST",
        "29 July 2024 at 21:02:13 BST",
        "4:02:13 PM ET, Mon July 29, 2024",
    ],
)
def test_dates_become_utc(value: object) -> None:
    assert instant(value) == datetime(2024, 7, 29, 20, 2, 13, tzinfo=UTC)


def test_the_time_of_new_york_follows_its_seasons() -> None:
    assert instant("January 29, 2024 3:02 PM ET") == datetime(2024, 1, 29, 20, 2, tzinfo=UTC)


@pytest.mark.parametrize(
    ("value", "language"),
    [
        ("2024년 7월 29일", "ko"),
        ("2024 m. liepos 29 d.", "lt"),
        ("2024年7月29日", "ja"),
        ("2024年7月29日(月)", "ja"),
        ("令和6年7月29日", "ja"),
        ("令和６年７月２９日（月）", "ja"),
        ("中華民國113年7月29日", "zh-Hant"),
        ("民国113年7月29日", "zh"),
        ("29 กรกฎาคม 2567", "th"),
        ("29 กรกฎาคม พ.ศ. 2567", "th"),
        ("29/07/2567", "th"),
        ("2567-07-29", "th"),
        ("29 กรกฎาคม 2024", "th"),
        ("2567-07-29", ""),
    ],
)
def test_dates_with_words_around_their_numbers_and_of_other_eras(value: str, language: str) -> None:
    assert instant(value, language) == datetime(2024, 7, 29, tzinfo=UTC)


@pytest.mark.parametrize(
    ("value", "day"),
    [
        ("明治元年10月23日", (1868, 10, 23)),
        ("大正2年1月3日", (1913, 1, 3)),
        ("昭和64年1月7日", (1989, 1, 7)),
        ("平成元年1月8日", (1989, 1, 8)),
        ("令和6年7月29日 10時30分", (2024, 7, 29)),
        ("6年7月29日", None),
    ],
)
def test_every_era_of_japan_begins_with_its_own_year(value: str, day: tuple[int, int, int] | None) -> None:
    found = instant(value, "ja")
    assert (found and (found.year, found.month, found.day)) == day


def test_a_number_of_eight_digits_is_a_day() -> None:
    assert instant(20240729) == instant("20240729") == datetime(2024, 7, 29, tzinfo=UTC)


@pytest.mark.parametrize(
    "value",
    [
        "",
        "soon",
        True,
        None,
        [],
        1e30,
        "0000-00-00",
        2024,
        0,
        "yesterday",
        "2 days ago",
        "Monday",
        "July 2024",
        "29 July",
    ],
)
def test_what_is_no_date_is_none(value: object) -> None:
    assert instant(value) is None


def test_a_date_and_a_time_may_be_figures_in_a_row() -> None:
    assert instant("20240301090000") == instant(20240301090000) == datetime(2024, 3, 1, 9, tzinfo=UTC)


def test_seconds_and_milliseconds_since_1970_are_told_apart() -> None:
    assert instant(100_000_000_000) == datetime(5138, 11, 16, 9, 46, 40, tzinfo=UTC)
    assert instant(100_000_000_001) == datetime(1973, 3, 3, 9, 46, 40, 1000, tzinfo=UTC)
    assert instant(100_000_000) == datetime(1973, 3, 3, 9, 46, 40, tzinfo=UTC)
    assert (
        instant("29.07.2024") == instant("2024/07/29") == instant("29 July 2024") == datetime(2024, 7, 29, tzinfo=UTC)
    )
    assert instant("2024-07") == datetime(2024, 7, 1, tzinfo=UTC)
    assert instant("0999-01-01") is None
    assert instant("1000-01-01") == datetime(1000, 1, 1, tzinfo=UTC)


def test_fractions_of_seconds_are_no_years_of_another_era() -> None:
    assert instant("2024-07-29 20:02:13.2567") == datetime(2024, 7, 29, 20, 2, 13, 256700, tzinfo=UTC)
    assert instant("2599-01-02") == datetime(2056, 1, 2, tzinfo=UTC)
    assert instant("2600-01-02") == datetime(2600, 1, 2, tzinfo=UTC)


@pytest.mark.parametrize(
    ("value", "language", "clock"),
    [
        ("2024年7月29日 午前0時5分", "ja", "00:05"),
        ("2024年7月29日 午後0時5分", "ja", "12:05"),
        ("2024年7月29日 午後12時", "ja", "12:00"),
        ("2024年7月29日 下午15:02", "zh", "15:02"),
        ("2024年7月29日 10点02分", "zh", "10:02"),
        ("2024년 7월 29일 오전 12:05", "ko", "00:05"),
        ("2024.07.29. 오후 3:02", "ko", "15:02"),
        ("2024년 7월 29일 15시 2분", "ko", "15:02"),
        ("29 juillet 2024 à 10 h 02", "fr", "10:02"),
        ("29/07/2024 às 10h02", "pt", "10:02"),
        ("29 luglio 2024 alle ore 10:02", "it", "10:02"),
        ("29 de julio de 2024, 10:02 h.", "es", "10:02"),
        ("July 29, 2024, 10:02 IST", "en", "04:32"),
    ],
)
def test_the_time_of_day_is_read_as_each_language_writes_it(value: str, language: str, clock: str) -> None:
    found = instant(value, language)
    assert found is not None
    assert found.strftime("%Y-%m-%d %H:%M") == f"2024-07-29 {clock}"
