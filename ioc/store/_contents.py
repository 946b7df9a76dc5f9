"""What is in a store: which fields of which measurements, from when to when."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator

from ioc.store._schema import LEVELS, LIVE
from ioc.store.base import Content

Span = tuple[str, str, int, int]  # measurement, field, first, last


def spans(found: Iterable[Span]) -> list[Content]:
    """Spans of the same field as one, sorted."""
    whole: dict[tuple[str, str], tuple[int, int]] = {}
    for measurement, field, first, last in found:
        before = whole.get((measurement, field), (first, last))
        whole[measurement, field] = (min(first, before[0]), max(last, before[1]))
    return [Content(*key, *whole[key]) for key in sorted(whole)]


def sqlite_contents(connection: sqlite3.Connection) -> list[Content]:
    """Of raw samples, merged and not, and of windows; those of hours are kept longer than smaller
    ones."""
    series = connection.execute("SELECT id, measurement, field FROM series").fetchall()
    names = {id: (measurement, field) for id, measurement, field in series}
    query = "SELECT series, min(time), max(time) FROM hot GROUP BY series"
    parts = [(*names[id], first, last) for id, first, last in connection.execute(query)]
    tables = [("raw", "time"), *((table, "last_time") for table, _width in LEVELS[LIVE:])]
    for table, last in tables:
        for id, names_of in names.items():
            parts += ((*names_of, *ends) for ends in _ends(connection, table, last, id))
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
