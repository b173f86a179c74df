"""`builder prepare`: from raw files to articles, chunks and the chunks to annotate."""

from typing import TYPE_CHECKING

from builder.config import Config
from builder.stage import Progress, Stage, silent

if TYPE_CHECKING:
    from rich.console import Console


def prepare(config: Config, *, progress: Progress = silent) -> Stage:
    """Read, clean, de-duplicate and chunk the raw articles

    The stage has the tables articles, chunks, selected and rejects, and counts as its summary. Raises `SourceError`
    when there is nothing to read or nothing readable.
    """
    from builder import pipeline

    return pipeline.prepared(config, progress)


def show(result: Stage, console: "Console") -> None:
    """Prints the counts."""
    from rich.table import Table

    table = Table(title="prepare", show_header=False, title_justify="left")
    table.add_column()
    table.add_column(justify="right")
    summary = result.summary
    for name in ("files", "records", "articles", "kept", "chunks", "selected"):
        table.add_row(name, f"{summary[name]:,}")
    for what, rows in (("rejected", summary["rejected"]), ("unused", summary["unused_fields"])):
        for reason, number in rows.items():
            table.add_row(f"{what}: {reason}", f"{number:,}")
    console.print(table)
