"""From what is seen to what is wrong: every root cause that is present, once.

AreaView, statuses, quality, problems ─▶ Facts ─▶ conditions ─▶ (incidents make a story of them)

A new kind of trouble is one more function that gives conditions, and a line in `conditions` and
`is_over`. Pure: no clock, no I/O.
"""

from __future__ import annotations

from collections.abc import Iterator

from ioc.engine.model import State
from ioc.engine.trouble.devices import (
    bad_quality,
    computer_conditions,
    computers_are_back,
    device_conditions,
    quality_conditions,
    stale_conditions,
)
from ioc.engine.trouble.model import ANSWERS, Condition, Dependents, Facts
from ioc.engine.trouble.services import (
    certificate_conditions,
    group,
    groups,
    service_conditions,
)
from ioc.engine.trouble.sites import site_conditions
from ioc.inventory.alerting import Kind
from ioc.inventory.topology import AssetType, Severity, Topology

__all__ = ["Condition", "Dependents", "Facts", "conditions", "is_over", "peers"]

NOT_OURS = frozenset({"uplink", "exposed"})  # problems that are told otherwise
GRAVE = frozenset({"disk", "store", "database"})


def conditions(facts: Facts) -> dict[str, Condition]:
    """Every root cause that is present, by its key."""
    found: dict[str, Condition] = {}
    for part in (
        uplink_conditions,
        site_conditions,
        device_conditions,
        service_conditions,
        certificate_conditions,
        quality_conditions,
        computer_conditions,
        stale_conditions,
        monitor_conditions,
    ):
        found.update((condition.key, condition) for condition in part(facts))
    return found


def uplink_conditions(facts: Facts) -> Iterator[Condition]:
    """Our own way out is gone: one cause for everything beyond it."""
    if not facts.area.uplink_lost:
        return
    dead = list(facts.topology.sentinels)
    since = max(facts.view(name).since for name in dead)
    yield Condition(
        key="uplink",
        kind=Kind.UPLINK_LOST,
        severity=facts.severity(Kind.UPLINK_LOST, Severity.CRITICAL),
        subject=facts.topology.area_id,
        site=None,
        since=since,
        affected=facts.affected(dead, min(facts.began(name) for name in dead)),
    )


def monitor_conditions(facts: Facts) -> Iterator[Condition]:
    """What is wrong with the monitor itself."""
    for problem in facts.problems:
        if problem.code in NOT_OURS:
            continue
        usual = Severity.CRITICAL if problem.code in GRAVE else Severity.WARNING
        yield Condition(
            key=f"monitor:{problem.code}",
            kind=Kind.MONITOR,
            severity=facts.severity(Kind.MONITOR, usual),
            subject=problem.code,
            site=None,
            since=problem.since,
            reason=problem.reason,
        )


def is_over(  # noqa: PLR0911 - one answer for each kind of condition
    key: str, affected: tuple[str, ...], facts: Facts
) -> bool:
    """Whether there is evidence that a condition that is not present any more has ended.

    Nothing known is no evidence: what went silent behind a lost uplink has not recovered. What is
    no longer in the inventory is over. affected: of the condition when it was last present.
    """
    what, _, name = key.partition(":")
    if what == "site":
        site = facts.topology.sites.get(name)
        return site is None or _answers_or_off(facts, [k for k in site.links if k in affected])
    if what in ("asset", "quality"):
        asset = facts.topology.assets.get(name)
        if asset is None:
            return True
        known = _answers_or_off(facts, [name])
        return known and (what == "asset" or bad_quality(facts, asset) is None)
    if what == "certificate":
        check = facts.topology.checks.get(name)
        return check is None or facts.status(check.id).state in ANSWERS
    if what == "service":
        views = [
            a.id
            for a in facts.topology.assets.values()
            if a.type is AssetType.SERVICE and group(a) == name and a.id in affected
        ]
        return _answers_or_off(facts, views)
    if what == "computers":
        site = facts.topology.sites.get(name)
        return site is None or computers_are_back(facts, site)
    if what == "uplink":
        return not facts.area.uplink_lost and _some_answer(facts)
    return True  # data comes again, a problem of the monitor is gone


def peers(topology: Topology) -> dict[str, tuple[str, ...]]:
    """Check -> the checks that tell what its failure means: the other links and the router of the
    site, the other views of the service."""
    families = [
        [*site.links, *(d for d in site.devices if topology.assets[d].kind == "router")]
        for site in topology.sites.values()
    ]
    families += [[view.id for view in views] for views in groups(topology).values()]
    return {
        check: tuple(c for c in checks if c != check)
        for family in families
        for checks in [_fatal(topology, family)]
        for check in checks
    }


def _fatal(topology: Topology, assets: list[str]) -> list[str]:
    checks = topology.checks
    return [c for name in assets for c in topology.assets[name].checks if checks[c].fatal]


def _answers_or_off(facts: Facts, names: list[str] | tuple[str, ...]) -> bool:
    return all(facts.view(name).state in (*ANSWERS, State.OFF) for name in names)


def _some_answer(facts: Facts) -> bool:
    sentinels = facts.topology.sentinels
    return not sentinels or bool(facts.answering(sentinels))
