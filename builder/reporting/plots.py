"""All drawing: a line over days, as coordinates that the template `chart` draws as SVG.

Bars are beside their numbers, in tables. Only what has a shape over time is a chart, and its words say what it shows.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

Points = Sequence[tuple[date, float]]
_WIDTH, _HEIGHT, _LEFT, _BELOW, _ABOVE = 720, 240, 64, 28, 10
_TICKS = 4


@dataclass(frozen=True)
class Chart:
    """A chart in SVG's coordinates; `words` say what it shows to those who do not see it.

    `ticks` of the axis of values, and `days`, are labels, each with the place where it is on its axis.
    """

    title: str
    words: str
    ticks: tuple[tuple[float, str], ...]
    days: tuple[tuple[float, str], ...]
    line: str
    dots: tuple[tuple[float, float], ...]
    band: str = ""
    width: int = _WIDTH
    height: int = _HEIGHT
    left: int = _LEFT


def timeline(title: str, words: str, line: Points, area: Points = ()) -> Chart:
    """A chart of a line over days with dots, and an area behind it; the axis of values begins at 0.

    There is at least one point, and no value is below 0.
    """
    days = [day for day, _ in (*line, *area)]
    first, highest = min(days), max(value for _, value in (*line, *area))
    # A round distance of ticks, of which about `_TICKS` fit.
    raw = highest / _TICKS
    size = 10.0 ** math.floor(math.log10(raw)) if raw > 0 else 1.0
    step: float = next(size * factor for factor in (1, 2, 2.5, 5, 10) if size * factor >= raw)
    high = max(math.ceil(highest / step), 1) * step
    span = max((max(days) - first).days, 1)

    def x(day: date) -> float:
        # Away from the right edge, so that the last day's name is not cut.
        return round(_LEFT + 30 + (day - first).days / span * (_WIDTH - _LEFT - 70), 1)

    def y(value: float) -> float:
        return float(round(_HEIGHT - _BELOW - value / high * (_HEIGHT - _BELOW - _ABOVE), 1))

    def path(points: Points) -> str:
        return "M" + "L".join(f"{x(day)} {y(value)}" for day, value in points)

    parts = min(span, _TICKS)
    shown = dict.fromkeys(first + timedelta(days=round(i * (max(days) - first).days / parts)) for i in range(parts + 1))
    levels = [round(i * step, 10) for i in range(round(high / step) + 1)]
    return Chart(
        title,
        words,
        tuple((y(level), f"{level:,.10g}") for level in levels),
        tuple((x(day), day.isoformat()) for day in shown),
        path(line),
        tuple((x(day), y(value)) for day, value in line),
        f"{path(area)}Z" if area else "",
    )
