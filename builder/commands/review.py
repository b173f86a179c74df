"""`builder review`: what annotators could not settle is in front of an expert, exactly once."""

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from builder.commands.campaign import campaign_of, shown
from builder.errors import StoreError
from builder.store import read_table

if TYPE_CHECKING:
    from rich.console import Console

    from builder.config import Config
    from builder.quality.cases import Case


def review(config: "Config", console: "Console", *, dry_run: bool = False) -> dict[str, Any]:
    """The review project holds every chunk with something unresolved or in quarantine, with all that was said.

    What an expert submits there comes back with the next pull, validation and adjudication. With `dry_run` nothing is
    changed on the server. Raises `StoreError` when nothing was validated.
    """
    from builder.commands.adjudicate import adjudicate

    adjudicate(config, console)
    open_cases = _cases(config)
    summary: dict[str, Any] = {"open": len(open_cases), "decided": _decided(config), "dry_run": dry_run}
    if dry_run:
        summary["chunks"] = [case.chunk_id for case in open_cases]
    elif open_cases:
        from builder.studio.review import send_review

        with shown(console) as progress:
            sent = send_review(campaign_of(config), open_cases, _tasks(config), progress=progress)
        summary |= asdict(sent)
    if not open_cases:
        console.print(f"review: nothing is open; {summary['decided']} chunks were decided by an expert.")
    elif dry_run:
        console.print(f"review: {len(open_cases)} chunks are open; without --dry-run they would be sent to the expert.")
    else:
        console.print(
            f"review: {summary['open']} chunks are open, {summary['imported']} new in the review project; "
            f"{summary['decided']} were decided.  {summary['url']}",
            soft_wrap=True,
        )
    return summary


def _cases(config: "Config") -> "list[Case]":
    from builder.quality.cases import cases
    from builder.tables import ANNOTATIONS, ANSWERS, GOLD_ANSWERS, GOLD_SPANS, ISSUES, SPANS, WINDOWS

    checked, decided = config.stage("validate"), config.stage("adjudicate")
    schemas = {"annotations": ANNOTATIONS, "spans": SPANS, "answers": ANSWERS, "issues": ISSUES}
    said = {name: read_table(checked.table(name), schema, "validate") for name, schema in schemas.items()}
    gold_spans = read_table(decided.table("gold_spans"), GOLD_SPANS, "adjudicate")
    gold_answers = read_table(decided.table("gold_answers"), GOLD_ANSWERS, "adjudicate")
    windows = read_table(checked.table("windows"), WINDOWS, "validate")
    return cases(
        said["annotations"], said["spans"], said["answers"], said["issues"],
        gold_spans, gold_answers, windows, config.labels,
    )  # fmt: skip


def _decided(config: "Config") -> int:
    import pyarrow.compute as pc

    from builder.quality.votes import voting
    from builder.tables import ANNOTATIONS

    voters = voting(read_table(config.stage("validate").table("annotations"), ANNOTATIONS, "validate"))
    return len(voters.filter(pc.field("review"))["chunk_id"].unique())


def _tasks(config: "Config") -> dict[str, dict[str, Any]]:
    """The annotators' task data by chunk id, from the latest pull."""
    import json

    from builder.commands.validate import latest_pull

    pull, folder = latest_pull(config)
    if (config.stage("validate").summary() or {}).get("pull") != pull:
        raise StoreError("There is a newer pull than the validation.", "Run `builder validate` first.")
    tasks: dict[str, dict[str, Any]] = {}
    with (folder / "tasks.jsonl").open(encoding="utf-8", newline="\n") as lines:
        for line in lines:
            data = json.loads(line)["data"]
            if "chunk_id" in data and "review_of" not in data:
                tasks[data["chunk_id"]] = data
    return tasks
