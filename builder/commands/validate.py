"""`builder validate`: checked annotations, agreement between annotators, and the verdicts of the gates."""

from typing import TYPE_CHECKING, Annotated

from builder.commands import Shown, right, table_of
from builder.config import Config
from builder.errors import ConfigError, GateError
from builder.stage import Progress, Stage, silent

if TYPE_CHECKING:
    from builder.quality.agreement import AgreementReport


def validate(
    config: Config,
    *,
    card: Annotated[bool, "first name what the card of a release needs people to say"] = False,
    progress: Progress = silent,
) -> Stage:
    """Decode the latest pull, check every label and measure agreement

    The stage has the tables annotations, spans, answers, issues and windows, and agreement.json. Raises `GateError`
    when a gate does not hold, with the stage as its `result`; `StoreError` when nothing was pulled; `ConfigError`
    when the pull was annotated under other labels, or `card` finds a setting of `dataset` empty.
    """
    from builder import pipeline
    from builder.release.settings import unstated

    if card and (missing := unstated(config.dataset)):
        raise ConfigError.of(missing)
    stage = pipeline.checked(config, progress)
    if (below := pipeline.gates(stage)) and not config.export.below_gates:
        hint = f"See {stage.folder}, run `builder review`, or change quality.gates."
        raise GateError(f"Below the quality gates: {below}.", hint, stage)
    return stage


def show(result: Stage) -> Shown:
    """Findings, agreement, annotators and gates."""
    import msgspec
    from rich.text import Text

    from builder.quality.agreement import AgreementReport
    from builder.quality.validate import ValidationSummary

    summary = msgspec.convert({k: v for k, v in result.summary.items() if k != "pull"}, ValidationSummary)
    agreement = msgspec.convert(result.json("agreement"), AgreementReport)
    rows = summary.rows
    yield (
        f"validate: {rows['annotations']} annotations, {rows['spans']} spans, {rows['answers']} answers; "
        f"{rows['issues']} issues, {summary.quarantined} annotations in quarantine"
    )
    if summary.issues:
        table = table_of("Checks", "check", "severity", right("findings"), "the first of them")
        for found in summary.issues:
            where = f" (chunk {found.chunk_id})" if found.chunk_id else f" ({found.annotator})"
            table.add_row(found.check, found.severity, str(found.count), Text(found.message + where))
        yield table
    yield from _agreement_tables(agreement)
    yield from _annotators_table(agreement)
    if summary.gates:
        table = table_of("Gates", "gate", "needed", "holds", "found")
        for verdict in summary.gates:
            table.add_row(verdict.gate, f"{verdict.needed:g}", "yes" if verdict.holds else "NO", verdict.message)
        yield table


def _agreement_tables(agreement: "AgreementReport") -> Shown:
    for question, answers in agreement.answers.items():
        if not answers.targets:
            continue
        names = ("observed", "cohen", "fleiss", "alpha")
        heads = [right(name) for name in ("items", *names)]
        table = table_of(f"Agreement on {question}", "target", *heads, "interval of alpha")
        rows = [(target or question, one) for target, one in answers.targets.items()]
        for target, one in [*rows, *([("all targets", answers.overall)] if len(rows) > 1 else [])]:
            bounds = one.alpha_interval
            shown = f"{bounds[0]:.3f} to {bounds[1]:.3f}" if bounds else ""
            table.add_row(target, str(one.items), *(_number(getattr(one, n)) for n in names), shown)
        yield table
    if agreement.spans:
        measures = ("exact_f1", "partial_f1", "token_alpha")
        table = table_of("Span agreement", "spans", right("compared"), *map(right, measures))
        for kind, found in agreement.spans.items():
            labels = list(found.labels.items())
            for label, span in [*labels, *([(f"all of {kind}", found.overall)] if len(labels) > 1 else [])]:
                table.add_row(label, str(span.compared), *(_number(getattr(span, n)) for n in measures))
        yield table


def _annotators_table(agreement: "AgreementReport") -> Shown:
    questions = list(agreement.answers)
    heads = ("done", "empty", "skip", "quar.", "cover", "sec", *questions, "F1", "gold q.")
    table = table_of("Annotators", "annotator", *map(right, heads))
    table.padding = (0, 1, 0, 0)
    for name, found in agreement.annotators.items():
        known = agreement.known_answers.get(name)
        table.add_row(
            name,
            *map(str, (found.labelled, found.empty, found.skipped, found.quarantined)),
            _number(found.coverage, 2),
            _number(found.seconds[1] if found.seconds else None, 1),
            *(_number(found.answers[question].agreement, 2) for question in questions),
            _number(found.span_f1, 2),
            _number(known.accuracy if known else None, 2),
        )
    yield table
    asked = "".join(f"{question}, " for question in questions)
    yield f"sec: median time; {asked}F1: agreement with the others; gold q.: accuracy on gold questions"
    believed = {about: found.annotators for about, found in agreement.answers.items()}
    believed |= {about: found.annotators for about, found in agreement.spans.items()}
    for about, models in believed.items():
        yield from (f"{name} on {about}: {model.words}." for name, model in models.items())


def _number(value: float | None, digits: int = 3) -> str:
    return "" if value is None else f"{value:.{digits}f}"
