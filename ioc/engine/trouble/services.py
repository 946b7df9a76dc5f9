"""What is wrong with services: out for all, or only as seen from somewhere."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ioc.engine.model import State
from ioc.engine.trouble.model import ANSWERS, Condition, Facts
from ioc.inventory.alerting import Kind
from ioc.inventory.topology import Asset, AssetType, Severity, Topology

DAYS_LEFT = "days_left"
EXPIRES_SOON, EXPIRES_NOW = 30.0, 7.0  # days: two weeks to order a certificate, and a reminder


def group(asset: Asset) -> str:
    """The service that an asset is a view of: what it says, else its id without the site."""
    return asset.of or asset.id.rpartition(".")[2]


def groups(topology: Topology) -> dict[str, list[Asset]]:
    """Service -> its views: the one asked from here first, then one for each site."""
    found: dict[str, list[Asset]] = {}
    for asset in topology.assets.values():
        if asset.type is AssetType.SERVICE:
            found.setdefault(group(asset), []).append(asset)
    return {name: sorted(views, key=lambda a: a.site is not None) for name, views in found.items()}


def service_conditions(facts: Facts) -> Iterator[Condition]:
    """One for every service that fails somewhere."""
    for name, views in groups(facts.topology).items():
        broken = facts.broken(view.id for view in views)
        if broken:
            yield _service(facts, name, views, broken)


def _service(facts: Facts, name: str, views: Sequence[Asset], broken: Sequence[str]) -> Condition:
    for_all = not facts.answering(view.id for view in views)
    kind = Kind.SERVICE_DOWN if for_all else Kind.SERVICE_FROM_SITE
    usual = Severity.CRITICAL if for_all else Severity.WARNING
    began = [facts.began(view) for view in broken]
    windows = [facts.planned(view) for view in broken]
    first = facts.asset(broken[0])
    return Condition(
        key=f"service:{name}",
        kind=kind,
        severity=facts.severity(kind, usual),
        subject=first.id,
        site=first.site if len(broken) == 1 else None,
        since=min(facts.view(view).since for view in broken),
        reason=facts.view(first.id).reason,
        affected=facts.affected(broken, min(began)),
        pending=facts.unasked((view.id for view in views), max(began)),
        planned=None if None in windows else windows[0],
    )


def certificate_conditions(facts: Facts) -> Iterator[Condition]:
    """One for every certificate that is refused or soon runs out."""
    for check in facts.topology.checks.values():
        if check.kind != "tls" or facts.view(check.asset).state not in ANSWERS:
            continue
        status = facts.status(check.id)
        if status.last is None or status.state is State.UNKNOWN:
            continue
        left = status.last.values.get(DAYS_LEFT)
        refused = status.state is State.DOWN
        if not refused and (left is None or left >= EXPIRES_SOON):
            continue
        urgent = refused or (left is not None and left < EXPIRES_NOW)
        usual = Severity.CRITICAL if urgent else Severity.WARNING
        yield Condition(
            key=f"certificate:{check.id}",
            kind=Kind.CERTIFICATE,
            severity=facts.severity(Kind.CERTIFICATE, usual),
            subject=check.asset,
            site=check.site,
            since=status.since,
            reason=status.last.reason,
            affected=(check.asset,),
            planned=facts.planned(check.asset),
        )
