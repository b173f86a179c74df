"""`builder prepare`: from raw files to articles, chunks and the chunks to annotate."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from builder.config import Config
from builder.stage import Progress, Stage, silent

if TYPE_CHECKING:
    from rich.console import Console

    from builder.corpus.prepare import Summary


@dataclass(frozen=True)
class Prepared:
    """The tables articles, chunks, selected and rejects (`stage.table(name)`), and their counts."""

    stage: Stage
    summary: "Summary"


def prepare(config: Config, *, progress: Progress = silent) -> Prepared:
    """Read, clean, de-duplicate and chunk the raw articles

    Raises `SourceError` when there is nothing to read or nothing readable.
    """
    import msgspec

    from builder import pipeline
    from builder.corpus.prepare import Summary

    stage = pipeline.prepared(config, progress)
    return Prepared(stage, msgspec.convert(stage.summary, Summary))


def show(result: Prepared, console: "Console") -> None:
    """Prints the counts."""
    from rich.table import Table

    table = Table(title="prepare", show_header=False, title_justify="left")
    table.add_column()
    table.add_column(justify="right")
    for name in ("files", "records", "articles", "kept", "chunks", "selected"):
        table.add_row(name, f"{getattr(result.summary, name):,}")
    for what, rows in (("rejected", result.summary.rejected), ("unused", result.summary.unused_fields)):
        for reason, number in rows.items():
            table.add_row(f"{what}: {reason}", f"{number:,}")
    console.print(table)
