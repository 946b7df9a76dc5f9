"""Reading the SQLite store: hot and clustered rows as one, rollups where they say the same."""

from __future__ import annotations

import sqlite3
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence

from ioc.store._schema import LEVELS
from ioc.store._windows import Window, Windows, add, gather, limited
from ioc.store.base import SeriesQuery

Samples = dict[int, float]  # time -> value

ROW = "SELECT time, count, total, low, high, last_time, last FROM {table}"


def hot_samples(
    connection: sqlite3.Connection, ids: Sequence[int], query: SeriesQuery
) -> Mapping[int, Samples]:
    """What is not merged yet: series -> samples; of two at one time the later written one."""
    wanted = set(ids)
    found: dict[int, Samples] = defaultdict(dict)
    rows = connection.execute(
        "SELECT series, time, value FROM hot WHERE time >= ? AND time < ? ORDER BY rowid",
        (query.start, query.end),
    )
    for series, time, value in rows:
        if series in wanted:
            found[series][time] = value
    return found


def raw_samples(
    connection: sqlite3.Connection, series: int, hot: Samples, query: SeriesQuery
) -> list[tuple[int, float]]:
    """Samples of one series, ascending; raises ValueError past the query's limit."""
    rows = connection.execute(
        "SELECT time, value FROM raw WHERE series = ? AND time >= ? AND time < ? "
        "ORDER BY time LIMIT ?",
        (series, query.start, query.end, query.limit + 1),
    ).fetchall()
    if not hot:
        return rows
    return sorted((dict(rows) | hot).items())


def stepped(
    connection: sqlite3.Connection, series: int, hot: Samples, query: SeriesQuery
) -> list[tuple[int, float]]:
    """One value for each step. Raises ValueError past the query's limit."""
    step = query.step or 1
    windows: Windows = {}
    level = _level(step)
    if level is None:
        gather(_raw(connection, series, hot, query.start, query.end), step, windows)
    else:
        _from_rollups(connection, series, hot, query, level, windows)
    limited(len(windows), query)
    return [(start, windows[start].value(query.aggregate)) for start in sorted(windows)]


def _level(step: int) -> int | None:
    """The coarsest rollup that divides the step."""
    for level in reversed(range(len(LEVELS))):
        if step % LEVELS[level][1] == 0:
            return level
    return None


def _from_rollups(  # noqa: PLR0917 - internal; each argument is another thing
    connection: sqlite3.Connection,
    series: int,
    hot: Samples,
    query: SeriesQuery,
    level: int,
    windows: Windows,
) -> None:
    """Whole, settled windows from the rollup; edges and what is still moving from the samples."""
    table, width = LEVELS[level]
    step = query.step or width
    first, last = -(-query.start // width) * width, query.end // width * width
    moving = {time - time % width for time in hot}
    moving |= _dirty(connection, series, level, query)
    if first < last:
        rows = connection.execute(
            f"{ROW.format(table=table)} WHERE series = ? AND time >= ? AND time < ?",
            (series, first, last),
        )
        for time, *known in rows:
            if time not in moving:
                add(windows, time - time % step, Window(*known))
    if first >= last:
        edges = [(query.start, query.end)]
    else:
        edges = [(query.start, first), (last, query.end)]
        edges += [(start, start + width) for start in moving if first <= start < last]
    for start, end in edges:
        if start < end:
            gather(_raw(connection, series, hot, start, end), step, windows)


def _dirty(connection: sqlite3.Connection, series: int, level: int, query: SeriesQuery) -> set[int]:
    """Windows of a level below which something is not rolled up yet."""
    width = LEVELS[level][1]
    rows = connection.execute(
        "SELECT DISTINCT time FROM dirty WHERE level <= ? AND series = ? "
        "AND time >= ? AND time < ?",
        (level, series, query.start - width, query.end),
    )
    return {time - time % width for (time,) in rows}


def _raw(
    connection: sqlite3.Connection, series: int, hot: Samples, start: int, end: int
) -> Iterator[tuple[int, float]]:
    rows = connection.execute(
        "SELECT time, value FROM raw WHERE series = ? AND time >= ? AND time < ?",
        (series, start, end),
    )
    inside = {time: value for time, value in hot.items() if start <= time < end}
    yield from (dict(rows) | inside).items() if inside else rows
