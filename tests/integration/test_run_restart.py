"""The real process is ended, killed and started again: states, history and samples survive."""

from __future__ import annotations

import signal
import socket
import sqlite3
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.lab._monitor import HOST, Monitor
from tests.lab._peers import NAMES, Peers, all_up, inventory

Sample = tuple[str, int, float]


@pytest.fixture
def peers() -> Iterator[Peers]:
    with Peers(*NAMES) as opened:
        yield opened


@pytest.fixture
def monitor(peers: Peers, tmp_path: Path) -> Iterator[Monitor]:
    text = inventory(peers, freshness=20)  # s: a start may take long on a busy machine
    with Monitor(tmp_path, text) as running:
        running.until(lambda: running.states() == all_up(), 15, "everything up")
        yield running


def samples(monitor: Monitor) -> set[Sample]:
    """Every raw `up` sample that the store gives back: what it gives back is committed."""
    return {
        (asset, at, value)
        for asset, series in monitor.samples().items()
        for at, value in zip(*series, strict=True)
    }


def downs(monitor: Monitor) -> list[str]:
    return [t["id"] for t in monitor.transitions() if t["after"] == "down"]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_within_five_seconds(monitor: Monitor, number: signal.Signals) -> None:
    with socket.create_connection((HOST, monitor.port)) as idle:  # a browser that says nothing
        idle.sendall(b"GET /api/v1/ws HTTP/1.1\r\n")
        assert monitor.process is not None
        monitor.process.send_signal(number)
        assert monitor.ended(5.0) == 0
    assert "Traceback" not in monitor.tail(1000)


def test_a_signal_ends_it_while_a_peer_hangs(peers: Peers, tmp_path: Path) -> None:
    with socket.socket() as silent, socket.socket() as plug:
        silent.bind((HOST, 0))
        silent.listen(0)
        plug.connect(silent.getsockname())  # the queue is full: whoever comes now waits
        port = silent.getsockname()[1]
        hung = (
            "  - {id: treo, name: Treo, kind: other, checks: "
            f"[{{kind: tcp, address: {HOST}, port: {port}, interval: 1m, timeout: 30s}}]}}\n"
        )
        with Monitor(tmp_path, inventory(peers, extra=hung)) as monitor:
            monitor.until(lambda: monitor.states()["portal"] == "up", 15, "polling")
            time.sleep(5)  # by then the first sweep has asked the hung one, too
            assert monitor.stop(5.0) == 0


def test_after_a_clean_end_nothing_is_left_to_write(monitor: Monitor) -> None:
    assert monitor.stop() == 0
    with sqlite3.connect(monitor.data / "series.db") as store:
        assert store.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    store.close()
    monitor.start()
    newest = max(at for _, at, _ in samples(monitor))
    assert newest  # what was measured in the last second before the end is there
    assert monitor.states() == all_up()


def test_kill_9_loses_no_committed_sample_and_flips_no_state(
    peers: Peers, monitor: Monitor
) -> None:
    peers.close("fiber")
    peers.close("pc-2")
    wanted = all_up() | {"xa.fiber": "down", "xa.pc-2": "down", "xa": "degraded"}
    monitor.until(lambda: monitor.states() == wanted, 15, "a fiber and a computer down")
    moves = monitor.transitions()
    for _ in range(3):
        committed = samples(monitor)
        monitor.kill()
        for name in ("series.db", "state.db"):
            with sqlite3.connect(monitor.data / name) as database:
                assert database.execute("PRAGMA integrity_check").fetchone() == ("ok",)
            database.close()
        monitor.start()
        assert monitor.states() == wanted, "known again at once, before anything is measured"
        time.sleep(3)
        assert monitor.states() == wanted
        assert committed <= samples(monitor)
    assert monitor.transitions() == moves, "a restart is no change of state"


def test_a_fault_during_the_stop_is_found_after_it(peers: Peers, monitor: Monitor) -> None:
    monitor.kill()
    peers.close("4g")
    monitor.start()
    wanted = all_up() | {"xa.4g": "down"}
    monitor.until(lambda: monitor.states() == wanted, 15, "the 4G down")
    assert downs(monitor) == ["xa.4g"]


def test_a_taken_address_is_a_clear_error(monitor: Monitor, tmp_path: Path) -> None:
    second = tmp_path / "second"
    second.mkdir()
    text = monitor.inventory.read_text(encoding="utf-8")
    other = Monitor(second, text, port=monitor.port)
    done = subprocess.run(
        other.command(),
        env=other.environment(),
        capture_output=True,
        text=True,
        timeout=20,
        cwd=second,
    )
    assert done.returncode == 2
    assert f"IOC_LISTEN={HOST}:{monitor.port}: Address already in use" in done.stderr
    assert "Traceback" not in done.stderr
