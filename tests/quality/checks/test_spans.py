"""Checks of spans: each finds its fault and lets its closest twin pass, wherever the chunk starts."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.quality.helpers import BOTH, alter, checked, messages
from tests.samples import Crowd, scheme

#: "Tokyo will build Patriot missiles for the United States and Ukraine."
SPAN_CHECKS = {"bounds", "zero-length", "text-mismatch", "edge-whitespace", "mid-word", "duplicate-span", "overlap"}


def marked(*spans: Any, **window: Any) -> Crowd:
    """One annotation with these spans."""
    crowd = Crowd().window("c", **window) if window else Crowd()
    return crowd.add("c", "ada", spans, BOTH)


@pytest.mark.parametrize(
    ("check", "spans", "said"),
    [
        ("bounds", [(60, 69, "GPE")], ["GPE [60, 69) is outside the chunk."]),
        ("bounds", [(60, 68, "GPE")], []),
        ("bounds", [(0, 68, "GPE")], []),
        ("zero-length", [(5, 5, "GPE")], ["GPE [5, 5) is empty."]),
        ("zero-length", [(5, 4, "GPE")], ["GPE [5, 4) is empty."]),
        ("zero-length", [(4, 5, "GPE")], []),
        ("bounds", [(5, 5, "GPE")], []),
        ("edge-whitespace", [(0, 6, "GPE")], ["GPE 'Tokyo ' has whitespace at its edge."]),
        ("edge-whitespace", [(5, 10, "GPE")], ["GPE ' will' has whitespace at its edge."]),
        ("edge-whitespace", [(0, 10, "GPE")], []),
        ("mid-word", [(0, 4, "GPE")], ["GPE 'Toky' starts or ends inside a word."]),
        ("mid-word", [(1, 5, "GPE")], ["GPE 'okyo' starts or ends inside a word."]),
        ("mid-word", [(0, 5, "GPE"), (60, 67, "GPE"), (60, 68, "GPE"), (67, 68, "GPE")], []),
        ("duplicate-span", [(0, 5, "GPE")] * 3, ["GPE 'Tokyo' [0, 5) is marked twice."] * 2),
        ("duplicate-span", [(0, 5, "GPE"), (0, 5, "ORG"), (0, 10, "GPE")], []),
        ("duplicate-span", [(0, 5, "EVIDENCE", ["japan"]), (0, 5, "GPE")], []),
        ("overlap", [(11, 24, "GPE"), (17, 33, "ORG")], ["ORG 'Patriot missiles' [17, 33) crosses another span."]),
        ("overlap", [(11, 24, "GPE"), (24, 33, "ORG")], []),
        ("overlap", [(17, 33, "GPE"), (17, 24, "ORG"), (17, 33, "ORG")], []),
        ("overlap", [(11, 24, "GPE"), (17, 33, "EVIDENCE", ["japan"])], []),
    ],
)
def test_a_fault_is_found_and_its_twin_is_not(check: str, spans: Any, said: list[str]) -> None:
    assert messages(marked(*spans), check) == said


@pytest.mark.parametrize(
    ("spans", "said"),
    [
        ([(17, 33, "GPE"), (17, 24, "ORG")], ["ORG 'Patriot' [17, 24) is inside another span."]),
        ([(17, 33, "GPE"), (25, 33, "ORG")], ["ORG 'missiles' [25, 33) is inside another span."]),
        ([(17, 33, "GPE"), (17, 33, "ORG")], []),
        ([(11, 24, "GPE"), (17, 33, "ORG")], []),
    ],
)
def test_nested_spans_are_found_when_the_scheme_forbids_them(spans: Any, said: list[str]) -> None:
    assert messages(marked(*spans), "nesting", scheme(nesting=False)) == said
    assert messages(marked(*spans), "nesting", scheme(nesting=True)) == []


def test_spans_of_two_annotations_do_not_meet() -> None:
    crowd = Crowd().add("c", "ada", [(11, 24, "GPE")], BOTH).add("c", "ben", [(17, 33, "ORG"), (11, 24, "GPE")], BOTH)
    assert [r["annotation_id"] for r in checked(crowd)[0] if r["check"] == "overlap"] == ["1:2"]
    assert messages(crowd, "duplicate-span") == []


def test_crossing_spans_may_be_allowed() -> None:
    assert messages(marked((11, 24, "GPE"), (17, 33, "ORG")), "overlap", scheme(overlap=True)) == []


def test_a_span_that_starts_where_the_one_before_ends_is_followed_by_others() -> None:
    crowd = marked((0, 67, "GPE"), (5, 16, "ORG"), (11, 24, "PERSON"))
    assert messages(crowd, "overlap") == ["PERSON 'build Patriot' [11, 24) crosses another span."]


@pytest.mark.parametrize("text", ["Kyoto", "Tokyo!", "Toky", None, ""])
def test_the_stored_text_must_stand_there(text: str | None) -> None:
    crowd = marked((60, 67, "GPE"), (0, 5, "GPE"), (17, 24, "ORG"))
    said = [f"GPE [0, 5) is stored as {text!r}, which is not the text there."]
    assert messages(alter(crowd, "spans", 1, text=text), "text-mismatch") == said


def test_stored_texts_are_compared_span_by_span() -> None:
    crowd = marked((0, 5, "GPE"), (60, 67, "GPE"), (3, 3, "GPE"), (17, 24, "ORG"))
    alter(alter(crowd, "spans", 1, text="Ukrain€"), "spans", 3, text="patriot")
    assert [m[:12] for m in messages(crowd, "text-mismatch")] == ["GPE [60, 67)", "ORG [17, 24)"]
    assert messages(marked((3, 3, "GPE")), "text-mismatch") == []


@pytest.mark.parametrize("text", ["日本将为乌克兰建造导弹", "ประเทศไทยจะสร้าง", "도쿄는우크라이나를"])
def test_scripts_without_spaces_are_not_judged(text: str) -> None:
    assert messages(marked((1, 3, "GPE"), text=text), "mid-word") == []


@pytest.mark.parametrize(
    ("text", "span", "cut"),
    [("Émile a parlé", (0, 3), True), ("Émile a parlé", (0, 5), False), ("न्यूज़ टीवी", (0, 3), True),
     ("न्यूज़ टीवी", (0, 6), False),
     ("F16s", (0, 3), True), ("Сою́з", (0, 3), True), ("日本Tokyo", (0, 2), False), ("A🚀B", (1, 2), False)],
)  # fmt: skip
def test_words_are_those_of_any_script_with_spaces(text: str, span: tuple[int, int], cut: bool) -> None:
    assert bool(messages(marked((*span, "GPE"), text=text), "mid-word")) is cut


@pytest.mark.parametrize(
    ("text", "cut"),
    # On both sides of where scripts with spaces between words begin and end in Unicode.
    [("0a", True), ("\u0dc6a", True), ("\u0e01a", False), ("\u109da", False), ("\u10a0a", True), ("\u10ffa", True),
     ("\u1100a", False), ("\u11ffa", False), ("\u1200a", True), ("\u1780a", False), ("\u17dda", False),
     ("\u1e00a", True), ("\u2d25a", True), ("\u3005a", False)],
)  # fmt: skip
def test_scripts_with_spaces_are_told_by_their_ranges(text: str, cut: bool) -> None:
    assert bool(messages(marked((1, 2, "GPE"), text=text), "mid-word")) is cut
    assert bool(messages(marked((0, 1, "GPE"), text=text), "mid-word")) is cut


def test_chunks_that_start_late_in_their_article() -> None:
    crowd = Crowd().window("a", "Tokyo 🚀 waits", start=50).window("b", "in Kyiv 🚀 now", start=1000)
    crowd.window("0", "unused").add("a", "ada", [(50, 55, "GPE"), (58, 63, "GPE")], BOTH)
    crowd.add("b", "ada", [(1003, 1007, "GPE"), (1008, 1009, "ORG"), (1010, 1013, "ORG")], BOTH)
    assert not SPAN_CHECKS & {row["check"] for row in checked(crowd)[0]}
    crowd.add("b", "ben", [(999, 1002, "GPE"), (1003, 1006, "GPE"), (1007, 1009, "GPE")], BOTH)
    found = [(row["check"], row["annotation_id"]) for row in checked(crowd)[0] if row["check"] in SPAN_CHECKS]
    assert [check for check, annotation in found if annotation == "1:3"] == [
        "bounds", "edge-whitespace", "mid-word"
    ]  # fmt: skip
    assert len(found) == 3


def test_neighbouring_chunks_do_not_continue_a_word() -> None:
    crowd = Crowd().window("a", "Tokyo").window("b", "yo-yo").add("a", "ada", [(0, 5, "GPE")], BOTH)
    crowd.add("b", "ada", [(0, 2, "GPE"), (3, 5, "GPE")], BOTH)
    assert messages(crowd, "mid-word") == []


def test_a_span_without_a_window_is_out_of_bounds() -> None:
    crowd = Crowd().add("c", "ada", [(0, 5, "GPE")], BOTH)
    alter(crowd, "spans", 0, chunk_id="gone")
    assert messages(crowd, "bounds") == ["GPE [0, 5) is outside the chunk."]
    crowd._windows.clear()
    assert messages(crowd, "bounds") == ["GPE [0, 5) is outside the chunk."]


def test_paths_name_the_region() -> None:
    [row] = [r for r in checked(marked((0, 5, "GPE"), (0, 4, "GPE")))[0] if r["check"] == "mid-word"]
    assert row["path"] == "$.result[?(@.id=='r1')].value"


PLACES = st.lists(st.tuples(st.integers(0, 12), st.integers(1, 6)), max_size=8)


@settings(max_examples=60)
@given(st.lists(PLACES, min_size=1, max_size=3))
def test_crossing_nesting_and_duplicates_are_those_of_all_pairs(said: list[list[tuple[int, int]]]) -> None:
    crowd = Crowd().window("c", "a" * 20)
    made = [[(start, start + length) for start, length in places] for places in said]
    for n, spans in enumerate(made):
        crowd.add("c", f"a{n}", [(start, end, "GPE") for start, end in spans])
    issues, _ = checked(crowd, scheme(nesting=False, overlap=False))
    for check, holds in (
        ("overlap", lambda a, b: a[0] < b[0] < a[1] < b[1]),
        ("nesting", lambda a, b: a != b and a[0] <= b[0] and b[1] <= a[1]),
    ):
        expected = {
            (f"1:{n + 1}", f"$.result[?(@.id=='r{i}')].value")
            for n, spans in enumerate(made)
            for i, b in enumerate(spans)
            if any(holds(a, b) for a in spans)
        }
        assert {(r["annotation_id"], r["path"]) for r in issues if r["check"] == check} == expected
    twice = sum(len(spans) - len(set(spans)) for spans in made)
    assert sum(r["check"] == "duplicate-span" for r in issues) == twice
