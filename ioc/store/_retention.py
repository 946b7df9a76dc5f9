"""Dropping what is past retention, and giving space back. Generators as in _merge."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass

from ioc.store._merge import CHUNK, Budget
from ioc.store._schema import DAY, RAW, TOP, table_of
from ioc.store._view import View

PAGES = 200  # pages given back in a step
SPARE_PAGES = 4_096  # kept free for what is written next: 16 MB
SPARE_SHARE = 0.2  # and this share of the file


@dataclass(frozen=True, slots=True)
class Retention:
    """How many days samples and windows are kept. A coarser level never less than a finer one."""

    raw: int = 30
    five_minutes: int = 366
    hours: int = 3660
    days: int = 3660

    def __post_init__(self) -> None:
        kept = (1, *self.of_levels)
        if list(kept) != sorted(kept):
            raise ValueError(f"retention must not shrink from level to level: {kept[1:]} days")

    @property
    def of_levels(self) -> tuple[int, int, int, int]:
        """Days from RAW to the top level."""
        return (self.raw, self.five_minutes, self.hours, self.days)


def retain(view: View, keep: Retention, now: int) -> Iterator[None]:
    """Drop what is past retention at a moment (ms UTC), whole local days at a time.

    Where data begins never moves back, and stays while windows wait to be worked out: nothing is
    dropped before what it says is in the level above.
    """
    if view.connection.execute("SELECT 1 FROM dirty LIMIT 1").fetchone():
        return
    for level, days in zip(range(RAW, TOP + 1), keep.of_levels, strict=True):
        _raise_floor(view, level, view.grid(TOP).start(now - days * DAY))
    yield
    waiting = view.connection.execute(
        "SELECT level, time FROM floors WHERE dropped < time ORDER BY level"
    ).fetchall()
    for level, floor in waiting:
        yield from _drop(view.connection, level, floor)


def _raise_floor(view: View, level: int, time: int) -> None:
    view.connection.execute(
        "INSERT INTO floors VALUES (?, ?, ?) "
        "ON CONFLICT DO UPDATE SET time = max(time, excluded.time)",
        (level, time, -(2**62)),
    )


def _drop(connection: sqlite3.Connection, level: int, floor: int) -> Iterator[None]:
    """Drop the rows of a level's table that are older than its floor, series by series."""
    budget = Budget()
    for (series,) in connection.execute("SELECT id FROM series ORDER BY id").fetchall():
        while _drop_some(connection, table_of(level), series, floor) == CHUNK:
            if budget.spent:
                yield
                budget.renew()
        if budget.spent:
            yield
            budget.renew()
    connection.execute("UPDATE floors SET dropped = ? WHERE level = ?", (floor, level))


def _drop_some(connection: sqlite3.Connection, table: str, series: int, floor: int) -> int:
    return connection.execute(
        f"DELETE FROM {table} WHERE series = ?1 AND time IN "
        f"(SELECT time FROM {table} WHERE series = ?1 AND time < ?2 ORDER BY time LIMIT ?3)",
        (series, floor, CHUNK),
    ).rowcount


def give_back(connection: sqlite3.Connection) -> bool:
    """Give some free pages back to the file system. False when no more than the spare are free."""
    free = connection.execute("PRAGMA freelist_count").fetchone()[0]
    pages = connection.execute("PRAGMA page_count").fetchone()[0]
    more = free - max(SPARE_PAGES, int(pages * SPARE_SHARE))
    if more <= 0:
        return False
    connection.execute(f"PRAGMA incremental_vacuum({min(more, PAGES)})").fetchall()
    return True
