"""What is wrong with devices, with quality, with computers, with data that does not come."""

from __future__ import annotations

from collections.abc import Iterator

from collectors.base import Reason
from ioc.engine.model import State
from ioc.engine.reachability import depths
from ioc.engine.trouble.model import ANSWERS, BROKEN, Condition, Facts
from ioc.inventory.alerting import Kind
from ioc.inventory.topology import Asset, AssetType, Severity, Site

SENTINEL_PATIENCE = 120.0  # seconds: a single sentinel hurts nobody, and may come with the others
AT_LEAST_MISSING = 2  # computers: one that is off is somebody on leave
MOSTLY = 0.5  # share of the sites without data from which it is one trouble, not many


def device_conditions(facts: Facts) -> Iterator[Condition]:
    """One for every device that failed by itself; computers are counted by site instead."""
    for asset in facts.topology.assets.values():
        if facts.view(asset.id).state not in BROKEN or asset.kind == "computer":
            continue
        if asset.type is AssetType.DEVICE:
            yield _device(facts, asset)
        elif asset.type is AssetType.SENTINEL and not facts.area.uplink_lost:
            yield _device(facts, asset, Severity.INFO, SENTINEL_PATIENCE)


def _device(
    facts: Facts, asset: Asset, usual: Severity | None = None, patience: float = 0.0
) -> Condition:
    affected = facts.affected([asset.id], facts.began(asset.id))
    if usual is None:
        others = [facts.asset(name) for name in affected[1:]]
        carries = asset.kind == "router" or any(a.type is AssetType.LINK for a in others)
        usual = Severity.CRITICAL if carries else Severity.WARNING
    view = facts.view(asset.id)
    return Condition(
        key=f"asset:{asset.id}",
        kind=Kind.DEVICE_DOWN,
        severity=facts.severity(Kind.DEVICE_DOWN, usual),
        subject=asset.id,
        site=asset.site,
        since=view.since,
        reason=view.reason,
        affected=affected,
        works=tuple(facts.answering(_links(facts, asset))) if asset.kind == "router" else (),
        planned=facts.planned(asset.id),
        patience=patience,
    )


def _links(facts: Facts, asset: Asset) -> tuple[str, ...]:
    return facts.topology.sites[asset.site].links if asset.site else ()


def quality_conditions(facts: Facts) -> Iterator[Condition]:
    """One for every link, router, server or service that answers badly, by itself.

    What lies behind something that answers badly, or did lately, is no trouble of its own.
    """
    bad: set[str] = set()
    if not any(_may_be_bad(facts, check) for check in facts.topology.checks):
        return
    depth = depths(facts.topology.assets)
    for asset in sorted(facts.topology.assets.values(), key=lambda a: depth[a.id]):
        if facts.view(asset.id).state not in ANSWERS:
            continue
        reason = bad_quality(facts, asset)
        behind = any(parent in bad for parent in asset.parents)
        if reason is None and not behind and all(map(facts.clean, asset.checks)):
            continue
        bad.add(asset.id)
        if reason is None or behind or asset.kind == "computer" or asset.type is AssetType.SENTINEL:
            continue
        yield Condition(
            key=f"quality:{asset.id}",
            kind=Kind.QUALITY,
            severity=facts.severity(Kind.QUALITY, Severity.WARNING),
            subject=asset.id,
            site=asset.site,
            since=facts.now,
            reason=reason,
            affected=(asset.id,),
            planned=facts.planned(asset.id),
        )


def bad_quality(facts: Facts, asset: Asset) -> Reason | None:
    """Why an asset that answers does so badly; None when it does not. Certificates are apart."""
    for name in asset.checks:
        check, status = facts.topology.checks[name], facts.status(name)
        if check.kind == "tls":
            continue
        failed = status.state is State.DOWN and not check.fatal
        if status.state is State.DEGRADED or failed:
            return facts.view(asset.id).reason
        lost_or_slow = facts.quality(name)
        if lost_or_slow is not None and status.state is State.UP:
            return lost_or_slow
    return None


def _may_be_bad(facts: Facts, check: str) -> bool:
    state = facts.status(check).state
    return state is State.DEGRADED or facts.quality(check) is not None or state is State.DOWN


def computer_conditions(facts: Facts) -> Iterator[Condition]:
    """One for every site where too many of the expected computers are unseen."""
    rules = facts.topology.alerts
    for site in facts.topology.sites.values():
        counts = facts.area.sites[site.id].computers
        judged = counts.up + counts.down
        if counts.down < AT_LEAST_MISSING or 100 * counts.down < rules.computers_missing * judged:
            continue
        missing = tuple(
            name
            for name in site.devices
            if facts.asset(name).kind == "computer" and facts.view(name).state is State.DOWN
        )
        share: dict[str, str | int | float] = {
            "share": round(100 * counts.down / judged),
            "missing": counts.down,
            "expected": judged,
        }
        words = Reason("{share} % of the expected computers unseen ({missing}/{expected})", share)
        yield Condition(
            key=f"computers:{site.id}",
            kind=Kind.COMPUTERS_MISSING,
            severity=facts.severity(Kind.COMPUTERS_MISSING, Severity.WARNING),
            subject=site.id,
            site=site.id,
            since=max(facts.view(name).since for name in missing),
            reason=words,
            affected=missing,
            planned=facts.planned(missing[0]),
            patience=rules.patience,
        )


def computers_are_back(facts: Facts, site: Site) -> bool:
    """Whether enough of those expected now are seen; nobody expected proves nothing."""
    counts = facts.area.sites[site.id].computers
    wanted = (100 - facts.topology.alerts.computers_missing) / 100
    return counts.expected > 0 and counts.up > wanted * counts.expected


def stale_conditions(facts: Facts) -> Iterator[Condition]:
    """Places and services of which nothing is known any more, though the monitor runs."""
    sites = [s.id for s in facts.topology.sites.values() if s.links or s.devices]
    stale = [name for name in sites if facts.area.sites[name].state is State.UNKNOWN]
    lone = [
        asset.id
        for asset in facts.topology.assets.values()
        if asset.site is None and facts.view(asset.id).state is State.UNKNOWN
    ]
    if len(sites) > 1 and len(stale) > MOSTLY * len(sites):
        since = max(facts.area.sites[name].since for name in stale)
        yield _stale(facts, "stale", facts.topology.area_id, None, since)
        return
    for name in stale:
        yield _stale(facts, f"stale:{name}", name, name, facts.area.sites[name].since)
    for name in lone:
        yield _stale(facts, f"stale:{name}", name, None, facts.view(name).since)


def _stale(facts: Facts, key: str, subject: str, site: str | None, since: int) -> Condition:
    return Condition(
        key=key,
        kind=Kind.STALE,
        severity=facts.severity(Kind.STALE, Severity.WARNING),
        subject=subject,
        site=site,
        since=since,
        patience=facts.topology.alerts.patience,
    )
