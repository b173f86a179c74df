"""The report of every annotator."""

import pytest

from builder.quality.agreement import AnnotatorReport, annotator_reports
from builder.quality.agreement.answers import AnswerPairs
from builder.quality.settings import Quality
from tests.quality.helpers import asking, frames, topic
from tests.samples import Crowd


def reports(crowd: Crowd, chunks: int = 4) -> dict[str, AnnotatorReport]:
    questions = [q for q in asking(topic(), frames()).questions.values() if q.gives == "answers"]
    return annotator_reports(crowd.annotations, crowd.spans, crowd.answers, chunks, questions, Quality(bootstrap=0))


def test_the_report_of_an_annotator() -> None:
    crowd = Crowd().add("c1", "ada", [(0, 5, "GPE")], {"japan": "favor"}, lead_time=10.0)
    crowd.add("c2", "ada", [], {}, lead_time=20.0).add("c2", "ada", [], {}, lead_time=None, quarantined=True)
    crowd.add("c3", "ada", state="skipped", quarantined=True, lead_time=99.0).add("c4", "ada", state="draft")
    crowd.add("c1", "ben", [(0, 5, "GPE")], {"japan": "against"}, prediction="edited")
    crowd.add("c1", "eve", [(60, 67, "GPE")], {"japan": "favor"}, prediction="accepted")
    found = reports(crowd)
    assert list(found) == ["ada", "ben", "eve"]
    ada = found["ada"]
    assert (ada.labelled, ada.empty, ada.skipped, ada.drafts, ada.quarantined) == (1, 2, 1, 1, 1)
    assert (ada.coverage, ada.seconds, ada.predictions) == (0.5, [12.5, 15.0, 17.5], {"none": 3})
    assert ada.answers["stance"] == AnswerPairs(2, 0.5)
    assert ada.answers["topic"] == AnswerPairs(0, None)
    assert ada.span_f1 == pytest.approx(0.5)
    assert found["ben"].answers["stance"] == AnswerPairs(2, 0.0)
    assert (found["ben"].predictions, found["ben"].coverage) == ({"edited": 1}, 0.25)


def test_pairs_are_those_of_the_same_question_and_target() -> None:
    crowd = Crowd()
    for name, risk in (("ada", "yes"), ("ben", "no")):
        crowd.add("c", name, answers={"frames": {"money": "yes", "risk": risk}, "topic": {"": "war"}})
    ada = reports(crowd)["ada"].answers
    assert ada["frames"] == AnswerPairs(2, 0.5)
    assert ada["topic"] == AnswerPairs(1, 1.0)


def test_an_annotator_who_submitted_nothing() -> None:
    ada = reports(Crowd().add("c", "ada", state="skipped"))["ada"]
    assert (ada.coverage, ada.seconds, ada.predictions, ada.span_f1) == (0.0, None, {}, None)
    assert reports(Crowd().add("c", "ada"), chunks=0)["ada"].coverage is None
    assert reports(Crowd()) == {}
