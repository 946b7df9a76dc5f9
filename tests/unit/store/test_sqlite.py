"""What only the SQLite store promises."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

import ioc.store
from ioc.store import _retention, open_store, schemes
from ioc.store._retention import Retention
from ioc.store._schema import VERSION, open_reader
from ioc.store.base import (
    Aggregate,
    Point,
    SeriesQuery,
    StoreCorrupt,
    StoreError,
    StoreUnavailable,
)
from ioc.store.memory import MemoryStore
from ioc.store.sqlite import SqliteStore

T0 = 1_770_000_000_000
MINUTE, HOUR, DAY = 60_000, 3_600_000, 86_400_000
TAGS = (("asset", "a"),)
EVER = (0, T0 + 9999 * DAY)


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
    query = SeriesQuery("check", "up", *EVER, **more)  # type: ignore[arg-type]
    return sum(len(series.times) for series in store.read(query))


def counted(store: SqliteStore, start: int = EVER[0], end: int = EVER[1], step: int = DAY) -> float:
    """Samples by way of whatever level the store takes them from."""
    query = SeriesQuery("check", "up", start, end, step=step, aggregate=Aggregate.COUNT)
    return sum(sum(series.values) for series in store.read(query))


def limit_pages(store: SqliteStore, more: int | None) -> None:
    """Let the file grow by so many pages only; None: as it likes."""
    pages = store._writer.execute("PRAGMA page_count").fetchone()[0]
    most = 1_000_000 if more is None else pages + more
    store._writer.execute(f"PRAGMA max_page_count = {most}")


# --- opening and closing


@pytest.mark.parametrize("upkeep", [False, True])
def test_what_was_written_is_there_after_reopening(
    store: SqliteStore, path: Path, upkeep: bool
) -> None:
    store.write(points(100))
    if upkeep:
        store.maintain(T0 + DAY)
    store.close()
    again = SqliteStore(path)
    assert count(again) == 100
    again.write(points(100, T0 + DAY))
    assert count(again) == 200
    again.close()


def test_a_second_program_is_refused_until_the_first_has_ended(
    store: SqliteStore, path: Path
) -> None:
    program = "import sys; from pathlib import Path; from ioc.store.sqlite import SqliteStore\n"
    program += "SqliteStore(Path(sys.argv[1]))"
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    command = [sys.executable, "-c", program, str(path)]
    second = subprocess.run(command, capture_output=True, text=True, env=environment)
    assert second.returncode == 1
    assert "StoreError" in second.stderr
    with pytest.raises(StoreError, match=r"series\.db"):
        SqliteStore(path)
    store.close()
    SqliteStore(path).close()


def test_a_closed_store_says_so_and_holds_no_file(store: SqliteStore, path: Path) -> None:
    store.write(points(10))
    threads = [threading.Thread(target=count, args=(store,)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    store.close()
    store.close()
    held = [link.readlink() for link in Path("/proc/self/fd").iterdir() if link.exists()]
    assert not [name for name in held if name.parent == path.parent]
    with pytest.raises(StoreError):
        count(store)
    with pytest.raises(StoreError):
        store.write(points(1))
    assert not store.health().ok


def test_a_file_that_is_no_database_is_a_clear_error(path: Path) -> None:
    path.parent.mkdir()
    path.write_bytes(b"this is no database" * 1000)
    with pytest.raises(StoreCorrupt, match=r"series\.db"):
        SqliteStore(path)


def test_a_damaged_page_is_an_error_and_no_answer(store: SqliteStore, path: Path) -> None:
    store.write(points(5000))
    store.maintain(T0 + DAY)
    store.close()
    size = path.stat().st_size
    with path.open("r+b") as file:
        file.seek(4096 * 12)
        file.write(os.urandom(size - 4096 * 12))
    with pytest.raises(StoreCorrupt):
        count(SqliteStore(path))


@pytest.mark.parametrize("folder", ["/proc/none", "a-file"])
def test_a_place_that_cannot_be_written_is_unavailable(tmp_path: Path, folder: str) -> None:
    (tmp_path / "a-file").touch()
    with pytest.raises(StoreUnavailable, match=r"series\.db"):
        SqliteStore(tmp_path / folder / "series.db")


@pytest.mark.parametrize("layout", [99, 1])
def test_another_layout_is_refused(store: SqliteStore, path: Path, layout: int) -> None:
    store._writer.execute(f"PRAGMA user_version = {layout}")
    store.close()
    with pytest.raises(StoreError, match=r"series\.db"):
        SqliteStore(path)
    with sqlite3.connect(path) as connection:
        connection.execute(f"PRAGMA user_version = {VERSION}")
    connection.close()
    SqliteStore(path).close()


@pytest.mark.parametrize("url", ["sqlite://", "sqlite:///", "sqlite:series.db"])
def test_a_url_without_a_path_is_a_clear_error(url: str) -> None:
    with pytest.raises(StoreError, match="sqlite:///data"):
        open_store(url)


def test_a_relative_path_is_of_the_working_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    open_store("sqlite:///x/series.db").close()
    assert (tmp_path / "x" / "series.db").exists()


def test_one_more_file_is_one_more_kind_of_store(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "nowhere.py").write_text("def open_url(url): return url")
    monkeypatch.setattr(ioc.store, "__path__", [*ioc.store.__path__, str(tmp_path)])
    assert "nowhere" in schemes()
    assert open_store("nowhere://x") == "nowhere://x"


# --- readers


def test_readers_can_neither_write_nor_checkpoint(store: SqliteStore, path: Path) -> None:
    store.write(points(1))
    reader = open_reader(path)
    assert reader.execute("PRAGMA wal_autocheckpoint").fetchone()[0] == 0
    with pytest.raises(sqlite3.OperationalError):
        reader.execute("DELETE FROM hot")
    wal = path.with_name(f"{path.name}-wal")
    before = wal.stat().st_size
    store._writer.close()
    reader.close()  # the last one: it must not bring the log into the file
    assert before > 0
    assert wal.stat().st_size == before


def test_no_reader_misses_a_sample_that_is_being_merged(store: SqliteStore) -> None:
    seen: list[int] = []
    done = threading.Event()

    def read() -> None:
        while not done.is_set():
            seen.append(count(store))
            seen.append(int(counted(store, step=HOUR)))

    reader = threading.Thread(target=read)
    reader.start()
    for number in range(20):
        store.write(points(300, T0 + number * HOUR))
        store.maintain(T0 + DAY)
    done.set()
    reader.join()
    assert seen == sorted(seen)
    assert count(store) == counted(store) == 20 * 300 - 19 * 60  # 75 minutes every hour


# --- space


def test_a_full_disk_is_unavailable_then_writing_resumes(store: SqliteStore) -> None:
    store.write(points(10))
    limit_pages(store, 3)
    with pytest.raises(StoreUnavailable, match="full"):
        store.write(points(20_000, T0 + DAY))
    assert count(store) == 10
    limit_pages(store, None)
    store.write(points(20_000, T0 + DAY))
    assert count(store) == 20_010


def test_a_series_first_seen_on_a_full_disk_is_written_later(store: SqliteStore) -> None:
    limit_pages(store, 1)
    other = [Point("check", (("asset", str(i)),), {"up": 1.0}, T0) for i in range(5000)]
    with pytest.raises(StoreUnavailable):
        store.write(other)
    limit_pages(store, None)
    store.write(other)
    assert count(store) == 5000


def test_upkeep_that_a_full_disk_stops_halfway_loses_nothing_and_goes_on_later(
    store: SqliteStore,
) -> None:
    store.write(points(20_000))
    limit_pages(store, 20)
    with pytest.raises(StoreUnavailable, match="full"):
        store.maintain(T0 + DAY)
    store.write([Point("check", TAGS, {"up": 0.0}, T0)])  # newer than what is merged already
    assert count(store) == counted(store) == 20_000
    limit_pages(store, None)
    store.maintain(T0 + DAY)
    assert count(store) == counted(store) == 20_000
    [first] = store.read(SeriesQuery("check", "up", T0, T0 + 1))
    assert list(first.values) == [0.0]


def test_what_waits_to_be_merged_is_bounded_without_upkeep(path: Path) -> None:
    store = SqliteStore(path, recent_rows=2_000)
    for number in range(40):
        store.write(points(500, T0 + number * 500 * 15_000))
        assert store._recent.rows <= 2_000 + 1_000 + 4_000  # and what a step of merging takes
    assert count(store) == 20_000
    store.close()


def test_space_of_what_was_dropped_is_given_back(
    store: SqliteStore, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_retention, "SPARE_PAGES", 10)
    store.write(points(15_000, T0 - 100 * DAY))
    store.maintain(T0 - 90 * DAY)
    store._writer.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    before = path.stat().st_size
    for day in range(-89, 1):
        store.maintain(T0 + day * DAY)
    store._writer.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    assert path.stat().st_size < before / 2


def test_health_tells_sizes(store: SqliteStore, path: Path) -> None:
    store.write(points(1000))
    health = store.health()
    assert health.ok
    assert health.size is not None
    assert health.size >= path.stat().st_size
    assert health.free is not None
    assert health.free > 0


# --- retention


def test_raw_samples_go_after_their_retention_and_their_rollups_stay(store: SqliteStore) -> None:
    old = T0 - (Retention().raw + 5) * DAY
    store.write(points(1000, old) + points(10))
    store.maintain(T0)
    assert count(store) == 10
    assert counted(store, step=HOUR) == 1010
    assert store._writer.execute(
        "SELECT count(*) FROM raw WHERE time < ?", (T0 - HOUR,)
    ).fetchone()[0] == (0)


@pytest.mark.parametrize("step", [MINUTE, 5 * MINUTE, HOUR, DAY])
@pytest.mark.parametrize("age", [40, 400, 3000])
def test_what_is_left_of_the_past_answers_for_it(store: SqliteStore, age: int, step: int) -> None:
    reference = MemoryStore()
    start = (T0 - age * DAY) // HOUR * HOUR
    for s in (store, reference):
        s.write(points(3000, start))
    store.maintain(T0)
    width = HOUR if age > 366 else 5 * MINUTE  # the finest that is left
    for aggregate in (Aggregate.MEAN, Aggregate.MAX, Aggregate.COUNT, Aggregate.LAST):
        query = SeriesQuery(
            "check", "rtt_ms", start, start + 7 * HOUR, {}, max(step, width), aggregate
        )
        [mine], [wanted] = store.read(query), reference.read(query)
        assert list(mine.times) == list(wanted.times)
        assert list(mine.values) == pytest.approx(list(wanted.values))
    fine = SeriesQuery("check", "rtt_ms", start, start + 7 * HOUR, {}, step, Aggregate.COUNT)
    assert sum(store.read(fine)[0].values) == 7 * 240


def test_each_level_goes_after_its_own_retention(path: Path) -> None:
    store = SqliteStore(path, keep=Retention(1, 3, 5, 7))
    store.write(points(9 * 24, T0 - 9 * DAY, HOUR))
    store.maintain(T0)
    lengths = [
        store._writer.execute(f"SELECT min(time) FROM {table}").fetchone()[0]
        for table in ("raw", "rollup_5m", "rollup_1h", "rollup_1d")
    ]
    store.close()
    ages = [(T0 - oldest) // DAY for oldest in lengths]
    assert ages == [1, 3, 5, 7]


def test_a_clock_that_steps_back_brings_nothing_back_and_drops_nothing(store: SqliteStore) -> None:
    store.write(points(100, T0 - 40 * DAY) + points(100))
    store.maintain(T0)
    store.maintain(T0 - 3000 * DAY)
    store.maintain(0)
    assert count(store) == 100
    assert counted(store) == 200


def test_retention_that_shrinks_from_level_to_level_is_refused() -> None:
    with pytest.raises(ValueError, match="must not shrink"):
        Retention(raw=60, five_minutes=30)


@pytest.mark.parametrize("age", [40, 400])
def test_late_data_older_than_what_is_kept_adds_to_what_is_known(
    store: SqliteStore, age: int
) -> None:
    start = (T0 - age * DAY) // DAY * DAY
    store.write(points(100, start))
    store.maintain(T0)
    late = points(50, start + 100 * 15_000) + points(20, start - HOUR)
    for _again in range(2):  # sent twice: counted once
        store.write(late)
        assert counted(store) == counted(store, step=HOUR) == 170
        store.maintain(T0)
        assert counted(store) == counted(store, step=HOUR) == 170
    assert count(store) == 0


def test_late_data_of_the_last_days_restates_time_up(store: SqliteStore) -> None:
    midnight = T0 // DAY * DAY - 7 * HOUR
    day = SeriesQuery(
        "check",
        "up",
        midnight,
        midnight + DAY,
        step=DAY,
        offset=-7 * HOUR,
        aggregate=Aggregate.KNOWN_SECONDS,
    )
    store.write(points(4, midnight + HOUR, 5 * MINUTE))
    store.maintain(T0 + DAY)
    [before] = store.read(day)
    assert list(before.values) == [15 * 60 + 6 * 60]
    store.write(points(4, midnight + HOUR + 20 * MINUTE, 5 * MINUTE))
    for _upkeep in range(2):
        [after] = store.read(day)
        assert list(after.values) == [35 * 60 + 6 * 60]
        store.maintain(T0 + DAY)


def test_sums_beyond_the_largest_number_do_not_stop_upkeep(store: SqliteStore) -> None:
    huge = [1.7e308, 1.7e308, -1.7e308, -1.7e308]
    store.write([Point("check", TAGS, {"up": v}, T0 + i) for i, v in enumerate(huge)])
    store.maintain(T0 + DAY)
    assert count(store) == counted(store) == 4
