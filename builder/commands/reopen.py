"""`builder reopen`: chunks are back with their annotators, who find what they said before filled in."""

from typing import TYPE_CHECKING, Annotated

from builder.commands import Shown
from builder.config import Config
from builder.errors import ConfigError
from builder.stage import Progress, silent

if TYPE_CHECKING:
    from builder.studio.reopening import Reopened

REASONS = ("missing", "quarantined", "all")


def reopen(
    config: Config,
    which: str,
    *,
    dry_run: Annotated[bool, "say what would be sent, and do nothing"] = False,
    progress: Progress = silent,
) -> "Reopened":
    """Send chunks back to their annotators, with their earlier answers filled in

    `which` is `missing` (a question of the scheme has no answer, as after a target was added), `quarantined`, `all`
    (as after the guidelines changed), or the path of a file with a chunk id per line. What annotators submit then
    replaces what they said before. Raises `ConfigError` when `which` is none of these.
    """
    from pathlib import Path

    import pyarrow as pa
    import pyarrow.compute as pc

    from builder import pipeline
    from builder.quality.votes import latest_own
    from builder.questions.decode import pseudonym
    from builder.studio.reopening import reopen as reopen_chunks
    from builder.tables import ANNOTATIONS, ISSUES, rows_of

    if which not in REASONS and not Path(which).is_file():
        hint = f"Give {', '.join(REASONS)}, or a file."
        raise ConfigError(f"{which} is no reason to reopen chunks, and no file.", hint)
    checked, pull = pipeline.checked(config, progress), pipeline.chosen_pull(config)
    table = latest_own(checked.table("annotations", ANNOTATIONS))
    if which == "missing":
        issues = checked.table("issues", ISSUES)
        lacking = issues.filter(pc.equal(issues["check"], "missing-answer"))["annotation_id"]
        table = table.filter(pc.is_in(table["annotation_id"], lacking.combine_chunks()))
    elif which == "quarantined":
        table = table.filter(table["quarantined"])
    elif which != "all":
        chunks = pa.array(Path(which).read_text(encoding="utf-8").split(), pa.string())
        table = table.filter(pc.is_in(table["chunk_id"], chunks))
    campaign = pipeline.campaign(config)
    names = {pseudonym(pull.key, person.email): person.name for person in campaign.people}
    chosen: dict[str, list[str]] = {}
    for annotation, annotator in rows_of(table, "annotation_id", "annotator"):
        chosen.setdefault(names.get(annotator, ""), []).append(annotation)
    return reopen_chunks(campaign, pull.folder, chosen, dry_run=dry_run, progress=progress)


def show(result: "Reopened") -> Shown:
    """How many chunks went back to whom, and where."""
    for name, count in sorted(result.sent.items()):
        yield f"reopen {name}: {count} chunks sent back, {result.open[name]} open since before"
    for row in result.projects:
        yield f"Label ({row.slot}) at {row.url}"
    if result.nobody:
        yield f"reopen: {result.nobody} annotations are by people who are not among the annotators."
    if not result.sent:
        yield "reopen: nothing to send back."
