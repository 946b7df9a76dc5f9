"""Work for a store: every kind of statement of writing and of upkeep. Loads as little as it can."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from ioc.store._retention import Retention
from ioc.store.base import Point, Store

START = 1_770_000_000_000 // 86_400_000 * 86_400_000
MINUTE, HOUR, DAY = 60_000, 3_600_000, 86_400_000
KEEP = Retention(raw=2, five_minutes=3, hours=5, days=9)
SERIES = 6
NOW = START + 8 * DAY
KEPT = START + 5 * DAY + 17 * HOUR  # samples from here on: the local midnight before NOW - 2 days


def batches() -> Iterator[list[Point]]:
    """A week, half a day at a time, then what came late, then one value anew."""
    for half_day in range(START, START + 7 * DAY, DAY // 2):
        yield [
            Point("check", (("asset", str(i)),), {"up": float(i % 2)}, half_day + t)
            for i in range(SERIES)
            for t in range(0, DAY // 2, 30 * MINUTE)
        ]
    late = [Point("check", (("asset", "0"),), {"up": 1.0}, START + t) for t in range(1, DAY, HOUR)]
    yield late
    yield [Point("check", (("asset", "1"),), {"up": 0.25}, START + 6 * DAY)]


def work(store: Store, report: Callable[[int], object]) -> None:
    """Write all batches, with upkeep in between and at the end: the first days go."""
    for number, batch in enumerate(batches()):
        store.write(batch)
        report(number)
        if number in (0, 9, 14):
            store.maintain(START)
    for day in range(START + DAY, NOW + 1, DAY):
        store.maintain(day)
