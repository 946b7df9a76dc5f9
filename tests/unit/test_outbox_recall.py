"""What is known at the start: of the store, of what waits for it, or nothing. None waits for it."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace

import pytest

from ioc import recall
from ioc.engine.quality import Quality
from ioc.store.base import Point, Series, SeriesQuery, StoreHealth, StoreUnavailable
from ioc.store.memory import MemoryStore
from tests.unit.test_outbox_words import WELL

NOW = 1_770_000_000_000
HOUR = 3_600_000


class NetworkStore(MemoryStore):
    """A store with a backlog, and with a trouble of one's choice when it is read."""

    def __init__(self, newest: int | None, trouble: Callable[[], None] = lambda: None) -> None:
        super().__init__()
        self._newest, self._trouble = newest, trouble

    def health(self) -> StoreHealth:
        return StoreHealth(ok=True, backlog=replace(WELL, newest=self._newest))

    def read(self, query: SeriesQuery) -> list[Series]:
        self._trouble()
        return super().read(query)


def away() -> None:
    raise StoreUnavailable("connection refused")


def check(time: int, **fields: float) -> Point:
    return Point("check", (("asset", "a"), ("check", "icmp")), fields, time)


async def test_the_newest_sample_of_the_store_or_of_what_waits() -> None:
    store = NetworkStore(NOW - 2_000)
    store.write([check(NOW - 9_000, up=1.0)])
    assert await recall.last_sample(store, NOW) == (NOW - 2_000, True)
    store.write([check(NOW - 1_000, up=1.0)])
    assert await recall.last_sample(store, NOW) == (NOW - 1_000, True)


async def test_a_store_that_is_away_is_told_and_what_waits_is_known() -> None:
    assert await recall.last_sample(NetworkStore(NOW - 2_000, away), NOW) == (NOW - 2_000, False)
    assert await recall.last_sample(NetworkStore(None, away), NOW) == (0, False)
    assert await recall.usual_latency(NetworkStore(None, away), NOW) is None


@pytest.mark.parametrize("newest", [NOW + 60_000, NOW - HOUR])
async def test_what_waits_from_the_future_or_from_long_ago_says_nothing(newest: int) -> None:
    assert await recall.last_sample(NetworkStore(newest), NOW) == (0, True)


async def test_a_store_that_hangs_keeps_nobody_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recall, "PATIENCE", 0.05)
    release = threading.Event()
    store = NetworkStore(NOW - 2_000, lambda: (release.wait(20), None)[1])
    assert await recall.last_sample(store, NOW) == (NOW - 2_000, False)
    release.set()


async def test_what_is_usual_comes_by_the_hour() -> None:
    store = NetworkStore(None)
    at = NOW // HOUR * HOUR
    store.write([check(at - 2 * HOUR, rtt_ms=4.0), check(at - HOUR, rtt_ms=6.0)])
    assert await recall.usual_latency(store, NOW) == {"a.icmp": [4.0, 6.0]}


def test_what_is_learned_late_is_older_than_what_is_known() -> None:
    quality = Quality()
    quality.learn({"a.icmp": [9.0] * 1_000})
    quality.learn({"a.icmp": [1.0] * 1_000})
    assert quality.usual("a.icmp") == 9.0
