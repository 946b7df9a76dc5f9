"""What the shipped inventory (about 480 assets) costs: memory and CPU of the real process.

    python -m tests.bench.bench_footprint

Two runs of `ioc run` in a fresh data directory. The first polls as shipped and gives the CPU. The
second polls ten times as often, with the same inventory, so that its minutes stand for tens of
minutes; memory is fitted over its second half and continued to one hour of ordinary polling. What
the first minutes fill (caches, buffers with a bound) is in the measured part, not in the slope.
"""

from __future__ import annotations

import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from statistics import linear_regression
from typing import Any

import psutil

from tests.lab._monitor import ROOT, Monitor

SHIPPED = ROOT / "inventory.yaml"
SETTLE = 15.0  # seconds: start and first sweep
CPU_RUN = 45.0
MEMORY_RUN = 120.0
FASTER = 10
HOUR = 3600.0
RSS_GOAL = 150.0  # MB
CPU_GOAL = 5.0  # percent of one core


@dataclass(frozen=True, slots=True)
class Sample:
    """at: seconds since the start. rss: MB."""

    at: float
    rss: float
    cpu: float


def run() -> list[dict[str, Any]]:
    """Rows for the bench runner."""
    text = SHIPPED.read_text(encoding="utf-8")
    ordinary, assets = _watch(text, CPU_RUN)
    fast, _ = _watch(faster(text), MEMORY_RUN)
    cpu = 100 * (ordinary[-1].cpu - ordinary[0].cpu) / (ordinary[-1].at - ordinary[0].at)
    half = fast[len(fast) // 2 :]
    slope = linear_regression([s.at for s in half], [s.rss for s in half]).slope / FASTER
    after_an_hour = fast[-1].rss + max(slope, 0.0) * (HOUR - MEMORY_RUN * FASTER)
    minutes = round(MEMORY_RUN * FASTER / 60)
    name = f"footprint, {assets} assets"
    return [
        _row(f"{name}: CPU of one core", cpu, "%", CPU_GOAL),
        _row(f"{name}: RSS after {minutes} min of polls", fast[-1].rss, "MB", RSS_GOAL),
        _row(f"{name}: RSS slope", slope * HOUR, "MB/h", None),
        _row(f"{name}: RSS after an hour, extrapolated", after_an_hour, "MB", RSS_GOAL),
    ]


def faster(inventory: str) -> str:
    """The shipped inventory with every interval a tenth of the built-in one."""
    slower = "defaults:\n  computer: {"
    assert slower in inventory, "the shipped inventory sets its defaults in another way now"
    return inventory.replace(
        slower,
        "defaults:\n"
        "  all: {interval: 6s, timeout: 1s}\n"
        "  link: {interval: 1.5s}\n"
        "  router: {interval: 1.5s}\n"
        "  computer: {interval: 6s, ",
    )


def _watch(inventory: str, seconds: float) -> tuple[list[Sample], int]:
    """Samples of one run after it has settled, and how many assets it had."""
    with tempfile.TemporaryDirectory() as folder, Monitor(Path(folder), inventory) as monitor:
        process = psutil.Process(monitor.pid)
        time.sleep(SETTLE)
        samples = [_sample(process)]
        while samples[-1].at - samples[0].at < seconds:
            time.sleep(1.0)
            samples.append(_sample(process))
        assets = len(monitor.states()) - len(monitor.items("sites"))
        monitor.stop()
    return samples, assets


def _sample(process: psutil.Process) -> Sample:
    with process.oneshot():
        times = process.cpu_times()
        rss = process.memory_info().rss / 2**20
        return Sample(time.monotonic(), rss, times.user + times.system)


def _row(name: str, ours: float, unit: str, goal: float | None) -> dict[str, Any]:
    """goal: at most this; None = told, not judged."""
    return {
        "name": name,
        "ours": round(ours, 2),
        "unit": unit,
        "peers": {},
        "goal": None if goal is None else f"<= {goal:g} {unit}",
        "met": None if goal is None else ours <= goal,
    }


def main() -> None:
    for row in run():
        print(f"{row['name']}: {row['ours']:g} {row['unit']} (goal {row['goal'] or 'none'})")


if __name__ == "__main__":
    main()
