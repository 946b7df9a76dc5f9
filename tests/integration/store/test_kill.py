"""kill -9 in the middle of anything: what was reported as committed is there, once."""

from __future__ import annotations

import os
import random
import re
import signal
import sqlite3
import subprocess
import sys
import time
from collections import defaultdict
from pathlib import Path

import pytest

from ioc.store.base import Aggregate, Series, SeriesQuery, Store
from ioc.store.memory import MemoryStore
from ioc.store.sqlite import SqliteStore
from tests.integration.store._work import DAY, HOUR, KEEP, KEPT, MINUTE, NOW, START, batches, work

# --- killed at a random moment, again and again


WRITER = """
import sys
from pathlib import Path
from ioc.store.base import Point
from ioc.store.sqlite import SqliteStore
store = SqliteStore(Path(sys.argv[1]), recent_rows=3_000)
start = int(sys.argv[2])
for batch in range(start, start + 100_000):
    tags = [(("asset", str(i)),) for i in range(20)]
    store.write([Point("check", some, {"up": 1.0}, batch * 60_000) for some in tags])
    print(batch, flush=True)
    if batch % 70 == 0:
        store.maintain(batch * 60_000)
"""


@pytest.mark.timeout(180)
def test_no_committed_sample_is_lost_or_doubled_over_many_kills(tmp_path: Path) -> None:
    path, chance = tmp_path / "series.db", random.Random(7)
    committed: list[int] = []
    for _ in range(12):
        start = committed[-1] + 1 if committed else 0
        committed += _write_and_kill(path, start, chance.uniform(0.05, 0.4))
    check_integrity(path)
    store = SqliteStore(path)
    found = store.read(SeriesQuery("check", "up", 0, 10**13, limit=10**7))
    store.maintain(committed[-1] * MINUTE)
    by_hour = SeriesQuery("check", "up", 0, 10**13, step=HOUR, aggregate=Aggregate.COUNT)
    counted = [sum(series.values) for series in store.read(by_hour)]
    store.close()
    assert len(committed) > 50
    assert len(found) == len(counted) == 20
    for series, count in zip(found, counted, strict=True):
        times = list(series.times)
        assert len(times) == len(set(times)) == count
        assert set(times) >= {batch * MINUTE for batch in committed}


def _write_and_kill(path: Path, start: int, seconds: float) -> list[int]:
    """Batches the child reported as committed before it was killed."""
    with child(WRITER, path, start) as writer:
        assert writer.stdout is not None
        first = writer.stdout.readline()
        time.sleep(seconds)
        os.kill(writer.pid, signal.SIGKILL)
        lines = [first, *writer.stdout.read().splitlines(keepends=True)]
    return [int(line) for line in lines if line.endswith("\n")]


def child(program: str, *arguments: object) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", program, *map(str, arguments)]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment)


def check_integrity(path: Path) -> None:
    with sqlite3.connect(path) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    connection.close()


# --- killed at a chosen statement: each kind of statement of writing and of upkeep


WORKER = f"""
import os, signal, sys
sys.path.insert(0, {str(Path(__file__).parent)!r})
from pathlib import Path
from ioc.store.sqlite import SqliteStore
from _work import KEEP, work
store = SqliteStore(Path(sys.argv[1]), keep=KEEP)
left = int(sys.argv[2])
def statement(_text):
    global left
    left -= 1
    if not left:
        os.kill(os.getpid(), signal.SIGKILL)
store._writer.set_trace_callback(statement)
work(store, lambda number: print(number, flush=True))
"""


def kill_points(path: Path) -> dict[str, int]:
    """First, a middle and the last statement of each kind in all the work: name -> its number."""
    store = SqliteStore(path, keep=KEEP)
    seen: dict[str, list[int]] = defaultdict(list)
    numbers = iter(range(1, 10**9))

    def statement(text: str) -> None:
        words = re.match(r"\s*(BEGIN|COMMIT|PRAGMA \w+|\w+.*?(?:INTO|FROM|UPDATE) \w+|\w+)", text)
        assert words
        seen[words[1]].append(next(numbers))

    store._writer.set_trace_callback(statement)
    work(store, lambda number: None)
    store.close()
    return {
        f"{name} {which}": where[index]
        for name, where in seen.items()
        if name.startswith(("BEGIN", "COMMIT", "INSERT", "DELETE", "UPDATE"))
        for which, index in (("first", 0), ("middle", len(where) // 2), ("last", -1))
    }


def everything(store: Store) -> list[tuple[object, ...]]:
    """What a store answers: raw, by the hour and by the day, each for as long as it is kept."""
    raw = SeriesQuery("check", "up", KEPT, NOW)
    hours = SeriesQuery("check", "up", NOW - 4 * DAY, NOW, step=HOUR, aggregate=Aggregate.SUM)
    days = SeriesQuery(
        "check", "up", START - DAY, NOW, step=DAY, offset=-7 * HOUR, aggregate=Aggregate.SUM
    )
    return [_plain(series) for query in (raw, hours, days) for series in store.read(query)]


def _plain(series: Series) -> tuple[object, ...]:
    return series.tags, tuple(series.times), tuple(series.values)


@pytest.mark.timeout(300)
def test_a_kill_at_any_kind_of_statement_loses_nothing_and_the_work_can_be_done_again(
    tmp_path: Path,
) -> None:
    points = kill_points(tmp_path / "dry.db")
    done = " ".join(points)
    for table in ("hot", "raw", "dirty", "floors", "rollup_5m", "rollup_1h", "rollup_1d"):
        assert f"INTO {table}" in done, "the work writes to every table"
    for table in ("hot", "raw", "dirty", "rollup_5m"):
        assert f"DELETE FROM {table}" in done
    reference = MemoryStore()
    work(reference, lambda number: None)
    ended = []  # how many steps of upkeep there are depends on the time they take
    for name, number in points.items():
        path = tmp_path / f"{number}.db"
        with child(WORKER, path, number) as worker:
            reported = worker.communicate()[0].count("\n")
        if worker.returncode == 0 and name.endswith("last"):
            ended.append(name)
            continue
        assert worker.returncode == -signal.SIGKILL, name
        check_integrity(path)
        store = SqliteStore(path, keep=KEEP)
        expect = MemoryStore()
        for batch, _ in zip(batches(), range(reported), strict=False):
            expect.write(batch)
        missing = samples(expect) - samples(store)
        assert not missing, f"{name}: lost"
        work(store, lambda number: None)
        assert everything(store) == everything(reference), name
        store.close()
    assert len(ended) < len(points) // 4, ended


def samples(store: Store) -> set[tuple[object, ...]]:
    found = store.read(SeriesQuery("check", "up", KEPT, NOW))
    return {(s.tags, t, v) for s in found for t, v in zip(s.times, s.values, strict=True)}
