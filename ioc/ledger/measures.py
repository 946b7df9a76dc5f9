"""Measures: for each, what is counted at one place, from the system's own measurements.

A new measured target is one function with `@measure("name", rule)`. It gives the evidence of one
place (None: what stands in no place), one entry for each thing of the denominator, or None where
the target does not apply there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property

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
UNSEEN = (State.UNKNOWN, State.UNREACHABLE, State.MAINTENANCE)  # silence says nothing then

TLS_DAYS = 14  # a certificate that ends sooner is no support for a portal

NEVER_MEASURED = Reason("not measured yet")
NO_FIBER = Reason("no fiber link in the inventory")
NO_4G = Reason("no 4G measuring point in the inventory")
NO_COMPUTER = Reason("no computer in the inventory for this member of staff")
NO_VIEW = Reason("no check of the software from this place in the inventory")
NO_CERTIFICATE = Reason("no check of its certificate in the inventory")
NOT_SEEN_NOW = Reason("not measured now")
SILENT_LINK = Reason("no answer within the last {days} days", {"days": RECENT_DAYS})


@dataclass(frozen=True)
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

    def services(self, target: Target) -> list[tuple[Asset, AssetView]]:
        """Services of the area that the target names by kind or id, all when it names none. What a
        commune sees of one of them is no service of its own."""
        kinds = target.kinds
        found = [a for a in self._services if not kinds or a.kind in kinds or a.id in kinds]
        return [(asset, self.view.assets[asset.id]) for asset in found]

    def asks_for_mobile(self, asset: Asset) -> bool:
        """Whether a check of the service asks as a telephone does."""
        checks = (self.topology.checks[name] for name in asset.checks)
        return any(getattr(check.settings, "mobile", False) for check in checks)

    def checks_certificate(self, asset: Asset) -> bool:
        return any(self.topology.checks[name].kind == "tls" for name in asset.checks)

    @cached_property
    def _services(self) -> list[Asset]:
        assets = self.topology.assets.values()
        return [a for a in assets if a.type is AssetType.SERVICE and a.of is None]

    @cached_property
    def asked_from_communes(self) -> bool:
        """Whether any service is asked from a place in the area."""
        return any(asset.of for asset in self.topology.assets.values())


Measure = Callable[[Facts, Target, Site | None], list[Evidence] | None]

MEASURES: dict[str, tuple[Measure, Reason]] = {}
PROXIES: set[str] = set()  # measures that count other things than the reported figures do
BY_STAFF: set[str] = set()  # measures whose whole is the head count of the place


def measure(
    name: str, rule: str, *, proxy: bool = False, by_staff: bool = False
) -> Callable[[Measure], Measure]:
    """Register a measure with its counting rule in words (an English template).

    proxy: it counts other things than what is reported, so its figures are never added to those.
    by_staff: its whole is the head count of the place.
    """

    def register(function: Measure) -> Measure:
        MEASURES[name] = (function, Reason(rule, {"days": RECENT_DAYS, "tls": TLS_DAYS}))
        PROXIES.update([name] if proxy else ())
        BY_STAFF.update([name] if by_staff else ())
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
    proxy=True,
)
def mobile_4g(facts: Facts, _target: Target, site: Site | None) -> list[Evidence] | None:
    return _link_of_commune(facts, site, "4g", NO_4G)


@measure(
    "networked-computers",
    "A computer counts when it was seen on the network within its allowed number of working days. "
    "At most one computer counts for each member of staff; staff without one do not count.",
    by_staff=True,
)
def networked_computers(facts: Facts, _target: Target, site: Site | None) -> list[Evidence] | None:
    if site is None:
        return None
    computers = [seen_computer(facts, *pair) for pair in facts.assets(site.devices, "computer")]
    return _for_staff(site, computers)


@measure(
    "adequate-computers",
    "A computer counts when its last report says that it is adequate: supported operating system, "
    "enough memory, solid-state disk, antivirus on with new definitions, seen lately. At most one "
    "computer counts for each member of staff; staff without one do not count.",
    by_staff=True,
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
    return [_answered(facts, view) for _, view in facts.services(target)] or None


@measure(
    "portal",
    "A portal counts when it works now and its certificate is valid for {tls} days or more. What "
    "the portal must contain is declared.",
)
def portal(facts: Facts, target: Target, site: Site | None) -> list[Evidence] | None:
    if site is not None:
        return None
    return [_works(facts, *pair) for pair in facts.services(target)] or None


@measure(
    "software",
    "A commune counts when, asked from there, the software answered within the last {days} days.",
)
def software(facts: Facts, target: Target, site: Site | None) -> list[Evidence] | None:
    if site is None or site.kind not in COMMUNES:
        return None
    if not facts.asked_from_communes:
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
        _mobile(view) for asset, view in facts.services(target) if facts.asks_for_mobile(asset)
    ]
    return found or None


def _for_staff(site: Site, computers: list[Evidence]) -> list[Evidence] | None:
    """At most one computer for each member of staff, the best first.

    While nothing is known of any computer of the place, that some lack one is no figure yet.
    """
    if site.staff is None:
        return computers or None
    best_first = sorted(computers, key=lambda e: RANK[e.counts])
    lacking = site.staff - len(computers)
    nothing_known = bool(computers) and all(e.counts is None for e in computers)
    missing = Evidence(site.id, None if nothing_known else False, NO_COMPUTER)
    return best_first[: site.staff] + [missing] * lacking


def _judged(facts: Facts, asset: Asset, view: AssetView) -> Evidence:
    report = facts.machines.get(asset.id)
    judged = judge(report, facts.topology.adequacy, facts.now, view.seen_at)
    counts = None if judged.grade is Grade.UNKNOWN else judged.grade is Grade.ADEQUATE
    return Evidence(asset.id, counts, judged.reason, report.reported_at if report else None)


def _works(facts: Facts, asset: Asset, view: AssetView) -> Evidence:
    if view.state in (*UNSEEN, State.OFF):
        return Evidence(view.id, None, _why_unseen(view), view.observed_at)
    if view.state not in (State.UP, State.DEGRADED):
        return Evidence(view.id, False, view.reason, view.observed_at)
    left = [value for name, value in view.values.items() if name.endswith("days_left")]
    if not left:
        reason = NOT_SEEN_NOW if facts.checks_certificate(asset) else NO_CERTIFICATE
        return Evidence(view.id, None, reason, view.observed_at)
    if min(left) < TLS_DAYS:
        words = {"days": int(min(left))}
        reason = Reason("the certificate is valid for {days} days only", words)
        return Evidence(view.id, False, reason, view.observed_at)
    return Evidence(view.id, True, None, view.observed_at)


def _mobile(view: AssetView) -> Evidence:
    said = [
        value for name, value in view.values.items() if name == "mobile" or name.endswith("_mobile")
    ]
    if view.state in UNSEEN or not said:
        return Evidence(view.id, None, _why_unseen(view), view.observed_at)
    reason = None if max(said) else Reason("the page is not made for small screens")
    return Evidence(view.id, bool(max(said)), reason, view.observed_at)


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
    if _lately(facts, view.seen_at):
        return Evidence(view.id, True, None, view.seen_at)
    if view.state in UNSEEN or not _lately(facts, view.observed_at):
        return Evidence(view.id, None, _why_unseen(view), view.observed_at)
    return Evidence(view.id, False, SILENT_LINK, view.observed_at)


def _lately(facts: Facts, at: int | None) -> bool:
    return at is not None and facts.now - at <= RECENT_DAYS * DAY


def seen_computer(facts: Facts, asset: Asset, view: AssetView) -> Evidence:
    """Whether a computer was on the network within its allowed number of working days."""
    if view.seen_at is None:
        # Off when first asked is no evidence that it has no network: nobody has seen it work yet.
        return Evidence(view.id, None, NEVER_MEASURED, view.observed_at)
    missing = _working_days(facts, asset, view.seen_at)
    if missing <= asset.missing_after:
        return Evidence(view.id, True, None, view.seen_at)
    if view.state in UNSEEN:
        return Evidence(view.id, None, _why_unseen(view), view.seen_at)
    reason = Reason("not seen for {days} working days", {"days": missing})
    return Evidence(view.id, False, reason, view.seen_at)


def _why_unseen(view: AssetView) -> Reason:
    """Why nobody can say. Silence counts only while somebody listened."""
    if view.observed_at is None:
        return NEVER_MEASURED
    return view.reason or NOT_SEEN_NOW


def _working_days(facts: Facts, asset: Asset, seen_at: int) -> int:
    if asset.calendar is None:
        return max(0, (facts.now - seen_at) // DAY)
    return facts.calendars[asset.calendar].working_days_since(seen_at, facts.now)
