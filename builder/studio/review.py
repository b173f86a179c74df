"""The review project: an expert sees what annotators said about a chunk, and decides.

Its tasks are those of the annotators with two more fields: `review` (why the chunk is here, as Markdown) and
`review_of` (ids of the annotations that the decision replaces). The annotators' labels are its predictions, under
letters; the last prediction is what they agree on. Reviewing again only adds what is new.
"""

import xml.etree.ElementTree as ET
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from builder.errors import StudioError
from builder.quality.review_cases import ReviewCase, Suggestion
from builder.questions import encode
from builder.questions.interface import interface
from builder.scheme import Scheme
from builder.stage import Progress, exclusive, silent
from builder.studio.campaign import Campaign, connected
from builder.studio.planning import PlannedTask, planned_task
from builder.studio.projects import REVIEW, WantedProject
from builder.studio.push import PushedProject, push_project

Row = Mapping[str, Any]


def send_review(
    campaign: Campaign, cases: Sequence[ReviewCase], tasks: Mapping[str, Row], *, progress: Progress = silent
) -> PushedProject:
    """The review project holds a task for each case, exactly once.

    `tasks` are the annotators' task data by chunk id. Raises `StudioError` when one is missing, and what `push` raises.
    """
    planned = plan_review(cases, tasks, campaign.scheme)
    wanted = WantedProject(
        REVIEW,
        review_interface(campaign.scheme),
        maximum_annotations=1,
        instruction="Decide what the annotators could not settle. Their labels are the suggestions A, B, C.",
    )
    with exclusive(campaign.folder / "push", "push", wait=False), connected(campaign, progress) as (_, client):
        client.version()
        return push_project(client, campaign, wanted, review_interface, planned, progress, remember=False)


def review_interface(scheme: Scheme) -> str:
    """The labeling configuration of the review project: the annotators' own, with the reasons above the text."""
    root = ET.fromstring(interface(scheme))
    column = next(view for view in root.iter("View") if view.get("className") == "bd-read")
    # Below title, byline and guidelines, above the labels, or above the text when there are none.
    at = next(i for i, child in enumerate(column) if child.get("className") in ("bd-labels", "bd-context bd-before"))
    shown = ET.Element("View", {"className": "bd-review"})
    # Markdown directly inside some containers renders a blank page; inside a plain view it does not.
    ET.SubElement(shown, "Markdown", {"value": "$review"})
    column.insert(at, shown)
    ET.indent(root)
    return ET.tostring(root, encoding="unicode")


def plan_review(cases: Iterable[ReviewCase], tasks: Mapping[str, Row], scheme: Scheme) -> dict[str, PlannedTask]:
    """One planned task per case, by chunk id. `tasks` are the annotators' task data by chunk id.

    Raises `StudioError` when there is no such task.
    """
    planned: dict[str, PlannedTask] = {}
    for case in cases:
        data = tasks.get(case.chunk_id)
        if data is None:
            raise StudioError(f"The pull has no task of chunk {case.chunk_id}.", "Run `builder pull` again.")
        predictions = [{"model_version": said.by, "result": _result(said, data, scheme)} for said in case.suggestions]
        planned[case.chunk_id] = planned_task({**data, "review": case.why, "review_of": case.review_of}, predictions)
    return planned


def _result(said: Suggestion, data: Row, scheme: Scheme) -> list[dict[str, Any]]:
    targets = list(data.get("targets") or [])
    # The scheme may not ask any more what was answered.
    asked = {name: question.asked(targets) or () for name, question in scheme.questions.items()}
    answers = [row for row in said.answers if row["span_id"] or row["target"] in asked.get(row["question"], ())]
    return encode.results(
        said.spans, answers, said.problems, said.comment or None, data["start"], data["text"], scheme, targets=targets
    )
