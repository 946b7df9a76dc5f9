"""Copies of SQLite databases that another program writes to: all of one moment.

Connections that only read; a transaction of theirs holds the moment while pages are copied. The
files are never opened by other means: closing such a descriptor would drop the locks that a
connection in the same process holds.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from ioc.backup.manifest import BackupError, Progress
from ioc.i18n import translate as _
from ioc.store._schema import open_reader

PAGES = 1_000  # copied at once, 4 MB
PAUSE = 0.001  # seconds between, so that the running program goes first


@contextmanager
def frozen(files: Mapping[str, Path]) -> Iterator[dict[str, sqlite3.Connection]]:
    """A reading connection for each file, all at the same moment. Raises BackupError."""
    opened: dict[str, sqlite3.Connection] = {}
    try:
        for name, path in files.items():
            opened[name] = _open(path)
        for name, connection in opened.items():
            _begin(connection, files[name])
        yield opened
    finally:
        for connection in opened.values():
            connection.close()


def copy(source: sqlite3.Connection, target: Path, name: str, progress: Progress) -> None:
    """Copy what a frozen connection sees into a new file, and examine the copy."""
    connection = sqlite3.connect(f"{target.absolute().as_uri()}?nolock=1", uri=True)
    page = source.execute("PRAGMA page_size").fetchone()[0]

    def step(_status: int, remaining: int, total: int) -> None:
        progress(name, (total - remaining) * page, total * page)
        time.sleep(PAUSE)

    try:
        for pragma in ("journal_mode = OFF", "synchronous = OFF"):  # a copy that fails is dropped
            connection.execute(f"PRAGMA {pragma}")
        source.backup(connection, pages=PAGES, progress=step)
    except sqlite3.Error as error:
        raise BackupError(f"{name}: {error}") from error
    finally:
        connection.close()
    _examine(target, name)


def size(connection: sqlite3.Connection) -> int:
    """Bytes of what a connection sees."""
    pages, page = (
        connection.execute(f"PRAGMA {what}").fetchone()[0] for what in ("page_count", "page_size")
    )
    return int(pages * page)


def _open(path: Path) -> sqlite3.Connection:
    try:
        return open_reader(path)
    except sqlite3.Error as error:
        raise BackupError(f"{path}: {error}") from error


def _begin(connection: sqlite3.Connection, path: Path) -> None:
    """A transaction that only reads begins with its first look."""
    try:
        connection.execute("BEGIN")
        connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
    except sqlite3.Error as error:
        raise BackupError(f"{path}: {error}") from error


def _examine(path: Path, name: str) -> None:
    """A damaged database gives no backup: the older ones are worth more."""
    connection = sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro&immutable=1", uri=True)
    try:
        found = connection.execute("PRAGMA quick_check(1)").fetchone()[0]
    except sqlite3.Error as error:
        found = str(error)
    finally:
        connection.close()
    if found != "ok":
        message = "{name} is damaged ({error}); no backup was made, keep the older ones"
        raise BackupError(_(message, name=name, error=found))
