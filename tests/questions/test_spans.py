"""Offsets in any unit end at the marked words, or nowhere."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from builder.questions.raw import RegionValue
from builder.questions.spans import CODE_POINTS, Found, locate, same, trim

ROCKETS = "\U0001f680\U0001f680 Kyiv and Tokyo"


def utf16(text: str, count: int) -> int:
    """UTF-16 units before a code point."""
    return len(text[:count].encode("utf-16-le")) // 2


def value(start: int, end: int, text: str | None) -> RegionValue:
    return RegionValue(start, end, text)


def test_code_points_are_the_usual_reading() -> None:
    assert locate(ROCKETS, [value(3, 7, "Kyiv")]) == [Found(3, 7, CODE_POINTS)]


def test_utf16_units_are_told_by_the_text() -> None:
    assert locate(ROCKETS, [value(5, 9, "Kyiv")]) == [Found(3, 7, "UTF-16 units")]


def test_what_both_readings_explain_follows_the_other_spans() -> None:
    text = "\U0001f680 aaa b"
    sure, unsure = value(7, 8, "b"), value(3, 4, "a")
    assert locate(text, [unsure, sure]) == [Found(2, 3, "UTF-16 units"), Found(6, 7, "UTF-16 units")]


def test_a_mixture_of_readings_leaves_the_ambiguous_span_alone() -> None:
    text = "\U0001f680 aaa bc d"
    only_utf16, only_points, both = value(7, 8, "b"), value(9, 10, "d"), value(3, 4, "a")
    assert locate(text, [only_utf16, only_points, both]) == [
        Found(6, 7, "UTF-16 units"),
        Found(9, 10, CODE_POINTS),
        None,
    ]


def test_what_no_reading_explains_leaves_the_others_in_code_points() -> None:
    text = "\U0001f680 aaa b"
    assert locate(text, [value(3, 4, "a"), value(90, 91, "x")]) == [Found(3, 4, CODE_POINTS), None]


@pytest.mark.parametrize(
    ("text", "start", "end", "how"),
    [("a\r\nb\r\nKyiv", 4, 8, "line breaks counted once"), ("a\nb\nKyiv", 6, 10, "line breaks counted twice")],
)
def test_line_breaks_counted_otherwise(text: str, start: int, end: int, how: str) -> None:
    at = text.index("Kyiv")
    assert locate(text, [value(start, end, "Kyiv")]) == [Found(at, at + 4, how)]


def test_utf16_and_line_breaks_together() -> None:
    text = "\U0001f680\nKyiv"
    assert locate(text, [value(4, 8, "Kyiv")]) == [Found(2, 6, "UTF-16 units, line breaks counted twice")]


def test_readings_that_differ_in_blanks_only_agree() -> None:
    text = "\U0001f680 Tokyo,\r\nTokyo"
    assert locate(text, [value(3, 9, "Tokyo,")]) == [Found(2, 8, "UTF-16 units")]


def test_words_that_stand_once_are_found_anywhere() -> None:
    assert locate("in Kyiv today", [value(0, 2, "Kyiv")]) == [Found(3, 7, "the only place where its text occurs")]


def test_words_that_stand_twice_are_found_only_at_their_offsets() -> None:
    text = "Ukraine's army, Ukraine's aid"
    at_start = value(0, 7, "Ukraine's")
    assert locate(text, [at_start]) == [Found(0, 9, "the only place at these offsets where its text occurs")]
    assert locate(text, [value(3, 7, "Ukraine's")]) == [None]


def test_an_end_past_the_text_is_cut_back() -> None:
    assert locate("in Kyiv", [value(3, 90, "Kyiv")]) == [Found(3, 7, "the only place where its text occurs")]


@pytest.mark.parametrize(("start", "end"), [(5, 2), (2, 2), (-1, 3), (0, 99)])
def test_offsets_without_a_text_to_check_must_fit(start: int, end: int) -> None:
    assert locate("in Kyiv", [value(start, end, None)]) == [None]


def test_offsets_without_a_text_are_taken_as_code_points() -> None:
    assert locate(ROCKETS, [value(3, 7, None), value(99, 100, "x")]) == [Found(3, 7, CODE_POINTS), None]


@pytest.mark.parametrize("written", ["a\\n\\nb c", "a b  c", "a\n\nb\tc", " a\\nb c "])
def test_escapes_and_blanks_do_not_count(written: str) -> None:
    assert same("a\n\nb  c", written)
    assert not same("a\n\nb  c", "a b d")


def test_edge_blanks_are_trimmed() -> None:
    assert trim("  Kyiv\u00a0", 0, 7) == (2, 6)
    assert trim(" \n", 0, 2) == (2, 2)


@given(st.text(st.sampled_from("ab\U0001f680\n\r "), max_size=12), st.data())
def test_a_found_span_always_holds_its_text(text: str, data: st.DataObject) -> None:
    marks = data.draw(st.lists(st.tuples(st.integers(-2, 20), st.integers(-2, 20), st.sampled_from(["a", "ab", "b"]))))
    for (_, _, words), found in zip(marks, locate(text, [value(*m) for m in marks]), strict=True):
        assert found is None or same(text[found.start : found.end], words)


@given(st.text(st.sampled_from("abc\U0001f680é"), min_size=1, max_size=12), st.data())
def test_an_annotation_in_utf16_units_is_never_misplaced(text: str, data: st.DataObject) -> None:
    start = data.draw(st.integers(0, len(text) - 1))
    end = data.draw(st.integers(start + 1, len(text)))
    whole = value(0, utf16(text, len(text)), text)
    (first, second) = locate(text, [whole, value(utf16(text, start), utf16(text, end), text[start:end])])
    assert first is not None
    assert first[:2] == (0, len(text))
    assert second is None or second[:2] == (start, end)
