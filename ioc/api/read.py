"""Questions to the running program that API and pages share."""

from __future__ import annotations

from collections.abc import Mapping

from ioc.api.context import Context
from ioc.api.models import (
    ComputersOut,
    Counts,
    Overview,
    count,
    coverage_out,
    iso,
    problem_out,
)
from ioc.engine.model import AreaView, State
from ioc.inventory.topology import AssetType, Topology


def overview(context: Context, lang: str) -> Overview:
    """Totals of the area, the measured coverage, and what is wrong with the monitor."""
    area = context.monitor.view()
    topology = area.topology
    coverage = [c for c in context.coverage() if c.site is None and c.target in topology.targets]
    return Overview(
        area=topology.area_id,
        name=topology.area_name,
        at=iso(area.at) or "",
        version=area.version,
        started_at=iso(context.started_at) or "",
        simulated=context.simulated,
        uplink_lost=area.uplink_lost,
        sites=count({s: view.state for s, view in area.sites.items()}),
        links=_by_kind(topology, area, AssetType.LINK),
        devices=_by_kind(topology, area, AssetType.DEVICE),
        services=count(_states(topology, area, AssetType.SERVICE)),
        computers=_computers(area),
        coverage=[coverage_out(topology, reading, lang) for reading in coverage],
        problems=[problem_out(problem, lang) for problem in context.problems.present()],
    )


def _states(topology: Topology, area: AreaView, of: AssetType) -> Mapping[str, State]:
    assets = topology.assets
    return {
        name: view.state
        for name, view in area.assets.items()
        if name in assets and assets[name].type is of
    }


def _by_kind(topology: Topology, area: AreaView, of: AssetType) -> dict[str, Counts]:
    found: dict[str, dict[str, State]] = {}
    for name, state in _states(topology, area, of).items():
        found.setdefault(topology.assets[name].kind, {})[name] = state
    return {kind: count(states) for kind, states in found.items()}


def _computers(area: AreaView) -> ComputersOut:
    names = ("total", "expected", "up", "down", "off", "unreachable", "unknown")
    counts = [view.computers for view in area.sites.values()]
    return ComputersOut(**{name: sum(getattr(c, name) for c in counts) for name in names})
