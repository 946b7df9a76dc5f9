"""A look into a queue of batches from outside, while another program may be using it."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from ioc.outbox._file import translated
from ioc.outbox.model import State


@dataclass(frozen=True, slots=True)
class Look:
    """rows: samples that wait, the first since `oldest` (ms UTC, None = none). refused: lines that
    are kept because the other side will never take them, the last of them `example`."""

    rows: int
    oldest: int | None
    refused: int
    example: str


def look(path: Path) -> Look:
    """Reads only. Raises OutboxError."""
    try:
        with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)) as file:
            waiting = "SELECT total(rows), min(created_at) FROM batches WHERE state = ?"
            rows, oldest = file.execute(waiting, (State.WAITING,)).fetchone()
            refused = file.execute("SELECT count(*) FROM refused").fetchone()[0]
            last = "SELECT reason, line FROM refused ORDER BY id DESC LIMIT 1"
            examples = [
                f"{why}: {line.decode(errors='replace')}" for why, line in file.execute(last)
            ]
    except sqlite3.Error as error:
        raise translated(error, path) from error
    return Look(int(rows), oldest, refused, "".join(examples))
