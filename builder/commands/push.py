"""`builder push`: every selected chunk is a task in Label Studio, exactly once."""

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from builder.commands.campaign import campaign_of, shown
from builder.config import Config
from builder.errors import SourceError
from builder.store import read_table, write_table

if TYPE_CHECKING:
    from rich.console import Console

#: What a push finds or does now and then in a project, in words.
_RARE = {
    "results_rewritten": "annotations, drafts and suggestions renamed",
    "duplicates_removed": "duplicate tasks removed",
    "annotations_moved": "annotations moved from duplicates",
    "duplicates_left": "duplicate tasks left because they hold a draft, or annotations of another text",
    "predictions_repaired": "tasks given the suggestions that the server had dropped",
    "unplanned_annotated": "annotated tasks whose chunk is not selected any more",
    "foreign": "tasks of others left alone",
}


def push(config: Config, console: "Console", *, dry_run: bool = False) -> dict[str, Any]:
    """The projects of the dataset hold the selected chunks; recorded annotators have submitted their labels.

    With `dry_run` nothing is changed on the server, and the summary says what would be. What cannot be stored is in
    the table `rejects` of the stage `push`.
    """
    from builder import tables
    from builder.studio.push import push as push_to

    prepared = config.stage("prepare")
    chunks = read_table(prepared.table("selected"), tables.CHUNKS, "prepare").to_pylist()
    articles = read_table(prepared.table("articles"), tables.ARTICLES, "prepare").to_pylist()
    if not prepared.fingerprint():
        raise SourceError("The stage prepare was not finished.", "Run `builder prepare` again.")
    chunks, known = _with_questions(config, chunks)
    with shown(console) as progress:
        pushed = push_to(campaign_of(config), chunks, articles, known, dry_run=dry_run, progress=progress)
    summary: dict[str, Any] = {"server": pushed.server, "version": pushed.version, "rejected": len(pushed.rejects)}
    if dry_run:
        summary |= {"dry_run": True, "projects": [asdict(row) for row in pushed.previews]}
    else:
        write_table(config.stage("push").table("rejects"), tables.build(pushed.rejects, tables.REJECTS))
        summary["projects"] = [asdict(row) for row in pushed.projects]
        if pushed.recorded:
            summary["recorded"] = {name: asdict(row) for name, row in pushed.recorded.items()}
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


def _show(console: "Console", summary: dict[str, Any]) -> None:
    for row in summary["projects"]:
        what = f"{row['to_import']} to import" if summary.get("dry_run") else f"{row['imported']} imported"
        console.print(
            f"push {row['slot']}: {row['planned']} planned, {row['present']} there, {what}, "
            f"{row['unplanned']} not selected any more  {row['url'] or '(new project)'}",
            soft_wrap=True,
        )
        for words in _scheme_changes(row):
            console.print(f"push {row['slot']}: {words}", soft_wrap=True)
        if rare := [f"{row[key]} {words}" for key, words in _RARE.items() if row.get(key)]:
            console.print(f"push {row['slot']}: {', '.join(rare)}.", soft_wrap=True)
    for name, row in summary.get("recorded", {}).items():
        console.print(f"annotated as {name}: {row['saved']} saved, {row['there']} there")
    if summary["rejected"]:
        console.print(f"push: {summary['rejected']} chunks cannot be stored by Label Studio; see the rejects table.")


def _scheme_changes(row: dict[str, Any]) -> list[str]:
    """What a push would do about a changed scheme, in words."""
    words, would = [], row.get("scheme", {})
    if would.get("additions"):
        words.append(f"the scheme would add {', '.join(would['additions'])}.")
    for kind, names in would.get("renames", {}).items():
        renames = ", ".join(f"{before} to {now}" for before, now in names.items())
        words.append(f"annotations, drafts and suggestions would be renamed, {kind} {renames}.")
    if would.get("removals"):
        verdict = "which would be refused, for there are annotations or drafts" if row["refused"] else "still unused"
        words.append(f"the scheme would drop {', '.join(would['removals'])}, {verdict}.")
    return words
