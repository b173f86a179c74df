"""What commands show on a terminal: lines and tables, such as those of agreement."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    from rich.table import Table

    from builder.quality.agreement import AgreementReport

#: Lines and tables, in order.
Shown: TypeAlias = "Iterator[str | Table]"


def table_of(title: str, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> "Table":
    """A table for the terminal. The names of columns of numbers, which are at the right, begin with ">"."""
    from rich.box import SIMPLE
    from rich.table import Table

    table = Table(title=title, title_justify="left", box=SIMPLE, pad_edge=False, padding=(0, 1, 0, 0))
    for name in columns:
        table.add_column(name.lstrip(">"), justify="right" if name.startswith(">") else "left")
    for row in rows:
        table.add_row(*map(str, row))
    return table


def agreement_shown(agreement: "AgreementReport") -> Shown:
    """How far annotators agree on each question and kind of span, how well votes are predicted, and each annotator."""
    yield from _agreement(agreement)
    yield from _calibration(agreement)
    yield from _annotators(agreement)


def _agreement(agreement: "AgreementReport") -> Shown:
    measures = ("items", "observed", "cohen", "fleiss", "alpha", "alpha_interval")
    for question, answers in agreement.answers.items():
        targets = {target or question: found for target, found in answers.targets.items()}
        yield from _figures(f"Agreement on {question}", measures, targets, {"all targets": answers.overall})
    of_spans: dict[str, Any] = {}
    for kind, found in agreement.spans.items():
        of_spans |= found.labels | ({f"all of {kind}": found.overall} if len(found.labels) > 1 else {})
    yield from _figures("Span agreement", ("compared", "exact_f1", "partial_f1", "token_alpha"), of_spans)


def _figures(title: str, names: Sequence[str], found: dict[str, Any], overall: Mapping[str, Any] = {}) -> Shown:
    """A table with a row per entry and a column per figure; without entries there is none."""
    rows = {**found, **overall} if len(found) > 1 else found
    if rows:
        figures = [(about, *(_number(getattr(one, name)) for name in names)) for about, one in rows.items()]
        yield table_of(title, ("", *(f">{name.replace('_', ' ')}" for name in names)), figures)


def _calibration(agreement: "AgreementReport") -> Shown:
    rows = []
    parts = {about: answers.parts for about, answers in agreement.answers.items()}
    parts |= {kind: spans.parts for kind, spans in agreement.spans.items()}
    for about, found in parts.items():
        for method, measured in found.calibration.items():
            entropies = (measured.shares, measured.model, measured.released)
            released = (measured.released.brier, measured.released.calibration_error)
            numbers = (_number(value) for value in (*(one.cross_entropy for one in entropies), *released))
            rows.append((about, method, measured.released.votes, *numbers))
    if rows:
        heads = ("method", ">votes", ">shares", ">model", ">released", ">Brier", ">calibration error")
        yield table_of("Cross-entropy of held-out votes", ("question", *heads), rows)


def _annotators(agreement: "AgreementReport") -> Shown:
    questions, rows = list(agreement.answers), []
    for name, found in agreement.annotators.items():
        known = agreement.known_answers.get(name)
        counts = (found.labelled, found.empty, found.skipped, found.quarantined)
        shares = (*(found.answers[question].agreement for question in questions), found.span_f1)
        measured = (found.coverage, found.seconds and found.seconds[1], *shares, known and known.accuracy)
        rows.append((name, *counts, *(_number(figure, 2) for figure in measured)))
    heads = ("done", "empty", "skip", "quar.", "cover", "sec", *questions, "F1", "gold q.")
    yield table_of("Annotators", ("annotator", *(f">{head}" for head in heads)), rows)
    asked = "".join(f"{question}, " for question in questions)
    yield f"sec: median time; {asked}F1: agreement with the others; gold q.: accuracy on gold questions"
    believed = {about: found.parts.annotators for about, found in agreement.answers.items()}
    believed |= {about: found.parts.annotators for about, found in agreement.spans.items()}
    for about, models in believed.items():
        yield from (f"{name} on {about}: {model.words}." for name, model in models.items())


def _number(value: Any, digits: int = 3) -> str:
    """A count, a measure or the bounds of an interval; nothing for what has no basis."""
    if isinstance(value, Sequence):
        return " to ".join(_number(bound, digits) for bound in value)
    return "" if value is None else f"{value:.{digits}f}" if isinstance(value, float) else str(value)
