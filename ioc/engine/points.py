"""From results and views to points of the store: the measurements of the design's section 6."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from math import isfinite

from collectors.base import Result, Verdict
from ioc.engine.model import AreaView, AssetView, SiteView, State
from ioc.inventory.topology import Asset, AssetType, Topology
from ioc.store.base import Point, Tags

# Stored as numbers so that every engine can draw them; never renumber.
STATE_CODES: Mapping[State, int] = {
    State.UP: 0,
    State.DEGRADED: 1,
    State.DOWN: 2,
    State.UNREACHABLE: 3,
    State.OFF: 4,
    State.MAINTENANCE: 5,
    State.UNKNOWN: 6,
}
STATE_MEASUREMENTS = {
    AssetType.DEVICE: "device",
    AssetType.LINK: "link",
    AssetType.SERVICE: "service",
    AssetType.SENTINEL: "sentinel",
}


STEADY = 300_000 - 30_000  # ms after which what did not change is written again: see base.HOLD


class Steady:
    """What was written last of each series: figures that stay the same need no point a minute."""

    def __init__(self) -> None:
        self._last: dict[tuple[str, Tags], tuple[Mapping[str, float], int]] = {}

    def is_news(self, point: Point) -> bool:
        """Whether a point must be written: it says something else than the last one, or that one
        is of some minutes ago, or of a clock that has been set back since."""
        key = point.measurement, point.tags
        fields, at = self._last.get(key, ({}, 0))
        if fields == point.fields and 0 <= point.time - at < STEADY:
            return False
        self._last[key] = point.fields, point.time
        return True

    def news(self, points: Iterable[Point]) -> Iterator[Point]:
        """Those points that must be written."""
        return filter(self.is_news, points)


def check_tags(topology: Topology, check: str) -> Tags:
    """Tags of a check's series, sorted by key. `check` is the name within the asset."""
    found = topology.checks[check]
    tags = {
        "area": topology.area_id,
        "asset": found.asset,
        "asset_kind": topology.assets[found.asset].kind,
        "asset_type": topology.assets[found.asset].type.value,
        "check": check.rpartition(".")[2],
        "kind": found.kind,
        **_names(topology, topology.assets[found.asset]),
    }
    return _sorted(tags, found.site)


def asset_tags(topology: Topology, asset: Asset) -> Tags:
    """Tags of an asset's state series, sorted by key."""
    tags = {"area": topology.area_id, "asset": asset.id, "kind": asset.kind}
    tags |= _names(topology, asset)
    if asset.provider:
        tags["provider"] = asset.provider
    return _sorted(tags, asset.site)


def result_point(tags: Tags, result: Result) -> Point | None:
    """The sample of one result; None when we could not measure (a gap is the truth)."""
    if result.verdict is Verdict.UNKNOWN:
        return None
    up = 1.0 if result.verdict is Verdict.OK else 0.0
    values = {name: value for name, value in result.values.items() if isfinite(value)}
    return Point("check", tags, {"up": up, **values}, result.observed_at)


def state_point(asset: Asset, tags: Tags, view: AssetView, at: int) -> Point:
    """The state of an asset at a moment; `up` is absent where up or down cannot be told."""
    fields = {"state": float(STATE_CODES[view.state])}
    if view.state in (State.UP, State.DEGRADED):
        fields["up"] = 1.0
    elif view.state is State.DOWN:
        fields["up"] = 0.0
    return Point(STATE_MEASUREMENTS[asset.type], tags, fields, at)


def place_points(view: AreaView) -> Iterator[Point]:
    """Each place as it is at the view's moment, for screens that know only the store.

    Tags beside area, site, kind: place (its name), choice (`name|id`, for a list of names that
    stands for ids). Fields: state; up as in state_point; is_up, is_degraded, is_down, is_unknown
    (one of them 1, so that they can be summed); on_backup, dark; age_s: of the oldest newest
    result of its links and router; lat, lon where known; links, links_down; computers,
    computers_on, computers_expected, computers_absent.
    """
    topology = view.topology
    for site in topology.sites.values():
        tags = {
            "area": topology.area_id,
            "choice": f"{site.name}|{site.id}",
            "kind": site.kind,
            "place": site.name,
        }
        fields = _place_fields(view, view.sites[site.id])
        if site.lat is not None and site.lon is not None:
            fields |= {"lat": site.lat, "lon": site.lon}
        states = [view.assets[link].state for link in site.links]
        fields |= {"links": float(len(states)), "links_down": float(states.count(State.DOWN))}
        yield Point("place", _sorted(tags, site.id), fields, view.at)


def _place_fields(view: AreaView, shown: SiteView) -> dict[str, float]:
    state, computers = shown.state, shown.computers
    known = {State.UP: "is_up", State.DEGRADED: "is_degraded", State.DOWN: "is_down"}
    column = known.get(state, "is_unknown")
    fields: dict[str, float] = {
        "state": STATE_CODES[state],
        "on_backup": shown.on_backup,
        "dark": shown.dark,
        "computers": computers.total,
        "computers_on": computers.up,
        "computers_expected": computers.expected,
        "computers_absent": computers.down,
        **{name: float(name == column) for name in (*known.values(), "is_unknown")},
    }
    if state in known:
        fields["up"] = float(state is not State.DOWN)
    aged = shown.oldest_at or shown.observed_at
    if aged is not None:
        fields["age_s"] = max(0, view.at - aged) / 1000
    return {name: float(value) for name, value in fields.items()}


def _names(topology: Topology, asset: Asset) -> dict[str, str]:
    """What people call it, for screens that know only the store. A computer's name may be that
    of the official who sits at it: it stays here."""
    if asset.kind == "computer":
        return {}
    names = {"name": asset.name}
    if asset.site is not None:
        names["place"] = topology.sites[asset.site].name
    return names


def _sorted(tags: dict[str, str], site: str | None) -> Tags:
    if site is not None:
        tags["site"] = site
    return tuple(sorted(tags.items()))
