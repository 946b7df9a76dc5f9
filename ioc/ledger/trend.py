"""How a target moves: change over a month and a year, and when it reaches its goal at this rate.

The forecast is a straight line through the newest figures (ordinary least squares, one figure a
month at most). The interval is the 80 % one of the line itself (Fieller): the dates between which
the line crosses the goal, so that of many such intervals four in five hold the true date, as long
as figures scatter around a line. What is rising too little to tell from standing still has no
last date; what does not rise at all, or not within ten years, has no date.
"""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from math import ceil, floor, sqrt

from ioc.inventory.topology import Target
from ioc.ledger.arithmetic import weigh
from ioc.ledger.model import Source, TargetState
from ioc.ledger.records import PastFigure

MONTHS = 12  # figures of how many months the line is laid through
LEAST = 4  # months with a figure below which nothing is said
HORIZON = 3653  # days ahead beyond which a date means nothing
HELD = 31  # days that a figure stands for: one that stays the same is written at each month's end
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
    known = (newest[day] for day in sorted(newest))
    days = [figure for figure in known if figure.value is not None and figure.known]
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
    now = _ordinal(today)
    if line.slope <= 0 or (goal >= 100 and comparator == ">"):
        return Forecast("never", rate, figures=len(points))
    crossing = line.middle + (goal - line.mean) / line.slope
    if crossing - now > HORIZON:
        return Forecast("never", rate, figures=len(points))
    first, last = _interval(line, goal)
    latest = None if last is None or last - now > HORIZON else _day(ceil(last), today)
    earliest = _day(floor(first), today)
    return Forecast("date", rate, _day(ceil(crossing), today), earliest, latest, len(points))


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


def _interval(line: _Line, goal: float) -> tuple[float, float | None]:
    """Between which days the goal lies within the band of the line (Fieller): where
    (gap - slope * u)^2 <= noise * (1 / count + u^2 / spread), u days after the middle, u > 0.
    None: without end, since a line that stands still is among those that the figures allow."""
    gap = goal - line.mean
    noise = line.t**2 * line.error
    a = line.slope**2 - noise / line.spread
    b = line.slope * gap
    c = gap**2 - noise / line.count
    root = sqrt(max(0.0, b * b - a * c))
    first = line.middle + (c / (b + root) if b > 0 else 0.0)  # else it lies behind the middle
    return first, line.middle + (b + root) / a if a > 0 else None


def _change(days: Sequence[PastFigure], value: float | None, then: date) -> float | None:
    """Against the newest figure of that day or of the month before it."""
    if value is None:
        return None
    oldest = (then - timedelta(days=31)).isoformat()
    before = [f for f in days if oldest <= f.day <= then.isoformat()]
    return value - before[-1].value if before and before[-1].value is not None else None


def _months_before(day: date, months: int) -> date:
    """The same day of an earlier month; of a month's last day the last day of that one."""
    year, month = divmod(day.year * 12 + day.month - 1 - months, 12)
    last = monthrange(year, month + 1)[1]
    ends = day.day == monthrange(day.year, day.month)[1]
    return date(year, month + 1, last if ends else min(day.day, last))


def _ordinal(day: date) -> float:
    return float(day.toordinal())


def _day(ordinal: int, today: date) -> date:
    first = today.toordinal()
    return date.fromordinal(min(max(ordinal, first), first + HORIZON))


def across(
    own: Sequence[PastFigure],
    first: str | None,
    members: Mapping[str, tuple[str, Sequence[PastFigure]]],
    target: Target | None = None,
) -> list[PastFigure]:
    """A unit's figures, before a merger those of all that it is made of now.

    own: every version of its own; first: its first day, None = always. members: unit -> last day
    before it became part, and its own past.
    """
    cuts = sorted({last for last, _past in members.values()})
    found: list[PastFigure] = []
    since = ""
    for cut in cuts:
        parts = {name: newest(past) for name, (last, past) in members.items() if last >= cut}
        if first is None or first <= cut:
            parts[""] = newest(own)
        name = own[0].place if own else None
        summed = joined(parts, name, target)
        found += [figure for figure in summed if since < figure.day <= cut]
        since = cut
    return [*found, *(figure for figure in own if figure.day > since)]


def newest(past: Sequence[PastFigure]) -> list[PastFigure]:
    """The newest version of each day."""
    return [figure for _day, figure in sorted({f.day: f for f in past}.items())]


def joined(
    parts: Mapping[str, Sequence[PastFigure]], place: str | None, target: Target | None = None
) -> list[PastFigure]:
    """Figures of units before they became one: for each day on which all of them had a figure,
    the sum. parts: unit -> its newest figures. target: decides the state of the sum."""
    if not parts or not all(parts.values()):
        return []
    found = []
    for day in sorted({figure.day for some in parts.values() for figure in some}):
        held = [figure for some in parts.values() if (figure := _held(some, day)) is not None]
        if len(held) == len(parts):
            found.append(_summed(held, day, place, target))
    return found


def _summed(
    some: Sequence[PastFigure], day: str, place: str | None, target: Target | None
) -> PastFigure:
    total = sum(figure.denominator or 0 for figure in some)
    numerator = sum(figure.numerator for figure in some)
    known = sum(figure.known for figure in some)
    sources = {figure.source for figure in some}
    states = {figure.state for figure in some}
    if target is not None:
        state = weigh(target, place, numerator, total, known).state
    else:
        state = states.pop() if len(states) == 1 else TargetState.UNKNOWN
    return PastFigure(
        some[0].target,
        place,
        day,
        numerator,
        total,
        known,
        100 * numerator / total if total and known else None,
        100 * known / total if total else None,
        state,
        sources.pop() if len(sources) == 1 else Source.MIXED,
        max(figure.recorded_at for figure in some),
    )


def _held(some: Sequence[PastFigure], day: str) -> PastFigure | None:
    """The newest figure of that day or lately before; None when it had no whole."""
    oldest = (date.fromisoformat(day) - timedelta(days=HELD)).isoformat()
    before = [figure for figure in some if oldest <= figure.day <= day]
    return before[-1] if before and before[-1].denominator is not None else None
