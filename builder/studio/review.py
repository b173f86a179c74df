"""The review project: an expert sees what annotators said about a chunk, and decides.

Its tasks are those of the annotators with two more fields: `review` (why the chunk is here, as Markdown) and
`review_of` (ids of the annotations that the decision replaces). The annotators' labels are its predictions, under
letters; the last prediction is what they agree on. Reviewing again only adds what is new.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from builder.errors import StudioError
from builder.quality.review_cases import ReviewCase, Suggestion
from builder.questions import encode
from builder.scheme import Scheme
from builder.stage import Progress, exclusive, silent
from builder.studio.campaign import Campaign, connected
from builder.studio.planning import PlannedTask
from builder.studio.projects import REVIEW, ensure_members, ensure_people
from builder.studio.push import PushedProject, push_project

Row = Mapping[str, Any]


def send_review(
    campaign: Campaign, cases: Sequence[ReviewCase], tasks: Mapping[str, Row], *, progress: Progress = silent
) -> PushedProject:
    """The review project holds a task for each case, exactly once.

    `tasks` are the annotators' task data by chunk id. Raises `StudioError` when one is missing, and what `push` raises.
    """
    planned = plan_review(cases, tasks, campaign.scheme)
    with exclusive(campaign.folder / "push", "push", wait=False), connected(campaign, progress) as (_, client):
        client.version()
        ensure_people(client, campaign)
        sent = push_project(client, campaign, REVIEW, planned, progress, remember=False)
        ensure_members(client, campaign)
        return sent


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
        planned[case.chunk_id] = PlannedTask({**data, "review": case.why, "review_of": case.review_of}, predictions)
    return planned


def _result(said: Suggestion, data: Row, scheme: Scheme) -> list[dict[str, Any]]:
    targets = list(data.get("targets") or [])
    # The scheme may not ask any more what was answered.
    asked = {name: question.asked(targets) or () for name, question in scheme.questions.items()}
    answers = [row for row in said.answers if row["span_id"] or row["target"] in asked.get(row["question"], ())]
    return encode.results(
        said.spans, answers, said.problems, said.comment or None, data["start"], data["text"], scheme, targets=targets
    )
