"""An SQLite store to be copied from: one moment of it, also while a program writes to it."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ioc.i18n import _
from ioc.store._contents import sqlite_contents
from ioc.store._query import answered
from ioc.store._recent import Recent
from ioc.store._schema import LEVELS, RAW, TOP, VERSION, open_reader, translated
from ioc.store._series import SeriesIndex, load_tags
from ioc.store._view import View
from ioc.store._windows import check_query
from ioc.store.base import Content, Series, SeriesQuery, StoreError

Stratum = tuple[int, int | None]  # from when on, ms UTC, and step, ms; None: the samples themselves


class SqliteSource:
    """The moment it is opened at. Raises StoreError for a missing, damaged or older file."""

    def __init__(self, path: Path) -> None:
        self._path = path
        if not path.is_file():
            raise StoreError(_("{path}: no such file", path=str(path)))
        with self._reading():
            self._connection = open_reader(path)
        self._index, self._recent = SeriesIndex(), Recent()
        try:
            with self._reading():
                self._connection.execute("BEGIN")
                self._view = View(self._connection, self._load())
        except StoreError:
            self._connection.close()
            raise

    def contents(self) -> list[Content]:
        """See ioc.store.base.Listed."""
        with self._reading():
            return sqlite_contents(self._connection)

    def read(self, query: SeriesQuery) -> list[Series]:
        """See ioc.store.base.SeriesQuery. Raises ValueError, StoreError."""
        check_query(query)
        found = self._index.find(query.measurement, query.field, query.tags)
        if not found or query.start >= query.end:
            return []
        recent = self._recent.copy(series for _tags, series in found)
        with self._reading():
            return answered(self._view, found, recent, query)

    @property
    def day_offset(self) -> int:
        """How local days are shifted from UTC days, ms."""
        return self._view.day_offset

    @property
    def connection(self) -> sqlite3.Connection:
        """Its view of the file."""
        return self._connection

    def strata(self) -> list[Stratum]:
        """Where samples are left and where only windows are, the oldest first."""
        floors = self._view.floors()
        found: list[Stratum] = [(floors[RAW], None)]
        for level in range(TOP + 1):
            if floors[level] < found[0][0]:
                found.insert(0, (floors[level], LEVELS[level][1]))
        return found

    def close(self) -> None:
        self._connection.close()

    def _load(self) -> int:
        version = self._connection.execute("PRAGMA user_version").fetchone()[0]
        if version != VERSION:
            message = "{path}: of another version; let the program open it once, then copy it"
            raise StoreError(_(message, path=str(self._path)))
        for series, measurement, tags, field in self._connection.execute(
            "SELECT id, measurement, tags, field FROM series ORDER BY id"
        ):
            self._index.add((measurement, load_tags(tags), field), series)
        rows = self._connection.execute("SELECT series, time, value FROM hot ORDER BY rowid")
        while part := rows.fetchmany(10_000):
            self._recent.add(part)
        fact = "SELECT value FROM facts WHERE name = 'day_offset'"
        return int(self._connection.execute(fact).fetchone()[0])

    @contextmanager
    def _reading(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            raise translated(error, self._path) from error
