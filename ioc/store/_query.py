"""Reading the SQLite store: what is merged and what is not as one, rollups where they say the same.

The samples that are not merged yet are copied before the view of the file begins, so that each
sample is in one of them, or in both, whatever is merged meanwhile.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from json import dumps
from operator import itemgetter
from typing import Any

from ioc.store._late import late_windows
from ioc.store._merge import Stretch
from ioc.store._plan import Moving, Part, coarsest, joined, plan
from ioc.store._recent import NOTHING, Samples
from ioc.store._schema import RAW, TOP, WINDOW, table_of
from ioc.store._view import Floors, View, worn
from ioc.store._windows import HELD, Grid, Window, Windows, add, fold, hold, runs
from ioc.store.base import HOLD, SeriesQuery

HOURS = Grid(3_600_000)
Answer = tuple[Sequence[int], Sequence[float]]  # times, values


def raw_answers(
    view: View, wanted: Sequence[int], recent: Mapping[int, Samples], query: SeriesQuery
) -> Iterator[tuple[int, Answer]]:
    """Samples of each series, no more than one beyond the query's limit."""
    for series in wanted:
        rows = view.connection.execute(
            "SELECT time, value FROM raw WHERE series = ? AND time >= ? AND time < ? "
            "ORDER BY time LIMIT ?",
            (series, query.start, query.end, query.limit + 1),
        ).fetchall()
        newer = recent.get(series, NOTHING).between(query.start, query.end)
        yield series, united(rows, newer)


def united(rows: Sequence[tuple[int, float]], newer: Answer) -> Answer:
    """Merged samples and newer ones, ascending; of two at one time the newer one."""
    if not rows:
        return newer
    if not newer[0]:
        times, values = zip(*rows, strict=True)
        return times, values
    both = dict(rows) | dict(zip(*newer, strict=True))
    ordered = sorted(both)
    return ordered, [both[time] for time in ordered]


class Stepped:
    """One query for one value a step."""

    def __init__(self, view: View, recent: Mapping[int, Samples], query: SeriesQuery) -> None:
        self._view = view
        self._recent = recent
        self._query = query
        self._grid = Grid(query.step or 1, query.offset)
        self._level = coarsest(view, query)
        self._floors: Floors = view.floors()
        self._found: dict[int, Windows] = {}

    def answers(self, wanted: Sequence[int]) -> Iterator[tuple[int, Answer]]:
        """Values of the steps of each series."""
        query = self._query
        self._found = {series: {} for series in wanted}
        for moving, members in self._alike(wanted):
            for part in plan(self._view, self._level, query.start, query.end, moving):
                if part.level == RAW:
                    self._take_samples(part, members)
                else:
                    self._take_windows(part, members)
        for series in wanted:
            windows = self._found[series]
            times = sorted(windows)
            yield series, (times, [windows[time].value(query.aggregate) for time in times])

    # --- what is not settled

    def _alike(self, wanted: Sequence[int]) -> Iterator[tuple[Moving, Sequence[int]]]:
        """Series grouped by where their windows are not settled: each group has one plan."""
        if self._level == RAW:
            yield {}, wanted
            return
        dirty = self._dirty(set(wanted))
        groups: dict[tuple[tuple[Stretch, ...], ...], list[int]] = defaultdict(list)
        for series in wanted:
            moving = [*self._recent_hours(series)]
            levels = []
            for level in range(TOP + 1):
                moving += dirty.get((series, level), ())
                levels.append(joined(moving))
            groups[tuple(levels)].append(series)
        for key, members in groups.items():
            yield dict(enumerate(key)), members

    def _recent_hours(self, series: int) -> Iterator[Stretch]:
        """Hours with samples that are not merged; hours, so that many series are alike."""
        samples = self._recent.get(series, NOTHING)
        times, _values = samples.between(self._query.start - HOLD, self._query.end + HOLD)
        for start, first, _end in runs(times, HOURS):
            yield HOURS.start(times[first] - HOLD), start + HOURS.width

    def _dirty(self, wanted: set[int]) -> Mapping[tuple[int, int], list[Stretch]]:
        found: dict[tuple[int, int], list[Stretch]] = defaultdict(list)
        rows = self._view.connection.execute(
            "SELECT series, level, start, until FROM dirty WHERE start < ? AND until > ?",
            (self._query.end, self._query.start),
        )
        for series, level, start, until in rows:
            if series in wanted:
                found[series, level].append((start, until))
        return found

    # --- taking

    def _take_windows(self, part: Part, members: Sequence[int]) -> None:
        """Windows of a level; where they were dropped, those of the next that is left."""
        floor = self._floors[part.level]
        if part.start < floor:
            self._take_worn(part.start, min(part.end, floor), members)
        for series, rows in self._rows(
            part.level, WINDOW, max(part.start, floor), part.end, members
        ):
            self._put(series, rows)

    def _take_worn(self, start: int, end: int, members: Sequence[int]) -> None:
        for level, first, after in worn(self._floors, start, end):
            for series, rows in self._rows(level, WINDOW, first, after, members):
                self._put(series, rows)

    def _put(self, series: int, rows: Iterator[Any]) -> None:
        windows, grid = self._found[series], self._grid
        for _series, time, *known in rows:
            add(windows, grid.start(time), Window(*known))

    def _take_samples(self, part: Part, members: Sequence[int]) -> None:
        """Samples; where they were dropped, windows and what came in late."""
        floor = self._floors[RAW]
        if part.start < floor:
            end = min(part.end, floor)
            self._take_worn(part.start, end, members)
            self._take_late(part.start, end, members)
        start = max(part.start, floor)
        if start >= part.end:
            return
        without = set(members)
        for series, rows in self._rows(RAW, "value", start, part.end + self._reach, members):
            without.discard(series)
            self._fold(series, [(time, value) for _series, time, value in rows], start, part.end)
        for series in without & self._recent.keys():
            self._fold(series, (), start, part.end)

    @property
    def _reach(self) -> int:
        """How far beyond its end a stretch must be looked at, ms."""
        return HOLD if self._query.aggregate in HELD else 0

    def _fold(self, series: int, rows: Sequence[tuple[int, float]], start: int, end: int) -> None:
        newer = self._recent.get(series, NOTHING).between(start, end + self._reach)
        times, values = united(rows, newer)
        inside = bisect_left(times, end)
        following = times[inside] if inside < len(times) else None
        times, values = times[:inside], values[:inside]
        windows = Windows()
        fold(times, values, self._grid, windows)
        if self._reach:
            hold(times, values, following, self._grid, windows)
        for begin, window in windows.items():
            add(self._found[series], begin, window)

    def _take_late(self, start: int, end: int, members: Sequence[int]) -> None:
        """Samples that came in after those of their time were dropped, and wait to be rolled up."""
        for series in members:
            newer = self._recent.get(series, NOTHING).between(start, end)
            rows = list(zip(*self._view.samples(series, start, end), strict=True))
            times, values = united(rows, newer)
            for level, first, after in worn(self._floors, start, end):
                part = slice(bisect_left(times, first), bisect_left(times, after))
                held = self._query.field == "up"
                samples = (times[part], values[part])
                late = late_windows(self._view, level, series, samples, held)
                for begin, window in late.items():
                    add(self._found[series], self._grid.start(begin), window)

    def _rows(
        self, level: int, columns: str, start: int, end: int, members: Sequence[int]
    ) -> Iterator[tuple[int, Iterator[Any]]]:
        """Rows (series, time, columns…) of a stretch, series by series, ascending in time."""
        rows = self._view.connection.execute(
            f"SELECT series, time, {columns} FROM {table_of(level)} "
            "WHERE series IN (SELECT value FROM json_each(?)) AND time >= ? AND time < ? "
            "ORDER BY series, time",
            (dumps(members), start, end),
        )
        return groupby(rows, key=itemgetter(0))
