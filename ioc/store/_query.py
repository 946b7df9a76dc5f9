"""Reading the SQLite store: what is merged and what is not as one, rollups where they say the same.

The samples that are not merged yet are copied before the view of the file begins, so that each
sample is in one of them, or in both, whatever is merged meanwhile.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import groupby
from json import dumps
from operator import itemgetter
from typing import Any

from ioc.store._late import late_windows
from ioc.store._merge import Stretch
from ioc.store._plan import Moving, Part, coarsest, joined, plan
from ioc.store._recent import NOTHING, Samples
from ioc.store._schema import FINEST, LIVE, RAW, TOP, table_of
from ioc.store._steps import RECIPES, Steps
from ioc.store._view import Floors, View, worn
from ioc.store._windows import HELD, Grid, Windows, fold, held, limited, runs
from ioc.store.base import HOLD, Series, SeriesQuery, Tags

HOURS = Grid(3_600_000)
FEW_HOURS = 6 * 3_600_000  # ms: not worth to be looked at one by one
Answer = tuple[Sequence[int], Sequence[float]]  # times, values


def answered(
    view: View,
    found: Sequence[tuple[Tags, int]],
    recent: Mapping[int, Samples],
    query: SeriesQuery,
) -> list[Series]:
    """The answer of these series (tags, number). Raises ValueError when it is too large."""
    wanted = sorted(series for _tags, series in found)
    if query.step is None:
        answers = raw_answers(view, wanted, recent, query)
    else:
        answers = Stepped(view, recent, query).answers(wanted)
    samples, total = {}, 0
    for series, answer in answers:
        total += len(answer[0])
        limited(total, query)
        if answer[0]:
            samples[series] = answer
    return [
        Series(query.measurement, query.field, tags, *samples[series])
        for tags, series in found
        if series in samples
    ]


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
        older: Answer = tuple(zip(*rows, strict=True)) if rows else ((), ())  # type: ignore[assignment]
        yield series, united(older, newer)


def united(older: Answer, newer: Answer) -> Answer:
    """Merged samples and newer ones, ascending; of two at one time the newer one."""
    if not older[0]:
        return newer
    if not newer[0]:
        return older
    if older[0][-1] < newer[0][0]:
        return [*older[0], *newer[0]], [*older[1], *newer[1]]
    both = dict(zip(*older, strict=True)) | dict(zip(*newer, strict=True))
    ordered = sorted(both)
    return ordered, [both[time] for time in ordered]


class Stepped:
    """One query for one value a step."""

    def __init__(self, view: View, recent: Mapping[int, Samples], query: SeriesQuery) -> None:
        self._view = view
        self._recent = recent
        self._query = query
        self._recipe = RECIPES[query.aggregate]
        self._grid = Grid(query.step or 1, query.offset)
        self._level = coarsest(view, query)
        self._floors: Floors = view.floors()
        self._found: dict[int, Steps] = {}
        self._count, self._counts = 0, dict[int, int]()  # steps: of all, of each series

    def answers(self, wanted: Sequence[int]) -> Iterator[tuple[int, Answer]]:
        """Values of the steps of each series."""
        query = self._query
        self._found = {series: Steps(self._recipe) for series in wanted}
        for moving, begin, members in self._alike(wanted):
            for part in plan(self._view, self._level, query.start, query.end, moving):
                if part.level == RAW:
                    self._take_samples(part, begin, members)
                else:
                    self._take_windows(part, members)
        for series in wanted:
            yield series, self._found[series].answer()

    def _check(self, series: int) -> None:
        """Stop before too large an answer fills the memory."""
        count = len(self._found[series].found)
        self._count += count - self._counts.get(series, 0)
        self._counts[series] = count
        limited(self._count, self._query)

    # --- what is not settled

    def _alike(self, wanted: Sequence[int]) -> Iterator[tuple[Moving, int, Sequence[int]]]:
        """Series grouped by where their windows are not settled and where their samples begin:
        each group has one plan."""
        begins = self._begins(wanted)
        dirty = self._dirty(set(wanted)) if self._level != RAW else {}
        groups: dict[tuple[tuple[tuple[Stretch, ...], ...], int], list[int]] = defaultdict(list)
        for series in wanted:
            levels = () if self._level == RAW else self._moving(series, dirty)
            groups[levels, begins(series)].append(series)
        for (levels, begin), members in groups.items():
            yield dict(enumerate(levels, LIVE)), begin, members

    def _begins(self, wanted: Sequence[int]) -> Callable[[int], int]:
        floor, dropped = self._view.raw_floor()
        if floor == dropped:
            return lambda series: floor
        aged = self._view.aged(wanted, dropped, floor)
        return lambda series: floor if series in aged else dropped

    def _moving(
        self, series: int, dirty: Mapping[tuple[int, int], Sequence[Stretch]]
    ) -> tuple[tuple[Stretch, ...], ...]:
        """Where the windows of the live levels, from the finest on, are not settled."""
        moving = self._recent_hours(series)
        levels = []
        for level in range(LIVE, TOP + 1):
            moving += dirty.get((series, level), ())
            levels.append(joined(moving))
        return tuple(levels)

    def _recent_hours(self, series: int) -> list[Stretch]:
        """Hours with samples that are not merged; hours, so that many series are alike."""
        samples = self._recent.get(series)
        if samples is None:
            return []
        times, _values = samples.between(self._query.start - HOLD, self._query.end + HOLD)
        if times and times[-1] - times[0] < FEW_HOURS:  # as it is nearly always
            return [(HOURS.start(times[0] - HOLD), HOURS.end(times[-1] + 1))]
        return [
            (HOURS.start(times[first] - HOLD), start + HOURS.width)
            for start, first, _end in runs(times, HOURS)
        ]

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
        self._take_level(part.level, max(part.start, floor), part.end, members)

    def _take_worn(self, start: int, end: int, members: Sequence[int]) -> None:
        for level, first, after in worn(self._floors, start, end):
            self._take_level(level, first, after, members)

    def _take_level(self, level: int, start: int, end: int, members: Sequence[int]) -> None:
        """Windows of a level that start in a stretch; put together by SQLite when all of them
        are in one step."""
        if start >= end:
            return
        if level == FINEST:
            self._take_packed(start, end, members)
            return
        step = self._grid.start(start)
        if end <= step + self._grid.width:
            columns = self._recipe.together
            rows = self._select(level, columns, start, end, members, order="GROUP BY series")
            for series, *figures in rows:
                self._found[series].put(step, tuple(figures))
            return
        rows = self._select(level, f"time, {self._recipe.columns}", start, end, members)
        start_of = self._grid.start
        for series, windows in groupby(rows, key=itemgetter(0)):
            put = self._found[series].put
            for _series, time, first, second in windows:
                put(start_of(time), (first, second))
            self._check(series)

    def _take_packed(self, start: int, end: int, members: Sequence[int]) -> None:
        rows = self._view.windows_of(FINEST, members, start, end)
        for series, windows in groupby(rows, key=itemgetter(0)):
            for _series, time, window in windows:
                self._found[series].add(self._grid.start(time), window)
            self._check(series)

    def _take_samples(self, part: Part, begin: int, members: Sequence[int]) -> None:
        """Samples; where they were dropped, windows and what came in late."""
        if part.start < begin:
            end = min(part.end, begin)
            self._take_worn(part.start, end, members)
            self._take_late(part.start, end, members)
        start = max(part.start, begin)
        if start >= part.end:
            return
        without = set(members)
        rows = self._select(RAW, "time, value", start, part.end + self._reach, members)
        for series, samples in groupby(rows, key=itemgetter(0)):
            without.discard(series)
            _series, times, values = zip(*samples, strict=True)
            self._fold(series, (times, values), start, part.end)
        for series in without & self._recent.keys():
            self._fold(series, ((), ()), start, part.end)

    @property
    def _reach(self) -> int:
        """How far beyond its end a stretch must be looked at, ms."""
        return HOLD if self._query.aggregate in HELD else 0

    def _fold(self, series: int, older: Answer, start: int, end: int) -> None:
        newer = self._recent.get(series, NOTHING).between(start, end + self._reach)
        times, values = united(older, newer)
        inside = bisect_left(times, end)
        following = times[inside] if inside < len(times) else None
        times, values = times[:inside], values[:inside]
        steps, figures = self._found[series], self._recipe.held
        if figures is not None:
            for step, up, known in held(times, values, following, self._grid):
                steps.put(step, figures(up, known))
        else:
            windows = Windows()
            fold(times, values, self._grid, windows)
            for step, window in windows.items():
                steps.add(step, window)
        self._check(series)

    def _take_late(self, start: int, end: int, members: Sequence[int]) -> None:
        """Samples that came in after those of their time were dropped, and wait to be rolled up."""
        for series in members:
            newer = self._recent.get(series, NOTHING).between(start, end)
            times, values = united(self._view.samples(series, start, end), newer)
            for level, first, after in worn(self._floors, start, end):
                part = slice(bisect_left(times, first), bisect_left(times, after))
                held = self._query.field == "up"
                samples = (times[part], values[part])
                late = late_windows(self._view, level, series, samples, held)
                for begin, window in late.items():
                    self._found[series].add(self._grid.start(begin), window)

    def _select(
        self,
        level: int,
        columns: str,
        start: int,
        end: int,
        members: Sequence[int],
        *,
        order: str = "ORDER BY series, time",
    ) -> Iterable[Any]:
        """Rows (series, columns…) of a stretch."""
        return self._view.connection.execute(
            f"SELECT series, {columns} FROM {table_of(level)} "
            "WHERE series IN (SELECT value FROM json_each(?)) AND time >= ? AND time < ? " + order,
            (dumps(members), start, end),
        )
