"""Where every result arrives: to the store, to the states, to the screens. One way, no way back.

    accept(result) ─▶ point ─▶ store
                   └▶ status ─▶ Board ─▶ views, transitions ─┬─▶ state database
                                                             ├─▶ state points ─▶ store
                                                             ├─▶ hub ─▶ screens
                                                             └─▶ settled ─▶ incidents

Lives on the event loop; nothing here blocks.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from types import MappingProxyType

from collectors.base import Reason, Result, Verdict
from ioc.clock import Clock
from ioc.engine import reachability as reach
from ioc.engine.board import Board
from ioc.engine.calendars import Calendar
from ioc.engine.hub import Hub
from ioc.engine.maintenance import Windows
from ioc.engine.model import (
    AreaView,
    AssetView,
    CheckStatus,
    Expectation,
    SiteView,
    State,
    Transition,
)
from ioc.engine.points import Steady, asset_tags, check_tags, result_point, state_point
from ioc.engine.quality import Quality
from ioc.engine.state import advance, expire, freshness
from ioc.inventory.topology import Topology
from ioc.store.base import Point

Change = CheckStatus | AssetView | SiteView | Transition


class Pipeline:
    """The state of the area. `record` and `persist` take what is to be written, at once.

    defer: called with `settle` when there is something to settle; None = the caller settles.
    settled: told of every view in which something is another than before. windows: planned work,
    which changes what is shown.
    """

    def __init__(
        self,
        clock: Clock,
        topology: Topology,
        *,
        record: Callable[[Iterable[Point]], None],
        persist: Callable[[Iterable[Change]], None],
        hub: Hub,
        defer: Callable[[Callable[[], None]], object] | None = None,
        settled: Callable[[], None] | None = None,
        windows: Windows | None = None,
    ) -> None:
        self._clock = clock
        self._record = record
        self._persist = persist
        self._hub = hub
        self._defer = defer
        self._deferred = False
        self._settled = settled
        self._windows = windows or Windows()
        self._quality = Quality()
        self._quality_changed = False
        self._expiry: list[tuple[float, str]] = []
        self._version = 0
        self._adopt(topology)
        self._board = Board(topology, self._expected_now(), clock.now())
        self._expire_in_time()
        self._shown = self._show()

    # --- reading

    @property
    def topology(self) -> Topology:
        return self._topology

    def status(self, check: str) -> CheckStatus:
        """What is known of a check; unknown for one that does not exist."""
        return self._board.statuses.get(check) or CheckStatus(check)

    @property
    def quality(self) -> Quality:
        return self._quality

    @property
    def calendars(self) -> Mapping[str, Calendar]:
        return self._calendars

    def failing(self) -> list[str]:
        """Checks known to fail."""
        return [s.check for s in self._board.statuses.values() if s.state is State.DOWN]

    def view(self) -> AreaView:
        """Everything as of the last settling; frozen, safe to ask for from any thread."""
        return replace(self._shown, at=self._clock.now())

    def _show(self, board: Board | None = None) -> AreaView:
        board = board or self._board
        return AreaView(
            at=self._clock.now(),
            version=self._version,
            uplink_lost=reach.uplink_lost([board.views[s] for s in self._topology.sentinels]),
            sites=MappingProxyType(dict(board.sites)),
            assets=MappingProxyType(dict(board.views)),
            topology=self._topology,
            planned=board.planned,
        )

    # --- what comes in

    def accept(self, result: Result) -> None:
        """One result just measured. A result of a check that no longer exists is dropped."""
        check = self._topology.checks.get(result.check)
        if check is None:
            return
        measured = self._clock.monotonic() - result.duration
        fresh_until = measured + freshness(check, self._topology.freshness)
        before = self._board.statuses[check.id]
        self._board.know(advance(before, check, result, fresh_until), measured)
        if self._quality.add(result, self._topology.alerts):
            self._quality_changed = True
        point = result_point(self._check_tags[check.id], result)
        if point is not None:
            self._record([point])
        self._settle_soon()

    def tick(self) -> None:
        """About once a second: what became stale, which calendars changed."""
        now = self._clock.monotonic()
        while self._expiry and self._expiry[0][0] <= now:
            _, name = heapq.heappop(self._expiry)
            self._expire(name, now)
        self._board.expect(self._expected_now())
        self._board.plan(self._windows.assets(self._topology, self._clock.now()))
        self.settle()

    def replace(self, topology: Topology) -> None:
        """A new inventory: what is measured as before keeps its state."""
        statuses = self._board.statuses
        for name in list(statuses):
            if name not in topology.checks or not _same_measure(self._topology, topology, name):
                del statuses[name]
        self._adopt(topology)
        self._quality.keep(topology.checks)
        self._board.load(topology, self._expected_now(), self._clock.now())
        self._expire_in_time()
        self.settle()
        self._hub.publish(everything=True)

    def restore(
        self,
        statuses: Mapping[str, CheckStatus],
        since: Mapping[str, tuple[State, int]],
        alive_until: int = 0,
    ) -> None:
        """What was known before a restart. since: asset or site id -> state and its start, ms UTC.

        A check keeps its state for what is left of its freshness, so a quick restart changes
        nothing and a long one honestly shows unknown. alive_until: ms UTC, when the program was
        last known to measure: every change of state is saved at once, so a status saved before
        then was confirmed in the last interval before it.
        """
        now, monotonic = self._clock.now(), self._clock.monotonic()
        for name, status in statuses.items():
            check = self._topology.checks.get(name)
            if check is None or status.last is None:
                continue
            confirmed = max(status.last.observed_at, alive_until - round(1000 * check.interval))
            age = max(0.0, (now - confirmed) / 1000)
            left = freshness(check, self._topology.freshness) - age
            restored = replace(status, fresh_until=monotonic + left)
            self._board.know(restored if left > 0 else expire(restored, now), monotonic - age)
        for name, (state, start) in since.items():
            self._board.recall(name, state, start)
        self._expire_in_time()

    def checkpoint(self) -> None:
        """Persist what changes without a transition (newest results), and the states that were not
        written lately."""
        now = self._clock.now()
        self._persist(s for s in self._board.statuses.values() if s.last is not None)
        self._record_states(self._board.views, now)

    def suppose(self, dead: Iterable[str]) -> tuple[AreaView, Mapping[str, CheckStatus]]:
        """What would be seen if these assets failed now, with everything only they lead to.

        Nothing is changed by asking.
        """
        now, monotonic = self._clock.now(), self._clock.monotonic()
        board = Board(self._topology, self._expected_now(), now)
        board.plan(self._board.planned)
        for status in self._board.statuses.values():
            board.know(status, monotonic)
        for name in dead:
            for check in self._topology.assets[name].checks:
                if self._topology.checks[check].fatal:
                    board.know(_failing(check, now), monotonic)
        board.settle(now)
        return self._show(board), board.statuses

    # --- settling

    def settle(self) -> None:
        """Bring what is shown in step with what is known, and pass on what changed."""
        self._deferred = False
        if not self._board.unsettled:
            return
        now = self._clock.now()
        settled = self._board.settle(now)
        self._version += 1
        self._shown = self._show()
        moved = [t.id for t in settled.transitions if t.kind == "asset"]
        if settled.views:
            self._persist([*settled.views, *settled.transitions, *self._statuses_of(moved)])
            self._record_states(moved, now)
        self._hub.publish(settled.assets, settled.sites)
        if self._settled is not None and (settled.views or self._quality_changed):
            self._quality_changed = False
            self._settled()

    def _settle_soon(self) -> None:
        if self._defer is not None and not self._deferred:
            self._deferred = True
            self._defer(self.settle)

    def _record_states(self, assets: Iterable[str], now: int) -> None:
        found, views = self._topology.assets, self._board.views
        points = (
            state_point(found[name], self._asset_tags[name], views[name], now) for name in assets
        )
        self._record(self._steady.news(points))

    # --- housekeeping

    def _adopt(self, topology: Topology) -> None:
        self._topology = topology
        self._calendars = {
            rule.id: Calendar(rule, topology.timezone) for rule in topology.calendars.values()
        }
        self._check_tags = {name: check_tags(topology, name) for name in topology.checks}
        self._asset_tags = {a.id: asset_tags(topology, a) for a in topology.assets.values()}
        self._steady = Steady()

    def _expire_in_time(self) -> None:
        self._expiry = [(s.fresh_until, s.check) for s in self._board.statuses.values()]
        heapq.heapify(self._expiry)

    def _expected_now(self) -> dict[str | None, Expectation]:
        now = self._clock.now()
        expected: dict[str | None, Expectation] = {
            name: Expectation(calendar.expected_on(now), calendar.settled_on(now))
            for name, calendar in self._calendars.items()
        }
        expected[None] = Expectation(on=True, settled=True)
        return expected

    def _expire(self, name: str, now: float) -> None:
        """Turn a stale check to unknown, or wait for the freshness it has gained meanwhile."""
        status = self._board.statuses[name]
        if status.fresh_until > now:
            heapq.heappush(self._expiry, (status.fresh_until, name))
            return
        # Unknown already: look again when it may have been measured.
        interval = self._topology.checks[name].interval
        heapq.heappush(self._expiry, (now + interval, name))
        if status.state is not State.UNKNOWN:
            self._board.know(expire(status, self._clock.now()))

    def _statuses_of(self, assets: Iterable[str]) -> list[CheckStatus]:
        found = self._topology.assets
        return [self._board.statuses[c] for name in assets for c in found[name].checks]


def _failing(check: str, now: int) -> CheckStatus:
    reason = Reason("supposed to fail")
    last = Result(check, now, Verdict.FAILED, reason=reason)
    return CheckStatus(check, State.DOWN, now, last)


def _same_measure(before: Topology, after: Topology, check: str) -> bool:
    """A changed interval keeps the state; a changed address is another thing."""
    old, new = before.checks[check], after.checks[check]
    return (old.kind, old.settings) == (new.kind, new.settings)
