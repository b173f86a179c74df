"""Votes about one mention meet, though its bounds differ; two mentions stay two."""

import pyarrow as pa
import pytest

from builder.quality.anchoring import one_place_each
from builder.tables import ANSWERS, SPANS, build

TEXT = "Mr. Tanaka met the Bank of Japan; Tanaka left."
WORDS = {"mr": (0, 10), "tanaka": (4, 10), "bank": (19, 32), "japan": (27, 32), "of": (24, 32), "again": (34, 40)}
WORDS["met"] = (10, 14)


def said(*rows: tuple[str, str, str, str]) -> tuple[pa.Table, pa.Table]:
    """The tables of answers and spans; rows are (annotation, words, entity label, answer)."""
    answers, spans = [], []
    for annotation, words, label, answer in rows:
        start, end = WORDS[words]
        place = {"annotation_id": annotation, "chunk_id": "c", "span_id": words, "start": start, "end": end}
        answers.append({**place, "question": "stance", "target": TEXT[start:end], "label": answer})
        spans.append({**place, "kind": "entity", "label": label, "text": TEXT[start:end]})
    return build(answers, ANSWERS), build(spans, SPANS)


def places(*rows: tuple[str, str, str], counting: str = "abcd") -> list[str]:
    """The words of the mention that each row (annotation, words, entity label) is about."""
    answers, spans = said(*((*row, "favor") for row in rows))
    found = one_place_each(answers, spans, counting)
    assert [TEXT[s:e] for s, e in zip(found["start"].to_pylist(), found["end"].to_pylist(), strict=True)] == (
        found["target"].to_pylist()
    )
    assert found.drop_columns(["start", "end", "target"]).equals(answers.drop_columns(["start", "end", "target"]))
    return list(found["target"].to_pylist())


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["mr", "tanaka", "tanaka"], ["Tanaka"] * 3),
        (["mr", "mr", "tanaka"], ["Mr. Tanaka"] * 3),
        # Of equals the longest.
        (["tanaka", "mr"], ["Mr. Tanaka"] * 2),
        (["tanaka", "again"], ["Tanaka", "Tanaka"]),
        (["tanaka", "bank"], ["Tanaka", "Bank of Japan"]),
        # Marks that only touch share no character.
        (["mr", "met"], ["Mr. Tanaka", " met"]),
    ],
)
def test_overlapping_marks_are_one_mention(words: list[str], expected: list[str]) -> None:
    assert places(*((name, word, "X") for name, word in zip("abc", words, strict=False))) == expected


def test_two_mentions_of_one_name_stay_two() -> None:
    answers, spans = said(("a", "tanaka", "PERSON", "favor"), ("b", "again", "PERSON", "against"))
    assert one_place_each(answers, spans, "ab")["start"].to_pylist() == [4, 34]


def test_names_with_other_labels_or_of_one_annotation_are_two_mentions() -> None:
    assert places(("a", "bank", "ORG"), ("b", "japan", "GPE")) == ["Bank of Japan", "Japan"]
    both = [("a", "bank", "ORG"), ("a", "japan", "ORG")]
    assert places(*both) == ["Bank of Japan", "Japan"]
    # The third mark joins the one with which it shares more characters.
    assert places(*both, ("b", "of", "ORG")) == ["Bank of Japan", "Japan", "Bank of Japan"]
    assert places(*both, ("b", "of", "ORG"), ("b", "japan", "ORG"))[2:] == ["Bank of Japan", "Japan"]


def test_annotations_that_do_not_count_have_no_say() -> None:
    rows = [("a", "mr", "X"), ("b", "tanaka", "X"), ("c", "tanaka", "X")]
    assert places(*rows, counting="a") == ["Mr. Tanaka"] * 3
    assert places(*rows, counting="bc") == ["Tanaka"] * 3


def test_chunks_and_questions_are_apart() -> None:
    answers, spans = said(("a", "mr", "X", "favor"), ("b", "tanaka", "X", "favor"))
    for name in ("chunk_id", "question"):
        at = ANSWERS.get_field_index(name)
        other = answers.set_column(at, ANSWERS.field(at), pa.array(["one", "two"]))
        assert one_place_each(other, spans, "ab")["start"].to_pylist() == [0, 4]


def test_answers_about_no_mention_stay() -> None:
    rows = [{"annotation_id": "a", "chunk_id": "c", "question": "stance", "target": "japan", "label": "favor"}]
    fixed = build(rows, ANSWERS)
    assert one_place_each(fixed, SPANS.empty_table(), "a") is fixed
    answers, spans = said(("a", "mr", "X", "favor"), ("b", "tanaka", "X", "favor"))
    mixed = one_place_each(pa.concat_tables([answers, fixed]), spans, "ab")
    assert mixed["start"].to_pylist() == [0, 0, None]
    assert mixed["target"].to_pylist() == ["Mr. Tanaka", "Mr. Tanaka", "japan"]
