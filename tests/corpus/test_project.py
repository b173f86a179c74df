"""Spans survive any re-chunking: projected onto chunks and lifted back, they are what they were."""

from hypothesis import given
from hypothesis import strategies as st

from builder.corpus.chunk import Chunker
from builder.corpus.project import Seen, lift, project
from builder.corpus.settings import Chunking

TEXT = st.lists(st.text(alphabet="abc. ", min_size=1, max_size=40), min_size=1, max_size=6).map("\n".join)


def windows(text: str, budget: int) -> list[tuple[int, int]]:
    pieces, _ = Chunker(Chunking(max_tokens=budget)).cut(text, [("body", 0, len(text))], "en")
    return [(p.start, p.end) for _, p in pieces]


@given(TEXT, st.data(), st.integers(1, 8), st.integers(1, 8))
def test_a_span_goes_from_old_chunks_to_new_ones_and_back(text: str, data: st.DataObject, old: int, new: int) -> None:
    chunks = windows(text, old)
    if not chunks:
        return
    a, b = data.draw(st.sampled_from(chunks))
    start = data.draw(st.integers(a, b - 1))
    end = data.draw(st.integers(start + 1, b))
    if not text[start:end].strip() or text[start].isspace() or text[end - 1].isspace():
        return
    (seen,) = project((start, end), chunks)
    assert seen.whole
    assert text[a:b][seen.start : seen.end] == text[start:end]
    there = windows(text, new)
    parts = project((start, end), there)
    assert lift(parts, there) == (start, end)
    for part in parts:
        lo, hi = there[part.chunk]
        assert text[lo:hi][part.start : part.end] in text[start:end]
    back = lift(parts, there)
    assert back is not None
    assert project(back, chunks) == [seen]


def test_a_span_over_a_border_is_seen_in_parts() -> None:
    assert project((3, 8), [(0, 5), (6, 12), (13, 20)]) == [Seen(0, 3, 5, False), Seen(1, 0, 2, False)]


def test_a_span_between_chunks_is_seen_nowhere() -> None:
    assert project((5, 6), [(0, 5), (6, 12)]) == []
    assert lift([], [(0, 5)]) is None
