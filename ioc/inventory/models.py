"""What a user may write in the inventory, as pydantic models: strict, unknown keys refused."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

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
    Timeout,
    Zone,
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
    """A goal in percent; only what the program measures by itself is known here."""

    id: Literal["fiber-communes", "networked-computers", "mobile-4g"]
    name: Name
    goal: float = Field(ge=0, le=100)
    comparator: Literal[">=", ">"] = ">="
    due: Day | None = None


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

    responsible: who looks after it, as alerts name them.
    """

    id: Id
    name: Name
    kind: Literal["commune", "township", "office", "other"] = "commune"
    code: Code | None = None
    lat: float | None = Field(default=None, ge=-90, le=90)
    lon: float | None = Field(default=None, ge=-180, le=180)
    staff: int | None = Field(default=None, ge=0, le=100_000)
    responsible: Name | None = None
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
    targets: list[TargetModel] = Field(default_factory=list)
    routes: list[Route] = Field(default_factory=list)
    alerts: Alerts = Field(default_factory=Alerts)
