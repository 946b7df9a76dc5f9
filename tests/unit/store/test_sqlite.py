"""What only the SQLite store promises."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from ioc.store import open_store
from ioc.store._merge import KEEP_DAYS
from ioc.store.base import Aggregate, Point, SeriesQuery, StoreCorrupt, StoreError, StoreUnavailable
from ioc.store.sqlite import SqliteStore

T0 = 1_770_000_000_000
DAY = 86_400_000
TAGS = (("asset", "a"),)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "dữ liệu" / "series.db"


@pytest.fixture
def store(path: Path) -> Iterator[SqliteStore]:
    opened = SqliteStore(path)
    yield opened
    opened.close()


def points(count: int, start: int = T0, step: int = 15_000) -> list[Point]:
    return [
        Point("check", TAGS, {"up": 1.0, "rtt_ms": i % 50}, start + i * step) for i in range(count)
    ]


def count(store: SqliteStore, **more: object) -> int:
    query = SeriesQuery("check", "up", 0, T0 + 9999 * DAY, **more)  # type: ignore[arg-type]
    return sum(len(series.times) for series in store.read(query))


def test_what_was_written_is_there_after_reopening(store: SqliteStore, path: Path) -> None:
    store.write(points(100))
    store.close()
    again = SqliteStore(path)
    assert count(again) == 100
    again.write(points(100, T0 + DAY))
    assert count(again) == 200
    again.close()
    store.__init__(path)  # type: ignore[misc]  # so that the fixture may close it


def test_a_second_program_is_refused(store: SqliteStore, path: Path) -> None:
    with pytest.raises(StoreError, match="another program is writing"):
        SqliteStore(path)


def test_raw_samples_go_after_their_retention_and_their_rollups_stay(store: SqliteStore) -> None:
    old = T0 - (KEEP_DAYS["raw"] + 5) * DAY
    store.write(points(1000, old) + points(10))
    store.maintain(T0)
    assert count(store) == 10
    hours = store.read(
        SeriesQuery("check", "up", 0, T0 + DAY, step=3_600_000, aggregate=Aggregate.COUNT)
    )
    assert sum(hours[0].values) == 1010


def test_a_full_disk_is_unavailable_then_writing_resumes(store: SqliteStore) -> None:
    store.write(points(10))
    pages = store._writer.execute("PRAGMA page_count").fetchone()[0]
    store._writer.execute(f"PRAGMA max_page_count = {pages + 3}")
    with pytest.raises(StoreUnavailable, match="full"):
        store.write(points(20_000, T0 + DAY))
    assert count(store) == 10
    store._writer.execute("PRAGMA max_page_count = 1000000")
    store.write(points(20_000, T0 + DAY))
    assert count(store) == 20_010


def test_a_series_first_seen_on_a_full_disk_is_written_later(store: SqliteStore) -> None:
    store._writer.execute("PRAGMA max_page_count = 1")
    other = [Point("check", (("asset", str(i)),), {"up": 1.0}, T0) for i in range(5000)]
    with pytest.raises(StoreUnavailable):
        store.write(other)
    store._writer.execute("PRAGMA max_page_count = 1000000")
    store.write(other)
    assert count(store) == 5000


def test_a_file_that_is_no_database_is_a_clear_error(path: Path) -> None:
    path.parent.mkdir()
    path.write_bytes(b"this is no database" * 1000)
    with pytest.raises(StoreCorrupt, match="restore a backup"):
        SqliteStore(path)


def test_a_newer_layout_is_refused(store: SqliteStore, path: Path) -> None:
    store._writer.execute("PRAGMA user_version = 99")
    store.close()
    with pytest.raises(StoreError, match="newer program"):
        SqliteStore(path)
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA user_version = 1")
    connection.close()
    store.__init__(path)  # type: ignore[misc]


def test_readers_cannot_write_or_checkpoint(store: SqliteStore) -> None:
    store.write(points(1))
    reader = store._reader()
    assert reader.execute("PRAGMA wal_autocheckpoint").fetchone()[0] == 0
    with pytest.raises(sqlite3.OperationalError):
        reader.execute("DELETE FROM hot")


@pytest.mark.parametrize("url", ["sqlite://", "sqlite:///", "sqlite:series.db"])
def test_a_url_without_a_path_is_a_clear_error(url: str) -> None:
    with pytest.raises(StoreError, match="must look like"):
        open_store(url)


def test_space_of_what_was_dropped_is_given_back(store: SqliteStore, path: Path) -> None:
    store.write(points(200_000, T0 - 100 * DAY))
    store.maintain(T0 - 90 * DAY)
    store._writer.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    before = path.stat().st_size
    store.maintain(T0)
    store._writer.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    assert path.stat().st_size < before / 2
