"""Agreement: per question, over time, per pair, label and source; who and what differs from the rest.

The figures are those of agreement.json. Confusions, labels and sources are counted on the same votes.
"""

from collections.abc import Iterator, Mapping, Sequence
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
from builder.quality.agreement.parts import AgreementParts, PartAgreement
from builder.quality.agreement.spans import bounds_votes, marked
from builder.quality.anchoring import one_place_each
from builder.quality.settings import Quality
from builder.quality.votes import SUBMITTED, Floats, Votes, voting
from builder.reporting.plots import Chart, timeline
from builder.scheme import Scheme
from builder.tables import rows_of

#: Labels and annotators with fewer votes on what others voted on are too few to tell.
FEW = 20
#: Above the first, alpha is reliable; below the second not even tentative conclusions are (Krippendorff 2004, 11.4).
_RELIABLE, _DOUBTFUL = 0.8, 0.667
#: Targets that are shown: those with the most items.
_TARGETS = 50
#: Agreement over time is per day up to so many days, and per week up to so many weeks.
_DAYS, _WEEKS = 22, 26


@dataclass(frozen=True)
class Figures:
    """Agreement about something: `basis` is items that two people judged, or spans compared; for answers `observed` is
    the share of pairs that agree, for spans exact F1. `words` say what alpha means, and `verdict` how a
    label of spans is beside all of them."""

    about: str
    basis: int
    observed: float | None
    interval: Interval | None
    alpha: float | None
    alpha_interval: Interval | None
    words: str
    verdict: str = ""


@dataclass(frozen=True)
class Compared:
    """A label or an annotator beside the rest: a value with its interval, and what follows from it in `verdict`."""

    name: str
    votes: int
    value: float | None
    interval: Interval | None
    verdict: str
    words: str = ""


@dataclass(frozen=True)
class QuestionAgreement:
    """Agreement on one question, or one kind of span.

    `confusion` has, by the label that one person gives, how often another gives each of `names` to the same; "" is
    nothing. `pairs` are two annotators, their items, share of agreement and Cohen's kappa. `parts` are per source, time
    and way of selection.
    """

    name: str
    spans: bool
    figures: tuple[Figures, ...]
    labels: tuple[Compared, ...]
    annotators: tuple[Compared, ...]
    names: tuple[str, ...]
    confusion: Mapping[str, tuple[int, ...]]
    confused: tuple[str, ...]
    pairs: tuple[tuple[Any, ...], ...]
    parts: Mapping[str, Mapping[Any, PartAgreement]]
    chart: Chart | None


@dataclass(frozen=True)
class AgreementSection:
    """Agreement per question; `missing` says why there is none."""

    missing: str = ""
    confidence: float = 0.95
    questions: tuple[QuestionAgreement, ...] = ()


def agreement_section(
    report: AgreementReport | None, tables: Mapping[str, pa.Table], scheme: Scheme, quality: Quality,
    sources: Mapping[str, str | None], *, public: bool = False, people: bool = True,
) -> AgreementSection:  # fmt: skip
    """The agreement of a report and of the tables that it was measured on, by their names.

    `sources` has the source of each article. Targets that are words of an article are not on a `public` page, and
    without `people` nothing is said of single annotators, nor of when they worked.
    """
    if report is None:
        return AgreementSection("No agreement is known: run `builder pull`, and `builder validate`.")
    annotations, spans, windows = (tables[name] for name in ("annotations", "spans", "windows"))
    names = list(report.annotators) if people else []
    source_of = {chunk: sources.get(article) or "" for chunk, article in rows_of(windows, "chunk_id", "article_id")}
    time, unit = _times(annotations) if people else ({}, "day")
    places: dict[str, Mapping[str, Any]] = {
        "source": source_of,
        unit: time,
        "way of selection": dict(rows_of(windows, "chunk_id", "selection")),
    }
    placed = one_place_each(tables["answers"], spans, voting(annotations)["annotation_id"].to_pylist())
    found = []
    # The last result may be one of other labels than the configured ones.
    for name, answers in ((name, one) for name, one in report.answers.items() if name in scheme.questions):
        fixed = scheme.questions[name].mode not in ("mention", "article")
        targets = answers.targets if len(answers.targets) > 1 and (fixed or not public) else {}
        most = sorted(targets, key=lambda target: -targets[target].items)[:_TARGETS]
        measured = {**{target or name: targets[target] for target in most}, "all": answers.overall}
        figures = tuple(
            Figures(about, m.items, m.observed, m.observed_interval, m.alpha, m.alpha_interval, reliability(m.alpha))
            for about, m in measured.items()
        )
        votes, items = answer_votes(annotations, placed, scheme.questions[name])
        labels = tuple(_labels(votes, figures[-1].observed, quality))
        found.append(_question(name, figures, labels, votes, items, answers.parts, places, names))
    for kind, of_kind in report.spans.items():
        every = {**(of_kind.labels if len(of_kind.labels) > 1 else {}), "all": of_kind.overall}
        whole = of_kind.overall.exact_f1
        figures = tuple(
            Figures(
                about, m.compared, m.exact_f1, m.exact_f1_interval, m.token_alpha, None, reliability(m.token_alpha),
                verdict(m.compared, m.exact_f1_interval, whole) if about != "all" else "",
            )
            for about, m in every.items()
        )  # fmt: skip
        votes, items = bounds_votes(marked(annotations, spans, kind, quality.asked))
        found.append(_question(kind, figures, (), votes, items, of_kind.parts, places, names))
    if not any(question.figures[-1].basis for question in found):
        return AgreementSection("No agreement is known: no two people have annotated the same chunk yet.")
    return AgreementSection("", quality.confidence, tuple(found))


def _times(annotations: pa.Table) -> tuple[dict[str, date], str]:
    """When each chunk was last answered: the day, or where that is many days, the Monday or the first of the month."""
    submitted = annotations.filter(pc.is_in(annotations["state"], pa.array(SUBMITTED)))
    latest = submitted.group_by("chunk_id").aggregate([("created", "max")])
    days_of = pc.cast(latest["created_max"], pa.date32(), safe=False).to_pylist()
    last: dict[str, date] = {c: day for c, day in zip(latest["chunk_id"].to_pylist(), days_of, strict=True) if day}
    days = (max(last.values()) - min(last.values())).days if last else 0
    if days < _DAYS:
        return last, "day"
    if days < _WEEKS * 7:
        return {chunk: day - timedelta(days=day.weekday()) for chunk, day in last.items()}, "week from Monday"
    return {chunk: day.replace(day=1) for chunk, day in last.items()}, "month from"


def _question(
    name: str, figures: tuple[Figures, ...], labels: tuple[Compared, ...], votes: Votes,
    items: Sequence[tuple[str, str]], parts: AgreementParts, places: Mapping[str, Mapping[str, Any]],
    people: Sequence[str],
) -> QuestionAgreement:  # fmt: skip
    counts = votes.counts()
    by_place: dict[str, dict[Any, PartAgreement]] = {}
    for about, of_chunk in places.items():
        known = np.array([of_chunk.get(chunk) or "" for chunk, _ in items], dtype=object)
        for one in sorted({*known.tolist()} - {""}):
            mine = counts[known == one]
            agreeing = by.rounded(by.observed(*by.patterns_of(mine)))
            part = PartAgreement(int((mine.sum(axis=1) > 1).sum()), agreeing)
            by_place.setdefault(about, {})[one] = part
    table = counts.T @ counts - np.diag(counts.sum(axis=0))
    pairs = parts.pairs if people else {}
    return QuestionAgreement(
        name=name,
        spans="" in votes.labels,
        figures=figures,
        labels=labels,
        annotators=tuple(_annotators(parts, people)),
        names=tuple(votes.labels),
        confusion={label: tuple(map(int, row)) for label, row in zip(votes.labels, table, strict=True) if row.sum()},
        confused=tuple(_confused(votes.labels, table)),
        pairs=tuple((*pair.split(" + ", 1), p.items, p.observed, p.cohen) for pair, p in pairs.items()),
        parts=by_place,
        chart=next(
            (_over_time(name, found) for found in by_place.values() if isinstance(next(iter(found)), date)), None
        ),
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
    return (
        "lower than the rest"
        if interval[1] < rest
        else "higher than the rest"
        if interval[0] > rest
        else "like the rest"
    )


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
        yield Compared(label, given, value, interval, verdict(given, interval, whole))


def _annotators(parts: AgreementParts, people: Sequence[str]) -> Iterator[Compared]:
    """What a model believes of each annotator, beside the mean of the others."""
    for name in people:
        if (model := parts.annotators.get(name)) is None:
            yield Compared(name, 0, None, None, "too few to tell")
            continue
        others = [m for other, m in parts.annotators.items() if other != name]
        count = sum(m.votes for m in others)
        rest = sum(m.accuracy * m.votes for m in others) / count if count else None
        said = verdict(model.votes if model.known else 0, model.interval, rest)
        yield Compared(name, model.votes, model.accuracy, model.interval, said, model.words)


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
        low += [f"{one.name} on {name}" for one in _annotators(parts, [*parts.annotators]) if "lower" in one.verdict]
    return found + ([f"below the rest: {', '.join(low)}"] if low else [])


def _confused(labels: Sequence[str], table: Floats) -> Iterator[str]:
    """The most frequent disagreements, in words."""
    cells = [(table[a, b], a, b) for a, b in np.ndindex(*table.shape) if a < b and table[a, b]]
    for count, a, b in sorted(cells, key=lambda cell: (-cell[0], cell[1:]))[:5]:
        one, other = labels[a] or "nothing", labels[b] or "nothing"
        shares = (count / table[x].sum() for x in (a, b))
        of_one, of_other = (f"{share:.0%}" for share in shares)
        yield (
            f"{one} and {other}: {count:,.0f} pairs; where one person says {one}, another says {other} in {of_one}, "
            f"and the other way round in {of_other}"
        )


def _over_time(name: str, times: Mapping[date, PartAgreement]) -> Chart | None:
    points = [(day, part.observed) for day, part in times.items() if part.observed is not None]
    if len(points) < 2:
        return None
    (first, start), (last, end) = points[0], points[-1]
    worst, lowest = min(points, key=lambda point: point[1])
    words = (
        f"The share of pairs that agree was {start:.2f} on {first} and {end:.2f} on {last}; "
        f"it was lowest on {worst}, with {lowest:.2f}."
    )
    return timeline(f"Agreement on {name} over time", words, [points])
