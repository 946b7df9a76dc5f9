"""What upkeep and queries alike read of the SQLite file: samples, windows, what was dropped."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from json import dumps
from typing import Any

from ioc.i18n import _
from ioc.store._packed import SPAN, pack, unpack
from ioc.store._schema import FINEST, HOUR, LEVELS, RAW, TOP, WINDOW, table_of
from ioc.store._windows import Grid, Window, Windows
from ioc.store.base import StoreCorrupt

NEVER = -(2**62)

Floors = Mapping[int, int]  # level -> what is older is gone from its table, ms UTC


@dataclass(frozen=True, slots=True)
class View:
    """One connection's view of the file. day_offset: how local days are shifted from UTC's, ms."""

    connection: sqlite3.Connection
    day_offset: int

    def grid(self, level: int) -> Grid:
        """The windows of a level: days are local days."""
        return Grid(LEVELS[level][1], self.day_offset if level == TOP else 0)

    def floors(self) -> Floors:
        """Where the data of each level begins."""
        known = dict(self.connection.execute("SELECT level, time FROM floors").fetchall())
        return {level: known.get(level, NEVER) for level in range(RAW, TOP + 1)}

    def raw_floor(self) -> tuple[int, int]:
        """Where samples begin, and up to where those before are windows for sure."""
        found = self.connection.execute(
            "SELECT time, dropped FROM floors WHERE level = ?", (RAW,)
        ).fetchone()
        return found or (NEVER, NEVER)

    def begin(self, series: int) -> int:
        """Where the samples of a series begin: those of a slice turn to windows all at once."""
        floor, dropped = self.raw_floor()
        if dropped == floor or self.aged((series,), dropped, floor):
            return floor
        return dropped

    def aged(self, wanted: Sequence[int], start: int, end: int) -> set[int]:
        """Which series have windows of a slice instead of samples."""
        rows = self.connection.execute(
            f"SELECT value FROM json_each(?) WHERE EXISTS (SELECT 1 FROM {table_of(FINEST)} "
            "WHERE series = value AND time >= ? AND time < ?)",
            (dumps(wanted), start, end),
        )
        return {series for (series,) in rows}

    def samples(self, series: int, start: int, end: int) -> tuple[Sequence[int], Sequence[float]]:
        """Merged samples of a series: times, ascending, and values."""
        rows = self.connection.execute(
            "SELECT time, value FROM raw WHERE series = ? AND time >= ? AND time < ? ORDER BY time",
            (series, start, end),
        ).fetchall()
        if not rows:
            return (), ()
        times, values = zip(*rows, strict=True)
        return times, values

    def windows(
        self, level: int, series: int, start: int, end: int
    ) -> Iterator[tuple[int, Window]]:
        """Windows of a level that start in a stretch, ascending."""
        if level == FINEST:
            return ((time, window) for _, time, window in self._packed((series,), start, end))
        rows = self.connection.execute(
            f"SELECT time, {WINDOW} FROM {table_of(level)} "
            "WHERE series = ? AND time >= ? AND time < ? ORDER BY time",
            (series, start, end),
        )
        return ((time, Window(*known)) for time, *known in rows)

    def samples_of(self, members: Sequence[int], start: int, end: int) -> Iterable[Any]:
        """Merged samples of some series: (series, time, value), in this order."""
        return self._rows_of("raw", "value", members, start, end)

    def windows_of(self, level: int, members: Sequence[int], start: int, end: int) -> Iterable[Any]:
        """Windows of some series: (series, time, Window), in this order."""
        if level == FINEST:
            return self._packed(members, start, end)
        rows = self._rows_of(table_of(level), WINDOW, members, start, end)
        return ((series, time, Window(*known)) for series, time, *known in rows)

    def _packed(
        self, members: Sequence[int], start: int, end: int
    ) -> Iterator[tuple[int, int, Window]]:
        rows = self._rows_of(table_of(FINEST), "windows", members, start - SPAN + 1, end)
        for series, begin, packed in rows:
            for time, window in self._unpacked(series, begin, packed).items():
                if start <= time < end:
                    yield series, time, window

    def _unpacked(self, series: int, begin: int, packed: bytes) -> Windows:
        try:
            return unpack(begin, packed)
        except ValueError as error:
            [(_number, _name, path)] = self.connection.execute("PRAGMA database_list").fetchall()
            what = f"series {series}, {begin}: {error}"
            raise StoreCorrupt(
                _("{path}: the file is damaged ({error}); restore a backup", path=path, error=what)
            ) from error

    def _rows_of(
        self, table: str, columns: str, members: Sequence[int], start: int, end: int
    ) -> Iterable[Any]:
        return self.connection.execute(
            f"SELECT series, time, {columns} FROM {table} "
            "WHERE series IN (SELECT value FROM json_each(?)) AND time >= ? AND time < ? "
            "ORDER BY series, time",
            (dumps(members), start, end),
        )

    def put(self, level: int, made: Iterable[tuple[int, Windows]]) -> None:
        """Write windows of a level of some series, in place of what was known of them."""
        if level == FINEST:
            for series, windows in made:
                self._pack(series, windows)
            return
        self.connection.executemany(
            f"INSERT OR REPLACE INTO {table_of(level)} VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            [
                (series, start, *_figures(window))
                for series, windows in made
                for start, window in windows.items()
            ],
        )

    def _pack(self, series: int, windows: Windows) -> None:
        """Put windows of five minutes into their rows."""
        rows: dict[int, Windows] = {}
        grid = self.rows_grid()
        for start, window in windows.items():
            rows.setdefault(grid.start(start), {})[start] = window
        for begin, some in rows.items():
            known = dict(self.windows(FINEST, series, begin, begin + SPAN))
            self.connection.execute(
                "INSERT OR REPLACE INTO rollup_5m VALUES (?, ?, ?)",
                (series, begin, pack(begin, known | some)),
            )

    def rows_grid(self) -> Grid:
        """Which windows of five minutes share a row: parts of a local day, from a full hour."""
        return Grid(SPAN, self.day_offset - self.day_offset % HOUR)


def worn(floors: Floors, start: int, end: int) -> Iterator[tuple[int, int, int]]:
    """A stretch whose samples were dropped, as (finest level that is left, start, end)."""
    newest = end
    for level in range(TOP + 1):
        first = max(start, floors[level])
        if first < newest:
            yield level, first, newest
        newest = min(newest, floors[level])


def _figures(window: Window) -> tuple[float, ...]:
    """A window in the order of the columns."""
    total = window.total
    return (
        window.count,
        9e999 if total != total else total,  # noqa: PLR0124 - SQLite has no NaN; both: no number
        window.low,
        window.high,
        window.first_time,
        window.last_time,
        window.last,
        window.up_ms,
        window.known_ms,
    )
