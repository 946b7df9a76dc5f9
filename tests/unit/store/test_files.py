"""The SQLite store and files that are not as it left them."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import astuple
from pathlib import Path

import pytest

from ioc.store._replica import replicate
from ioc.store._retention import Retention
from ioc.store._schema import FINEST, ROLLUP
from ioc.store._source import SqliteSource
from ioc.store._view import View
from ioc.store.base import Aggregate, Content, Point, SeriesQuery, StoreCorrupt, StoreError
from ioc.store.memory import MemoryStore
from ioc.store.sqlite import SqliteStore

MIDNIGHT = 1_769_965_200_000  # 2026-02-02 00:00 in Việt Nam
MINUTE, HOUR, DAY = 60_000, 3_600_000, 86_400_000
NOBODY = 65534


def points(count: int = 2000, start: int = MIDNIGHT) -> list[Point]:
    return [
        Point("check", (("asset", str(i % 3)),), {"up": float(i % 5 > 0)}, start + i * MINUTE)
        for i in range(count)
    ]


def answers(store: SqliteStore | MemoryStore, aggregate: Aggregate, step: int) -> list[object]:
    query = SeriesQuery("check", "up", MIDNIGHT, MIDNIGHT + 3 * DAY, {}, step, aggregate)
    return [(s.tags, list(s.times), list(s.values)) for s in store.read(query)]


@pytest.mark.parametrize("share", [0.9, 0.5, 0.05])
def test_a_file_that_was_cut_off_is_an_error_and_no_answer(tmp_path: Path, share: float) -> None:
    path = tmp_path / "series.db"
    store = SqliteStore(path)
    store.write(points())
    store.maintain(MIDNIGHT + 3 * DAY)
    store.close()
    os.truncate(path, int(path.stat().st_size * share))
    with pytest.raises(StoreCorrupt, match=r"series\.db"):
        answers(SqliteStore(path), Aggregate.COUNT, HOUR)


def test_a_second_program_is_refused_by_whatever_name(tmp_path: Path) -> None:
    path, other = tmp_path / "series.db", tmp_path / "other.db"
    store = SqliteStore(path)
    other.symlink_to(path)
    with pytest.raises(StoreError, match=r"\.db"):
        SqliteStore(other)
    store.write(points(10))
    store.close()


@pytest.mark.root
@pytest.mark.skipif(os.geteuid() != 0, reason="acting as another user needs root")
def test_a_file_of_another_user_is_a_clear_error(tmp_path: Path) -> None:
    path = tmp_path / "series.db"
    SqliteStore(path).close()
    for folder in (tmp_path, *tmp_path.parents):
        folder.chmod(folder.stat().st_mode | 0o055)
    tmp_path.chmod(0o777)
    path.chmod(0o444)
    Path(f"{path}.lock").unlink()
    program = (
        "import os, sys; from pathlib import Path; from ioc.store.sqlite import SqliteStore\n"
        f"os.setgid({NOBODY}); os.setuid({NOBODY}); SqliteStore(Path(sys.argv[1]))"
    )
    # Nobody may not write down what is covered, either.
    environment = {k: v for k, v in os.environ.items() if not k.startswith("COVERAGE")}
    environment["PYTHONPATH"] = os.pathsep.join(sys.path)
    command = [sys.executable, "-c", program, str(path)]
    ended = subprocess.run(command, capture_output=True, text=True, env=environment)
    assert "StoreUnavailable" in ended.stderr
    assert "series.db" in ended.stderr.splitlines()[-1]


def to_layout_2(store: SqliteStore) -> None:
    """It kept windows of five minutes beside samples, a row each, and marked those as dirty."""
    view, execute = View(store._writer, -7 * HOUR), store._writer.execute
    packed = [
        (series, time, *astuple(window))
        for series in range(1, 4)
        for time, window in view.windows(FINEST, series, 0, MIDNIGHT + 9 * DAY)
    ]
    assert packed
    execute("DROP TABLE rollup_5m")
    execute(ROLLUP.format(table="rollup_5m"))
    row = "INSERT INTO rollup_5m VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
    store._writer.executemany(row, packed)
    execute("INSERT INTO rollup_5m SELECT series, time, 1, 1, 1, 1, time, time, 1, 0, 0 FROM raw")
    execute("UPDATE dirty SET level = 0, start = start + 600000")
    execute("PRAGMA user_version = 2")


def test_a_file_of_the_layout_before_is_taken_over(tmp_path: Path) -> None:
    path, keep = tmp_path / "series.db", Retention(1, 5, 9, 9)
    store, reference = SqliteStore(path, keep=keep), MemoryStore()
    for one in (store, reference):
        one.write(points())
    store.maintain(MIDNIGHT + 2 * DAY)
    for one in (store, reference):
        one.write(points(100, MIDNIGHT + 2 * DAY))
    while store._merge_step():
        pass
    to_layout_2(store)
    store.close()
    for _again in range(2):
        store = SqliteStore(path, keep=keep)
        for aggregate in Aggregate:
            for step in (5 * MINUTE, HOUR, DAY):
                assert answers(store, aggregate, step) == answers(reference, aggregate, step)
        store.maintain(MIDNIGHT + 2 * DAY + 2 * HOUR)
        tables = store._writer.execute("SELECT name FROM sqlite_schema WHERE name = 'old_5m'")
        assert tables.fetchall() == []
        store.close()


def test_a_damaged_row_of_windows_is_an_error_and_no_answer(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path / "series.db", keep=Retention(1, 5, 9, 9))
    store.write(points())
    store.maintain(MIDNIGHT + 3 * DAY)
    store._writer.execute("UPDATE rollup_5m SET windows = x'00'")
    with pytest.raises(StoreCorrupt, match=r"series\.db.*series 1"):
        answers(store, Aggregate.COUNT, 5 * MINUTE)
    assert answers(store, Aggregate.COUNT, HOUR), "the rest can be read"
    store.close()


def test_fifty_thousand_series_are_no_trouble(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path / "series.db")
    tags = [(("asset", f"{i:05}"), ("site", str(i % 20))) for i in range(50_000)]
    for first in range(0, len(tags), 5_000):
        store.write([Point("check", t, {"up": 1.0}, MIDNIGHT) for t in tags[first : first + 5_000]])
    store.maintain(MIDNIGHT + DAY)
    query = SeriesQuery("check", "up", MIDNIGHT, MIDNIGHT + DAY, {}, DAY, Aggregate.COUNT, 10**6)
    assert sum(sum(s.values) for s in store.read(query)) == 50_000
    with pytest.raises(ValueError, match="more than 1000 samples"):
        store.read(SeriesQuery("check", "up", MIDNIGHT, MIDNIGHT + DAY, limit=1000))
    one = SeriesQuery("check", "up", MIDNIGHT, MIDNIGHT + DAY, {"asset": ("04711",)})
    assert [len(s.times) for s in store.read(one)] == [1]
    store.close()


def test_reading_goes_on_while_all_of_it_is_merged_and_turned(tmp_path: Path) -> None:
    """A view that is open all the time sees what it saw, however much upkeep does."""
    store = SqliteStore(tmp_path / "series.db")
    store.write(points())
    with store._readers.view() as held:
        count = "SELECT (SELECT count(*) FROM hot) + (SELECT count(*) FROM raw)"
        before = held.execute(count).fetchone()
        for day in range(2, 50):
            store.maintain(MIDNIGHT + day * DAY)
        store.write(points(100, MIDNIGHT + 50 * DAY))
        assert held.execute(count).fetchone() == before == (2000,)
    assert answers(store, Aggregate.COUNT, DAY)
    wal = Path(f"{tmp_path}/series.db-wal")
    store._writer.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    assert wal.stat().st_size == 0, "nobody holds it any more"
    store.close()


def test_packed_windows_are_among_the_contents_and_are_copied(tmp_path: Path) -> None:
    keep = Retention(1, 9, 9, 9)
    store = SqliteStore(tmp_path / "series.db", keep=keep)
    store.write(points(3 * 1440))
    store.maintain(MIDNIGHT + 3 * DAY)
    wanted = answers(store, Aggregate.MEAN, 5 * MINUTE)
    source = SqliteSource(tmp_path / "series.db")
    replicate(source, tmp_path / "copy.db", lambda *_step: None)
    found = [Content("check", "up", MIDNIGHT, MIDNIGHT + 3 * DAY - MINUTE)]
    assert source.contents() == store.contents() == found
    source.close()
    store.close()
    copy = SqliteStore(tmp_path / "copy.db", keep=keep)
    assert answers(copy, Aggregate.MEAN, 5 * MINUTE) == wanted
    copy.close()
