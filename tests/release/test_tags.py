"""Tags say what spans say, as far as one label a token can, and count the rest."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from builder.release.configuration import Numbering
from builder.release.passages import Index, Inputs
from builder.release.settings import Export
from builder.release.tags import Marks, Tagged, soft_tags, tag_names, tag_tokens, unknown_tokens
from builder.text import Texts, words
from tests.release.world import World
from tests.samples import Article

LABELS = ["PERSON", "ORG"]
SPANS = st.lists(st.tuples(st.integers(0, 10), st.integers(1, 5), st.integers(0, 1)), max_size=6)


def tagged(
    texts: list[str], spans: list[tuple[int, int, int, int]], style: str = "bio", nested: str = "outer"
) -> tuple[list[str], Tagged]:
    """Tags of (row, start, end, label) spans over the texts' words."""
    made = Texts.of(pa.array(texts, pa.string()))
    columns = [np.array(c, np.int64) for c in zip(*sorted(spans, key=lambda s: (s[0], s[1], -s[2])), strict=True)]
    rows, starts, ends, labels = columns or [np.zeros(0, np.int64)] * 4
    marks = Marks(rows, made.starts[rows] + starts, made.starts[rows] + ends, labels)
    found = tag_tokens(words(made), marks, style, nested)
    names = tag_names(LABELS, style)
    return [names[i] for i in found.tags], found


def test_spans_become_tags_in_their_own_text() -> None:
    found, tags = tagged(["a b", "Ann Lee of Acme"], [(1, 0, 7, 0), (1, 11, 15, 1)])
    assert found == ["O", "O", "B-PERSON", "I-PERSON", "O", "B-ORG"]
    assert tags.counts()["held"] == 2


def test_bioes_marks_ends_and_singles() -> None:
    found, _ = tagged(["Ann Mae Lee of Acme"], [(0, 0, 11, 0), (0, 15, 19, 1)], "bioes")
    assert found == ["B-PERSON", "I-PERSON", "E-PERSON", "O", "S-ORG"]


@pytest.mark.parametrize(
    ("nested", "tags"), [("outer", ["B-ORG", "I-ORG", "I-ORG"]), ("inner", ["O", "O", "B-PERSON"])]
)
def test_of_nested_spans_one_is_kept_by_policy(nested: str, tags: list[str]) -> None:
    found, account = tagged(["Bank of Ann"], [(0, 0, 11, 1), (0, 8, 11, 0)], nested=nested)
    assert found == tags
    assert account.counts() == {"held": 1, "nested": 1, "crossing": 0, "sub-token": 0, "widened": 0}


@pytest.mark.parametrize(
    ("spans", "reason"),
    [
        ([(0, 0, 6, 0), (0, 4, 11, 1)], "crossing"),
        ([(0, 0, 2, 0), (0, 2, 4, 1)], "sub-token"),
        ([(0, 4, 5, 0)], "sub-token"),
        ([(0, 1, 4, 0)], "widened"),
    ],
)
def test_what_tags_cannot_hold_is_counted_by_reason(spans: list[tuple[int, int, int, int]], reason: str) -> None:
    _, account = tagged(["Bank of Ann"], spans)
    assert account.counts()[reason] == 1


@given(SPANS, st.sampled_from(["bio", "bioes"]))
def test_kept_spans_can_be_read_back_from_the_tags(spans: list[tuple[int, int, int]], style: str) -> None:
    text = " ".join("abcdefghijklmnop")
    given_spans = sorted({(0, 2 * first, 2 * (first + count) - 1, label) for first, count, label in spans},
                         key=lambda s: (s[0], s[1], -s[2]))  # fmt: skip
    tags, account = tagged([text], given_spans, style)
    held = {s[1:] for s, loss in zip(given_spans, account.losses, strict=True) if loss == -1}
    assert read(tags) == held
    assert sum(account.counts().values()) == len(given_spans)


def read(tags: list[str]) -> set[tuple[int, int, int]]:
    """The spans that tags spell, over one-letter words."""
    out: list[list[int]] = []
    for i, name in enumerate(tags):
        if name[0] in "BS":
            out.append([2 * i, 2 * i + 1, LABELS.index(name[2:])])
        elif name != "O":
            assert LABELS[out[-1][2]] == name[2:]
            out[-1][1] = 2 * i + 1
    return {(a, b, c) for a, b, c in out}


@pytest.mark.parametrize(
    ("style", "nested", "cut", "shares"),
    [
        # The two texts of an article that two people read: of a nested span the outer or the inner is tagged.
        ("bio", "outer", 13, ["B-ORG", "O I-ORG", "O I-ORG", "B-PERSON", "I-PERSON", "O"]),
        ("bio", "inner", 13, ["O B-ORG", "O", "O B-PERSON", "B-PERSON", "I-PERSON", "O"]),
        ("bioes", "outer", 13, ["B-ORG S-ORG", "O I-ORG", "O E-ORG", "B-PERSON", "E-PERSON", "O"]),
        # Cut inside "Ann": both texts have a part of the span, and the second one parts of both windows.
        ("bio", "outer", 9, ["B-ORG", "O I-ORG", "O I-ORG", "O B-ORG", "B-PERSON", "I-PERSON", "O"]),
    ],
)
def test_soft_tags_are_shares_of_votes_that_count_in_their_window(
    style: str, nested: str, cut: int, shares: list[str], tmp_path: Path
) -> None:
    made = Article(0, ["Bank of Ann", "Ann Lee left"], stances=[{}, {}], evidence=[[], []])
    # Of two labels on one place the first one of the scheme is tagged, whatever the order in the table.
    made.spans = [[(0, 11, "ORG"), (8, 11, "PERSON")], [(0, 7, "ORG"), (0, 7, "PERSON")]]
    world = World(tmp_path, [made], annotators=("ann", "ben"), chunked=[(made, 0, cut), (made, cut, 25)])
    # A label that the release leaves out is none, and a quarantined annotation says nothing.
    world.dissent = {
        (1, made.chunk_id(0)): {"spans": [(0, 4, "ORG"), (8, 11, "GPE")]},
        (1, made.chunk_id(1)): {"spans": [(0, 3, "ORG")]},
    }
    world.quarantined = {"1:11"}
    index = Index(Inputs(world.paths()))
    numbering = Numbering(LABELS, {label: label for label in LABELS})
    soft = soft_tags(index, "entity", numbering, Export(tags=style, nested=nested))
    batch, names = next(index.batches()), tag_names(LABELS, style)
    texts = Texts.of(batch["text"])
    tokens = [token for row in soft(batch, texts, words(texts)).to_pylist() for token in row]
    found = [{names[i]: share for i, share in enumerate(token) if share} for token in tokens]
    assert found == [dict.fromkeys(each.split(), 1 / len(each.split())) for each in shares]


@pytest.mark.parametrize("nested", ["outer", "inner"])
@pytest.mark.parametrize(
    ("spans", "losses"),
    [
        # Of equally long ones the first is kept; what shares nothing with a kept span is kept as well.
        ([(0, 3), (2, 5), (4, 7)], [-1, 1, -1]),
        # Spans of one place, whatever their labels: the first.
        ([(0, 3), (0, 3)], [-1, 0]),
        # Tokens of their own, whatever is beside them.
        ([(0, 1), (2, 3), (4, 5)], [-1, -1, -1]),
    ],
)
def test_at_equal_length_the_span_that_begins_first_is_kept(
    spans: list[tuple[int, int]], losses: list[int], nested: str
) -> None:
    _, found = tagged(["a b c d e"], [(0, start, end, n % 2) for n, (start, end) in enumerate(spans)], nested=nested)
    assert found.losses.tolist() == losses


def test_a_span_that_only_shares_a_token_is_neither_nested_nor_crossing() -> None:
    """And each of a chain is compared with the spans that are kept, in its own text."""
    spans = [(0, 0, 2, 0), (0, 2, 9, 1), (0, 8, 11, 0), (1, 2, 4, 0), (1, 0, 9, 1)]
    for nested, expected in (("outer", [2, 3, 1, 0, -1]), ("inner", [3, 2, 3, 3, 0])):
        _, found = tagged(["abcd efgh ij", "abcd efgh ij"], spans, nested=nested)
        named = dict(zip(sorted(spans, key=lambda s: (s[0], s[1], -s[2])), found.losses.tolist(), strict=True))
        assert [named[span] for span in spans] == expected, nested


def test_each_tag_says_how_long_its_span_is() -> None:
    _, found = tagged(["Bank of Ann", "x"], [(0, 0, 7, 1)])
    assert found.sizes.tolist() == [7, 7, 0, 0]


@pytest.mark.parametrize(
    ("nested", "sizes", "down", "hidden"),
    [
        # An undecided span hides tokens of one that is as long or shorter, since it would be tagged instead.
        ("outer", [8, 6], [False, False], [True, True, False, True]),
        ("outer", [7, 7], [False, False], [True, True, False, True]),
        ("outer", [6, 6], [False, False], [False, False, False, True]),
        ("inner", [6, 6], [False, False], [True, True, False, True]),
        ("inner", [7, 7], [False, False], [True, True, False, True]),
        ("inner", [8, 8], [False, False], [False, False, False, True]),
        # One that was voted down hides only what no span holds.
        ("outer", [8, 6], [True, True], [False, False, False, True]),
        ("inner", [6, 6], [True, False], [False, False, False, True]),
    ],
)
def test_tokens_that_an_undecided_span_may_hold_are_unknown(
    nested: str, sizes: list[int], down: list[bool], hidden: list[bool]
) -> None:
    """A released span holds the first two tokens; one that was not decided lies over them, and one over the last."""
    tokens = words(Texts.of(pa.array(["Bank of Ann Lee"])))
    places = (np.array([0, 12]), np.array([7, 15]))
    found = unknown_tokens(tokens, np.array([7, 7, 0, 0]), places, np.array(sizes), np.array(down), nested)
    assert found.tolist() == hidden


def test_a_span_between_tokens_hides_nothing() -> None:
    tokens = words(Texts.of(pa.array(["a  b"])))
    places = (np.array([1]), np.array([2]))
    assert not unknown_tokens(tokens, np.zeros(2, np.int64), places, np.ones(1), np.zeros(1, np.bool_), "outer").any()
