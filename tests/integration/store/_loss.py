"""What the loss tests share: an outboxed store at a real server, and what that has in the end."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ioc.outbox.batches import Batches
from ioc.store import open_store
from ioc.store._drain import Pace
from ioc.store._outboxed import OutboxedStore
from ioc.store.base import Aggregate, Backlog, Point, SeriesQuery, Store, StoreError
from tests.integration.store._servers import Influx, Victoria

MINUTE, HOUR, DAY = 60_000, 3_600_000, 86_400_000
T0 = 1_770_000_000_000 // DAY * DAY
QUICK = Pace(first=0.05, last=0.5, look=0.5, rounds=60)
EVER = {"start": T0 - 10 * DAY, "end": T0 + 1_000 * DAY}


@dataclass
class Place:
    """A server of the test's own, and the store that is written for it. kind: for names.

    port: where it takes requests; url: of the store, for any port that stands for it.
    """

    server: Victoria | Influx
    folder: Path

    @property
    def forgets(self) -> bool:
        return isinstance(self.server, Victoria)

    @property
    def port(self) -> int:
        return self.server.port if isinstance(self.server, Victoria) else self.server.front.port

    def url(self, port: int | None = None, more: str = "") -> str:
        scheme, path = ("victoriametrics", "/") if self.forgets else ("influxdb", "/loss")
        return f"{scheme}://127.0.0.1:{port or self.port}{path}{more}"

    @contextmanager
    def store(
        self, port: int | None = None, more: str = "", pace: Pace = QUICK, limit: int | None = None
    ) -> Iterator[OutboxedStore]:
        remote: Any = open_store(self.url(port, more))
        store = OutboxedStore(remote, Batches(self.folder / "outbox.db", limit), pace)
        try:
            yield store
        finally:
            store.close()

    def flush(self) -> None:
        """Let the server show what it has: VictoriaMetrics does so after a second or ten."""
        if isinstance(self.server, Victoria):
            self.server.flush()

    def samples(self) -> dict[str, list[int]]:
        """Asset -> times of its samples, as the server gives them back: twice is twice."""
        self.flush()
        store = open_store(self.url())
        try:
            found = store.read(SeriesQuery("check", "up", **EVER, limit=10**7))
            counted = store.read(
                SeriesQuery("check", "up", **EVER, step=DAY, aggregate=Aggregate.COUNT, limit=10**6)
            )
        finally:
            store.close()
        raw = {dict(series.tags)["asset"]: list(series.times) for series in found}
        counts = {dict(series.tags)["asset"]: sum(series.values) for series in counted}
        assert counts == {asset: len(times) for asset, times in raw.items()}, "counted once"
        return raw


def points(time: int, assets: int = 20) -> list[Point]:
    return [Point("check", (("asset", f"may-{i}"),), {"up": 1.0}, time) for i in range(assets)]


def expect(place: Place, times: list[int], assets: int = 20) -> None:
    """Each of the assets has exactly these samples, each once: nothing lost, nothing doubled."""
    found = place.samples()
    assert set(found) == {f"may-{i}" for i in range(assets)}
    for asset, got in found.items():
        lost, more = set(times) - set(got), set(got) - set(times)
        assert not lost, f"{asset}: {len(lost)} lost, the first {min(lost) - T0} ms after the start"
        assert not more, f"{asset}: {len(more)} that nobody wrote"
        assert len(got) == len(times), f"{asset}: doubled"


def backlog(store: Store) -> Backlog:
    found = store.health().backlog
    assert found is not None
    return found


def delivered(store: OutboxedStore) -> bool:
    depth = backlog(store)
    return depth.rows == 0 and not store._batches.holds(0, store._batches.last)


def until(true: Callable[[], bool], patience: float, what: str) -> float:
    begin = time.monotonic()
    while not true():
        assert time.monotonic() - begin < patience, f"not within {patience} s: {what}"
        time.sleep(0.02)
    return time.monotonic() - begin


class Live:
    """Writes a batch every `every` seconds, and watches until the server has it.

    start: ms of the first; each is a second later. written, seen: time of a batch -> when, s.
    """

    def __init__(self, place: Place, store: OutboxedStore, start: int, every: float = 0.25) -> None:
        self._place, self._store, self._start, self._every = place, store, start, every
        self.written: dict[int, float] = {}
        self.seen: dict[int, float] = {}
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=act) for act in (self._write, self._watch)]
        for thread in self._threads:
            thread.start()

    def _write(self) -> None:
        at = self._start
        while not self._stop.wait(self._every):
            self.written[at] = time.monotonic()
            self._store.write(points(at))
            at += 1_000

    def _watch(self) -> None:
        reader = open_store(self._place.url())
        while not self._stop.wait(0.1):
            query = SeriesQuery(
                "check", "up", self._start, self._start + DAY, {"asset": ("may-0",)}
            )
            try:
                self._place.flush()
                found = [at for series in reader.read(query) for at in series.times]
            except (StoreError, OSError):
                continue
            now = time.monotonic()
            for at in found:
                self.seen.setdefault(at, now)
        reader.close()

    def stop(self) -> list[int]:
        """The times that were written."""
        self._stop.set()
        for thread in self._threads:
            thread.join()
        return sorted(self.written)
