"""Measured targets: for each, what is counted at one site, from the system's own measurements.

A new measured target is one function with `@measure("target-id", rule)`. It gives the evidence of
one site: one entry for each thing of the denominator, or None where the target does not apply.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from collectors.base import Reason
from ioc.engine.calendars import Calendar
from ioc.engine.model import AreaView, AssetView
from ioc.inventory.topology import Asset, Site, Topology
from ioc.ledger.model import Evidence

RECENT_DAYS = 7  # domain rule: "seen within 7 days" (default adequacy rule, evidence freshness)
DAY = 86_400_000

COMMUNES = frozenset({"commune", "township"})

NEVER_MEASURED = Reason("not measured yet")
NO_FIBER = Reason("no fiber link in the inventory")
NO_4G = Reason("no 4G measuring point in the inventory")
NO_COMPUTER = Reason("no computer in the inventory for this member of staff")
SILENT_LINK = Reason("no answer within the last {days} days", {"days": RECENT_DAYS})


@dataclass(frozen=True, slots=True)
class Facts:
    """What a measure may look at. now: ms UTC."""

    topology: Topology
    view: AreaView
    calendars: Mapping[str, Calendar]
    now: int

    def assets(self, ids: tuple[str, ...], kind: str) -> list[tuple[Asset, AssetView]]:
        found = ((self.topology.assets[i], self.view.assets[i]) for i in ids)
        return [(asset, view) for asset, view in found if asset.kind == kind]


Measure = Callable[[Facts, Site], list[Evidence] | None]

MEASURES: dict[str, tuple[Measure, Reason]] = {}


def measure(target: str, rule: str) -> Callable[[Measure], Measure]:
    """Register the measure of a target with its counting rule in words (an English template)."""

    def register(function: Measure) -> Measure:
        MEASURES[target] = (function, Reason(rule, {"days": RECENT_DAYS}))
        return function

    return register


@measure(
    "fiber-communes",
    "A commune counts when a fiber link of it answered within the last {days} days.",
)
def fiber(facts: Facts, site: Site) -> list[Evidence] | None:
    return _link_of_commune(facts, site, "fiber", NO_FIBER)


@measure(
    "mobile-4g",
    "A commune counts when the 4G at its measuring point answered within the last {days} days. "
    "A measuring point is not the coverage of the whole commune.",
)
def mobile_4g(facts: Facts, site: Site) -> list[Evidence] | None:
    return _link_of_commune(facts, site, "4g", NO_4G)


@measure(
    "networked-computers",
    "A computer counts when it was seen on the network within its allowed number of working days. "
    "At most one computer counts for each member of staff; staff without one do not count.",
)
def networked_computers(facts: Facts, site: Site) -> list[Evidence] | None:
    computers = [_seen_computer(facts, *pair) for pair in facts.assets(site.devices, "computer")]
    if site.staff is None:
        return computers or None
    best_first = sorted(computers, key=lambda e: {True: 0, None: 1, False: 2}[e.counts])
    lacking = site.staff - len(computers)
    return best_first[: site.staff] + [Evidence(site.id, False, NO_COMPUTER)] * lacking


def _link_of_commune(facts: Facts, site: Site, kind: str, missing: Reason) -> list[Evidence] | None:
    """One entry for a commune: its best link of a kind."""
    if site.kind not in COMMUNES:
        return None
    links = [_answered(facts, view) for _, view in facts.assets(site.links, kind)]
    if not links:
        return [Evidence(site.id, False, missing)]
    return [min(links, key=lambda e: {True: 0, None: 1, False: 2}[e.counts])]


def _answered(facts: Facts, view: AssetView) -> Evidence:
    if view.seen_at is not None and facts.now - view.seen_at <= RECENT_DAYS * DAY:
        return Evidence(view.id, True, None, view.seen_at)
    if view.observed_at is None:
        return Evidence(view.id, None, NEVER_MEASURED)
    return Evidence(view.id, False, SILENT_LINK, view.observed_at)


def _seen_computer(facts: Facts, asset: Asset, view: AssetView) -> Evidence:
    if view.seen_at is None:
        # Off when first asked is no evidence that it has no network: nobody has seen it work yet.
        return Evidence(view.id, None, NEVER_MEASURED, view.observed_at)
    missing = _working_days(facts, asset, view.seen_at)
    if missing <= asset.missing_after:
        return Evidence(view.id, True, None, view.seen_at)
    reason = Reason("not seen for {days} working days", {"days": missing})
    return Evidence(view.id, False, reason, view.seen_at)


def _working_days(facts: Facts, asset: Asset, seen_at: int) -> int:
    if asset.calendar is None:
        return max(0, (facts.now - seen_at) // DAY)
    return facts.calendars[asset.calendar].working_days_since(seen_at, facts.now)
