"""A report as plain values: what is in it, before it is laid out. Real numbers, ISO dates."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Literal

from pydantic import BaseModel, ConfigDict, model_validator

Every = Literal["month", "quarter", "year", "range"]
Format = Literal["pdf", "xlsx"]
FORMATS: tuple[Format, ...] = ("pdf", "xlsx")
LONGEST = 366 * 6  # days of a report


class Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Wanted(Frozen):
    """Which report. since, until: first and last day. place: one unit instead of the area.

    units: "now" as they are at the end of the period, "before" as they were before the last
    merger. channel: who gets it when it is ready.
    """

    every: Every
    since: date
    until: date
    place: str | None = None
    units: Literal["now", "before"] = "now"
    language: Literal["vi", "en"] = "vi"
    formats: tuple[Format, ...] = FORMATS
    channel: str | None = None

    @model_validator(mode="after")
    def _in_order(self) -> Wanted:
        if self.until < self.since:
            raise ValueError("until lies before since")
        if (self.until - self.since).days > LONGEST:
            raise ValueError(f"a report covers at most {LONGEST} days")
        return self


class Figure(Frozen):
    """A figure of a target. value, evidence: percent; None = nobody can say.

    as_of: ISO day; None = nothing counted. origin, document: who said so, in which paper.
    before: what was said before late figures restated it. stale: too old to be evidence.
    summed: the ledger adds it to those of the other places.
    """

    place: str
    name: str
    numerator: int
    denominator: int | None
    value: float | None
    evidence: float | None
    state: str
    source: str
    as_of: str | None = None
    origin: str = ""
    document: str = ""
    note: str = ""
    conflict: str = ""
    before: float | None = None
    restated: bool = False
    stale: bool = False
    summed: bool = False


class TargetPart(Frozen):
    """One target. months: (day, percent) of the last year; places: figures by unit."""

    id: str
    name: str
    counted: str
    goal: float | None
    comparator: str
    due: str | None
    by: str
    basis: str
    rule: str
    area: Figure
    month: float | None
    year: float | None
    forecast: str
    months: tuple[tuple[str, float], ...]
    places: tuple[Figure, ...] = ()


class Hours(Frozen):
    """ms of each; availability and evidence in percent."""

    up: int
    down: int
    maintenance: int
    unknown: int
    availability: float | None
    evidence: float | None


class Service(Frozen):
    """Availability of a link, a service or a place over the period.

    outages: that began in it. restated: days that late samples changed.
    """

    id: str
    name: str
    place: str
    provider: str
    kind: str
    day: Hours
    work: Hours
    outages: int
    restated: int


class Event(Frozen):
    """An incident. since, until: ms UTC; length: ms within the period."""

    id: int
    severity: str
    place: str
    what: str
    since: int
    until: int | None
    length: int
    cause: str


class Bar(Frozen):
    """Incidents that began on a day, or in a month (ISO), by severity."""

    when: str
    critical: int = 0
    warning: int = 0
    info: int = 0


class Layout(Frozen):
    above: str
    authority: str
    number: str
    place: str
    signer: tuple[str, ...]
    recipients: tuple[str, ...]


class Report(Frozen):
    """Everything of a report.

    made_at: ISO moment in the area's time zone. running: the period is not over yet. gone: what
    was counted in the period and is no longer in the inventory. events: the worst of the
    incidents, counted: how many there are, by severity; bars: over the period.
    """

    wanted: Wanted
    subject: str
    zone: str
    made_at: str
    running: bool
    simulated: bool
    layout: Layout
    targets: tuple[TargetPart, ...]
    links: tuple[Service, ...]
    services: tuple[Service, ...]
    places: tuple[Service, ...]
    gone: tuple[Service, ...] = ()
    work_hours: bool
    events: tuple[Event, ...]
    counted: Mapping[str, int]
    bars: tuple[Bar, ...] = ()

    @property
    def watched(self) -> bool:
        """Whether anything of the period is known from measuring."""
        rows = (*self.links, *self.services, *self.places, *self.gone)
        return any(r.day.up + r.day.down + r.day.maintenance for r in rows) or self.incidents > 0

    @property
    def incidents(self) -> int:
        return sum(self.counted.values())
