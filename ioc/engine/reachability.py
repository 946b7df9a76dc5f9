"""What is shown of an asset, given its own state and the state of what it is reached through.

No clock, no I/O. Rules 1 to 5 of the design's section 5 are here, for states:

- its own checks succeed: that is what it is;
- they fail, and nothing it is reached through works: UNREACHABLE, with the root cause;
- they fail, and what it is reached through has only just come back: UNREACHABLE until asked again;
- they fail outside expected hours: OFF;
- they fail while work on it is planned: MAINTENANCE;
- otherwise: DOWN.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from graphlib import TopologicalSorter

from collectors.base import Reason
from ioc.engine.model import AssetView, ComputerCounts, Expectation, State
from ioc.engine.state import OwnState
from ioc.inventory.topology import Asset, Site

REACHED = frozenset({State.UP, State.DEGRADED})
SILENT = frozenset({State.DOWN, State.UNREACHABLE, State.MAINTENANCE})
FAILED = frozenset({State.DOWN, State.MAINTENANCE})  # by itself, whatever was planned

BEHIND = Reason("not reachable: what lies before it is down")
PARENT_UNKNOWN = Reason("not answering, and what lies before it has not been measured")
AWAITING = Reason("what lies before it is back; waiting for a fresh result")
PLANNED = Reason("planned work")
NOT_EXPECTED = Reason("not expected to be on now")
ON_BACKUP = Reason("running on the backup link")
DARK = Reason("every link and the router are silent: power cut suspected")
LINKS_DOWN = Reason("every link is down")
LINKS_SILENT = Reason("the links do not answer, but equipment behind them does")
ROUTER_DOWN = Reason("the router does not answer")
MAIN_UNKNOWN = Reason("no data from the main link")
NOTHING_ANSWERS = Reason("nothing answers here")


@dataclass(frozen=True, slots=True)
class Shown:
    """The decision for one asset or site."""

    state: State
    cause: str | None = None
    reason: Reason | None = None


def resolve_asset(  # noqa: PLR0911 - a decision table reads best with one return a row
    own: OwnState,
    parents: Sequence[AssetView],
    *,
    expected: bool,
    parent_recovered: bool,
    planned: bool = False,
) -> Shown:
    """expected: it should be on now, and long enough (calendars). parents: any of them suffices.

    planned: in a maintenance window. parent_recovered: a parent came back after this asset's newest
    result was measured.
    """
    if own.state is not State.DOWN:
        return Shown(own.state, None, own.reason)
    if not expected:
        return Shown(State.OFF, None, NOT_EXPECTED)
    failed = Shown(State.MAINTENANCE, None, PLANNED) if planned else None
    failed = failed or Shown(State.DOWN, None, own.reason)
    if not parents:
        return failed
    if any(parent.state in REACHED for parent in parents):
        if parent_recovered:
            return Shown(State.UNREACHABLE, None, AWAITING)
        return failed
    blocking = next((p for p in parents if p.state not in (State.UNKNOWN, State.OFF)), None)
    if blocking is None:
        return Shown(State.UNKNOWN, None, PARENT_UNKNOWN)
    return Shown(State.UNREACHABLE, blocking.cause or blocking.id, BEHIND)


def resolve_site(site: Site, assets: Mapping[str, Asset], views: Mapping[str, AssetView]) -> Shown:
    """State of a place: what its links allow, then what answers inside."""
    inside = [views[d] for d in site.devices]
    routers = [views[d] for d in site.devices if assets[d].kind == "router"]
    if not site.links:
        return _by_equipment(routers, inside)
    links = [(assets[link], views[link]) for link in site.links]
    shown = _by_links(links, inside, views)
    if shown.state is State.DOWN and routers and all(r.state in SILENT for r in routers):
        shown = Shown(State.DOWN, shown.cause, DARK)
    if shown.state is State.DOWN and _all(views, site.links, State.MAINTENANCE):
        return Shown(State.MAINTENANCE, shown.cause, shown.reason)
    if shown.state in REACHED and routers and all(r.state in FAILED for r in routers):
        others = [view for view in inside if view not in routers]
        state = State.DEGRADED if _any(others, REACHED) else State.DOWN
        return Shown(state, routers[0].id, ROUTER_DOWN)
    return shown


def _by_links(  # noqa: PLR0911 - a decision table
    links: Sequence[tuple[Asset, AssetView]],
    inside: Sequence[AssetView],
    views: Mapping[str, AssetView],
) -> Shown:
    primary = [view for asset, view in links if not asset.backup]
    backup = [view for asset, view in links if asset.backup]
    if _any(primary, {State.UP}) or (not primary and _any(backup, {State.UP})):
        return Shown(State.UP)
    slow = next((v for v in primary or backup if v.state is State.DEGRADED), None)
    if slow is not None:
        return Shown(State.DEGRADED, slow.id, slow.reason)
    if _any(backup, REACHED):
        failed = next((v for v in primary if v.state is not State.UNKNOWN), None)
        if failed is None:
            return Shown(State.UNKNOWN, None, MAIN_UNKNOWN)
        if failed.state is State.UNREACHABLE and not _on_its_own(links, views):
            return Shown(State.UNREACHABLE, failed.cause, BEHIND)
        return Shown(State.DEGRADED, failed.id, ON_BACKUP)
    if _any(inside, REACHED) and all(view.state in FAILED for _, view in links):
        return Shown(State.DEGRADED, None, LINKS_SILENT)
    return _without_links(primary + backup)


def _on_its_own(links: Sequence[tuple[Asset, AssetView]], views: Mapping[str, AssetView]) -> bool:
    """Whether a backup link works and what lies before it is not silent.

    When it is, the backup's own result is older than the loss of what lies before both links.
    """
    return any(
        view.state in REACHED
        and not (asset.parents and all(views[p].state in SILENT for p in asset.parents))
        for asset, view in links
        if asset.backup
    )


def _without_links(views: Sequence[AssetView]) -> Shown:
    blocked = next((v for v in views if v.state is State.UNREACHABLE), None)
    if blocked is not None:
        return Shown(State.UNREACHABLE, blocked.cause, BEHIND)
    unknown = next((v for v in views if v.state is State.UNKNOWN), None)
    if unknown is not None:
        return Shown(State.UNKNOWN, None, unknown.reason)
    return Shown(State.DOWN, views[0].id, LINKS_DOWN)


def _by_equipment(routers: Sequence[AssetView], inside: Sequence[AssetView]) -> Shown:
    """A place without links in the inventory (the monitor's own, say)."""
    for router in routers:
        if router.state is not State.UP:
            if router.state in FAILED and _any(inside, REACHED):
                return Shown(State.DEGRADED, router.id, router.reason)
            return Shown(router.state, router.cause, router.reason)
    if routers or _any(inside, REACHED):
        return Shown(State.UP)
    for state in (State.DOWN, State.MAINTENANCE, State.UNREACHABLE, State.OFF):
        silent = next((view for view in inside if view.state is state), None)
        if silent is not None:
            return Shown(state, silent.cause, NOTHING_ANSWERS)
    return Shown(State.UNKNOWN, None, inside[0].reason if inside else None)


def on_backup(shown: Shown) -> bool:
    return shown.reason == ON_BACKUP


def dark(shown: Shown) -> bool:
    return shown.reason == DARK


def uplink_lost(sentinels: Sequence[AssetView]) -> bool:
    """True when there are sentinels and every one is known not to answer."""
    return bool(sentinels) and all(view.state in FAILED for view in sentinels)


def count_computers(
    site: Site,
    assets: Mapping[str, Asset],
    views: Mapping[str, AssetView],
    expected: Mapping[str | None, Expectation],
) -> ComputerCounts:
    """Computers of a site by state. expected: calendar id (None = always) -> what to expect."""
    states = dict.fromkeys(State, 0)
    expected_now = 0
    for device in site.devices:
        if assets[device].kind == "computer":
            states[views[device].state] += 1
            expected_now += expected[assets[device].calendar].on
    return ComputerCounts(
        total=sum(states.values()),
        expected=expected_now,
        up=states[State.UP] + states[State.DEGRADED],
        down=states[State.DOWN],
        off=states[State.OFF],
        unreachable=states[State.UNREACHABLE],
        maintenance=states[State.MAINTENANCE],
        unknown=states[State.UNKNOWN],
    )


def depths(assets: Mapping[str, Asset]) -> dict[str, int]:
    """How far each asset is from the monitor: parents always have a smaller depth.

    The loader refuses circles; should one get here all the same, graphlib.CycleError (ValueError).
    """
    known: dict[str, int] = {}
    for asset in TopologicalSorter({a.id: a.parents for a in assets.values()}).static_order():
        known[asset] = 1 + max((known[parent] for parent in assets[asset].parents), default=-1)
    return known


def check_parents(
    assets: Mapping[str, Asset], fatal: Mapping[str, bool]
) -> dict[str, tuple[str, ...]]:
    """Check -> the fatal checks of the assets its asset is reached through."""
    fatal_checks = {a.id: tuple(c for c in a.checks if fatal[c]) for a in assets.values()}
    return {
        check: tuple(c for parent in asset.parents for c in fatal_checks[parent])
        for asset in assets.values()
        for check in asset.checks
    }


def _all(views: Mapping[str, AssetView], names: Iterable[str], state: State) -> bool:
    return all(views[name].state is state for name in names)


def _any(views: Iterable[AssetView], states: Collection[State]) -> bool:
    return any(view.state in states for view in views)
