"""`builder adjudicate`: from checked annotations to one gold label each."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from builder.config import Config
from builder.stage import Progress, Stage, silent

if TYPE_CHECKING:
    from rich.console import Console

    from builder.quality.adjudication.adjudicate import AdjudicationSummary


@dataclass(frozen=True)
class Adjudication:
    """The tables gold_spans and gold_answers (`stage.table(name)`), and their counts by status."""

    stage: Stage
    summary: "AdjudicationSummary"


def adjudicate(config: Config, *, progress: Progress = silent) -> Adjudication:
    """Decide one gold label from the annotators' labels

    The gate on unresolved labels is part of the summary; `export` holds it. Raises `StoreError` when nothing was pulled.
    """
    from builder import pipeline

    return read(pipeline.gold(config, progress))


def read(stage: Stage) -> Adjudication:
    """The adjudication that a stage holds."""
    import msgspec

    from builder.quality.adjudication.adjudicate import AdjudicationSummary

    return Adjudication(stage, msgspec.convert(stage.summary, AdjudicationSummary))


def show(result: Adjudication, console: "Console") -> None:
    """Prints gold labels by status."""
    from builder.commands.quality_tables import show_adjudication

    show_adjudication(console, result.summary)
