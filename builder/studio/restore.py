"""Restore: the annotations of a kept pull are on the server again, under their authors, exactly once.

For a server that lost them: a project was deleted, a database set back. `builder push` first makes projects and tasks
again. Drafts are not restored, and annotations get the time of the restoring.
"""

import json
import uuid
from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from builder.errors import StoreError
from builder.stage import Progress, exclusive, silent
from builder.store import canonical, digest, read_json
from builder.studio.campaign import Campaign, connected
from builder.studio.client import Client
from builder.studio.people import accounts
from builder.studio.projects import projects_of, server_key
from builder.studio.recordings import save
from builder.studio.tasks import pages, tasks_of, with_annotations

_NAMESPACE = uuid.UUID("5f0f5d5e-3a0b-5d0c-9d6e-6a3c1f1f0b77")
_SAID = ("result", "was_cancelled", "lead_time", "ground_truth")
#: Chunk and author.
_Key = tuple[str, int]
_Row = dict[str, Any]


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
    no_account: dict[str, int] = field(default_factory=dict)


def restore(campaign: Campaign, folder: Path, *, dry_run: bool = False, progress: Progress = silent) -> Restored:
    """The projects hold the annotations of the pull in `folder`; with `dry_run` nothing is changed.

    Raises `StoreError` when the server has no project of the dataset, and what `Client` raises; after that the next
    call does what is left.
    """
    record = read_json(folder / "pull.json")
    people = {int(number): user["email"].casefold() for number, user in read_json(folder / "users.json").items()}
    slots = {found["id"]: slot for slot, found in record["projects"].items()}
    outcome = Restored(str(record["hash"]))
    with exclusive(campaign.folder / "push", "restore", wait=False), connected(campaign, progress) as (_, client):
        client.version()
        projects = projects_of(client, campaign)
        if not projects:
            raise StoreError(f"There is no project of {campaign.dataset} at {client.url}.", "Run `builder push` first.")
        known = {email.casefold(): number for number, email in accounts(client).items()}
        kept: dict[str, dict[_Key, list[_Row]]] = defaultdict(lambda: defaultdict(list))
        with (folder / "tasks.jsonl").open("rb") as lines:
            for task in map(json.loads, lines):
                for made in task["annotations"]:
                    email = people.get(made["completed_by"], "")
                    if email in known and "chunk_id" in task["data"]:
                        kept[slots[task["project"]]][task["data"]["chunk_id"], known[email]].append(made)
                    elif "chunk_id" in task["data"]:
                        outcome.no_account[email] = outcome.no_account.get(email, 0) + 1
        for slot, rows in kept.items():
            if slot not in projects:
                outcome.no_task += sum(map(len, rows.values()))
                continue
            advance = partial(progress, f"restore {projects[slot].title}")
            _restore(client, campaign, projects[slot].id, rows, outcome, dry_run, advance)
    return outcome


def _restore(
    client: Client,
    campaign: Campaign,
    project: int,
    kept: Mapping[_Key, list[_Row]],
    outcome: Restored,
    dry_run: bool,
    advance: Any,
) -> None:
    size = campaign.server.page_size
    tasks = {chunk: entries[0].id for chunk, entries in tasks_of(client, project, size).by_chunk.items()}
    there = _said(client, project, size, tasks)
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
                outcome.restored += dry_run or _save(client, project, tasks[chunk], author, row)
        advance(n, len(kept))
    if dry_run:
        return
    noted, wanted = campaign.rewritten(server_key(client)), {key: set(map(_digest, rows)) for key, rows in kept.items()}
    for key, found in _said(client, project, size, tasks).items():
        for made in found:
            # Label Studio says that the builder's account saved it; its author said the same before.
            if _digest(made) in wanted.get(key, ()) and made["updated_by"] not in (None, made["completed_by"]):
                noted.note(made["id"], made["result"])


def _said(client: Client, project: int, size: int, tasks: Mapping[str, int]) -> dict[_Key, list[_Row]]:
    """What everybody said about every chunk of a project."""
    chunks = {number: chunk for chunk, number in tasks.items()}
    found: dict[_Key, list[_Row]] = defaultdict(list)
    wanted = with_annotations(["id"], ["id", "completed_by", "updated_by", "result", "was_cancelled"])
    for page in pages(client, project, wanted, size, dict[str, Any]):
        for task in page.tasks:
            for made in task["annotations"]:
                found[chunks.get(task["id"], ""), made["completed_by"]].append(made)
    return found


def _save(client: Client, project: int, task: int, author: int, row: Mapping[str, Any]) -> bool:
    # The server takes each `unique_id` once.
    unique = uuid.uuid5(_NAMESPACE, f"{project} {task} {author} {row['id']} {row['created_at']}")
    body = {name: row[name] for name in _SAID} | {"completed_by": author, "unique_id": str(unique)}
    return save(client, project, task, body)


def _digest(row: Mapping[str, Any]) -> str:
    return digest(canonical(row["result"]), str(bool(row["was_cancelled"])))
