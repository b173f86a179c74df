"""`builder prepare`: from raw files to articles, chunks and the chunks to annotate."""

from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from builder.commands import Shown, right, table_of
from builder.config import Config
from builder.errors import StoreError
from builder.stage import Progress, Stage, silent


@dataclass(frozen=True)
class Prepared(Stage):
    """The stage; `new` counts its chunks that the one before it did not have, `gone` those that it has no more."""

    new: int = 0
    gone: int = 0


def prepare(config: Config, *, progress: Progress = silent) -> Prepared:
    """Read, clean, de-duplicate and chunk the raw articles

    The stage has the tables articles, chunks, selected and rejects, and counts as its summary. Raises `SourceError`
    when there is nothing to read or nothing readable.
    """
    from builder import pipeline

    before = pipeline.stages(config).latest("prepare")
    found = pipeline.prepared(config, progress)
    new, gone = 0, 0
    if before is not None and before.key != found.key:
        with suppress(StoreError):  # a damaged stage that is used no more is nothing to stop for
            new, gone = pipeline.chunk_changes(before, found)
    return Prepared(**vars(found), new=new, gone=gone)


def plain(result: Prepared) -> dict[str, Any]:
    """The summary, with the changes since the stage before."""
    return result.summary | {"new": result.new, "gone": result.gone}


def show(result: Prepared) -> Shown:
    """The counts, and what needs attention."""
    summary = result.summary
    table = table_of("Articles and chunks", "what", right("number"))
    for name in ("files", "records", "articles", "kept", "chunks", "selected"):
        table.add_row(name, f"{summary[name]:,}")
    shown = {"encoding": "encodings", "language": "languages", "rejected": "rejected", "unused": "unused_fields"}
    for what, group in shown.items():
        for name, number in summary[group].items():
            table.add_row(f"{what}: {name}", f"{number:,}")
    yield table
    if result.new or result.gone:
        yield f"prepare: {result.new:,} chunks are new and {result.gone:,} are gone; all others kept their ids."
    if summary["unmatched"]:
        yield f"prepare: no chunk mentions {', '.join(summary['unmatched'])}."
    if not summary["selected"]:
        yield "prepare: no chunk is selected, so there is nothing to annotate. Change the settings of selection."
