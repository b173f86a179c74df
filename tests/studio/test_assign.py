"""Shares of the annotators: equal, complete, and stable when the selection grows."""

from builder.studio.assign import assign
from hypothesis import given
from hypothesis import strategies as st

NAMES = ["ada", "ben", "cyd", "dee"]
sizes = st.dictionaries(st.text("abcdef0123456789", min_size=4, max_size=8), st.integers(1, 900), max_size=40)


@given(sizes=sizes, overlap=st.integers(1, 4))
def test_every_chunk_gets_its_annotators_and_the_load_is_even(sizes: dict[str, int], overlap: int) -> None:
    plan = assign(sizes, NAMES, overlap, {})
    assert set(plan) == set(sizes)
    assert all(len(set(names)) == len(names) == overlap for names in plan.values())
    load = {name: sum(sizes[c] for c, names in plan.items() if name in names) for name in NAMES}
    assert max(load.values()) - min(load.values()) <= max(sizes.values(), default=0)


@given(sizes=sizes, more=sizes, overlap=st.integers(1, 3))
def test_what_was_assigned_stays_when_chunks_are_added(
    sizes: dict[str, int], more: dict[str, int], overlap: int
) -> None:
    before = assign(sizes, NAMES, overlap, {})
    after = assign({**more, **sizes}, NAMES, overlap, before)
    assert {chunk: after[chunk] for chunk in before} == before


@given(sizes=sizes, seed=st.randoms(use_true_random=False))
def test_the_order_of_the_chunks_does_not_matter(sizes: dict[str, int], seed: object) -> None:
    shuffled = list(sizes.items())
    seed.shuffle(shuffled)  # type: ignore[attr-defined]
    assert assign(dict(shuffled), NAMES, 2, {}) == assign(sizes, NAMES, 2, {})


def test_a_larger_overlap_adds_annotators_and_takes_none_away() -> None:
    sizes = {f"c{n}": 100 for n in range(8)}
    before = assign(sizes, NAMES, 1, {})
    after = assign(sizes, NAMES, 3, before)
    assert all(set(before[c]) < set(after[c]) and len(after[c]) == 3 for c in sizes)
