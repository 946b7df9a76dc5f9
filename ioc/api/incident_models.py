"""Incidents, their timelines, planned work and what-if, as the API answers and takes them."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from ioc.api.figures import Time, Why, iso, iso_or_null, why
from ioc.engine.incident import Event, Incident, Step
from ioc.engine.maintenance import Window
from ioc.inventory.alerting import Kind
from ioc.inventory.topology import Severity, Topology
from ioc.notify.texts import Writer
from ioc.notify.whatif import Supposed, Telling

Stage = Literal["open", "resolved", "merged"]
Late = Annotated[str | None, Field(description="ISO 8601, UTC; null: not yet")]
Day = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
DAYS: tuple[Day, ...] = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
HOURS = r"^([01][0-9]|2[0-3]):[0-5][0-9]-(([01][0-9]|2[0-3]):[0-5][0-9]|24:00)$"


class IncidentOut(BaseModel):
    """One root cause from opening to the end."""

    id: Annotated[int, Field(examples=[12])]
    state: Annotated[Stage, Field(description="merged: a wider incident speaks for it")]
    kind: Kind
    severity: Severity
    text: Annotated[str, Field(examples=["mất kết nối cáp quang"])]
    subject: Annotated[str, Field(description="The asset, site or part that is the cause")]
    site: Annotated[str | None, Field(examples=["yen-thinh"])]
    reason: Why | None
    since: Time
    opened_at: Time
    resolved_at: Late
    unstable: Annotated[bool, Field(description="It comes and goes")]
    recovering: Annotated[bool, Field(description="Gone for the moment, not yet over")]
    affected: Annotated[list[str], Field(description="At most 1000 of the assets it takes along")]
    affected_count: int
    works: Annotated[list[str], Field(description="Links that carry instead")]
    planned: Annotated[int | None, Field(description="The maintenance window it falls into")]
    merged_into: int | None
    acknowledged_at: Late
    acknowledged_by: str | None
    assigned_to: str | None
    cause: Annotated[str | None, Field(description="What people found it to be")]
    told: Annotated[list[str], Field(description="Recipients that heard of it")]


class StepOut(BaseModel):
    """One step of a timeline. author: null = the monitor itself."""

    at: Time
    step: Step
    author: str | None
    text: str
    kind: Kind | None
    severity: Severity | None
    affected_count: int


class MessageOut(BaseModel):
    """One message to one recipient, and whether it arrived."""

    recipient: Annotated[str, Field(examples=["mail/0"])]
    body: str
    created_at: Time
    state: Annotated[str, Field(examples=["sent"], description="waiting, sent, dead or dropped")]
    attempts: int
    sent_at: Late
    error: str | None


class IncidentDetail(IncidentOut):
    timeline: list[StepOut]
    messages: list[MessageOut]


class IncidentPage(BaseModel):
    items: list[IncidentOut]
    next: Annotated[int | None, Field(description="`cursor` of the next page; null: the last one")]


class Strict(BaseModel):
    model_config = ConfigDict(extra="forbid")


Words = Annotated[str, Field(max_length=2000)]
Needed = Annotated[str, Field(min_length=1, max_length=2000, pattern=r"\S")]


class Acknowledge(Strict):
    text: Words = ""


class Assign(Strict):
    to: Annotated[str, Field(max_length=200, description="Empty: to nobody")]


class Comment(Strict):
    text: Needed


class Resolve(Strict):
    cause: Annotated[Needed, Field(description="What it was", examples=["đứt cáp do sạt lở"])]


class WindowIn(Strict):
    """Planned work. Without sites, assets and kinds: the whole area. With days it recurs."""

    text: Needed
    starts_at: AwareDatetime | None = Field(default=None, description="Now unless given")
    ends_at: AwareDatetime | None = Field(default=None, description="Only a recurring one has none")
    sites: Annotated[list[str], Field(max_length=1000)] = []
    assets: Annotated[list[str], Field(max_length=1000)] = []
    kinds: Annotated[list[str], Field(max_length=100)] = []
    days: Annotated[list[Day], Field(max_length=7)] = []
    hours: Annotated[str, Field(pattern=HOURS, examples=["22:00-05:00"])] = "00:00-24:00"


class WindowOut(BaseModel):
    id: int
    text: str
    author: str
    created_at: Time
    starts_at: Time
    ends_at: Late
    cancelled_at: Late
    active: Annotated[bool, Field(description="Work is going on now")]
    sites: list[str]
    assets: list[str]
    kinds: list[str]
    days: list[Day]
    hours: str


class WindowPage(BaseModel):
    items: list[WindowOut]


class TellingOut(BaseModel):
    """Who hears of it. after_s: without an acknowledgement; 0 = at once."""

    channel: str
    recipients: list[str]
    after_s: float
    at: Late
    text: str


class SupposedOut(BaseModel):
    """One incident that would be open."""

    kind: Kind
    severity: Severity
    subject: str
    site: str | None
    text: str
    new: Annotated[bool, Field(description="false: one that is open already would get worse")]
    planned: int | None
    quiet: Annotated[list[str], Field(description="Lost with it; nobody is told of these")]
    quiet_count: int
    tellings: list[TellingOut]


class SupposedPage(BaseModel):
    subject: str
    incidents: list[SupposedOut]
    messages: Annotated[int, Field(description="Messages that would be sent at once")]


SHOWN = 1000  # assets that one answer names


def incident_out(incident: Incident, topology: Topology, lang: str) -> IncidentOut:
    return IncidentOut(**_fields(incident, topology, lang))


def detail_out(
    incident: Incident,
    timeline: list[Event],
    messages: list[MessageOut],
    topology: Topology,
    lang: str,
) -> IncidentDetail:
    steps = [step_out(event) for event in timeline]
    return IncidentDetail(**_fields(incident, topology, lang), timeline=steps, messages=messages)


def step_out(event: Event) -> StepOut:
    return StepOut(
        at=iso(event.at),
        step=event.step,
        author=event.author,
        text=event.text,
        kind=event.kind,
        severity=event.severity,
        affected_count=event.count,
    )


def stage(incident: Incident) -> Stage:
    if incident.open:
        return "open"
    return "resolved" if incident.merged_into is None else "merged"


def _fields(incident: Incident, topology: Topology, lang: str) -> dict[str, Any]:
    return {
        "id": incident.id,
        "state": stage(incident),
        "kind": incident.kind,
        "severity": incident.severity,
        "text": Writer(topology, lang, {}).what(incident),
        "subject": incident.subject,
        "site": incident.site,
        "reason": why(incident.reason, lang),
        "since": iso(incident.since),
        "opened_at": iso(incident.opened_at),
        "resolved_at": iso_or_null(incident.resolved_at),
        "unstable": incident.unstable,
        "recovering": incident.open and incident.quiet_since is not None,
        "affected": list(incident.affected[:SHOWN]),
        "affected_count": len(incident.affected),
        "works": list(incident.works),
        "planned": incident.planned,
        "merged_into": incident.merged_into,
        "acknowledged_at": iso_or_null(incident.acknowledged_at),
        "acknowledged_by": incident.acknowledged_by,
        "assigned_to": incident.assigned_to,
        "cause": incident.cause,
        "told": list(incident.told),
    }


def window_out(window: Window, topology: Topology, now: int) -> WindowOut:
    start, end = window.hours
    return WindowOut(
        id=window.id,
        text=window.text,
        author=window.author,
        created_at=iso(window.created_at),
        starts_at=iso(window.starts_at),
        ends_at=iso_or_null(window.ends_at),
        cancelled_at=iso_or_null(window.cancelled_at),
        active=window.active(now, topology.timezone),
        sites=sorted(window.sites),
        assets=sorted(window.assets),
        kinds=sorted(window.kinds),
        days=[DAYS[day] for day in sorted(window.days)],
        hours=f"{start // 60:02}:{start % 60:02}-{end // 60:02}:{end % 60:02}",
    )


def window_in(given: WindowIn, author: str, topology: Topology, now: int) -> Window:
    """The window as planned. Raises ValueError with words for whoever planned it."""
    starts = _ms(given.starts_at) if given.starts_at else now
    ends = _ms(given.ends_at) if given.ends_at else None
    if ends is None and not given.days:
        raise ValueError("ends_at is needed unless the work recurs (days)")
    if ends is not None and ends <= max(starts, now):
        raise ValueError("ends_at must lie after the start and in the future")
    _known("sites", given.sites, topology.sites)
    _known("assets", given.assets, topology.assets)
    _known("kinds", given.kinds, {asset.kind for asset in topology.assets.values()})
    start, end = (_minutes(part) for part in given.hours.split("-"))
    if start == end:
        raise ValueError("hours must not be empty")
    return Window(
        id=0,
        text=given.text.strip(),
        author=author,
        created_at=now,
        starts_at=starts,
        ends_at=ends,
        sites=frozenset(given.sites),
        assets=frozenset(given.assets),
        kinds=frozenset(given.kinds),
        days=frozenset(DAYS.index(day) for day in given.days),
        hours=(start, end),
    )


def supposed_out(
    subject: str, found: list[Supposed], topology: Topology, lang: str
) -> SupposedPage:
    items = [
        SupposedOut(
            kind=one.incident.kind,
            severity=one.incident.severity,
            subject=one.incident.subject,
            site=one.incident.site,
            text=Writer(topology, lang, {}).what(one.incident),
            new=one.new,
            planned=one.planned,
            quiet=list(one.quiet[:SHOWN]),
            quiet_count=len(one.quiet),
            tellings=[_telling_out(telling) for telling in one.tellings],
        )
        for one in found
    ]
    at_once = [t for one in found for t in one.tellings if t.after == 0]
    return SupposedPage(
        subject=subject, incidents=items, messages=sum(len(t.recipients) for t in at_once)
    )


def _telling_out(telling: Telling) -> TellingOut:
    return TellingOut(
        channel=telling.channel,
        recipients=list(telling.recipients),
        after_s=telling.after,
        at=iso_or_null(telling.at),
        text=telling.text,
    )


def _known(field: str, given: list[str], known: Any) -> None:
    wrong = [name for name in given if name not in known]
    if wrong:
        raise ValueError(f"{field}: {wrong[0]} does not exist")


def _ms(moment: datetime) -> int:
    return max(0, min(round(moment.timestamp() * 1000), 253_402_300_799_999))


def _minutes(text: str) -> int:
    hour, minute = text.split(":")
    return int(hour) * 60 + int(minute)
