"""Lines at the head of an article are what they say only while they are as short as such lines are."""

from datetime import UTC, datetime

import pytest

from builder.corpus.heads import (
    Line,
    byline_of,
    date_of,
    dateline,
    day_of,
    has_kicker,
    is_author,
    reads_like_title,
)

DAY = datetime(2024, 7, 29, tzinfo=UTC)


@pytest.mark.parametrize(("size", "found"), [(300, True), (301, False)])
def test_a_byline_has_at_most_300_characters(size: int, found: bool) -> None:
    names = "By Ann Lee"
    names += ", Bo Li" * ((size - len(names) - 9) // 7)
    line = f"{names}, Bo L{'i' * (size - len(names) - 6)}"
    assert len(line) == size
    assert (byline_of(line, "en") is not None) is found


@pytest.mark.parametrize(
    ("line", "named"), [("By Ann Lee, Jr.", True), ("By Ann Lee, Sr.", True), ("By Ann Lee.", False)]
)
def test_a_byline_is_no_sentence(line: str, named: bool) -> None:
    assert (byline_of(line, "en") is not None) is named


@pytest.mark.parametrize(
    ("line", "authors", "day", "source"),
    [
        ("By Ann Lee | July 29, 2024", ["Ann Lee"], DAY, None),
        ("By Ann Lee, Reuters | July 29, 2024", ["Ann Lee"], DAY, "Reuters"),
        ("By Ann Lee | Tokyo | July 29, 2024 | July 30, 2024", ["Ann Lee"], DAY, None),
        ("By Reuters", [], None, "Reuters"),
        ("Von Ann Lee und Bo Li", ["Ann Lee und Bo Li"], None, None),
        ("记者：王小明", ["王小明"], None, None),
        ("홍길동 기자", ["홍길동"], None, None),
    ],
)
def test_a_byline_names_authors_a_day_and_an_agency(
    line: str, authors: list[str], day: datetime | None, source: str | None
) -> None:
    assert byline_of(line, "de-DE" if line.startswith("Von") else "en-US") == (authors, day, source)


@pytest.mark.parametrize(("size", "found"), [(50, True), (51, False)])
def test_a_line_with_a_source_has_at_most_50_characters(size: int, found: bool) -> None:
    line = "Source: The " + "x".join(["H" + "a" * (size - 13)])
    assert len(line) == size
    assert (byline_of(line, "en") is not None) is found


@pytest.mark.parametrize(("size", "found"), [(100, True), (101, False)])
def test_a_line_with_a_date_has_at_most_100_characters(size: int, found: bool) -> None:
    line = f"July 29, 2024{' | Harbour News' * 5}"
    line += f" | {'x' * (size - len(line) - 8)} News"
    assert len(line) == size
    assert (date_of(line, "en") is not None) is found


def test_a_day_in_a_line_of_100_characters() -> None:
    assert day_of("July 29, 2024", "en") == DAY
    assert day_of("July 29", "en") is None
    assert day_of(f"{'July 29, 2024':>80}", "en") == DAY
    assert day_of(f"{'July 29, 2024':>101}", "en") is None


def test_of_several_dates_and_sources_the_first_counts() -> None:
    line = "July 29, 2024 | July 30, 2024 | Harbour News | Paper News"
    assert date_of(line, "en") == ([], DAY, "Harbour News")
    assert date_of("Harbour News | 2024 was long", "en") is None
    assert date_of("Updated | July 29, 2024", "en") == ([], DAY, None)


@pytest.mark.parametrize(
    ("name", "person"),
    [
        ("Ann Lee", True),
        ("Reuters", False),
        ("Staff Writer", False),
        ("Harbour City Staff", False),
        ("Staff Ann Lee", True),
    ],
)
def test_agencies_and_staff_are_no_authors(name: str, person: bool) -> None:
    assert is_author(name) is person


@pytest.mark.parametrize(("size", "found"), [(78, True), (79, False)])
def test_the_sign_of_a_dateline_is_in_the_first_80_characters(size: int, found: bool) -> None:
    assert (dateline(f"{'A' * size} (AP) — Ministers met.") is not None) is found
    assert dateline("Ministers met on Monday in the harbour town, and they said that it went well (AP) — x") is None
    assert dateline("TOKYO AP Ministers met.") is None


def lines(*texts: str) -> list[Line]:
    """The lines with their places, one after the other."""
    found, at = [], 0
    for text in texts:
        found.append((at, at + len(text), text))
        at += len(text) + 1
    return found


ENDED = "The ministers agreed on Monday to build it."


@pytest.mark.parametrize(("size", "title"), [(200, True), (201, False)])
def test_a_headline_has_at_most_200_characters(size: int, title: bool) -> None:
    assert reads_like_title(lines("Allies " + "x" * (size - 7), ENDED), "en") is title


@pytest.mark.parametrize(
    ("first", "following", "title"),
    [
        ("Allies to build more", ENDED, True),
        ("Allies to build more", "and the rest", False),
        ("Allies to build more", "Nothing", False),
        ("Allies to build more", "Nothing that ends but that is longer", True),
        ("Allies to build more in the U.S.", ENDED, True),
        ("Allies to build more...", ENDED, True),
        ("Allies to build more.", ENDED, False),
        ("allies to build more", ENDED, False),
        ("iPhone sales fall", ENDED, True),
        ("3m sales fall", ENDED, True),
        ("Allies to build and", ENDED, False),
        ("Allies to build:", ENDED, False),
        ("- Allies to build", ENDED, False),
        ("By Ann Lee", ENDED, False),
        ("July 29, 2024", ENDED, False),
        ("TOKYO (AP) — Allies to build", ENDED, False),
    ],
)
def test_a_headline_is_one_phrase_before_what_ends(first: str, following: str, title: bool) -> None:
    assert reads_like_title(lines(first, following), "en") is title
    assert reads_like_title(lines(first), "en") is False


def test_a_date_that_is_written_small_goes_on_with_no_headline() -> None:
    assert reads_like_title(lines("Los aliados construyen más", "lunes 29 de julio de 2024", ENDED), "es")
    assert not reads_like_title(lines("Los aliados construyen más", "y nada más", ENDED), "es")
    (start, end, first), (_, _, following) = lines("Allies to build more", "and the rest of it, which is longer.")
    assert reads_like_title([(start, end, first), (end + 2, end + 40, following)], "en")


@pytest.mark.parametrize(
    ("first", "title"),
    [
        ("Will They Pay For the Bridge?", True),
        ("Will They Pay for this?", False),
        ("Will They Pay For it!", True),
        ("Will They Pay Later with it?", False),
        ("WILL THEY PAY FOR IT？”", True),
    ],
)
def test_a_question_of_four_capitals_is_a_headline(first: str, title: bool) -> None:
    assert reads_like_title(lines(first, ENDED), "en") is title


@pytest.mark.timeout(20)
@pytest.mark.parametrize("word", ["Y", "AND", "E"])
def test_what_may_be_a_name_or_the_word_between_two_is_read_soon(word: str) -> None:
    """Thirty of them could be read in more ways than anybody waits for."""
    assert byline_of(f"By {f'{word} ' * 60}\0", "en") is None


@pytest.mark.parametrize(
    ("line", "language", "authors"),
    [
        ("BY ANN E LEE AND BO LI AND CY WU", "en", ["ANN E LEE AND BO LI AND CY WU"]),
        ("POR JUAN PÉREZ Y ANA DÍAZ", "es", ["JUAN PÉREZ", "ANA DÍAZ"]),
        ("BY A B C AND D E F AND G H I", "en", ["A B C AND D E F AND G H I"]),
    ],
)
def test_names_in_capitals_end_before_the_word_between_two(line: str, language: str, authors: list[str]) -> None:
    found = byline_of(line, language)
    assert found is not None
    assert found.authors == authors


@pytest.mark.parametrize(
    ("label", "headline", "following", "kicker"),
    [
        ("World", "Allies", "By Ann Lee", True),
        ("World", "Allie", "By Ann Lee", False),  # no longer than the label
        ("World", "Allies", "July 29, 2024", True),
        ("World", "Allies", "TOKYO (AP) — They met", True),
        ("Dear", "Allies", "By Ann Lee", True),  # one word is a label above a byline
        ("Dear", "Allies", ENDED, False),
        ("Dear reader", "Allies to build", "By Ann Lee", False),
        ("World", "Allies", "They met.", True),
        ("World", "Allies", "X" * 60, True),
        ("World", "Allies", "X" * 59, False),
        ("World | Asia | Europe | Africa", "Allies of the ministers to build more", "By Ann Lee", True),
        ("World | Asia | Europe | Americas", "Allies of the ministers to build more", "By Ann Lee", False),
        ("World | Reader", "Allies of the ministers to build more", "By Ann Lee", False),
        ("World", "They met.", "By Ann Lee", False),
    ],
)
def test_a_label_is_above_a_headline_and_what_follows_one(
    label: str, headline: str, following: str, kicker: bool
) -> None:
    assert has_kicker(lines(label, headline, following, ENDED), "en") is kicker
    assert has_kicker(lines(label, headline), "en") is False


def test_a_label_is_the_first_of_three_lines_at_least() -> None:
    assert has_kicker(lines("World", "Allies", "The ministers met."), "en")
