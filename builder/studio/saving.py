"""Annotations that the builder saves for their authors, each exactly once: recorded labels, and what a server lost.

A recorded annotator has a JSON Lines file with a line per chunk: `article_id`, `start` and `end` of the chunk,
`lead_time`, and what was said by question, as `builder.questions.encode.statement` takes it, with offsets in article
coordinates. A line may have "skipped": true instead.

What a server lost (a project was deleted, a database set back) comes from a kept pull. `builder push` first makes
projects and tasks again. Drafts are not restored, and annotations get the time of the restoring.
"""

import json
import uuid
from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec

from builder.errors import Refused, SourceError, StudioError, Unreachable
from builder.questions.encode import stated
from builder.scheme import Scheme
from builder.stage import Progress, exclusive, silent
from builder.store import canonical, digest
from builder.studio.campaign import Campaign, connected
from builder.studio.client import Client
from builder.studio.embedded.server import StudioServer
from builder.studio.people import Annotator, accounts, token_of
from builder.studio.planning import Plan
from builder.studio.projects import existing_projects
from builder.studio.pull_records import PullRecord, emails_of, record_of
from builder.studio.tasks import Saved, ShownChunk, annotated, pages, tasks_of, with_annotations

Row = Mapping[str, Any]
#: Fields of a line that are not answers to a question.
_FIELDS = {"article", "article_id", "start", "end", "lead_time", "skipped"}
_ATTEMPTS = 5
_NAMESPACE = uuid.UUID("0c1e2f6e-6f0b-5c3c-9c55-0c8f3a0f7a10")

#: What one annotator recorded, by article id and chunk interval: "file:line", and the line.
Recording = dict[tuple[str, int, int], tuple[str, dict[str, Any]]]


@dataclass
class Submitted:
    """How many annotations of one annotator were saved now, and how many were there before."""

    saved: int = 0
    there: int = 0


def read_recording(path: Path) -> Recording:
    """The recording in a file; raises `SourceError` with the number of a line that is broken or a repetition."""
    recording: Recording = {}
    try:
        # Only line feeds end a line: JSON may hold other line separators as they are.
        lines = path.read_bytes().decode().split("\n")
    except (OSError, UnicodeDecodeError) as e:
        raise SourceError(f"{path} cannot be read: {e}.", "Correct annotators.recorded, or the file.") from e
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        where = f"{path}:{number}"
        try:
            entry = json.loads(line)
            key = (str(entry["article_id"]), int(entry["start"]), int(entry["end"]))
        except (ValueError, TypeError, KeyError) as e:
            raise SourceError(f"{where} is not a recorded chunk: {e!r}.", "Correct the line or remove it.") from e
        if key in recording:
            raise SourceError(f"{where} repeats the chunk of {recording[key][0]}.", "Remove one of them.")
        recording[key] = (where, entry)
    return recording


def annotation(recording: Recording, data: Row, scheme: Scheme) -> dict[str, Any] | None:
    """The body of the annotation that says what was recorded about the chunk of a task, or None when nothing was.

    Raises `SourceError` when the line contradicts the text or the scheme.
    """
    found = recording.get(_place(data))
    if found is None:
        return None
    where, entry = found
    result: list[dict[str, Any]] = []
    if not entry.get("skipped"):
        try:
            said = {name: value for name, value in entry.items() if name not in _FIELDS}
            result = stated(said, data["text"], data["start"], scheme, data.get("targets", ()))
        except ValueError as e:
            raise SourceError(f"{where}: {e}.", "Correct the line, or record the chunk again.") from e
    return {"result": result, "was_cancelled": bool(entry.get("skipped")), "lead_time": entry.get("lead_time")}


def _place(data: Row) -> tuple[str, int, int]:
    return data["article_id"], data["start"], data["start"] + len(data["text"])


def recorded_bodies(campaign: Campaign, name: str, plan: Plan) -> dict[str, dict[str, Any]]:
    """Chunk id -> annotation, of the chunks that are assigned to one annotator.

    Raises `SourceError` when a line is missing, unless `annotators.partial` allows it.
    """
    path = Path(campaign.annotators.recorded) / f"{name}.jsonl"
    recording, bodies = read_recording(path), {}
    tasks = {chunk_id: task for some in plan.slots.values() for chunk_id, task in some.items()}
    for chunk_id in (chunk_id for chunk_id, names in plan.assigned.items() if name in names):
        data = tasks[chunk_id].data
        body = annotation(recording, data, campaign.scheme)
        if body is not None:
            bodies[chunk_id] = body
        elif not campaign.annotators.partial:
            article, start, end = _place(data)
            raise SourceError(
                f"{path} has no line for chunk {chunk_id} (article {article}, [{start}, {end})).",
                "The chunking changed since it was recorded: record again, restore the chunking, or set"
                " annotators.partial=true.",
            )
    return bodies


def submit_recorded(
    client: Client,
    campaign: Campaign,
    project: int,
    annotator: Annotator,
    bodies: Mapping[str, Mapping[str, Any]],
    outcome: Submitted,
    progress: Progress,
) -> None:
    """The account of the annotator has saved each of these annotations (by chunk id), at most once per task.

    Raises `StudioError` when the builder did not make the account.
    """
    password = campaign.vault.secrets().annotators.get(annotator.email)
    if password is None:
        raise StudioError(
            f"The account {annotator.email} was not made by the builder, so it cannot log in as it.",
            "Delete the account in Label Studio, or give the annotator another address.",
        )
    if not bodies:
        return
    tasks = tasks_of(client, project).by_chunk
    user = {email.lower(): number for number, email in accounts(client).items()}[annotator.email.lower()]
    done = {task.id for task in annotated(client, project) if user in {made.completed_by for made in task.annotations}}
    missing = {chunk: body for chunk, body in bodies.items() if tasks[chunk][0].id not in done}
    there = len(bodies) - len(missing)
    outcome.there += there
    progress(f"annotate as {annotator.name}", there, len(bodies))
    if not missing:
        # Logging in takes longer than all the rest.
        return
    own = StudioServer(client.url, token_of(client.url, annotator.email, password), campaign.vault)
    with Client(own, campaign.server, client.sleep) as account:
        for n, (chunk, body) in enumerate(missing.items(), there + 1):
            task = tasks[chunk][0].id
            # `unique_id` names annotator and task, and the server takes it once.
            unique = uuid.uuid5(_NAMESPACE, f"{project} {task} {user}")
            outcome.saved += save(account, project, task, {**body, "unique_id": str(unique)})
            progress(f"annotate as {annotator.name}", n, len(bodies))


def save(client: Client, project: int, task: int, body: Mapping[str, Any]) -> bool:
    """True when the annotation was saved now, False when it was there. Repeated after a doubt: see `unique_id`."""
    attempt = 0
    while True:
        try:
            # Raw, as imports: a recorded annotator saves thousands.
            client.post(f"api/tasks/{task}/annotations/", body, {"project": project})
        except Unreachable:
            attempt += 1
            if attempt == _ATTEMPTS:
                raise
            client.pause(attempt - 1)
        except Refused as e:
            if "(409)" in e.message:
                return False
            raise
        else:
            return True


#: What is kept of an annotation.
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
    record = record_of(folder)
    outcome = Restored(record["hash"])
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


def _kept(client: Client, folder: Path, record: PullRecord, outcome: Restored) -> dict[str, _Said]:
    """By slot, what people with accounts said about chunks in the pull; others are counted."""
    slots = {found["id"]: slot for slot, found in record["projects"].items()}
    people = {number: email.lower() for number, email in emails_of(folder).items()}
    known = {email.lower(): number for number, email in accounts(client).items()}
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
