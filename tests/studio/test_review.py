"""The plan of the review project: every annotator's labels as a prediction, and the reasons above the text."""

import json

from builder.quality.review_cases import ReviewCase, Suggestion
from builder.studio.review import plan_review, review_interface
from tests.samples import TEXT, scheme


def test_the_plan_shows_every_annotator_as_a_prediction() -> None:
    span = {"start": 17, "end": 24, "label": "ORG", "kind": "entity", "span_id": "r0", "targets": []}
    answer = {"question": "stance", "target": "japan", "span_id": None, "label": "favor"}
    said = [Suggestion("annotator A", [span], [answer]), Suggestion("annotator B"), Suggestion("agreed so far")]
    data = {"chunk_id": "c", "article_id": "c", "start": 0, "text": TEXT, "title": "T"}
    planned = plan_review([ReviewCase("c", "why", ["1:1", "1:2"], said)], {"c": data}, scheme())
    task = json.loads(planned["c"].body)
    assert (task["data"]["review_of"], task["data"]["review"]) == (["1:1", "1:2"], "why")
    assert [p["model_version"] for p in task["predictions"]] == ["annotator A", "annotator B", "agreed so far"]
    assert [len(p["result"]) for p in task["predictions"]] == [2, 0, 0]
    assert task["predictions"] == planned["c"].predictions


def test_the_interface_shows_the_reasons_once() -> None:
    for made in (scheme(), scheme(entities=[], evidence=False), scheme(guidelines="Read.")):
        assert review_interface(made).count('<Markdown value="$review"') == 1
