"""What the monitor says of its own store: what waits for a server on the network, and why."""

from __future__ import annotations

import asyncio
from datetime import datetime
from zoneinfo import ZoneInfo

from collectors.base import Reason
from ioc.clock import Clock
from ioc.engine.pipeline import Pipeline
from ioc.engine.problems import Problems
from ioc.recall import last_sample, usual_latency
from ioc.store.base import Backlog, Store, StoreHealth

AWAY, BEHIND, REFUSED, LOST, FULL = (
    "store-away",
    "store-behind",
    "store-refused",
    "outbox-lost",
    "outbox-full",
)
CODES = (AWAY, BEHIND, REFUSED, LOST, FULL)
EVERY, ASK_AGAIN = 5.0, 60.0  # seconds between two looks, and two questions for what is usual
LATE = 60_000  # ms that samples may wait before the monitor speaks of it
TOLD_FOR = 86_400_000  # ms that a loss or a refusal is shown
NEARLY = 0.9  # of the limit

Words = dict[str, str | int | float]


class StoreWatch:
    """Looks after the store of the running program. Created before anything is measured."""

    def __init__(self, clock: Clock, store: Store, problems: Problems, pipeline: Pipeline) -> None:
        self._clock, self._store = clock, store
        self._problems, self._pipeline = problems, pipeline
        self._health = StoreHealth(ok=True)
        self._ask_at: float | None = 0.0  # monotonic s; None: the store has told what is usual

    async def last_sample(self) -> int:
        """See ioc.recall. A store that does not answer is asked again later, by look()."""
        newest, answers = await last_sample(self._store, self._clock.now())
        if not answers:
            self._ask_at = self._clock.monotonic() + ASK_AGAIN
        return newest

    async def look(self) -> None:
        """Say what waits for it, and why; learn what it could not tell at the start."""
        self._health = await asyncio.to_thread(self._store.health)
        zone = self._pipeline.topology.timezone
        tell(self._health, self._problems, self._clock.now(), zone)
        if self._ask_at is None or self._clock.monotonic() < self._ask_at:
            return
        usual = await usual_latency(self._store, self._clock.now())
        self._pipeline.quality.learn(usual or {})
        self._ask_at = self._clock.monotonic() + ASK_AGAIN if usual is None else None

    def figures(self) -> dict[str, float]:
        """See `figures`, as of the last look."""
        return figures(self._health, self._clock.now())


def tell(health: StoreHealth, problems: Problems, now: int, zone: ZoneInfo) -> None:
    """Report what is wrong, clear what is not. now: ms UTC. zone: for the times in the texts."""
    backlog = health.backlog
    found = {} if backlog is None else dict(_present(backlog, now, zone))
    for code in CODES:
        if code in found:
            problems.report(code, found[code])
        else:
            problems.clear(code)


def figures(health: StoreHealth, now: int) -> dict[str, float]:
    """For /metrics and the monitor's own series: none for a store that needs no outbox."""
    backlog = health.backlog
    if backlog is None:
        return {}
    return {
        "outbox_rows": backlog.rows,
        "outbox_bytes": backlog.size,
        "outbox_limit_bytes": backlog.limit,
        "outbox_oldest_seconds": max(0, now - (backlog.oldest or now)) / 1000,
        "outbox_kept": backlog.kept,
        "outbox_sent": backlog.sent,
        "outbox_refused": backlog.refused,
        "outbox_dropped": backlog.dropped,
        "store_away": float(backlog.away_since is not None),
    }


def _present(b: Backlog, now: int, zone: ZoneInfo) -> list[tuple[str, Reason]]:
    words: Words = {"name": b.name, "error": b.error, "rows": b.rows, "count": b.refused}
    words["since"] = _shown(b.oldest, zone)
    found = []
    waits = b.oldest is not None and now - b.oldest > LATE
    if b.away_since is not None:
        found.append((AWAY, _away(b, words, zone)))
    elif waits:
        reason = Reason("{rows} samples kept since {since} are on their way to {name}", words)
        found.append((BEHIND, reason))
    if b.refused_at is not None and now - b.refused_at < TOLD_FOR:
        words["example"] = b.example
        reason = Reason("{name} has refused {count} samples so far; the last: {example}", words)
        found.append((REFUSED, reason))
    if b.dropped_at is not None and now - b.dropped_at < TOLD_FOR:
        found.append((LOST, _lost(b, zone)))
    if b.size > NEARLY * b.limit and waits:
        sizes: Words = {"size": b.size // 2**20, "limit": b.limit // 2**20}
        reason = Reason(
            "the outbox is nearly full ({size} of {limit} MB): the oldest samples are lost; "
            "mend the store, or set IOC_OUTBOX_LIMIT",
            sizes,
        )
        found.append((FULL, reason))
    return found


def _away(b: Backlog, words: Words, zone: ZoneInfo) -> Reason:
    if not b.rows:
        words = words | {"since": _shown(b.away_since, zone)}
        return Reason("the store does not answer since {since}: {error}", words)
    if b.dropped_at is not None and b.oldest is not None and b.dropped_at >= b.oldest:
        return Reason("the store does not answer ({error}): {rows} samples wait", words)
    return Reason(
        "the store does not answer ({error}): {rows} samples since {since} wait, none is lost",
        words,
    )


def _lost(b: Backlog, zone: ZoneInfo) -> Reason:
    words: Words = {"count": b.lost}
    words |= {"first": _shown(b.dropped_from, zone), "last": _shown(b.dropped_to, zone)}
    return Reason(
        "the outbox was full: {count} samples measured between {first} and {last} are lost", words
    )


def _shown(at: int | None, zone: ZoneInfo) -> str:
    if at is None:
        return "?"
    return datetime.fromtimestamp(at / 1000, zone).strftime("%H:%M %d/%m/%Y")
