"""The embedded store: one SQLite file that survives kill -9 and power cuts.

    write ─▶ hot (append) ─▶ raw (clustered by series and time) ─▶ rollups 5 min, 1 h, 1 day

One connection writes and checkpoints, whatever the thread; readers are read-only, one a thread.
A rollup whose samples are past retention is not worked out anew: late data older than that would
make it forget what it knew, and is refused.
"""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from ioc.store import _merge, _query
from ioc.store._schema import LEVELS, lock, open_reader, open_writer, translated
from ioc.store._windows import checked, limited, matches
from ioc.store.base import Point, Series, SeriesQuery, StoreError, StoreHealth, Tags

Key = tuple[str, Tags, str]

HOT_ROWS = 200_000  # merged early beyond this: a query looks through all of `hot`
PAUSE = 0.002  # seconds between two steps of upkeep, so that a waiting write goes first


class SqliteStore:
    """See ioc.store.base.Store. path: the database file; beside it a `.lock`, `-wal` and `-shm`."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock_file = lock(path)
        try:
            self._writer = open_writer(path)
        except StoreError:
            os.close(self._lock_file)
            raise
        self._writing = threading.Lock()
        self._upkeep = threading.Lock()
        self._local = threading.local()
        self._readers: list[sqlite3.Connection] = []
        self._ids: dict[Key, int] = {}
        self._load_series()

    # --- writing

    def write(self, points: Sequence[Point]) -> None:
        """Durable when it returns. ValueError for a value that is no finite number."""
        if not points:
            return
        checked(points)
        new: dict[Key, int] = {}
        with self._writing:
            self._transaction(lambda: self._append(points, new))
            self._ids.update(new)  # known only once they are durable

    def _append(self, points: Sequence[Point], new: dict[Key, int]) -> None:
        ids = self._ids
        rows: list[tuple[int, int, float]] = []
        for point in points:
            for name, value in point.fields.items():
                key = (point.measurement, point.tags, name)
                series = ids.get(key) or new.get(key) or self._add_series(key, new)
                rows.append((series, point.time, value))
        self._writer.executemany("INSERT INTO hot VALUES (?, ?, ?)", rows)

    def _add_series(self, key: Key, new: dict[Key, int]) -> int:
        measurement, tags, name = key
        cursor = self._writer.execute(
            "INSERT INTO series (measurement, tags, field) VALUES (?, ?, ?)",
            (measurement, _dump(tags), name),
        )
        new[key] = int(cursor.lastrowid or 0)
        return new[key]

    def _transaction(self, act: Callable[[], object]) -> bool:
        """Run in one transaction; True when `act` says it did something."""
        try:
            self._writer.execute("BEGIN IMMEDIATE")
            done = act()
            self._writer.execute("COMMIT")
        except BaseException as error:
            if self._writer.in_transaction:
                self._writer.execute("ROLLBACK")
            if isinstance(error, sqlite3.Error):
                raise translated(error, self._path) from error
            raise
        return bool(done)

    # --- reading

    def read(self, query: SeriesQuery) -> list[Series]:
        found = sorted(
            (tags, series)
            for (measurement, tags, name), series in list(self._ids.items())
            if measurement == query.measurement
            and name == query.field
            and matches(tags, query.tags)
        )
        try:
            connection = self._reader()
            connection.execute("BEGIN")  # one view of hot and raw, whatever merges meanwhile
            try:
                return self._answer(connection, found, query)
            finally:
                connection.execute("ROLLBACK")
        except sqlite3.Error as error:
            raise translated(error, self._path) from error

    def _answer(
        self, connection: sqlite3.Connection, found: list[tuple[Tags, int]], query: SeriesQuery
    ) -> list[Series]:
        hot = _query.hot_samples(connection, [series for _, series in found], query)
        get = _query.raw_samples if query.step is None else _query.stepped
        answers, total = [], 0
        for tags, series in found:
            samples = get(connection, series, hot.get(series, {}), query)
            total += len(samples)
            limited(total, query)
            if samples:
                times, values = zip(*samples, strict=True)
                answers.append(Series(query.measurement, query.field, tags, times, values))
        return answers

    def _reader(self) -> sqlite3.Connection:
        connection: sqlite3.Connection | None = getattr(self._local, "connection", None)
        if connection is None:
            connection = self._local.connection = open_reader(self._path)
            self._readers.append(connection)
        return connection

    # --- upkeep

    def maintain(self, now: int) -> None:
        """Merge, roll up, drop what is past retention, give space back. now: ms UTC."""
        with self._upkeep:
            self._repeat(lambda: _merge.merge_step(self._writer))
            for level in range(len(LEVELS)):
                self._repeat(lambda level=level: _merge.rollup_step(self._writer, level))  # type: ignore[misc]
            for table in _merge.KEEP_DAYS:
                for series in list(self._ids.values()):
                    self._repeat(
                        lambda t=table, s=series: _merge.retain_step(self._writer, t, s, now)  # type: ignore[misc]
                    )
            self._vacuum()

    def _repeat(self, step: Callable[[], bool]) -> None:
        """A step at a time, each its own transaction, until there is nothing left to do."""
        while True:
            with self._writing:
                if not self._transaction(step):
                    return
            time.sleep(PAUSE)

    def _vacuum(self) -> None:
        more = True
        while more:
            with self._writing:
                try:
                    more = _merge.vacuum_step(self._writer)
                except sqlite3.Error as error:
                    raise translated(error, self._path) from error
            time.sleep(PAUSE)

    def health(self) -> StoreHealth:
        try:
            self._reader().execute("SELECT 1 FROM series LIMIT 1").fetchone()
            size = sum(f.stat().st_size for f in self._path.parent.glob(f"{self._path.name}*"))
            return StoreHealth(True, None, size, shutil.disk_usage(self._path.parent).free)
        except (sqlite3.Error, OSError) as error:
            return StoreHealth(False, f"{self._path}: {error}")

    def close(self) -> None:
        with self._writing:
            self._writer.close()
            os.close(self._lock_file)

    def _load_series(self) -> None:
        try:
            rows = self._writer.execute("SELECT id, measurement, tags, field FROM series")
            self._ids = {(m, _load(tags), name): series for series, m, tags, name in rows}
        except sqlite3.Error as error:
            self.close()
            raise translated(error, self._path) from error


def open_url(url: str) -> SqliteStore:
    """`sqlite:///relative/path` or `sqlite:////absolute/path`. Raises StoreError."""
    path = url.removeprefix("sqlite:///")
    if path == url or not path:
        raise StoreError(f"IOC_STORE={url}: must look like sqlite:///data/series.db")
    return SqliteStore(Path(path))


def _dump(tags: Tags) -> str:
    return json.dumps(tags, ensure_ascii=False, separators=(",", ":"))


def _load(text: str) -> Tags:
    return tuple((name, value) for name, value in json.loads(text))
