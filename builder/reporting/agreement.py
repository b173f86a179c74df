"""Agreement: per question, over time, per pair, label and source; who and what differs from the rest.

The figures are those of agreement.json. Confusions, labels and sources are counted on the same votes.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from builder.quality.agreement import AgreementReport
from builder.quality.agreement import coefficients as by
from builder.quality.agreement.answers import answer_votes
from builder.quality.agreement.coefficients import Interval
from builder.quality.agreement.parts import AgreementParts, agreement_per
from builder.quality.agreement.spans import bounds_votes, marked
from builder.quality.anchoring import one_place_each
from builder.quality.settings import Quality
from builder.quality.votes import SUBMITTED, Floats, Votes, voting
from builder.reporting.facts import Facts
from builder.reporting.plots import Chart, timeline
from builder.tables import rows_of

#: Labels and annotators with fewer votes on what others voted on are too few to tell.
FEW = 20
#: Above the first, alpha is reliable; below the second not even tentative conclusions are (Krippendorff 2004, 11.4).
_RELIABLE, _DOUBTFUL = 0.8, 0.667
#: Targets that are shown: those with the most items.
_TARGETS = 50
#: Agreement over time is per day up to so many days, and per week up to so many weeks.
_DAYS, _WEEKS = 22, 26
#: What agreement is about; items that two people judged, or spans compared; the share of pairs that agree, for spans
#: exact F1, with its interval; alpha with its interval, and what it means; how a label of spans is beside all.
Figures = tuple[str, int, float | None, Interval | None, float | None, Interval | None, str, str]
#: A label or an annotator beside the rest: name, votes, value with its interval, what follows from it; what else a
#: model believes of an annotator.
Compared = tuple[str, int, float | None, Interval | None, str, str]


@dataclass(frozen=True)
class QuestionAgreement:
    """Agreement on one question, or one kind of span; the last of the `figures` are those of all.

    `confusion` has the label that one person gives, or "nothing", and how often another gives each of `names` to the
    same. `pairs` are two annotators, their items, share of agreement and Cohen's kappa. `parts` are per source, time
    and way of selection: the part, items that two people judged, and the share of pairs that agree.
    """

    name: str
    spans: bool
    figures: tuple[Figures, ...]
    labels: tuple[Compared, ...]
    annotators: tuple[Compared, ...]
    names: tuple[str, ...]
    confusion: tuple[tuple[str | int, ...], ...]
    confused: tuple[str, ...]
    pairs: tuple[tuple[str, str, int, float | None, float | None], ...]
    parts: Mapping[str, list[tuple[Any, int, float | None]]]
    chart: Chart | None


@dataclass(frozen=True)
class AgreementSection:
    """Agreement per question; `missing` says why there is none."""

    missing: str = ""
    confidence: float = 0.95
    questions: tuple[QuestionAgreement, ...] = ()


def agreement_section(facts: Facts) -> AgreementSection:
    """The agreement of the report and of the tables that it was measured on.

    Targets that are words of an article are not on a public page.
    """
    report, quality = facts.agreement, facts.quality
    if report is None:
        return AgreementSection("No agreement is known: run `builder pull`, and `builder validate`.")
    people = list(report.annotators) if facts.people else []
    annotations, spans, answers, windows = map(facts.table, ("annotations", "spans", "answers", "windows"))
    articles = facts.table("articles")
    sources = {} if articles is None else dict(rows_of(articles, "article_id", "source"))
    time, unit = _times(annotations) if facts.people else ({}, "day")
    places: dict[str, Mapping[str, Any]] = {
        "source": {chunk: sources.get(article) for chunk, article in rows_of(windows, "chunk_id", "article_id")},
        unit: time,
        "way of selection": dict(rows_of(windows, "chunk_id", "selection")),
    }
    placed = one_place_each(answers, spans, voting(annotations)["annotation_id"].to_pylist())
    found = []
    # The last result may be one of other labels than the configured ones.
    for name, question in facts.scheme.questions.items():
        if not (of := report.answers.get(name)):
            continue
        fixed = question.mode not in ("mention", "article")
        targets = of.targets if len(of.targets) > 1 and (fixed or not facts.public) else {}
        most = sorted(targets, key=lambda target: -targets[target].items)[:_TARGETS]
        measured = {**{target or name: targets[target] for target in most}, "all": of.overall}
        figures = [
            (about, m.items, m.observed, m.observed_interval, m.alpha, m.alpha_interval, reliability(m.alpha), "")
            for about, m in measured.items()
        ]
        votes, items = answer_votes(annotations, placed, question)
        labels = tuple(_labels(votes, of.overall.observed, quality))
        found.append(_question(name, figures, labels, votes, [c for c, _ in items], of.parts, places, people))
    for kind, marks in report.spans.items():
        figures = [
            (about, m.compared, m.exact_f1, m.exact_f1_interval, m.token_alpha, None, reliability(m.token_alpha),
             "" if about == "all" else verdict(m.compared, m.exact_f1_interval, marks.overall.exact_f1))
            for about, m in {**(marks.labels if len(marks.labels) > 1 else {}), "all": marks.overall}.items()
        ]  # fmt: skip
        votes, items = bounds_votes(marked(annotations, spans, kind, quality.asked))
        found.append(_question(kind, figures, (), votes, [c for c, _ in items], marks.parts, places, people))
    if not any(question.figures[-1][1] for question in found):
        return AgreementSection("No agreement is known: no two people have annotated the same chunk yet.")
    return AgreementSection("", quality.confidence, tuple(found))


def _times(annotations: pa.Table) -> tuple[dict[str, date], str]:
    """When each chunk was last answered: the day, or where that is many days, the Monday or the first of the month."""
    submitted = annotations.filter(pc.is_in(annotations["state"], pa.array(SUBMITTED)))
    latest = submitted.group_by("chunk_id").aggregate([("created", "max")])
    last: dict[str, date] = {c: at.date() for c, at in rows_of(latest, "chunk_id", "created_max") if at}
    if not last:
        return last, "day"
    days = (max(last.values()) - min(last.values())).days
    if days < _DAYS:
        return last, "day"
    if days < _WEEKS * 7:
        return {chunk: day - timedelta(days=day.weekday()) for chunk, day in last.items()}, "week from Monday"
    return {chunk: day.replace(day=1) for chunk, day in last.items()}, "month from"


def _question(
    name: str, figures: Sequence[Figures], labels: tuple[Compared, ...], votes: Votes, chunks: Sequence[str],
    of: AgreementParts, places: Mapping[str, Mapping[str, Any]], people: Sequence[str],
) -> QuestionAgreement:  # fmt: skip
    """The agreement in `votes`, of which each item is of the chunk at its place in `chunks`."""
    counts = votes.counts()
    known = {about: agreement_per(counts, chunks, of_chunk) for about, of_chunk in places.items()}
    parts = {about: [(one, p.items, p.observed) for one, p in found.items()] for about, found in known.items() if found}
    table, names = counts.T @ counts - np.diag(counts.sum(axis=0)), [label or "nothing" for label in votes.labels]
    pairs = of.pairs if people else {}
    times = [found for found in parts.values() if isinstance(found[0][0], date)]
    return QuestionAgreement(
        name=name,
        spans="" in votes.labels,
        figures=tuple(figures),
        labels=labels,
        annotators=tuple(_annotators(of, people)),
        names=tuple(names),
        confusion=tuple((label, *map(int, row)) for label, row in zip(names, table, strict=True) if row.sum()),
        confused=tuple(_confused(names, table)),
        pairs=tuple((*pair.split(" + ", 1), p.items, p.observed, p.cohen) for pair, p in pairs.items()),  # type: ignore[misc]
        parts=parts,
        chart=_over_time(name, times[0]) if times else None,
    )


def reliability(alpha: float | None) -> str:
    """What a value of Krippendorff's alpha allows to conclude."""
    if alpha is None:
        return "not known"
    if alpha >= _RELIABLE:
        return "reliable"
    return "tentative conclusions only" if alpha >= _DOUBTFUL else "too low to conclude from"


def verdict(votes: int, interval: Interval | None, rest: float | None) -> str:
    """Whether an interval lies on one side of the value of the rest."""
    if votes < FEW or interval is None or rest is None:
        return "too few to tell"
    if interval[0] <= rest <= interval[1]:
        return "like the rest"
    return "lower than the rest" if interval[1] < rest else "higher than the rest"


def _labels(votes: Votes, whole: float | None, quality: Quality) -> Iterator[Compared]:
    """The specific agreement of each label: of those who gave an item the label, the share of the others who did."""
    patterns, weights = by.paired(*by.patterns_of(votes.counts()))
    for number, label in enumerate(votes.labels):

        def specific(rows: Floats, times: Floats, column: int = number) -> float:
            mine = rows[:, column]
            possible = float(times @ (mine * (rows.sum(axis=1) - 1)))
            return float(times @ (mine * (mine - 1))) / possible if possible else float("nan")

        given = int(weights @ patterns[:, number])
        value, interval = by.with_interval(quality, specific, patterns, weights) if given else (None, None)
        yield label, given, value, interval, verdict(given, interval, whole), ""


def _annotators(parts: AgreementParts, people: Iterable[str]) -> Iterator[Compared]:
    """What a model believes of each annotator, beside the mean of the others."""
    for name in people:
        if (model := parts.annotators.get(name)) is None:
            yield name, 0, None, None, "too few to tell", ""
            continue
        others = [m for other, m in parts.annotators.items() if other != name]
        count = sum(m.votes for m in others)
        rest = sum(m.accuracy * m.votes for m in others) / count if count else None
        said = verdict(model.votes if model.known else 0, model.interval, rest)
        yield name, model.votes, model.accuracy, model.interval, said, model.words


def agreement_in_words(report: AgreementReport) -> list[str]:
    """Agreement per question, and who is below the rest, in a few lines."""
    found, low = [], []
    measured = {
        name: ("alpha", a.overall.alpha, a.overall.alpha_interval, a.parts) for name, a in report.answers.items()
    }
    measured |= {
        kind: ("exact F1", s.overall.exact_f1, s.overall.exact_f1_interval, s.parts) for kind, s in report.spans.items()
    }
    for name, (measure, value, interval, parts) in measured.items():
        between = f" ({interval[0]:.3f} to {interval[1]:.3f})" if interval else ""
        words = f": {reliability(value)}" if measure == "alpha" and value is not None else ""
        found.append(f"{name}: {measure} {'not known' if value is None else f'{value:.3f}'}{between}{words}")
        low += [f"{who} on {name}" for who, *_, said, _ in _annotators(parts, parts.annotators) if "lower" in said]
    return found + ([f"below the rest: {', '.join(low)}"] if low else [])


def _confused(names: Sequence[str], table: Floats) -> Iterator[str]:
    """The most frequent disagreements, in words."""
    cells = [(table[a, b], a, b) for a, b in np.ndindex(*table.shape) if a < b and table[a, b]]
    for count, a, b in sorted(cells, key=lambda cell: (-cell[0], cell[1:]))[:5]:
        of_one, of_other = (f"{count / table[x].sum():.0%}" for x in (a, b))
        yield (
            f"{names[a]} and {names[b]}: {count:,.0f} pairs; where one person says {names[a]}, another says "
            f"{names[b]} in {of_one}, and the other way round in {of_other}"
        )


def _over_time(name: str, times: Sequence[tuple[date, int, float | None]]) -> Chart | None:
    points = [(day, observed) for day, _, observed in times if observed is not None]
    if len(points) < 2:
        return None
    (first, start), (last, end) = points[0], points[-1]
    worst, lowest = min(points, key=lambda point: point[1])
    words = (
        f"The share of pairs that agree was {start:.2f} on {first} and {end:.2f} on {last}; "
        f"it was lowest on {worst}, with {lowest:.2f}."
    )
    return timeline(f"Agreement on {name} over time", words, points)
