"""The real program on a store that is not there: it starts, measures, says so, loses nothing."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.store._servers import Victoria, running
from tests.lab._monitor import Monitor
from tests.lab._peers import NAMES, Peers, all_up, inventory


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Victoria]:
    """Runs, but for what a test does to it."""
    with running(Victoria(tmp_path / "server")) as opened:
        yield opened


@pytest.fixture
def monitor(server: Victoria, tmp_path: Path) -> Iterator[Monitor]:
    """The program, not started yet."""
    with Peers(*NAMES) as peers:
        environment = {"IOC_STORE": server.url}
        made = Monitor(tmp_path, inventory(peers, interval="4s"), environment=environment)
        yield made
        made.__exit__()


def figures(monitor: Monitor) -> dict[str, float]:
    """Own figures of the program, as Prometheus gets them."""
    status, text = monitor.ask("/metrics")
    assert status == 200
    lines = [line.split() for line in text.decode().splitlines() if not line.startswith("#")]
    return {line[0]: float(line[-1]) for line in lines}


def readiness(monitor: Monitor) -> tuple[int, bytes]:
    return monitor.ask("/readyz")


def times(monitor: Monitor) -> dict[str, set[int]]:
    return {asset: set(series[0]) for asset, series in monitor.samples().items()}


def test_without_its_store_it_starts_measures_and_says_so(
    server: Victoria, monitor: Monitor
) -> None:
    server.stop()
    monitor.start()
    monitor.until(lambda: monitor.states() == all_up(), 30, "everything is measured")
    monitor.until(lambda: "store-away" in monitor.problems(), 30, "it is told")
    monitor.until(lambda: "none is lost" in monitor.problems()["store-away"], 15, "what waits")
    monitor.until(lambda: figures(monitor)["ioc_outbox_rows"] > 0, 10, "it is counted")
    assert figures(monitor)["ioc_store_away"] == 1
    status, said = readiness(monitor)
    assert status == 200, "what is measured is kept"
    assert b"store-away" in said
    assert monitor.ask("/api/v1/series?measurement=check&field=up")[0] == 503
    monitor.kill()
    monitor.start()
    monitor.until(lambda: "store-away" in monitor.problems(), 30, "it is told again")
    server.start()
    monitor.until(lambda: "store-away" not in monitor.problems(), 30, "it is there")
    monitor.until(lambda: figures(monitor)["ioc_outbox_rows"] < 20, 20, "nothing waits any more")
    monitor.until(lambda: set(times(monitor)) >= {"portal"}, 20, "what was measured is there")
    assert b"waits" not in readiness(monitor)[1]
    assert monitor.stop() == 0


def test_a_restart_without_the_store_flips_no_state(server: Victoria, monitor: Monitor) -> None:
    monitor.start()
    monitor.until(lambda: monitor.states() == all_up(), 30, "everything up")
    moves = monitor.transitions()
    server.stop()
    time.sleep(5)
    monitor.kill()
    monitor.start()
    assert monitor.states() == all_up(), "known from what waits"
    time.sleep(2)
    assert monitor.states() == all_up()
    assert monitor.transitions() == moves


def test_it_ends_at_once_though_the_store_hangs(server: Victoria, monitor: Monitor) -> None:
    server.freeze()
    monitor.start()
    monitor.until(lambda: monitor.states() == all_up(), 30, "everything is measured")
    assert monitor.stop() == 0
    server.thaw()
    monitor.start()
    monitor.until(lambda: figures(monitor)["ioc_outbox_rows"] < 20, 20, "nothing waits any more")
