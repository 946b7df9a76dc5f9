"""kill -9 in the middle of anything: what was reported as committed is there, once."""

from __future__ import annotations

import os
import random
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pytest

from ioc.store.base import SeriesQuery
from ioc.store.sqlite import SqliteStore

WRITER = """
import sys
from pathlib import Path
from ioc.store.base import Point
from ioc.store.sqlite import SqliteStore
store = SqliteStore(Path(sys.argv[1]))
start = int(sys.argv[2])
for batch in range(start, start + 100_000):
    tags = [(("asset", str(i)),) for i in range(20)]
    store.write([Point("check", some, {"up": 1.0}, batch * 1000) for some in tags])
    print(batch, flush=True)
    if batch % 7 == 0:
        store.maintain(batch * 1000)
"""


@pytest.mark.timeout(180)
def test_no_committed_sample_is_lost_or_doubled_over_many_kills(tmp_path: Path) -> None:
    path, chance = tmp_path / "series.db", random.Random(7)
    committed: list[int] = []
    for _ in range(12):
        start = committed[-1] + 1 if committed else 0
        committed += _write_and_kill(path, start, chance.uniform(0.05, 0.4))
    connection = sqlite3.connect(path)
    assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    connection.close()
    store = SqliteStore(path)
    store.maintain(committed[-1] * 1000)
    found = store.read(SeriesQuery("check", "up", 0, 10**12, limit=10**7))
    store.close()
    assert len(committed) > 50
    assert len(found) == 20
    for series in found:
        times = list(series.times)
        assert len(times) == len(set(times))
        assert set(times) >= {batch * 1000 for batch in committed}


def _write_and_kill(path: Path, start: int, seconds: float) -> list[int]:
    """Batches the child reported as committed before it was killed."""
    command = [sys.executable, "-c", WRITER, str(path), str(start)]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as child:
        assert child.stdout is not None
        first = child.stdout.readline()
        time.sleep(seconds)
        os.kill(child.pid, signal.SIGKILL)
        lines = [first, *child.stdout.read().splitlines()]
    complete = [line.strip() for line in lines if line.strip()]
    return [int(line) for line in complete]
