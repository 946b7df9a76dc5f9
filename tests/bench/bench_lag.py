"""How long the event loop is held up while samples are written through the sink, as `ioc run` does.

    python -m tests.bench lag

2,000 rows a second for ten seconds into the embedded store, and into the outbox of a store whose
server takes what it is given. A task that sleeps a millisecond at a time notes by how much it woke
too late: that is what a screen or a poll would have waited.
"""

from __future__ import annotations

import asyncio
import shutil
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any

import uvloop

from ioc.clock import SystemClock
from ioc.engine.problems import Problems
from ioc.engine.sink import Sink
from ioc.store import open_store
from ioc.store.base import Point, Store, StoreError
from tests.integration.store._servers import Influx, running

RATE = 2_000  # rows a second
SECONDS = 10.0
ASSETS = 1_000
STEP = 0.05  # seconds between two arrivals of results
TICK = 0.001
GOAL = 10.0  # ms


def run() -> list[dict[str, Any]]:
    """Rows for the bench runner."""
    idle = _quantile(asyncio.run(_lags(None)))
    kinds = [("sqlite", _sqlite)]
    if shutil.which("influxd") is None:
        print("influxd is not installed: nothing is measured with an outbox")
    else:
        kinds.append(("outbox and InfluxDB", _outboxed))
    return [
        _row(f"event loop lag, {RATE} rows/s to {name}: p99", _measured(open_one), idle)
        for name, open_one in kinds
    ]


def _measured(open_one: Callable[[Path, ExitStack], Store]) -> float:
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        store = stack.enter_context(closing(open_one(Path(folder), stack)))
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            return _quantile(runner.run(_lags(store)))


def _sqlite(folder: Path, _stack: ExitStack) -> Store:
    return open_store(f"sqlite:///{folder}/series.db")


def _outboxed(folder: Path, stack: ExitStack) -> Store:
    server = stack.enter_context(running(Influx(folder / "server")))
    return open_store(server.url("bench"), folder / "outbox.db")


async def _lags(store: Store | None) -> list[float]:
    """ms that each wake-up came too late. None: nothing is written, for comparison."""
    tasks = []
    if store is not None:
        sink: Sink[Point] = Sink("store", store.write, StoreError, Problems(SystemClock()))
        tasks = [asyncio.create_task(sink.run()), asyncio.create_task(_produce(sink))]
    lags = []
    end = time.perf_counter() + SECONDS
    while (begin := time.perf_counter()) < end:
        await asyncio.sleep(TICK)
        lags.append(1000 * (time.perf_counter() - begin - TICK))
    if store is not None:
        await tasks[1]
        sink.stop()
        await tasks[0]
        assert sink.written >= RATE * (SECONDS - 1), f"only {sink.written} rows were written"
    return lags


async def _produce(sink: Sink[Point]) -> None:
    """Results as they come: some at a time, each with two fields."""
    some, at = round(RATE * STEP), 0
    start = time.perf_counter()
    for number in range(round(SECONDS / STEP)):
        now = time.time_ns() // 1_000_000
        sink.add(
            Point("check", _tags((at + i) % ASSETS), {"up": 1.0, "rtt_ms": 2.5 + i}, now)
            for i in range(some)
        )
        at += some
        await asyncio.sleep(max(0.0, start + (number + 1) * STEP - time.perf_counter()))


def _tags(asset: int) -> tuple[tuple[str, str], ...]:
    return (("area", "cho-don"), ("asset", f"may-{asset}"), ("check", "icmp"), ("site", "xa-1"))


def _quantile(lags: list[float], share: float = 0.99) -> float:
    return sorted(lags)[int(share * (len(lags) - 1))]


def _row(name: str, ours: float, idle: float) -> dict[str, Any]:
    return {
        "name": name,
        "ours": round(ours, 2),
        "unit": "ms",
        "peers": {"nothing written": round(idle, 2)},
        "goal": f"< {GOAL:g} ms",
        "met": ours < GOAL,
    }
