"""How long links, services and places worked, by the printed rules, over any days."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, HTTPException, Query
from fastapi.responses import Response
from pydantic import BaseModel, Field, ValidationError

from ioc.api.context import Context
from ioc.api.errors import known_parameters, responses
from ioc.api.figures import Percent
from ioc.api.params import DAYS, Id, Lang, answer, sensible
from ioc.i18n import translate as _
from ioc.ledger.availability import Seconds, Tally
from ioc.ledger.sla import working_calendar
from ioc.reports.model import Hours, Service, Wanted
from ioc.reports.units import Period, units_of
from ioc.reports.uptime import Uptime, uptime
from ioc.reports.words import AVAILABILITY_RULES

Since = Annotated[date | None, Query(description="First day; without it, of this month")]
Until = Annotated[date | None, Query(description="Last day; without it, today")]
KINDS = ("link", "service", "place")


class HoursOut(BaseModel):
    """Seconds of each; they add up to the time asked for, as far as it has passed."""

    up: float
    down: float
    maintenance: float
    unknown: float
    value: Annotated[Percent, Field(description="up / (up + down), in percent")]
    evidence: Annotated[Percent, Field(description="Known part of the time, %")]


class AvailabilityOut(BaseModel):
    """One link, service or place. work: in working hours."""

    id: Annotated[str, Field(examples=["yen-thinh.cap-quang"])]
    name: str
    type: Literal["link", "service", "place"]
    place: Annotated[str, Field(description="Name of its unit", examples=["Xã Yên Thịnh"])]
    provider: Annotated[str, Field(examples=["VNPT"])]
    all: HoursOut
    work: HoursOut
    outages: Annotated[int, Field(description="That began in these days")]
    restated: Annotated[int, Field(description="Days whose figures late samples changed")]


class AvailabilityPage(BaseModel):
    """rules: how it was counted, in words. work_hours: whether any are known."""

    since: Annotated[str, Field(examples=["2026-11-01"])]
    until: Annotated[str, Field(examples=["2026-11-25"])]
    work_hours: bool
    rules: list[str]
    items: list[AvailabilityOut]


class DayOut(BaseModel):
    day: Annotated[str, Field(examples=["2026-11-25"])]
    all: HoursOut
    work: HoursOut
    outages: int


class DayPage(BaseModel):
    """Days that have figures, oldest first."""

    items: list[DayOut]


def router(context: Context) -> APIRouter:
    """All routes, bound to the running program."""
    api = APIRouter(
        prefix="/api/v1", responses=responses(422), dependencies=[Depends(known_parameters)]
    )

    @api.get(
        "/availability",
        summary="Links, services and places over some days, round the clock and in working hours",
        response_model=AvailabilityPage,
        responses=responses(503),
    )
    def availability(
        since: Since = None,
        until: Until = None,
        type: Annotated[Literal["link", "service", "place"] | None, Query()] = None,
        place: Annotated[str | None, Query(max_length=200, description="One unit only")] = None,
        lang: Lang = "vi",
    ) -> Response:
        return answer(availability_of(context, since, until, place, type, lang))

    @api.get(
        "/availability/{id}",
        summary="One link, service or place, day by day",
        response_model=DayPage,
        responses=responses(404, 503),
    )
    def days(id: Id, since: Since = None, until: Until = None) -> Response:
        topology = context.monitor.topology
        if id not in topology.assets and id not in topology.sites:
            raise HTTPException(404, f"no link, service or place {id}")
        first, last = _range(context, since, until)
        found = context.keeper.agreements.days_of(id, first, last)
        return answer(DayPage(items=[_day(day, tally) for day, tally in found]))

    return api


def availability_of(
    context: Context,
    since: date | None,
    until: date | None,
    place: str | None,
    kind: str | None,
    lang: str,
) -> AvailabilityPage:
    """Raises HTTPException for days or a place that cannot be; reads the database."""
    topology = context.monitor.topology
    first, last = _range(context, since, until)
    today = context.today()
    try:
        wanted = Wanted(every="range", since=first, until=last)
    except ValidationError as error:
        raise HTTPException(422, str(error.errors()[0]["msg"])) from None
    units = units_of(topology, wanted, today)
    if place is not None:
        unit = units.unit_of(place)
        if unit is None:
            raise HTTPException(422, f"no place {place}")
        wanted = wanted.model_copy(update={"place": unit})
    period = Period(wanted, units, min(last, today), today, context.clock.now())
    calendar = working_calendar(topology, context.monitor.calendars)
    found = uptime(context.keeper.agreements.over(*period.days), period, calendar)
    items = [_item(row, of) for of in KINDS if kind in (None, of) for row in _rows(found, of)]
    return AvailabilityPage(
        since=first.isoformat(),
        until=last.isoformat(),
        work_hours=calendar is not None,
        rules=[_(rule, lang) for rule in AVAILABILITY_RULES],
        items=items,
    )


def unit_at(context: Context, place: str, last: date) -> str | None:
    """The unit that a place belongs to on a day, or today when that is still to come."""
    wanted = Wanted(every="range", since=last, until=last)
    return units_of(context.monitor.topology, wanted, context.today()).unit_of(place)


def _rows(found: Uptime, of: str) -> list[Service]:
    return {"link": found.links, "service": found.services, "place": found.places}[of]


def _range(context: Context, since: date | None, until: date | None) -> tuple[date, date]:
    """First and last day; this month up to today unless said. Raises HTTPException."""
    last = until or context.today()
    first = since or last.replace(day=1)
    for day in (first, last):
        if not sensible(day):
            raise HTTPException(422, f"{day} is not between {DAYS[0]} and {DAYS[1]}")
    return first, last


def _item(row: Service, of: str) -> AvailabilityOut:
    return AvailabilityOut.model_validate(
        {
            "id": row.id,
            "name": row.name,
            "type": of,
            "place": row.place,
            "provider": row.provider,
            "all": _hours(row.day),
            "work": _hours(row.work),
            "outages": row.outages,
            "restated": row.restated,
        }
    )


def _day(day: str, tally: Tally) -> DayOut:
    return DayOut(day=day, all=_hours(tally.all), work=_hours(tally.work), outages=tally.outages)


def _hours(found: Hours | Seconds) -> HoursOut:
    return HoursOut(
        up=found.up / 1000,
        down=found.down / 1000,
        maintenance=found.maintenance / 1000,
        unknown=found.unknown / 1000,
        value=found.availability,
        evidence=found.evidence,
    )
