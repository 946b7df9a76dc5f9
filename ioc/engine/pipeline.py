"""Where every result arrives: to the store, to the states, to the screens. One way, no way back.

    accept(result) ─▶ point ─▶ store
                   └▶ status ─▶ dirty assets ─▶ settle(): parents first ─▶ views, transitions
                                                         ├─▶ state database
                                                         ├─▶ state points ─▶ store
                                                         └─▶ hub ─▶ screens

Lives on the event loop; nothing here blocks.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from types import MappingProxyType

from collectors.base import Result
from ioc.clock import Clock
from ioc.engine import reachability as reach
from ioc.engine.calendars import Calendar
from ioc.engine.hub import Hub
from ioc.engine.model import (
    AreaView,
    AssetView,
    CheckStatus,
    SiteView,
    State,
    Transition,
)
from ioc.engine.points import asset_tags, check_tags, result_point, state_point
from ioc.engine.state import advance, expire, freshness, merged_values, own_state
from ioc.inventory.topology import Asset, Topology
from ioc.store.base import Point, Tags

Change = CheckStatus | AssetView | SiteView | Transition

FOREVER_AGO = float("-inf")


class Pipeline:
    """The state of the area. `record` and `persist` take what is to be written, at once.

    defer: called with `settle` when there is something to settle; None = the caller settles.
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
    ) -> None:
        self._clock = clock
        self._record = record
        self._persist = persist
        self._hub = hub
        self._defer = defer
        self._deferred = False
        self._statuses: dict[str, CheckStatus] = {}
        self._views: dict[str, AssetView] = {}
        self._sites: dict[str, SiteView] = {}
        self._measured: dict[str, float] = {}  # asset -> monotonic start of its newest result
        self._recovered: dict[str, float] = {}  # asset -> same, of the result that brought it back
        self._dirty: set[str] = set()
        self._dirty_sites: set[str] = set()
        self._expiry: list[tuple[float, str]] = []
        self._version = 0
        self._cached: AreaView | None = None
        self._load(topology)

    # --- reading

    @property
    def topology(self) -> Topology:
        return self._topology

    def status(self, check: str) -> CheckStatus:
        """Raises KeyError for a check that does not exist."""
        return self._statuses[check]

    @property
    def calendars(self) -> Mapping[str, Calendar]:
        return self._calendars

    def failing(self) -> list[str]:
        """Checks known to fail."""
        return [s.check for s in self._statuses.values() if s.state is State.DOWN]

    def view(self) -> AreaView:
        """Everything as of now; frozen, safe to hand to threads."""
        if self._cached is None or self._cached.version != self._version:
            sentinels = [self._views[s] for s in self._topology.sentinels]
            self._cached = AreaView(
                at=self._clock.now(),
                version=self._version,
                uplink_lost=reach.uplink_lost(sentinels),
                sites=MappingProxyType(dict(self._sites)),
                assets=MappingProxyType(dict(self._views)),
            )
        return replace(self._cached, at=self._clock.now())

    # --- what comes in

    def accept(self, result: Result) -> None:
        """One result just measured. A result of a check that no longer exists is dropped."""
        check = self._topology.checks.get(result.check)
        if check is None:
            return
        measured = self._clock.monotonic() - result.duration
        fresh_until = measured + freshness(check, self._topology.freshness)
        self._statuses[check.id] = advance(self._statuses[check.id], check, result, fresh_until)
        self._measured[check.asset] = measured
        point = result_point(self._tags(check.id), result)
        if point is not None:
            self._record([point])
        self._touch(check.asset)

    def tick(self) -> None:
        """About once a second: what became stale, which calendars changed."""
        now = self._clock.monotonic()
        while self._expiry and self._expiry[0][0] <= now:
            _, name = heapq.heappop(self._expiry)
            self._expire(name, now)
        expected = self._expected_now()
        if expected != self._expected:
            changed = {c for c, on in expected.items() if self._expected.get(c) != on}
            self._expected = expected
            for asset in self._topology.assets.values():
                if asset.calendar in changed:
                    self._touch(asset.id)
        self.settle()

    def replace(self, topology: Topology) -> None:
        """A new inventory: what is measured as before keeps its state."""
        before = self._topology
        kept = {
            name: status
            for name, status in self._statuses.items()
            if name in topology.checks and _same_measure(before, topology, name)
        }
        self._statuses = kept
        self._load(topology)
        self.settle()
        self._hub.publish(everything=True)

    def restore(
        self, statuses: Mapping[str, CheckStatus], since: Mapping[str, tuple[State, int]]
    ) -> None:
        """What was known before a restart. since: asset or site id -> state and its start, ms UTC.

        A check keeps its state for what is left of its freshness, so a quick restart changes
        nothing and a long one honestly shows unknown.
        """
        now, monotonic = self._clock.now(), self._clock.monotonic()
        for name, status in statuses.items():
            check = self._topology.checks.get(name)
            if check is None or status.last is None:
                continue
            age = max(0.0, (now - status.last.observed_at) / 1000)
            left = freshness(check, self._topology.freshness) - age
            restored = replace(status, fresh_until=monotonic + left)
            self._statuses[name] = restored if left > 0 else expire(restored, now)
            self._measured[check.asset] = monotonic - age
        for name, (state, start) in since.items():
            if name in self._views:
                self._views[name] = replace(self._views[name], state=state, since=start)
            elif name in self._sites:
                self._sites[name] = replace(self._sites[name], state=state, since=start)
        self._dirty.update(self._topology.assets)
        self._dirty_sites.update(self._topology.sites)

    def checkpoint(self) -> None:
        """Persist what changes without a transition (newest results), and mark the state series."""
        now = self._clock.now()
        assets = self._topology.assets
        self._persist(s for s in self._statuses.values() if s.last is not None)
        self._record(
            state_point(assets[view.id], self._asset_tags[view.id], view, now)
            for view in self._views.values()
        )

    # --- settling

    def settle(self) -> None:
        """Bring views in step with statuses, parents before children."""
        self._deferred = False
        if not self._dirty and not self._dirty_sites:
            return
        now = self._clock.now()
        queue = [(self._depths[name], name) for name in self._dirty]
        heapq.heapify(queue)
        touched, transitions, changes = set(self._dirty), list[Transition](), list[Change]()
        self._dirty = set()
        last = None
        while queue:
            item = heapq.heappop(queue)
            if item == last:
                continue
            last = item
            before, after = self._views[item[1]], self._show(item[1], now)
            self._views[after.id] = after
            self._mark_site(after.id)
            if (before.state, before.cause) == (after.state, after.cause):
                continue
            self._note_recovery(before, after)
            for child in self._children.get(after.id, ()):
                touched.add(child)
                heapq.heappush(queue, (self._depths[child], child))
            changes.append(after)
            if before.state is not after.state:
                transitions.append(_transition("asset", before, after))
        sites = self._settle_sites(now, transitions, changes)
        self._finish(now, touched, sites, transitions, changes)

    def _finish(
        self,
        now: int,
        assets: set[str],
        sites: set[str],
        transitions: list[Transition],
        changes: list[Change],
    ) -> None:
        self._version += 1
        if transitions:
            moved = [t.id for t in transitions if t.kind == "asset"]
            self._persist([*changes, *transitions, *self._statuses_of(moved)])
            self._record(
                state_point(
                    self._topology.assets[name], self._asset_tags[name], self._views[name], now
                )
                for name in moved
            )
        elif changes:
            self._persist(changes)
        self._hub.publish(assets, sites)

    def _settle_sites(
        self, now: int, transitions: list[Transition], changes: list[Change]
    ) -> set[str]:
        sites, self._dirty_sites = self._dirty_sites, set()
        for name in sites:
            before, after = self._sites[name], self._show_site(name, now)
            self._sites[name] = after
            if (before.state, before.cause) != (after.state, after.cause):
                changes.append(after)
            if before.state is not after.state:
                transitions.append(_transition("site", before, after))
        return sites

    def _show(self, name: str, now: int) -> AssetView:
        asset, before = self._topology.assets[name], self._views[name]
        pairs = [(self._topology.checks[c], self._statuses[c]) for c in asset.checks]
        parents = [self._views[p] for p in asset.parents]
        shown = reach.resolve_asset(
            own_state(pairs),
            parents,
            expected=self._expected[asset.calendar],
            parent_recovered=self._parent_recovered(asset, parents),
        )
        lasts = [status.last.observed_at for _, status in pairs if status.last]
        seen = [status.ok_at for _, status in pairs if status.ok_at is not None]
        return AssetView(
            id=name,
            state=shown.state,
            since=before.since if shown.state is before.state else now,
            cause=shown.cause,
            reason=shown.reason,
            observed_at=max(lasts, default=None),
            seen_at=max(seen, default=None),
            values=merged_values(pairs),
        )

    def _show_site(self, name: str, now: int) -> SiteView:
        site, before = self._topology.sites[name], self._sites[name]
        assets = self._topology.assets
        shown = reach.resolve_site(site, assets, self._views)
        members = (*site.links, *site.devices)
        observed = [at for m in members if (at := self._views[m].observed_at) is not None]
        backbone = [m for m in members if m in site.links or assets[m].kind == "router"]
        oldest = [at for m in backbone if (at := self._views[m].observed_at) is not None]
        return SiteView(
            id=name,
            state=shown.state,
            since=before.since if shown.state is before.state else now,
            on_backup=reach.on_backup(shown),
            dark=reach.dark(shown),
            cause=shown.cause,
            reason=shown.reason,
            observed_at=max(observed, default=None),
            oldest_at=min(oldest, default=None),
            computers=reach.count_computers(site, assets, self._views, self._expected),
        )

    def _parent_recovered(self, asset: Asset, parents: Iterable[AssetView]) -> bool:
        """Whether everything it is reached through now came back only after its newest result."""
        measured = self._measured.get(asset.id, FOREVER_AGO)
        working = [p.id for p in parents if p.state in reach.REACHED]
        return bool(working) and all(
            self._recovered.get(parent, FOREVER_AGO) > measured for parent in working
        )

    def _note_recovery(self, before: AssetView, after: AssetView) -> None:
        if before.state in reach.SILENT and after.state in reach.REACHED:
            self._recovered[after.id] = self._measured[after.id]

    # --- housekeeping

    def _load(self, topology: Topology) -> None:
        now = self._clock.now()
        self._topology = topology
        self._calendars = {
            rule.id: Calendar(rule, topology.timezone) for rule in topology.calendars.values()
        }
        self._expected: dict[str | None, bool] = self._expected_now()
        self._depths = reach.depths(topology.assets)
        self._children: dict[str, list[str]] = {}
        for asset in topology.assets.values():
            for parent in asset.parents:
                self._children.setdefault(parent, []).append(asset.id)
        self._check_tags: dict[str, Tags] = {}
        self._asset_tags = {a.id: asset_tags(topology, a) for a in topology.assets.values()}
        self._statuses = {
            name: self._statuses.get(name) or CheckStatus(name, since=now)
            for name in topology.checks
        }
        self._views = {
            name: self._views.get(name) or AssetView(name, State.UNKNOWN, now)
            for name in topology.assets
        }
        self._sites = {
            name: self._sites.get(name) or SiteView(name, State.UNKNOWN, now)
            for name in topology.sites
        }
        self._expiry = [(s.fresh_until, s.check) for s in self._statuses.values()]
        heapq.heapify(self._expiry)
        self._dirty = set(topology.assets)
        self._dirty_sites = set(topology.sites)

    def _expected_now(self) -> dict[str | None, bool]:
        now = self._clock.now()
        settled: dict[str | None, bool] = {
            name: calendar.settled_on(now) for name, calendar in self._calendars.items()
        }
        settled[None] = True
        return settled

    def _expire(self, name: str, now: float) -> None:
        """Turn a stale check to unknown, or wait for the freshness it has gained meanwhile."""
        status = self._statuses.get(name)
        if status is None:
            return
        if status.fresh_until > now:
            heapq.heappush(self._expiry, (status.fresh_until, name))
            return
        # Unknown already: look again when it may have been measured.
        interval = self._topology.checks[name].interval
        heapq.heappush(self._expiry, (now + interval, name))
        if status.state is not State.UNKNOWN:
            self._statuses[name] = expire(status, self._clock.now())
            self._touch(self._topology.checks[name].asset)

    def _touch(self, asset: str) -> None:
        self._dirty.add(asset)
        if self._defer is not None and not self._deferred:
            self._deferred = True
            self._defer(self.settle)

    def _mark_site(self, asset: str) -> None:
        site = self._topology.assets[asset].site
        if site is not None:
            self._dirty_sites.add(site)

    def _statuses_of(self, assets: Iterable[str]) -> list[CheckStatus]:
        found = self._topology.assets
        return [self._statuses[c] for name in assets for c in found[name].checks]

    def _tags(self, check: str) -> Tags:
        tags = self._check_tags.get(check)
        if tags is None:
            tags = self._check_tags[check] = check_tags(self._topology, check)
        return tags


def _same_measure(before: Topology, after: Topology, check: str) -> bool:
    """A changed interval keeps the state; a changed address is another thing."""
    old, new = before.checks[check], after.checks[check]
    return (old.kind, old.settings) == (new.kind, new.settings)


def _transition(kind: str, before: AssetView | SiteView, after: AssetView | SiteView) -> Transition:
    return Transition(
        kind, after.id, before.state, after.state, after.since, after.cause, after.reason
    )
