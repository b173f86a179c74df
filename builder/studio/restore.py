"""Restore: the annotations of a kept pull are on the server again, under their authors, exactly once.

For a server that lost them: a project was deleted, a database set back. `builder push` first makes projects and tasks
again. Drafts are not restored, and annotations get the time of the restoring.
"""

import uuid
from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec

from builder.stage import Progress, exclusive, silent
from builder.store import canonical, digest, read_json
from builder.studio.campaign import Campaign, connected
from builder.studio.client import Client
from builder.studio.people import accounts
from builder.studio.projects import existing_projects
from builder.studio.recordings import save
from builder.studio.tasks import Saved, ShownChunk, pages, tasks_of, with_annotations

_NAMESPACE = uuid.UUID("5f0f5d5e-3a0b-5d0c-9d6e-6a3c1f1f0b77")
_SAID = ("result", "was_cancelled", "lead_time", "ground_truth")


class _Made(Saved):
    """An annotation of a pull or of a listing."""

    lead_time: float | None = None
    ground_truth: bool | None = False
    created_at: str = ""


class _Task(msgspec.Struct):
    project: int = 0
    data: ShownChunk = msgspec.field(default_factory=ShownChunk)
    annotations: list[_Made] = []


#: By chunk and author, annotations.
_Said = dict[tuple[str, int], list[_Made]]


@dataclass
class Restored:
    """Annotations and skips of a pull by what became of them."""

    pull: str = ""
    restored: int = 0
    there: int = 0
    #: The author annotated the chunk again since, which counts.
    newer: int = 0
    #: The project is missing, or the chunk has no task in it.
    no_task: int = 0
    #: Address of an author without an account -> annotations; "" when the author is not known.
    no_account: Counter[str] = field(default_factory=Counter)


def restore(campaign: Campaign, folder: Path, *, dry_run: bool = False, progress: Progress = silent) -> Restored:
    """The projects hold the annotations of the pull in `folder`; with `dry_run` nothing is changed.

    Raises `StoreError` when the server has no project of the dataset, and what `Client` raises; after that the next
    call does what is left.
    """
    record = read_json(folder / "pull.json")
    outcome = Restored(str(record["hash"]))
    with exclusive(campaign.folder / "push", "restore", wait=False), connected(campaign, progress) as (_, client):
        projects = existing_projects(client, campaign)
        for slot, kept in _kept(client, folder, record, outcome).items():
            if slot in projects:
                project = projects[slot]
                _restore(client, project.id, kept, outcome, dry_run, f"restore {project.title}", progress)
                if not dry_run:
                    _note(client, campaign, project.id, kept)
            else:
                outcome.no_task += sum(map(len, kept.values()))
    return outcome


def _kept(client: Client, folder: Path, record: Mapping[str, Any], outcome: Restored) -> dict[str, _Said]:
    """By slot, what people with accounts said about chunks in the pull; others are counted."""
    slots = {found["id"]: slot for slot, found in record["projects"].items()}
    people = {int(number): user["email"].casefold() for number, user in read_json(folder / "users.json").items()}
    known = {email.casefold(): number for number, email in accounts(client).items()}
    kept: dict[str, _Said] = defaultdict(lambda: defaultdict(list))
    with (folder / "tasks.jsonl").open("rb") as lines:
        for task in (msgspec.json.decode(line, type=_Task) for line in lines):
            for made in task.annotations if isinstance(task.data.chunk_id, str) else ():
                email = people.get(made.completed_by, "") if made.completed_by else ""
                if email in known:
                    kept[slots[task.project]][task.data.chunk_id, known[email]].append(made)
                else:
                    outcome.no_account[email] += 1
    return kept


def _restore(
    client: Client, project: int, kept: _Said, outcome: Restored, dry_run: bool, what: str, progress: Progress
) -> None:
    tasks = {chunk: entries[0].id for chunk, entries in tasks_of(client, project).by_chunk.items()}
    there = _said(client, project)
    for n, ((chunk, author), rows) in enumerate(kept.items(), 1):
        left = Counter(_digest(made) for made in there.get((chunk, author), ()))
        missing = []
        for row in rows:
            known = left[_digest(row)] > 0
            left[_digest(row)] -= known
            if not known:
                missing.append(row)
        outcome.there += len(rows) - len(missing)
        if chunk not in tasks:
            outcome.no_task += len(missing)
        elif left.total():
            outcome.newer += len(missing)
        else:
            for row in missing:
                # The server takes each `unique_id` once.
                unique = uuid.uuid5(_NAMESPACE, f"{project} {tasks[chunk]} {author} {row.id} {row.created_at}")
                body = {name: getattr(row, name) for name in _SAID} | {"completed_by": author, "unique_id": str(unique)}
                outcome.restored += dry_run or save(client, project, tasks[chunk], body)
        progress(what, n, len(kept))


def _note(client: Client, campaign: Campaign, project: int, kept: _Said) -> None:
    """Label Studio says that the builder's account saved what was restored; its author said the same before."""
    noted, wanted = campaign.rewritten(client.key), {key: set(map(_digest, rows)) for key, rows in kept.items()}
    for key, found in _said(client, project).items():
        for made in found:
            if _digest(made) in wanted.get(key, ()) and made.updated_by not in (None, made.completed_by):
                noted.note(made.id, made.result)


def _said(client: Client, project: int) -> _Said:
    """What everybody said about every chunk of a project."""
    found: _Said = defaultdict(list)
    wanted = with_annotations(["id", "data"], ["id", "completed_by", "updated_by", "result", "was_cancelled"])
    for page in pages(client, project, wanted, _Task):
        for task in page.tasks:
            for made in task.annotations:
                if made.completed_by is not None:
                    found[str(task.data.chunk_id), made.completed_by].append(made)
    return found


def _digest(row: _Made) -> str:
    return digest(canonical(row.result), str(bool(row.was_cancelled)))
