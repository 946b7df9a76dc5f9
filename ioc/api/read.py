"""Questions to the running program that API and pages share."""

from __future__ import annotations

from ioc.api.context import Context
from ioc.api.figures import Overview, computers_out, count, coverage_out, iso, problem_out
from ioc.engine.model import AreaView, State
from ioc.inventory.topology import AssetType
from ioc.ledger.model import Coverage, TargetState


def overview(context: Context, area: AreaView, lang: str) -> Overview:
    """Totals of the area, the measured coverage, and what is wrong with the monitor."""
    topology = area.topology
    return Overview(
        area=topology.area_id,
        name=topology.area_name,
        timezone=topology.timezone.key,
        at=iso(area.at),
        version=area.version,
        started_at=iso(context.started_at),
        simulated=context.simulated,
        uplink_lost=area.uplink_lost,
        sites=count(view.state for view in area.sites.values()),
        links=_by_kind(area, AssetType.LINK),
        devices=_by_kind(area, AssetType.DEVICE),
        services=count(state for _, state in _states(area, AssetType.SERVICE)),
        computers=computers_out(view.computers for view in area.sites.values()),
        coverage=[coverage_out(topology, c, lang) for c in area_coverage(context, area)],
        targets=target_counts(context),
        problems=[problem_out(problem, lang) for problem in context.problems.present()],
    )


def area_coverage(context: Context, area: AreaView) -> list[Coverage]:
    """Coverage of the whole area, of targets that are shown on the wall."""
    ledger, targets = context.keeper.ledger(), area.topology.targets.values()
    wanted = [t.id for t in targets if t.wall and (t.id, None) in ledger.standings]
    return [ledger.area(name).chosen for name in wanted]


def target_counts(context: Context) -> dict[TargetState, int]:
    """How many targets of the area are in each state."""
    found = dict.fromkeys(TargetState, 0)
    for coverage in context.keeper.ledger().chosen():
        if coverage.site is None:
            found[coverage.state] += 1
    return found


def _states(area: AreaView, of: AssetType) -> list[tuple[str, State]]:
    """Kind and state of each asset of a type."""
    return [
        (asset.kind, area.assets[asset.id].state)
        for asset in area.topology.assets.values()
        if asset.type is of
    ]


def _by_kind(area: AreaView, of: AssetType) -> dict[str, dict[State, int]]:
    found: dict[str, list[State]] = {}
    for kind, state in _states(area, of):
        found.setdefault(kind, []).append(state)
    return {kind: count(states) for kind, states in found.items()}
