"""The page: whole in itself, the same bytes for the same values, and every text escaped."""

import re
from datetime import UTC, datetime

import pytest
from jinja2 import UndefinedError
from markupsafe import Markup

from builder.reporting.page import _TEMPLATES, TITLES, About, _cell, _cells, in_words, page, unturned
from builder.reporting.plots import timeline
from builder.reporting.progress import progress_section
from tests.reporting.facts import facts_of
from tests.samples import DAY, Crowd

HOSTILE = "<script>alert(1)</script>\"' onload=x `"


def test_hostile_names_are_text_wherever_they_are_shown() -> None:
    crowd = Crowd().add("c", HOSTILE, [(0, 5, "GPE")])
    section = progress_section(facts_of(crowd, accounts={HOSTILE: HOSTILE}), overlap=1, idle=900)
    text = page(About(HOSTILE, DAY, [(HOSTILE, HOSTILE)], [HOSTILE]), {"progress": section})
    assert "<script>alert" not in text
    assert text.count("<script>") == 1
    assert text.count("&lt;script&gt;alert(1)&lt;/script&gt;") >= 8
    assert "onload=x" not in re.sub(r"&lt;script&gt;.*?onload=x", "", text)


def test_the_page_needs_nothing_else_and_forbids_other_scripts() -> None:
    text = page(About("news"), {"progress": progress_section(facts_of(), overlap=1, idle=900)})
    assert not re.search(r"(src|href)=\"(?!#)|url\(|@import|https?://", text)
    assert "default-src &#39;none&#39;" in text.replace("'", "&#39;")
    assert "Made" not in text
    assert "Made 2026-03-02 09:00 UTC" in page(About("news", datetime(2026, 3, 2, 9, tzinfo=UTC)), {})


def test_sections_are_in_the_order_of_their_titles_and_each_has_a_template() -> None:
    section = progress_section(facts_of(), overlap=1, idle=900)
    assert page(About("news"), {"progress": section}).count("<section") == 1
    assert {path.name.partition(".")[0] for path in _TEMPLATES.glob("*.html.j2")} - {"page", "macros"} <= set(TITLES)


def test_cells_say_and_sort_by_their_value() -> None:
    assert _cell(1234) == '<td class="number" data-sort="1234">1,234</td>'
    assert _cell((0.25, 0.5)) == '<td class="number" data-sort="0.25">0.250 to 0.500</td>'
    assert _cell(None) == '<td class="number" data-sort="">–</td>'
    assert _cell("<b>", tag="th") == '<th scope="row">&lt;b&gt;</th>'
    assert _cell(Markup("<b>x</b>")) == "<td><b>x</b></td>"
    bar = '<span class="bar" style="--share:25.0%" aria-hidden="true"></span>'
    assert _cell(1, largest=4) == f'<td class="number" data-sort="1">1{bar}</td>'
    assert "--share:0.0%" in _cell(None, largest=4)
    assert "--share:0.0%" in _cell(0, largest=0)
    assert in_words(True) == "True"


def test_bars_are_of_the_whole_the_column_or_the_row_and_columns_without_a_name_are_not_shown() -> None:
    heads = ["name", "%of one", "=of the column", "+of the row", "+and this", "", ">plain"]
    rows = [("a", 0.5, 4, 1, 3, "absent", 7), ("b", None, 1, 0, 0, "absent", 7)]
    (one, last), (other, _) = _cells(heads, rows)
    assert re.findall(r"--share:([\d.]+)%", one) == ["50.0", "100.0", "25.0", "75.0"]
    assert re.findall(r"--share:([\d.]+)%", other) == ["0.0", "25.0", "0.0", "0.0"]
    assert "absent" not in one
    assert one.startswith('<th scope="row">a</th>')
    assert one.endswith('<td class="number" data-sort="7">7</td>')
    assert last == 7
    [(shown, last)] = _cells(["name", "=n", "such as"], [("a", 2, ["x"])], custom=True)
    assert (shown.count("<td"), last) == (1, ["x"])
    assert list(_cells(heads, [])) == []


def test_a_timeline_has_round_ticks_and_every_day_inside() -> None:
    chart = timeline("T", "W", [(DAY.date(), 0.0), (DAY.date().replace(day=10), 118.0)])
    assert chart.ticks == ((212.0, "0"), (144.7, "50"), (77.3, "100"), (10.0, "150"))
    assert [text for _, text in chart.days] == [f"2026-03-{day:02d}" for day in (2, 4, 6, 8, 10)]
    assert (chart.line, chart.band) == ("M94.0 212.0L680.0 53.1", "")
    assert chart.dots == ((94.0, 212.0), (680.0, 53.1))
    single = timeline("T", "W", [(DAY.date(), 0.5)], [(DAY.date(), 0.25)])
    assert [text for _, text in single.ticks] == ["0", "0.2", "0.4", "0.6"]
    assert (single.line, single.band) == ("M94.0 43.7", "M94.0 127.8Z")
    assert [text for _, text in timeline("T", "W", [(DAY.date(), 0.0)]).ticks] == ["0", "1"]


@pytest.mark.parametrize(
    ("highest", "ticks"),
    [
        (4, ["0", "1", "2", "3", "4"]),
        (4.1, ["0", "2", "4", "6"]),
        (8, ["0", "2", "4", "6", "8"]),
        (10, ["0", "2.5", "5", "7.5", "10"]),
        (20, ["0", "5", "10", "15", "20"]),
        (1, ["0", "0.25", "0.5", "0.75", "1"]),
        (0.3, ["0", "0.1", "0.2", "0.3"]),
        (4000, ["0", "1,000", "2,000", "3,000", "4,000"]),
    ],
)
def test_ticks_are_the_closest_round_numbers_of_which_four_reach_the_highest(highest: float, ticks: list[str]) -> None:
    chart = timeline("T", "W", [(DAY.date(), float(highest))])
    assert [text for _, text in chart.ticks] == ticks
    assert chart.dots[0][1] >= chart.ticks[-1][0] == 10.0


@pytest.mark.parametrize(
    ("last", "named"), [(2, [2]), (3, [2, 3]), (4, [2, 3, 4]), (7, [2, 3, 4, 6, 7]), (30, [2, 9, 16, 23, 30])]
)
def test_at_most_five_days_are_named_the_first_and_the_last_among_them(last: int, named: list[int]) -> None:
    chart = timeline("T", "W", [(DAY.date(), 1.0)], [(DAY.date().replace(day=last), 1.0)])
    assert [int(text[-2:]) for _, text in chart.days] == named
    assert (chart.days[0][0], chart.days[-1][0]) == (94.0, 680.0 if last > 2 else 94.0)


def test_what_a_template_needs_must_be_there() -> None:
    with pytest.raises(UndefinedError, match="no attribute 'missing'"):
        page(About("news"), {"progress": object()})


def test_every_character_that_turns_text_is_shown_by_its_name() -> None:
    names = ["LRE", "RLE", "PDF", "LRO", "RLO", "LRI", "RLI", "FSI", "PDI"]
    turning = [*range(0x202A, 0x202F), *range(0x2066, 0x206A)]
    for number, name in zip(turning, names, strict=True):
        assert unturned(f"a{chr(number)}b") == f"a⟪{name}⟫b"
    others = "".join(map(chr, (0x2029, 0x202F, 0x2065, 0x206A)))
    assert unturned(others) == others
