"""Agreement on spans: F1 and token alpha, against worked examples and against plain loops over all pairs."""

from itertools import combinations
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from builder.quality.agreement.coefficients import nominal_alpha, patterns_of_votes
from builder.quality.agreement.spans import SpanAgreement, exact_f1_by_annotator, span_agreement
from builder.quality.settings import Quality
from builder.quality.votes import Votes
from tests.samples import Crowd

FAST = Quality(bootstrap=50)
NONE = Quality(bootstrap=0)


def measured(crowd: Crowd, used: Quality = NONE, kind: str = "entity") -> SpanAgreement:
    found = span_agreement(crowd.annotations, crowd.spans, crowd.windows, kind, used)
    assert found is not None
    return found


def test_exact_and_partial_f1() -> None:
    # Tokyo alike; "Patriot missiles" against "Patriot"; one more of ben's only.
    crowd = Crowd().add("c", "ada", [(0, 5, "GPE"), (17, 33, "ORG")])
    crowd.add("c", "ben", [(0, 5, "GPE"), (17, 24, "ORG"), (60, 67, "GPE")])
    found = measured(crowd, FAST)
    assert found.overall.compared == 5
    assert found.overall.exact_f1 == pytest.approx(2 / 5)
    assert found.overall.partial_f1 == pytest.approx(4 / 5)
    assert found.labels["ORG"].exact_f1 == 0
    assert found.labels["GPE"].exact_f1 == pytest.approx(2 / 3, abs=1e-6)
    # One chunk: every draw is the same.
    assert found.overall.exact_f1_interval == (0.4, 0.4)
    assert found.overall.partial_f1_interval == (0.8, 0.8)


def test_same_spans_agree_fully() -> None:
    crowd = Crowd()
    for name in ("ada", "ben", "eve"):
        crowd.add("c", name, [(0, 5, "GPE"), (17, 33, "ORG"), (17, 24, "ORG")])
    overall = measured(crowd).overall
    assert (overall.exact_f1, overall.partial_f1, overall.token_alpha, overall.unit_alpha) == (1, 1, 1, 1)


def test_labels_are_in_alphabetical_order_and_the_first_of_equals_is_that_of_a_token() -> None:
    crowd = Crowd().add("c", "ben", [(0, 5, "ORG"), (0, 5, "GPE")]).add("c", "ada", [(0, 5, "GPE")])
    found = measured(crowd)
    assert list(found.labels) == ["GPE", "ORG"]
    assert found.overall.token_alpha == 1


def test_silence_counts_against_a_span() -> None:
    crowd = Crowd().add("c", "ada", [(0, 5, "GPE")]).add("c", "ben", [])
    assert measured(crowd).overall.exact_f1 == 0


def test_nothing_marked_nothing_measured() -> None:
    crowd = Crowd().add("c", "ada", [(0, 5, "GPE")]).add("c", "ben", [])
    assert span_agreement(crowd.annotations, crowd.spans, crowd.windows, "evidence", NONE) is None


def test_one_annotator_has_nothing_to_compare_with() -> None:
    found = measured(Crowd().add("c", "ada", [(0, 5, "GPE")]), FAST).overall
    assert (found.compared, found.exact_f1, found.exact_f1_interval, found.token_alpha) == (0, None, None, None)


@pytest.mark.parametrize("out", [{"state": "skipped"}, {"quarantined": True}, {"project_id": 2, "parent_id": "1:1"}])
def test_skips_quarantined_and_reviews_are_left_out(out: dict[str, Any]) -> None:
    crowd = Crowd().add("c", "ada", [(0, 5, "GPE")]).add("c", "ben", [(0, 5, "GPE")])
    assert measured(crowd.add("c", "eve", [(17, 24, "GPE")], **out)).overall.exact_f1 == 1


def test_annotators_are_compared_only_on_labels_they_were_asked_for() -> None:
    crowd = Crowd().add("c", "ada", [(0, 5, "GPE"), (17, 24, "ORG")]).add("c", "ben", [(0, 5, "GPE")])
    assert measured(crowd).overall.exact_f1 == pytest.approx(2 / 3, abs=1e-6)
    asked = measured(crowd, Quality(bootstrap=0, asked={"ben": ["GPE"]}))
    assert asked.overall.exact_f1 == 1
    assert (asked.labels["ORG"].exact_f1, asked.labels["ORG"].tokens) == (None, 0)
    assert asked.labels["GPE"].tokens == 12


def test_evidence_is_measured_by_itself() -> None:
    crowd = Crowd().add("c", "ada", [(0, 33, "EVIDENCE", ["japan"])]).add("c", "ben", [(0, 24, "EVIDENCE", ["japan"])])
    overall = measured(crowd, kind="evidence").overall
    assert (overall.exact_f1, overall.partial_f1) == (0, 1)


def test_the_bootstrap_draws_chunks_by_its_seed() -> None:
    crowd = Crowd()
    for n in range(12):
        crowd.add(f"c{n}", "ada", [(0, 5, "GPE")]).add(f"c{n}", "ben", [(0, 5, "GPE")] if n % 3 else [])
    one, same, other = (measured(crowd, Quality(bootstrap=40, seed=s)).overall.exact_f1_interval for s in (1, 1, 2))
    assert one == same != other
    wide, narrow = (
        measured(crowd, Quality(bootstrap=200, confidence=c)).overall.exact_f1_interval for c in (0.95, 0.5)
    )
    assert wide is not None
    assert narrow is not None
    assert wide[0] < narrow[0] <= narrow[1] < wide[1]


MARKS = st.lists(st.tuples(st.integers(0, 8), st.integers(1, 4), st.sampled_from(["A", "B"])), max_size=5)
TEXT = "x y z a b c d e f g"


@settings(max_examples=60)
@given(st.lists(st.lists(MARKS, min_size=2, max_size=3), min_size=1, max_size=2))
def test_agreement_is_that_of_all_pairs_and_all_tokens(chunks: list[list[list[tuple[int, int, str]]]]) -> None:
    crowd = Crowd()
    total, exact, partial = 0, 0, 0
    by_annotator: dict[str, list[int]] = {}
    for number, said in enumerate(chunks):
        start = number * 100
        crowd.window(f"c{number}", TEXT, start=start)
        sets = [{(start + a, start + a + size, label) for a, size, label in spans} for spans in said]
        for n, spans in enumerate(sets):
            crowd.add(f"c{number}", f"a{n}", sorted(spans))
        for (i, a), (j, b) in combinations(enumerate(sets), 2):
            total, exact = total + len(a) + len(b), exact + 2 * len(a & b)
            partial += meets(a, b) + meets(b, a)
            for name in (f"a{i}", f"a{j}"):
                sums = by_annotator.setdefault(name, [0, 0])
                sums[0], sums[1] = sums[0] + 2 * len(a & b), sums[1] + len(a) + len(b)
    found = span_agreement(crowd.annotations, crowd.spans, crowd.windows, "entity", NONE)
    if not total:
        assert found is None
        return
    assert found is not None
    assert found.overall.compared == total
    assert found.overall.exact_f1 == pytest.approx(exact / total, abs=1e-6)
    assert found.overall.partial_f1 == pytest.approx(partial / total, abs=1e-6)
    expected = {name: pytest.approx(hits / all_of, abs=1e-6) for name, (hits, all_of) in by_annotator.items() if all_of}
    assert exact_f1_by_annotator(crowd.annotations, crowd.spans, "entity", NONE) == expected
    for label, measures in ((None, found.overall), *((label, found.labels[label]) for label in found.labels)):
        alpha = alpha_of_tokens(chunks, label)
        assert measures.token_alpha == (None if alpha is None else pytest.approx(alpha, abs=1e-6))
        assert measures.tokens == 10 * len(chunks)


def meets(some: set[tuple[int, int, str]], others: set[tuple[int, int, str]]) -> int:
    return sum(any(a[2] == b[2] and a[0] < b[1] and b[0] < a[1] for b in others) for a in some)


def alpha_of_tokens(chunks: list[list[list[tuple[int, int, str]]]], only: str | None) -> float | None:
    """Alpha over single letters: the label of the longest span over each, the first in the alphabet of equals."""
    rows = []
    for number, said in enumerate(chunks):
        for n, spans in enumerate(said):
            for token in range(10):
                over = [s for s in spans if s[0] <= 2 * token < s[0] + s[1] and only in (None, s[2])]
                label = min(over, key=lambda s: (-s[1], s[2]))[2] if over else ""
                rows.append((number * 10 + token, f"a{n}", label))
    value = nominal_alpha(*patterns_of_votes(Votes.of(rows, 10 * len(chunks), ["", "A", "B"])))
    return None if value != value else value
