"""`builder review`: what annotators could not settle is in front of an expert, exactly once."""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Annotated

from builder.commands import Shown
from builder.config import Config
from builder.stage import Progress, silent

if TYPE_CHECKING:
    from builder.studio.push import PushedProject


@dataclass(frozen=True)
class Review:
    """Chunks that are open, how many an expert decided, and what was sent to the review project."""

    open: list[str] = field(default_factory=list)
    decided: int = 0
    sent: "PushedProject | None" = None


def review(
    config: Config,
    *,
    dry_run: Annotated[bool, "say which chunks would be sent, and do nothing"] = False,
    progress: Progress = silent,
) -> Review:
    """Send unresolved and quarantined chunks to an expert, whose decisions the next pull brings back"""
    from builder import pipeline
    from builder.quality.review_cases import review_cases
    from builder.quality.votes import reviewed_chunks
    from builder.studio.pulls import tasks_by_chunk
    from builder.studio.review import send_review
    from builder.tables import ANNOTATIONS, ANSWERS, GOLD_ANSWERS, GOLD_SPANS, ISSUES, SPANS, WINDOWS

    checked, gold = pipeline.checked(config, progress), pipeline.gold(config, progress)
    annotations = checked.table("annotations", ANNOTATIONS)
    cases = review_cases(
        annotations,
        checked.table("spans", SPANS),
        checked.table("answers", ANSWERS),
        checked.table("issues", ISSUES),
        gold.table("gold_spans", GOLD_SPANS),
        gold.table("gold_answers", GOLD_ANSWERS),
        checked.table("windows", WINDOWS),
        config.labels,
    )
    sent = None
    if cases and not dry_run:
        tasks = tasks_by_chunk(pipeline.chosen_pull(config).folder)
        sent = send_review(pipeline.campaign(config), cases, tasks, progress=progress)
    return Review([case.chunk_id for case in cases], len(reviewed_chunks(annotations)), sent)


def show(result: Review) -> Shown:
    """How many chunks are open and where they are decided."""
    if not result.open:
        yield f"review: nothing is open; {result.decided} chunks were decided by an expert."
    elif result.sent is None:
        yield f"review: {len(result.open)} chunks are open; without --dry-run they would be sent to the expert."
    else:
        yield (
            f"review: {len(result.open)} chunks are open, {result.sent.imported} new in the review project; "
            f"{result.decided} were decided.  {result.sent.url}"
        )
