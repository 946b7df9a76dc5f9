"""raw ─▶ 1 h ─▶ 1 day: windows that something was written into are worked out anew.

Only windows that are over are worked out: until then, samples and smaller windows say what is in
them. Those of five minutes are made when their samples go (_retention), so that nothing is kept
twice.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from operator import itemgetter
from typing import Any

from ioc.store._late import take_late
from ioc.store._merge import Budget, Stretch, mark
from ioc.store._schema import FINEST, HOUR, LIVE, TOP
from ioc.store._series import SeriesIndex
from ioc.store._view import View
from ioc.store._windows import Grid, Windows, add, fold, hold
from ioc.store.base import HOLD

PIECES = 200  # stretches looked up at once
LONGEST = (0, 6 * HOUR, 3660 * 24 * HOUR)  # ms of a stretch at once, by level


def roll_up(view: View, level: int, index: SeriesIndex, now: int) -> Iterator[None]:
    """Work out the dirty windows of a level that are over; the level above becomes dirty.

    See _merge on yield.
    """
    over = view.grid(level).start(now)
    budget = Budget()
    while True:
        pieces = view.connection.execute(
            "SELECT series, start, until FROM dirty WHERE level = ? AND start < ? "
            "ORDER BY series, start LIMIT ?",
            (level, over, PIECES),
        ).fetchall()
        if not pieces:
            return
        for stretch, members in _alike(pieces).items():
            settle(view, level, members, stretch, over=over, index=index, budget=budget)
            if budget.spent:
                break
        yield
        budget.renew()


def _alike(pieces: Iterable[tuple[int, int, int]]) -> dict[Stretch, list[int]]:
    """Series by their dirty stretch: what is written each hour is alike in all of them."""
    found: dict[Stretch, list[int]] = defaultdict(list)
    for series, start, until in pieces:
        found[start, until].append(series)
    return found


def settle(
    view: View,
    level: int,
    members: Sequence[int],
    stretch: Stretch,
    *,
    over: int,
    index: SeriesIndex,
    budget: Budget | None = None,
) -> None:
    """Bring a dirty stretch of some series up to date; at least of one, at least a part of it.

    over: no window that ends later is worked out, ms UTC.
    """
    start, until = stretch
    end = min(until, over, start + LONGEST[level])
    if start >= view.floors()[level - 1 if level > LIVE else -1]:
        done = _settle_alive(view, level, members, (start, end), index=index, budget=budget)
    else:
        done = members[:1]
        _settle_worn(view, level, members[0], (start, end), index)
    view.connection.executemany(
        "DELETE FROM dirty WHERE level = ? AND series = ? AND start = ?",
        [(level, series, start) for series in done],
    )
    if end < until:
        mark(view.connection, [(level, series, end, until) for series in done])


def _settle_alive(
    view: View,
    level: int,
    members: Sequence[int],
    stretch: Stretch,
    *,
    index: SeriesIndex,
    budget: Budget | None = None,
) -> Sequence[int]:
    """Windows of a stretch that nothing was dropped of. The series that are done: all of them, or
    as many of the first as there was time for."""
    start, end = stretch
    grid, done = view.grid(level), members
    made: list[tuple[int, Windows]] = []
    for series, rows in groupby(_below(view, level, members, start, end), key=itemgetter(0)):
        if level == LIVE:
            made.append((series, _of_samples(rows, end, grid, index.is_up(series))))
        else:
            made.append((series, _of_windows(rows, grid)))
        if budget is not None and budget.spent:
            done = [member for member in members if member <= series]
            break
    view.put(level, made)
    if level < TOP:
        above = view.grid(level + 1)
        touched = (above.start(start), above.end(end))
        mark(view.connection, [(level + 1, series, *touched) for series, _windows in made])
    return done


def _below(view: View, level: int, members: Sequence[int], start: int, end: int) -> Iterable[Any]:
    if level == LIVE:
        return view.samples_of(members, start, end + HOLD)
    return view.windows_of(level - 1, members, start, end)


def _of_samples(rows: Iterable[Any], end: int, grid: Grid, up: bool) -> Windows:
    """rows: (series, time, value), ascending, of one series, HOLD beyond the end."""
    windows = Windows()
    _series, times, values = zip(*rows, strict=True)
    inside = bisect_left(times, end)
    following = times[inside] if inside < len(times) else None
    times, values = times[:inside], values[:inside]
    fold(times, values, grid, windows)
    if up:
        hold(times, values, following, grid, windows)
    return windows


def _of_windows(rows: Iterable[Any], grid: Grid) -> Windows:
    windows = Windows()
    for _series, time, window in rows:
        add(windows, grid.start(time), window)
    return windows


def windows_of_samples(
    view: View, level: int, series: int, stretch: Stretch, index: SeriesIndex
) -> Windows:
    """Windows of a level, of the samples of a stretch."""
    rows = list(view.samples_of((series,), stretch[0], stretch[1] + HOLD))
    if not rows:
        return {}
    return _of_samples(rows, stretch[1], view.grid(level), index.is_up(series))


def _settle_worn(view: View, level: int, series: int, stretch: Stretch, index: SeriesIndex) -> None:
    """A stretch of which something was dropped: what is there came late, or is older than what
    is kept."""
    start, end = stretch
    if level > LIVE:
        begin = view.floors()[level - 1]
    else:
        begin = view.begin(series)
        _settle_late(view, series, start, min(end, begin), index)
    alive = max(start, begin)
    if alive < end:
        _settle_alive(view, level, (series,), (alive, end), index=index)


def _settle_late(view: View, series: int, start: int, end: int, index: SeriesIndex) -> None:
    hours = view.grid(LIVE)
    for level, first, after in take_late(view, series, start, end, index.is_up(series)):
        if level == FINEST:
            hour = hours.start(first)
            rows = view.windows_of(FINEST, (series,), hour, hour + hours.width)
            view.put(LIVE, [(series, _of_windows(rows, hours))])
        if level < TOP:
            days = view.grid(TOP)
            mark(view.connection, [(TOP, series, days.start(first), days.end(after))])
