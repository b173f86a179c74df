"""Progress: chunks that are done, open and reopened, who did how much on which day, how long it took, and what is left.

All is counted on the annotations of a pull. Reviews of experts are no work on open chunks, and are counted apart.
"""

import math
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from itertools import accumulate
from statistics import NormalDist, fmean, median, variance
from types import MappingProxyType
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from builder.quality.votes import SUBMITTED, reviews
from builder.reporting.plots import Chart, timeline
from builder.tables import rows_of

#: A pace is that of this many days at most, and is not known from fewer than these.
_PACE, _FEWEST = 14, 3
#: More annotators than any chunk has.
_NEVER = 1_000_000
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
class PersonProgress:
    """What one annotator did. `days` are those with work; `pace` says how the time compares with that of the others."""

    name: str
    account: str
    labelled: int
    empty: int
    skipped: int
    drafts: int
    days: int
    times: Times
    pace: str

    @property
    def made(self) -> int:
        return self.labelled + self.empty + self.skipped


@dataclass(frozen=True)
class DayProgress:
    """What was submitted or skipped on one day (UTC), by annotator; and how many chunks became done on it."""

    day: date
    made: int
    by_annotator: Mapping[str, int]
    done: int


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
    confidence: float = 0.95


@dataclass(frozen=True)
class ProgressSection:
    """How far the annotation is. `missing` says what is not known yet; nothing else is then."""

    missing: str = ""
    chunks: ChunkCounts | None = None
    times: Times = field(default_factory=Times)
    idle: float = 0.0
    people: tuple[PersonProgress, ...] = ()
    days: tuple[DayProgress, ...] = ()
    forecast: Forecast | None = None
    chart: Chart | None = None

    @property
    def longest(self) -> float:
        """The longest median of seconds per chunk."""
        return max((person.times.median or 0.0 for person in self.people), default=0.0)


class _Work(NamedTuple):
    """One annotation, skip or draft."""

    annotator: str
    chunk: str
    state: str
    day: date | None
    seconds: float | None
    owner: str | None


def progress_section(
    annotations: pa.Table | None,
    windows: pa.Table | None,
    *,
    overlap: int | None,
    idle: float,
    overlaps: Mapping[str, int] = MappingProxyType({}),
    everybody: int = 0,
    selected: int | None = None,
    reopened: Collection[str] | None = None,
    accounts: Mapping[str, str] = MappingProxyType({}),
    today: date | None = None,
    confidence: float = 0.95,
    people: bool = True,
) -> ProgressSection:
    """The progress that the tables ANNOTATIONS and WINDOWS of a pull show; without them, what is to be done first.

    A chunk is done when `overlap` people (those in `overlaps`: as many as that says) annotated or skipped it; None says
    nothing of what is done and when the rest is. Where a
    skipped chunk goes to another person, `everybody` is how many people there are: skips then count only when all of
    them answered. Of times above `idle` seconds, the rest is cut. `accounts` are the e-mail addresses by pseudonym,
    `today` is the day of the pull, from which a forecast counts. Without `people` nothing is said per person and day.
    """
    if annotations is None or windows is None:
        first = "" if selected is None else f"{selected:,} chunks are selected. "
        return ProgressSection(
            f"{first}No annotation is known, because nothing was pulled: `builder push`, annotate, `builder pull`."
        )
    # In the order of time, so that a chunk is done on the day of the annotation that completes it.
    annotations = annotations.sort_by([("created", "ascending"), ("annotator", "ascending")])
    days_of = pc.cast(annotations["created"], pa.date32(), safe=False)
    columns = ("annotator", "chunk_id", "state", "day", "lead_time", "assigned_to")
    every = [_Work(*row) for row in rows_of(annotations.append_column("day", days_of), *columns)]
    made_by = list(zip(every, reviews(annotations), strict=True))
    reviewed = {work.chunk for work, review in made_by if review and work.state in SUBMITTED}
    # What somebody did in the project of another does not count.
    own = [work for work, review in made_by if not review and work.owner in (None, work.annotator)]
    submitted = [work for work in own if work.state != "draft"]
    usual = _NEVER if overlap is None else overlap
    needed = {chunk: overlaps.get(chunk, usual) for chunk in windows["chunk_id"].to_pylist()}
    made: dict[str, set[str]] = defaultdict(set)
    answered: dict[str, set[str]] = defaultdict(set)
    done_on: dict[str, date | None] = {}
    by_day: dict[date, Counter[str]] = defaultdict(Counter)
    for work in submitted:
        answered[work.chunk].add(work.annotator)
        if work.state != "skipped":
            made[work.chunk].add(work.annotator)
        if work.day:
            by_day[work.day][work.annotator] += 1
        counted = made if len(answered[work.chunk]) < everybody else answered
        if work.chunk not in done_on and len(counted[work.chunk]) >= needed.get(work.chunk, usual):
            done_on[work.chunk] = work.day
    open_ = needed.keys() - done_on.keys()
    having = made if everybody else answered
    left = sum(max(needed[chunk] - len(having[chunk]), 1) for chunk in open_)
    untouched = sum(not answered[chunk] for chunk in open_)
    became = Counter(done_on.values())
    days = tuple(DayProgress(day, sum(n.values()), dict(n), became[day]) for day, n in sorted(by_day.items()))
    forecast = None if overlap is None else forecast_of(days, left, today, confidence)
    return ProgressSection(
        chunks=None if overlap is None else ChunkCounts(
            len(needed), len(needed) - len(open_), len(open_) - untouched, untouched, len(reviewed),
            None if reopened is None else len(reopened), selected,
        ),
        times=_times((work.seconds for work in submitted if work.state in SUBMITTED), idle),
        idle=idle,
        people=_people(own, idle, accounts) if people else (),
        days=days if people else (),
        forecast=forecast,
        chart=_chart(days, forecast) if days and people else None,
    )  # fmt: skip


def progress_in_words(section: ProgressSection) -> list[str]:
    """The section in a few lines."""
    found, times = [], section.times
    if chunks := section.chunks:
        found.append(f"{chunks.done:,} of {chunks.total:,} chunks are done, {chunks.reopened or 0:,} are reopened")
    if (forecast := section.forecast) and forecast.middle:
        found.append(f"{forecast.left:,} annotations are missing: about {forecast.middle}, from {forecast.first} on")
    if times.known:
        found.append(f"{times.median:,.0f} seconds per chunk, half of them {times.low:,.0f} to {times.high:,.0f}")
    return found + [f"{person.name} is {person.pace}" for person in section.people if "than most" in person.pace]


def _times(seconds: Iterable[float | None], idle: float) -> Times:
    known = np.array([value for value in seconds if value is not None], dtype=np.float64)
    if not len(known):
        return Times()
    kept = np.minimum(known, idle)
    low, middle, high = (round(float(value), 1) for value in np.quantile(kept, (0.25, 0.5, 0.75)))
    return Times(len(known), int((known > idle).sum()), low, middle, high, round(float(kept.sum()) / 3600, 2))


def _people(own: Iterable[_Work], idle: float, accounts: Mapping[str, str]) -> tuple[PersonProgress, ...]:
    by_name: dict[str, list[_Work]] = defaultdict(list)
    for work in own:
        by_name[work.annotator].append(work)
    times = {n: _times((w.seconds for w in mine if w.state in SUBMITTED), idle) for n, mine in by_name.items()}
    found = []
    for name, mine in sorted(by_name.items()):
        states = Counter(work.state for work in mine)
        counts = (states["labelled"], states["labelled-empty"], states["skipped"], states["draft"])
        days = {work.day for work in mine if work.day and work.state != "draft"}
        pace = _pace(times[name], [times[other] for other in times if other != name])
        found.append(PersonProgress(name, accounts.get(name, ""), *counts, len(days), times[name], pace))
    return tuple(found)


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


def forecast_of(days: Collection[DayProgress], left: int, today: date | None, confidence: float) -> Forecast:
    """The end at the mean pace of the last days, free days included.

    With m and s² the mean and variance of n days, the time for R annotations is about R/m days with the variance
    R·s²/m³ (of the days to come) + R²·s²/(n·m⁴) (of m itself); both by the delta method.
    """
    if not left:
        return Forecast(0, "Every chunk is done.")
    if not days:
        return Forecast(left, "No annotation has a date, so there is no pace to forecast from.")
    made = {each.day: each.made for each in days}
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


def _chart(days: tuple[DayProgress, ...], forecast: Forecast | None) -> Chart:
    sums = accumulate(float(each.made) for each in days)
    line = [(each.day, so_far) for each, so_far in zip(days, sums, strict=True)]
    total = int(line[-1][1])
    words = f"{total:,} annotations and skips from {days[0].day} to {days[-1].day}, each day added to those before."
    areas: list[list[tuple[date, float]]] = []
    if forecast and forecast.first and forecast.middle:
        wanted, latest = float(total + forecast.left), forecast.last or forecast.middle
        areas = [[line[-1], (forecast.first, wanted), (latest, wanted)]]
        words += (
            f" At the pace of the last days, the {wanted:,.0f} that are wanted are reached about {forecast.middle}."
        )
    return timeline("Annotations so far", words, [line], areas)
