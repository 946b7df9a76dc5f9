"""The disk fills up under the real process: it goes on measuring, says so, and writes again."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests._disk import mounted
from tests.lab._monitor import Monitor
from tests.lab._peers import NAMES, Peers, all_up, inventory

SIZE = "16m"

pytestmark = pytest.mark.root


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    with mounted(tmp_path / "data", SIZE) as folder:
        yield folder


def newest(monitor: Monitor) -> int:
    """Time of the newest sample in the store, ms."""
    return max((times[-1] for times, _ in monitor.samples().values()), default=0)


def fill(folder: Path) -> Path:
    """Take what is left of a disk, to the last byte."""
    ballast = folder / "ballast"
    with ballast.open("wb", buffering=0) as file, contextlib.suppress(OSError):
        while file.write(bytes(4096)):
            pass
    return ballast


def test_a_full_disk_stops_the_writing_and_nothing_else(small_disk: Path, tmp_path: Path) -> None:
    with Peers(*NAMES) as peers, Monitor(tmp_path, inventory(peers)) as monitor:
        monitor.until(lambda: monitor.states() == all_up(), 15, "everything up")
        ballast = fill(small_disk)
        monitor.until(lambda: "store" in monitor.problems(), 60, "the trouble shown")
        peers.close("fiber")
        wanted = all_up() | {"xa.fiber": "down", "xa": "degraded"}
        monitor.until(lambda: monitor.states() == wanted, 15, "polling goes on")
        assert monitor.ask("/")[0] == 200
        assert monitor.ask("/healthz")[0] == 200
        stuck = newest(monitor)
        ballast.unlink()
        monitor.until(
            lambda: not monitor.problems().keys() & {"store", "database"}, 60, "writing again"
        )
        monitor.until(lambda: newest(monitor) > stuck, 15, "newer samples")
        monitor.until(lambda: _moved(monitor, "xa.fiber"), 15, "the change of state written")
        assert monitor.longest_gap() < 5.0, "what was measured meanwhile was kept and written"
        assert monitor.stop() == 0
        for name in ("series.db", "state.db"):
            with sqlite3.connect(small_disk / name) as database:
                assert database.execute("PRAGMA integrity_check").fetchone() == ("ok",)
            database.close()


def _moved(monitor: Monitor, asset: str) -> bool:
    return any(t["id"] == asset and t["after"] == "down" for t in monitor.transitions())
