"""The real program: backed up while it runs, killed, restored elsewhere, and it goes on there."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.lab._monitor import RUN, Monitor
from tests.lab._peers import NAMES, Peers, all_up, inventory


@pytest.fixture
def peers() -> Iterator[Peers]:
    with Peers(*NAMES) as opened:
        yield opened


def ioc(monitor: Monitor, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*RUN, *words],
        cwd=monitor.folder,
        env=monitor.environment(),
        capture_output=True,
        text=True,
    )


def samples(monitor: Monitor) -> set[tuple[str, int, float]]:
    return {
        (asset, at, value)
        for asset, series in monitor.samples().items()
        for at, value in zip(*series, strict=True)
    }


@pytest.mark.timeout(180)
def test_backed_up_while_it_runs_and_restored_on_another_machine(
    peers: Peers, tmp_path: Path
) -> None:
    old, new = tmp_path / "old", tmp_path / "new"
    old.mkdir()
    new.mkdir()
    with Monitor(old, inventory(peers)) as monitor:
        monitor.until(lambda: monitor.states() == all_up(), 15, "everything up")
        peers.close("fiber")
        monitor.until(lambda: monitor.states()["xa.fiber"] == "down", 15, "the fiber down")
        monitor.until(lambda: "xa.fiber" in str(monitor.transitions()), 5, "written down")
        before = samples(monitor)
        done = ioc(monitor, "backup", str(tmp_path / "b.tar.gz"))
        assert done.returncode == 0, done.stderr
        refused = ioc(monitor, "restore", str(tmp_path / "b.tar.gz"), "--move-old", "data.old")
        assert refused.returncode == 1
        assert "stop the program first" in refused.stderr
        monitor.until(lambda: len(samples(monitor)) > len(before) + 10, 20, "it measures on")
        monitor.kill()
    restored = Monitor(new, inventory(peers))
    restored.inventory.unlink()  # an empty machine: the backup brings it
    done = ioc(restored, "restore", str(tmp_path / "b.tar.gz"))
    assert done.returncode == 0, done.stderr
    assert restored.inventory.read_text(encoding="utf-8") == inventory(peers)
    with restored:
        found = samples(restored)
        assert found >= before
        changes = [t for t in restored.transitions() if t["id"] == "xa.fiber"]
        assert "down" in [t["after"] for t in changes]
        restored.until(lambda: len(samples(restored)) > len(found) + 10, 20, "it goes on")
        assert restored.states()["xa.fiber"] == "down"


@pytest.mark.timeout(120)
def test_a_restore_that_was_killed_before_its_end_is_finished_by_the_next_start(
    peers: Peers, tmp_path: Path
) -> None:
    """Killed between the two renames: the data folder is gone, the new one has another name."""
    with Monitor(tmp_path, inventory(peers)) as monitor:
        monitor.until(lambda: monitor.states() == all_up(), 15, "everything up")
        before = samples(monitor)
        assert monitor.stop() == 0
        shutil.move(monitor.data, tmp_path / ".data.restored")
        monitor.start()
        assert samples(monitor) >= before
        assert not (tmp_path / ".data.restored").exists()
