"""Progress: chunks that are done, open and reopened, who did how much on which day, how long it took, and what is left.

All is counted on the annotations of a pull. Reviews of experts are no work on open chunks, and are counted apart.
"""

import math
from collections import Counter, defaultdict
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from itertools import accumulate
from statistics import NormalDist, fmean, median, variance
from types import MappingProxyType
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from builder.quality.votes import SUBMITTED, reviews
from builder.reporting.facts import Facts
from builder.reporting.plots import Chart, timeline
from builder.tables import rows_of

#: A pace is that of this many days at most, and is not known from fewer than these.
_PACE, _FEWEST = 14, 3
#: Medians of two people are compared when each has this many times, and differ from this ratio on.
_TIMES, _RATIO = 10, 1.5


@dataclass(frozen=True)
class ChunkCounts:
    """Chunks in Label Studio: `done` by as many people as wanted, `begun` by fewer, `untouched` by nobody.

    `reopened` went back to an annotator and have no new answer yet, whatever else they are; None where the pull does
    not say. `selected` are to be annotated by the configuration, None before `builder prepare`.
    """

    total: int
    done: int
    begun: int
    untouched: int
    reviewed: int
    reopened: int | None
    selected: int | None


@dataclass(frozen=True)
class Times:
    """Seconds per chunk: quartiles of times of which what exceeds `idle` seconds is cut; how many are known and cut."""

    known: int = 0
    cut: int = 0
    low: float | None = None
    median: float | None = None
    high: float | None = None
    hours: float = 0.0


@dataclass(frozen=True)
class Forecast:
    """When the last annotation comes, if people go on as in the days from `since` to `until`.

    `per_day` is the mean of these days and `left` how many annotations are missing. The end is between `first` and
    `last` with the probability `confidence`; `last` is None where the pace is too uneven for a bound.
    """

    left: int
    reason: str = ""
    per_day: float | None = None
    since: date | None = None
    until: date | None = None
    first: date | None = None
    middle: date | None = None
    last: date | None = None
    confidence: float | None = None


@dataclass(frozen=True)
class ProgressSection:
    """How far the annotation is. `missing` says what is not known yet; nothing else is then.

    `people` has per annotator the pseudonym, the account, how much was annotated, of it without any label, skipped and
    left as a draft, on how many days; the median and the half of the times in seconds, how many were cut, and the pace
    beside that of the others. `days` has what was submitted or skipped on each day (UTC), how many chunks became done
    on it, and how much each of the people did.
    """

    missing: str = ""
    chunks: ChunkCounts | None = None
    times: Times = field(default_factory=Times)
    idle: float = 0.0
    people: tuple[tuple[Any, ...], ...] = ()
    days: tuple[tuple[Any, ...], ...] = ()
    forecast: Forecast | None = None
    chart: Chart | None = None


def progress_section(
    facts: Facts, *, idle: float, overlap: int | None = None, overlaps: Mapping[str, int] = MappingProxyType({}),
    everybody: int = 0, reopened: Collection[str] | None = None, today: date | None = None,
) -> ProgressSection:  # fmt: skip
    """The progress that the tables ANNOTATIONS and WINDOWS of a pull show; without them, what is to be done first.

    A chunk is done when `overlap` people (those in `overlaps`: as many as that says) annotated or skipped it; None says
    nothing of what is done and when the rest is. Where a skipped chunk goes to another person, `everybody` is how many
    people there are: skips then count only when all of them answered. Of times above `idle` seconds, the rest is cut.
    `today` is the day of the pull, from which a forecast counts.
    """
    annotations, windows = facts.table("annotations"), facts.table("windows")
    selected = facts.summaries.get("prepare", {}).get("selected")
    if annotations is None or windows is None:
        first = "" if selected is None else f"{selected:,} chunks are selected. "
        return ProgressSection(
            f"{first}No annotation is known, because nothing was pulled: `builder push`, annotate, `builder pull`."
        )
    days_of = pc.cast(annotations["created"], pa.date32())
    # In the order of time, so that a chunk is done on the day of the annotation that completes it.
    every = annotations.append_column("day", days_of).sort_by([("created", "ascending"), ("annotator", "ascending")])
    review = pa.array(reviews(every), pa.bool_())
    # What somebody did in the project of another does not count.
    own = pc.fill_null(pc.equal(every["assigned_to"], every["annotator"]), True)
    own, reviewed = every.filter(pc.and_(pc.invert(review), own)), _submitted(every.filter(review))
    needed = {chunk: overlaps.get(chunk, overlap or math.inf) for chunk in windows["chunk_id"].to_pylist()}
    made: dict[str, set[str]] = defaultdict(set)
    answered: dict[str, set[str]] = defaultdict(set)
    done_on: dict[str, date | None] = {}
    by_day: dict[date, Counter[str]] = defaultdict(Counter)
    for name, chunk, state, day in rows_of(own, "annotator", "chunk_id", "state", "day"):
        if state == "draft":
            continue
        answered[chunk].add(name)
        if state != "skipped":
            made[chunk].add(name)
        if day:
            by_day[day][name] += 1
        counted = made if len(answered[chunk]) < everybody else answered
        if chunk not in done_on and len(counted[chunk]) >= needed.get(chunk, math.inf):
            done_on[chunk] = day
    times = _times(own, idle)
    chunks, forecast = None, None
    per_day = {day: n.total() for day, n in sorted(by_day.items())}
    if overlap is not None:
        open_ = needed.keys() - done_on.keys()
        having = made if everybody else answered
        left = sum(int(needed[chunk]) - len(having[chunk]) for chunk in open_)
        untouched = sum(not answered[chunk] for chunk in open_)
        chunks = ChunkCounts(
            len(needed), len(needed) - len(open_), len(open_) - untouched, untouched,
            len(reviewed["chunk_id"].unique()), None if reopened is None else len(reopened), selected,
        )  # fmt: skip
        forecast = forecast_of(per_day, left, today, facts.quality.confidence)
    if not facts.people:
        return ProgressSection("", chunks, times, idle, forecast=forecast)
    people, became = tuple(_people(own, idle, facts.accounts)), Counter(done_on.values())
    days = tuple((day, n, became[day], *(by_day[day][row[0]] for row in people)) for day, n in per_day.items())
    return ProgressSection("", chunks, times, idle, people, days, forecast, _chart(per_day, forecast) if days else None)


def progress_in_words(section: ProgressSection) -> list[str]:
    """The section in a few lines."""
    found, times = [], section.times
    if chunks := section.chunks:
        found.append(f"{chunks.done:,} of {chunks.total:,} chunks are done, {chunks.reopened or 0:,} are reopened")
    if (forecast := section.forecast) and forecast.middle:
        found.append(f"{forecast.left:,} annotations are missing: about {forecast.middle}, from {forecast.first} on")
    if times.known:
        found.append(f"{times.median:,.0f} seconds per chunk, half of them {times.low:,.0f} to {times.high:,.0f}")
    return found + [f"{name} is {pace}" for name, *_, pace in section.people if "than most" in pace]


def _submitted(annotations: pa.Table) -> pa.Table:
    return annotations.filter(pc.is_in(annotations["state"], pa.array(SUBMITTED)))


def _times(annotations: pa.Table, idle: float) -> Times:
    known = _submitted(annotations)["lead_time"].drop_null().to_numpy()
    if not len(known):
        return Times()
    kept = np.minimum(known, idle)
    low, middle, high = (round(float(value), 1) for value in np.quantile(kept, (0.25, 0.5, 0.75)))
    return Times(len(known), int((known > idle).sum()), low, middle, high, round(float(kept.sum()) / 3600, 2))


def _people(own: pa.Table, idle: float, accounts: Mapping[str, str]) -> Iterator[tuple[Any, ...]]:
    names = sorted(own["annotator"].unique().to_pylist())
    by_name = {name: own.filter(pc.equal(own["annotator"], name)) for name in names}
    times = {name: _times(mine, idle) for name, mine in by_name.items()}
    for name, mine in by_name.items():
        states, took = Counter(mine["state"].to_pylist()), times[name]
        empty = states["labelled-empty"]
        days = {day for day, state in rows_of(mine, "day", "state") if day and state != "draft"}
        yield (
            name, accounts.get(name, ""), states["labelled"] + empty, empty, states["skipped"], states["draft"],
            len(days), took.median, (took.low, took.high) if took.known else None, took.cut,
            _pace(took, [times[other] for other in times if other != name]),
        )  # fmt: skip


def _pace(mine: Times, others: Collection[Times]) -> str:
    """How somebody's median compares with those of the others, where there are enough times to tell."""
    medians = [other.median for other in others if other.median and other.known >= _TIMES]
    if not others:
        return "nobody to compare with"
    if not mine.median or mine.known < _TIMES or not medians:
        return "too few to tell"
    slower = sum(mine.median >= _RATIO * other for other in medians)
    faster = sum(mine.median * _RATIO <= other for other in medians)
    if max(slower, faster) * 2 <= len(medians):
        return "like the others"
    middle = median(medians)
    return f"{'slower' if slower > faster else 'faster'} than most: {mine.median / middle:.2g} times {middle:.0f} s"


def forecast_of(made: Mapping[date, int], left: int, today: date | None, confidence: float) -> Forecast:
    """The end at the mean pace of the last days, free days included; `made` is what was submitted or skipped by day.

    With m and s² the mean and variance of n days, the time for R annotations is about R/m days with the variance
    R·s²/m³ (of the days to come) + R²·s²/(n·m⁴) (of m itself); both by the delta method.
    """
    if not left:
        return Forecast(0, "Every chunk is done.")
    if not made:
        return Forecast(left, "No annotation has a date, so there is no pace to forecast from.")
    until, first = max(made), min(made)
    # The day of the pull is not over.
    if until == today and (until - first).days >= _FEWEST:
        until -= timedelta(days=1)
    since = max(first, until - timedelta(days=_PACE - 1))
    counts = [made.get(since + timedelta(days=i), 0) for i in range((until - since).days + 1)]
    if len(counts) < _FEWEST or not sum(counts):
        return Forecast(left, f"Work is known of fewer than {_FEWEST} days, which are too few to tell when it ends.")
    start, n, mean, spread = max(today or until, until), len(counts), fmean(counts), variance(counts)
    middle = left / mean
    error = math.sqrt(left * spread / mean**3 + left**2 * spread / (n * mean**4))
    z = NormalDist().inv_cdf((1 + confidence) / 2)
    bounded = mean > z * math.sqrt(spread / n)

    def on(wait: float) -> date:
        return start + timedelta(days=math.ceil(min(max(wait, 0), 36_500)))

    last = on(middle + z * error) if bounded else None
    return Forecast(left, "", round(mean, 1), since, until, on(middle - z * error), on(middle), last, confidence)


def _chart(per_day: Mapping[date, int], forecast: Forecast | None) -> Chart:
    line = list(zip(per_day, accumulate(map(float, per_day.values())), strict=True))
    (first, _), (last, total) = line[0], line[-1]
    words = f"{total:,.0f} annotations and skips from {first} to {last}, each day added to those before."
    area: list[tuple[date, float]] = []
    if forecast and forecast.first and forecast.middle:
        wanted, latest = total + forecast.left, forecast.last or forecast.middle
        area = [line[-1], (forecast.first, wanted), (latest, wanted)]
        words += (
            f" At the pace of the last days, the {wanted:,.0f} that are wanted are reached about {forecast.middle}."
        )
    return timeline("Annotations so far", words, line, area)
