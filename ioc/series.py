"""The series that screens draw beside samples and states: places, incidents, our own health.

Every minute, on the event loop: `place`, `incident`, `incidents`, `ioc`. Every five minutes, in a
thread: `coverage`, `computers`, `systems`, `outbox`.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

from ioc.clock import Clock
from ioc.engine.incident import open_counts
from ioc.engine.incident_points import Trail
from ioc.engine.pipeline import Pipeline
from ioc.engine.points import Steady, place_points
from ioc.inventory.topology import Severity
from ioc.ledger.keeper import Keeper
from ioc.ledger.points import computer_points, coverage_point
from ioc.notify.desk import Desk
from ioc.notify.planner import QUEUE
from ioc.outbox import DEAD, WAITING, Outbox
from ioc.store.base import Backlog, Point, Store


class Stopwatch:
    """Times the writing into the store: the longest since it was last asked."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self._longest = 0.0

    def write(self, points: Sequence[Point]) -> None:
        """As the store's own write, timed also when it fails."""
        began = time.perf_counter()
        try:
            self.store.write(points)
        finally:
            self._longest = max(self._longest, time.perf_counter() - began)

    def take(self) -> float:
        """Milliseconds of the longest write since the last call."""
        longest, self._longest = self._longest, 0.0
        return 1000 * longest


def level(counts: Mapping[str, float], uplink_lost: bool) -> float:
    """The whole area in one figure: 0 nothing open, 1 something, 2 something critical, 3 nobody can
    say, since we cannot see out."""
    if uplink_lost:
        return 3.0
    if counts[Severity.CRITICAL]:
        return 2.0
    return 1.0 if any(counts.values()) else 0.0


def outbox_points(
    area: str, counts: Mapping[str, int], backlog: Backlog | None, now: int
) -> list[Point]:
    """What waits to be sent: messages for people (tag queue: notify), and samples for a store on
    the network (store) where there is such a one.

    counts: messages by state. away_s: since when the store takes nothing, 0 = it does.
    """
    waiting = {state: float(counts.get(state, 0)) for state in (WAITING, DEAD)}
    points = [Point("outbox", (("area", area), ("queue", QUEUE)), waiting, now)]
    if backlog is not None:
        away = 0 if backlog.away_since is None else max(0, now - backlog.away_since)
        fields = {
            "waiting": float(backlog.rows),
            "dropped": float(backlog.dropped),
            "refused": float(backlog.refused),
            "full_percent": 100.0 * backlog.size / backlog.limit if backlog.limit else 0.0,
            "away_s": away / 1000,
        }
        points.append(Point("outbox", (("area", area), ("queue", "store")), fields, now))
    return points


class Drawn:
    """What to write at each checkpoint. Reads the running parts, changes none."""

    def __init__(  # noqa: PLR0917 - the parts that it reads
        self,
        clock: Clock,
        pipeline: Pipeline,
        desk: Desk,
        keeper: Keeper,
        outbox: Outbox,
        stopwatch: Stopwatch,
    ) -> None:
        self._clock = clock
        self._pipeline = pipeline
        self._desk = desk
        self._keeper = keeper
        self._outbox = outbox
        self._stopwatch = stopwatch
        self._trail = Trail()
        self._places = Steady()

    def points(self, counters: dict[str, float]) -> Iterator[Point]:
        """Every minute. counters: of the program itself."""
        area, now = (("area", self._pipeline.topology.area_id),), self._clock.now()
        view = self._pipeline.view()
        counts = open_counts(self._desk.book.open.values())
        yield Point("ioc", area, counters | {"store_write_ms": self._stopwatch.take()}, now)
        yield Point("incidents", area, counts | {"level": level(counts, view.uplink_lost)}, now)
        yield from self._news(place_points(view))
        yield from self.incidents()

    def incidents(self) -> list[Point]:
        """Every minute, and when one changed."""
        return self._trail.points(
            self._pipeline.topology,
            self._desk.book.open.values(),
            self._desk.book.by_id,
            self._clock.now(),
        )

    def ledger(self) -> list[Point]:
        """Every few minutes, in a thread: a province takes a second. StateDatabaseError."""
        view, now = self._pipeline.view(), self._clock.now()
        area = view.topology.area_id
        points = [
            coverage_point(area, figure, now, view.topology)
            for figure in self._keeper.ledger().chosen()
            if figure.value is not None or (figure.site is None and figure.goal is not None)
        ]
        points += computer_points(view, self._keeper.given.machines, self._pipeline.calendars)
        backlog = self._stopwatch.store.health().backlog
        return points + outbox_points(area, self._outbox.counts(QUEUE), backlog, now)

    def _news(self, points: Iterable[Point]) -> Iterator[Point]:
        """Places that changed, and every few minutes those that did not; the age of what is shown
        every time, or it would look young."""
        for point in points:
            steady = {name: value for name, value in point.fields.items() if name != "age_s"}
            if self._places.is_news(replace(point, fields=steady)):
                yield point
            elif "age_s" in point.fields:
                yield replace(point, fields={"age_s": point.fields["age_s"]})
