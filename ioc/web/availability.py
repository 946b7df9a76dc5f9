"""The page of the lines: how long each link, service and place worked, worst first."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from typing import Annotated, Any, Literal

from fastapi import APIRouter, HTTPException, Query, Request
from fastapi.responses import HTMLResponse, Response

from ioc.api.availability import AvailabilityOut, HoursOut, availability_of, unit_at
from ioc.api.context import Context
from ioc.api.params import DAYS, sensible
from ioc.i18n import mark
from ioc.i18n import translate as _
from ioc.ledger.places import places_on
from ioc.reports.periods import around
from ioc.reports.words import length
from ioc.web.render import page
from ioc.web.words import percent

Lang = Annotated[Literal["vi", "en"], Query()]
MONTHS = 12
TITLES = {"link": mark("Lines"), "place": mark("Places"), "service": mark("Services")}


def router(context: Context) -> APIRouter:
    api = APIRouter(include_in_schema=False, default_response_class=HTMLResponse)

    @api.get("/availability")
    def availability(
        request: Request,
        month: Annotated[str, Query(pattern=r"^(\d{4}-(0[1-9]|1[0-2]))?$")] = "",
        place: Annotated[str, Query(max_length=200)] = "",
        lang: Lang = "vi",
    ) -> Response:
        area = context.monitor.view()
        today = context.today()
        first, last = _month_of(month) if month else around("month", today)
        last_day = min(last, max(today, first))
        unit = unit_at(context, place, last_day) if place else None
        found = availability_of(context, first, last_day, unit, None, lang)
        return page(
            request,
            "availability.html",
            lang,
            area,
            simulated=context.simulated,
            groups=[
                (_(title, lang), [_shown(row, lang) for row in ranked])
                for kind, title in TITLES.items()
                if (ranked := _worst_first([r for r in found.items if r.type == kind]))
            ],
            found=found,
            months=list(_months(today)),
            month=first.isoformat()[:7],
            place=unit or "",
            places={p.id: p.name for p in places_on(area.topology, min(last, today)).values()},
        )

    return api


def of_place(context: Context, site: str, lang: str) -> list[dict[str, Any]]:
    """Links, services and the place itself over the last thirty days, for its own page."""
    today = context.today()
    found = availability_of(context, today - timedelta(days=29), today, None, None, lang)
    topology = context.monitor.topology
    mine = {site, *topology.sites[site].links, *topology.sites[site].services}
    return [_shown(row, lang) for row in found.items if row.id in mine]


def _month_of(text: str) -> tuple[date, date]:
    """First and last day of `2026-02`. Raises HTTPException."""
    year, month = map(int, text.split("-"))
    if not (year and sensible(date(year, month, 1))):
        raise HTTPException(422, f"{text} is not between {DAYS[0]} and {DAYS[1]}")
    return around("month", date(year, month, 1))


def _worst_first(rows: list[AvailabilityOut]) -> list[AvailabilityOut]:
    return sorted(rows, key=lambda r: (r.all.value is None, r.all.value or 0.0, r.place, r.name))


def _shown(row: AvailabilityOut, lang: str) -> dict[str, Any]:
    known = row.all.value is not None
    return {
        "row": row,
        "all": percent(row.all.value, lang, 2),
        "work": percent(row.work.value, lang, 2),
        "evidence": percent(row.all.evidence, lang),
        "down": length(round(row.all.down * 1000), lang) if known else "–",
        "maintenance": length(round(row.all.maintenance * 1000), lang),
        "outages": row.outages if known else "–",
        "parts": list(_parts(row.all)),
    }


def _parts(hours: HoursOut) -> Iterator[tuple[str, float, float]]:
    """Left edge and width of each part of a bar of 100."""
    whole = hours.up + hours.down + hours.maintenance + hours.unknown
    left = 0.0
    for state, part in (
        ("up", hours.up),
        ("down", hours.down),
        ("maintenance", hours.maintenance),
        ("unknown", hours.unknown),
    ):
        if whole and part:
            yield state, round(left, 2), round(100 * part / whole, 2)
            left += 100 * part / whole


def _months(today: date) -> Iterator[tuple[str, str]]:
    first = today.replace(day=1)
    for _number in range(MONTHS):
        yield first.isoformat()[:7], first.strftime("%m/%Y")
        first = (first - timedelta(days=1)).replace(day=1)
