"""hot ─▶ raw: what was appended, an hour at a time, in the order of the clustered table.

Upkeep is written as generators: what runs up to a `yield` is one transaction, short enough that a
waiting write hardly waits. Killed between two, the next run begins anew: each step may be repeated.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator, Sequence

from ioc.store._recent import Recent
from ioc.store._schema import LEVELS, LIVE
from ioc.store._series import SeriesIndex
from ioc.store._windows import Grid, runs
from ioc.store.base import HOLD

BUDGET = 0.010  # seconds of work in one transaction
CHUNK = 4_000  # rows between two looks at the clock
GAP = 3_600_000  # ms without samples that part two stretches to be rolled up

Stretch = tuple[int, int]  # start, end (exclusive): ms UTC


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
    for series in sorted(waiting):
        times, values = waiting[series].ordered()
        reach = HOLD if index.is_up(series) else 0
        for first in range(0, len(times), CHUNK):
            part = slice(first, first + CHUNK)
            _insert(connection, series, times[part], values[part], reach)
            if budget.spent:
                yield
                budget.renew()
    yield
    recent.end_merge()
    yield from _clear(connection, upto)


def _insert(
    connection: sqlite3.Connection,
    series: int,
    times: Sequence[int],
    values: Sequence[float],
    reach: int,
) -> None:
    rows = ((series, at, value) for at, value in zip(times, values, strict=True))
    connection.executemany("INSERT OR REPLACE INTO raw VALUES (?, ?, ?)", rows)
    mark(connection, LIVE, series, stretches(times, reach))


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


def stretches(times: Sequence[int], reach: int) -> list[Stretch]:
    """Stretches of windows of the live level that ascending times touch; long gaps part them.

    reach: ms before a sample that it says something of.
    """
    grid = Grid(LEVELS[LIVE][1])
    found: list[Stretch] = []
    for window, first, _after in runs(times, grid):
        start, end = grid.start(times[first] - reach), window + grid.width
        if found and start <= found[-1][1] + GAP:
            if end > found[-1][1]:
                found[-1] = (found[-1][0], end)
        else:
            found.append((start, end))
    return found


def mark(connection: sqlite3.Connection, level: int, series: int, dirty: Sequence[Stretch]) -> None:
    """Remember durably that windows of a level must be worked out anew."""
    connection.executemany(
        "INSERT INTO dirty VALUES (?, ?, ?, ?) "
        "ON CONFLICT DO UPDATE SET until = max(until, excluded.until)",
        [(level, series, start, end) for start, end in dirty],
    )
