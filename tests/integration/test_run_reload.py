"""The inventory is edited while the real process runs."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.lab._monitor import Monitor
from tests.lab._peers import HOST, NAMES, Peers, all_up, inventory

NEW = "duong-moi"


@pytest.fixture
def peers() -> Iterator[Peers]:
    with Peers(*NAMES, NEW) as opened:
        yield opened


@pytest.fixture
def monitor(peers: Peers, tmp_path: Path) -> Iterator[Monitor]:
    with Monitor(tmp_path, inventory(peers)) as running:
        running.until(lambda: running.states() == all_up(), 15, "everything up")
        yield running


def with_another(peers: Peers) -> str:
    check = f"checks: [{{kind: tcp, address: {HOST}, port: {peers.ports[NEW]}}}]"
    return inventory(peers, extra=f"  - {{id: {NEW}, name: Cổng mới, kind: portal, {check}}}\n")


def moves(monitor: Monitor) -> list[tuple[str, str, str]]:
    return [(t["id"], t["before"], t["after"]) for t in monitor.transitions()]


def test_a_new_service_appears_and_nothing_else_moves(peers: Peers, monitor: Monitor) -> None:
    before = moves(monitor)
    monitor.inventory.write_text(with_another(peers), encoding="utf-8")
    wanted = all_up() | {NEW: "up"}
    monitor.until(lambda: monitor.states() == wanted, 15, "the new service up")
    time.sleep(2)
    assert moves(monitor) == [*before, (NEW, "unknown", "up")]
    assert monitor.longest_gap() < 2.0, "a second between polls, never two"


def test_an_invalid_file_is_shown_and_the_old_one_stays_in_force(
    peers: Peers, monitor: Monitor
) -> None:
    good = monitor.inventory.read_text(encoding="utf-8")
    before = moves(monitor)
    monitor.inventory.write_text(good.replace("kind: fiber", "kind: cap-quang"), encoding="utf-8")
    monitor.until(lambda: "inventory" in monitor.problems(), 15, "the mistake shown")
    assert "inventory.yaml:" in monitor.problems()["inventory"]
    peers.close("portal")  # polling goes on all the while
    monitor.until(lambda: monitor.states()["portal"] == "down", 15, "the portal down")
    assert monitor.states() == all_up() | {"portal": "down"}
    monitor.inventory.write_text(good, encoding="utf-8")
    monitor.until(lambda: "inventory" not in monitor.problems(), 15, "the mistake gone")
    assert moves(monitor) == [*before, ("portal", "up", "down")]


def test_an_editor_that_replaces_the_file_is_noticed_and_a_removed_asset_is_gone(
    peers: Peers, monitor: Monitor
) -> None:
    text = monitor.inventory.read_text(encoding="utf-8")
    kept = "".join(line for line in text.splitlines(keepends=True) if "id: pc-2" not in line)
    beside = monitor.folder / ".inventory.yaml.swp"
    beside.write_text(kept, encoding="utf-8")
    beside.rename(monitor.inventory)
    wanted = {name: state for name, state in all_up().items() if name != "xa.pc-2"}
    monitor.until(lambda: monitor.states() == wanted, 15, "the computer gone")
