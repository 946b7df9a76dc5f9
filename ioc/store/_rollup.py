"""raw ─▶ 5 min ─▶ 1 h ─▶ 1 day: windows that something was written into are worked out anew."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator

from ioc.store._late import take_late
from ioc.store._merge import Budget, Stretch, mark
from ioc.store._schema import DAY, RAW, TOP
from ioc.store._series import SeriesIndex
from ioc.store._view import View
from ioc.store._windows import Windows, add, fold, hold
from ioc.store.base import HOLD

PIECES = 100  # stretches looked up at once
LONGEST = (DAY, 30 * DAY, 3660 * DAY)  # ms of a stretch at once, by level


def roll_up(view: View, level: int, index: SeriesIndex) -> Iterator[None]:
    """Work out the dirty windows of a level; the level above becomes dirty. See _merge on yield."""
    budget = Budget()
    while True:
        pieces = view.connection.execute(
            "SELECT series, start, until FROM dirty WHERE level = ? ORDER BY series, start LIMIT ?",
            (level, PIECES),
        ).fetchall()
        if not pieces:
            return
        for series, start, until in pieces:
            end = min(until, start + LONGEST[level])
            _settle(view, level, series, (start, end), index.is_up(series))
            _done(view, level, series, start)
            if end < until:
                mark(view.connection, level, series, [(end, until)])
            if budget.spent:
                yield
                budget.renew()


def _done(view: View, level: int, series: int, start: int) -> None:
    view.connection.execute(
        "DELETE FROM dirty WHERE level = ? AND series = ? AND start = ?", (level, series, start)
    )


def _settle(view: View, level: int, series: int, stretch: Stretch, up: bool) -> None:
    """Bring one stretch of one level up to date with the level below."""
    start, end = stretch
    known = view.floors()
    if level == 0 and start < known[RAW]:
        for taken, first, after in take_late(view, series, start, min(end, known[RAW]), up):
            _mark_above(view, taken, series, first, after)
    alive = max(start, known[level - 1])
    if alive >= end:
        return
    if level == 0:
        windows = _of_samples(view, series, alive, end, up)
    else:
        windows = _of_windows(view, level, series, alive, end)
    view.put(level, series, windows)
    _mark_above(view, level, series, alive, end)


def _mark_above(view: View, level: int, series: int, start: int, end: int) -> None:
    """The windows of the next level that a stretch touches are dirty; nothing above the last."""
    if level < TOP:
        above = level + 1
        grid = view.grid(above)
        mark(view.connection, above, series, [(grid.start(start), grid.end(end))])


def _of_samples(view: View, series: int, start: int, end: int, up: bool) -> Windows:
    grid, windows = view.grid(0), Windows()
    times, values = view.samples(series, start, end + (HOLD if up else 0))
    inside = bisect_left(times, end)
    fold(times[:inside], values[:inside], grid, windows)
    if up:
        following = times[inside] if inside < len(times) else None
        hold(times[:inside], values[:inside], following, grid, windows)
    return windows


def _of_windows(view: View, level: int, series: int, start: int, end: int) -> Windows:
    grid, windows = view.grid(level), Windows()
    for time, window in view.windows(level - 1, series, start, end):
        add(windows, grid.start(time), window)
    return windows
