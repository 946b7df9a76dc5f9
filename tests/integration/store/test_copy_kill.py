"""kill -9 in the middle of a copy: started again, it goes on, and ends right."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Callable
from pathlib import Path

import pytest

from ioc.store import _replica, open_store
from ioc.store.base import Point, SeriesQuery
from ioc.store.sqlite import SqliteStore
from ioc.storecopy import CopyError, copy
from tests.integration.store._servers import Influx
from tests.integration.store.test_copy import KEEP, aged, answers, everything, quiet, same

ROOT = Path(__file__).parents[3]
MINUTE = 60_000
T0 = 1_770_000_000_000 // 86_400_000 * 86_400_000


def killed_at(number: int, monkeypatch: pytest.MonkeyPatch, act: Callable[[], object]) -> bool:
    """Copy in a process of its own, killed with -9 before the n-th transaction of rows.

    True when it was killed, False when it was done before.
    """
    child = os.fork()
    if child == 0:
        code = 1
        try:
            insert, count = _replica._Replica._insert, 0

            def counted(self: object, table: str, rows: list[tuple[object, ...]]) -> None:
                nonlocal count
                count += 1
                if count == number:
                    os.kill(os.getpid(), signal.SIGKILL)
                insert(self, table, rows)  # type: ignore[arg-type]

            _replica._Replica._insert = counted  # type: ignore[method-assign]
            act()
            code = 0
        finally:
            os._exit(code)
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    assert code in (0, -signal.SIGKILL)
    return code != 0


@pytest.mark.timeout(180)
def test_a_replica_killed_at_any_transaction_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_replica, "ROWS", 100)
    store = aged(tmp_path / "a.db")
    wanted = answers(store)
    source, target = f"sqlite:///{tmp_path}/a.db", f"sqlite:///{tmp_path}/b.db"
    act = lambda: copy(source, target, tmp_path, quiet)  # noqa: E731
    kills = 0
    while killed_at(2, monkeypatch, act):  # each run gets one transaction further
        kills += 1
        assert not (tmp_path / "b.db").exists(), "it has its name when it is whole"
        assert kills < 500
        if kills == 5:  # the source goes on meanwhile: samples turn to windows
            store.write([Point("check", (("asset", "0"),), {"up": 0.0}, T0 + 13 * 86_400_000)])
            store.maintain(T0 + 14 * 86_400_000)
            wanted = answers(store)
    assert kills > 20
    other = SqliteStore(tmp_path / "b.db", keep=KEEP)
    assert answers(other) == wanted
    other.close()
    store.close()
    assert not list(tmp_path.glob("*.copying*"))


def test_what_another_source_left_is_not_taken_for_its_own(tmp_path: Path) -> None:
    for name, measurement in (("a", "check"), ("b", "link")):
        store = SqliteStore(tmp_path / f"{name}.db")
        store.write([Point(measurement, (), {"up": 1.0}, i) for i in range(500)])
        store.close()
    copy(f"sqlite:///{tmp_path}/a.db", f"sqlite:///{tmp_path}/x.db", tmp_path, quiet)
    (tmp_path / "x.db").rename(tmp_path / "y.db.copying")
    copy(f"sqlite:///{tmp_path}/b.db", f"sqlite:///{tmp_path}/y.db", tmp_path, quiet)
    mine, wanted = (open_store(f"sqlite:///{tmp_path}/{name}.db") for name in ("y", "b"))
    same(everything(mine), everything(wanted))
    for one in (mine, wanted):
        one.close()


def command(source: str, target: str, folder: Path) -> subprocess.Popen[str]:
    """`ioc store copy`, the real process."""
    words = [sys.executable, "-m", "ioc", "store", "copy", source, target]
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), "IOC_LANG": "en"}
    pipe = subprocess.PIPE
    return subprocess.Popen(words, cwd=folder, stdout=pipe, stderr=pipe, text=True, env=environment)


@pytest.mark.timeout(240)
def test_a_copy_to_a_server_killed_at_random_moments_goes_on(
    influx: Influx, tmp_path: Path
) -> None:
    source, target = f"sqlite:///{tmp_path}/a.db", influx.url(uuid.uuid4().hex)
    store = open_store(source)
    tags = [(("asset", f"máy {i}"),) for i in range(40)]
    for minute in range(0, 3_000, 100):
        times = range(minute, minute + 100)
        store.write(
            [Point("check", some, {"up": 1.0, "rtt_ms": at / 7}, T0 + at * MINUTE)
             for some in tags for at in times]
        )  # fmt: skip
    wanted = everything(store)
    store.close()
    other = open_store(target)

    def arrived() -> int:
        query = SeriesQuery("check", "rtt_ms", T0, T0 + 10**9, limit=10**7)
        return sum(len(series.times) for series in other.read(query))

    chance, kills, progress = random.Random(9), 0, [0]
    for _again in range(4):
        copying = command(source, target, tmp_path)
        end = time.monotonic() + 60
        while arrived() <= progress[-1] and copying.poll() is None and time.monotonic() < end:
            time.sleep(0.05)
        time.sleep(chance.uniform(0, 1.0))
        copying.kill()
        copying.communicate()
        kills += copying.returncode == -signal.SIGKILL
        progress.append(arrived())
    assert kills >= 2
    assert progress == sorted(progress)
    assert 0 < progress[1] < 120_000, "killed in the middle"
    with pytest.raises(CopyError, match=r"not empty|không rỗng"):  # of whom nothing is noted
        copy(source, target, tmp_path / "elsewhere", quiet)
    copying = command(source, target, tmp_path)
    said, errors = copying.communicate(timeout=200)
    assert copying.returncode == 0, errors
    assert "the same in both" in said
    written = {line.split(":")[0]: int(line.split("+")[1].split(")")[0])
               for line in said.splitlines() if "(+" in line}  # fmt: skip
    assert written["check.rtt_ms"] < 120_000, "what was there was not written again"
    same(everything(other), wanted)
    other.close()
