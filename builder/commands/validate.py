"""`builder validate`: checked annotations, agreement between annotators, and the verdicts of the gates."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from builder.config import Config
from builder.errors import GateError
from builder.stage import Progress, Stage, silent

if TYPE_CHECKING:
    from rich.console import Console

    from builder.quality.agreement.report import AgreementReport
    from builder.quality.validate import ValidationSummary


@dataclass(frozen=True)
class Validation:
    """The tables annotations, spans, answers, issues and windows (`stage.table(name)`), and what they say."""

    stage: Stage
    summary: "ValidationSummary"
    agreement: "AgreementReport"


def validate(config: Config, *, progress: Progress = silent) -> Validation:
    """Decode the latest pull, check every label and measure agreement

    Raises `GateError` when a gate does not hold, with the validation as its `result`; `StoreError` when nothing was
    pulled; `ConfigError` when the pull was annotated under other labels.
    """
    from builder import pipeline

    result = read(pipeline.checked(config, progress))
    if below := pipeline.gates(result.stage):
        raise GateError(
            f"Below the quality gates: {below}.",
            f"See {result.stage.folder}, run `builder review`, or change quality.gates.",
            result,
        )
    return result


def read(stage: Stage) -> Validation:
    """The validation that a stage holds."""
    import msgspec

    from builder.quality.agreement.report import AgreementReport
    from builder.quality.validate import ValidationSummary

    summary = {name: value for name, value in stage.summary.items() if name != "pull"}
    return Validation(
        stage, msgspec.convert(summary, ValidationSummary), msgspec.convert(stage.json("agreement"), AgreementReport)
    )


def show(result: Validation, console: "Console") -> None:
    """Prints findings, agreement, annotators and gates."""
    from builder.commands.quality_tables import show_validation

    show_validation(console, result.summary, result.agreement)
