"""Coverage of the measured targets, for the area and each site, with the evidence behind it.

    AreaView + Topology + now ─▶ measures (evidence of each site) ─▶ Coverage of site ─▶ of the area

No clock, no I/O.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from collectors.base import Reason
from ioc.engine.calendars import Calendar
from ioc.engine.model import AreaView
from ioc.inventory.topology import Target, Topology
from ioc.ledger.measures import MEASURES, Facts
from ioc.ledger.model import Coverage, Evidence, TargetState


def evaluate(
    topology: Topology, view: AreaView, calendars: Mapping[str, Calendar], now: int
) -> tuple[Coverage, ...]:
    """Every measured target of the inventory: first the area's figure, then each site's.

    now: ms UTC. Targets nobody measures automatically are not in the answer.
    """
    facts = Facts(topology, view, calendars, now)
    readings: list[Coverage] = []
    for target in topology.targets.values():
        if target.id in MEASURES:
            readings.extend(_target(facts, target))
    return tuple(readings)


def _target(facts: Facts, target: Target) -> list[Coverage]:
    function, rule = MEASURES[target.id]
    by_site = {
        site.id: evidence
        for site in facts.topology.sites.values()
        if (evidence := function(facts, site)) is not None
    }
    everything = [entry for evidence in by_site.values() for entry in evidence]
    area = cover(target, None, everything, rule)
    return [area, *(cover(target, site, evidence, rule) for site, evidence in by_site.items())]


def cover(target: Target, site: str | None, evidence: Sequence[Evidence], rule: Reason) -> Coverage:
    """One figure from its evidence. What nobody knows never counts as reached."""
    numerator = sum(entry.counts is True for entry in evidence)
    known = sum(entry.counts is not None for entry in evidence)
    total = len(evidence)
    counted = [e.observed_at for e in evidence if e.counts and e.observed_at is not None]
    return Coverage(
        target=target.id,
        site=site,
        numerator=numerator,
        denominator=total,
        known=known,
        value=100 * numerator / total if known else None,
        evidence_value=100 * known / total if total else None,
        goal=target.goal,
        state=_state(target, numerator, known, total),
        rule=rule,
        as_of=min(counted, default=None),
        evidence=tuple(evidence),
    )


def _state(target: Target, numerator: int, known: int, total: int) -> TargetState:
    """UNKNOWN while what has no evidence could still decide it."""
    if known == 0:
        return TargetState.UNKNOWN
    if _reaches(target, numerator, total):
        return TargetState.MET
    if _reaches(target, numerator + total - known, total):
        return TargetState.UNKNOWN
    return TargetState.PARTLY if numerator else TargetState.NOT_MET


def _reaches(target: Target, numerator: int, total: int) -> bool:
    value = 100 * numerator  # compared without dividing, so that 100 % is exactly 100 %
    return value > target.goal * total if target.comparator == ">" else value >= target.goal * total
