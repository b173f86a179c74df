"""The annotation of a dataset in Label Studio: chunks and people go there, and what people did comes back."""

import contextlib
import sys
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from builder import campaigns, pipeline, reports
from builder.commands import working
from builder.config import Config
from builder.reporting.terminal import Shown, table_of
from builder.stage import Progress, silent
from builder.studio import pull as pulling
from builder.studio import push as pushing
from builder.studio import review as reviewing
from builder.studio import saving, serving
from builder.studio.campaign import Campaign
from builder.studio.people import Annotator

#: What a push finds or does now and then in a project, in words.
_RARE = {
    "results_rewritten": "annotations, drafts and suggestions renamed",
    "suggestions_replaced": "tasks whose earlier suggestions were taken away",
    "suggestions_kept": "answered tasks that keep their earlier suggestions",
    "duplicates_removed": "duplicate tasks removed",
    "annotations_moved": "annotations moved from duplicates",
    "duplicates_left": "duplicate tasks left because they hold a draft, or annotations of another text",
    "predictions_repaired": "tasks given suggestions that they lacked",
    "unplanned_annotated": "annotated tasks whose chunk is not selected any more",
    "foreign": "tasks of others left alone",
}


@working
def push(config: Config, *, dry_run: bool = False, progress: Progress = silent) -> pushing.Pushed:
    """Every selected chunk is a task in Label Studio; recorded annotators have submitted their labels.

    Chunks that Label Studio cannot store are in the table `push-rejects.parquet` of the dataset's workspace folder.
    """
    return campaigns.pushed(config, progress, dry_run=dry_run)


def show_push(result: pushing.Pushed) -> Shown:
    for row in result.projects:
        yield (
            f"push {row.slot}: {row.planned} planned, {row.present} there, {row.imported} "
            f"{'to import' if result.dry_run else 'imported'}, "
            f"{row.unplanned} not selected any more  {row.url or '(new project)'}"
        )
        rare = [f"{getattr(row, key)} {words}" for key, words in _RARE.items() if getattr(row, key)]
        for words in [*_scheme_changes(row), *([f"{', '.join(rare)}."] if rare and not result.dry_run else [])]:
            yield f"push {row.slot}: {words}"
    for name, saved in result.recorded.items():
        yield f"annotated as {name}: {saved.saved} saved, {saved.there} there"
    if result.rejects:
        yield f"push: Label Studio cannot store {len(result.rejects)} chunks; the reasons are in push-rejects.parquet."


def _scheme_changes(row: pushing.PushedProject) -> list[str]:
    """What a push would do about a changed scheme, in words."""
    words = []
    if row.scheme.additions:
        words.append(f"the scheme would add {', '.join(row.scheme.additions)}.")
    for kind, names in row.scheme.renames.items():
        renames = ", ".join(f"{before} to {now}" for before, now in names.items())
        words.append(f"annotations, drafts and suggestions would be renamed, {kind} {renames}.")
    if row.scheme.removals:
        verdict = "which would be refused, for there are annotations or drafts" if row.refused else "still unused"
        words.append(f"the scheme would drop {', '.join(row.scheme.removals)}, {verdict}.")
    return words


@working
def pull(config: Config, *, full: bool = False, progress: Progress = silent) -> pulling.Pulled:
    """What annotators did is an immutable, hashed folder in the workspace; equal states are one pull.

    Raises `StoreError` when nothing was pushed.
    """
    return pulling.pull(pipeline.campaign(config), full=full, progress=progress)


def show_pull(result: pulling.Pulled) -> Shown:
    counts = result.record["counts"]
    yield (
        f"pull {result.hash[:16]} ({'new' if result.new else 'nothing new'}): {counts['tasks']} tasks, "
        f"{counts['annotations']} annotations, {counts['skipped']} skipped, {counts['drafts']} drafts"
    )
    lost = result.losses
    if lost.projects:
        yield f"pull: the projects of {', '.join(lost.projects)} are not on the server any more."
    if said := lost.described():
        yield f"pull: gone since the pull before: {said}. That pull still holds them; `builder restore` puts them back."
    if counts["duplicates"]:
        yield f"pull: {counts['duplicates']} duplicate tasks; `builder push` merges them."


@working
def review(config: Config, *, dry_run: bool = False, progress: Progress = silent) -> campaigns.Review:
    """What annotators could not settle is in front of an expert, whose decisions the next pull brings back."""
    return campaigns.reviewed(config, progress, dry_run=dry_run)


def show_review(result: campaigns.Review) -> Shown:
    if not result.open:
        yield f"review: nothing is open; {result.decided} chunks were decided by an expert."
    elif result.sent is None:
        yield f"review: {len(result.open)} chunks are open; without --dry-run they would be sent to the expert."
    else:
        yield (
            f"review: {len(result.open)} chunks are open, {result.sent.imported} new in the review project; "
            f"{result.decided} were decided.  {result.sent.url}"
        )


@working
def reopen(config: Config, which: str, *, dry_run: bool = False, progress: Progress = silent) -> reviewing.Reopened:
    """Chunks are back with their annotators, who find what they said before filled in.

    `which` is `missing` (a question of the scheme has no answer, as after a target was added), `quarantined`, `all`
    (as after the guidelines changed), or the path of a file with a chunk id per line. What annotators submit then
    replaces what they said before. Raises `ConfigError` when `which` is none of these.
    """
    return campaigns.reopened(config, which, progress, dry_run=dry_run)


def show_reopen(result: reviewing.Reopened) -> Shown:
    for name, count in sorted(result.sent.items()):
        yield f"reopen {name}: {count} chunks sent back, {result.open[name]} open since before"
    yield from (f"Label ({row.slot}) at {row.url}" for row in result.projects)
    if result.nobody:
        yield f"reopen: {result.nobody} annotations are by people who are not among the annotators."
    if not result.sent:
        yield "reopen: nothing to send back."


@working
def restore(config: Config, *, dry_run: bool = False, progress: Progress = silent) -> saving.Restored:
    """What the latest pull, or that of `dataset.pull`, holds and the server lost is on the server again.

    Run `builder push` before it, so that there are projects and tasks. Raises `StoreError` without a pull.
    """
    folder = pipeline.chosen_pull(config).folder
    return saving.restore(pipeline.campaign(config), folder, dry_run=dry_run, progress=progress)


def show_restore(result: saving.Restored) -> Shown:
    yield (
        f"restore {result.pull[:16]}: {result.restored} annotations restored, {result.there} there, "
        f"{result.newer} left out because their authors annotated the chunk again"
    )
    if result.no_task:
        yield f"restore: {result.no_task} annotations have no task on the server; run `builder push` first."
    for email, count in sorted(result.no_account.items()):
        whose = f"{email}, who has no account" if email else "somebody who is not known"
        yield f"restore: {count} annotations are by {whose}."


@dataclass
class Server:
    """The embedded Label Studio, None where it was stopped. With `foreground` it runs until `open` is closed."""

    campaign: Campaign = field(repr=False)
    served: serving.Served | None = None
    stopped: bool = False
    open: contextlib.ExitStack | None = None
    #: Where the report is, or is to be.
    report: Path = Path("report.html")


def serve(config: Config, *, stop: bool = False, foreground: bool = False, progress: Progress = silent) -> Server:
    """The embedded Label Studio has an account for each annotator and runs until `builder serve --stop`.

    Raises `ConfigError` when the configuration names a server elsewhere.
    """
    campaign = pipeline.campaign(config)
    if stop:
        return Server(campaign, stopped=serving.stop_serving(campaign))
    with contextlib.ExitStack() as stack:
        served = stack.enter_context(serving.serve(campaign, keep=not foreground, progress=progress))
        report = reports.report_file(config)
        return Server(campaign, served, open=stack.pop_all() if foreground else None, report=report)


def plain_serve(result: Server) -> dict[str, object]:
    """What a script may read: no password."""
    if result.served is None:
        return {"running": False, "stopped": result.stopped}
    found = asdict(result.served)
    people = set(found.pop("passwords")) - {result.served.administrator}
    return {"running": True, **found, "annotators": sorted(people), "report": str(result.report)}


def show_serve(result: Server) -> Shown:
    """In the foreground, returns when the server was stopped."""
    served = result.served
    if served is None:
        yield "serve: stopped." if result.stopped else "serve: no Label Studio was running."
        return
    yield f"Label Studio {served.version} runs at {served.url}"
    roles = [(who, "administrator" if who == served.administrator else "annotator") for who in served.passwords]
    yield table_of("Accounts", ("e-mail", "role"), roles)
    yield "`builder people --passwords` shows the passwords."
    yield from (f"Label ({slot}) at {url}" for slot, url in served.projects.items())
    if not served.projects:
        yield "There is nothing to label yet: run `builder prepare` and `builder push`."
    there = result.report.exists()
    yield f"The report is {result.report}; {'`builder report` renews it' if there else '`builder report` writes it'}."
    if result.open is None:
        yield "It stays until `builder serve --stop`."
        return
    yield "Ctrl-C stops it."
    with result.open, contextlib.suppress(KeyboardInterrupt):
        serving.wait_served(result.campaign)
    result.served, result.stopped = None, True


@dataclass(frozen=True)
class People:
    """The annotators, and by e-mail the passwords of accounts that the builder made, where they were asked for."""

    annotators: list[Annotator]
    administrator: str
    passwords: dict[str, str] = field(default_factory=dict, repr=False)


@working
def people(config: Config, *, passwords: bool = False, progress: Progress = silent) -> People:
    """Who annotates, and with which accounts; without an embedded server there is no administrator."""
    campaign = pipeline.campaign(config)
    kept = campaign.vault.secrets() if campaign.vault.folder.exists() else None
    shown = {kept.admin_email: kept.admin_password, **kept.annotators} if kept and passwords else {}
    return People(campaign.people, kept.admin_email if kept else "", shown)


def plain_people(result: People) -> dict[str, Any]:
    """What a script may read: no password."""
    return {"annotators": {who.name: who.email for who in result.annotators}, "administrator": result.administrator}


def show_people(result: People) -> Shown:
    """Passwords are shown only where somebody looks at a terminal."""
    shown = result.passwords if sys.stderr.isatty() else {}
    rows = [(who.name, who.email) for who in result.annotators]
    rows += [("administrator", result.administrator)] if result.administrator else []
    yield table_of("People", ("name", "e-mail", "password"), [(*row, shown.get(row[1], "")) for row in rows])
    if result.passwords and not shown:
        yield "people: passwords are shown on a terminal only."
