"""What plain data says about a chunk becomes rows and results, or everything that does not fit is reported."""

from collections.abc import Callable
from typing import Any

import pytest

from builder.questions.encode import stated, statement
from builder.scheme import Scheme

Schemes = Callable[..., Scheme]
TEXT = "Japan and China"
START = 1000
JAPAN = {"start": 1000, "end": 1005, "label": "GPE", "text": "Japan"}


def test_every_question_is_read(scheme: Scheme) -> None:
    said = {
        "stance": {"japan": "favor", "china": "none"},
        "entities": [JAPAN, {"start": 1010, "end": 1015, "label": "PERSON"}],
        "evidence": [{"start": 1000, "end": 1009, "targets": ["china"]}],
        "problems": ["cut"],
        "comment": "Hm.",
    }
    made = statement(said, scheme, text=TEXT, start=START)
    assert [(s["kind"], s["start"], s["end"], s["label"], s["targets"], s["span_id"]) for s in made.spans] == [
        ("entity", 1000, 1005, "GPE", [], None),
        ("entity", 1010, 1015, "PERSON", [], None),
        ("evidence", 1000, 1009, "EVIDENCE", ["china"], None),
    ]
    assert made.answers == [
        {"question": "stance", "target": "japan", "span_id": None, "label": "favor"},
        {"question": "stance", "target": "china", "span_id": None, "label": "none"},
    ]
    assert (made.problems, made.comment) == (["cut"], "Hm.")


@pytest.mark.parametrize(
    "nothing", [{}, {"entities": [], "stance": None, "evidence": None, "problems": [], "comment": ""}]
)
def test_nothing_said_is_nothing(scheme: Scheme, nothing: dict[str, Any]) -> None:
    made = statement(nothing, scheme, text=TEXT, start=START)
    assert (made.spans, made.answers, made.problems, made.comment) == ([], [], [], None)


def test_what_is_not_asked_may_be_empty_only(make: Schemes) -> None:
    few = make(stance=[], problems=[], comment=False, migrations={})
    assert statement({"stance": {}, "problems": [], "comment": ""}, few).answers == []
    with pytest.raises(ValueError, match="the scheme has no question 'stance'"):
        statement({"stance": {"japan": "favor"}}, few)
    with pytest.raises(ValueError, match="the scheme has no question 'mood'"):
        statement({"mood": None}, few)


def test_a_span_said_twice_is_one(scheme: Scheme) -> None:
    other = {**JAPAN, "label": "PERSON"}
    assert (
        len(statement({"entities": [JAPAN, {**JAPAN, "text": None}, other]}, scheme, text=TEXT, start=START).spans) == 2
    )


def test_without_a_text_places_are_not_checked(scheme: Scheme) -> None:
    (span,) = statement({"entities": [{**JAPAN, "end": 9000}]}, scheme).spans
    assert (span["start"], span["end"]) == (1000, 9000)


def test_mentions_carry_their_own_stance(make: Schemes) -> None:
    scheme = make(mode="mention", evidence=False)
    china = {"start": 1010, "end": 1015, "label": "GPE"}
    made = statement({"entities": [china, {**JAPAN, "stance": "against"}]}, scheme, text=TEXT, start=START)
    assert [span["span_id"] for span in made.spans] == [None, "mention1"]
    assert made.answers == [{"question": "stance", "target": "Japan", "span_id": "mention1", "label": "against"}]
    result = stated({"entities": [{**JAPAN, "stance": "against"}]}, TEXT, START, scheme)
    assert [(i["from_name"], i["value"].get("labels") or i["value"]["choices"]) for i in result] == [
        ("entity", ["GPE"]),
        ("mention_stance", ["against"]),
    ]
    with pytest.raises(ValueError, match="stance: unknown targets 'japan'"):
        statement({"stance": {"japan": "favor"}}, scheme)


def test_a_stance_on_an_entity_means_nothing_where_targets_are_fixed(scheme: Scheme) -> None:
    assert statement({"entities": [{**JAPAN, "stance": "favor"}]}, scheme, text=TEXT, start=START).answers == []


def test_an_article_brings_its_own_targets(make: Schemes) -> None:
    scheme = make(mode="article")
    said = {"stance": {"NATO": "favor"}, "evidence": [{"start": 1000, "end": 1005, "targets": ["Kyiv"]}]}
    result = stated(said, TEXT, START, scheme, ["Kyiv", "NATO"])
    assert [(item["from_name"], item["value"].get("choices")) for item in result] == [
        ("entity", None),
        ("evidence_target", ["1"]),
        ("stance__2", ["favor"]),
    ]
    with pytest.raises(
        ValueError, match=r"evidence: unknown targets of evidence 'Kyiv'; stance: unknown targets 'NATO'"
    ):
        statement(said, scheme, targets=["Oslo"])


@pytest.mark.parametrize(
    ("said", "why"),
    [
        ({"entities": [{**JAPAN, "label": "CITY"}]}, "entities: unknown entity label 'CITY'"),
        ({"entities": [{**JAPAN, "text": "Korea"}]}, r"\[1000, 1005\) is 'Japan' and not 'Korea'; offsets count code"),
        ({"entities": [{**JAPAN, "start": 999}]}, r"\[999, 1005\) is empty or outside its chunk"),
        ({"entities": [{**JAPAN, "end": 1016}]}, r"\[1000, 1016\) is empty or outside its chunk"),
        ({"entities": [{**JAPAN, "end": 1000}]}, r"\[1000, 1000\) is empty or outside its chunk"),
        ({"entities": [{**JAPAN, "start": "1000"}]}, r"\['1000', 1005\) is not an interval of whole numbers"),
        ({"entities": [{**JAPAN, "end": 1005.0}]}, r"\[1000, 1005.0\) is not an interval of whole numbers"),
        ({"entities": [{"start": 1000, "end": 1005}]}, "entities: 'label' is missing"),
        ({"entities": ["GPE"]}, "entities: "),
        ({"stance": {"mars": "favor"}}, "stance: unknown targets 'mars'"),
        ({"stance": {"japan": "love"}}, "stance: unknown stance labels 'love'"),
        ({"problems": ["cut", "smell"]}, "problems: unknown problems 'smell'"),
        ({"comment": 3}, "comment: 3 is no comment"),
        ({"comment": 3, "problems": ["smell"]}, "problems: unknown problems 'smell'; comment: 3 is no comment"),
    ],
)
def test_what_does_not_fit_is_reported(scheme: Scheme, said: dict[str, Any], why: str) -> None:
    with pytest.raises(ValueError, match=why):
        statement(said, scheme, text=TEXT, start=START)


def test_the_edges_of_the_chunk_belong_to_it(scheme: Scheme) -> None:
    whole = {"start": 1000, "end": 1015, "label": "GPE", "text": TEXT}
    assert len(statement({"entities": [whole]}, scheme, text=TEXT, start=START).spans) == 1
