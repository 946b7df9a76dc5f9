"""What a user may write in the inventory, as pydantic models: strict, unknown keys refused."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from ioc.i18n import mark
from ioc.inventory.fields import (
    MIDNIGHT,
    Address,
    Code,
    Day,
    Duration,
    Hours,
    Id,
    Interval,
    Name,
    Range,
    Reference,
    SystemName,
    Timeout,
    Zone,
    readable,
)
from ioc.inventory.words import refusal

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


class Model(BaseModel):
    """Frozen and strict: a number in quotes is text, `off` is not false."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)

    @model_validator(mode="before")
    @classmethod
    def _nothing_is_left_out(cls, values: Any) -> Any:
        """A known key with nothing behind it, as a template leaves it, was not given."""
        if not isinstance(values, dict) or None not in values.values():
            return values
        return {k: v for k, v in values.items() if v is not None or not cls._may_leave_out(k)}

    @classmethod
    def _may_leave_out(cls, key: str) -> bool:
        return key in cls.model_fields


Text = Annotated[str, Field(max_length=1000), AfterValidator(readable)]
SourceName = Literal["measured", "exported", "declared"]
MeasureName = Literal[
    "fiber", "mobile-4g", "networked-computers", "adequate-computers", "services", "portal",
    "software", "mobile",
]  # fmt: skip


class Limit(Model):
    """A successful check counts as degraded beyond either side."""

    above: float | None = None
    below: float | None = None


class CheckModel(Model):
    """id: tells two checks of one kind apart; the kind unless given.

    Keys beside these are settings of the kind: its Settings model decides.
    """

    model_config = ConfigDict(extra="allow")

    kind: str
    id: Id | None = None
    interval: Interval | None = None
    timeout: Timeout | None = None
    retries: int | None = Field(default=None, ge=0, le=10)
    retry_delay: Duration | None = None
    fatal: bool | None = None
    thresholds: dict[str, Limit] = Field(default_factory=dict)

    @classmethod
    def _may_leave_out(cls, key: str) -> bool:
        return True


class Defaults(Model):
    """For one kind of asset, or all (`all`)."""

    interval: Interval | None = None
    timeout: Timeout | None = None
    retries: int | None = Field(default=None, ge=0, le=10)
    retry_delay: Duration | None = None
    thresholds: dict[str, Limit] | None = None
    calendar: Id | None = None
    missing_after: int | None = Field(default=None, ge=1, le=366)


class Area(Model):
    """The top unit: district, province or group of communes."""

    id: Id
    name: Name
    timezone: Zone = "Asia/Ho_Chi_Minh"


class Monitor(Model):
    """The site this program runs in."""

    site: Id


class CalendarModel(Model):
    """Office hours. closed, make_up: days off and days worked in spite of the weekly pattern."""

    days: list[Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]] = Field(min_length=1)
    hours: list[Hours] = Field(min_length=1)
    holidays: str | None = None
    closed: list[Day] = Field(default_factory=list)
    make_up: list[Day] = Field(default_factory=list)
    grace: Duration = 3600.0

    @model_validator(mode="after")
    def _agrees_with_itself(self) -> CalendarModel:
        spans = sorted((s, e if e > s else e + MIDNIGHT) for s, e in self.hours)
        nexts = [*spans[1:], (spans[0][0] + MIDNIGHT, 0)]
        if any(end > begin for (_start, end), (begin, _end) in zip(spans, nexts, strict=True)):
            raise refusal(mark("hours overlap; give each stretch once"))
        both = sorted(set(self.closed) & set(self.make_up))
        if both:
            raise refusal(mark("{day} is in both closed and make_up"), day=both[0])
        return self


class TargetModel(Model):
    """A target: one of the catalogue with what differs there, or a new one.

    goal: percent; `tracked: true` has none. per: whose figures are asked for. sources: which is
    believed first. measure: how it is measured by itself; supporting: that only supports what is
    reported. kinds: of the services it looks at. fresh: older figures are no evidence.
    retired: not counted from this day on. See ioc/inventory/catalogue.yaml.
    """

    id: Id
    name: Name | None = None
    name_en: Name | None = None
    goal: float | None = Field(default=None, ge=0, le=100)
    tracked: bool = False
    comparator: Literal[">=", ">"] = ">="
    due: Day | None = None
    counted: Name | None = None
    counted_en: Name | None = None
    per: Literal["area", "commune", "site"] = "area"
    basis: Name | None = None
    by: Name | None = None
    sources: list[SourceName] = Field(default=["exported", "declared"])
    measure: MeasureName | None = None
    supporting: bool = False
    kinds: list[Name] = Field(default_factory=list)
    fresh: Duration = 190 * 86_400.0
    rule: Text | None = None
    rule_en: Text | None = None
    wall: bool = False
    retired: Day | None = None


class SystemModel(Model):
    """An operating system by the beginning of its name, and until when it is supported."""

    name: SystemName
    until: Day | None = None


class AdequacyModel(Model):
    """When a computer is adequate for the work; see ioc.inventory.topology.Adequacy."""

    memory: float | None = Field(default=None, gt=0, le=4096)
    least_memory: float | None = Field(default=None, gt=0, le=4096)
    ssd: bool | None = None
    antivirus: bool | None = None
    definitions: Duration | None = None
    seen: Duration | None = None
    systems: list[SystemModel] = Field(default_factory=list)


class Unit(Model):
    """An administrative unit that is no place with equipment: sites and units went into it.

    valid_from, valid_until: first and last day. into: the unit it became part of.
    """

    id: Id
    name: Name
    kind: Literal["commune", "township", "office", "other"] = "commune"
    code: Code | None = None
    staff: int | None = Field(default=None, ge=0, le=100_000)
    valid_from: Day | None = None
    valid_until: Day | None = None
    into: Id | None = None


class Sentinel(Model):
    """A peer beyond our own uplink."""

    id: Id
    name: Name | None = None
    address: Address | None = None
    checks: list[CheckModel] | None = None


class Link(Model):
    """An uplink of a site. role: primary, but 4g and satellite are backup unless told."""

    id: Id
    kind: Literal["fiber", "4g", "leased", "satellite"]
    name: Name | None = None
    provider: Name | None = None
    address: Address | None = None
    role: Literal["primary", "backup"] | None = None
    parent: Reference | None = None
    checks: list[CheckModel] | None = None


class Device(Model):
    """One device, or with `addresses` a range of them."""

    id: Id | None = None
    kind: Literal["computer", "router", "switch", "server", "modem", "ups", "other"]
    name: Name | None = None
    address: Address | None = None
    addresses: Range | None = None
    parent: Reference | None = None
    calendar: Id | None = None
    missing_after: int | None = Field(default=None, ge=1, le=366)
    checks: list[CheckModel] | None = None


class Service(Model):
    """Something used over the network; outside every site when it stands at the top.

    of: the service this one is a view of, asked from a site.
    """

    id: Id
    name: Name
    kind: Name = "other"
    address: Address | None = None
    calendar: Id | None = None
    of: Reference | None = None
    checks: list[CheckModel] | None = None


class SiteModel(Model):
    """A place. code: administrative, an attribute. staff: people who need a computer.

    responsible: who looks after it, as alerts name them. valid_from, valid_until: first and last
    day as a unit of its own; into: the site or unit it became part of then.
    """

    id: Id
    name: Name
    kind: Literal["commune", "township", "office", "other"] = "commune"
    code: Code | None = None
    lat: float | None = Field(default=None, ge=-90, le=90)
    lon: float | None = Field(default=None, ge=-180, le=180)
    staff: int | None = Field(default=None, ge=0, le=100_000)
    responsible: Name | None = None
    valid_from: Day | None = None
    valid_until: Day | None = None
    into: Id | None = None
    links: list[Link] = Field(default_factory=list)
    devices: list[Device] = Field(default_factory=list)
    services: list[Service] = Field(default_factory=list)


SeverityName = Literal["info", "warning", "critical"]


class Route(Model):
    """Who hears of what. `channel` names a channel whose address is in the environment.

    What is left out means all: severities, sites, kinds of asset or incident, hours. after: only
    what nobody has acknowledged by then. plain: letters without marks, for old telephones.
    """

    channel: Id
    severities: list[SeverityName] | None = None
    sites: list[Id] | None = None
    kinds: list[Name] | None = None
    hours: list[Hours] | None = None
    after: Duration = 0.0
    language: Literal["vi", "en"] | None = None
    plain: bool = False


class Alerts(Model):
    """When trouble becomes an incident; see topology.AlertRules for each word."""

    calendar: Id | None = None
    digest: list[SeverityName] | None = None
    quiet: Duration | None = None
    patience: Duration | None = None
    computers_missing: float | None = Field(default=None, gt=0, le=100)
    flapping: int | None = Field(default=None, ge=3, le=1000)
    flapping_window: Duration | None = None
    flapping_quiet: Duration | None = None
    loss: float | None = Field(default=None, gt=0, le=100)
    slow: float | None = Field(default=None, ge=1.2, le=1000)
    severities: dict[str, SeverityName] = Field(default_factory=dict)


class Part(Model):
    """What an included file may hold."""

    sites: list[SiteModel] = Field(default_factory=list)
    services: list[Service] = Field(default_factory=list)


class SendReport(Model):
    """A report that goes out by itself to a channel, on the first day after each period."""

    channel: Id
    every: Literal["month", "quarter", "year"] = "month"
    formats: list[Literal["pdf", "xlsx"]] = Field(default=["pdf", "xlsx"], min_length=1)
    language: Literal["vi", "en"] = "vi"


class ReportsModel(Model):
    """How reports are laid out. authority: who issues them, above: the authority over it.

    number: as "/BC-UBND"; place: where they are signed; signer: lines above the signature;
    recipients: "Nơi nhận".
    """

    above: Name | None = None
    authority: Name | None = None
    number: Name | None = None
    place: Name | None = None
    signer: list[Name] = Field(default_factory=list, max_length=4)
    recipients: list[Name] = Field(default_factory=list, max_length=20)
    send: list[SendReport] = Field(default_factory=list)


def _given_entries(values: Any) -> Any:
    """A kind with nothing behind it has no defaults of its own."""
    if not isinstance(values, dict):
        return values
    return {kind: given for kind, given in values.items() if given is not None}


class Inventory(Part):
    """The whole file, its includes merged in. freshness: see topology.Topology."""

    area: Area
    monitor: Monitor | None = None
    include: list[Name] = Field(default_factory=list)
    freshness: float = Field(default=3.0, ge=1, le=100)
    sentinels: list[Sentinel] = Field(default_factory=list)
    calendars: dict[Id, CalendarModel] = Field(default_factory=dict)
    defaults: Annotated[dict[str, Defaults], BeforeValidator(_given_entries)] = Field(
        default_factory=dict
    )
    units: list[Unit] = Field(default_factory=list)
    targets: list[TargetModel] = Field(default_factory=list)
    adequacy: AdequacyModel = Field(default_factory=AdequacyModel)
    reports: ReportsModel = Field(default_factory=ReportsModel)
    routes: list[Route] = Field(default_factory=list)
    alerts: Alerts = Field(default_factory=Alerts)
