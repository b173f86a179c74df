"""Chunks are looked at again: by an expert, who decides, or by those who annotated them.

The tasks of the review project are those of the annotators with two more fields: `review` (why the chunk is here, as
Markdown) and `review_of` (ids of the annotations that the decision replaces). The annotators' labels are its
predictions, under letters; the last prediction is what they agree on. Reviewing again only adds what is new.

Annotators find what each of them said before filled in. Each has a project of reopened chunks, "again/1/ada", and
another one when a chunk in it that was answered is reopened once more. What is submitted there is later than the
person's first annotation of the chunk, so it counts.
"""

import json
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from builder.errors import StudioError
from builder.quality.review_cases import ReviewCase, Suggestion
from builder.questions import encode
from builder.questions.encode import scheme_name
from builder.scheme import Scheme
from builder.stage import Progress, exclusive, silent
from builder.studio.campaign import Campaign, connected
from builder.studio.planning import PlannedTask
from builder.studio.projects import AGAIN, REVIEW, ensure_members, ensure_people, projects_of
from builder.studio.push import PushedProject, push_project
from builder.studio.tasks import tasks_of

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


_BEFORE = "your earlier answers"


@dataclass
class Reopened:
    """What went back to whom."""

    #: Name of an annotator -> chunks sent now, and chunks sent before that are still open.
    sent: dict[str, int] = field(default_factory=dict)
    open: dict[str, int] = field(default_factory=dict)
    projects: list[PushedProject] = field(default_factory=list)
    #: Annotations of people who are not among the annotators.
    nobody: int = 0


def reopen(
    campaign: Campaign,
    pull: Path,
    annotations: Mapping[str, Collection[str]],
    *,
    dry_run: bool = False,
    progress: Progress = silent,
) -> Reopened:
    """The chunks of these annotations (name of the annotator -> ids as project:id) are open for them again.

    A chunk that is open for them already is not sent twice. Raises what `push` raises.
    """
    found = Reopened(nobody=len(annotations.get("", ())))
    planned = _planned(campaign, pull, annotations)
    with exclusive(campaign.folder / "push", "push", wait=False), connected(campaign, progress) as (_, client):
        client.version()
        ensure_people(client, campaign, dry_run)
        there = projects_of(client, campaign)
        for name, tasks in sorted(planned.items()):
            number, open_, answered = 1, set[str](), set[str]()
            while (slot := f"{AGAIN}{number}/{name}") in there:
                # In the latest project are the chunks that cannot be put there a second time.
                sent = tasks_of(client, there[slot].id)
                answered = sent.answered()
                open_ |= sent.by_chunk.keys() - answered
                number += 1
            wanted = {chunk: task for chunk, task in tasks.items() if chunk not in open_}
            found.open[name], found.sent[name] = len(tasks) - len(wanted), len(wanted)
            if not wanted or dry_run:
                continue
            slot = f"{AGAIN}{number if number == 1 or answered & set(wanted) else number - 1}/{name}"
            found.projects.append(push_project(client, campaign, slot, wanted, progress, remember=False))
        if found.projects:
            ensure_members(client, campaign)
    return found


def _planned(
    campaign: Campaign, pull: Path, annotations: Mapping[str, Collection[str]]
) -> dict[str, dict[str, PlannedTask]]:
    """By annotator and chunk, the task of the pull with the annotator's result as its prediction."""
    owner = {annotation: name for name, some in annotations.items() if name for annotation in some}
    planned: dict[str, dict[str, PlannedTask]] = defaultdict(dict)
    with (pull / "tasks.jsonl").open("rb") as lines:
        for task in map(json.loads, lines):
            for made in task["annotations"]:
                if name := owner.get(f"{task['project']}:{made['id']}"):
                    data: dict[str, Any] = {**task["data"], "scheme": scheme_name(campaign.scheme)}
                    before = [{"model_version": _BEFORE, "result": made["result"]}] if made["result"] else []
                    planned[name][data["chunk_id"]] = PlannedTask(data, before)
    return planned
