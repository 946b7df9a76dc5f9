"""One SQLite store to another file, all levels of it, row by row in the order of the tables.

A replica that was cut goes on where it was: rows are there up to the last key. At the end every
series of every table is compared by its count and sum; what was changed meanwhile in a source that
is written to is copied again. The file gets its name when all of it is there.
"""

from __future__ import annotations

import hashlib
import marshal
import os
import sqlite3
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from ioc.i18n import _
from ioc.store._schema import LEVELS, lock, open_writer, translated
from ioc.store._source import SqliteSource
from ioc.store.base import StoreError

ROWS = 50_000  # in one transaction
TABLES = ("raw", *(table for table, _width in LEVELS))  # with the key (series, time)
WHOLE = ("hot", "dirty", "floors", "facts")  # small, copied at once at the end
Step = Callable[[str, int, int], None]  # what, rows done, rows in all


@dataclass(frozen=True, slots=True)
class TableCopied:
    """What of one field is in one table. sum: of all its rows, hex; the same in both files."""

    measurement: str
    field: str
    table: str
    rows: int
    sum: str


def replicate(source: SqliteSource, target: Path, progress: Step) -> list[TableCopied]:
    """Copy into a new file. Raises StoreError. Killed, the same call goes on."""
    work = target.with_name(f"{target.name}.copying")
    held = lock(target)
    try:
        if target.exists():
            raise StoreError(_("{path} exists; move it away, or copy with --add", path=str(target)))
        connection = open_writer(work, source.day_offset)
        try:
            copied = _Replica(source.connection, connection, progress).run()
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
        finally:
            connection.close()
        _publish(work, target)
        return copied
    except sqlite3.Error as error:
        raise translated(error, work) from error
    finally:
        os.close(held)


def _publish(work: Path, target: Path) -> None:
    """Give it its name, durably."""
    for path in (work, work.absolute().parent):
        descriptor = os.open(path, os.O_RDONLY)
        os.fsync(descriptor)
        os.close(descriptor)
    work.rename(target)
    folder = os.open(target.absolute().parent, os.O_RDONLY)
    os.fsync(folder)
    os.close(folder)


class _Replica:
    def __init__(
        self, source: sqlite3.Connection, target: sqlite3.Connection, progress: Step
    ) -> None:
        self._source, self._target, self._progress = source, target, progress
        self._series = source.execute(
            "SELECT id, measurement, tags, field FROM series ORDER BY id"
        ).fetchall()
        self._total = sum(self._count(table) for table in TABLES)
        self._done = 0

    def run(self) -> list[TableCopied]:
        self._target.execute("PRAGMA synchronous = NORMAL")
        self._begin()
        for table in TABLES:
            self._bring(table)
        self._whole()
        self._done = 0
        return [one for table in TABLES for one in self._compare(table)]

    def _count(self, table: str) -> int:
        return int(self._source.execute(f"SELECT count(*) FROM {table}").fetchone()[0])

    def _begin(self) -> None:
        """Series keep their numbers. What is there of another source goes."""
        known = "SELECT id, measurement, tags, field FROM series ORDER BY id"
        there = self._target.execute(known).fetchall()
        self._target.execute("BEGIN IMMEDIATE")
        if there != self._series[: len(there)]:
            for table in (*TABLES, *WHOLE, "series"):
                self._target.execute(f"DELETE FROM {table}")
            there = []
        rows = self._series[len(there) :]
        self._target.executemany("INSERT INTO series VALUES (?, ?, ?, ?)", rows)
        self._target.execute("COMMIT")

    def _bring(self, table: str) -> None:
        """Rows after the last one that is there."""
        last = f"SELECT series, time FROM {table} ORDER BY series DESC, time DESC LIMIT 1"
        key = self._target.execute(last).fetchone() or (0, 0)
        self._done += int(self._target.execute(f"SELECT count(*) FROM {table}").fetchone()[0])
        rows = self._source.execute(
            f"SELECT * FROM {table} WHERE (series, time) > (?, ?) ORDER BY series, time", key
        )
        while part := rows.fetchmany(ROWS):
            self._insert(table, part)
            self._done += len(part)
            self._progress(table, min(self._done, self._total), self._total)

    def _insert(self, table: str, rows: list[tuple[object, ...]]) -> None:
        marks = ", ".join("?" * len(rows[0]))
        self._target.execute("BEGIN IMMEDIATE")
        self._target.executemany(f"INSERT OR REPLACE INTO {table} VALUES ({marks})", rows)
        self._target.execute("COMMIT")

    def _whole(self) -> None:
        self._target.execute("BEGIN IMMEDIATE")
        for table in WHOLE:
            self._target.execute(f"DELETE FROM {table}")
            order = " ORDER BY rowid" if table == "hot" else ""  # the later of two values counts
            rows = self._source.execute(f"SELECT * FROM {table}{order}").fetchall()
            if rows:
                marks = ", ".join("?" * len(rows[0]))
                self._target.executemany(f"INSERT INTO {table} VALUES ({marks})", rows)
        self._target.execute("COMMIT")

    def _compare(self, table: str) -> list[TableCopied]:
        """Every series of a table, copied once more where it is not the same."""
        whole: dict[tuple[str, str], tuple[int, hashlib._Hash]] = {}
        for series, measurement, _tags, field in self._series:
            found = _sum(self._source, table, series)
            if _sum(self._target, table, series) != found:
                self._again(table, series)
                if _sum(self._target, table, series) != found:
                    words = {"table": table, "series": str(series)}
                    raise StoreError(_("the copy differs: {table}, series {series}", **words))
            self._done += found[0]
            self._progress(_("comparing"), min(self._done, self._total), self._total)
            if found[0]:
                rows, sums = whole.get((measurement, field), (0, hashlib.sha256()))
                sums.update(found[1])
                whole[measurement, field] = (rows + found[0], sums)
        return [TableCopied(*key, table, r, s.hexdigest()) for key, (r, s) in sorted(whole.items())]

    def _again(self, table: str, series: int) -> None:
        self._target.execute("BEGIN IMMEDIATE")
        self._target.execute(f"DELETE FROM {table} WHERE series = ?", (series,))
        self._target.execute("COMMIT")
        rows = self._source.execute(
            f"SELECT * FROM {table} WHERE series = ? ORDER BY time", (series,)
        )
        while part := rows.fetchmany(ROWS):
            self._insert(table, part)


def _sum(connection: sqlite3.Connection, table: str, series: int) -> tuple[int, bytes]:
    """How many rows of a series there are, and the sum of all of them."""
    whole, count = hashlib.sha256(), 0
    rows = connection.execute(f"SELECT * FROM {table} WHERE series = ? ORDER BY time", (series,))
    while part := rows.fetchmany(10_000):
        count += len(part)
        for row in part:
            whole.update(marshal.dumps(row, 0))  # each row by itself: no matter how many at once
    return count, whole.digest()
