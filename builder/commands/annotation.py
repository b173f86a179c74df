"""The annotation of a dataset in Label Studio: chunks and people go there, and what people did comes back."""

import contextlib
import sys
from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from builder import pipeline, reports, tables
from builder.commands import Shown, table_of, working
from builder.config import Config
from builder.errors import ConfigError, SourceError
from builder.quality.known_answers import known_by_chunk, number_due, read_known_answers, spread_among
from builder.quality.review_cases import review_cases
from builder.quality.votes import reviewed_chunks, voting_unreviewed
from builder.questions.decode import pseudonym
from builder.stage import Progress, Stage, silent
from builder.store import write_table
from builder.studio import pull as pulling
from builder.studio import push as pushing
from builder.studio import review as reviewing
from builder.studio import saving, serving
from builder.studio.campaign import Campaign
from builder.studio.people import Annotator
from builder.studio.pulls import tasks_by_chunk
from builder.studio.review import send_review

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
#: What a task, a suggestion or a reject says of an article.
_SHOWN = ["article_id", "source_path", "record", "title", "published", "source", "targets"]
_REASONS = ("missing", "quarantined", "all")


@working
def push(config: Config, *, dry_run: bool = False, progress: Progress = silent) -> pushing.Pushed:
    """Every selected chunk is a task in Label Studio; recorded annotators have submitted their labels.

    Chunks that Label Studio cannot store are in the table `push-rejects.parquet` of the dataset's workspace folder.
    """
    stage = pipeline.prepared(config, progress)
    chunks, known = _with_known_answers(config, stage)
    wanted = pc.field("article_id").isin(list({chunk["article_id"] for chunk in chunks}))
    chunks_of = Counter(stage.table("chunks", tables.CHUNKS, ["article_id"], wanted)["article_id"].to_pylist())
    shown = stage.table("articles", tables.ARTICLES, _SHOWN, wanted).to_pylist()
    articles = [{**article, "chunks": chunks_of[article["article_id"]]} for article in shown]
    pushed = pushing.push(pipeline.campaign(config), chunks, articles, known, dry_run=dry_run, progress=progress)
    if not dry_run:
        rejects = tables.build(pushed.rejects, tables.REJECTS)
        write_table(config.dataset_folder / "push-rejects.parquet", rejects)
    return pushed


def _with_known_answers(config: Config, stage: Stage) -> tuple[list[Mapping[str, Any]], frozenset[str]]:
    """The selected chunks with gold questions among them, and the chunk ids of the gold questions."""
    selected = stage.table("selected", tables.CHUNKS).to_pylist()
    if not config.quality.questions:
        return selected, frozenset()
    table = stage.table("chunks", tables.CHUNKS, ["chunk_id", "article_id", "start", "end"])
    known = known_by_chunk(read_known_answers(Path(config.quality.questions), config.labels), table)
    if not known:
        raise SourceError(
            f"No gold question in {config.quality.questions} matches a chunk.",
            "After changing the chunking, update article_id, start and end.",
        )
    others = sum(chunk["chunk_id"] not in known for chunk in selected)
    asked = frozenset(list(known)[: number_due(others, config.quality.question_rate)])
    rest = [chunk for chunk in selected if chunk["chunk_id"] not in asked]
    questions = stage.table("chunks", tables.CHUNKS, rows=pc.field("chunk_id").isin(list(asked)))
    return spread_among(rest, questions.to_pylist()), asked


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


@dataclass(frozen=True)
class Review:
    """Chunks that are open, how many an expert decided, and what was sent to the review project."""

    open: list[str]
    decided: int = 0
    sent: pushing.PushedProject | None = None


@working
def review(config: Config, *, dry_run: bool = False, progress: Progress = silent) -> Review:
    """What annotators could not settle is in front of an expert, whose decisions the next pull brings back."""
    checked, gold = pipeline.checked(config, progress), pipeline.gold(config, progress)
    annotations = checked.table("annotations", tables.ANNOTATIONS)
    cases = review_cases(
        annotations,
        checked.table("spans", tables.SPANS),
        checked.table("answers", tables.ANSWERS),
        checked.table("issues", tables.ISSUES),
        gold.table("gold_spans", tables.GOLD_SPANS),
        gold.table("gold_answers", tables.GOLD_ANSWERS),
        checked.table("windows", tables.WINDOWS),
        config.labels,
    )
    sent = None
    if cases and not dry_run:
        tasks = tasks_by_chunk(pipeline.chosen_pull(config).folder)
        sent = send_review(pipeline.campaign(config), cases, tasks, progress=progress)
    return Review([case.chunk_id for case in cases], len(reviewed_chunks(annotations)), sent)


def show_review(result: Review) -> Shown:
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
    if which not in _REASONS and not Path(which).is_file():
        hint = f"Give {', '.join(_REASONS)}, or a file."
        raise ConfigError(f"{which} is no reason to reopen chunks, and no file.", hint)
    checked, found = pipeline.checked(config, progress), pipeline.chosen_pull(config)
    table = voting_unreviewed(checked.table("annotations", tables.ANNOTATIONS), quarantined=True)
    if which == "missing":
        issues = checked.table("issues", tables.ISSUES)
        lacking = issues.filter(pc.equal(issues["check"], "missing-answer"))["annotation_id"]
        table = table.filter(pc.is_in(table["annotation_id"], lacking.combine_chunks()))
    elif which == "quarantined":
        table = table.filter(table["quarantined"])
    elif which != "all":
        chunks = pa.array(Path(which).read_text(encoding="utf-8").split(), pa.string())
        table = table.filter(pc.is_in(table["chunk_id"], chunks))
    campaign = pipeline.campaign(config)
    names = {pseudonym(found.key, person.email, found.given): person.name for person in campaign.people}
    chosen: dict[str, list[str]] = {}
    for annotation, annotator in tables.rows_of(table, "annotation_id", "annotator"):
        chosen.setdefault(names.get(annotator, ""), []).append(annotation)
    return reviewing.reopen(campaign, found.folder, chosen, dry_run=dry_run, progress=progress)


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
    open: contextlib.ExitStack | None = field(default=None, repr=False)
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
