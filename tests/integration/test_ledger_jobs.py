"""What the scheduler does for the ledger when the program starts."""

from __future__ import annotations

import asyncio
import sys
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from ioc import jobs
from ioc.inventory.topology import Topology
from ioc.jobs import Jobs, Parts
from ioc.store.base import StoreUnavailable

sys.path.insert(0, str(Path(__file__).parents[1] / "unit" / "ledger"))
from world import topology


class Keeper:
    """Notes what it is asked to do. failing: so many times it cannot."""

    def __init__(self, failing: int) -> None:
        self.asked: list[str] = []
        self.failing = failing
        self.done = asyncio.Event()
        self._loop = asyncio.get_running_loop()
        self.agreements = SimpleNamespace(recorded=lambda since: [])

    def catch_up(self) -> None:
        self.asked.append("catch_up")
        if self.asked.count("catch_up") <= self.failing:
            raise StoreUnavailable("away")
        self._loop.call_soon_threadsafe(self.done.set)

    def hourly(self) -> None:
        self.asked.append("hourly")

    def nightly(self) -> None:
        self.asked.append("nightly")


async def started(topology: Topology, failing: int = 0) -> tuple[list[str], set[str]]:
    keeper = Keeper(failing)
    anything = SimpleNamespace(daily=lambda: None)
    parts = SimpleNamespace(
        pipeline=SimpleNamespace(topology=topology), keeper=keeper, post=anything,
        context=SimpleNamespace(simulated=True), settings=None, problems=None,
        clock=SimpleNamespace(now=lambda: 0), points=SimpleNamespace(add=list),
    )  # fmt: skip
    scheduler = Jobs(cast("Parts", cast("Any", parts))).scheduled()
    scheduler.start(paused=False)
    try:
        await asyncio.wait_for(keeper.done.wait(), 30)
        await asyncio.sleep(0)
        return keeper.asked, {job.id for job in scheduler.get_jobs()}
    finally:
        scheduler.shutdown(wait=False)


def test_missed_nights_are_made_up_for_once_at_the_start() -> None:
    asked, waiting = asyncio.run(started(topology()))
    assert asked.count("catch_up") == 1
    assert "missed" not in waiting
    assert {"ledger", "availability", "days"} <= waiting


def test_missed_nights_are_made_up_for_as_soon_as_it_is_possible(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(jobs, "AGAIN", timedelta(milliseconds=50))
    asked, waiting = asyncio.run(started(topology(), failing=2))
    assert asked.count("catch_up") == 3
    assert not {name for name in waiting if "missed" in name}
