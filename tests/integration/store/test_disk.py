"""The disk fills up, or cannot be written: a clear error, nothing half-written, then on it goes."""

from __future__ import annotations

import contextlib
import os
import resource
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from ioc.store.base import Aggregate, Point, SeriesQuery, StoreError, StoreUnavailable
from ioc.store.sqlite import SqliteStore
from tests._disk import mounted

HOUR = 3_600_000


def points(number: int) -> list[Point]:
    """A batch of its own time: 50 series, 20 samples each."""
    return [
        Point("check", (("asset", str(i)),), {"up": 1.0}, number * 20_000 + j * 1000)
        for i in range(50)
        for j in range(20)
    ]


def count(store: SqliteStore) -> int:
    """Samples, the same raw and by way of the rollups."""
    raw = store.read(SeriesQuery("check", "up", 0, 10**13, limit=10**7))
    hours = store.read(SeriesQuery("check", "up", 0, 10**13, step=HOUR, aggregate=Aggregate.COUNT))
    found = sum(len(series.times) for series in raw)
    assert found == sum(sum(series.values) for series in hours)
    return found


def fill(store: SqliteStore, first: int) -> int:
    """Write and merge until there is no room. The number of the batch that was refused."""
    for number in range(first, first + 10_000):
        before = count(store) if number % 50 == 0 else None
        try:
            store.write(points(number))
            if number % 20 == 0:
                store.maintain(0)
        except StoreUnavailable:
            assert before is None or count(store) in (before, before + 1000)
            return number
    raise AssertionError("the disk never filled up")


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    with mounted(tmp_path / "disk", "3m") as folder:
        yield folder


@pytest.mark.root
def test_a_full_disk_refuses_writes_answers_questions_and_recovers(small_disk: Path) -> None:
    path = small_disk / "series.db"
    store = SqliteStore(path)
    ballast = small_disk / "ballast"
    ballast.write_bytes(bytes(2**20))
    refused = fill(store, 0)
    kept = count(store)
    assert kept in (refused * 1000, (refused + 1) * 1000)  # merging may be what was refused
    assert store.health().ok, "it can be read"
    for _again in range(5):
        with contextlib.suppress(StoreUnavailable):
            store.write(points(refused))
            kept = count(store)
        assert count(store) == kept
    ballast.unlink()
    store.maintain(0)
    store.write(points(refused + 1))
    store.write(points(refused))
    assert count(store) == (refused + 2) * 1000
    store.close()
    with sqlite3.connect(path) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    connection.close()


@pytest.mark.root
def test_a_read_only_disk_is_a_clear_error(small_disk: Path) -> None:
    SqliteStore(small_disk / "series.db").close()
    subprocess.run(["mount", "-o", "remount,ro", str(small_disk)], check=True)
    with pytest.raises(StoreError, match=r"series\.db.*[Rr]ead-only"):
        SqliteStore(small_disk / "series.db")


LIMITED = f"""
import resource, sys
sys.path.insert(0, {str(Path(__file__).parent)!r})
from pathlib import Path
import pytest
from test_disk import count, fill, points
from ioc.store.sqlite import SqliteStore
store = SqliteStore(Path(sys.argv[1]))
_soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
resource.setrlimit(resource.RLIMIT_FSIZE, (1_500_000, hard))
refused = fill(store, 0)
assert refused > 3, refused
kept = count(store)
assert kept in (refused * 1000, (refused + 1) * 1000), (kept, refused)
resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))
store.write(points(refused))
store.maintain(0)
assert count(store) == (refused + 1) * 1000
store.close()
print("done")
"""


def test_a_file_that_may_not_grow_refuses_writes_and_recovers(tmp_path: Path) -> None:
    if resource.getrlimit(resource.RLIMIT_FSIZE)[1] != resource.RLIM_INFINITY:
        pytest.skip("the size of files is limited here")
    path = tmp_path / "series.db"
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    command = [sys.executable, "-c", LIMITED, str(path)]
    ended = subprocess.run(command, capture_output=True, text=True, env=environment)
    assert ended.stdout == "done\n", ended.stderr
    with sqlite3.connect(path) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    connection.close()
