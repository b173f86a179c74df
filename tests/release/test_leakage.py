"""Texts that stand on two sides are found, whatever their case and symbols, and only those."""

import numpy as np
import pyarrow as pa

from builder.release.leakage import Fingerprints, Shared, leave_out

LONG = "The ministry said on Tuesday that the new line for interceptors would open in spring after long talks."


def shared(texts: list[str], sides: list[int], near: float = 0.7) -> Shared:
    prints = Fingerprints()
    for text in texts:
        prints.add(pa.array([text]))
    return prints.shared(np.array(sides, np.int64), near)


def test_equal_words_are_the_same_text() -> None:
    assert shared([LONG, LONG.upper().replace(".", "!")], [0, 1]) == Shared([(0, 1)], [])


def test_the_order_of_words_counts() -> None:
    assert shared(["one two three", "three two one"], [0, 1]) == Shared([], [])


def test_a_few_changed_words_are_a_near_duplicate() -> None:
    assert shared([LONG, f"Update: {LONG}"], [0, 1]) == Shared([], [(0, 1)])


def test_other_texts_are_not() -> None:
    assert shared([LONG, "The ministry said on Tuesday that nothing was decided about the harbour."], [0, 1]).near == []


def test_within_a_split_texts_may_repeat() -> None:
    assert shared([LONG, LONG], [1, 1]) == Shared([], [])


def test_empty_texts_and_rows_left_out_do_not_count() -> None:
    assert shared(["", "...", LONG, LONG], [0, 1, 0, -1]) == Shared([], [])


def test_batches_make_no_difference() -> None:
    texts = [LONG, "x", f"Update: {LONG}", LONG]
    whole = Fingerprints()
    whole.add(pa.array(texts))
    assert whole.shared(np.array([0, 1, 1, 1]), 0.7) == shared(texts, [0, 1, 1, 1])


def test_a_crowd_of_equal_texts_is_parted() -> None:
    texts, sides = [LONG] * 200, np.array([0, 1] * 100)
    prints = Fingerprints()
    prints.add(pa.array(texts))
    while gone := leave_out(prints.shared(sides, 0.7), sides, [0.7, 0.3]):
        sides[list(gone)] = -1
    assert (sides == 1).sum() == 100
    assert (sides == 0).sum() == 0


def test_the_side_with_the_larger_share_gives_way() -> None:
    assert leave_out(Shared([(0, 1)], []), np.array([0, 1]), [0.7, 0.15]) == {0}
    assert leave_out(Shared([(0, 1)], []), np.array([0, 1]), [0.15, 0.7]) == {1}
