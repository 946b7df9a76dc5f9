"""Engines in our own process: our SQLite store, and DuckDB."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path

import duckdb

from ioc.store.base import Aggregate, Point, SeriesQuery
from ioc.store.sqlite import SqliteStore
from tests.bench._store_data import COMMUNE, DAY, HOUR, Answer, Plan
from tests.bench._store_engine import folder_size, write_bytes

LIMIT = 10_000_000


class Sqlite:
    """The store of the program, called as the program calls it."""

    name = "sqlite"
    safe = "power cut"

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.store = SqliteStore(folder / "series.db")

    def prepare(self, batch: list[Point]) -> object:
        return batch

    def write(self, prepared: object) -> None:
        self.store.write(prepared)  # type: ignore[arg-type]

    def fill(self, points: list[Point]) -> None:
        self.store.write(points)

    def upkeep(self, now: int) -> None:
        self.store.maintain(now)

    def settle(self) -> None:
        self.store._writer.execute("PRAGMA wal_checkpoint(TRUNCATE)")

    def written(self) -> int:
        return write_bytes()

    def size(self) -> int:
        return folder_size(self._folder)

    def availability(self, plan: Plan, start: int) -> Answer:
        length = plan.end - start
        query = SeriesQuery(
            "device", "up", start, plan.end, step=length, aggregate=Aggregate.AVAILABILITY,
            offset=start % length, limit=LIMIT,
        )  # fmt: skip
        return {dict(series.tags)["asset"]: series.values for series in self.store.read(query)}

    def day(self, plan: Plan) -> Answer:
        [series] = self.store.read(
            SeriesQuery("check", "rtt_ms", plan.end - DAY, plan.end, {"asset": (plan.device,)})
        )
        return {plan.device: series.values}

    def hourly(self, plan: Plan) -> Answer:
        found = self.store.read(
            SeriesQuery(
                "check", "rtt_ms", plan.week, plan.end, {"site": (COMMUNE,)}, HOUR, limit=LIMIT
            )
        )
        return {dict(series.tags)["asset"]: series.values for series in found}

    def close(self) -> None:
        self.store.close()


TABLES = """
CREATE TABLE series (
    id INTEGER PRIMARY KEY, measurement VARCHAR, asset VARCHAR, site VARCHAR, field VARCHAR
);
CREATE TABLE samples (series INTEGER, time BIGINT, value DOUBLE);
"""
COLUMNS = "SELECT unnest($1::INTEGER[]), unnest($2::BIGINT[]), unnest($3::DOUBLE[])"


class DuckDb:
    """DuckDB 2 in one file; a batch is one transaction of three lists."""

    name = "duckdb"
    safe = "power cut"

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._database = duckdb.connect(str(folder / "series.duckdb"))
        self._database.execute(TABLES)
        self._ids: dict[tuple[str, str], int] = {}

    def prepare(self, batch: list[Point]) -> object:
        return [list(column) for column in zip(*self._rows(batch), strict=True)]

    def _rows(self, batch: list[Point]) -> list[tuple[int, int, float]]:
        return [
            (self._series(point), point.time, value)
            for point in batch
            for value in point.fields.values()
        ]

    def fill(self, points: list[Point]) -> None:
        path = self._folder / "rows.csv"
        lines = "\n".join(f"{s},{t},{v!r}" for s, t, v in self._rows(points))
        path.write_text(lines, encoding="ascii")
        self._database.execute(f"COPY samples FROM '{path}' (HEADER false)")
        path.unlink()

    def _series(self, point: Point) -> int:
        known = dict(point.tags)
        key = point.measurement, known["asset"]
        if key not in self._ids:
            self._ids[key] = len(self._ids) + 1
            [field] = point.fields
            self._database.execute(
                "INSERT INTO series VALUES (?, ?, ?, ?, ?)",
                (self._ids[key], point.measurement, known["asset"], known["site"], field),
            )
        return self._ids[key]

    def write(self, prepared: object) -> None:
        self._database.execute(f"INSERT INTO samples {COLUMNS}", prepared)

    def upkeep(self, now: int) -> None:
        pass

    def settle(self) -> None:
        self._database.execute("CHECKPOINT")

    def written(self) -> int:
        return write_bytes()

    def size(self) -> int:
        return folder_size(self._folder)

    def availability(self, plan: Plan, start: int) -> Answer:
        rows = self._database.execute(
            "SELECT any_value(asset), avg(value) FROM samples JOIN series ON id = series "
            "WHERE measurement = 'device' AND time >= ? AND time < ? GROUP BY series",
            (start, plan.end),
        )
        return {asset: [value] for asset, value in rows.fetchall()}

    def day(self, plan: Plan) -> Answer:
        rows = self._database.execute(
            "SELECT time, value FROM samples WHERE series = "
            "(SELECT id FROM series WHERE measurement = 'check' AND asset = ?) "
            "AND time >= ? AND time < ? ORDER BY time",
            (plan.device, plan.end - DAY, plan.end),
        )
        return {plan.device: [value for _time, value in rows.fetchall()]}

    def hourly(self, plan: Plan) -> Answer:
        rows = self._database.execute(
            "SELECT any_value(asset), time // 3600000 AS hour, avg(value) FROM samples "
            "JOIN series ON id = series WHERE measurement = 'check' AND site = ? "
            "AND time >= ? AND time < ? GROUP BY series, hour ORDER BY hour",
            (COMMUNE, plan.week, plan.end),
        )
        found: dict[str, list[float]] = defaultdict(list)
        for asset, _hour, value in rows.fetchall():
            found[asset].append(value)
        return found

    def close(self) -> None:
        self._database.close()
