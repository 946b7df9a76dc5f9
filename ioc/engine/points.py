"""From results and views to points of the store: the measurements of the design's section 6."""

from __future__ import annotations

from collections.abc import Mapping
from math import isfinite

from collectors.base import Result, Verdict
from ioc.engine.model import AssetView, State
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


def check_tags(topology: Topology, check: str) -> Tags:
    """Tags of a check's series, sorted by key. `check` is the name within the asset."""
    found = topology.checks[check]
    tags = {
        "area": topology.area_id,
        "asset": found.asset,
        "check": check.rpartition(".")[2],
        "kind": found.kind,
    }
    return _sorted(tags, found.site)


def asset_tags(topology: Topology, asset: Asset) -> Tags:
    """Tags of an asset's state series, sorted by key."""
    tags = {"area": topology.area_id, "asset": asset.id, "kind": asset.kind}
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


def _sorted(tags: dict[str, str], site: str | None) -> Tags:
    if site is not None:
        tags["site"] = site
    return tuple(sorted(tags.items()))
