"""Every cleaned character can be traced to the raw characters that explain it, through any number of edits."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from builder.offsets import Edit, OffsetMap, Segment, edit

TEXT = st.text(alphabet="ab é🚀\n\u00a0", max_size=30)


@st.composite
def edits(draw: st.DrawFn, text: str) -> list[Edit]:
    cuts = sorted(draw(st.lists(st.integers(0, len(text)), max_size=8)))
    pairs = list(zip(cuts[::2], cuts[1::2], strict=False))
    return [Edit(a, b, draw(st.text(alphabet="xyz", max_size=3))) for a, b in pairs]


def explain(mapping: OffsetMap, text: str, raw: str) -> None:
    """The segments tile both texts, each says something, and none could be part of the one before it."""
    at = raw_at = 0
    even = False
    for s in mapping.segments:
        assert (s.start, s.raw_start) == (at, raw_at)
        assert s.start < s.end or s.raw_start < s.raw_end
        assert not (even and s.end - s.start == s.raw_end - s.raw_start)
        even = s.end - s.start == s.raw_end - s.raw_start
        at, raw_at = s.end, s.raw_end
    assert (at, raw_at) == (len(text), len(raw))


@given(st.data(), TEXT)
def test_segments_tile_both_texts(data: st.DataObject, raw: str) -> None:
    text, mapping = edit(raw, data.draw(edits(raw)))
    explain(mapping, text, raw)


@given(st.data(), TEXT)
def test_an_edit_is_what_slicing_says(data: st.DataObject, raw: str) -> None:
    chosen = data.draw(edits(raw))
    want, at = "", 0
    for e in chosen:
        want += raw[at : e.start] + e.new
        at = e.end
    assert edit(raw, chosen)[0] == want + raw[at:]


@given(st.data(), st.integers(0, 30))
def test_untouched_characters_map_to_themselves_alone(data: st.DataObject, length: int) -> None:
    # Every raw character is another one and none is new, so each character of a text tells where it came from.
    raw = "".join(chr(0x4E00 + i) for i in range(length))
    middle, first = edit(raw, data.draw(edits(raw)))
    text, second = edit(middle, data.draw(edits(middle)))
    for cleaned, mapping in ((middle, first), (text, first.then(second))):
        for i, character in enumerate(cleaned):
            if character not in "xyz":
                start, end = mapping.to_raw(i, i + 1)
                assert raw[start:end] == character


@given(st.data(), TEXT)
def test_two_cleanings_compose(data: st.DataObject, raw: str) -> None:
    middle, first = edit(raw, data.draw(edits(raw)))
    text, second = edit(middle, data.draw(edits(middle)))
    both = first.then(second)
    explain(both, text, raw)
    for i in range(len(text)):
        start, end = second.to_raw(i, i + 1)
        if start < end:
            lo, hi = first.to_raw(start, end)
            whole = both.to_raw(i, i + 1)
            # Composition may know less precisely, never something else; one raw character may count as deleted.
            assert whole[0] <= lo
            assert hi <= whole[1] + 1


def test_a_whole_never_passes_for_characters() -> None:
    middle, first = edit("aaa", [Edit(0, 2, "xxx")])
    _, second = edit(middle, [Edit(0, 4, "yyy")])
    both = first.then(second)
    assert [both.to_raw(i, i + 1) for i in range(3)] == [(0, 2)] * 3
    middle, first = edit("aaa", [Edit(0, 3, "xx")])
    both = first.then(edit(middle, [Edit(0, 2, "yyy")])[1])
    assert [both.to_raw(i, i + 1) for i in range(3)] == [(0, 2)] * 3


@given(TEXT)
def test_the_identity_changes_nothing(raw: str) -> None:
    same = OffsetMap.identity(len(raw))
    assert same.is_identity
    assert edit(raw, []) == (raw, same)
    assert same.then(same) == same


def test_deletions_are_not_part_of_what_is_kept() -> None:
    text, mapping = edit("abXXcd", [Edit(2, 4, "")])
    assert text == "abcd"
    assert mapping.to_raw(0, 2) == (0, 2)
    assert mapping.to_raw(2, 4) == (4, 6)
    assert mapping.to_raw(1, 3) == (1, 5)


@pytest.mark.parametrize(
    ("length", "interval"), [(4, (0, 0)), (4, (-1, 1)), (4, (2, 1)), (4, (0, 5)), (0, (0, 1)), (0, (0, 0))]
)
def test_an_interval_outside_the_text_is_refused(length: int, interval: tuple[int, int]) -> None:
    with pytest.raises(ValueError, match=f"outside a text of {length}"):
        OffsetMap.identity(length).to_raw(*interval)


def test_one_character_made_of_what_was_one_maps_to_it() -> None:
    middle, first = edit("ab", [Edit(0, 1, "xy")])
    assert first.then(edit(middle, [Edit(0, 2, "z")])[1]).segments == (Segment(0, 2, 0, 2),)


def test_what_was_inserted_and_deleted_again_leaves_nothing() -> None:
    for raw, at, left in (("", 0, ()), ("ab", 1, (Segment(0, 2, 0, 2),))):
        middle, first = edit(raw, [Edit(at, at, "x")])
        assert first.then(edit(middle, [Edit(at, at + 1, "")])[1]).segments == left


@pytest.mark.parametrize(
    ("edits", "segments"),
    [
        ([Edit(0, 1, "")], [(0, 0, 0, 1), (0, 1, 1, 2)]),
        ([Edit(1, 2, ""), Edit(2, 2, "")], [(0, 1, 0, 1), (1, 1, 1, 2)]),
        ([Edit(2, 2, "x")], [(0, 2, 0, 2), (2, 3, 2, 2)]),
        ([Edit(0, 0, "x"), Edit(0, 0, "y")], [(0, 1, 0, 0), (1, 2, 0, 0), (2, 4, 0, 2)]),
    ],
)
def test_edits_at_the_ends_leave_no_segment_of_nothing(
    edits: list[Edit], segments: list[tuple[int, int, int, int]]
) -> None:
    assert edit("ab", edits)[1].segments == tuple(segments)


@pytest.mark.parametrize("wrong", [[Edit(2, 1, "")], [Edit(0, 9, "")], [Edit(0, 2, ""), Edit(1, 3, "")]])
def test_edits_out_of_order_are_refused(wrong: list[Edit]) -> None:
    with pytest.raises(ValueError, match="overlaps the one before it or leaves the text"):
        edit("abcd", wrong)


def test_characters_after_a_deletion_map_one_by_one_through_a_second_cleaning() -> None:
    middle, first = edit("abXXcdefY", [Edit(2, 4, "")])
    both = first.then(edit(middle, [Edit(6, 7, "")])[1])
    assert both.segments == (Segment(0, 2, 0, 2), Segment(2, 2, 2, 4), Segment(2, 6, 4, 8), Segment(6, 6, 8, 9))


def test_neighbours_that_map_alike_become_one_segment() -> None:
    assert edit("abc", [Edit(1, 2, "x")])[1].segments == (Segment(0, 3, 0, 3),)


def test_a_text_of_which_nothing_is_left_still_explains_its_raw_characters() -> None:
    assert edit("ab", [Edit(0, 2, "")])[1].then(edit("", [])[1]).segments == (Segment(0, 0, 0, 2),)
