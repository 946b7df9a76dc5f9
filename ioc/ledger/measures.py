"""Measures: for each, what is counted at one place, from the system's own measurements.

A new measured target is one function with `@measure("name", rule)`. It gives the evidence of one
place (None: what stands in no place), one entry for each thing of the denominator, or None where
the target does not apply there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from collectors.base import Reason
from ioc.engine.calendars import Calendar
from ioc.engine.model import AreaView, AssetView, State
from ioc.inventory.topology import Asset, AssetType, Site, Target, Topology
from ioc.ledger.adequacy import Grade, MachineReport, judge
from ioc.ledger.model import Evidence
from ioc.ledger.places import COMMUNES

RECENT_DAYS = 7  # domain rule: "seen within 7 days" (default adequacy rule, evidence freshness)
DAY = 86_400_000
RANK = {True: 0, None: 1, False: 2}  # which of several is the best evidence

TLS_DAYS = 14  # a certificate that ends sooner is no support for a portal

NEVER_MEASURED = Reason("not measured yet")
NO_FIBER = Reason("no fiber link in the inventory")
NO_4G = Reason("no 4G measuring point in the inventory")
NO_COMPUTER = Reason("no computer in the inventory for this member of staff")
NO_VIEW = Reason("no check of the software from this place in the inventory")
SILENT_LINK = Reason("no answer within the last {days} days", {"days": RECENT_DAYS})


@dataclass(frozen=True, slots=True)
class Facts:
    """What a measure may look at. now: ms UTC."""

    topology: Topology
    view: AreaView
    calendars: Mapping[str, Calendar]
    now: int
    machines: Mapping[str, MachineReport] = field(default_factory=dict)

    def assets(self, ids: Iterable[str], kind: str) -> list[tuple[Asset, AssetView]]:
        found = ((self.topology.assets[i], self.view.assets[i]) for i in ids)
        return [(asset, view) for asset, view in found if asset.kind == kind]

    def services(self, site: Site | None, target: Target) -> list[tuple[Asset, AssetView]]:
        """Services of the target's kinds, all when it names none."""
        kinds = target.kinds
        found = [a for a in self._services if a.site == (site.id if site else None)]
        return [(a, self.view.assets[a.id]) for a in found if not kinds or a.kind in kinds]

    @property
    def _services(self) -> list[Asset]:
        return [a for a in self.topology.assets.values() if a.type is AssetType.SERVICE]


Measure = Callable[[Facts, Target, Site | None], list[Evidence] | None]

MEASURES: dict[str, tuple[Measure, Reason]] = {}


def measure(name: str, rule: str) -> Callable[[Measure], Measure]:
    """Register a measure with its counting rule in words (an English template)."""

    def register(function: Measure) -> Measure:
        MEASURES[name] = (function, Reason(rule, {"days": RECENT_DAYS, "tls": TLS_DAYS}))
        return function

    return register


@measure(
    "fiber",
    "A commune counts when a fiber link of it answered within the last {days} days.",
)
def fiber(facts: Facts, _target: Target, site: Site | None) -> list[Evidence] | None:
    return _link_of_commune(facts, site, "fiber", NO_FIBER)


@measure(
    "mobile-4g",
    "A commune counts when the 4G at its measuring point answered within the last {days} days. "
    "A measuring point is not the coverage of the whole commune.",
)
def mobile_4g(facts: Facts, _target: Target, site: Site | None) -> list[Evidence] | None:
    return _link_of_commune(facts, site, "4g", NO_4G)


@measure(
    "networked-computers",
    "A computer counts when it was seen on the network within its allowed number of working days. "
    "At most one computer counts for each member of staff; staff without one do not count.",
)
def networked_computers(facts: Facts, _target: Target, site: Site | None) -> list[Evidence] | None:
    if site is None:
        return None
    computers = [_seen_computer(facts, *pair) for pair in facts.assets(site.devices, "computer")]
    return _for_staff(site, computers)


@measure(
    "adequate-computers",
    "A computer counts when its last report says that it is adequate: supported operating system, "
    "enough memory, solid-state disk, antivirus on with new definitions, seen lately. At most one "
    "computer counts for each member of staff; staff without one do not count.",
)
def adequate_computers(facts: Facts, _target: Target, site: Site | None) -> list[Evidence] | None:
    if site is None:
        return None
    computers = [_judged(facts, *pair) for pair in facts.assets(site.devices, "computer")]
    return _for_staff(site, computers)


@measure(
    "services",
    "An endpoint counts when it answered within the last {days} days. That it answers does not "
    "say that the data behind it is shared.",
)
def services(facts: Facts, target: Target, site: Site | None) -> list[Evidence] | None:
    if site is not None:
        return None
    return [_answered(facts, view) for _, view in facts.services(None, target)] or None


@measure(
    "portal",
    "A portal counts when it works now and its certificate is valid for {tls} days or more. What "
    "the portal must contain is declared.",
)
def portal(facts: Facts, target: Target, site: Site | None) -> list[Evidence] | None:
    if site is not None:
        return None
    return [_works(view) for _, view in facts.services(None, target)] or None


@measure(
    "software",
    "A commune counts when, asked from there, the software answered within the last {days} days.",
)
def software(facts: Facts, target: Target, site: Site | None) -> list[Evidence] | None:
    if site is None or site.kind not in COMMUNES:
        return None
    if not any(asset.of for asset in facts.topology.assets.values()):
        return None  # nobody asks from the communes: nothing is measured there
    found = [
        _answered(facts, facts.view.assets[name])
        for name in site.services
        if not target.kinds or facts.topology.assets[name].kind in target.kinds
    ]
    return [_best(found)] if found else [Evidence(site.id, None, NO_VIEW)]


@measure(
    "mobile",
    "A service counts when it answers a telephone's browser with a page made for small screens.",
)
def mobile(facts: Facts, target: Target, site: Site | None) -> list[Evidence] | None:
    if site is not None:
        return None
    found = [
        _mobile(view)
        for _, view in facts.services(None, target)
        if any(name.endswith("mobile") for name in view.values)
    ]
    return found or None


def _for_staff(site: Site, computers: list[Evidence]) -> list[Evidence] | None:
    """At most one computer for each member of staff, the best first."""
    if site.staff is None:
        return computers or None
    best_first = sorted(computers, key=lambda e: RANK[e.counts])
    lacking = site.staff - len(computers)
    return best_first[: site.staff] + [Evidence(site.id, False, NO_COMPUTER)] * lacking


def _judged(facts: Facts, asset: Asset, view: AssetView) -> Evidence:
    report = facts.machines.get(asset.id)
    judged = judge(report, facts.topology.adequacy, facts.now, view.seen_at)
    counts = None if judged.grade is Grade.UNKNOWN else judged.grade is Grade.ADEQUATE
    return Evidence(asset.id, counts, judged.reason, report.reported_at if report else None)


def _works(view: AssetView) -> Evidence:
    if view.state in (State.UNKNOWN, State.UNREACHABLE, State.MAINTENANCE):
        return Evidence(view.id, None, NEVER_MEASURED, view.observed_at)
    if view.state not in (State.UP, State.DEGRADED):
        return Evidence(view.id, False, view.reason, view.observed_at)
    left = [value for name, value in view.values.items() if name.endswith("days_left")]
    if left and min(left) < TLS_DAYS:
        words = {"days": int(min(left))}
        reason = Reason("the certificate is valid for {days} days only", words)
        return Evidence(view.id, False, reason, view.observed_at)
    return Evidence(view.id, True, None, view.observed_at)


def _mobile(view: AssetView) -> Evidence:
    fits = max(value for name, value in view.values.items() if name.endswith("mobile"))
    reason = None if fits else Reason("the page is not made for small screens")
    return Evidence(view.id, bool(fits), reason, view.observed_at)


def _best(found: list[Evidence]) -> Evidence:
    return min(found, key=lambda e: RANK[e.counts])


def _link_of_commune(
    facts: Facts, site: Site | None, kind: str, missing: Reason
) -> list[Evidence] | None:
    """One entry for a commune: its best link of a kind."""
    if site is None or site.kind not in COMMUNES:
        return None
    links = [_answered(facts, view) for _, view in facts.assets(site.links, kind)]
    if not links:
        return [Evidence(site.id, False, missing)]
    return [_best(links)]


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
