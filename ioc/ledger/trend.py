"""How a target moves: change over a month and a year, and when it reaches its goal at this rate.

The forecast is a straight line through the newest figures (ordinary least squares, one figure a
month at most). The interval is the 80 % one of the line itself (Fieller): the dates between which
the line crosses the goal. Where even the steepest line that the figures allow never does, it says
so instead of naming a date.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from math import sqrt

from ioc.ledger.records import PastFigure

MONTHS = 12  # figures of how many months the line is laid through
LEAST = 4  # months with a figure below which nothing is said
HORIZON = 3653  # days ahead beyond which a date means nothing
# Quantile 0.90 of Student's t by degrees of freedom: half of the 80 % interval.
T90 = (3.078, 1.886, 1.638, 1.533, 1.476, 1.440, 1.415, 1.397, 1.383, 1.372)

Days = Sequence[tuple[date, float]]


@dataclass(frozen=True, slots=True)
class Forecast:
    """When the goal is reached at this rate. verdict:

    "reached": it is reached now. "date": on `on`; between `earliest` and `latest`, 80 %; latest
    None: perhaps never. "never": not at this rate. "unknown": too few figures.
    rate: percentage points a month.
    """

    verdict: str
    rate: float | None = None
    on: date | None = None
    earliest: date | None = None
    latest: date | None = None
    figures: int = 0


@dataclass(frozen=True, slots=True)
class Trend:
    """points: newest figure of each month, oldest first. month, year: change in percentage points
    against a month and a year ago, None = no figure then. restated: versions that late figures
    replaced."""

    points: tuple[PastFigure, ...]
    month: float | None
    year: float | None
    forecast: Forecast
    restated: tuple[tuple[PastFigure, PastFigure], ...] = ()


def trend(past: Sequence[PastFigure], value: float | None, goal: float | None, today: date,
          comparator: str = ">=") -> Trend:  # fmt: skip
    """past: every version of one target's figures at one place, in order of day and version."""
    newest: dict[str, PastFigure] = {}
    restated = []
    for figure in past:
        before = newest.get(figure.day)
        if before is not None:
            restated.append((before, figure))
        newest[figure.day] = figure
    days = [newest[day] for day in sorted(newest) if newest[day].value is not None]
    by_month: dict[str, PastFigure] = {}
    for figure in days:
        by_month[figure.day[:7]] = figure
    series = [(date.fromisoformat(f.day), f.value or 0.0) for f in by_month.values()][-MONTHS:]
    if value is not None and (not series or series[-1][0] < today):
        series.append((today, value))
    return Trend(
        tuple(by_month.values()),
        _change(days, value, _months_before(today, 1)),
        _change(days, value, _months_before(today, 12)),
        forecast(series, value, goal, today, comparator),
        tuple(restated),
    )


def forecast(series: Days, value: float | None, goal: float | None, today: date,
             comparator: str = ">=") -> Forecast:  # fmt: skip
    """series: figures in percent, ascending in time."""
    if goal is None or value is None:
        return Forecast("unknown", figures=len(series))
    if value > goal or (value == goal and comparator == ">="):
        return Forecast("reached", figures=len(series))
    monthly = {(d.year, d.month): (d, v) for d, v in series}
    points = sorted(monthly.values())[-MONTHS:]
    if len(points) < LEAST:
        return Forecast("unknown", figures=len(points))
    line = _fit(points)
    rate = line.slope * 30.4375
    crossing = _crossing(line, goal, line.slope)
    if line.slope <= 0 or crossing is None or crossing - _ordinal(today) > HORIZON:
        return Forecast("never", rate, figures=len(points))
    earliest, latest = _interval(line, goal, _ordinal(today))
    return Forecast(
        "date",
        rate,
        _day(crossing, today),
        None if earliest is None else _day(earliest, today),
        None if latest is None else _day(latest, today),
        len(points),
    )


@dataclass(frozen=True, slots=True)
class _Line:
    """value = mean + slope * (day - middle). error: residual variance, spread: sum of squares of
    the days around their middle, t: quantile."""

    middle: float
    mean: float
    slope: float
    error: float
    spread: float
    count: int
    t: float


def _fit(points: Days) -> _Line:
    days = [_ordinal(day) for day, _ in points]
    values = [value for _, value in points]
    count = len(points)
    middle, mean = sum(days) / count, sum(values) / count
    spread = sum((day - middle) ** 2 for day in days)
    both = sum((day - middle) * (v - mean) for day, v in zip(days, values, strict=True))
    slope = both / spread if spread else 0.0
    rest = sum(
        (v - mean - slope * (day - middle)) ** 2 for day, v in zip(days, values, strict=True)
    )
    free = count - 2
    return _Line(middle, mean, slope, rest / free, spread, count, T90[min(free, len(T90)) - 1])


def _crossing(line: _Line, goal: float, slope: float) -> float | None:
    return line.middle + (goal - line.mean) / slope if slope else None


def _interval(line: _Line, goal: float, today: float) -> tuple[float | None, float | None]:
    """Where the goal lies within the band of the line: the roots of a quadratic (Fieller)."""
    gap = goal - line.mean
    noise = line.t**2 * line.error
    a = line.slope**2 - noise / line.spread
    b = line.slope * gap
    c = gap**2 - noise / line.count
    root = b * b - a * c
    if a <= 0 or root < 0:  # a flat line is among those that the figures allow
        steepest = line.slope + line.t * sqrt(line.error / line.spread)
        return max(today, _crossing(line, goal, steepest) or today), None
    first, last = (b - sqrt(root)) / a, (b + sqrt(root)) / a
    end = line.middle + last
    return max(today, line.middle + first), end if end - today <= HORIZON else None


def _change(days: Sequence[PastFigure], value: float | None, then: date) -> float | None:
    """Against the newest figure of that day or of the month before it."""
    if value is None:
        return None
    oldest = (then - timedelta(days=31)).isoformat()
    before = [f for f in days if oldest <= f.day <= then.isoformat()]
    return value - before[-1].value if before and before[-1].value is not None else None


def _months_before(day: date, months: int) -> date:
    index = day.year * 12 + day.month - 1 - months
    year, month = divmod(index, 12)
    first = date(year, month + 1, 1)
    following = date(year + (month + 1) // 12, (month + 1) % 12 + 1, 1)
    return min(date.fromordinal(first.toordinal() + day.day - 1), following - timedelta(days=1))


def _ordinal(day: date) -> float:
    return float(day.toordinal())


def _day(ordinal: float, today: date) -> date:
    first = today.toordinal()
    return date.fromordinal(min(max(round(ordinal), first), first + HORIZON))


def joined(parts: Mapping[str, Sequence[PastFigure]], place: str) -> list[PastFigure]:
    """Figures of units before they became one: for each day on which all of them had a figure,
    the sum. parts: unit -> its newest figures."""
    if not parts or not all(parts.values()):
        return []
    found = []
    days = sorted({f.day for some in parts.values() for f in some})
    for day in days:
        held = [_held(some, day) for some in parts.values()]
        if any(figure is None for figure in held):
            continue
        some = [figure for figure in held if figure is not None]
        if any(figure.denominator is None for figure in some):
            continue
        total = sum(figure.denominator or 0 for figure in some)
        numerator = sum(figure.numerator for figure in some)
        known = sum(figure.known for figure in some)
        sources = {figure.source for figure in some}
        first = some[0]
        found.append(
            PastFigure(
                first.target,
                place,
                day,
                numerator,
                total,
                known,
                100 * numerator / total if total and known else None,
                100 * known / total if total else None,
                first.state,
                sources.pop() if len(sources) == 1 else first.source.MIXED,
                max(figure.recorded_at for figure in some),
            )
        )
    return found


def _held(some: Sequence[PastFigure], day: str) -> PastFigure | None:
    """The newest figure of that day or before."""
    before = [figure for figure in some if figure.day <= day]
    return before[-1] if before else None
