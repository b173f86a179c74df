"""`builder push`: every selected chunk is a task in Label Studio, exactly once."""

from dataclasses import asdict
from functools import partial
from typing import TYPE_CHECKING, Any

from builder.config import Config
from builder.errors import ConfigError, SourceError, StudioError
from builder.store import read_table, write_table

if TYPE_CHECKING:
    from rich.console import Console
    from rich.progress import Progress

    from builder.studio.client import Client
    from builder.studio.plan import Plan
    from builder.studio.server import Server

#: What a push finds or does now and then in a project, in words.
_RARE = {
    "results_rewritten": "annotations, drafts and suggestions renamed",
    "duplicates_removed": "duplicate tasks removed",
    "annotations_moved": "annotations moved from duplicates",
    "duplicates_left": "duplicate tasks left because they hold a draft, or annotations of another text",
    "predictions_repaired": "tasks given the suggestions that the server had dropped",
    "unplanned_annotated": "annotated tasks whose chunk is not selected any more",
    "strangers": "tasks of others left alone",
}


def push(config: Config, console: "Console", *, dry_run: bool = False) -> dict[str, Any]:
    """The projects of the dataset hold the selected chunks; recorded annotators have submitted their labels.

    With `dry_run` nothing is changed on the server, and the summary says what would be. What cannot be stored is in
    the table `rejects` of the stage `push`.
    """
    from builder import tables
    from builder.studio import client as clients
    from builder.studio.plan import plan as make_plan
    from builder.studio.progress import answered
    from builder.studio.server import ensure
    from builder.studio.suggestions import suggest

    if config.label_studio.url and config.annotators.kind == "recorded":
        raise ConfigError(
            "Recorded annotators submit through accounts of the embedded Label Studio only.",
            "Leave label_studio.url empty, or set annotators=human.",
        )
    prepared = config.stage("prepare")
    chunks = read_table(prepared.table("selected"), tables.CHUNKS, "prepare").to_pylist()
    articles = read_table(prepared.table("articles"), tables.ARTICLES, "prepare").to_pylist()
    if not prepared.fingerprint():
        raise SourceError("The stage prepare was not finished.", "Run `builder prepare` again.")
    chunks, questions = _with_questions(config, chunks)
    suggested = suggest(config, chunks, articles)
    with (
        console.status("Label Studio") as status,
        ensure(config, status.update) as server,
        clients.Client(server, config.label_studio) as client,
    ):
        version = client.version()
        status.stop()
        left = answered(client, config)
        made = make_plan(config, chunks, articles, suggested, questions, left, keep=not dry_run)
        if not dry_run:
            write_table(config.stage("push").table("rejects"), tables.build(made.rejects, tables.REJECTS))
        summary: dict[str, Any] = {"server": server.url, "version": version, "rejected": len(made.rejects)}
        if dry_run:
            summary["dry_run"] = True
            summary["projects"] = _would(config, client, made)
        else:
            summary["projects"] = _push(config, console, server, client, made)
            if config.annotators.kind == "recorded":
                summary["recorded"] = _submit(config, console, server, client, made, summary["projects"])
    _show(console, summary)
    return summary


def _with_questions(config: Config, selected: list[dict[str, Any]]) -> tuple[list[dict[str, Any]], frozenset[str]]:
    """The selected chunks with gold questions among them at `quality.question_rate`, and the questions' chunk ids."""
    if not config.quality.questions:
        return selected, frozenset()
    from pathlib import Path

    from builder import tables
    from builder.quality.questions import due, mix, question_chunks, read_questions

    table = read_table(config.stage("prepare").table("chunks"), tables.CHUNKS, "prepare")
    known = question_chunks(read_questions(Path(config.quality.questions)), table)
    if not known:
        raise SourceError(
            f"No chunk is one of the questions in {config.quality.questions}.",
            "A question has the article_id, start and end of a chunk: write them anew when the chunking changed.",
        )
    others = sum(chunk["chunk_id"] not in known for chunk in selected)
    asked = frozenset(list(known)[: due(others, config.quality.question_rate)])
    rows = table.to_pylist()
    mixed = mix(
        [chunk for chunk in selected if chunk["chunk_id"] not in asked],
        [chunk for chunk in rows if chunk["chunk_id"] in asked],
    )
    return [dict(chunk) for chunk in mixed], asked


def _push(config: Config, console: "Console", server: "Server", client: "Client", made: "Plan") -> list[dict[str, Any]]:
    from builder.questions.interface import interface
    from builder.studio import accounts, projects, rescheme
    from builder.studio.lock import exclusive
    from builder.studio.push import push as push_project

    accounts.ensure_accounts(config, server, client)
    shared = config.annotators.layout == "shared"
    done = []
    with exclusive(config.dataset_folder / "push.lock", "push"), _progress(console) as progress:
        for slot, tasks in made.slots.items():
            # The server strips what it is given, and the two are compared.
            wanted = projects.Wanted(slot, interface(config.labels).strip(), config.annotators.overlap if shared else 1)
            project, rewritten = rescheme.ensure(client, config, wanted, interface)
            bar = progress.add_task(f"push {project['title']}", total=len(tasks))
            note = config.dataset_folder / "pushed" / f"{slot}.json"
            advance = partial(progress.advance, bar)
            outcome = push_project(client, project["id"], tasks, config.label_studio, advance, note)
            row = _row(client, slot, project["id"], len(tasks))
            done.append(row | asdict(outcome) | {"results_rewritten": rewritten})
    return done


def _would(config: Config, client: "Client", made: "Plan") -> list[dict[str, Any]]:
    from builder.questions.migrate import Changes
    from builder.studio import projects, rescheme
    from builder.studio.listing import Held, held

    rows = []
    for slot, tasks in made.slots.items():
        project = projects.find(client, config, slot)
        there = held(client, project["id"], config.label_studio.page_size) if project else Held()
        present = sum(chunk in there.by_chunk for chunk in tasks)
        changes, refused = rescheme.preview(client, project, config.labels) if project else (Changes(), False)
        rows.append(
            _row(client, slot, project["id"] if project else None, len(tasks))
            | {
                "present": present,
                "to_import": len(tasks) - present,
                "duplicates": sum(len(entries) - 1 for entries in there.duplicates().values()),
                "unplanned": sum(chunk not in tasks for chunk in there.by_chunk),
                "scheme": {**asdict(changes), "refused": refused},
            }
        )
    return rows


def _row(client: "Client", slot: str, project: int | None, planned: int) -> dict[str, Any]:
    url = f"{client.url}/projects/{project}/" if project is not None else None
    return {"slot": slot, "project": project, "url": url, "planned": planned}


def _submit(
    config: Config,
    console: "Console",
    server: "Server",
    client: "Client",
    made: "Plan",
    pushed: list[dict[str, Any]],
) -> dict[str, Any]:
    """Recorded annotators save what they recorded, each through an account of its own."""
    from pathlib import Path

    from builder.studio import accounts, recorded, submit
    from builder.studio.client import Client
    from builder.studio.listing import held
    from builder.studio.server import Server, vault_of

    passwords = vault_of(config).secrets().annotators
    ids = accounts.users(client)
    by_slot = {row["slot"]: row["project"] for row in pushed}
    folder = Path(config.annotators.recorded)
    plans = {
        a: _bodies(config, recorded.read(folder / f"{a.name}.jsonl"), made, a.name) for a in accounts.annotators(config)
    }
    summary = {}
    with _progress(console) as progress:
        for annotator, bodies in plans.items():
            project = by_slot.get(annotator.name) or by_slot["all"]
            tasks = held(client, project, config.label_studio.page_size).by_chunk
            done = submit.authors(client, project, config.label_studio.page_size)
            if annotator.email not in passwords:
                raise StudioError(
                    f"The account {annotator.email} was not made by the builder, so it cannot log in as it.",
                    "Delete the account in Label Studio, or give the annotator another address.",
                )
            token = accounts.token_of(server.url, annotator.email, passwords[annotator.email])
            bar = progress.add_task(f"annotate as {annotator.name}", total=len(bodies))
            with Client(Server(server.url, token, server.vault), config.label_studio) as own:
                outcome = submit.submit(
                    own,
                    project,
                    ids[annotator.email.casefold()]["id"],
                    [(tasks[chunk][0].id, body) for chunk, body in bodies.items()],
                    done,
                    partial(progress.advance, bar),
                )
            summary[annotator.name] = asdict(outcome)
    return summary


def _bodies(config: Config, recording: Any, made: "Plan", name: str) -> dict[str, dict[str, Any]]:
    """Chunk id -> annotation, of the chunks assigned to one annotator; all read before anything is sent."""
    from builder.studio.recorded import annotation

    bodies = {}
    for chunk_id, names in made.assigned.items():
        if name not in names:
            continue
        chunk = made.chunks[chunk_id]
        body = annotation(recording, chunk, config.labels, made.targets[chunk_id])
        if body is not None:
            bodies[chunk_id] = body
        elif not config.annotators.partial:
            raise SourceError(
                f"{recording.path} has no line for chunk {chunk_id} (article {chunk['article_id']},"
                f" [{chunk['start']}, {chunk['end']})).",
                "The chunking changed since it was recorded: record again, restore the chunking, or set"
                " annotators.partial=true.",
            )
    return bodies


def _progress(console: "Console") -> "Progress":
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    return Progress(*columns, console=console, transient=True)


def _show(console: "Console", summary: dict[str, Any]) -> None:
    for row in summary["projects"]:
        what = f"{row['to_import']} to import" if summary.get("dry_run") else f"{row['imported']} imported"
        console.print(
            f"push {row['slot']}: {row['planned']} planned, {row['present']} there, {what}, "
            f"{row['unplanned']} not selected any more  {row['url'] or '(new project)'}",
            soft_wrap=True,
        )
        for words in _scheme_changes(row.get("scheme", {})):
            console.print(f"push {row['slot']}: {words}", soft_wrap=True)
        if rare := [f"{row[key]} {words}" for key, words in _RARE.items() if row.get(key)]:
            console.print(f"push {row['slot']}: {', '.join(rare)}.", soft_wrap=True)
    for name, row in summary.get("recorded", {}).items():
        console.print(f"annotated as {name}: {row['saved']} saved, {row['there']} there")
    if summary["rejected"]:
        console.print(f"push: {summary['rejected']} chunks cannot be stored by Label Studio; see the rejects table.")


def _scheme_changes(would: dict[str, Any]) -> list[str]:
    """What a push would do about a changed scheme, in words."""
    words = []
    if would.get("additions"):
        words.append(f"the scheme would add {', '.join(would['additions'])}.")
    for kind, names in would.get("renames", {}).items():
        renames = ", ".join(f"{before} to {now}" for before, now in names.items())
        words.append(f"annotations, drafts and suggestions would be renamed, {kind} {renames}.")
    if would.get("removals"):
        verdict = "which would be refused, for there are annotations or drafts" if would["refused"] else "still unused"
        words.append(f"the scheme would drop {', '.join(would['removals'])}, {verdict}.")
    return words
