"""Dropping what is past retention, and giving space back. Generators as in _merge."""

from __future__ import annotations

import sqlite3
from collections.abc import Generator, Iterator, Mapping
from dataclasses import dataclass
from itertools import groupby
from operator import itemgetter

from ioc.i18n import _
from ioc.store._merge import CHUNK, Budget, Stretch
from ioc.store._packed import SPAN
from ioc.store._rollup import settle, windows_of_samples
from ioc.store._schema import DAY, FINEST, LIVE, OLD, RAW, TOP, WINDOW, table_of
from ioc.store._series import SeriesIndex
from ioc.store._view import NEVER, View
from ioc.store._windows import Window
from ioc.store.base import StoreError

PAGES = 200  # pages given back in a step
SPARE_PAGES = 4_096  # kept free for what is written next: 16 MB
SPARE_SHARE = 0.2  # and this share of the file
SETTINGS = (  # of the levels from RAW to TOP
    "IOC_RETENTION_RAW", "IOC_RETENTION_MINUTES", "IOC_RETENTION_HOURS", "IOC_RETENTION_DAYS",
)  # fmt: skip
LONGEST = 36_600  # days
LEAP = 2 * DAY  # ms between two runs of upkeep that are no leap of the clock
DOUBTS = 24  # runs of upkeep, about hourly, that a leap is doubted


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


def from_environment(environ: Mapping[str, str]) -> Retention:
    """What IOC_RETENTION_* says, whole days. A coarser level that is not named is kept at least as
    long as a finer one. Raises StoreError."""
    kept: list[int] = []
    for name, usual in zip(SETTINGS, Retention().of_levels, strict=True):
        least = kept[-1] if kept else 1
        kept.append(_days(name, environ.get(name, "").strip() or str(max(least, usual))))
        if kept[-1] < least:
            words: dict[str, object] = {"name": name, "days": kept[-1], "least": least}
            raise StoreError(_("{name}={days}: must be at least {least} days", **words))
    return Retention(*kept)


def _days(name: str, text: str) -> int:
    if text.isdecimal() and text.isascii() and int(text) <= LONGEST:
        return int(text)
    raise StoreError(
        _("{name}={text}: must be a number of days, for example 30", name=name, text=text)
    )


def retain(view: View, index: SeriesIndex, keep: Retention, now: int) -> Iterator[None]:
    """Drop what is past retention at a moment (ms UTC), whole local days at a time.

    Where data begins never moves back, and nothing is dropped before what it says is in the level
    above.
    """
    now = believed(view.connection, now)
    begins = [_begin(view, now - days * DAY) for days in keep.of_levels]
    yield from _age(view, index, begins[0])
    for level in range(FINEST, TOP + 1):
        raise_floor(view.connection, level, begins[level + 1])
    yield
    waiting = view.connection.execute(
        "SELECT level, time FROM floors WHERE level <> ? AND dropped < time ORDER BY level", (RAW,)
    ).fetchall()
    for level, floor in waiting:
        if not _is_moving(view.connection, level, floor):
            yield from _drop(view.connection, level, floor)


def believed(connection: sqlite3.Connection, now: int) -> int:
    """The moment that retention goes by: a clock that leaps ahead is believed after a day.

    It may have been set wrong, and what is dropped is gone.
    """
    known = dict(connection.execute("SELECT name, value FROM facts").fetchall())
    last = known.get("upkeep_at", now)
    doubts = known.get("upkeep_doubts", 0) + 1 if now > last + LEAP else 0
    if doubts > DOUBTS:
        doubts = 0
    believed = last if doubts else now
    connection.executemany(
        "INSERT OR REPLACE INTO facts VALUES (?, ?)",
        [("upkeep_at", believed), ("upkeep_doubts", doubts)],
    )
    return believed


def _begin(view: View, time: int) -> int:
    """The local midnight before a moment; where that is no full hour, the hour it is in."""
    return view.grid(LIVE).start(view.grid(TOP).start(time))


def raise_floor(connection: sqlite3.Connection, level: int, time: int) -> None:
    """The data of a level begins at a time from now on; never earlier than before."""
    connection.execute(
        "INSERT INTO floors VALUES (?, ?, ?) "
        "ON CONFLICT DO UPDATE SET time = max(time, excluded.time)",
        (level, time, NEVER),
    )


def _is_moving(connection: sqlite3.Connection, level: int, floor: int) -> bool:
    """Whether windows above are still to be worked out of what is to go."""
    above = "SELECT 1 FROM dirty WHERE level = ? AND start < ? LIMIT 1"
    return connection.execute(above, (level + 1, floor)).fetchone() is not None


# --- samples


def _age(view: View, index: SeriesIndex, wanted: int) -> Iterator[None]:
    """Turn samples older than a moment into windows of five minutes, a slice of time at once: what
    goes into one row; of a sample a second, 10,800 of each series.

    The floor is raised first: until a series has its windows of the slice, its samples are alive
    (View.begin).
    """
    oldest: int | None = NEVER
    while True:
        floor, dropped = view.raw_floor()
        if floor == dropped:
            if floor >= wanted:
                return
            oldest = yield from _oldest(view, index, floor)
            floor = wanted if oldest is None else min(wanted, oldest + SPAN)
            raise_floor(view.connection, RAW, floor)
        if oldest is not None and oldest < floor:
            yield from _age_slice(view, index, dropped, floor)
        view.connection.execute("UPDATE floors SET dropped = time WHERE level = ?", (RAW,))
        yield


def _oldest(view: View, index: SeriesIndex, floor: int) -> Generator[None, None, int | None]:
    """Start of the row of the oldest sample from a floor on; None when there is none."""
    found: int | None = None
    budget = Budget()
    for series in range(1, index.last + 1):
        time = view.connection.execute(
            "SELECT min(time) FROM raw WHERE series = ? AND time >= ?", (series, floor)
        ).fetchone()[0]
        if time is not None and (found is None or time < found):
            found = time
        if budget.spent:
            yield
            budget.renew()
    return None if found is None else view.rows_grid().start(found)


def _age_slice(view: View, index: SeriesIndex, start: int, end: int) -> Iterator[None]:
    budget = Budget()
    for series in range(1, index.last + 1):
        _age_series(view, series, (start, end), index)
        if budget.spent:
            yield
            budget.renew()


def _age_series(view: View, series: int, span: Stretch, index: SeriesIndex) -> None:
    """Samples of one series and slice into windows; late ones of a series that is done stay."""
    start, end = span
    if view.begin(series) == end:
        return
    while dirty := view.connection.execute(
        "SELECT start, until FROM dirty WHERE level = ? AND series = ? AND start < ? AND until > ?",
        (LIVE, series, end, start),
    ).fetchone():
        settle(view, LIVE, (series,), dirty, over=end, index=index)
    view.put(FINEST, [(series, windows_of_samples(view, FINEST, series, span, index))])
    view.connection.execute(
        "DELETE FROM raw WHERE series = ? AND time >= ? AND time < ?", (series, start, end)
    )


# --- windows


def pack_old(view: View) -> None:
    """Take over the windows of five minutes of the layout before, one row each."""
    execute = view.connection.execute
    if not execute("SELECT 1 FROM sqlite_schema WHERE name = ?", (OLD,)).fetchone():
        return
    execute("BEGIN IMMEDIATE")
    rows = execute(f"SELECT series, time, {WINDOW} FROM {OLD} ORDER BY series, time")
    for series, some in groupby(rows, key=itemgetter(0)):
        view.put(FINEST, [(series, {time: Window(*known) for _, time, *known in some})])
    execute(f"DROP TABLE {OLD}")
    execute("COMMIT")


def _drop(connection: sqlite3.Connection, level: int, floor: int) -> Iterator[None]:
    """Drop the windows of a level that are older than its floor, series by series."""
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
