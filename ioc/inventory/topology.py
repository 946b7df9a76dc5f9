"""The compiled inventory: flat, frozen, resolved. Everything after loading works on this.

Ids: a site's id is unique (`yen-thinh`); an asset's id is `<site>.<local id>` (`yen-thinh.fiber`,
`yen-thinh.pc-10`) or, for a service that belongs to no site, the local id alone (`dvc-tinh`); a
check's id is `<asset id>.<check name>`, the name being the kind unless the inventory gives one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from zoneinfo import ZoneInfo

from collectors.base import Check


class AssetType(StrEnum):
    DEVICE = "device"
    LINK = "link"
    SERVICE = "service"
    SENTINEL = "sentinel"  # a peer beyond our own uplink; tells whether we can see out at all


@dataclass(frozen=True, slots=True)
class Asset:
    """A device, link, service or sentinel.

    site: id of the site it stands in; None for a service outside the area and for sentinels.
    kind: device: computer | router | switch | server | modem | ups | other;
        link: fiber | 4g | leased | satellite; service: text from the inventory (portal, mail…).
    parents: assets it is reached through; reachable when ANY of them is up or degraded.
        Link: what lies between the monitor and it (its own `parent`, or the sentinels); router:
        the site's links; other devices: their `parent`, else the site's router, else its links.
        Empty: nothing lies between.
    backup: a link used only when no primary link works (4G unless the inventory says otherwise).
    calendar: id of the calendar on which it is expected to be on; None = always.
    missing_after: working days unseen after which a computer counts as missing.
    of: what a service of a site is a view of: the same portal, asked from there. Views with one
        name are one service; when all of them fail the service itself is out.
    """

    id: str
    type: AssetType
    kind: str
    name: str
    site: str | None = None
    address: str | None = None
    parents: tuple[str, ...] = ()
    provider: str | None = None
    backup: bool = False
    calendar: str | None = None
    missing_after: int = 5
    checks: tuple[str, ...] = ()
    labels: Mapping[str, str] = field(default_factory=dict)
    of: str | None = None


@dataclass(frozen=True, slots=True)
class Site:
    """A place with equipment. kind: commune | township | office | other. lat, lon: degrees.

    code: administrative code, an attribute (codes are reused), not an identity.
    staff: head count that needs a computer; None when nobody declared it.
    responsible: who looks after the place, as shown in alerts. valid_from, valid_until: first and
    last day (ISO) as a unit of its own; into: what it became part of then.
    """

    id: str
    name: str
    kind: str
    code: str | None = None
    lat: float | None = None
    lon: float | None = None
    staff: int | None = None
    responsible: str | None = None
    links: tuple[str, ...] = ()
    devices: tuple[str, ...] = ()
    services: tuple[str, ...] = ()
    valid_from: str | None = None
    valid_until: str | None = None
    into: str | None = None


@dataclass(frozen=True, slots=True)
class CalendarRule:
    """When something is expected to be on. See ioc.engine.calendars for the meaning.

    days: weekdays, 0 = Monday. hours: (start, end) minutes after local midnight, sorted, disjoint.
    holidays: country code of the `holidays` library ("VN") or None. closed / make_up: ISO dates
    that are off / worked in spite of the weekly pattern. grace: minutes after a start before
    absence counts.
    """

    id: str
    days: frozenset[int]
    hours: tuple[tuple[int, int], ...]
    holidays: str | None = None
    closed: frozenset[str] = frozenset()
    make_up: frozenset[str] = frozenset()
    grace: int = 60


@dataclass(frozen=True, slots=True)
class Target:
    """A goal of the district (chỉ tiêu). goal: percent; None = tracked, without a goal.

    name_en, counted_en, rule_en: English; None = nobody wrote it. counted: what is counted.
    per: "area" | "commune" | "site": whose figures are asked for. due: ISO date.
    basis, by: legal basis, responsible unit. sources: which is believed first. measure: how it is
    measured by itself (a name of ioc.ledger.measures), None = not; supporting: the measurement
    only supports what is reported. kinds: of the services it looks at. fresh: ms after which a
    reported figure is no evidence any more. rule: how reported figures are counted. wall: shown
    on the wall. retired: ISO date from which it is not counted any more.
    """

    id: str
    name: str
    goal: float | None
    comparator: str = ">="
    due: str | None = None
    name_en: str | None = None
    counted: str = ""
    counted_en: str | None = None
    per: str = "area"
    basis: str = ""
    by: str = ""
    sources: tuple[str, ...] = ("measured", "exported", "declared")
    measure: str | None = None
    supporting: bool = False
    kinds: tuple[str, ...] = ()
    fresh: int = 190 * 86_400_000
    rule: str = ""
    rule_en: str | None = None
    wall: bool = False
    retired: str | None = None


@dataclass(frozen=True, slots=True)
class Adequacy:
    """When a computer is adequate for the work. memory: GB wanted; least_memory: GB below which
    it cannot be used; ssd: a solid-state disk is wanted; antivirus: it must be on; definitions:
    ms that its definitions may be old; seen: ms within which the computer was seen.

    systems: (beginning of the name, last ISO day of support or None) before the built-in ones.
    """

    memory: float = 8.0
    least_memory: float = 4.0
    ssd: bool = True
    antivirus: bool = True
    definitions: int = 7 * 86_400_000
    seen: int = 7 * 86_400_000
    systems: tuple[tuple[str, str | None], ...] = ()


@dataclass(frozen=True, slots=True)
class SendReport:
    """channel: who gets it; every: "month" | "quarter" | "year"; formats: "pdf", "xlsx"."""

    channel: str
    every: str = "month"
    formats: tuple[str, ...] = ("pdf", "xlsx")
    language: str = "vi"


@dataclass(frozen=True, slots=True)
class ReportLayout:
    """What stands around a report; see models.ReportsModel. Empty: as usual."""

    above: str = ""
    authority: str = ""
    number: str = ""
    place: str = ""
    signer: tuple[str, ...] = ()
    recipients: tuple[str, ...] = ()
    send: tuple[SendReport, ...] = ()


@dataclass(frozen=True, slots=True)
class Unit:
    """An administrative unit that is no place with equipment; see models.Unit. ISO dates."""

    id: str
    name: str
    kind: str = "commune"
    code: str | None = None
    staff: int | None = None
    valid_from: str | None = None
    valid_until: str | None = None
    into: str | None = None


class Severity(StrEnum):
    """How bad an incident is. `rank` compares."""

    INFO = "info"
    WARNING = "warning"
    CRITICAL = "critical"

    @property
    def rank(self) -> int:
        return list(Severity).index(self)


@dataclass(frozen=True, slots=True)
class Route:
    """Who hears of which incidents. None means all.

    channel: name of a channel whose addresses are in the environment. kinds: kinds of asset or of
    incident. hours: (start, end) minutes after local midnight; an end before its start is on the
    next day. after: seconds; told only when nobody has acknowledged by then (0 = at once).
    language: "vi" | "en" | None = the program's. plain: letters without marks, for old telephones.
    """

    channel: str
    severities: frozenset[Severity] | None = None
    sites: frozenset[str] | None = None
    kinds: frozenset[str] | None = None
    hours: tuple[tuple[int, int], ...] | None = None
    after: float = 0.0
    language: str | None = None
    plain: bool = False


@dataclass(frozen=True, slots=True)
class AlertRules:
    """When trouble becomes an incident and when it is told. Times in seconds.

    calendar: working hours; outside them the severities of `digest` wait and come together.
    quiet: an incident is over when its cause has been gone for so long. patience: trouble that is
    no outage (computers missing, no data) must last so long. computers_missing: share of the
    expected computers of a site, percent. flapping: changes within flapping_window that make
    something unstable; it is stable again after flapping_quiet without one.
    loss: percent of lost packets, slow: times its usual latency, that make a link bad.
    severities: kind of incident -> its severity instead of the usual one.
    """

    calendar: str | None = None
    digest: frozenset[Severity] = frozenset({Severity.INFO, Severity.WARNING})
    quiet: float = 30.0
    patience: float = 300.0
    computers_missing: float = 40.0
    flapping: int = 6
    flapping_window: float = 1200.0
    flapping_quiet: float = 600.0
    loss: float = 10.0
    slow: float = 3.0
    severities: Mapping[str, Severity] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Topology:
    """All of it. Mappings keep the order of the inventory.

    monitor_site: the site this program runs in: what stands there is not behind the uplink.
    freshness: a check's newest result says nothing any more after this many intervals.
    targets: the catalogue's and the inventory's own; retired: those that are no longer counted.
    """

    area_id: str
    area_name: str
    timezone: ZoneInfo
    sites: Mapping[str, Site]
    assets: Mapping[str, Asset]
    checks: Mapping[str, Check]
    calendars: Mapping[str, CalendarRule]
    targets: Mapping[str, Target]
    sentinels: tuple[str, ...] = ()
    monitor_site: str | None = None
    freshness: float = 3.0
    routes: tuple[Route, ...] = ()
    alerts: AlertRules = field(default_factory=AlertRules)
    units: Mapping[str, Unit] = field(default_factory=dict)
    retired: Mapping[str, Target] = field(default_factory=dict)
    adequacy: Adequacy = field(default_factory=Adequacy)
    reports: ReportLayout = field(default_factory=ReportLayout)
    digest: str = ""  # SHA-256 of the files it came from, hex
