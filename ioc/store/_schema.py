"""Tables of the SQLite store, and how its connections are opened.

hot: append-ordered, what was just written. raw: clustered by (series, time). Writing each batch
into a clustered table rewrites a page for nearly every row; appending, and merging an hour at once
in the order of the clustered table, does not.
"""

from __future__ import annotations

import fcntl
import os
import sqlite3
from pathlib import Path

from ioc.i18n import _
from ioc.store.base import StoreCorrupt, StoreError, StoreUnavailable

VERSION = 3
HOUR, DAY = 3_600_000, 86_400_000  # ms
LEVELS: tuple[tuple[str, int], ...] = (  # table, width in ms, a multiple of the one before
    ("rollup_5m", 300_000),
    ("rollup_1h", HOUR),
    ("rollup_1d", DAY),
)
RAW = -1  # the level below the first: the samples themselves
FINEST = 0  # made of samples when they go, so that nothing is kept twice
LIVE = 1  # the finest level that is kept up to date while its samples are there
TOP = len(LEVELS) - 1

OLD = "old_5m"  # windows of five minutes of layout 2
# Columns in the order of ioc.store._windows.Window.
WINDOW = "count, total, low, high, first_time, last_time, last, up_ms, known_ms"
ROLLUP = """
CREATE TABLE {table} (
    series INTEGER NOT NULL, time INTEGER NOT NULL, count INTEGER NOT NULL, total REAL NOT NULL,
    low REAL NOT NULL, high REAL NOT NULL, first_time INTEGER NOT NULL, last_time INTEGER NOT NULL,
    last REAL NOT NULL, up_ms INTEGER NOT NULL, known_ms INTEGER NOT NULL,
    PRIMARY KEY (series, time)
) WITHOUT ROWID;
"""
# With rowid: other tables put what is longer than 1 KB on pages of its own.
PACKED = """
CREATE TABLE rollup_5m (
    series INTEGER NOT NULL, time INTEGER NOT NULL, windows BLOB NOT NULL,
    PRIMARY KEY (series, time)
);
"""
# dirty: windows of a level to be worked out anew, [start, until). floors: where the data of a level
# begins; what is older than `dropped` is gone from its table. facts: what this file was made with,
# and what upkeep remembers.
SCHEMA = """
CREATE TABLE series (
    id INTEGER PRIMARY KEY, measurement TEXT NOT NULL, tags TEXT NOT NULL, field TEXT NOT NULL,
    UNIQUE (measurement, field, tags)
);
CREATE TABLE hot (series INTEGER NOT NULL, time INTEGER NOT NULL, value REAL NOT NULL);
CREATE TABLE raw (
    series INTEGER NOT NULL, time INTEGER NOT NULL, value REAL NOT NULL,
    PRIMARY KEY (series, time)
) WITHOUT ROWID;
CREATE TABLE dirty (
    level INTEGER NOT NULL, series INTEGER NOT NULL, start INTEGER NOT NULL, until INTEGER NOT NULL,
    PRIMARY KEY (level, series, start)
) WITHOUT ROWID;
CREATE TABLE floors (level INTEGER PRIMARY KEY, time INTEGER NOT NULL, dropped INTEGER NOT NULL);
CREATE TABLE facts (name TEXT PRIMARY KEY, value INTEGER NOT NULL);
""" + "".join([PACKED, *(ROLLUP.format(table=table) for table, _width in LEVELS[1:])])

# Layout 2 kept windows of five minutes beside their samples, and marked those as dirty; each window
# was a row: those whose samples are gone are packed when the file is opened.
FROM_2 = f"""
ALTER TABLE rollup_5m RENAME TO {OLD};
DELETE FROM {OLD}
WHERE time >= coalesce((SELECT time FROM floors WHERE level = {RAW}), -9223372036854775808);
{PACKED}INSERT INTO dirty
SELECT {LIVE}, series, (start - 1) / 3600000 * 3600000 - 3600000,
    (until + 1) / 3600000 * 3600000 + 3600000
FROM dirty WHERE level = {FINEST}
ON CONFLICT DO UPDATE SET until = max(until, excluded.until);
DELETE FROM dirty WHERE level = {FINEST};
"""

CORRUPT = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)


def table_of(level: int) -> str:
    """Table of a level."""
    return "raw" if level == RAW else LEVELS[level][0]


def translated(error: sqlite3.Error, path: Path) -> StoreError:
    """SQLite's error as one of ours."""
    if isinstance(error, sqlite3.ProgrammingError):  # what Python's module says of a closed one
        return StoreUnavailable(f"{path}: {error}")
    if getattr(error, "sqlite_errorcode", 0) & 0xFF in CORRUPT:
        return StoreCorrupt(
            _(
                "{path}: the file is damaged ({error}); restore a backup",
                path=str(path),
                error=str(error),
            )
        )
    return StoreUnavailable(f"{path}: {error}")


def lock(path: Path) -> int:
    """Take the store for this process; a second one is refused. The lock's descriptor."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(f"{path}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o640)
    except OSError as error:
        raise StoreUnavailable(f"{path}: {error.strerror}") from error
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(descriptor)
        raise StoreError(
            _("{path}: another program is writing to it; stop that one first", path=str(path))
        ) from None
    return descriptor


def open_writer(path: Path, day_offset: int) -> sqlite3.Connection:
    """The one connection that writes and checkpoints. Raises StoreError.

    day_offset: how local days are shifted from UTC days, ms; remembered by the file.
    """
    connection = None
    try:
        connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        for pragma in (
            "auto_vacuum = INCREMENTAL",  # before the first table
            "journal_mode = WAL",
            "journal_size_limit = 67108864",
            "cache_size = -16000",
            "temp_store = MEMORY",
            "secure_delete = OFF",  # some are built with it: what is deleted is written once more
        ):
            connection.execute(f"PRAGMA {pragma}")
        _prepare(connection, path, day_offset)
    except (sqlite3.Error, StoreError) as error:
        if connection is not None:
            connection.close()
        if isinstance(error, StoreError):
            raise
        raise translated(error, path) from error
    return connection


def open_reader(path: Path) -> sqlite3.Connection:
    """A connection that can only read and never checkpoints, for any thread, one at a time."""
    connection = sqlite3.connect(
        f"{path.absolute().as_uri()}?mode=ro",
        uri=True,
        isolation_level=None,
        timeout=5,
        check_same_thread=False,
    )
    connection.execute("PRAGMA query_only = 1")
    connection.execute("PRAGMA wal_autocheckpoint = 0")
    return connection


def _prepare(connection: sqlite3.Connection, path: Path, day_offset: int) -> None:
    version = connection.execute("PRAGMA user_version").fetchone()[0]
    if version > VERSION:
        raise StoreError(
            _(
                "{path}: written by a newer program (layout {layout}); run that one, "
                "or move the file away",
                path=str(path),
                layout=version,
            )
        )
    if version == 0:
        connection.executescript(
            f"BEGIN; {SCHEMA} INSERT INTO facts VALUES ('day_offset', {day_offset}); "
            f"PRAGMA user_version = {VERSION}; COMMIT;"
        )
    elif version == 2:
        connection.executescript(f"BEGIN; {FROM_2} PRAGMA user_version = {VERSION}; COMMIT;")
    elif version < VERSION:
        raise StoreError(
            _("{path}: of a trial version of this program; move the file away", path=str(path))
        )
