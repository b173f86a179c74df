"""Sequences: what the tag before tells, checked against a brute-force posterior and a crowd whose truth is known."""

from itertools import pairwise, product

import numpy as np
import pytest

from builder.quality.aggregation.dawid_skene import dawid_skene_fit
from builder.quality.aggregation.sequence import _before, _Chains, _expected_log, sequence_fit
from builder.quality.settings import Aggregation
from builder.quality.votes import Votes


def test_logarithms_are_those_of_the_dirichlet_distribution() -> None:
    # The digamma function of 1, 2 and 3 is -g, 1 - g and 3 / 2 - g with Euler's g.
    assert _expected_log(np.array([[1.0, 2.0], [1.0, 1.0]])) == pytest.approx(np.array([[-1.5, -0.5], [-1.0, -1.0]]))


def test_the_tag_before_is_that_of_the_annotator_in_the_same_text() -> None:
    # Two texts of three and two tokens; "b" leaves out the second token of the first.
    rows = [(0, "a", "B"), (1, "a", "I"), (2, "a", "O"), (3, "a", "B"), (4, "a", "O"), (0, "b", "O"), (2, "b", "B")]
    votes = Votes.of(rows, 5, ["O", "B", "I"], np.array([0, 3]))
    assert _before(votes).tolist() == [3, 1, 2, 3, 1, 3, 3]
    assert _before(Votes.of(rows, 5, ["O", "B", "I"])).tolist() == [3] * 7


def test_forward_and_backward_are_the_sum_over_all_sequences() -> None:
    rng = np.random.default_rng(4)
    lengths, width = (3, 1, 4), 2
    first = np.array([0, 3, 4])
    votes = Votes.of([(i, "a", "x") for i in range(8)], 8, ["x", "y"], first)
    seen, moves, start = rng.random((8, width)), rng.random((width, width)), rng.random(width)
    found, counted, begun = _Chains(votes).smooth(np.log(seen), np.log(moves), np.log(start))
    expected, pairs = np.zeros((8, width)), np.zeros((width, width))
    for at, length in zip(first, lengths, strict=True):
        total, one, two = 0.0, np.zeros((length, width)), np.zeros((width, width))
        for tags in product(range(width), repeat=length):
            p = start[tags[0]] * np.prod([seen[at + i, t] for i, t in enumerate(tags)])
            p *= np.prod([moves[a, b] for a, b in pairwise(tags)])
            total += p
            for i, tag in enumerate(tags):
                one[i, tag] += p
            for a, b in pairwise(tags):
                two[a, b] += p
        expected[at : at + length], pairs = one / total, pairs + two / total
    assert found == pytest.approx(expected)
    assert counted == pytest.approx(pairs)
    assert begun == pytest.approx(expected[first].sum(axis=0))


def tagged(texts: int, seed: int) -> tuple[Votes, np.ndarray]:
    """Texts of twelve tokens, each tagged by five of ten people who overlook spans or cut them short; and the truth."""
    rng = np.random.default_rng(seed)
    truth, rows = [], []
    for text in range(texts):
        tags = np.zeros(12, int)
        for at in rng.choice([0, 4, 8], rng.integers(0, 3), replace=False):
            tags[at], tags[at + 1 : at + int(rng.integers(2, 4))] = 1, 2
        truth.append(tags)
        for who in rng.choice(10, 5, replace=False):
            given = np.zeros(12, int)
            for at in np.flatnonzero(tags == 1):
                end = at + 1
                while end < 12 and tags[end] == 2:
                    end += 1
                if rng.random() < (0.1 if who < 4 else 0.6):
                    continue
                begin = at + (who % 3 == 0 and rng.random() < 0.5)
                given[begin], given[begin + 1 : end] = 1, 2
            rows += [(12 * text + i, f"w{who}", "OBI"[tag]) for i, tag in enumerate(given)]
    return Votes.of(rows, 12 * texts, list("OBI"), np.arange(texts) * 12), np.concatenate(truth)


@pytest.mark.parametrize("texts", [100, 300])
def test_sequences_beat_tokens_one_by_one(texts: int) -> None:
    for seed in range(3):
        votes, truth = tagged(texts, seed)
        by_token = dawid_skene_fit(votes, Aggregation())[0].argmax(axis=1)
        found = sequence_fit(votes, Aggregation())[0]
        assert found.sum(axis=1) == pytest.approx(1, abs=1e-6)
        assert np.mean(found.argmax(axis=1) == truth) >= np.mean(by_token == truth)


def test_nobody_goes_on_with_a_span_that_did_not_begin() -> None:
    votes, _ = tagged(100, 7)
    posterior, confusions = sequence_fit(votes, Aggregation())
    assert posterior[::12, 2].max() < 0.02
    # After O, and at the start of a text, no annotator gives I.
    assert confusions[:, :, [0, 3], 2].max() < 0.1


def test_items_without_an_order_are_combined_one_by_one() -> None:
    rows = [(i, f"w{a}", "ab"[(i + (a == 2 and i % 3 == 0)) % 2]) for i in range(60) for a in range(3)]
    votes = Votes.of(rows, 61, ["a", "b"])
    posterior, _ = sequence_fit(votes, Aggregation())
    assert posterior[:60].argmax(axis=1).tolist() == [i % 2 for i in range(60)]
    assert posterior[60].tolist() == [0, 0]
