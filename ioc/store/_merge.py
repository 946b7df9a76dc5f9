"""hot ─▶ raw: what was appended, an hour at a time, in the order of the clustered table.

Upkeep is written as generators: what runs up to a `yield` is one transaction, short enough that a
waiting write hardly waits. Killed between two, the next run begins anew: each step may be repeated.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import repeat

from ioc.store._recent import Recent, Samples
from ioc.store._schema import LEVELS, LIVE
from ioc.store._series import Row, SeriesIndex
from ioc.store._windows import Grid, runs
from ioc.store.base import HOLD

BUDGET = 0.010  # seconds of work in one transaction
CHUNK = 4_000  # rows of a series, or that go, between two looks at the clock
PORTION = 1_000  # rows that are put in order at once, of several series
GAP = 3_600_000  # ms without samples that part two stretches to be rolled up

Stretch = tuple[int, int]  # start, end (exclusive): ms UTC
Dirty = tuple[int, int, int, int]  # level, series, and a stretch


class Budget:
    """Whether the work since the last transaction has taken long enough."""

    def __init__(self, seconds: float = BUDGET) -> None:
        self._seconds = seconds
        self.renew()

    def renew(self) -> None:
        self._end = time.perf_counter() + self._seconds

    @property
    def spent(self) -> bool:
        return time.perf_counter() >= self._end


def merge(connection: sqlite3.Connection, recent: Recent, index: SeriesIndex) -> Iterator[None]:
    """Bring all there is in `hot` into `raw`, and mark what must be rolled up anew.

    Rows leave `hot` from its beginning, after all of them are in `raw`: what a kill leaves there is
    merged once more, the newest value of each time last.
    """
    upto = connection.execute("SELECT max(rowid) FROM hot").fetchone()[0]
    if upto is None:
        return
    waiting = recent.begin_merge()
    budget = Budget()
    rows: list[Row] = []
    dirty: list[Dirty] = []
    for series, times, values in _portions(waiting):
        rows += zip(repeat(series), times, values)
        before = _before(connection, series, times[0]) if index.is_up(series) else None
        dirty += [(LIVE, series, *stretch) for stretch in stretches(times, before)]
        if len(rows) < PORTION:
            continue
        _flush(connection, rows, dirty)
        if budget.spent:
            yield
            budget.renew()
    _flush(connection, rows, dirty)
    yield
    recent.end_merge()
    yield from _clear(connection, upto)


def _portions(
    waiting: Mapping[int, Samples],
) -> Iterator[tuple[int, Sequence[int], Sequence[float]]]:
    for series in sorted(waiting):
        times, values = waiting[series].ordered()
        for first in range(0, len(times), CHUNK):
            part = slice(first, first + CHUNK)
            yield series, times[part], values[part]


def _before(connection: sqlite3.Connection, series: int, time: int) -> int | None:
    """Time of a sample of `up` that holds up to a time: what comes then says how long it held."""
    found: int | None = connection.execute(
        "SELECT max(time) FROM raw WHERE series = ? AND time >= ? AND time < ?",
        (series, time - HOLD, time),
    ).fetchone()[0]
    return found


def _flush(connection: sqlite3.Connection, rows: list[Row], dirty: list[Dirty]) -> None:
    connection.executemany("INSERT OR REPLACE INTO raw VALUES (?, ?, ?)", rows)
    mark(connection, dirty)
    rows.clear()
    dirty.clear()


def _clear(connection: sqlite3.Connection, upto: int) -> Iterator[None]:
    """Empty `hot` up to a row, from its beginning."""
    budget = Budget()
    while True:
        gone = connection.execute(
            "DELETE FROM hot WHERE rowid <= min(?, (SELECT min(rowid) FROM hot) + ?)", (upto, CHUNK)
        ).rowcount
        if not gone:
            return
        if budget.spent:
            yield
            budget.renew()


def stretches(times: Sequence[int], before: int | None) -> list[Stretch]:
    """Stretches of windows of the live level that ascending times touch; long gaps part them.

    before: time of an earlier sample of which the first of these says how long it holds.
    """
    grid = Grid(LEVELS[LIVE][1])
    found: list[Stretch] = []
    for window, first, _after in runs(times, grid):
        start, end = window, window + grid.width
        if first:
            before = max(times[first - 1], times[first] - HOLD)
        if before is not None:
            start = grid.start(before)
        if found and start <= found[-1][1] + GAP:
            if end > found[-1][1]:
                found[-1] = (found[-1][0], end)
        else:
            found.append((start, end))
    return found


def mark(connection: sqlite3.Connection, dirty: Iterable[Dirty]) -> None:
    """Remember durably that windows of a level must be worked out anew."""
    connection.executemany(
        "INSERT INTO dirty VALUES (?, ?, ?, ?) "
        "ON CONFLICT DO UPDATE SET until = max(until, excluded.until)",
        dirty,
    )
