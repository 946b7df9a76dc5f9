"""Connections that only read: taken for one query, given back, closed with the store."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ioc.store._schema import open_reader, translated
from ioc.store.base import StoreUnavailable

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
        """A connection with one unchanging view of the file. SQLite's errors come out as ours."""
        try:
            connection = self._take()
            try:
                connection.execute("BEGIN")
                yield connection
                connection.execute("ROLLBACK")
            except BaseException:
                connection.close()
                raise
        except sqlite3.Error as error:
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
