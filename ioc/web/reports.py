"""The reports' page: ask for one, watch it, take it home."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path as FilePath
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Form, HTTPException, Path, Query, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from pydantic import ValidationError

from ioc.accounts.model import Role
from ioc.api.context import Context
from ioc.api.reports import ReportIn, report_out, wanted_by
from ioc.api.targets import author
from ioc.i18n import mark, render
from ioc.i18n import translate as _
from ioc.inventory.topology import Site, Topology, Unit
from ioc.ledger.places import merger_days, name_of, places_on
from ioc.reports import words
from ioc.reports.asked import WrongReport
from ioc.reports.jobs import QUEUE, TooMany
from ioc.reports.kept import CANCELLED, FAILED, PENDING, READY, RUNNING, WAITING, Job
from ioc.reports.model import Every, Wanted
from ioc.reports.periods import around
from ioc.web.render import page

Lang = Annotated[Literal["vi", "en"], Query()]
Line = Annotated[str, Form(max_length=200)]
STATES = {
    WAITING: (mark("waiting for its turn"), "unknown"),
    RUNNING: (mark("being made"), "degraded"),
    READY: (mark("ready"), "up"),
    FAILED: (mark("failed"), "down"),
    CANCELLED: (mark("cancelled"), "off"),
}
OFFERED: tuple[tuple[Every, str, int], ...] = (
    ("month", mark("Month"), 13),
    ("quarter", mark("Quarter"), 6),
    ("year", mark("Year"), 4),
)
SHOWN = 50
FIELDS = ("period", "since", "until", "place", "units", "language")


def router(context: Context) -> APIRouter:
    api = APIRouter(include_in_schema=False, default_response_class=HTMLResponse)

    def shown(
        request: Request,
        lang: str,
        part: str = "",
        wrong: str = "",
        given: dict[str, str] | None = None,
    ) -> Response:
        area = context.monitor.view()
        topology = area.topology
        today = context.today()
        answer = page(
            request,
            "reports_made.html" if part else "reports.html",
            lang,
            area,
            simulated=context.simulated,
            jobs=[_row(context, job, lang) for job in context.reports.jobs()[:SHOWN]],
            busy=any(job.state in PENDING for job in context.reports.jobs()),
            periods=list(_periods(today, lang)),
            places=_places(topology, today),
            merged=bool(merger_days(topology)),
            today=today.isoformat(),
            may=request.state.actor.role.may(Role.OPERATOR),
            given=given or dict.fromkeys(FIELDS, ""),
            wrong=wrong,
        )
        answer.status_code = 422 if wrong else 200
        return answer

    @api.get("/reports")
    def reports(request: Request, part: Literal["made", ""] = "", lang: Lang = "vi") -> Response:
        return shown(request, lang, part)

    @api.post("/reports")
    async def ask(  # noqa: PLR0917 - the fields of the form
        request: Request,
        period: Line = "",
        since: Line = "",
        until: Line = "",
        place: Line = "",
        units: Line = "now",
        language: Line = "vi",
        formats: Annotated[list[str] | None, Form(max_length=5)] = None,
        lang: Lang = "vi",
    ) -> Response:
        given = {
            "period": period, "since": since, "until": until, "place": place, "units": units,
            "language": language,
        }  # fmt: skip
        every, _sep, day = period.partition(":")
        try:
            asked = ReportIn.model_validate(
                {
                    "every": every or "month", "place": place or None, "units": units,
                    "language": language, "day": day or None, "since": since or None,
                    "until": until or None, "formats": formats or [],
                }
            )  # fmt: skip
            await context.reports.submit(wanted_by(context, asked), author(request))
        except WrongReport as error:
            return shown(request, lang, wrong=render(error.reason, lang), given=given)
        except ValidationError as error:
            return shown(request, lang, wrong=_mistake(error, lang), given=given)
        except TooMany:
            many = _("{count} reports wait already; wait or cancel one", lang, count=QUEUE)
            return shown(request, lang, wrong=many, given=given)
        return RedirectResponse(_address(lang), status_code=303)

    @api.post("/reports/{id}/cancel")
    async def cancel(id: Annotated[str, Path(max_length=60)], lang: Lang = "vi") -> Response:
        if await context.reports.cancel(id) is None:
            raise HTTPException(404, f"no report {id}")
        return RedirectResponse(_address(lang), status_code=303)

    return api


def _address(lang: str) -> str:
    return "/reports" if lang == "vi" else f"/reports?lang={lang}"


def _mistake(error: ValidationError, lang: str) -> str:
    """What is wrong with a field, in people's words."""
    fields = {str(one["loc"][0]) for one in error.errors() if one["loc"]}
    if "formats" in fields:
        return _("choose PDF, Excel or both", lang)
    if fields & {"since", "until", "day"}:
        return _("not a date; write for example 30/09/2026", lang)
    return _("the form is not complete; load the page again", lang)


def _periods(today: date, lang: str) -> Iterator[dict[str, Any]]:
    """What is offered, newest first; the last month that is over is chosen."""
    for every, title, count in OFFERED:
        options = []
        day = today
        for number in range(count):
            since, until = around(every, day)
            named = words.period(Wanted(every=every, since=since, until=until), lang)
            named = named[:1].upper() + named[1:]
            running = _("{period} (not over yet)", lang, period=named)
            options.append(
                {
                    "value": f"{every}:{since}",
                    "word": named if number else running,
                    "chosen": every == "month" and number == 1,
                }
            )
            day = since - timedelta(days=1)
        yield {"title": _(title, lang), "options": options}


def _places(topology: Topology, today: date) -> dict[str, str]:
    """Units of today, then those that became part of them."""
    now = {place.id: place.name for place in places_on(topology, today).values()}
    nodes: list[Site | Unit] = [*topology.sites.values(), *topology.units.values()]
    return now | {node.id: node.name for node in nodes if node.into and node.id not in now}


def _row(context: Context, job: Job, lang: str) -> dict[str, Any]:
    out = report_out(context, job, lang)
    word, colour = STATES[job.state]
    topology = context.monitor.topology
    place = job.wanted.place
    return {
        "out": out,
        "title": words.period(job.wanted, lang),
        "place": name_of(topology, place) if place else topology.area_name,
        "word": _(word, lang),
        "colour": colour,
        "created_at": job.created_at,
        "busy": job.state in PENDING,
        "width": round(100 * job.progress),
        "files": list(_files(context, job, lang)),
        "lost": job.state == READY and not out.files,
        "old": job.wanted.units == "before",
        "english": job.wanted.language == "en",
    }


def _files(context: Context, job: Job, lang: str) -> Iterator[dict[str, str]]:
    names = {"pdf": "PDF", "xlsx": "Excel"}
    for form in job.wanted.formats:
        path = context.reports.file(job, form)
        if path is not None:
            yield {
                "address": f"/api/v1/reports/{job.id}/{form}",
                "word": f"{names[form]} ({_size(path)})",
            }


def _size(path: FilePath) -> str:
    kilobytes = path.stat().st_size / 1000
    return f"{kilobytes:.0f} kB" if kilobytes < 1000 else f"{kilobytes / 1000:.1f} MB"
