"""What is in a store: which fields of which measurements, from when to when."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator

from ioc.store._packed import SPAN
from ioc.store._schema import FINEST, LEVELS, LIVE, table_of
from ioc.store._view import View
from ioc.store.base import Content

# With the column that says when the newest sample of a row was.
TABLES = (("raw", "time"), *((table, "last_time") for table, _width in LEVELS[LIVE:]))
Span = tuple[str, str, int, int]  # measurement, field, first, last


def spans(found: Iterable[Span]) -> list[Content]:
    """Spans of the same field as one, sorted."""
    whole: dict[tuple[str, str], tuple[int, int]] = {}
    for measurement, field, first, last in found:
        before = whole.get((measurement, field), (first, last))
        whole[measurement, field] = (min(first, before[0]), max(last, before[1]))
    return [Content(*key, *whole[key]) for key in sorted(whole)]


def sqlite_contents(connection: sqlite3.Connection) -> list[Content]:
    """Of raw samples, merged and not, and of every level of windows."""
    series = connection.execute("SELECT id, measurement, field FROM series").fetchall()
    names = {id: (measurement, field) for id, measurement, field in series}
    query = "SELECT series, min(time), max(time) FROM hot GROUP BY series"
    parts = [(*names[id], first, last) for id, first, last in connection.execute(query)]
    for id, names_of in names.items():
        for table, last in TABLES:
            parts += ((*names_of, *ends) for ends in _ends(connection, table, last, id))
        parts += ((*names_of, *ends) for ends in _packed_ends(connection, id))
    return spans(parts)


def _ends(
    connection: sqlite3.Connection, table: str, last: str, series: int
) -> Iterator[tuple[int, int]]:
    """First and last time of a series in a table: two looks at its ends."""
    where = f"FROM {table} WHERE series = ? ORDER BY time"
    first = connection.execute(f"SELECT time {where} LIMIT 1", (series,)).fetchone()
    if first is not None:
        newest = connection.execute(f"SELECT {last} {where} DESC LIMIT 1", (series,)).fetchone()
        yield first[0], newest[0]


def _packed_ends(connection: sqlite3.Connection, series: int) -> Iterator[tuple[int, int]]:
    """The same of windows of five minutes, of which there are several in a row."""
    view = View(connection, 0)
    for start, end in _ends(connection, table_of(FINEST), "time", series):
        first = next(iter(view.windows(FINEST, series, start, start + SPAN)))
        *_earlier, (_time, last) = view.windows(FINEST, series, end, end + SPAN)
        yield first[0], last.last_time
