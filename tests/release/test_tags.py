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
from builder.release.tags import Marks, Tagged, soft_tags, tag_names, tag_tokens
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
    made.spans = [[(0, 11, "ORG"), (8, 11, "PERSON")], [(0, 7, "PERSON")]]
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
