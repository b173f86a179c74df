"""All drawing: lines over days, as coordinates that the template `chart` draws as SVG.

Bars are beside their numbers, in tables. Only what has a shape over time is a chart, and its words say what it shows.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta

Points = Sequence[tuple[date, float]]
_WIDTH, _HEIGHT, _LEFT, _BELOW, _ABOVE = 720, 240, 64, 28, 10
_TICKS = 4


@dataclass(frozen=True)
class Tick:
    """A label of an axis and where it is."""

    at: float
    text: str


@dataclass(frozen=True)
class Chart:
    """A chart in SVG's coordinates; `words` say what it shows to those who do not see it."""

    title: str
    words: str
    ticks: tuple[Tick, ...]
    days: tuple[Tick, ...]
    lines: tuple[str, ...]
    dots: tuple[tuple[float, float], ...]
    bands: tuple[str, ...] = ()
    width: int = _WIDTH
    height: int = _HEIGHT
    left: int = field(default=_LEFT)


def timeline(title: str, words: str, lines: Sequence[Points], areas: Sequence[Points] = (), least: float = 0) -> Chart:
    """A chart of lines over days, with areas behind them; the axis of values begins at `least` or below.

    The dots are those of the first line. At least one line has a point.
    """
    every = [point for points in (*lines, *areas) for point in points]
    first, last = min(day for day, _ in every), max(day for day, _ in every)
    step = _step(max(value for _, value in every) - min(least, *(value for _, value in every)))
    low = math.floor(min(least, *(value for _, value in every)) / step) * step
    high = max(math.ceil(max(value for _, value in every) / step) * step, low + step)
    span = max((last - first).days, 1)

    def x(day: date) -> float:
        # Away from the right edge, so that the last day's name is not cut.
        return round(_LEFT + 30 + (day - first).days / span * (_WIDTH - _LEFT - 70), 1)

    def y(value: float) -> float:
        return round(_HEIGHT - _BELOW - (value - low) / (high - low) * (_HEIGHT - _BELOW - _ABOVE), 1)

    def path(points: Points, end: str = "") -> str:
        return "M" + "L".join(f"{x(day)} {y(value)}" for day, value in points) + end

    parts = min(span, _TICKS)
    shown = dict.fromkeys(first + timedelta(days=round(i * (last - first).days / parts)) for i in range(parts + 1))
    levels = [low + i * step for i in range(round((high - low) / step) + 1)]
    return Chart(
        title,
        words,
        tuple(Tick(y(level), f"{level:,.10g}") for level in (round(level, 10) for level in levels)),
        tuple(Tick(x(day), day.isoformat()) for day in shown),
        tuple(path(points) for points in lines if points),
        tuple((x(day), y(value)) for day, value in lines[0]),
        tuple(path(points, "Z") for points in areas),
    )


def _step(span: float) -> float:
    """A round distance of ticks, of which about `_TICKS` fit into the span."""
    if span <= 0:
        return 1.0
    raw = span / _TICKS
    size = 10.0 ** math.floor(math.log10(raw))
    return float(next(size * factor for factor in (1, 2, 2.5, 5, 10) if size * factor >= raw * 0.999))
