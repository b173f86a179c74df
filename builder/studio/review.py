"""The review project: where an expert sees what annotators said, and decides.

Its tasks are those of the annotators with two more fields: `review` (why the chunk is here and who voted how, as
Markdown) and `review_of` (the annotations that the decision is made from). The annotators' labels are its predictions,
under letters, and the last one is what they agree on. A chunk is known by its id, as everywhere, so that reviewing
again only adds what is new.
"""

import xml.etree.ElementTree as ET
from collections.abc import Iterable, Mapping
from typing import Any, Protocol

import msgspec

from builder.errors import StudioError
from builder.questions import encode
from builder.questions.interface import interface
from builder.scheme import Scheme
from builder.studio.push import Planned

Row = Mapping[str, Any]


class Said(Protocol):
    """Labels to be shown: see `builder.quality.cases.Suggestion`."""

    by: str
    spans: list[dict[str, Any]]
    stances: list[dict[str, Any]]
    problems: list[str]
    comment: str


class Open(Protocol):
    """A chunk that needs an expert: see `builder.quality.cases.Case`."""

    chunk_id: str
    why: str
    review_of: list[str]

    @property
    def suggestions(self) -> Iterable[Said]: ...


def review_interface(scheme: Scheme) -> str:
    """The labeling configuration of the review project: the annotators' own, with the reasons above the text."""
    root = ET.fromstring(interface(scheme))
    column = next(view for view in root.iter("View") if view.get("className") == "bd-read")
    # Below title, byline and guidelines, above the labels or, without any, the text.
    at = next(i for i, child in enumerate(column) if child.get("className") in ("bd-labels", "bd-context bd-before"))
    shown = ET.Element("View", {"className": "bd-review"})
    # Markdown directly inside some containers renders a blank page; inside a plain view it does not.
    ET.SubElement(shown, "Markdown", {"value": "$review"})
    column.insert(at, shown)
    ET.indent(root)
    return ET.tostring(root, encoding="unicode")


def plan_review(cases: Iterable[Open], tasks: Mapping[str, Row], scheme: Scheme) -> dict[str, Planned]:
    """One planned task a case, by chunk id. `tasks` are the annotators' task data by chunk id.

    Raises `StudioError` when there is no such task.
    """
    planned: dict[str, Planned] = {}
    for case in cases:
        data = tasks.get(case.chunk_id)
        if data is None:
            raise StudioError(f"The pull has no task of chunk {case.chunk_id}.", "Run `builder pull` again.")
        body = {**data, "review": case.why, "review_of": case.review_of}
        predictions = [{"model_version": said.by, "result": _result(said, data, scheme)} for said in case.suggestions]
        planned[case.chunk_id] = Planned(msgspec.json.encode({"data": body, "predictions": predictions}), predictions)
    return planned


def _result(said: Said, data: Row, scheme: Scheme) -> list[dict[str, Any]]:
    targets = list(data.get("targets") or [])
    known = set(targets or scheme.targets)
    stances = [row for row in said.stances if row["span_id"] or row["target"] in known]
    return encode.results(
        said.spans, stances, said.problems, said.comment or None, data["start"], data["text"], scheme, targets=targets
    )
