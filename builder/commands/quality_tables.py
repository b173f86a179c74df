"""What people see of validation and adjudication: tables on the console."""

from rich.box import SIMPLE
from rich.console import Console
from rich.table import Column, Table
from rich.text import Text

from builder.quality.adjudication.adjudicate import AdjudicationSummary
from builder.quality.agreement.report import AgreementReport
from builder.quality.validate import ValidationSummary


def show_validation(console: Console, summary: ValidationSummary, agreement: AgreementReport) -> None:
    """Prints what was found, how far annotators agree, who did what, and the gates."""
    rows = summary.rows
    console.print(
        f"validate: {rows['annotations']} annotations, {rows['spans']} spans, {rows['answers']} answers; "
        f"{rows['issues']} issues, {summary.quarantined} annotations in quarantine",
    )
    if summary.issues:
        table = _table("Checks", "check", "severity", _right("findings"), "the first of them")
        for found in summary.issues:
            where = f" (chunk {found.chunk_id})" if found.chunk_id else f" ({found.annotator})"
            table.add_row(found.check, found.severity, str(found.count), Text(found.message + where))
        console.print(table)
    _agreement(console, agreement)
    _annotators(console, agreement)
    if summary.gates:
        table = _table("Gates", "gate", "needed", "holds", "found")
        for verdict in summary.gates:
            table.add_row(verdict.gate, f"{verdict.needed:g}", "yes" if verdict.holds else "NO", verdict.message)
        console.print(table)


def show_adjudication(console: Console, summary: AdjudicationSummary) -> None:
    """Prints how many gold labels have which status."""
    statuses = ("agreed", "adjudicated", "expert", "unresolved", "rejected")
    table = _table(f"Gold of {summary.chunks} chunks by {summary.method}", "gold", *map(_right, statuses))
    for name, counts in (("gold answers", summary.gold_answers), ("gold spans", summary.gold_spans)):
        table.add_row(name, *(str(counts.get(status, 0)) for status in statuses))
    console.print(table)
    if summary.without_votes:
        console.print(f"adjudicate: {summary.without_votes} chunks have no annotation that counts.")


def _agreement(console: Console, agreement: AgreementReport) -> None:
    for question, answers in agreement.answers.items():
        if not answers.targets:
            continue
        names = ("observed", "cohen", "fleiss", "alpha")
        heads = [_right(name) for name in ("items", *names)]
        table = _table(f"Agreement on {question}", "target", *heads, "interval of alpha")
        rows = [(target or question, one) for target, one in answers.targets.items()]
        for target, one in [*rows, *([("all targets", answers.overall)] if len(rows) > 1 else [])]:
            bounds = one.alpha_interval
            shown = f"{bounds[0]:.3f} to {bounds[1]:.3f}" if bounds else ""
            table.add_row(target, str(one.items), *(_number(getattr(one, n)) for n in names), shown)
        console.print(table)
    if agreement.spans:
        measures = ("exact_f1", "partial_f1", "token_alpha")
        table = _table("Span agreement", "spans", _right("compared"), *map(_right, measures))
        for kind, found in agreement.spans.items():
            labels = list(found.labels.items())
            for label, span in [*labels, *([(f"all of {kind}", found.overall)] if len(labels) > 1 else [])]:
                table.add_row(label, str(span.compared), *(_number(getattr(span, n)) for n in measures))
        console.print(table)


def _annotators(console: Console, agreement: AgreementReport) -> None:
    questions = list(agreement.answers)
    heads = ("done", "empty", "skip", "quar.", "cover", "sec", *questions, "F1", "gold q.")
    table = Table(
        Column("annotator", no_wrap=True),
        *map(_right, heads),
        title="Annotators",
        padding=(0, 1, 0, 0),
        title_justify="left",
        box=SIMPLE,
        pad_edge=False,
    )
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
    console.print(table)
    asked = "".join(f"{question}, " for question in questions)
    console.print(
        f"sec: median time; {asked}F1: agreement with the others; gold q.: accuracy on gold questions", style="dim"
    )


def _table(title: str, *columns: str | Column) -> Table:
    return Table(*columns, title=title, title_justify="left", box=SIMPLE, pad_edge=False)


def _right(name: str) -> Column:
    return Column(name, justify="right")


def _number(value: float | None, digits: int = 3) -> str:
    return "" if value is None else f"{value:.{digits}f}"
