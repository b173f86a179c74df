"""Rows to results and back: whatever the scheme can express survives Label Studio's JSON unchanged."""

import json
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from builder.labels.decode import decode
from builder.labels.encode import results
from builder.scheme import EVIDENCE, EntityLabel, Scheme, StanceLabel, Target

SCHEME = Scheme(
    name="demo",
    entities={"PERSON": EntityLabel(), "GPE": EntityLabel()},
    stance={"favor": StanceLabel(), "against": StanceLabel(), "none": StanceLabel()},
    targets={"japan": Target(title="Japan"), "china": Target()},
    problems={"garbled": "Garbled", "cut": "Cut off"},
)
START = 1000


def line(result: list[dict[str, Any]], text: str, **data: Any) -> bytes:
    """A task as it stands in a pull, with one annotation."""
    shown = {"chunk_id": "c", "article_id": "a", "start": START, "text": text, "scheme": "demo@1", **data}
    made = {"id": 1, "completed_by": 7, "result": result, "created_at": "2026-03-02T10:00:00.5Z"}
    return json.dumps({"id": 3, "project": 2, "data": shown, "annotations": [made]}).encode()


TEXTS = st.text(st.sampled_from("ab\U0001f680é\n\r\t \u200d\ufe0f<&$\\"), min_size=1, max_size=40).filter(
    lambda t: t.strip()
)


@st.composite
def content(draw: st.DrawFn) -> tuple[str, list[dict[str, Any]]]:
    """A chunk text and result items with nested, overlapping, multi-label and evidence spans."""
    text = draw(TEXTS)
    solid = [i for i, c in enumerate(text) if not c.isspace()]
    spans = []
    for number in range(draw(st.integers(0, 5))):
        first, last = sorted((draw(st.sampled_from(solid)), draw(st.sampled_from(solid))))
        labels = draw(st.lists(st.sampled_from(["PERSON", "GPE", EVIDENCE]), min_size=1, max_size=3, unique=True))
        for label in labels:
            targets = draw(st.lists(st.sampled_from(["japan", "china"]), unique=True)) if label == EVIDENCE else []
            spans.append({
                "span_id": f"r{number}", "kind": "evidence" if label == EVIDENCE else "entity", "label": label,
                "start": START + first, "end": START + last + 1, "targets": targets,
            })  # fmt: skip
    stances = [
        {"target": target, "span_id": None, "label": draw(st.sampled_from(["favor", "against", "none"]))}
        for target in draw(st.lists(st.sampled_from(["japan", "china"]), unique=True))
    ]
    problems = draw(st.lists(st.sampled_from(["garbled", "cut"]), unique=True))
    comment = draw(st.none() | st.text(st.characters(codec="utf-8"), min_size=1))
    return text, results(spans, stances, problems, comment, START, text, SCHEME)


@settings(deadline=None)
@given(content())
def test_results_to_rows_and_back_is_the_identity(made: tuple[str, list[dict[str, Any]]]) -> None:
    text, result = made
    decoded = decode([line(result, text)], {7: "ana@example.com"}, b"salt", SCHEME, "pull")
    assert decoded.issues.to_pylist() == []
    (annotation,) = decoded.annotations.to_pylist()
    spans = decoded.spans.to_pylist()
    assert all(span["text"] == text[span["start"] - START : span["end"] - START] for span in spans)
    again = results(
        spans, decoded.stances.to_pylist(), annotation["problems"], annotation["comment"], START, text, SCHEME
    )
    assert again == result
