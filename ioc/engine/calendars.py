"""When something is expected to be on: office hours, public holidays, the district's own dates.

Which days are worked, the first rule that speaks decides:

1. a `closed` date of the inventory is off (also when it is a make-up date: off is the safe side,
   nobody is alarmed by a computer that was not expected);
2. a `make_up` date of the inventory is worked, with the same hours as any other day;
3. a weekend day that the government made a working day in exchange for a bridge day is worked,
   where Monday to Friday are;
4. a public holiday, its substitute days and bridge days are off;
5. the weekday decides.

Rules 3 and 4 come from the `holidays` library: for "VN" the Labour Code 2019, articles 111 (a
holiday on a weekly rest day moves to the next working day) and 112 (the days, Tết by the lunar
calendar), and the yearly exchanges the government announces. The library knows exchanges only
once they are published, and the choice of the second National Day and of the days around Tết is
made each year: what it does not know yet is written in the inventory, which wins. It has data for
the years 1901 to 2100 (VN); beyond, no day is a holiday and rules 1, 2 and 5 decide alone.

Hours are wall time of the area. An instant belongs to hours when it lies between the first
instants at which the wall clock reads their start and their end or later: with daylight saving a
repeated hour counts in its first passing, a skipped hour counts nothing, and no hours overlap.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo

import holidays

from ioc.inventory.topology import CalendarRule

DAY_MINUTES = 24 * 60
MINUTE_MS = 60_000
WEEK = frozenset(range(5))  # the days that are exchanged for others
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
# Moments outside are treated as these: datetime holds years 1 to 9999, spans look a year around.
EARLIEST_MS = (datetime(3, 1, 1, tzinfo=UTC) - EPOCH) // timedelta(milliseconds=1)
LATEST_MS = (datetime(9997, 1, 1, tzinfo=UTC) - EPOCH) // timedelta(milliseconds=1)
HORIZON_DAYS = 400  # how far next_change looks: longer than a year without a working day


@dataclass(frozen=True, slots=True)
class _Span:
    """A stretch of time in which nothing changes: [start, end) in ms UTC."""

    start: int
    end: int
    on: bool


class Calendar:
    """The answers to one calendar rule in one time zone. Pure; remembers what it worked out.

    Hours that end at or before their start, or after 24:00, end on the next day and belong to
    the day on which they start. Moments are ms UTC.
    Raises ValueError for hours, dates or a country code that mean nothing.
    """

    def __init__(self, rule: CalendarRule, timezone: tzinfo) -> None:
        self.rule = rule
        self._timezone = timezone
        self._hours = tuple(_normal(start, end) for start, end in rule.hours)
        self._closed = frozenset(date.fromisoformat(day) for day in rule.closed)
        self._make_up = frozenset(date.fromisoformat(day) for day in rule.make_up)
        self._known_holidays: dict[int, tuple[frozenset[date], frozenset[date]]] = {}
        self._known_years: dict[int, tuple[int, ...]] = {}
        self._known_days: dict[int, tuple[tuple[int, int], ...]] = {}
        self._last = _Span(0, 0, False)
        self._holidays_of(2000)  # an unknown country is refused here, not on the first question

    def expected_on(self, at_ms: int) -> bool:
        """Whether the moment lies inside expected hours of a working day."""
        return self._span(at_ms).on

    def settled_on(self, at_ms: int) -> bool:
        """Whether it is expected on and has been for the rule's grace, so that absence counts.

        Hours that follow each other without a gap are one stretch; after a break (lunch) the
        grace begins anew. Hours shorter than the grace never settle.
        """
        span = self._span(at_ms)
        return span.on and at_ms - span.start >= self.rule.grace * MINUTE_MS

    def working_day(self, day: date) -> bool:
        """Whether a local date is worked, by the rules in the head of this module."""
        if day in self._closed:
            return False
        if day in self._make_up:
            return True
        off, exchanged = self._holidays_of(day.year)
        if day in exchanged and self.rule.days >= WEEK:
            return True
        return day.weekday() in self.rule.days and day not in off

    def working_days_since(self, ms: int, now_ms: int) -> int:
        """How many working days lie wholly after `ms` and are over by `now_ms`.

        A day counts when its first hours start at or after `ms` and its last hours have ended.
        0 when the clock was set back before `ms`, and when the rule has no hours.
        """
        ms, now_ms = _clamped(ms), _clamped(now_ms)
        if now_ms <= ms or not self._hours:
            return 0
        first, last = self._local(ms).toordinal(), self._local(now_ms).toordinal()
        edges = {first, last - 1, last}  # hours across midnight may end on the day after
        inside = self._count(first + 1, last - 2)
        return inside + sum(self._whole(day, ms, now_ms) for day in edges if first <= day <= last)

    def hours_on(self, day: date) -> tuple[tuple[int, int], ...]:
        """Hours of a local date, ms UTC, ascending; empty when it is not worked."""
        return self._day(day.toordinal())

    def next_change(self, at_ms: int) -> int:
        """The first moment after `at_ms` at which `expected_on` differs.

        When nothing changes for 400 days, a moment about 400 days ahead: ask again then.
        """
        return max(self._span(at_ms).end, at_ms + 1)

    # --- spans

    def _span(self, at_ms: int) -> _Span:
        if not self._last.start <= at_ms < self._last.end:
            self._last = self._find_span(_clamped(at_ms))
        return self._last

    def _find_span(self, at: int) -> _Span:
        first = self._local(at).toordinal() - min(2 + self.rule.grace // DAY_MINUTES, HORIZON_DAYS)
        # Hours of the day before the first may reach into it, so nothing is claimed of that day.
        end_of_last = self._instant(date.fromordinal(first + 1), 0)
        for start, end in self._stretches(first):
            if at < start:
                return _Span(end_of_last, start, False)
            if at < end:
                return _Span(start, end, True)
            end_of_last = end
        horizon = at + (HORIZON_DAYS - 1) * DAY_MINUTES * MINUTE_MS
        return _Span(end_of_last, horizon, False)

    def _stretches(self, first: int) -> Iterator[tuple[int, int]]:
        """Hours from a day on in ms, those that touch joined, up to the horizon.

        The first day is so long ago that a joined stretch cut there has outlasted the grace.
        """
        current: tuple[int, int] | None = None
        for day in range(first, first + 2 * HORIZON_DAYS):
            for start, end in self._day(day):
                if current is not None and start <= current[1]:
                    current = (current[0], max(current[1], end))
                    continue
                if current is not None:
                    yield current
                current = (start, end)
        if current is not None:
            yield current

    def _day(self, ordinal: int) -> tuple[tuple[int, int], ...]:
        """Hours of a day in ms UTC, ascending; empty when it is not worked."""
        known = self._known_days.get(ordinal)
        if known is None:
            day = date.fromordinal(ordinal)
            known = self._hours_of(day) if self.working_day(day) else ()
            if len(self._known_days) > 4 * HORIZON_DAYS:
                self._known_days.clear()
            self._known_days[ordinal] = known
        return known

    def _hours_of(self, day: date) -> tuple[tuple[int, int], ...]:
        hours = sorted(
            (self._instant(day, start), self._instant(day, end)) for start, end in self._hours
        )
        return tuple((start, end) for start, end in hours if start < end)

    # --- days

    def _holidays_of(self, year: int) -> tuple[frozenset[date], frozenset[date]]:
        """(days off, weekend days made working days) of a year, both by the library."""
        if self.rule.holidays is None:
            return frozenset(), frozenset()
        known = self._known_holidays.get(year)
        if known is None:
            known = self._known_holidays[year] = _public_holidays(self.rule.holidays, year)
        return known

    def _working_ordinals(self, year: int) -> tuple[int, ...]:
        known = self._known_years.get(year)
        if known is None:
            days = range(date(year, 1, 1).toordinal(), date(year, 12, 31).toordinal() + 1)
            known = tuple(day for day in days if self.working_day(date.fromordinal(day)))
            self._known_years[year] = known
        return known

    def _count(self, first: int, last: int) -> int:
        """Working days from one ordinal to another, both included."""
        if first > last:
            return 0
        total = 0
        for year in range(date.fromordinal(first).year, date.fromordinal(last).year + 1):
            days = self._working_ordinals(year)
            total += bisect_right(days, last) - bisect_left(days, first)
        return total

    def _whole(self, ordinal: int, ms: int, now_ms: int) -> bool:
        hours = self._day(ordinal)
        return bool(hours) and hours[0][0] >= ms and max(end for _, end in hours) <= now_ms

    # --- wall time

    def _local(self, at: int) -> datetime:
        return (EPOCH + timedelta(milliseconds=at)).astimezone(self._timezone)

    def _instant(self, day: date, minute: int) -> int:
        """ms of the first instant at which the wall clock reads this or later."""
        wall = datetime.combine(day, time()) + timedelta(minutes=minute)
        before = _ms(wall.replace(tzinfo=self._timezone))
        after = _ms(wall.replace(tzinfo=self._timezone, fold=1))
        if before <= after:
            return before
        while after < before:  # the wall clock skips this time: find the moment it jumps over it
            middle = (after + before) // 2
            if self._local(middle).replace(tzinfo=None) >= wall:
                before = middle
            else:
                after = middle + 1
        return before


def _normal(start: int, end: int) -> tuple[int, int]:
    if end <= start:
        end += DAY_MINUTES
    if not (0 <= start < DAY_MINUTES and start < end <= start + DAY_MINUTES):
        raise ValueError(f"hours from minute {start} to {end} of a day")
    return start, end


def _clamped(at: int) -> int:
    return min(max(at, EARLIEST_MS), LATEST_MS)


def _ms(moment: datetime) -> int:
    return (moment - EPOCH) // timedelta(milliseconds=1)


def _public_holidays(country: str, year: int) -> tuple[frozenset[date], frozenset[date]]:
    """(days off, weekend days made working days) of a year. Raises ValueError.

    The neighbour years are asked too: a substitute day may fall into another year than its holiday.
    """
    try:
        found = holidays.country_holidays(country, years=(year - 1, year, year + 1), expand=False)
    except NotImplementedError:
        raise ValueError(f"no public holidays are known for country {country!r}") from None
    exchanged = frozenset(day for day in found.weekend_workdays if day.year == year)
    return frozenset(day for day in found if day.year == year) - exchanged, exchanged
