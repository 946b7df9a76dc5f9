"""What a user may write in the inventory, as pydantic models. Unknown keys are refused.

Messages are PydanticCustomError templates: translation keys with their values beside them.
"""

from __future__ import annotations

import re
from datetime import date
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field
from pydantic_core import PydanticCustomError

from ioc.i18n import mark
from ioc.inventory.ranges import RangeError, expand

UNITS = {"s": 1.0, "m": 60.0, "h": 3600.0, "d": 86_400.0}
DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
NOT_DURATION = mark("not a duration; write for example 15s, 2m, 1h or seconds as a number")
NOT_HOURS = mark('not hours; write for example "07:30-11:30"')
NOT_DATE = mark("not a date; write for example 2026-02-17")
NOT_ID = mark("not an id; use small letters a-z, digits and hyphens, for example yen-thinh")
ONE_ADDRESS = mark("one address is wanted here; use `addresses` for a range")
NOT_ZONE = mark("not a time zone; write for example Asia/Ho_Chi_Minh")


def _duration(value: Any) -> float:
    if isinstance(value, int | float) and not isinstance(value, bool):
        return float(value)
    match = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([smhd])", str(value))
    if match is None:
        raise PydanticCustomError("duration", NOT_DURATION)
    return float(match[1]) * UNITS[match[2]]


def _hours(text: Any) -> tuple[int, int]:
    match = re.fullmatch(r"\s*(\d{1,2}):(\d{2})\s*-\s*(\d{1,2}):(\d{2})\s*", str(text))
    if match is None:
        raise PydanticCustomError("hours", NOT_HOURS)
    start, end = (int(match[i]) * 60 + int(match[i + 1]) for i in (1, 3))
    if int(match[2]) > 59 or int(match[4]) > 59 or start >= 1440 or end > 1440 or start == end:
        raise PydanticCustomError("hours", NOT_HOURS)
    return start, end


def _date(text: Any) -> str:
    try:
        return date.fromisoformat(str(text)).isoformat()
    except ValueError:
        raise PydanticCustomError("date", NOT_DATE) from None


def _id(text: str) -> str:
    if re.fullmatch(r"[a-z0-9](?:[a-z0-9-]{0,62}[a-z0-9])?", text) is None:
        raise PydanticCustomError("id", NOT_ID)
    return text


def _address(text: str) -> str:
    try:
        if len(expand(text)) == 1:
            return text
    except RangeError as error:
        raise PydanticCustomError("address", error.text, error.args_by_name) from None
    raise PydanticCustomError("address", ONE_ADDRESS)


def _range(text: str) -> str:
    try:
        expand(text)
    except RangeError as error:
        raise PydanticCustomError("address", error.text, error.args_by_name) from None
    return text


def _zone(text: str) -> str:
    try:
        ZoneInfo(text)
    except (OSError, ValueError):
        raise PydanticCustomError("zone", NOT_ZONE) from None
    return text


def _text(value: Any) -> Any:
    """Codes are text though they look like numbers."""
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


Duration = Annotated[float, BeforeValidator(_duration), Field(gt=0, le=31_536_000)]
Hours = Annotated[tuple[int, int], BeforeValidator(_hours)]
Day = Annotated[str, BeforeValidator(_date)]
Id = Annotated[str, BeforeValidator(_text), AfterValidator(_id)]
Address = Annotated[str, AfterValidator(_address)]
Range = Annotated[str, AfterValidator(_range)]
Name = Annotated[str, Field(min_length=1, max_length=200)]


class Model(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Limit(Model):
    above: float | None = None
    below: float | None = None


class CheckModel(BaseModel):
    """Keys beside these are settings of the kind (its Settings model decides)."""

    model_config = ConfigDict(frozen=True, extra="allow")

    kind: str
    name: Id | None = None
    interval: Duration | None = None
    timeout: Duration | None = None
    retries: int | None = Field(default=None, ge=0, le=10)
    retry_delay: Duration | None = None
    fatal: bool | None = None
    thresholds: dict[str, Limit] = Field(default_factory=dict)


class Defaults(Model):
    """For one kind of asset, or all (`all`)."""

    interval: Duration | None = None
    timeout: Duration | None = None
    retries: int | None = Field(default=None, ge=0, le=10)
    retry_delay: Duration | None = None
    calendar: str | None = None
    missing_after: int | None = Field(default=None, ge=1, le=366)


class Area(Model):
    id: Id
    name: Name
    timezone: Annotated[str, AfterValidator(_zone)] = "Asia/Ho_Chi_Minh"


class Monitor(Model):
    site: str


class CalendarModel(Model):
    days: list[Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]]
    hours: list[Hours] = Field(min_length=1)
    holidays: str | None = None
    closed: list[Day] = Field(default_factory=list)
    make_up: list[Day] = Field(default_factory=list)
    grace: Duration = 3600.0


class TargetModel(Model):
    id: Literal["fiber-communes", "networked-computers", "mobile-4g"]
    name: Name
    goal: float = Field(ge=0, le=100)
    comparator: Literal[">=", ">"] = ">="
    due: Day | None = None


class Sentinel(Model):
    id: Id
    name: Name | None = None
    address: Address | None = None
    checks: list[CheckModel] | None = None


class Link(Model):
    id: Id
    kind: Literal["fiber", "4g", "leased", "satellite"]
    name: Name | None = None
    provider: Name | None = None
    address: Address | None = None
    role: Literal["primary", "backup"] | None = None
    parent: str | None = None
    checks: list[CheckModel] | None = None


class Device(Model):
    id: Id | None = None
    kind: Literal["computer", "router", "switch", "server", "modem", "ups", "other"]
    name: Name | None = None
    address: Address | None = None
    addresses: Range | None = None
    parent: str | None = None
    calendar: str | None = None
    missing_after: int | None = Field(default=None, ge=1, le=366)
    checks: list[CheckModel] | None = None


class Service(Model):
    id: Id
    name: Name
    kind: Name = "other"
    address: Address | None = None
    calendar: str | None = None
    checks: list[CheckModel] | None = None


class SiteModel(Model):
    id: Id
    name: Name
    kind: Literal["commune", "township", "office", "other"] = "commune"
    code: Annotated[str, BeforeValidator(_text), Field(max_length=20)] | None = None
    lat: float | None = Field(default=None, ge=-90, le=90)
    lon: float | None = Field(default=None, ge=-180, le=180)
    staff: int | None = Field(default=None, ge=0, le=100_000)
    links: list[Link] = Field(default_factory=list)
    devices: list[Device] = Field(default_factory=list)
    services: list[Service] = Field(default_factory=list)


class Route(Model):
    """Who hears of what. `channel` names a channel whose address is in the environment."""

    channel: Id
    severities: list[Literal["info", "warning", "critical"]] | None = None
    sites: list[str] | None = None
    kinds: list[Name] | None = None
    hours: list[Hours] | None = None


class Inventory(Model):
    area: Area
    monitor: Monitor | None = None
    include: list[Name] = Field(default_factory=list)
    freshness: float = Field(default=3.0, ge=1, le=100)
    sentinels: list[Sentinel] = Field(default_factory=list)
    calendars: dict[Id, CalendarModel] = Field(default_factory=dict)
    defaults: dict[str, Defaults] = Field(default_factory=dict)
    targets: list[TargetModel] = Field(default_factory=list)
    routes: list[Route] = Field(default_factory=list)
    sites: list[SiteModel] = Field(default_factory=list)
    services: list[Service] = Field(default_factory=list)


class Part(Model):
    """What an included file may hold."""

    sites: list[SiteModel] = Field(default_factory=list)
    services: list[Service] = Field(default_factory=list)
