"""Polls every check on its schedule and hands over one Result per round.

A round is one planned poll with its re-checks. The poller owns time: deadline, retries, order.

    schedule ─▶ round ─▶ collector ─▶ Measurement ─┬─ ok ───────────────▶ Result
                          ▲                        └─ failed ─ re-check ┐
                          └───────────── 1 s apart, 3 times ────────────┤
                                 wait until its parents are known ──────┴▶ Result

A failure counts only after its re-checks, and only when what it is reached through has been
measured since: so results arrive parents first, and whoever reads them never has to guess. What
tells the same story (the other links of a site, the same service elsewhere) is asked at once, too.
"""

from __future__ import annotations

import asyncio
import heapq
import logging
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import count

from collectors import collector as find_collector
from collectors.base import Check, Collector, MeasureMany, Measurement, Result, Verdict
from ioc.clock import Clock
from ioc.engine.schedule import Schedule, phase

log = logging.getLogger(__name__)

GRACE = 2.0  # seconds a batch collector may take beyond the timeout before it counts as hung
FAILING_EVERY = 300.0  # seconds: what fails is asked again by then, however long its interval
RECOVERY_SPREAD = 2.0  # seconds over which the children of a recovered parent are asked again
SHAKY, SHAKY_WEIGHT = 0.1, 0.2  # share of rounds that need re-checks; weight of the newest
SHAKY_RETRIES = 2  # times as many re-checks for what loses packets: three lost in a row are chance
MIN_SLEEP = 0.001
IDLE = 3600.0  # seconds to sleep when nothing is scheduled; a replaced inventory wakes it


@dataclass(slots=True)
class PollStats:
    """Own figures. lags: seconds between planned and actual start, newest last."""

    polls: int = 0
    failures: int = 0
    merged: int = 0  # due while its previous round still ran
    hung: int = 0
    lags: deque[float] = field(default_factory=lambda: deque(maxlen=20_000))


@dataclass(slots=True)
class _Round:
    check: Check
    planned: float
    first_sent: float = 0.0
    sent: float = 0.0
    observed_at: int = 0
    attempts: int = 0


class Poller:
    """Runs on one event loop. `accept` gets each Result on that loop, parents before children."""

    def __init__(
        self,
        clock: Clock,
        accept: Callable[[Result], None],
        find: Callable[[str], Collector] = find_collector,
    ) -> None:
        self.stats = PollStats()
        self._clock = clock
        self._accept = accept
        self._find = find
        self._schedule = Schedule()
        self._checks: dict[str, Check] = {}
        self._parents: Mapping[str, tuple[str, ...]] = {}
        self._children: dict[str, list[str]] = {}
        self._running: dict[str, _Round] = {}
        self._retries: list[tuple[float, int, _Round]] = []  # a heap: due, order
        self._order = count()
        self._peers: Mapping[str, tuple[str, ...]] = {}
        self._shaky: dict[str, float] = {}  # check -> share of rounds that needed re-checks
        self._failing: set[str] = set()
        self._doubted: set[str] = set()  # failed behind a parent that is back: to be re-checked
        self._concluded: dict[str, float] = {}  # check -> start of the deciding attempt
        self._parked: dict[str, list[tuple[_Round, Measurement]]] = {}  # parent -> who waits
        self._tasks: set[asyncio.Task[None]] = set()
        self._wake = asyncio.Event()

    def replace(
        self,
        checks: Mapping[str, Check],
        parents: Mapping[str, tuple[str, ...]],
        failing: Iterable[str] = (),
        peers: Mapping[str, tuple[str, ...]] | None = None,
    ) -> None:
        """Set what to poll. Unchanged checks keep their phase, their round and what is known.

        parents: check -> checks of what it is reached through. failing: known to fail already
        (from before a restart), so that they are not re-checked three times again. peers: check
        -> checks whose answers tell what its failure means; asked when it begins to fail.
        """
        for gone in [c for c, check in self._checks.items() if checks.get(c) != check]:
            self._forget(gone)
        self._checks = dict(checks)
        self._parents = {c: tuple(p for p in ps if p in checks) for c, ps in parents.items()}
        self._peers = {c: tuple(p for p in ps if p in checks) for c, ps in (peers or {}).items()}
        self._children = {}
        for child, above in self._parents.items():
            for parent in above:
                self._children.setdefault(parent, []).append(child)
        self._failing.update(c for c in failing if c in checks)
        self._schedule.replace(
            ((c.id, c.interval) for c in checks.values()), self._clock.monotonic()
        )
        self._release_all()
        self._wake.set()

    @property
    def missed(self) -> int:
        """Polls that never happened because the process itself was held up."""
        return self._schedule.missed

    async def run(self) -> None:
        """Poll until cancelled."""
        try:
            while True:
                now = self._clock.monotonic()
                self._start(self._due(now), now)
                await self._sleep()
        finally:
            tasks = list(self._tasks)
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    def poll_now(self, check: str) -> None:
        """Poll a check at once unless it is being polled already."""
        self._schedule.once(check, self._clock.monotonic())
        self._wake.set()

    # --- when

    def _due(self, now: float) -> list[_Round]:
        rounds = []
        while self._retries and self._retries[0][0] <= now:
            again = heapq.heappop(self._retries)[2]
            if self._running.get(again.check.id) is again:
                rounds.append(again)
        for name, planned in self._schedule.pop_due(now):
            if name in self._running:
                self.stats.merged += 1
                continue
            started = _Round(self._checks[name], planned)
            self._running[name] = started
            rounds.append(started)
        return rounds

    async def _sleep(self) -> None:
        scheduled = self._schedule.next()
        upcoming = [] if scheduled is None else [scheduled]
        if self._retries:
            upcoming.append(self._retries[0][0])
        delay = min(upcoming) - self._clock.monotonic() if upcoming else IDLE
        try:
            async with asyncio.timeout(max(delay, MIN_SLEEP)):
                await self._wake.wait()
        except TimeoutError:
            pass
        self._wake.clear()

    # --- measure

    def _start(self, rounds: Sequence[_Round], now: float) -> None:
        wall = self._clock.now()
        by_kind: dict[str, list[_Round]] = {}
        for started in rounds:
            self.stats.polls += 1
            self.stats.lags.append(now - started.planned)
            started.attempts += 1
            started.sent = now
            started.observed_at = wall
            if started.attempts == 1:
                started.first_sent = now
            by_kind.setdefault(started.check.kind, []).append(started)
        for kind, group in by_kind.items():
            self._launch(self._find(kind), group)

    def _launch(self, module: Collector, rounds: Sequence[_Round]) -> None:
        many: MeasureMany | None = getattr(module, "measure_many", None)
        if many is None:
            for started in rounds:
                task = asyncio.ensure_future(self._measure(module, started))
                self._tasks.add(task)
                task.add_done_callback(self._tasks.discard)
        else:
            self._measure_many(many, rounds)

    async def _measure(self, module: Collector, started: _Round) -> None:
        check = started.check
        try:
            async with asyncio.timeout(check.timeout):
                measurement = await module.measure(check.settings, check.timeout)
        except TimeoutError:
            measurement = Measurement.failed("no answer within {timeout} s", timeout=check.timeout)
        except Exception as error:
            log.exception("check %s: the collector broke", check.id)
            measurement = _broken(error)
        self._measured(started, measurement)

    def _measure_many(self, many: MeasureMany, rounds: Sequence[_Round]) -> None:
        open_rounds = dict(enumerate(rounds))

        def done(index: int, measurement: Measurement) -> None:
            started = open_rounds.pop(index, None)
            if started is not None:
                self._measured(started, measurement)

        def give_up() -> None:
            self.stats.hung += len(open_rounds)
            for index in list(open_rounds):
                done(index, Measurement.unknown("the collector gave no answer"))

        try:
            many([(r.check.settings, r.check.timeout) for r in rounds], done)
        except Exception as error:
            log.exception("a batch of %s checks broke", rounds[0].check.kind)
            for index in list(open_rounds):
                done(index, _broken(error))
        if open_rounds:
            longest = max(r.check.timeout for r in rounds)
            asyncio.get_running_loop().call_later(longest + GRACE, give_up)

    # --- conclude

    def _measured(self, measured: _Round, measurement: Measurement) -> None:
        if self._running.get(measured.check.id) is not measured:
            return  # the inventory changed meanwhile
        if measurement.verdict is Verdict.OK:
            self._conclude(measured, measurement)
            return
        self.stats.failures += 1
        known = measured.check.id in self._failing and measurement.verdict is Verdict.FAILED
        if known or measured.attempts > self._retries_of(measured.check):
            self._settle(measured, measurement)
            return
        now = self._clock.monotonic()
        measured.planned = max(measured.sent + measured.check.retry_delay, now)
        heapq.heappush(self._retries, (measured.planned, next(self._order), measured))
        self._ask_parents(measured)
        if measured.attempts == 1:
            self._ask_peers(measured)
        self._wake.set()

    def _retries_of(self, check: Check) -> int:
        """What loses packets all the time is asked more often before it counts as gone."""
        shaky = self._shaky.get(check.id, 0.0) > SHAKY
        return check.retries * SHAKY_RETRIES if shaky else check.retries

    def _ask_peers(self, failed: _Round) -> None:
        for peer in self._peers.get(failed.check.id, ()):
            last = self._concluded.get(peer, float("-inf"))
            if peer not in self._running and peer not in self._failing and last < failed.first_sent:
                self.poll_now(peer)

    def _settle(self, failed: _Round, measurement: Measurement) -> None:
        """Conclude a failure, or park it until everything above it has been measured since."""
        pending = self._ask_parents(failed)
        if measurement.verdict is Verdict.FAILED and pending:
            self._parked.setdefault(pending[0], []).append((failed, measurement))
            return
        self._conclude(failed, measurement)

    def _ask_parents(self, failed: _Round) -> list[str]:
        """Parents whose state since the failure began is not known yet; they are polled now."""
        pending = [
            parent
            for parent in self._parents.get(failed.check.id, ())
            if parent not in self._failing
            and self._concluded.get(parent, float("-inf")) < failed.first_sent
        ]
        for parent in pending:
            if parent not in self._running:
                self.poll_now(parent)
        return pending

    def _conclude(self, concluded: _Round, measurement: Measurement) -> None:
        check = concluded.check
        now = self._clock.monotonic()
        del self._running[check.id]
        self._concluded[check.id] = concluded.sent
        recovered = self._remember(check.id, measurement.verdict)
        if measurement.verdict is Verdict.OK:
            share = self._shaky.get(check.id, 0.0)
            share += SHAKY_WEIGHT * ((concluded.attempts > 1) - share)
            self._shaky[check.id] = share
        self._accept(
            Result(
                check=check.id,
                observed_at=concluded.observed_at,
                verdict=measurement.verdict,
                values=measurement.values,
                reason=measurement.reason,
                details=measurement.details,
                attempts=concluded.attempts,
                duration=now - concluded.sent,
            )
        )
        self._release(check.id)
        if measurement.verdict is Verdict.FAILED and check.interval > FAILING_EVERY:
            self._schedule.once(check.id, now + FAILING_EVERY)
            self._wake.set()
        if recovered:
            self._ask_children(check.id, now)
            for peer in self._peers.get(check.id, ()):
                if peer in self._failing:  # what failed with it may be back with it
                    self._schedule.once(peer, now)

    def _remember(self, check: str, verdict: Verdict) -> bool:
        """Keep what is known to fail. True when the check has just recovered."""
        if verdict is Verdict.UNKNOWN:
            return False
        recovered = verdict is Verdict.OK and (check in self._failing or check in self._doubted)
        self._doubted.discard(check)
        if verdict is Verdict.FAILED:
            self._failing.add(check)
        else:
            self._failing.discard(check)
        return recovered

    def _release(self, parent: str) -> None:
        for waiting, measurement in self._parked.pop(parent, ()):
            if self._running.get(waiting.check.id) is waiting:
                self._settle(waiting, measurement)

    def _release_all(self) -> None:
        for parent in list(self._parked):
            self._release(parent)

    def _ask_children(self, parent: str, now: float) -> None:
        """A recovered parent makes its silent children worth asking again, a little spread.

        What failed behind a dead parent is no known failure: the next one is re-checked as any.
        """
        for child in self._children.get(parent, ()):
            if child in self._failing:
                self._failing.discard(child)
                self._doubted.add(child)
                self._schedule.once(child, now + phase(child) * RECOVERY_SPREAD)
        self._wake.set()

    def _forget(self, check: str) -> None:
        self._running.pop(check, None)
        self._failing.discard(check)
        self._doubted.discard(check)
        self._concluded.pop(check, None)
        self._shaky.pop(check, None)


def _broken(error: Exception) -> Measurement:
    return Measurement.unknown(
        "the collector broke: {error}", error=f"{type(error).__name__}: {error}"
    )
