"""The file of a queue of batches: its tables, how it is opened, what its errors mean.

One connection does everything, whatever the thread: SQLite before 3.51.3 can corrupt a write-ahead
log that two connections reset.
"""

from __future__ import annotations

import fcntl
import os
import sqlite3
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeVar

from ioc.outbox.errors import OutboxCorrupt, OutboxError, OutboxTaken, OutboxUnavailable

VERSION = 1

# batches: state is one of ioc.outbox.batches.State. oldest, newest: of the samples, ms UTC; rows:
# how many; round: in which round it was sent. refused: what the other side will never take.
# The index answers everything but the payload: samples lie beside it in the table.
SCHEMA = """
CREATE TABLE batches (
    seq INTEGER PRIMARY KEY AUTOINCREMENT, state INTEGER NOT NULL, round INTEGER NOT NULL,
    rows INTEGER NOT NULL, oldest INTEGER NOT NULL, newest INTEGER NOT NULL,
    created_at INTEGER NOT NULL, size INTEGER NOT NULL, payload BLOB NOT NULL
);
CREATE INDEX batches_state ON batches (state, seq, round, rows, oldest, newest, created_at, size);
CREATE TABLE refused (
    id INTEGER PRIMARY KEY AUTOINCREMENT, at INTEGER NOT NULL, reason TEXT NOT NULL,
    line BLOB NOT NULL
);
CREATE TABLE facts (name TEXT PRIMARY KEY, value REAL NOT NULL) WITHOUT ROWID;
"""

Result = TypeVar("Result")

CORRUPT = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)


def translated(error: sqlite3.Error, path: Path) -> OutboxError:
    """SQLite's error as one of ours."""
    if getattr(error, "sqlite_errorcode", 0) & 0xFF in CORRUPT:
        return OutboxCorrupt(path, str(error))
    return OutboxUnavailable(path, str(error))


def lock(path: Path) -> int:
    """Take the file for this process: its descriptor. Raises OutboxTaken, OutboxUnavailable."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(f"{path}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o640)
    except OSError as error:
        raise OutboxUnavailable(path, str(error.strerror)) from error
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(descriptor)
        raise OutboxTaken(path, "another program has it open") from None
    return descriptor


def open_file(path: Path) -> sqlite3.Connection:
    """The one connection. Raises OutboxError."""
    connection = None
    try:
        connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        for pragma in (
            "auto_vacuum = INCREMENTAL",  # before the first table
            "journal_mode = WAL",
            "journal_size_limit = 16777216",
            "cache_size = -8000",
        ):
            connection.execute(f"PRAGMA {pragma}")
        version = connection.execute("PRAGMA user_version").fetchone()[0]
        if version == 0:
            connection.executescript(f"BEGIN; {SCHEMA} PRAGMA user_version = {VERSION}; COMMIT;")
        elif version != VERSION:
            raise OutboxUnavailable(path, f"layout {version} is of another version of this program")
    except BaseException as error:
        if connection is not None:
            connection.close()
        if isinstance(error, sqlite3.Error):
            raise translated(error, path) from error
        raise
    return connection


class QueueFile:
    """The file, open and taken. Not thread-safe. load: called with it after opening, and after a
    transaction that was not. Raises OutboxError, as every method may."""

    def __init__(self, path: Path, load: Callable[[QueueFile], None]) -> None:
        self.path = path
        self._load = load
        self._lock_file: int | None = lock(path)
        try:
            self._connection = open_file(path)
        except BaseException:
            self._unlock()
            raise
        try:
            self.transaction("NORMAL", lambda: load(self))
        except BaseException:
            self.close()
            raise

    def execute(self, statement: str, values: Iterable[Any] = ()) -> sqlite3.Cursor:
        return self._connection.execute(statement, tuple(values))

    def executemany(self, statement: str, rows: Iterable[Iterable[Any]]) -> None:
        self._connection.executemany(statement, [tuple(row) for row in rows])

    def transaction(self, synchronous: str, act: Callable[[], Result]) -> Result:
        """Run in one transaction. FULL: on disk when it returns; NORMAL: in order, some time."""
        try:
            self._connection.execute(f"PRAGMA synchronous = {synchronous}")
            self._connection.execute("BEGIN")
            result = act()
            self._connection.execute("COMMIT")
        except BaseException as error:
            self._roll_back()
            if isinstance(error, sqlite3.ProgrammingError):  # closed
                raise OutboxUnavailable(self.path, str(error)) from error
            if isinstance(error, sqlite3.Error):
                raise translated(error, self.path) from error
            raise
        return result

    def _roll_back(self) -> None:
        with suppress(sqlite3.Error):
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")
            self._load(self)

    def pages(self) -> tuple[int, int, int]:
        """Pages of the file, those of them that are free, bytes of one."""
        names = ("page_count", "freelist_count", "page_size")
        count, free, size = (int(self.execute(f"PRAGMA {name}").fetchone()[0]) for name in names)
        return count, free, size

    def close(self) -> None:
        """Twice is no harm."""
        self._connection.close()
        self._unlock()

    def _unlock(self) -> None:
        if self._lock_file is not None:
            os.close(self._lock_file)
            self._lock_file = None
