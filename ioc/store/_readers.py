"""Connections that only read: taken for one query, given back, closed with the store."""

from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ioc.store._schema import open_reader, translated
from ioc.store.base import StoreUnavailable

LONGEST = 60.0  # seconds of one query: the log cannot be reset while somebody reads an old view
LOOK_EVERY = 10_000  # steps of SQLite's machine between two looks at the clock
IDLE = 8  # connections kept; more are opened while more threads read at once


class Readers:
    """A pool of read-only connections to one file, for any threads."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._idle: list[sqlite3.Connection] = []
        self._lock = threading.Lock()
        self._closed = False

    @contextmanager
    def view(self) -> Iterator[sqlite3.Connection]:
        """A connection with one unchanging view of the file, for a while.

        SQLite's errors come out as ours; ValueError when it takes too long.
        """
        end = time.monotonic() + LONGEST
        try:
            connection = self._take()
            try:
                connection.set_progress_handler(lambda: time.monotonic() > end, LOOK_EVERY)
                connection.execute("BEGIN")
                yield connection
                connection.execute("ROLLBACK")
            except BaseException:
                connection.close()
                raise
        except sqlite3.Error as error:
            if getattr(error, "sqlite_errorcode", 0) == sqlite3.SQLITE_INTERRUPT:
                raise ValueError(
                    f"takes longer than {LONGEST:.0f} s; ask for less time, fewer series or a "
                    "larger step"
                ) from error
            raise translated(error, self._path) from error
        self._give_back(connection)

    def close(self) -> None:
        """Close the idle ones now, those in use as soon as they are given back."""
        with self._lock:
            self._closed = True
            idle, self._idle = self._idle, []
        for connection in idle:
            connection.close()

    def _take(self) -> sqlite3.Connection:
        with self._lock:
            if self._closed:
                raise StoreUnavailable(f"{self._path}: closed")
            if self._idle:
                return self._idle.pop()
        return open_reader(self._path)

    def _give_back(self, connection: sqlite3.Connection) -> None:
        with self._lock:
            if not self._closed and len(self._idle) < IDLE:
                self._idle.append(connection)
                return
        connection.close()
