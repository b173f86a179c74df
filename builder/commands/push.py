"""`builder push`: every selected chunk is a task in Label Studio, exactly once."""

from typing import TYPE_CHECKING, Annotated, Any

from builder.commands import Shown
from builder.config import Config
from builder.errors import SourceError
from builder.stage import Progress, Stage, silent

if TYPE_CHECKING:
    from builder.studio.push import PreviewedProject, Pushed

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


def push(
    config: Config,
    *,
    dry_run: Annotated[bool, "say what would be done, and do nothing"] = False,
    progress: Progress = silent,
) -> "Pushed":
    """Put the selected chunks into Label Studio, each exactly once

    Recorded annotators have submitted their labels afterwards. Chunks that Label Studio cannot store are in the table
    `push-rejects.parquet` of the dataset's workspace folder.
    """
    from builder import pipeline, tables
    from builder.store import write_table
    from builder.studio.push import push as push_chunks

    stage = pipeline.prepared(config, progress)
    chunks, known = _with_known_answers(config, stage)
    articles = stage.table("articles", tables.ARTICLES).to_pylist()
    pushed = push_chunks(pipeline.campaign(config), chunks, articles, known, dry_run=dry_run, progress=progress)
    if not dry_run:
        rejects = tables.build(pushed.rejects, tables.REJECTS)
        write_table(config.dataset_folder / "push-rejects.parquet", rejects)
    return pushed


def _with_known_answers(config: Config, stage: Stage) -> tuple[list[dict[str, Any]], frozenset[str]]:
    """The selected chunks with gold questions among them, and the chunk ids of the gold questions."""
    from pathlib import Path

    from builder import tables
    from builder.quality.known_answers import known_by_chunk, number_due, read_known_answers, spread_among

    selected = stage.table("selected", tables.CHUNKS).to_pylist()
    if not config.quality.questions:
        return selected, frozenset()
    table = stage.table("chunks", tables.CHUNKS)
    known = known_by_chunk(read_known_answers(Path(config.quality.questions), config.labels), table)
    if not known:
        raise SourceError(
            f"No gold question in {config.quality.questions} matches a chunk.",
            "After changing the chunking, update article_id, start and end.",
        )
    others = sum(chunk["chunk_id"] not in known for chunk in selected)
    asked = frozenset(list(known)[: number_due(others, config.quality.question_rate)])
    mixed = spread_among(
        [chunk for chunk in selected if chunk["chunk_id"] not in asked],
        [chunk for chunk in table.to_pylist() if chunk["chunk_id"] in asked],
    )
    return [dict(chunk) for chunk in mixed], asked


def show(result: "Pushed") -> Shown:
    """What was done, or would be, in each project."""
    done: list[tuple[Any, str, list[str]]] = [(row, f"{row.imported} imported", []) for row in result.projects]
    done += [(row, f"{row.to_import} to import", _scheme_changes(row)) for row in result.previews]
    for row, what, changes in done:
        yield (
            f"push {row.slot}: {row.planned} planned, {row.present} there, {what}, "
            f"{row.unplanned} not selected any more  {row.url or '(new project)'}"
        )
        rare = [f"{getattr(row, key)} {words}" for key, words in _RARE.items() if getattr(row, key, 0)]
        for words in [*changes, *([f"{', '.join(rare)}."] if rare else [])]:
            yield f"push {row.slot}: {words}"
    for name, saved in result.recorded.items():
        yield f"annotated as {name}: {saved.saved} saved, {saved.there} there"
    if result.rejects:
        yield f"push: Label Studio cannot store {len(result.rejects)} chunks; the reasons are in push-rejects.parquet."


def _scheme_changes(row: "PreviewedProject") -> list[str]:
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
