"""Rows to results and back: whatever a scheme can express survives Label Studio's JSON unchanged."""

import json
from typing import Any

from hypothesis import event, given, settings
from hypothesis import strategies as st

from builder.questions.decode import decode
from builder.questions.encode import results
from builder.questions.evidence import EVIDENCE
from builder.questions.stance import MODES
from builder.scheme import Scheme
from tests.samples import scheme

START = 1000
NAMES = st.from_regex(r"[A-Za-z][A-Za-z0-9_-]{0,6}", fullmatch=True).filter(lambda name: name != EVIDENCE)
WORDS = st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs", "Cn"]), min_size=1, max_size=8)
TEXTS = st.text(st.sampled_from("ab\U0001f680é\n\r\t \u200d\ufe0f<&$\\"), min_size=1, max_size=40).filter(str.strip)


def names(draw: st.DrawFn, least: int, most: int) -> list[str]:
    return draw(st.lists(NAMES, min_size=least, max_size=most, unique_by=str.casefold))


@st.composite
def schemes(draw: st.DrawFn) -> Scheme:
    """A scheme of any target mode, with names of its own."""
    mode = draw(st.sampled_from(MODES))
    fixed = mode == "fixed"
    return scheme(
        name="any",
        entities=names(draw, 1, 4),
        stance=names(draw, 1, 4),
        targets={name: [] for name in names(draw, 1, 4)} if fixed else None,
        mode=mode,
        absent="",
        problems=names(draw, 0, 3),
    )


@st.composite
def regions(draw: st.DrawFn, text: str, asked: Scheme, targets: list[str]) -> list[dict[str, Any]]:
    """Rows of nested, crossing, repeated and multi-label spans, of entities and of evidence."""
    solid = [i for i, c in enumerate(text) if not c.isspace()]
    rows = []
    for number in range(draw(st.integers(0, 5))):
        first, last = sorted((draw(st.sampled_from(solid)), draw(st.sampled_from(solid))))
        labels = st.sampled_from([*asked.questions["entities"].labels, EVIDENCE])
        for label in draw(st.lists(labels, min_size=1, max_size=3, unique=True)):
            evidence = label == EVIDENCE
            about = draw(st.lists(st.sampled_from(targets), unique=True)) if evidence and targets else []
            rows.append({
                "span_id": f"r{number}", "kind": "evidence" if evidence else "entity", "label": label,
                "start": START + first, "end": START + last + 1, "targets": about,
            })  # fmt: skip
    return rows


@st.composite
def contents(draw: st.DrawFn) -> tuple[Scheme, str, list[str], dict[str, Any]]:
    """A scheme, a chunk's text, the article's targets, and the rows of an annotation."""
    asked, text = draw(schemes()), draw(TEXTS)
    stance, problem = asked.questions["stance"], asked.questions.get("problems")
    own = draw(st.lists(WORDS, min_size=1, max_size=8, unique=True)) if stance.mode == "article" else []
    targets = list(stance.targets) or own
    spans = draw(regions(text, asked, targets))
    about: list[tuple[str, str | None]] = [(target, None) for target in targets]
    if stance.mode == "mention":
        about = [("", name) for name in dict.fromkeys(span["span_id"] for span in spans if span["kind"] == "entity")]
    answered = draw(st.lists(st.sampled_from(about), unique=True)) if about else []
    label = st.sampled_from(list(stance.labels))
    given = [{"question": "stance", "target": t, "span_id": span, "label": draw(label)} for t, span in answered]
    problems = draw(st.lists(st.sampled_from(list(problem.labels)), unique=True)) if problem else []
    comment = draw(st.none() | st.text(st.characters(codec="utf-8"), min_size=1))
    said = {"spans": spans, "answers": given, "problems": problems, "comment": comment}
    return asked, text, own, said


@settings(deadline=None, max_examples=60)
@given(contents())
def test_rows_to_results_and_back_is_the_identity(made: tuple[Scheme, str, list[str], dict[str, Any]]) -> None:
    asked, text, own, said = made
    event(asked.questions["stance"].mode)
    result = results(*said.values(), START, text, asked, targets=own)
    data = {"chunk_id": "c", "article_id": "a", "start": START, "text": text, "scheme": "any@1", "targets": own}
    line = {"id": 3, "project": 2, "data": data, "annotations": [{"id": 1, "completed_by": 7, "result": result}]}
    decoded = decode([json.dumps(line).encode()], {7: "ana@example.com"}, b"salt", asked, "pull")
    assert decoded.issues.to_pylist() == []
    (annotation,) = decoded.annotations.to_pylist()
    spans, answers = decoded.spans.to_pylist(), decoded.answers.to_pylist()
    assert all(span["text"] == text[span["start"] - START : span["end"] - START] for span in spans)
    assert [{key: span[key] for key in given} for span, given in zip(spans, said["spans"], strict=True)] == said[
        "spans"
    ]
    assert {answer["question"] for answer in answers} <= {"stance"}
    assert {(a["span_id"] or a["target"]): a["label"] for a in answers} == {
        (a["span_id"] or a["target"]): a["label"] for a in said["answers"]
    }
    problems, comment = annotation["problems"], annotation["comment"]
    assert (problems, comment) == (said["problems"], said["comment"])
    assert results(spans, answers, problems, comment, START, text, asked, targets=own) == result
