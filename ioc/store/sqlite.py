"""The embedded store: one SQLite file that survives kill -9 and power cuts.

    write ─▶ hot (append) ─▶ raw (clustered by series and time) ─▶ rollups 5 min, 1 h, 1 day

One connection writes and checkpoints, whatever the thread; readers are read-only. Days are local
days, because people ask for those; the area's zone has no summer time, so a fixed offset is exact.
"""

from __future__ import annotations

import os
import shutil
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from ioc.i18n import _
from ioc.store._contents import sqlite_contents
from ioc.store._merge import merge
from ioc.store._query import answered
from ioc.store._readers import Readers
from ioc.store._recent import Recent
from ioc.store._retention import Retention, from_environment, give_back, pack_old, retain
from ioc.store._rollup import roll_up
from ioc.store._schema import LIVE, TOP, lock, open_writer, translated
from ioc.store._series import SeriesIndex, load_tags, series_rows
from ioc.store._view import View
from ioc.store._windows import bounded, check_query
from ioc.store.base import Content, Point, Series, SeriesQuery, StoreError, StoreHealth

HO_CHI_MINH = -7 * 3_600_000  # ms; Asia/Ho_Chi_Minh is UTC+7 and has had no other time since 1975
RECENT_ROWS = 2_000_000  # rows not merged, 32 MB: an hour of 1,000 assets; beyond, writing merges
PAUSE = 0.001  # seconds between two steps of upkeep
PATIENCE = 20  # pauses more that upkeep makes while a write waits; then it takes its turn


class Waiting:
    """How many writes wait or run: a lock alone is not fair, and upkeep would take it again."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.count = 0

    def __enter__(self) -> None:
        with self._lock:
            self.count += 1

    def __exit__(self, *_error: object) -> None:
        with self._lock:
            self.count -= 1

    def let_through(self) -> None:
        """Pause as long as a write waits, but not forever."""
        for _pause in range(PATIENCE):
            if not self.count:
                return
            time.sleep(PAUSE)


class SqliteStore:
    """See ioc.store.base.Store. path: the database file; beside it a `.lock`, `-wal` and `-shm`.

    day_offset: start of a local day relative to the UTC day, ms, for the daily rollup; used when
    the file is made, remembered by it. recent_rows: how many may wait to be merged.
    Raises StoreError when it cannot be opened, or another program has it open.
    """

    def __init__(
        self,
        path: Path,
        *,
        keep: Retention = Retention(),  # noqa: B008 - frozen
        day_offset: int = HO_CHI_MINH,
        recent_rows: int = RECENT_ROWS,
    ) -> None:
        self._path = path = path.resolve()  # one lock for a file, whatever leads to it
        self._keep = keep
        self._recent_rows = recent_rows
        self._index = SeriesIndex()
        self._recent = Recent()
        self._writing = threading.Lock()
        self._waiting = Waiting()
        self._upkeep = threading.Lock()
        self._merging: Iterator[None] | None = None
        self._lock_file: int | None = lock(path)
        try:
            self._writer = open_writer(path, day_offset)
            self._day_offset = self._load()
        except BaseException:
            self._unlock()
            raise
        self._readers = Readers(path)

    # --- writing

    def write(self, points: Sequence[Point]) -> None:
        """Durable when it returns. ValueError, naming the point, for what cannot be kept."""
        with self._waiting, self._writing:
            rows, fresh = self._index.rows(points, self._next_series)
            if not rows:
                return
            self._transaction("FULL", lambda: self._append(rows, series_rows(fresh)))
            for key, series in fresh.items():  # known only now that they are durable
                self._index.add(key, series)
            self._next_series += len(fresh)
            self._recent.add(rows)
            self._merge_excess(len(rows))

    def _append(self, rows: Sequence[object], fresh: object) -> None:
        self._writer.executemany("INSERT INTO series VALUES (?, ?, ?, ?)", fresh)  # type: ignore[arg-type]
        self._writer.executemany("INSERT INTO hot VALUES (?, ?, ?)", rows)  # type: ignore[arg-type]

    def _merge_excess(self, written: int) -> None:
        """Bound what waits to be merged: each write then merges about twice what it wrote.

        What was written is durable: trouble here is no failure of the write, and shows in upkeep.
        """
        for _step in range(1 + written // 2_000):
            if self._recent.rows <= self._recent_rows:
                return
            try:
                self._merge_step()
            except StoreError:
                return

    def _transaction(self, synchronous: str, act: Callable[[], object]) -> None:
        """Run in one transaction. FULL: on disk when it returns; NORMAL: in order, some time."""
        try:
            self._writer.execute(f"PRAGMA synchronous = {synchronous}")
            self._writer.execute("BEGIN IMMEDIATE")
            act()
            self._writer.execute("COMMIT")
        except BaseException as error:
            self._roll_back()
            if isinstance(error, sqlite3.Error):
                raise translated(error, self._path) from error
            raise

    def _roll_back(self) -> None:
        try:
            if self._writer.in_transaction:
                self._writer.execute("ROLLBACK")
        except sqlite3.Error:  # closed, or rolled back by SQLite itself
            pass

    # --- reading

    def read(self, query: SeriesQuery) -> list[Series]:
        """See ioc.store.base.SeriesQuery. Raises ValueError, StoreError."""
        check_query(query)
        query = bounded(query)
        found = self._index.find(query.measurement, query.field, query.tags)
        if not found or query.start >= query.end:
            return []
        wanted = sorted(series for _tags, series in found)
        recent = self._recent.copy(wanted)
        with self._readers.view() as connection:
            return answered(View(connection, self._day_offset), found, recent, query)

    def contents(self) -> list[Content]:
        """See ioc.store.base.Listed; of rolled-up history as well. Raises StoreError."""
        with self._readers.view() as connection:
            return sqlite_contents(connection)

    # --- upkeep

    def maintain(self, now: int) -> None:
        """Merge, roll up, drop what is past retention, give space back. now: ms UTC.

        In steps, so that a write never waits long; killed in between, nothing is lost.
        """
        view = View(self._writer, self._day_offset)
        with self._upkeep:
            if self._recent.is_worth_merging(now):
                self._repeat(self._merge_step)
            for level in range(LIVE, TOP + 1):
                self._run(roll_up(view, level, self._index, now))
            self._run(retain(view, self._index, self._keep, now))
            self._repeat(self._vacuum_step)

    def _merge_step(self) -> bool:
        """One step of merging; False when all is merged. One merge at a time, whoever steps it."""
        if self._merging is None:
            self._merging = merge(self._writer, self._recent, self._index)
        more = self._step(self._merging)
        if not more:
            self._merging = None
        return more

    def _step(self, steps: Iterator[None]) -> bool:
        """Run up to the next `yield` in one transaction. False when there is no more."""
        more: list[None] = []
        done = object()

        def act() -> None:
            if next(steps, done) is None:
                more.append(None)

        try:
            self._transaction("NORMAL", act)
        except BaseException:
            if steps is self._merging:
                self._merging = None  # to be begun anew
            raise
        return bool(more)

    def _run(self, steps: Iterator[None]) -> None:
        self._repeat(lambda: self._step(steps))

    def _repeat(self, step: Callable[[], bool]) -> None:
        """A step at a time until there is nothing left to do; writes go in between."""
        more = True
        while more:
            with self._writing:
                more = step()
            if more:
                time.sleep(PAUSE)
                self._waiting.let_through()

    def _vacuum_step(self) -> bool:
        try:
            return give_back(self._writer)
        except sqlite3.Error as error:
            raise translated(error, self._path) from error

    # --- the rest

    def health(self) -> StoreHealth:
        """Whether it can be read; bytes it takes, and bytes that are free beside it."""
        try:
            with self._readers.view() as connection:
                connection.execute("SELECT 1 FROM series LIMIT 1").fetchone()
            size = sum(f.stat().st_size for f in self._path.parent.glob(f"{self._path.name}*"))
            return StoreHealth(True, None, size, shutil.disk_usage(self._path.parent).free)
        except (StoreError, OSError) as error:
            return StoreHealth(False, str(error))

    def close(self) -> None:
        """Close it; another program may open it then. Twice is no harm."""
        with self._writing:
            self._readers.close()  # first: the last one to close checkpoints, and must be ours
            self._writer.close()
            self._unlock()

    def _unlock(self) -> None:
        if self._lock_file is not None:
            os.close(self._lock_file)
            self._lock_file = None

    def _load(self) -> int:
        """Series, and what was not merged when the program ended. The offset of days."""
        try:
            last = 0
            for series, measurement, tags, field in self._writer.execute(
                "SELECT id, measurement, tags, field FROM series ORDER BY id"
            ):
                self._index.add((measurement, load_tags(tags), field), series)
                last = series
            self._next_series = last + 1
            rows = self._writer.execute("SELECT series, time, value FROM hot ORDER BY rowid")
            while part := rows.fetchmany(10_000):
                self._recent.add(part)
            fact = "SELECT value FROM facts WHERE name = 'day_offset'"
            day_offset = int(self._writer.execute(fact).fetchone()[0])
            pack_old(View(self._writer, day_offset))
            return day_offset
        except (sqlite3.Error, ValueError) as error:
            self._writer.close()
            if isinstance(error, sqlite3.Error):
                raise translated(error, self._path) from error
            raise StoreError(f"{self._path}: {error}") from error


def open_url(url: str) -> SqliteStore:
    """`sqlite:///relative/path` or `sqlite:////absolute/path`; how long it keeps what is in the
    environment. Raises StoreError."""
    path = url.removeprefix("sqlite:///")
    if path == url or not path:
        raise StoreError(_("IOC_STORE={url}: must look like sqlite:///data/series.db", url=url))
    return SqliteStore(Path(path), keep=from_environment(os.environ))
