"""The board: what is shown of every asset and site, kept in step with what is known of the checks.

    touch(asset) … ─▶ settle(now): parents before children ─▶ views, transitions

No clock, no I/O: times come in as arguments.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from ioc.engine import reachability as reach
from ioc.engine.model import (
    AssetView,
    CheckStatus,
    Expectation,
    SiteView,
    State,
    Transition,
)
from ioc.engine.state import merged_values, own_state
from ioc.inventory.topology import Asset, Topology

FOREVER_AGO = float("-inf")


@dataclass(slots=True)
class Settled:
    """What one settling changed. assets, sites: ids with a new view; the rest: new states only."""

    assets: set[str]
    sites: set[str] = field(default_factory=set)
    views: list[AssetView | SiteView] = field(default_factory=list)
    transitions: list[Transition] = field(default_factory=list)

    def note(self, kind: str, before: AssetView | SiteView, after: AssetView | SiteView) -> bool:
        """Remember a change of state or cause. False when neither changed."""
        if (before.state, before.cause) == (after.state, after.cause):
            return False
        self.views.append(after)
        if before.state is not after.state:
            self.transitions.append(
                Transition(
                    kind,
                    after.id,
                    before.state,
                    after.state,
                    after.since,
                    after.cause,
                    after.reason,
                )
            )
        return True


class Board:
    """Statuses in, views out.

    expected: calendar id (None = always) -> what to expect of what follows that calendar.
    """

    def __init__(
        self, topology: Topology, expected: Mapping[str | None, Expectation], now: int
    ) -> None:
        self.statuses: dict[str, CheckStatus] = {}
        self.views: dict[str, AssetView] = {}
        self.sites: dict[str, SiteView] = {}
        self._measured: dict[str, float] = {}  # asset -> monotonic start of its newest result
        self.planned: Mapping[str, int] = {}
        self._recovered: dict[str, float] = {}  # asset -> same, of the result that brought it back
        self.load(topology, expected, now)

    def load(
        self, topology: Topology, expected: Mapping[str | None, Expectation], now: int
    ) -> None:
        """A new inventory: what exists in both keeps its status and view. now: ms UTC."""
        self._topology = topology
        self.expected = expected
        self._depths = reach.depths(topology.assets)
        self._children: dict[str, list[str]] = {}
        for asset in topology.assets.values():
            for parent in asset.parents:
                self._children.setdefault(parent, []).append(asset.id)
        self.statuses = {
            name: self.statuses.get(name) or CheckStatus(name, since=now)
            for name in topology.checks
        }
        self.views = {
            name: self.views.get(name) or AssetView(name, State.UNKNOWN, now)
            for name in topology.assets
        }
        self.sites = {
            name: self.sites.get(name) or SiteView(name, State.UNKNOWN, now)
            for name in topology.sites
        }
        self._dirty = set(topology.assets)
        self._dirty_sites = set(topology.sites)

    def know(self, status: CheckStatus, measured: float | None = None) -> None:
        """A check's new status. measured: monotonic start of the result behind it."""
        asset = self._topology.checks[status.check].asset
        self.statuses[status.check] = status
        if measured is not None:
            self._measured[asset] = measured
        self._dirty.add(asset)

    def expect(self, expected: Mapping[str | None, Expectation]) -> None:
        """What should be on from now."""
        for asset in self._topology.assets.values():
            if expected[asset.calendar] != self.expected[asset.calendar]:
                self._dirty.add(asset.id)
        self.expected = expected

    def plan(self, planned: Mapping[str, int]) -> None:
        """Which assets are in a maintenance window from now. asset -> window."""
        if planned != self.planned:
            names = self._topology.assets
            self._dirty |= {n for n in {*planned, *self.planned} if n in names}
            self.planned = planned

    def recall(self, name: str, state: State, since: int) -> None:
        """The state an asset or site had before a restart. since: ms UTC."""
        if name in self.views:
            self.views[name] = replace(self.views[name], state=state, since=since)
        elif name in self.sites:
            self.sites[name] = replace(self.sites[name], state=state, since=since)

    @property
    def unsettled(self) -> bool:
        return bool(self._dirty or self._dirty_sites)

    def settle(self, now: int) -> Settled:
        """Bring views in step with statuses, parents before children. now: ms UTC."""
        settled = Settled(self._dirty)
        queue = [(self._depths[name], name) for name in self._dirty]
        heapq.heapify(queue)
        self._dirty = set()
        last = None
        while queue:
            item = heapq.heappop(queue)
            if item == last:  # touched by itself and by a parent
                continue
            last = item
            for child in self._settle_asset(item[1], now, settled):
                settled.assets.add(child)
                heapq.heappush(queue, (self._depths[child], child))
        settled.sites, self._dirty_sites = self._dirty_sites, set()
        for name in settled.sites:
            before, after = self.sites[name], self._show_site(name, now)
            self.sites[name] = after
            settled.note("site", before, after)
        return settled

    def _settle_asset(self, name: str, now: int, settled: Settled) -> Iterable[str]:
        """New view of one asset; gives the children that must be looked at again."""
        before, after = self.views[name], self._show(name, now)
        self.views[name] = after
        site = self._topology.assets[name].site
        if site is not None:
            self._dirty_sites.add(site)
        if not settled.note("asset", before, after):
            return ()
        if before.state in reach.SILENT and after.state in reach.REACHED:
            self._recovered[name] = self._measured[name]
        return self._children.get(name, ())

    def _show(self, name: str, now: int) -> AssetView:
        asset, before = self._topology.assets[name], self.views[name]
        pairs = [(self._topology.checks[c], self.statuses[c]) for c in asset.checks]
        parents = [self.views[p] for p in asset.parents]
        shown = reach.resolve_asset(
            own_state(pairs),
            parents,
            expected=self.expected[asset.calendar].settled,
            parent_recovered=self._parent_recovered(asset, parents),
            planned=name in self.planned,
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
        site, before = self._topology.sites[name], self.sites[name]
        assets = self._topology.assets
        shown = reach.resolve_site(site, assets, self.views)
        members = (*site.links, *site.devices)
        observed = [at for m in members if (at := self.views[m].observed_at) is not None]
        backbone = [m for m in members if m in site.links or assets[m].kind == "router"]
        oldest = [at for m in backbone if (at := self.views[m].observed_at) is not None]
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
            computers=reach.count_computers(site, assets, self.views, self.expected),
        )

    def _parent_recovered(self, asset: Asset, parents: Iterable[AssetView]) -> bool:
        """Whether everything it is reached through now came back only after its newest result."""
        measured = self._measured.get(asset.id, FOREVER_AGO)
        working = [p.id for p in parents if p.state in reach.REACHED]
        return bool(working) and all(
            self._recovered.get(parent, FOREVER_AGO) > measured for parent in working
        )
